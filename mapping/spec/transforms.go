package spec

import (
	"fmt"
	"strings"
)

// ArgKind says what an argument of a transform holds.
type ArgKind string

// The kinds of arguments.
const (
	ArgText   ArgKind = "text"
	ArgCount  ArgKind = "count"  // a whole number from 1 to 1,000,000
	ArgPlace  ArgKind = "place"  // a whole number that is not 0; negative counts from the end
	ArgLayout ArgKind = "layout" // of a date or time, such as dd.MM.yyyy HH:mm
	ArgZone   ArgKind = "zone"   // an IANA time zone such as Europe/Berlin, or UTC
	ArgLocale ArgKind = "locale" // a language tag such as de or en-US
	ArgRegion ArgKind = "region" // a country code such as DE
)

// Arg describes one argument of a transform.
type Arg struct {
	Name string
	Kind ArgKind
	// Optional arguments come last. A Repeated one is the last and takes every further argument.
	Optional bool
	Repeated bool
}

// Transform describes a transform: what can stand behind a "|".
type Transform struct {
	Name string
	Args []Arg
	// Doc says in one sentence what it does.
	Doc string
	// Example is a rule that uses it; In and Out are a value before and after.
	Example, In, Out string
}

// Signature gives the transform as it is written, optional arguments in brackets:
// "datetime(layout[, zone])".
func (t Transform) Signature() string {
	if len(t.Args) == 0 {
		return t.Name
	}
	var b strings.Builder
	b.WriteString(t.Name + "(")
	open := 0
	for i, a := range t.Args {
		if a.Optional {
			b.WriteString("[")
			open++
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.Name)
		if a.Repeated {
			b.WriteString(", …")
		}
	}
	b.WriteString(strings.Repeat("]", open) + ")")
	return b.String()
}

// Count gives the least and the greatest number of arguments; most is -1 for any number.
func (t Transform) Count() (least, most int) {
	for _, a := range t.Args {
		if !a.Optional {
			least++
		}
		if a.Repeated {
			return least, -1
		}
	}
	return least, len(t.Args)
}

// Arg returns the description of the i-th argument, which may be one of a repeated one.
func (t Transform) Arg(i int) Arg { return t.Args[min(i, len(t.Args)-1)] }

// Arity says in words how many arguments a transform takes.
func (t Transform) Arity() string {
	least, most := t.Count()
	switch {
	case most == 0:
		return "no arguments"
	case most < 0:
		return fmt.Sprintf("at least %s", arguments(least))
	case least == most:
		return arguments(most)
	default:
		return fmt.Sprintf("%d to %s", least, arguments(most))
	}
}

func arguments(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// Transforms returns the transforms of the language in the order of the reference. The
// caller owns the slice.
func Transforms() []Transform {
	text := func(name string) Arg { return Arg{Name: name, Kind: ArgText} }
	return []Transform{
		{
			Name: "trim", Doc: "removes white space at both ends",
			Example: "Email: email | trim", In: "  ada@example.com ", Out: "ada@example.com",
		},
		{Name: "lower", Doc: "makes letters lower case", Example: "Email: email | lower", In: "Ada@Example.COM", Out: "ada@example.com"},
		{Name: "upper", Doc: "makes letters upper case", Example: "CountryCode: country | upper", In: "de", Out: "DE"},
		{
			Name: "title", Doc: "makes the first letter of each word upper case and the others lower case",
			Example: "City: city | title", In: "NEW york", Out: "New York",
		},
		{Name: "digits", Doc: "keeps the digits 0 to 9 only", Example: "Phone: phone | digits", In: "+1 (555) 01-99", Out: "15550199"},
		{
			Name: "slug", Doc: "makes words of small letters and digits joined by hyphens; accents are dropped",
			Example: "Ext__c: name | slug", In: "Crème Brûlée & Co.", Out: "creme-brulee-co",
		},
		{
			Name: "first_name", Doc: "gives a full name without its last word; blank if there is only one word",
			Example: "FirstName: full_name | first_name", In: "Ada King Lovelace", Out: "Ada King",
		},
		{
			Name: "last_name", Doc: "gives the last word of a full name",
			Example: "LastName: full_name | last_name", In: "Ada King Lovelace", Out: "Lovelace",
		},
		{
			Name: "truncate", Args: []Arg{{Name: "n", Kind: ArgCount}}, Doc: "keeps the first n characters",
			Example: "Title: title | truncate(8)", In: "Chief Executive", Out: "Chief Ex",
		},
		{
			Name: "replace", Args: []Arg{text("a"), text("b")}, Doc: "replaces every a by b; both are plain text",
			Example: `Company: company | replace("&amp;", "&")`, In: "Smith &amp; Co", Out: "Smith & Co",
		},
		{
			Name: "split", Args: []Arg{text("sep"), {Name: "n", Kind: ArgPlace}},
			Doc:     "gives the n-th part between separators, counted from 1, or from the end if n is negative; blank if there is none",
			Example: `LastName: name | split(",", 1)`, In: "Lovelace, Ada", Out: "Lovelace",
		},
		{
			Name: "prefix", Args: []Arg{text("s")}, Doc: "puts s before a value that is not blank",
			Example: "Ext__c: id | prefix(web-)", In: "17", Out: "web-17",
		},
		{
			Name: "suffix", Args: []Arg{text("s")}, Doc: "puts s behind a value that is not blank",
			Example: `Description: note | suffix(" (web)")`, In: "hello", Out: "hello (web)",
		},
		{
			Name: "date", Args: []Arg{{Name: "layout", Kind: ArgLayout}, {Name: "zone", Kind: ArgZone, Optional: true}},
			Doc:     "reads a date written in a layout; with a zone, the date that a moment (unix, unix_ms, or a layout with Z) has there",
			Example: "Birthdate: born | date(dd.MM.yyyy)", In: "10.12.1815", Out: "1815-12-10",
		},
		{
			Name: "datetime", Args: []Arg{{Name: "layout", Kind: ArgLayout}, {Name: "zone", Kind: ArgZone, Optional: true}},
			Doc:     "reads a date and time written in a layout, in a zone (UTC if none is given) unless the value holds an offset",
			Example: `First_Seen__c: seen | datetime("dd.MM.yyyy HH:mm", Europe/Berlin)`, In: "21.11.2026 03:15", Out: "2026-11-21T02:15:00.000Z",
		},
		{
			Name: "number", Args: []Arg{{Name: "locale", Kind: ArgLocale}}, Doc: "reads a number with the separators of a locale; numbers of JSON and Parquet stay what they are",
			Example: "AnnualRevenue: revenue | number(de)", In: "1.234,5", Out: "1234.5",
		},
		{
			Name: "bool", Args: []Arg{{Name: "true-words", Kind: ArgText, Repeated: true}},
			Doc:     "gives true for the words named (in any case) and false for any other value that is not blank; truth values of JSON and Parquet stay what they are",
			Example: "Newsletter__c: opt_in | bool(ja, yes, x)", In: "Ja", Out: "true",
		},
		{
			Name: "hash", Args: []Arg{{Name: "algorithm", Kind: ArgText, Optional: true}},
			Doc:     "gives the SHA-256 of the text in hex digits, or its sha512, sha1 or md5; trim and lower first where that must not matter",
			Example: "Email_Hash__c: email | trim | lower | hash", In: "Ada@example.com", Out: "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72",
		},
		{
			Name: "phone", Args: []Arg{{Name: "region", Kind: ArgRegion}}, Doc: "writes a phone number in the E.164 form; one without a country code is one of the region; a number that cannot be, or has an extension, fails the row",
			Example: "Phone: phone | phone(DE)", In: "030 1234567", Out: "+49301234567",
		},
	}
}
