package query

import (
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/soql"
	"sfsync/sink/localorg/virtual"
)

// maxFilterable is how long a text area may be and still stand in a condition (SOQL reference: long text
// areas cannot be filtered).
const maxFilterable = 255

// entities shows a catalog to the compiler of queries. What was looked up is kept, since a
// query asks for the same few objects again and again; so it belongs to one goroutine.
type entities struct {
	cat     *catalog.Catalog
	org     virtual.Org
	deleted bool
	known   map[string]soql.Entity
}

// Catalog shows a catalog to the compiler of queries, with the objects that are computed from it. deleted is set
// where deleted records are among the answer: their fold columns may be empty. The result is for
// one query.
func Catalog(cat *catalog.Catalog, org virtual.Org, deleted bool) soql.Catalog {
	return &entities{cat: cat, org: org, deleted: deleted, known: map[string]soql.Entity{}}
}

// Object implements [soql.Catalog].
func (c *entities) Object(name string) (soql.Entity, bool) {
	if e, ok := c.known[name]; ok {
		return e, true
	}
	e, ok := c.find(name)
	if ok {
		c.known[name] = e
	}
	return e, ok
}

func (c *entities) find(name string) (soql.Entity, bool) {
	if ob := c.cat.Object(name); ob != nil {
		return c.stored(ob), ob.Def.Queryable
	}
	if v, ok := virtual.Find(name); ok {
		return c.computed(v), true
	}
	return soql.Entity{}, false
}

// searchable reports whether an object's records can be searched. Overlays do not say so of custom objects.
func searchable(def *schema.Object) bool { return def.Searchable || def.Custom && def.Createable }

// entity fills in what all entities have.
func entity(def *schema.Object, fields []soql.Field) soql.Entity {
	byName := make(map[string]int, len(fields))
	for i, f := range fields {
		byName[strings.ToLower(f.Name)] = i
	}
	return soql.Entity{
		Name: def.Name, KeyPrefix: def.KeyPrefix,
		All: func() []soql.Field { return fields },
		Fields: func(name string) (soql.Field, bool) {
			if i, ok := byName[strings.ToLower(name)]; ok {
				return fields[i], true
			}
			return soql.Field{}, false
		},
	}
}

func (c *entities) stored(ob *catalog.Object) soql.Entity {
	fields := make([]soql.Field, len(ob.Fields))
	for i, f := range ob.Fields {
		fields[i] = c.field(f)
	}
	e := entity(ob.Def, fields)
	e.Searchable = searchable(ob.Def)
	e.Table = ob.Table
	e.Children = func(name string) (soql.Children, bool) { return c.children(ob, name) }
	return e
}

// children finds a child relationship of an object.
func (c *entities) children(parent *catalog.Object, name string) (soql.Children, bool) {
	for _, ch := range c.cat.Children(parent) {
		if ch.Name != "" && strings.EqualFold(ch.Name, name) {
			return soql.Children{Name: ch.Name, Entity: ch.Object.Def.Name, Field: ch.Field.Def.Name}, true
		}
	}
	return soql.Children{}, false
}

func (c *entities) computed(v virtual.Object) soql.Entity {
	fields := make([]soql.Field, len(v.Def.Fields))
	for i, d := range v.Def.Fields {
		fields[i] = definition(d)
		fields[i].Column = d.Name
	}
	e := entity(v.Def, fields)
	e.Key = v.Key
	e.Rows = func() []byte { return v.Rows(c.cat, c.org) }
	e.Children = func(name string) (soql.Children, bool) {
		if strings.EqualFold(name, v.Children.Name) && v.Children.Name != "" {
			return soql.Children{Name: v.Children.Name, Entity: v.Children.Object, Field: v.Children.Field}, true
		}
		return soql.Children{}, false
	}
	return e
}

func (c *entities) field(f *catalog.Field) soql.Field {
	out := definition(f.Def)
	out.Column = f.Column
	if f.FoldsCase() && !(c.deleted && f.Def.Unique) {
		out.FoldColumn = f.Fold
	}
	for _, p := range f.Parts {
		part := c.field(p)
		part.Name = p.PartName()
		out.Parts = append(out.Parts, part)
	}
	return out
}

// definition is what a query has to know of a field's definition.
func definition(d *schema.Field) soql.Field {
	out := soql.Field{
		Name: d.Name, Type: d.Type, CaseSensitive: d.CaseSensitive,
		Filterable: (d.Type != schema.TextArea || d.Length <= maxFilterable) && d.Type != schema.EncryptedString,
		NameField:  d.NameField, Custom: d.Custom, Createable: d.Createable, Updateable: d.Updateable,
	}
	// The durable ids of definitions are texts, and refer to records all the same.
	if len(d.ReferenceTo) > 0 {
		out.Relationship, out.RefersTo, out.Polymorphic = d.RelationshipName, d.ReferenceTo, d.PolymorphicRef
	}
	for _, v := range d.Picklist {
		if v.Label != "" && v.Label != v.Value {
			out.Labels = append(out.Labels, soql.Label{Value: v.Value, Label: v.Label})
		}
	}
	return out
}
