package run

import (
	"context"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/job"
	"sfsync/cmd/sfsync/internal/verb"
)

func newUndo(a *verb.App, runF func(context.Context, *job.UndoOptions) error) *cobra.Command {
	o := &job.UndoOptions{App: a}
	if runF == nil {
		runF = job.Undo
	}
	cmd := &cobra.Command{
		Use:   "undo RUN",
		Short: "Take back what a run with --backup did to the org",
		Long: `Take back what a run did, as far as nobody has touched it since. The run must have kept what
records held: with --backup, with backup: always in the mapping, or because it deleted.

  what the run created   is deleted, unless it was edited since: a field does not hold what the run
                         wrote, or it was modified by somebody else, or later than the run's last
                         answer about it (LastModifiedById, LastModifiedDate)
  fields that it changed get back what they held, where they still hold what the run wrote
  what it deleted        is brought back from the recycle bin
  platform events        cannot be taken back

Everything else is left alone, and the report says why. Undo first says what it would do, and asks;
--yes agrees beforehand. It is a run of its own: its directory, beside that of RUN, has a line for
every record. An undo that was interrupted goes on when undo or resume is said again. Said again
after it was complete, undo tries once more what it left alone.

RUN is a run directory, or its name under --runs. The org's address and credentials come from
the environment or from sfsync org login, never from the run directory.

` + exit.Help(exit.OK, exit.Usage, exit.SomeFailed, exit.AllFailed, exit.SomeUnknown, exit.BadInput, exit.InputNotFound, exit.Unavailable,
			exit.Invariant, exit.CannotWrite, exit.TryAgain, exit.NoPermission, exit.BadConfig, exit.Interrupted),
		Example: `  sfsync undo sfsync-runs/20261121T021500Z-nightly-leads-4f2a1c
  sfsync undo 20261121T021500Z-nightly-leads-4f2a1c --yes`,
		Args:              verb.ExactArgs("RUN"),
		ValidArgsFunction: completeRun(&o.Runs),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Run = args[0]
			o.Keep = func(flag string) bool { return !cmd.Flags().Changed(flag) }
			if err := o.Check(); err != nil {
				return err
			}
			return runF(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	o.AddTo(fs)
	kept(fs, "to")
	o.MaxFailed.Text, o.Workers = "0", 1
	fs.Var(&o.MaxFailed, "max-failed", "records that cannot be taken back up to which the exit code is 0")
	o.AddLock(fs)
	o.AddOutput(fs)
	o.AddBudget(fs)
	fs.BoolVar(&o.Yes, "yes", false, "agree beforehand to what the undo will do")
	return cmd
}
