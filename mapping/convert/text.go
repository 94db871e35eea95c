package convert

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// text takes any text: trimmed, as Salesforce trims on save, of at most the field's length in
// characters (code points), without control characters but tab and line breaks.
func (c *Converter) text(dst []byte, s string, _ row.Kind) ([]byte, row.Kind, *Problem) {
	if p := c.check(s); p != nil {
		return dst, row.Null, p
	}
	return append(dst, s...), row.Text, nil
}

// check checks characters and length.
func (c *Converter) check(s string) *Problem {
	wide := false
	for i := range len(s) {
		switch b := s[i]; {
		case b >= utf8.RuneSelf:
			wide = true
		case b < ' ' && b != '\t' && b != '\n' && b != '\r', b == 0x7f:
			return problem(CodeCharacter, "control character %#02x at byte %d of %s", b, i+1, Quote(s))
		}
	}
	if wide && !utf8.ValidString(s) {
		return problem(CodeCharacter, "not valid UTF-8: %s", Quote(s))
	}
	if c.length > 0 && len(s) > c.length {
		if n := utf8.RuneCountInString(s); n > c.length {
			return problem(CodeTooLong, "data value too large: %s (%d characters, max length=%d)", Quote(s), n, c.length)
		}
	}
	return nil
}

// email takes what Salesforce takes, as far as that is documented (help article "Characters
// accepted in the email address field"): one @, a local part of at most 64 characters from
// letters, digits and !#$%&'*+-/=?^_`{|}~. that neither starts nor ends with a dot, a domain of
// at least two labels of letters, digits and hyphens that neither start nor end with a hyphen.
// Letters and digits of any script pass: whether the org takes them is its setting.
func (c *Converter) email(dst []byte, s string, _ row.Kind) ([]byte, row.Kind, *Problem) {
	if p := c.check(s); p != nil {
		return dst, row.Null, p
	}
	if why := badEmail(s); why != "" {
		return dst, row.Null, problem(CodeEmail, "invalid email address: %s (%s)", Quote(s), why)
	}
	return append(dst, s...), row.Text, nil
}

func badEmail(s string) string {
	at := strings.IndexByte(s, '@')
	switch {
	case at < 0:
		return "no @"
	case strings.IndexByte(s[at+1:], '@') >= 0:
		return "two @"
	case at == 0:
		return "nothing before the @"
	case at > 64 && utf8.RuneCountInString(s[:at]) > 64:
		return "more than 64 characters before the @"
	case s[0] == '.' || s[at-1] == '.':
		return "a dot at the edge of the part before the @"
	case strings.Contains(s[:at], ".."):
		return "two dots in a row before the @"
	}
	for i, r := range s[:at] {
		if r < utf8.RuneSelf {
			if !isAlnum(byte(r)) && strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", byte(r)) < 0 {
				return "character " + string(s[i]) + " before the @"
			}
		} else if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			return "character " + string(r) + " before the @"
		}
	}
	labels, start := 0, at+1
	for i := at + 1; i <= len(s); i++ {
		if i < len(s) && s[i] != '.' {
			continue
		}
		if why := badLabel(s[start:i]); why != "" {
			return why
		}
		labels++
		start = i + 1
	}
	if labels < 2 {
		return "no dot in the domain"
	}
	return ""
}

func badLabel(s string) string {
	if s == "" {
		return "an empty part in the domain"
	}
	if utf8.RuneCountInString(s) > 63 {
		return "a part of the domain of more than 63 characters"
	}
	if s[0] == '-' || s[len(s)-1] == '-' {
		return "a hyphen at the edge of a part of the domain"
	}
	for _, r := range s {
		if r < utf8.RuneSelf {
			if !isAlnum(byte(r)) && r != '-' {
				return "character " + string(r) + " in the domain"
			}
		} else if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			return "character " + string(r) + " in the domain"
		}
	}
	return ""
}

// maxPicks is the most values of a multi-select picklist (TOO_MANY_ENUM_VALUE).
const maxPicks = 100

// picklist takes over the values of a field. A field without any, as an overlay may describe
// it, takes every value: what it has is not known.
func (c *Converter) picklist(f *schema.Field) {
	c.restricted = f.RestrictedPicklist && len(f.Picklist) > 0
	c.picks = make(map[string]string, 2*len(f.Picklist))
	c.labels = make(map[string]string)
	for _, v := range f.Picklist {
		defined := v.Value
		if !v.Active {
			if !c.restricted {
				continue
			}
			defined = ""
		}
		c.picks[v.Value] = defined
		if l := strings.ToLower(v.Value); c.picks[l] == "" {
			c.picks[l] = defined
		}
	}
	for _, v := range f.Picklist {
		l := strings.ToLower(strings.TrimSpace(v.Label))
		if _, known := c.picks[l]; v.Active && !known {
			c.labels[l] = v.Value
		}
	}
	if c.length == 0 {
		c.length = 255
	}
}

// pick takes one picklist value. A known value in another case becomes the value as it is
// defined; an unknown one fails if the field is restricted and passes as it is otherwise,
// since Salesforce then stores it as an inactive value.
func (c *Converter) pick(dst []byte, s string, _ row.Kind) ([]byte, row.Kind, *Problem) {
	base := len(dst)
	dst, p := c.one(dst, s)
	if p == nil && !c.restricted {
		p = c.check(s)
	}
	if p != nil {
		return dst[:base], row.Null, p
	}
	return dst, row.Text, nil
}

// one appends one value as it is defined. It leaves dst alone on a problem.
func (c *Converter) one(dst []byte, s string) ([]byte, *Problem) {
	v, known := c.picks[s]
	if !known {
		base := len(dst)
		dst = appendLower(dst, s)
		v, known = c.picks[string(dst[base:])]
		dst = dst[:base]
	}
	switch {
	case known && v != "":
		return append(dst, v...), nil
	case !c.restricted:
		return append(dst, s...), nil
	case known:
		return dst, problem(CodePicklist, "bad value for restricted picklist field: %s (it is inactive)", Quote(s))
	}
	if v, ok := c.labels[strings.ToLower(s)]; ok {
		return dst, problem(CodePicklist, "bad value for restricted picklist field: %s (that is the label of the value %s)", Quote(s), Quote(v))
	}
	return dst, problem(CodePicklist, "bad value for restricted picklist field: %s", Quote(s))
}

// multi takes a list of picklist values with semicolons between them, at most 100.
func (c *Converter) multi(dst []byte, s string, _ row.Kind) ([]byte, row.Kind, *Problem) {
	base, n := len(dst), 0
	for rest, more := s, true; more; {
		var v string
		v, rest, more = strings.Cut(rest, ";")
		if v = strings.TrimSpace(v); v == "" {
			continue
		}
		if n++; n > maxPicks {
			return dst[:base], row.Null, problem(CodeTooMany, "more than %d values: %s", maxPicks, Quote(s))
		}
		if len(dst) > base {
			dst = append(dst, ';')
		}
		var p *Problem
		if dst, p = c.one(dst, v); p == nil && !c.restricted {
			p = c.check(v)
		}
		if p != nil {
			return dst[:base], row.Null, p
		}
	}
	if len(dst) == base {
		return dst, row.Null, nil
	}
	return dst, row.Text, nil
}

// appendLower appends s in lower case, rune by rune as strings.ToLower does.
func appendLower(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		b := s[i]
		if b >= utf8.RuneSelf {
			for _, r := range s[i:] {
				dst = utf8.AppendRune(dst, unicode.ToLower(r))
			}
			return dst
		}
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		dst = append(dst, b)
	}
	return dst
}

// AppendFold appends what f.FoldKey returns for s, without a string in between.
func AppendFold(dst []byte, f *schema.Field, s string) []byte {
	s = trim(s)
	switch {
	case f.Type == schema.ID || f.Type == schema.Reference:
		return appendID18(dst, s)
	case f.CaseSensitive:
		return append(dst, s...)
	}
	return appendLower(dst, s)
}

// id takes a record id: 15 characters, or 18 whose check characters are right, and if the
// objects that the field refers to are known, one of their key prefixes. It gives 18.
func (c *Converter) id(dst []byte, s string, _ row.Kind) ([]byte, row.Kind, *Problem) {
	base := len(dst)
	if len(s) != 15 && len(s) != 18 {
		return dst, row.Null, problem(CodeID, "malformed id %s: 15 or 18 characters are needed, not %d", Quote(s), utf8.RuneCountInString(s))
	}
	for i := range len(s) {
		if !isAlnum(s[i]) {
			return dst, row.Null, problem(CodeID, "malformed id %s: letters and digits only", Quote(s))
		}
	}
	dst = appendID18(dst, s[:15])
	if len(s) == 18 && string(dst[base:]) != s {
		dst = dst[:base]
		return dst, row.Null, problem(CodeID, "malformed id %s: the check characters do not fit, its case may have been changed", Quote(s))
	}
	if c.prefixes != nil {
		for _, p := range c.prefixes {
			if s[:3] == p {
				return dst, row.Text, nil
			}
		}
		dst = dst[:base]
		return dst, row.Null, problem(CodeID, "id value of incorrect type: %s (%s begins with %s)", Quote(s),
			c.objects, strings.Join(c.prefixes, " or "))
	}
	return dst, row.Text, nil
}

// appendID18 appends the 18-character form of an id; what is no 15 characters stays as it is.
// See schema.ID18.
func appendID18(dst []byte, s string) []byte {
	dst = append(dst, s...)
	if len(s) != 15 {
		return dst
	}
	for g := range 3 {
		n := 0
		for j := range 5 {
			if b := s[g*5+j]; b >= 'A' && b <= 'Z' {
				n |= 1 << j
			}
		}
		dst = append(dst, "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[n])
	}
	return dst
}
