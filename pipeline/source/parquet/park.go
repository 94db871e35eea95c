package parquet

import (
	"context"
	"errors"
	"slices"

	"sfsync/pipeline/source/parquet/encoding"
	"sfsync/pipeline/source/parquet/meta"
	"sfsync/pipeline/source/parquet/text"
)

// Where the pages of all columns together are more than the memory allows, some columns are parked:
// they give up their pages, remember where they are, and read and unpack them again when it is
// their turn. That takes longer, and nothing else: the blocks are the same.

// mark is a place in a leaf.
type mark struct {
	group int
	chunk meta.Chunk
	at    int64 // where its page begins in the file
	left  int   // entries of the chunk from that page on
	pages int   // before that page
	done  int   // entries of that page before the place
}

// mark returns the place of the leaf.
func (l *leaf) mark() mark {
	m := mark{group: l.group, chunk: l.chunk, at: l.at, left: l.left, pages: l.pages}
	if rest := l.entries + l.n - l.next; rest > 0 {
		m.at, m.left, m.pages = l.pageAt, l.left+l.pageValues, l.pageNumber
		m.done = l.pageValues - rest
	}
	return m
}

// release gives up all memory whose size the file decides.
func (l *leaf) release() {
	mem := l.r.mem
	mem.Give(int64(cap(l.page)+cap(l.dictPage)+cap(l.buffer)) + l.deltaMem + l.dict.mem)
	l.page, l.dictPage, l.buffer, l.ahead, l.deltaMem = nil, nil, nil, nil, 0
	l.dict.cells.Free(mem, 0)
	l.scratch.Free(mem, 0)
	l.dict, l.scratch, l.vals = dictionary{}, text.Cells{}, encoding.Values{}
	l.rep, l.def = encoding.Levels{}, encoding.Levels{}
}

// seek goes to a place. The leaf has no page.
func (l *leaf) seek(m mark, runs bool) error {
	l.begin(m.group, m.chunk)
	l.entries, l.next, l.n, l.present, l.taken, l.used, l.from = 0, 0, 0, 0, 0, 0, 0
	l.scratch.Reset()
	if m.pages > 0 && m.left > 0 { // a dictionary comes first
		h, err := l.header()
		if err == nil && h.Kind == meta.DictPage {
			l.skip(h.HeaderSize)
			err = l.open(h)
		}
		if err != nil {
			return l.wrap(err)
		}
	}
	l.at, l.left, l.pages, l.ahead = m.at, m.left, m.pages, nil
	for done := m.done; done > 0; {
		if l.next == l.n {
			if err := l.refill(runs); err != nil {
				return err
			}
		}
		n := min(done, l.n-l.next)
		present := 0
		switch {
		case l.mixed:
			present = count(l.defs[l.next:l.next+n], l.MaxDef)
		case l.level == l.MaxDef:
			present = n
		}
		for present > 0 {
			if err := l.values(); err != nil {
				return err
			}
			k := min(present, l.vals.N-l.taken)
			l.taken += k
			present -= k
		}
		l.next += n
		done -= n
	}
	return nil
}

// place is where a column is.
type place struct {
	group int
	left  int64
	marks []mark
}

// note remembers where the column is.
func (c *column) note() {
	c.place.group, c.place.left, c.place.marks = c.group, c.left, c.place.marks[:0]
	for _, l := range c.leaves {
		c.place.marks = append(c.place.marks, l.mark())
	}
}

// park gives up what the column holds of the file. It goes on at the place that was noted.
func (c *column) park() {
	for _, l := range c.leaves {
		l.release()
	}
	c.parked = true
}

// unpark goes to the place that was noted.
func (c *column) unpark() error {
	c.group, c.left = c.place.group, c.place.left
	for i, l := range c.leaves {
		if err := l.seek(c.place.marks[i], c.node.Kind == meta.LeafNode); err != nil {
			return err
		}
	}
	c.parked = false
	return nil
}

// passing reports whether an error says nothing about the file: there was no memory left, or no
// time.
func passing(err error) bool {
	return errors.Is(err, ErrMemory) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// disband ends the workers, for which there is not enough memory, and keeps what they have read.
func (r *Reader) disband() {
	r.crew.stop()
	r.crew, r.short = nil, true
	for k, c := range r.cols {
		for len(c.turn.full) > 0 {
			if b := <-c.turn.full; !passing(b.err) {
				c.ready = append(c.ready, b)
			}
		}
		c.spare(r.now[k].block)
		if !c.parked {
			c.note()
			c.park()
		}
	}
}

// block reads the next block of column k on this goroutine. Where there is not enough memory, it
// takes that of other columns, first of the one that was read last: its next turn is the farthest.
func (r *Reader) block(k int) *block {
	c := r.cols[k]
	c.spent()
	if len(c.ready) > 0 {
		c.now, c.ready = c.ready[0], c.ready[1:]
		return c.now
	}
	b := &c.blocks[0]
	parked := c.parked
	for c.fill(&r.alone, b); errors.Is(b.err, ErrMemory) && r.evict(k); {
		c.fill(&r.alone, b)
	}
	r.clock++
	if c.used = r.clock; parked {
		c.ahead(&r.alone, b)
	}
	return b
}

// ahead reads further blocks of a column that was parked, since it soon will be again.
func (c *column) ahead(w *worker, last *block) {
	mem, room := c.r.mem, c.r.f.opt.Memory/aheadShare/int64(len(c.r.cols))
	cells := int64(c.r.blockRows * cellMemory)
	for last.err == nil && last.view == nil && room > 0 && mem.Take(cells) == nil {
		last = &block{ahead: true}
		if c.fill(w, last); last.err != nil && passing(last.err) {
			c.give(last)
			return
		}
		c.ready = append(c.ready, last)
		room -= cells + int64(cap(last.Text))
	}
}

// aheadShare is the part of the memory that is for blocks of columns that were parked.
const aheadShare = 4

// spent gives up the memory of blocks that were read and are not filled again.
func (c *column) spent() {
	c.spare(nil)
	if c.now != nil && c.now.ahead {
		c.give(c.now)
	}
	c.now = nil
}

// spare gives up the memory of blocks from when there were workers, but of those that are ready and of
// used, whose cells are handed out.
func (c *column) spare(used *block) {
	for i := range c.blocks {
		if b := &c.blocks[i]; b != used && !slices.Contains(c.ready, b) {
			b.Free(c.r.mem, 0)
		}
	}
}

// evict parks a column other than k, and reports whether there was one.
func (r *Reader) evict(k int) bool {
	var last *column
	for j, c := range r.cols {
		if b := r.now[j].block; j == k || c.parked || b != nil && b.view != nil {
			continue
		}
		if last == nil || c.used > last.used {
			last = c
		}
	}
	if last == nil {
		return r.drop()
	}
	last.note()
	last.park()
	return true
}

// drop gives up the blocks that a column has ready, to read them again, and reports whether there
// was such a column.
func (r *Reader) drop() bool {
	for _, c := range r.cols {
		if len(c.ready) == 0 {
			continue
		}
		first := &c.ready[0].place
		c.place.group, c.place.left, c.place.marks = first.group, first.left, append(c.place.marks[:0], first.marks...)
		for _, b := range c.ready {
			c.give(b)
		}
		c.ready, c.err = nil, nil // the end of the column will be met again
		c.park()
		return true
	}
	return false
}

// give gives up the memory of a block.
func (c *column) give(b *block) {
	b.Free(c.r.mem, 0)
	if b.ahead {
		c.r.mem.Give(int64(c.r.blockRows * cellMemory))
	}
}
