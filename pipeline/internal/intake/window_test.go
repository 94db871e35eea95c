package intake

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func newTestWindow() *Window { return NewWindow(&Options{Workers: 1}, 1) }

// A batch that is larger than the window gets it for itself, and gives back what it took.
func TestWindowTakesWhatIsTooLarge(t *testing.T) {
	w := newTestWindow()
	huge := int(w.maxBytes) * 3
	for range 3 { // each time all of it
		if err := w.enter(t.Context(), int(w.maxRows)*2, huge); err != nil {
			t.Fatal(err)
		}
		if w.rows.TryAcquire(1) || w.bytes.TryAcquire(1) {
			t.Fatal("there is room beside a batch that is larger than the window")
		}
		w.Leave(int(w.maxRows)*2, huge)
	}
	if !w.rows.TryAcquire(w.maxRows) || !w.bytes.TryAcquire(w.maxBytes) {
		t.Error("the window is not empty afterwards")
	}
}

// A reader that waits says so once, gets room when something leaves, and holds none of what it did not get.
func TestWindowWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTestWindow()
		if err := w.enter(t.Context(), 1, int(w.maxBytes)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error, 1)
		go func() { got <- w.enter(ctx, 5, 10) }()
		synctest.Wait()
		select {
		case <-w.Starved:
		default:
			t.Error("it waits and does not say so")
		}
		if !w.Exhausted(1) || w.Exhausted(0) {
			t.Error("it is exhausted once all that entered was received")
		}
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if w.Exhausted(1) || !w.rows.TryAcquire(w.maxRows-1) {
			t.Error("who gave up waiting still waits, or holds rows")
		}
		w.rows.Release(w.maxRows - 1)
		go func() { got <- w.enter(t.Context(), 5, 10) }()
		synctest.Wait()
		w.Leave(1, int(w.maxBytes))
		if err := <-got; err != nil || w.Exhausted(2) {
			t.Errorf("after something left: %v", err)
		}
	})
}
