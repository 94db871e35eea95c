package lookup

import (
	"strings"
	"testing"
)

// Keys come folded: letters may be lower case whatever they are.
func TestLiterals(t *testing.T) {
	for _, c := range []struct {
		field Field
		key   string
		want  string // "" where no record can hold the key
	}{
		{Field{}, "it's", `'it\'s'`},
		{Field{}, "", ""},
		{Field{}, "\xff", ""},
		{Field{Length: 3}, "äöü", `'äöü'`},
		{Field{Length: 3}, "abcd", ""},
		{Field{}, strings.Repeat("x", maxLiteral+1), ""},
		{Field{Kind: ID}, "00Q000000000001AAA", "'00Q000000000001AAA'"},
		{Field{Kind: ID}, "00Q000000000001", "'00Q000000000001'"},
		{Field{Kind: ID}, "00Q'", ""},
		{Field{Kind: ID}, "00Q00000000000é", ""},
		{Field{Kind: Number}, "12", "12"},
		{Field{Kind: Number}, "12.50", "12.5"},
		{Field{Kind: Number}, "-1.2345678e7", "-12345678"},
		{Field{Kind: Number}, "1e-3", "0.001"},
		{Field{Kind: Number}, "1e300", ""},
		{Field{Kind: Number}, "1e-300", ""},
		{Field{Kind: Number}, "1 or 1", ""},
		{Field{Kind: Number}, "007", ""},
		{Field{Kind: Number}, strings.Repeat("9", 41), ""},
		{Field{Kind: Bool}, "true", "true"},
		{Field{Kind: Bool}, "FALSE", "false"},
		{Field{Kind: Bool}, "yes", ""},
		{Field{Kind: Date}, "2026-11-21", "2026-11-21"},
		{Field{Kind: Date}, "2026-02-30", ""},
		{Field{Kind: Date}, "today", ""},
		{Field{Kind: DateTime}, "2026-11-21t10:00:00z", "2026-11-21T10:00:00.000Z"},
		{Field{Kind: DateTime}, "2026-11-21t10:00:00.123+02:00", "2026-11-21T08:00:00.123Z"},
		{Field{Kind: DateTime}, "2026-11-21t10:00:00.000+0000", "2026-11-21T10:00:00.000Z"},
		{Field{Kind: DateTime}, "2026-11-21", ""},
		{Field{Kind: Time}, "10:00:00.000z", "10:00:00.000Z"},
		{Field{Kind: Time}, "10:00", ""},
	} {
		got, ok := c.field.literal(c.key)
		if !ok {
			got = ""
		}
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%d %q: %q, %t, want %q", c.field.Kind, c.key, got, ok, c.want)
		}
		if n := len(encode(got)); ok && n > c.field.size(c.key) {
			t.Errorf("%d %q: %d bytes in a URL, at most %d were expected", c.field.Kind, c.key, n, c.field.size(c.key))
		}
	}
}

// What the org answers is the key that was asked for, however either is written.
func TestCanonical(t *testing.T) {
	for _, c := range []struct {
		kind       Kind
		key, found string
	}{
		{Number, "12", "12.0"},
		{Number, "12345678.00", "1.2345678E7"},
		{Number, "0.10", "1e-1"},
		{Number, "-0", "0.0"},
		{Bool, "true", "true"},
		{Date, "2026-11-21", "2026-11-21"},
		{DateTime, "2026-11-21t12:00:00+02:00", "2026-11-21t10:00:00.000+0000"},
		{Time, "10:00:00z", "10:00:00.000z"},
		{ID, "00Q000000000001AAA", "00Q000000000001AAA"},
		{Text, "12.0", "12.0"},
	} {
		f := Field{Kind: c.kind}
		if a, b := f.Canonical(c.key), f.Canonical(c.found); a != b {
			t.Errorf("%d: %q is %q, %q is %q", c.kind, c.key, a, c.found, b)
		}
	}
	if f := (Field{}); f.Canonical("12") == f.Canonical("12.0") {
		t.Error("texts are compared as they are")
	}
}

// FuzzLiteral: whatever the key, a literal of a kind that has no quotes is of that kind's characters
// only.
func FuzzLiteral(f *testing.F) {
	for _, s := range []string{"1", "1e5", "true", "2026-11-21", "2026-11-21t10:00:00z", "10:00:00", "1) OR (Id != null", "null", "LAST_N_DAYS:3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, key string) {
		for k := ID; k < unknown; k++ {
			f := Field{Kind: k}
			f.Canonical(key)
			lit, ok := f.literal(key)
			if !ok {
				continue
			}
			allowed := "0123456789-.:TZ"
			switch k {
			case ID:
				lit = strings.Trim(lit, "'")
				allowed += "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			case Bool:
				allowed = "truefals"
			}
			if lit == "" || strings.Trim(lit, allowed) != "" || len(lit) > maxNumber {
				t.Fatalf("kind %d: %q becomes %q", k, key, lit)
			}
		}
	})
}
