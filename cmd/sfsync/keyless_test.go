package main_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestKeylessInserts: records that are inserted without a key go by a job, however few they are, since its results tell
// what is there when an answer is lost, whichever it is. By composite requests they end unknown; these are taken where
// the user asks for them, or for a bound on the calls.
func TestKeylessInserts(t *testing.T) {
	t.Parallel()
	const n = 20
	for name, c := range map[string]struct {
		lost    int // the request whose answer is lost, of those that write
		args    []string
		jobs    bool
		unknown int
	}{
		"nothing lost":         {0, nil, true, 0},
		"the job's creation":   {1, nil, true, 0},
		"its upload":           {2, nil, true, 0},
		"its closing":          {3, nil, true, 0},
		"asked for composite":  {1, []string{"--api", "rest"}, false, n},
		"a bound on the calls": {0, []string{"--max-api-calls", "100"}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPlanOrg(t, leadSchema)
			mapping := w.write("leads.yaml", "version: 1\nname: leads\ntargets:\n"+
				"  - {name: lead, object: Lead, operation: insert, fields: {Ext__c: id, LastName: name, Company: company}}\n"+
				"  - {name: account, object: Account, operation: upsert, match: Id, when: \"false\", fields: {Id: id, Name: company}}\n")
			input := w.write("leads.csv", undoLeads(n, func(int) string { return "" }, "One"))
			seen := 0
			w.setAround(func(writes bool, _ http.ResponseWriter, serve func()) {
				serve()
				if !writes {
					return
				}
				w.mu.Lock()
				seen++
				lost := seen == c.lost
				w.mu.Unlock()
				if lost {
					panic(http.ErrAbortHandler)
				}
			})
			code, stdout, stderr := w.command(append([]string{"run", mapping, input, "--runs", filepath.Join(w.dir, "runs"), "--json"}, c.args...)...)
			w.setAround(nil)
			var s struct {
				API     struct{ Mode, Why string }
				Targets []struct{ Created, Failed, Unknown int }
			}
			if err := json.Unmarshal([]byte(stdout), &s); err != nil {
				t.Fatalf("%v\n%s", err, stderr)
			}
			if want := map[bool]int{true: 5}[c.unknown > 0]; code != want || s.Targets[0].Created != n-c.unknown || s.Targets[0].Unknown != c.unknown || len(w.leads()) != n {
				t.Errorf("code %d, %+v, %d leads\n%s", code, s.Targets[0], len(w.leads()), stderr)
			}
			if s.API.Mode != "rest" || strings.Contains(s.API.Why, "; lead by jobs of the Bulk API: of inserts without a key") != c.jobs {
				t.Errorf("%+v", s.API)
			}
		})
	}
}
