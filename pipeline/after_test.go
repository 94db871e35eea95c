package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline"
)

// TestMadeMeanwhile: what an earlier row looked for in vain a later row finds that makes it.
func TestMadeMeanwhile(t *testing.T) {
	p, o := worldOf(t, `
- {object: Account, name: account, match: ERP_Id__c, when: 'kind == "a"', fields: {ERP_Id__c: erp, Name: {value: A}}}
- {object: Visit__c, name: visit, match: Ext__c, fields: {Ext__c: ext, Account__c: {lookup: Account.ERP_Id__c, from: erp}}}
`)
	var rows strings.Builder
	rows.WriteString("kind,ext,erp\nv,first,x\n")
	const others = 1500 // keys enough for a lookup to leave before the account
	for i := range others {
		fmt.Fprintf(&rows, "v,%d,e%d\n", i, i)
	}
	rows.WriteString("a,last,x\n")
	res, _ := play(t, p, o, rows.String(), nil)
	if visits := res.Targets[1]; visits.Failed != 1+others || visits.Created != 1 {
		t.Errorf("%+v", visits)
	}
}

// TestPlanOfWhatIsMadeByAnotherKey: a plan sees what a run would find by a key that the record was not matched by.
func TestPlanOfWhatIsMadeByAnotherKey(t *testing.T) {
	for name, targets := range map[string]string{
		"another target": `
- {object: Account, name: account, match: Name, fields: {ERP_Id__c: erp, Name: name}}
- {object: Visit__c, name: visit, match: Ext__c, fields: {Ext__c: ext, Account__c: {lookup: Account.ERP_Id__c, from: erp}}}
`,
		"the second pass": `
- {object: Account, name: account, match: Name, fields: {ERP_Id__c: erp, Name: name, ParentId: {lookup: Account.ERP_Id__c, from: parent}}}
`,
	} {
		run := func(dry bool) *pipeline.Result {
			p, o := worldOf(t, targets)
			o.add("Account", record{"Name": "N3"})
			res, _ := play(t, p, o, "ext,erp,name,parent\n1,e1,N1,e2\n2,e2,N2,E1\n3,e3,N3,e1\n", func(opt *pipeline.Options) { opt.Rehearse = dry })
			return res
		}
		plan, sent := run(true), run(false)
		if d := cmp.Diff(sent.Targets, plan.Targets); d != "" || sent.Rows.Succeeded != 3 {
			t.Errorf("%s (-run +plan):\n%s", name, d)
		}
	}
}

// TestMissingIsAskedOnce: what many rows look for in vain is asked for again only when targets that might have made it
// have sent something.
func TestMissingIsAskedOnce(t *testing.T) {
	p, o := worldOf(t, `
- {object: Account, name: account, match: ERP_Id__c, when: 'kind == "a"', fields: {ERP_Id__c: erp, Name: {value: A}}}
- {object: Visit__c, name: visit, match: Ext__c, when: 'kind == "v"', fields: {Ext__c: ext, Account__c: {lookup: Account.ERP_Id__c, from: erp}}}
`)
	rows := []byte("kind,ext,erp\na,,there\n")
	const count = 300
	for i := range count {
		rows = fmt.Appendf(rows, "v,%d,missing\n", i)
	}
	for _, dry := range []bool{true, false} {
		o.lookups = nil
		res, _ := play(t, p, o, string(rows), func(opt *pipeline.Options) { opt.Rehearse = dry })
		asked := 0
		for _, l := range o.lookups {
			if l == "Account by ERP_Id__c 1" {
				asked++
			}
		}
		most := 2 // before the account was sent, and after
		if dry {
			most++ // and for the account itself
		}
		if visits := res.Targets[1]; visits.Failed != count || asked == 0 || asked > most {
			t.Errorf("dry %v: %+v, asked %d times", dry, visits, asked)
		}
	}
}

// TestSharedLookup: of targets that look for the same, one waits for the target that makes it, the other must not,
// since that waits for it.
func TestSharedLookup(t *testing.T) {
	p, o := worldOf(t, `
- {object: Account, name: child, match: ERP_Id__c, fields: {ERP_Id__c: erp, Name: {value: C}, ParentId: {ref: parent}}}
- {object: Account, name: parent, match: Name, fields: {Name: group, ParentId: {lookup: Account.ERP_Id__c, from: erp}}}
- {object: Visit__c, name: visit, match: Ext__c, fields: {Ext__c: ext, Account__c: {lookup: Account.ERP_Id__c, from: erp}}}
`)
	o.add("Account", record{"ERP_Id__c": "x", "Name": "old"})
	_, dir := play(t, p, o, "ext,erp,group\n1,x,g\n2,y,\n", nil)
	want := "2 child updated\n2 parent created\n2 visit created\n3 child failed PARENT_FAILED ParentId\n3 parent failed MATCH_KEY_BLANK Name\n3 visit failed LOOKUP_NOT_FOUND Account__c\n"
	if d := cmp.Diff(want, outcomes(t, dir)); d != "" {
		t.Error(d)
	}
}
