package main_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sfsync/pipeline/report"
)

// planLine is a line of plan.jsonl.
type planLine struct {
	File    string                     `json:"file"`
	Line    int64                      `json:"line"`
	Target  string                     `json:"target"`
	Object  string                     `json:"object"`
	Action  string                     `json:"action"`
	ID      string                     `json:"id"`
	Match   map[string]json.RawMessage `json:"match"`
	Fields  map[string]json.RawMessage `json:"fields"`
	Before  map[string]json.RawMessage `json:"before"`
	Code    string                     `json:"code"`
	Field   string                     `json:"field"`
	Message string                     `json:"message"`
}

// place says which record of the input a line is about.
type place struct {
	File   string
	Line   int64
	Target string
}

// planned is what plan said.
type planned struct {
	code    int
	text    string // plan.jsonl
	lines   []planLine
	summary report.Summary
}

// plan makes a plan and checks that nothing was written: no request but questions came, and every
// record is as it was.
func (w *planOrg) plan(mapping string, args ...string) planned {
	w.t.Helper()
	runs := filepath.Join(w.t.TempDir(), "plans")
	before := w.records()
	w.written()
	var p planned
	var stdout, stderr string
	p.code, stdout, stderr = w.command(append([]string{"plan", mapping, "--json", "--runs", runs}, args...)...)
	if got := w.written(); len(got) > 0 {
		w.t.Errorf("a plan sent %q", got)
	}
	if diff := cmp.Diff(before, w.records()); diff != "" {
		w.t.Errorf("a plan changed records (-before +after):\n%s", diff)
	}
	if err := json.Unmarshal([]byte(stdout), &p.summary); err != nil || p.summary.Plan == nil {
		w.t.Fatalf("no summary of a plan: %v\n%s%s", err, stdout, stderr)
	}
	path := filepath.Join(w.only(runs), report.PlanFile)
	text, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		w.t.Errorf("%s: %v %v, want mode 0600", path, info.Mode(), err)
	}
	p.text = string(text)
	for line := range strings.Lines(p.text) {
		var l planLine
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			w.t.Fatalf("%s: %v", line, err)
		}
		l.File = filepath.Base(l.File)
		p.lines = append(p.lines, l)
	}
	return p
}

// ranRow is what a run says of a record.
type ranRow struct{ Status, Action, ID, Code, Field string }

// run runs the mapping and returns what it says of every record.
func (w *planOrg) run(mapping string, args ...string) (map[place]ranRow, report.Summary) {
	w.t.Helper()
	runs := filepath.Join(w.t.TempDir(), "runs")
	_, stdout, stderr := w.command(append([]string{"run", mapping, "--json", "--runs", runs}, args...)...)
	var s report.Summary
	if err := json.Unmarshal([]byte(stdout), &s); err != nil {
		w.t.Fatalf("no summary of a run: %v\n%s%s", err, stdout, stderr)
	}
	out := make(map[place]ranRow)
	for _, status := range []string{"succeeded", "failed", "skipped", "unknown"} {
		found, err := filepath.Glob(filepath.Join(w.only(runs), status+"*"))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, path := range found {
			for _, rec := range readRows(w.t, path) {
				line, err := strconv.ParseInt(rec["sfsync_line"], 10, 64)
				if err != nil {
					w.t.Fatalf("%s: %v", path, err)
				}
				out[place{filepath.Base(rec["sfsync_file"]), line, rec["sfsync_target"]}] = ranRow{
					status, rec["sfsync_action"], rec["sfsync_id"], rec["sfsync_code"], rec["sfsync_field"],
				}
			}
		}
	}
	return out, s
}

// readRows reads a row file of a run, CSV or JSON Lines.
func readRows(t *testing.T, path string) (rows []map[string]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".jsonl") {
		d := json.NewDecoder(bytes.NewReader(text))
		for {
			var rec map[string]any
			if err := d.Decode(&rec); errors.Is(err, io.EOF) {
				return rows
			} else if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			row := make(map[string]string)
			for k, v := range rec {
				row[k] = fmt.Sprint(v)
			}
			rows = append(rows, row)
		}
	}
	lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(lines) == 0 {
		t.Fatalf("%s: %v", path, err)
	}
	for _, line := range lines[1:] {
		row := make(map[string]string)
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// compare checks that a run did what the plan of it had said, record by record.
func compare(t *testing.T, p planned, ran map[place]ranRow) {
	t.Helper()
	if len(p.lines) != len(ran) {
		t.Errorf("the plan has %d records, the run %d", len(p.lines), len(ran))
	}
	for _, l := range p.lines {
		r, ok := ran[place{l.File, l.Line, l.Target}]
		if !ok {
			t.Errorf("%s:%d %s: planned to %s, and not in the run's report", l.File, l.Line, l.Target, l.Action)
			continue
		}
		var actions []string
		status := "succeeded"
		switch l.Action {
		case "create":
			actions = []string{"created"}
		case "update":
			actions = []string{"updated"}
		case "unchanged": // a run does not compare what it sends
			actions = []string{"unchanged", "updated"}
		case "delete":
			actions = []string{"deleted"}
		case "publish":
			actions = []string{"published"}
		case "skip":
			status, actions = "skipped", []string{"skipped"}
		case "reject":
			status, actions = "failed", []string{""}
		default:
			t.Errorf("%s:%d %s: unknown action %q", l.File, l.Line, l.Target, l.Action)
			continue
		}
		if r.Status != status || !slices.Contains(actions, r.Action) || !sameCode(l, r) {
			t.Errorf("%s:%d %s: planned to %s (%s %s), the run said %+v", l.File, l.Line, l.Target, l.Action, l.Code, l.Field, r)
		}
		if l.ID != "" && r.ID != "" && l.ID != r.ID {
			t.Errorf("%s:%d %s: planned to %s %s, the run took %s", l.File, l.Line, l.Target, l.Action, l.ID, r.ID)
		}
	}
}

// sameCode reports whether plan and run give the same reason. What the org refuses in a run, a plan
// finds out by looking the record up: the org then says less of the field, and of an id that no
// record has it says that it is no good reference.
func sameCode(l planLine, r ranRow) bool {
	if l.Code == "NOT_FOUND" && l.Field == "Id" && r.Code == "INVALID_CROSS_REFERENCE_KEY" {
		return true
	}
	return l.Code == r.Code && (l.Field == r.Field || r.Field == "" || r.Status != "failed")
}

// TestPlanGolden makes the plans of testdata/plan on a local org of their own, compares them with
// what is written there, runs the mapping for good, which must do what the plan said, and plans
// again, when nothing must be left to change but what the case says. A case has
//
//	mapping.yaml           the mapping
//	schema.yaml            what the org has besides the standard objects (may be missing)
//	org.jsonl              the records to begin with, see seed (may be missing)
//	rows.csv, rows.jsonl   the input, one of them or more
//	args                   more arguments, one a line (may be missing)
//	again                  how many changes a second plan has, or - for no second plan (0 if missing)
//	plan.jsonl, plan.json  what comes: the plan, and of the summary what is not about time
func TestPlanGolden(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/plan/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 40 {
		t.Errorf("%d cases of plans, want at least 40", len(paths))
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			testPlanCase(t, path)
		})
	}
}

func testPlanCase(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	have := make(map[string]string)
	for _, f := range archive.Files {
		have[f.Name] = string(f.Data)
	}
	w := newPlanOrg(t, have["schema.yaml"])
	w.seed(have["org.jsonl"])
	w.nameAll()
	mapping := w.write("mapping.yaml", have["mapping.yaml"])
	var args []string
	for _, f := range archive.Files {
		switch {
		case strings.HasPrefix(f.Name, "rows"):
			args = append(args, w.write(f.Name, w.withIDs(string(f.Data))))
		case f.Name != "mapping.yaml":
			w.write(f.Name, string(f.Data)) // values of a mapping
		}
	}
	args = append(args, strings.Fields(have["args"])...)

	p := w.plan(mapping, args...)
	golden(t, path, archive, "plan.jsonl", w.plain(p.text))
	golden(t, path, archive, "plan.json", w.plain(planSummary(t, p)))
	if *update {
		return
	}

	w.clock.Add(3600)
	ran, s := w.run(mapping, withoutPlanFlags(args)...)
	compare(t, p, ran)
	if diff := cmp.Diff(p.summary.Rows, s.Rows); diff != "" {
		t.Errorf("rows (-planned +run):\n%s", diff)
	}
	again := strings.TrimSpace(have["again"])
	if again == "-" {
		return
	}
	want, _ := strconv.ParseInt(again, 10, 64) // nothing is none
	if p := w.plan(mapping, args...); p.summary.Plan.Changes != want {
		t.Errorf("after the run a second plan has %d changes, want %d:\n%s", p.summary.Plan.Changes, want, p.text)
	}
}

func withoutPlanFlags(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "--exit-code" })
}

// planSummary is what a summary says that is not about time and place.
func planSummary(t *testing.T, p planned) string {
	t.Helper()
	s := &p.summary
	info := *s.Plan
	info.Estimates = nil
	text, err := json.MarshalIndent(struct {
		Exit    report.Exit         `json:"exit"`
		Rows    report.RowCounts    `json:"rows"`
		Targets []report.TargetInfo `json:"targets"`
		Errors  []report.Group      `json:"errors"`
		Plan    report.PlanInfo     `json:"plan"`
	}{s.Exit, s.Rows, s.Targets, s.Errors, info}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

// golden compares a text with a file of a case, or with -update puts it there.
func golden(t *testing.T, path string, a *txtar.Archive, name, got string) {
	t.Helper()
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == name })
	if *update {
		if i < 0 {
			i = len(a.Files)
			a.Files = append(a.Files, txtar.File{Name: name})
		}
		a.Files[i].Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if i < 0 {
		t.Errorf("%s has no %s: run the test with -update", path, name)
		return
	}
	if diff := cmp.Diff(string(a.Files[i].Data), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
