package job

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/fetch"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/settings"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
)

// create makes the run directory with all that a resumed run needs in it. From here on the
// first signal drains.
func (j *job) create(ctx context.Context) error {
	if err := j.orgs.Lock(ctx, j.flags.State, j.file.Name, j.flags.LockWait); err != nil {
		return err
	}
	j.tellInterrupted(ctx)
	if err := j.keepLimits(ctx); err != nil {
		return err
	}
	return j.begin(ctx)
}

// begin is create under a lock that is held.
func (j *job) begin(ctx context.Context) error {
	err := j.createDir(ctx, func(d *report.Dir) error {
		l, err := ledger.Create(ctx, d.Path(report.LedgerFile), &j.settings)
		if err != nil {
			return err
		}
		return l.Close()
	})
	if err != nil {
		return err
	}
	if err := j.orgs.Claim(ctx, j.dir, j.flags.LockWait); err != nil {
		return err
	}
	j.ledger, err = ledger.Open(ctx, j.dir.Path(report.LedgerFile))
	return err
}

// createDir makes the run directory, with the mapping, what can be read only once, and what more
// puts into it. From here on the first signal drains.
func (j *job) createDir(ctx context.Context, more func(*report.Dir) error) error {
	wd, err := j.Sys.Getwd()
	if err != nil {
		return fmt.Errorf("find the working directory: %w", err)
	}
	s := &j.settings
	s.Version, s.Tool, s.Dir, s.Started, s.OrgID = 1, verb.Tool(), wd, j.begun, j.orgs.Main.Info.ID
	s.Orgs, s.Began, s.Sums = j.orgs.Others(), j.orgs.Began(), settings.Sums(j.file)
	s.Command = j.command
	s.MaxFailed, s.StopAfter, s.FromEnv = j.flags.MaxFailed.Text, j.flags.StopAfter.Text, j.FromEnv
	// Registered before there is a run that could be resumed, so that no signal falls between.
	drain := j.drain()
	j.dir, err = report.Create(j.flags.Runs, j.file.Name, j.begun, j.Sys.Rand, func(d *report.Dir) error {
		if err := j.fill(ctx, drain, d); err != nil {
			return err
		}
		return more(d)
	})
	if err != nil {
		return err
	}
	for i := range s.Inputs {
		if err := j.openSpool(&j.inputs[i], s.Inputs[i].Spool); err != nil {
			return err
		}
	}
	return nil
}

// fill puts into a new run directory what the run begins with. It leaves no file open, since
// the directory is renamed afterwards: SQLite keeps to the names it was given, and Windows
// renames no directory with an open file.
func (j *job) fill(ctx context.Context, drain <-chan struct{}, d *report.Dir) error {
	if err := d.WriteMapping(j.file.Text); err != nil {
		return err
	}
	for i := range j.inputs {
		in := &j.inputs[i]
		set := settings.Input{Path: in.Path, Format: in.Format}
		switch {
		case in.Once && in.Path == "-":
			set.Spool = "stdin." + in.Format
		case in.Once && fetch.Is(in.Path):
			set.Spool = fmt.Sprintf("url-%d", i+1)
		case in.Once: // what is left of another run
			set.Spool = in.Path
		case !input.ReadAgain(in):
			set.Spool = fmt.Sprintf("pipe-%d", i+1)
		}
		if info, err := os.Stat(in.Path); err == nil && set.Spool == "" {
			set.Size, set.Modified = info.Size(), info.ModTime()
		}
		if set.Spool != "" {
			if err := input.Spool(ctx, j.App, drain, in, d.Path(set.Spool)); err != nil {
				return err
			}
		}
		j.settings.Inputs = append(j.settings.Inputs, set)
	}
	return nil
}

// openSpool makes the copy of an input that can be read only once the input; with no name it
// does nothing.
func (j *job) openSpool(in *source.Input, name string) error {
	if name == "" {
		return nil
	}
	f, err := os.Open(j.dir.Path(name))
	if err != nil {
		return exit.Errorf(exit.BadInput, "open what was kept of %s: %w", in.Path, err)
	}
	j.spools = append(j.spools, f)
	in.Once, in.Reader = false, f
	return nil
}

// maxPast is how many earlier runs are looked at for one that was interrupted.
const maxPast = 20

// tellInterrupted tells the user that the last run of the mapping to this org was interrupted,
// since this one does not go on with it. The lock is held, so it is not under way.
func (j *job) tellInterrupted(ctx context.Context) {
	d, err := j.interrupted(ctx)
	switch {
	case err != nil:
		j.Con.Warnf("%v. This one starts afresh", err)
	case d != nil:
		j.Con.Infof("the last run of this mapping was interrupted: %s. This one starts afresh; to go on with that one: sfsync resume %[1]s", d.Path(""))
	}
}

// interrupted returns the last run of the mapping to this org if it was interrupted, or is under way
// where the lock is not held; else nil. The error says that there is one of which nobody knows.
func (j *job) interrupted(ctx context.Context) (*report.Dir, error) {
	runs, err := report.Runs(j.flags.Runs, j.file.Name)
	if err != nil {
		return nil, err
	}
	for _, d := range runs[:min(len(runs), maxPast)] {
		s, err := d.ReadSummary()
		switch {
		case err == nil && (s.Org.ID != j.orgs.Main.Info.ID || s.Mapping.Name != j.file.Name || s.Plan != nil):
			continue
		case err == nil && (s.Complete || !resumable(exit.Code(s.Exit.Code))):
			return nil, nil //nolint:nilnil // it is over
		case err == nil:
			return d, nil
		case !errors.Is(err, fs.ErrNotExist):
			continue
		}
		if here, err := j.wentHere(ctx, d); here || err != nil {
			return d, err
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

// wentHere reports whether a run that has no summary went to the org of this one.
func (j *job) wentHere(ctx context.Context, d *report.Dir) (bool, error) {
	var s settings.Run
	err := settings.Read(ctx, d, &s)
	switch {
	case errors.Is(err, fs.ErrNotExist): // a plan
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%s was interrupted, and cannot be gone on with: %w", d.Path(""), err)
	}
	return s.OrgID == j.orgs.Main.Info.ID, nil
}

// tellOvertaken warns that a later run of the mapping to this org has written rows, since those of a run that is taken up
// now are older ones. run is its directory, began when it began.
func (j *job) tellOvertaken(run *report.Dir, began time.Time) {
	runs, err := report.Runs(filepath.Dir(run.Path("")), j.file.Name)
	if err != nil {
		return // the report goes there, too: what is wrong is said then
	}
	for _, d := range runs[:min(len(runs), maxPast)] {
		s, err := d.ReadSummary()
		if err == nil && s.Command == "run" && s.Mapping.Name == j.file.Name && s.Org.ID == j.orgs.Main.Info.ID && s.Started.After(began) && s.Rows.Succeeded > 0 {
			j.Con.Warnf("%s began later than %s, with the same mapping: what is sent now may go over what it wrote", d.Name(), run.Name())
			return
		}
	}
}
