package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// planSchema is what the orgs of TestRunDoesWhatPlanSays have besides the standard objects.
const planSchema = `objects:
  Lead:
    fields:
      Ext__c: {type: string, length: 40, externalId: true, unique: true}
      Score__c: {type: double, precision: 8, scale: 2}
  Account:
    fields:
      ERP_Id__c: {type: string, length: 40, externalId: true, unique: true}
  Contact:
    fields:
      Ext__c: {type: string, length: 40, externalId: true, unique: true}
`

// dice makes mappings, records and rows. Names, keys and addresses come from few, so that rows meet
// records and each other.
type dice struct{ *rand.Rand }

func (d dice) one(of ...string) string { return of[d.IntN(len(of))] }

// maybe returns the text once in so many times, else "".
func (d dice) maybe(in int, text string) string {
	if d.IntN(in) > 0 {
		return ""
	}
	return text
}

func (d dice) key(prefix string) string { return fmt.Sprint(prefix, d.IntN(8)) }

func (d dice) email() string { return d.key("p") + "@x.org" }

func (d dice) mapping() string {
	match := d.one("Ext__c", "Email", "[Ext__c, Email]", "[[LastName, Email]]")
	operation := d.one("upsert", "upsert", "update", "insert", "delete")
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nname: any\nsource: {duplicates: %s}\ntargets:\n  - name: lead\n    object: Lead\n    operation: %s\n    match: %s\n",
		d.one("in_order", "in_order", "last", "fail"), operation, match)
	fmt.Fprintf(&b, "    on_many: %s\n", d.one("fail", "newest", "oldest", "skip"))
	converted := operation != "delete" && d.IntN(3) == 0
	switch {
	case converted:
		b.WriteString("    on_converted: contact\n")
	case operation != "delete":
		fmt.Fprintf(&b, "    on_converted: %s\n", d.one("fail", "skip"))
	}
	b.WriteString(d.maybe(3, "    when: title != \"Intern\"\n"))
	b.WriteString("    fields:\n")
	for _, rule := range []string{"Ext__c: id", "Email: email", "LastName: name"} {
		field, _, _ := strings.Cut(rule, ":")
		// A unique value that is no key may be another record's, which a plan does not look for.
		if strings.Contains(match, field) || operation != "delete" && field != "Ext__c" {
			b.WriteString("      " + rule + "\n")
		}
	}
	if operation != "delete" {
		b.WriteString("      Company: company\n")
		b.WriteString(d.one("", "      Title: title\n", "      Title: {from: title, blank: \"null\"}\n", "      Title: {from: title, only_if: empty}\n",
			"      Title: {from: title, default: Staff}\n", "      Title: {from: title, default: Staff, default_on: always}\n"))
		b.WriteString(d.maybe(2, "      Score__c: {from: score, blank: \"null\"}\n"))
		b.WriteString(d.maybe(2, "      DoNotCall: stop\n"))
	}
	if converted {
		b.WriteString("  - name: contact\n    object: Contact\n    when: false\n    operation: update\n    fields: {Title: title, Phone: score}\n")
	}
	switch d.IntN(4) {
	case 0:
		b.WriteString("  - name: account\n    object: Account\n    match: ERP_Id__c\n    when: erp != \"\"\n    fields: {ERP_Id__c: erp, Name: company}\n" +
			"  - name: person\n    object: Contact\n    match: Ext__c\n    fields: {Ext__c: id, LastName: name, AccountId: {ref: account, blank: " + d.one("leave", `"null"`, "fail") + "}}\n")
	case 1:
		b.WriteString("  - name: person\n    object: Contact\n    match: Ext__c\n    fields:\n      Ext__c: id\n      LastName: name\n" +
			"      AccountId: {lookup: Account.ERP_Id__c, from: erp" + d.one("", ", create: true, fields: {Name: company}") + "}\n")
	}
	return b.String()
}

// records are lines for seed.
func (d dice) records() string {
	var b strings.Builder
	line := func(object string, fields map[string]any, convert bool) {
		for name, v := range fields {
			if v == "" {
				delete(fields, name)
			}
		}
		text, err := json.Marshal(map[string]any{"object": object, "fields": fields, "convert": convert})
		if err != nil {
			panic(err)
		}
		b.Write(append(text, '\n'))
	}
	for i := range d.IntN(7) {
		line("Lead", map[string]any{
			"LastName": d.key("N"), "Company": "Co", "Ext__c": d.one("", fmt.Sprint("k", i)), "Email": d.one("", d.email(), d.email()),
			"Title": d.one("", "Boss"), "Score__c": d.IntN(3), "DoNotCall": d.IntN(2) == 0,
		}, d.IntN(5) == 0)
	}
	for i := range d.IntN(4) {
		line("Account", map[string]any{"Name": d.key("A"), "ERP_Id__c": fmt.Sprint("e", i)}, false)
	}
	for i := range d.IntN(4) {
		line("Contact", map[string]any{"LastName": d.key("N"), "Ext__c": fmt.Sprint("k", i)}, false)
	}
	return b.String()
}

func (d dice) rows() string {
	var b strings.Builder
	b.WriteString("id,email,name,company,title,score,stop,erp\n")
	for range 1 + d.IntN(25) {
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s,%s,%s\n", d.one("", d.key("k"), d.key("K"), d.key("k")), d.one("", d.email(), d.email(), strings.ToUpper(d.email()), d.maybe(4, "nobody")),
			d.one(d.key("N"), d.key("N"), d.key("N"), d.maybe(2, "x")), d.one("Co", "Co", "Other", ""), d.one("", "Boss", "Intern", "Staff"),
			d.one("", "1", "2.50", "0", d.maybe(3, "much")), d.one("", "true", "false"), d.one("", d.key("e"), d.key("e")))
	}
	return b.String()
}

// TestRunDoesWhatPlanSays: over mappings, records and rows of all kinds a plan writes nothing, the
// run after it does with every row what the plan said, and then every record of the org holds what
// the plan made of it, and no other has changed.
func TestRunDoesWhatPlanSays(t *testing.T) {
	t.Parallel()
	seeds := 24
	if testing.Short() {
		seeds = 8
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			d := dice{rand.New(rand.NewPCG(uint64(seed), 5))}
			w := newPlanOrg(t, planSchema)
			records, mapping, rows := d.records(), d.mapping(), d.rows()
			w.seed(records)
			before := w.records()
			args := []string{w.write("rows.csv", rows)}
			path := w.write("mapping.yaml", mapping)
			p := w.plan(path, args...)
			ran, s := w.run(path, args...)
			compare(t, p, ran)
			if p.summary.Rows != s.Rows {
				t.Errorf("planned %+v, ran %+v", p.summary.Rows, s.Rows)
			}
			w.foretold(p, ran, before)
			if t.Failed() {
				t.Logf("seed %d\n%s\n%s\n%s\n%s", seed, mapping, records, rows, p.text)
			}
		})
	}
}

// foretold checks that the org holds what it held before with what the plan said on top. The run
// tells the ids of new records. Rows of one key are written in file order; of rows that come to one
// record by different keys nobody says which is the last, so their values are not compared.
func (w *planOrg) foretold(p planned, ran map[place]ranRow, before map[string]map[string]string) {
	w.t.Helper()
	want := make(map[string]map[string]any)
	for _, recs := range before {
		for id, text := range recs {
			want[id] = fieldsOf(w.t, text)
		}
	}
	deleted, keys, open := make(map[string]bool), make(map[string]string), make(map[string]bool)
	for _, l := range p.lines {
		id := ran[place{l.File, l.Line, l.Target}].ID
		key := strings.ToLower(fmt.Sprintf("%s", l.Match))
		open[id] = open[id] || keys[id] != "" && keys[id] != key
		keys[id] = key
		switch l.Action {
		case "create", "update":
			if want[id] == nil {
				want[id] = make(map[string]any)
			}
			for name, value := range l.Fields {
				want[id][name] = w.value(value, place{l.File, l.Line, ""}, ran)
			}
		case "delete":
			deleted[id] = true
		}
	}
	after := make(map[string]map[string]any)
	for _, recs := range w.records() {
		for id, text := range recs {
			after[id] = fieldsOf(w.t, text)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(after)) {
		if want[id] == nil {
			w.t.Errorf("there is a record that the plan did not make: %v", after[id])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		got := after[id]
		if (got == nil) != deleted[id] {
			w.t.Errorf("record %s: deleted %v, in the org %v", id, deleted[id], got)
			continue
		}
		for name, value := range want[id] {
			if got != nil && got[name] != value && !open[id] {
				w.t.Errorf("record %s: %s is %v, the plan said %v", id, name, got[name], value)
			}
		}
	}
}

// fieldsOf reads a record without what every write changes.
func fieldsOf(t *testing.T, text string) map[string]any {
	t.Helper()
	var rec map[string]any
	if err := json.Unmarshal([]byte(text), &rec); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"attributes", "LastModifiedDate", "SystemModstamp", "LastViewedDate", "LastReferencedDate", "PhotoUrl"} {
		delete(rec, name)
	}
	if _, person := rec["LastName"]; person {
		delete(rec, "Name") // made of others
	}
	return rec
}

// value reads a value of a plan; a reference to a new record is the id that the run gave it.
func (w *planOrg) value(text json.RawMessage, at place, ran map[place]ranRow) any {
	w.t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		w.t.Fatal(err)
	}
	if ref, ok := v.(map[string]any); ok {
		at.Target, _ = ref["ref"].(string)
		return ran[at].ID
	}
	return v
}
