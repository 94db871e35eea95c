// Package pipeline moves rows from files into Salesforce: read, map, form requests, deliver,
// collect. This file is the whole program on one screen.
//
//	inputs ─► read ─batches─► map ×GOMAXPROCS ─► form ─jobs─► deliver ×workers ─► collect
//	                                              ▲───answers────┘    ledger · report · counts
//
// Read and map are in internal/intake, form and deliver in packages of their name. What these know of the records
// of one target is in internal/target, what they hand to each other in internal/work, and what a
// rehearsal imagines of an org in internal/rehearse.
package pipeline

import (
	"cmp"
	"context"
	"errors"
	"runtime"

	"golang.org/x/sync/errgroup"

	"sfsync/pipeline/internal/deliver"
	"sfsync/pipeline/internal/form"
	"sfsync/pipeline/internal/intake"
	"sfsync/pipeline/internal/work"
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
	first := &pass{opt: &opt, account: a, lanes: form.NewLanes(opt.form(), nil), duplicates: taken}
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
	lanes      form.Lanes
	duplicates *duplicates
	base       int64        // the number of its first batch; only that of a second pass is not 0
	again      func() error // brings the inputs back to their beginning

	complete bool
	end      int64 // the number behind its last batch
	inputs   []Input
	warnings []string
	retried  int64
	late     int64 // records that came to the last pass
}

func (p *pass) run(ctx context.Context) error {
	procs := runtime.GOMAXPROCS(0)
	outer := ctx
	g, ctx := errgroup.WithContext(ctx)
	reading, unread := context.WithCancelCause(ctx)
	defer unread(nil)

	sending, reads := p.opt.form(), p.opt.intake()
	window := intake.NewWindow(reads, procs)
	mapped := make(chan *work.Batch, 1)
	jobs := make(chan *deliver.Job, p.opt.jobs())
	answers := make(chan *deliver.Job, cap(jobs))
	outlet := deliver.NewOutlet(p.opt.Workers)
	decided := make(chan *work.Batch, 4)
	trouble := make(chan error, 1)

	read := intake.NewReader(reading, reads, window, p.base)
	maps := intake.NewMappers(procs)
	former, err := form.New(ctx, sending, p.lanes, window, form.Ends{
		In: mapped, Jobs: jobs, Outlet: outlet, Answers: answers, Decided: decided, Trouble: trouble, Unread: unread, Written: p.written(),
	})
	if err != nil {
		return err
	}
	collect := &collector{
		opt: p.opt, window: window, halt: func(err error) { trouble <- err },
		held: make(map[int64]*work.Batch), account: p.account, base: p.base, next: max(p.base, p.account.next),
	}

	g.Go(func() error {
		defer maps.Close()
		return work.Guard(func() error {
			return read.Run(ctx, func(c context.Context, w *work.Batch) error { return maps.Put(c, ctx, w) })
		})
	})
	maps.Start(g, procs, reads, func(w *work.Batch) { w.Err = p.duplicates.apply(ctx, w.Mapped); mapped <- w }, func() { close(mapped) })
	g.Go(func() error { former.Run(ctx); return nil })
	for range cap(jobs) {
		g.Go(func() error { return deliver.Run(ctx, &sending.Options, outlet, jobs, answers) })
	}
	g.Go(func() error { return collect.run(ctx, decided) })
	err = g.Wait()

	p.complete, p.end, p.inputs, p.warnings = read.Complete, read.Seq, read.Inputs, read.Warnings
	p.retried, p.late = former.Retried, former.Late
	for _, l := range p.lanes {
		if why := l.Whole(); why != "" && p.opt.ChangedOnly {
			p.warnings = append(p.warnings, why)
		}
	}
	err = cmp.Or(err, former.Err)
	err = errors.Join(err, read.Err)
	if err == nil && !read.Complete && outer.Err() != nil {
		err = context.Cause(outer)
	}
	if !read.Complete {
		err = errors.Join(err, p.account.unread(outer, p, read))
	}
	return cmp.Or(err, p.account.check(p, read))
}
