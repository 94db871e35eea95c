package catalog

import "strings"

// Child is a reference by which records of an object are the children of another one's.
type Child struct {
	// Name is the name of the relationship, "" for references that are not followed backwards.
	Name   string
	Object *Object
	Field  *Field
}

// Children returns the references that lead to an object, in the order of the objects and their fields. No
// two have the same name: of several, the first has it.
func (c *Catalog) Children(parent *Object) []Child {
	var out []Child
	taken := map[string]bool{}
	for _, o := range c.Objects() {
		for _, f := range o.Fields {
			for _, to := range f.Def.ReferenceTo {
				if to != parent.Def.Name {
					continue
				}
				name := f.Def.ChildRelationship
				if key := strings.ToLower(name); taken[key] {
					name = ""
				} else if name != "" {
					taken[key] = true
				}
				out = append(out, Child{name, o, f})
			}
		}
	}
	return out
}
