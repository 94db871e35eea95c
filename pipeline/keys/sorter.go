package keys

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// entry is what is sorted, by its numbers in order.
type entry struct{ a, b, c uint64 }

const entrySize = 24

// compare nearly always ends with the first numbers, which are hashes or places.
func (e entry) compare(f entry) int {
	switch {
	case e.a != f.a:
		return cmp.Compare(e.a, f.a)
	case e.b != f.b:
		return cmp.Compare(e.b, f.b)
	}
	return cmp.Compare(e.c, f.c)
}

// sorter sorts any number of entries in bounded memory: what is beyond it goes to a file in
// sorted runs, which are merged at the end.
type sorter struct {
	dir  string
	most int // entries in memory
	buf  []entry
	n    int64

	file *os.File
	left string // the name of a file that could not be removed while it is open
	size int64
	runs []run
}

// run is a sorted part of the file.
type run struct{ off, end int64 }

func (s *sorter) add(e entry) error {
	if len(s.buf) >= s.most {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if len(s.buf) == cap(s.buf) && len(s.buf) >= s.most/8 { // many: no more growing step by step
		s.buf = slices.Grow(s.buf, s.most-len(s.buf))
	}
	s.buf = append(s.buf, e)
	s.n++
	return nil
}

// spill writes what is in memory to the file as one more run.
func (s *sorter) spill() error {
	if len(s.buf) == 0 {
		return nil
	}
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "sfsync-keys-*") // mode 0600
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSpill, err)
		}
		s.file = f
		// Without a name the file is gone with the process, however that ends. Where an open file
		// cannot be removed (Windows), close does it.
		if err := os.Remove(f.Name()); err != nil {
			s.left = f.Name()
		}
	}
	slices.SortFunc(s.buf, entry.compare)
	out := bufio.NewWriterSize(s.file, 256<<10)
	var text [entrySize]byte
	for _, e := range s.buf {
		binary.LittleEndian.PutUint64(text[0:], e.a)
		binary.LittleEndian.PutUint64(text[8:], e.b)
		binary.LittleEndian.PutUint64(text[16:], e.c)
		if _, err := out.Write(text[:]); err != nil {
			return fmt.Errorf("%w: %w", ErrSpill, err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("%w: %w", ErrSpill, err)
	}
	end := s.size + int64(len(s.buf))*entrySize
	s.runs = append(s.runs, run{s.size, end})
	s.size = end
	s.buf = s.buf[:0]
	return nil
}

// sorted ends the adding and returns the entries in order. The sorter owns what the stream
// reads: it has to stay open.
func (s *sorter) sorted() (*stream, error) {
	if s.file == nil {
		slices.SortFunc(s.buf, entry.compare)
		return &stream{memory: s.buf}, nil
	}
	if err := s.spill(); err != nil {
		return nil, err
	}
	s.buf = nil
	const smallest, largest = 4 << 10, 256 << 10
	each := min(max(s.most*entrySize/len(s.runs), smallest), largest)
	st := &stream{}
	for _, r := range s.runs {
		h := &head{r: bufio.NewReaderSize(io.NewSectionReader(s.file, r.off, r.end-r.off), each)}
		if more, err := h.next(); err != nil || !more {
			return nil, errors.Join(err, s.lost(more))
		}
		st.heads = append(st.heads, h)
	}
	for i := len(st.heads)/2 - 1; i >= 0; i-- {
		st.sink(i)
	}
	return st, nil
}

// lost is the error of a run that is empty though it was written.
func (s *sorter) lost(more bool) error {
	if more {
		return nil
	}
	return fmt.Errorf("%w: what was written is gone", ErrSpill)
}

// close removes the file.
func (s *sorter) close() error {
	s.buf = nil
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if s.left != "" {
		err = errors.Join(err, os.Remove(s.left))
	}
	s.file = nil
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSpill, err)
	}
	return nil
}

// stream gives sorted entries one by one: those in memory, or those of several runs by way of a
// heap of their heads.
type stream struct {
	memory []entry
	heads  []*head
	taken  int
}

type head struct {
	entry
	r    *bufio.Reader
	text [entrySize]byte
}

// next reads the run's next entry; more is false at its end.
func (h *head) next() (more bool, err error) {
	if _, err := io.ReadFull(h.r, h.text[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		return false, fmt.Errorf("%w: %w", ErrSpill, err)
	}
	h.entry = entry{binary.LittleEndian.Uint64(h.text[0:]), binary.LittleEndian.Uint64(h.text[8:]), binary.LittleEndian.Uint64(h.text[16:])}
	return true, nil
}

// next returns the next entry; ok is false at the end. It looks at the context now and then.
func (s *stream) next(ctx context.Context) (e entry, ok bool, err error) {
	if s.taken++; s.taken&0xFFFF == 0 && ctx.Err() != nil {
		return entry{}, false, context.Cause(ctx)
	}
	if len(s.memory) > 0 {
		e, s.memory = s.memory[0], s.memory[1:]
		return e, true, nil
	}
	if len(s.heads) == 0 {
		return entry{}, false, nil
	}
	e = s.heads[0].entry
	more, err := s.heads[0].next()
	if err != nil {
		return entry{}, false, err
	}
	if !more {
		last := len(s.heads) - 1
		s.heads[0], s.heads = s.heads[last], s.heads[:last]
	}
	s.sink(0)
	return e, true, nil
}

// sink moves a head down to where no head below it is smaller.
func (s *stream) sink(i int) {
	for {
		child := 2*i + 1
		if child >= len(s.heads) {
			return
		}
		if child+1 < len(s.heads) && s.heads[child+1].compare(s.heads[child].entry) < 0 {
			child++
		}
		if s.heads[i].compare(s.heads[child].entry) <= 0 {
			return
		}
		s.heads[i], s.heads[child] = s.heads[child], s.heads[i]
		i = child
	}
}
