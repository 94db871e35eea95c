// Package schema describes Salesforce objects and fields as an org's describe call does:
// the built-in standard objects, YAML overlays on them, and snapshots of a real org.
//
// It is a leaf: the mapping checks against it and the local org starts from it.
package schema

import (
	"slices"
	"strings"
)

// Type is a field's type, by the word describe uses for it.
type Type string

// The field types of describe.
const (
	ID              Type = "id"
	String          Type = "string"
	Boolean         Type = "boolean"
	Int             Type = "int"
	Long            Type = "long"
	Double          Type = "double"
	Currency        Type = "currency"
	Percent         Type = "percent"
	Date            Type = "date"
	DateTime        Type = "datetime"
	Time            Type = "time"
	Email           Type = "email"
	Phone           Type = "phone"
	URL             Type = "url"
	TextArea        Type = "textarea"
	Picklist        Type = "picklist"
	MultiPicklist   Type = "multipicklist"
	Combobox        Type = "combobox"
	Reference       Type = "reference"
	Address         Type = "address"
	Location        Type = "location"
	EncryptedString Type = "encryptedstring"
	Base64          Type = "base64"
	AnyType         Type = "anyType"
	ComplexValue    Type = "complexvalue"
)

// Field is one field of an object. The names and meanings are describe's; lengths are in
// characters.
type Field struct {
	Name               string
	Label              string
	Type               Type
	Length             int
	Precision          int // total digits of double, currency and percent
	Scale              int // digits behind the decimal point
	Digits             int // digits of int
	Nillable           bool
	DefaultedOnCreate  bool
	Createable         bool
	Updateable         bool
	Unique             bool
	ExternalID         bool
	IDLookup           bool
	CaseSensitive      bool
	AutoNumber         bool
	Calculated         bool
	Custom             bool
	NameField          bool
	HTMLFormatted      bool
	Encrypted          bool
	Filterable         bool // can stand in a WHERE clause
	Sortable           bool
	Groupable          bool
	RestrictedPicklist bool
	DependentPicklist  bool
	PolymorphicRef     bool
	CompoundFieldName  string
	RelationshipName   string
	ReferenceTo        []string
	ExtraTypeInfo      string
	// ChildRelationship is the relationship's name as the other record has it ("Contacts" of
	// Contact.AccountId); "" for references that have none.
	ChildRelationship string
	// CascadeDelete deletes the record along with the one it refers to; RestrictedDelete keeps that
	// one from being deleted. With neither, the reference is cleared.
	CascadeDelete    bool
	RestrictedDelete bool
	// MasterDetail makes the record a part of the one it refers to: that one is required and, unless
	// the field is Updateable, never another one.
	MasterDetail bool
	// DisplayFormat is how an auto-number looks: the zeros in braces stand for the number
	// ("A-{0000}"); "" leaves it to the org.
	DisplayFormat string
	// Summary is what a roll-up summary field counts; nil for all others.
	Summary *Summary
	// DefaultValue is the default as JSON-ish text ("false", "Open - Not Contacted"), "" for none.
	DefaultValue string
	Picklist     []PicklistValue
	// Feature names the org feature the field exists with ("person accounts"); "" for always.
	Feature string
}

// PicklistValue is one value of a picklist.
type PicklistValue struct {
	Value   string
	Label   string
	Active  bool
	Default bool
}

// Required reports whether a record cannot be created without a value for the field.
func (f *Field) Required() bool { return f.Createable && !f.Nillable && !f.DefaultedOnCreate }

// Key reports whether Salesforce accepts the field as the key of an upsert.
func (f *Field) Key() bool { return f.Type == ID || f.ExternalID || f.IDLookup }

// UniqueKey reports whether at most one record can hold a value of the field, so that a
// native upsert by it cannot be ambiguous.
func (f *Field) UniqueKey() bool { return f.Type == ID || (f.ExternalID && f.Unique) }

// FoldKey returns a key as Salesforce compares it: without blanks around it, ids as their
// 18 characters, and without case unless the field is case-sensitive. It returns s itself
// where nothing changes.
func (f *Field) FoldKey(s string) string {
	s = strings.TrimSpace(s)
	switch {
	case f.Type == ID || f.Type == Reference:
		return ID18(s)
	case f.CaseSensitive:
		return s
	}
	return strings.ToLower(s)
}

// ID18 returns the 18-character form of a 15-character record id; any other text comes
// back as it is.
func ID18(s string) string {
	const suffix = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	if len(s) != 15 {
		return s
	}
	out := make([]byte, 15, 18)
	copy(out, s)
	for g := range 3 {
		n := 0
		for j := range 5 {
			if c := s[g*5+j]; c >= 'A' && c <= 'Z' {
				n |= 1 << j
			}
		}
		out = append(out, suffix[n])
	}
	return string(out)
}

// RecordType is a record type of an object. Master is the one that every object has; Default
// that of new records which name none.
type RecordType struct {
	ID            string
	DeveloperName string
	Name          string
	Active        bool
	Master        bool
	Default       bool
}

// Object is one object and its fields.
type Object struct {
	Name        string
	Label       string
	LabelPlural string
	KeyPrefix   string
	Custom      bool
	Createable  bool
	Updateable  bool
	Deletable   bool
	Queryable   bool
	Searchable  bool
	Undeletable bool
	Mergeable   bool
	Fields      []*Field
	RecordTypes []RecordType
	// Queues can own records of the object.
	Queues []Queue
	// Rules are what the org's administrators set up for its records.
	Rules Rules

	byName   map[string]*Field
	children []child // as a describe document lists them
}

// child is a reference to the object, seen from it.
type child struct {
	object, field, relationship string
	cascade, restrict           bool
}

// Event reports whether the object is a platform event: it is published, and never read back by
// queries.
func (o *Object) Event() bool { return strings.HasSuffix(o.Name, "__e") }

// Index makes the object's fields findable; it must be called again after Fields changes.
func (o *Object) Index() {
	o.byName = make(map[string]*Field, len(o.Fields))
	for _, f := range o.Fields {
		o.byName[strings.ToLower(f.Name)] = f
	}
}

// Field returns the field of that name in any case, or nil.
func (o *Object) Field(name string) *Field {
	if o.byName == nil {
		o.Index()
	}
	return o.byName[strings.ToLower(name)]
}

// FieldNames returns the field names in order.
func (o *Object) FieldNames() []string {
	n := make([]string, len(o.Fields))
	for i, f := range o.Fields {
		n[i] = f.Name
	}
	return n
}

// Schema is a set of objects.
type Schema struct {
	// Source says where the schema comes from, for messages: "the built-in standard objects",
	// "leads.schema.yaml", an org's name.
	Source  string
	objects map[string]*Object
}

// New returns an empty schema.
func New(source string) *Schema {
	return &Schema{Source: source, objects: make(map[string]*Object)}
}

// Add puts an object into the schema, in place of one of the same name.
func (s *Schema) Add(o *Object) {
	o.Index()
	s.objects[strings.ToLower(o.Name)] = o
}

// Object returns the object of that name in any case, or nil.
func (s *Schema) Object(name string) *Object { return s.objects[strings.ToLower(name)] }

// Names returns the object names in order.
func (s *Schema) Names() []string {
	n := make([]string, 0, len(s.objects))
	for _, o := range s.objects {
		n = append(n, o.Name)
	}
	slices.Sort(n)
	return n
}
