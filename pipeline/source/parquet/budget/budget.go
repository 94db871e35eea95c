// Package budget counts the memory that the reading of a file takes: everything whose size the
// file decides.
package budget

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// ErrMemory says that reading a file takes more memory than is allowed.
var ErrMemory = errors.New("more memory than is allowed")

// Budget is an amount of memory that may be taken, in bytes. It is safe for concurrent use.
type Budget struct {
	max  int64
	used atomic.Int64
}

// New returns a budget of so many bytes, of which none are taken.
func New(limit int64) *Budget { return &Budget{max: limit} }

// Take counts n more bytes, or fails with an error that wraps [ErrMemory].
func (b *Budget) Take(n int64) error {
	if !b.take(n, b.max) {
		return fmt.Errorf("%w: it would take more than %d MiB; write smaller pages or row groups, or fewer columns", ErrMemory, b.max>>20)
	}
	return nil
}

// Spare takes n bytes for what only makes reading faster, and reports whether it may have them:
// it may not if more than half of the budget would then be gone.
func (b *Budget) Spare(n int64) bool { return b.take(n, b.max/2) }

func (b *Budget) take(n, limit int64) bool {
	if n > limit {
		return false
	}
	if b.used.Add(n) > limit {
		b.used.Add(-n)
		return false
	}
	return true
}

// Give gives back n bytes of what was taken.
func (b *Budget) Give(n int64) { b.used.Add(-n) }

// Used returns how many bytes are taken.
func (b *Budget) Used() int64 { return b.used.Load() }

// Bytes returns n bytes of memory in place of buf, whose capacity is counted: buf itself if it has
// the capacity, else new memory, which does not hold what buf does.
func (b *Budget) Bytes(buf []byte, n int) ([]byte, error) {
	if cap(buf) >= n {
		return buf[:n], nil
	}
	size := n + n/16 // pages differ in size by a little
	if err := b.Take(int64(size - cap(buf))); err != nil {
		return buf, fmt.Errorf("%d bytes: %w", n, err)
	}
	return make([]byte, n, size), nil
}
