package pipeline

import (
	"context"
	"errors"
	"runtime"

	"golang.org/x/sync/errgroup"

	"sfsync/mapping"
)

// Check reads and maps the inputs as [Run] does and sends nothing: Succeeded counts the rows
// whose records would all be sent or skipped. Each, if not nil, is called with every mapped
// batch in reading order; it must not keep it. Targets, Workers and Ledger of the options are
// not used.
func Check(ctx context.Context, opt Options, each func(m *mapping.Mapped, path string) error) (*Result, error) {
	opt.defaults()
	opt.Source.Only = true // no row is kept
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
				unread(ErrStopped)
			case <-stopped:
			}
		}()
	}

	window := newWindow(opt.Workers, procs)
	read := &reader{opt: &opt, window: window, stop: reading}
	maps := newMapStage(procs)
	res := &Result{Targets: make([]TargetCounts, len(opt.Plan.Targets))}
	g.Go(func() error {
		defer maps.close()
		return guard(func() error {
			return read.run(ctx, func(c context.Context, w *work) error { return maps.put(c, ctx, w) })
		})
	})
	var failed error
	maps.start(g, procs, &opt, func(w *work) {
		defer func() {
			window.leave(w.room, w.bytes)
			w.free()
		}()
		if w.mapped == nil || failed != nil {
			return
		}
		path := opt.Inputs[w.source.File].Path
		res.judge(&opt, w, path)
		if each == nil {
			return
		}
		if failed = guard(func() error { return each(w.mapped, path) }); failed != nil {
			unread(failed)
		}
	}, func() {})
	err := errors.Join(g.Wait(), failed, read.err)
	if err == nil && !read.complete && reading.Err() != nil {
		err = context.Cause(reading)
	}
	res.Inputs, res.Warnings = inputsOf(read.inputs, opt.Inputs), read.warnings
	res.Complete = err == nil && read.complete
	return res, err
}

// judge counts what would become of the rows of a batch.
func (res *Result) judge(opt *Options, w *work, path string) {
	for r := range w.rows {
		sent, failed := false, false
		for t := range w.mapped.Targets {
			recs, n := &w.mapped.Targets[t], &res.Targets[t]
			n.Records++
			switch recs.Fate(r) {
			case mapping.Send:
				sent = true
			case mapping.Skip:
				n.Skipped++
				opt.Stats.Skipped.Add(1)
			case mapping.Fail:
				failed = true
				n.Failed++
				opt.Stats.Failed.Add(1)
				if opt.Errors != nil {
					p := recs.Reason(r)
					opt.Errors.Add(p.Code, p.Field, path, w.source.Line(r), p.Message)
				}
			}
		}
		res.Rows.Read++
		switch {
		case failed:
			res.Rows.Failed++
		case sent:
			res.Rows.Succeeded++
		default:
			res.Rows.Skipped++
		}
	}
}
