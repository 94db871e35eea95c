package target

import (
	"slices"
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/program"
	"sfsync/mapping/schema"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// Key is one way to find the records of a target.
type Key struct {
	Fields  []*schema.Field
	By      []sink.KeyField
	Columns []int // of the parts, folded; nil for the record id
	Sent    []int // the columns in which the fields themselves are sent, or -1
	Late    bool  // a part is a reference, whose id comes later
	Label   string
	salt    uint64 // hash of Label
}

func newKey(p *mapping.PlanTarget, of mapping.Key) Key {
	k := Key{Fields: of.Fields, Columns: of.Columns}
	for _, f := range of.Fields {
		k.By = append(k.By, sink.KeyField{Name: f.Name, Fold: f.FoldKey})
		k.Sent = append(k.Sent, p.Schema.Index(f.Name))
	}
	k.Label = k.Name()
	k.salt = row.Hash(k.Label)
	k.Late = slices.ContainsFunc(p.Needs, func(n mapping.Need) bool { return slices.Contains(of.Columns, n.Column) })
	return k
}

// idKey is the record id as a key: that of Item.Record.
func idKey(o *schema.Object) Key {
	f := o.Field("Id")
	if f == nil {
		f = &schema.Field{Name: "Id", Type: schema.ID, Length: 18, IDLookup: true}
	}
	return Key{Fields: []*schema.Field{f}, By: []sink.KeyField{{Name: f.Name, Fold: f.FoldKey}}, Sent: []int{-1}}
}

// IsID reports whether it is the record id.
func (k *Key) IsID() bool { return len(k.Fields) == 1 && k.Fields[0].Type == schema.ID }

// Name is the key in messages.
func (k *Key) Name() string {
	names := make([]string, len(k.Fields))
	for i, f := range k.Fields {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

// Blank reports whether a row has no key k.
func (t *Target) Blank(it work.Item, k int) bool {
	b := t.Cells(it.Batch)
	for _, c := range t.Keys[k].Columns {
		if b.Cell(int(it.Row), c).Blank() {
			return true
		}
	}
	return false
}

// Text returns a row's key k as the org compares it. It is a view on the batch where the key has one part.
func (t *Target) Text(it work.Item, k int) string {
	columns := t.Keys[k].Columns
	switch b, r := t.Cells(it.Batch), int(it.Row); len(columns) {
	case 0:
		return it.Record().ID
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

// Hash returns a hash of a row's key k, which tells the keys of an object apart; ok is false if the
// key is blank.
func (t *Target) Hash(it work.Item, k int) (h uint64, ok bool) {
	b := t.Cells(it.Batch)
	h = t.Keys[k].salt
	for _, c := range t.Keys[k].Columns {
		cell := b.Cell(int(it.Row), c)
		if cell.Blank() {
			return 0, false
		}
		h = h*0x9E3779B97F4A7C15 ^ row.Hash(cell.Text)
	}
	return h, true
}

// Slot names a match key of an object, by its hash, or a record id. Two that share a slot merely wait
// for each other. Targets of one object share its slots, so that the rows of a key are in order over
// all of them; a find has its own.
type Slot struct {
	Group int // the first target of the object
	Key   uint64
}

// Slot is that of a row's key in a target that is simple.
func (t *Target) Slot(it work.Item) Slot { return Slot{t.Group, it.Key} }

// Slots appends the slots of a row's keys: of those that are known from the beginning, or of those
// that hold references.
func (t *Target) Slots(dst []Slot, it work.Item, late bool) []Slot {
	for k := range t.Keys[:len(t.Keys)-1] {
		if t.Keys[k].Late != late {
			continue
		}
		if h, ok := t.Hash(it, k); ok && !slices.Contains(dst, Slot{t.Group, h}) {
			dst = append(dst, Slot{t.Group, h})
		}
	}
	return dst
}

// Guarded reports whether two rows of the target can come to one record by different keys. Such rows
// are written one after the other, but in the order in which their lookups were answered.
func (t *Target) Guarded() bool { return len(t.Keys) > 2 || t.Plan.Redirected >= 0 }

// Rivals reports whether two targets of one object can come to the same record though their keys do not tell: one is
// matched by other fields than the other. A target without a match only creates, and so is a rival only of one that is
// matched by what it sends.
func Rivals(p, q *mapping.PlanTarget) bool {
	switch {
	case linked(p, q):
		return false
	case bare(p) || bare(q):
		return bare(p) != bare(q) && (finds(p, q) || finds(q, p))
	}
	return true
}

// bare reports whether a target's records are matched by nothing.
func bare(p *mapping.PlanTarget) bool { return len(p.Keys) == 0 && p.Redirected < 0 }

// finds reports whether a key of p is among what q sends.
func finds(p, q *mapping.PlanTarget) bool {
	return slices.ContainsFunc(p.Keys, func(k mapping.Key) bool {
		return q.Code.Rest == program.RestCustom || !slices.ContainsFunc(k.Fields, func(f *schema.Field) bool { return !slices.Contains(q.Fields(), f.Name) })
	})
}

// IDSlot is the slot of the record that a row has come to.
func (t *Target) IDSlot(it work.Item) Slot {
	return Slot{t.Group, ^row.Hash(it.Record().ID)}
}

// NextKey returns the first key behind k that a row has, or -1.
func (t *Target) NextKey(it work.Item, k int) int {
	for k++; k < len(t.Keys)-1; k++ {
		if !t.Blank(it, k) {
			return k
		}
	}
	return -1
}

// Words is the value that a find looks for, as the row has it.
func (t *Target) Words(it work.Item) string {
	if c := t.Keys[0].Sent[0]; c >= 0 {
		return t.Cells(it.Batch).Cell(int(it.Row), c).Text
	}
	return t.Text(it, 0)
}

// Tried returns the first key that a row has, and in words all that it was looked for by.
func (t *Target) Tried(it work.Item) (first, all string) {
	for k := range t.Keys[:len(t.Keys)-1] {
		switch {
		case t.Blank(it, k):
		case first == "":
			first = t.Keys[k].Name()
			all = first
		default:
			all += " or " + t.Keys[k].Name()
		}
	}
	if first == "" {
		first = t.Keys[0].Name()
		all = first
	}
	return first, all
}
