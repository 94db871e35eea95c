// Package profile says what the columns of an input hold: how many values are blank, how many
// different ones there are, how long they get, what they look like. Its memory does not grow with
// the rows, only with the columns.
//
//	p := profile.New()
//	p.Add(batch)          // every batch, in reading order
//	columns := p.Columns()
package profile

import (
	"strings"
	"unicode/utf8"

	"sfsync/mapping/convert"
	"sfsync/pipeline/row"
)

const (
	// maxSamples is how many different values of a column are kept.
	maxSamples = 3
	// maxValue is how many characters of a value are kept.
	maxValue = 40
)

// Column is what there is of one column. Filled is the sum of the kinds; Rows that of Filled, Blank
// and Null.
type Column struct {
	Name string `json:"name"`
	// Rows are those that have the column, Blank those with nothing or white space alone in it, Null
	// those with a null, Filled those with a value.
	Rows   int64 `json:"rows"`
	Blank  int64 `json:"blank"`
	Null   int64 `json:"null"`
	Filled int64 `json:"filled"`
	// Distinct is how many different values there are: exact up to 256 of them, beyond an estimate
	// that is within 5 % of it in 99 of 100 cases.
	Distinct int64 `json:"distinct"`
	Exact    bool  `json:"exact"`
	// Longest is the length of the longest value in characters.
	Longest int `json:"longest"`
	// Looks is what all values are: integer, number, boolean, date, date-time, email, json, or text.
	// It is "" where there are none.
	Looks string `json:"looks"`
	// Min and Max are the least and the greatest value, by number where all are numbers, else by
	// text; cut to 40 characters.
	Min string `json:"min"`
	Max string `json:"max"`
	// Kinds counts the values by their kind in the source: text, number, bool, json.
	Kinds map[string]int64 `json:"kinds"`
	// Samples are the first three different values, cut to 40 characters.
	Samples []string `json:"samples"`
}

// Profile is what was found so far. It serves one goroutine.
type Profile struct {
	columns []*column
	byName  map[string]*column

	last  *row.Schema
	bound []*column
}

// New returns an empty profile.
func New() *Profile { return &Profile{byName: map[string]*column{}} }

// column is a column on its way.
type column struct {
	Column
	counts   [row.JSON + 1]int64
	distinct counter
	looks    looks
	text     span // least and greatest by text
	number   span // by number, while all are numbers
}

// span holds the least and the greatest of values.
type span struct {
	min, max string
	any      bool
}

// Add takes a batch into account. It keeps nothing of it.
func (p *Profile) Add(b *row.Batch) {
	if s := b.Schema(); s != p.last {
		p.bind(s)
	}
	for r := range b.Len() {
		if _, bad := b.Problem(r); bad {
			continue
		}
		for c, col := range p.bound {
			col.add(b.Cell(r, c))
		}
	}
}

func (p *Profile) bind(s *row.Schema) {
	p.last, p.bound = s, p.bound[:0]
	for _, c := range s.Columns {
		col := p.byName[c.Name]
		if col == nil {
			col = &column{Column: Column{Name: strings.Clone(c.Name)}, looks: looksAll}
			p.byName[col.Name] = col
			p.columns = append(p.columns, col)
		}
		p.bound = append(p.bound, col)
	}
}

func (c *column) add(cell row.Cell) {
	kind := cell.Kind()
	if kind == row.Absent {
		return
	}
	c.Rows++
	switch {
	case kind == row.Null:
		c.Null++
		return
	case convert.Blank(cell.Text):
		c.Blank++
		return
	}
	c.Filled++
	c.counts[kind]++
	text := strings.TrimSpace(cell.Text)
	if len(text) > c.Longest { // there are no more characters than bytes
		c.Longest = max(c.Longest, utf8.RuneCountInString(text))
	}
	if c.distinct.add(row.Hash(text)) && len(c.Samples) < maxSamples {
		c.Samples = append(c.Samples, kept(text))
	}
	if c.looks != 0 {
		c.looks = c.looks.narrow(text, kind)
	}
	if c.looks&(looksInteger|looksNumber) != 0 {
		c.number.add(text, lessNumber)
	}
	c.text.add(text, func(a, b string) bool { return a < b })
}

func (s *span) add(text string, less func(a, b string) bool) {
	if !s.any {
		s.any, s.min = true, strings.Clone(text)
		s.max = s.min
		return
	}
	if less(text, s.min) {
		s.min = strings.Clone(text)
	} else if less(s.max, text) {
		s.max = strings.Clone(text)
	}
}

// kept returns a copy of the beginning of a value.
func kept(s string) string {
	if len(s) > maxValue {
		n := 0
		for i := range s {
			if n == maxValue {
				return s[:i] + "…"
			}
			n++
		}
	}
	return strings.Clone(s)
}

// Columns returns what was found, in the order in which the columns came.
func (p *Profile) Columns() []Column {
	out := make([]Column, 0, len(p.columns))
	for _, c := range p.columns {
		col := c.Column
		col.Distinct, col.Exact = c.distinct.count()
		col.Kinds = map[string]int64{}
		for k, n := range c.counts {
			if n > 0 {
				col.Kinds[row.Kind(k).String()] = n
			}
		}
		if col.Filled > 0 {
			col.Looks = c.looks.String()
		}
		by := c.text
		if c.looks&(looksInteger|looksNumber) != 0 {
			by = c.number
		}
		col.Min, col.Max = kept(by.min), kept(by.max)
		if col.Samples == nil {
			col.Samples = []string{}
		}
		out = append(out, col)
	}
	return out
}
