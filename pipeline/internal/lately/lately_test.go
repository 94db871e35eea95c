package lately

import (
	"testing"

	"sfsync/pipeline/internal/target"
)

func TestSince(t *testing.T) {
	var w Writes
	slot := func(n int64) target.Slot { return target.Slot{Key: uint64(n)} }
	for n := range int64(3*kept + 5) {
		w.Add(slot(n))
		for _, back := range []int64{0, 1, 2, 7, kept - 1, kept, kept + 1} {
			first := n + 1 - back // so many were written before
			if n%101 != 0 && n%kept > 2 || first < 0 {
				continue
			}
			if back > 0 && !w.Since(first, slot(first)) {
				t.Fatalf("of %d records number %d is not known as written", n+1, first)
			}
			if back < kept && w.Since(first, slot(first-1)) {
				t.Fatalf("of %d records number %d counts as written after itself", n+1, first-1)
			}
		}
	}
	if len(w.ring) != kept {
		t.Errorf("%d slots are kept", len(w.ring))
	}
}
