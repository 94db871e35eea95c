package pipeline_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline"
	"sfsync/pipeline/fingerprint"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// changedOnly lets a run leave out what the fingerprints in dir know, and keeps them.
func changedOnly(t testing.TB, dir string, on bool) (edit func(*pipeline.Options), done func()) {
	t.Helper()
	store, err := fingerprint.Open(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	return func(o *pipeline.Options) {
			o.ChangedOnly = on
			for i := range o.Targets {
				o.Targets[i].Known = store
			}
		}, func() {
			t.Helper()
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
		}
}

const visits = `
  - object: Lead
    match: Ext__c
    fields: {Ext__c: lead, LastName: name, Company: {value: Y}}
  - object: Visit__c
    match: Ext__c
    fields: {Ext__c: visit, Value__c: value, Lead__c: {ref: lead}, Account__c: {lookup: Account.ERP_Id__c, from: account}}
`

func TestChangedOnly(t *testing.T) {
	p, o := worldOf(t, visits)
	o.add("Account", record{"ERP_Id__c": "e1"})
	o.add("Account", record{"ERP_Id__c": "e2"})
	dir := t.TempDir()
	run := func(rows string) (string, int) {
		edit, done := changedOnly(t, dir, true)
		o.writes, o.sent = nil, 0
		_, d := play(t, p, o, "lead,name,visit,value,account\n"+rows, edit)
		done()
		return outcomes(t, d), o.sent
	}
	first := "l1,Ada,v1,1,e1\nl2,Bob,v2,2,e2\n"
	if got, sent := run(first); sent != 4 {
		t.Fatalf("%d records sent at first\n%s", sent, got)
	}
	wantOutcomes := func(what, got string, want ...string) {
		t.Helper()
		wantLines(t, what, strings.Split(strings.TrimSpace(got), "\n"), want)
	}
	got, sent := run(first)
	wantOutcomes("the same once more", got, "2 lead unchanged", "2 visit__c unchanged", "3 lead unchanged", "3 visit__c unchanged")
	if sent != 0 || len(o.writes) != 0 {
		t.Errorf("the same once more: %d records, %v", sent, o.writes)
	}
	got, sent = run("l1,Ada,v1,1,e2\nl2,Bobby,v2,2,e2\nl3,Cy,v3,3,e1\n")
	wantOutcomes("a reference, a name and a new row", got,
		"2 lead unchanged", "2 visit__c updated", "3 lead updated", "3 visit__c unchanged", "4 lead created", "4 visit__c created")
	if sent != 4 {
		t.Errorf("%d records sent for 4 that are new or other", sent)
	}

	// A record that others refer to and that is gone is made again.
	for id, rec := range o.objects["Lead"] {
		if rec["Ext__c"] == "l3" {
			delete(o.objects["Lead"], id)
		}
	}
	got, _ = run("l3,Cy,v3,3,e1\n")
	wantOutcomes("a parent that is gone", got, "2 lead created", "2 visit__c updated")

	// What failed is sent again.
	o.refuse = func(_ string, rec record) *sink.Error {
		if rec["LastName"] == "Dora" {
			return &sink.Error{Code: "NO", Message: "no"}
		}
		return nil
	}
	got, _ = run("l1,Dora,v1,1,e2\n")
	wantOutcomes("refused", got, "2 lead failed NO", "2 visit__c failed PARENT_FAILED Lead__c")
	o.refuse = nil
	if got, _ = run("l1,Ada,v1,1,e2\n"); !strings.Contains(got, "2 lead updated") {
		t.Errorf("after a refusal the org may hold anything, but the row was left out:\n%s", got)
	}
}

// A record that was taken and is gone is created again, also if the first answer about that gets lost.
func TestChangedOnlyMakesAgain(t *testing.T) {
	p, o := worldOf(t, visits)
	o.add("Account", record{"ERP_Id__c": "e1"})
	dir := t.TempDir()
	run := func() string {
		edit, done := changedOnly(t, dir, true)
		defer done()
		_, d := play(t, p, o, "lead,name,visit,value,account\nl1,Ada,v1,1,e1\n", edit)
		return outcomes(t, d)
	}
	run()
	clear(o.objects["Lead"])
	calls := 0
	o.after = func(int) error {
		if calls++; calls == 1 {
			return errLost
		}
		return nil
	}
	if d := cmp.Diff("2 lead created\n2 visit__c updated\n", run()); d != "" || calls != 3 {
		t.Errorf("%d requests (-want +got):\n%s", calls, d)
	}
}

// A record that is left out tells its id to the next row of it, which is sent when the batch of the first is gone.
func TestChangedOnlyByID(t *testing.T) {
	p, o := worldOf(t, `
  - {object: Visit__c, operation: update, match: Id, fields: {Id: id, Value__c: value, Owner__c: {lookup: User.Username, from: owner}}}
`)
	o.add("User", record{"Username": "ann@x.org"})
	ids := make([]string, 12_000+4000*(runtime.GOMAXPROCS(0)+2)) // twice what the window of one worker has room for
	for i := range ids {
		ids[i] = o.add("Visit__c", record{})
	}
	dir := t.TempDir()
	const first, second = 7, row.MaxRows + 7
	run := func(again string) {
		edit, done := changedOnly(t, dir, true)
		defer done()
		rows := []byte("id,value,owner\n")
		for i, id := range ids {
			if i == second && again != "" {
				rows = fmt.Appendf(rows, "%s,%s,ann@x.org\n", ids[first], again)
			}
			rows = fmt.Appendf(rows, "%s,old,ann@x.org\n", id)
		}
		play(t, p, o, string(rows), func(opt *pipeline.Options) { edit(opt); opt.Workers, opt.Ledger, opt.Rows = 1, nil, nil })
	}
	run("")
	run("new")
	for i, id := range ids {
		if got := o.objects["Visit__c"][id]["Value__c"]; (got == "new") != (i == first) {
			t.Errorf("record %d has %q", i, got)
		}
	}
}

// What a contact got in place of its converted lead is noticed: what the lead accepted last is not what the org has.
func TestChangedOnlyOfConvertedLeads(t *testing.T) {
	p, o := worldOf(t, `
  - {name: lead, object: Lead, match: Email, on_converted: contact, fields: {Email: email, LastName: last, Value__c: value, Company: {value: Y}}}
  - {name: contact, object: Contact, when: false, operation: update, fields: {Value__c: value}}
`)
	dir := t.TempDir()
	run := func(rows string) {
		edit, done := changedOnly(t, dir, true)
		play(t, p, o, "email,last,value\n"+rows, edit)
		done()
	}
	run("a@x.org,A,1\n")
	contact := o.add("Contact", record{"LastName": "A", "Value__c": "1"})
	for _, lead := range o.objects["Lead"] {
		lead["IsConverted"], lead["ConvertedContactId"] = "true", contact
	}
	has := func(when, want string) {
		t.Helper()
		if got := o.dump("Contact"); len(got) != 1 || !strings.Contains(got[0], "Value__c="+want) {
			t.Errorf("%s: the contact is %q, want the value %s", when, got, want)
		}
	}
	run("a@x.org,A,1\na@x.org,A,2\na@x.org,A,1\n")
	has("in one run", "1")
	run("a@x.org,A,2\n")
	has("changed", "2")
	run("a@x.org,A,1\n")
	has("changed back", "1")
}

func TestCompareStored(t *testing.T) {
	p, o := worldOf(t, `
  - object: Lead
    match: Ext__c
    fields: {Ext__c: lead, LastName: name, Value__c: {from: value, blank: null}, Company: {value: Y}}
`)
	o.add("Lead", record{"Ext__c": "l1", "LastName": "Ada", "Value__c": "old", "Company": "Y"})
	o.add("Lead", record{"Ext__c": "l2", "LastName": "Bob", "Company": "Y"})
	var seen []string
	o.refuse = func(_ string, rec record) *sink.Error { seen = append(seen, fmt.Sprint(len(rec))); return nil }
	_, d := play(t, p, o, "lead,name,value\nl1,Ada,new\nl2,Bob,\nl3,Cy,1\nl1,Ada,new\n", func(opt *pipeline.Options) { opt.CompareStored = true })
	wantLines(t, "outcomes", strings.Split(strings.TrimSpace(outcomes(t, d)), "\n"),
		[]string{"2 lead updated", "3 lead unchanged", "4 lead created", "5 lead unchanged"})
	if o.sent != 2 {
		t.Errorf("%d records sent", o.sent)
	}
	for _, rec := range o.objects["Lead"] {
		if rec["Ext__c"] == "l1" && (rec["Value__c"] != "new" || rec["LastName"] != "Ada") {
			t.Errorf("the record is %v", rec)
		}
	}
}

// What a run found the org to hold already is what it holds, whatever it accepted before.
func TestChangedOnlyAfterCompareStored(t *testing.T) {
	p, o := worldOf(t, `
  - {object: Lead, match: Ext__c, fields: {Ext__c: lead, LastName: name, Company: {value: Y}}}
`)
	dir := t.TempDir()
	run := func(row string, edit func(*pipeline.Options)) int64 {
		keep, done := changedOnly(t, dir, false)
		defer done()
		res, _ := play(t, p, o, "lead,name\n"+row+"\n", func(opt *pipeline.Options) { keep(opt); edit(opt) })
		return res.Targets[0].Unchanged
	}
	sent := func(o *pipeline.Options) { o.ChangedOnly = true }
	org := func(o *pipeline.Options) { o.CompareStored = true }
	run("1,Ada", sent)
	for _, lead := range o.objects["Lead"] {
		lead["LastName"] = "Bob" // by somebody else
	}
	if run("1,Bob", org) != 1 || run("1,Ada", sent) != 0 {
		t.Errorf("the org holds %q, want Ada", o.dump("Lead"))
	}
	if run("1,Ada", org) != 1 || run("1,Ada", sent) != 1 {
		t.Errorf("a record that holds what was sent was sent again")
	}
}

// However rows change, fail, repeat and get lost from run to run, the org ends up with what the last row of each
// key says, as it would without fingerprints.
func TestChangedOnlyIsTheSameAsAll(t *testing.T) {
	for seed := range uint64(25) { // each takes some fsyncs
		rng := rand.New(rand.NewPCG(seed, 1))
		const targets = `
  - object: Lead
    match: Ext__c
    fields: {Ext__c: lead, LastName: name, Value__c: {from: value, blank: null}, Company: {value: Y}}
`
		p, o := worldOf(t, targets)
		_, all := worldOf(t, targets)
		dir := t.TempDir()
		for range 1 + rng.IntN(4) {
			rows := "lead,name,value\n"
			for range 1 + rng.IntN(12) {
				rows += fmt.Sprintf("k%d,N,%s\n", rng.IntN(6), []string{"", "a", "b"}[rng.IntN(3)])
			}
			lose := rng.IntN(4)
			o.after = func(int) error {
				if lose--; lose == 0 {
					return errLost
				}
				return nil
			}
			edit, done := changedOnly(t, dir, rng.IntN(2) == 0)
			play(t, p, o, rows, func(opt *pipeline.Options) { edit(opt); opt.Ledger = nil })
			done()
			o.after = nil
			play(t, p, all, rows, func(opt *pipeline.Options) { opt.Ledger = nil })
			state := func(w *world) string {
				var lines []string
				for _, rec := range w.objects["Lead"] {
					lines = append(lines, fmt.Sprint(rec["Ext__c"], " ", rec["LastName"], " ", rec["Value__c"]))
				}
				sortLines(lines, func(s string) string { return s })
				return strings.Join(lines, "\n")
			}
			if got, want := state(o), state(all); got != want {
				t.Fatalf("seed %d, with fingerprints:\n%s\nwithout:\n%s\nrows:\n%s", seed, got, want, rows)
			}
		}
	}
}
