package intake

import (
	"context"

	"golang.org/x/sync/errgroup"

	"sfsync/mapping"
	"sfsync/pipeline/internal/work"
)

// Mappers run the plan on batches in parallel and hand them on in the order they were
// read: a batch is put into the order before it is mapped, as a promise that Ready keeps.
type Mappers struct {
	tasks chan *work.Batch // to whichever mapper is free
	order chan *work.Batch // the same, in reading order
}

// NewMappers returns the stage; its user calls Start once and Close after the last Put.
func NewMappers(procs int) *Mappers {
	// One batch waiting for each mapper keeps them busy; the order holds all that can be under
	// way, so that it never stops the reader from feeding a free mapper.
	return &Mappers{tasks: make(chan *work.Batch, procs), order: make(chan *work.Batch, 2*procs+1)}
}

// Put takes a batch over; it is the reader's emit. The read context ends when reading is to
// stop, the run context only when everything is.
func (m *Mappers) Put(read, run context.Context, w *work.Batch) error {
	select {
	case m.order <- w:
	case <-read.Done():
		return context.Cause(read)
	}
	// From here on the batch belongs to the order, which waits for it to become ready.
	select {
	case m.tasks <- w:
	case <-run.Done():
		close(w.Ready)
	}
	return nil
}

// Close says that no more will be put.
func (m *Mappers) Close() { close(m.tasks); close(m.order) }

// Start runs the mappers and the sequencer, which calls next with one batch after the other
// and done at the end. Every batch is passed on, even after the run has ended, so that it
// reaches its account; one that could not be mapped comes with Mapped nil.
func (m *Mappers) Start(g *errgroup.Group, procs int, opt *Options, next func(*work.Batch), done func()) {
	for range procs {
		g.Go(func() error {
			var mapper *mapping.Mapper
			failed := work.Guard(func() error { mapper = opt.Plan.NewMapper(opt.Source.Pool); return nil })
			for w := range m.tasks {
				if failed == nil {
					failed = work.Guard(func() error { w.Mapped = mapper.Map(w.Source); return nil })
				}
				close(w.Ready)
			}
			return failed
		})
	}
	g.Go(func() error {
		defer done()
		for w := range m.order {
			<-w.Ready
			next(w)
		}
		return nil
	})
}
