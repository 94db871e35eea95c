package rehearsal

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/outcome"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/pipeline/plan"
	"sfsync/pipeline/row"
)

// Limits bound what a run may do to records that are in the org already: how many it updates, how
// many it deletes, and on how many it clears a field. One without a text is no limit.
type Limits struct {
	Updates, Deletes, Clears outcome.Threshold
}

// AddTo adds the flags for the limits.
func (l *Limits) AddTo(fs *pflag.FlagSet) {
	fs.Var(&l.Updates, "max-updates", "end with 6 before anything is sent if more records than this would be changed")
	fs.Var(&l.Deletes, "max-deletes", "end with 6 before anything is sent if more records than this would be deleted")
	fs.Var(&l.Clears, "max-clears", "end with 6 before anything is sent if more records than this would have a field cleared")
}

// Any reports whether there is a limit.
func (l *Limits) Any() bool { return l.String() != "" }

// String returns the limits as they are given on the command line, "" for none.
func (l *Limits) String() string {
	var parts []string
	for _, p := range []struct{ flag, text string }{
		{"--max-updates", l.Updates.Text}, {"--max-deletes", l.Deletes.Text}, {"--max-clears", l.Clears.Text},
	} {
		if p.text != "" {
			parts = append(parts, p.flag+" "+p.text)
		}
	}
	return strings.Join(parts, " ")
}

// Tally counts what the limits are about. It serves one goroutine.
type Tally struct {
	// Records are those that a run would write, leave unchanged or reject: shares are of them.
	Records int64
	// Updates, Deletes and Clears are of records that are in the org before the run. A record that
	// several rows change counts once for each.
	Updates, Deletes, Clears int64

	fields map[string]int64 // records of which a field would be cleared, by its name
}

// Batch counts what would become of the rows of a batch. It returns no error; its form is that of
// pipeline.Options.Planned.
func (t *Tally) Batch(b *plan.Batch) error {
	for i := range b.Mapped.Targets {
		records := b.Mapped.Targets[i].Batch
		for r := range b.Mapped.Source.Len() {
			rec := b.Record(r, i)
			switch rec.Action {
			case plan.Undecided, plan.Look, plan.Skip:
				continue
			}
			t.Records++
			switch {
			case rec.ID == "": // not in the org yet
			case rec.Action == plan.Delete:
				t.Deletes++
			case rec.Action == plan.Update:
				t.Updates++
				t.clears(records, r, rec.Before)
			}
		}
	}
	return nil
}

// clears counts an update if it clears a field, and the fields.
func (t *Tally) clears(records *row.Batch, r int, before []row.Cell) {
	cleared := false
	for c := range before {
		if before[c].Blank() || !records.Cell(r, c).Blank() {
			continue
		}
		cleared = true
		if t.fields == nil {
			t.fields = make(map[string]int64)
		}
		name := records.Schema().Columns[c].Name
		if t.fields[name] == 0 {
			name = strings.Clone(name)
		}
		t.fields[name]++
	}
	if cleared {
		t.Clears++
	}
}

// Check returns an error that names every limit which a run would exceed, and by how much. It ends a
// command with [exit.DataProblems].
func (l *Limits) Check(t *Tally) error {
	var over []string
	for _, p := range []struct {
		flag  string
		limit *outcome.Threshold
		n     int64
		what  string
	}{
		{"max-updates", &l.Updates, t.Updates, "update"},
		{"max-deletes", &l.Deletes, t.Deletes, "delete"},
		{"max-clears", &l.Clears, t.Clears, "clear " + t.cleared() + " on"},
	} {
		if p.limit.Text != "" && p.limit.Exceeds(p.n, t.Records) {
			over = append(over, fmt.Sprintf("a run would %s %s of %s, more than --%s %s",
				p.what, ui.Count(p.n), ui.Plural(t.Records, "record", "records"), p.flag, p.limit.Text))
		}
	}
	if len(over) == 0 {
		return nil
	}
	return exit.Errorf(exit.DataProblems, "%s", strings.Join(over, "; "))
}

// maxNamed is how many cleared fields an error names.
const maxNamed = 3

// cleared names the fields that would be cleared, the most frequent first.
func (t *Tally) cleared() string {
	names := slices.SortedFunc(maps.Keys(t.fields), func(a, b string) int {
		return cmp.Or(cmp.Compare(t.fields[b], t.fields[a]), cmp.Compare(a, b))
	})
	if len(names) > maxNamed {
		return fmt.Sprintf("%s and %d more fields", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
	}
	return strings.Join(names, ", ")
}
