package pipeline

import (
	"slices"
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// key is one way to find the records of a lane.
type key struct {
	fields  []*schema.Field
	by      []sink.KeyField
	columns []int // of the parts, folded; nil for the record id
	sent    []int // the columns in which the fields themselves are sent, or -1
	late    bool  // a part is a reference, whose id comes later
	label   string
	salt    uint64 // hash of label
}

func newKey(p *mapping.PlanTarget, of mapping.Key) key {
	k := key{fields: of.Fields, columns: of.Columns}
	for _, f := range of.Fields {
		k.by = append(k.by, sink.KeyField{Name: f.Name, Fold: f.FoldKey})
		k.sent = append(k.sent, p.Schema.Index(f.Name))
	}
	k.label = k.name()
	k.salt = row.Hash(k.label)
	k.late = slices.ContainsFunc(p.Needs, func(n mapping.Need) bool { return slices.Contains(of.Columns, n.Column) })
	return k
}

// idKey is the record id as a key: that of item.record().
func idKey(o *schema.Object) key {
	f := o.Field("Id")
	if f == nil {
		f = &schema.Field{Name: "Id", Type: schema.ID, Length: 18, IDLookup: true}
	}
	return key{fields: []*schema.Field{f}, by: []sink.KeyField{{Name: f.Name, Fold: f.FoldKey}}, sent: []int{-1}}
}

func (k *key) isID() bool { return len(k.fields) == 1 && k.fields[0].Type == schema.ID }

// name is the key in messages.
func (k *key) name() string {
	names := make([]string, len(k.fields))
	for i, f := range k.fields {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

// blank reports whether a row has no key k.
func (l *lane) blank(it item, k int) bool {
	b := l.batch(it.w)
	for _, c := range l.keys[k].columns {
		if b.Cell(int(it.row), c).Blank() {
			return true
		}
	}
	return false
}

// text returns a row's key k as the org compares it. It is a view on the batch where the key has one part.
func (l *lane) text(it item, k int) string {
	columns := l.keys[k].columns
	switch b, r := l.batch(it.w), int(it.row); len(columns) {
	case 0:
		return it.record().id
	case 1:
		return b.Cell(r, columns[0]).Text
	default:
		var s strings.Builder
		for i, c := range columns {
			if i > 0 {
				s.WriteString(sink.KeySep)
			}
			s.WriteString(b.Cell(r, c).Text)
		}
		return s.String()
	}
}

// hash returns a hash of a row's key k, which tells the keys of an object apart; ok is false if the
// key is blank.
func (l *lane) hash(it item, k int) (h uint64, ok bool) {
	b := l.batch(it.w)
	h = l.keys[k].salt
	for _, c := range l.keys[k].columns {
		cell := b.Cell(int(it.row), c)
		if cell.Blank() {
			return 0, false
		}
		h = h*0x9E3779B97F4A7C15 ^ row.Hash(cell.Text)
	}
	return h, true
}

// slot names a match key of an object, by its hash, or a record id. Two that share a slot merely wait
// for each other. Targets of one object share its slots, so that the rows of a key are in order over
// all of them; a find has its own.
type slot struct {
	group int // the first lane of the object
	key   uint64
}

// slots appends the slots of a row's keys: of those that are known from the beginning, or of those
// that hold references.
func (l *lane) slots(dst []slot, it item, late bool) []slot {
	for k := range l.keys[:len(l.keys)-1] {
		if l.keys[k].late != late {
			continue
		}
		if h, ok := l.hash(it, k); ok && !slices.Contains(dst, slot{l.group, h}) {
			dst = append(dst, slot{l.group, h})
		}
	}
	return dst
}

// guarded reports whether two rows of the lane can come to one record by different keys. Such rows
// are written one after the other, but in the order in which their lookups were answered.
func (l *lane) guarded() bool { return len(l.keys) > 2 || l.plan.Redirected >= 0 }

// idSlot is the slot of the record that a row has come to.
func (l *lane) idSlot(it item) slot {
	return slot{l.group, ^row.Hash(it.record().id)}
}

// want is what lookups of a lane ask for besides the id, and where it stands in a match's values.
type want struct {
	schema  *row.Schema // of the batches it is for
	names   []string
	created int     // CreatedDate, or -1
	contact int     // ConvertedContactId, or -1
	keys    [][]int // the parts of each key
	columns []int   // each column of the batches, or -1
}

// newWant returns what to ask for rows with the columns of s.
func newWant(l *lane, s *row.Schema) *want {
	p := l.plan
	w := &want{schema: s, created: -1, contact: -1, columns: make([]int, len(s.Columns))}
	add := func(name string) int {
		if i := slices.Index(w.names, name); i >= 0 {
			return i
		}
		w.names = append(w.names, name)
		return len(w.names) - 1
	}
	if p.OnMany == mapping.ManyNewest || p.OnMany == mapping.ManyOldest {
		w.created = add("CreatedDate")
	}
	if p.Redirect >= 0 {
		w.contact = add("ConvertedContactId")
	}
	for _, k := range l.keys[:len(l.keys)-1] {
		var parts []int
		for _, f := range k.fields {
			i := -1
			if len(l.keys) > 2 { // only then can an earlier key contradict
				i = add(f.Name)
			}
			parts = append(parts, i)
		}
		w.keys = append(w.keys, parts)
	}
	for c, col := range s.Columns {
		w.columns[c] = -1
		if hidden(col.Name) || l.find {
			continue
		}
		if (l.imagined != nil || l.compare) && p.Operation != mapping.Delete || slices.Contains(p.OnlyIfEmpty, c) {
			w.columns[c] = add(col.Name)
		}
	}
	return w
}

// hidden reports whether a column is no field and never sent.
func hidden(column string) bool { return strings.HasPrefix(column, "\x00") }

// wantOf returns what to ask for a row. Only where records are compared does it depend on the columns that
// rest: custom gave to the row's batch.
func (l *lane) wantOf(it item) *want {
	s := l.batch(it.w).Schema()
	if l.imagined == nil && !l.compare || s == l.wants[0].schema {
		return l.wants[0]
	}
	for _, w := range l.wants[1:] {
		if w.schema == s {
			return w
		}
	}
	const kept = 64 // as many as a plan remembers of the schemas it has met
	if len(l.wants) > kept {
		l.wants = l.wants[:1]
	}
	w := newWant(l, s)
	l.wants = append(l.wants, w)
	return w
}
