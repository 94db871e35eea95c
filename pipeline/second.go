package pipeline

import (
	"context"
	"errors"

	"sfsync/pipeline/internal/form"
	"sfsync/pipeline/internal/intake"
	"sfsync/pipeline/source"
)

// next prepares the second reading of the inputs, for the references to records that come later in
// the same input. The number of its first batch is kept in the ledger, so that a resumed run knows
// what belongs to it.
func (p *pass) next(ctx context.Context) (*pass, error) {
	a, opt := p.account, *p.opt
	second := p.opt.Plan.Second
	opt.Plan, opt.Targets = second, make([]Target, len(second.Targets))
	for i := range second.Targets {
		opt.Targets[i] = p.opt.Targets[second.Targets[i].First]
	}
	n := &pass{opt: &opt, account: a, base: a.begun}
	if a.begun == 0 {
		n.base = p.end
		if opt.Ledger != nil {
			if err := opt.Ledger.SetMeta(ctx, secondKey, n.base); err != nil {
				return nil, err
			}
		}
		if err := p.again(); err != nil {
			return nil, err
		}
	}
	n.lanes = form.NewLanes(opt.form(), p.lanes)
	return n, nil
}

// written returns what says in a second pass whether the first has written the record of a row for a target;
// nil in the first.
func (p *pass) written() func(row int64, target int) bool {
	if p.base == 0 {
		return nil
	}
	return p.account.written
}

// rewinds returns a function that brings the inputs back to where they are now, to be read again. It is an
// error if one can be read only once.
func rewinds(inputs []source.Input) (func() error, error) {
	backs := make([]func() error, 0, len(inputs))
	for _, in := range inputs {
		back, err := intake.Rewind(in)
		if err != nil {
			return nil, err
		}
		backs = append(backs, back)
	}
	return func() error {
		var errs []error
		for _, back := range backs {
			errs = append(errs, back())
		}
		return errors.Join(errs...)
	}, nil
}
