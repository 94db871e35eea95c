package profile

import (
	"strings"

	"sfsync/mapping/convert"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// looks is what all values of a column can still be.
type looks uint8

const (
	looksInteger looks = 1 << iota
	looksNumber
	looksBoolean
	looksDate
	looksDateTime
	looksEmail
	looksJSON

	looksAll = looksInteger | looksNumber | looksBoolean | looksDate | looksDateTime | looksEmail | looksJSON
)

func (l looks) String() string {
	for _, w := range []struct {
		looks
		word string
	}{
		{looksInteger, "integer"},
		{looksNumber, "number"},
		{looksBoolean, "boolean"},
		{looksDate, "date"},
		{looksDateTime, "date-time"},
		{looksEmail, "email"},
		{looksJSON, "json"},
	} {
		if l&w.looks != 0 {
			return w.word
		}
	}
	return "text"
}

// narrow drops what a value is not. A number that begins with a 0 is none: it is a code, whose
// zeros count.
func (l looks) narrow(s string, kind row.Kind) looks {
	if kind == row.JSON {
		return l & looksJSON
	}
	l &^= looksJSON
	if l&looksInteger != 0 && !integer(s) {
		l &^= looksInteger
	}
	if l&looksNumber != 0 && (!convert.IsNumber(s) || leadingZero(s)) {
		l &^= looksNumber
	}
	if l&looksBoolean != 0 && !strings.EqualFold(s, "true") && !strings.EqualFold(s, "false") {
		l &^= looksBoolean
	}
	if l&looksDate != 0 && (len(s) != len("2026-11-21") || !takes(schema.Date, s)) {
		l &^= looksDate
	}
	if l&looksDateTime != 0 && (len(s) <= len("2026-11-21") || !takes(schema.DateTime, s)) {
		l &^= looksDateTime
	}
	if l&looksEmail != 0 && (strings.IndexByte(s, '@') < 0 || !takes(schema.Email, s)) {
		l &^= looksEmail
	}
	return l
}

func integer(s string) bool {
	if s != "" && s[0] == '-' {
		s = s[1:]
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) <= 18 && (s[0] != '0' || len(s) == 1)
}

func leadingZero(s string) bool {
	s = strings.TrimLeft(s, "+-")
	return len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9'
}

// takes reports whether a field of the type takes the value.
func takes(t schema.Type, s string) bool {
	conv, err := convert.New(&schema.Field{Type: t}, nil)
	if err != nil {
		return false
	}
	var buf [64]byte
	_, _, problem := conv.Append(buf[:0], s, row.Text)
	return problem == nil
}

// lessNumber compares two numbers by their digits.
func lessNumber(a, b string) bool {
	if len(a) <= 15 && len(b) <= 15 && integer(a) && integer(b) {
		return small(a) < small(b)
	}
	x, y := new(rat), new(rat)
	return x.set(a) && y.set(b) && x.Cmp(&y.Rat) < 0
}

func small(s string) (n int64) {
	negative := s[0] == '-'
	if negative {
		s = s[1:]
	}
	for i := range len(s) {
		n = n*10 + int64(s[i]-'0')
	}
	if negative {
		return -n
	}
	return n
}
