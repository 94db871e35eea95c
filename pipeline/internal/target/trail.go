package target

import (
	"cmp"
	"encoding/binary"
	"slices"

	"sfsync/mapping"
	"sfsync/mapping/program"
	"sfsync/mapping/schema"
	"sfsync/pipeline/fingerprint"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/row"
)

// trail is what is remembered of the records that a target sends, from run to run: for each match key of a
// record the fingerprint of what the org last accepted.
//
// A record may only be left out if whatever changed it since has changed one of those fingerprints, too. So
// a record with several match keys has one for each of them, and is left out only if it has them all: what
// comes to the same record by any of them is noticed. Other targets that write the same fields of an object, or
// delete its records, put this one's fingerprints in doubt, which takes that they have the same match; if they
// have not, nothing is left out.
type trail struct {
	store *fingerprint.Store
	name  string // of the target
	own   bool   // fingerprints are kept
	skips bool   // and records left out
	why   string // not
	// era changes with how the targets of the object send records, and which there are. It is part of every
	// fingerprint, so that those of a mapping that was edited, and edited back, do not count.
	era fingerprint.Sum
	// rivals are the targets whose records are in doubt when this one sends its own, kin those besides
	// that are if it creates one.
	rivals, kin []string
}

// Follow prepares the target to keep the fingerprints in the org's store. Peers are all targets of the mapping,
// those of a second pass too.
func (t *Target) Follow(peers []*mapping.PlanTarget) error {
	if t.Known == nil || t.Rehearsed || t.Find || !t.Keyed() && t.Plan.Redirected < 0 {
		return nil
	}
	r := &trail{store: t.Known, name: t.Plan.Name, own: t.Tracks(), skips: t.Tracks()}
	switch {
	case t.Plan.Redirected >= 0:
		r.skips, r.why = false, "converted leads lead to it, by the id of their contact"
	case r.skips && !t.keeps():
		r.skips, r.why = false, "a match field is not always sent"
	}
	var hows []string // of all targets of the object
	for _, q := range peers {
		if q.Object.Name != t.Plan.Object.Name || q.Org != t.Plan.Org {
			continue
		}
		hows = append(hows, string(how(q)))
		if q.Name == t.Plan.Name {
			continue
		}
		conflict, linked := conflicting(t.Plan, q), linked(t.Plan, q)
		switch {
		case conflict && linked:
			r.rivals = append(r.rivals, q.Name)
		case conflict:
			r.skips, r.why = false, "target "+q.Name+" writes the same fields of "+t.Plan.Object.Name+", or deletes, by another match"
		case linked && t.MayCreate():
			r.kin = append(r.kin, q.Name)
		}
	}
	slices.Sort(hows)
	var all []byte
	for _, h := range hows {
		all = appendPart(all, h)
	}
	var err error
	if r.era, err = r.begin(t.Plan.Object.Name, fingerprint.SumOf(all)); err != nil {
		return err
	}
	t.trail = r
	return nil
}

// Whole says why no record is left out though fingerprints are kept; "" where some are.
func (t *Target) Whole() string {
	if t.trail == nil || !t.trail.own || t.trail.skips {
		return ""
	}
	return "every record of target " + t.Plan.Name + " is sent, changed or not: " + t.trail.why
}

// begin returns the era of an object whose targets send records like this: the last one, or a new one if they did
// otherwise.
func (r *trail) begin(object string, how fingerprint.Sum) (fingerprint.Sum, error) {
	howKey := fingerprint.SumOf(appendPart(appendPart(nil, object), "how"))
	eraKey := fingerprint.SumOf(appendPart(appendPart(nil, object), "era"))
	known, err := r.store.Last(howKey)
	if err != nil {
		return known, err
	}
	era, err := r.store.Last(eraKey)
	if err != nil || known == how && era != (fingerprint.Sum{}) {
		return era, err
	}
	era = fingerprint.SumOf(append(era[:], how[:]...))
	if err := r.store.Accepted(eraKey, era); err != nil {
		return era, err
	}
	return era, r.store.Accepted(howKey, how)
}

// keeps reports whether a record that was sent has the match keys by which it was sent. One key it has; of
// several one that is not sent may be another.
func (t *Target) keeps() bool {
	keys := t.Keys[:len(t.Keys)-1]
	if len(keys) == 1 {
		return true
	}
	for _, k := range keys {
		if slices.Contains(k.Sent, -1) {
			return false
		}
	}
	return true
}

// how is what decides how the records of a target are sent, besides their values.
func how(p *mapping.PlanTarget) []byte {
	b := appendPart(appendPart(nil, p.Name), string(p.Operation))
	b = appendLabels(b, p)
	b = append(b, byte(p.OnMany), byte(p.Converted), 0)
	if p.Redirected >= 0 {
		b[len(b)-1] = 1
	}
	b = appendPart(b, p.AssignmentRule)
	for c, col := range p.Schema.Columns {
		b = appendPart(b, col.Name)
		if f := p.Field(p.Schema, c); f != nil {
			b = appendPart(b, string(f.Type))
		}
	}
	for _, r := range p.Code.Rules {
		if r.Field == nil {
			continue
		}
		b = append(appendPart(b, r.Field.Name), byte(r.Flags), 0, 0)
		if r.OnInsert {
			b[len(b)-2] = 1
		}
		if r.IfEmpty {
			b[len(b)-1] = 1
		}
	}
	return b
}

func appendLabels(b []byte, p *mapping.PlanTarget) []byte {
	for _, k := range p.Keys {
		b = binary.AppendUvarint(b, uint64(len(k.Fields)))
		for _, f := range k.Fields {
			b = appendPart(b, f.Name)
		}
	}
	return b
}

// linked reports whether two targets of an object find their records by the same match.
func linked(p, q *mapping.PlanTarget) bool {
	return p.Redirected < 0 && q.Redirected < 0 && len(p.Keys) > 0 && slices.Equal(appendLabels(nil, p), appendLabels(nil, q))
}

// conflicting reports whether what one of two targets of an object writes can undo what the other has written.
func conflicting(p, q *mapping.PlanTarget) bool {
	switch {
	case p.Operation == mapping.Delete || q.Operation == mapping.Delete:
		return true
	case p.Operation == mapping.Insert || q.Operation == mapping.Insert: // changes no record that is there
		return false
	case p.Code.Rest == program.RestCustom || q.Code.Rest == program.RestCustom:
		return true
	}
	for _, f := range p.Fields() {
		if slices.Contains(q.Fields(), f) && !(linked(p, q) && slices.ContainsFunc(p.Keys, func(k mapping.Key) bool {
			return slices.ContainsFunc(k.Fields, func(part *schema.Field) bool { return part.Name == f })
		})) {
			return true
		}
	}
	return false
}

// Prints makes the fingerprints of records; it belongs to one goroutine.
type Prints struct {
	buf     []byte
	keys    []fingerprint.Sum // own ones, an item after the other, then those of rivals
	ends    []int             // of each item's own
	content []fingerprint.Sum
}

// Same reports whether the org last accepted exactly what would be sent of a record whose values are all there.
func (p *Prints) Same(t *Target, it work.Item) (bool, error) {
	if t.trail == nil || !t.trail.skips {
		return false, nil
	}
	for k := range t.Keys[:len(t.Keys)-1] {
		if t.Blank(it, k) {
			return false, nil
		}
	}
	content := p.contentOf(t, it)
	p.keys = p.appendKeys(p.keys[:0], t, it, t.trail.name)
	for _, key := range p.keys {
		if same, err := t.trail.store.Same(key, content); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// Doubt says to the fingerprints that the org may take another record for this one. It is on disk when the next
// records leave.
func (p *Prints) Doubt(t *Target, it work.Item) error {
	if t.trail == nil || !t.trail.own {
		return nil
	}
	p.keys = p.appendKeys(p.keys[:0], t, it, t.trail.name)
	return t.trail.store.Doubt(p.keys)
}

// Held says to the fingerprints that the org holds already what would be sent, whoever wrote it: what it accepted
// before that counts no more.
func (p *Prints) Held(t *Target, it work.Item) error {
	if t.trail == nil || !t.trail.own {
		return nil
	}
	content := p.contentOf(t, it)
	p.keys = p.appendKeys(p.keys[:0], t, it, t.trail.name)
	for _, key := range p.keys {
		if last, err := t.trail.store.Last(key); err != nil || last != content && last != (fingerprint.Sum{}) {
			return cmp.Or(err, t.trail.store.Doubt(p.keys))
		}
	}
	return nil
}

// Leaving says to the fingerprints that records are about to be sent.
func (p *Prints) Leaving(t *Target, items []work.Item) error {
	r := t.trail
	if r == nil {
		return nil
	}
	p.keys, p.ends, p.content = p.keys[:0], p.ends[:0], p.content[:0]
	for _, it := range items {
		if r.own {
			p.content = append(p.content, p.contentOf(t, it))
			p.keys = p.appendKeys(p.keys, t, it, r.name)
		}
		p.ends = append(p.ends, len(p.keys))
	}
	for _, it := range items {
		for _, name := range r.rivals {
			p.keys = p.appendKeys(p.keys, t, it, name)
		}
	}
	if len(p.keys) == 0 && t.Plan.Redirected < 0 { // those of what leads here are in doubt
		return nil
	}
	return r.store.Sending(p.keys)
}

// Accepted says to the fingerprints that the org has taken item i of those that left last.
func (p *Prints) Accepted(t *Target, i int, it work.Item, created bool) error {
	r := t.trail
	if r == nil {
		return nil
	}
	from := 0
	if i > 0 {
		from = p.ends[i-1]
	}
	for _, key := range p.keys[from:p.ends[i]] {
		if err := r.store.Accepted(key, p.content[i]); err != nil {
			return err
		}
	}
	if !created || len(r.kin) == 0 {
		return nil
	}
	var keys []fingerprint.Sum // what others sent for the key went with the record that had it
	for _, name := range r.kin {
		keys = p.appendKeys(keys, t, it, name)
	}
	return r.store.Doubt(keys)
}

// appendKeys appends the hashes of a record's match keys, as they are those of the target of that name.
func (p *Prints) appendKeys(keys []fingerprint.Sum, t *Target, it work.Item, name string) []fingerprint.Sum {
	for k := range t.Keys[:len(t.Keys)-1] {
		if t.Blank(it, k) {
			continue
		}
		buf := appendPart(p.buf[:0], name)
		buf = appendPart(buf, t.Plan.Object.Name)
		for i, c := range t.Keys[k].Columns {
			buf = appendPart(buf, t.Keys[k].Fields[i].Name)
			buf = appendPart(buf, t.Cells(it.Batch).Cell(int(it.Row), c).Text)
		}
		p.buf = buf
		keys = append(keys, fingerprint.SumOf(buf))
	}
	return keys
}

// contentOf returns the hash of all that is sent of a record, or would be if it were created. The cells' flags do not
// count: they may come from what the org's record holds.
func (p *Prints) contentOf(t *Target, it work.Item) fingerprint.Sum {
	b, r := t.Cells(it.Batch), int(it.Row)
	p.buf = append(p.buf[:0], t.trail.era[:]...)
	buf := p.buf
	for c, col := range b.Schema().Columns {
		cell := b.Cell(r, c)
		if cell.Kind() == row.Absent || Hidden(col.Name) {
			continue
		}
		buf = appendPart(buf, col.Name)
		buf = append(buf, byte(cell.Kind()))
		buf = appendPart(buf, cell.Text)
	}
	p.buf = buf
	return fingerprint.SumOf(buf)
}

// appendPart appends a text with its length, so that no two lists of texts give the same bytes.
func appendPart(buf []byte, s string) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(s))), s...)
}
