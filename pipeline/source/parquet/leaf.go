package parquet

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"

	"sfsync/pipeline/row"
)

// maxHeader is the longest page header that is read; statistics make it long.
const maxHeader = 4 << 20

// keepPage is the size up to which the memory of a page that is not needed any more is kept for
// the next one.
const keepPage = 256 << 10

// leaf reads the entries of one leaf, chunk by chunk, page by page. Levels and values are
// decoded a window at a time; both windows lie inside one page, so that its memory can be used
// again for the next.
type leaf struct {
	*leafType
	r *Reader

	// The chunk.
	at, end int64 // what is not read of it in the file
	reach   int64 // where its last page ends at the latest
	left    int   // its entries that are in no page yet
	codec   codec
	dict    dictionary
	pages   int
	ahead   []byte // bytes of the file from at on that are in memory
	buffer  []byte // what ahead is part of

	// The page.
	entries  int    // that are not in the window of levels
	page     []byte // its memory
	dictPage []byte // that of the dictionary
	rep, def levels

	// The window of levels: entries next to n are still to be handed out. defs and reps are
	// set only if there are such levels.
	next, n    int
	reps, defs []uint8
	present    int // values of windows so far that were not decoded

	vals values
}

// begin goes to the next chunk.
func (l *leaf) begin(c chunk) error {
	if l.entries > 0 || l.next < l.n || l.left > 0 {
		return fmt.Errorf("it has more values than rows: %d are left", l.left+l.entries+l.n-l.next)
	}
	l.dict.there = false
	l.at, l.end, l.reach, l.left, l.codec, l.pages = c.offset, c.end, c.reach, int(c.values), c.codec, 0
	l.ahead = nil
	return nil
}

// refill decodes the next window of levels. It is an error if there is no further entry.
func (l *leaf) refill() error {
	if l.entries == 0 {
		if err := l.nextPage(); err != nil {
			return err
		}
	}
	n := min(l.entries, l.r.window)
	present := n
	if l.maxRep > 0 {
		l.reps = sized(l.reps, n)
		if err := l.rep.read(l.reps); err != nil {
			return l.wrap(fmt.Errorf("repetition levels: %w", err))
		}
	}
	if l.maxDef > 0 {
		l.defs = sized(l.defs, n)
		if err := l.def.read(l.defs); err != nil {
			return l.wrap(fmt.Errorf("definition levels: %w", err))
		}
		present = 0
		for _, d := range l.defs {
			if d == l.maxDef {
				present++
			}
		}
	}
	l.next, l.n = 0, n
	l.entries -= n
	l.present += present
	return nil
}

// appendValue appends the text of the next value. After an error, which the reader keeps, it
// is null.
func (l *leaf) appendValue(dst []byte) ([]byte, row.Kind) {
	v := &l.vals
	if v.next == v.n {
		if err := v.fill(l.leafType, l.present, l.r.window, &l.dict); err != nil {
			l.r.fail(l.wrap(err))
			v.next, v.n = 0, 0
			return dst, row.Null
		}
		l.present -= v.n
	}
	i := v.next
	v.next++
	switch v.form {
	case formDict:
		k := v.idx[i]
		d := &l.dict
		if d.width > 0 {
			at := int(k) * d.width
			return l.format(l.leafType, dst, d.data[at:at+d.width])
		}
		text := d.data[d.spans[2*k]:d.spans[2*k+1]]
		if d.stored {
			return l.format(l.leafType, dst, text)
		}
		kind := d.kind
		if len(d.kinds) > 0 {
			kind = d.kinds[k]
		}
		return append(dst, text...), kind
	case formFixed:
		at := i * v.width
		return l.format(l.leafType, dst, v.fixed[at:at+v.width])
	}
	return l.format(l.leafType, dst, v.data[v.spans[2*i]:v.spans[2*i+1]])
}

// wrap says where an error was met.
func (l *leaf) wrap(err error) error {
	return fmt.Errorf("row group %d, column %s, page %d: %w", l.r.group, quote(l.name), l.pages, err)
}

// nextPage goes to the next page with entries.
func (l *leaf) nextPage() error {
	for l.entries == 0 {
		if l.left == 0 {
			return fmt.Errorf("row group %d, column %s: it has fewer values than rows", l.r.group, quote(l.name))
		}
		if err := l.r.ctx.Err(); err != nil {
			return err
		}
		if l.at >= l.end {
			return fmt.Errorf("row group %d, column %s: its pages end before its values: %d are missing", l.r.group, quote(l.name), l.left)
		}
		h, err := l.header()
		if err == nil {
			err = l.open(h)
		}
		if err != nil {
			return l.wrap(err)
		}
		l.pages++
	}
	return nil
}

// header reads the header of the next page.
func (l *leaf) header() (pageHeader, error) {
	h, err := l.nextHeader()
	if err == nil {
		l.skip(h.headerSize)
	}
	return h, err
}

// nextHeader is header without passing over it.
func (l *leaf) nextHeader() (pageHeader, error) {
	for want := int64(1); ; want *= 4 {
		if err := l.look(want); err != nil {
			return pageHeader{}, err
		}
		h, err := l.r.decoder.page(l.ahead)
		switch {
		case err == nil:
			return h, nil
		case !errors.Is(err, errShort) || int64(len(l.ahead)) == l.reach-l.at:
			return h, fmt.Errorf("its header: %w", err)
		case len(l.ahead) >= maxHeader:
			return h, fmt.Errorf("its header is longer than %d bytes", maxHeader)
		}
		want = max(want, int64(len(l.ahead)))
	}
}

// look makes sure that n bytes of the chunk are in memory, or all there are, and reads as
// many as the buffer takes if it has to.
func (l *leaf) look(n int64) error {
	n = min(n, l.reach-l.at)
	if int64(len(l.ahead)) >= n {
		return nil
	}
	size := min(max(int64(l.r.readAhead), n), l.reach-l.at)
	if int64(cap(l.buffer)) < size {
		if err := l.r.mem.take(size - int64(cap(l.buffer))); err != nil {
			return err
		}
		l.buffer = make([]byte, size)
	}
	l.ahead = l.buffer[:size]
	if err := readAt(l.r.ra, l.ahead, l.at); err != nil {
		l.ahead = nil
		return err
	}
	return nil
}

func (l *leaf) skip(n int) {
	l.at += int64(n)
	l.ahead = l.ahead[min(n, len(l.ahead)):]
}

// body returns the next n bytes of the file: a view on what was read ahead, or read into
// memory that grow gives.
func (l *leaf) body(n int, memory func(int) ([]byte, error)) ([]byte, error) {
	if n <= len(l.ahead) {
		b := l.ahead[:n]
		l.skip(n)
		return b, nil
	}
	b, err := memory(n)
	if err != nil {
		return nil, err
	}
	got := copy(b, l.ahead)
	if err := readAt(l.r.ra, b[got:], l.at+int64(got)); err != nil {
		return nil, err
	}
	l.skip(n)
	return b, nil
}

// open reads a page behind its header and begins to decode it.
func (l *leaf) open(h pageHeader) error {
	if int64(h.packed) > l.reach-l.at {
		return fmt.Errorf("it has %d bytes, its chunk only %d more", h.packed, l.reach-l.at)
	}
	if h.kind == pageOther {
		l.skip(h.packed)
		return nil
	}
	if h.kind == pageData && h.values > l.left {
		return fmt.Errorf("it has %d values, its chunk only %d more", h.values, l.left)
	}
	if h.kind == pageDict && (l.dict.there || l.pages > 0) {
		return errors.New("a dictionary comes behind other pages")
	}
	packed, err := l.body(h.packed, l.r.packedMemory)
	if err != nil {
		return err
	}
	if h.checked && crc32.ChecksumIEEE(packed) != h.crc {
		return errors.New("its checksum is wrong: the file is damaged")
	}
	if h.kind == pageDict {
		return l.openDict(h, packed)
	}
	if h.values == 0 {
		return nil
	}
	if l.page, err = l.r.sized(l.page, h.size); err != nil {
		return err
	}
	page := l.page[:h.size]
	plain := 0 // bytes of levels that are never packed
	if h.v2 {
		plain = h.repBytes + h.defBytes
		copy(page, packed[:plain])
	}
	c := l.codec
	if !h.compressed {
		c = codecNone
	}
	if err := l.r.unpacker.unpack(c, page[plain:], packed[plain:]); err != nil {
		return err
	}
	return l.start(h, page)
}

// start begins to decode a data page.
func (l *leaf) start(h pageHeader, page []byte) (err error) {
	if h.v2 {
		l.rep = levels{hybrid: newHybrid(page[:h.repBytes], uint(bits.Len8(l.maxRep))), most: l.maxRep}
		page = page[h.repBytes:]
		l.def = levels{hybrid: newHybrid(page[:h.defBytes], uint(bits.Len8(l.maxDef))), most: l.maxDef}
		page = page[h.defBytes:]
	} else {
		if l.maxRep > 0 {
			if l.rep, page, err = newLevels(page, l.maxRep, h.repEncoding, h.values); err != nil {
				return fmt.Errorf("repetition levels: %w", err)
			}
		}
		if l.maxDef > 0 {
			if l.def, page, err = newLevels(page, l.maxDef, h.defEncoding, h.values); err != nil {
				return fmt.Errorf("definition levels: %w", err)
			}
		}
	}
	if err := l.vals.reset(l.leafType, h.encoding, page, h.values); err != nil {
		return err
	}
	l.entries, l.present = h.values, 0
	l.left -= h.values
	return nil
}

// openDict reads the dictionary of the chunk.
func (l *leaf) openDict(h pageHeader, packed []byte) (err error) {
	if h.encoding != encPlain && h.encoding != encPlainDict {
		return fmt.Errorf("the dictionary has the encoding %s", h.encoding)
	}
	if l.dictPage, err = l.r.sized(l.dictPage, h.size); err != nil {
		return err
	}
	page := l.dictPage[:h.size]
	if err = l.r.unpacker.unpack(l.codec, page, packed); err != nil {
		// The header of a dictionary cannot say that it is not packed, and a writer that leaves
		// its data pages so may leave that so too.
		if h.packed != h.size {
			return err
		}
		copy(page, packed)
		if next, bad := l.nextHeader(); bad != nil || !next.v2 || next.compressed {
			return err
		}
	}
	paged, err := l.dict.load(l.leafType, page, h.values, l.left, l.r.window, &l.r.mem)
	if err != nil {
		return fmt.Errorf("the dictionary: %w", err)
	}
	if !paged && cap(l.dictPage) > keepPage { // it is not needed any more
		l.r.mem.give(int64(cap(l.dictPage)))
		l.dictPage = nil
	}
	return nil
}
