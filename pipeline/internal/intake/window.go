package intake

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// Window bounds what is under way between reading and reporting, by rows and by bytes, so
// that memory does not grow with the input. Batches are of very different sizes: a bound on
// their number would either starve requests (rows of many kilobytes) or waste memory.
type Window struct {
	rows, bytes       *semaphore.Weighted
	maxRows, maxBytes int64

	blocked atomic.Bool   // the reader waits for room
	entered atomic.Int64  // batches
	Starved chan struct{} // told once when it begins to
}

// NewWindow returns a window for a run whose requests are sent by so many workers. Where a sink takes
// large requests there is room for those in flight and for the next one.
func NewWindow(opt *Options, procs int) *Window {
	workers := int64(opt.Workers)
	w := &Window{
		maxRows:  (2*workers+4)*1000 + int64(procs+2)*2000,
		maxBytes: (workers + 2) * (8 << 20),
		Starved:  make(chan struct{}, 1),
	}
	for _, to := range opt.Writers {
		if to == nil {
			continue
		}
		if l := to.Limits(); l.InFlight > 0 {
			requests := min(int64(l.InFlight), workers) + 1
			w.maxRows = max(w.maxRows, requests*int64(l.Records)+int64(procs+2)*2000)
			w.maxBytes = max(w.maxBytes, 2*requests*int64(l.Bytes)) // a batch takes more than the text that is sent
		}
	}
	w.rows, w.bytes = semaphore.NewWeighted(w.maxRows), semaphore.NewWeighted(w.maxBytes)
	return w
}

// enter waits until there is room for a batch. A batch larger than the window gets it for
// itself.
func (w *Window) enter(ctx context.Context, rows, bytes int) error {
	r, b := min(int64(rows), w.maxRows), min(int64(bytes), w.maxBytes)
	if w.rows.TryAcquire(r) {
		if w.bytes.TryAcquire(b) {
			w.entered.Add(1)
			return nil
		}
		w.rows.Release(r)
	}
	w.blocked.Store(true)
	defer w.blocked.Store(false)
	select {
	case w.Starved <- struct{}{}:
	default:
	}
	if err := w.rows.Acquire(ctx, r); err != nil {
		return err
	}
	if err := w.bytes.Acquire(ctx, b); err != nil {
		w.rows.Release(r)
		return err
	}
	w.entered.Add(1)
	return nil
}

// force lets a batch in that takes no room.
func (w *Window) force() { w.entered.Add(1) }

// Exhausted reports whether nothing can come before something leaves: the reader waits, and
// all that has entered was received.
func (w *Window) Exhausted(received int64) bool {
	return w.blocked.Load() && w.entered.Load() == received
}

// Leave gives the room of a batch back.
func (w *Window) Leave(rows, bytes int) {
	w.rows.Release(min(int64(rows), w.maxRows))
	w.bytes.Release(min(int64(bytes), w.maxBytes))
}
