package keys

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"

	"sfsync/pipeline/spill"
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

// newSorter returns a sorter of entries.
func newSorter(dir string, memory int) *spill.Sorter[entry] {
	kind := spill.Kind[entry]{
		Size: entrySize,
		Put: func(b []byte, e entry) {
			binary.LittleEndian.PutUint64(b[0:], e.a)
			binary.LittleEndian.PutUint64(b[8:], e.b)
			binary.LittleEndian.PutUint64(b[16:], e.c)
		},
		Get: func(b []byte) entry {
			return entry{binary.LittleEndian.Uint64(b[0:]), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])}
		},
		Compare: entry.compare,
	}
	return spill.NewSorter(kind, dir, "sfsync-keys-*", memory)
}

// stream gives the entries of a sorter in order.
type stream struct {
	*spill.Stream[entry]
	taken int
}

// sorted ends the adding to a sorter, which has to stay open.
func sorted(s *spill.Sorter[entry]) (*stream, error) {
	st, err := s.Sorted()
	return &stream{Stream: st}, spilled(err)
}

// next returns the next entry; ok is false at the end. It looks at the context now and then.
func (s *stream) next(ctx context.Context) (e entry, ok bool, err error) {
	if s.taken++; s.taken&0xFFFF == 0 && ctx.Err() != nil {
		return entry{}, false, context.Cause(ctx)
	}
	e, ok, err = s.Next()
	return e, ok, spilled(err)
}

// spilled makes an error of the disk an [ErrSpill].
func spilled(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrSpill, err)
}
