package form

import (
	"slices"

	"sfsync/pipeline/internal/target"
)

// latelyKept is how many writes are remembered: several times what is written while a lookup is under way.
const latelyKept = 1 << 13

// lately remembers which records were written last. What a lookup says of a record that was written while the lookup
// was under way may be out of date.
type lately struct {
	ring []target.Slot
	n    int64 // all that were written
}

// wrote notes that the record of a slot was written.
func (w *lately) wrote(s target.Slot) {
	if len(w.ring) < latelyKept {
		w.ring = append(w.ring, s)
	} else {
		w.ring[w.n%latelyKept] = s
	}
	w.n++
}

// since reports whether the record of a slot was, or may have been, among those written after the first n.
func (w *lately) since(n int64, s target.Slot) bool {
	switch from := n % latelyKept; {
	case w.n == n:
		return false
	case w.n-n >= latelyKept:
		return true
	case from < w.n%latelyKept:
		return slices.Contains(w.ring[from:w.n%latelyKept], s)
	default: // around the end
		return slices.Contains(w.ring[from:], s) || slices.Contains(w.ring[:w.n%latelyKept], s)
	}
}
