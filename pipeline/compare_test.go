package pipeline_test

import (
	"testing"

	"sfsync/pipeline"
)

// Two rows can come to one record by different keys. What the second one is compared with is what the first has made
// of the record, not what was there when both were looked up.
func TestComparedWithWhatEarlierRowsWrote(t *testing.T) {
	for name, c := range map[string]struct{ fields, rows, want string }{
		"all of it is there until the first row is written": {
			"Value__c: value",
			"l1,,2,\n,a@x.de,1,\n",
			"Email=a@x.de Ext__c=l1 LastName=N Value__c=1",
		},
		"a part of it is": {
			"Value__c: value, Company: {from: company}",
			"l1,,2,\n,a@x.de,1,Acme\n",
			"Company=Acme Email=a@x.de Ext__c=l1 LastName=N Value__c=1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, o := worldOf(t, `
  - object: Lead
    match: [Ext__c, Email]
    operation: update
    fields: {Ext__c: lead, Email: email, `+c.fields+`}
`)
			o.add("Lead", record{"Ext__c": "l1", "Email": "a@x.de", "LastName": "N", "Value__c": "1"})
			play(t, p, o, "lead,email,value,company\n"+c.rows, func(opt *pipeline.Options) { opt.CompareStored = true })
			wantLines(t, "leads", o.dump("Lead"), []string{c.want})
		})
	}
}
