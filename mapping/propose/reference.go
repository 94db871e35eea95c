package propose

import (
	"cmp"
	"slices"
	"strings"

	"sfsync/mapping/schema"
)

// join refers targets to each other: a reference that no column gives goes to the record that the
// other target makes of the same row. The usual reference comes first (AccountId to Account), and
// no two targets refer to each other, directly or round about.
func join(targets []*Target) {
	type edge struct {
		from, to *Target
		field    *schema.Field
	}
	var edges []edge
	for _, t := range targets {
		for _, f := range t.Object.Fields {
			if f.Type != schema.Reference || !f.Createable || len(f.ReferenceTo) != 1 || t.has(f) {
				continue
			}
			for _, other := range targets {
				if other != t && f.ReferenceTo[0] == other.Object.Name && t.Sends() && other.Sends() {
					edges = append(edges, edge{t, other, f})
				}
			}
		}
	}
	slices.SortStableFunc(edges, func(a, b edge) int { return cmp.Compare(usual(a.field), usual(b.field)) })
	needs := map[*Target][]*Target{}
	var reaches func(from, to *Target) bool
	reaches = func(from, to *Target) bool {
		return from == to || slices.ContainsFunc(needs[from], func(next *Target) bool { return reaches(next, to) })
	}
	for _, e := range edges {
		// A second reference between the same two, such as the parent of an account, means another record.
		if reaches(e.to, e.from) || slices.Contains(needs[e.from], e.to) || e.from.has(e.field) {
			continue
		}
		needs[e.from] = append(needs[e.from], e.to)
		e.from.Rules = append(e.from.Rules, Rule{Field: e.field, Ref: e.to, Note: "the " + e.to.Object.Label + " of the same row"})
	}
}

// usual ranks references: the one that is named after the object is the usual one.
func usual(f *schema.Field) int {
	switch {
	case strings.TrimSuffix(f.RelationshipName, "__r") == strings.TrimSuffix(f.ReferenceTo[0], "__c"):
		return 0
	case !f.Custom:
		return 1
	}
	return 2
}

// lookups proposes references by a key of the other record, where a column's name is that of the
// relationship and the key, such as account_erp_id, or of the relationship alone and the values look
// like the key: an owner's address, an account's name.
func (p *Profile) lookups(t *Target, s *schema.Schema) error {
	for _, f := range t.Object.Fields {
		if f.Type != schema.Reference || !f.Createable || f.RelationshipName == "" || t.has(f) {
			continue
		}
		for _, parent := range f.ReferenceTo {
			o := s.Object(parent)
			if o == nil || len(o.Fields) == 0 || t.has(f) {
				continue
			}
			for _, key := range o.Fields {
				if err := p.reference(t, f, o, key, s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// reference proposes a reference by one key, if a column is for it.
func (p *Profile) reference(t *Target, f *schema.Field, parent *schema.Object, key *schema.Field, s *schema.Schema) error {
	usable := key.Key() && key.Type != schema.ID || key.NameField && !key.AutoNumber && key.Filterable
	if !usable || t.has(f) {
		return nil
	}
	relationship := plain(strings.TrimSuffix(f.RelationshipName, "__r"))
	for _, c := range p.columns {
		if t.taken[c.name] || c.nested || len(c.values) == 0 {
			continue
		}
		name := plain(strings.ReplaceAll(c.name, "__c", ""))
		whole := name == relationship+plain(strings.TrimSuffix(key.Name, "__c"))
		if !whole && (name != relationship || !looksLike(key, c)) {
			continue
		}
		got, err := choose(key, s, c)
		if err != nil {
			return err
		}
		if got.failed > len(c.values)/10 {
			continue
		}
		r := Rule{Field: f, From: []Source{{Column: c.name}}}
		for _, st := range got.steps {
			r.From[0].Steps = append(r.From[0].Steps, st.String())
		}
		if key.Key() {
			r.Key = key.Name
			if len(f.ReferenceTo) > 1 {
				r.Parent = parent.Name
			}
		} else {
			r.Lookup = parent.Name + "." + key.Name
			r.note(parent.Label + "s are looked up by " + key.Name + ": several of the same name fail the row")
		}
		if !whole {
			r.note("guessed from the name and the values")
		}
		t.taken[c.name] = true
		t.Rules = append(t.Rules, r)
		return nil
	}
	return nil
}

// looksLike reports whether a column that is named like the relationship holds values of the key:
// addresses for user names, words for names.
func looksLike(key *schema.Field, c *column) bool {
	for _, v := range c.values {
		at := strings.Contains(v, "@")
		id := (len(v) == 15 || len(v) == 18) && strings.IndexFunc(v, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') }) < 0
		switch {
		case id:
			return false
		case key.Name == "Username":
			if !at {
				return false
			}
		case !key.NameField || at:
			return false
		}
	}
	return true
}
