package transform

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sfsync/mapping/convert"
)

func TestTransforms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		in   string
		want string // or "!" for a problem
	}{
		{"trim", nil, "  x y\u00a0", "x y"},
		{"lower", nil, "ÄÖ Ada", "äö ada"},
		{"lower", nil, "ada", "ada"},
		{"lower", nil, "ǅ", "ǆ"},
		{"upper", nil, "äö ada", "ÄÖ ADA"},
		{"upper", nil, "ß", "ß"},
		{"title", nil, "NEW york", "New York"},
		{"title", nil, "o'neil", "O'neil"},
		{"title", nil, "jean-luc picard", "Jean-Luc Picard"},
		{"title", nil, "élan vital", "Élan Vital"},
		{"title", nil, "a b", "A B"},
		{"title", nil, "'tis", "'Tis"},
		{"title", nil, "3rd street", "3rd Street"},
		{"title", nil, "e\u0301clair", "E\u0301clair"},
		{"digits", nil, "+1 (555) 01-99", "15550199"},
		{"digits", nil, "none", ""},
		{"digits", nil, "١٢", ""},
		{"slug", nil, "Crème Brûlée & Co.", "creme-brulee-co"},
		{"slug", nil, "  --a--b--  ", "a-b"},
		{"slug", nil, "Straße Łódź Ærø", "strasse-lodz-aero"},
		{"slug", nil, "日本", ""},
		{"slug", nil, "e\u0301a ŻÓŁTY Ủ", "ea-zolty-u"},
		{"slug", nil, "A1 b2", "a1-b2"},
		{"first_name", nil, "Ada King Lovelace", "Ada King"},
		{"first_name", nil, "  Ada   King  Lovelace ", "Ada King"},
		{"first_name", nil, "Ada", ""},
		{"first_name", nil, "Ada\u00a0Lovelace", "Ada"},
		{"last_name", nil, "Ada King Lovelace", "Lovelace"},
		{"last_name", nil, " Ada ", "Ada"},
		{"last_name", nil, "Ada\u3000Lovelace", "Lovelace"},
		{"truncate", []string{"3"}, "äöüß", "äöü"},
		{"truncate", []string{"3"}, "ab", "ab"},
		{"truncate", []string{"1"}, "👍👍", "👍"},
		{"truncate", []string{"4"}, "äöüß", "äöüß"},
		{"replace", []string{"&amp;", "&"}, "a &amp; b &amp;c", "a & b &c"},
		{"replace", []string{"x", ""}, "axbx", "ab"},
		{"replace", []string{"x", "y"}, "abc", "abc"},
		{"replace", []string{"aa", "a"}, "aaaa", "aa"},
		{"split", []string{",", "1"}, "a,b,c", "a"},
		{"split", []string{",", "3"}, "a,b,c", "c"},
		{"split", []string{",", "4"}, "a,b,c", ""},
		{"split", []string{",", "-1"}, "a,b,c", "c"},
		{"split", []string{",", "-3"}, "a,b,c", "a"},
		{"split", []string{",", "-4"}, "a,b,c", ""},
		{"split", []string{", ", "2"}, "a, b", "b"},
		{"split", []string{",", "2"}, ",", ""},
		{"split", []string{";", "1"}, "abc", "abc"},
		{"split", []string{";", "-1"}, "abc", "abc"},
		{"prefix", []string{"web-"}, "17", "web-17"},
		{"suffix", []string{"!"}, "17", "17!"},
		{"prefix", []string{""}, "17", "17"},
		{"hash", nil, "ada@example.com", "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72"},

		{"hash", []string{"SHA256"}, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"hash", []string{"sha512"}, "abc", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
		{"hash", []string{"sha1"}, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{"hash", []string{"md5"}, "abc", "900150983cd24fb0d6963f7d28e17f72"},
		{"date", []string{"dd.MM.yyyy"}, "10.12.1815", "1815-12-10"},
		{"date", []string{"EEE, d MMM yyyy HH:mm:ss Z", "Asia/Tokyo"}, "Sat, 21 Nov 2026 23:30:00 +01:00", "2026-11-22"},
		{"date", []string{"EEEE d.M.yyyy"}, "Saturday 21.11.2026", "2026-11-21"},
		{"date", []string{"unix", "Asia/Tokyo"}, "1795273200", "2026-11-22"},
		{"date", []string{"unix", "UTC"}, "1795273200", "2026-11-21"},
		{"date", []string{"unix_ms"}, "999999999999999", "!"},
		{"date", []string{"dd.MM.yyyy"}, " 10.12.1815 ", "1815-12-10"},
		{"date", []string{"dd.MM.yyyy"}, "31.02.2026", "!"},
		{"date", []string{"dd.MM.yyyy"}, "1.2.2026", "!"},
		{"date", []string{"d.M.yyyy"}, "1.2.2026", "2026-02-01"},
		{"date", []string{"d.M.yyyy"}, "01.12.2026", "2026-12-01"},
		{"date", []string{"MM/dd/yyyy"}, "11/21/2026", "2026-11-21"},
		{"date", []string{"MM/dd/yyyy"}, "21/11/2026", "!"},
		{"date", []string{"yyyyMMdd"}, "20261121", "2026-11-21"},
		{"date", []string{"d MMMM yyyy"}, "21 November 2026", "2026-11-21"},
		{"date", []string{"MMM d, yyyy"}, "Nov 1, 2026", "2026-11-01"},
		{"date", []string{"yy-MM-dd"}, "26-11-21", "2026-11-21"},
		{"date", []string{"yyyy-MM-dd HH:mm"}, "2026-11-21 23:59", "2026-11-21"},
		{"date", []string{"yyyy-MM-dd'T'HH:mm:ssZ"}, "2026-11-21T23:59:00-05:00", "2026-11-21"},
		{"date", []string{"unix"}, "1795228200", "2026-11-21"},
		{"date", []string{"dd.MM.yyyy"}, "21.11.2026 x", "!"},
		{"datetime", []string{"dd.MM.yyyy HH:mm", "Europe/Berlin"}, "21.11.2026 03:15", "2026-11-21T02:15:00.000Z"},
		{"datetime", []string{"dd.MM.yyyy HH:mm", "Europe/Berlin"}, "21.07.2026 03:15", "2026-07-21T01:15:00.000Z"},
		// Clocks that are set: a skipped time and the first of two count by the offset before.
		{"datetime", []string{"yyyy-MM-dd HH:mm", "Europe/Berlin"}, "2026-03-29 01:59", "2026-03-29T00:59:00.000Z"},
		{"datetime", []string{"yyyy-MM-dd HH:mm", "Europe/Berlin"}, "2026-03-29 02:30", "2026-03-29T01:30:00.000Z"},
		{"datetime", []string{"yyyy-MM-dd HH:mm", "Europe/Berlin"}, "2026-03-29 03:00", "2026-03-29T01:00:00.000Z"},
		{"datetime", []string{"yyyy-MM-dd HH:mm", "Europe/Berlin"}, "2026-10-25 02:30", "2026-10-25T00:30:00.000Z"},
		{"datetime", []string{"yyyy-MM-dd HH:mm", "Europe/Berlin"}, "2026-10-25 03:00", "2026-10-25T02:00:00.000Z"},
		{"datetime", []string{"yyyy-MM-dd HH:mm", "America/New_York"}, "2026-03-08 02:30", "2026-03-08T07:30:00.000Z"},
		{"datetime", []string{"yyyy-MM-dd HH:mm", "America/New_York"}, "2026-11-01 01:30", "2026-11-01T05:30:00.000Z"},
		{"datetime", []string{"yyyy-MM-dd HH:mm", "America/New_York"}, "2026-11-01 02:00", "2026-11-01T07:00:00.000Z"},
		{"datetime", []string{"yyyy-MM-dd HH:mm", "Pacific/Apia"}, "2011-12-30 12:00", "2011-12-30T22:00:00.000Z"}, // a day that was left out
		{"datetime", []string{"yyyy-MM-dd HH:mm", "Australia/Lord_Howe"}, "2026-04-05 01:45", "2026-04-04T14:45:00.000Z"},
		{"datetime", []string{"yyyy-MM-dd HH:mmZ", "America/New_York"}, "2026-11-01 01:30-05:00", "2026-11-01T06:30:00.000Z"},
		{"datetime", []string{"yyyy-MM-dd HH:mm"}, "2026-11-21 24:00", "!"},
		{"date", []string{"yy-MM-dd"}, "68-11-21", "2068-11-21"},
		{"date", []string{"yy-MM-dd"}, "69-11-21", "1969-11-21"},
		{"datetime", []string{"yyyy-MM-dd HH:mm:ss.SSS"}, "2026-11-21 10:00:00.250", "2026-11-21T10:00:00.250Z"},
		{"datetime", []string{"yyyy-MM-ddTHH:mm:ssZ", "Asia/Tokyo"}, "2026-11-21T10:00:00+01:00", "2026-11-21T09:00:00.000Z"},
		{"datetime", []string{"M/d/yyyy h:mm a", "America/New_York"}, "1/2/2026 3:04 PM", "2026-01-02T20:04:00.000Z"},
		{"datetime", []string{"yyyy-MM-dd H:mm"}, "2026-11-21 25:00", "!"},
		{"datetime", []string{"unix"}, "0", "1970-01-01T00:00:00.000Z"},
		{"datetime", []string{"unix"}, "1795255200", "2026-11-21T10:00:00.000Z"},
		{"datetime", []string{"unix"}, "1795255200.75", "2026-11-21T10:00:00.750Z"},
		{"datetime", []string{"unix"}, "-0.25", "1969-12-31T23:59:59.750Z"},
		{"datetime", []string{"unix"}, "1795255200.1234567890123", "2026-11-21T10:00:00.123Z"},
		{"datetime", []string{"unix_ms"}, "1795255200123.9", "2026-11-21T10:00:00.123Z"},
		{"datetime", []string{"unix"}, "1795255200.7x", "!"},
		{"datetime", []string{"unix_ms"}, "1795255200123", "2026-11-21T10:00:00.123Z"},
		{"datetime", []string{"unix"}, "-1", "1969-12-31T23:59:59.000Z"},
		{"datetime", []string{"unix"}, "12x", "!"},
		{"datetime", []string{"unix"}, "", "!"},
		{"datetime", []string{"unix"}, "1.2.3", "!"},
		{"datetime", []string{"unix"}, "9999999999999999", "!"},
		{"datetime", []string{"unix"}, "999999999999999", "!"},
		{"datetime", []string{"d MMM 'at' yyyy"}, "3 Mar at 2026", "2026-03-03T00:00:00.000Z"},

		{"number", []string{"de"}, "1.234,5", "1234.5"},
		{"number", []string{"de"}, "1.234.567,89 €", "1234567.89"},
		{"number", []string{"de"}, "-12,5", "-12.5"},
		{"number", []string{"de"}, "1234", "1234"},
		{"number", []string{"de"}, "1.23", "!"},
		{"number", []string{"de"}, "12345.678", "!"},
		{"number", []string{"en"}, "1,234.5", "1234.5"},
		{"number", []string{"en"}, "$1,234", "1234"},
		{"number", []string{"en"}, "-$5.50", "-5.50"},
		{"number", []string{"en"}, "1,5", "!"},
		{"number", []string{"en"}, ",123", "!"},
		{"number", []string{"en"}, "1,,234", "!"},
		{"number", []string{"en"}, "1,234,", "!"},
		{"number", []string{"en"}, "1.", "!"},
		{"number", []string{"en"}, ".5", ".5"},
		{"number", []string{"en"}, "abc", "!"},
		{"number", []string{"en"}, "", "!"},
		{"number", []string{"en"}, "€", "!"},
		{"number", []string{"en"}, "1.2.3", "!"},
		{"number", []string{"en"}, "-", "!"},
		{"number", []string{"en"}, "−5", "-5"},
		{"number", []string{"en"}, "١", "!"},
		{"number", []string{"fr"}, "1 234,5", "1234.5"},
		{"number", []string{"fr"}, "1\u202f234,5", "1234.5"},
		{"number", []string{"fr"}, "1\u2009234,5", "1234.5"},
		{"number", []string{"fr-CA"}, "1\u00a0234,50 $", "1234.50"},
		{"number", []string{"de-CH"}, "1'234.5", "1234.5"},
		{"number", []string{"de-CH"}, "1’234.5", "1234.5"},
		{"number", []string{"en-IN"}, "12,34,567.8", "1234567.8"},
		{"number", []string{"en-US"}, "12,34,567", "!"},
		{"number", []string{"es-MX"}, "1,234.5", "1234.5"},
		{"number", []string{"es"}, "1.234,5", "1234.5"},
		{"number", []string{"pt-BR"}, "1.234,5", "1234.5"},
		{"number", []string{"DE"}, "1,5", "1.5"},

		{"phone", []string{"DE"}, "030 1234567", "+49301234567"},
		{"phone", []string{"de"}, " (030) 12 34-567 ", "+49301234567"},
		{"phone", []string{"DE"}, "+1 650-253-0000", "+16502530000"},
		{"phone", []string{"DE"}, "0049 30 1234567", "+49301234567"},
		{"phone", []string{"US"}, "650.253.0000", "+16502530000"},
		{"phone", []string{"DE"}, "112", "!"},
		{"phone", []string{"DE"}, "n/a", "!"},
		{"phone", []string{"US"}, "650-253-0000 ext. 12", "!"}, // it would be lost

		{"phone", []string{"uk"}, "020 7946 0018", "+442079460018"},
		{"phone", []string{"IT"}, "06 698 12345", "+390669812345"}, // the 0 stays in Italy
		{"bool", []string{"ja", "yes"}, "Ja", "true"},
		{"bool", []string{"ja", " x "}, " X ", "true"},
		{"bool", []string{"ja"}, "nein", "false"},
		{"bool", []string{"ja"}, "jawohl", "false"},
	}
	for _, tt := range tests {
		f, err := Compile(tt.name, tt.args)
		if err != nil {
			t.Errorf("%s%q: %v", tt.name, tt.args, err)
			continue
		}
		var b Buffer
		got, p := f(&b, tt.in)
		if p != nil {
			if p.Code != convert.CodeType || !strings.Contains(p.Message, convert.Quote(tt.in)) {
				t.Errorf("%s%q of %q: %+v", tt.name, tt.args, tt.in, p)
			}
			got = "!"
		}
		if got != tt.want {
			t.Errorf("%s%q of %q = %q, want %q", tt.name, tt.args, tt.in, got, tt.want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		arg  int // of the ArgError; -2 for an unknown transform
		says string
	}{
		{"tirm", nil, -2, "did you mean trim?"},
		{"zzzzzz", nil, -2, "unknown transform zzzzzz"},
		{"trim", []string{"x"}, -1, "0 argument(s), not 1"},
		{"truncate", nil, -1, "1 argument"},
		{"truncate", []string{"0"}, 0, "from 1"},
		{"truncate", []string{"x"}, 0, "from 1"},
		{"replace", []string{"a"}, -1, "2 argument"},
		{"replace", []string{"", "b"}, 0, "text to look for"},
		{"split", []string{"", "1"}, 0, "separator"},
		{"split", []string{",", "0"}, 1, "number of a part"},
		{"prefix", nil, -1, "1 argument"},
		{"date", nil, -1, "1 or 2 argument"},
		{"date", []string{"MM.yyyy"}, 0, "no year, month and day"},
		{"date", []string{"DD.MM.YYYY"}, 0, `has "DD"`},
		{"date", []string{"dd.MM.yyyy 'x"}, 0, "quote that does not end"},
		{"date", []string{"dd.MM.yyyy 'Jan'"}, 0, "small letters"},
		{"date", []string{"dd.MM.yyyy1"}, 0, `has "1"`},
		{"hash", []string{"crc32"}, 0, "unknown algorithm"},
		{"hash", []string{""}, 0, "unknown algorithm"},
		{"date", []string{"unix", "Nowhere"}, 1, "unknown time zone"},
		{"date", []string{"dd.MM.yyyy HH:mm", "UTC"}, 1, "has no offset (Z)"},
		{"datetime", nil, -1, "1 or 2 argument"},
		{"datetime", []string{"dd.MM.yyyy hh:mm"}, 0, "without AM or PM"},
		{"datetime", []string{"dd.MM.yyyy SSS"}, 0, `has "SSS"`},
		{"datetime", []string{"dd.MM.yyyy", "Europe/Nowhere"}, 1, "unknown time zone"},
		{"datetime", []string{"dd.MM.yyyy", "Local"}, 1, "unknown time zone"},
		{"datetime", []string{"dd.MM.yyyy", ""}, 1, "unknown time zone"},
		{"number", []string{""}, 0, "unknown locale"},
		{"number", []string{"xx"}, 0, "unknown locale"},
		{"number", []string{"not a locale"}, 0, "unknown locale"},
		{"phone", nil, -1, "1 argument"},
		{"phone", []string{"Germany"}, 0, "unknown region"},
		{"bool", nil, -1, "at least 1"},
		{"bool", []string{"ja", " "}, 1, "words that mean true"},
	}
	for _, tt := range tests {
		_, err := Compile(tt.name, tt.args)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s%q: %v, want %q", tt.name, tt.args, err, tt.says)
			continue
		}
		var bad *ArgError
		switch {
		case tt.arg == -2:
			if !errors.Is(err, ErrUnknown) {
				t.Errorf("%s: %v is not ErrUnknown", tt.name, err)
			}
		case !errors.As(err, &bad) || bad.Arg != tt.arg:
			t.Errorf("%s%q: blames another argument: %#v", tt.name, tt.args, err)
		}
	}
}

func TestNamesCompile(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		if _, err := Compile(name, nil); errors.Is(err, ErrUnknown) {
			t.Errorf("%s is listed and unknown", name)
		}
	}
}

// What makes text grow stops at MaxText.
func TestGrowthIsBounded(t *testing.T) {
	t.Parallel()
	f, err := Compile("replace", []string{"x", strings.Repeat("y", 1<<16)})
	if err != nil {
		t.Fatal(err)
	}
	var b Buffer
	if _, p := f(&b, strings.Repeat("x", 1<<12)); p == nil || p.Code != convert.CodeTooLong {
		t.Errorf("replace: %+v", p)
	}
	if f, err = Compile("prefix", []string{strings.Repeat("y", MaxText)}); err != nil {
		t.Fatal(err)
	}
	if _, p := f(&b, "x"); p == nil || p.Code != convert.CodeTooLong {
		t.Errorf("prefix: %+v", p)
	}
	if b.Reset(); cap(b.b) > keepBuffer {
		t.Errorf("%d bytes are kept", cap(b.b))
	}
}

// A text made earlier stays as it is while others are made.
func TestViewsStay(t *testing.T) {
	t.Parallel()
	var b Buffer
	f, err := Compile("suffix", []string{"!"})
	if err != nil {
		t.Fatal(err)
	}
	s := "a"
	var all []string
	for range 200 {
		var p *convert.Problem
		if s, p = f(&b, s); p != nil {
			t.Fatal(p)
		}
		all = append(all, s)
	}
	for i, s := range all {
		if s != "a"+strings.Repeat("!", i+1) {
			t.Fatalf("text %d became %q", i, s)
		}
	}
}

// Dates written by a layout are read back by it, whatever the zone.
func TestDateTimeRoundTrip(t *testing.T) {
	t.Parallel()
	zones := []string{"UTC", "Asia/Tokyo", "America/Phoenix"} // without summer time now: every time is there once
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Compile("datetime", []string{"dd/MM/yyyy HH:mm:ss", zone})
		if err != nil {
			t.Fatal(err)
		}
		when := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "unix"), 0)
		var b Buffer
		got, p := f(&b, when.In(loc).Format("02/01/2006 15:04:05"))
		if p != nil || got != when.UTC().Format("2006-01-02T15:04:05.000Z") {
			t.Fatalf("%v: %q (%v)", when, got, p)
		}
	})
}

func TestTransformsDoNotAllocate(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		in   string
	}{
		{"trim", nil, " x "},
		{"lower", nil, "ÄB"},
		{"upper", nil, "äb"},
		{"title", nil, "new york"},
		{"digits", nil, "+1 2"},
		{"slug", nil, "Crème Brûlée"},
		{"first_name", nil, "Ada King Lovelace"},
		{"last_name", nil, "Ada King"},
		{"truncate", []string{"2"}, "abc"},
		{"replace", []string{"a", "b"}, "abca"},
		{"split", []string{",", "2"}, "a,b"},
		{"split", []string{",", "-1"}, "a,b"},
		{"prefix", []string{"x"}, "y"},
		{"suffix", []string{"x"}, "y"},
		{"date", []string{"dd.MM.yyyy"}, "21.11.2026"},
		{"datetime", []string{"dd.MM.yyyy HH:mm", "Europe/Berlin"}, "21.11.2026 10:00"},
		{"number", []string{"de"}, "1.234,5 €"},
		{"bool", []string{"ja"}, "Ja"},
		{"hash", nil, "ada@example.com"},
	} {
		f, err := Compile(tt.name, tt.args)
		if err != nil {
			t.Fatal(err)
		}
		var b Buffer
		if n := testing.AllocsPerRun(100, func() {
			b.Reset()
			if _, p := f(&b, tt.in); p != nil {
				t.Fatal(p.Message)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
	}
}

func FuzzTransforms(f *testing.F) {
	steps := map[string][]string{"truncate": {"3"}, "replace": {"a", "bc"}, "split": {",", "-2"}, "prefix": {"p"}, "suffix": {"s"}, "date": {"d.M.yyyy"}, "datetime": {"dd.MM.yyyy HH:mm", "Europe/Berlin"}, "number": {"de-CH"}, "bool": {"ja"}, "phone": {"DE"}}
	var all []Func
	names := append(Names(), "unix")
	for _, n := range names {
		step, err := Compile(n, steps[n])
		if n == "unix" {
			step, err = Compile("datetime", []string{"unix_ms"})
		}
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, step)
	}
	for i, s := range []string{"Ada King", "1.234,5", "21.11.2026 10:00", "\u0301a", "\xff", "a,b,c", "1795255200", "  "} {
		f.Add(uint8(i), uint8(i+3), s)
	}
	for k, s := range []string{
		"1'234.50", "−5", "1e400", "٣", "31.2.2026", "1.1.99999", "29.03.2026 02:30", "25.10.2026 02:30", "-9223372036854775808", "99999999999999999999", "JA", "Kelvin \u212a", "İSTANBUL ſ ß ŉ", "\u0301", "a\u0301\u0323", "\u0085x\u2028y\ufeff", "x\x00y", "+49 (0) 30 / 123-45 ext. 6", "00", "a@B.de", "\U0001F468\u200d\U0001F469", ",", ",,", "<b>&amp;\u00a0",
	} {
		f.Add(uint8(k), uint8(k+3), s)
		f.Add(uint8(k+len(all)/2), uint8(2*k), s)
	}
	f.Fuzz(func(t *testing.T, one, two uint8, in string) {
		var b Buffer
		s := in
		for _, i := range []uint8{one, two} {
			if convert.Blank(s) {
				return
			}
			got, p := all[int(i)%len(all)](&b, s)
			if p != nil {
				if p.Code == "" || !utf8.ValidString(p.Message) {
					t.Fatalf("%s of %q: %+v", names[int(i)%len(all)], s, p)
				}
				return
			}
			if utf8.ValidString(s) && !utf8.ValidString(got) {
				t.Fatalf("%s of %q made %q", names[int(i)%len(all)], s, got)
			}
			s = got
		}
	})
}
