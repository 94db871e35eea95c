package row_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/pipeline/row"
)

func columns(names ...string) *row.Schema {
	cols := make([]row.Column, len(names))
	for i, n := range names {
		cols[i] = row.Column{Name: n, Type: "text"}
	}
	return row.NewSchema(cols...)
}

func TestCells(t *testing.T) {
	b := row.New(columns("a", "b", "c", "d"))
	r := b.AddRow(7)
	b.Set(r, 2, row.Text, "zwölf")
	b.Set(r, 0, row.Number, "1e3")
	b.SetKind(r, 1, row.Null)
	b.Set(r, 2, row.Text, "again") // the last one wins
	off := b.SetRaw(r, []byte(`{"d":true}`))
	b.SetSpan(r, 3, row.Bool, off+5, off+9)

	for c, want := range []row.Cell{
		row.MakeCell(row.Number, "1e3"), row.MakeCell(row.Null, ""), row.MakeCell(row.Text, "again"), row.MakeCell(row.Bool, "true"),
	} {
		if got := b.Cell(r, c); got != want {
			t.Errorf("column %d: %v %q, want %v %q", c, got.Kind(), got.Text, want.Kind(), want.Text)
		}
	}
	if b.Len() != 1 || b.Line(r) != 7 || b.Raw(r) != `{"d":true}` || b.TextSize(r) != len("1e3again")+4 {
		t.Errorf("len %d, line %d, raw %q, size %d", b.Len(), b.Line(r), b.Raw(r), b.TextSize(r))
	}
}

func TestRowsStartAbsentAlsoInReusedMemory(t *testing.T) {
	var p row.Pool
	s := columns("a", "b")
	b := p.Get(s)
	for range 10 {
		r := b.AddRow(1)
		b.Set(r, 0, row.Text, "old")
		b.Fail(r, row.Problem{Code: "OLD"})
	}
	b.Free()
	b.Free() // does nothing: the batch may belong to somebody else by now
	b = p.Get(s)
	r := b.AddRow(1)
	if c := b.Cell(r, 0); c.Kind() != row.Absent || !c.Blank() || b.Raw(r) != "" {
		t.Errorf("a new row holds %v %q", c.Kind(), c.Text)
	}
	if _, bad := b.Problem(r); bad {
		t.Error("a new row has the problem of an old one")
	}
}

func TestOnInsertIsAFlag(t *testing.T) {
	b := row.New(columns("a"))
	r := b.AddRow(1)
	b.Set(r, 0, row.Text|row.OnInsert, "n/a")
	if c := b.Cell(r, 0); c.Kind() != row.Text || !c.OnInsert() || c.Text != "n/a" {
		t.Errorf("%v %v %q", c.Kind(), c.OnInsert(), c.Text)
	}
}

func TestWidenKeepsRows(t *testing.T) {
	s := columns("a", "b")
	b := row.New(s)
	for i := range 3 {
		r := b.AddRow(int64(i + 1))
		b.Set(r, 0, row.Text, "a"+strconv.Itoa(i))
		b.Set(r, 1, row.Text, "b"+strconv.Itoa(i))
	}
	wide := s.With(row.Column{Name: "c"})
	b.Widen(wide)
	r := b.AddRow(4)
	b.Set(r, 2, row.Text, "c3")
	got := ""
	for r := range b.Len() {
		for c := range wide.Columns {
			got += b.Cell(r, c).Text + "/" + b.Cell(r, c).Kind().String() + " "
		}
	}
	want := "a0/text b0/text /absent a1/text b1/text /absent a2/text b2/text /absent /absent /absent c3/text "
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if wide.Index("c") != 2 || wide.Index("C") != -1 || s.Index("c") != -1 {
		t.Error("indexes")
	}
}

func TestDropLast(t *testing.T) {
	b := row.New(columns("a"))
	for i := range 3 {
		r := b.AddRow(int64(i))
		b.Set(r, 0, row.Text, strconv.Itoa(i))
	}
	b.Fail(2, row.Problem{Code: "X"})
	b.DropLast()
	r := b.AddRow(9)
	if _, bad := b.Problem(r); bad || b.Len() != 3 || b.Cell(r, 0).Kind() != row.Absent || b.Cell(1, 0).Text != "1" {
		t.Error("the row after a dropped one is not new")
	}
}

// Rows under other column names are another input.
func TestChecksumHasTheColumns(t *testing.T) {
	sum := func(names ...string) uint32 {
		b := row.New(columns(names...))
		b.AddRow(2)
		b.Set(0, 0, row.Text, "x")
		b.Set(0, 1, row.Text, "y")
		return b.Checksum()
	}
	want := sum("a", "b")
	if got := sum("a", "b"); got != want {
		t.Errorf("the same columns have the checksums %x and %x", want, got)
	}
	for _, names := range [][]string{{"b", "a"}, {"a", "c"}, {"ab", ""}} {
		if sum(names...) == want {
			t.Errorf("the columns %q have the checksum of a, b", names)
		}
	}
}

// The checksum tells batches apart whose rows differ in anything a run looks at, and equal
// ones never.
func TestChecksumProperty(t *testing.T) {
	type cell struct {
		Kind row.Kind
		Text string
	}
	gen := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) cell {
		return cell{row.Kind(rapid.IntRange(2, 4).Draw(t, "kind")), rapid.StringN(0, 4, -1).Draw(t, "text")}
	}), 4, 4)
	build := func(cells []cell) uint32 {
		b := row.New(columns("a", "b"))
		for i, c := range cells {
			if i%2 == 0 {
				b.AddRow(int64(i))
			}
			b.Set(i/2, i%2, c.Kind, c.Text)
		}
		return b.Checksum()
	}
	rapid.Check(t, func(t *rapid.T) {
		x, y := gen.Draw(t, "x"), gen.Draw(t, "y")
		if same := cmp.Equal(x, y); (build(x) == build(y)) != same {
			t.Fatalf("%v and %v: equal %v, checksums %x and %x", x, y, same, build(x), build(y))
		}
	})
}

func fill(b *row.Batch, rows int) {
	for i := range rows {
		r := b.AddRow(int64(i))
		for c := range b.Schema().Columns {
			buf := b.Begin()
			buf = strconv.AppendInt(buf, int64(i*c), 10)
			b.End(r, c, row.Number, buf)
		}
	}
}

func TestNoAllocationPerRow(t *testing.T) {
	var p row.Pool
	s := columns("a", "b", "c", "d", "e")
	warm := p.Get(s)
	fill(warm, row.MaxRows)
	warm.Free()
	n := testing.AllocsPerRun(20, func() {
		b := p.Get(s)
		fill(b, row.MaxRows)
		b.Free()
	})
	if n > 20 { // the pool may be emptied by a collection in between; a row must cost nothing
		t.Errorf("%v allocations for %d rows", n, row.MaxRows)
	}
}

func BenchmarkFill(b *testing.B) {
	var p row.Pool
	s := columns("a", "b", "c", "d", "e")
	b.ReportAllocs()
	for b.Loop() {
		x := p.Get(s)
		fill(x, row.MaxRows)
		x.Free()
	}
	b.ReportMetric(float64(row.MaxRows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// TestRetain: rows move up with all that belongs to them.
func TestRetain(t *testing.T) {
	t.Parallel()
	for mask := range 1 << 6 {
		b := row.New(row.NewSchema(row.Column{Name: "a"}, row.Column{Name: "b"}))
		var want []int
		for i := range 6 {
			b.AddRow(int64(10 + i))
			b.Set(i, 0, row.Text, fmt.Sprint(i))
			b.Set(i, 1, row.Number, fmt.Sprint(100+i))
			b.SetRaw(i, fmt.Appendf(nil, "raw %d", i))
			if i%2 == 0 {
				b.Fail(i, row.Problem{Code: fmt.Sprint(i)})
			}
			if i%3 == 0 {
				b.SetOnly(i, fmt.Sprint(i))
				b.Skip(i, row.Problem{Code: fmt.Sprint(i)})
			}
			if mask>>i&1 == 1 {
				want = append(want, i)
			}
		}
		b.Retain(func(r int) bool { return mask>>r&1 == 1 })
		if b.Len() != len(want) {
			t.Fatalf("mask %b: %d rows", mask, b.Len())
		}
		for r, i := range want {
			problem, bad := b.Problem(r)
			skip, skipped := b.Skipped(r)
			name := fmt.Sprint(i)
			if b.Line(r) != int64(10+i) || b.Cell(r, 0).Text != name || b.Cell(r, 1).Text != fmt.Sprint(100+i) || b.Cell(r, 1).Kind() != row.Number ||
				b.Raw(r) != "raw "+name || bad != (i%2 == 0) || bad && problem.Code != name ||
				skipped != (i%3 == 0) || skipped && skip.Code != name || (b.Only(r) == name) != (i%3 == 0) {
				t.Errorf("mask %b: row %d is not what row %d was", mask, r, i)
			}
		}
		r := b.AddRow(99)
		_, bad := b.Problem(r)
		if _, skipped := b.Skipped(r); bad || skipped || b.Only(r) != "" || b.Cell(r, 0).Kind() != row.Absent {
			t.Errorf("mask %b: a new row is not new", mask)
		}
	}
}
