// Package throttle bounds how many requests are in flight to an org by how the org copes: the bound halves
// when the org says that it is too much, and grows back by one for each round of requests that go well
// (additive increase, multiplicative decrease).
package throttle

import (
	"container/list"
	"context"
	"sync"
)

// Throttle is such a bound. It is safe for concurrent use; waiters are served in the order in which they came.
type Throttle struct {
	mu       sync.Mutex
	most     int
	limit    float64
	inflight int
	// settling is how many requests that were in flight when the bound was halved have not ended: what the
	// org says of them it says of the old bound.
	settling int
	waiting  list.List // of chan struct{}
}

// New returns a Throttle that begins at its highest bound, which is at least 1.
func New(most int) *Throttle {
	most = max(most, 1)
	return &Throttle{most: most, limit: float64(most)}
}

// Limit returns the bound of the moment, from 1 to the highest one.
func (t *Throttle) Limit() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int(t.limit)
}

// Acquire waits until a request may be sent, or until the context has ended, whose cause it returns. Whoever
// gets no error calls [Throttle.Release] when the request has ended.
func (t *Throttle) Acquire(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t.mu.Lock()
	if t.waiting.Len() == 0 && t.inflight < int(t.limit) {
		t.inflight++
		t.mu.Unlock()
		return nil
	}
	ready := make(chan struct{})
	e := t.waiting.PushBack(ready)
	t.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-ready: // it was let go at the same moment
		t.inflight--
		t.serve()
	default:
		t.waiting.Remove(e)
	}
	return context.Cause(ctx)
}

// Release says that a request has ended, and whether the org coped with it. A request that failed for reasons
// of its own says nothing about the bound: it is released as one that went well.
func (t *Throttle) Release(coped bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inflight--
	switch {
	case t.settling > 0:
		t.settling--
	case !coped:
		t.halve()
	default:
		t.limit = min(float64(t.most), t.limit+1/t.limit)
	}
	t.serve()
}

// Slow halves the bound because of something that an answer said of single records, such as a lock. Several
// of them in one round count once.
func (t *Throttle) Slow() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.halve()
}

func (t *Throttle) halve() {
	if t.settling > 0 {
		return
	}
	t.limit = max(1, min(t.limit, float64(t.inflight+1))/2) // of what was in use, the request at fault included
	t.settling = t.inflight
}

// serve lets waiters go for which there is room.
func (t *Throttle) serve() {
	for t.inflight < int(t.limit) {
		e := t.waiting.Front()
		if e == nil {
			return
		}
		ready, _ := t.waiting.Remove(e).(chan struct{})
		close(ready)
		t.inflight++
	}
}
