package fingerprint

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"sort"
)

// A table is a file: magic, then records of a key and a content in order of the keys, then their number and a
// CRC-32C of them.
const (
	magic     = "sfsyncfp1\n"
	recordLen = 2 * sumLen
	blockRecs = 170 // 4,080 bytes
	blockLen  = blockRecs * recordLen
	tailLen   = 8 + 4
)

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// table is an open file of fingerprints. A nil one is empty.
type table struct {
	f     *os.File
	n     int64
	first []uint64 // the first eight bytes of the first key of each block
	block int      // the block in buf; -1 for none
	buf   []byte
}

// openTable opens and checks a file; one that does not exist is nil.
func openTable(path string) (*table, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	t := &table{f: f, block: -1, buf: make([]byte, blockLen)}
	if err := t.check(); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s: %w", ErrStore, path, err), f.Close())
	}
	return t, nil
}

var errDamaged = errors.New("the file is damaged: remove it, and the next run sends everything again")

// check reads the whole file once: it must be what was written.
func (t *table) check() error {
	info, err := t.f.Stat()
	if err != nil {
		return err
	}
	body := info.Size() - int64(len(magic)) - tailLen
	if body < 0 || body%recordLen != 0 {
		return errDamaged
	}
	t.n = body / recordLen
	t.first = make([]uint64, 0, (t.n+blockRecs-1)/blockRecs)
	r := bufio.NewReaderSize(t.f, 256<<10)
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(r, head); err != nil || string(head) != magic {
		return errors.Join(errDamaged, err)
	}
	sum, last := uint32(0), []byte(nil)
	var end Sum
	for b := range int64(cap(t.first)) {
		recs := t.buf[:min(blockRecs, t.n-b*blockRecs)*recordLen]
		if _, err := io.ReadFull(r, recs); err != nil {
			return errors.Join(errDamaged, err)
		}
		sum = crc32.Update(sum, castagnoli(), recs)
		t.first = append(t.first, binary.BigEndian.Uint64(recs[:8]))
		for ; len(recs) > 0; recs = recs[recordLen:] {
			if last != nil && bytes.Compare(last, recs[:sumLen]) >= 0 {
				return errDamaged
			}
			last = recs[:sumLen]
		}
		end = Sum(last)
		last = end[:] // the next block takes the place of this one
	}
	var tail [tailLen]byte
	if _, err := io.ReadFull(r, tail[:]); err != nil {
		return errors.Join(errDamaged, err)
	}
	if int64(binary.BigEndian.Uint64(tail[:8])) != t.n || binary.BigEndian.Uint32(tail[8:]) != sum { //nolint:gosec // compared, not used
		return errDamaged
	}
	return nil
}

func (t *table) len() int64 {
	if t == nil {
		return 0
	}
	return t.n
}

// find returns which record a key has, -1 for none, and its content.
func (t *table) find(key Sum) (int64, Sum, error) {
	if t == nil {
		return -1, Sum{}, nil
	}
	head := binary.BigEndian.Uint64(key[:8])
	// Blocks may begin with the same eight bytes: the key is in the last block that begins before it, or in
	// one of those that begin like it.
	b, _ := slices.BinarySearch(t.first, head)
	for b = max(0, b-1); b < len(t.first) && t.first[b] <= head; b++ {
		recs, err := t.load(b)
		if err != nil {
			return -1, Sum{}, err
		}
		n := len(recs) / recordLen
		i := sort.Search(n, func(i int) bool { return bytes.Compare(recs[i*recordLen:][:sumLen], key[:]) >= 0 })
		if i < n && bytes.Equal(recs[i*recordLen:][:sumLen], key[:]) {
			return int64(b)*blockRecs + int64(i), Sum(recs[i*recordLen+sumLen:][:sumLen]), nil
		}
	}
	return -1, Sum{}, nil
}

// load reads a block; the last one read is kept.
func (t *table) load(b int) ([]byte, error) {
	n := min(blockRecs, t.n-int64(b)*blockRecs) * recordLen
	if b != t.block {
		t.block = -1
		if _, err := t.f.ReadAt(t.buf[:n], int64(len(magic))+int64(b)*blockLen); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStore, err)
		}
		t.block = b
	}
	return t.buf[:n], nil
}

// records returns the records in order of the keys.
func (t *table) records() io.Reader {
	if t == nil {
		return bytes.NewReader(nil)
	}
	return io.NewSectionReader(t.f, int64(len(magic)), t.n*recordLen)
}

func (t *table) close() error {
	if t == nil {
		return nil
	}
	return t.f.Close()
}

// tableWriter writes a table in order.
type tableWriter struct {
	f   *os.File
	w   *bufio.Writer
	n   int64
	sum uint32
}

func newTableWriter(f *os.File) (*tableWriter, error) {
	t := &tableWriter{f: f, w: bufio.NewWriterSize(f, 256<<10)}
	_, err := t.w.WriteString(magic)
	return t, err
}

func (t *tableWriter) add(rec []byte) error {
	t.n++
	t.sum = crc32.Update(t.sum, castagnoli(), rec)
	_, err := t.w.Write(rec)
	return err
}

// finish makes the file whole, on disk.
func (t *tableWriter) finish() error {
	tail := binary.BigEndian.AppendUint64(nil, uint64(t.n)) //nolint:gosec // a count
	tail = binary.BigEndian.AppendUint32(tail, t.sum)
	_, err := t.w.Write(tail)
	return errors.Join(err, t.w.Flush(), t.f.Sync())
}
