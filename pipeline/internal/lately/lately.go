// Package lately remembers which records were written last. What a lookup says of a record that was written while the
// lookup was under way may be out of date.
package lately

import (
	"slices"

	"sfsync/pipeline/internal/target"
)

// kept is how many writes are remembered: several times what is written while a lookup is under way.
const kept = 1 << 13

// Writes are the writes of a run. Its zero value has none; it serves one goroutine.
type Writes struct {
	ring []target.Slot
	n    int64 // all that were written
}

// Add notes that the record of a slot was written.
func (w *Writes) Add(s target.Slot) {
	if len(w.ring) < kept {
		w.ring = append(w.ring, s)
	} else {
		w.ring[w.n%kept] = s
	}
	w.n++
}

// Count is how many writes there were.
func (w *Writes) Count() int64 { return w.n }

// Since reports whether the record of a slot was, or may have been, among those written after the first n.
func (w *Writes) Since(n int64, s target.Slot) bool {
	switch from := n % kept; {
	case w.n == n:
		return false
	case w.n-n >= kept:
		return true
	case from < w.n%kept:
		return slices.Contains(w.ring[from:w.n%kept], s)
	default: // around the end
		return slices.Contains(w.ring[from:], s) || slices.Contains(w.ring[:w.n%kept], s)
	}
}
