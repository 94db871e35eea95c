package lookup

import (
	"fmt"
	"slices"
	"strings"

	"sfsync/sink"
	"sfsync/sink/salesforce/wire"
)

// Question is a lookup made ready to be asked. It is not safe for concurrent use.
type Question struct {
	l       *sink.Lookup
	fields  []Field // of the key's parts
	slots   []slot
	selects []selection
	terms   []string
	index   map[string]int // canonical key → its place in l.Keys
	aliases []alias
}

// alias is a key that the org takes for an earlier one: 12.50 for 12.5.
type alias struct{ key, of int }

// slot is a field that is asked for.
type slot struct {
	Path
	parts []int // of the key
	wants []int // of Want
}

// The first slots are always there.
const (
	idSlot = iota
	convertedSlot
	firstSlot
)

// selection is a list of fields that one query asks for: more than one where the names of all the
// fields leave no room for keys.
type selection struct {
	text  string // of the SELECT list
	slots []int
}

// New makes a question of a lookup: fields are those of its key, in order, and room is how long a
// list of fields may be, encoded. Without fields it can only be asked what fits a call. A name that
// cannot stand in a query is an error.
func New(l *sink.Lookup, fields []Field, room int) (*Question, error) {
	if len(l.By) == 0 {
		return nil, fmt.Errorf("a lookup of %s needs a key field", l.Object)
	}
	for len(fields) < len(l.By) {
		fields = append(fields, Field{Kind: unknown})
	}
	q := &Question{l: l, fields: fields, slots: make([]slot, firstSlot)}
	names := []string{l.Object}
	q.slots[idSlot].Field = "Id"
	if strings.EqualFold(l.Object, "Lead") {
		q.slots[convertedSlot].Field = "IsConverted"
	}
	for i, by := range l.By {
		s := q.slot(by.Name)
		s.parts = append(s.parts, i)
		names = append(names, by.Name)
	}
	keys := len(q.slots)
	for i, name := range l.Want {
		s := q.slot(name)
		s.wants = append(s.wants, i)
		names = append(names, name)
	}
	for _, n := range names {
		if !plainName(n) {
			return nil, fmt.Errorf("look up %s: %q is not the name of a field", l.Object, n)
		}
	}
	q.choose(keys, room)
	return q, nil
}

// slot returns the slot of a field, a new one unless it has been asked for. It is valid until the
// next call.
func (q *Question) slot(name string) *slot {
	p := ParsePath(name)
	for i := range q.slots {
		if s := &q.slots[i]; strings.EqualFold(s.Field, p.Field) && strings.EqualFold(s.Relation, p.Relation) && strings.EqualFold(s.Object, p.Object) {
			return s
		}
	}
	q.slots = append(q.slots, slot{Path: p})
	return &q.slots[len(q.slots)-1]
}

// choose makes the selections: the key's fields are in the first, whose records say which key they
// hold; those of the others are known by their ids.
func (q *Question) choose(keys, room int) {
	sel := selection{text: "Id", slots: []int{idSlot}}
	size := 0
	for _, it := range q.items() {
		n := len(encode(it.text)) + 1
		if size += n; size > room && it.slots[0] >= keys && len(sel.slots) > 1 {
			q.selects = append(q.selects, sel)
			sel, size = selection{text: "Id", slots: []int{idSlot}}, n
		}
		sel.text += "," + it.text
		sel.slots = append(sel.slots, it.slots...)
	}
	q.selects = append(q.selects, sel)
}

// items are the entries of the SELECT list but the id, those of the key first. Fields of a parent
// that may be of several objects, and that not all of these have, come by TYPEOF (SOQL and SOSL
// reference); one relationship has one entry then. No entry comes twice: an org refuses that.
func (q *Question) items() []selection {
	var all []selection
	typed := map[string]bool{} // relationships whose TYPEOF is there
	for i, s := range q.slots {
		switch rel := strings.ToLower(s.Relation); {
		case i == idSlot || s.Field == "":
		case s.Object == "" || !q.typed(s.Relation):
			text := s.String()
			at := slices.IndexFunc(all, func(it selection) bool { return strings.EqualFold(it.text, text) })
			if at < 0 {
				all = append(all, selection{text: text, slots: []int{i}})
			} else {
				all[at].slots = append(all[at].slots, i)
			}
		case !typed[rel]:
			typed[rel] = true
			all = append(all, q.typeOf(s.Relation))
		}
	}
	return all
}

// typed reports whether a relationship takes a TYPEOF.
func (q *Question) typed(relation string) bool {
	return slices.ContainsFunc(q.slots, func(s slot) bool {
		return s.Object != "" && strings.EqualFold(s.Relation, relation) && !s.ofName()
	})
}

// typeOf is the entry for all fields of a relationship that name an object.
func (q *Question) typeOf(relation string) selection {
	sel := selection{}
	var objects []string
	fields := map[string]string{}
	for i, s := range q.slots {
		if s.Object == "" || !strings.EqualFold(s.Relation, relation) {
			continue
		}
		sel.slots = append(sel.slots, i)
		object := strings.ToLower(s.Object)
		if fields[object] == "" {
			objects = append(objects, s.Object)
			fields[object] = s.Field
		} else {
			fields[object] += "," + s.Field
		}
	}
	text := "TYPEOF " + relation
	for _, o := range objects {
		text += " WHEN " + o + " THEN " + fields[strings.ToLower(o)]
	}
	sel.text = text + " END"
	return sel
}

// prepare writes the keys as conditions. Keys that no record can hold have none.
func (q *Question) prepare() {
	q.index, q.aliases = make(map[string]int, len(q.l.Keys)), nil
	q.terms = make([]string, 0, len(q.l.Keys))
	var term []byte
	for i, key := range q.l.Keys {
		canonical, ok := "", false
		if term, canonical, ok = q.condition(term[:0], key); !ok {
			continue
		}
		if first, twice := q.index[canonical]; twice {
			q.aliases = append(q.aliases, alias{i, first})
			continue
		}
		q.terms = append(q.terms, string(term))
		q.index[canonical] = i
	}
}

// and stands between the conditions of a composite key, or between the conditions of two.
const (
	and = "%20AND%20"
	or  = "%20OR%20"
	is  = "%3D"
)

// condition appends a key's condition, encoded for a URL: a literal, or of a composite key a
// parenthesis.
func (q *Question) condition(dst []byte, key string) (_ []byte, canonical string, ok bool) {
	if len(q.fields) == 1 {
		lit, ok := q.fields[0].literal(key)
		return wire.AppendURL(dst, lit), q.fields[0].Canonical(key), ok
	}
	parts := strings.Split(key, sink.KeySep)
	if len(parts) != len(q.fields) {
		return dst, "", false
	}
	dst = append(dst, '(')
	for i, part := range parts {
		lit, ok := q.fields[i].literal(part)
		if !ok {
			return dst, "", false
		}
		if i > 0 {
			dst = append(dst, and...)
		}
		dst = append(wire.AppendURL(dst, ParsePath(q.l.By[i].Name).String()), is...)
		dst = wire.AppendURL(dst, lit)
		parts[i] = q.fields[i].Canonical(part)
	}
	return append(dst, ')'), strings.Join(parts, sink.KeySep), true
}

// Queries returns the queries of the lookup: several where the names of the fields leave no room for
// keys in one. Their records go to the [Records] of the question.
func (q *Question) Queries() []*Query {
	q.prepare()
	queries := make([]*Query, len(q.selects))
	for i, sel := range q.selects {
		queries[i] = q.query(sel)
	}
	return queries
}

// query is the query of a selection.
func (q *Question) query(sel selection) *Query {
	head := "SELECT " + sel.text + " FROM " + q.l.Object + " WHERE "
	if len(q.fields) > 1 {
		return &Query{Head: encode(head), Join: or, Terms: q.terms}
	}
	return &Query{Head: encode(head + ParsePath(q.l.By[0].Name).String() + " IN ("), Join: ",", Tail: ")", Terms: q.terms}
}

// Fit returns how many of the keys, from the first, one call can look up with URLs no longer than
// room: at least one. It makes no conditions, and may say less than fits.
func (q *Question) Fit(room, prefix int) int {
	query := q.query(q.selects[0])
	for _, sel := range q.selects[1:] {
		if other := q.query(sel); len(other.Head) > len(query.Head) {
			query = other
		}
	}
	room -= query.overhead(prefix)
	each := len(query.Join)
	if len(q.fields) > 1 {
		each += len("()") - len(and)
		for _, by := range q.l.By {
			each += len(and) + len(is) + len(by.Name)
		}
	}
	queries, left := 1, room
	for i, k := range q.l.Keys {
		n := each + q.size(k)
		if left -= n; left >= 0 {
			continue
		}
		if queries++; queries > Groups {
			return max(i, 1)
		}
		left = room - n
	}
	return len(q.l.Keys)
}

// size is the most that the literals of a key have in a URL.
func (q *Question) size(key string) int {
	if len(q.fields) == 1 {
		return q.fields[0].size(key)
	}
	n := 0
	for i := range q.fields {
		part, rest, _ := strings.Cut(key, sink.KeySep)
		n += q.fields[i].size(part)
		key = rest
	}
	return n
}
