package mirror

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"sort"

	"sfsync/pipeline/spill"
)

const (
	// blockEntries is how many entries of the index are read at once: 4 KiB of them.
	blockEntries = 256
	// guess is how much of a record is read at first.
	guess = 512
	// maxData bounds the file that a copy may take, its index aside: some ten million keys. The disk is also that of
	// the run.
	maxData = 1 << 30
)

var errTooMuch = errors.New("the object's keys take more than 1 GiB")

// table is a file of records and an index of them by a hash. It keeps 8 bytes in memory for each
// block of the index. Once built it is safe for concurrent use.
type table struct {
	data, index *spill.File
	n           int64
	first       []uint64 // the first hash of each block

	// Of the Matcher's lock: who reads it, and whether it goes with the last of them.
	readers int
	retired bool
}

// builder makes a table.
type builder struct {
	data *spill.File
	out  *bufio.Writer
	size int64
	sort *spill.Sorter[entry]
	dir  string
	text []byte
}

func newBuilder(dir string, memory int) (*builder, error) {
	data, err := newTemp(dir)
	if err != nil {
		return nil, err
	}
	return &builder{data: data, out: bufio.NewWriterSize(data, 256<<10), sort: newSorter(dir, memory), dir: dir}, nil
}

// add adds a record: its values under the hash of its key.
func (b *builder) add(hash uint64, values [][]byte) error {
	n := 0
	var size [binary.MaxVarintLen64]byte
	for _, v := range values {
		n += binary.PutUvarint(size[:], uint64(len(v))) + len(v)
	}
	b.text = binary.AppendUvarint(b.text[:0], uint64(n))
	for _, v := range values {
		b.text = append(binary.AppendUvarint(b.text, uint64(len(v))), v...)
	}
	if b.size+int64(len(b.text)) > maxData {
		return errTooMuch
	}
	if err := b.sort.Add(entry{hash, uint64(b.size)}); err != nil { //nolint:gosec // not negative
		return err
	}
	b.size += int64(len(b.text))
	_, err := b.out.Write(b.text)
	return err
}

// table ends the adding. The builder is of no use any more.
func (b *builder) table() (t *table, err error) {
	t = &table{data: b.data, n: b.sort.Len(), first: make([]uint64, 0, (b.sort.Len()+blockEntries-1)/blockEntries)}
	b.data = nil
	defer func() {
		if err = errors.Join(err, b.sort.Close()); err != nil {
			err = errors.Join(err, t.close())
			t = nil
		}
	}()
	err = b.out.Flush()
	if err != nil {
		return t, err
	}
	if t.index, err = newTemp(b.dir); err != nil {
		return t, err
	}
	out := bufio.NewWriterSize(t.index, 64<<10)
	entries, err := b.sort.Sorted()
	if err != nil {
		return t, err
	}
	for n := 0; ; n++ {
		e, ok, err := entries.Next()
		if err != nil || !ok {
			return t, errors.Join(err, out.Flush())
		}
		if n%blockEntries == 0 {
			t.first = append(t.first, e.hash)
		}
		b.text = e.append(b.text[:0])
		if _, err := out.Write(b.text); err != nil {
			return t, err
		}
	}
}

// drop gives a table up that is not to be.
func (b *builder) drop() error { return errors.Join(b.data.Close(), b.sort.Close()) }

func (t *table) close() error { return errors.Join(t.data.Close(), t.index.Close()) }

// cursor reads a table; it is for one goroutine, and quick if the hashes come in order.
type cursor struct {
	t      *table
	at     int // the block in text, -1 for none
	text   []byte
	record []byte
	values [][]byte
}

func (t *table) cursor() *cursor {
	return &cursor{t: t, at: -1, text: make([]byte, 0, blockEntries*entrySize), record: make([]byte, guess)}
}

// find calls each with the values of the records under a hash, valid until it returns.
func (c *cursor) find(hash uint64, each func(values [][]byte) error) error {
	// Entries of one hash may begin in the block before the first that begins with it.
	for b := max(0, sort.Search(len(c.t.first), func(i int) bool { return c.t.first[i] >= hash })-1); b < len(c.t.first); b++ {
		if err := c.load(b); err != nil {
			return err
		}
		for at := 0; at < len(c.text); at += entrySize {
			e := readEntry(c.text[at:])
			switch {
			case e.hash < hash:
			case e.hash > hash:
				return nil
			default:
				if err := c.read(int64(e.at)); err != nil { //nolint:gosec // it was a size
					return err
				}
				if err := each(c.values); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// load reads a block of the index.
func (c *cursor) load(b int) error {
	if c.at == b {
		return nil
	}
	c.at = -1
	off := int64(b) * blockEntries
	c.text = c.text[:min(blockEntries, c.t.n-off)*entrySize]
	if _, err := c.t.index.ReadAt(c.text, off*entrySize); err != nil {
		return fmt.Errorf("read the index of a copy: %w", err)
	}
	c.at = b
	return nil
}

var errTorn = errors.New("read a copy: a record is damaged")

// read reads the record at a place of the data.
func (c *cursor) read(at int64) error {
	c.record = c.record[:cap(c.record)]
	got, err := c.t.data.ReadAt(c.record, at)
	size, n := binary.Uvarint(c.record[:got])
	if n <= 0 || size > maxCSVRow {
		return errors.Join(errTorn, err)
	}
	whole := n + int(size)
	if whole > got {
		c.record = make([]byte, whole)
		if _, err := c.t.data.ReadAt(c.record, at); err != nil {
			return fmt.Errorf("read a copy: %w", err)
		}
	}
	rest := c.record[n:whole]
	c.values = c.values[:0]
	for len(rest) > 0 {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return errTorn
		}
		c.values = append(c.values, rest[n:n+int(size)])
		rest = rest[n+int(size):]
	}
	return nil
}
