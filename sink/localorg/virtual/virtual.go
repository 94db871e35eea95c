package virtual

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
)

// Org is what the records show that is not in the catalog.
type Org struct {
	// UserID is the user who made everything, ProfileID that user's profile.
	UserID, ProfileID string
	// Created is when the org was made.
	Created time.Time
}

// Object is an object whose records are computed.
type Object struct {
	Def *schema.Object
	// Key names the field that a record is found by; "" means Id.
	Key string
	// Children is the object's only child relationship, if it has one.
	Children struct{ Name, Object, Field string }

	rows func(c *catalog.Catalog, org Org, add func(values map[string]any))
}

// Rows returns the records as a JSON array with one array a record, of the values of Def.Fields in
// their order.
func (o Object) Rows(c *catalog.Catalog, org Org) []byte {
	all := [][]any{}
	if o.rows != nil {
		o.rows(c, org, func(values map[string]any) {
			row := make([]any, len(o.Def.Fields))
			for i, f := range o.Def.Fields {
				row[i] = values[f.Name]
				if s, ok := row[i].(string); ok && s == "" {
					row[i] = nil
				}
			}
			all = append(all, row)
		})
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // the values are texts, numbers and booleans
	}
	return text
}

// Find returns the computed object of that name in any case.
func Find(name string) (Object, bool) {
	for _, sp := range specs() {
		if strings.EqualFold(sp.name, name) {
			return sp.object(), true
		}
	}
	return Object{}, false
}

// All returns the computed objects by name.
func All() []Object {
	list := []Object{}
	for _, sp := range specs() {
		list = append(list, sp.object())
	}
	return list
}

// spec is an object on a few lines: its fields are words, "Name" for a text, "Length:int", "UserId>User" for a
// reference whose relationship is User.
type spec struct {
	name, label, plural, prefix, key string
	fields                           string
	children                         [3]string
	rows                             func(c *catalog.Catalog, org Org, add func(values map[string]any))
}

// stamps are the fields that say who made a record and when.
const stamps = " CreatedDate:datetime CreatedById>User LastModifiedDate:datetime LastModifiedById>User SystemModstamp:datetime"

func (sp spec) object() Object {
	def := &schema.Object{Name: sp.name, Label: sp.label, LabelPlural: sp.plural, KeyPrefix: sp.prefix, Queryable: true}
	fields := sp.fields
	if !strings.HasPrefix(fields, "Id ") {
		fields = "Id " + fields
	}
	for word := range strings.FieldsSeq(fields) {
		def.Fields = append(def.Fields, parseField(word))
	}
	def.Index()
	o := Object{Def: def, Key: sp.key, rows: sp.rows}
	o.Children.Name, o.Children.Object, o.Children.Field = sp.children[0], sp.children[1], sp.children[2]
	return o
}

func parseField(word string) *schema.Field {
	f := &schema.Field{Type: schema.String, Length: 255, Nillable: true, Filterable: true, Sortable: true, Groupable: true}
	name, target, isRef := strings.Cut(word, ">")
	name, typ, typed := strings.Cut(name, ":")
	f.Name, f.Label = name, spaced(name)
	switch {
	case name == "Id":
		f.Type, f.Length, f.Nillable = schema.ID, 18, false
	case isRef:
		f.Type, f.Length, f.ReferenceTo = schema.Reference, 18, []string{target}
		f.RelationshipName = strings.TrimSuffix(name, "Id")
		if target == "EntityDefinition" {
			f.Type, f.Length = schema.String, 255 // a durable id
		}
	case typed:
		f.Type = schema.Type(typ)
		if f.Type != schema.Picklist {
			f.Length = 0
		}
		f.Nillable = f.Type != schema.Boolean
	}
	f.NameField = name == "Name" || name == "QualifiedApiName"
	return f
}

// spaced is a name as a label: "Qualified Api Name".
func spaced(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// stamp adds the fields that say who made a record and when.
func stamp(values map[string]any, org Org, modified time.Time) map[string]any {
	made := org.Created.UTC().Format(catalog.DateTimeLayout)
	changed := made
	if !modified.IsZero() {
		changed = modified.UTC().Format(catalog.DateTimeLayout)
	}
	values["CreatedDate"], values["LastModifiedDate"], values["SystemModstamp"] = made, changed, changed
	values["CreatedById"], values["LastModifiedById"] = org.UserID, org.UserID
	return values
}

// noID is the id of records that have none.
const noID = "000000000000000AAA"

// serial returns an id with a prefix for the nth of something.
func serial(prefix string, n int) string {
	digits := strconv.Itoa(n)
	return schema.ID18(prefix + strings.Repeat("0", 12-len(digits)) + digits)
}

// Catalog returns the definitions of the computed objects as a catalog, for describing them.
func Catalog() *catalog.Catalog {
	var defs []catalog.Definition
	for _, o := range All() {
		defs = append(defs, catalog.Definition{Object: o.Def})
	}
	return catalog.New(defs)
}
