package rehearsal

import (
	"testing"

	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/mapping"
	"sfsync/pipeline/plan"
	"sfsync/pipeline/row"
)

func limits(t *testing.T, args ...string) *Limits {
	t.Helper()
	var l Limits
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	l.AddTo(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return &l
}

func TestLimits(t *testing.T) {
	some := Tally{Records: 200, Updates: 20, Deletes: 3, Clears: 4, fields: map[string]int64{"Phone": 4, "Fax": 1}}
	many := Tally{Records: 1, Updates: 1, Clears: 1, fields: map[string]int64{"D": 1, "C": 1, "B": 1, "A": 2, "E": 1}}
	for _, tt := range []struct {
		name  string
		args  []string
		tally *Tally
		want  string
	}{
		{"none is no limit", nil, &some, ""},
		{"as many as the limit", []string{"--max-updates", "20", "--max-deletes", "3", "--max-clears", "4"}, &some, ""},
		{"a share that is reached", []string{"--max-updates", "10%", "--max-clears", "2%"}, &some, ""},
		{"a share that is exceeded", []string{"--max-updates", "9.9%"}, &some, "a run would update 20 of 200 records, more than --max-updates 9.9%"},
		{"0 is a limit", []string{"--max-deletes", "0"}, &some, "a run would delete 3 of 200 records, more than --max-deletes 0"},
		{"so is 0%", []string{"--max-deletes", "0%"}, &some, "a run would delete 3 of 200 records, more than --max-deletes 0%"},
		{"nothing is not more than 0", []string{"--max-updates", "0", "--max-deletes", "0%", "--max-clears", "0"}, &Tally{}, ""},
		{
			"the fields are named, the most frequent first",
			[]string{"--max-clears", "1", "--max-deletes", "2"},
			&some,
			"a run would delete 3 of 200 records, more than --max-deletes 2; a run would clear Phone, Fax on 4 of 200 records, more than --max-clears 1",
		},
		{"three fields are named", []string{"--max-clears", "0"}, &many, "a run would clear A, B, C and 2 more fields on 1 of 1 record, more than --max-clears 0"},
	} {
		l := limits(t, tt.args...)
		err := l.Check(tt.tally)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || err.Error() != tt.want || exit.Of(err) != exit.DataProblems):
			t.Errorf("%s: %v (code %d), want %s", tt.name, err, exit.Of(err), tt.want)
		}
		if l.Any() != (tt.args != nil) {
			t.Errorf("%s: limits %q", tt.name, l)
		}
	}
}

// TestTally counts what is in the org already, and of that what an update takes from it.
func TestTally(t *testing.T) {
	s := row.NewSchema(row.Column{Name: "Name"}, row.Column{Name: "Phone"}, row.Column{Name: "Fax"})
	text := func(v string) row.Cell { return row.MakeCell(row.Text, v) }
	null, absent := row.MakeCell(row.Null, ""), row.Cell{}
	rows := []struct {
		sent [3]row.Cell
		rec  plan.Record
	}{
		{[3]row.Cell{text("a"), null, null}, plan.Record{Action: plan.Create}},
		{[3]row.Cell{text("a"), text("1"), absent}, plan.Record{Action: plan.Update, ID: "1", Before: []row.Cell{text("b"), null, absent}}},
		{[3]row.Cell{text("a"), null, null}, plan.Record{Action: plan.Update, ID: "2", Before: []row.Cell{absent, text("1"), text("2")}}},
		{[3]row.Cell{text("a"), null, absent}, plan.Record{Action: plan.Update, ID: "3", Before: []row.Cell{absent, text("1"), absent}}},
		{[3]row.Cell{text("a"), null, absent}, plan.Record{Action: plan.Update, Before: []row.Cell{absent, text("1")}}}, // of what an earlier row creates
		{[3]row.Cell{text("a"), null, null}, plan.Record{Action: plan.Unchanged, ID: "4"}},
		{[3]row.Cell{text("a")}, plan.Record{Action: plan.Delete, ID: "5"}},
		{[3]row.Cell{text("a")}, plan.Record{Action: plan.Reject, ID: "6", Code: "X"}},
		{[3]row.Cell{text("a")}, plan.Record{Action: plan.Skip, Code: "NOT_FOUND"}},
		{[3]row.Cell{text("a")}, plan.Record{Action: plan.Look, ID: "7"}},
		{[3]row.Cell{text("a")}, plan.Record{Action: plan.Undecided}},
	}
	b := row.New(s)
	for i, r := range rows {
		b.AddRow(int64(i + 2))
		for c, cell := range r.sent {
			b.Set(i, c, cell.Kind(), cell.Text)
		}
	}
	var tally Tally
	batch := &plan.Batch{
		Mapped: &mapping.Mapped{Source: b, Targets: []mapping.Records{{Batch: b}}},
		Record: func(r, _ int) plan.Record { return rows[r].rec },
	}
	if err := tally.Batch(batch); err != nil {
		t.Fatal(err)
	}
	if tally.Records != 8 || tally.Updates != 3 || tally.Deletes != 1 || tally.Clears != 2 || tally.cleared() != "Phone, Fax" {
		t.Errorf("%+v, cleared %s", tally, tally.cleared())
	}
}
