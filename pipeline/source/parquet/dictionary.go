package parquet

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"sfsync/pipeline/row"
)

// dictionary is the dictionary of a chunk. Its values are written out once, unless their
// texts would take much more memory than they do. Its memory is used again for the next chunk.
type dictionary struct {
	n     int
	data  []byte
	spans []uint32 // two for each value, into data
	// What data holds: texts of one kind; texts of the kinds in kinds; or stored values, whose
	// spans are not noted if they are all of one width.
	kind   row.Kind
	kinds  []row.Kind
	stored bool
	width  int

	there bool   // the chunk has a dictionary
	texts []byte // memory for data
	mem   int64  // counted by the budget
}

// memory sees to it that so many bytes are counted for the dictionary.
func (d *dictionary) memory(mem *budget, n int64) error {
	if n <= d.mem {
		return nil
	}
	if err := mem.take(n - d.mem); err != nil {
		return err
	}
	d.mem = n
	return nil
}

// load makes a dictionary of the n values in src, which it keeps if paged is true, for a chunk of
// so many values. They are decoded a window at a time.
func (d *dictionary) load(l *leafType, src []byte, n, values, window int, mem *budget) (paged bool, err error) {
	d.n, d.there, d.stored, d.width, d.kinds = n, false, false, 0, d.kinds[:0]
	if l.typ == physBool {
		return false, errors.New("booleans have no dictionary")
	}
	least := l.width
	if least == 0 {
		least = 4 // the length of a value
	}
	if n > len(src)/least {
		return false, fmt.Errorf("it has %d bytes for %d values", len(src), n)
	}
	if l.width > 0 && n > values/3 { // most of them are used once
		d.data, d.stored, d.width, d.there = src[:n*l.width], true, l.width, true
		return true, nil
	}
	need := int64(n) * 9
	if err := d.memory(mem, need); err != nil {
		return false, err
	}
	d.spans = sized(d.spans, 2*n)
	if l.isText {
		if ok, err := d.keepTexts(l, src, window); ok || err != nil {
			d.there = ok
			return true, err
		}
	}
	limit := 64<<10 + 3*len(src)
	if d.memory(mem, need+int64(limit)) == nil { // else the budget is tight: keep the values as they are
		if ok, err := d.write(l, src, limit, window); ok || err != nil {
			d.there = ok
			return false, err
		}
	}
	d.there = true
	return true, d.keep(l, src, window)
}

// each calls f with the spans of a window's values in src, or their values.
func (d *dictionary) each(l *leafType, src []byte, window int, f func(first int, v *values) error) error {
	var v values
	if err := v.reset(l, encPlain, src, d.n); err != nil {
		return err
	}
	for done := 0; done < d.n; done += v.n {
		if err := v.fill(l, min(d.n-done, window), window, nil); err != nil {
			return err
		}
		if err := f(done, &v); err != nil {
			return err
		}
	}
	return nil
}

// keepTexts notes where the texts stand in src; ok is false if one of them is not UTF-8.
func (d *dictionary) keepTexts(l *leafType, src []byte, window int) (ok bool, err error) {
	if err := d.keep(l, src, window); err != nil {
		return false, err
	}
	for i := range d.n {
		if !utf8.Valid(src[d.spans[2*i]:d.spans[2*i+1]]) {
			return false, nil
		}
	}
	d.stored, d.kind = false, row.Text
	return true, nil
}

var errTooLong = errors.New("the texts of the dictionary are too long")

// write writes the values out; ok is false if they would take more than limit.
func (d *dictionary) write(l *leafType, src []byte, limit, window int) (ok bool, err error) {
	d.stored = false
	dst := d.texts[:0]
	if cap(dst) == 0 {
		dst = make([]byte, 0, min(limit, len(src)+16*d.n))
	}
	err = d.each(l, src, window, func(first int, v *values) error {
		for i := range v.n {
			from := len(dst)
			var k row.Kind
			dst, k = l.format(l, dst, v.stored(i))
			at := first + i
			d.spans[2*at], d.spans[2*at+1] = uint32(from), uint32(len(dst))
			switch {
			case at == 0:
				d.kind = k
			case k != d.kind && len(d.kinds) == 0:
				d.kinds = sized(d.kinds, d.n)
				for j := range at {
					d.kinds[j] = d.kind
				}
			}
			if len(d.kinds) > 0 {
				d.kinds[at] = k
			}
			if len(dst) > limit {
				return errTooLong
			}
		}
		return nil
	})
	if cap(dst) <= limit {
		d.texts = dst
	}
	d.data = dst
	if errors.Is(err, errTooLong) {
		d.data, d.texts, d.kinds = nil, nil, d.kinds[:0]
		return false, nil
	}
	return err == nil, err
}

// keep notes where the values stand in src.
func (d *dictionary) keep(l *leafType, src []byte, window int) error {
	d.data, d.stored = src, true
	return d.each(l, src, window, func(first int, v *values) error {
		if v.form == formSpans {
			copy(d.spans[2*first:], v.spans[:2*v.n])
			return nil
		}
		for i := range v.n {
			from := uint32((first + i) * l.width)
			d.spans[2*(first+i)], d.spans[2*(first+i)+1] = from, from+uint32(l.width)
		}
		return nil
	})
}
