package pipeline

import (
	"context"
	"fmt"
	"runtime/debug"

	"golang.org/x/sync/errgroup"

	"sfsync/mapping"
)

// mapStage runs the plan on batches in parallel and hands them on in the order they were
// read: a batch is put into the order before it is mapped, as a promise that "ready" keeps.
type mapStage struct {
	tasks chan *work // to whichever mapper is free
	order chan *work // the same, in reading order
}

func newMapStage(procs int) *mapStage {
	// One batch waiting for each mapper keeps them busy; the order holds all that can be under
	// way, so that it never stops the reader from feeding a free mapper.
	return &mapStage{tasks: make(chan *work, procs), order: make(chan *work, 2*procs+1)}
}

// put takes a batch over; it is the reader's emit. The read context ends when reading is to
// stop, the run context only when everything is.
func (m *mapStage) put(read, run context.Context, w *work) error {
	select {
	case m.order <- w:
	case <-read.Done():
		return context.Cause(read)
	}
	// From here on the work belongs to the order, which waits for it to become ready.
	select {
	case m.tasks <- w:
	case <-run.Done():
		close(w.ready)
	}
	return nil
}

// close says that no more will be put.
func (m *mapStage) close() { close(m.tasks); close(m.order) }

// start runs the mappers and the sequencer, which calls next with one batch after the other
// and done at the end. Every batch is passed on, even after the run has ended, so that it
// reaches its account; one that could not be mapped comes with mapped nil.
func (m *mapStage) start(g *errgroup.Group, procs int, opt *Options, next func(*work), done func()) {
	for range procs {
		g.Go(func() error {
			var mapper *mapping.Mapper
			failed := guard(func() error { mapper = opt.Plan.NewMapper(opt.pool); return nil })
			for w := range m.tasks {
				if failed == nil {
					failed = guard(func() error { w.mapped = mapper.Map(w.source); return nil })
				}
				close(w.ready)
			}
			return failed
		})
	}
	g.Go(func() error {
		defer done()
		for w := range m.order {
			<-w.ready
			next(w)
		}
		return nil
	})
}

// guard calls f and turns a panic into an error: errgroup does not recover, and a bug in one
// stage must not cost the account of what was already sent.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrPanic, p, debug.Stack())
		}
	}()
	return f()
}
