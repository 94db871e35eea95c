package pipeline_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sfsync/pipeline"
	"sfsync/sink"
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

// slowLookups answers lookups by Email only when a record was written.
type slowLookups struct {
	*world
	stats *pipeline.Stats
}

func (o slowLookups) Lookup(ctx context.Context, l *sink.Lookup) error {
	err := o.world.Lookup(ctx, l)
	if l.By[0].Name == "Email" {
		for deadline := time.Now().Add(2 * time.Minute); o.stats.Written.Load() == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				return errors.New("nothing was written")
			}
		}
	}
	return err
}

// What a lookup says of a record is out of date if the record was written before its answer came.
func TestComparedWithWhatWasWrittenMeanwhile(t *testing.T) {
	p, o := worldOf(t, `
  - object: Lead
    match: [Ext__c, Email]
    operation: update
    fields: {Ext__c: lead, Email: email, Value__c: value}
`)
	o.limits = sink.Limits{Records: 1, Group: 1, Groups: 1}
	o.add("Lead", record{"Ext__c": "l1", "Email": "a@x.de", "Value__c": "1"})
	play(t, p, o, "lead,email,value\nl1,,2\n,a@x.de,1\n", func(opt *pipeline.Options) {
		opt.CompareStored, opt.Stats = true, &pipeline.Stats{}
		opt.Targets[0].Matcher = slowLookups{o, opt.Stats}
	})
	wantLines(t, "leads", o.dump("Lead"), []string{"Email=a@x.de Ext__c=l1 Value__c=1"})
}
