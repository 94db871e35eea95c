package profile

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline/row"
)

func batch(name string, cells ...row.Cell) *row.Batch {
	b := row.New(row.NewSchema(row.Column{Name: name}))
	for i, c := range cells {
		b.AddRow(int64(i + 1))
		b.Set(i, 0, c.Kind(), c.Text)
	}
	return b
}

func text(s string) row.Cell { return row.MakeCell(row.Text, s) }

// TestColumns: what a profile says of columns of all sorts.
func TestColumns(t *testing.T) {
	t.Parallel()
	long := ""
	for range 50 {
		long += "é"
	}
	tests := []struct {
		name  string
		cells []row.Cell
		want  Column
	}{
		{"nothing at all", nil, Column{Exact: true}},
		{
			"absent, null and blank",
			[]row.Cell{row.MakeCell(row.Absent, ""), row.MakeCell(row.Null, ""), text(""), text(" \t")},
			Column{Rows: 3, Blank: 2, Null: 1, Exact: true},
		},
		{
			"integers by number, not by text",
			[]row.Cell{text("10"), text("9"), text(" -3 "), row.MakeCell(row.Number, "9")},
			Column{Rows: 4, Filled: 4, Distinct: 3, Exact: true, Longest: 2, Looks: "integer", Min: "-3", Max: "10", Kinds: map[string]int64{"text": 3, "number": 1}, Samples: []string{"10", "9", "-3"}},
		},
		{
			"numbers to the last digit",
			[]row.Cell{text("1.5"), text("999999999999999999.1"), text("999999999999999999.2"), text("-1e3")},
			Column{Rows: 4, Filled: 4, Distinct: 4, Exact: true, Longest: 20, Looks: "number", Min: "-1e3", Max: "999999999999999999.2", Kinds: map[string]int64{"text": 4}, Samples: []string{"1.5", "999999999999999999.1", "999999999999999999.2"}},
		},
		{
			"codes with leading zeros are text",
			[]row.Cell{text("01067"), text("10115")},
			Column{Rows: 2, Filled: 2, Distinct: 2, Exact: true, Longest: 5, Looks: "text", Min: "01067", Max: "10115", Kinds: map[string]int64{"text": 2}, Samples: []string{"01067", "10115"}},
		},
		{
			"dates",
			[]row.Cell{text("2026-11-21"), text("2025-01-01")},
			Column{Rows: 2, Filled: 2, Distinct: 2, Exact: true, Longest: 10, Looks: "date", Min: "2025-01-01", Max: "2026-11-21", Kinds: map[string]int64{"text": 2}, Samples: []string{"2026-11-21", "2025-01-01"}},
		},
		{
			"date-times",
			[]row.Cell{text("2026-11-21T10:00:00Z")},
			Column{Rows: 1, Filled: 1, Distinct: 1, Exact: true, Longest: 20, Looks: "date-time", Min: "2026-11-21T10:00:00Z", Max: "2026-11-21T10:00:00Z", Kinds: map[string]int64{"text": 1}, Samples: []string{"2026-11-21T10:00:00Z"}},
		},
		{
			"e-mail addresses",
			[]row.Cell{text("a@x.org"), text("b@x.org"), text("a@x.org")},
			Column{Rows: 3, Filled: 3, Distinct: 2, Exact: true, Longest: 7, Looks: "email", Min: "a@x.org", Max: "b@x.org", Kinds: map[string]int64{"text": 3}, Samples: []string{"a@x.org", "b@x.org"}},
		},
		{
			"booleans of both kinds",
			[]row.Cell{text("True"), row.MakeCell(row.Bool, "false")},
			Column{Rows: 2, Filled: 2, Distinct: 2, Exact: true, Longest: 5, Looks: "boolean", Min: "True", Max: "false", Kinds: map[string]int64{"text": 1, "bool": 1}, Samples: []string{"True", "false"}},
		},
		{
			"JSON",
			[]row.Cell{row.MakeCell(row.JSON, `{"a":1}`)},
			Column{Rows: 1, Filled: 1, Distinct: 1, Exact: true, Longest: 7, Looks: "json", Min: `{"a":1}`, Max: `{"a":1}`, Kinds: map[string]int64{"json": 1}, Samples: []string{`{"a":1}`}},
		},
		{
			"long values are cut, lengths are of characters",
			[]row.Cell{text(long)},
			Column{Rows: 1, Filled: 1, Distinct: 1, Exact: true, Longest: 50, Looks: "text", Min: long[:80] + "…", Max: long[:80] + "…", Kinds: map[string]int64{"text": 1}, Samples: []string{long[:80] + "…"}},
		},
		{
			"numbers of any size cost no memory: such are not compared",
			[]row.Cell{text("1e999999999"), text("2e999999999")},
			Column{Rows: 2, Filled: 2, Distinct: 2, Exact: true, Longest: 11, Looks: "number", Min: "1e999999999", Max: "1e999999999", Kinds: map[string]int64{"text": 2}, Samples: []string{"1e999999999", "2e999999999"}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := New()
			p.Add(batch("c", test.cells...))
			test.want.Name = "c"
			if test.want.Kinds == nil {
				test.want.Kinds = map[string]int64{}
			}
			if test.want.Samples == nil {
				test.want.Samples = []string{}
			}
			if d := cmp.Diff([]Column{test.want}, p.Columns()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestSchemas: a column goes on where another schema has it at another place; rows that could not
// be read do not count.
func TestSchemas(t *testing.T) {
	t.Parallel()
	p := New()
	p.Add(batch("a", text("x")))
	two := row.New(row.NewSchema(row.Column{Name: "b"}, row.Column{Name: "a"}))
	two.AddRow(1)
	two.Set(0, 1, row.Text, "y")
	two.AddRow(2)
	two.Set(1, 1, row.Text, "z")
	two.Fail(1, row.Problem{Code: "ROW_WIDTH"})
	p.Add(two)
	got := p.Columns()
	if len(got) != 2 || got[0].Name != "a" || got[0].Filled != 2 || got[1].Name != "b" || got[1].Rows != 0 {
		t.Errorf("%+v", got)
	}
}

// TestDistinct: the number of different values is exact up to 256 and within 5 % beyond.
func TestDistinct(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, maxExact, maxExact + 1, 1_000, 10_000, 12_000, 300_000, 2_000_000} {
		var c counter
		for i := range n {
			h := uint64(i+1) * 0x9E3779B97F4A7C15 // a fixed hash: the test is the same every time
			h ^= h >> 32
			h *= 0xD6E8FEB86659FD93
			h ^= h >> 29
			c.add(h)
			if i%3 == 0 {
				c.add(h)
			}
		}
		got, exact := c.count()
		if off := math.Abs(float64(got)-float64(n)) / math.Max(1, float64(n)); off > 0.05 || exact != (n <= maxExact) || exact && off > 0 {
			t.Errorf("%d different values are counted as %d (exact: %v)", n, got, exact)
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	columns := make([]row.Column, 20)
	for i := range columns {
		columns[i].Name = fmt.Sprintf("c%d", i)
	}
	in := row.New(row.NewSchema(columns...))
	for r := range 1000 {
		in.AddRow(int64(r + 1))
		for c := range columns {
			in.Set(r, c, row.Text, fmt.Sprintf("value %d of %d", r*c, c))
		}
	}
	p := New()
	b.ReportAllocs()
	for b.Loop() {
		p.Add(in)
	}
	b.ReportMetric(float64(1000*b.N)/b.Elapsed().Seconds(), "rows/s")
}
