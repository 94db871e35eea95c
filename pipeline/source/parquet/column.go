package parquet

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"unicode/utf8"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet/meta"
	"sfsync/pipeline/source/parquet/text"
)

// block is a run of cells of one column.
type block struct {
	text.Cells
	// view is the text of the only cell of a block instead of Text: part of a page, which must stay
	// as it is until the block was read.
	view []byte
	// odd says that a cell is of a kind that makes its row a problem.
	odd bool
	// place is where the column was before the block.
	place place
	// ahead says that it is no block of the ring.
	ahead bool
	// err is why there are no further cells behind those of the block; io.EOF at the end of the
	// file.
	err error
}

// largeText is the size from which on a text is not copied into a block.
const largeText = 256 << 10

// column reads one column of a file, block by block, independently of the other columns.
type column struct {
	r      *Reader
	name   string
	node   *meta.Node
	leaves []*leaf
	asm    assembler // of a list or map

	group int   // the row group behind the one that is read
	left  int64 // rows left in it
	err   error

	blocks [ring]block
	turn   turn

	place  place // noted when the column was parked, or before a block
	parked bool
	used   int      // the clock when a block of it was read
	ready  []*block // that were filled before it is their turn
	now    *block   // the one of them whose cells are handed out
}

// fill reads the next cells into b.
func (c *column) fill(w *worker, b *block) {
	defer func() {
		if p := recover(); p != nil {
			c.err = fmt.Errorf("row group %d, column %s: %w: %v", c.group-1, meta.Quote(c.name), ErrInternal, p)
			b.err = c.err
		}
	}()
	b.Reset()
	b.Free(c.r.mem, keepText)
	b.view, b.err = nil, nil
	for _, l := range c.leaves {
		l.w = w
	}
	switch {
	case c.err != nil:
	case c.parked:
		c.err = c.unpark()
	default:
		c.note()
	}
	b.place.group, b.place.left, b.place.marks = c.place.group, c.place.left, append(b.place.marks[:0], c.place.marks...)
	for c.err == nil && b.view == nil && b.Len() < c.r.blockRows && len(b.Text) < c.r.blockText {
		if c.left == 0 {
			c.err = c.nextGroup()
			continue
		}
		n := int(min(int64(c.r.blockRows-b.Len()), c.left))
		before := b.Len()
		if c.node.Kind == meta.LeafNode {
			c.err = c.cells(b, n)
		} else {
			c.err = c.values(b, n)
		}
		if c.left -= int64(b.Len() - before); b.Len() == before {
			break // a large text has the next block to itself
		}
	}
	if passing(c.err) { // it may be tried again
		c.park()
		b.Reset()
		b.view, b.err, c.err = nil, c.err, nil
		return
	}
	b.err, b.odd = c.err, slices.ContainsFunc(b.Kinds, isOdd)
}

// keepText is the size up to which the memory of a block is kept for the next one.
const keepText = 1 << 20

// nextGroup goes to the next row group, and returns io.EOF if there is none.
func (c *column) nextGroup() error {
	f := c.r.f.meta
	for _, l := range c.leaves {
		if err := l.finish(); err != nil {
			return err
		}
	}
	if c.group == f.Groups() {
		return io.EOF
	}
	for _, l := range c.leaves {
		l.begin(c.group, f.Chunk(c.group, l.Index))
	}
	c.left = f.GroupRows(c.group)
	c.group++
	return nil
}

// cells adds up to n cells of a column that is a leaf, all of one window. It adds none only if the
// next one is a large text, which has to be alone in its block.
func (c *column) cells(b *block, n int) error {
	l := c.leaves[0]
	if l.next == l.n {
		if err := l.refill(true); err != nil {
			return err
		}
	}
	n = min(n, l.n-l.next)
	if l.level < l.MaxDef {
		b.Nulls(n)
		l.next += n
		return nil
	}
	var levels []uint8
	present := n
	if l.mixed {
		levels = l.defs[l.next : l.next+n]
		present = count(levels, l.MaxDef)
	}
	size := 0
	if present > 0 {
		if err := l.values(); err != nil {
			return err
		}
		var most int // as many as are decoded, and as there is room for
		most, size = l.fit(min(present, l.vals.N-l.taken), max(c.r.blockText-len(b.Text), 0))
		if present > most {
			present, n = most, most
			if l.mixed {
				present, n = cut(levels, l.MaxDef, most)
				levels = levels[:n]
			}
		}
	}
	if n == 1 && present == 1 && l.format.Plain {
		if v := l.stored(0); len(v) > largeText {
			return c.large(b, v)
		}
	}
	from := b.Len()
	if present > 0 {
		if err := l.take(&b.Cells, present, size); err != nil {
			return err
		}
		if n == 1 && len(b.Text) > c.r.f.opt.MaxRow {
			b.drop(c.r.f.opt.MaxRow)
		}
	}
	if present < n {
		b.Spread(from, levels, l.MaxDef)
	}
	l.next += n
	return nil
}

// cut returns how many of the levels to read so that there are at most so many values. One value is
// alone.
func cut(levels []uint8, level uint8, values int) (present, n int) {
	for i, v := range levels {
		if v != level {
			continue
		}
		if present == values || values == 1 && i > 0 {
			return present, i
		}
		if present++; values == 1 {
			return 1, 1
		}
	}
	return present, len(levels)
}

// large adds the next value, a large text, if it can be alone in its block.
func (c *column) large(b *block, v []byte) error {
	if b.Len() > 0 {
		return nil
	}
	l := c.leaves[0]
	switch {
	case len(v) > c.r.f.opt.MaxRow:
		b.Nulls(1)
		b.Kinds[0] = text.TooLong
		b.view = v[:0]
	case !utf8.Valid(v):
		if err := l.take(&b.Cells, 1, len(v)); err != nil {
			return err
		}
		l.taken--
	default:
		b.Nulls(1)
		b.Kinds[0], b.Ends[0], b.view = row.Text, uint32(len(v)), v
	}
	l.taken++
	l.next++
	return nil
}

// drop makes the last cell one that is too long, if it is.
func (b *block) drop(most int) {
	last := b.Len() - 1
	from := 0
	if last > 0 {
		from = int(b.Ends[last-1])
	}
	if len(b.Text)-from > most {
		b.Text, b.Ends[last], b.Kinds[last] = b.Text[:from], uint32(from), text.TooLong
	}
}

func isOdd(k row.Kind) bool { return k >= text.TooLong }

// texts returns what the ends of the cells are about.
func (b *block) texts() []byte {
	if b.view != nil {
		return b.view
	}
	return b.Text
}

// values adds up to n cells of a list or map.
func (c *column) values(b *block, n int) error {
	for i := 0; i < n && len(b.Text) < c.r.blockText; i++ {
		if err := c.asm.row(&b.Cells); err != nil {
			return err
		}
	}
	return nil
}

// turn says whose turn it is to do something with a column that workers read: how many of its
// blocks are free, and whether a worker has it.
type turn struct {
	mu   sync.Mutex
	free int
	busy bool
	wait bool // until all blocks are free: one shows part of a page
	full chan *block
	next int // the block that is filled next
}

// release gives back a block, and reports whether the column is to be given to a worker.
func (t *turn) release() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free++
	if t.busy || t.wait && t.free < ring {
		return false
	}
	t.busy, t.wait = true, false
	return true
}

// begin returns the number of the block to fill.
func (t *turn) begin() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free--
	t.next = (t.next + 1) % ring
	return t.next
}

// end says that a block was filled, and reports whether the column is to be given to a worker
// again. last says that there is nothing behind the block, wait that it has to be read first.
func (t *turn) end(last, wait bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wait = wait && t.free < ring
	t.busy = last || t.free > 0 && !t.wait
	return t.busy && !last
}
