package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/cmd/sfsync/internal/wording"
	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline"
	"sfsync/pipeline/backup"
	"sfsync/pipeline/fingerprint"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/pipeline/row"
)

// commandUndo is the command in the summary of an undo.
const commandUndo = "undo"

// UndoOptions say which run is taken back.
type UndoOptions struct {
	*verb.App
	runFlags
	Run string
	Yes bool
}

// Undo takes back what a run did, from what it kept to the exit code.
func Undo(ctx context.Context, o *UndoOptions) error {
	dir, err := Find(o.Runs, o.Run)
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
	u := &undo{job: &job{App: o.App, flags: &o.runFlags, command: commandUndo}, was: dir}
	defer u.close()
	if err := u.open(ctx, o); err != nil {
		return err
	}
	if err := u.connectTo(ctx); err != nil {
		return err
	}
	if err := u.takeLock(ctx); err != nil {
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
		return exit.Errorf(exit.InputNotFound, "%s has no ledger: it is no run that can be undone", u.was.Name())
	}
	var s settings
	if err := readSettings(ctx, u.was, &s); err != nil {
		return err
	}
	if s.Command == commandUndo {
		return exit.Usagef("%s is an undo itself: what it took back is sent again by sfsync run", u.was.Name())
	}
	var err error
	if u.backup, err = backup.Open(ctx, u.was.Path(backup.File)); errors.Is(err, fs.ErrNotExist) {
		return exit.Errorf(exit.InputNotFound, "%s kept nothing of what records held: only a run with --backup, or one that deletes, can be undone", u.was.Name())
	}
	if err != nil {
		return &exit.Error{Code: exit.BadInput, Err: err} // here it is the input
	}
	text, err := os.ReadFile(u.was.Path(report.MappingFile))
	if err != nil {
		return exit.Errorf(exit.BadInput, "read the mapping of the run: %w", err)
	}
	if u.file, _, err = mapping.Parse(s.Mapping, text); err != nil {
		return err
	}
	if sum, err := u.was.ReadSummary(); err != nil || !sum.Complete {
		o.Con.Warnf("%s did not come to its end: what it sent and got no answer for is not known; sfsync resume finds it out", u.was.Name())
	}
	if o.Keep("to") {
		o.To = s.To
	}
	if o.Keep("runs") {
		o.Runs = filepath.Dir(u.was.Path(""))
	}
	u.settings = settings{Mapping: s.Mapping, To: o.To, OrgID: s.OrgID, Orgs: s.Orgs, API: APIRest, Parent: u.was.Name()}
	return nil
}

// connectTo connects to the orgs of the run.
func (u *undo) connectTo(ctx context.Context) error {
	u.begun = u.Sys.Now()
	var err error
	if u.org, err = remote.Connect(ctx, u.App, &u.flags.Flags, nil, u.begun); err != nil {
		return err
	}
	u.others = make(map[string]*remote.Org)
	for name := range u.settings.Orgs {
		f := u.flags.Flags
		f.To = name
		org, err := remote.Connect(ctx, u.App, &f, nil, u.begun)
		if err != nil {
			return err
		}
		u.others[name] = org
	}
	return u.checkOrgs()
}

// undoneBy returns the directory of the run that the undo in dir takes back; nil if that is no undo, or one that is
// complete.
func undoneBy(ctx context.Context, dir *report.Dir) (*report.Dir, error) {
	var s settings
	if _, err := os.Stat(dir.Path(report.LedgerFile)); err != nil {
		return nil, nil //nolint:nilnil // what is wrong with it the caller says
	}
	if err := readSettings(ctx, dir, &s); err != nil || s.Command != commandUndo {
		return nil, nil //nolint:nilerr,nilnil // as above
	}
	if sum, err := dir.ReadSummary(); err == nil && sum.Complete {
		return nil, nil //nolint:nilnil // the caller says that nothing is left to do
	}
	parent, err := report.OpenDir(filepath.Join(filepath.Dir(dir.Path("")), s.Parent))
	if err != nil {
		return nil, exit.Errorf(exit.InputNotFound, "the run that %s takes back is not beside it: %w", dir.Name(), err)
	}
	return parent, nil
}

// undos lists the undos of the run, the latest first.
func (u *undo) undos(ctx context.Context) ([]*report.Dir, error) {
	dirs, err := report.Runs(filepath.Dir(u.was.Path("")), u.file.Name)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(dirs, func(d *report.Dir) bool {
		var s settings
		if _, err := os.Stat(d.Path(report.LedgerFile)); err != nil {
			return true
		}
		return readSettings(ctx, d, &s) != nil || s.Command != commandUndo || s.Parent != u.was.Name()
	}), nil
}

// unfinished takes up an undo of the run that was interrupted, if there is one.
func (u *undo) unfinished(ctx context.Context) error {
	dirs, err := u.undos(ctx)
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
		if _, err := u.ledger.Meta(ctx, infoKey, &u.settings); err != nil {
			return err
		}
		if _, err := u.ledger.Meta(ctx, effortKey, &u.before); err != nil {
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
	for name := range u.orgs() {
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
	org := u.orgOf(name)
	w := org.Writer()
	return backup.Org{Writer: w, Matcher: w, Undelete: org.Undelete}
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
		u.Con.Infof("target %s: %s", target, planned(n))
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
	if !u.Con.Confirm(u.Sys.Stdin, "undo "+u.was.Name()+" in "+remote.Name(u.org.Info)+"?") {
		return exit.Usagef("not agreed: nothing was undone")
	}
	return nil
}

// planned words what would be done.
func planned(n map[backup.Fate]int64) string {
	var parts []string
	for _, p := range []struct {
		fate backup.Fate
		word string
	}{
		{backup.Gone, "to delete"},
		{backup.Restored, "to restore"},
		{backup.Back, "to bring back"},
		{backup.Left, "edited since, left alone"},
		{backup.Nothing, "with nothing to undo"},
	} {
		if n[p.fate] > 0 {
			parts = append(parts, ui.Count(n[p.fate])+" "+p.word)
		}
	}
	return strings.Join(parts, ", ")
}

// run does it, and reports.
func (u *undo) run(ctx context.Context) error {
	var err error
	if u.log, err = u.dir.OpenLog(); err != nil {
		return err
	}
	state, err := u.MakeStateDir(u.flags.State)
	if err != nil {
		return err
	}
	// What the org last accepted is not what it holds from here on.
	if err := fingerprint.Remove(filepath.Join(state, "fingerprints"), u.file.Name+"-"+u.org.Info.ID); err != nil {
		return exit.Errorf(exit.CannotWrite, "%w", err)
	}
	drain, ended := u.drain()
	defer ended()
	x := u.undoer()
	x.Stop = drain
	runErr := x.Run(ctx)
	if errors.Is(runErr, backup.ErrStopped) {
		runErr = pipeline.ErrStopped
	}
	errs := report.NewErrors(wording.Remedy)
	res, err := u.report(context.WithoutCancel(ctx), errs, runErr == nil)
	u.api = api{Mode: APIRest, Why: "an undo looks at every record before it writes"}
	return u.conclude(context.WithoutCancel(ctx), res, errs, errors.Join(runErr, err))
}

// report writes the row files anew, from what is known of every record, and counts.
func (u *undo) report(ctx context.Context, errs *report.Errors, complete bool) (*pipeline.Result, error) {
	res := &pipeline.Result{Complete: complete}
	u.plan = &mapping.Plan{}
	rows, err := report.NewRows(u.dir)
	if err != nil {
		return res, err
	}
	if err := rows.Restore(nil); err != nil {
		return res, err
	}
	targets := make(map[string]int)
	columns := row.NewSchema(row.Column{Name: "record", Type: "json"})
	place := u.was.Path(backup.File)
	var line int64
	err = u.backup.Each(ctx, row.MaxRows, func(records []*backup.Record) error {
		b := row.New(columns)
		outcomes := make([]report.Outcome, len(records))
		for i, r := range records {
			line++
			text, err := json.Marshal(r)
			if err != nil {
				return fmt.Errorf("encode a record: %w", err)
			}
			b.SetRaw(b.AddRow(line), text)
			t, ok := targets[r.Target]
			if !ok {
				t = len(res.Targets)
				targets[r.Target] = t
				res.Targets = append(res.Targets, pipeline.TargetCounts{})
				u.plan.Targets = append(u.plan.Targets, mapping.PlanTarget{Name: r.Target, Object: &schema.Object{Name: r.Object}})
			}
			outcomes[i] = outcomeOf(r, &res.Targets[t], &res.Rows, complete)
			if r.Outcome == backup.Refused {
				errs.Add(r.Code, r.Field, place, line, r.Message)
			}
		}
		return rows.Batch(b, place, 1, func(i, _ int) report.Outcome { return outcomes[i] })
	})
	return res, errors.Join(err, rows.Close())
}

// outcomeOf is the line of a record in the row files; it is counted, too.
func outcomeOf(r *backup.Record, t *pipeline.TargetCounts, rows *pipeline.Counts, complete bool) report.Outcome {
	o := report.Outcome{Target: r.Target, Object: r.Object, ID: r.ID, Code: r.Code, Field: r.Field, Message: r.Message, Attempts: 1}
	t.Records++
	rows.Read++
	succeeded := func(n *int64, action string) {
		*n++
		rows.Succeeded++
		o.Status, o.Action = report.Succeeded, action
	}
	switch r.Outcome {
	case backup.Gone:
		succeeded(&t.Deleted, "deleted")
	case backup.Restored:
		succeeded(&t.Updated, "updated")
	case backup.Back:
		succeeded(&t.Created, "undeleted")
	case backup.Nothing:
		succeeded(&t.Unchanged, "unchanged")
	case backup.Left:
		t.Skipped++
		rows.Skipped++
		o.Status, o.Action = report.Skipped, "skipped"
	case backup.Refused:
		t.Failed++
		rows.Failed++
		o.Status = report.Failed
	default:
		if !complete {
			t.Pending++
			rows.Pending++
			break
		}
		t.Unknown++
		rows.Unknown++
		o.Status, o.Code, o.Message = report.Unknown, "NO_ANSWER", "the answer was lost: sfsync undo, said again, looks at the record again"
	}
	return o
}
