package job

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/kin"
	"sfsync/cmd/sfsync/internal/outcome"
	"sfsync/cmd/sfsync/internal/runflags"
	"sfsync/cmd/sfsync/internal/settings"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping"
	"sfsync/mapping/syntax"
	"sfsync/pipeline"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
)

// ResumeOptions say which run to go on with.
type ResumeOptions struct {
	*verb.App
	runflags.Flags
	Run string
}

// Resume goes on with a run, or with an undo, that was interrupted. Two processes never do so at once: the second
// finds what the first has left, once it has the lock.
func Resume(ctx context.Context, o *ResumeOptions) error {
	dir, err := kin.Find(o.Runs, o.Run)
	if err != nil {
		return err
	}
	if parent, err := kin.Undone(ctx, dir); err != nil || parent != nil {
		if err != nil {
			return err
		}
		return (&UndoOptions{App: o.App, Flags: o.Flags, Run: o.Run, Yes: true}).undo(ctx, parent)
	}
	j := &job{App: o.App, flags: &o.Flags, command: "run", dir: dir, resume: true}
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
		return damaged(err)
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
	if err := j.orgs.Check(j.settings.OrgID, j.settings.Orgs); err != nil {
		return err
	}
	if err := j.orgs.Lock(ctx, j.flags.State, j.file.Name, j.flags.LockWait); err != nil {
		return err
	}
	if err := j.orgs.Claim(ctx, j.dir, j.flags.LockWait); err != nil {
		return err
	}
	// Another process may have gone on with the run until it gave the lock up: what it has left
	// is what counts.
	if end, err := j.finished(); err != nil || end != nil {
		return cmp.Or(err, end)
	}
	if err := j.takenBack(ctx); err != nil {
		return err
	}
	j.tellOvertaken(j.dir, j.settings.Started)
	if _, err := j.dir.ReadSummary(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		j.Con.Warnf("%v: it is written anew", err)
	}
	if err := j.ledger.Check(ctx); err != nil {
		return damaged(err)
	}
	j.before = settings.Effort{}
	if _, err := j.ledger.Meta(ctx, settings.EffortKey, &j.before); err != nil {
		return err
	}
	j.begun = j.Sys.Now()
	return j.execute(ctx)
}

// damaged words why a run cannot be gone on with by its ledger, which is the input here.
func damaged(err error) error {
	return exit.Errorf(exit.BadInput, "%w: nothing was sent: put the run directory back as it was, or start a new run: what this one has written is in its row files", err)
}

// takenBack refuses to go on with a run that an undo took back: half of its rows would be in the org, and the report
// would have them all.
func (j *job) takenBack(ctx context.Context) error {
	undos, err := kin.Undos(ctx, j.dir, j.file.Name)
	if err != nil || len(undos) == 0 {
		return err
	}
	return exit.Usagef("%s was taken back by %s: start a new run", j.dir.Name(), undos[0].Name())
}

// restore takes up what the run was begun with.
func (j *job) restore(ctx context.Context, o *ResumeOptions) error {
	s := &j.settings
	ok, err := j.ledger.Meta(ctx, settings.InfoKey, s)
	if err != nil {
		return err
	}
	if !ok || s.Version != 1 {
		return exit.Errorf(exit.BadInput, "%s was made by another version of sfsync (%s): resume it with that one", o.Run, s.Tool)
	}
	for flag, text := range map[string]string{"max-failed": s.MaxFailed, "stop-after": s.StopAfter} {
		t := map[string]*outcome.Threshold{"max-failed": &o.MaxFailed, "stop-after": &o.StopAfter}[flag]
		if o.Keep(flag) && text != "" {
			if err := t.Set(text); err != nil {
				return exit.Errorf(exit.BadInput, "the ledger of %s: --%s: %w", o.Run, flag, err)
			}
		}
	}
	if o.Keep("to") {
		o.To = s.To
	}
	j.limit, j.sample = s.Limit, s.Sample
	j.command = cmp.Or(s.Command, j.command)
	j.flags = &o.Flags
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
	if err := j.sameMapping(); err != nil {
		return err
	}
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

// sameMapping refuses to go on with other rules than the run was begun with: its rows would not be
// treated alike. The mapping is the run directory's copy, the tables of values are read where they were. One that was
// edited where it came from is refused, too: whoever edited it means it to count.
func (j *job) sameMapping() error {
	was, now := j.settings.Sums, settings.Sums(j.file)
	for i := range was {
		if i < len(now) && was[i] == now[i] {
			continue
		}
		path, remedy := was[i].Path, "put it back, or start a new run"
		if i == 0 {
			path = j.dir.Path(report.MappingFile)
		} else if strings.HasPrefix(path, syntax.PresetFile("")) {
			remedy = "resume the run with the sfsync that began it, " + j.settings.Tool + ", or start a new run"
		}
		return exit.Errorf(exit.BadConfig, "%s has changed since the run began: %s", path, remedy)
	}
	if now, err := os.ReadFile(j.file.Path); err == nil && !bytes.Equal(now, j.file.Text) {
		return exit.Errorf(exit.BadConfig, "%s has changed since the run began: put it back as it is in %s, or start a new run",
			j.file.Path, j.dir.Path(report.MappingFile))
	}
	return nil
}

// unchanged refuses an input that has another size than when the run began, and warns of one
// that was written since. What the run had read of it is compared row by row anyway; this is
// about the rest.
func (j *job) unchanged(in settings.Input) error {
	info, err := os.Stat(in.Path)
	switch {
	case in.Spool != "":
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return exit.Errorf(exit.InputNotFound, "%s is not there any more: put it back, or start a new run", in.Path)
	case err != nil:
		return nil //nolint:nilerr // opening it says what is wrong
	}
	if in.Other() {
		return fmt.Errorf("%w: %s had %d bytes and has %d: put the file back, or start a new run", pipeline.ErrInputChanged, in.Path, in.Size, info.Size())
	}
	if !info.ModTime().Equal(in.Modified) {
		j.Con.Warnf("%s was written since the run began; what the run had read of it is compared, the rest cannot be", in.Path)
	}
	return nil
}

// enter makes the run's working directory the current one, so that relative paths mean what
// they meant, in the files and in the report. The flags' own paths keep their meaning.
func (j *job) enter(dir string) error {
	wd, err := j.Sys.Getwd()
	if err != nil {
		return fmt.Errorf("find the working directory: %w", err)
	}
	if wd == dir {
		return nil
	}
	for _, p := range []*string{&j.flags.State, &j.flags.Runs, &j.flags.CACert} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(wd, *p)
		}
	}
	if err := j.dir.MakeAbs(); err != nil {
		return err
	}
	if err := j.Sys.Chdir(dir); err != nil {
		return exit.Errorf(exit.InputNotFound, "go to the directory that the run was begun in: %w", err)
	}
	return nil
}

// finished returns the end of a run that needs no resuming: its summary says that it is
// complete.
func (j *job) finished() (end, err error) {
	s, err := j.dir.ReadSummary()
	if err != nil || !s.Complete {
		return nil, nil //nolint:nilerr // it was killed before it wrote one; one that is damaged is written anew: the ledger knows it all
	}
	if j.flags.JSON {
		j.Answered = true
		if err := s.Encode(j.Con.Out()); err != nil {
			return nil, err
		}
	}
	return verb.Done(exit.Code(s.Exit.Code), "nothing left to do: the run is complete: %s", s.Exit.Message), nil
}
