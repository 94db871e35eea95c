package history

import (
	"crypto/rand"
	"os"
	"slices"
	"testing"
	"time"

	"sfsync/pipeline/report"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// past makes a run that began so many days before noon.
func past(t *testing.T, root, mapping string, days int, s *report.Summary) *report.Dir {
	t.Helper()
	d, err := report.Create(root, mapping, noon.AddDate(0, 0, -days), rand.Reader, func(*report.Dir) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if s != nil {
		s.Version, s.Run, s.Started = report.SummaryVersion, d.Name(), noon.AddDate(0, 0, -days)
		if err := d.WriteSummary(s); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func orphans(*report.Dir) string { return "" }

func states(runs []Run) []State {
	var out []State
	for _, r := range runs {
		out = append(out, r.State)
	}
	return out
}

func TestListIsLatestFirst(t *testing.T) {
	root := t.TempDir()
	past(t, root, "b", 3, &report.Summary{Complete: true})
	past(t, root, "a", 2, &report.Summary{})
	past(t, root, "a", 1, nil)
	if err := past(t, root, "a", 0, nil).WriteFile(report.SummaryFile, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(root+"/notes", 0o700); err != nil {
		t.Fatal(err)
	}
	all, err := List(root, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := states(all), []State{Damaged, Open, Stopped, Complete}; !slices.Equal(got, want) {
		t.Errorf("all: %v, want %v", got, want)
	}
	if !all[3].Started.Equal(noon.AddDate(0, 0, -3)) {
		t.Errorf("began %v", all[3].Started)
	}
	some, err := List(root, "b")
	if err != nil || len(some) != 1 || some[0].State != Complete {
		t.Errorf("of b: %v, %v", states(some), err)
	}
	if none, err := List(root+"/nowhere", ""); err != nil || len(none) != 0 {
		t.Errorf("without a root: %v, %v", none, err)
	}
}

func TestPrunable(t *testing.T) {
	root := t.TempDir()
	old := past(t, root, "m", 40, &report.Summary{Complete: true})
	parent := past(t, root, "m", 30, &report.Summary{Complete: true})
	past(t, root, "m", 20, &report.Summary{})
	past(t, root, "m", 10, nil)
	past(t, root, "m", 5, &report.Summary{Complete: true, Parent: parent.Name()})
	past(t, root, "m", 1, &report.Summary{Complete: true})
	runs, err := List(root, "")
	if err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	for _, tt := range []struct {
		rule Rule
		want []int // of runs, the latest first
	}{
		{Rule{Keep: 6}, nil},
		{Rule{Keep: 2}, []int{5}}, // 4 is the parent of 1, which stays; 2 and 3 could be resumed
		{Rule{Keep: 1}, []int{1, 4, 5}},
		{Rule{Older: 35 * day}, []int{5}},
		{Rule{Older: 4 * day}, []int{1, 4, 5}},
		{Rule{Keep: 5, Older: day}, []int{5}},
		{Rule{Keep: 1, Older: 50 * day}, nil},
	} {
		var got []int
		for _, g := range Prunable(runs, "", orphans, tt.rule, noon) {
			got = append(got, slices.IndexFunc(runs, func(r Run) bool { return r.Dir == g.Dir }))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.rule, got, tt.want)
		}
	}
	if err := Remove(old); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old.Path("")); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}

// TestPlansAreOver: a plan is never gone on with, so one that was stopped goes, and one without a
// summary once it cannot be under way any more.
func TestPlansAreOver(t *testing.T) {
	root := t.TempDir()
	plan := &report.PlanInfo{}
	stopped := past(t, root, "m", 20, &report.Summary{Plan: plan})
	killed := past(t, root, "m", 10, nil)
	underWay := past(t, root, "m", 0, nil)
	for _, d := range []*report.Dir{killed, underWay} {
		if err := d.WriteFile(report.PlanFile, nil); err != nil {
			t.Fatal(err)
		}
	}
	past(t, root, "m", 5, &report.Summary{}) // a run, which can be resumed
	runs, err := List(root, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range Prunable(runs, "", orphans, Rule{}, noon) {
		got = append(got, r.Dir.Name())
	}
	if want := []string{killed.Name(), stopped.Name()}; !slices.Equal(got, want) {
		t.Errorf("%q go, want %q", got, want)
	}
}

// TestFamily: whichever try is looked at, its family are all tries at the rows, and those after it are
// the retries that were made from it or began later; runs of others are none of it.
func TestFamily(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	again := func(root string, days int, of *report.Dir, command string) *report.Dir {
		return past(t, root, "m", days, &report.Summary{Complete: true, Command: command, Parent: of.Name()})
	}
	first := past(t, root, "m", 9, &report.Summary{Complete: true, Command: "run"})
	past(t, root, "m", 8, &report.Summary{Complete: true, Command: "run"})
	second := again(root, 7, first, "retry")
	undo := again(root, 6, second, "undo")
	third := again(elsewhere, 5, first, "retry")
	fast := again(root, 10, second, "retry") // the clock went backwards
	killed := past(t, root, "m", 1, nil)
	parent := func(d *report.Dir) string {
		if d.Name() == killed.Name() {
			return second.Name()
		}
		return ""
	}
	for _, tc := range []struct {
		of    *report.Dir
		later []*report.Dir
	}{
		{first, []*report.Dir{fast, second, third, killed}},
		{second, []*report.Dir{fast, third, killed}},
		{third, []*report.Dir{killed}},
	} {
		f, err := FamilyOf(tc.of, parent, root, elsewhere)
		if err != nil {
			t.Fatal(err)
		}
		names := func(runs []Run) (out []string) {
			for _, r := range runs {
				out = append(out, r.Dir.Name())
			}
			return out
		}
		var want []string
		for _, d := range tc.later {
			want = append(want, d.Name())
		}
		if got := names(f.Later); !slices.Equal(got, want) {
			t.Errorf("after %s: %q, want %q", tc.of.Name(), got, want)
		}
		if got, want := names(f.All), []string{fast.Name(), first.Name(), second.Name(), undo.Name(), third.Name(), killed.Name()}; !slices.Equal(got, want) {
			t.Errorf("all of %s: %q, want %q", tc.of.Name(), got, want)
		}
		if len(f.Back) != 1 || f.Back[second.Name()] != undo.Name() {
			t.Errorf("taken back: %v, want %s", f.Back, second.Name())
		}
	}
}

// TestPruneKeepsTries: as long as one of the tries at the same rows stays, all do, since what one of
// them wrote is not sent again by another.
func TestPruneKeepsTries(t *testing.T) {
	root := t.TempDir()
	first := past(t, root, "m", 9, &report.Summary{Complete: true})
	past(t, root, "m", 8, &report.Summary{Complete: true, Parent: first.Name()})
	alone := past(t, root, "m", 7, &report.Summary{Complete: true})
	past(t, root, "m", 1, &report.Summary{Complete: true, Parent: first.Name()})
	runs, err := List(root, "")
	if err != nil {
		t.Fatal(err)
	}
	got := Prunable(runs, "", orphans, Rule{Keep: 1}, noon)
	if len(got) != 1 || got[0].Dir.Name() != alone.Name() {
		t.Errorf("%d runs may go, want only %s", len(got), alone.Name())
	}
	if got := Prunable(runs, "", orphans, Rule{Older: time.Hour}, noon); len(got) != 4 {
		t.Errorf("%d runs may go once all are old, want 4", len(got))
	}
}

// TestPruneKeepsWhatIsTakenBack: an undo or a retry that was killed has no summary; what it was made from stays, also
// where the mapping was given another name since.
func TestPruneKeepsWhatIsTakenBack(t *testing.T) {
	root := t.TempDir()
	run := past(t, root, "m", 30, &report.Summary{Complete: true, Command: "run"})
	undo := past(t, root, "m", 20, nil)
	gone := past(t, root, "m", 15, &report.Summary{Complete: true, Command: "run"})
	renamed := past(t, root, "m", 12, &report.Summary{Complete: true, Command: "run"})
	retry := past(t, root, "m-new", 10, nil)
	runs, err := List(root, "")
	if err != nil {
		t.Fatal(err)
	}
	parent := func(d *report.Dir) string {
		return map[string]string{undo.Name(): run.Name(), retry.Name(): renamed.Name()}[d.Name()]
	}
	for _, mapping := range []string{"", "m"} {
		got := Prunable(runs, mapping, parent, Rule{Older: time.Hour}, noon)
		if len(got) != 1 || got[0].Dir.Name() != gone.Name() {
			t.Errorf("of mapping %q %d runs may go, want only %s", mapping, len(got), gone.Name())
		}
	}
	if got := Prunable(runs, "m-new", parent, Rule{Older: time.Hour}, noon); len(got) != 0 {
		t.Errorf("of the other mapping %d may go", len(got))
	}
	if got := Prunable(runs, "", orphans, Rule{Older: time.Hour}, noon); len(got) != 3 {
		t.Errorf("%d runs may go where nobody knows what they were made from, want 3", len(got))
	}
}

// TestPruneWhatWasTakenBack: a run that was stopped and then taken back is not gone on with.
func TestPruneWhatWasTakenBack(t *testing.T) {
	root := t.TempDir()
	run := past(t, root, "m", 30, &report.Summary{Command: "run"})
	past(t, root, "m", 20, &report.Summary{Complete: true, Command: "undo", Parent: run.Name()})
	half := past(t, root, "m", 15, &report.Summary{Command: "run"})
	past(t, root, "m", 12, &report.Summary{Command: "undo", Parent: half.Name()})
	runs, err := List(root, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range Prunable(runs, "", orphans, Rule{Older: time.Hour}, noon) {
		got = append(got, r.Dir.Name())
	}
	if len(got) != 2 || got[1] != run.Name() {
		t.Errorf("%q may go, want %s and the undo of it", got, run.Name())
	}
}
