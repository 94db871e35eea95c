package mapping

import (
	"slices"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
)

// Parents returns the objects that the file's rules refer to, by a relationship or a lookup, and
// that s lacks: they have to be known before the file is compiled. Where records are made along
// the way, their rules may refer to further objects, so that it has to be asked again once s has
// those that it named, until there are no new ones.
func Parents(f *File, s *schema.Schema) []string {
	var names []string
	for _, t := range f.Targets {
		names = parents(names, t.Fields, s.Object(t.Object.Value), s)
	}
	return names
}

// parents adds the objects that the rules of one object refer to.
func parents(names []string, rules []*Rule, o *schema.Object, s *schema.Schema) []string {
	for _, r := range rules {
		parent := ""
		if rel, ok := syntax.ParseRelation(r.Field.Value); ok && o != nil {
			var ref *schema.Field
			if ref, parent = relationship(o, rel); ref == nil {
				continue
			}
			if parent == "" && len(ref.ReferenceTo) == 1 {
				parent = ref.ReferenceTo[0]
			}
		} else if r.Lookup != nil {
			parent = r.Lookup.Object.Value
		}
		if parent == "" {
			continue
		}
		p := s.Object(parent)
		if (p == nil || len(p.Fields) == 0) && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, parent) }) {
			names = append(names, parent)
		}
		if r.Lookup != nil {
			names = parents(names, r.Lookup.Fields, p, s)
		}
	}
	return names
}

// relationship finds the reference field behind a relationship, and the object named with it
// in its own spelling, whichever of the two stands first; "" if none is named.
func relationship(o *schema.Object, rel syntax.Relation) (ref *schema.Field, parent string) {
	find := func(name string) *schema.Field {
		for _, f := range o.Fields {
			if f.Type == schema.Reference && f.RelationshipName != "" && strings.EqualFold(f.RelationshipName, name) {
				return f
			}
		}
		return nil
	}
	ref, parent = find(rel.Name), rel.Object
	if rel.Object == "" {
		return ref, ""
	}
	if other := find(rel.Object); other != nil && (ref == nil || !refersTo(ref, rel.Object) && refersTo(other, rel.Name)) {
		ref, parent = other, rel.Name
	}
	if ref != nil {
		for _, name := range ref.ReferenceTo {
			if strings.EqualFold(name, parent) {
				parent = name
			}
		}
	}
	return ref, parent
}

func refersTo(f *schema.Field, object string) bool {
	return slices.ContainsFunc(f.ReferenceTo, func(name string) bool { return strings.EqualFold(name, object) })
}

// relation resolves a rule's name of the form Account.ERP_Id__c. key is the field behind the
// relationship under the name that the record's column has, with what the reference allows;
// ref is the reference itself. It reports what is wrong.
func (c *planner) relation(name Str, rel syntax.Relation) (key, ref *schema.Field) {
	o := c.out.Object
	ref, parent := relationship(o, rel)
	switch {
	case ref == nil:
		var known []string
		for _, f := range o.Fields {
			if f.Type == schema.Reference && f.RelationshipName != "" {
				known = append(known, f.RelationshipName)
			}
		}
		c.list.Errorf(name.Pos, "relation-unknown", c.list.DidYouMean(rel.Name, known), "%s has no relationship %q", o.Name, rel.Name)
		return nil, nil
	case parent == "" && len(ref.ReferenceTo) > 1:
		c.list.Errorf(name.Pos, "relation-object", "write "+ref.ReferenceTo[len(ref.ReferenceTo)-1]+":"+ref.RelationshipName+"."+rel.Field,
			"%s refers to records of %s: say which", ref.Name, strings.Join(ref.ReferenceTo, " or "))
		return nil, nil
	case parent == "" && len(ref.ReferenceTo) == 1:
		parent = ref.ReferenceTo[0]
	case !refersTo(ref, parent):
		c.list.Errorf(name.Pos, "relation-object", "it refers to "+strings.Join(ref.ReferenceTo, " or "), "%s does not refer to %s", ref.Name, parent)
		return nil, nil
	}
	p := c.schema.Object(parent)
	if p == nil || len(p.Fields) == 0 {
		c.list.Errorf(name.Pos, "object-unknown", "describe it in the file named by schema:", "%s refers to %s, which is not in %s", ref.Name, parent, c.schema.Source)
		return nil, nil
	}
	f := p.Field(rel.Field)
	if f == nil || !f.Key() || f.Type == schema.ID {
		var keys []string
		for _, f := range p.Fields {
			if f.Key() && f.Type != schema.ID {
				keys = append(keys, f.Name)
			}
		}
		hint := c.list.DidYouMean(rel.Field, keys)
		switch {
		case f != nil && f.Type == schema.ID:
			hint = "for a record id write " + ref.Name
		case hint == "" && len(keys) > 0:
			hint = "its keys: " + strings.Join(keys, ", ")
		case hint == "":
			hint = p.Name + " has no external id"
		}
		if f != nil && f.Type != schema.ID && findable(f) {
			hint += "; by another field write " + ref.Name + ": {lookup: " + p.Name + "." + f.Name + ", from: COLUMN}"
		}
		why := "has no field"
		if f != nil {
			why = "cannot be referred to by"
		}
		c.list.Errorf(name.Pos, "relation-key", hint, "%s %s %q: a relationship goes by an external id", p.Name, why, rel.Field)
		return nil, nil
	}
	column := ref.RelationshipName + "." + f.Name
	if len(ref.ReferenceTo) > 1 {
		column = p.Name + ":" + column
	}
	k := *f
	k.Name = column
	k.Createable, k.Updateable, k.Nillable, k.DefaultedOnCreate = ref.Createable, ref.Updateable, ref.Nillable, ref.DefaultedOnCreate
	return &k, ref
}
