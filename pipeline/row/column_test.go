package row_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"sfsync/pipeline/row"
)

// TestColumns: a batch that was filled column by column holds the same as one filled cell by cell,
// whatever was in it before and however the texts stood.
func TestColumns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		schema := row.NewSchema(row.Column{Name: "a"}, row.Column{Name: "b"}, row.Column{Name: "c"})
		want, got := row.New(schema), row.New(schema)
		for range rapid.IntRange(1, 3).Draw(t, "runs") {
			n := rapid.IntRange(0, 5).Draw(t, "rows")
			line := int64(want.Len() + 1)
			first := got.AddRows(line, n)
			for i := range n {
				if at := want.AddRow(line + int64(i)); at != first+i {
					t.Fatalf("row %d is the first, not %d", first, at-i)
				}
			}
			for _, c := range []int{2, 0} { // b stays absent
				text := []byte(rapid.StringN(0, 4, -1).Draw(t, "before"))
				from := uint32(len(text))
				var kinds []row.Kind
				var ends []uint32
				for i := range n {
					cell := rapid.String().Draw(t, "text")
					kind := row.Kind(rapid.IntRange(int(row.Null), int(row.JSON)).Draw(t, "kind"))
					text = append(text, cell...)
					kinds, ends = append(kinds, kind), append(ends, uint32(len(text)))
					want.Set(first+i, c, kind, cell)
				}
				got.SetColumn(first, c, kinds, text, from, ends)
			}
		}
		if g, w := show(got), show(want); g != w {
			t.Fatalf("%s\nnot %s", g, w)
		}
	})
}

func show(b *row.Batch) string {
	s := ""
	for r := range b.Len() {
		s += fmt.Sprintf("%d %q:", b.Line(r), b.Raw(r))
		for c := range b.Schema().Columns {
			cell := b.Cell(r, c)
			s += fmt.Sprintf(" %s %q", cell.Kind(), cell.Text)
		}
		s += "\n"
	}
	return s
}
