// Package pipeline moves rows from files into Salesforce: read, map, form requests, deliver,
// collect. This file is the whole program on one screen; each stage has a file of its name.
//
//	inputs ─► read ─batches─► map ×GOMAXPROCS ─► form ─jobs─► deliver ×workers ─► collect
//	                                              ▲───answers────┘    ledger · report · counts
package pipeline

import (
	"cmp"
	"context"
	"errors"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Run reads the inputs to their end, sends every record once and accounts for every row. The
// result is complete as far as it goes even if an error says why the run ended early.
func Run(ctx context.Context, opt Options) (*Result, error) {
	opt.defaults()
	procs := runtime.GOMAXPROCS(0)
	outer := ctx
	g, ctx := errgroup.WithContext(ctx)
	reading, unread := context.WithCancelCause(ctx)
	defer unread(nil)

	window := newWindow(opt.Workers, procs)
	lanes := newLanes(&opt)
	mapped := make(chan *work, 1)
	jobs := make(chan *job, opt.Workers)
	answers := make(chan *job, opt.Workers)
	decided := make(chan *work, 4)
	trouble := make(chan error, 1)

	read := &reader{opt: &opt, window: window, stop: reading}
	maps := newMapStage(procs)
	form := &former{
		opt: &opt, window: window, lanes: lanes, order: ordered(lanes), keys: make(map[slot][]item), undecided: make(map[int64]*work),
		in: mapped, jobs: jobs, done: answers, collect: decided,
		trouble: trouble, unread: unread,
	}
	collect := &collector{
		opt: &opt, window: window, halt: func(err error) { trouble <- err },
		held: make(map[int64]*work), targets: make([]TargetCounts, len(opt.Plan.Targets)),
	}
	if opt.Resume {
		if err := collect.restore(ctx); err != nil {
			return nil, err
		}
		form.failed = opt.Stats.Failed.Load()
	}

	g.Go(func() error {
		defer maps.close()
		return guard(func() error {
			return read.run(ctx, func(c context.Context, w *work) error { return maps.put(c, ctx, w) })
		})
	})
	maps.start(g, procs, &opt, func(w *work) { mapped <- w }, func() { close(mapped) })
	g.Go(func() error { form.run(ctx); return nil })
	for range opt.Workers {
		g.Go(func() error { return deliver(ctx, &opt, jobs, answers) })
	}
	g.Go(func() error { return collect.run(ctx, decided) })
	err := g.Wait()

	res := &Result{Rows: collect.rows, Targets: collect.targets, Costs: costs(lanes), Inputs: inputsOf(read.inputs, opt.Inputs), Warnings: read.warnings, Retried: form.retried}
	err = cmp.Or(err, form.err)
	err = errors.Join(err, read.err)
	if err == nil && !read.complete && outer.Err() != nil {
		err = context.Cause(outer)
	}
	res.Complete = err == nil && read.complete
	return res, err
}
