package report

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gocarina/gocsv"
)

const (
	// maxGroups bounds the groups; the errors of more go to one group.
	maxGroups = 10_000
	// maxExamples is how many places of a group are kept.
	maxExamples = 3
	// maxExample is how many characters of an example's message are kept.
	maxExample = 500
	// OtherCode is the code of the group of what is beyond the bound.
	OtherCode = "(other)"
)

// Group is the errors of one code and field.
type Group struct {
	Code string `json:"code"`
	// Field is the API name of the field that was blamed, "" if none was.
	Field string `json:"field"`
	Count int64  `json:"count"`
	// Examples are the first places, in the order of the files.
	Examples []Example `json:"examples"`
	// Remedy says what to do about it; it may be empty.
	Remedy string `json:"remedy"`
}

// Example is one place where an error came up.
type Example struct {
	File    string `json:"file"`
	Line    int64  `json:"line"`
	Message string `json:"message"`
}

type groupKey struct{ code, field string }

// Errors groups the errors of a run by code and field, in bounded memory. The zero Errors is
// ready; it knows no remedies. As JSON it is what a resumed run needs to go on counting.
type Errors struct {
	remedy  func(code string) string
	groups  map[groupKey]*Group
	changed bool
}

// NewErrors returns an Errors whose remedies come from the function.
func NewErrors(remedy func(code string) string) *Errors { return &Errors{remedy: remedy} }

// Add counts an error. The strings are copied where they are kept.
func (e *Errors) Add(code, field, file string, line int64, message string) {
	e.changed = true
	g := e.groups[groupKey{code, field}]
	if g == nil {
		g = e.group(code, field)
	}
	g.Count++
	if len(g.Examples) < maxExamples {
		g.Examples = append(g.Examples, Example{strings.Clone(file), line, clipped(message, maxExample)})
	}
}

// group returns a new group, or the one that holds the rest.
func (e *Errors) group(code, field string) *Group {
	if e.groups == nil {
		e.groups = make(map[groupKey]*Group)
	}
	if len(e.groups) >= maxGroups {
		code, field = OtherCode, ""
		if g := e.groups[groupKey{code, field}]; g != nil {
			return g
		}
	}
	g := &Group{Code: strings.Clone(code), Field: strings.Clone(field)}
	e.groups[groupKey{g.Code, g.Field}] = g
	return g
}

// clipped returns a copy of the first so many characters of a text.
func clipped(s string, limit int) string {
	if len(s) > limit {
		n := 0
		for i := range s {
			if n == limit {
				return s[:i] + "…"
			}
			n++
		}
	}
	return strings.Clone(s)
}

// Changed reports whether errors were added since it was last called.
func (e *Errors) Changed() bool {
	changed := e.changed
	e.changed = false
	return changed
}

// Groups returns the groups, the largest first.
func (e *Errors) Groups() []Group {
	out := make([]Group, 0, len(e.groups))
	for _, g := range e.groups {
		c := *g
		c.Examples = slices.Clone(g.Examples)
		if e.remedy != nil && c.Code != OtherCode {
			c.Remedy = e.remedy(c.Code)
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Code, b.Code), strings.Compare(a.Field, b.Field))
	})
	return out
}

// MarshalJSON returns the state, for UnmarshalJSON of another try at the run.
func (e *Errors) MarshalJSON() ([]byte, error) { return json.Marshal(e.Groups()) }

// UnmarshalJSON takes up the state of an earlier try in place of what e holds. The remedies
// remain those of e.
func (e *Errors) UnmarshalJSON(text []byte) error {
	var groups []Group
	if err := json.Unmarshal(text, &groups); err != nil {
		return err
	}
	e.groups, e.changed = make(map[groupKey]*Group, len(groups)), false
	for i := range groups {
		e.groups[groupKey{groups[i].Code, groups[i].Field}] = &groups[i]
	}
	return nil
}

// errorLine is a line of errors.csv: a group and its first place.
type errorLine struct {
	Code    string `csv:"code"`
	Field   string `csv:"field"`
	Count   int64  `csv:"count"`
	File    string `csv:"file"`
	Line    int64  `csv:"line"`
	Message string `csv:"message"`
	Remedy  string `csv:"remedy"`
}

// WriteErrors writes errors.csv, one line a group. Without errors there is no such file.
func (d *Dir) WriteErrors(e *Errors) error {
	groups := e.Groups()
	if len(groups) == 0 {
		return nil
	}
	lines := make([]errorLine, len(groups))
	for i, g := range groups {
		l := errorLine{Code: safe(g.Code), Field: safe(g.Field), Count: g.Count, Remedy: safe(g.Remedy)}
		if len(g.Examples) > 0 {
			x := g.Examples[0]
			l.File, l.Line, l.Message = safe(x.File), x.Line, safe(x.Message)
		}
		lines[i] = l
	}
	return d.writeFile(ErrorsFile, func(w io.Writer) error {
		var b bytes.Buffer
		out := gocsv.NewSafeCSVWriter(csv.NewWriter(&b))
		if err := gocsv.MarshalCSV([]errorLine{}, out); err != nil {
			return err
		}
		if err := gocsv.MarshalCSVWithoutHeaders(lines, out); err != nil {
			return err
		}
		_, err := b.WriteTo(w)
		return err
	})
}

// safe makes one of our cells harmless in a spreadsheet, which takes text that begins so for a
// formula.
func safe(s string) string {
	if risky(s) {
		return "'" + s
	}
	return s
}

func risky(s string) bool {
	return s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@' || s[0] == '\t' || s[0] == '\r')
}

// valid returns the text with U+FFFD in place of what is not UTF-8 and of NULs, so that a row
// file can be read again whatever the row was.
func valid(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return s
}
