package plan

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"sfsync/mapping"
	"sfsync/mapping/event"
	"sfsync/pipeline/report"
	"sfsync/pipeline/row"
)

// Writer writes a plan, one line a record, and counts what is in it. It serves one goroutine.
type Writer struct {
	out     *bufio.Writer
	file    *os.File // that it made, nil for none
	buf     []byte
	targets []target // of the plan, then those of its second pass
	first   int      // how many are of the plan itself
}

// target is what the writer knows of a target.
type target struct {
	of    *mapping.Plan
	plan  *mapping.PlanTarget
	index int
	names []string // of all targets
	match []column // the fields of the match keys

	counts  [actions]int64
	changes changes
	reasons map[reason]int64
}

// column is a column of a target's batches by the name of its field.
type column struct {
	name   string
	column int
}

// NewFile makes plan.jsonl in a run directory, which has none yet. The caller closes the writer.
func NewFile(d *report.Dir, p *mapping.Plan) (*Writer, error) {
	f, err := os.OpenFile(d.Path(report.PlanFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, failed(err)
	}
	w := NewWriter(p, f)
	w.file = f
	return w, nil
}

// NewWriter returns a writer of what would become of a plan's records. The caller closes it.
func NewWriter(p *mapping.Plan, out io.Writer) *Writer {
	w := &Writer{out: bufio.NewWriterSize(out, 64<<10), first: len(p.Targets)}
	w.add(p)
	if p.Second != nil {
		w.add(p.Second)
	}
	return w
}

func (w *Writer) add(p *mapping.Plan) {
	names := make([]string, len(p.Targets))
	for i := range p.Targets {
		t := &p.Targets[i]
		names[i] = t.Name
		w.targets = append(w.targets, target{of: p, plan: t, index: i, names: names, match: matchOf(t), reasons: map[reason]int64{}})
	}
}

// matchOf returns the fields of the target's match keys: the column that is sent where there is
// one, else that of the folded key.
func matchOf(t *mapping.PlanTarget) []column {
	var out []column
	seen := map[string]bool{}
	for _, k := range t.Keys {
		for i, f := range k.Fields {
			if seen[f.Name] {
				continue
			}
			seen[f.Name] = true
			c := t.Schema.Index(f.Name)
			if c < 0 {
				c = k.Columns[i]
			}
			out = append(out, column{f.Name, c})
		}
	}
	return out
}

// Batch writes what would become of the rows of a batch: of each row first the first target, then
// the next. Targets for events that name them have no line for those that do not, which are most.
// The error is a [report.ErrReport].
func (w *Writer) Batch(b *Batch) error {
	targets := w.targets[:w.first]
	if b.Second {
		targets = w.targets[w.first:]
	}
	for r := range b.Mapped.Source.Len() {
		for i := range targets {
			t := &targets[i]
			rec := b.Record(r, i)
			t.count(b.Mapped.Targets[i].Batch, r, &rec)
			if rec.Action == Undecided || rec.Action == Look || unlisted(rec.Code) {
				continue
			}
			w.buf = append(t.appendRecord(w.buf[:0], b, r, &rec), '\n')
			if _, err := w.out.Write(w.buf); err != nil {
				return failed(err)
			}
		}
	}
	return nil
}

// unlisted reports whether a record that is skipped for such a reason has no line: most rows have no
// use for a target that is there for events that name it, for parents that are referred to, or for
// references of records that are written.
func unlisted(code string) bool {
	return code == event.CodeNoEntry || code == mapping.CodeNotReferred || code == "NOT_WRITTEN"
}

// Close writes what is left and brings the file that NewFile made to disk. A second call does
// nothing. The error is a [report.ErrReport].
func (w *Writer) Close() error {
	err := w.out.Flush()
	if f := w.file; f != nil {
		w.file = nil
		err = errors.Join(err, f.Sync(), f.Close())
	}
	return failed(err)
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: write %s: %w", report.ErrReport, report.PlanFile, err)
}

// count adds a record to the counts.
func (t *target) count(batch *row.Batch, r int, rec *Record) {
	t.counts[rec.Action]++
	switch rec.Action {
	case Update:
		t.changes.add(batch, r, rec)
	case Skip, Reject:
		t.reasons[t.reason(rec)]++
	}
}
