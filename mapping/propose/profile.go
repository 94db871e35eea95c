// Package propose writes a first mapping from what it sees of files: it matches their columns
// with an object's fields by name, and finds the transforms that the values need.
package propose

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"sfsync/mapping/convert"
	"sfsync/pipeline/row"
)

// The bounds of a profile.
const (
	maxValues  = 500  // different values kept of a column
	maxValue   = 4096 // bytes of a value that is kept
	maxColumns = 5000
	maxDepth   = 4 // of JSON objects whose values are looked at
)

// Profile is what was seen of the columns of files. The zero Profile is empty.
type Profile struct {
	// Rows is how many rows were seen.
	Rows    int
	files   []file
	columns []*column
	byName  map[string]*column
}

// file is one that was looked at. A complete one has no columns but those seen.
type file struct {
	name     string
	complete bool
}

// column is what was seen of one column.
type column struct {
	name   string
	filled int // rows with a value that is not blank
	// values are the first different ones, in the order seen; more is set if there were others.
	values []string
	seen   map[string]bool
	more   bool
	nested bool  // it holds JSON objects or lists
	files  []int // those that have it, in order
}

// in reports whether a file has the column.
func (c *column) in(file int) bool { return slices.Contains(c.files, file) }

// distinct reports whether no value came twice, as far as values were kept.
func (c *column) distinct() bool {
	return len(c.values) == c.filled || c.more && len(c.values) == maxValues
}

// File says that what is added next is of another file. Complete is set if the file can have no
// columns but those of its batches' schema, as CSV and Parquet files: a mapping that names other
// columns cannot read them.
func (p *Profile) File(name string, complete bool) {
	p.files = append(p.files, file{name, complete})
}

// Empty reports whether no file has a column.
func (p *Profile) Empty() bool { return len(p.columns) == 0 }

// Columns takes the columns of a file into account, also those of which no row has a value.
func (p *Profile) Columns(s *row.Schema) {
	for _, c := range s.Columns {
		p.column(c.Name)
	}
}

// Add takes a batch into account. Rows that could not be read are passed over.
func (p *Profile) Add(b *row.Batch) {
	cols := make([]*column, len(b.Schema().Columns))
	for i, c := range b.Schema().Columns {
		cols[i] = p.column(c.Name)
	}
	for r := range b.Len() {
		if _, bad := b.Problem(r); bad {
			continue
		}
		p.Rows++
		for i, c := range cols {
			if c == nil {
				continue
			}
			if cell := b.Cell(r, i); cell.Kind() == row.JSON {
				c.nested = true
				p.open(c.name, jsontext.Value(cell.Text), 1)
			} else if cell.Kind() > row.Null {
				c.add(cell.Text)
			}
		}
	}
}

// open takes the values inside a JSON object into account as columns by their paths. Lists have
// no paths.
func (p *Profile) open(path string, text jsontext.Value, depth int) {
	var object map[string]jsontext.Value
	if depth > maxDepth || text.Kind() != '{' || json.Unmarshal(text, &object) != nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		c := p.column(path + "." + key)
		if c == nil {
			return
		}
		switch v := object[key]; v.Kind() {
		case '{', '[':
			c.nested = true
			p.open(c.name, v, depth+1)
		case '"':
			var s string
			if json.Unmarshal(v, &s) == nil {
				c.add(s)
			}
		case 'n':
		default:
			c.add(string(v))
		}
	}
}

func (p *Profile) column(name string) *column {
	if len(p.files) == 0 {
		p.File("the file", false)
	}
	if p.byName == nil {
		p.byName = map[string]*column{}
	}
	c := p.byName[name]
	if c == nil {
		if len(p.columns) == maxColumns {
			return nil
		}
		c = &column{name: name, seen: map[string]bool{}}
		p.byName[name] = c
		p.columns = append(p.columns, c)
	}
	if here := len(p.files) - 1; !c.in(here) {
		c.files = append(c.files, here)
	}
	return c
}

func (c *column) add(text string) {
	if convert.Blank(text) {
		return
	}
	c.filled++
	switch {
	case len(text) > maxValue || c.seen[text]:
	case len(c.values) == maxValues:
		c.more = true
	default:
		s := strings.Clone(text)
		c.seen[s] = true
		c.values = append(c.values, s)
	}
}
