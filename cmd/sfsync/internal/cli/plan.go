package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/outcome"
	"sfsync/cmd/sfsync/internal/rehearsal"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/pipeline"
	"sfsync/pipeline/plan"
	"sfsync/pipeline/report"
)

type planOptions struct {
	*app
	runFlags
	Mapping  string
	Files    []string
	Limit    int64
	Sample   int64
	Format   string
	ExitCode bool
	Limits   rehearsal.Limits
}

func newPlan(a *app, runF func(context.Context, *planOptions) error) *cobra.Command {
	o := &planOptions{app: a}
	if runF == nil {
		runF = planRun
	}
	cmd := &cobra.Command{
		Use:   "plan MAPPING [FILE...]",
		Short: "Say what a run would do to the org, and write nothing",
		Long: `Read files, map their rows, look their records up in the org and say what a run would do:
create, update (field by field, with what is there now), leave unchanged, delete, publish, skip or
reject. Nothing is written to the org. (The local org first gets the objects and fields of the
mapping's schema that it lacks, as by a run.)

The run directory gets plan.jsonl, one line for every row and target:

  {"file","line","target","object","action","id",
   "match":{…},"fields":{…},"before":{…},"code","field","message"}

action is create, update, unchanged, delete, publish, skip or reject. Of an update, fields are
those that it changes and before is what they hold now. A reference to a record that a run would
first create is {"ref": "<target>"} for one of the same row, {"lookup": "<field>", "value": …}
for one that would be looked up. errors.csv groups the rejected rows, summary.json has the counts:
those of targets say what a run would do, and plan says it field by field, with what a run would
cost by each API.

A row that is left unchanged would be sent by a run all the same, and change nothing. Rules,
triggers and flows of the org are not asked: what they refuse, only a run can tell. A plan holds
for the time at which it was made: it takes no lock, and other changes to the org go on.

With --exit-code the exit code is 7 if a run would change anything. With --max-updates,
--max-deletes or --max-clears it is 6 if a run with the flag would not begin.

` + exit.Help(exit.OK, exit.Usage, exit.DataProblems, exit.Pending, exit.BadInput, exit.InputNotFound, exit.Unavailable,
			exit.Invariant, exit.CannotWrite, exit.TryAgain, exit.NoPermission, exit.BadConfig, exit.Interrupted),
		Example: `  sfsync plan samples/leads/leads.yaml
  sfsync plan leads.yaml 'in/*.csv' --to env --limit 1000
  sfsync plan leads.yaml --exit-code --quiet || sfsync run leads.yaml
  sfsync plan leads.yaml --json | jq '.plan.targets[0].fields'`,
		Args:              atLeast("MAPPING"),
		ValidArgsFunction: completeExt("yaml", "yml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Mapping, o.Files = args[0], args[1:]
			if err := o.check(); err != nil {
				return err
			}
			return runF(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	o.addTo(fs)
	o.MaxFailed.Text = "0"
	fs.IntVar(&o.Workers, "workers", 4, "lookups in flight at once")
	fs.Var(&o.MaxFailed, "max-failed", "rejected rows up to which the exit code is not 6")
	fs.Var(&o.StopAfter, "stop-after", "stop once more records than this are rejected; 0 stops at the first")
	o.addOutput(fs)
	o.addBudget(fs)
	fs.Int64Var(&o.Limit, "limit", 0, "plan the first `N` rows only; 0 plans all")
	addSample(fs, &o.Sample)
	fs.BoolVar(&o.ExitCode, "exit-code", false, "end with 7 if changes are pending")
	o.Limits.AddTo(fs)
	addFormat(fs, &o.Format)
	return cmd
}

func (o *planOptions) check() error {
	if err := o.runFlags.check(); err != nil {
		return err
	}
	if err := checkPart(o.Limit, o.Sample); err != nil {
		return err
	}
	return checkFormat(o.Format)
}

// planRun is a plan from its mapping file to its exit code. There is no lock to take, nothing to
// agree to and no ledger: nothing is written that another run could meet.
func planRun(ctx context.Context, o *planOptions) error {
	file, err := o.loadMapping(o.Mapping)
	if err != nil {
		return err
	}
	inputs, err := o.inputs(file, o.Files, o.Format)
	if err != nil {
		return err
	}
	j := &job{app: o.app, flags: &o.runFlags, command: "plan", file: file, inputs: inputs, limit: o.Limit, sample: o.Sample, limits: o.Limits}
	if err := j.connect(ctx); err != nil {
		return err
	}
	defer j.close()
	if err := pipeline.Preflight(ctx, pipeline.Options{Plan: j.plan, Inputs: j.inputs, Source: sourceOptions(file)}); err != nil {
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
	errs := report.NewErrors(remedy)
	stats := &pipeline.Stats{}
	stats.BytesTotal.Store(totalBytes(j.inputs))
	guards, targets := j.guards()
	var tally rehearsal.Tally
	drain, ended := j.drain()
	defer ended()
	stop := j.con.Progress(j.flags.Progress, func() ui.Counts { return j.progress(stats) })
	res, runErr := pipeline.Run(ctx, pipeline.Options{
		Plan: j.plan, Inputs: j.inputs, Source: sourceOptions(j.file), Targets: targets,
		Workers: j.flags.Workers, Limit: j.limit, Sample: j.sample, StopAfter: j.flags.stopAfter(), Stop: drain,
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
	info.Estimates = rehearsal.Estimates(j.plan, info, res.Costs, guards, j.flags.Workers, notByBulk(j.plan))
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
