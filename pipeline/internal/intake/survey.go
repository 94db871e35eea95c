package intake

import (
	"context"
	"errors"
	"runtime"

	"golang.org/x/sync/errgroup"

	"sfsync/pipeline/internal/work"
)

// Survey reads and maps the inputs and calls next with one batch after the other, in reading order;
// the first error of it ends the reading. What the reader found out comes back also with an
// error. The error is the context's, next's, or one about an input.
func Survey(ctx context.Context, opt *Options, next func(*work.Batch) error) (*Reader, error) {
	procs := runtime.GOMAXPROCS(0)
	g, ctx := errgroup.WithContext(ctx)
	reading, unread := context.WithCancelCause(ctx)
	defer unread(nil)
	if opt.Stop != nil {
		stopped := make(chan struct{})
		defer close(stopped)
		go func() {
			select {
			case <-opt.Stop:
				unread(work.ErrStopped)
			case <-stopped:
			}
		}()
	}

	window := NewWindow(opt, procs)
	read := NewReader(reading, opt, window, 0)
	maps := NewMappers(procs)
	g.Go(func() error {
		defer maps.Close()
		return work.Guard(func() error {
			return read.Run(ctx, func(c context.Context, w *work.Batch) error { return maps.Put(c, ctx, w) })
		})
	})
	var failed error
	maps.Start(g, procs, opt, func(w *work.Batch) {
		defer func() {
			window.Leave(w.Room, w.Bytes)
			w.Free()
		}()
		if w.Mapped == nil || failed != nil {
			return
		}
		if failed = work.Guard(func() error { return next(w) }); failed != nil {
			unread(failed)
		}
	}, func() {})
	err := errors.Join(g.Wait(), failed, read.Err)
	if err == nil && !read.Complete && reading.Err() != nil {
		err = context.Cause(reading)
	}
	return read, err
}
