package run

import (
	"context"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/job"
	"sfsync/cmd/sfsync/internal/verb"
)

func newRun(a *verb.App, runF func(context.Context, *job.RunOptions) error) *cobra.Command {
	o := &job.RunOptions{App: a}
	if runF == nil {
		runF = job.Run
	}
	cmd := &cobra.Command{
		Use:   "run MAPPING [FILE...]",
		Short: "Read files, upsert their rows, write a report",
		Long: `Read files, map their rows, upsert them into an org and write a run directory in which every
row has exactly one outcome, with its file and line.

FILE is a path, a glob (also **), a directory, an http or https URL, or - for stdin (with --format).
Files replace those of the mapping. They are read in lexical order of their paths: later rows of a
key win. A directory or ** passes over run directories below it. What can be read only once (stdin,
a pipe, a FIFO, a URL) is kept in the run directory first. A password
(https://USER:PASSWORD@HOST/PATH) or query in a URL is sent, and shown nowhere; a download that
breaks off is taken up where the server gives a strong ETag.

Without --to the rows go to the local org, a small Salesforce inside sfsync. --to NAME takes
one that sfsync org login keeps, --to env takes it from the environment; the first of these that is
complete wins:
  SFSYNC_ACCESS_TOKEN, SFSYNC_INSTANCE_URL
  SFSYNC_REFRESH_TOKEN, SFSYNC_CLIENT_ID
  SFSYNC_JWT_KEY, SFSYNC_USERNAME, SFSYNC_CLIENT_ID
  SFSYNC_CLIENT_ID, SFSYNC_CLIENT_SECRET
  these two, SFSYNC_USERNAME, SFSYNC_PASSWORD, SFSYNC_SECURITY_TOKEN
and SFSYNC_LOGIN_URL where it differs. Secrets may come from a file or a program instead:
SFSYNC_CLIENT_SECRET_FILE, SFSYNC_CLIENT_SECRET_COMMAND.

--stop-after N stops once more than N records have failed: what is in flight is finished, and the
rest stays pending. 0 stops at the first failure. N% is a share of the rows read so far, judged from
100 rows on.

--api rest sends composite requests of up to 1,000 records, --api bulk jobs of the Bulk API 2.0 of
up to 50,000, two of a target at a time. auto, the default, reads ahead and takes jobs for more than
10,000 rows, or what the calls that are left reach for, unless the mapping asks for what the Bulk
API cannot do (platform events, batch, duplicate_rule, all_or_none, update_mru,
assignment_rule: default) or --changed-only knows of an earlier run. Targets that insert without a
match key go by jobs however few their rows are, unless there is a bound on the calls: if an answer
is lost, only a job's results tell what is there. The report says what was chosen and why. A run
that is cut off while its jobs go on asks what became of them when it is resumed.

Records that stay locked, or that the org has no time for, wait for a last pass: when nothing else
is under way they are sent again, one request at a time in smaller collections, three times.

Records without a unique external id are looked up first. For many of them the key columns of the
object are read once, by a query job of the Bulk API, where that costs fewer calls; lookups of the
next quarter of an hour are answered from that copy, but for what the run itself writes.

--max-api-calls, --api-reserve and --max-duration end a run early with code 75: what is in flight is
finished, the rest stays pending, and sfsync resume goes on. --api-reserve 20% leaves a fifth of the
org's daily calls to others; a run that begins with less does not begin. Before it sends anything a
run reads ahead and reckons how many calls it will take. It warns if a budget does not reach; if the
org itself has fewer left today, and none of these flags for calls is given, the run ends with 75
before anything is sent, and sfsync resume goes on with it later.

--max-updates, --max-deletes and --max-clears bound what the run does to records that are in the
org already: how many it changes, how many it deletes, on how many it clears a field. N% is a
share of the records that the rows make, those that are skipped aside. With one of them the input
is read, and its records are looked up, once before, as sfsync plan does; if that finds more than
a limit, the command ends with 6, nothing was sent and no run directory is left. The input is then
read twice: stdin, pipes and URLs are refused. What others change in the org between the look and
the writing is not seen.

--changed-only leaves out, without a call, every row that says what the org last accepted from
this mapping; the rows of a key that repeats are sent again if one of them is. The state directory
keeps a fingerprint a key (24 bytes), which every later run of the mapping to the org keeps true.
What others change or delete in the org is not seen: a run without the flag sends all, and is the
full resync to have now and then. Rows whose outcome was not a success are sent again, and all rows
of a target are once after an edit of how it sends them (match, operation, defaults, only_if), or
if the org has another type for one of its fields. Always sent are inserts without a match key,
deletes, rows of several match keys that lack one of them, and targets whose fields another one
of the same object writes by another match. Mappings are told apart by their names.
--changed-only=org looks every record up instead and sends only what differs from what the org has.

If the last run of the mapping was interrupted, this one starts afresh and says so. With
--resume-last it goes on with that run, as sfsync resume does, if it was begun with the same
mapping, files and rows of them. Of stdin, pipes and URLs it then reads its own copy, and not what
they give now.

The first signal (Ctrl-C) finishes what is in flight and saves the state for sfsync resume, the
second stops at once.

` + exit.Help(exit.OK, exit.Usage, exit.SomeFailed, exit.AllFailed, exit.SomeUnknown, exit.DataProblems, exit.BadInput, exit.InputNotFound, exit.Unavailable,
			exit.Invariant, exit.CannotWrite, exit.TryAgain, exit.NoPermission, exit.BadConfig, exit.Interrupted, exit.NoInput),
		Example: `  sfsync run samples/leads/leads.yaml
  sfsync run leads.yaml 'in/2026-11-*.csv.gz' --to env --workers 8
  sfsync run leads.yaml failed.csv --max-failed 1% --json
  sfsync run leads.yaml https://exports.example.com/leads.csv.gz --changed-only
  zcat leads.csv.gz | sfsync run leads.yaml - --format csv`,
		Args:              verb.AtLeast("MAPPING"),
		ValidArgsFunction: verb.CompleteExt("yaml", "yml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Mapping, o.Files = args[0], args[1:]
			o.Changed = cmd.Flags().Changed
			if err := o.Check(); err != nil {
				return err
			}
			return runF(cmd.Context(), o)
		},
	}
	o.Add(cmd)
	fs := cmd.Flags()
	fs.StringVar(&o.API, "api", "auto", "how records are sent: `auto|rest|bulk`")
	fs.Int64Var(&o.Limit, "limit", 0, "read the first `N` rows only; 0 reads all")
	input.AddSample(fs, &o.Sample)
	fs.BoolVar(&o.Yes, "yes", false, "agree to the first write with this mapping to a production org")
	input.AddFormat(fs, &o.Format)
	fs.BoolVar(&o.DryRun, "dry-run", false, "do as sfsync plan: say what would be done, and write nothing")
	o.Limits.AddTo(fs)
	addBackup(fs, &o.Backup)
	o.ChangedOnly.AddTo(fs)
	fs.BoolVar(&o.ResumeLast, "resume-last", false, "go on with the last run, if it was of the same mapping and files and was interrupted")
	fs.BoolVar(&o.NoInput, "error-on-no-input", false, "end with 9 if the input has no rows")
	return cmd
}
