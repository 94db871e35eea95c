package fingerprint

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// chunkRecs is how many records of a journal are sorted in memory at once: 24 MB, and 16 MB for their order. It is
// a variable of merger so that tests can do with fewer.
const chunkRecs = 1 << 20

// merge makes the table at path anew from itself and a journal, then removes the journal. It can be repeated
// after being interrupted at any point: until the new table stands in the old one's place nothing is lost,
// and merging the same journal once more changes nothing.
func merge(path, journalPath string) error {
	m := merger{path: path, chunk: chunkRecs}
	if err := m.run(journalPath); err != nil {
		return fmt.Errorf("%w: merge %s: %w", ErrStore, journalPath, err)
	}
	return nil
}

type merger struct {
	path  string
	chunk int
	runs  []*os.File
	whole int64 // bytes of whole records in the journal
}

func (m *merger) run(journalPath string) (err error) {
	j, err := os.Open(journalPath)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, j.Close())
		for _, f := range m.runs {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
		if err == nil {
			err = os.Remove(journalPath)
		}
	}()
	info, err := j.Stat()
	if err != nil {
		return err
	}
	m.whole = info.Size() / recordLen * recordLen // a torn record at the end was not yet relied on
	if m.whole == 0 {
		return nil
	}
	if err := m.sort(io.LimitReader(j, m.whole)); err != nil {
		return err
	}
	return m.write()
}

// place is where a record stands in a chunk, with the first bytes of its key.
type place struct {
	head uint64
	at   int32
}

// sort cuts the journal into sorted runs in which each key stands once, with what was learned last.
func (m *merger) sort(r io.Reader) error {
	buf := make([]byte, min(int64(m.chunk)*recordLen, m.whole))
	places := make([]place, 0, len(buf)/recordLen)
	rec := func(p place) []byte { return buf[int(p.at)*recordLen:][:recordLen] }
	for {
		n, err := io.ReadFull(r, buf)
		if n == 0 {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		places = places[:0]
		for i := range n / recordLen {
			places = append(places, place{binary.BigEndian.Uint64(buf[i*recordLen:]), int32(i)}) //nolint:gosec // less than a chunk
		}
		slices.SortFunc(places, func(a, b place) int {
			if a.head != b.head {
				return cmp.Compare(a.head, b.head)
			}
			return cmp.Or(bytes.Compare(rec(a)[:sumLen], rec(b)[:sumLen]), cmp.Compare(b.at, a.at)) // the later one first
		})
		f, err := os.CreateTemp(filepath.Dir(m.path), filepath.Base(temporary(m.path))+"run-*") // 0600
		if err != nil {
			return err
		}
		m.runs = append(m.runs, f)
		w := bufio.NewWriterSize(f, 256<<10)
		for k, p := range places {
			if k > 0 && bytes.Equal(rec(p)[:sumLen], rec(places[k-1])[:sumLen]) {
				continue
			}
			if _, err := w.Write(rec(p)); err != nil {
				return err
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
}

// write merges the runs and the old table into a new one.
func (m *merger) write() (err error) {
	old, err := openTable(m.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, old.close()) }()
	var h streams
	if old != nil {
		if err := h.push(io.NewSectionReader(old.f, int64(len(magic)), old.n*recordLen), 0); err != nil {
			return err
		}
	}
	for i, f := range m.runs {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if err := h.push(io.NewSectionReader(f, 0, info.Size()), i+1); err != nil {
			return err
		}
	}
	out, err := os.CreateTemp(filepath.Dir(m.path), filepath.Base(temporary(m.path))+"table-*") // 0600
	if err != nil {
		return err
	}
	err = m.copy(&h, out)
	err = errors.Join(err, out.Close())
	if err == nil {
		err = os.Rename(out.Name(), m.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return syncDir(filepath.Dir(m.path))
}

func (m *merger) copy(h *streams, out *os.File) error {
	w, err := newTableWriter(out)
	if err != nil {
		return err
	}
	var last Sum
	for any := false; h.Len() > 0; any = true {
		s := (*h)[0]
		if key := Sum(s.rec[:sumLen]); !any || key != last {
			last = key
			if Sum(s.rec[sumLen:]) != (Sum{}) { // a key in doubt has no fingerprint
				if err := w.add(s.rec[:]); err != nil {
					return err
				}
			}
		}
		if err := h.next(); err != nil {
			return err
		}
	}
	return w.finish()
}

// syncDir makes a rename last. Where directories cannot be synced the file system does it in its own time.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}

// stream is a sorted run of records; of equal keys the one with the highest age is the newest.
type stream struct {
	r   *bufio.Reader
	age int
	rec [recordLen]byte
}

// streams is a heap of streams by key, the newest first.
type streams []*stream

func (h streams) Len() int { return len(h) }

func (h streams) Less(i, j int) bool {
	if c := bytes.Compare(h[i].rec[:sumLen], h[j].rec[:sumLen]); c != 0 {
		return c < 0
	}
	return h[i].age > h[j].age
}

func (h streams) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *streams) Push(x any) { *h = append(*h, x.(*stream)) } //nolint:forcetypeassert // only push calls it

// Pop implements heap.Interface.
func (h *streams) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	*h = (*h)[:last]
	return s
}

func (h *streams) push(r io.Reader, age int) error {
	s := &stream{r: bufio.NewReaderSize(r, 64<<10), age: age}
	if _, err := io.ReadFull(s.r, s.rec[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	heap.Push(h, s)
	return nil
}

// next moves the first stream on.
func (h *streams) next() error {
	s := (*h)[0]
	_, err := io.ReadFull(s.r, s.rec[:])
	switch {
	case errors.Is(err, io.EOF):
		heap.Pop(h)
		return nil
	case err != nil:
		return err
	}
	heap.Fix(h, 0)
	return nil
}
