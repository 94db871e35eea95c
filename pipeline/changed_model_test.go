package pipeline_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/pipeline/fingerprint"
	"sfsync/pipeline/source"
)

// Mappings whose runs change the same records in ways that a fingerprint of one row and one key would not
// notice. Each has a few versions, of which any may be the next run's, and begins with runs of one row in which
// the last is the trap: the version, then the row.
var changing = map[string]struct{ runs, versions []string }{
	"a key in another case": {[]string{"0 ,a@example.com,N,a,", "0 ,A@example.com,N,,", "0 ,a@example.com,N,a,"}, []string{`
  - {name: lead, object: Lead, match: Email, fields: {Email: email, LastName: name, Value__c: {from: value, blank: null}, Company: {value: Y}}}
`}},
	"several keys": {[]string{"0 ,a@example.com,N,a,", "0 1,a@example.com,N,a,", "0 ,a@example.com,N,a,", "0 1,,N,,", "0 ,a@example.com,N,a,"}, []string{`
  - name: lead
    object: Lead
    match: [Ext__c, Email]
    fields: {Ext__c: lead, Email: email, LastName: name, Value__c: {from: value, blank: null}, Company: {value: Y}}
`}},
	"deleted by another target": {[]string{"0 1,,N,a,", "0 1,,N,,x", "0 1,,N,a,"}, []string{`
  - {name: lead, object: Lead, match: Ext__c, when: gone == "", fields: {Ext__c: lead, LastName: name, Value__c: {from: value, blank: null}, Company: {value: Y}}}
  - {name: gone, object: Lead, match: Ext__c, operation: delete, when: gone != "", fields: {Ext__c: lead}}
`}},
	"deleted by another key": {[]string{"0 1,a@example.com,N,a,", "0 ,a@example.com,N,,x", "0 1,a@example.com,N,a,"}, []string{`
  - {name: lead, object: Lead, match: Ext__c, when: gone == "", fields: {Ext__c: lead, Email: email, LastName: name, Value__c: {from: value, blank: null}, Company: {value: Y}}}
  - {name: gone, object: Lead, match: Email, operation: delete, when: gone != "", fields: {Email: email}}
`}},
	"written by another target": {[]string{"0 1,,N,a,", "0 1,,N,,x", "0 1,,N,a,"}, []string{`
  - {name: lead, object: Lead, match: Ext__c, when: gone == "", fields: {Ext__c: lead, LastName: name, Value__c: {from: value, blank: null}, Company: {value: Y}}}
  - {name: other, object: Lead, match: Ext__c, when: gone != "", operation: update, fields: {Ext__c: lead, Value__c: {from: value, blank: null}}}
`}},
	"written by another target and key": {[]string{"0 1,a@example.com,N,a,", "0 ,a@example.com,N,,x", "0 1,a@example.com,N,a,"}, []string{`
  - {name: lead, object: Lead, match: Ext__c, when: gone == "", fields: {Ext__c: lead, Email: email, LastName: name, Value__c: {from: value, blank: null}, Company: {value: Y}}}
  - {name: other, object: Lead, match: Email, when: gone != "", operation: update, fields: {Email: email, Value__c: {from: value, blank: null}}}
`}},
	"edited": {[]string{"0 1,,N,b,", "0 1,,N,,", "1 1,,N,,"}, []string{`
  - {name: lead, object: Lead, match: Ext__c, fields: {Ext__c: lead, LastName: name, Value__c: {from: value, default: a, default_on: insert}, Company: {value: Y}}}
`, `
  - {name: lead, object: Lead, match: Ext__c, fields: {Ext__c: lead, LastName: name, Value__c: {from: value, default: a, default_on: always}, Company: {value: Y}}}
`, `
  - {name: lead, object: Lead, match: Ext__c, fields: {Ext__c: lead, LastName: name, Value__c: {from: value, default: a, default_on: always, only_if: empty}, Company: {value: Y}}}
`, `
  - {name: lead, object: Lead, match: Ext__c, operation: insert, fields: {Ext__c: lead, LastName: name, Value__c: {from: value, default: a, default_on: always}, Company: {value: Y}}}
`}},
	"another match": {[]string{"0 1,a@example.com,N,a,", "1 1,a@example.com,N,,", "0 1,a@example.com,N,a,"}, []string{`
  - {name: lead, object: Lead, match: Ext__c, fields: {Ext__c: lead, Email: email, LastName: name, Value__c: {from: value, blank: null}, Company: {value: Y}}}
`, `
  - {name: lead, object: Lead, match: Email, fields: {Email: email, LastName: name, Value__c: {from: value, blank: null}, Company: {value: Y}}}
`}},
	"a target goes and comes": {[]string{"0 1,,N,a,", "1 1,,N,,x", "0 1,,N,a,"}, []string{`
  - {name: lead, object: Lead, match: Ext__c, when: gone == "", fields: {Ext__c: lead, LastName: name, Value__c: {from: value, blank: null}, Company: {value: Y}}}
  - {name: gone, object: Lead, match: Ext__c, operation: delete, when: gone != "", fields: {Ext__c: lead}}
`, `
  - {name: gone, object: Lead, match: Ext__c, operation: delete, when: gone != "", fields: {Ext__c: lead}}
`}},
	"a target comes and goes": {[]string{"0 1,,N,a,", "1 1,,N,,x", "0 1,,N,a,"}, []string{`
  - {name: lead, object: Lead, match: Ext__c, fields: {Ext__c: lead, LastName: name, Value__c: {from: value, blank: null}, Company: {value: Y}}}
`, `
  - {name: lead, object: Lead, match: Ext__c, when: gone == "", fields: {Ext__c: lead, LastName: name, Value__c: {from: value, blank: null}, Company: {value: Y}}}
  - {name: gone, object: Lead, match: Ext__c, operation: delete, when: gone != "", fields: {Ext__c: lead}}
`}},
}

// Whatever rows come from run to run, the org ends up as it would without fingerprints.
func TestChangedOnlyHidesNothing(t *testing.T) {
	for name, c := range changing {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plans := make([]*mapping.Plan, len(c.versions))
			for i, v := range c.versions {
				plans[i], _ = worldOf(t, v)
			}
			same := int64(0)
			for seed := range uint64(4) { // each run takes some fsyncs
				rng := rand.New(rand.NewPCG(seed, 1))
				pick := func(from ...string) string { return from[rng.IntN(len(from))] }
				_, o := worldOf(t, c.versions[0])
				_, all := worldOf(t, c.versions[0])
				dir := t.TempDir()
				history := ""
				for n := range len(c.runs) + 8 {
					version := rng.IntN(len(plans))
					row := fmt.Sprintf("%s,%s,N,%s,%s", pick("1", "2", ""), pick("a@example.com", "A@example.com", "b@example.com", ""), pick("", "a"), pick("", "", "x"))
					if n < len(c.runs) {
						version, row = int(c.runs[n][0]-'0'), c.runs[n][2:]
					}
					history += fmt.Sprintln(version, row)
					run := func(w *world, edit func(*pipeline.Options)) *pipeline.Result {
						opt := pipeline.Options{Plan: plans[version], Inputs: []source.Input{{Path: "in.csv", Reader: strings.NewReader("lead,email,name,value,gone\n" + row)}}}
						for range opt.Plan.Targets {
							opt.Targets = append(opt.Targets, pipeline.Target{Writer: w, Matcher: w})
						}
						if edit != nil {
							edit(&opt)
						}
						res, err := pipeline.Run(t.Context(), opt)
						if err != nil {
							t.Fatal(err)
						}
						return res
					}
					edit, done := changedOnly(t, dir, true)
					same += run(o, edit).Targets[0].Unchanged
					done()
					run(all, nil)
					if got, want := strings.Join(o.dump("Lead"), "\n"), strings.Join(all.dump("Lead"), "\n"); got != want {
						t.Fatalf("seed %d: with fingerprints:\n%s\nwithout:\n%s\nrows:\n%s", seed, got, want, history)
					}
				}
			}
			t.Logf("%d rows were left out", same)
		})
	}
}

// The fields of a record are sent again by whatever targets it has once it had to be made anew, and a reference to a
// record of the same object, which goes in a second pass, is left out and sent like any other field.
func TestChangedOnlyOfWhatIsMadeAnew(t *testing.T) {
	p, o := worldOf(t, `
  - {name: lead, object: Lead, match: Ext__c, fields: {Ext__c: lead, LastName: name, Company: {value: Y}}}
  - {name: rest, object: Lead, match: Ext__c, operation: update, fields: {Ext__c: lead, Value__c: value}}
`)
	dir := t.TempDir()
	run := func(p *mapping.Plan, rows string) int {
		edit, done := changedOnly(t, dir, true)
		o.sent = 0
		play(t, p, o, rows, edit)
		done()
		return o.sent
	}
	const head = "lead,name,value\n"
	run(p, head+"1,Ada,a\n2,Bob,b\n")
	if sent := run(p, head+"1,Ada,a\n2,Bob,b\n"); sent != 0 {
		t.Errorf("%d records sent of what has not changed", sent)
	}
	if sent := run(p, head+"1,Ada,c\n2,Bobby,b\n"); sent != 2 {
		t.Errorf("%d records sent for 2 changes of 2 targets that share no field", sent)
	}
	for id, rec := range o.objects["Lead"] {
		if rec["Ext__c"] == "1" {
			delete(o.objects["Lead"], id)
		}
	}
	run(p, head+"1,Eve,c\n2,Bobby,b\n")
	run(p, head+"1,Eve,c\n2,Bobby,b\n")
	if got := strings.Join(o.dump("Lead"), "\n"); !strings.Contains(got, "Ext__c=1 LastName=Eve Value__c=c") {
		t.Errorf("the record that was made anew lacks what the other target sends:\n%s", got)
	}

	p, o = worldOf(t, `
  - {name: account, object: Account, match: ERP_Id__c, fields: {ERP_Id__c: id, Name: name, ParentId: {lookup: Account.ERP_Id__c, from: parent}}}
`)
	dir = t.TempDir()
	const accounts = "id,name,parent\n"
	run(p, accounts+"1,A,2\n2,B,\n3,C,1\n")
	if sent := run(p, accounts+"1,A,2\n2,B,\n3,C,1\n"); sent != 0 {
		t.Errorf("%d records sent of what has not changed, in two passes", sent)
	}
	if sent := run(p, accounts+"1,A,3\n2,B,\n3,C,\n"); sent > 2 {
		t.Errorf("%d records sent for a reference that has changed", sent)
	}
	if got := strings.Join(o.dump("Account"), "\n"); !strings.Contains(got, "ERP_Id__c=1 Name=A ParentId=3") {
		t.Errorf("the reference has not changed:\n%s", got)
	}
}

// What the mapping has no say in counts, too: another type of a field.
func TestChangedOnlyAfterAnotherType(t *testing.T) {
	text := `
  - {name: lead, object: Lead, match: Ext__c, fields: {Ext__c: lead, LastName: name, Value__c: value, Company: {value: Y}}}
`
	p, o := worldOf(t, text)
	dir := t.TempDir()
	for i, want := range []int{1, 0, 1, 0} {
		edit, done := changedOnly(t, dir, true)
		o.sent = 0
		if i == 2 {
			p, _ = worldOf(t, text)
			f := *p.Targets[0].Object.Field("Value__c")
			f.Type = "textarea"
			for c, col := range p.Targets[0].Schema.Columns {
				if col.Name == f.Name {
					p.Targets[0].Code.Fields[c] = &f
				}
			}
		}
		play(t, p, o, "lead,name,value\n1,Ada,a\n", edit)
		done()
		if o.sent != want {
			t.Errorf("run %d: %d records sent, want %d", i, o.sent, want)
		}
	}
	if !fingerprint.Exists(dir, "test") {
		t.Error("no fingerprints are kept")
	}
}
