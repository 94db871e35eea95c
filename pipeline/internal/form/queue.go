package form

import "sfsync/pipeline/internal/work"

// queue is a first-in, first-out list of items.
type queue struct {
	items []work.Item
	head  int
	bytes int
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) push(it work.Item) {
	if q.head > 1024 && q.head > len(q.items)/2 {
		q.items = q.items[:copy(q.items, q.items[q.head:])]
		q.head = 0
	}
	q.items = append(q.items, it)
	q.bytes += int(it.Size)
}

// pop takes the first item of a queue that is not empty.
func (q *queue) pop() work.Item {
	it := q.items[q.head]
	q.items[q.head] = work.Item{}
	q.bytes -= int(it.Size)
	if q.head++; q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return it
}

// take moves up to n items, and no more bytes than room beyond the first item, to dst.
func (q *queue) take(dst []work.Item, n int, room *int) []work.Item {
	for range min(n, q.len()) {
		if int(q.items[q.head].Size) > *room && len(dst) > 0 {
			break
		}
		it := q.pop()
		*room -= int(it.Size)
		dst = append(dst, it)
	}
	return dst
}
