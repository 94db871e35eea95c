package text

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet/budget"
	"sfsync/pipeline/source/parquet/encoding"
)

// TestCells: cells that were copied, picked and spread between nulls have the texts they should
// have, of any length and wherever they stand in memory.
func TestCells(t *testing.T) {
	t.Parallel()
	mem := budget.New(math.MaxInt64)
	rapid.Check(t, func(t *rapid.T) {
		var c Cells
		var want []string
		for range rapid.IntRange(1, 4).Draw(t, "runs") {
			texts := rapid.SliceOf(rapid.StringN(0, 40, 60)).Draw(t, "texts")
			data := []byte("x")
			spans := make([]encoding.Span, len(texts))
			for i, s := range texts {
				spans[i] = encoding.Span{From: uint32(len(data)), To: uint32(len(data) + len(s))}
				data = append(data, s...)
			}
			data = append(make([]byte, 0, len(data)+rapid.IntRange(0, Slack).Draw(t, "slack")), data...)
			index := make([]uint32, len(texts))
			for i := range index {
				index[i] = uint32(rapid.IntRange(0, len(texts)-1).Draw(t, "index"))
			}
			picked := rapid.Bool().Draw(t, "picked")
			if err := c.Room(mem, len(texts)*160); err != nil {
				t.Fatal(err)
			}
			first := c.Len()
			if picked {
				c.Pick(data, spans, index, row.Text)
			} else {
				c.Copy(data, spans, row.Text)
			}
			var levels []uint8
			for i := range texts {
				for range rapid.IntRange(0, 2).Draw(t, "nulls") {
					levels, want = append(levels, 2), append(want, "null")
				}
				s := texts[i]
				if picked {
					s = texts[index[i]]
				}
				levels, want = append(levels, 3), append(want, "text "+s)
			}
			for range rapid.IntRange(0, 2).Draw(t, "nulls") {
				levels, want = append(levels, 2), append(want, "null")
			}
			c.Spread(first, levels, 3)
		}
		var got []string
		from := uint32(0)
		for i, end := range c.Ends {
			s := c.Kinds[i].String()
			if c.Kinds[i] == row.Text {
				s += " " + string(c.Text[from:end])
			} else if from != end {
				t.Fatalf("cell %d is null and has a text", i)
			}
			got, from = append(got, s), end
		}
		if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
			t.Fatalf("%q\nnot %q", g, w)
		}
	})
}
