package lookup

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline/row"
	"sfsync/sink"
)

// show writes matches in short: id, converted, values by kind.
func show(found [][]sink.Match) []string {
	var all []string
	for _, ms := range found {
		var b strings.Builder
		for _, m := range ms {
			fmt.Fprintf(&b, "%s", m.ID)
			if m.Converted {
				b.WriteString(" converted")
			}
			for _, c := range m.Values {
				fmt.Fprintf(&b, " %s:%s", c.Kind(), c.Text)
			}
			b.WriteByte(';')
		}
		all = append(all, b.String())
	}
	return all
}

func answers(t *testing.T, l *sink.Lookup, room int, fields []Field, rounds ...[]string) ([]string, int) {
	t.Helper()
	q, err := New(l, fields, room)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(q.Queries()); n != len(rounds) {
		t.Fatalf("%d queries, %d answers", n, len(rounds))
	}
	r := q.Records()
	for _, recs := range rounds {
		r.Next()
		for _, rec := range recs {
			r.Add([]byte(rec))
		}
	}
	l.Found = make([][]sink.Match, len(l.Keys))
	r.Fill(l.Found)
	return show(l.Found), r.Strange()
}

func TestRecords(t *testing.T) {
	l := &sink.Lookup{
		Object: "Lead", By: by("Ext__c", "Num__c"), Keys: []string{"a\x001", "b\x002", "c\x003"},
		Want: []string{"Name", "Num__c", "Active__c", "Address", "Account.ERP_Id__c", "Account.Name", "Account:What.ERP_Id__c", "Contact:What.ERP_Id__c", "Blank__c"},
	}
	got, strange := answers(t, l, 1000, []Field{{}, {Kind: Number}}, []string{
		`{"attributes":{"type":"Lead","url":"/x"},"Id":"00Q000000000001AAA","IsConverted":true,"Ext__c":"A","Num__c":1.0,"Name":"Zo\u00eb \"x\"","Active__c":false,"Address":{"city":"B"},
			"Account":{"attributes":{"type":"Account"},"ERP_Id__c":"E","Name":"N"},"What":{"attributes":{"type":"Account"},"ERP_Id__c":"W"},"Blank__c":""}`,
		`{"name":"other order and spelling","NUM__C":1,"ext__c":"a","Id":"00Q000000000002AAA","Account":null,"What":null}`,
		`{"Id":"00Q000000000003AAA","Ext__c":"b","Num__c":3}`, // the parts of two keys
		`{"Id":"00Q000000000004AAA","Ext__c":"c","Num__c":"3"}`,
		`{"Ext__c":"c","Num__c":3}`,
		`[]`, `null`, `{"Id":7}`, `{"Id":"00Q0`,
	})
	want := []string{
		`00Q000000000001AAA converted text:Zoë "x" number:1.0 bool:false json:{"city":"B"} text:E text:N text:W null: null:;` +
			`00Q000000000002AAA text:other order and spelling number:1 null: null: null: null: null: null: null:;`,
		"",
		`00Q000000000004AAA null: text:3 null: null: null: null: null: null: null:;`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if strange != 1 {
		t.Errorf("%d strange records", strange)
	}
}

// The values of one record come by several queries; one that only some of them find has changed
// meanwhile and does not count.
func TestRecordsOfSeveralQueries(t *testing.T) {
	l := &sink.Lookup{Object: "Contact", By: by("Email"), Keys: []string{"a", "b"}, Want: []string{"Field_A__c", "Field_B__c", "Field_C__c"}}
	got, _ := answers(
		t, l, 30, []Field{{}},
		[]string{`{"Id":"003000000000001AAA","Email":"A","Field_A__c":1,"Field_B__c":"x"}`, `{"Id":"003000000000002AAA","Email":"b"}`},
		[]string{`{"Id":"003000000000003AAA","Field_C__c":"new"}`, `{"Id":"003000000000001AAA","Field_C__c":true}`},
	)
	if d := cmp.Diff([]string{"003000000000001AAA number:1 text:x bool:true;", ""}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// A key that differs from what was asked for in a way that only the org's comparison passes over.
func TestKeysThatDifferByFolding(t *testing.T) {
	l := &sink.Lookup{Object: "Contact", By: []sink.KeyField{{Name: "Email"}}, Keys: []string{"ſ@x.org"}}
	if got, _ := answers(t, l, 1000, []Field{{}}, []string{`{"Id":"003000000000001AAA","Email":"S@X.org"}`}); got[0] == "" {
		t.Error("not found")
	}
}

func TestParseObject(t *testing.T) {
	o, err := ParseObject([]byte(`{"fields":[{"name":"Id","type":"id","length":18},{"name":"Ext__c","type":"string","length":40},{"name":"Day__c","type":"date","length":0},
		{"name":"AccountId","type":"reference","relationshipName":"Account","referenceTo":["Account"]},{"name":"OwnerId","type":"reference","relationshipName":"Owner","referenceTo":["Group","User"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Field{"ext__C": {Text, 40}, "Id": {Kind: ID}, "Day__c": {Kind: Date}, "accountid": {Kind: ID}, "none": {}} {
		if got := o.Field(name); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if o.Parent("account") != "Account" || o.Parent("Owner") != "Group" || o.Parent("Ext__c") != "" {
		t.Error("parents")
	}
	if _, err := ParseObject([]byte("<html>")); err == nil {
		t.Error("no JSON")
	}
}

// FuzzAdd: whatever an org sends, reading it ends, never panics, and every value is what its kind says.
func FuzzAdd(f *testing.F) {
	for _, s := range []string{
		`{"attributes":{"type":"Lead"},"Id":"00Q000000000001AAA","Ext__c":"a","Account":{"ERP_Id__c":"x"},"Num__c":1}`,
		`{"Account":[{}],"Account":{"Account":{"ERP_Id__c":{}}}}`, `{"Id":"x","Ext__c":"a","Ext__c":1`, "\xff", `[[[[`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, rec []byte) {
		l := &sink.Lookup{Object: "Lead", By: by("Ext__c"), Keys: []string{"a", ""}, Want: []string{"Num__c", "Account.ERP_Id__c", "Account.Name", "User:What.X__c"}}
		q, err := New(l, []Field{{}}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		q.Queries()
		r := q.Records()
		r.Next()
		r.Add(rec)
		l.Found = make([][]sink.Match, len(l.Keys))
		r.Fill(l.Found)
		for _, ms := range l.Found {
			for _, m := range ms {
				for _, c := range m.Values {
					if k := c.Kind(); k == row.Number && !json.Valid([]byte(c.Text)) || k == row.Null && c.Text != "" || k == row.Absent {
						t.Fatalf("%v %q", k, c.Text)
					}
				}
			}
		}
	})
}

func BenchmarkRecords(b *testing.B) {
	l := &sink.Lookup{Object: "Lead", By: by("Email")}
	rec := `{"attributes":{"type":"Lead","url":"/services/data/v66.0/sobjects/Lead/00Q000000000001AAA"},"Id":"00Q000000000001AAA","IsConverted":false,"Email":"person.00001@examples.com"`
	for i := range 20 {
		name := fmt.Sprintf("Field_%d__c", i)
		l.Want = append(l.Want, name)
		rec += fmt.Sprintf(`,"%s":"some value %d"`, name, i)
	}
	rec += "}"
	for i := range 1000 {
		l.Keys = append(l.Keys, fmt.Sprintf("person.%05d@examples.com", i))
	}
	q, err := New(l, []Field{{}}, 7500)
	if err != nil {
		b.Fatal(err)
	}
	q.Queries()
	b.ReportAllocs()
	r := q.Records()
	r.Next()
	for b.Loop() {
		r.hits = r.hits[:0]
		r.Add([]byte(rec))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
