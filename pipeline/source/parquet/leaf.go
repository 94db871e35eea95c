package parquet

import (
	"errors"
	"fmt"
	"hash/crc32"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet/codec"
	"sfsync/pipeline/source/parquet/encoding"
	"sfsync/pipeline/source/parquet/meta"
	"sfsync/pipeline/source/parquet/text"
)

const (
	// maxHeader is the longest page header that is read; statistics make it long.
	maxHeader = 4 << 20
	// keepPage is the size up to which the memory of a dictionary that is not needed any more is
	// kept for the next one.
	keepPage = 256 << 10
	// bigPage is the size from which on pages, as they are in the file, are read one at a time.
	bigPage = 1 << 20
)

// leaf reads the pages of one leaf, chunk by chunk, and decodes them. Levels and values are
// decoded a window at a time; both windows lie inside one page, so that its memory can be used
// again for the next.
type leaf struct {
	*meta.Leaf
	format *text.Format
	r      *Reader
	w      *worker // that reads it at the moment
	group  int     // the row group

	// The chunk.
	chunk   meta.Chunk
	at, end int64 // what is not read of it in the file
	reach   int64 // where its last page ends at the latest
	left    int   // its entries that are in no page yet
	codec   codec.Codec
	dict    dictionary
	pages   int
	ahead   []byte // bytes of the file from at on that are in memory
	buffer  []byte // what ahead is part of

	// The page: where it begins, how many pages there are before it and entries in it.
	pageAt                 int64
	pageNumber, pageValues int

	entries  int    // that are not in the window of levels
	page     []byte // its memory
	dictPage []byte // that of the dictionary
	rep, def encoding.Levels
	deltaMem int64 // counted for values that are put together

	// The window of levels: entries next to n are still to be handed out. defs and reps are
	// set only if there are such levels, defs also only if the entries are mixed.
	next, n    int
	reps, defs []uint8
	mixed      bool
	level      uint8 // of all entries that are not mixed
	present    int   // values of windows so far that were not decoded

	vals    encoding.Values
	taken   int        // of the window of values
	scratch text.Cells // of a leaf of a list: the texts of the next values
	used    int        // of them
	from    int        // where the next one begins
}

// begin goes to the next chunk.
func (l *leaf) begin(group int, c meta.Chunk) {
	l.group, l.chunk, l.dict.there = group, c, false
	l.at, l.end, l.reach, l.left, l.codec, l.pages = c.Offset, c.End, c.Reach, int(c.Values), c.Codec, 0
	l.ahead = nil
}

// finish checks that all of the chunk was read.
func (l *leaf) finish() error {
	if l.entries > 0 || l.next < l.n || l.left > 0 {
		return l.inGroup(fmt.Errorf("it has more values than rows: %d are left", l.left+l.entries+l.n-l.next))
	}
	return nil
}

// refill decodes the next window of levels. It is an error if there is no further entry. If runs is
// true, it may be a run of equal definition levels.
func (l *leaf) refill(runs bool) error {
	if l.entries == 0 {
		if err := l.nextPage(); err != nil {
			return err
		}
	}
	n := min(l.entries, l.r.window)
	l.mixed, l.level = false, l.MaxDef
	if l.MaxRep > 0 {
		l.reps = sized(l.reps, n)
		if err := l.rep.Read(l.reps); err != nil {
			return l.wrap(fmt.Errorf("repetition levels: %w", err))
		}
	}
	present := n
	if l.MaxDef > 0 {
		run := 0
		if runs {
			l.level, run = l.def.Run(n)
		}
		if run > 0 {
			if n = run; l.level < l.MaxDef {
				present = 0
			} else {
				present = n
			}
		} else {
			l.defs = sized(l.defs, n)
			if err := l.def.Read(l.defs); err != nil {
				return l.wrap(fmt.Errorf("definition levels: %w", err))
			}
			l.level = l.MaxDef
			present = count(l.defs, l.MaxDef)
			l.mixed = !runs || present < n
		}
	}
	l.next, l.n = 0, n
	l.entries -= n
	l.present += present
	return nil
}

// count returns how many of the levels are the given one.
func count(levels []uint8, level uint8) (n int) {
	for _, v := range levels {
		if v == level {
			n++
		}
	}
	return n
}

// inGroup and wrap say where an error was met.
func (l *leaf) inGroup(err error) error {
	return fmt.Errorf("row group %d, column %s: %w", l.group, meta.Quote(l.Name), err)
}

func (l *leaf) wrap(err error) error {
	return fmt.Errorf("row group %d, column %s, page %d: %w", l.group, meta.Quote(l.Name), l.pages, err)
}

// values makes sure that there are values in the window, of which the entries so far must have some.
func (l *leaf) values() error {
	if l.taken < l.vals.N {
		return nil
	}
	l.taken = 0
	if err := l.vals.Next(min(l.present, l.r.window)); err != nil {
		l.vals.N = 0
		return l.wrap(err)
	}
	l.present -= l.vals.N
	return nil
}

// most returns how long the text of a value of the window is at most.
func (l *leaf) most() int {
	switch l.vals.Form {
	case encoding.DictForm:
		return l.dict.most
	case encoding.SpansForm:
		return l.format.Most(l.vals.Most)
	}
	return l.format.Most(l.vals.Width)
}

// stored returns what is stored of the value i behind the next one.
func (l *leaf) stored(i int) []byte {
	v := &l.vals
	switch i += l.taken; v.Form {
	case encoding.DictForm:
		return l.dict.entry(v.Index[i])
	case encoding.SpansForm:
		return v.Data[v.Spans[i].From:v.Spans[i].To]
	}
	return v.Fixed[i*v.Width : (i+1)*v.Width]
}

// fit returns how many of the next n values have texts that together fit into room bytes, one if
// there is none, and how long they are at most.
func (l *leaf) fit(n, room int) (values, size int) {
	if most := l.most(); n*most <= room {
		return n, n * most
	}
	for i := range n {
		more := len(l.stored(i))
		if l.vals.Form != encoding.DictForm || l.dict.stored {
			more = l.format.Most(more)
		}
		if i > 0 && size+more > room {
			return i, size
		}
		size += more
	}
	return n, size
}

// take adds the texts of the next n values of the window, for which it makes room: they have size
// bytes at most.
func (l *leaf) take(c *text.Cells, n, size int) error {
	if err := c.Room(l.r.mem, size); err != nil {
		return l.wrap(err)
	}
	if l.vals.Form == encoding.DictForm {
		l.dict.append(c, l.format, l.vals.Index[l.taken:l.taken+n])
	} else {
		write(c, l.format, &l.vals, l.taken, n)
	}
	l.taken += n
	if err := c.Count(l.r.mem); err != nil {
		return l.wrap(err)
	}
	return nil
}

// scratchText is how many bytes of text are written ahead for a leaf of a list.
const scratchText = 8 << 10

// value returns the text of the next value of a leaf of a list, valid until the next call.
func (l *leaf) value() ([]byte, row.Kind, error) {
	c := &l.scratch
	if l.used == c.Len() {
		c.Reset()
		c.Free(l.r.mem, keepText)
		l.used, l.from = 0, 0
		if err := l.values(); err != nil {
			return nil, row.Null, err
		}
		n, size := l.fit(l.vals.N-l.taken, scratchText)
		if err := l.take(c, n, size); err != nil {
			return nil, row.Null, err
		}
	}
	from, end := l.from, int(c.Ends[l.used])
	l.from = end
	l.used++
	return c.Text[from:end], c.Kinds[l.used-1], nil
}

// write adds the texts of n values of a window, from the one numbered at on. They are none of a
// dictionary.
func write(c *text.Cells, f *text.Format, v *encoding.Values, at, n int) {
	if v.Form == encoding.SpansForm {
		f.Spans(c, v.Data, v.Spans[at:at+n])
		return
	}
	f.Fixed(c, v.Fixed[at*v.Width:(at+n)*v.Width], v.Width)
}

// nextPage goes to the next page with entries.
func (l *leaf) nextPage() error {
	for l.entries == 0 {
		if l.left == 0 {
			return l.inGroup(errors.New("it has fewer values than rows"))
		}
		if err := l.w.ctx.Err(); err != nil {
			return err
		}
		if l.at >= l.end {
			return l.inGroup(fmt.Errorf("its pages end before its values: %d are missing", l.left))
		}
		at := l.at
		h, err := l.header()
		if err == nil {
			l.skip(h.HeaderSize)
			err = l.open(h)
		}
		if err != nil {
			return l.wrap(err)
		}
		l.pageAt, l.pageNumber, l.pageValues = at, l.pages, l.entries
		l.pages++
	}
	return nil
}

// header reads the header of the next page and does not pass over it.
func (l *leaf) header() (meta.Page, error) {
	for want := int64(1); ; want *= 4 {
		if err := l.look(want); err != nil {
			return meta.Page{}, err
		}
		h, err := l.w.headers.Header(l.ahead)
		switch {
		case err == nil:
			return h, nil
		case !errors.Is(err, meta.ErrShort) || int64(len(l.ahead)) == l.reach-l.at:
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
	l.ahead = nil
	size := min(max(int64(l.r.readAhead), n), l.reach-l.at)
	buf, err := l.r.mem.Bytes(l.buffer, int(size))
	if err != nil {
		return err
	}
	l.buffer = buf
	if err := meta.ReadAt(l.r.f.ra, buf, l.at); err != nil {
		return err
	}
	l.ahead = buf
	return nil
}

func (l *leaf) skip(n int) {
	l.at += int64(n)
	l.ahead = l.ahead[min(n, len(l.ahead)):]
}

// body returns the next n bytes of the file: a view on what was read ahead, or read into memory in
// place of buf.
func (l *leaf) body(n int, buf *[]byte) ([]byte, error) {
	if n <= len(l.ahead) {
		b := l.ahead[:n]
		l.skip(n)
		return b, nil
	}
	if err := l.memory(buf, n); err != nil {
		return nil, err
	}
	got := copy(*buf, l.ahead)
	if err := meta.ReadAt(l.r.f.ra, (*buf)[got:], l.at+int64(got)); err != nil {
		return nil, err
	}
	l.skip(n)
	return *buf, nil
}

// memory makes buf a page of n bytes.
func (l *leaf) memory(buf *[]byte, n int) (err error) {
	b, err := l.r.mem.Bytes(*buf, n+text.Slack)
	if err != nil {
		return fmt.Errorf("a page of %w", err)
	}
	*buf = b[:n]
	return nil
}

// open reads a page behind its header and begins to decode it.
func (l *leaf) open(h meta.Page) error {
	if int64(h.Packed) > l.reach-l.at {
		return fmt.Errorf("it has %d bytes, its chunk only %d more", h.Packed, l.reach-l.at)
	}
	if h.Kind == meta.OtherPage {
		l.skip(h.Packed)
		return nil
	}
	if h.Kind == meta.DataPage && h.Values > l.left {
		return fmt.Errorf("it has %d values, its chunk only %d more", h.Values, l.left)
	}
	if h.Kind == meta.DictPage && (l.dict.there || l.pages > 0) {
		return errors.New("a dictionary comes behind other pages")
	}
	asIs := h.Kind == meta.DataPage && (l.codec == codec.None || !h.Compressed)
	buf := &l.w.packed
	switch {
	case asIs:
		buf = &l.page
	case h.Packed > bigPage:
		l.r.big.Lock()
		defer l.r.big.Unlock()
		buf = &l.r.bigPacked
	}
	packed, err := l.body(h.Packed, buf)
	if err != nil {
		return err
	}
	if h.Checked && crc32.ChecksumIEEE(packed) != h.CRC {
		return errors.New("its checksum is wrong: the file is damaged")
	}
	plain := 0 // bytes of levels that are never packed
	if h.V2 {
		plain = h.RepBytes + h.DefBytes
	}
	switch {
	case h.Kind == meta.DictPage:
		return l.openDict(h, packed)
	case h.Values == 0:
		return nil
	case asIs:
		if h.Packed < h.Size || h.Packed > h.Size && h.Size > plain {
			return fmt.Errorf("its data are not compressed and have %d bytes, not %d", h.Packed, h.Size)
		}
		return l.start(h, packed[:h.Size])
	}
	if err := l.memory(&l.page, h.Size); err != nil {
		return err
	}
	copy(l.page, packed[:plain])
	if err := l.w.unpacker.Unpack(l.codec, l.page[plain:], packed[plain:]); err != nil {
		return err
	}
	if l.r.tight && l.at >= l.end {
		l.r.mem.Give(int64(cap(l.buffer)))
		l.buffer, l.ahead = nil, nil
	}
	return l.start(h, l.page)
}

// start begins to decode a data page.
func (l *leaf) start(h meta.Page, page []byte) (err error) {
	if h.V2 {
		l.rep, page = encoding.NewLevels(page[:h.RepBytes], l.MaxRep), page[h.RepBytes:]
		l.def, page = encoding.NewLevels(page[:h.DefBytes], l.MaxDef), page[h.DefBytes:]
	} else {
		if l.MaxRep > 0 {
			if l.rep, page, err = encoding.CutLevels(page, l.MaxRep, h.RepEncoding, h.Values); err != nil {
				return fmt.Errorf("repetition levels: %w", err)
			}
		}
		if l.MaxDef > 0 {
			if l.def, page, err = encoding.CutLevels(page, l.MaxDef, h.DefEncoding, h.Values); err != nil {
				return fmt.Errorf("definition levels: %w", err)
			}
		}
	}
	if more := 2*int64(h.Size) - l.deltaMem; h.Encoding == meta.DeltaBytes && more > 0 {
		if err := l.r.mem.Take(more); err != nil {
			return err
		}
		l.deltaMem += more
	}
	entries := -1
	if l.dict.there {
		entries = l.dict.n
	}
	if err := l.vals.Reset(l.Leaf, h.Encoding, page, h.Values, entries); err != nil {
		return err
	}
	l.entries, l.present, l.taken = h.Values, 0, 0
	l.left -= h.Values
	return nil
}

// openDict reads the dictionary of the chunk.
func (l *leaf) openDict(h meta.Page, packed []byte) error {
	if h.Encoding != meta.Plain && h.Encoding != meta.PlainDict {
		return fmt.Errorf("the dictionary has the encoding %s", h.Encoding)
	}
	if err := l.memory(&l.dictPage, h.Size); err != nil {
		return err
	}
	page := l.dictPage
	if err := l.w.unpacker.Unpack(l.codec, page, packed); err != nil {
		// The header of a dictionary cannot say that it is not packed, and a writer that leaves
		// its data pages so may leave that so too.
		if h.Packed != h.Size {
			return err
		}
		copy(page, packed)
		if next, bad := l.header(); bad != nil || !next.V2 || next.Compressed {
			return err
		}
	}
	paged, err := l.dict.load(l, &l.w.vals, page, h.Values, l.left)
	if err != nil {
		return fmt.Errorf("the dictionary: %w", err)
	}
	if !paged && cap(l.dictPage) > keepPage { // it is not needed any more
		l.r.mem.Give(int64(cap(l.dictPage)))
		l.dictPage = nil
	}
	return nil
}
