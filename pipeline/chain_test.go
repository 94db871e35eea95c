package pipeline_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline"
	"sfsync/pipeline/source"
	"sfsync/sink"
)

const memberTargets = "- object: Lead\n  name: lead\n  match: Ext__c\n  fields: {Ext__c: ext, Email: email, LastName: {value: Last}, Company: {value: Acme}, Value__c: value}\n" +
	"- object: CampaignMember\n  name: member\n  match: [[LeadId, CampaignId]]\n  fields: {LeadId: {ref: lead}, CampaignId: {lookup: Campaign.Code__c, from: campaign}, Status: value}\n"

// Records that wait for others still travel in full requests.
func TestChainsFillRequests(t *testing.T) {
	const rows = 12_000
	for _, workers := range []int{1, 4} {
		p, o := worldOf(t, memberTargets)
		for i := range 3 {
			o.add("Campaign", record{"Code__c": fmt.Sprint("C", i)})
		}
		var b strings.Builder
		b.WriteString("ext,email,value,campaign\n")
		for i := range rows {
			fmt.Fprintf(&b, "E%d,e%d@x.org,v,C%d\n", i, i, i%3)
		}
		res, _ := play(t, p, o, b.String(), workersOf(workers))
		if n := res.Targets[1]; n.Created != rows {
			t.Fatalf("%+v", n)
		}
		if calls := len(o.writes) + len(o.lookups); calls > 3*rows/1000+20 {
			t.Errorf("%d workers: %d writes and %d lookups for %d rows with two records each", workers, len(o.writes), len(o.lookups), rows)
		}
		if c := res.Costs; c[0].Keys != 0 || c[1].Keys != rows || c[2].Keys > 30 {
			t.Errorf("keys looked up: %+v", c)
		}
	}
}

// A parent that the org refuses is sent once for all rows that refer to it, and again for one that
// would make another of it.
func TestARefusedParentIsSentOnce(t *testing.T) {
	p, o := worldOf(t, "- object: Visit__c\n  name: visit\n  match: Ext__c\n"+
		"  fields: {Ext__c: ext, Account__c: {lookup: Account.ERP_Id__c, from: erp, create: true, fields: {Name: company}}}\n")
	o.refuse = func(object string, fields record) *sink.Error {
		if object == "Account" && fields["Name"] == "Bad" {
			return &sink.Error{Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", Message: "no bad ones"}
		}
		return nil
	}
	var b strings.Builder
	b.WriteString("ext,erp,company\n")
	for i := range 3000 {
		fmt.Fprintf(&b, "%d,E1,Bad\n", i)
	}
	b.WriteString("3000,E1,Good\n3001,E1,Bad\n")
	res, dir := play(t, p, o, b.String(), nil)
	if n := res.Targets[0]; n.Failed != 3000 || n.Created != 2 {
		t.Errorf("visits: %+v", n)
	}
	if n := res.Targets[1]; n.Failed != 3000 || n.Created != 1 || n.Unchanged != 1 {
		t.Errorf("accounts: %+v", n)
	}
	if len(o.writes)+len(o.lookups) > 10 {
		t.Errorf("%d writes and %d lookups", len(o.writes), len(o.lookups))
	}
	if text := outcomes(t, dir); !strings.Contains(text, "2000 visit failed PARENT_FAILED Account__c\n2000 visit.Account__c failed FIELD_CUSTOM_VALIDATION_EXCEPTION\n") {
		t.Error(text[:500])
	}
}

// What one row of a key finds out without changing anything, the next row need not ask again.
func TestRowsOfAKeyThatIsNotThere(t *testing.T) {
	for operation, want := range map[string]int{"update": 3, "delete": 4, "upsert": 3} {
		fields := ""
		if operation == "upsert" {
			fields = ", LastName: {value: L}, Company: {value: C}"
		}
		p, o := worldOf(t, "- object: Lead\n  name: lead\n  operation: "+operation+"\n  match: Email\n  fields: {Email: email"+fields+"}\n")
		for range 2 {
			o.add("Lead", record{"Email": "twins@x.org"})
		}
		o.add("Lead", record{"Email": "a@x.org"})
		var b strings.Builder
		b.WriteString("email\n")
		for range 500 {
			b.WriteString("twins@x.org\n")
			if operation != "upsert" {
				b.WriteString("nobody@x.org\n")
			}
		}
		b.WriteString("a@x.org\na@x.org\n")
		for _, rehearse := range []bool{true, false} {
			o.lookups = nil
			res, _ := play(t, p, o, b.String(), func(opt *pipeline.Options) { opt.Rehearse, opt.Workers = rehearse, 1 })
			n := res.Targets[0]
			if bad := n.Failed + n.Skipped; operation == "upsert" && bad != 500 || operation == "update" && bad != 1000 || operation == "delete" && bad != 1001 {
				t.Errorf("%s: %+v", operation, n)
			}
			if len(o.lookups) > want {
				t.Errorf("%s, rehearsal %v: %d lookups: %v", operation, rehearse, len(o.lookups), o.lookups[:min(6, len(o.lookups))])
			}
		}
	}
}

// What is deleted, and what is filled because it is empty, the org itself has said, whatever a matcher remembers. Finds do
// without.
func TestLookupsThatMustBeCurrent(t *testing.T) {
	for target, want := range map[string][]string{
		"  operation: delete\n  match: Email\n  fields: {Email: email}\n":                       {"Lead by Email 2 afresh"},
		"  match: Email\n  fields: {Email: email, LastName: {value: L}, Company: {value: C}}\n": {"Lead by Email 2"},
		"  match: Ext__c\n  fields: {Ext__c: email, LastName: {value: L}, Company: {value: C}}\n" +
			"- object: CampaignMember\n  name: member\n  match: [[LeadId, CampaignId]]\n" +
			"  fields: {LeadId: {ref: lead}, CampaignId: {lookup: Campaign.Code__c, from: code}, Status: {value: Sent, only_if: empty}}\n": {
			"Campaign by Code__c 1", "CampaignMember by LeadId+CampaignId 2 afresh",
		},
	} {
		p, o := worldOf(t, "- object: Lead\n  name: lead\n"+target)
		o.add("Lead", record{"Email": "a@x.org"})
		o.add("Campaign", record{"Code__c": "C1"})
		play(t, p, o, "email,code\na@x.org,C1\nb@x.org,C1\n", nil)
		if got := slices.Sorted(slices.Values(o.lookups)); !slices.Equal(got, want) {
			t.Errorf("%s: lookups %q, want %q", target, got, want)
		}
	}
}

// Rows that come to one record by different keys see what the others made of it.
func TestOneRecordByDifferentKeys(t *testing.T) {
	p, o := worldOf(t, "- object: Lead\n  name: lead\n  operation: update\n  match: [Ext__c, Email]\n"+
		"  fields: {Ext__c: ext, Email: email, Company: {from: company, only_if: empty}, LastName: last}\n")
	for i := range 300 {
		o.add("Lead", record{"Ext__c": fmt.Sprint("E", i), "Email": fmt.Sprintf("p%d@x.org", i)})
	}
	var b strings.Builder
	b.WriteString("ext,email,company,last\n")
	for i := range 300 {
		fmt.Fprintf(&b, "E%d,,A,L\n,p%d@x.org,B,L\n", i, i)
	}
	planned, _ := play(t, p, o, b.String(), func(opt *pipeline.Options) { opt.Rehearse = true })
	if n := planned.Targets[0]; n.Updated != 300 || n.Unchanged != 300 {
		t.Errorf("rehearsal: %+v", n)
	}
	play(t, p, o, b.String(), nil)
	written := map[string]int{}
	for _, lead := range o.objects["Lead"] {
		written[lead["Company"]]++
	}
	if written["A"]+written["B"] != 300 {
		t.Error(written)
	}
	for _, lead := range o.objects["Lead"] {
		if n := o.times[lead["Ext__c"]]; n != 1 {
			t.Fatalf("Company of %s was written %d times", lead["Ext__c"], n)
		}
	}
}

// Targets of one object see what earlier rows made of it, whichever target that was.
func TestTargetsOfOneObjectAreInOrder(t *testing.T) {
	p, o := worldOf(t, "- object: Lead\n  name: lead\n  match: Email\n  when: kind == \"identify\"\n  fields: {Email: email, LastName: {value: L}, Company: {value: Acme}}\n"+
		"- object: Lead\n  name: seen\n  operation: update\n  match: Email\n  when: kind == \"track\"\n  fields: {Email: email, Value__c: value}\n")
	var b strings.Builder
	b.WriteString("kind,email,value\n")
	const people = 1500
	for i := range people {
		fmt.Fprintf(&b, "identify,p%d@x.org,\ntrack,P%d@x.org,v%d\n", i, i, i)
	}
	planned, _ := play(t, p, o, b.String(), func(opt *pipeline.Options) { opt.Rehearse = true })
	res, _ := play(t, p, o, b.String(), nil)
	if a, b := res.Targets[0], res.Targets[1]; a.Created != people || b.Updated != people {
		t.Errorf("%+v %+v", a, b)
	}
	if d := cmp.Diff(res.Targets, planned.Targets); d != "" {
		t.Errorf("a rehearsal counts otherwise (-run +rehearsal):\n%s", d)
	}
}

// The rows that failed are input for another run, which looks for what they refer to and sends nothing else.
func TestRetryLooksForParents(t *testing.T) {
	p, o := worldOf(t, memberTargets)
	res, dir := play(t, p, o, "ext,email,value,campaign\n1,a@x.org,v,C1\n2,b@x.org,w,\n3,c@x.org,x,C1\n", nil)
	if n := res.Targets[1]; n.Failed != 3 {
		t.Fatalf("%+v", n)
	}
	o.add("Campaign", record{"Code__c": "C1"})
	for id, lead := range o.objects["Lead"] { // one lead is gone since
		if lead["Ext__c"] == "3" {
			delete(o.objects["Lead"], id)
		}
	}
	before := len(o.writes)
	text, err := os.ReadFile(filepath.Join(dir, "failed.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rehearse := range []bool{true, false} {
		res, dir = play(t, p, o, string(text), func(opt *pipeline.Options) { opt.Rehearse = rehearse })
		if n := res.Targets[1]; n.Created != 1 || n.Failed != 2 || res.Targets[0].Skipped != 3 {
			t.Errorf("rehearsal %v: %+v", rehearse, res.Targets)
		}
	}
	want := "2 lead skipped OTHER_TARGET\n2 member created\n3 lead skipped OTHER_TARGET\n3 member failed MATCH_KEY_BLANK LeadId\n" +
		"4 lead skipped OTHER_TARGET\n4 member failed PARENT_UNKNOWN LeadId\n"
	if d := cmp.Diff(want, outcomes(t, dir)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	wantLines(t, "requests", o.writes[before:], []string{"CampaignMember create 1"})
}

// A record is never written without the one that it refers to because nobody can say which that is: it fails as it did
// in the first run. Each record that failed is one again, though its row is read for every target it failed for.
func TestRetryOfParentsThatCannotBeLookedFor(t *testing.T) {
	p, o := worldOf(t, "- object: Account\n  name: account\n  match: ERP_Id__c\n  when: int(n) > 0\n  fields: {ERP_Id__c: erp, Name: {value: N}}\n"+
		"- object: Contact\n  name: contact\n  operation: insert\n  fields: {LastName: person, AccountId: {ref: account}}\n")
	res, dir := play(t, p, o, "erp,n,person\nE1,x,Ann\n,2,Bob\nE3,3,Cid,more\n", nil)
	if a, b := res.Targets[0], res.Targets[1]; a.Failed != 3 || b.Failed != 3 {
		t.Fatalf("%+v %+v", a, b)
	}
	text, err := os.ReadFile(filepath.Join(dir, "failed.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rehearse := range []bool{true, false} {
		res, dir = play(t, p, o, string(text), func(opt *pipeline.Options) { opt.Rehearse = rehearse })
		if a, b := res.Targets[0], res.Targets[1]; a.Failed != 3 || a.Skipped != 3 || b.Failed != 3 || b.Skipped != 3 {
			t.Errorf("rehearsal %v: %+v %+v", rehearse, a, b)
		}
	}
	want := "2 account failed EXPR_FAILED\n2 account skipped OTHER_TARGET\n2 contact failed PARENT_FAILED AccountId\n2 contact skipped OTHER_TARGET\n" +
		"3 account failed MATCH_KEY_BLANK ERP_Id__c\n3 account skipped OTHER_TARGET\n3 contact failed PARENT_FAILED AccountId\n3 contact skipped OTHER_TARGET\n" +
		"4 account failed ROW_WIDTH\n4 account skipped OTHER_TARGET\n4 contact failed ROW_WIDTH\n4 contact skipped OTHER_TARGET\n"
	if d := cmp.Diff(want, outcomes(t, dir)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if len(o.writes) > 0 {
		t.Errorf("sent: %q", o.writes)
	}
}

// What is only looked for never fails, also where it is itself found by a record that is not: it failed for its own row.
func TestRetryOfAChainThatCannotBeLookedFor(t *testing.T) {
	p, o := worldOf(t, "- object: Account\n  name: account\n  match: ERP_Id__c\n  when: int(n) > 0\n  fields: {ERP_Id__c: erp, Name: {value: N}}\n"+
		"- object: Contact\n  name: contact\n  match: [[AccountId, Email]]\n  fields: {LastName: person, Email: email, AccountId: {ref: account}}\n"+
		"- object: Task\n  name: task\n  operation: insert\n  fields: {Subject: person, WhoId: {ref: contact}}\n")
	_, dir := play(t, p, o, "erp,n,person,email\nE1,x,Ann,a@x.org\n", nil)
	text, err := os.ReadFile(filepath.Join(dir, "failed.csv"))
	if err != nil {
		t.Fatal(err)
	}
	res, dir := play(t, p, o, string(text), nil)
	for i, n := range res.Targets {
		if n.Failed != 1 || n.Skipped != 2 {
			t.Errorf("target %d: %+v\n%s", i, n, outcomes(t, dir))
		}
	}
	if len(o.writes) > 0 {
		t.Errorf("sent: %q", o.writes)
	}
}

// A reference that failed in the second pass is tried again.
func TestRetryOfTheSecondPass(t *testing.T) {
	p, o := worldOf(t, "- object: Account\n  name: account\n  match: ERP_Id__c\n  fields: {ERP_Id__c: erp, Name: name, ParentId: {lookup: Account.ERP_Id__c, from: parent}}\n")
	_, dir := play(t, p, o, "erp,name,parent\nE1,One,E2\n", nil)
	text, err := os.ReadFile(filepath.Join(dir, "failed.csv"))
	if err != nil {
		t.Fatal(err)
	}
	o.add("Account", record{"ERP_Id__c": "E2"})
	before := len(o.writes)
	res, dir := play(t, p, o, string(text), nil)
	if d := cmp.Diff("2 account updated\n2 account.references updated\n", outcomes(t, dir)); d != "" || res.Rows.Succeeded != 1 {
		t.Errorf("%+v (-want +got):\n%s", res.Rows, d)
	}
	wantLines(t, "requests", o.writes[before:], []string{"Account upsert 1", "Account update 1"})
	wantLines(t, "accounts", o.dump("Account"), []string{"ERP_Id__c=E1 Name=One ParentId=E2", "ERP_Id__c=E2"})
}

// A rehearsal compares columns that only some of the rows have.
func TestRehearsalOfMoreColumns(t *testing.T) {
	p, o := worldOf(t, "- object: Lead\n  name: lead\n  match: Email\n  rest: custom\n  missing: ignore\n  fields: {Email: email, LastName: {value: L}, Company: {value: Acme}}\n")
	o.add("Lead", record{"Email": "a@x.org", "LastName": "L", "Company": "Acme", "Ext__c": "1"})
	path := filepath.Join(t.TempDir(), "in.jsonl")
	rows := `{"email":"a@x.org"}` + "\n" + `{"email":"a@x.org","Ext":"1"}` + "\n" + `{"email":"A@x.org","Value":"2"}` + "\n" + `{"email":"a@x.org","Ext":"3","Value":"2"}` + "\n"
	if err := os.WriteFile(path, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := pipeline.Run(t.Context(), pipeline.Options{
		Plan: p, Inputs: []source.Input{{Path: path}}, Targets: []pipeline.Target{{Writer: o, Matcher: o}}, Rehearse: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := res.Targets[0]; n.Unchanged != 2 || n.Updated != 2 {
		t.Errorf("%+v", n)
	}
}
