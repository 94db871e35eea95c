// Package definition makes the definition of an object out of what the org has and what a schema adds, and the
// SQL of the table that keeps its records.
package definition

import (
	"fmt"
	"slices"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
)

// Merge returns what add brings that the catalog lacks, and the object with it.
func Merge(cat *catalog.Catalog, add *schema.Object, defs map[string]catalog.Definition) ([]string, *schema.Object, error) {
	if !validName(add.Name) {
		return nil, nil, fmt.Errorf("add object %q to the local org: not an API name", add.Name)
	}
	for _, f := range add.Fields {
		if !validName(f.Name) {
			return nil, nil, fmt.Errorf("add field %q of %s to the local org: not an API name", f.Name, add.Name)
		}
	}
	old := cat.Object(add.Name)
	if old == nil {
		def := *add
		def.Fields = catalog.WithSystemFields(add)
		if def.KeyPrefix == "" || prefixTaken(def.KeyPrefix, defs) {
			def.KeyPrefix = freePrefix(add, defs)
		}
		def.RecordTypes, def.Queues, def.Rules = nil, nil, schema.Rules{}
		return []string{def.Name}, clone(&def), nil
	}
	var names []string
	def := *old.Def
	def.Fields = slices.Clone(def.Fields)
	for _, f := range add.Fields {
		if old.Field(f.Name) == nil {
			def.Fields = append(def.Fields, f)
			names = append(names, def.Name+"."+f.Name)
		}
	}
	return names, clone(&def), nil
}

// clone makes the definition independent of the schema it came from, whose owner may go on
// using it.
func clone(o *schema.Object) *schema.Object {
	c := *o
	c.Fields = make([]*schema.Field, 0, len(o.Fields))
	seen := make(map[string]bool, len(o.Fields))
	for _, f := range o.Fields {
		if k := strings.ToLower(f.Name); !seen[k] {
			seen[k] = true
			g := *f
			g.IDLookup = g.IDLookup || g.ExternalID
			c.Fields = append(c.Fields, &g)
		}
	}
	c.Index()
	return &c
}

func prefixTaken(p string, defs map[string]catalog.Definition) bool {
	for _, d := range defs {
		if d.Object.KeyPrefix == p {
			return true
		}
	}
	return false
}

// freePrefix returns the next key prefix for a custom object: a00, a01 … azz; those of platform events begin
// with e.
func freePrefix(o *schema.Object, defs map[string]catalog.Definition) string {
	first := "a"
	if o.Event() {
		first = "e"
	}
	taken := make(map[string]bool, len(defs))
	for _, d := range defs {
		taken[d.Object.KeyPrefix] = true
	}
	for n := range 62 * 62 {
		if p := first + string([]byte{catalog.Base62[n/62], catalog.Base62[n%62]}); !taken[p] {
			return p
		}
	}
	return "zzz"
}

// validName reports whether a name is an API name, and so safe as an SQL identifier.
func validName(s string) bool {
	if s == "" || len(s) > 80 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || c == '_'):
		default:
			return false
		}
	}
	return true
}
