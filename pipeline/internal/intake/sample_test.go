package intake

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sfsync/pipeline/row"
)

// A sample has as many rows as were asked for, the first one among them, no two gaps between them differ by more than
// one, and it does not depend on how the input falls into batches.
func TestSampleProperty(t *testing.T) {
	schema := row.NewSchema(row.Column{Name: "a"})
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.IntRange(2, 500).Draw(t, "total")
		want := rapid.IntRange(1, total-1).Draw(t, "want")
		pick := func(size func() int) (lines []int64) {
			s := &sample{want: uint64(want), total: uint64(total)}
			for n := 0; n < total; {
				b := row.New(schema)
				for range min(size(), total-n) {
					b.AddRow(int64(n))
					n++
				}
				s.choose(b)
				for r := range b.Len() {
					lines = append(lines, b.Line(r))
				}
			}
			return lines
		}
		one := pick(func() int { return total })
		if len(one) != want || one[0] != 0 {
			t.Fatalf("%d of %d: %v", want, total, one)
		}
		gaps := make([]int64, 0, want)
		for i, at := range one[1:] {
			gaps = append(gaps, at-one[i])
		}
		if len(gaps) > 0 && slices.Max(gaps)-slices.Min(gaps) > 1 {
			t.Fatalf("%d of %d: gaps from %d to %d", want, total, slices.Min(gaps), slices.Max(gaps))
		}
		if other := pick(func() int { return rapid.IntRange(1, 7).Draw(t, "batch") }); !slices.Equal(one, other) {
			t.Fatalf("%v in one batch, %v in several", one, other)
		}
	})
}
