package form

import (
	"slices"
	"testing"

	"sfsync/pipeline/internal/work"
)

func numbers(items []work.Item) (n []int32) {
	for _, it := range items {
		n = append(n, it.Row)
	}
	return n
}

// take gives what fits, in order, and the first item whether it fits or not: else it would never leave.
func TestQueueTake(t *testing.T) {
	for name, c := range map[string]struct {
		had, n, room int
		want         []int32
	}{
		"by number":          {0, 2, 1000, []int32{0, 1}},
		"by room":            {0, 9, 25, []int32{0, 1}},
		"exactly":            {0, 9, 30, []int32{0, 1, 2}},
		"the first anyway":   {0, 9, 3, []int32{0}},
		"not behind another": {1, 9, 3, nil},
		"more than there is": {0, 99, 1000, []int32{0, 1, 2, 3, 4}},
		"none":               {0, 0, 1000, nil},
	} {
		var q queue
		for i := range int32(5) {
			q.push(work.Item{Row: i, Size: 10})
		}
		room := c.room
		got := q.take(make([]work.Item, c.had), c.n, &room)[c.had:]
		if !slices.Equal(numbers(got), c.want) {
			t.Errorf("%s: %v, want %v", name, numbers(got), c.want)
		}
		if left := 5 - len(got); q.len() != left || q.bytes != 10*left || room != c.room-10*len(got) {
			t.Errorf("%s: %d items of %d bytes are left, and %d of %d room", name, q.len(), q.bytes, room, c.room)
		}
	}
}

// A queue that is never empty keeps its order and gives memory back.
func TestQueueMovesUp(t *testing.T) {
	var q queue
	next := int32(0)
	for i := range int32(20_000) {
		q.push(work.Item{Row: i, Size: 1})
		if i < 3 {
			continue
		}
		if it := q.pop(); it.Row != next {
			t.Fatalf("%d comes out, want %d", it.Row, next)
		}
		next++
	}
	if q.len() != 3 || q.bytes != 3 || len(q.items) > 3000 {
		t.Errorf("%d items of %d bytes, in a list of %d", q.len(), q.bytes, len(q.items))
	}
}
