package mirror

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// entry says at which place of the data a record stands whose key has this hash.
type entry struct{ hash, at uint64 }

const (
	entrySize = 16
	// sortMost is how many entries are sorted in memory: 4 MiB.
	sortMost = 256 << 10
)

func (e entry) compare(f entry) int {
	if e.hash != f.hash {
		return cmp.Compare(e.hash, f.hash)
	}
	return cmp.Compare(e.at, f.at)
}

func (e entry) append(dst []byte) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(dst, e.hash), e.at)
}

func readEntry(b []byte) entry {
	return entry{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

// sorter sorts any number of entries in bounded memory: full buffers go to a file in sorted runs.
type sorter struct {
	dir  string
	most int
	buf  []entry
	n    int64
	file *temp
	runs []int64 // entries in each
}

func (s *sorter) add(e entry) error {
	if len(s.buf) >= s.most {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.buf = append(s.buf, e)
	s.n++
	return nil
}

func (s *sorter) spill() (err error) {
	if s.file == nil {
		if s.file, err = newTemp(s.dir); err != nil {
			return err
		}
	}
	slices.SortFunc(s.buf, entry.compare)
	out := bufio.NewWriterSize(s.file, 64<<10)
	var text []byte
	for _, e := range s.buf {
		text = e.append(text[:0])
		if _, err := out.Write(text); err != nil {
			return err
		}
	}
	s.runs = append(s.runs, int64(len(s.buf)))
	s.buf = s.buf[:0]
	return out.Flush()
}

// each ends the adding and calls f with the entries in order.
func (s *sorter) each(f func(entry) error) error {
	if s.file == nil {
		slices.SortFunc(s.buf, entry.compare)
		for _, e := range s.buf {
			if err := f(e); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.spill(); err != nil {
		return err
	}
	s.buf = nil
	const smallest, largest = 4 << 10, 64 << 10
	size := min(max(s.most*entrySize/len(s.runs), smallest), largest)
	heads := make([]head, 0, len(s.runs))
	off := int64(0)
	for _, n := range s.runs {
		h := head{r: bufio.NewReaderSize(io.NewSectionReader(s.file, off, n*entrySize), size), left: n}
		off += n * entrySize
		if more, err := h.next(); err != nil {
			return err
		} else if more {
			heads = append(heads, h)
		}
	}
	for i := len(heads)/2 - 1; i >= 0; i-- {
		down(heads, i)
	}
	for len(heads) > 0 {
		if err := f(heads[0].entry); err != nil {
			return err
		}
		more, err := heads[0].next()
		if err != nil {
			return err
		}
		if !more {
			heads[0] = heads[len(heads)-1]
			heads = heads[:len(heads)-1]
		}
		down(heads, 0)
	}
	return nil
}

func (s *sorter) close() error {
	s.buf = nil
	return s.file.close()
}

// head is the first entry of a run that has not been handed out.
type head struct {
	entry
	r    *bufio.Reader
	left int64
}

func (h *head) next() (bool, error) {
	if h.left == 0 {
		return false, nil
	}
	h.left--
	var b [entrySize]byte
	if _, err := io.ReadFull(h.r, b[:]); err != nil {
		return false, fmt.Errorf("read the index of a copy: %w", err)
	}
	h.entry = readEntry(b[:])
	return true, nil
}

// down moves the head at i down to its place in a heap.
func down(heads []head, i int) {
	for {
		least := i
		for _, k := range [2]int{2*i + 1, 2*i + 2} {
			if k < len(heads) && heads[k].compare(heads[least].entry) < 0 {
				least = k
			}
		}
		if least == i {
			return
		}
		heads[i], heads[least] = heads[least], heads[i]
		i = least
	}
}

// temp is a temporary file of mode 0600. It has no name where the system allows that, so that it is gone
// with the process, however that ends; where it does not (Windows), close removes it.
type temp struct {
	*os.File
	left string
}

func newTemp(dir string) (*temp, error) {
	f, err := os.CreateTemp(dir, "sfsync-lookup-*")
	if err != nil {
		return nil, fmt.Errorf("keep a copy for lookups: %w", err)
	}
	t := &temp{File: f}
	if os.Remove(f.Name()) != nil {
		t.left = f.Name()
	}
	return t, nil
}

// Reset empties the file. Together with Write it takes an answer of any length.
func (t *temp) Reset() error {
	if _, err := t.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return t.Truncate(0)
}

func (t *temp) close() error {
	if t == nil {
		return nil
	}
	err := t.File.Close()
	if t.left != "" {
		err = errors.Join(err, os.Remove(t.left))
	}
	return err
}
