package catalog

import (
	"slices"
)

// Record is one record to be written, as read from a request and checked as far as that is
// possible without looking at other records.
type Record struct {
	// Object is never a user's view: it has all fields.
	Object *Object
	// ID is the id that came with the record, as given; HasID is set if one came that was not
	// null or blank.
	ID    string
	HasID bool

	// Cells are the fields that were given, each once.
	Cells []Cell
	// Refs are the relationships that were given by a key.
	Refs []Ref
	// Err is the first error that was found while the record was read, or nil.
	Err *Error

	// view is the object as the user sees it who gives the record.
	view *Object
	// seen holds a bit for each field that was given.
	seen []uint64
}

// Cell is a field and its value as it is stored.
type Cell struct {
	Field *Field
	Value any
}

// Ref is a relationship given by a key of the other record: "Account":{"Ext__c":"A-1"}.
type Ref struct {
	Field *Field
	By    *Field // a key field of the other object
	Value any    // folded
}

// Given reports whether the field was given, if only as null.
func (r *Record) Given(f *Field) bool { return r.seen[f.Index/64]&(1<<(f.Index%64)) != 0 }

// Put sets a field; a name given twice counts for its last value.
func (r *Record) Put(f *Field, v any) {
	if !r.Given(f) {
		r.seen[f.Index/64] |= 1 << (f.Index % 64)
		r.Cells = append(r.Cells, Cell{f, v})
		return
	}
	for i := range r.Cells {
		if r.Cells[i].Field == f {
			r.Cells[i].Value = v
			return
		}
	}
	r.Cells = append(r.Cells, Cell{f, v})
}

// Value returns a field's value and whether it was given. f may be nil.
func (r *Record) Value(f *Field) (any, bool) {
	if f == nil || !r.Given(f) {
		return nil, false
	}
	for i := range r.Cells {
		if r.Cells[i].Field == f {
			return r.Cells[i].Value, true
		}
	}
	return nil, false
}

// Clone returns a record of its own with the same fields.
func (r *Record) Clone() *Record {
	c := *r
	c.Cells, c.Refs, c.seen = slices.Clone(r.Cells), slices.Clone(r.Refs), slices.Clone(r.seen)
	return &c
}

// Blank returns a record of the object without any field.
func (o *Object) Blank() *Record {
	full := o.Full()
	return &Record{Object: full, view: o, seen: make([]uint64, (len(full.Fields)+63)/64), Cells: make([]Cell, 0, 32)}
}

// NewRecord returns a record with the given values, which are of the types that the database
// stores and are not checked.
func NewRecord(o *Object, values map[string]any) *Record {
	r := o.Blank()
	for _, f := range o.Fields {
		if v, ok := values[f.Def.Name]; ok {
			r.Put(f, v)
		}
	}
	return r
}

// Sorted returns the cells in the order of the fields.
func (r *Record) Sorted() []Cell {
	slices.SortFunc(r.Cells, func(a, b Cell) int { return a.Field.Index - b.Field.Index })
	return r.Cells
}

// SetText sets a field from a text, such as a key in a URL, and reports whether the text is
// one of the field's values.
func (r *Record) SetText(f *Field, text string) bool {
	v, err := f.ParseText(text)
	if e, ok := err.(*Error); ok { //nolint:errorlint // ParseText returns it bare
		r.Err, err = e, nil
		v = text
	}
	if err != nil {
		return false
	}
	r.Put(f, v)
	return true
}
