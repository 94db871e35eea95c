package job

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/history"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
)

// readSettings reads what a run was begun with from its ledger.
func readSettings(ctx context.Context, dir *report.Dir, s *settings) error {
	l, err := ledger.Open(ctx, dir.Path(report.LedgerFile))
	if errors.Is(err, ledger.ErrAccess) {
		return err // it may be sound
	}
	if err != nil {
		return &exit.Error{Code: exit.BadInput, Err: err} // here the ledger is the input
	}
	defer l.Close() // only read from
	ok, err := l.Meta(ctx, infoKey, s)
	if err != nil {
		return &exit.Error{Code: exit.BadInput, Err: err}
	}
	if !ok || s.Version != 1 {
		return exit.Errorf(exit.BadInput, "%s was made by another version of sfsync (%s): use that one", dir.Name(), s.Tool)
	}
	return nil
}

// Family finds the tries at the rows of a run.
func Family(ctx context.Context, dir *report.Dir, roots ...string) (*history.Family, error) {
	parent := func(d *report.Dir) string { // of one without a summary
		var s settings
		if readSettings(ctx, d, &s) != nil || s.Command != CommandRetry {
			return "" // no try of ours, or one that did not come to send anything
		}
		return s.Parent
	}
	f, err := history.FamilyOf(dir, parent, roots...)
	if err != nil {
		return nil, &exit.Error{Code: exit.BadInput, Err: err}
	}
	return f, nil
}

// Parents returns what says of a run without a summary which run it retries or takes back, "" for none.
func Parents(ctx context.Context) func(*report.Dir) string {
	return func(d *report.Dir) string {
		var s settings
		if _, err := os.Stat(d.Path(report.LedgerFile)); err != nil || readSettings(ctx, d, &s) != nil {
			return ""
		}
		return s.Parent
	}
}

// Find opens a run's directory.
func Find(root, run string) (*report.Dir, error) {
	dir, err := report.Find(root, run)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, exit.Errorf(exit.InputNotFound, "no run %q: name a run directory, or one under %s", run, root)
	}
	if err != nil {
		return nil, &exit.Error{Code: exit.InputNotFound, Err: err}
	}
	return dir, nil
}
