package lacking

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping"
	"sfsync/pipeline/internal/plantest"
	"sfsync/pipeline/row"
)

func plan(t *testing.T) *mapping.Plan {
	t.Helper()
	p, _ := plantest.Compile(t, `
objects:
  Visit__c:
    fields:
      Closed__c: {type: picklist, values: [Hot, Warm]}
      Open__c: {type: picklist, restricted: false, values: [Hot, {value: Old, active: false}]}
      Tags__c: {type: multipicklist, restricted: false, values: [Red, Green]}
`, `
version: 1
name: m
targets:
  - object: Visit__c
    name: visit
    operation: insert
    fields:
      Closed__c: closed
      Open__c: open
      Tags__c: {from: tags, values: {r: Red, o: Orange}, on_unmapped: fail}
`)
	return p
}

// TestValues: what is lacking is listed by value, with how often it came.
func TestValues(t *testing.T) {
	t.Parallel()
	p := plan(t)
	b := row.New(row.NewSchema(row.Column{Name: "closed"}, row.Column{Name: "open"}, row.Column{Name: "tags"}))
	for i, cells := range [][3]string{
		{"hot", "HOT", "r"}, {"Luke", "Hot", "r"}, {"Luke", "", "r"}, {"Warm", "Old", "r"}, {"Warm", "New", "o"}, {"Warm", "New", "x"},
	} {
		b.AddRow(int64(i + 2))
		for c, text := range cells {
			b.Set(i, c, row.Text, text)
		}
	}
	v := New(p)
	v.Add(p.NewMapper(&row.Pool{}).Map(b))
	got, all := v.List()
	want := []Value{
		{"visit", "Closed__c", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", `bad value for restricted picklist field: "Luke"`, 2},
		{"visit", "Open__c", CodeOpen, `the picklist does not list "New", and takes it all the same`, 1},
		{"visit", "Open__c", CodeOpen, `the picklist does not list "Old", and takes it all the same`, 1},
		{"visit", "Tags__c", CodeOpen, `the picklist does not list "Orange", and takes it all the same`, 1},
		{"visit", "Tags__c", "UNMAPPED_VALUE", `value "x" is not in the mapping's values`, 1},
	}
	if d := cmp.Diff(want, got); d != "" || !all {
		t.Errorf("all: %v (-want +got):\n%s", all, d)
	}
}

// TestBounds: values without end take no memory without end, and the list says so.
func TestBounds(t *testing.T) {
	t.Parallel()
	p := plan(t)
	b := row.New(row.NewSchema(row.Column{Name: "closed"}))
	for i := range maxValues + 10 {
		b.AddRow(int64(i + 2))
		b.Set(i, 0, row.Text, fmt.Sprintf("v%d", i))
	}
	v := New(p)
	v.Add(p.NewMapper(&row.Pool{}).Map(b))
	if got, all := v.List(); len(got) != maxValues || all {
		t.Errorf("%d values are listed, all: %v", len(got), all)
	}
}
