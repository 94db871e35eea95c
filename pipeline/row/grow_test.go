package row

import "testing"

// A batch of a pool has room for one full batch, whatever widths it had before: what is beyond would be kept
// for the rest of a run.
func TestRoomForOneFullBatch(t *testing.T) {
	b := &Batch{}
	widest := 0
	for _, width := range []int{9, 10, 3, 11, 10} {
		widest = max(widest, width)
		b.Reset(NewSchema(make([]Column, width)...))
		for line := range int64(MaxRows) {
			b.AddRow(line)
		}
		if most := MaxRows * widest; cap(b.cells) > most || cap(b.kinds) > most {
			t.Errorf("%d columns: room for %d cells and %d kinds, want at most %d", width, cap(b.cells), cap(b.kinds), most)
		}
	}
}
