package pipeline_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/mapping"
	"sfsync/pipeline"
)

// rivalKinds are targets that write one object and match it by different fields, if at all. %s is the rest of their
// fields.
var rivalKinds = []struct{ match, fields string }{
	{"match: Email", "Email: email, LastName: last, Company: company"},
	{"match: Ext__c", "Ext__c: ext, LastName: {value: N}, Company: {value: C}"},
	{"match: [Ext__c, Email]", "Ext__c: ext, Email: email, LastName: {value: N}, Company: {value: C}"},
	{"match: [[LastName, Company]]", "LastName: last, Company: company"},
	{"match: Id, operation: update", "Id: id"},
	{"match: Email, operation: insert", "Email: email, LastName: last, Company: company"},
	{"operation: insert", "Email: email, Ext__c: ext, LastName: last, Company: company"},
	{"match: Ext__c, operation: update", "Ext__c: ext"},
	{"match: Email, operation: delete", "Email: email"},
}

// rivalExtras are fields that a target may send besides; some are what others are matched by.
var rivalExtras = []string{"Email: email", "Ext__c: ext", "LastName: last", "Value__c: value", "Title: value", "City: {from: value, only_if: empty}", "Country: {from: value, default: D}"}

// rivalTargets draws the targets of a mapping.
func rivalTargets(rt *rapid.T) string {
	var b strings.Builder
	chosen := rapid.SliceOfNDistinct(rapid.IntRange(0, len(rivalKinds)-1), 2, 3, rapid.ID).Draw(rt, "targets")
	sharing := rapid.Bool().Draw(rt, "rows for all")
	for i, n := range chosen {
		k := rivalKinds[n]
		fields := k.fields
		if !strings.Contains(k.match, "delete") {
			for _, x := range rapid.SliceOfNDistinct(rapid.SampledFrom(rivalExtras), 0, 4, rapid.ID).Draw(rt, "fields") {
				name, _, _ := strings.Cut(x, ":")
				if !strings.Contains(fields, name+":") {
					fields += ", " + x
				}
			}
		}
		when := ""
		if !sharing {
			when = fmt.Sprintf(", when: 'kind == \"%d\"'", i)
		}
		fmt.Fprintf(&b, "- {object: Lead, name: t%d, %s%s, fields: {%s}}\n", i, k.match, when, fields)
	}
	return b.String()
}

// rivalRows draws rows that often mean the same people, by other fields.
func rivalRows(rt *rapid.T, ids []string) []string {
	some := func(name, prefix string, n int) string {
		if i := rapid.IntRange(0, n).Draw(rt, name); i > 0 {
			return fmt.Sprint(prefix, i)
		}
		return ""
	}
	rows := make([]string, rapid.IntRange(1, 14).Draw(rt, "rows"))
	for i := range rows {
		mail := some("email", "p", 6)
		if mail != "" {
			mail += "@x.org"
		}
		rows[i] = fmt.Sprintf("%d,%s,%s,%s,%s,%s,v%d\n", rapid.IntRange(0, 2).Draw(rt, "kind"), rapid.SampledFrom(ids).Draw(rt, "id"),
			mail, some("ext", "e", 6), rapid.SampledFrom([]string{"N", "M"}).Draw(rt, "last"), rapid.SampledFrom([]string{"C", "D"}).Draw(rt, "company"), i)
	}
	return rows
}

const rivalHeader = "kind,id,email,ext,last,company,value\n"

// TestRivalTargets runs mappings whose targets write one object and match it by different fields. The org is in the
// end as if every row had been a run of its own, in file order, and so is the report.
func TestRivalTargets(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p, first := worldOf(t, rivalTargets(rt))
		org, apart := newWorld(t, first.schema), newWorld(t, first.schema)
		var ids []string
		for i := range 6 {
			mail, ext := rapid.IntRange(0, 6).Draw(rt, "email"), rapid.IntRange(0, 6).Draw(rt, "ext")
			for _, o := range []*world{org, apart} {
				fields := record{"LastName": "Old", "Company": fmt.Sprint("C", i)}
				if mail > 0 {
					fields["Email"] = fmt.Sprintf("P%d@x.org", mail)
				}
				if ext > 0 && i < 3 {
					fields["Ext__c"] = fmt.Sprint("e", 2*i+ext%2)
				}
				id := o.add("Lead", fields)
				if o == org {
					ids = append(ids, id)
				}
			}
		}
		rows := rivalRows(rt, ids)
		var want strings.Builder
		for i, row := range rows {
			dir := alone(t, p, apart, rivalHeader+row)
			for line := range strings.Lines(outcomes(t, dir)) {
				fmt.Fprintf(&want, "%d%s", i+2, strings.TrimPrefix(line, "2"))
			}
		}
		org.limits.Records = rapid.SampledFrom([]int{1, 3, 1000}).Draw(rt, "records")
		org.before = func(call int) error {
			for range call * 7919 % 50 {
				runtime.Gosched() // so that answers overtake each other
			}
			return nil
		}
		_, dir := play(t, p, org, rivalHeader+strings.Join(rows, ""), workersOf(rapid.IntRange(1, 4).Draw(rt, "workers")))
		if d := cmp.Diff(apart.dump("Lead"), org.dump("Lead")); d != "" {
			rt.Errorf("the org (-row by row +together):\n%s", d)
		}
		// A row that brings nothing new is sent all the same if the row before it told the id.
		alike := strings.NewReplacer(" unchanged", " updated")
		if d := cmp.Diff(alike.Replace(want.String()), alike.Replace(outcomes(t, dir))); d != "" {
			rt.Errorf("the report (-row by row +together):\n%s", d)
		}
	})
}

// alone runs a plan over the rows of a CSV as play does, but without a ledger, which takes most of its time.
func alone(t testing.TB, p *mapping.Plan, o *world, rows string) string {
	t.Helper()
	opt, dir := optionsOf(t, p, o, rows)
	defer opt.Rows.Close()
	opt.Workers = 1
	if _, err := pipeline.Run(t.Context(), opt); err != nil {
		t.Fatal(err)
	}
	return dir
}
