// Package load writes the rows of bulk jobs: a header is resolved once into a [Plan], by which rows become
// records without a look at a name; a [Run] writes them, 200 in a transaction, and keeps what became of
// each in that same transaction.
package load

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
)

// The operations of jobs that write.
const (
	Insert     = "insert"
	Update     = "update"
	Upsert     = "upsert"
	Delete     = "delete"
	HardDelete = "hardDelete"
)

// Operations are the operations of jobs that write, as they are spelled.
func Operations() []string { return []string{Insert, Update, Upsert, Delete, HardDelete} }

// Null is the value that clears a field (Bulk API 2.0 guide, "Valid CSV record rows").
const Null = "#N/A"

// maxHeader is how many characters a header may have (Bulk API 2.0 guide, limits).
const maxHeader = 32_000

// Error is why a whole job or batch fails: its code and message with a colon between, as errorMessage
// shows it.
type Error struct{ Code, Message string }

func (e *Error) Error() string { return e.Code + " : " + e.Message }

func invalid(format string, args ...any) *Error {
	return &Error{"InvalidBatch", fmt.Sprintf(format, args...)}
}

// column is a column of the file.
type column struct {
	name  string // canonical
	field *catalog.Field
	// by is the field of the other object by which a relationship is given; nil for a field.
	by *catalog.Field
	id bool // the record's own id
}

// Plan is a header resolved against an object. It is not changed by use.
type Plan struct {
	Object *catalog.Object
	// Key is the field an upsert goes by.
	Key       *catalog.Field
	Operation string

	columns []column
}

// Names returns the columns' names as the object spells them.
func (p *Plan) Names() []string {
	out := make([]string, len(p.columns))
	for i := range p.columns {
		out[i] = p.columns[i].name
	}
	return out
}

// Bind resolves a header. key is the field of an upsert, else nil. A *[Error] names the first column that
// does not fit.
func Bind(cat *catalog.Catalog, ob *catalog.Object, operation string, key *catalog.Field, header []string) (*Plan, error) {
	p := &Plan{Object: ob, Key: key, Operation: operation, columns: make([]column, len(header))}
	size := 0
	for i, name := range header {
		if size += len(name) + 1; size > maxHeader {
			return nil, invalid("The header is longer than %d characters", maxHeader)
		}
		c, err := bindColumn(cat, ob, name)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(p.columns[:i], func(o column) bool { return o.name == c.name }) {
			return nil, invalid("Duplicate field name : %s", c.name)
		}
		p.columns[i] = c
	}
	need := ob.ID
	switch operation {
	case Insert:
		return p, nil
	case Upsert:
		need = key
	case Delete, HardDelete:
		if i := slices.IndexFunc(p.columns, func(c column) bool { return !c.id }); i >= 0 {
			return nil, invalid("In a delete batch, the records must contain only ids, not %s", p.columns[i].name)
		}
	}
	if !slices.ContainsFunc(p.columns, func(c column) bool { return c.field == need && c.by == nil }) {
		return nil, invalid("Field name not found : %s", need.Def.Name)
	}
	return p, nil
}

// bindColumn resolves one name: a field, Relationship.Field, or Type:Relationship.Field where the
// relationship leads to several objects, and only there. (The texts are recorded from a real org.)
func bindColumn(cat *catalog.Catalog, ob *catalog.Object, name string) (column, error) {
	unknown := invalid("Field name not found : %s", name)
	if f := ob.Field(name); f != nil {
		if f.Column == "" && f != ob.ID {
			return column{}, unknown
		}
		return column{name: f.Def.Name, field: f, id: f == ob.ID}, nil
	}
	path, last, found := strings.Cut(name, ".")
	if !found {
		return column{}, unknown
	}
	typeName, relation, typed := strings.Cut(path, ":")
	if !typed {
		typeName, relation = "", path
	}
	f := ob.Relationship(relation)
	switch {
	case f == nil && typed:
		return column{}, invalid("Unable to find relationship: %s", relation)
	case f == nil:
		return column{}, unknown
	case typed && len(f.Def.ReferenceTo) < 2:
		return column{}, invalid("type is not needed for non polymorphic foreign key references: %s", f.Def.RelationshipName)
	case !typed && len(f.Def.ReferenceTo) > 1:
		return column{}, invalid("type is needed for polymorphic foreign key references: %s", f.Def.RelationshipName)
	}
	target, err := f.Reference(cat, typeName)
	if err != nil {
		return column{}, unknown
	}
	by := target.Field(last)
	if by == nil {
		return column{}, unknown
	}
	if !by.IsKey() {
		return column{}, invalid("%s is not an external ID or lookup field of %s", by.Def.Name, target.Def.Name)
	}
	canonical := f.Def.RelationshipName + "." + by.Def.Name
	if typed {
		canonical = target.Def.Name + ":" + canonical
	}
	return column{name: canonical, field: f, by: by}, nil
}

// Record returns a row as a record. An error is about this row only.
func (p *Plan) Record(row []string) (*catalog.Record, *catalog.Error) {
	if len(row) != len(p.columns) {
		return nil, &catalog.Error{
			Code:    "INVALID_FIELD",
			Message: fmt.Sprintf("Failed to parse row: it has %d columns and the header has %d", len(row), len(p.columns)),
		}
	}
	r := p.Object.Blank()
	for i, text := range row {
		if text == "" {
			continue // left alone
		}
		if err := p.cell(r, i, text); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// cell takes one value. What is wrong with the value alone is left for the store to tell, behind what it finds
// wrong itself; what is none of the field's type never gets there.
func (p *Plan) cell(r *catalog.Record, i int, text string) *catalog.Error {
	c := &p.columns[i]
	f := c.field
	switch {
	case c.id:
		if text = strings.TrimSpace(text); text != Null {
			r.ID, r.HasID = text, text != ""
		}
		return nil
	case text == Null:
		if f.Def.Type == schema.Boolean {
			note(r, catalog.Labelled(f, "INVALID_TYPE_ON_FIELD_IN_RECORD", "value not of required type: null"))
		}
		r.Put(f, nil)
		return nil
	case c.by != nil:
		v, wrong, err := p.parse(c.by, i, text)
		switch s, isText := v.(string); {
		case err != nil:
			return err
		case wrong != nil:
			note(r, wrong)
		case v == nil: // blanks only
		case isText && c.by.Def.Type == schema.ID:
			r.Put(f, s)
		default:
			r.Refs = append(r.Refs, catalog.Ref{Field: f, By: c.by, Value: c.by.FoldKey(v)})
		}
		return nil
	}
	v, wrong, err := p.parse(f, i, text)
	if err != nil {
		return err
	}
	if wrong != nil {
		note(r, wrong)
	}
	r.Put(f, v)
	return nil
}

// note keeps the first error about a record's values.
func note(r *catalog.Record, e *catalog.Error) {
	if r.Err == nil {
		r.Err = e
	}
}

// parse reads a value. One that is wrong for the field is told apart from one that is none of the field's
// type, which fails in the words of a recorded answer.
func (p *Plan) parse(f *catalog.Field, i int, text string) (v any, wrong, err *catalog.Error) {
	switch f.Def.Type {
	case schema.Boolean:
		switch text {
		case "1":
			return int64(1), nil, nil
		case "0":
			return int64(0), nil, nil
		}
	case schema.DateTime:
		if len(text) > 10 && text[10] == 'T' && !strings.ContainsAny(text[11:], "Z+-") {
			text += "Z" // without a zone it counts as UTC (unconfirmed)
		}
	}
	v, bad := f.ParseText(text)
	if bad == nil {
		return v, nil, nil
	}
	if e, isErr := errors.AsType[*catalog.Error](bad); isErr {
		return v, e, nil
	}
	return nil, nil, &catalog.Error{
		Code:    "INVALID_FIELD",
		Message: fmt.Sprintf("Failed to deserialize field at col %d. Due to, '%s' is not a valid value for the type %s", i, text, xsdType(f.Def.Type)),
		Fields:  []string{p.columns[i].name},
	}
}

// xsdType is a type's name in an error (recorded for dates).
func xsdType(t schema.Type) string {
	switch t {
	case schema.Date, schema.Boolean, schema.Time:
		return "xsd:" + string(t)
	case schema.DateTime:
		return "xsd:dateTime"
	case schema.Int, schema.Long:
		return "xsd:int"
	case schema.Double, schema.Currency, schema.Percent:
		return "xsd:double"
	}
	return "xsd:string"
}
