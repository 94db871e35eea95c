package lookup

import (
	"encoding/json"
	"strings"
)

// Kind is how values of a field are written in SOQL and compared.
type Kind uint8

// The kinds of fields.
const (
	Text Kind = iota
	ID
	Number
	Bool
	Date
	DateTime
	Time
	unknown
)

// Field is what a key field is like.
type Field struct {
	Kind Kind
	// Length is the most characters of a text; 0 if it is not known.
	Length int
}

// Object is what a lookup has to know of an object.
type Object struct {
	fields  map[string]Field  // by lower-case name
	parents map[string]string // by lower-case relationship, the object it leads to
}

// ParseObject reads the org's description of an object (REST API guide, "sObject Describe").
func ParseObject(describe []byte) (*Object, error) {
	var d struct {
		Fields []struct {
			Name             string   `json:"name"`
			Type             string   `json:"type"`
			Length           int      `json:"length"`
			RelationshipName string   `json:"relationshipName"`
			ReferenceTo      []string `json:"referenceTo"`
		} `json:"fields"`
	}
	if err := json.Unmarshal(describe, &d); err != nil {
		return nil, err
	}
	o := &Object{fields: make(map[string]Field, len(d.Fields)), parents: make(map[string]string)}
	for _, f := range d.Fields {
		kind := kindOf(f.Type)
		if kind != Text {
			f.Length = 0
		}
		o.fields[strings.ToLower(f.Name)] = Field{Kind: kind, Length: f.Length}
		if f.RelationshipName != "" && len(f.ReferenceTo) > 0 {
			o.parents[strings.ToLower(f.RelationshipName)] = f.ReferenceTo[0]
		}
	}
	return o, nil
}

func kindOf(typ string) Kind {
	switch typ {
	case "int", "long", "double", "currency", "percent":
		return Number
	case "boolean":
		return Bool
	case "date":
		return Date
	case "datetime":
		return DateTime
	case "time":
		return Time
	case "id", "reference":
		return ID
	}
	return Text
}

// Field returns a field of the object itself. One that it does not have counts as text: what is
// wrong with it the org says best.
func (o *Object) Field(name string) Field { return o.fields[strings.ToLower(name)] }

// Parent returns the object that a relationship leads to, the first of several; "" if there is no
// such relationship.
func (o *Object) Parent(relationship string) string { return o.parents[strings.ToLower(relationship)] }

// Path is a field as a column of a load names it: "Phone", "Account.ERP_Id__c" for a field of a
// parent, "User:Owner.Username" where the parent may be of several objects.
type Path struct {
	Object   string // "User", or ""
	Relation string // "Owner", or ""
	Field    string
}

// ParsePath reads a name.
func ParsePath(name string) Path {
	relation, field, ok := strings.Cut(name, ".")
	if !ok {
		return Path{Field: name}
	}
	object, rel, ok := strings.Cut(relation, ":")
	if !ok {
		return Path{Relation: relation, Field: field}
	}
	return Path{Object: object, Relation: rel, Field: field}
}

// String is the path as SOQL writes it.
func (p Path) String() string {
	if p.Relation == "" {
		return p.Field
	}
	return p.Relation + "." + p.Field
}

// ofName reports whether records of every object have the field in a relationship that may lead to
// several: those of the object Name (Object reference, "Name"; which of them an org has is
// unconfirmed). Any other field takes a TYPEOF.
func (p Path) ofName() bool {
	switch strings.ToLower(p.Field) {
	case "id", "name", "type", "firstname", "lastname", "alias", "email", "isactive", "phone", "title", "username":
		return true
	}
	return false
}

// plainName reports whether a name can stand in a query: letters, digits and what joins them. Names
// come from describes as a rule; that of a mapping against no org need not.
func plainName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' && c != '.' && c != ':' {
			return false
		}
	}
	return name != ""
}
