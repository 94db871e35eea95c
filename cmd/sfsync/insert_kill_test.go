package main_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestInsertsKilled kills runs that insert at a request that writes something, before the org has carried it out and
// after, and resumes them: no record is there twice, and none is missing of which the report does not say that nobody
// knows. Only without a key, and by composite requests, there may be such ones.
func TestInsertsKilled(t *testing.T) {
	t.Parallel()
	const rows = 600
	for name, c := range map[string]struct {
		options, fields, api string
		exact                bool
		at                   [2]int // which requests; of a job it is the upload and the close
	}{
		"without a key":         {"\n    batch: 20", "LastName: id", "rest", false, [2]int{1, 4}},
		"without a key by jobs": {"", "LastName: id", "bulk", true, [2]int{2, 3}},
		"with a key":            {"\n    batch: 20\n    match: Ext__c", "Ext__c: id, LastName: id", "rest", true, [2]int{1, 4}},
		"with a key by jobs":    {"\n    match: Ext__c", "Ext__c: id, LastName: id", "bulk", true, [2]int{2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			unknown := 0
			for _, nth := range c.at {
				for _, after := range []bool{false, true} {
					w := newPlanOrg(t, leadSchema)
					w.write("schema.yaml", leadSchema)
					mapping := w.write("insert.yaml", "version: 1\nname: insert\nschema: schema.yaml\ntargets:\n  - name: lead\n    object: Lead\n"+
						"    operation: insert"+c.options+"\n    fields: {"+c.fields+", Company: {value: X}}\n")
					runs := filepath.Join(w.dir, "runs")
					if !w.strike(nth, after, "run", mapping, w.write("leads.csv", leads(rows)), "--runs", runs, "--api", c.api, "--workers", "2") {
						t.Fatalf("request %d is not killed: the test shows nothing", nth)
					}
					dir := w.only(runs)
					k := &killer{dir: w.dir, env: w.env(w.dir)}
					resume := k.begin(t, nil, "resume", dir, "--state", filepath.Join(w.dir, "state"), "--quiet")
					resume.exits(t, 0, 5)
					code, stderr := resume.ProcessState.ExitCode(), resume.err.String()
					var s struct {
						Complete bool
						Targets  []killCounts
					}
					if err := json.Unmarshal(read(t, dir, "summary.json"), &s); err != nil {
						t.Fatal(err, stderr)
					}
					n := s.Targets[0]
					what := fmt.Sprintf("killed at request %d, after it %v: exit code %d, %+v %s", nth, after, code, n, stderr)
					if want := map[bool]int{true: 5}[n.Unknown > 0]; code != want || !s.Complete || n.Created+n.Unknown != rows || c.exact && n.Unknown > 0 {
						t.Error(what)
					}
					unknown += n.Unknown
					there := make(map[string]int)
					for _, rec := range w.recordsOf("Lead") {
						_, text, _ := strings.Cut(rec, `"LastName":"`)
						last, _, _ := strings.Cut(text, `"`)
						if there[last]++; there[last] > 1 {
							t.Errorf("%s: %q is there twice", what, last)
						}
					}
					if len(there) < n.Created || len(there) > rows {
						t.Errorf("%s: the org has %d leads", what, len(there))
					}
				}
			}
			if !c.exact && unknown == 0 {
				t.Error("nothing is unknown: no request was in flight, and the test shows nothing")
			}
		})
	}
}
