// Package rehearse keeps in mind what a rehearsal would have made of an org, which later rows have to see.
package rehearse

import (
	"slices"
	"strconv"
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/convert"
	"sfsync/mapping/schema"
	"sfsync/pipeline/internal/deliver"
	"sfsync/pipeline/internal/recall"
	"sfsync/pipeline/internal/target"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/lacking"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/plan"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// Imagined is what a rehearsal would have made of a target's records so far: later rows of a key have
// to see it, though the org does not. It remembers the latest imaginedBytes of it: a row that comes
// to the same record after more than that is compared with what the org has.
type Imagined struct {
	known  *recall.Map[*phantom] // by key and by id
	sought []*target.Key         // what finds look for, besides the match keys
	made   int64
}

const imaginedBytes = 64 << 20

// phantom is a record as it would be.
type phantom struct {
	id     string
	gone   bool                // deleted
	values map[string]row.Cell // of the fields that are known
}

// New returns an Imagined of which nothing is known.
func New() *Imagined { return &Imagined{known: recall.New[*phantom](imaginedBytes)} }

// Seek says that finds look for records by a key: those that are made by another one are remembered by it, too.
func (m *Imagined) Seek(k *target.Key) { m.sought = append(m.sought, k) }

// madeUp returns the id of a record that does not exist: no org has one like it.
func (m *Imagined) madeUp() string {
	m.made++
	digits := strconv.FormatInt(m.made, 36)
	return plan.MadeUp + strings.Repeat("0", 17-len(digits)) + digits
}

// IsMadeUp reports whether an id is one of those that a rehearsal gives to records that do not exist.
func IsMadeUp(id string) bool { return strings.HasPrefix(id, plan.MadeUp) }

// The kinds of what phantoms are known by.
const (
	bySole = "s" // a key that no other record has
	byAlso = "a" // a key that records of the org may have too
	byID   = "i"
)

// named is what phantoms are known by.
func named(k *target.Key, kind, text string) string { return kind + k.Label + sink.KeySep + text }

// Find returns the record that has key k of a row, if it need not be asked for: an imagined one.
func (m *Imagined) Find(t *target.Target, it work.Item, k int) (found []sink.Match, known bool) {
	text := t.Text(it, k)
	if k == len(t.Keys)-1 {
		p, ok := m.known.Get(byID + text)
		switch {
		case ok && p.gone:
			return nil, true
		case ok && p.knows(t.WantOf(it)):
			return []sink.Match{p.match(t.WantOf(it))}, true
		case IsMadeUp(text): // forgotten
			return []sink.Match{(&phantom{id: text}).match(t.WantOf(it))}, true
		}
		return nil, false
	}
	if p, ok := m.known.Get(named(&t.Keys[k], bySole, text)); ok && p.has(t, it, k) {
		if p.gone {
			return nil, true
		}
		if p.knows(t.WantOf(it)) {
			return []sink.Match{p.match(t.WantOf(it))}, true
		}
	}
	// A key made of a record that does not exist yet is no record's in the org.
	return nil, slices.ContainsFunc(strings.Split(text, sink.KeySep), IsMadeUp)
}

// Holder returns the id of an imagined record that has key k, or "".
func (m *Imagined) Holder(k *target.Key, text string) string {
	for _, kind := range [...]string{bySole, byAlso} {
		if p, ok := m.known.Get(named(k, kind, text)); ok && !p.gone {
			if now, known := p.key(k); known && now != text {
				continue
			}
			return p.id
		}
	}
	return ""
}

// Correct makes of the org's answer to a lookup what it would be after the rows so far.
func (m *Imagined) Correct(t *target.Target, it work.Item, k int, w *target.Want, found []sink.Match) []sink.Match {
	kept := found[:0]
	for _, f := range found {
		if p, ok := m.known.Get(byID + f.ID); ok {
			if p.gone || !p.has(t, it, k) {
				continue
			}
			p.add(w, &f)
			converted := f.Converted
			f = p.match(w)
			f.Converted = converted
		}
		kept = append(kept, f)
	}
	if p, ok := m.known.Get(named(&t.Keys[k], byAlso, t.Text(it, k))); ok && !p.gone && p.has(t, it, k) &&
		!slices.ContainsFunc(kept, func(f sink.Match) bool { return f.ID == p.id }) {
		kept = append(kept, p.match(w))
	}
	return kept
}

// Saw remembers the record that a row has come to by its key k.
func (m *Imagined) Saw(t *target.Target, it work.Item, k int, w *target.Want, f *sink.Match) {
	if f.Converted || k == len(t.Keys)-1 {
		return
	}
	p, ok := m.known.Get(byID + f.ID)
	if !ok {
		p = &phantom{id: f.ID, values: make(map[string]row.Cell, len(w.Names))}
	}
	p.add(w, f)
	m.keep(byID+f.ID, p)
	m.keep(named(&t.Keys[k], bySole, t.Text(it, k)), p)
}

func (m *Imagined) keep(name string, p *phantom) { m.known.Put(name, p, p.size()) }

func (p *phantom) size() int {
	n := 0
	for name, c := range p.values {
		n += 2*len(name) + 48 + len(c.Text)
	}
	return n
}

// knows reports whether all is known of the phantom that w asks for. Of a record that does not exist
// all is known.
func (p *phantom) knows(w *target.Want) bool {
	return IsMadeUp(p.id) || !slices.ContainsFunc(w.Names, func(n string) bool { _, ok := p.values[n]; return !ok })
}

// add takes over what the org says of fields of which nothing is known yet.
func (p *phantom) add(w *target.Want, f *sink.Match) {
	for i, n := range w.Names {
		if _, ok := p.values[n]; !ok {
			p.values[n] = f.Values[i]
		}
	}
}

// key returns the phantom's key k, as the org compares it; ok is false where it has none, as far as is known.
func (p *phantom) key(k *target.Key) (text string, ok bool) {
	parts := make([]string, len(k.Fields))
	for i, f := range k.Fields {
		if parts[i] = f.FoldKey(p.values[f.Name].Text); parts[i] == "" {
			return "", false
		}
	}
	return strings.Join(parts, sink.KeySep), true
}

// match is the phantom as the answer to a lookup.
func (p *phantom) match(w *target.Want) sink.Match {
	f := sink.Match{ID: p.id, Values: make([]row.Cell, len(w.Names))}
	for i, n := range w.Names {
		c, ok := p.values[n]
		if !ok {
			c = row.MakeCell(row.Null, "")
		}
		f.Values[i] = c
	}
	return f
}

// has reports whether the phantom still has a row's key k, as far as is known.
func (p *phantom) has(t *target.Target, it work.Item, k int) bool {
	key := &t.Keys[k]
	for i, c := range key.Columns {
		f := key.Fields[i]
		if v, ok := p.values[f.Name]; ok && f.FoldKey(v.Text) != t.Cells(it.Batch).Cell(int(it.Row), c).Text {
			return false
		}
	}
	return true
}

// Judge remembers what sending a record would do, unless the org would refuse it, since it lacks what is required.
func (m *Imagined) Judge(t *target.Target, required *lacking.Required, it work.Item, v *deliver.Verdict) {
	rec := it.Record()
	b, r := t.Cells(it.Batch), int(it.Row)
	kind, created := byAlso, v.State == ledger.Created
	switch v.State {
	case ledger.Unchanged, ledger.Published:
		return
	case ledger.Created, ledger.Updated:
		if fields, message := required.Missing(b, r, created); fields != "" {
			v.State, v.Problem = ledger.Failed, &ledger.Problem{Code: mapping.CodeRequired, Field: fields, Message: message}
			return
		}
	}
	if created {
		rec.ID = m.madeUp()
	}
	p, ok := m.known.Get(byID + rec.ID)
	if !ok {
		p = &phantom{id: rec.ID, values: make(map[string]row.Cell)}
	}
	if created {
		kind = bySole
	}
	p.gone = v.State == ledger.Deleted
	for c, col := range b.Schema().Columns {
		cell := b.Cell(r, c)
		if cell.Kind() == row.Absent || target.Hidden(col.Name) || cell.OnInsert() && !created {
			continue
		}
		p.values[col.Name] = row.MakeCell(cell.Kind(), strings.Clone(cell.Text))
		if c < len(t.Plan.Behind) && t.Plan.Behind[c] != "" {
			p.values[t.Plan.Behind[c]] = p.values[col.Name] // there is a reference now, or none
		}
	}
	m.keep(byID+rec.ID, p)
	for k := range t.Keys[:len(t.Keys)-1] {
		if !t.Blank(it, k) {
			m.keep(named(&t.Keys[k], kind, t.Text(it, k)), p)
		}
	}
	for _, k := range m.sought {
		own := slices.ContainsFunc(t.Keys, func(of target.Key) bool { return of.Label == k.Label })
		if text, ok := p.key(k); ok && !own {
			m.keep(named(k, byAlso, text), p)
		}
	}
}

// Compare notes which fields an update of a record would change.
func (m *Imagined) Compare(t *target.Target, it work.Item, w *target.Want, f *sink.Match) {
	b, r := t.Cells(it.Batch), int(it.Row)
	s := b.Schema()
	var before []row.Cell
	for c, col := range s.Columns {
		cell := b.Cell(r, c)
		if cell.Kind() == row.Absent || cell.OnInsert() || target.Hidden(col.Name) {
			continue
		}
		stored := w.Stored(f, c)
		if Same(t.Plan.Field(s, c), cell, stored) {
			continue
		}
		if before == nil {
			before = make([]row.Cell, len(s.Columns))
		}
		if before[c] = stored; stored.Blank() {
			before[c] = row.MakeCell(row.Null, "")
		}
	}
	it.Batch.Changes[it.Index].Before = before
}

// Same reports whether a value that is sent is that which the org has stored.
func Same(f *schema.Field, sent, stored row.Cell) bool {
	if f == nil || IsMadeUp(sent.Text) || IsMadeUp(stored.Text) {
		return sent.Text == stored.Text
	}
	return convert.Same(f, sent, stored)
}
