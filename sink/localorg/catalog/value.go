package catalog

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sfsync/mapping/schema"
)

// Layouts in which the database keeps times; both are also how the REST API shows them.
const (
	DateLayout     = "2006-01-02"
	DateTimeLayout = "2006-01-02T15:04:05.000+0000"
	timeLayout     = "15:04:05.000Z"
)

// maxNumberText bounds a number's text: nobody writes 100 digits in earnest.
const maxNumberText = 100

// mismatch says that a value is of another type than the field. It makes Salesforce refuse
// the whole request.
type mismatch struct {
	want string // "date"
	// token is Jackson's name of what came, text its beginning.
	token, text string
}

func (m *mismatch) Error() string {
	return fmt.Sprintf("Cannot deserialize instance of %s from %s value %s or request may be missing a required field", m.want, m.token, m.text)
}

// jsonTypeName is the type's name in a mismatch.
func jsonTypeName(t schema.Type) string {
	switch t {
	case schema.Int, schema.Long:
		return "int"
	case schema.Double, schema.Percent:
		return "double"
	case schema.Currency:
		return "currency"
	case schema.Boolean, schema.Date, schema.Time:
		return string(t)
	case schema.DateTime:
		return "datetime"
	case schema.ID, schema.Reference:
		return "reference"
	}
	return "string"
}

// ParseText returns a text as the field stores it: nil if it is blank. The error is of the
// unexported type mismatch if the text is none of the type's, else an *Error about this record's value.
// Ids are not checked here; see checkID.
func (f *Field) ParseText(s string) (any, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, nil
	}
	switch t := f.Def.Type; t {
	case schema.Boolean:
		switch {
		case strings.EqualFold(s, "true"):
			return int64(1), nil
		case strings.EqualFold(s, "false"):
			return int64(0), nil
		}
	case schema.Int, schema.Long, schema.Double, schema.Currency, schema.Percent:
		return f.fromNumber(s, "VALUE_STRING")
	case schema.Date:
		if d, err := time.Parse(DateLayout, s); err == nil {
			return s, f.checkYear(d)
		}
	case schema.DateTime:
		if d, ok := parseDateTime(s); ok {
			d = d.UTC()
			return d.Format(DateTimeLayout), f.checkYear(d)
		}
	case schema.Time:
		for _, l := range []string{"15:04:05Z07:00", "15:04:05Z0700"} {
			// A time of day has no zone but UTC (SOAP API guide, primitive data types); an offset
			// would make it another day's.
			if d, err := time.Parse(l, s); err == nil && offset(d) == 0 {
				return d.UTC().Format(timeLayout), nil
			}
		}
	case schema.Picklist, schema.Combobox:
		return f.fromPicklist(s)
	case schema.MultiPicklist:
		return f.fromMultiPicklist(s)
	case schema.Email:
		if err := f.checkLength(s); err != nil {
			return nil, err
		}
		if !validEmail(s) {
			return nil, Labelled(f, "INVALID_EMAIL_ADDRESS", "invalid email address: "+s)
		}
		return s, nil
	case schema.ID, schema.Reference:
		return s, nil
	default:
		return s, f.checkLength(s)
	}
	return nil, &mismatch{jsonTypeName(f.Def.Type), "VALUE_STRING", s}
}

// parseDateTime reads ISO-8601 with a zone: Z, ±hh:mm or ±hhmm; the seconds may have a
// fraction.
func parseDateTime(s string) (time.Time, bool) {
	for _, l := range [...]string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700"} {
		if d, err := time.Parse(l, s); err == nil && max(offset(d), -offset(d)) <= maxOffset {
			return d, true
		}
	}
	return time.Time{}, false
}

// maxOffset is the farthest that a zone is from UTC, in seconds (XML Schema, dateTime).
const maxOffset = 14 * 60 * 60

func offset(d time.Time) int {
	_, seconds := d.Zone()
	return seconds
}

// checkYear refuses what Salesforce's calendar does not have. (The wording is unconfirmed.)
func (f *Field) checkYear(d time.Time) error {
	if y := d.Year(); y < 1700 || y > 4000 {
		return Labelled(f, "FIELD_INTEGRITY_EXCEPTION", "invalid date: "+d.Format(DateLayout))
	}
	return nil
}

func (f *Field) checkLength(s string) error {
	if n := f.Def.Length; n > 0 && len(s) > n && utf8.RuneCountInString(s) > n {
		return Labelled(f, "STRING_TOO_LONG", fmt.Sprintf("data value too large: %s (max length=%d)", s, n))
	}
	return nil
}

// fromPicklist finds a value in any case. A list that is not restricted takes others too, as
// does one whose values are not known.
func (f *Field) fromPicklist(s string) (any, error) {
	if v, ok := f.picklist[s]; ok && v == s {
		return s, nil
	}
	if v, ok := f.picklist[strings.ToLower(s)]; ok {
		return v, nil
	}
	if f.Def.RestrictedPicklist && len(f.picklist) > 0 {
		return nil, Labelled(f, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value for restricted picklist field: "+s)
	}
	return s, f.checkLength(s)
}

// maxEnumValues is how many values a multi-select picklist takes.
const maxEnumValues = 100

// fromMultiPicklist brings the values into the order of the definition, unknown ones behind.
func (f *Field) fromMultiPicklist(s string) (any, error) {
	given := map[string]bool{}
	var others []string
	count := 0
	for part := range strings.SplitSeq(s, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		count++
		v, err := f.fromPicklist(part)
		if err != nil {
			return nil, err
		}
		name := v.(string)
		if given[name] {
			continue
		}
		given[name] = true
		if f.picklist[strings.ToLower(name)] == "" {
			others = append(others, name)
		}
	}
	if count > maxEnumValues {
		return nil, Labelled(f, "TOO_MANY_ENUM_VALUE", fmt.Sprintf("too many values in multi-select picklist (max %d)", maxEnumValues))
	}
	if len(given) == 0 {
		return nil, nil
	}
	var out []string
	for _, v := range f.Def.Picklist {
		if given[v.Value] && v.Active {
			out = append(out, v.Value)
		}
	}
	return strings.Join(append(out, others...), ";"), nil
}

// fromNumber reads a number from its text; token says for a message what the text was. Whether it
// is in range, and how it is rounded, is decided on its decimal digits; it is then kept as a
// double, as the API's type has it.
func (f *Field) fromNumber(s, token string) (any, error) {
	bad := &mismatch{jsonTypeName(f.Def.Type), token, s}
	d, ok := parseDecimal(s)
	if !ok {
		return nil, bad
	}
	tooBig := Labelled(f, "NUMBER_OUTSIDE_VALID_RANGE", "value outside of valid range on numeric field: "+s)
	if t := f.Def.Type; t == schema.Int || t == schema.Long {
		if len(d.digits) > d.point {
			return nil, bad
		}
		most := f.Def.Digits
		if most == 0 {
			most = 10
		}
		v := d.float()
		if d.point > most || v >= 1<<31 || v < -1<<31 {
			return nil, tooBig
		}
		return int64(v), nil
	}
	d = d.round(f.Def.Scale)
	if p := f.Def.Precision; p > 0 && d.point > p-f.Def.Scale {
		return nil, tooBig
	}
	v := d.float()
	if math.IsInf(v, 0) {
		return nil, tooBig
	}
	return v, nil
}

// decimal is the number 0.DIGITS × 10^point. The digits neither begin nor end with a 0; those of
// zero are "".
type decimal struct {
	negative bool
	digits   string
	point    int
}

// maxExponent is far beyond what any double has.
const maxExponent = 10_000

// parseDecimal reads an optional sign, digits with at most one point, and an optional exponent.
func parseDecimal(s string) (d decimal, ok bool) {
	if len(s) > maxNumberText {
		return d, false
	}
	mantissa, exponent, exponential := strings.Cut(strings.ToLower(s), "e")
	if exponential {
		if _, err := strconv.Atoi(exponent); err != nil && !errors.Is(err, strconv.ErrRange) {
			return d, false
		}
		d.point, _ = strconv.Atoi(exponent) // the nearest one where it is out of range
		d.point = min(max(d.point, -maxExponent), maxExponent)
	}
	if mantissa != "" && (mantissa[0] == '+' || mantissa[0] == '-') {
		d.negative = mantissa[0] == '-'
		mantissa = mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return d, false
	}
	d.digits = strings.TrimLeft(digits, "0")
	d.point += len(whole) - (len(digits) - len(d.digits))
	d.digits = strings.TrimRight(d.digits, "0")
	if d.digits == "" {
		d.point = 0
	}
	return d, true
}

// round rounds half away from zero to so many decimals. (How Salesforce rounds a half is
// unconfirmed.)
func (d decimal) round(scale int) decimal {
	keep := d.point + scale
	switch {
	case keep >= len(d.digits):
		return d
	case keep < 0:
		return decimal{}
	}
	up := d.digits[keep] >= '5'
	kept := []byte(d.digits[:keep])
	for i := keep - 1; i >= 0 && up; i-- {
		if up = kept[i] == '9'; up {
			kept[i] = '0'
		} else {
			kept[i]++
		}
	}
	if up {
		kept, d.point = append([]byte{'1'}, kept...), d.point+1
	}
	d.digits = strings.TrimRight(string(kept), "0")
	if d.digits == "" {
		return decimal{}
	}
	return d
}

func (d decimal) float() float64 {
	if d.digits == "" {
		return 0
	}
	sign := ""
	if d.negative {
		sign = "-"
	}
	v, _ := strconv.ParseFloat(sign+"0."+d.digits+"e"+strconv.Itoa(d.point), 64) // infinite where it is too large
	return v
}

// validEmail reports whether an address has the shape that Salesforce asks for: one @, the
// usual characters in front, labels with dots between behind. That letters beyond ASCII are
// accepted is unconfirmed.
func validEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || utf8.RuneCountInString(local) > 64 || local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return false
	}
	for _, r := range local {
		if !wordRune(r) && (r >= utf8.RuneSelf || !strings.ContainsRune(".!#$%&'*+/=?^_`{|}~-", r)) {
			return false
		}
	}
	labels := 0
	for label := range strings.SplitSeq(domain, ".") {
		labels++
		if label == "" || utf8.RuneCountInString(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if !wordRune(r) && r != '-' {
				return false
			}
		}
	}
	return labels >= 2
}

// wordRune reports whether r is a letter, a digit or a mark of any script.
func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return alphanumeric(byte(r))
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// checkID returns the 18 characters of an id given for the field, or why it is refused.
func (f *Field) checkID(cat *Catalog, s string) (string, *Error) {
	id, ok := NormalID(s)
	if !ok {
		return "", MalformedID(s, f.Def.Name)
	}
	if len(f.Def.ReferenceTo) == 0 {
		return id, nil
	}
	o := cat.ByID(id)
	if o == nil {
		return id, nil // an object this org does not have: no such record
	}
	for _, name := range f.Def.ReferenceTo {
		if name == o.Def.Name {
			return id, nil
		}
	}
	return "", Labelled(f, "MALFORMED_ID", "id value of incorrect type: "+s)
}
