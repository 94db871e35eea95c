package job

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/fleet"
	"sfsync/cmd/sfsync/internal/kin"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/runflags"
	"sfsync/cmd/sfsync/internal/settings"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/undone"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/cmd/sfsync/internal/wording"
	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/pipeline/backup"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
)

// UndoOptions say which run is taken back.
type UndoOptions struct {
	*verb.App
	runflags.Flags
	Run string
	Yes bool
}

// Undo takes back what a run did, from what it kept to the exit code.
func Undo(ctx context.Context, o *UndoOptions) error {
	dir, err := kin.Find(o.Runs, o.Run)
	if err != nil {
		return err
	}
	return o.undo(ctx, dir)
}

// undo undoes the run in dir.
func (o *UndoOptions) undo(ctx context.Context, dir *report.Dir) error {
	if err := dir.MakeAbs(); err != nil {
		return err
	}
	u := &undo{job: &job{App: o.App, flags: &o.Flags, command: settings.Undo}, was: dir}
	defer u.close()
	if err := u.open(ctx, o); err != nil {
		return err
	}
	if err := u.connectTo(ctx); err != nil {
		return err
	}
	if err := u.orgs.Lock(ctx, u.flags.State, u.file.Name, u.flags.LockWait); err != nil {
		return err
	}
	if err := u.orgs.Claim(ctx, u.was, u.flags.LockWait); err != nil {
		return err
	}
	if err := u.unfinished(ctx); err != nil {
		return err
	}
	if u.dir == nil {
		if err := u.agree(ctx, o.Yes); err != nil {
			return err
		}
		if err := u.begin(ctx); err != nil {
			return err
		}
		if err := u.backup.Again(ctx); err != nil {
			return err
		}
	}
	return u.run(ctx)
}

// undo is a job that takes a run back.
type undo struct {
	*job
	was *report.Dir
}

// open opens what the run kept.
func (u *undo) open(ctx context.Context, o *UndoOptions) error {
	if _, err := os.Stat(u.was.Path(report.LedgerFile)); err != nil {
		return exit.Errorf(exit.InputNotFound, "%s has no ledger: it is no run that can be undone (a plan sends nothing): sfsync runs list names those that there are", u.was.Name())
	}
	var s settings.Run
	if err := settings.Read(ctx, u.was, &s); err != nil {
		return err
	}
	if s.Command == settings.Undo {
		return exit.Usagef("%s is an undo itself: what it took back is sent again by sfsync run", u.was.Name())
	}
	var err error
	if u.backup, err = backup.Open(ctx, u.was.Path(backup.File)); errors.Is(err, fs.ErrNotExist) {
		return exit.Errorf(exit.InputNotFound, "%s kept nothing of what records held, so it cannot be undone: only a run with --backup, or one that deletes, can. "+
			"What it created and changed is in its succeeded files, by sfsync_action and sfsync_id", u.was.Name())
	}
	if ledger.OfDisk(err) {
		return err // it may be sound
	}
	if err != nil {
		return &exit.Error{Code: exit.BadInput, Err: err} // here it is the input
	}
	text, err := os.ReadFile(u.was.Path(report.MappingFile))
	if err != nil {
		return exit.Errorf(exit.BadInput, "read the mapping of the run: %w", err)
	}
	// Tables of values that are elsewhere by now do not matter: only what the mapping is called does.
	if u.file, _, err = mapping.Parse(s.Mapping, text); err != nil && u.file.Name == "" {
		return err
	}
	switch sum, err := u.was.ReadSummary(); {
	case err != nil || !sum.Complete:
		o.Con.Warnf("%s did not come to its end: what it sent and got no answer for is not known; sfsync resume finds it out, if it comes before the undo", u.was.Name())
	case sum.Rows.Unknown > 0:
		o.Con.Warnf("%s has %s of unknown outcome: what they have created, without a key or by the org's own upsert, stays: look for the rows of its unknown files", u.was.Name(), ui.Rows(sum.Rows.Unknown))
	}
	if o.Keep("to") {
		o.To = s.To
	}
	// Its directory is beside that of the run, whatever --runs says: who takes either of them up looks for it there.
	o.Runs = filepath.Dir(u.was.Path(""))
	u.settings = settings.Run{Mapping: s.Mapping, To: o.To, OrgID: s.OrgID, Orgs: s.Orgs, API: apiRest, Parent: u.was.Name()}
	return nil
}

// connectTo connects to the orgs of the run.
func (u *undo) connectTo(ctx context.Context) error {
	u.begun = u.Sys.Now()
	var err error
	if u.orgs, err = fleet.Reconnect(ctx, u.App, &u.flags.Flags, slices.Sorted(maps.Keys(u.settings.Orgs)), u.begun); err != nil {
		return err
	}
	return u.orgs.Check(u.settings.OrgID, u.settings.Orgs)
}

// unfinished takes up an undo of the run that was interrupted, if there is one.
func (u *undo) unfinished(ctx context.Context) error {
	dirs, err := kin.Undos(ctx, u.was, u.file.Name)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if s, err := d.ReadSummary(); err == nil && s.Complete {
			continue
		}
		if u.ledger, err = ledger.Open(ctx, d.Path(report.LedgerFile)); err != nil {
			return err
		}
		if _, err := u.ledger.Meta(ctx, settings.InfoKey, &u.settings); err != nil {
			return err
		}
		if _, err := u.ledger.Meta(ctx, settings.EffortKey, &u.before); err != nil {
			return err
		}
		u.Con.Infof("going on with %s", d.Name())
		u.dir = d
		return nil
	}
	return nil
}

// undoer is what takes the run back.
func (u *undo) undoer() *backup.Undo {
	policy := rowRetries()
	orgs := map[string]backup.Org{"": u.orgAs("")}
	for name := range u.orgs.All() {
		orgs[name] = u.orgAs(name)
	}
	return &backup.Undo{
		Store: u.backup, Orgs: orgs,
		Backoff: func(attempt int) (time.Duration, bool) {
			return policy.Delay(attempt-1, rand.Float64()), policy.More(attempt - 1)
		},
	}
}

func (u *undo) orgAs(name string) backup.Org {
	org := u.orgs.Of(name)
	w := org.Writer()
	return backup.Org{Writer: w, Matcher: w, Undelete: org.Undelete, User: org.UserID}
}

// agree says what the undo would do and asks whether it may. That there is nothing to do ends the command, too.
func (u *undo) agree(ctx context.Context, yes bool) error {
	counts, err := u.undoer().Plan(ctx)
	if err != nil {
		return err
	}
	var work int64
	for _, target := range slices.Sorted(maps.Keys(counts)) {
		n := counts[target]
		work += n[backup.Gone] + n[backup.Restored] + n[backup.Back]
		u.Con.Infof("target %s: %s", target, undone.Planned(n))
	}
	if work == 0 {
		return verb.Done(exit.OK, "nothing to undo: no record of %s holds what it wrote, or all is undone", u.was.Name())
	}
	if yes {
		return nil
	}
	if !u.Sys.StdinTTY || !u.Sys.StderrTTY {
		return exit.Usagef("nothing was undone: add --yes to agree to this")
	}
	agreed, err := u.Con.Confirm(ctx, u.Sys.Stdin, "undo "+u.was.Name()+" in "+remote.Name(u.orgs.Main.Info)+"?")
	if err == nil && !agreed {
		err = exit.Usagef("not agreed: nothing was undone")
	}
	return err
}

// run does it, and reports.
func (u *undo) run(ctx context.Context) error {
	var err error
	if u.log, err = u.dir.OpenLog(); err != nil {
		return err
	}
	if err := u.forget(); err != nil {
		return err
	}
	x := u.undoer()
	x.Stop = u.drain()
	runErr := x.Run(ctx)
	if errors.Is(runErr, backup.ErrStopped) {
		runErr = pipeline.ErrStopped
	}
	errs := report.NewErrors(wording.Remedy)
	plan, res, err := undone.Report(context.WithoutCancel(ctx), u.dir, u.backup, u.was.Path(backup.File), errs, runErr == nil)
	u.plan = plan
	u.api = api{Mode: apiRest, Why: "an undo looks at every record before it writes"}
	return u.conclude(context.WithoutCancel(ctx), res, errs, errors.Join(runErr, err))
}
