package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/consent"
	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/outcome"
	"sfsync/cmd/sfsync/internal/rehearsal"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/pipeline"
	"sfsync/sink/salesforce"
)

// maxWorkers bounds --workers: Salesforce has 25 long requests an org (REST API guide,
// "Concurrent API Request Limits").
const maxWorkers = 64

// runFlags are the flags of everything that sends rows: run and resume.
type runFlags struct {
	orgFlags
	Workers  int
	Runs     string
	Progress string
	JSON     bool
	LockWait time.Duration
	// MaxFailed and StopAfter have their own defaults: none may fail, never stop.
	MaxFailed, StopAfter outcome.Threshold
	// MaxCalls, Reserve and MaxDuration end a run early, resumable: 0 for never.
	MaxCalls    int64
	Reserve     outcome.Threshold
	MaxDuration time.Duration
	// keep reports whether a resumed run keeps what it was begun with for a flag.
	keep func(flag string) bool
}

func (f *runFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	f.addTo(fs)
	f.MaxFailed.Text = "0"
	fs.IntVar(&f.Workers, "workers", 4, "requests in flight at once")
	fs.Var(&f.MaxFailed, "max-failed", "failed rows up to which the exit code is 0")
	fs.Var(&f.StopAfter, "stop-after", "stop sending once more records than this have failed; 0 stops at the first")
	fs.DurationVar(&f.LockWait, "lock-wait", 0, "wait so long for another run of the mapping to the same org to end")
	f.addOutput(fs)
	f.addBudget(fs)
}

// addBudget adds the flags that end early what asks too much of the org.
func (f *runFlags) addBudget(fs *pflag.FlagSet) {
	fs.Int64Var(&f.MaxCalls, "max-api-calls", 0, "stop after so many API calls; 0 for no limit")
	fs.Var(&f.Reserve, "api-reserve", "stop when the org has only so many daily API calls left")
	fs.DurationVar(&f.MaxDuration, "max-duration", 0, "stop after so long; 0 for no limit")
}

// addOutput adds the flags about what the user sees and where reports go.
func (f *runFlags) addOutput(fs *pflag.FlagSet) {
	fs.StringVar(&f.Runs, "runs", "sfsync-runs", "`directory` of the run directories")
	fs.StringVar(&f.Progress, "progress", ui.ProgressAuto, "show progress as `auto|bar|plain|none`")
	fs.BoolVar(&f.JSON, "json", false, "print the summary as JSON on stdout")
}

func (f *runFlags) check() error {
	if err := f.orgFlags.check(); err != nil {
		return err
	}
	if f.Workers < 1 || f.Workers > maxWorkers {
		return exit.Usagef("--workers is from 1 to %d, not %d", maxWorkers, f.Workers)
	}
	if f.MaxCalls < 0 {
		return exit.Usagef("--max-api-calls is not negative: %d", f.MaxCalls)
	}
	if f.MaxDuration < 0 {
		return exit.Usagef("--max-duration is not negative: %v", f.MaxDuration)
	}
	f.budget = salesforce.Budget{Calls: f.MaxCalls, Reserve: f.Reserve.Count, ReservePercent: f.Reserve.Percent}
	if f.LockWait < 0 {
		return exit.Usagef("--lock-wait is not negative: %v", f.LockWait)
	}
	if f.Runs == "" {
		return exit.Usagef("--runs is empty")
	}
	return oneOf("progress", f.Progress, ui.ProgressAuto, ui.ProgressBar, ui.ProgressPlain, ui.ProgressNone)
}

// stopAfter is --stop-after as the engine takes it, where none at all and 0 are two things.
func (f *runFlags) stopAfter() pipeline.Threshold {
	t := f.StopAfter.Threshold
	t.Any = f.StopAfter.Text != "" && t.Count == 0 && t.Percent == 0
	return t
}

type runOptions struct {
	*app
	runFlags
	Mapping string
	Files   []string
	API     string
	Limit   int64
	Sample  int64
	Backup  bool
	Format  string
	Yes     bool
	DryRun  bool
	// ChangedOnly is what rows are compared with before they are sent; "" for nothing.
	ChangedOnly changedOnly
	// Limits are checked by a rehearsal before the run begins.
	Limits rehearsal.Limits
	// ResumeLast goes on with an interrupted run in place of a new one; NoInput makes an input without
	// rows an exit code.
	ResumeLast, NoInput bool

	changed func(flag string) bool // whether a flag was given
}

func newRun(a *app, runF func(context.Context, *runOptions) error) *cobra.Command {
	o := &runOptions{app: a}
	if runF == nil {
		runF = runRun
	}
	cmd := &cobra.Command{
		Use:   "run MAPPING [FILE...]",
		Short: "Read files, upsert their rows, write a report",
		Long: `Read files, map their rows, upsert them into an org and write a run directory in which every
row has exactly one outcome, with its file and line.

FILE is a path, a glob (also **), a directory, or - for stdin (with --format). Files replace
those of the mapping. They are read in lexical order of their paths: later rows of a key win. What
can be read only once (stdin, a pipe, a FIFO) is kept in the run directory first.

Without --to the rows go to the local org, a small Salesforce inside sfsync. --to env takes the
org from the environment; the first of these that is complete wins:
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
10,000 rows, unless the mapping asks for what the Bulk API cannot do (platform events, batch,
duplicate_rule, all_or_none, update_mru, assignment_rule: default) or --changed-only is given; the
report says what was chosen and why. A run that is cut off while its jobs go on asks what became of
them when it is resumed.

--max-api-calls, --api-reserve and --max-duration end a run early with code 75: what is in flight is
finished, the rest stays pending, and sfsync resume goes on. --api-reserve 20% leaves a fifth of the
org's daily calls to others; a run that begins with less does not begin.

--max-updates, --max-deletes and --max-clears bound what the run does to records that are in the
org already: how many it changes, how many it deletes, on how many it clears a field. N% is a
share of the records that the rows make, those that are skipped aside. With one of them the input
is read, and its records are looked up, once before, as sfsync plan does; if that finds more than
a limit, the command ends with 6, nothing was sent and no run directory is left. The input is then
read twice: stdin and pipes are refused. What others change in the org between the look and the
writing is not seen.

--changed-only leaves out, without a call, every row that says what the org last accepted from
this mapping; the rows of a key that repeats are sent again if one of them is. The state directory
keeps a fingerprint a key, which every later run of the mapping to the org keeps true; a run
without the flag sends all. Inserts without a match key are always sent: nothing tells them apart.
--changed-only=org looks every record up instead and sends only what differs from what the org has.

If the last run of the mapping was interrupted, this one starts afresh and says so. With
--resume-last it goes on with that run, as sfsync resume does, if it was begun with the same
mapping, files and rows of them.

The first signal (Ctrl-C) finishes what is in flight and saves the state for sfsync resume, the
second stops at once.

` + exit.Help(exit.OK, exit.Usage, exit.SomeFailed, exit.AllFailed, exit.SomeUnknown, exit.DataProblems, exit.BadInput, exit.InputNotFound, exit.Unavailable,
			exit.Invariant, exit.CannotWrite, exit.TryAgain, exit.NoPermission, exit.BadConfig, exit.Interrupted, exit.NoInput),
		Example: `  sfsync run samples/leads/leads.yaml
  sfsync run leads.yaml 'in/2026-11-*.csv.gz' --to env --workers 8
  sfsync run leads.yaml failed.csv --max-failed 1% --json
  zcat leads.csv.gz | sfsync run leads.yaml - --format csv`,
		Args:              atLeast("MAPPING"),
		ValidArgsFunction: completeExt("yaml", "yml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Mapping, o.Files = args[0], args[1:]
			o.changed = cmd.Flags().Changed
			if err := o.check(); err != nil {
				return err
			}
			return runF(cmd.Context(), o)
		},
	}
	o.add(cmd)
	fs := cmd.Flags()
	fs.StringVar(&o.API, "api", "auto", "how records are sent: `auto|rest|bulk`")
	fs.Int64Var(&o.Limit, "limit", 0, "read the first `N` rows only; 0 reads all")
	addSample(fs, &o.Sample)
	fs.BoolVar(&o.Yes, "yes", false, "agree to the first write with this mapping to a production org")
	addFormat(fs, &o.Format)
	fs.BoolVar(&o.DryRun, "dry-run", false, "do as sfsync plan: say what would be done, and write nothing")
	o.Limits.AddTo(fs)
	addBackup(fs, &o.Backup)
	o.ChangedOnly.addTo(fs)
	fs.BoolVar(&o.ResumeLast, "resume-last", false, "go on with the last run, if it was of the same mapping and files and was interrupted")
	fs.BoolVar(&o.NoInput, "error-on-no-input", false, "end with 9 if the input has no rows")
	return cmd
}

func (o *runOptions) check() error {
	if err := o.runFlags.check(); err != nil {
		return err
	}
	if err := checkPart(o.Limit, o.Sample); err != nil {
		return err
	}
	if o.DryRun && o.ChangedOnly != "" {
		return exit.Usagef("--dry-run does not go with --changed-only: it compares every row with what the org has")
	}
	if err := oneOf("api", o.API, apiAuto, apiRest, apiBulk); err != nil {
		return err
	}
	return checkFormat(o.Format)
}

// runRun is a run from its mapping file to its exit code.
func runRun(ctx context.Context, o *runOptions) error {
	if o.DryRun {
		return planRun(ctx, &planOptions{
			app: o.app, runFlags: o.runFlags, Mapping: o.Mapping, Files: o.Files, Limit: o.Limit, Sample: o.Sample, Format: o.Format,
			Limits: o.Limits,
		})
	}
	file, err := o.loadMapping(o.Mapping)
	if err != nil {
		return err
	}
	inputs, err := o.inputs(file, o.Files, o.Format)
	if err != nil {
		return err
	}
	j := &job{app: o.app, flags: &o.runFlags, command: "run", file: file, inputs: inputs, limit: o.Limit, sample: o.Sample, limits: o.Limits}
	j.settings = settings{
		Mapping: o.Mapping, Files: o.Files, Format: o.Format, To: o.To, API: o.API, Limit: o.Limit, Sample: o.Sample, ChangedOnly: string(o.ChangedOnly), Backup: o.Backup,
		NoInput: o.NoInput, Limits: o.Limits.String(),
	}
	if err := j.connect(ctx); err != nil {
		return err
	}
	defer j.close()
	if o.ResumeLast {
		if last := j.interrupted(ctx); last != nil && o.same(ctx, j, last) {
			j.close()
			return o.resume(ctx, last)
		}
	}
	if err := j.forceAPI(); err != nil {
		return err
	}
	// What can be known to be wrong with the files is known before anything is sent.
	if err := pipeline.Preflight(ctx, pipeline.Options{Plan: j.plan, Inputs: j.inputs, Source: sourceOptions(file)}); err != nil {
		return err
	}
	if err := o.agree(j); err != nil {
		return err
	}
	if err := j.create(ctx); err != nil {
		return err
	}
	return j.execute(ctx)
}

// agree refuses the first write with a mapping to a production org that nobody agreed to.
func (o *runOptions) agree(j *job) error {
	for _, org := range j.orgs() {
		if err := o.agreeTo(j, org.Info); err != nil {
			return err
		}
	}
	return nil
}

func (o *runOptions) agreeTo(j *job, org salesforce.OrgInfo) error {
	if org.Kind != "production" {
		return nil
	}
	dir, err := o.makeStateDir(o.State)
	if err != nil {
		return err
	}
	given, err := consent.Read(dir)
	if err != nil {
		return err
	}
	key := consent.Key(j.file.Name, org.ID)
	if given.Has(key) {
		return nil
	}
	if !o.Yes {
		if !o.sys.StdinTTY || !o.sys.StderrTTY {
			return exit.Usagef("this would be the first write with the mapping %q to the production org %s (%s): "+
				"check the mapping, then add --yes once", j.file.Name, org.Name, org.ID)
		}
		question := fmt.Sprintf("first write with the mapping %q to the production org %s (%s): go on?", j.file.Name, org.Name, org.ID)
		if !o.con.Confirm(o.sys.Stdin, question) {
			return exit.Usagef("not agreed: nothing was sent")
		}
	}
	return given.Add(key, o.sys.Now())
}
