package parquet

import (
	"fmt"
	"io"
	"sync/atomic"
)

// DefaultMemory is how much memory the reading of a file may take.
const DefaultMemory = 64 << 20

// budget counts the memory that the reading of a file takes: everything whose size the file
// decides. It is safe for concurrent use.
type budget struct {
	max  int64
	used atomic.Int64
}

// take counts n more bytes, unless that would be too many.
func (b *budget) take(n int64) error {
	if n > b.max || b.used.Add(n) > b.max {
		if n <= b.max {
			b.used.Add(-n)
		}
		return fmt.Errorf("%w: it would take more than %d MiB; write smaller pages or row groups, or fewer columns", ErrMemory, b.max>>20)
	}
	return nil
}

// give gives back what take counted.
func (b *budget) give(n int64) { b.used.Add(-n) }

// ReadError is an error of the storage, not of what is stored.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return "cannot be read: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ReadError) Unwrap() error { return e.Err }

// readAt fills p with the bytes of the file from off on.
func readAt(ra io.ReaderAt, p []byte, off int64) error {
	n, err := ra.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &ReadError{err}
}
