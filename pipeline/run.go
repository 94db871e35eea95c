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
	taken, err := findDuplicates(ctx, &opt)
	if err != nil {
		return nil, err
	}
	a, err := newAccount(ctx, &opt)
	if err != nil {
		return nil, errors.Join(err, taken.close())
	}
	first := &pass{opt: &opt, account: a, lanes: newLanes(&opt, nil), duplicates: taken}
	last := first
	if opt.Plan.Second != nil {
		first.again, err = rewinds(opt.Inputs)
	}
	if err == nil && a.begun == 0 {
		err = first.run(ctx)
	}
	if err == nil && opt.Plan.Second != nil && (first.end > 0 && first.complete || a.begun > 0) {
		var second *pass
		if second, err = first.next(ctx); err == nil {
			last = second
			err = second.run(ctx)
		}
	}
	err = errors.Join(err, taken.close())
	res := a.result(first, last)
	res.Complete = err == nil && last.complete
	return res, err
}

// pass is one reading of the inputs for the targets of one plan. Most mappings need only one.
type pass struct {
	opt        *Options // of this pass: with its plan
	account    *account
	lanes      []*lane
	duplicates *duplicates
	base       int64        // the number of its first batch; only that of a second pass is not 0
	again      func() error // brings the inputs back to their beginning

	complete bool
	end      int64 // the number behind its last batch
	inputs   []Input
	warnings []string
	retried  int64
}

func (p *pass) run(ctx context.Context) error {
	procs := runtime.GOMAXPROCS(0)
	outer := ctx
	g, ctx := errgroup.WithContext(ctx)
	reading, unread := context.WithCancelCause(ctx)
	defer unread(nil)

	window := newWindow(p.opt, procs)
	mapped := make(chan *work, 1)
	jobs := make(chan *job, p.opt.Workers)
	answers := make(chan *job, p.opt.Workers)
	decided := make(chan *work, 4)
	trouble := make(chan error, 1)

	left, err := takeUp(ctx, p.opt, p.lanes)
	if err != nil {
		return err
	}
	read := &reader{opt: p.opt, window: window, stop: reading, seq: p.base, again: p.base > 0}
	maps := newMapStage(procs)
	form := &former{
		opt: p.opt, window: window, lanes: p.lanes, order: ordered(p.lanes),
		keys: make(map[slot][]item), undecided: make(map[int64]*work), failed: p.opt.Stats.Failed.Load(),
		in: mapped, jobs: jobs, done: answers, collect: decided, trouble: trouble, unread: unread,
	}
	form.units = left
	if p.base > 0 {
		form.account = p.account
	}
	collect := &collector{
		opt: p.opt, window: window, halt: func(err error) { trouble <- err },
		held: make(map[int64]*work), account: p.account, base: p.base, next: max(p.base, p.account.next),
	}

	g.Go(func() error {
		defer maps.close()
		return guard(func() error {
			return read.run(ctx, func(c context.Context, w *work) error { return maps.put(c, ctx, w) })
		})
	})
	maps.start(g, procs, p.opt, func(w *work) { w.err = p.duplicates.apply(ctx, w.mapped); mapped <- w }, func() { close(mapped) })
	g.Go(func() error { form.run(ctx); return nil })
	for range p.opt.Workers {
		g.Go(func() error { return deliver(ctx, p.opt, jobs, answers) })
	}
	g.Go(func() error { return collect.run(ctx, decided) })
	err = g.Wait()

	p.complete, p.end, p.inputs, p.warnings, p.retried = read.complete, read.seq, read.inputs, read.warnings, form.retried
	err = cmp.Or(err, form.err)
	err = errors.Join(err, read.err)
	if err == nil && !read.complete && outer.Err() != nil {
		err = context.Cause(outer)
	}
	return cmp.Or(err, p.account.check(p, read))
}
