package convert

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

func TestSame(t *testing.T) {
	t.Parallel()
	text := func(s string) row.Cell { return row.MakeCell(row.Text, s) }
	num := func(s string) row.Cell { return row.MakeCell(row.Number, s) }
	null := row.MakeCell(row.Null, "")
	tests := []struct {
		name         string
		field        schema.Field
		sent, stored row.Cell
		want         bool
	}{
		{"absent changes nothing", schema.Field{Type: schema.String}, row.Cell{}, text("x"), true},
		{"null of nothing", schema.Field{Type: schema.String}, null, null, true},
		{"null of what the query left out", schema.Field{Type: schema.String}, null, row.Cell{}, true},
		{"null of a value", schema.Field{Type: schema.String}, null, text("x"), false},
		{"a value over nothing", schema.Field{Type: schema.String}, text("x"), null, false},
		{"text", schema.Field{Type: schema.String}, text("Ada"), text("Ada"), true},
		{"text by case", schema.Field{Type: schema.String}, text("Ada"), text("ada"), false},
		{"text is trimmed", schema.Field{Type: schema.String}, text("Ada"), text(" Ada\t"), true},
		{"stored blanks are nothing", schema.Field{Type: schema.String}, null, text("  "), true},
		{"default of an insert", schema.Field{Type: schema.String}, row.MakeCell(row.Text|row.OnInsert, "x"), text("x"), true},
		{"e-mail by case", schema.Field{Type: schema.Email}, text("a@x.org"), text("A@x.org"), false},
		{"masked", schema.Field{Type: schema.EncryptedString}, text("****1"), text("****1"), false},
		{"number with a zero", schema.Field{Type: schema.Double}, num("12"), num("12.0"), true},
		{"number with an exponent", schema.Field{Type: schema.Currency}, num("12000000"), num("1.2E7"), true},
		{"number with a negative exponent", schema.Field{Type: schema.Percent}, num("0.000012"), num("1.2E-5"), true},
		{"negative", schema.Field{Type: schema.Double}, num("-0.5"), num("-.50"), true},
		{"zeros", schema.Field{Type: schema.Double}, num("0"), num("-0.0"), true},
		{"other number", schema.Field{Type: schema.Double}, num("12"), num("12.01"), false},
		{"other sign", schema.Field{Type: schema.Double}, num("12"), num("-12"), false},
		{"eighteen digits", schema.Field{Type: schema.Double}, num("123456789012345678"), num("1.23456789012345678E17"), true},
		{"what a float cannot keep", schema.Field{Type: schema.Double}, num("444444444.444444444"), num("444444444.4444444"), true},
		{"what a float keeps", schema.Field{Type: schema.Double}, num("123456789012345678"), num("1.23456789012345699E17"), false},
		{"last of fifteen digits", schema.Field{Type: schema.Double}, num("123456789012345"), num("1.23456789012346E14"), false},
		{"no number stored", schema.Field{Type: schema.Double}, num("12"), text("x"), false},
		{"int", schema.Field{Type: schema.Int}, num("3"), num("3"), true},
		{"flag", schema.Field{Type: schema.Boolean}, row.MakeCell(row.Bool, "true"), row.MakeCell(row.Bool, "true"), true},
		{"flag as text", schema.Field{Type: schema.Boolean}, row.MakeCell(row.Bool, "false"), text("False"), true},
		{"other flag", schema.Field{Type: schema.Boolean}, row.MakeCell(row.Bool, "false"), row.MakeCell(row.Bool, "true"), false},
		{"date", schema.Field{Type: schema.Date}, text("2026-11-21"), text("2026-11-21"), true},
		{"other date", schema.Field{Type: schema.Date}, text("2026-11-21"), text("2026-11-22"), false},
		{"date-time", schema.Field{Type: schema.DateTime}, text("2026-11-21T10:00:00.000Z"), text("2026-11-21T10:00:00.000+0000"), true},
		{"date-time with an offset", schema.Field{Type: schema.DateTime}, text("2026-11-21T10:00:00.000Z"), text("2026-11-21T11:00:00.000+0100"), true},
		{"other date-time", schema.Field{Type: schema.DateTime}, text("2026-11-21T10:00:00.000Z"), text("2026-11-21T10:00:00.001+0000"), false},
		{"no date-time stored", schema.Field{Type: schema.DateTime}, text("2026-11-21T10:00:00.000Z"), text("today"), false},
		{"time", schema.Field{Type: schema.Time}, text("10:00:00.000Z"), text("10:00:00"), true},
		{"other time", schema.Field{Type: schema.Time}, text("10:00:00.000Z"), text("10:00:01.000Z"), false},
		{"no time stored", schema.Field{Type: schema.Time}, text("10:00:00.000Z"), text(strings.Repeat("1", 99)), false},
		{"id", schema.Field{Type: schema.Reference}, text("0015000000Gv7qJAAR"), text("0015000000Gv7qJ"), true},
		{"other id", schema.Field{Type: schema.Reference}, text("0015000000Gv7qJAAR"), text("0015000000Gv7qK"), false},
		{"no id", schema.Field{Type: schema.ID}, text("0015000000Gv7qJAAR"), text(strings.Repeat("0", 19)), false},
		{"picklist", schema.Field{Type: schema.Picklist}, text("Hot"), text("Hot"), true},
		{"other picklist value", schema.Field{Type: schema.Picklist}, text("Hot"), text("hot"), false},
		{"picks in another order", schema.Field{Type: schema.MultiPicklist}, text("a;b;c"), text("c;a;b"), true},
		{"picks twice", schema.Field{Type: schema.MultiPicklist}, text("a;b;a"), text("b; a"), true},
		{"one pick less", schema.Field{Type: schema.MultiPicklist}, text("a;b"), text("a"), false},
		{"one pick more", schema.Field{Type: schema.MultiPicklist}, text("a"), text("a;b"), false},
		{"lines", schema.Field{Type: schema.TextArea}, text("a\nb\n\nc"), text("a\r\nb\r\n\r\nc"), true},
		{"fewer lines", schema.Field{Type: schema.TextArea}, text("a\nb"), text("a"), false},
		{"other lines", schema.Field{Type: schema.TextArea}, text("a\nb"), text("a\nc"), false},
		{"carriage returns of its own", schema.Field{Type: schema.TextArea}, text("a\rb"), text("a\nb"), false},
		{"relationship by key", schema.Field{Name: "Account.ERP_Id__c", Type: schema.String}, text("A-1"), text("a-1"), true},
		{"relationship by a case-sensitive key", schema.Field{Name: "Account.ERP_Id__c", Type: schema.String, CaseSensitive: true}, text("A-1"), text("a-1"), false},
		{"relationship by a number", schema.Field{Name: "Account.No__c", Type: schema.Double}, num("12"), num("12.0"), true},
	}
	for _, tt := range tests {
		if got := Same(&tt.field, tt.sent, tt.stored); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// A number is the same as itself however it is spelled, and as no other.
func TestSameNumbers(t *testing.T) {
	t.Parallel()
	f := &schema.Field{Type: schema.Double}
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[1-9][0-9]{0,14}`).Draw(t, "digits")
		spelled := digits[:1] + "." + digits[1:] + "0E" + itoa(len(digits)-1)
		if !Same(f, row.MakeCell(row.Number, digits), row.MakeCell(row.Number, spelled)) {
			t.Fatalf("%s and %s differ", digits, spelled)
		}
		if Same(f, row.MakeCell(row.Number, digits), row.MakeCell(row.Number, digits+"1")) {
			t.Fatalf("%s is the same as %s1", digits, digits)
		}
	})
}

func itoa(n int) string { return string(rune('0'+n/10)) + string(rune('0'+n%10)) }

func TestSameDoesNotAllocate(t *testing.T) {
	id := &schema.Field{Type: schema.Reference}
	when, clock := &schema.Field{Type: schema.DateTime}, &schema.Field{Type: schema.Time}
	num := &schema.Field{Type: schema.Double}
	cell := func(s string) row.Cell { return row.MakeCell(row.Text, s) }
	if n := testing.AllocsPerRun(100, func() {
		Same(id, cell("0015000000Gv7qJAAR"), cell("0015000000Gv7qJ"))
		Same(when, cell("2026-11-21T10:00:00.000Z"), cell("2026-11-21T10:00:00.000+0000"))
		Same(clock, cell("10:00:00.000Z"), cell("10:00:00.000Z"))
		Same(num, cell("12"), cell("1.2E1"))
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// What a converter makes of any text is the same as itself, and as another text only if that becomes the
// same value.
func FuzzSame(f *testing.F) {
	for _, s := range []string{"Ada", "1e3", "-0.50", "2026-11-21", "2026-11-21T10:00:00+01:00", "10:00", "true", "red;blue", "0015000000Gv7qJ", "a\r\nb", " "} {
		f.Add(s, "1000")
	}
	for _, s := range [][2]string{
		{"-0", "0.0"},
		{"1e-4", "0"},
		{"999999999.9995", "1e9"},
		{"123456789.0004", "123456789"},
		{"a;b;a", "b;a"},
		{"a; ;b", "b;c"},
		{"K", "\u212a"},
		{"a\r\nb\r", "a\nb"},
		{"a\rb", "a\nb"},
		{"\n", "\r\n"},
		{"2026-11-21T23:00:00-01:00", "2026-11-22"},
		{"10:00:00.0001", "10:00Z"},
		{"0015000000Gv7qJ", "0015000000Gv7qJAAR"},
		{"0015000000gv7qj", "0015000000Gv7qJ"},
		{"TRUE", "1"},
		{"\ufeff", "\u0085"},
	} {
		f.Add(s[0], s[1])
	}
	var fields []*schema.Field
	var convs []*Converter
	for _, typ := range []schema.Type{schema.String, schema.TextArea, schema.Double, schema.Int, schema.Date, schema.DateTime, schema.Time, schema.Boolean, schema.MultiPicklist, schema.ID} {
		field := &schema.Field{Name: "X", Type: typ, Precision: 12, Scale: 3}
		c, err := New(field, nil)
		if err != nil {
			f.Fatal(err)
		}
		fields, convs = append(fields, field), append(convs, c)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for i, c := range convs {
			x, k, bad := c.Append(nil, a, row.Text)
			if bad != nil {
				continue
			}
			sent := row.MakeCell(k, string(x))
			if !Same(fields[i], sent, sent) {
				t.Fatalf("%s: %q is not the same as itself", fields[i].Type, x)
			}
			y, k, bad := c.Append(nil, b, row.Text)
			if bad != nil {
				continue
			}
			other := row.MakeCell(k, string(y))
			if one := Same(fields[i], sent, other); one != Same(fields[i], other, sent) {
				t.Fatalf("%s: %q and %q: %v one way only", fields[i].Type, x, y, one)
			} else if !one && string(x) == string(y) {
				t.Fatalf("%s: %q is another value than itself", fields[i].Type, x)
			}
		}
	})
}
