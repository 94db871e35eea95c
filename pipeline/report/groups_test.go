package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sampleErrors() *Errors {
	e := NewErrors(func(code string) string { return map[string]string{"B": "do that", "=A": "=do this"}[code] })
	for i := range 5 {
		e.Add("B", "Email", "in/a.csv", int64(i+2), fmt.Sprint("bad value ", i))
	}
	e.Add("B", "", "in/a.csv", 9, "+1")
	e.Add("=A", "Name", "-in.csv", 3, "@\"x\",\ny")
	return e
}

func TestErrors(t *testing.T) {
	t.Parallel()
	e := sampleErrors()
	want := []Group{
		{Code: "B", Field: "Email", Count: 5, Remedy: "do that", Examples: []Example{{"in/a.csv", 2, "bad value 0"}, {"in/a.csv", 3, "bad value 1"}, {"in/a.csv", 4, "bad value 2"}}},
		{Code: "=A", Field: "Name", Count: 1, Remedy: "=do this", Examples: []Example{{"-in.csv", 3, "@\"x\",\ny"}}},
		{Code: "B", Count: 1, Remedy: "do that", Examples: []Example{{"in/a.csv", 9, "+1"}}},
	}
	if d := cmp.Diff(want, e.Groups()); d != "" {
		t.Error(d)
	}
	if !e.Changed() || e.Changed() {
		t.Error("Changed does not tell once")
	}
	d := newDir(t)
	if err := d.WriteErrors(e); err != nil {
		t.Fatal(err)
	}
	golden(t, d, "errors")
	if err := d.WriteErrors(e); err != nil { // again, in place of the first
		t.Fatal(err)
	}
	empty := newDir(t)
	if err := empty.WriteErrors(&Errors{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(empty.Path(ErrorsFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("errors.csv without errors: %v", err)
	}
}

// TestErrorsResume goes on counting from the saved state.
func TestErrorsResume(t *testing.T) {
	t.Parallel()
	whole, first := sampleErrors(), sampleErrors()
	text, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	second := NewErrors(whole.remedy)
	if err := json.Unmarshal(text, second); err != nil {
		t.Fatal(err)
	}
	if second.Changed() {
		t.Error("what was read counts as changed")
	}
	for _, e := range []*Errors{whole, second} {
		e.Add("B", "", "in/b.csv", 1, "more")
		e.Add("C", "", "in/b.csv", 2, "new")
	}
	if d := cmp.Diff(whole.Groups(), second.Groups()); d != "" {
		t.Error(d)
	}
	if err := json.Unmarshal([]byte("7"), second); err == nil {
		t.Error("7 is a state")
	}
}

func TestErrorsAreBounded(t *testing.T) {
	t.Parallel()
	e := &Errors{}
	long := strings.Repeat("é", 2*maxExample)
	for i := range maxGroups + 50 {
		e.Add(fmt.Sprint("C", i), "", "f", 1, long)
	}
	groups := e.Groups()
	if len(groups) != maxGroups+1 || groups[0].Code != OtherCode || groups[0].Count != 50 {
		t.Fatalf("%d groups, the first is %s with %d", len(groups), groups[0].Code, groups[0].Count)
	}
	if got := groups[0].Examples[0].Message; got != strings.Repeat("é", maxExample)+"…" {
		t.Errorf("the message has %d bytes", len(got))
	}
}

func sampleSummary() *Summary {
	return &Summary{
		Version: SummaryVersion, Tool: "sfsync 0.1.0", Run: "20261121T021500Z-leads-010203", Command: "run", Complete: true,
		Mapping: MappingInfo{Name: "leads", Path: "leads.yaml", SHA256: "ab"},
		Inputs:  []InputInfo{{"in/<a>.csv", "csv", 120, "cd", 10}},
		Org:     OrgInfo{"", "Local", "local", "00D000000000001AAA", "http://127.0.0.1:1", "66.0"},
		Started: testNow.In(time.FixedZone("", 3600)), Ended: testNow.Add(1500 * time.Millisecond), Duration: 1.5,
		API:  APIInfo{Mode: "rest", Why: "few rows", Calls: 3, Limit: new(int64(100000))},
		Rows: RowCounts{Read: 10, Succeeded: 6, Failed: 2, Skipped: 1, Unknown: 1},
		Targets: []TargetInfo{
			{Name: "lead", Object: "Lead", Match: []string{"Email"}, Strategy: "lookup", Records: 10, Created: 2, Updated: 3, Unchanged: 1, Failed: 2, Skipped: 1, Unknown: 1},
			{Name: "contact", Object: "Contact"},
		},
		Errors:   sampleErrors().Groups(),
		Retries:  RetryCounts{1, 2, 1},
		RowsPerS: 6.7,
		Exit:     Exit{3, "some-failed", "some rows failed: 2 of 10"},
	}
}

// TestSummary keeps the keys of summary.json and their order.
func TestSummary(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	if _, err := d.ReadSummary(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a summary: %v", err)
	}
	if err := d.WriteSummary(&Summary{Version: 1}); err != nil {
		t.Fatal(err)
	}
	s := sampleSummary()
	if err := d.WriteSummary(s); err != nil {
		t.Fatal(err)
	}
	golden(t, d, "summary")
	got, err := d.ReadSummary()
	if err != nil {
		t.Fatal(err)
	}
	want := sampleSummary()
	want.Started, want.Ended = stamp(want.Started), stamp(want.Ended)
	want.Targets[1].Match = []string{}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{"", "{", `{"version":2}`, `{"version":"1"}`} {
		if err := os.WriteFile(d.Path(SummaryFile), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := d.ReadSummary(); err == nil {
			t.Errorf("%q is a summary", bad)
		}
	}
}

// TestSummaryKeys: an empty summary has every stable key, in order, and no null list.
func TestSummaryKeys(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := (&Summary{}).Encode(&b); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"version", "tool", "run", "parent", "command", "complete", "mapping", "inputs", "org", "started", "ended",
		"duration_s", "api", "rows", "targets", "errors", "retries", "rows_per_s", "exit",
	}
	var got []string
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, `  "`) {
			got = append(got, strings.Split(line, `"`)[1])
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, key := range []string{"inputs", "targets", "errors"} {
		if !strings.Contains(b.String(), `"`+key+`": []`) {
			t.Errorf("%s is not [] in\n%s", key, b.String())
		}
	}
}

func TestSummaryCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*Summary)
		want []string // in the message; none for a good summary
	}{
		{"good", func(*Summary) {}, nil},
		{"a row too many", func(s *Summary) { s.Rows.Read++ }, []string{"11 rows were read, 10 are accounted for"}},
		{"a negative count", func(s *Summary) { s.Rows.Failed, s.Rows.Skipped = -1, 4 }, []string{"negative"}},
		{"pending at the end", func(s *Summary) { s.Rows.Pending, s.Rows.Failed = 1, 1 }, []string{"1 rows are pending"}},
		{"pending when stopped", func(s *Summary) { s.Complete, s.Rows.Pending, s.Rows.Failed = false, 1, 1 }, nil},
		{"a target", func(s *Summary) { s.Targets[0].Created++ }, []string{"target lead has 10 records, 11"}},
		{"a target's pending", func(s *Summary) { s.Targets[1].Records, s.Targets[1].Pending = 1, 1 }, []string{"1 records of target contact are pending"}},
		{"a target's negative", func(s *Summary) { s.Targets[1].Deleted, s.Targets[1].Updated = -1, 1 }, []string{"target contact: a count is negative"}},
		{"all at once", func(s *Summary) { s.Rows.Read++; s.Targets[1].Records++ }, []string{"11 rows", "target contact"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := sampleSummary()
			tt.edit(s)
			err := s.Check()
			if len(tt.want) == 0 {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if !errors.Is(err, ErrCounts) {
				t.Fatalf("got %v", err)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%v lacks %q", err, w)
				}
			}
		})
	}
}
