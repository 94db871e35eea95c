package convert

import (
	"time"

	"sfsync/pipeline/row"
)

// The years Salesforce stores (SOAP API guide, primitive data types).
const (
	minYear = 1700
	maxYear = 4000
)

// date takes yyyy-mm-dd, from 1700-01-01 to 4000-12-31. A date-time is taken too if it is
// midnight as written, since then it can only mean that day; any other needs date(layout).
func (c *Converter) date(dst []byte, s string, _ row.Kind) ([]byte, row.Kind, *Problem) {
	y, m, d, rest, ok := parseDate(s)
	if !ok {
		return dst, row.Null, problem(CodeType, "value not of required type: %s is no date (yyyy-mm-dd)", Quote(s))
	}
	if rest != "" {
		ns, _, _, good := parseClock(rest)
		if !good {
			return dst, row.Null, problem(CodeType, "value not of required type: %s is no date (yyyy-mm-dd)", Quote(s))
		}
		if ns != 0 {
			return dst, row.Null, problem(CodeType, "value not of required type: %s has a time of day, so its date depends on the zone", Quote(s))
		}
	}
	if y < minYear || y > maxYear {
		return dst, row.Null, problem(CodeType, "date %s is outside 1700-01-01 to 4000-12-31", Quote(s))
	}
	return AppendDate(dst, y, m, d), row.Text, nil
}

// dateTime takes ISO 8601: a date, T or a blank, hh:mm with optional seconds and fraction, and
// Z or an offset; without one it is UTC, and a date alone is midnight UTC. It gives UTC with
// milliseconds; finer digits are cut.
func (c *Converter) dateTime(dst []byte, s string, _ row.Kind) ([]byte, row.Kind, *Problem) {
	t, ok := parseDateTime(s)
	if !ok {
		return dst, row.Null, problem(CodeType, "value not of required type: %s is no date-time (2026-11-21T10:00:00Z)", Quote(s))
	}
	if y := t.Year(); y < minYear || y > maxYear {
		return dst, row.Null, problem(CodeType, "date-time %s is outside 1700-01-01 to 4000-12-31", Quote(s))
	}
	return AppendDateTime(dst, t), row.Text, nil
}

// time takes hh:mm with optional seconds, fraction and Z.
func (c *Converter) time(dst []byte, s string, _ row.Kind) ([]byte, row.Kind, *Problem) {
	ns, off, _, ok := parseClock("T" + s)
	if !ok || off != 0 {
		return dst, row.Null, problem(CodeType, "value not of required type: %s is no time of day (hh:mm:ss)", Quote(s))
	}
	return appendClock(dst, ns), row.Text, nil
}

// parseDate reads yyyy-mm-dd and returns what follows it.
func parseDate(s string) (y, m, d int, rest string, ok bool) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return 0, 0, 0, "", false
	}
	y, ok1 := digits(s[0:4])
	m, ok2 := digits(s[5:7])
	d, ok3 := digits(s[8:10])
	if !ok1 || !ok2 || !ok3 || m < 1 || m > 12 || d < 1 || d > days(y, m) {
		return 0, 0, 0, "", false
	}
	return y, m, d, s[10:], true
}

func digits(s string) (int, bool) {
	n := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

func days(y, m int) int {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// parseClock reads "T10:00", "T10:00:00.123Z", " 10:00:00+01:00" and the like. It returns the
// nanoseconds since midnight and the offset from UTC in seconds; zoned is false without one.
func parseClock(s string) (ns int64, offset int, zoned, ok bool) {
	if len(s) < 6 || s[0] != 'T' && s[0] != 't' && s[0] != ' ' || s[3] != ':' {
		return 0, 0, false, false
	}
	h, ok1 := digits(s[1:3])
	m, ok2 := digits(s[4:6])
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, 0, false, false
	}
	ns = (int64(h)*60 + int64(m)) * 60 * int64(time.Second)
	s = s[6:]
	if len(s) >= 3 && s[0] == ':' {
		sec, good := digits(s[1:3])
		if !good || sec > 59 {
			return 0, 0, false, false
		}
		ns += int64(sec) * int64(time.Second)
		s = s[3:]
		if len(s) > 1 && (s[0] == '.' || s[0] == ',') {
			unit, i := int64(time.Second)/10, 1
			for ; i < len(s) && isDigit(s[i]); i++ {
				ns += int64(s[i]-'0') * unit
				unit /= 10
			}
			if i == 1 {
				return 0, 0, false, false
			}
			s = s[i:]
		}
	}
	if s == "" {
		return ns, 0, false, true
	}
	offset, ok = parseOffset(s)
	return ns, offset, true, ok
}

// parseOffset reads Z, ±hh, ±hhmm or ±hh:mm.
func parseOffset(s string) (int, bool) {
	if s == "Z" || s == "z" {
		return 0, true
	}
	if len(s) == 6 && s[3] == ':' {
		h, ok1 := digits(s[1:3])
		m, ok2 := digits(s[4:6])
		return offsetOf(s[0], h, m, ok1 && ok2)
	}
	switch len(s) {
	case 3:
		h, ok := digits(s[1:3])
		return offsetOf(s[0], h, 0, ok)
	case 5:
		n, ok := digits(s[1:5])
		return offsetOf(s[0], n/100, n%100, ok)
	}
	return 0, false
}

func offsetOf(sign byte, h, m int, ok bool) (int, bool) {
	if !ok || h > 14 || m > 59 || sign != '+' && sign != '-' {
		return 0, false
	}
	n := (h*60 + m) * 60
	if sign == '-' {
		n = -n
	}
	return n, true
}

func parseDateTime(s string) (time.Time, bool) {
	y, m, d, rest, ok := parseDate(s)
	if !ok {
		return time.Time{}, false
	}
	var ns int64
	var offset int
	if rest != "" {
		if ns, offset, _, ok = parseClock(rest); !ok {
			return time.Time{}, false
		}
	}
	return time.Date(y, time.Month(m), d, 0, 0, -offset, 0, time.UTC).Add(time.Duration(ns)), true
}

// AppendDate appends yyyy-mm-dd.
func AppendDate(dst []byte, y, m, d int) []byte {
	dst = append2(append2(dst, y/100), y%100)
	dst = append2(append(dst, '-'), m)
	return append2(append(dst, '-'), d)
}

// AppendDateTime appends a moment as Salesforce takes it: 2026-11-21T10:00:00.000Z.
func AppendDateTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	y, m, d := t.Date()
	dst = append(AppendDate(dst, y, int(m), d), 'T')
	hh, mm, ss := t.Clock()
	return appendClock(dst, (int64(hh*60+mm)*60+int64(ss))*int64(time.Second)+int64(t.Nanosecond()))
}

// appendClock appends hh:mm:ss.sssZ.
func appendClock(dst []byte, ns int64) []byte {
	ms := int(ns / int64(time.Millisecond))
	dst = append2(dst, ms/3_600_000)
	dst = append2(append(dst, ':'), ms/60_000%60)
	dst = append2(append(dst, ':'), ms/1000%60)
	dst = append(dst, '.', byte('0'+ms/100%10))
	return append(append2(dst, ms%100), 'Z')
}

func append2(dst []byte, n int) []byte { return append(dst, byte('0'+n/10%10), byte('0'+n%10)) }
