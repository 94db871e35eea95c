// Package kin finds runs, and the runs that retry or take back one another.
package kin

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/history"
	"sfsync/cmd/sfsync/internal/settings"
	"sfsync/pipeline/report"
)

// Family finds the tries at the rows of a run.
func Family(ctx context.Context, dir *report.Dir, roots ...string) (*history.Family, error) {
	parent := func(d *report.Dir) string { // of one without a summary
		var s settings.Run
		if settings.Read(ctx, d, &s) != nil || s.Command != settings.Retry {
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
		var s settings.Run
		if settings.Read(ctx, d, &s) != nil {
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

// Undone returns the directory of the run that the undo in dir takes back; nil if that is no undo, or one that is
// complete.
func Undone(ctx context.Context, dir *report.Dir) (*report.Dir, error) {
	var s settings.Run
	if err := settings.Read(ctx, dir, &s); err != nil || s.Command != settings.Undo {
		return nil, nil //nolint:nilerr,nilnil // what is wrong with it the caller says
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

// Undos lists the undos of a run of a mapping, the latest first.
func Undos(ctx context.Context, run *report.Dir, mapping string) ([]*report.Dir, error) {
	dirs, err := report.Runs(filepath.Dir(run.Path("")), mapping)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(dirs, func(d *report.Dir) bool {
		if s, err := d.ReadSummary(); err == nil {
			return s.Command != settings.Undo || s.Parent != run.Name()
		}
		var s settings.Run
		return settings.Read(ctx, d, &s) != nil || s.Command != settings.Undo || s.Parent != run.Name()
	}), nil
}
