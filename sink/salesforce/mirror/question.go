package mirror

import (
	"context"
	"encoding/json"
	"hash/maphash"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce/lookup"
)

// object is what copies have to know of an object.
type object struct {
	name   string
	fields map[string]field // by lower-case name
	kinds  *lookup.Object
}

type field struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	Createable bool   `json:"createable"`
	Calculated bool   `json:"calculated"`
	AutoNumber bool   `json:"autoNumber"`
	Defaulted  bool   `json:"defaultedOnCreate"`
	// Default makes a value where none is sent. Whether Defaulted is then set, too, is unconfirmed.
	Default *string `json:"defaultValueFormula"`
}

// parseObject reads an object's description; nil if that cannot be done.
func parseObject(describe []byte) *object {
	var d struct {
		Name   string  `json:"name"`
		Fields []field `json:"fields"`
	}
	kinds, err := lookup.ParseObject(describe)
	if err != nil || json.Unmarshal(describe, &d) != nil || d.Name == "" {
		return nil
	}
	o := &object{name: d.Name, fields: make(map[string]field, len(d.Fields)), kinds: kinds}
	for _, f := range d.Fields {
		o.fields[strings.ToLower(f.Name)] = f
	}
	return o
}

// object returns what copies have to know of an object. What is wrong with its name the org says to the
// lookup itself.
func (m *Matcher) object(ctx context.Context, name string) (*object, error) {
	key := strings.ToLower(name)
	m.mu.RLock()
	o, known := m.objects[key]
	m.mu.RUnlock()
	if known {
		return o, nil
	}
	raw, err := m.Org.Describe(ctx, name)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err == nil {
		o = parseObject(raw)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[key] = o
	return o, nil
}

// readable reports whether the values of a field come by a query job as they do by REST.
func (f *field) readable() bool {
	switch f.Type {
	case "", "base64", "address", "location", "complexvalue", "anyType", "json", "encryptedstring":
		return false
	}
	return true
}

// steady reports whether a record that is written holds what was sent for the field, and nothing where
// nothing was sent.
func (f *field) steady() bool {
	if strings.EqualFold(f.Name, "Id") {
		return true
	}
	switch f.Type {
	case "string", "email", "phone", "url", "picklist", "combobox", "reference", "int", "long", "double", "currency", "percent", "date", "datetime", "time":
		return f.Createable && !f.Calculated && !f.AutoNumber && !f.Defaulted && f.Default == nil
	}
	return false
}

// state is how far the copy of a question has come.
type state uint8

const (
	asking state = iota // there is none: the org is asked
	making
	ready
	off // there will be none
)

// question is what lookups ask: by which fields, for which values.
type question struct {
	object     string // in lower case
	soqlObject string
	seed       maphash.Seed
	salt       uint64
	byID       bool
	steady     bool // a record holds the key that was sent for it
	refers     bool // a part is a reference, which may be sent by a field of the parent
	parts      []part
	columns    []column
	converted  int   // the column that says so, or -1
	wants      []int // the column of each wanted value

	// Of the Matcher's lock.
	state   state
	noting  bool // what is written is noted
	done    chan struct{}
	keys    int64 // that were asked for
	rented  int64 // calls so far
	perCall int64 // keys that one takes
	records int64 // of the object, -1 if nobody has asked
	table   *table
	made    time.Time // the table's job was begun
	again   bool      // there was a table that is too old
}

// part is a field of the key.
type part struct {
	name   string
	column int
	field  lookup.Field
	fold   func(string) string
}

// column is a field that is copied.
type column struct {
	name string
	kind lookup.Kind
}

// newQuestion returns the question of a lookup, nil if no copy may answer it; written says that the run
// writes records of the object.
func newQuestion(l *sink.Lookup, o *object, written bool, seed maphash.Seed) *question {
	if o == nil || len(l.By) == 0 {
		return nil
	}
	q := &question{
		object: strings.ToLower(l.Object), soqlObject: o.name, seed: seed, converted: -1, records: -1,
		salt: maphash.String(seed, nameOf(l)), columns: []column{{name: "Id", kind: lookup.ID}}, steady: true,
	}
	for _, by := range l.By {
		f, ok := o.fields[strings.ToLower(by.Name)]
		if !ok || !f.readable() || written && !f.steady() {
			return nil
		}
		q.steady = q.steady && f.steady()
		p := part{name: f.Name, column: q.column(o, f.Name), field: o.kinds.Field(f.Name), fold: by.Fold}
		q.byID = q.byID || p.column == 0
		q.refers = q.refers || f.Type == "reference"
		q.parts = append(q.parts, p)
	}
	if q.object == "lead" {
		q.converted = q.column(o, "IsConverted")
	}
	for _, name := range l.Want {
		f, ok := o.fields[strings.ToLower(name)]
		if !ok || !f.readable() {
			return nil
		}
		q.wants = append(q.wants, q.column(o, f.Name))
	}
	return q
}

// column returns the place of a field among those that are copied.
func (q *question) column(o *object, name string) int {
	if i := slices.IndexFunc(q.columns, func(c column) bool { return strings.EqualFold(c.name, name) }); i >= 0 {
		return i
	}
	q.columns = append(q.columns, column{name: name, kind: o.kinds.Field(name).Kind})
	return len(q.columns) - 1
}

// soql is the query for all records that have a key.
func (q *question) soql() string {
	names := make([]string, len(q.columns))
	for i, c := range q.columns {
		names[i] = c.name
	}
	var conditions []string
	for _, p := range q.parts {
		if p.column != 0 {
			conditions = append(conditions, p.name+" != null")
		}
	}
	text := "SELECT " + strings.Join(names, ", ") + " FROM " + q.soqlObject
	if len(conditions) > 0 {
		text += " WHERE " + strings.Join(conditions, " AND ")
	}
	return text
}

// canonical returns a part of a key in the form in which equal ones are the same text.
func (p *part) canonical(value string) string {
	if p.fold != nil {
		value = p.fold(value)
	}
	return p.field.Canonical(value)
}

// key returns the key of values, one a part; ok is false if one is blank.
func (q *question) key(value func(part int) string) (key string, ok bool) {
	if len(q.parts) == 1 {
		key = q.parts[0].canonical(value(0))
		return key, key != ""
	}
	texts := make([]string, len(q.parts))
	for i := range q.parts {
		if texts[i] = q.parts[i].canonical(value(i)); texts[i] == "" {
			return "", false
		}
	}
	return strings.Join(texts, sink.KeySep), true
}

// hash hashes a key. Keys that differ in letters that some comparison takes for the same, be it the org's,
// share a hash.
func (q *question) hash(key string) uint64 { return maphash.String(q.seed, coarse(key)) ^ q.salt }

// coarse maps letters that are equal but for their case to one of them.
func coarse(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return strings.Map(func(r rune) rune {
				least := r
				for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
					least = min(least, o)
				}
				return least
			}, s)
		}
	}
	return strings.ToUpper(s)
}

// askedKey is a key of a lookup.
type askedKey struct {
	place int // in Lookup.Keys
	key   string
	hash  uint64
	doubt bool // the org has to say
}

func (q *question) asked(place int, text string) askedKey {
	a := askedKey{place: place, key: text}
	if len(q.parts) == 1 {
		a.key = q.parts[0].field.Canonical(text)
	} else {
		parts := strings.Split(text, sink.KeySep)
		a.doubt = len(parts) != len(q.parts)
		for i := range min(len(parts), len(q.parts)) {
			parts[i] = q.parts[i].field.Canonical(parts[i])
		}
		a.key = strings.Join(parts, sink.KeySep)
	}
	a.hash = q.hash(a.key)
	return a
}

// find appends the records that hold a key.
func (q *question) find(c *cursor, a *askedKey, found *[]sink.Match) error {
	return c.find(a.hash, func(values [][]byte) error {
		if len(values) != len(q.columns) {
			return errTorn
		}
		key, ok := q.key(func(i int) string { return string(values[q.parts[i].column]) })
		switch {
		case !ok:
			return nil
		case key != a.key:
			a.doubt = a.doubt || strings.EqualFold(key, a.key)
			return nil
		}
		id := string(values[0])
		if slices.ContainsFunc(*found, func(f sink.Match) bool { return f.ID == id }) {
			return nil
		}
		match := sink.Match{ID: id, Converted: q.converted >= 0 && string(values[q.converted]) == "true"}
		if len(q.wants) > 0 {
			match.Values = make([]row.Cell, len(q.wants))
			for i, at := range q.wants {
				match.Values[i] = q.columns[at].cell(values[at])
			}
		}
		*found = append(*found, match)
		return nil
	})
}

// cell is a value as REST has it: a date and time ends in +0000 there, in Z in the results of a job.
func (c *column) cell(value []byte) row.Cell {
	text := strings.ToValidUTF8(string(value), "\ufffd")
	switch {
	case text == "":
		return row.MakeCell(row.Null, "")
	case c.kind == lookup.Number:
		return row.MakeCell(row.Number, text)
	case c.kind == lookup.Bool:
		return row.MakeCell(row.Bool, text)
	case c.kind == lookup.DateTime:
		if t, ok := strings.CutSuffix(text, "Z"); ok {
			text = t + "+0000"
		}
	}
	return row.MakeCell(row.Text, text)
}
