// Package history looks at the run directories of the past: what there is, and what may go.
package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"sfsync/cmd/sfsync/internal/settings"
	"sfsync/pipeline/report"
)

// State says how a run of the past stands.
type State string

// The states.
const (
	// Complete: every row was read and decided.
	Complete State = "complete"
	// Stopped: it ended before all rows were decided, and said so.
	Stopped State = "stopped"
	// Open: it has no summary: it is under way, or was killed.
	Open State = "open"
	// Damaged: its summary cannot be read.
	Damaged State = "damaged"
)

// Run is a run of the past.
type Run struct {
	Dir     *report.Dir
	Started time.Time
	State   State
	// Summary is nil for a run that is open or damaged; Err says then why.
	Summary *report.Summary
	Err     error
}

// List returns the runs under root, the latest first; none if there is no root. A mapping's
// name restricts them to its runs.
func List(root, mapping string) ([]Run, error) {
	dirs, err := report.Runs(root, mapping)
	if err != nil {
		return nil, err
	}
	runs := make([]Run, len(dirs))
	for i, d := range dirs {
		runs[i] = Look(d)
	}
	// Names have only whole seconds.
	slices.SortStableFunc(runs, func(a, b Run) int { return b.Started.Compare(a.Started) })
	return runs, nil
}

// Look reads what a run directory says of its run.
func Look(d *report.Dir) Run {
	r := Run{Dir: d}
	r.Started, _ = d.Started() // the zero time for a directory that was renamed
	switch r.Summary, r.Err = d.ReadSummary(); {
	case errors.Is(r.Err, fs.ErrNotExist):
		r.State = Open
	case r.Err != nil:
		r.State = Damaged
	case r.Summary.Complete:
		r.State = Complete
	default:
		r.State = Stopped
	}
	if r.Summary != nil {
		r.Started = r.Summary.Started
	}
	return r
}

// abandoned is how long ago a plan without a summary must have begun to be taken for one that was
// killed.
const abandoned = 24 * time.Hour

// over reports whether nothing is left to be done of a run. A plan is never gone on with, so one
// that was stopped or killed is over, too.
func (r *Run) over(now time.Time) bool {
	switch r.State {
	case Complete:
		return true
	case Stopped:
		return r.Summary.Plan != nil
	case Open:
		_, err := os.Stat(r.Dir.Path(report.PlanFile))
		return err == nil && now.Sub(r.Started) > abandoned
	case Damaged:
	}
	return false
}

// Rule says which runs may go: those that are not among the latest Keep and began longer ago
// than Older. A zero field does not restrict.
type Rule struct {
	Keep  int
	Older time.Duration
}

// Prunable returns those of all runs, the latest first, that the rule lets go. Only runs of the mapping count, those of
// all if it is "". A run that could still be resumed stays in any case (a plan never could, nor one that was taken
// back), and so do the tries at the rows of one that stays and the run that it takes back: together they are one
// account. parent says of a run without a summary which run it was made from.
func Prunable(all []Run, mapping string, parent func(*report.Dir) string, rule Rule, now time.Time) []Run {
	t := treeOf(all, func(r *Run) string { return r.parent(parent) })
	stays := make(map[string]bool) // by the first of the tries
	back := make(map[string]bool)
	for _, r := range all {
		if r.State == Complete && r.Summary.Command == settings.Undo {
			back[r.Summary.Parent] = true
		}
	}
	n := 0 // how many runs that count are later
	for _, r := range all {
		counts := mapping == "" || r.Dir.Of(mapping)
		if !counts || !r.over(now) && !back[r.Dir.Name()] || n < rule.Keep || rule.Older > 0 && now.Sub(r.Started) <= rule.Older {
			stays[t.first(r.Dir.Name())] = true
		}
		if counts {
			n++
		}
	}
	var out []Run
	for _, r := range all {
		if !stays[t.first(r.Dir.Name())] {
			out = append(out, r)
		}
	}
	return out
}

// Remove deletes a run directory. The summary goes last, so that what is left of a removal that
// failed still says that the run was complete.
func Remove(d *report.Dir) error {
	entries, err := os.ReadDir(d.Path(""))
	if err != nil {
		return fmt.Errorf("remove the run: %w", err)
	}
	for _, e := range entries {
		if e.Name() == report.SummaryFile {
			continue
		}
		if err := os.RemoveAll(d.Path(e.Name())); err != nil {
			return fmt.Errorf("remove the run: %w", err)
		}
	}
	if err := os.RemoveAll(d.Path("")); err != nil {
		return fmt.Errorf("remove the run: %w", err)
	}
	return nil
}
