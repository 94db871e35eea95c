package lookup

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce/wire"
)

// Records takes the records that the queries of a question find. It is not safe for concurrent use.
type Records struct {
	q       *Question
	names   names
	hits    []hit
	byID    map[string]int // place in hits
	round   int            // the query whose records come
	strange int

	// Of the record that is being read.
	cells []span
	text  []byte
}

type hit struct {
	key, round int
	sink.Match
}

// span is a value in the text of a record.
type span struct {
	kind     row.Kind
	off, end int
}

// names are the fields of an object or of a parent, as an answer has them.
type names map[string]*name

type name struct {
	slots []int
	below names // of a parent
}

// Records returns a place for the records of the question.
func (q *Question) Records() *Records {
	r := &Records{q: q, names: names{}, cells: make([]span, len(q.slots)), round: -1}
	for i, s := range q.slots {
		at := r.names
		if s.Relation != "" {
			n := at.of(s.Relation)
			if n.below == nil {
				n.below = names{}
			}
			at = n.below
		}
		if s.Field != "" {
			n := at.of(s.Field)
			n.slots = append(n.slots, i)
		}
	}
	return r
}

func (ns names) of(text string) *name {
	n := ns.find([]byte(text))
	if n == nil {
		n = &name{}
		ns[text] = n
	}
	return n
}

// find returns what is known of a name; the org answers in its own spelling, which is the caller's as a rule.
func (ns names) find(text []byte) *name {
	if n, ok := ns[string(text)]; ok {
		return n
	}
	for k, n := range ns {
		if strings.EqualFold(k, string(text)) {
			return n
		}
	}
	return nil
}

// Next says that the records of another query of [Question.Queries] come.
func (r *Records) Next() {
	r.round++
	if r.round == 1 {
		r.byID = make(map[string]int, len(r.hits))
		for i := range r.hits {
			r.byID[r.hits[i].ID] = i
		}
	}
}

// Add takes one record, as JSON text. One that cannot be read is passed over.
func (r *Records) Add(record []byte) {
	clear(r.cells)
	r.text = r.text[:0]
	r.read(wire.NewDecoder(record), r.names)
	text := string(r.text) // one copy for all values of the record
	if r.cells[idSlot].kind != row.Text {
		return
	}
	id := r.value(idSlot, text)
	if r.round > 0 {
		if i, ok := r.byID[id]; ok {
			r.hits[i].round = r.round
			r.wanted(r.hits[i].Values, text)
		}
		return
	}
	h := hit{Match: sink.Match{ID: strings.Clone(id), Converted: r.value(convertedSlot, text) == "true"}}
	var ok bool
	if h.key, ok = r.key(text); !ok {
		r.strange++
		return
	}
	if n := len(r.q.l.Want); n > 0 {
		h.Values = make([]row.Cell, n)
		r.wanted(h.Values, text)
	}
	r.hits = append(r.hits, h)
}

func (r *Records) value(slot int, text string) string {
	c := r.cells[slot]
	return text[c.off:c.end]
}

// wanted sets the values that the record has.
func (r *Records) wanted(values []row.Cell, text string) {
	for _, i := range r.q.selects[r.round].slots {
		c := r.cells[i]
		kind := c.kind
		if kind == row.Absent {
			kind = row.Null // the parent is blank, or of another object
		}
		for _, w := range r.q.slots[i].wants {
			values[w] = row.MakeCell(kind, text[c.off:c.end])
		}
	}
}

// key returns which key the record holds.
func (r *Records) key(text string) (int, bool) {
	parts := make([]string, len(r.q.fields))
	for i, s := range r.q.slots {
		for _, p := range s.parts {
			v := r.value(i, text)
			if fold := r.q.l.By[p].Fold; fold != nil {
				v = fold(v)
			}
			parts[p] = r.q.fields[p].Canonical(v)
		}
	}
	key := strings.Join(parts, sink.KeySep)
	if i, ok := r.q.index[key]; ok {
		return i, true
	}
	// It may differ from what was asked for in a way that only the org's comparison passes over.
	for i, k := range r.q.l.Keys {
		if strings.EqualFold(k, key) {
			return i, true
		}
	}
	return 0, false
}

// read reads an object: the record, or a parent in it.
func (r *Records) read(d *wire.Decoder, ns names) {
	if !d.Open('{') {
		return
	}
	object := ""
	for d.More() {
		text := d.Text()
		n := ns.find(text)
		switch {
		case n == nil && string(text) == "attributes":
			object = typeOf(d)
		case n == nil:
			d.Skip()
		case n.below != nil:
			r.read(d, n.below)
		default:
			v := d.Value()
			for _, i := range n.slots {
				if want := r.q.slots[i].Object; want == "" || object == "" || strings.EqualFold(want, object) {
					r.set(i, v)
				}
			}
		}
	}
	d.End()
}

// typeOf reads the attributes of a record, which name its object.
func typeOf(d *wire.Decoder) (object string) {
	if !d.Open('{') {
		return ""
	}
	for d.More() {
		if string(d.Text()) == "type" {
			object = string(d.Text())
		} else {
			d.Skip()
		}
	}
	d.End()
	return object
}

func (r *Records) set(slot int, v jsontext.Value) {
	c := span{off: len(r.text)}
	switch v.Kind() {
	case '"':
		c.kind = row.Text
		r.text, _ = jsontext.AppendUnquote(r.text, []byte(v)) // invalid UTF-8 becomes U+FFFD
		if len(r.text) == c.off {
			c.kind = row.Null
		}
	case 't', 'f':
		c.kind = row.Bool
		r.text = append(r.text, v...)
	case '0':
		c.kind = row.Number
		r.text = append(r.text, v...)
	case '{', '[':
		c.kind = row.JSON // an address, say
		r.text = append(r.text, v...)
	default:
		c.kind = row.Null
	}
	c.end = len(r.text)
	r.cells[slot] = c
}

// Strange returns how many records hold none of the keys, as far as one can tell.
func (r *Records) Strange() int { return r.strange }

// Fill hands the records out by key, over one backing array. A record that only some of the
// queries found has changed or gone meanwhile, and does not count.
func (r *Records) Fill(found [][]sink.Match) {
	counts := make([]int, len(found)+1)
	for _, h := range r.hits {
		counts[h.key+1]++
	}
	for i := range found {
		counts[i+1] += counts[i]
	}
	all := make([]sink.Match, len(r.hits))
	for i := range found {
		if counts[i+1] > counts[i] {
			found[i] = all[counts[i]:counts[i]:counts[i+1]]
		}
	}
	for _, h := range r.hits {
		if h.round == max(r.round, 0) {
			found[h.key] = append(found[h.key], h.Match)
		}
	}
	for _, a := range r.q.aliases {
		found[a.key] = found[a.of]
	}
}
