package catalog

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sfsync/mapping/schema"
)

// testCatalog has one object with a field of each type.
func testCatalog() *Catalog {
	types := []schema.Type{
		schema.String, schema.Boolean, schema.Int, schema.Double, schema.Currency, schema.Percent, schema.Date, schema.DateTime, schema.Time,
		schema.Email, schema.Phone, schema.URL, schema.TextArea, schema.Picklist, schema.MultiPicklist, schema.Combobox, schema.EncryptedString,
	}
	o := &schema.Object{Name: "Thing__c", Label: "Thing", KeyPrefix: "a00", Createable: true, Updateable: true, Queryable: true, Fields: []*schema.Field{
		{Name: "Id", Label: "Record ID", Type: schema.ID, Length: 18, DefaultedOnCreate: true, IDLookup: true},
		{Name: "Key__c", Label: "Key", Type: schema.String, Length: 20, Nillable: true, Createable: true, Updateable: true, ExternalID: true, Unique: true},
		{
			Name: "Parent__c", Label: "Parent", Type: schema.Reference, Length: 18, Nillable: true, Createable: true, Updateable: true,
			ReferenceTo: []string{"Thing__c"}, RelationshipName: "Parent__r",
		},
	}}
	for _, t := range types {
		f := &schema.Field{Name: string(t) + "__c", Label: string(t), Type: t, Nillable: t != schema.Boolean, Createable: true, Updateable: true}
		switch {
		case t == schema.Int:
			f.Digits = 8
		case t == schema.Double || t == schema.Currency || t == schema.Percent:
			f.Precision, f.Scale = 10, 2
		case Textual(t):
			f.Length = 40
		}
		if t == schema.Picklist || t == schema.MultiPicklist {
			f.RestrictedPicklist = true
			f.Picklist = []schema.PicklistValue{{Value: "Red", Active: true}, {Value: "Green", Active: true}, {Value: "Old"}}
		}
		o.Fields = append(o.Fields, f)
	}
	return New([]Definition{{o, time.Unix(0, 0)}})
}

func TestID18(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in, out string
		ok      bool
	}{
		{"001ak00000OQTie", "001ak00000OQTieAAH", true}, // a recorded id
		{"001ak00000OQTieAAH", "001ak00000OQTieAAH", true},
		{"001AK00000OQTieAAH", "001AK00000OQTieAAH", false}, // another case
		{"001ak00000OQTi", "001ak00000OQTi", false},
		{"001ak00000OQTi-", "001ak00000OQTi-", false},
		{"", "", false},
	}
	for _, tt := range tests {
		if out, ok := NormalID(tt.in); out != tt.out || ok != tt.ok {
			t.Errorf("NormalID(%q) = %q, %v; want %q, %v", tt.in, out, ok, tt.out, tt.ok)
		}
	}
	if a, b := MakeID("00Q", "abc", 61), MakeID("00Q", "abc", 62); a[:15] != "00Qabc00000000z" || b[:15] != "00Qabc000000010" || a >= b {
		t.Errorf("MakeID: %s, %s", a, b)
	}
}

func TestEmail(t *testing.T) {
	t.Parallel()
	good := []string{"a@b.de", "first.last+tag@sub.example.co.uk", "o'neil@example.com", "x_y-z@ex-ample.org", "1@2.com", "ä@b.de", "a@bücher.example"}
	bad := []string{"", "a", "a@b", "@b.de", "a@", "a@@b.de", ".a@b.de", "a.@b.de", "a..b@c.de", "a b@c.de", "a@b..de", "a@-b.de", "a@b-.de", "a@b.de ", "€@b.de", "a,b@c.de", "a@b_c.de", strings.Repeat("a", 65) + "@b.de"}
	for _, s := range good {
		if !validEmail(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range bad {
		if validEmail(s) {
			t.Errorf("%q is accepted", s)
		}
	}
}

// Rounding is that of decimal arithmetic: never further from the number than half a unit of
// the last place, and doing it again changes nothing.
func TestRounding(t *testing.T) {
	t.Parallel()
	f := testCatalog().Object("Thing__c").Field("double__c")
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.Int64Range(-9_999_999_999, 9_999_999_999).Draw(t, "ten-thousandths")
		v := float64(units) / 10_000
		got, err := f.fromNumber(trimNumber(units), "VALUE_STRING")
		if err != nil {
			t.Fatal(err)
		}
		r := got.(float64)
		want := math.Round(float64(units)/100) / 100
		if r != want || math.Abs(r-v) > 0.0051 {
			t.Fatalf("%s is rounded to %v, want %v", trimNumber(units), r, want)
		}
	})
}

// trimNumber writes n ten-thousandths as a decimal.
func trimNumber(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	frac := n % 10_000
	return sign + itoa(n/10_000) + "." + string([]byte{'0' + byte(frac/1000), '0' + byte(frac/100%10), '0' + byte(frac/10%10), '0' + byte(frac%10)})
}

func itoa(n int64) string {
	if n < 10 {
		return string([]byte{'0' + byte(n)})
	}
	return itoa(n/10) + string([]byte{'0' + byte(n%10)})
}

// Whatever a body holds, reading it ends in records or in an error of Salesforce's, and what
// is read is fit to be stored.
func FuzzParseRecords(f *testing.F) {
	for _, seed := range []string{
		`{"allOrNone":true,"records":[{"attributes":{"type":"Thing__c"},"Key__c":"a","int__c":1,"double__c":"1e-5","boolean__c":false}]}`,
		`{"records":[{"date__c":"2026-11-21","attributes":{"type":"thing__C"},"datetime__c":"2026-11-21T00:00:00Z","time__c":"10:00:00Z"}]}`,
		`{"records":[{"attributes":{"type":"Thing__c"},"Parent__r":{"Key__c":"x"},"multipicklist__c":"red;GREEN;red","email__c":"a@b.de"}]}`,
		`{"records":[{"attributes":{"type":"Thing__c"},"string__c":"\ud83c\udf88 \u0000","Id":"a00000000000001AAA","id":null}]}`,
		`{"records":[{"attributes":5,"Parent__r":{"attributes":{"type":"Thing__c"},"Id":"x"}}]}`, `{"records":`, `[[[[[`, `{"records":[null,1,"a",[]]}`,
		`{"records":[{"attributes":{"type":"Thing__c"},"double__c":1e999999999,"int__c":-0.0,"currency__c":99999999.995}]}`,
	} {
		f.Add([]byte(seed))
	}
	c := testCatalog()
	f.Fuzz(func(t *testing.T, body []byte) {
		out, err := c.ParseRecords(body, Options{Max: 20})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Code == "" || e.Message == "" {
				t.Fatalf("error %v", err)
			}
			return
		}
		if len(out.Records) == 0 || len(out.Records) > 20 {
			t.Fatalf("%d records", len(out.Records))
		}
		for _, r := range out.Records {
			seen := map[*Field]bool{}
			for _, cell := range r.Cells {
				if seen[cell.Field] {
					t.Fatalf("%s twice", cell.Field.Def.Name)
				}
				seen[cell.Field] = true
				if r.Err == nil {
					checkStored(t, cell)
				}
			}
		}
	})
}

func checkStored(t *testing.T, c Cell) {
	d := c.Field.Def
	switch v := c.Value.(type) {
	case nil:
		if d.Type == schema.Boolean {
			t.Fatal("a checkbox is null")
		}
	case string:
		if v == "" || v != strings.TrimSpace(v) || d.Length > 0 && Textual(d.Type) && d.Type != schema.MultiPicklist && utf8.RuneCountInString(v) > d.Length {
			t.Fatalf("%s holds %q", d.Name, v)
		}
	case int64:
		if d.Type == schema.Boolean && v != 0 && v != 1 || d.Type == schema.Int && (v >= 1e8 || v <= -1e8) {
			t.Fatalf("%s holds %d", d.Name, v)
		}
	case float64:
		if math.IsNaN(v) || math.Abs(v) >= 1e8 {
			t.Fatalf("%s holds %v", d.Name, v)
		}
	default:
		t.Fatalf("%s holds a %T", d.Name, v)
	}
}
