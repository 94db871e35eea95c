// Package spill keeps in temporary files what is beyond the memory: bytes in a [File], records that are to be sorted
// in a [Sorter].
//
//	s := spill.NewSorter(kind, dir, "sfsync-keys-*", 8<<20)
//	defer s.Close()
//	err := s.Add(r) // for every record
//	sorted, err := s.Sorted()
//	r, ok, err := sorted.Next() // until ok is false
//
// The errors are those of the files, whose paths they name: a full disk is one of writing.
package spill

import (
	"fmt"
	"io"
	"slices"
)

// Kind says what the records are like that a [Sorter] sorts. It is the same for all of its life.
type Kind[R any] struct {
	// Size is how many bytes a record has in a file. Put writes one to so many, and Get reads it back.
	Size int
	Put  func(b []byte, r R)
	Get  func(b []byte) R
	// Compare orders records, as [slices.SortFunc] takes it. Those that it holds equal come in any order.
	Compare func(a, b R) int
	// Same, if it is set, tells of two records in order that only the first counts. Where both are in memory at once
	// the second is left out; who reads the records has to see to the others.
	Same func(a, b R) bool
}

// Sorter sorts any number of records in bounded memory: what is beyond it goes to one file in sorted runs, which are
// merged at the end. It serves one goroutine and allocates nothing for a record.
type Sorter[R any] struct {
	kind         Kind[R]
	dir, pattern string
	most         int // records in memory
	buf          []R
	n            int64
	file         *File
	ends         []int64 // of the runs in the file
}

// The buffers of the file: one to write, and one for each run to read.
const (
	blockSize    = 256 << 10
	smallestRead = 4 << 10
)

// fewest is how many records a run has, however little the memory.
const fewest = 16

// NewSorter returns an empty sorter. It keeps no more than about so many bytes of records in memory (and 4 KiB for
// each run while it merges), and what is beyond them in a file that [Create] makes in dir. The caller has to close
// it.
func NewSorter[R any](kind Kind[R], dir, pattern string, memory int) *Sorter[R] {
	return &Sorter[R]{kind: kind, dir: dir, pattern: pattern, most: max(memory/kind.Size, fewest)}
}

// Len returns how many records were added.
func (s *Sorter[R]) Len() int64 { return s.n }

// Add adds a record.
func (s *Sorter[R]) Add(r R) error {
	if len(s.buf) >= s.most {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if len(s.buf) == cap(s.buf) && len(s.buf) >= s.most/8 { // many: no more growing step by step
		s.buf = slices.Grow(s.buf, s.most-len(s.buf))
	}
	s.buf = append(s.buf, r)
	s.n++
	return nil
}

// sort brings what is in memory in order.
func (s *Sorter[R]) sort() {
	slices.SortFunc(s.buf, s.kind.Compare)
	if s.kind.Same != nil {
		s.buf = slices.CompactFunc(s.buf, s.kind.Same)
	}
}

// spill writes what is in memory to the file as one more run.
func (s *Sorter[R]) spill() (err error) {
	if len(s.buf) == 0 {
		return nil
	}
	if s.file == nil {
		if s.file, err = Create(s.dir, s.pattern); err != nil {
			return err
		}
	}
	s.sort()
	size := s.kind.Size
	block := make([]byte, 0, blockSize)
	for _, r := range s.buf {
		if len(block)+size > cap(block) {
			if _, err := s.file.Write(block); err != nil {
				return err
			}
			block = block[:0]
		}
		block = block[:len(block)+size]
		s.kind.Put(block[len(block)-size:], r)
	}
	if _, err := s.file.Write(block); err != nil {
		return err
	}
	end := int64(len(s.buf)) * int64(size)
	if len(s.ends) > 0 {
		end += s.ends[len(s.ends)-1]
	}
	s.ends = append(s.ends, end)
	s.buf = s.buf[:0]
	return nil
}

// Sorted ends the adding and returns the records in order. The sorter owns what the stream reads: it has to stay
// open.
func (s *Sorter[R]) Sorted() (*Stream[R], error) {
	if s.file == nil {
		s.sort()
		return &Stream[R]{memory: s.buf}, nil
	}
	if err := s.spill(); err != nil {
		return nil, err
	}
	s.buf = nil
	st := &Stream[R]{kind: s.kind, heads: make([]*head[R], 0, len(s.ends))}
	each := min(max(s.most*s.kind.Size/len(s.ends), smallestRead), blockSize)
	off := int64(0)
	for _, end := range s.ends {
		h := &head[R]{file: s.file, off: off, end: end, block: make([]byte, 0, each/s.kind.Size*s.kind.Size)}
		if _, err := h.next(&st.kind); err != nil { // a run is not empty
			return nil, err
		}
		st.heads = append(st.heads, h)
		off = end
	}
	for i := len(st.heads)/2 - 1; i >= 0; i-- {
		st.down(i)
	}
	return st, nil
}

// Close gives memory and file back. The sorter and its stream cannot be used afterwards.
func (s *Sorter[R]) Close() error {
	f := s.file
	s.buf, s.file = nil, nil
	return f.Close()
}

// Stream gives sorted records one by one: those in memory, or those of several runs by way of a heap of their heads.
type Stream[R any] struct {
	kind   Kind[R]
	memory []R
	heads  []*head[R]
}

// head is the first record of a run that has not been handed out.
type head[R any] struct {
	record   R
	file     io.ReaderAt
	off, end int64 // what of the file is still to be read
	block    []byte
	at       int // in block
}

// next reads the run's next record; more is false at its end.
func (h *head[R]) next(kind *Kind[R]) (more bool, err error) {
	if h.at == len(h.block) {
		n := min(h.end-h.off, int64(cap(h.block)))
		if n == 0 {
			return false, nil
		}
		h.block, h.at = h.block[:n], 0
		if n, err := h.file.ReadAt(h.block, h.off); n < len(h.block) {
			return false, fmt.Errorf("read back what was kept on disk: %w", err)
		}
		h.off += n
	}
	h.record = kind.Get(h.block[h.at : h.at+kind.Size])
	h.at += kind.Size
	return true, nil
}

// Next returns the next record; ok is false at the end.
func (s *Stream[R]) Next() (r R, ok bool, err error) {
	if len(s.memory) > 0 {
		r, s.memory = s.memory[0], s.memory[1:]
		return r, true, nil
	}
	if len(s.heads) == 0 {
		return r, false, nil
	}
	r = s.heads[0].record
	more, err := s.heads[0].next(&s.kind)
	if err != nil {
		return r, false, err
	}
	if !more {
		last := len(s.heads) - 1
		s.heads[0], s.heads = s.heads[last], s.heads[:last]
	}
	s.down(0)
	return r, true, nil
}

// down moves a head to where no head below it is smaller.
func (s *Stream[R]) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(s.heads) {
			return
		}
		if child+1 < len(s.heads) && s.kind.Compare(s.heads[child+1].record, s.heads[child].record) < 0 {
			child++
		}
		if s.kind.Compare(s.heads[i].record, s.heads[child].record) <= 0 {
			return
		}
		s.heads[i], s.heads[child] = s.heads[child], s.heads[i]
		i = child
	}
}
