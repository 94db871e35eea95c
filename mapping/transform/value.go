package transform

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"sfsync/mapping/convert"
)

func bad(format string, args ...any) *convert.Problem {
	return &convert.Problem{Code: convert.CodeType, Message: fmt.Sprintf(format, args...)}
}

// date reads a date by a layout and gives yyyy-mm-dd. A layout with a time of day is allowed: the
// date counts as it is written, or with a zone, where the value is a moment (it holds an offset,
// or the layout is unix), the date that the moment has there.
func date(args []string) (Func, error) {
	l, err := parseLayout(args[0])
	if err != nil {
		return nil, &ArgError{0, err}
	}
	if !l.date {
		return nil, &ArgError{0, fmt.Errorf("the layout %q has no year, month and day", args[0])}
	}
	var zone *time.Location
	if len(args) == 2 {
		if zone, err = location(args[1]); err != nil {
			return nil, err
		}
		if !l.moment {
			return nil, &ArgError{1, fmt.Errorf("the layout %q has no offset (Z), so that the date is as it is written, in any zone", args[0])}
		}
	}
	return func(b *Buffer, s string) (string, *convert.Problem) {
		t, ok := l.parse(strings.TrimSpace(s), time.UTC)
		if !ok {
			return "", bad("%s is no date of the form %s", convert.Quote(s), l.text)
		}
		if zone != nil {
			t = t.In(zone)
		}
		y, m, d := t.Date()
		if y < 0 || y > 9999 {
			return "", bad("%s is outside the years 0 to 9999", convert.Quote(s))
		}
		start := len(b.b)
		b.b = convert.AppendDate(b.b, y, int(m), d)
		return b.since(start), nil
	}, nil
}

// dateTime reads a date-time by a layout and gives UTC as 2026-11-21T10:00:00.000Z. What has
// no offset in itself is a time of the zone, UTC by default. A time that the zone's clocks
// skip or show twice counts by the offset before they are set: 02:30 in a skipped hour is 03:30 after it,
// and of two times the first.
func dateTime(args []string) (Func, error) {
	l, err := parseLayout(args[0])
	if err != nil {
		return nil, &ArgError{0, err}
	}
	if !l.date {
		return nil, &ArgError{0, fmt.Errorf("the layout %q has no year, month and day", args[0])}
	}
	zone := time.UTC
	if len(args) == 2 {
		if zone, err = location(args[1]); err != nil {
			return nil, err
		}
	}
	return func(b *Buffer, s string) (string, *convert.Problem) {
		t, ok := l.parse(strings.TrimSpace(s), zone)
		if !ok {
			return "", bad("%s is no date-time of the form %s", convert.Quote(s), l.text)
		}
		if y := t.UTC().Year(); y < 0 || y > 9999 {
			return "", bad("%s is outside the years 0 to 9999", convert.Quote(s))
		}
		start := len(b.b)
		b.b = convert.AppendDateTime(b.b, t)
		return b.since(start), nil
	}, nil
}

// location finds a time zone, the second argument.
func location(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, &ArgError{1, fmt.Errorf("unknown time zone %q: use a name such as Europe/Berlin or UTC", name)}
	}
	return zone, nil
}

// layout is how a date is written: yyyy yy MMMM MMM MM M dd d EEEE EEE HH H hh h mm m ss s, SSS after
// a dot or comma, a for AM or PM, Z for an offset or Z, T and text in 'quotes' as they are; or
// unix and unix_ms for seconds and milliseconds since 1970.
type layout struct {
	text string
	form string // for the time package; "" for unix times
	unit time.Duration
	date bool
	// moment is set where the value tells its zone itself.
	moment bool
}

func parseLayout(text string) (*layout, error) {
	l := &layout{text: text, date: true}
	switch text {
	case "unix":
		l.unit, l.moment = time.Second, true
		return l, nil
	case "unix_ms":
		l.unit, l.moment = time.Millisecond, true
		return l, nil
	}
	var form strings.Builder
	seen := map[byte]bool{}
	for i := 0; i < len(text); {
		c := text[i]
		n := 1
		for i+n < len(text) && text[i+n] == c {
			n++
		}
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		switch {
		case c == '\'':
			end := strings.IndexByte(text[i+1:], '\'')
			if end < 0 {
				return nil, fmt.Errorf("the layout %q has a quote that does not end", text)
			}
			lit := text[i+1 : i+1+end]
			if strings.ContainsAny(lit, "0123456789_") || len(lit) > 0 && strings.ContainsAny(lit, "JFMSTPpZ") && lit != "T" && lit != "Z" {
				return nil, fmt.Errorf("the layout %q quotes %q: only words in small letters, T and Z can be quoted", text, lit)
			}
			form.WriteString(lit)
			i += end + 2
			continue
		case c == 'T' && n == 1:
			form.WriteByte('T')
		case !letter && (c < '0' || c > '9') && c != '_':
			form.WriteString(text[i : i+n])
		default:
			word, ok := layoutWord(text[i:i+n], text[:i])
			if !ok {
				return nil, fmt.Errorf("the layout %q has %q, which is none of yyyy yy MMMM MMM MM M dd d EEEE EEE HH H hh h mm m ss s SSS a Z T (or unix, unix_ms)", text, text[i:i+n])
			}
			form.WriteString(word)
			seen[c] = true
		}
		i += n
	}
	l.form = form.String()
	l.moment = seen['Z']
	l.date = seen['y'] && seen['M'] && seen['d']
	if seen['h'] && !seen['a'] {
		return nil, fmt.Errorf("the layout %q counts hours to 12 (h) without AM or PM (a): use H", text)
	}
	return l, nil
}

func layoutWord(w, before string) (string, bool) {
	switch w {
	case "yyyy":
		return "2006", true
	case "yy":
		return "06", true
	case "MMMM":
		return "January", true
	case "MMM":
		return "Jan", true
	case "MM":
		return "01", true
	case "M":
		return "1", true
	case "dd":
		return "02", true
	case "d":
		return "2", true
	case "EEEE":
		return "Monday", true
	case "EEE":
		return "Mon", true
	case "HH", "H":
		return "15", true
	case "hh":
		return "03", true
	case "h":
		return "3", true
	case "mm":
		return "04", true
	case "m":
		return "4", true
	case "ss":
		return "05", true
	case "s":
		return "5", true
	case "a":
		return "PM", true
	case "Z":
		return "Z07:00", true
	case "S", "SS", "SSS", "SSSS", "SSSSS", "SSSSSS", "SSSSSSSSS":
		if before != "" && (before[len(before)-1] == '.' || before[len(before)-1] == ',') {
			return strings.Repeat("0", len(w)), true
		}
	}
	return "", false
}

func (l *layout) parse(s string, zone *time.Location) (time.Time, bool) {
	if l.unit == 0 {
		t, err := time.ParseInLocation(l.form, s, time.UTC)
		if err == nil && zone != time.UTC && !l.moment {
			t = inZone(t, zone)
		}
		return t, err == nil
	}
	neg := s != "" && s[0] == '-'
	if neg {
		s = s[1:]
	}
	whole, _, _ := strings.Cut(s, ".")
	if whole == "" || len(whole) > 15 {
		return time.Time{}, false
	}
	n, ns, unit := int64(0), int64(0), l.unit
	for i := range len(s) {
		if s[i] == '.' && i == len(whole) {
			continue
		}
		if s[i] < '0' || s[i] > '9' {
			return time.Time{}, false
		}
		if i < len(whole) {
			n = n*10 + int64(s[i]-'0')
		} else {
			unit /= 10
			ns += int64(s[i]-'0') * int64(unit)
		}
	}
	if neg {
		n, ns = -n, -ns
	}
	if l.unit == time.Millisecond {
		return time.UnixMilli(n).Add(time.Duration(ns)).UTC(), true
	}
	return time.Unix(n, ns).UTC(), true
}

// inZone gives the time at which the clocks of a zone show what wall shows in UTC. A time that they skip
// or show twice counts by the offset before they are set; the time package gives one of the two there
// and does not say which.
func inZone(wall time.Time, zone *time.Location) time.Time {
	year, month, day := wall.Date()
	hour, minute, second := wall.Clock()
	t := time.Date(year, month, day, hour, minute, second, wall.Nanosecond(), zone)
	_, offset := t.Zone()
	start, _ := t.ZoneBounds()
	switch skipped := wall.Unix() - t.Unix() - int64(offset); {
	case skipped > 0: // taken by the offset after the clocks are set
		return t.Add(time.Duration(skipped) * time.Second)
	case skipped == 0 && !start.IsZero():
		_, before := start.Add(-1).Zone()
		if first := t.Add(time.Duration(offset-before) * time.Second); first.Before(start) {
			return first
		}
	}
	return t
}

// separators are how a language writes numbers: the decimal sign, the signs between groups,
// and whether groups of two are usual.
type separators struct {
	decimal string
	group   string
	pairs   bool
}

// number reads a number as a locale writes it, with currency signs around it if need be, and
// gives plain digits with a dot. Groups must be whole, so that 1,5 is refused in en and not
// read as 15.
func number(locale string) (Func, error) {
	sep, ok := locales(locale)
	if !ok {
		return nil, &ArgError{0, fmt.Errorf("unknown locale %q: use a language such as en, de, fr, de-CH or en-IN", locale)}
	}
	return func(b *Buffer, s string) (string, *convert.Problem) {
		start := len(b.b)
		t := strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Sc, r) })
		if !sep.plain(b, t) {
			b.b = b.b[:start]
			return "", bad("%s is no number as %s writes it", convert.Quote(s), locale)
		}
		return b.since(start), nil
	}, nil
}

// plain appends the number without separators.
func (sep *separators) plain(b *Buffer, s string) bool {
	if s == "" {
		return false
	}
	if s[0] == '-' || s[0] == '+' {
		b.b = append(b.b, s[0])
		s = strings.TrimLeftFunc(s[1:], func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Sc, r) })
	} else if strings.HasPrefix(s, "−") {
		b.b = append(b.b, '-')
		s = s[len("−"):]
	}
	whole, fraction, dot := strings.Cut(s, sep.decimal)
	if dot && fraction == "" {
		return false
	}
	run, groups := 0, 0
	for i, r := range whole {
		switch {
		case r >= '0' && r <= '9':
			b.b = append(b.b, byte(r))
			run++
		case strings.ContainsRune(sep.group, r):
			if i == 0 || run == 0 || groups == 0 && run > 3 || groups > 0 && run != 3 && (!sep.pairs || run != 2) {
				return false
			}
			groups++
			run = 0
		default:
			return false
		}
	}
	if whole == "" && !dot || groups > 0 && run != 3 {
		return false
	}
	if !dot {
		return true
	}
	b.b = append(b.b, '.')
	for i := range len(fraction) {
		if fraction[i] < '0' || fraction[i] > '9' {
			return false
		}
	}
	b.b = append(b.b, fraction...)
	return true
}

// locales gives the separators of a locale, by its region where that matters. The data is
// that of the Unicode CLDR for the languages named.
func locales(name string) (*separators, bool) {
	const spaces = " \u00a0\u2009\u202f"
	tag, err := language.Parse(name)
	if err != nil || name == "" {
		return nil, false
	}
	base, _ := tag.Base()
	region, sure := tag.Region()
	r := ""
	if sure == language.Exact {
		r = region.String()
	}
	switch lang := base.String(); {
	case r == "CH" || r == "LI":
		return &separators{decimal: ".", group: "'’" + spaces}, true
	case r == "IN" || lang == "hi" || lang == "bn" || lang == "ta" || lang == "te":
		return &separators{decimal: ".", group: ",", pairs: true}, true
	case lang == "es" && slices.Contains([]string{"MX", "US", "PR", "GT", "HN", "NI", "SV", "PA", "DO", "PE"}, r):
		return &separators{decimal: ".", group: "," + spaces}, true
	case lang == "en" && r == "ZA" || lang == "af":
		return &separators{decimal: ",", group: spaces}, true
	case slices.Contains([]string{"en", "ja", "zh", "ko", "th", "he", "iw", "ms", "sw", "ga", "cy"}, lang):
		return &separators{decimal: ".", group: ","}, true
	case slices.Contains([]string{"de", "nl", "it", "es", "da", "el", "hr", "sl", "sr", "bs", "tr", "id", "ro", "is", "vi", "ca", "gl", "eu", "az", "mk"}, lang):
		return &separators{decimal: ",", group: "." + spaces}, true
	case lang == "pt":
		return &separators{decimal: ",", group: "." + spaces}, true
	case slices.Contains([]string{"fr", "ru", "uk", "pl", "cs", "sk", "sv", "fi", "nb", "no", "nn", "bg", "hu", "et", "lv", "lt", "be", "kk"}, lang):
		return &separators{decimal: ",", group: spaces}, true
	}
	return nil, false
}

// truth gives true for the words named, in any case, and false for every other text.
func truth(words []string) (Func, error) {
	words = slices.Clone(words)
	for i, w := range words {
		if convert.Blank(w) {
			return nil, &ArgError{i, errors.New("bool needs words that mean true")}
		}
		if !utf8.ValidString(w) {
			return nil, &ArgError{i, errors.New("bool needs words in UTF-8")}
		}
		words[i] = strings.TrimSpace(w)
	}
	return func(_ *Buffer, s string) (string, *convert.Problem) {
		s = strings.TrimSpace(s)
		for _, w := range words {
			if strings.EqualFold(s, w) {
				return "true", nil
			}
		}
		return "false", nil
	}, nil
}
