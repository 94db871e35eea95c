// Package convert turns the text of a cell into the canonical text of a Salesforce field:
// checked and spelled the way the org stores it, so that a row that the org would refuse is
// found before any call, and a value that has not changed compares equal.
//
// Everything works on text. A number never becomes a float, so no digit is lost; a good
// value costs no allocation. What the rules are, and where Salesforce's own behaviour is not
// documented, is said at each type.
package convert

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// The codes of problems. They are the org's own (REST API guide, status codes) where it has
// one for the case; the last two are ours.
const (
	CodeType       = "INVALID_TYPE_ON_FIELD_IN_RECORD"
	CodeTooLong    = "STRING_TOO_LONG"
	CodeEmail      = "INVALID_EMAIL_ADDRESS"
	CodePicklist   = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
	CodeTooMany    = "TOO_MANY_ENUM_VALUE"
	CodeRange      = "NUMBER_OUTSIDE_VALID_RANGE"
	CodeID         = "MALFORMED_ID"
	CodeCharacter  = "INVALID_CHARACTER"
	CodeExpression = "EXPR_FAILED"
)

// Problem is why a value cannot be a field's.
type Problem struct {
	// Code is stable and upper case.
	Code string
	// Message says what is wrong, with the value, which may be personal data.
	Message string
}

func problem(code, format string, args ...any) *Problem {
	return &Problem{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Quote returns a value for a message: quoted, and cut after 40 characters.
func Quote(s string) string {
	const most = 40
	if len(s) > most {
		n := 0
		for i := range s {
			if n == most {
				return strconv.Quote(s[:i]) + "…"
			}
			n++
		}
	}
	return strconv.Quote(s)
}

// Blank reports whether text is nothing: empty, or white space alone, which Salesforce trims
// to nothing on save.
func Blank(s string) bool {
	return s == "" || (s[0] <= ' ' || s[0] >= utf8.RuneSelf) && strings.TrimSpace(s) == ""
}

// Converter converts values for one field. It does not change once made, so any number of
// goroutines may use it.
type Converter struct {
	field  *schema.Field
	append func(c *Converter, dst []byte, s string, k row.Kind) ([]byte, row.Kind, *Problem)

	length              int               // most characters; 0 for no limit
	intDigits, decimals int               // of numbers
	exact               bool              // more decimals are refused, not rounded
	picks               map[string]string // picklist value, exact and folded → as defined; "" if inactive
	labels              map[string]string // folded label → value, where the label is no value itself
	restricted          bool
	prefixes            []string // allowed key prefixes of an id; nil for any
	objects             string   // whose ids they are
}

// New returns the converter of a field. The schema resolves the objects that a reference may
// point to. The error says why a field of this type cannot be written at all.
func New(f *schema.Field, s *schema.Schema) (*Converter, error) {
	c := &Converter{field: f, length: f.Length}
	switch f.Type {
	case schema.String, schema.TextArea, schema.Phone, schema.URL, schema.EncryptedString:
		c.append = (*Converter).text
	case schema.Email:
		c.append = (*Converter).email
	case schema.Boolean:
		c.append = (*Converter).boolean
	case schema.Int:
		c.intDigits = f.Digits
		if c.intDigits <= 0 || c.intDigits > 10 {
			c.intDigits = 10
		}
		c.append = (*Converter).integer
	case schema.Long:
		c.intDigits = 19
		c.append = (*Converter).integer
	case schema.Double, schema.Currency, schema.Percent:
		c.intDigits, c.decimals = f.Precision-f.Scale, f.Scale
		if f.Precision <= 0 {
			c.intDigits, c.decimals = maxPrecision, max(f.Scale, maxPrecision)
		}
		c.append = (*Converter).decimal
	case schema.Date:
		c.append = (*Converter).date
	case schema.DateTime:
		c.append = (*Converter).dateTime
	case schema.Time:
		c.append = (*Converter).time
	case schema.Picklist, schema.MultiPicklist, schema.Combobox:
		c.picklist(f)
		c.append = (*Converter).pick
		if f.Type == schema.MultiPicklist {
			c.append = (*Converter).multi
		}
	case schema.ID:
		c.append = (*Converter).id
	case schema.Reference:
		c.prefixes, c.objects = prefixes(f, s), strings.Join(f.ReferenceTo, " or ")
		c.append = (*Converter).id
	case schema.Base64:
		c.append = (*Converter).base64
	default:
		return nil, fmt.Errorf("a field of type %s cannot be written", f.Type)
	}
	return c, nil
}

// Exact returns the converter for a key that records are found by: a number with more decimals than the
// field has is refused, since rounded it would be another record's key.
func (c *Converter) Exact() *Converter {
	e := *c
	e.exact = true
	return &e
}

// NewID returns the converter of an object's own Id field, which knows the object's key prefix.
func NewID(o *schema.Object) *Converter {
	c := &Converter{field: &schema.Field{Name: "Id", Type: schema.ID}, append: (*Converter).id, objects: o.Name}
	if len(o.KeyPrefix) == 3 {
		c.prefixes = []string{o.KeyPrefix}
	}
	return c
}

// prefixes returns the key prefixes of the objects a reference may point to, or nil if one
// of them is not in the schema.
func prefixes(f *schema.Field, s *schema.Schema) []string {
	var all []string
	for _, name := range f.ReferenceTo {
		if s == nil {
			return nil
		}
		prefix := knownPrefix(name)
		if o := s.Object(name); o != nil && o.KeyPrefix != "" {
			prefix = o.KeyPrefix
		}
		if len(prefix) != 3 {
			return nil
		}
		all = append(all, prefix)
	}
	return all
}

// knownPrefix returns the key prefix of objects that standard fields refer to and that have it
// in every org (Object Reference), or "".
func knownPrefix(object string) string {
	switch object {
	case "User":
		return "005"
	case "Group", "Queue":
		return "00G"
	case "RecordType":
		return "012"
	case "Profile":
		return "00e"
	case "UserRole":
		return "00E"
	}
	return ""
}

// Append appends the canonical text of a value to dst and returns what it is: row.Text,
// row.Number or row.Bool, or row.Null with nothing appended for a blank value. After a
// problem dst comes back as it was. text may be a view on dst.
func (c *Converter) Append(dst []byte, text string, kind row.Kind) ([]byte, row.Kind, *Problem) {
	if kind <= row.Null {
		return dst, row.Null, nil
	}
	if kind == row.JSON {
		return dst, row.Null, problem(CodeType, "a JSON %s is no %s value: name a path into it", jsonWord(text), c.field.Type)
	}
	s := trim(text)
	if s == "" {
		return dst, row.Null, nil
	}
	return c.append(c, dst, s, kind)
}

func jsonWord(s string) string {
	if s != "" && s[0] == '[' {
		return "array"
	}
	return "object"
}

// trim is strings.TrimSpace with a fast way out for what needs no trimming.
func trim(s string) string {
	if n := len(s); n > 0 {
		a, z := s[0], s[n-1]
		if a > ' ' && a < utf8.RuneSelf && z > ' ' && z < utf8.RuneSelf {
			return s
		}
	}
	return strings.TrimSpace(s)
}

// boolean takes true, false, 1, 0, yes and no in any case, as Salesforce takes the first four
// (Bulk API guide, Valid Date and Boolean formats).
func (c *Converter) boolean(dst []byte, s string, _ row.Kind) ([]byte, row.Kind, *Problem) {
	switch len(s) {
	case 1:
		if s[0] == '1' {
			return append(dst, "true"...), row.Bool, nil
		}
		if s[0] == '0' {
			return append(dst, "false"...), row.Bool, nil
		}
	case 2, 3, 4, 5:
		if strings.EqualFold(s, "true") || strings.EqualFold(s, "yes") {
			return append(dst, "true"...), row.Bool, nil
		}
		if strings.EqualFold(s, "false") || strings.EqualFold(s, "no") {
			return append(dst, "false"...), row.Bool, nil
		}
	}
	return dst, row.Null, problem(CodeType, "%s is no checkbox value: true, false, 1, 0, yes or no", Quote(s))
}

// base64 takes standard base64 with padding; white space within is dropped, as MIME writers
// add it.
func (c *Converter) base64(dst []byte, s string, _ row.Kind) ([]byte, row.Kind, *Problem) {
	base := len(dst)
	pad := 0
	for i := range len(s) {
		b := s[i]
		switch {
		case b == '=' && pad < 2:
			pad++
		case b == ' ' || b == '\n' || b == '\r' || b == '\t':
			continue
		case pad > 0, !isAlnum(b) && b != '+' && b != '/':
			return dst[:base], row.Null, problem(CodeType, "no base64 text: %s", Quote(s))
		}
		dst = append(dst, b)
	}
	if (len(dst)-base)%4 != 0 {
		return dst[:base], row.Null, problem(CodeType, "base64 text of %d characters, which is no multiple of 4", len(dst)-base)
	}
	return dst, row.Text, nil
}

func isAlnum(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
