package run

import (
	"context"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/job"
	"sfsync/cmd/sfsync/internal/verb"
)

func newResume(a *verb.App, runF func(context.Context, *job.ResumeOptions) error) *cobra.Command {
	o := &job.ResumeOptions{App: a}
	if runF == nil {
		runF = job.Resume
	}
	cmd := &cobra.Command{
		Use:   "resume RUN",
		Short: "Go on with a run that was interrupted or killed",
		Long: `Go on with a run that was interrupted, stopped or killed, in the same run directory, with the
same mapping, files and org. It ends as if it had not been interrupted: what was sent is not
sent again, except where sending twice does no harm.

RUN is a run directory, or its name under --runs. The org's address and credentials come from
the environment or from sfsync org login, never from the run directory.

` + exit.Help(exit.OK, exit.Usage, exit.SomeFailed, exit.AllFailed, exit.SomeUnknown, exit.BadInput, exit.InputNotFound, exit.Unavailable,
			exit.Invariant, exit.CannotWrite, exit.TryAgain, exit.NoPermission, exit.BadConfig, exit.Interrupted, exit.NoInput),
		Example:           "  sfsync resume sfsync-runs/20261121T021500Z-nightly-leads-4f2a1c\n  sfsync resume 20261121T021500Z-nightly-leads-4f2a1c --max-duration 2h",
		Args:              verb.ExactArgs("RUN"),
		ValidArgsFunction: completeRun(&o.Runs),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Run = args[0]
			// What the run was begun with counts unless the user says otherwise now.
			o.Keep = func(flag string) bool { return !cmd.Flags().Changed(flag) }
			if err := o.Check(); err != nil {
				return err
			}
			return runF(cmd.Context(), o)
		},
	}
	o.Add(cmd)
	kept(cmd.Flags(), "to", "max-failed", "stop-after")
	return cmd
}
