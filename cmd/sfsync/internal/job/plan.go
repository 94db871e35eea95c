package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/outcome"
	"sfsync/cmd/sfsync/internal/rehearsal"
	"sfsync/cmd/sfsync/internal/runflags"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/cmd/sfsync/internal/wording"
	"sfsync/pipeline"
	"sfsync/pipeline/plan"
	"sfsync/pipeline/report"
)

// PlanOptions are what a plan is asked for.
type PlanOptions struct {
	*verb.App
	runflags.Flags
	Mapping  string
	Files    []string
	Limit    int64
	Sample   int64
	Format   string
	ExitCode bool
	Limits   rehearsal.Limits
}

// Check checks the flags, before anything is read.
func (o *PlanOptions) Check() error {
	if err := o.Flags.Check(); err != nil {
		return err
	}
	if err := input.CheckPart(o.Limit, o.Sample); err != nil {
		return err
	}
	return input.CheckFormat(o.Format)
}

// Plan is a plan from its mapping file to its exit code. There is no lock to take, nothing to
// agree to and no ledger: nothing is written that another run could meet.
func Plan(ctx context.Context, o *PlanOptions) error {
	j, err := open(ctx, o.App, &o.Flags, "plan", o.Mapping, o.Files, o.Format)
	if err != nil {
		return err
	}
	j.limit, j.sample, j.limits = o.Limit, o.Sample, o.Limits
	if err := j.connect(ctx); err != nil {
		return err
	}
	defer j.close()
	if err := pipeline.Preflight(ctx, pipeline.Options{Plan: j.plan, Inputs: j.inputs, Source: input.Options(j.file)}); err != nil {
		return err
	}
	if err := j.createDir(ctx, func(*report.Dir) error { return nil }); err != nil {
		return err
	}
	return j.rehearse(ctx, o.ExitCode)
}

// rehearse runs the pipeline without writing to the org, writes the plan and the summary, and
// returns the end of the command.
func (j *job) rehearse(ctx context.Context, exitCode bool) error {
	var err error
	if j.log, err = j.dir.OpenLog(); err != nil {
		return err
	}
	out, err := plan.NewFile(j.dir, j.plan)
	if err != nil {
		return err
	}
	errs := report.NewErrors(wording.Remedy)
	stats := &pipeline.Stats{}
	stats.BytesTotal.Store(input.TotalBytes(j.inputs))
	var tally rehearsal.Tally
	drain := j.drain()
	guards, targets := j.guards(stats, drain)
	stop := j.Con.Progress(j.flags.Progress, func() ui.Counts { return j.progress(stats) })
	res, runErr := pipeline.Run(ctx, pipeline.Options{
		Plan: j.plan, Inputs: j.inputs, Source: input.Options(j.file), Targets: targets,
		Workers: j.flags.Workers, Limit: j.limit, Sample: j.sample, StopAfter: j.flags.StopThreshold(), Stop: drain,
		Duplicates: j.file.Source.Duplicates, Temp: j.dir.Path(""),
		Errors: errs, Stats: stats, Rehearse: true,
		Planned: func(b *plan.Batch) error { return cmp.Or(tally.Batch(b), out.Batch(b)) },
	})
	stop()
	runErr = errors.Join(runErr, out.Close(), j.dir.WriteErrors(errs))
	if res == nil {
		return runErr
	}
	info := out.Info()
	info.Lookups = rehearsal.Lookups(guards)
	info.Estimates = rehearsal.Estimates(j.plan, info, res.Costs, guards, j.flags.Workers, notByBulk(j.plan), keyless(j.plan))
	s := j.account(res, errs, runErr, j.spent(0))
	s.API.Why, s.Plan = "a plan only looks records up", info
	code, message := j.judgePlan(s, runErr, &tally, exitCode)
	return j.tell(s, res, runErr, code, message)
}

// judgePlan returns what a plan ends with.
func (j *job) judgePlan(s *report.Summary, runErr error, tally *rehearsal.Tally, exitCode bool) (exit.Code, string) {
	codes, notes := j.troubles(s, runErr)
	for i, code := range codes {
		if code == exit.SomeFailed { // --stop-after: nothing has failed yet
			codes[i] = exit.DataProblems
		}
	}
	if err := rehearsal.Check(s); err != nil {
		codes = append(codes, exit.Invariant)
		notes = append(notes, err.Error())
	}
	switch outcome.Code(s.Rows, j.flags.MaxFailed, s.Complete) {
	case exit.OK:
	case exit.SomeUnknown:
		codes = append(codes, exit.SomeUnknown)
	default:
		codes = append(codes, exit.DataProblems)
		notes = append(notes, fmt.Sprintf("%s of %s would fail", ui.Count(s.Rows.Failed), ui.Rows(s.Rows.Read)))
	}
	if err := j.limits.Check(tally); err != nil {
		codes = append(codes, exit.Of(err))
		notes = append(notes, err.Error())
	}
	if exitCode && s.Plan.Changes > 0 {
		codes = append(codes, exit.Pending)
	}
	rows, changes := ui.Rows(s.Rows.Read), "nothing"
	if !s.Complete {
		rows += " so far"
	}
	if n := s.Plan.Changes; n > 0 {
		changes = ui.Plural(n, "record", "records")
	}
	notes = append(notes, rows+": a run would change "+changes)
	return exit.Worst(codes...), strings.Join(notes, "; ")
}
