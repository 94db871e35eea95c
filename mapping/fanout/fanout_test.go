package fanout_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/mapping"
	"sfsync/mapping/event"
	"sfsync/mapping/fanout"
	"sfsync/mapping/schema"
)

func parse(t *testing.T, yaml string) *mapping.File {
	t.Helper()
	f, _, err := mapping.Parse("m.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const lead = `version: 1
source: {events: rudderstack}
targets:
  - object: Lead
    match: Email
    fields:
      Email: traits.email
      LastName: {from: traits.lastName, default: n/a}
      Company: {from: traits.company, default: n/a, default_on: always}
      Title: {from: traits.title, only_if: empty}
    rest: custom
    missing: ignore
  - object: Contact
    when: false
    match: Email
    fields: {Email: traits.email, LastName: traits.lastName}
`

// shape is what the tests look at of a target.
func shape(t *mapping.Target) string {
	var b strings.Builder
	b.WriteString(t.Name.Value + " " + string(t.Operation) + " " + t.Object.Value)
	for _, k := range t.Keys {
		b.WriteString(" by " + k[0].Value)
	}
	for _, r := range t.Fields {
		b.WriteString(" " + r.Field.Value)
		if r.Default != nil {
			b.WriteString("=" + r.Default.Value)
		}
		if r.OnlyIfEmpty {
			b.WriteString("?")
		}
	}
	return b.String() + " rest " + t.Rest
}

func TestApply(t *testing.T) {
	t.Parallel()
	f := parse(t, lead)
	before := len(f.Targets)
	entries := []event.Entry{
		{Object: "LEAD", Nth: 1},
		{Object: "Lead", New: true, Nth: 1},
		{Object: "lead", Field: "email", Nth: 1},
		{Object: "lead", Field: "id", Nth: 1},
		{Object: "contact", Nth: 2},
		{Object: "Case", Field: "CaseNumber", Nth: 1},
		{Object: "Acount", Nth: 1},
		{Object: "Account", Field: "nme", Nth: 1},
		{Object: "Account", Field: "Description", Nth: 1},
		{Object: "Account", New: true, Nth: 1},
	}
	got := fanout.Apply(f, entries, schema.Standard())
	var shapes, refused []string
	for _, x := range got.Targets {
		shapes = append(shapes, shape(x))
	}
	for _, e := range got.Source.Entries {
		if e.Refused != "" {
			refused = append(refused, e.Column())
		}
	}
	want := []string{
		"lead upsert Lead by Email Email LastName=n/a Company=n/a Title? rest custom", // and no contact: nothing reaches it
		"Salesforce-Lead update Lead by Id Id Email LastName Company=n/a Title? rest custom",
		"Salesforce-Lead:new insert Lead Email LastName=n/a Company=n/a Title rest custom",
		"Salesforce-Lead.Email upsert Lead by Email Email LastName=n/a Company=n/a Title? rest custom",
		"Salesforce-Lead.Id upsert Lead by Id Id Email LastName Company=n/a Title? rest custom",
		"Salesforce-Contact:2 update Contact by Id Id Email LastName rest ignore",
		"Salesforce-Account:new insert Account rest fields",
	}
	if d := cmp.Diff(want, shapes); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"Salesforce-Case.CaseNumber", "Salesforce-Acount", "Salesforce-Account.nme", "Salesforce-Account.Description"}, refused); d != "" {
		t.Error(d)
	}
	if len(f.Targets) != before || f.Source.Entries != nil || shape(f.Targets[0]) != want[0] || entries[0].Object != "LEAD" {
		t.Error("the mapping itself was changed")
	}
	if _, found, err := mapping.Compile(got, schema.Standard()); err != nil {
		t.Error(found)
	}
}

// TestWhatEventsNameNeverBreaksAMapping: whatever objects and fields events name, a mapping that
// compiles by itself compiles with the targets made of them, each entry has one or is refused, and
// no two have one name.
func TestWhatEventsNameNeverBreaksAMapping(t *testing.T) {
	t.Parallel()
	s := schema.Standard()
	names := s.Names()
	files := []*mapping.File{parse(t, lead), parse(t, "version: 1\npreset: rudderstack-lead\n"), parse(t, "version: 1\npreset: rudderstack-contact\n")}
	rapid.Check(t, func(t *rapid.T) {
		object := rapid.Custom(func(t *rapid.T) event.Entry {
			e := event.Entry{Object: rapid.SampledFrom(names).Draw(t, "object"), Nth: rapid.IntRange(1, event.MaxOfOne).Draw(t, "nth")}
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				e.New = true
			case 1:
				if fields := s.Object(e.Object).FieldNames(); len(fields) > 0 {
					e.Field = rapid.SampledFrom(fields).Draw(t, "field")
				}
			case 2:
				e.Object = rapid.StringMatching(`[A-Za-z_0-9]{1,12}`).Draw(t, "no object")
			}
			if rapid.Bool().Draw(t, "lower case") {
				e.Object, e.Field = strings.ToLower(e.Object), strings.ToLower(e.Field)
			}
			return e
		})
		same := func(e event.Entry) string { return strings.ToLower(e.Column()) }
		entries := rapid.SliceOfNDistinct(object, 1, 5, same).Draw(t, "entries")
		f := fanout.Apply(rapid.SampledFrom(files).Draw(t, "mapping"), entries, s)
		if _, found, err := mapping.Compile(f, s); err != nil {
			t.Fatal(found)
		}
		targets := map[string]bool{}
		for _, x := range f.Targets {
			if targets[x.Name.Value] {
				t.Fatalf("two targets %s", x.Name.Value)
			}
			targets[x.Name.Value] = true
		}
		for i := range f.Source.Entries {
			e := &f.Source.Entries[i]
			if targets[e.Column()] == (e.Refused != "") {
				t.Fatalf("%s: refused %q, target %v", e.Column(), e.Refused, targets[e.Column()])
			}
			if same(*e) != same(entries[i]) {
				t.Fatalf("%+v became %+v", entries[i], e)
			}
		}
	})
}

func TestApplyLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	rows := parse(t, "version: 1\ntargets: [{object: Lead, operation: insert, fields: {LastName: l, Company: c}}]\n")
	if got := fanout.Apply(rows, []event.Entry{{Object: "Lead", Nth: 1}}, schema.Standard()); got != rows {
		t.Error("rows that are no events have no entries")
	}
	redirect := parse(t, strings.Replace(lead, "match: Email\n", "match: Email\n    on_converted: contact\n", 1))
	got := fanout.Apply(redirect, []event.Entry{{Object: "Lead", Nth: 1}}, schema.Standard())
	if len(got.Targets) != 3 || got.Targets[1].Name.Value != "contact" {
		t.Errorf("a target that another names went away: %d targets", len(got.Targets))
	}
	if c := got.Targets[2].OnConverted.Value; c != "fail" {
		t.Errorf("on_converted of the copy is %q", c)
	}
	// What is wrong with the mapping itself is not the entries' fault, also in what would be left out.
	for _, name := range []string{"Title:", "LastName: traits.lastName}"} {
		wrong := parse(t, strings.Replace(lead, name, "X"+name, 1))
		if got := fanout.Apply(wrong, []event.Entry{{Object: "Account", Nth: 1}}, schema.Standard()); got != wrong {
			t.Errorf("a mapping with X%s was changed", name)
		}
	}
}

func TestObjectsAndTracks(t *testing.T) {
	t.Parallel()
	got := fanout.Objects([]event.Entry{{Object: "Lead"}, {Object: "lead", New: true}, {Object: "Case"}})
	if d := cmp.Diff([]string{"Lead", "Case"}, got); d != "" {
		t.Error(d)
	}
	f := parse(t, `version: 1
source: {events: rudderstack}
targets:
  - {name: a, object: Lead, match: Email, track: Sale, operation: update, fields: {Email: traits.email}}
  - {name: b, object: Contact, match: Email, track: Sale, operation: update, fields: {Email: traits.email}}
  - {name: c, object: Account, operation: insert, fields: {Name: traits.name}}
`)
	if d := cmp.Diff([]string{"Sale"}, fanout.Tracks(f)); d != "" {
		t.Error(d)
	}
}
