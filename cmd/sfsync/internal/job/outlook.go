package job

import (
	"context"
	"errors"
	"maps"
	"slices"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/forecast"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/settings"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/pipeline"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/sink/salesforce/estimate"
	"sfsync/sink/salesforce/mirror"
)

// restRows is up to how many rows composite requests cost fewer API calls than jobs, and less time: a job of the
// Bulk API takes a dozen calls, and waits for its turn. So many rows are read ahead.
const restRows = 10_000

// outlook is what is known of a run before it sends anything.
type outlook struct {
	rows   int64
	costs  map[string]forecast.Costs // by the names of the orgs
	purses map[string]*forecast.Purse
	// of returns the costs where some targets go by jobs whatever takes the others.
	of func(jobs []string) map[string]forecast.Costs
}

// prepare decides how the records are sent, once for all tries at the run, and whether the orgs have the API calls
// for it. One that has not is an error with the code TryAgain; nothing was sent then.
func (j *job) prepare(ctx context.Context, matchers map[*remote.Org]*mirror.Matcher) error {
	known, err := j.ledger.Meta(ctx, settings.APIKey, &j.api)
	if err != nil {
		return err
	}
	last, err := j.ledger.Last(ctx)
	if err != nil {
		return err
	}
	all, err := j.sendsAll()
	if err != nil {
		return err
	}
	var o *outlook
	if all { // else nobody knows how many rows have changed
		if o, err = j.lookAhead(ctx, matchers); err != nil {
			return err
		}
	}
	if !known {
		j.api = j.chooseAPI(o, last >= 0)
		if names := keyless(j.plan); last < 0 && j.settings.API != apiRest && o.affords(names) {
			j.api = j.api.withJobs(names)
		}
	}
	if o != nil {
		o.costs = o.of(j.api.Jobs)
	}
	if !known {
		if o != nil {
			calls := j.orgs.Calls().Made
			for _, c := range o.costs {
				calls += c.By(j.api.Mode == apiBulk).About
			}
			j.api.Predicted = &calls
		}
		if err := j.ledger.SetMeta(ctx, settings.APIKey, j.api); err != nil {
			return err
		}
	}
	return j.afford(o)
}

// lookAhead reads the beginning of the inputs, and asks the orgs what they have left.
func (j *job) lookAhead(ctx context.Context, matchers map[*remote.Org]*mirror.Matcher) (*outlook, error) {
	ahead, err := pipeline.ReadAhead(ctx, pipeline.Options{
		Plan: j.plan, Inputs: j.inputs, Source: input.Options(j.file), Limit: j.limit, Sample: j.sample,
	}, restRows)
	if err != nil {
		return nil, err
	}
	done, err := j.done(ctx)
	if err != nil {
		return nil, err
	}
	o := &outlook{rows: ahead.Rows, purses: make(map[string]*forecast.Purse)}
	o.of = func(jobs []string) map[string]forecast.Costs {
		return forecast.Of(j.plan, ahead, forecast.Options{
			Done: done, Backup: j.keepsBefore, Thinned: j.thinned(), Org: j.orgs.Name, Jobs: jobs,
			Lookups: func(target int, keys int64) int64 { return j.lookups(ctx, ahead, matchers, target, keys) },
		})
	}
	o.costs = o.of(nil)
	for name := range o.costs {
		if o.purses[name], err = j.purse(ctx, j.orgs.Of(name)); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// lookups is how many calls look up so many keys of a target, as the matcher of its org will decide.
func (j *job) lookups(ctx context.Context, ahead *pipeline.Ahead, matchers map[*remote.Org]*mirror.Matcher, target int, keys int64) int64 {
	ask := ahead.Targets[target].Ask
	if ask == nil {
		return estimate.Requests(keys)
	}
	of := j.plan.Targets
	if n := len(of); target >= n {
		of, target = j.plan.Second.Targets, target-n
	}
	return matchers[j.orgs.Of(of[target].Org)].Expect(ctx, ask, keys)
}

// thinned reports whether rows of a key that another row has may not be sent.
func (j *job) thinned() bool {
	d := j.file.Source.Duplicates
	return d != "" && d != "in_order"
}

// done is how many rows earlier tries have dealt with.
func (j *job) done(ctx context.Context) (rows int64, err error) {
	if !j.resume {
		return 0, nil
	}
	err = j.ledger.Each(ctx, func(b *ledger.Batch) error {
		if b.Final {
			rows += int64(b.Rows)
		}
		return nil
	})
	return rows, err
}

// purse is what may be spent in an org. Its answers say what it has left (Sforce-Limit-Info); where something on the way
// drops that, its limits do, if the user may read them.
func (j *job) purse(ctx context.Context, org *remote.Org) (*forecast.Purse, error) {
	if pool, _ := org.Left(); pool < 0 {
		_, err := org.Limits(ctx)
		if ctx.Err() != nil {
			return nil, err
		}
	}
	p := &forecast.Purse{Org: remote.Name(org.Info), Given: j.flags.MaxCalls > 0 || j.flags.Reserve.Text != "", Limit: org.Calls().Max}
	p.Pool, p.Budget = org.Left()
	return p, nil
}

// chooseAPI chooses between the APIs by what the plan asks for, how many rows there are, and what the orgs have left.
// begun says that an earlier try has sent records.
func (j *job) chooseAPI(o *outlook, begun bool) api {
	switch asked := j.settings.API; {
	case begun: // by a version that did not keep it
		return api{Mode: apiRest, Why: "as the run was begun"}
	case asked == apiBulk, asked == apiRest:
		return api{Mode: asked, Why: "asked for by --api " + asked}
	}
	if why := notByBulk(j.plan); why != "" {
		return api{Mode: apiRest, Why: why}
	}
	if o == nil {
		return api{Mode: apiRest, Why: "with --changed-only few rows are expected to be sent"}
	}
	best := api{Mode: apiBulk, Why: "more than " + ui.Rows(restRows)}
	if o.rows <= restRows {
		best = api{Mode: apiRest, Why: "up to " + ui.Rows(restRows) + ", composite requests cost fewer calls than jobs"}
	}
	bulk, why := forecast.Choose(best.Mode == apiBulk, o.costs, o.purses)
	switch {
	case why == "":
		return best
	case bulk:
		return api{Mode: apiBulk, Why: why}
	}
	return api{Mode: apiRest, Why: why}
}

// afford warns of a run that will end before its rows do for want of API calls, and refuses one that would leave an org
// without any if nobody has said that it may.
func (j *job) afford(o *outlook) error {
	if o == nil {
		return nil
	}
	var refused []error
	for _, name := range slices.Sorted(maps.Keys(o.costs)) {
		var bulk *forecast.Cost
		if c := o.costs[name].Bulk; j.api.Mode == apiRest && !j.resume && notByBulk(j.plan) == "" {
			bulk = &c
		}
		words, refuse := forecast.Judge(o.costs[name].By(j.api.Mode == apiBulk), o.purses[name], bulk)
		switch {
		case refuse:
			refused = append(refused, exit.Errorf(exit.TryAgain, "%s", words))
		case words != "":
			j.Con.Warnf("%s", words)
		}
	}
	return errors.Join(refused...)
}

// unsent is the account of a run that sent nothing.
func (j *job) unsent() *pipeline.Result {
	targets := len(j.plan.Targets)
	if j.plan.Second != nil {
		targets += len(j.plan.Second.Targets)
	}
	return &pipeline.Result{Targets: make([]pipeline.TargetCounts, targets)}
}

// refuse ends a run that is not to begin: it can be resumed. What an earlier try has reported stands.
func (j *job) refuse(ctx context.Context, errs *report.Errors, err error) error {
	if j.resume || exit.Of(err) != exit.TryAgain {
		return err
	}
	return j.conclude(context.WithoutCancel(ctx), nil, errs, err)
}
