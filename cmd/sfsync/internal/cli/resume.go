package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/outcome"
	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
)

type resumeOptions struct {
	*app
	runFlags
	Run string
}

func newResume(a *app, runF func(context.Context, *resumeOptions) error) *cobra.Command {
	o := &resumeOptions{app: a}
	if runF == nil {
		runF = resumeRun
	}
	cmd := &cobra.Command{
		Use:   "resume RUN",
		Short: "Go on with a run that was interrupted or killed",
		Long: `Go on with a run that was interrupted, stopped or killed, in the same run directory, with the
same mapping, files and org. It ends as if it had not been interrupted: what was sent is not
sent again, except where sending twice does no harm.

RUN is a run directory, or its name under --runs. The org's address and credentials come from
the environment, never from the run directory.

` + exit.Help(exit.OK, exit.Usage, exit.SomeFailed, exit.AllFailed, exit.SomeUnknown, exit.BadInput, exit.InputNotFound, exit.Unavailable,
			exit.Invariant, exit.CannotWrite, exit.TryAgain, exit.NoPermission, exit.BadConfig, exit.Interrupted),
		Example:           "  sfsync resume sfsync-runs/20261121T021500Z-nightly-leads-4f2a\n  sfsync resume 20261121T021500Z-nightly-leads-4f2a --to env",
		Args:              exactArgs("RUN"),
		ValidArgsFunction: completeRun(&o.Runs),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Run = args[0]
			// What the run was begun with counts unless the user says otherwise now.
			o.keep = func(flag string) bool { return !cmd.Flags().Changed(flag) }
			if err := o.check(); err != nil {
				return err
			}
			return runF(cmd.Context(), o)
		},
	}
	o.add(cmd)
	return cmd
}

// completeRun completes the one argument RUN with the run directories under a root.
func completeRun(root *string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		entries, err := os.ReadDir(*root)
		if len(args) > 0 || err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, e := range entries {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
				names = append(names, filepath.Join(*root, e.Name()))
			}
		}
		return names, cobra.ShellCompDirectiveDefault
	}
}

func resumeRun(ctx context.Context, o *resumeOptions) error {
	dir, err := o.find(o.Runs, o.Run)
	if err != nil {
		return err
	}
	if parent, err := undoneBy(ctx, dir); err != nil || parent != nil {
		if err != nil {
			return err
		}
		return (&undoOptions{app: o.app, runFlags: o.runFlags, Run: o.Run, Yes: true}).undo(ctx, parent)
	}
	j := &job{app: o.app, flags: &o.runFlags, command: "run", dir: dir, resume: true}
	defer j.close()
	if _, err := os.Stat(dir.Path(report.PlanFile)); err == nil {
		return exit.Errorf(exit.InputNotFound, "%s is a plan: it has sent nothing, so there is nothing to go on with: run sfsync plan or sfsync run", o.Run)
	}
	if _, err := os.Stat(dir.Path(report.LedgerFile)); err != nil {
		return exit.Errorf(exit.InputNotFound, "%s has no ledger: it is no run that can be resumed", o.Run)
	}
	if j.ledger, err = ledger.Open(ctx, dir.Path(report.LedgerFile)); err != nil {
		if errors.Is(err, ledger.ErrAccess) {
			return err // once the directory can be written, it goes on
		}
		return &exit.Error{Code: exit.BadInput, Err: err} // here the ledger is the input
	}
	if err := j.restore(ctx, o); err != nil {
		return err
	}
	if end, err := j.finished(); err != nil || end != nil {
		return cmp.Or(err, end)
	}
	if err := j.connect(ctx); err != nil {
		return err
	}
	if err := j.checkOrgs(); err != nil {
		return err
	}
	if err := j.takeLock(ctx); err != nil {
		return err
	}
	// Another process may have gone on with the run until it gave the lock up: what it has left
	// is what counts.
	if end, err := j.finished(); err != nil || end != nil {
		return cmp.Or(err, end)
	}
	j.before = effort{}
	if _, err := j.ledger.Meta(ctx, effortKey, &j.before); err != nil {
		return err
	}
	j.begun = j.sys.Now()
	return j.execute(ctx)
}

// restore takes up what the run was begun with.
func (j *job) restore(ctx context.Context, o *resumeOptions) error {
	s := &j.settings
	ok, err := j.ledger.Meta(ctx, infoKey, s)
	if err != nil {
		return err
	}
	if !ok || s.Version != 1 {
		return exit.Errorf(exit.BadInput, "%s was made by another version of sfsync (%s): resume it with that one", o.Run, s.Tool)
	}
	for flag, text := range map[string]string{"max-failed": s.MaxFailed, "stop-after": s.StopAfter} {
		t := map[string]*outcome.Threshold{"max-failed": &o.MaxFailed, "stop-after": &o.StopAfter}[flag]
		if o.keep(flag) && text != "" {
			if err := t.Set(text); err != nil {
				return exit.Errorf(exit.BadInput, "the ledger of %s: --%s: %w", o.Run, flag, err)
			}
		}
	}
	if o.keep("to") {
		o.To = s.To
	}
	j.limit, j.sample = s.Limit, s.Sample
	j.command = cmp.Or(s.Command, j.command)
	j.flags = &o.runFlags
	text, err := os.ReadFile(j.dir.Path(report.MappingFile))
	if err != nil {
		return exit.Errorf(exit.BadInput, "read the mapping of the run: %w", err)
	}
	if err := j.enter(s.Dir); err != nil {
		return err
	}
	file, _, err := mapping.Parse(s.Mapping, text)
	if err != nil {
		return err
	}
	j.file = file
	for _, in := range s.Inputs {
		if err := j.unchanged(in); err != nil {
			return err
		}
		input := source.Input{Path: in.Path, Format: in.Format}
		if err := j.openSpool(&input, in.Spool); err != nil {
			return err
		}
		j.inputs = append(j.inputs, input)
	}
	return nil
}

// unchanged refuses an input that has another size than when the run began, and warns of one
// that was written since. What the run had read of it is compared row by row anyway; this is
// about the rest.
func (j *job) unchanged(in inputSetting) error {
	info, err := os.Stat(in.Path)
	if err != nil || in.Spool != "" {
		return nil // opening it says what is wrong
	}
	if info.Size() != in.Size {
		return fmt.Errorf("%w: %s had %d bytes and has %d: put the file back, or start a new run", pipeline.ErrInputChanged, in.Path, in.Size, info.Size())
	}
	if !info.ModTime().Equal(in.Modified) {
		j.con.Warnf("%s was written since the run began; what the run had read of it is compared, the rest cannot be", in.Path)
	}
	return nil
}

// enter makes the run's working directory the current one, so that relative paths mean what
// they meant, in the files and in the report. The flags' own paths keep their meaning.
func (j *job) enter(dir string) error {
	wd, err := j.sys.Getwd()
	if err != nil {
		return fmt.Errorf("find the working directory: %w", err)
	}
	if wd == dir {
		return nil
	}
	for _, p := range []*string{&j.flags.State, &j.flags.Runs} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(wd, *p)
		}
	}
	if err := j.dir.MakeAbs(); err != nil {
		return err
	}
	if err := j.sys.Chdir(dir); err != nil {
		return exit.Errorf(exit.InputNotFound, "go to the directory that the run was begun in: %w", err)
	}
	return nil
}

// finished returns the end of a run that needs no resuming: its summary says that it is
// complete.
func (j *job) finished() (end, err error) {
	s, err := j.dir.ReadSummary()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // killed before it wrote one
	}
	if err != nil {
		return nil, err
	}
	if !s.Complete {
		return nil, nil
	}
	if j.flags.JSON {
		j.answered = true
		if err := s.Encode(j.con.Out()); err != nil {
			return nil, err
		}
	}
	return done(exit.Code(s.Exit.Code), "nothing left to do: the run is complete: %s", s.Exit.Message), nil
}
