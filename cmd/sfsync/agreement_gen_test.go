package main_test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"sfsync/mapping/schema"
)

// rawCell draws the text of a cell for a field: good values, values at the edge of what the field
// takes, and bad ones. ids are those of records that exist, by object.
func rawCell(t *rapid.T, f *schema.Field, ids map[string]string) string {
	s := rawValue(t, f, ids)
	switch rapid.IntRange(0, 19).Draw(t, "around") {
	case 0:
		return " " + s
	case 1:
		return s + "\t "
	case 2:
		return rapid.SampledFrom([]string{"", " ", "\t", "\u00a0", "\n"}).Draw(t, "blank")
	}
	return s
}

func rawValue(t *rapid.T, f *schema.Field, ids map[string]string) string {
	if rapid.IntRange(0, 24).Draw(t, "any") == 0 {
		return rapid.StringN(0, 30, 60).Draw(t, "any text")
	}
	switch f.Type {
	case schema.Boolean:
		return rapid.SampledFrom([]string{"true", "false", "TRUE", "False", "1", "0", "yes", "No", "y", "n", "on", "wahr", "2", "t", "truefalse", "null"}).Draw(t, "bool")
	case schema.Int, schema.Double, schema.Currency, schema.Percent:
		return rawNumber(t, f)
	case schema.Date, schema.DateTime, schema.Time:
		return rawTime(t, f.Type)
	case schema.Picklist, schema.Combobox:
		return rawPick(t, f)
	case schema.MultiPicklist:
		n := rapid.SampledFrom([]int{1, 2, 3, 5, 100, 101}).Draw(t, "values")
		parts := make([]string, n)
		for i := range parts {
			if i < 4 {
				parts[i] = rawPick(t, f)
			} else {
				parts[i] = parts[i%4]
			}
		}
		return strings.Join(parts, rapid.SampledFrom([]string{";", "; ", " ;", ";;", ","}).Draw(t, "separator"))
	case schema.Email:
		return rawEmail(t, f)
	case schema.ID, schema.Reference:
		return rawID(t, f, ids)
	}
	return rawText(t, f.Length)
}

// rawText draws text of about the length, in characters of one to four bytes.
func rawText(t *rapid.T, length int) string {
	n := rapid.SampledFrom([]int{1, 2, 5, 12, length - 1, length, length + 1, 2*length + 3}).Draw(t, "length")
	if length <= 0 || n < 0 {
		n = 8
	}
	n = min(n, 2000)
	pool := rapid.SampledFrom([]string{"a", "aé", "ß漢", "😀x", "a b", "a\nb", "a\r\nb", "\ta", "x\u0301", "a\x01", "\x7fb", "<b>&'\"\\", "=1+2", "\ufeffa", "\u2028a", "\ufffda", "İ"}).Draw(t, "letters")
	letters := []rune(pool)
	out := make([]rune, 0, n)
	for i := range n {
		out = append(out, letters[i%len(letters)])
	}
	return string(out)
}

func rawNumber(t *rapid.T, f *schema.Field) string {
	if rapid.IntRange(0, 7).Draw(t, "odd") == 0 {
		return rapid.SampledFrom([]string{
			"abc", "1,5", "1.234,5", "1 000", "1'000", "0x1F", "NaN", "Infinity", "-Inf", "--1", "1.2.3", "1e", "e5", "+", "-", ".", "1_000", "٣", "12a", "1e400",
			"-1e400", "1e-400", "1e5", "1E+2", "2.50e1", "$5", "5%", "(5)", "½", "1e2147483648", "true", "2147483647", "2147483648", "-2147483648", "-2147483649", "0.5e-1", "1d", "1f", "007", "-0", "-0.0", "+5", ".5", "5.",
			"999999999999999999", "1000000000000000000", "9007199254740993", "0." + strings.Repeat("0", 120) + "1", strings.Repeat("0", 120) + "7",
		}).Draw(t, "odd number")
	}
	digits, decimals := f.Digits, 0
	if f.Type != schema.Int {
		digits, decimals = f.Precision-f.Scale, f.Scale
	}
	before := max(0, digits+rapid.IntRange(-1, 1).Draw(t, "digits"))
	if rapid.Bool().Draw(t, "small") {
		before = rapid.IntRange(0, 3).Draw(t, "digits")
	}
	behind := max(0, decimals+rapid.IntRange(-2, 3).Draw(t, "decimals"))
	if f.Type == schema.Int && rapid.IntRange(0, 4).Draw(t, "whole") > 0 {
		behind = 0
	}
	digit := rapid.SampledFrom([]string{"9", "4", "1", "0", "95", "5"}).Draw(t, "digit")
	s := rapid.SampledFrom([]string{"", "", "-", "+"}).Draw(t, "sign") + strings.Repeat(digit, before)
	if before == 0 {
		s += "0"
	}
	if behind > 0 {
		s += "." + strings.Repeat(digit, behind)
	}
	return s
}

func rawTime(t *rapid.T, typ schema.Type) string {
	year := rapid.SampledFrom([]int{1699, 1700, 1701, 1900, 1999, 2000, 2024, 2026, 3999, 4000, 4001, 9999, 1, 26}).Draw(t, "year")
	month := rapid.SampledFrom([]int{1, 2, 2, 6, 12, 0, 13}).Draw(t, "month")
	day := rapid.SampledFrom([]int{1, 15, 28, 29, 30, 31, 0, 32}).Draw(t, "day")
	date := fmt.Sprintf("%04d-%02d-%02d", year, month, day)
	clock := fmt.Sprintf("%02d:%02d", rapid.SampledFrom([]int{0, 0, 9, 23, 24}).Draw(t, "hour"), rapid.SampledFrom([]int{0, 0, 30, 59, 60}).Draw(t, "minute"))
	clock += rapid.SampledFrom([]string{"", ":00", ":00", ":59", ":60", ":00.5", ":00.123", ":00.123456789", ":00,5", ":00."}).Draw(t, "second")
	zone := rapid.SampledFrom([]string{"", "Z", "Z", "z", "+00:00", "+0000", "-02:00", "+14:00", "+15:00", "+02", " UTC", "+1:00"}).Draw(t, "zone")
	if rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
		return rapid.SampledFrom([]string{
			"21.11.2026", "11/21/2026", "20261121", "2026-1-2", "2026-11-21T10", "today", "1763719200", "2026-W47", "Nov 21, 2026", "2026-11-21 10:00", "2026-11-21T10:00:00.000+0000",
			"10:00:00.000Z", "10:00", "24:00", "7:30", "10:00:00+02:00", "10:00 PM", "T10:00",
		}).Draw(t, "odd time")
	}
	switch {
	case typ == schema.Time:
		return clock + zone
	case typ == schema.Date && rapid.IntRange(0, 3).Draw(t, "clock") > 0:
		return date
	case typ == schema.DateTime && rapid.IntRange(0, 9).Draw(t, "clock") == 0:
		return date
	}
	return date + rapid.SampledFrom([]string{"T", "T", "T", " ", "t", "  "}).Draw(t, "T") + clock + zone
}

func rawPick(t *rapid.T, f *schema.Field) string {
	if len(f.Picklist) == 0 || rapid.IntRange(0, 5).Draw(t, "unlisted") == 0 {
		if rapid.IntRange(0, 3).Draw(t, "long") == 0 {
			return rawText(t, 255)
		}
		return rapid.SampledFrom([]string{"Lukewarm", "hot!", "none", "A;B", "x", "İ", "ß"}).Draw(t, "unlisted value")
	}
	v := f.Picklist[rapid.IntRange(0, len(f.Picklist)-1).Draw(t, "value")]
	switch rapid.IntRange(0, 5).Draw(t, "form") {
	case 0:
		return strings.ToUpper(v.Value)
	case 1:
		return strings.ToLower(v.Value)
	case 2:
		return v.Label
	}
	return v.Value
}

func rawEmail(t *rapid.T, f *schema.Field) string {
	local := rapid.SampledFrom([]string{"ann", "a.b", "o'brien", "x+y", ".a", "a.", "a..b", "", strings.Repeat("l", 64), strings.Repeat("l", 65), "ü", "a b", "\"q\"", "a,b", "a\\b", "a(b)", "!#$%&'*+-/=?^_`{|}~", "漢字", "a\u0301"}).Draw(t, "local")
	domain := rapid.SampledFrom([]string{"example.com", "x.io", "localhost", "", "-a.com", "a-.com", "a..com", ".com", "com.", "exämple.com", "[127.0.0.1]", "a_b.com", strings.Repeat("d", 63) + ".com", strings.Repeat("d", 64) + ".com", "a.b.c.d.example.com", "1.2", "a b.com", "example.com,", "例え.jp"}).Draw(t, "domain")
	s := local + rapid.SampledFrom([]string{"@", "@", "@", "@", "@@", "", " @ ", "＠"}).Draw(t, "at") + domain
	if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
		pad := f.Length - len("@example.com") + rapid.IntRange(-1, 1).Draw(t, "pad")
		s = strings.Repeat("p", max(1, pad)) + "@example.com"
	}
	return s
}

// rawID draws ids of existing records, in good form and bad, of the right object and of others.
// One of good form and of the right object always exists: whether a record does is nothing that can be
// known without an org.
func rawID(t *rapid.T, f *schema.Field, ids map[string]string) string {
	objects := make([]string, 0, len(ids))
	for name := range ids {
		objects = append(objects, name)
	}
	slices.Sort(objects)
	id := ids[rapid.SampledFrom(objects).Draw(t, "object")]
	if len(f.ReferenceTo) > 0 && rapid.IntRange(0, 2).Draw(t, "right") > 0 {
		if of, ok := ids[f.ReferenceTo[0]]; ok {
			id = of
		}
	}
	switch rapid.IntRange(0, 9).Draw(t, "form") {
	case 0:
		return id[:15]
	case 1:
		return id[:14]
	case 2:
		return id[:17] + string('a'+(id[17]|0x20-'a'+1)%26)
	case 3:
		return strings.ToLower(id)
	case 4:
		return id[:15] + "!" + id[16:]
	case 5:
		return id + "A"
	case 6:
		return id[:16]
	}
	return id
}
