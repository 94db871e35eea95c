package soql

import (
	"strings"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/soql/syntax"
)

// format is what FORMAT shows of a value to a user whose language is English (United States).
func format(typ schema.Type, text string) string {
	switch typ {
	case schema.Date:
		if t, err := time.Parse(syntax.DateForm, text); err == nil {
			return t.Format("1/2/2006")
		}
	case schema.DateTime:
		if t, err := time.Parse(StoredDateTime, text); err == nil {
			return t.Format("1/2/2006, 3:04 PM")
		}
	case schema.Currency:
		whole, fraction, _ := strings.Cut(text, ".")
		number := thousands(whole) + "." + (fraction + "00")[:max(2, len(fraction))]
		if rest, minus := strings.CutPrefix(number, "-"); minus {
			return "-$" + rest
		}
		return "$" + number
	case schema.Int, schema.Long, schema.Double, schema.Percent:
		whole, fraction, has := strings.Cut(text, ".")
		if out := thousands(whole); !has {
			return out
		} else {
			return out + "." + fraction
		}
	}
	return text
}

// thousands puts commas into a whole number.
func thousands(s string) string {
	sign := ""
	if rest, minus := strings.CutPrefix(s, "-"); minus {
		sign, s = "-", rest
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}
