package lacking

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline/internal/plantest"
	"sfsync/pipeline/row"
)

// TestBlanks: only records that are sent, may be there, and may be created count. A row that refers to
// no parent makes none.
func TestBlanks(t *testing.T) {
	t.Parallel()
	p, _ := plantest.Compile(t, `
objects:
  Account:
    fields:
      Ext__c: {type: string, length: 40, externalId: true, unique: true}
  Lead:
    fields:
      Ext__c: {type: string, length: 40, externalId: true, unique: true}
      Score__c: {type: double, precision: 5, scale: 0}
`, `
version: 1
name: m
targets:
  - {object: Lead, name: new, operation: insert, fields: {LastName: name, Company: firm}}
  - {object: Lead, name: known, operation: update, match: Ext__c, fields: {Ext__c: id, LastName: name}}
  - object: Lead
    name: lead
    match: Ext__c
    fields: {Ext__c: id, LastName: name, Company: {from: firm, default: n/a}, Score__c: score}
  - object: Contact
    name: person
    match: Email
    fields:
      Email: {from: email}
      LastName: {from: name}
      AccountId: {lookup: Account.Ext__c, from: firm, create: true, fields: {Name: title}}
`)
	b := row.New(row.NewSchema(row.Column{Name: "id"}, row.Column{Name: "name"}, row.Column{Name: "firm"}, row.Column{Name: "title"}, row.Column{Name: "score"}, row.Column{Name: "email"}))
	for i, cells := range [][6]string{
		{"1", "One", "f", "Firm", "1", "a@x.org"},
		{"2", "", "", "", "2", "b@x.org"},
		{"3", "", "g", "", "many", "c@x.org"}, // the lead fails by its score
		{"4", "", "g", "", "4", "d@x.org"},
	} {
		b.AddRow(int64(i + 2))
		for c, text := range cells {
			b.Set(i, c, row.Text, text)
		}
	}
	q := NewBlanks(p)
	q.Add(p.NewMapper(&row.Pool{}).Map(b), "in.csv")
	want := []Blank{
		{"lead", "LastName", 2, "in.csv", 3},
		{"person", "LastName", 3, "in.csv", 3},
		{"person.AccountId", "Name", 2, "in.csv", 4},
	}
	if d := cmp.Diff(want, q.List()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
