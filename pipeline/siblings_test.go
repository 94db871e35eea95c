package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sfsync/pipeline"
)

// With order: parent no two requests in flight hold children of one parent, whether they were there before or not,
// and several are in flight all the same.
func TestParentsApart(t *testing.T) {
	for _, targets := range []string{`
  - object: Visit__c
    match: Ext__c
    order: parent
    fields: {Ext__c: visit, Value__c: value, Account__r.ERP_Id__c: account}
`, `
  - object: Visit__c
    match: Value__c
    order: parent
    fields: {Ext__c: visit, Value__c: value, Account__c: {lookup: Account.ERP_Id__c, from: account}}
`} {
		p, o := worldOf(t, targets)
		var rows strings.Builder
		rows.WriteString("visit,value,account\n")
		const n = 1200
		for i := range n {
			fmt.Fprintf(&rows, "v%d,x%d,e%d\n", i%1000, i%1000, i*7919%50)
		}
		for i := range 50 {
			o.add("Account", record{"ERP_Id__c": fmt.Sprintf("e%d", i)})
		}
		o.apart = "Account__r.ERP_Id__c"
		if strings.Contains(targets, "lookup") {
			o.apart = "Account__c"
		}
		o.limits.Records, o.limits.Group = 60, 12
		o.after = func(call int) error {
			time.Sleep(time.Duration(5+call%3) * time.Millisecond)
			if call%5 == 4 {
				return errLost // some are sent again
			}
			return nil
		}
		res, _ := play(t, p, o, rows.String(), func(opt *pipeline.Options) { opt.Workers, opt.Ledger = 8, nil })
		if res.Rows.Succeeded != n || len(o.objects["Visit__c"]) != 1000 {
			t.Errorf("%+v, %d records", res.Rows, len(o.objects["Visit__c"]))
		}
		if o.met < 2 {
			t.Errorf("only %d requests at once", o.met)
		}
	}
}
