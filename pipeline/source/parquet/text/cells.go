package text

import (
	"encoding/binary"
	"unicode/utf8"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet/budget"
	"sfsync/pipeline/source/parquet/encoding"
)

// Slack is how many bytes there should be behind texts that are copied: short ones are copied in
// pieces of a fixed length, which is faster than copying the bytes there are.
const Slack = 32

// Cells is a run of cells: their texts one behind another.
type Cells struct {
	Text  []byte
	Ends  []uint32 // where in Text each cell ends
	Kinds []row.Kind

	counted int // the bytes of Text that the budget knows
}

// Reset removes the cells. Memory is kept.
func (c *Cells) Reset() { c.Text, c.Ends, c.Kinds = c.Text[:0], c.Ends[:0], c.Kinds[:0] }

// Len returns the number of cells.
func (c *Cells) Len() int { return len(c.Ends) }

// Room makes room for n more bytes of text, and counts it.
func (c *Cells) Room(mem *budget.Budget, n int) error {
	if cap(c.Text)-len(c.Text) >= n+Slack {
		return nil
	}
	size := len(c.Text) + n + Slack
	if size < 64<<10 {
		size = max(size, 2*cap(c.Text)) // it is filled bit by bit
	}
	if err := mem.Take(int64(size - c.counted)); err != nil {
		return err
	}
	c.counted = size
	text := make([]byte, len(c.Text), size)
	copy(text, c.Text)
	c.Text = text
	return nil
}

// Count counts what texts that turned out longer than expected have taken.
func (c *Cells) Count(mem *budget.Budget) error {
	n := cap(c.Text) - c.counted
	if n <= 0 {
		return nil
	}
	if err := mem.Take(int64(n)); err != nil {
		return err
	}
	c.counted += n
	return nil
}

// Free gives up memory for texts that is larger than keep.
func (c *Cells) Free(mem *budget.Budget, keep int) {
	if cap(c.Text) > keep {
		mem.Give(int64(c.counted))
		c.Text, c.counted = nil, 0
	}
}

// Add adds a cell. Text is that of the cells with its text behind.
func (c *Cells) Add(text []byte, kind row.Kind) {
	c.Text = text
	c.Ends, c.Kinds = append(c.Ends, uint32(len(text))), append(c.Kinds, kind)
}

// more makes n more cells and returns their ends and kinds.
func (c *Cells) more(n int) (ends []uint32, kinds []row.Kind) {
	at := len(c.Ends)
	c.Ends, c.Kinds = extend(c.Ends, n), extend(c.Kinds, n)
	return c.Ends[at:], c.Kinds[at:]
}

func extend[T any](s []T, n int) []T {
	if l := len(s) + n; l <= cap(s) {
		return s[:l]
	}
	return append(s, make([]T, n)...)
}

// Copy adds the texts that stand in data as cells of one kind. There must be room for them.
func (c *Cells) Copy(data []byte, spans []encoding.Span, kind row.Kind) {
	ends, kinds := c.more(len(spans))
	text, at := c.Text[:cap(c.Text)], len(c.Text)
	data = data[:cap(data)]
	for i, s := range spans {
		at += copyText(text[at:], data[s.From:], int(s.To-s.From))
		ends[i] = uint32(at)
	}
	fill(kinds, kind)
	c.Text = text[:at]
}

// Pick is Copy for the texts of the spans with the numbers in index.
func (c *Cells) Pick(data []byte, spans []encoding.Span, index []uint32, kind row.Kind) {
	ends, kinds := c.more(len(index))
	text, at := c.Text[:cap(c.Text)], len(c.Text)
	data = data[:cap(data)]
	for i, k := range index {
		s := spans[k]
		at += copyText(text[at:], data[s.From:], int(s.To-s.From))
		ends[i] = uint32(at)
	}
	fill(kinds, kind)
	c.Text = text[:at]
}

// copyText copies n bytes, or some more if that is faster: what is behind them must not matter.
func copyText(dst, src []byte, n int) int {
	if n <= 16 && len(dst) >= 16 && len(src) >= 16 {
		*(*[16]byte)(dst) = *(*[16]byte)(src)
		return n
	}
	return copyLong(dst, src, n)
}

func copyLong(dst, src []byte, n int) int {
	if n <= 32 && len(dst) >= 32 && len(src) >= 32 {
		*(*[32]byte)(dst) = *(*[32]byte)(src)
		return n
	}
	return copy(dst[:n], src[:n])
}

// Nulls adds n nulls.
func (c *Cells) Nulls(n int) {
	ends, kinds := c.more(n)
	at := uint32(len(c.Text))
	for i := range ends {
		ends[i] = at
	}
	fill(kinds, row.Null)
}

// Spread puts nulls between the cells from the one numbered first on: one cell for each of levels,
// null where the level is not most. There is a cell for every level that is.
func (c *Cells) Spread(first int, levels []uint8, most uint8) {
	n := len(c.Ends) - first
	c.more(len(levels) - n)
	ends, kinds := c.Ends[first:], c.Kinds[first:]
	before := uint32(0)
	if first > 0 {
		before = c.Ends[first-1]
	}
	// From the end on, so that no cell is overwritten before it has moved. A null ends where the
	// cell before it does.
	for i := len(levels) - 1; i >= 0; i-- {
		if n == 0 {
			ends[i], kinds[i] = before, row.Null
			continue
		}
		ends[i] = ends[n-1]
		kind := kinds[n-1]
		if levels[i] == most {
			n--
		} else {
			kind = row.Null
		}
		kinds[i] = kind
	}
}

func fill(kinds []row.Kind, kind row.Kind) {
	for i := range kinds {
		kinds[i] = kind
	}
}

// valid reports whether all spans, which stand in data one behind another, are UTF-8.
func valid(data []byte, spans []encoding.Span) bool {
	if len(spans) == 0 {
		return true
	}
	if ascii(data[spans[0].From:spans[len(spans)-1].To]) {
		return true
	}
	for _, s := range spans {
		if !utf8.Valid(data[s.From:s.To]) {
			return false
		}
	}
	return true
}

// ascii reports whether all bytes are ASCII.
func ascii(b []byte) bool {
	const high = 0x8080808080808080
	for ; len(b) >= 32; b = b[32:] {
		p := (*[32]byte)(b)
		v := binary.LittleEndian.Uint64(p[:]) | binary.LittleEndian.Uint64(p[8:]) | binary.LittleEndian.Uint64(p[16:]) | binary.LittleEndian.Uint64(p[24:])
		if v&high != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
