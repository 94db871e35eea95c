package soql

import "sfsync/mapping/schema"

// Catalog says which objects can be queried. Compile calls it only while it runs.
type Catalog interface {
	// Object returns the object of that name in any case.
	Object(name string) (Entity, bool)
}

// Entity is an object and its table.
type Entity struct {
	// Name is the API name in the org's spelling.
	Name string
	// Table is the name of its SQL table; Compile quotes it.
	Table string
	// Rows, if set, returns the records of an object that has no table: a JSON array with one array a record,
	// which has the values of All in their order, in the stored forms (booleans may be true and false).
	Rows func() []byte
	// Key names the field by which references find a record and which its address ends with; "" means Id.
	Key string
	// Searchable objects can be searched for words.
	Searchable bool
	// KeyPrefix is what the ids of its records begin with.
	KeyPrefix string
	// Fields returns the field of that name in any case. Every entity has a field Id.
	// Records whose field IsDeleted is true are left out, where there is such a field.
	Fields func(name string) (Field, bool)
	// All returns every field in the order in which FIELDS(ALL) lists them.
	All func() []Field
	// Children returns the child relationship of that name in any case; nil means that there are none.
	Children func(name string) (Children, bool)
}

// Children is a relationship from a record to those that refer to it.
type Children struct {
	// Name is the relationship's name in the org's spelling.
	Name string
	// Entity is the object of the children and Field its reference to the parent.
	Entity, Field string
}

// Field is a field and where it is stored; the package comment says how.
type Field struct {
	// Name is the API name in the org's spelling.
	Name string
	// Column is the name of its SQL column; Compile quotes it. It is "" for a compound
	// field, which has Parts.
	Column string
	Type   schema.Type
	// CaseSensitive makes = and IN compare exactly.
	CaseSensitive bool
	// FoldColumn names a column that holds the value in lower case, or is "".
	FoldColumn string
	// Relationship is the name under which a reference's record is reached (Owner); it is "" for other fields.
	Relationship string
	// RefersTo are the objects of which a reference's record may be. Those that the catalog lacks count as not there.
	RefersTo []string
	// Polymorphic references show their records as the object Name, even if they refer to one object.
	Polymorphic bool
	// Filterable fields may stand in WHERE, ORDER BY, GROUP BY and in aggregates; long text may not.
	Filterable bool
	// NameField marks the field that names a record.
	NameField bool
	// Custom, Createable and Updateable are as in describe.
	Custom, Createable, Updateable bool
	// Labels are what toLabel makes of the values whose labels differ from them.
	Labels []Label
	// Parts are the fields of a compound one; their names are the keys of its JSON object
	// (city, postalCode).
	Parts []Field
}

// Label is what users see of a picklist's value.
type Label struct{ Value, Label string }

// key returns the field by which a record is found.
func (e Entity) key() (Field, bool) {
	if e.Key != "" {
		return e.Fields(e.Key)
	}
	return e.Fields("Id")
}

// kind says how values of a field compare and how they are written.
type kind uint8

const (
	textKind kind = iota
	idKind
	intKind
	numberKind
	boolKind
	dateKind
	dateTimeKind
	timeKind
	multiKind
	compoundKind
)

func kindOf(f Field) kind {
	if len(f.Parts) > 0 {
		return compoundKind
	}
	switch f.Type {
	case schema.ID, schema.Reference:
		return idKind
	case schema.Int, schema.Long:
		return intKind
	case schema.Double, schema.Currency, schema.Percent:
		return numberKind
	case schema.Boolean:
		return boolKind
	case schema.Date:
		return dateKind
	case schema.DateTime:
		return dateTimeKind
	case schema.Time:
		return timeKind
	case schema.MultiPicklist:
		return multiKind
	case schema.Address, schema.Location, schema.ComplexValue:
		return compoundKind
	}
	return textKind
}

// word is the type's name in messages about values of the wrong type.
func (k kind) word() string {
	switch k {
	case idKind:
		return "id"
	case intKind:
		return "int"
	case numberKind:
		return "double"
	case boolKind:
		return "boolean"
	case dateKind:
		return "date"
	case dateTimeKind:
		return "dateTime"
	case timeKind:
		return "time"
	}
	return "string"
}
