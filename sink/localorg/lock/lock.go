// Package lock keeps two transactions from changing one record at the same time, as a Salesforce
// org does: who wants a record that another holds waits for it, and gives up after a while.
package lock

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Table holds the locks of an org: each is on one record, by its id, and belongs to one Holder. The
// zero Table is ready; it is safe for concurrent use.
type Table struct {
	mu   sync.Mutex
	held map[string]*entry
}

// entry is a lock that somebody holds.
type entry struct {
	owner *Holder
	queue []*waiter // who comes first is first
}

type waiter struct {
	holder *Holder
	got    chan struct{} // closed once the lock is the holder's
}

// Holder is who may hold locks: a transaction. It belongs to one goroutine.
type Holder struct {
	table *Table
	keys  []string
}

// Holder returns a new holder without any lock.
func (t *Table) Holder() *Holder { return &Holder{table: t} }

// Idle reports whether nobody holds a lock.
func (t *Table) Idle() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.held) == 0
}

// Try takes a lock if it is free or the holder's own, and reports whether the holder has it now.
func (h *Holder) Try(key string) bool {
	t := h.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.held[key]; e != nil {
		return e.owner == h
	}
	t.take(h, key)
	return true
}

func (t *Table) take(h *Holder, key string) {
	if t.held == nil {
		t.held = map[string]*entry{}
	}
	t.held[key] = &entry{owner: h}
	h.keys = append(h.keys, key)
}

// Wait is [Holder.Try] that waits for a lock for up to d, in the order of asking, or until ctx ends.
func (h *Holder) Wait(ctx context.Context, key string, d time.Duration) bool {
	t := h.table
	t.mu.Lock()
	e := t.held[key]
	if e == nil {
		t.take(h, key)
	}
	if e == nil || e.owner == h {
		t.mu.Unlock()
		return true
	}
	w := &waiter{h, make(chan struct{})}
	e.queue = append(e.queue, w)
	t.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-w.got:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-w.got: // in the last moment
		return true
	default:
	}
	e.queue = slices.DeleteFunc(e.queue, func(other *waiter) bool { return other == w })
	return false
}

// Release gives all locks back; each goes to whoever has waited longest for it.
func (h *Holder) Release() {
	t := h.table
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range h.keys {
		e := t.held[key]
		if len(e.queue) == 0 {
			delete(t.held, key)
			continue
		}
		next := e.queue[0]
		e.queue = e.queue[1:]
		e.owner = next.holder
		next.holder.keys = append(next.holder.keys, key)
		close(next.got)
	}
	h.keys = nil
}
