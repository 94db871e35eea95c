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
	columns []*column
	byName  map[string]*column
}

// column is what was seen of one column.
type column struct {
	name   string
	filled int // rows with a value that is not blank
	// values are the first different ones, in the order seen; more is set if there were others.
	values []string
	seen   map[string]bool
	more   bool
	nested bool // it holds JSON objects or lists
}

// distinct reports whether no value came twice, as far as values were kept.
func (c *column) distinct() bool {
	return len(c.values) == c.filled || c.more && len(c.values) == maxValues
}

// Add takes a batch into account. Rows that could not be read are passed over.
func (p *Profile) Add(b *row.Batch) {
	if p.byName == nil {
		p.byName = map[string]*column{}
	}
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
	c := p.byName[name]
	if c == nil && len(p.columns) < maxColumns {
		c = &column{name: name, seen: map[string]bool{}}
		p.byName[name] = c
		p.columns = append(p.columns, c)
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
