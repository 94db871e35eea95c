package run

import (
	"context"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/job"
	"sfsync/cmd/sfsync/internal/verb"
)

func newRetry(a *verb.App, runF func(context.Context, *job.RetryOptions) error) *cobra.Command {
	o := &job.RetryOptions{App: a}
	if runF == nil {
		runF = job.Retry
	}
	cmd := &cobra.Command{
		Use:   "retry RUN",
		Short: "Send again the rows of a run that failed or whose outcome is unknown",
		Long: `Send again the records of a run that failed or whose outcome is unknown, and no others, to the
same org, with the mapping that the run used or, with --mapping, an edited one. It is a run of its
own, with a run directory beside that of RUN; its report names each row by its place in the input
of the first run.

A retry can be retried. What a later try wrote, or had a reason to skip, is not sent again,
whichever of the tries is named: they keep one account, which sfsync runs show prints.

A record is sent as its row has it. Where a later row of its key, or a later run, has been written
since, the older values take the place of those: leave such rows out, by --code or by hand. With
duplicates: last in the mapping, rows that a later one of their key follows are never left over.

A record without a match key (insert, publish) whose outcome is unknown may be in the org. It is
sent again only if --code names its code.

The rows are those of RUN's failed.* and unknown.* files, so that sfsync run MAPPING failed.csv does
the same for one of them, after an edit, too.

RUN is a run directory, or its name under --runs. The org's address and credentials come from
the environment or from sfsync org login, never from the run directory.

` + exit.Help(exit.OK, exit.Usage, exit.SomeFailed, exit.AllFailed, exit.SomeUnknown, exit.BadInput, exit.InputNotFound, exit.Unavailable,
			exit.Invariant, exit.CannotWrite, exit.TryAgain, exit.NoPermission, exit.BadConfig, exit.Interrupted),
		Example: `  sfsync retry sfsync-runs/20261121T021500Z-nightly-leads-4f2a1c
  sfsync retry 20261121T021500Z-nightly-leads-4f2a1c --code UNABLE_TO_LOCK_ROW
  sfsync retry 20261121T021500Z-nightly-leads-4f2a1c --mapping leads.yaml --target lead`,
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
	fs := cmd.Flags()
	fs.StringVar(&o.Mapping, "mapping", "", "the mapping `file` to use in place of the run's own")
	fs.StringSliceVar(&o.Codes, "code", nil, "only records with this error `code`; may be repeated")
	fs.StringSliceVar(&o.Targets, "target", nil, "only records of the target of this `name`; may be repeated")
	addBackup(fs, &o.Backup)
	fs.StringVar(&o.API, "api", job.APIAuto, "how records are sent: `auto|rest|bulk`")
	fs.BoolVar(&o.Yes, "yes", false, "agree to the first write with this mapping to a production org")
	kept(fs, "to", "backup")
	return cmd
}
