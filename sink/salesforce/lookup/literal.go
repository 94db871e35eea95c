package lookup

import (
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sfsync/sink/salesforce/wire"
)

const (
	// maxLiteral is the longest string literal of a SOQL condition, in characters (SOQL and SOSL
	// reference, "SOQL … Limits").
	maxLiteral = 4000
	// maxNumber is the most characters of a number: no field has more than 18 digits.
	maxNumber = 40
)

// literal returns a key as a SOQL literal; ok is false if no record can hold such a key. Keys have
// been folded, so their letters may be lower case whatever they are.
func (f Field) literal(key string) (_ string, ok bool) {
	switch f.Kind {
	case ID:
		return "'" + key + "'", WellFormedID(key)
	case Number:
		return decimal(key)
	case Bool:
		key = strings.ToLower(key)
		return key, key == "true" || key == "false"
	case Date:
		t, err := time.Parse(time.DateOnly, key)
		return t.Format(time.DateOnly), err == nil
	case DateTime:
		t, ok := moment(key)
		return t.Format("2006-01-02T15:04:05.000Z"), ok
	case Time:
		t, ok := clock(key)
		return t.Format("15:04:05.000Z"), ok
	}
	n := utf8.RuneCountInString(key)
	if n == 0 || n > maxLiteral || f.Length > 0 && n > f.Length || !utf8.ValidString(key) {
		return "", false
	}
	return wire.QuoteSOQL(key), true
}

// Canonical returns a key in the form in which equal ones are the same text. The org writes numbers
// and times in its own way: 12 as 12.0, large ones with an exponent, UTC as +0000.
func (f Field) Canonical(key string) string {
	var text string
	ok := false
	switch f.Kind {
	case Number:
		text, ok = decimal(key)
	case DateTime:
		var t time.Time
		t, ok = moment(key)
		text = t.Format(time.RFC3339Nano)
	case Time:
		var t time.Time
		t, ok = clock(key)
		text = t.Format("15:04:05.999")
	case Bool:
		text, ok = strings.ToLower(key), true
	}
	if !ok {
		return key
	}
	return text
}

// size is the most bytes that a key's literal has in a URL.
func (f Field) size(key string) int {
	n := len("''")
	for j := range len(key) {
		switch c := key[j]; {
		case c == '\\' || c == '\'' || c == '"':
			n += 6
		case c < ' ' || c == 0x7F:
			n += 8
		case wire.Plain(c):
			n++
		default:
			n += 3
		}
	}
	// Numbers and times may be written longer than they came.
	if f.Kind != Text && f.Kind != ID && key != "" && (key[0] <= '9' || f.Kind != unknown) {
		n = max(n, maxNumber)
	}
	return n
}

// decimal writes a number without an exponent and without zeros that say nothing; ok is false for
// what is no number, or none that a field can hold.
func decimal(s string) (_ string, ok bool) {
	if len(s) > maxNumber || !wire.JSONNumber(s) {
		return "", false
	}
	if v, err := strconv.ParseFloat(s, 64); err != nil || v > 1e30 || v < -1e30 {
		return "", false // the exact form would be long
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return "", false
	}
	places, exact := r.FloatPrec()
	if !exact || places > maxNumber-2 {
		return "", false // 1e-300
	}
	text := r.FloatString(places)
	return text, len(text) <= maxNumber
}

// moment reads a date and time as mappings and orgs write it.
func moment(s string) (time.Time, bool) {
	s = strings.ToUpper(s)
	for _, layout := range [...]string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func clock(s string) (time.Time, bool) {
	t, err := time.Parse("15:04:05.999999999", strings.TrimSuffix(strings.ToUpper(s), "Z"))
	return t, err == nil
}

// WellFormedID reports whether s can be a record id: 15 or 18 letters and digits. A malformed
// one fails a whole query.
func WellFormedID(s string) bool {
	if len(s) != 15 && len(s) != 18 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}
