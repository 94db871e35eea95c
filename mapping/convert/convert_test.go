package convert

import (
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// testSchema has two objects with known key prefixes and one without.
func testSchema() *schema.Schema {
	s := schema.New("test")
	s.Add(&schema.Object{Name: "Lead", KeyPrefix: "00Q"})
	s.Add(&schema.Object{Name: "User", KeyPrefix: "005"})
	s.Add(&schema.Object{Name: "Group", KeyPrefix: "00G"})
	s.Add(&schema.Object{Name: "Thing__c"})
	return s
}

func values(names ...string) []schema.PicklistValue {
	var all []schema.PicklistValue
	for _, n := range names {
		v := schema.PicklistValue{Value: n, Label: n, Active: true}
		if rest, off := strings.CutPrefix(n, "-"); off {
			v = schema.PicklistValue{Value: rest, Label: rest}
		}
		if value, label, ok := strings.Cut(n, "="); ok {
			v = schema.PicklistValue{Value: value, Label: label, Active: true}
		}
		all = append(all, v)
	}
	return all
}

// fields are the fields the tables convert for.
func fields() map[string]*schema.Field {
	return map[string]*schema.Field{
		"string":   {Name: "S", Type: schema.String, Length: 5},
		"area":     {Name: "A", Type: schema.TextArea, Length: 20},
		"phone":    {Name: "P", Type: schema.Phone, Length: 10},
		"url":      {Name: "U", Type: schema.URL, Length: 12},
		"secret":   {Name: "E", Type: schema.EncryptedString, Length: 6},
		"email":    {Name: "M", Type: schema.Email, Length: 80},
		"bool":     {Name: "B", Type: schema.Boolean},
		"int":      {Name: "I", Type: schema.Int, Digits: 8},
		"int0":     {Name: "I", Type: schema.Int},
		"long":     {Name: "L", Type: schema.Long},
		"double":   {Name: "D", Type: schema.Double, Precision: 5, Scale: 2},
		"double0":  {Name: "D", Type: schema.Double},
		"currency": {Name: "C", Type: schema.Currency, Precision: 18, Scale: 0},
		"percent":  {Name: "P", Type: schema.Percent, Precision: 3, Scale: 0},
		"date":     {Name: "D", Type: schema.Date},
		"datetime": {Name: "D", Type: schema.DateTime},
		"time":     {Name: "T", Type: schema.Time},
		"pick":     {Name: "P", Type: schema.Picklist, RestrictedPicklist: true, Picklist: values("Hot", "Warm", "-Cold", "DE=Germany", "É")},
		"open":     {Name: "O", Type: schema.Picklist, Length: 10, Picklist: values("Hot", "-Cold")},
		"empty":    {Name: "O", Type: schema.Picklist, RestrictedPicklist: true},
		"multi":    {Name: "M", Type: schema.MultiPicklist, RestrictedPicklist: true, Picklist: values("a", "B", "c d")},
		"combo":    {Name: "C", Type: schema.Combobox, Picklist: values("Call", "Email")},
		"id":       {Name: "Id", Type: schema.ID},
		"owner":    {Name: "OwnerId", Type: schema.Reference, ReferenceTo: []string{"Group", "User"}},
		"any":      {Name: "X__c", Type: schema.Reference, ReferenceTo: []string{"Lead", "Thing__c"}},
		"base64":   {Name: "B", Type: schema.Base64},
	}
}

// Words for the wanted outcome: the canonical text, null for a blank, or !CODE.
const null = "<null>"

func TestAppend(t *testing.T) {
	t.Parallel()
	const (
		typ, long, mail = "!" + CodeType, "!" + CodeTooLong, "!" + CodeEmail
		pick, many      = "!" + CodePicklist, "!" + CodeTooMany
		rng, id, char   = "!" + CodeRange, "!" + CodeID, "!" + CodeCharacter
	)
	tests := []struct{ field, in, want string }{
		{"string", "abc", "abc"},
		{"string", " a b ", "a b"},
		{"string", "", null},
		{"string", " \t\r\n", null},
		{"string", "\u00a0", null},
		{"string", "\u3000x\u00a0", "x"},
		{"string", "abcde", "abcde"},
		{"string", "abcdef", long},
		{"string", "  abcde  ", "abcde"},
		{"string", "äöüßé", "äöüßé"},
		{"string", "äöüßéx", long},
		{"string", "👍👍👍👍👍", "👍👍👍👍👍"},
		{"string", "👍👍👍👍👍👍", long},
		{"string", "a\x00b", char},
		{"string", "a\x1bb", char},
		{"string", "a\x7fb", char},
		{"string", "a\tb", "a\tb"},
		{"string", "a\nb", "a\nb"},
		{"string", "a\xffb", char},
		{"string", "\xed\xa0\x80", char},
		{"area", "line 1\r\nline 2", "line 1\r\nline 2"},
		{"area", "\n\nx\n", "x"},
		{"area", strings.Repeat("x", 20), strings.Repeat("x", 20)},
		{"area", strings.Repeat("x", 21), long},
		{"phone", "+1 555-01", "+1 555-01"},
		{"phone", "call me", "call me"},
		{"phone", "+1 555-01999", long},
		{"url", "example.com", "example.com"},
		{"url", "http://example.com/", long},
		{"secret", "s3cret", "s3cret"},
		{"secret", "s3cret!", long},

		{"email", "ada@example.com", "ada@example.com"},
		{"email", " Ada.King@Example.COM ", "Ada.King@Example.COM"},
		{"email", "a+b_c'd@sub.example.co.uk", "a+b_c'd@sub.example.co.uk"},
		{"email", "!#$%&'*/=?^_`{|}~-@x.org", "!#$%&'*/=?^_`{|}~-@x.org"},
		{"email", "ada", mail},
		{"email", "ada@", mail},
		{"email", "@example.com", mail},
		{"email", "ada@example", mail},
		{"email", "ada@@example.com", mail},
		{"email", "a@b@c.de", mail},
		{"email", "a da@example.com", mail},
		{"email", "ada@exa mple.com", mail},
		{"email", ".ada@example.com", mail},
		{"email", "ada.@example.com", mail},
		{"email", "a..da@example.com", "!INVALID_EMAIL_ADDRESS"},
		{"email", "ada@.example.com", mail},
		{"email", "ada@example.com.", mail},
		{"email", "ada@example..com", mail},
		{"email", "ada@-example.com", mail},
		{"email", "ada@example-.com", mail},
		{"email", "ada@exa_mple.com", mail},
		{"email", "ada(x)@example.com", mail},
		{"email", "<ada@example.com>", mail},
		{"email", "ada@example.com;b@c.de", mail},
		{"email", "jürgen@müller.example.de", "jürgen@müller.example.de"},
		{"email", "a€@example.com", mail},
		{"email", "", null},
		{"email", strings.Repeat("a", 64) + "@example.com", strings.Repeat("a", 64) + "@example.com"},
		{"email", strings.Repeat("a", 65) + "@example.com", mail},
		{"email", "a@" + strings.Repeat("b", 80) + ".com", long},
		{"email", "a\n@example.com", mail},
		{"email", "a\xff@example.com", "!INVALID_CHARACTER"},

		{"bool", "true", "true"},
		{"bool", "TRUE", "true"},
		{"bool", "True", "true"},
		{"bool", "1", "true"},
		{"bool", "yes", "true"},
		{"bool", " Yes ", "true"},
		{"bool", "false", "false"},
		{"bool", "0", "false"},
		{"bool", "No", "false"},
		{"bool", "FALSE", "false"},
		{"bool", "", null},
		{"bool", "y", typ},
		{"bool", "2", typ},
		{"bool", "on", typ},
		{"bool", "1.0", typ},
		{"bool", "01", typ},
		{"bool", "truthy", typ},
		{"bool", "null", typ},

		{"int", "0", "0"},
		{"int", "42", "42"},
		{"int", "-42", "-42"},
		{"int", "+42", "42"},
		{"int", "007", "7"},
		{"int", "-0", "0"},
		{"int", "3.0", "3"},
		{"int", "3.", "3"},
		{"int", "3e2", "300"},
		{"int", "1.5e1", "15"},
		{"int", "150e-1", "15"},
		{"int", "3.5", typ},
		{"int", "1e-1", typ},
		{"int", "0.0", "0"},
		{"int", "0e99", "0"},
		{"int", "99999999", "99999999"},
		{"int", "100000000", rng},
		{"int", "1e8", rng},
		{"int", "1e9999999999", rng},
		{"int", "", null},
		{"int", "x", typ},
		{"int", "1,000", typ},
		{"int", "1 000", typ},
		{"int", "0x10", typ},
		{"int", "--1", typ},
		{"int", "+", typ},
		{"int", ".", typ},
		{"int", "1e", typ},
		{"int", "1e+", typ},
		{"int", "NaN", typ},
		{"int", "Infinity", typ},
		{"int", "1_0", typ},
		{"int", "١", typ},
		{"int", "1.2.3", typ},
		{"int", strings.Repeat("1", 500), typ},
		{"int0", "2147483647", "2147483647"},
		{"int0", "2147483648", rng},
		{"int0", "-2147483648", "-2147483648"},
		{"int0", "-2147483649", rng},
		{"int0", "9999999999", rng},
		{"long", "9223372036854775807", "9223372036854775807"},
		{"long", "9223372036854775808", rng},
		{"long", "-9223372036854775808", "-9223372036854775808"},
		{"long", "-9223372036854775809", rng},
		{"long", "12345678901234567890", rng},

		{"double", "1.5", "1.5"},
		{"double", "1.50", "1.5"},
		{"double", "0001.5", "1.5"},
		{"double", ".5", "0.5"},
		{"double", "-.5", "-0.5"},
		{"double", "5.", "5"},
		{"double", "1.005", "1.01"},
		{"double", "1.004", "1"},
		{"double", "1.994999", "1.99"},
		{"double", "1.995", "2"},
		{"double", "-1.005", "-1.01"},
		{"double", "0.004", "0"},
		{"double", "-0.004", "0"},
		{"double", "0.005", "0.01"},
		{"double", "0.0049999", "0"},
		{"double", "999.99", "999.99"},
		{"double", "999.994", "999.99"},
		{"double", "999.995", rng},
		{"double", "1000", rng},
		{"double", "-1000", rng},
		{"double", "9.995", "10"},
		{"double", "1e2", "100"},
		{"double", "1E-2", "0.01"},
		{"double", "1e-3", "0"},
		{"double", "12345e-3", "12.35"},
		{"double", "0.000000000000000000001", "0"},
		{"double", "1e-9999999", "0"},
		{"double", "1e3", rng},
		{"double", "", null},
		{"double", "abc", typ},
		{"double", "1,5", typ},
		{"double", "$5", typ},
		{"double", "5%", typ},
		{"double", "-", typ},
		{"double", "e5", typ},
		{"double", "1e5x", typ},
		{"double", "true", typ},
		{"double0", "12345678901234567.123456789012345678", "12345678901234567.123456789012345678"},
		{"double0", "1e17", "100000000000000000"},
		{"double0", "1e18", rng},
		{"currency", "123456789012345678", "123456789012345678"},
		{"currency", "1234567890123456789", rng},
		{"currency", "0.5", "1"},
		{"currency", "0.4", "0"},
		{"currency", "-0.5", "-1"},
		{"percent", "100", "100"},
		{"percent", "999.4", "999"},
		{"percent", "999.5", rng},

		{"date", "2026-11-21", "2026-11-21"},
		{"date", " 2026-11-21 ", "2026-11-21"},
		{"date", "2024-02-29", "2024-02-29"},
		{"date", "2023-02-29", typ},
		{"date", "1900-02-29", typ},
		{"date", "2000-02-29", "2000-02-29"},
		{"date", "2026-13-01", typ},
		{"date", "2026-00-10", typ},
		{"date", "2026-04-31", typ},
		{"date", "2026-1-1", typ},
		{"date", "21.11.2026", typ},
		{"date", "11/21/2026", typ},
		{"date", "20261121", typ},
		{"date", "1699-12-31", typ},
		{"date", "1700-01-01", "1700-01-01"},
		{"date", "4000-12-31", "4000-12-31"},
		{"date", "4001-01-01", typ},
		{"date", "0000-00-00", typ},
		{"date", "", null},
		{"date", "2026-11-21T00:00:00Z", "2026-11-21"},
		{"date", "2026-11-21T00:00:00.000+0000", "2026-11-21"},
		{"date", "2026-11-21 00:00:00", "2026-11-21"},
		{"date", "2026-11-21T10:00:00Z", typ},
		{"date", "2026-11-21T", typ},
		{"date", "2026-11-21x", typ},
		{"date", "today", typ},

		{"datetime", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00.000Z"},
		{"datetime", "2026-11-21T10:00:00.123Z", "2026-11-21T10:00:00.123Z"},
		{"datetime", "2026-11-21T10:00:00.123456789Z", "2026-11-21T10:00:00.123Z"},
		{"datetime", "2026-11-21T10:00:00+01:00", "2026-11-21T09:00:00.000Z"},
		{"datetime", "2026-11-21T00:30:00+0100", "2026-11-20T23:30:00.000Z"},
		{"datetime", "2026-11-21T10:00:00-08", "2026-11-21T18:00:00.000Z"},
		{"datetime", "2026-11-21 10:00:00", "2026-11-21T10:00:00.000Z"},
		{"datetime", "2026-11-21T10:00", "2026-11-21T10:00:00.000Z"},
		{"datetime", "2026-11-21", "2026-11-21T00:00:00.000Z"},
		{"datetime", "2026-11-21t10:00:00z", "2026-11-21T10:00:00.000Z"},
		{"datetime", "2026-11-21T10:00:00,5Z", "2026-11-21T10:00:00.500Z"},
		{"datetime", "2026-11-21T23:59:59.999Z", "2026-11-21T23:59:59.999Z"},
		{"datetime", "2026-11-21T24:00:00Z", typ},
		{"datetime", "2026-11-21T10:60:00Z", typ},
		{"datetime", "2026-11-21T10:00:60Z", typ},
		{"datetime", "2026-11-21T10:00:00 Z", typ},
		{"datetime", "2026-11-21T10:00:00+15:00", typ},
		{"datetime", "2026-11-21T10:00:00.Z", typ},
		{"datetime", "1763719200", typ},
		{"datetime", "2026-11-21T1:00:00Z", typ},
		{"datetime", "2026-11-21T10:00:00+1:00", typ},
		{"datetime", "", null},
		{"datetime", "1700-01-01T00:00:00+01:00", typ},
		{"datetime", "4000-12-31T23:59:59Z", "4000-12-31T23:59:59.000Z"},
		{"datetime", "4000-12-31T23:59:59-01:00", typ},
		{"time", "10:00", "10:00:00.000Z"},
		{"time", "10:00:05", "10:00:05.000Z"},
		{"time", "23:59:59.999Z", "23:59:59.999Z"},
		{"time", "24:00", typ},
		{"time", "10", typ},
		{"time", "10:00+01:00", typ},
		{"time", "10:00 AM", typ},
		{"time", "", null},

		{"pick", "Hot", "Hot"},
		{"pick", "hot", "Hot"},
		{"pick", " WARM ", "Warm"},
		{"pick", "é", "É"},
		{"pick", "Cold", pick},
		{"pick", "cold", pick},
		{"pick", "Tepid", pick},
		{"pick", "Germany", pick},
		{"pick", "de", "DE"},
		{"pick", "", null},
		{"open", "hot", "Hot"},
		{"open", "Cold", "Cold"},
		{"open", "Tepid", "Tepid"},
		{"open", "much too long", long},
		{"open", "a\x01", char},
		{"empty", "anything", "anything"},
		{"multi", "a", "a"},
		{"multi", "a;b", "a;B"},
		{"multi", " A ; c D ;", "a;c d"},
		{"multi", ";;", null},
		{"multi", "a;x", pick},
		{"multi", "a,B", pick},
		{"multi", "", null},
		{"multi", strings.Repeat("a;", 100), strings.Repeat("a;", 99) + "a"},
		{"multi", strings.Repeat("a;", 101), many},
		{"combo", "call", "Call"},
		{"combo", "Lunch", "Lunch"},

		{"id", "00Q000000000001", "00Q000000000001EAA"},
		{"id", "00Q000000000001EAA", "00Q000000000001EAA"},
		{"id", "00q000000000001EAA", id},
		{"id", "00Q000000000001eaa", id},
		{"id", "00Q000000000001EAB", id},
		{"id", "00Q00000000000", id},
		{"id", "00Q0000000000012", id},
		{"id", "00Q00000000000-", id},
		{"id", "", null},
		{"id", "0065g00000AbCdEAAW", id},
		{"owner", "005000000000001", "005000000000001AAA"},
		{"owner", "00G000000000001", "00G000000000001EAA"},
		{"owner", "00Q000000000001", id},
		{"owner", "", null},
		{"any", "a0x000000000001", "a0x000000000001AAA"},
		{"base64", "aGk=", "aGk="},
		{"base64", "aG\nk=", "aGk="},
		{"base64", "aGk", typ},
		{"base64", "a=Gk", typ},
		{"base64", "a$==", typ},
		{"base64", "", null},
		{"base64", "====", typ},
	}
	all, s := fields(), testSchema()
	for _, tt := range tests {
		c, err := New(all[tt.field], s)
		if err != nil {
			t.Fatal(err)
		}
		check(t, c, tt.field, tt.in, row.Text, tt.want)
	}
	if n := len(tests); n < 150 {
		t.Errorf("only %d cases", n)
	}
}

func check(t *testing.T, c *Converter, field, in string, kind row.Kind, want string) {
	t.Helper()
	const before = "before"
	out, k, p := c.Append([]byte(before), in, kind)
	got := strings.TrimPrefix(string(out), before)
	switch {
	case p != nil:
		if got != "" || k != row.Null {
			t.Errorf("%s %q: %q of kind %v left behind by a problem", field, in, got, k)
		}
		got = "!" + p.Code
		if p.Message == "" || !utf8.ValidString(p.Message) {
			t.Errorf("%s %q: message %q", field, in, p.Message)
		}
	case k == row.Null:
		if got != "" {
			t.Errorf("%s %q: null with text %q", field, in, got)
		}
		got = null
	case k != kindOf(c.field.Type):
		t.Errorf("%s %q: kind %v", field, in, k)
	}
	if got != want {
		t.Errorf("%s: %q → %q, want %q", field, in, got, want)
	}
}

func kindOf(t schema.Type) row.Kind {
	switch t {
	case schema.Boolean:
		return row.Bool
	case schema.Int, schema.Long, schema.Double, schema.Currency, schema.Percent:
		return row.Number
	}
	return row.Text
}

// Kinds that JSON brings: a field takes what its text means, but no objects.
func TestAppendKinds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		field string
		kind  row.Kind
		in    string
		want  string
	}{
		{"string", row.Absent, "", null},
		{"string", row.Null, "ignored", null},
		{"string", row.Number, "1e3", "1e3"},
		{"string", row.Bool, "true", "true"},
		{"string", row.JSON, `{"a":1}`, "!" + CodeType},
		{"multi", row.JSON, `["a"]`, "!" + CodeType},
		{"bool", row.Bool, "false", "false"},
		{"bool", row.Number, "1", "true"},
		{"double", row.Number, "1.25e1", "12.5"},
		{"double", row.Bool, "true", "!" + CodeType},
		{"int", row.Bool, "false", "!" + CodeType},
		{"date", row.Number, "20261121", "!" + CodeType},
	}
	all, s := fields(), testSchema()
	for _, tt := range tests {
		c, err := New(all[tt.field], s)
		if err != nil {
			t.Fatal(err)
		}
		check(t, c, tt.field, tt.in, tt.kind, tt.want)
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	c := NewID(&schema.Object{Name: "Lead", KeyPrefix: "00Q"})
	check(t, c, "Id", "00Q000000000001", row.Text, "00Q000000000001EAA")
	check(t, c, "Id", "003000000000001", row.Text, "!"+CodeID)
	check(t, NewID(&schema.Object{Name: "Thing__c"}), "Id", "a0x000000000001", row.Text, "a0x000000000001AAA")
}

func TestNewRefusesReadOnlyTypes(t *testing.T) {
	t.Parallel()
	for _, typ := range []schema.Type{schema.Address, schema.Location, schema.AnyType, schema.ComplexValue, "novel"} {
		if _, err := New(&schema.Field{Name: "X", Type: typ}, nil); err == nil {
			t.Errorf("%s: no error", typ)
		}
	}
}

// What a converter gives, it takes, and gives again.
func TestCanonicalIsStable(t *testing.T) {
	t.Parallel()
	all, s := fields(), testSchema()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"string", "email", "bool", "int", "double", "double0", "date", "datetime", "time", "pick", "multi", "id", "base64"}).Draw(t, "field")
		c, err := New(all[name], s)
		if err != nil {
			t.Fatal(err)
		}
		in := rapid.OneOf(rapid.String(), rapid.StringMatching(`[-+]?[0-9]{0,6}\.?[0-9]{0,4}(e-?[0-9])?`),
			rapid.StringMatching(`[12][0-9]{3}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-5][0-9](:[0-5][0-9])?(Z|\+0[0-9]:?00)?)?`),
			rapid.SampledFrom([]string{"hot", "A;c D", "00Q000000000001", "yes", "10:30", "aGk="})).Draw(t, "in")
		out, k, p := c.Append(nil, in, row.Text)
		if p != nil || k == row.Null {
			return
		}
		again, k2, p2 := c.Append(nil, string(out), k)
		if p2 != nil || k2 != k || string(again) != string(out) {
			t.Fatalf("%s: %q → %q → %q (%v)", name, in, out, again, p2)
		}
	})
}

// The rounding of decimals agrees with exact arithmetic.
func TestDecimalAgainstBig(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.IntRange(0, 8).Draw(t, "scale")
		text := rapid.StringMatching(`[-+]?([0-9]{1,12}(\.[0-9]{0,14})?|\.[0-9]{1,14})([eE][-+]?[0-9])?`).Draw(t, "text")
		got, fault := appendDecimal(nil, text, 30, scale, false)
		if fault != numberOK {
			t.Fatalf("%s: fault %d", text, fault)
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%s: big does not read it", text)
		}
		unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
		scaled := new(big.Rat).Mul(exact, new(big.Rat).SetInt(unit))
		twice := new(big.Int).Mul(scaled.Num(), big.NewInt(2))
		half := new(big.Int).Set(scaled.Denom())
		if scaled.Sign() < 0 {
			half.Neg(half)
		}
		rounded := new(big.Int).Quo(twice.Add(twice, half), new(big.Int).Mul(scaled.Denom(), big.NewInt(2)))
		want := new(big.Rat).SetFrac(rounded, unit)
		back, ok := new(big.Rat).SetString(string(got))
		if !ok || back.Cmp(want) != 0 {
			t.Fatalf("%s with %d decimals: %s, want %s", text, scale, got, want.FloatString(scale))
		}
		s := string(got)
		if strings.Contains(s, ".") && strings.HasSuffix(s, "0") || strings.HasPrefix(s, "+") || strings.HasPrefix(s, "00") || s == "-0" || strings.HasPrefix(s, ".") {
			t.Fatalf("%s: %s is not canonical", text, s)
		}
	})
}

// AppendFold is FoldKey without allocations.
func TestAppendFold(t *testing.T) {
	t.Parallel()
	fields := []*schema.Field{
		{Type: schema.ID}, {Type: schema.Reference}, {Type: schema.Email}, {Type: schema.String}, {Type: schema.String, CaseSensitive: true},
	}
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(fields).Draw(t, "field")
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ \t]{0,2}[A-Za-z0-9]{13,19}[ \x{00a0}]{0,2}`)).Draw(t, "s")
		if got, want := string(AppendFold([]byte("x"), f, s)), "x"+f.FoldKey(s); got != want {
			t.Fatalf("AppendFold(%q) = %q, want %q", s, got, want)
		}
	})
}

func TestQuote(t *testing.T) {
	t.Parallel()
	if got, want := Quote(strings.Repeat("ä", 40)), `"`+strings.Repeat("ä", 40)+`"`; got != want {
		t.Errorf("Quote = %s, want %s", got, want)
	}
	if got, want := Quote(strings.Repeat("ä", 41)), `"`+strings.Repeat("ä", 40)+`"…`; got != want {
		t.Errorf("Quote = %s, want %s", got, want)
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	all, s := fields(), testSchema()
	good := map[string]string{
		"string": " äbc ", "email": "Ada@Example.com", "bool": "Yes", "int": "00042", "double": "12.345", "date": "2026-11-21", "datetime": "2026-11-21T10:00:00+01:00",
		"time": "10:00", "pick": "HOT", "multi": "A; c d", "id": "00Q000000000001", "owner": "005000000000001AAA", "base64": "aGk=", "open": "Tepid",
	}
	for name, in := range good {
		c, err := New(all[name], s)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 0, 256)
		if n := testing.AllocsPerRun(100, func() {
			if _, _, p := c.Append(buf, in, row.Text); p != nil {
				t.Fatal(p.Message)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func FuzzConvert(f *testing.F) {
	all, s := fields(), testSchema()
	names := []string{
		"string", "area", "phone", "url", "email", "bool", "int", "int0", "long", "double", "double0", "currency", "date", "datetime", "time",
		"pick", "open", "multi", "combo", "id", "owner", "base64",
	}
	convs := make([]*Converter, len(names))
	for i, n := range names {
		c, err := New(all[n], s)
		if err != nil {
			f.Fatal(err)
		}
		convs[i] = c
	}
	for i, in := range []string{"a@b.co", "-1.995e2", "2026-02-29", "2026-11-21T10:00:00.5+01:00", "hot;B", "00Q000000000001EAA", "yes", "\xff", " \u00a0", "aGk="} {
		f.Add(uint8(i), uint8(row.Text), in)
	}
	for k, in := range []string{
		"-0.0e-9999", "+000.99995", "1e18", "9223372036854775808", "-2147483648", "999999999999999999.5", "1e400", ".5", "5.", "-", "0x1F", "1_000", "NaN", strings.Repeat("9", 401),
		"\u212a", "İ", "ſ", "HOT", "hot;;B ;a", "TRUE", "yeſ", "\u0085x\u2028", "\ufeffx", "x\x00", "x\xff", strings.Repeat("\U0010ffff", 300), "a.b.@c.de", "ä@ö.de", "a@b..c", "a@-b.de",
		"1700-01-01", "4000-12-31T23:59:59.9999999Z", "1699-12-31T23:59:60Z", "2000-02-30", "2026-11-21T00:00-14:00", "2026-11-21 24:00", "10:00:00,5", "10:00+01:00", "00q000000000001", "005000000000001", "A===", "====", "aGk", "a\nG k=",
	} {
		f.Add(uint8(k), uint8(row.Text), in)
		f.Add(uint8(k+len(names)/2), uint8(k), in)
	}
	f.Fuzz(func(t *testing.T, which, kind uint8, in string) {
		c := convs[int(which)%len(convs)]
		k := row.Kind(kind % 6)
		out, got, p := c.Append([]byte("xy"), in, k)
		if string(out[:2]) != "xy" {
			t.Fatal("the text before was changed")
		}
		text := string(out[2:])
		if p != nil {
			if text != "" || got != row.Null || p.Code == "" || !utf8.ValidString(p.Message) || len(p.Message) > 500 {
				t.Fatalf("problem %+v with text %q of kind %v", p, text, got)
			}
			return
		}
		if (got == row.Null) != (text == "") || !utf8.ValidString(text) {
			t.Fatalf("%q of kind %v", text, got)
		}
		if got == row.Null {
			return
		}
		if l := c.field.Length; l > 0 && got == row.Text && utf8.RuneCountInString(text) > l {
			t.Fatalf("%q is longer than %d", text, l)
		}
		again, got2, p2 := c.Append(nil, text, got)
		if p2 != nil || got2 != got || string(again) != text {
			t.Fatalf("%q → %q → %q (%v)", in, text, again, p2)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	all, s := fields(), testSchema()
	for name, in := range map[string]string{"area": "Ada Lovelace", "email": "ada@example.com", "double": "12.345", "datetime": "2026-11-21T10:00:00+01:00", "pick": "hot", "id": "00Q000000000001"} {
		c, err := New(all[name], s)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			buf := make([]byte, 0, 256)
			for b.Loop() {
				if _, _, p := c.Append(buf, in, row.Text); p != nil {
					b.Fatal(p.Message)
				}
			}
		})
	}
}
