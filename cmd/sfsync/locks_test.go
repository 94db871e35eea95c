package main_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// children of 45 a parent do not fill requests of 1,000, so that a parent has some in two.
var children = flag.Int("children", 45, "how many children each of the 50 parents of TestSkewedParents has; 2000 for the full size")

// TestSkewedParents writes the children of 50 parents with 8 workers to an org in which writing takes time, a
// transaction locks the parents that it writes to, and nobody has the patience to wait for a lock. In the order of
// the file every request wants all the parents, and requests meet: the org refuses records, and they come
// through all the same. With order: parent none is refused.
func TestSkewedParents(t *testing.T) {
	t.Parallel()
	const parents = 50
	rows := parents * *children
	for _, order := range []string{"key", "parent"} {
		t.Run(order, func(t *testing.T) {
			w := newPlanOrg(t, `objects:
  Account:
    fields:
      ERP_Id__c: {type: string, length: 40, externalId: true, unique: true}
  Visit__c:
    label: Visit
    fields:
      Ext__c: {type: string, length: 40, externalId: true, unique: true}
      Account__c: {type: reference, referenceTo: [Account], relationshipName: Account__r, restrictedDelete: true}
`)
			var a, b strings.Builder
			for i := range parents {
				fmt.Fprintf(&a, `{"object":"Account","fields":{"ERP_Id__c":"e%d","Name":"A"}}`+"\n", i)
			}
			w.seed(a.String())
			b.WriteString("id,account\n")
			for i := range rows {
				fmt.Fprintf(&b, "v%d,e%d\n", i, i*19%parents)
			}
			mapping := w.write("visits.yaml", "version: 1\nname: visits\ntargets:\n  - object: Visit__c\n    match: Ext__c\n    order: "+order+
				"\n    fields: {Ext__c: id, Account__r.ERP_Id__c: account}\n")
			input := w.write("visits.csv", b.String())
			w.do("PATCH", "/_org/settings", `{"row_latency":"1ms","lock_wait":"1ms"}`)
			start := time.Now()
			code, stdout, stderr := w.command("run", mapping, input, "--runs", filepath.Join(w.dir, "runs"), "--workers", "8", "--api", "rest", "--json")
			if code != 0 {
				t.Fatalf("code %d\n%s%s", code, stdout, stderr)
			}
			var s struct {
				Rows    struct{ Succeeded, Failed int }
				Targets []struct{ Created, Updated int }
				Retries struct {
					Rows     int
					LastPass int `json:"last_pass"`
				}
				API struct{ Calls int }
			}
			if err := json.Unmarshal([]byte(stdout), &s); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d children in %v, %d API calls: %d sent again, %d of them in a last pass", rows, time.Since(start).Round(time.Millisecond), s.API.Calls, s.Retries.Rows, s.Retries.LastPass)
			if s.Rows.Succeeded != rows || s.Targets[0].Created != rows {
				t.Errorf("%+v, want %d created", s, rows)
			}
			for i := range parents {
				text := string(w.do("GET", dataPath+fmt.Sprintf("/query?q=SELECT+count()+FROM+Visit__c+WHERE+Account__r.ERP_Id__c='e%d'", i), ""))
				if !strings.Contains(text, fmt.Sprintf(`"totalSize":%d,`, *children)) {
					t.Errorf("parent e%d: %s, want %d children", i, text, *children)
				}
			}
			if refused := s.Retries.Rows > 0; refused != (order == "key") {
				t.Errorf("%d rows were sent again", s.Retries.Rows)
			}
		})
	}
}
