package history

import (
	"path/filepath"
	"slices"

	"sfsync/cmd/sfsync/internal/settings"
	"sfsync/pipeline/report"
)

// parent is the name of the run that a run was made from, "" for none or one that is not known. of says so of one
// without a summary.
func (r *Run) parent(of func(*report.Dir) string) string {
	if r.Summary == nil {
		return of(r.Dir)
	}
	return r.Summary.Parent
}

// tree says of runs which ones they were made from, by their names.
type tree map[string]string

func treeOf(runs []Run, parent func(*Run) string) tree {
	t := make(tree)
	for i := range runs {
		if p := parent(&runs[i]); p != "" {
			t[runs[i].Dir.Name()] = p
		}
	}
	return t
}

// first is the run at whose rows a run is a try: the one that no parent is known of.
func (t tree) first(name string) string {
	for range len(t) { // a run cannot be its own ancestor, but a file can say so
		p, ok := t[name]
		if !ok {
			break
		}
		name = p
	}
	return name
}

// under reports whether a run is a try at the rows of another that was made from it.
func (t tree) under(name, of string) bool {
	for range len(t) {
		if name = t[name]; name == of {
			return true
		}
	}
	return false
}

// Family is a run with the other tries at the same rows.
type Family struct {
	// All are the tries, the first one first.
	All []Run
	// Later are the retries after the run, whose outcomes count more than its own.
	Later []Run
	// Back are those of all that an undo took back, by name, each with the name of the undo.
	Back map[string]string
}

// FamilyOf looks for the tries at the rows of a run, in its own directory and in those given. parent
// says of a run without a summary whose rows it tries again.
func FamilyOf(run *report.Dir, parent func(*report.Dir) string, roots ...string) (*Family, error) {
	var runs []Run
	known := make(map[string]bool)
	for _, root := range append([]string{filepath.Dir(run.Path(""))}, roots...) {
		found, err := List(root, "")
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			if !known[r.Dir.Name()] {
				known[r.Dir.Name()] = true
				runs = append(runs, r)
			}
		}
	}
	me := run.Name()
	if !known[me] { // its name is not one that we gave it
		runs = append(runs, Look(run))
	}
	slices.SortStableFunc(runs, func(a, b Run) int { return a.Started.Compare(b.Started) })
	t := treeOf(runs, func(r *Run) string { return r.parent(parent) })
	f := &Family{Back: make(map[string]string)}
	first, after := t.first(me), false
	for _, r := range runs {
		name := r.Dir.Name()
		if t.first(name) != first {
			continue
		}
		f.All = append(f.All, r)
		if r.Summary != nil && r.Summary.Command == settings.Undo && r.Summary.Complete {
			f.Back[r.Summary.Parent] = name
		}
		if name != me && (r.Summary == nil || r.Summary.Command == settings.Retry) && (t.under(name, me) || after && !t.under(me, name)) {
			f.Later = append(f.Later, r)
		}
		after = after || name == me
	}
	return f, nil
}
