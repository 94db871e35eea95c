package job

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/history"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/kin"
	"sfsync/cmd/sfsync/internal/leftover"
	"sfsync/cmd/sfsync/internal/runflags"
	"sfsync/cmd/sfsync/internal/settings"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping"
	"sfsync/mapping/event"
	"sfsync/pipeline/report"
)

// RetryOptions say which records of a run are sent again, and how.
type RetryOptions struct {
	*verb.App
	runflags.Flags
	Run     string
	Mapping string
	Codes   []string
	Targets []string
	API     string
	Backup  bool
	Yes     bool
}

// Check checks the flags, before anything is read.
func (o *RetryOptions) Check() error {
	if err := o.Flags.Check(); err != nil {
		return err
	}
	return verb.OneOf("api", o.API, APIAuto, apiRest, apiBulk)
}

// retried is the run whose records are sent again.
type retried struct {
	dir      *report.Dir
	summary  *report.Summary
	settings settings.Run
	root     string        // of other runs that may be tries at its rows: --runs
	later    []*report.Dir // the tries after it, the latest last
	back     []string      // those of them that an undo took back
}

// Retry sends again what a run and the later tries at its rows have left, in a run of its own.
func Retry(ctx context.Context, o *RetryOptions) error {
	was, err := o.retried(ctx)
	if err != nil {
		return err
	}
	s := &was.settings
	if o.Keep("to") {
		o.To = s.To
	}
	// Its directory is beside that of the run, whatever --runs says: there the next retry looks for it.
	beside := filepath.Dir(was.dir.Path(""))
	was.root = beside
	if !o.Keep("runs") {
		if was.root, err = filepath.Abs(o.Runs); err != nil {
			return fmt.Errorf("find the working directory: %w", err)
		}
	}
	o.Runs = beside
	j := &job{App: o.App, flags: &o.Flags, command: settings.Retry, dir: was.dir}
	defer j.close()
	if j.file, err = j.mappingOf(was, o.Mapping); err != nil {
		return err
	}
	if was.later, err = o.tries(ctx, was); err != nil {
		return err
	}
	rest, err := o.rest(j, was)
	if err != nil || rest == nil {
		return err
	}
	j.inputs = rest.Inputs()
	j.settings = settings.Run{Mapping: j.file.Path, To: o.To, API: o.API, Parent: was.dir.Name(), Backup: o.Backup || s.Backup && o.Keep("backup"), OrgID: s.OrgID, Orgs: s.Orgs}
	if err := j.connect(ctx); err != nil {
		return err
	}
	if err := j.orgs.Check(j.settings.OrgID, j.settings.Orgs); err != nil {
		return err
	}
	if err := j.forceAPI(); err != nil {
		return err
	}
	if err := j.agree(ctx, o.Yes); err != nil {
		return err
	}
	if err := j.orgs.Lock(ctx, j.flags.State, j.file.Name, j.flags.LockWait); err != nil {
		return err
	}
	if err := j.orgs.Claim(ctx, was.dir, j.flags.LockWait); err != nil {
		return err
	}
	// Another retry may have gone on until it gave the lock up.
	if now, err := o.tries(ctx, was); err != nil {
		return err
	} else if !slices.EqualFunc(now, was.later, func(a, b *report.Dir) bool { return a.Name() == b.Name() }) {
		return exit.Errorf(exit.TryAgain, "%s was retried by another process meanwhile: retry it again", o.Run)
	}
	j.tellOvertaken(was.dir, s.Started)
	if err := j.begin(ctx); err != nil {
		return err
	}
	return j.execute(ctx)
}

// retried looks at the run that is to be retried, which must be one that is over.
func (o *RetryOptions) retried(ctx context.Context) (*retried, error) {
	dir, err := kin.Find(o.Runs, o.Run)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir.Path(report.PlanFile)); err == nil {
		return nil, exit.Errorf(exit.InputNotFound, "%s is a plan: it has sent nothing, so there is nothing to retry: run sfsync run", o.Run)
	}
	if _, err := os.Stat(dir.Path(report.LedgerFile)); err != nil {
		return nil, exit.Errorf(exit.InputNotFound, "%s has no ledger: it is no run that can be retried", o.Run)
	}
	was := &retried{dir: dir}
	if err := settings.Read(ctx, dir, &was.settings); err != nil {
		return nil, err
	}
	if was.settings.Command == settings.Undo {
		return nil, exit.Usagef("%s is an undo: sfsync undo can be said again, not retried", o.Run)
	}
	was.summary, err = dir.ReadSummary()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, exit.Usagef("%s has no summary: it is under way, or was killed: go on with it first: sfsync resume %s", o.Run, dir.Path(""))
	case err != nil:
		return nil, &exit.Error{Code: exit.BadInput, Err: err}
	case was.summary.Complete:
	case resumable(exit.Code(was.summary.Exit.Code)):
		return nil, exit.Usagef("%s is not complete: go on with it first: sfsync resume %s", o.Run, dir.Path(""))
	default:
		o.Con.Warnf("%s ended early (%s): what it did not come to read is not retried", dir.Name(), was.summary.Exit.Name)
	}
	return was, nil
}

// mappingOf reads the mapping of a retry: the run's own, as it was then, or the file that is named. It
// goes to the directory of the run, so that relative paths mean what they meant.
func (j *job) mappingOf(was *retried, edited string) (*mapping.File, error) {
	var file *mapping.File
	var err error
	if edited != "" {
		if wd, err := j.Sys.Getwd(); err == nil && wd != was.settings.Dir {
			if edited, err = filepath.Abs(edited); err != nil {
				return nil, fmt.Errorf("find the working directory: %w", err)
			}
		}
		if file, err = input.LoadMapping(j.App, edited); err != nil {
			return nil, err
		}
	}
	if err := j.enter(was.settings.Dir); err != nil {
		return nil, err
	}
	if file != nil {
		return file, nil
	}
	path := was.settings.Mapping
	text, err := os.ReadFile(was.dir.Path(report.MappingFile))
	if err != nil {
		return nil, exit.Errorf(exit.BadInput, "read the mapping of the run: %w", err)
	}
	if now, err := os.ReadFile(path); err == nil && !bytes.Equal(now, text) {
		j.Con.Infof("%s was edited since the run, which is retried with the mapping as it was: --mapping %[1]s takes the edited one", path)
	}
	if file, _, err = mapping.Parse(path, text); err != nil {
		return nil, err
	}
	for i, now := range settings.Sums(file)[1:] {
		if was := was.settings.Sums; i+1 < len(was) && was[i+1] != now {
			j.Con.Infof("%s has changed since the run; the retry takes it as it is now", now.Path)
		}
	}
	return file, nil
}

// tries are the retries after a run. One that is not over keeps others from beginning: nobody
// knows yet what it leaves.
func (o *RetryOptions) tries(ctx context.Context, was *retried) ([]*report.Dir, error) {
	f, err := kin.Family(ctx, was.dir, was.root)
	if err != nil {
		return nil, err
	}
	var dirs []*report.Dir
	was.back = nil
	for _, r := range f.Later {
		if r.Err != nil && r.State == history.Damaged {
			return nil, &exit.Error{Code: exit.BadInput, Err: r.Err}
		}
		by := f.Back[r.Dir.Name()]
		if by != "" {
			was.back = append(was.back, r.Dir.Name())
		}
		switch open := r.State == history.Open || r.State == history.Stopped && resumable(exit.Code(r.Summary.Exit.Code)); {
		case open && by != "":
			return nil, exit.Usagef("%s, a retry of it, was stopped and then taken back by %s, so that it cannot be told what is left: send the rows by hand: sfsync run %s FILE",
				r.Dir.Name(), by, was.settings.Mapping)
		case open:
			return nil, exit.Usagef("%s, a retry of it, is not complete: go on with that one first: sfsync resume %s", r.Dir.Name(), r.Dir.Path(""))
		}
		dirs = append(dirs, r.Dir)
	}
	return dirs, nil
}

// rest finds the records that are to be sent again. There is none, and an end of the command, if
// nothing is left.
func (o *RetryOptions) rest(j *job, was *retried) (*leftover.Rest, error) {
	if err := o.checkTargets(j, was); err != nil {
		return nil, err
	}
	keyless := make(map[string]bool)
	for _, t := range j.file.Targets {
		keyless[t.Name.Value] = len(t.Keys) == 0 && (t.Operation == mapping.Insert || t.Operation == mapping.Publish)
	}
	var doubtful int64
	codes := make(map[string]bool)
	rest, err := leftover.Find(was.dir, was.later, func(r *leftover.Record) bool {
		if len(o.Targets) > 0 && !slices.Contains(o.Targets, r.Target) {
			return false
		}
		codes[r.Code] = true
		named := slices.ContainsFunc(o.Codes, func(c string) bool { return strings.EqualFold(c, r.Code) })
		if r.Unknown && keyless[r.Target] && !named {
			doubtful++
			return false
		}
		return named || len(o.Codes) == 0
	})
	switch {
	case errors.Is(err, report.ErrRowFile):
		return nil, exit.Errorf(exit.BadInput, "%w: run it by hand: sfsync run %s FILE", err, j.file.Path)
	case err != nil:
		return nil, &exit.Error{Code: exit.BadInput, Err: err}
	}
	for _, name := range was.back {
		o.Con.Warnf("%s, a retry of it, was taken back by an undo; what it wrote counts as written here, and is not sent again: to send it, run the failed files of %s by hand", name, was.dir.Name())
	}
	if doubtful > 0 {
		o.Con.Warnf("%s of unknown outcome may be in the org, and would be there twice: left out; look there, then name their --code to send them all the same",
			ui.Plural(doubtful, "record without a match key", "records without a match key"))
	}
	switch {
	case rest.Records > 0:
		return rest, nil
	case rest.Refused > doubtful && len(codes) > 0:
		return nil, verb.Done(exit.OK, "nothing to retry with these codes: what is left has %s", strings.Join(slices.Sorted(maps.Keys(codes)), ", "))
	case rest.Refused > 0:
		return nil, verb.Done(exit.OK, "nothing to retry: %s left out", ui.Plural(rest.Refused, "record is", "records are"))
	case rest.Resolved > 0:
		return nil, verb.Done(exit.OK, "nothing left to retry: later tries wrote what failed")
	}
	return nil, verb.Done(exit.OK, "nothing to retry: no record failed or is unknown")
}

// checkTargets refuses names of targets that the run had not, and a mapping that lacks one whose
// records would be sent again.
func (o *RetryOptions) checkTargets(j *job, was *retried) error {
	var had []string
	for _, t := range was.summary.Targets {
		had = append(had, t.Name)
	}
	for _, name := range o.Targets {
		if !slices.Contains(had, name) {
			return exit.Usagef("the run has no target %q: it has %s", name, strings.Join(had, ", "))
		}
	}
	has := make(map[string]bool)
	for _, t := range j.file.Targets {
		has[t.Name.Value] = true
	}
	for _, t := range was.summary.Targets {
		name, _, _ := strings.Cut(t.Name, ".") // what is made for a lookup or for references goes by its target
		switch {
		case t.Failed+t.Unknown == 0, has[name], strings.HasPrefix(t.Name, event.Prefix):
		case len(o.Targets) == 0 || slices.Contains(o.Targets, t.Name):
			return exit.Errorf(exit.BadConfig, "the run has records of the target %q, which %s lacks: give it that name, or leave them out by --target", t.Name, j.file.Path)
		}
	}
	return nil
}
