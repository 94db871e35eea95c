package catalog

import (
	"strings"
)

// ReadOnly refuses fields that cannot be written on creation, or on change. The key of an upsert
// may stand in a record whether or not it can be changed.
func (r *Record) ReadOnly(create bool, key *Field) *Error {
	var names []string
	for _, c := range r.Cells {
		d := c.Field.Def
		closed := r.view.locked[c.Field] || create && !d.Createable || !create && !d.Updateable
		if closed && (create || c.Field != key) {
			names = append(names, d.Name)
		}
	}
	if names == nil {
		return nil
	}
	return errReadOnly(names)
}

// AddDefaults fills the fields of a new record that were not given. An explicit null stands.
func (r *Record) AddDefaults() {
	for _, d := range r.Object.defaults {
		if !r.Given(d.Field) {
			r.Put(d.Field, d.Value)
		}
	}
}

// Missing refuses a record that lacks required fields, or clears them.
func (r *Record) Missing(create bool) *Error {
	var names []string
	for _, f := range r.Object.required {
		v, given := r.Value(f)
		if v == nil && (create || given) && (!given || r.Err == nil) {
			names = append(names, f.Def.Name)
		}
	}
	if names == nil && !create {
		// A field that has a default on creation cannot be cleared later either.
		for _, c := range r.Cells {
			if d := c.Field.Def; c.Value == nil && !d.Nillable && r.Err == nil {
				names = append(names, d.Name)
			}
		}
	}
	if names == nil {
		return nil
	}
	return errRequired(names)
}

// CheckIDs refuses ids of the wrong form or object, and brings the others to 18 characters.
func (r *Record) CheckIDs(cat *Catalog) *Error {
	for i := range r.Cells {
		c := &r.Cells[i]
		s, ok := c.Value.(string)
		if !ok || !c.Field.IsReference() {
			continue
		}
		id, err := c.Field.checkID(cat, s)
		if err != nil {
			return err
		}
		c.Value = id
	}
	return nil
}

// SetNumbers numbers a new record, the n-th of its object with that id: its auto-number fields,
// and its name if it is a custom object's that has none: that is
// the id then.
func (r *Record) SetNumbers(n int64, id string) {
	for _, f := range r.Object.AutoNumbers {
		r.Put(f, f.number.format(n))
	}
	if f := r.Object.name; f != nil && len(r.Object.NameParts) == 0 {
		if v, _ := r.Value(f); v == nil {
			r.Put(f, id[:15])
		}
	}
}

// SetName puts together the name of a person if a part of it changes. current holds the parts
// as they are, and is nil for a new record.
func (r *Record) SetName(current []string) {
	o := r.Object
	if len(o.NameParts) == 0 {
		return
	}
	changed := current == nil
	parts := make([]string, 0, len(o.NameParts))
	for i, f := range o.NameParts {
		s := ""
		if v, given := r.Value(f); given {
			s, _ = v.(string)
			changed = true
		} else if current != nil {
			s = current[i]
		}
		if s != "" {
			parts = append(parts, s)
		}
	}
	if changed {
		r.Put(o.name, strings.Join(parts, " "))
	}
}
