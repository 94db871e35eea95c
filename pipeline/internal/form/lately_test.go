package form

import (
	"testing"

	"sfsync/pipeline/internal/target"
)

func TestLately(t *testing.T) {
	var w lately
	slot := func(n int64) target.Slot { return target.Slot{Key: uint64(n)} }
	for n := range int64(3*latelyKept + 5) {
		w.wrote(slot(n))
		for _, back := range []int64{0, 1, 2, 7, latelyKept - 1, latelyKept, latelyKept + 1} {
			first := n + 1 - back // so many were written before
			if n%101 != 0 && n%latelyKept > 2 || first < 0 {
				continue
			}
			if back > 0 && !w.since(first, slot(first)) {
				t.Fatalf("of %d records number %d is not known as written", n+1, first)
			}
			if back < latelyKept && w.since(first, slot(first-1)) {
				t.Fatalf("of %d records number %d counts as written after itself", n+1, first-1)
			}
		}
	}
	if len(w.ring) != latelyKept {
		t.Errorf("%d slots are kept", len(w.ring))
	}
}
