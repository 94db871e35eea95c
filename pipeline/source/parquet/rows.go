package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"unsafe"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet/budget"
	"sfsync/pipeline/source/parquet/codec"
	"sfsync/pipeline/source/parquet/encoding"
	"sfsync/pipeline/source/parquet/meta"
	"sfsync/pipeline/source/parquet/text"
)

// Reader reads the rows of a file in their order. Its columns are read each by itself, block by
// block, and put together to rows; with workers, several columns at a time and ahead of the rows.
// It is not safe for concurrent use.
type Reader struct {
	f         *File
	mem       *budget.Budget
	cols      []*column
	now       []cursor // where the rows are in the columns
	window    int      // most entries decoded at a time
	blockRows int      // most cells of a block
	blockText int      // the size of its text at which a block ends, in bytes
	readAhead int
	tight     bool // there is little memory for the leaves there are
	rowLimit  int  // most rows of a batch
	blocks    int  // of a column

	alone worker // reads on the goroutine of the caller
	crew  *crew  // reads on others; nil if there are none
	short bool   // there was not enough memory for workers
	clock int    // counts the blocks that are read on the goroutine of the caller

	big       sync.Mutex
	bigPacked []byte // a big page as it is in the file; guarded by big

	line int64 // of the last row
	err  error
}

// worker is what one goroutine needs to read columns, one at a time.
type worker struct {
	ctx      context.Context
	headers  *meta.Pages
	unpacker codec.Unpacker
	packed   []byte          // a page as it is in the file
	vals     encoding.Values // of dictionaries
}

// cursor is the block of a column whose cells are handed out.
type cursor struct {
	text  []byte
	ends  []uint32
	kinds []row.Kind
	next  int    // the cell
	from  uint32 // where it begins
	at    int    // its place in the batch
	err   error
	block *block

	odd bool // a cell is of a kind that makes its row a problem
}

const (
	// maxCells bounds the bookkeeping of a batch of very many columns.
	maxCells = 4 << 20 / 9
	// ring is how many blocks a column has if there are workers: one is read, one is ready and one
	// is filled.
	ring = 3
	// maxWindow is the most entries that are decoded at a time, and the most cells of a block.
	maxWindow = 1024
	// allRows and allText are the most cells of the blocks of all columns, one for each, and the
	// size of their texts, in bytes, but for very many columns.
	allRows = 64 << 10
	allText = 2 << 20
	// entryMemory is what an entry of a window takes at most: levels, spans, indexes and a number.
	entryMemory = 26
	// cellMemory is what a cell of a block takes beside its text.
	cellMemory = 5
	// leafMemory is what a leaf and its column take beside that.
	leafMemory = int64(unsafe.Sizeof(leaf{}) + unsafe.Sizeof(column{}))
	// tightMemory is how much memory for each leaf is so little that it is not taken for speed.
	tightMemory = 16 << 10
)

// Read returns a reader of the columns for which want is true; nil stands for all. In a batch
// they stand at their places among [File.Columns]; the others are absent. The error says which
// column cannot be read.
func (f *File) Read(want func(i int) bool) (*Reader, error) { return f.read(want, 1) }

// read is Read with so many blocks a column.
func (f *File) read(want func(i int) bool, blocks int) (*Reader, error) {
	r := &Reader{f: f, mem: budget.New(f.opt.Memory), alone: worker{headers: meta.NewPages()}}
	if err := r.mem.Take(f.mem); err != nil {
		return nil, err
	}
	n := 0
	for i, c := range f.cols {
		if want != nil && !want(i) {
			continue
		}
		if c.Refused != "" {
			return nil, fmt.Errorf("column %s: %w: %s", meta.Quote(meta.JoinPath(c.Path)), ErrRefused, c.Refused)
		}
		col := &column{r: r, name: meta.JoinPath(c.Path), node: c.node}
		for j := c.node.From; j < c.node.To; j++ {
			col.leaves = append(col.leaves, &leaf{Leaf: f.meta.Leaves[j], format: f.formats[j], r: r})
			n++
		}
		col.asm = assembler{node: c.node, leaves: col.leaves, most: f.opt.MaxRow}
		r.cols = append(r.cols, col)
		r.now = append(r.now, cursor{at: i})
	}
	leaves := int64(max(n, 1))
	memory := f.opt.Memory - f.mem
	perEntry := int64(entryMemory)
	if r.tight = memory/leaves < tightMemory; r.tight {
		blocks = 1
	}
	r.blocks = blocks
	r.window = int(min(max(memory/8/perEntry/leaves, 16), maxWindow))
	// Blocks end where they do whatever the memory is, since that shows in the batches.
	r.blockRows = int(min(max(allRows/leaves, 16), maxWindow))
	r.blockText = int(min(max(allText/leaves, 512), 64<<10))
	r.readAhead = int(min(max(memory/16/leaves, 4<<10), 256<<10))
	r.rowLimit = min(max(maxCells/max(len(f.cols), 1), 1), row.MaxRows)
	if err := r.mem.Take(int64(n) * (int64(r.window)*perEntry + int64(blocks*r.blockRows*cellMemory) + leafMemory)); err != nil {
		return nil, err
	}
	return r, nil
}

// Close ends the reader. Batches stay valid.
func (r *Reader) Close() {
	if r.crew != nil {
		r.crew.stop()
	}
	r.alone.unpacker.Close()
	if r.err == nil {
		r.err = errors.New("closed")
	}
}

// Fill adds rows to a batch until it is full or the file is at its end, and then returns
// io.EOF, also together with the last rows. The columns of the batch must be those of the
// file. Any other error is final; the rows added before it are good.
func (r *Reader) Fill(ctx context.Context, b *row.Batch) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.err = fmt.Errorf("row %d: %w: %v", r.line+1, ErrInternal, p)
			err = r.err
		}
	}()
	r.alone.ctx = ctx
	for r.err == nil && !b.Full() && b.Len() < r.rowLimit {
		n, err := r.ready(ctx, r.rowLimit-b.Len())
		if err != nil {
			r.err = err
			break
		}
		r.rows(b, n)
	}
	return r.err
}

// ready sees to it that every column has a cell, and returns how many all of them have, at most
// most. At the end of the file it returns io.EOF.
func (r *Reader) ready(ctx context.Context, most int) (int, error) {
	for k := range r.now {
		c := &r.now[k]
		for c.next == len(c.ends) {
			if c.err != nil {
				if errors.Is(c.err, io.EOF) && r.line == r.f.meta.Rows {
					break
				}
				return 0, c.err
			}
			if err := r.turn(ctx, k); err != nil {
				return 0, err
			}
		}
		most = min(most, len(c.ends)-c.next)
	}
	if left := r.f.meta.Rows - r.line; left < int64(most) || left == 0 {
		if left == 0 {
			return 0, io.EOF
		}
		most = int(left)
	}
	return most, nil
}

// turn goes to the next block of column k.
func (r *Reader) turn(ctx context.Context, k int) error {
	c, now := r.cols[k], &r.now[k]
	var b *block
	if r.crew != nil {
		var err error
		if b, err = r.crew.block(ctx, c, now.block); err != nil {
			return err
		}
		if errors.Is(b.err, ErrMemory) {
			r.disband()
		}
	}
	if r.crew == nil {
		b = r.block(k)
	}
	*now = cursor{text: b.texts(), ends: b.Ends, kinds: b.Kinds, at: now.at, err: b.err, block: b, odd: b.odd}
	return nil
}

// rows adds n rows, or as many as make the batch full. How the texts stand in a batch depends on
// nothing but the file: neither on the machine nor on the memory that reading may take.
func (r *Reader) rows(b *row.Batch, n int) {
	size := 0
	odd := false
	for k := range r.now {
		c := &r.now[k]
		size += int(c.ends[c.next+n-1] - c.from)
		odd = odd || c.odd
	}
	if odd || size > r.f.opt.MaxRow || size > row.MaxBytes-len(b.Begin()) {
		for ; n > 0 && !b.Full(); n-- {
			r.row(b)
		}
		return
	}
	i := b.AddRows(r.line+1, n)
	r.line += int64(n)
	for k := range r.now {
		c := &r.now[k]
		b.SetColumn(i, c.at, c.kinds[c.next:c.next+n], c.text, c.from, c.ends[c.next:c.next+n])
		c.next += n
		c.from = c.ends[c.next-1]
	}
}

// row adds one row, which may be too long, or have a cell that makes it a problem.
func (r *Reader) row(b *row.Batch) {
	r.line++
	i := b.AddRow(r.line)
	start := len(b.Begin())
	bad, long := -1, false
	for k := range r.now {
		c := &r.now[k]
		from, kind := c.from, c.kinds[c.next]
		c.from = c.ends[c.next]
		switch {
		case kind == text.TooLong:
			long = true
		case kind > text.TooLong && bad < 0:
			bad = k
		}
		long = long || len(b.Begin())-start+int(c.from-from) > r.f.opt.MaxRow
		if !long {
			b.SetColumn(i, c.at, c.kinds[c.next:c.next+1], c.text, from, c.ends[c.next:c.next+1])
		}
		c.next++
	}
	switch {
	case long:
		b.Keep(b.Begin()[:start])
		reject(b, i, row.Problem{Code: "LINE_TOO_LONG", Message: fmt.Sprintf("the row has more than %d bytes", r.f.opt.MaxRow)})
	case bad >= 0:
		c := &r.now[bad]
		problem(b, i, r.cols[bad].name, c.kinds[c.next-1])
	}
}
