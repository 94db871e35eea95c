package pipeline

import (
	"slices"
	"strconv"
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/convert"
	"sfsync/mapping/schema"
	"sfsync/pipeline/internal/recall"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/plan"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// change is what a rehearsal found out about an update.
type change struct {
	before []row.Cell // the values that would change, by column; nil if none would
}

// imagined is what a rehearsal would have made of a lane's records so far: later rows of a key have
// to see it, though the org does not. It remembers the latest imaginedBytes of it: a row that comes
// to the same record after more than that is compared with what the org has.
type imagined struct {
	known *recall.Map[*phantom] // by key and by id
	made  int64
}

const imaginedBytes = 64 << 20

// phantom is a record as it would be.
type phantom struct {
	id     string
	gone   bool                // deleted
	values map[string]row.Cell // of the fields that are known
}

func newImagined() *imagined { return &imagined{known: recall.New[*phantom](imaginedBytes)} }

// madeUp returns the id of a record that does not exist: no org has one like it.
func (m *imagined) madeUp() string {
	m.made++
	digits := strconv.FormatInt(m.made, 36)
	return plan.MadeUp + strings.Repeat("0", 17-len(digits)) + digits
}

func isMadeUp(id string) bool { return strings.HasPrefix(id, plan.MadeUp) }

// The kinds of what phantoms are known by.
const (
	bySole = "s" // a key that no other record has
	byAlso = "a" // a key that records of the org may have too
	byID   = "i"
)

func (k *key) known(kind, text string) string { return kind + k.label + sink.KeySep + text }

// find returns the record that has key k of a row, if it need not be asked for: an imagined one.
func (m *imagined) find(l *lane, it item, k int) (found []sink.Match, known bool) {
	text := l.text(it, k)
	if k == len(l.keys)-1 {
		p, ok := m.known.Get(byID + text)
		switch {
		case ok && p.gone:
			return nil, true
		case ok && p.knows(l.wantOf(it)):
			return []sink.Match{p.match(l.wantOf(it))}, true
		case isMadeUp(text): // forgotten
			return []sink.Match{(&phantom{id: text}).match(l.wantOf(it))}, true
		}
		return nil, false
	}
	if p, ok := m.known.Get(l.keys[k].known(bySole, text)); ok && p.has(l, it, k) {
		if p.gone {
			return nil, true
		}
		if p.knows(l.wantOf(it)) {
			return []sink.Match{p.match(l.wantOf(it))}, true
		}
	}
	// A key made of a record that does not exist yet is no record's in the org.
	return nil, slices.ContainsFunc(strings.Split(text, sink.KeySep), isMadeUp)
}

// holder returns the id of an imagined record that has key k, or "".
func (m *imagined) holder(k *key, text string) string {
	for _, kind := range [...]string{bySole, byAlso} {
		if p, ok := m.known.Get(k.known(kind, text)); ok && !p.gone {
			return p.id
		}
	}
	return ""
}

// correct makes of the org's answer to a lookup what it would be after the rows so far.
func (m *imagined) correct(l *lane, it item, k int, w *want, found []sink.Match) []sink.Match {
	kept := found[:0]
	for _, f := range found {
		if p, ok := m.known.Get(byID + f.ID); ok {
			if p.gone || !p.has(l, it, k) {
				continue
			}
			p.add(w, &f)
			converted := f.Converted
			f = p.match(w)
			f.Converted = converted
		}
		kept = append(kept, f)
	}
	if p, ok := m.known.Get(l.keys[k].known(byAlso, l.text(it, k))); ok && !p.gone && p.has(l, it, k) &&
		!slices.ContainsFunc(kept, func(f sink.Match) bool { return f.ID == p.id }) {
		kept = append(kept, p.match(w))
	}
	return kept
}

// saw remembers the record that a row has come to by its key k.
func (m *imagined) saw(l *lane, it item, k int, w *want, f *sink.Match) {
	if f.Converted || k == len(l.keys)-1 {
		return
	}
	p, ok := m.known.Get(byID + f.ID)
	if !ok {
		p = &phantom{id: f.ID, values: make(map[string]row.Cell, len(w.names))}
	}
	p.add(w, f)
	m.keep(byID+f.ID, p)
	m.keep(l.keys[k].known(bySole, l.text(it, k)), p)
}

func (m *imagined) keep(name string, p *phantom) { m.known.Put(name, p, p.size()) }

func (p *phantom) size() int {
	n := 0
	for name, c := range p.values {
		n += 2*len(name) + 48 + len(c.Text)
	}
	return n
}

// knows reports whether all is known of the phantom that w asks for. Of a record that does not exist
// all is known.
func (p *phantom) knows(w *want) bool {
	return isMadeUp(p.id) || !slices.ContainsFunc(w.names, func(n string) bool { _, ok := p.values[n]; return !ok })
}

// add takes over what the org says of fields of which nothing is known yet.
func (p *phantom) add(w *want, f *sink.Match) {
	for i, n := range w.names {
		if _, ok := p.values[n]; !ok {
			p.values[n] = f.Values[i]
		}
	}
}

// match is the phantom as the answer to a lookup.
func (p *phantom) match(w *want) sink.Match {
	f := sink.Match{ID: p.id, Values: make([]row.Cell, len(w.names))}
	for i, n := range w.names {
		c, ok := p.values[n]
		if !ok {
			c = row.MakeCell(row.Null, "")
		}
		f.Values[i] = c
	}
	return f
}

// has reports whether the phantom still has a row's key k, as far as is known.
func (p *phantom) has(l *lane, it item, k int) bool {
	key := &l.keys[k]
	for i, c := range key.columns {
		f := key.fields[i]
		if v, ok := p.values[f.Name]; ok && f.FoldKey(v.Text) != l.batch(it.w).Cell(int(it.row), c).Text {
			return false
		}
	}
	return true
}

// judge remembers what sending a record would do, unless the org would refuse it.
func (m *imagined) judge(l *lane, it item, v *verdict) {
	rec := it.record()
	b, r := l.batch(it.w), int(it.row)
	kind, created := byAlso, v.state == ledger.Created
	switch v.state {
	case ledger.Unchanged, ledger.Published:
		return
	case ledger.Created, ledger.Updated:
		if fields, message := l.required.Missing(b, r, created); fields != "" {
			v.state, v.problem = ledger.Failed, &ledger.Problem{Code: plan.CodeRequired, Field: fields, Message: message}
			return
		}
	}
	if created {
		rec.id = m.madeUp()
	}
	p, ok := m.known.Get(byID + rec.id)
	if !ok {
		p = &phantom{id: rec.id, values: make(map[string]row.Cell)}
	}
	if created {
		kind = bySole
	}
	p.gone = v.state == ledger.Deleted
	for c, col := range b.Schema().Columns {
		cell := b.Cell(r, c)
		if cell.Kind() == row.Absent || hidden(col.Name) || cell.OnInsert() && !created {
			continue
		}
		p.values[col.Name] = row.MakeCell(cell.Kind(), strings.Clone(cell.Text))
	}
	m.keep(byID+rec.id, p)
	for k := range l.keys[:len(l.keys)-1] {
		if !l.blank(it, k) {
			m.keep(l.keys[k].known(kind, l.text(it, k)), p)
		}
	}
}

// compare notes which fields an update of a record would change.
func (m *imagined) compare(l *lane, it item, w *want, f *sink.Match) {
	b, r := l.batch(it.w), int(it.row)
	s := b.Schema()
	var before []row.Cell
	for c, col := range s.Columns {
		cell := b.Cell(r, c)
		if cell.Kind() == row.Absent || cell.OnInsert() || hidden(col.Name) {
			continue
		}
		stored := f.Values[w.columns[c]]
		if same(l.plan.Field(s, c), cell, stored) {
			continue
		}
		if before == nil {
			before = make([]row.Cell, len(s.Columns))
		}
		if before[c] = stored; stored.Blank() {
			before[c] = row.MakeCell(row.Null, "")
		}
	}
	it.w.changes[it.index].before = before
}

func same(f *schema.Field, sent, stored row.Cell) bool {
	if f == nil || isMadeUp(sent.Text) || isMadeUp(stored.Text) {
		return sent.Text == stored.Text
	}
	return convert.Same(f, sent, stored)
}

// rehearse does what write does, without an org: it says what the answers would be.
func (j *job) rehearse() {
	j.verdicts = grown(j.verdicts, len(j.items))
	for i, it := range j.items {
		v := &j.verdicts[i]
		switch it.action {
		case sink.Update:
			v.state = ledger.Updated
			if it.w.changes[it.index].before == nil {
				v.state = ledger.Unchanged
			}
		case sink.Delete:
			v.state = ledger.Deleted
		case sink.Publish:
			v.state = ledger.Published
		default:
			v.state = ledger.Created
		}
	}
}

// planned hands a batch on to Options.Planned.
func (c *collector) planned(w *work, path string) error {
	if c.opt.Planned == nil || w.mapped == nil {
		return nil
	}
	return c.opt.Planned(&plan.Batch{Path: path, Mapped: w.mapped, Second: c.base > 0, Record: func(r, t int) plan.Record {
		rec := w.record(t, int32(r))
		p := plan.Record{ID: rec.id, Action: actionOf(rec.state)}
		if isMadeUp(p.ID) {
			p.ID = ""
		}
		if rec.problem != nil {
			p.Code, p.Field, p.Message = rec.problem.Code, rec.problem.Field, rec.problem.Message
		}
		if w.mapped.Targets[t].Fate(r) == mapping.Look {
			p.Action = plan.Look
		}
		if p.Action == plan.Update {
			p.Before = w.changes[t*w.rows+r].before
		}
		return p
	}})
}

// actionOf is a plan's word for what became of a record in a rehearsal.
func actionOf(s ledger.State) plan.Action {
	switch s {
	case ledger.Created:
		return plan.Create
	case ledger.Updated:
		return plan.Update
	case ledger.Unchanged:
		return plan.Unchanged
	case ledger.Deleted:
		return plan.Delete
	case ledger.Published:
		return plan.Publish
	case ledger.Skipped:
		return plan.Skip
	case ledger.Failed:
		return plan.Reject
	}
	return plan.Undecided
}
