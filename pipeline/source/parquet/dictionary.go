package parquet

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet/budget"
	"sfsync/pipeline/source/parquet/encoding"
	"sfsync/pipeline/source/parquet/meta"
	"sfsync/pipeline/source/parquet/text"
)

// dictionary is the dictionary of a chunk. Its values are written out once, unless their
// texts would take much more memory than they do. Its memory is used again for the next chunk.
type dictionary struct {
	there bool // the chunk has a dictionary
	n     int
	data  []byte
	spans []encoding.Span // of the values, in data
	most  int             // how long a text is at most
	// What data holds: texts of one kind; texts of the kinds in kinds; or stored values, whose
	// spans are not noted if they are all of one width.
	kind   row.Kind
	kinds  []row.Kind
	stored bool
	width  int

	cells text.Cells // memory for texts
	mem   int64      // counted by the budget, for spans and kinds
}

// What an entry takes beside its text: a span, and an end and a kind if it is written out.
const (
	spanSize = 8
	cellSize = 5
)

// load makes a dictionary of the n values in src, which it keeps if paged is true, for a chunk of
// so many values. They are decoded by vals, a window at a time.
func (d *dictionary) load(l *leaf, vals *encoding.Values, src []byte, n, values int) (paged bool, err error) {
	mem := l.r.mem
	d.n, d.there, d.stored, d.width, d.most, d.kinds = n, false, false, 0, 0, nil
	if l.Type == meta.Bool {
		return false, errors.New("booleans have no dictionary")
	}
	least := l.Width
	if least == 0 {
		least = 4 // the length of a value
	}
	if n > len(src)/least {
		return false, fmt.Errorf("it has %d bytes for %d values", len(src), n)
	}
	if l.Width > 0 && n > values/3 { // most of them are used once
		d.data, d.stored, d.width, d.most, d.there = src[:n*l.Width], true, l.Width, l.format.Most(l.Width), true
		return true, nil
	}
	if err := d.memory(mem, n, spanSize); err != nil {
		return false, err
	}
	d.spans = sized(d.spans, n)
	if l.format.Plain {
		if err := d.keep(l, vals, src); err != nil {
			return false, err
		}
		if d.valid(src) {
			d.stored, d.kind, d.there = false, row.Text, true
			return true, nil
		}
	}
	written, err := d.write(l, vals, src, mem)
	if err != nil {
		return false, err
	}
	if !written {
		paged, err = true, d.keep(l, vals, src)
	}
	d.there = err == nil
	return paged, err
}

// memory counts so many bytes for each of n entries.
func (d *dictionary) memory(mem *budget.Budget, n, size int) error {
	more := int64(n)*int64(size) - d.mem
	if more <= 0 {
		return nil
	}
	if err := mem.Take(more); err != nil {
		return err
	}
	d.mem += more
	return nil
}

// each calls f with each window of the values in src.
func (d *dictionary) each(l *leaf, vals *encoding.Values, src []byte, f func(first int) error) error {
	if err := vals.Reset(l.Leaf, meta.Plain, src, d.n, -1); err != nil {
		return err
	}
	for done := 0; done < d.n; done += vals.N {
		if err := vals.Next(min(d.n-done, l.r.window)); err != nil {
			return err
		}
		if err := f(done); err != nil {
			return err
		}
	}
	return nil
}

// valid reports whether the values are UTF-8.
func (d *dictionary) valid(src []byte) bool {
	for _, s := range d.spans {
		if !utf8.Valid(src[s.From:s.To]) {
			return false
		}
	}
	return true
}

// write writes the values out; ok is false if they would take too much.
func (d *dictionary) write(l *leaf, vals *encoding.Values, src []byte, mem *budget.Budget) (ok bool, err error) {
	limit := 64<<10 + 3*len(src)
	d.cells.Reset()
	if cap(d.cells.Text) < limit {
		d.cells.Free(mem, 0)
		if !mem.Spare(int64(limit)) { // the budget is tight
			return false, nil
		}
		mem.Give(int64(limit))
	}
	if d.memory(mem, d.n, spanSize+cellSize) != nil {
		return false, nil
	}
	enough := min(limit, len(src)+16*d.n)
	if err := d.cells.Room(mem, enough); err != nil {
		return false, err
	}
	errTooLong := errors.New("the texts are too long")
	err = d.each(l, vals, src, func(int) error {
		write(&d.cells, l.format, vals, 0, vals.N)
		if len(d.cells.Text) > limit {
			return errTooLong
		}
		return d.cells.Count(mem)
	})
	if errors.Is(err, errTooLong) || errors.Is(err, ErrMemory) {
		d.cells.Free(mem, 0)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	d.data, d.kinds, d.stored, d.most = d.cells.Text, d.cells.Kinds, false, 0
	from := uint32(0)
	for i, end := range d.cells.Ends {
		d.spans[i] = encoding.Span{From: from, To: end}
		d.most = max(d.most, int(end-from))
		from = end
	}
	same := true
	for _, k := range d.kinds {
		same = same && k == d.kinds[0]
	}
	if same && d.n > 0 {
		d.kind, d.kinds = d.kinds[0], nil
	}
	return true, nil
}

// keep notes where the values stand in src.
func (d *dictionary) keep(l *leaf, vals *encoding.Values, src []byte) error {
	d.data, d.stored, d.most = src, true, 0
	return d.each(l, vals, src, func(first int) error {
		if vals.Form == encoding.SpansForm {
			copy(d.spans[first:], vals.Spans[:vals.N])
			d.most = max(d.most, l.format.Most(vals.Most))
			return nil
		}
		for i := range vals.N {
			from := uint32((first + i) * l.Width)
			d.spans[first+i] = encoding.Span{From: from, To: from + uint32(l.Width)}
		}
		d.most = l.format.Most(l.Width)
		return nil
	})
}

// append adds the values with the numbers in index.
func (d *dictionary) append(c *text.Cells, f *text.Format, index []uint32) {
	switch {
	case d.width > 0:
		f.Entries(c, d.data, d.width, index)
	case d.stored:
		f.Pick(c, d.data, d.spans, index)
	default:
		c.Pick(d.data, d.spans, index, d.kind)
		if d.kinds != nil {
			kinds := c.Kinds[c.Len()-len(index):]
			for i, k := range index {
				kinds[i] = d.kinds[k]
			}
		}
	}
}

// entry returns what is stored of entry k.
func (d *dictionary) entry(k uint32) []byte {
	if d.width > 0 {
		return d.data[int(k)*d.width : (int(k)+1)*d.width]
	}
	return d.data[d.spans[k].From:d.spans[k].To]
}

func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
