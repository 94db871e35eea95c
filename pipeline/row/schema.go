package row

import "strings"

// Column is one column of a file, or one field of a mapped record.
type Column struct {
	// Name is unique within its schema.
	Name string
	// Type is the source's own word for the column's type ("text" for CSV, "json" for
	// JSONL, a Parquet type with its parameters), for people to read.
	Type string
}

// Schema is an immutable list of columns. Readers share one among their batches, so
// whoever resolves columns can keep the answer by the schema's address.
type Schema struct {
	Columns []Column
	index   map[string]int
}

// NewSchema returns a schema of the columns. Of two columns of one name the first is found.
func NewSchema(cols ...Column) *Schema {
	s := &Schema{Columns: cols, index: make(map[string]int, len(cols))}
	for i, c := range cols {
		if _, dup := s.index[c.Name]; !dup {
			s.index[c.Name] = i
		}
	}
	return s
}

// Index returns the position of the column with exactly this name, or -1.
func (s *Schema) Index(name string) int {
	if i, ok := s.index[name]; ok {
		return i
	}
	return -1
}

// Names returns the column names in order.
func (s *Schema) Names() []string {
	n := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		n[i] = c.Name
	}
	return n
}

// With returns a schema with more columns behind these.
func (s *Schema) With(cols ...Column) *Schema {
	all := make([]Column, 0, len(s.Columns)+len(cols))
	return NewSchema(append(append(all, s.Columns...), cols...)...)
}

func (s *Schema) String() string { return strings.Join(s.Names(), ", ") }
