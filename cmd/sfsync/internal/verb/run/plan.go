package run

import (
	"context"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/job"
	"sfsync/cmd/sfsync/internal/verb"
)

func newPlan(a *verb.App, runF func(context.Context, *job.PlanOptions) error) *cobra.Command {
	o := &job.PlanOptions{App: a}
	if runF == nil {
		runF = job.Plan
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
triggers and flows of the org are not asked, nor whether a relationship by external id leads to a
record: what is refused for these, only a run can tell. A plan holds for the time at which it was
made: it takes no lock, and other changes to the org go on.

With --exit-code the exit code is 7 if a run would change anything. With --max-updates,
--max-deletes or --max-clears it is 6 if a run with the flag would not begin.

` + exit.Help(exit.OK, exit.Usage, exit.DataProblems, exit.Pending, exit.BadInput, exit.InputNotFound, exit.Unavailable,
			exit.Invariant, exit.CannotWrite, exit.TryAgain, exit.NoPermission, exit.BadConfig, exit.Interrupted),
		Example: `  sfsync plan samples/leads/leads.yaml
  sfsync plan leads.yaml 'in/*.csv' --to env --limit 1000
  sfsync plan leads.yaml --exit-code --quiet; [ $? = 7 ] && sfsync run leads.yaml
  sfsync plan leads.yaml --json | jq '.plan.targets[0].fields'`,
		Args:              verb.AtLeast("MAPPING"),
		ValidArgsFunction: verb.CompleteExt("yaml", "yml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Mapping, o.Files = args[0], args[1:]
			if err := o.Check(); err != nil {
				return err
			}
			return runF(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	o.AddTo(fs)
	o.MaxFailed.Text = "0"
	fs.IntVar(&o.Workers, "workers", 4, "have `N` lookups in flight at once")
	fs.Var(&o.MaxFailed, "max-failed", "rejected rows up to which the exit code is not 6")
	fs.Var(&o.StopAfter, "stop-after", "stop once more records than this are rejected; 0 stops at the first")
	o.AddOutput(fs)
	o.AddBudget(fs)
	fs.Int64Var(&o.Limit, "limit", 0, "plan the first `N` rows only; 0 plans all")
	input.AddSample(fs, &o.Sample)
	fs.BoolVar(&o.ExitCode, "exit-code", false, "end with 7 if changes are pending")
	o.Limits.AddTo(fs)
	input.AddFormat(fs, &o.Format)
	return cmd
}
