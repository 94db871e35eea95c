package form

import (
	"cmp"
	"slices"

	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// siblings keeps records that have a parent in common out of requests that are in flight at the same time:
// Salesforce locks the parent while it writes a child, and two requests that hold children of one parent
// fail each other with UNABLE_TO_LOCK_ROW (Record-Level Locking, "Lookup skew"). One request may hold any
// number of them. A nil *siblings keeps nothing apart.
type siblings struct {
	columns []int                  // that refer to parents
	busy    map[uint64]int         // parents of records in flight → how many requests hold some
	held    map[uint64][]work.Item // records that wait for a parent, by the first one that is busy
}

func newSiblings(columns []int) *siblings {
	if len(columns) == 0 {
		return nil
	}
	return &siblings{columns: columns, busy: make(map[uint64]int), held: make(map[uint64][]work.Item)}
}

// each calls f with the parents of a record until it returns false, and reports whether it never did.
func (s *siblings) each(l *lane, it work.Item, f func(parent uint64) bool) bool {
	b, r := l.Cells(it.Batch), int(it.Row)
	for _, c := range s.columns {
		if cell := b.Cell(r, c); !cell.Blank() && !f(row.Hash(cell.Text)^uint64(c)*0x9E3779B97F4A7C15) {
			return false
		}
	}
	return true
}

// hold takes a record that must not be sent now, and reports whether it did.
func (s *siblings) hold(l *lane, it work.Item) bool {
	if s == nil || len(s.busy) == 0 {
		return false
	}
	return !s.each(l, it, func(parent uint64) bool {
		if s.busy[parent] == 0 {
			return true
		}
		s.held[parent] = append(s.held[parent], it)
		return false
	})
}

// leave notes that records are in flight, and takes those out of the queues that must not be now.
func (s *siblings) leave(l *lane, items []work.Item) {
	if s == nil {
		return
	}
	seen := make(map[uint64]bool, len(items))
	for _, it := range items {
		s.each(l, it, func(parent uint64) bool {
			if !seen[parent] {
				seen[parent] = true
				s.busy[parent]++
			}
			return true
		})
	}
	for _, q := range l.queues() {
		q.filter(func(it work.Item) bool { return !s.hold(l, it) })
	}
}

// back notes that records are no longer in flight, and returns those that need not wait any more, in the order
// in which they came.
func (s *siblings) back(l *lane, items []work.Item) []work.Item {
	if s == nil || len(items) == 0 {
		return nil
	}
	seen := make(map[uint64]bool, len(items))
	var free []work.Item
	for _, it := range items {
		s.each(l, it, func(parent uint64) bool {
			if seen[parent] {
				return true
			}
			seen[parent] = true
			if s.busy[parent]--; s.busy[parent] == 0 {
				delete(s.busy, parent)
				free = append(free, s.held[parent]...)
				delete(s.held, parent)
			}
			return true
		})
	}
	return free
}

// filter keeps the items for which f returns true, in their order.
func (q *queue) filter(f func(work.Item) bool) {
	kept := q.items[:q.head]
	for _, it := range q.items[q.head:] {
		if f(it) {
			kept = append(kept, it)
		} else {
			q.bytes -= int(it.Size)
		}
	}
	clear(q.items[len(kept):])
	q.items = kept
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
}

// gather brings the children of a parent together, so that a request holds few parents and others can be in
// flight beside it. The order of the children of a parent stays.
func (s *siblings) gather(l *lane) {
	if s == nil {
		return
	}
	first := func(it work.Item) (parent uint64) {
		s.each(l, it, func(p uint64) bool { parent = p; return false })
		return parent
	}
	for _, q := range l.queues() {
		slices.SortStableFunc(q.items[q.head:], func(a, b work.Item) int { return cmp.Compare(first(a), first(b)) })
	}
}

// queues are those of the lane's writes.
func (l *lane) queues() [3]*queue { return [...]*queue{&l.upserts, &l.creates, &l.updates} }

// queueOf is the queue of a record by what is to become of it.
func (l *lane) queueOf(it work.Item) *queue {
	switch it.Action {
	case sink.Upsert:
		return &l.upserts
	case sink.Create, sink.Publish:
		return &l.creates
	}
	return &l.updates
}

// send puts a record that is ready into its queue, unless a request with children of the same parent is in
// flight: then it comes when that one is back.
func (l *lane) send(it work.Item) {
	if !l.rejoin(it) && !l.siblings.hold(l, it) {
		l.queueOf(it).push(it)
	}
}
