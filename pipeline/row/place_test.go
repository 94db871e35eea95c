package row_test

import (
	"fmt"
	"testing"

	"sfsync/pipeline/row"
)

// TestPlace: a row of a row file stands where it stood in the first run's input, and keeps its place
// when others are removed; one that has no such place stands in its own file.
func TestPlace(t *testing.T) {
	t.Parallel()
	b := row.New(row.NewSchema(row.Column{Name: "a"}))
	for r := range 6 {
		b.AddRow(int64(r + 2))
		b.Set(r, 0, row.Text, fmt.Sprint(r))
		if r == 1 || r == 4 {
			b.SetOrigin(r, "in.csv", int64(100+r))
		}
	}
	check := func(want ...string) {
		t.Helper()
		if b.Len() != len(want) {
			t.Fatalf("%d rows, want %d", b.Len(), len(want))
		}
		for r, w := range want {
			file, line := b.Place(r, "failed.csv")
			if got := fmt.Sprintf("%s %s:%d", b.Cell(r, 0).Text, file, line); got != w {
				t.Errorf("row %d is %s, want %s", r, got, w)
			}
		}
	}
	check("0 failed.csv:2", "1 in.csv:101", "2 failed.csv:4", "3 failed.csv:5", "4 in.csv:104", "5 failed.csv:7")
	b.Retain(func(r int) bool { return r != 0 && r != 2 })
	check("1 in.csv:101", "3 failed.csv:5", "4 in.csv:104", "5 failed.csv:7")
	b.DropLast()
	b.DropLast()
	b.AddRow(9)
	b.Set(2, 0, row.Text, "9")
	check("1 in.csv:101", "3 failed.csv:5", "9 failed.csv:9")
	b.Reset(b.Schema())
	b.AddRow(2)
	b.Set(0, 0, row.Text, "new")
	check("new failed.csv:2")
}
