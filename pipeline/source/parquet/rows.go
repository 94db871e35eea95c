package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sfsync/pipeline/row"
)

// Reader reads the rows of a file in their order. It is not safe for concurrent use.
type Reader struct {
	ra        io.ReaderAt
	f         *File
	mem       budget
	cols      []readColumn
	leaves    []*leaf // by their index in the file; nil for those that are not read
	window    int     // most entries decoded at a time
	readAhead int
	rowLimit  int // most rows of a batch
	decoder   *decoder
	unpacker  unpacker
	packed    []byte // a page as it is in the file
	asm       assembler
	chunks    []chunk

	group int   // the row group, from 0; -1 before the first
	last  int   // the row group behind the last one that is read
	left  int64 // rows left in it
	line  int64 // of the last row
	err   error
	long  bool // the row is too long
	ctx   context.Context
}

// readColumn is a column that is read.
type readColumn struct {
	at   int   // its place in the batch
	leaf *leaf // nil for lists and maps
	node *node
	name string
}

// maxCells bounds the bookkeeping of a batch of very many columns.
const maxCells = 4 << 20 / 9

// Read returns a reader of the columns for which want is true; nil stands for all. In a batch
// they stand at their places among [File.Columns]; the others are absent. The error says which
// column cannot be read.
func (f *File) Read(want func(i int) bool) (*Reader, error) {
	return f.read(want, f.opt.Memory)
}

// share is Read with a part of the memory, as many workers have it at once.
func (f *File) share(want func(i int) bool, workers int) (*Reader, error) {
	return f.read(want, f.mem+(f.opt.Memory-f.mem)/int64(workers))
}

func (f *File) read(want func(i int) bool, memory int64) (*Reader, error) {
	r := &Reader{ra: f.ra, f: f, decoder: newDecoder(), group: -1, last: len(f.footer.groups), leaves: make([]*leaf, len(f.leaves))}
	r.mem.max = memory
	r.mem.used.Store(f.mem)
	r.asm = assembler{r: r, most: f.opt.MaxRow}
	n := 0
	for i, c := range f.cols {
		if want != nil && !want(i) {
			continue
		}
		if c.Refused != "" {
			return nil, fmt.Errorf("column %s: %w: %s", quote(joinPath(c.Path)), ErrRefused, c.Refused)
		}
		rc := readColumn{at: i, node: c.node, name: joinPath(c.Path)}
		for j := c.node.from; j < c.node.to; j++ {
			r.leaves[j] = &leaf{leafType: f.leaves[j], r: r}
			n++
		}
		if c.node.kind == leafNode {
			rc.leaf = r.leaves[c.node.from]
		}
		r.cols = append(r.cols, rc)
	}
	// A window costs up to 26 bytes an entry and leaf; a fourth of the memory is enough for all.
	const perEntry = 26
	r.window = int(min(max(memory/4/perEntry/int64(max(n, 1)), 16), 256))
	r.readAhead = int(min(max(memory/8/int64(max(n, 1)), 4<<10), 256<<10))
	r.rowLimit = min(max(maxCells/max(len(f.cols), 1), 1), row.MaxRows)
	if err := r.mem.take(int64(n) * int64(r.window*perEntry+512)); err != nil {
		return nil, err
	}
	return r, nil
}

// limit makes the reader go on with a span, after the one before it or from the beginning.
func (r *Reader) limit(s span) {
	if errors.Is(r.err, io.EOF) {
		r.err = nil
	}
	r.group, r.last, r.line = s.from-1, s.to, s.first
}

// skip passes over so many rows, which are full batches.
func (r *Reader) skip(ctx context.Context, rows int64, schema *row.Schema, pool *row.Pool) error {
	for rows > 0 {
		b := pool.Get(schema)
		err := r.Fill(ctx, b)
		n := int64(b.Len())
		b.Free()
		if rows -= n; rows < 0 || rows > 0 && n == 0 || err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("row group %d: rows that were read once cannot be read again: %w", r.group, errors.Join(err, io.ErrUnexpectedEOF))
		}
	}
	return nil
}

// Close ends the reader. Batches stay valid.
func (r *Reader) Close() { r.unpacker.close() }

// fail keeps the first error.
func (r *Reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// sized returns memory for n bytes in place of b, counted by the budget.
func (r *Reader) sized(b []byte, n int) ([]byte, error) {
	if cap(b) >= n {
		return b[:cap(b)], nil
	}
	if err := r.mem.take(int64(n - cap(b))); err != nil {
		return b, fmt.Errorf("a page of %d bytes: %w", n, err)
	}
	return make([]byte, n), nil
}

// packedMemory returns memory for n bytes as they are in the file, good until the next call.
func (r *Reader) packedMemory(n int) (b []byte, err error) {
	r.packed, err = r.sized(r.packed, n)
	if err != nil {
		return nil, err
	}
	return r.packed[:n], nil
}

// Fill adds rows to a batch until it is full or the file is at its end, and then returns
// io.EOF, also together with the last rows. The columns of the batch must be those of the
// file. Any other error is final; the rows added before it are good.
func (r *Reader) Fill(ctx context.Context, b *row.Batch) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.fail(fmt.Errorf("row group %d: %w: %v", r.group, ErrInternal, p))
			err = r.err
		}
	}()
	r.ctx = ctx
	for r.err == nil && !b.Full() && b.Len() < r.rowLimit {
		if r.left == 0 {
			r.fail(r.nextGroup())
			continue
		}
		r.row(b)
	}
	return r.err
}

// nextGroup goes to the next row group that has rows.
func (r *Reader) nextGroup() error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if r.group+1 >= r.last {
		if err := r.begin(nil); err != nil {
			return err
		}
		return io.EOF
	}
	var err error
	if r.chunks, err = r.f.footer.chunks(r.group+1, r.f.leaves, r.chunks, r.f.size); err != nil {
		return err
	}
	if err := r.begin(r.chunks); err != nil {
		return err
	}
	r.group++
	r.left = r.f.footer.groups[r.group].rows
	return nil
}

// begin checks that every leaf is at its end and gives it its next chunk.
func (r *Reader) begin(chunks []chunk) error {
	for i, l := range r.leaves {
		if l == nil {
			continue
		}
		var c chunk
		if chunks != nil {
			c = chunks[i]
		}
		if err := l.begin(c); err != nil {
			return fmt.Errorf("row group %d, column %s: %w", r.group, quote(l.name), err)
		}
	}
	return nil
}

// row adds the next row.
func (r *Reader) row(b *row.Batch) {
	buf := b.Begin()
	start := len(buf)
	i := b.AddRow(r.line + 1)
	var bad *readColumn
	var why row.Kind
	r.long = false
	for k := range r.cols {
		c := &r.cols[k]
		from := len(buf)
		var kind row.Kind
		if l := c.leaf; l != nil {
			if l.next == l.n {
				if err := l.refill(); err != nil {
					r.fail(err)
					break
				}
			}
			at := l.next
			l.next++
			if l.maxDef > 0 && l.defs[at] < l.maxDef {
				b.SetKind(i, c.at, row.Null)
				continue
			}
			if buf, kind = l.appendValue(buf); kind >= badNumber && bad == nil {
				bad, why = c, kind
			}
		} else if buf, kind = r.nested(buf, c, start); r.asm.bad != 0 && bad == nil {
			bad, why = c, r.asm.bad
		}
		if len(buf)-start > r.f.opt.MaxRow {
			r.long = true
		}
		switch {
		case r.long: // only to pass over the values
		case kind == row.Null:
			b.SetKind(i, c.at, row.Null)
		default:
			b.SetSpan(i, c.at, kind, from, len(buf))
		}
	}
	b.Keep(buf)
	switch {
	case r.err != nil:
		b.DropLast()
		return
	case r.long:
		reject(b, i, row.Problem{Code: "LINE_TOO_LONG", Message: fmt.Sprintf("the row has more than %d bytes", r.f.opt.MaxRow)})
	case why == badText:
		b.SetRaw(i, appendRow(nil, b, i))
		reject(b, i, row.Problem{Code: "BAD_ENCODING", Message: "column " + quote(bad.name) + ": text that is not valid UTF-8"})
	case why == badNumber:
		b.SetRaw(i, appendRow(nil, b, i))
		reject(b, i, row.Problem{Code: "BAD_VALUE", Message: "column " + quote(bad.name) + fmt.Sprintf(": a decimal of no bytes, or of more than %d", maxDecimal)})
	}
	r.line++
	r.left--
}

// nested appends the value of a list or map.
func (r *Reader) nested(buf []byte, c *readColumn, start int) ([]byte, row.Kind) {
	a := &r.asm
	a.base, a.bad, a.keys = start, 0, a.keys[:0]
	first := r.leaves[c.node.from]
	if first.peek() && first.reps[first.next] != 0 {
		r.fail(fmt.Errorf("row group %d, column %s: %w", r.group, quote(c.name), errors.New("a row begins inside a list")))
	}
	from := len(buf)
	buf = a.value(buf, c.node)
	if r.err == nil {
		for _, l := range r.leaves[c.node.from:c.node.to] {
			if l.more(1) {
				r.fail(fmt.Errorf("row group %d, column %s: %w", r.group, quote(l.name), errShape))
			}
		}
	}
	if string(buf[from:]) == "null" {
		return buf[:from], row.Null
	}
	return buf, row.JSON
}

// reject makes a row a problem without cells.
func reject(b *row.Batch, i int, p row.Problem) {
	for c := range b.Schema().Columns {
		b.SetKind(i, c, row.Absent)
	}
	b.Fail(i, p)
}

// appendRow appends a row that cannot be used as a JSON object, to be reported.
func appendRow(dst []byte, b *row.Batch, i int) []byte {
	sep := byte('{')
	for c, col := range b.Schema().Columns {
		cell := b.Cell(i, c)
		if cell.Kind() == row.Absent {
			continue
		}
		dst = append(appendString(append(dst, sep), col.Name), ':')
		sep = ','
		switch cell.Kind() {
		case row.Null:
			dst = append(dst, "null"...)
		case row.Number, row.Bool, row.JSON:
			dst = append(dst, cell.Text...)
		default:
			dst = appendString(dst, cell.Text)
		}
	}
	return append(dst, '}')
}
