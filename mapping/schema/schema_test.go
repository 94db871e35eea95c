package schema_test

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"sfsync/mapping/schema"
)

func TestID18(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"001D000000IqhSL":    "001D000000IqhSLIAZ", // the REST API guide's own example
		"000000000000000":    "000000000000000AAA",
		"00QAAAAAAAAAAAA":    "00QAAAAAAAAAAAA255",
		"00qzzzzzzzzzzzz":    "00qzzzzzzzzzzzzAAA",
		"001D000000IqhSLIAZ": "001D000000IqhSLIAZ",
		"":                   "",
		"short":              "short",
	} {
		if got := schema.ID18(in); got != want {
			t.Errorf("ID18(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestID18Tells holds that two ids that differ in case only stay apart without case.
func TestID18Tells(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.StringMatching(`[0-9A-Za-z]{15}`).Draw(t, "id")
		at := rapid.IntRange(0, 14).Draw(t, "at")
		flip := strings.ToUpper
		if unicode.IsUpper(rune(a[at])) {
			flip = strings.ToLower
		}
		b := a[:at] + flip(a[at:at+1]) + a[at+1:]
		if a != b && strings.EqualFold(schema.ID18(a), schema.ID18(b)) {
			t.Fatalf("%s and %s have the same 18 characters", a, b)
		}
	})
}

func TestFieldKeys(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		field       schema.Field
		key, unique bool
		in, folded  string
	}{
		{"an id", schema.Field{Type: schema.ID}, true, true, " 001D000000IqhSL ", "001D000000IqhSLIAZ"},
		{"a reference", schema.Field{Type: schema.Reference}, false, false, "001D000000IqhSL", "001D000000IqhSLIAZ"},
		{"a text", schema.Field{Type: schema.String}, false, false, "\tÄbc ", "äbc"},
		{"an external id", schema.Field{Type: schema.String, ExternalID: true, IDLookup: true}, true, false, "A 1", "a 1"},
		{"a unique external id", schema.Field{Type: schema.String, ExternalID: true, IDLookup: true, Unique: true}, true, true, "A", "a"},
		{"a case-sensitive one", schema.Field{Type: schema.String, ExternalID: true, Unique: true, CaseSensitive: true}, true, true, " Aa", "Aa"},
		{"an e-mail address", schema.Field{Type: schema.Email, IDLookup: true}, true, false, "Ann@Example.com", "ann@example.com"},
		{"unique, but no external id", schema.Field{Type: schema.String, Unique: true}, false, false, "", ""},
	} {
		if got := tt.field.Key(); got != tt.key {
			t.Errorf("%s: Key() = %t", tt.name, got)
		}
		if got := tt.field.UniqueKey(); got != tt.unique {
			t.Errorf("%s: UniqueKey() = %t", tt.name, got)
		}
		if got := tt.field.FoldKey(tt.in); got != tt.folded {
			t.Errorf("%s: FoldKey(%q) = %q, want %q", tt.name, tt.in, got, tt.folded)
		}
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	s := schema.New("a test")
	s.Add(&schema.Object{Name: "B__c", Fields: []*schema.Field{{Name: "Id"}}})
	s.Add(&schema.Object{Name: "A__c"})
	s.Add(&schema.Object{Name: "b__C", Fields: []*schema.Field{{Name: "Name"}}})
	if got := strings.Join(s.Names(), " "); got != "A__c b__C" {
		t.Errorf("Names() = %s", got)
	}
	if o := s.Object("B__C"); o == nil || o.Field("id") != nil || o.Field("NAME") == nil {
		t.Error("the later object of a name must take the place of the earlier one")
	}
	if s.Object("C__c") != nil {
		t.Error("an object that is not there")
	}
}
