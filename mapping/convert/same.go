package convert

import (
	"strconv"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// Same reports whether sending a cell would leave the record as it is: sent is what a [Converter]
// made for the field, stored what a query gives for it (row.Null for a blank value). It
// compares what the org keeps, not how either side spells it:
//
//   - numbers by their digits ("12" and "12.0" and "1.2E1" are one), those of more than 15 digits
//     as 64-bit floats, as which the API carries them (REST API guide, xsd:double);
//   - date-times and times as moments, to the millisecond, whatever the offset;
//   - ids in 15 or 18 characters; a text key of another record (a relationship's) as the org compares keys;
//   - the values of a multi-select picklist in any order;
//   - text without blanks around it; in a text area any line break is like any other, since the
//     org may write them its own way (unconfirmed).
//
// Text is compared by case, e-mail addresses too: the org keeps their case (unconfirmed). The
// value of an encrypted field comes back masked, so a sent one never is the same. It allocates
// nothing for a pair of good values but those of multi-select picklists. A cell that is not
// sent (row.Absent) changes nothing and is the same as any.
func Same(f *schema.Field, sent, stored row.Cell) bool {
	if sent.Kind() == row.Absent {
		return true
	}
	a, b := cellText(sent), cellText(stored)
	if a == "" || b == "" {
		return a == b
	}
	switch f.Type {
	case schema.EncryptedString:
		return false
	case schema.Boolean:
		return strings.EqualFold(a, b)
	case schema.Int, schema.Long, schema.Double, schema.Currency, schema.Percent:
		return sameNumber(a, b)
	case schema.DateTime:
		x, ok1 := parseDateTime(a)
		y, ok2 := parseDateTime(b)
		return ok1 && ok2 && x.UnixMilli() == y.UnixMilli()
	case schema.Time:
		x, ok1 := parseTime(a)
		y, ok2 := parseTime(b)
		return ok1 && ok2 && x/1_000_000 == y/1_000_000
	case schema.ID, schema.Reference:
		return sameID(a, b)
	case schema.MultiPicklist:
		return samePicks(a, b)
	case schema.TextArea:
		return a == b || sameLines(a, b)
	}
	return a == b || strings.IndexByte(f.Name, '.') >= 0 && sameKey(f, a, b)
}

// cellText returns the trimmed text of a cell, "" for one without a value.
func cellText(c row.Cell) string {
	if c.Kind() <= row.Null {
		return ""
	}
	return trim(c.Text)
}

func sameKey(f *schema.Field, a, b string) bool {
	var x, y [128]byte
	return string(AppendFold(x[:0], f, a)) == string(AppendFold(y[:0], f, b))
}

// floatDigits is how many digits of a number a float always keeps.
const floatDigits = 15

// sameNumber compares the canonical spellings; what is no number is never the same as one.
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	var x, y [2 * maxPrecision]byte
	p, bad1 := appendDecimal(x[:0], a, maxNumber, maxNumber, false)
	q, bad2 := appendDecimal(y[:0], b, maxNumber, maxNumber, false)
	switch {
	case bad1 != numberOK || bad2 != numberOK:
		return false
	case string(p) == string(q):
		return true
	case max(len(p), len(q)) <= floatDigits:
		return false
	}
	f, err1 := strconv.ParseFloat(a, 64)
	g, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && f == g
}

// parseTime reads a time of day without the date in front of it.
func parseTime(s string) (ns int64, ok bool) {
	var buf [32]byte
	if len(s) >= len(buf) {
		return 0, false
	}
	ns, _, _, ok = parseClock(string(append(append(buf[:0], 'T'), s...)))
	return ns, ok
}

func sameID(a, b string) bool {
	var x, y [18]byte
	if len(a) > 18 || len(b) > 18 {
		return a == b
	}
	return string(appendID18(x[:0], a)) == string(appendID18(y[:0], b))
}

// samePicks compares lists of values with semicolons between them as sets.
func samePicks(a, b string) bool {
	if a == b {
		return true
	}
	set := map[string]bool{} // value → seen on the other side
	for v := range strings.SplitSeq(a, ";") {
		if v = trim(v); v != "" {
			set[v] = false
		}
	}
	left := len(set)
	for v := range strings.SplitSeq(b, ";") {
		if v = trim(v); v == "" {
			continue
		}
		seen, ok := set[v]
		if !ok {
			return false
		}
		if !seen {
			set[v] = true
			left--
		}
	}
	return left == 0
}

// sameLines compares texts whose line breaks may be CR LF on one side and LF on the other.
func sameLines(a, b string) bool {
	for {
		x, restA, moreA := strings.Cut(a, "\n")
		y, restB, moreB := strings.Cut(b, "\n")
		if moreA != moreB {
			return false
		}
		if moreA {
			x, y = strings.TrimSuffix(x, "\r"), strings.TrimSuffix(y, "\r")
		}
		if x != y {
			return false
		}
		if !moreA {
			return true
		}
		a, b = restA, restB
	}
}
