package lock_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sfsync/sink/localorg/lock"
)

func TestTry(t *testing.T) {
	t.Parallel()
	var table lock.Table
	a, b := table.Holder(), table.Holder()
	for range 2 {
		if !a.Try("1") {
			t.Error("a free lock, or one's own, was refused")
		}
	}
	if b.Try("1") || !b.Try("2") {
		t.Error("b has a's lock, or not its own")
	}
	a.Release()
	if !b.Try("1") || table.Idle() {
		t.Error("a lock was not given back")
	}
	b.Release()
	if !table.Idle() {
		t.Error("a lock is left")
	}
	if !a.Try("1") {
		t.Error("a holder cannot be used again")
	}
}

// Who waits gets the lock in the order of asking, and gives up after its time.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table lock.Table
		first := table.Holder()
		first.Try("P")
		var order []string
		var mu sync.Mutex
		var done sync.WaitGroup
		start := time.Now()
		for i, patience := range []time.Duration{time.Minute, 2 * time.Second, time.Minute} {
			done.Go(func() {
				h := table.Holder()
				defer h.Release()
				got := h.Wait(t.Context(), "P", patience)
				mu.Lock()
				order = append(order, fmt.Sprintf("%d:%v after %v", i, got, time.Since(start)))
				mu.Unlock()
				time.Sleep(time.Second)
			})
			synctest.Wait()
		}
		time.Sleep(5 * time.Second)
		first.Release()
		done.Wait()
		if got, want := fmt.Sprint(order), "[1:false after 2s 0:true after 5s 2:true after 6s]"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if !table.Idle() {
			t.Error("a lock is left")
		}
	})
}

func TestWaitEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table lock.Table
		table.Holder().Try("P")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if table.Holder().Wait(ctx, "P", time.Hour) || time.Since(start) != time.Second {
			t.Errorf("waited %v", time.Since(start))
		}
	})
}

// However many want it, one at a time has a lock, and none is lost.
func TestExclusive(t *testing.T) {
	t.Parallel()
	var table lock.Table
	var inside [3]atomic.Int64
	var got atomic.Int64
	var done sync.WaitGroup
	for w := range 16 {
		done.Go(func() {
			for i := range 200 {
				h := table.Holder()
				k := (w + i) % len(inside)
				if h.Wait(t.Context(), fmt.Sprint(k), time.Duration(i%3)*time.Millisecond) {
					if inside[k].Add(1) != 1 {
						t.Error("two have one lock")
					}
					got.Add(1)
					inside[k].Add(-1)
				}
				h.Release()
			}
		})
	}
	done.Wait()
	if got.Load() == 0 || !table.Idle() {
		t.Errorf("%d locks were had; idle: %v", got.Load(), table.Idle())
	}
}
