package throttle

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func acquire(t *testing.T, th *Throttle, n int) {
	t.Helper()
	for range n {
		if err := th.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func limit(t *testing.T, th *Throttle, want int) {
	t.Helper()
	if got := th.Limit(); got != want {
		t.Errorf("the bound is %d, want %d", got, want)
	}
}

func TestItHalvesOnceARound(t *testing.T) {
	th := New(8)
	acquire(t, th, 8)
	th.Release(false)
	limit(t, th, 4)
	for range 7 { // they were sent under the old bound
		th.Release(false)
	}
	limit(t, th, 4)
	acquire(t, th, 4)
	th.Slow()
	th.Slow()
	limit(t, th, 2)
	for range 4 {
		th.Release(true)
	}
	limit(t, th, 2)
	for range 5 {
		acquire(t, th, 1)
		th.Release(false)
	}
	limit(t, th, 1)
}

func TestItGrowsByOneARound(t *testing.T) {
	th := New(4)
	for range 3 {
		acquire(t, th, 1)
		th.Release(false)
	}
	limit(t, th, 1)
	acquire(t, th, 1)
	th.Release(true)
	limit(t, th, 2)
	for range 3 {
		acquire(t, th, 1)
		th.Release(true)
	}
	limit(t, th, 3)
	for range 100 {
		acquire(t, th, 1)
		th.Release(true)
	}
	limit(t, th, 4)
}

func TestWaitersComeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := New(1)
		acquire(t, th, 1)
		var mu sync.Mutex
		var order []int
		for i := range 3 {
			go func() {
				if th.Acquire(t.Context()) == nil {
					mu.Lock()
					order = append(order, i)
					mu.Unlock()
				}
			}()
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("too late"))
		defer cancel()
		if err := th.Acquire(ctx); err == nil || err.Error() != "too late" {
			t.Errorf("a waiter whose context ends: %v", err)
		}
		for range 3 {
			th.Release(true)
			synctest.Wait()
		}
		mu.Lock()
		defer mu.Unlock()
		if len(order) != 3 || order[0] != 0 || order[1] != 1 || order[2] != 2 {
			t.Errorf("served in the order %v", order)
		}
	})
}

// However requests end and contexts are cut, no slot is lost and no more are out than the bound allows.
func TestNoSlotIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := New(5)
		var wg sync.WaitGroup
		var mu sync.Mutex
		out, most := 0, 0
		for i := range 200 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%17)*time.Millisecond+1)
				defer cancel()
				if th.Acquire(ctx) != nil {
					return
				}
				mu.Lock()
				out++
				most = max(most, out)
				mu.Unlock()
				time.Sleep(time.Duration(i%3) * time.Millisecond)
				mu.Lock()
				out--
				mu.Unlock()
				th.Release(i%7 != 0)
			})
		}
		wg.Wait()
		if most > 5 || th.inflight != 0 || th.waiting.Len() != 0 {
			t.Errorf("%d at once, %d in flight and %d waiting at the end", most, th.inflight, th.waiting.Len())
		}
	})
}
