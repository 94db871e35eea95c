package main_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"sfsync/sink/salesforce/estimate"
)

// TestForecast: what a run says beforehand that it will cost, and what a plan says, is what the org counts. How often a
// job is asked after goes by its pace, which is the org's: these polls are counted apart.
func TestForecast(t *testing.T) {
	t.Parallel()
	const company = "      LastName: {value: X}\n      Company: {value: Y}\n"
	lead := func(match, fields string) string {
		return "  - name: lead\n    object: Lead\n    match: " + match + "\n    fields:\n" + company + fields
	}
	const (
		native  = "      Ext__c: id\n"
		keyless = "  - name: account\n    object: Account\n    operation: insert\n    fields: {Name: id}\n"
		contact = "  - name: contact\n    object: Contact\n    match: Email\n    fields: {Email: email, LastName: {value: X}}\n"
	)
	// near: no call is predicted that is not made. Where rows are read slower than they are sent, requests go that are
	// not full, and a few more are made.
	near := func(predicted, used int64) bool { return used >= predicted && used <= predicted+predicted/3+1 }
	polls := func(l ...estimate.Load) int64 { c := estimate.Bulk(l); return c.Calls - c.Least + c.Jobs }
	for _, c := range []struct {
		name    string
		targets string
		rows    int
		copied  bool  // lookups are answered from a copy
		polls   int64 // that are expected
	}{
		{"by a unique key", lead("Ext__c", native), 2500, false, 0},
		{"few looked up", lead("Email", "      Email: email\n"), 700, false, 0},
		{"more looked up", lead("Email", "      Email: email\n"), 6000, false, 0},
		{"many looked up", lead("Website", "      Website: site\n"), 6000, true, estimate.Copy(0).Calls - 2},
		{"inserted without a key", keyless, 300, false, polls(estimate.Load{Upserts: 300})},
		{"by jobs", lead("Ext__c", native), 20_000, false, polls(estimate.Load{Upserts: 20_000})},
		{"two targets", lead("Ext__c", native) + contact, 1500, false, 0},
		{"two ways", lead("Ext__c", native) + keyless, 1500, false, polls(estimate.Load{Upserts: 1500})},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newPlanOrg(t, leadSchema)
			var b strings.Builder
			b.WriteString("id,email,site\n")
			for i := range c.rows {
				fmt.Fprintf(&b, "k%d,person-%06d@example.com,https://%s.example.com/%05d\n", i, i, strings.Repeat("x", 170), i)
			}
			mapping, input := w.write("m.yaml", "version: 1\nname: m\ntargets:\n"+c.targets), w.write("in.csv", b.String())
			var plan, run struct {
				API struct {
					Calls, Predicted int64
					Why              string
				}
				Rows struct{ Read, Succeeded int }
				Plan struct {
					Lookups   struct{ Calls int64 }
					Estimates []struct{ Calls int64 }
				}
			}
			ask := func(s any, verb string) (polled int64) {
				t.Helper()
				before := w.polls.Load()
				code, stdout, stderr := w.command(verb, mapping, input, "--runs", filepath.Join(w.dir, "runs"), "--json")
				if err := json.Unmarshal([]byte(stdout), s); err != nil || code != 0 {
					t.Fatalf("%s: %d %v\n%s", verb, code, err, stderr)
				}
				return w.polls.Load() - before
			}
			ask(&plan, "plan")
			polled := ask(&run, "run")
			if run.Rows.Succeeded != c.rows || strings.Contains(run.API.Why, "copy of the key columns") != c.copied {
				t.Errorf("%+v", run)
			}
			used := run.API.Calls - polled
			if got := run.API.Predicted - c.polls; !near(got, used) {
				t.Errorf("%d calls predicted, %d used, besides %d and %d polls: %s", got, used, c.polls, polled, run.API.Why)
			}
			t.Logf("%d calls, %d of them polls; %d predicted, %d of them polls", run.API.Calls, polled, run.API.Predicted, c.polls)
			if c.copied { // the plan has made a copy of its own
				return
			}
			by := 0
			if c.rows > 10_000 {
				by = 1
			}
			session := plan.API.Calls - plan.Plan.Lookups.Calls
			if got := plan.Plan.Estimates[by].Calls - c.polls; !near(got, used-session) {
				t.Errorf("the plan says %d calls, %d used besides %d of the session, %d and %d polls", got, used-session, session, c.polls, polled)
			}
		})
	}
}
