package rules_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/sink/localorg/rules"
)

// record is a record for conditions: its values and those before.
type record struct{ now, before map[string]any }

func (r record) Value(f string) any { return r.now[f] }

func (r record) Before(f string) any {
	if r.before == nil {
		return r.now[f]
	}
	return r.before[f]
}

func (r record) New() bool { return r.before == nil }

func object() *schema.Object {
	o := &schema.Object{Name: "Thing__c"}
	for name, t := range map[string]schema.Type{
		"Name": schema.String, "Amount__c": schema.Currency, "Count__c": schema.Int, "Day__c": schema.Date, "Done__c": schema.Boolean, "Kind__c": schema.Picklist,
		"Parent__c": schema.Reference,
	} {
		o.Fields = append(o.Fields, &schema.Field{Name: name, Type: t})
	}
	o.Index()
	return o
}

// Each condition is true of the record, or false.
func TestConditions(t *testing.T) {
	t.Parallel()
	fresh := record{now: map[string]any{"Name": "Ada", "Count__c": int64(3), "Amount__c": 2.5, "Day__c": "2026-11-22", "Kind__c": "A"}}
	changed := record{
		now:    map[string]any{"Name": "Ada", "Count__c": int64(3), "Done__c": int64(1)},
		before: map[string]any{"Name": "Eva", "Count__c": int64(3), "Done__c": int64(0)},
	}
	for _, tt := range []struct {
		when string
		r    record
		want bool
	}{
		{`true`, fresh, true},
		{`ISNEW()`, fresh, true},
		{`ISNEW()`, changed, false},
		{`ISBLANK(Name)`, fresh, false},
		{`ISBLANK(Parent__c) && ISBLANK(Kind__c)`, changed, true},
		{`Name == "Ada" and not Done__c`, fresh, true},
		{`Done__c`, changed, true},
		{`Amount__c > 2`, fresh, true},
		{`Amount__c + 1 > 3.4`, fresh, true},
		{`Amount__c < 100`, changed, false}, // a blank number
		{`Amount__c * 2 >= 0`, changed, false},
		{`!(Amount__c < 100)`, changed, true},
		{`Amount__c == nil`, changed, true},
		{`Count__c == 3 && Count__c <= 3 && Count__c % 2 == 1`, fresh, true},
		{`Day__c < TODAY()`, fresh, true},
		{`Day__c < TODAY()`, changed, false},
		{`NOW() > "2026"`, fresh, true},
		{`ISCHANGED(Name)`, fresh, false},
		{`ISCHANGED(Name) && !ISCHANGED(Count__c)`, changed, true},
		{`PRIORVALUE(Name) == "Eva"`, changed, true},
		{`ISPICKVAL(Kind__c, "A")`, fresh, true},
		{`Kind__c in ["A", "B"] && Name matches "^A"`, fresh, true},
		{`len(Name) == 3 && upper(Name) + "!" == "ADA!"`, fresh, true},
	} {
		o := object()
		o.Rules.Validation = []schema.ValidationRule{{Name: "r", When: tt.when, Message: "bad", Field: "Name"}}
		s, err := rules.Compile(o)
		if err != nil {
			t.Errorf("%s: %v", tt.when, err)
			continue
		}
		want := []rules.Violation(nil)
		if tt.want {
			want = []rules.Violation{{Message: "bad", Field: "Name"}}
		}
		now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
		if d := cmp.Diff(want, s.Validate(tt.r, now)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.when, d)
		}
	}
}

// What cannot be compiled is refused with the rule and its place.
func TestCompileRefused(t *testing.T) {
	t.Parallel()
	for when, want := range map[string]string{
		`Nome == "x"`:                    "unknown name Nome",
		`ISCHANGED("Name")`:              "ISCHANGED needs the name of a field",
		`PRIORVALUE(len(Name))`:          "PRIORVALUE needs the name of a field",
		`Name ==`:                        "unexpected token",
		`FOO(Name)`:                      "unknown name FOO",
		strings.Repeat("1+", 5000) + "1": "at most 8192 bytes",
		strings.Repeat("1+", 2000) + "1": "exceeds maximum",
	} {
		o := object()
		o.Rules.Validation = []schema.ValidationRule{{Name: "r", When: when, Message: "bad", Pos: diag.Pos{File: "x.yaml", Line: 7, Column: 3}}}
		_, err := rules.Compile(o)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), `x.yaml:7:3: validation rule "r" of Thing__c: `) {
			t.Errorf("%.20s: got %v, want %s", when, err, want)
		}
	}
}

// A rule that fails on a record's values says so instead of letting the record through.
func TestRuntimeErrors(t *testing.T) {
	t.Parallel()
	for _, when := range []string{`Count__c > Name`, `Name * 2 == 1`, `Count__c / 0 == 1`, `Name`} {
		o := object()
		o.Rules.Validation = []schema.ValidationRule{{Name: "r", When: when, Message: "bad"}}
		s, err := rules.Compile(o)
		if err != nil {
			continue // found before
		}
		got := s.Validate(record{now: map[string]any{"Name": "x", "Count__c": int64(1)}}, time.Unix(0, 0))
		if len(got) != 1 || !strings.HasPrefix(got[0].Message, "The validation rule r cannot be evaluated: ") {
			t.Errorf("%s: %v", when, got)
		}
	}
}

func TestAssign(t *testing.T) {
	t.Parallel()
	o := object()
	o.Rules.Assignment = []schema.AssignmentRule{
		{ID: "01Q000000000001EAA", Name: "on", Entries: []schema.AssignmentEntry{{When: `Kind__c == "A"`, Owner: "q1"}, {When: `Count__c > 5`, Owner: "q2"}}},
		{ID: "01Q000000000002EAA", Name: "off", Inactive: true, Entries: []schema.AssignmentEntry{{Owner: "q3"}}},
	}
	s, err := rules.Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		id    string
		now   map[string]any
		owner string
		found bool
	}{
		{"", map[string]any{"Kind__c": "A"}, "q1", true},
		{"", map[string]any{"Kind__c": "B", "Count__c": int64(6)}, "q2", true},
		{"", map[string]any{"Kind__c": "B"}, "", true},
		{"01Q000000000002", nil, "q3", true},
		{"01Q000000000009AAA", nil, "", false},
	} {
		owner, found := s.Assign(tt.id, record{now: tt.now}, time.Unix(0, 0))
		if owner != tt.owner || found != tt.found {
			t.Errorf("%+v: got %q, %v", tt, owner, found)
		}
	}
	if none, err := rules.Compile(object()); none != nil || err != nil {
		t.Errorf("without rules: %v, %v", none, err)
	}
}

// Whatever an expression is, compiling it ends in an error or in a condition that can be evaluated.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`ISBLANK(Name) && ISNEW()`, `ISCHANGED(Name) || PRIORVALUE(Amount__c) > 1`, `ISPICKVAL(Kind__c, "A")`, `Day__c < TODAY() ? true : false`,
		`Name in ["a", "b"]`, `1..1000000 | map(# * 2) | len() > 3`, `let x = Name; x + x == "aa"`, `-Count__c ** 3 % 2 == 0`, `Name[0:1] == "A"`,
		`[1, "a", nil, {b: Count__c}]`, `Name contains "x" and not (Done__c)`, `Count__c ?? 3 > 2`, `repeat("a", 99999999) == ""`, `ISCHANGED(ISCHANGED(Name))`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, when string) {
		o := object()
		o.Rules.Validation = []schema.ValidationRule{{Name: "r", When: when, Message: "bad"}}
		s, err := rules.Compile(o)
		if err != nil {
			if s != nil || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v, %v", s, err)
			}
			return
		}
		for _, r := range []record{{now: map[string]any{"Name": "Ada", "Count__c": int64(3)}}, {now: map[string]any{}, before: map[string]any{"Name": "Ada"}}} {
			if got := s.Validate(r, time.Unix(0, 0)); len(got) > 1 {
				t.Fatalf("one rule gave %v", got)
			}
		}
	})
}
