package pipeline

import (
	"cmp"
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/convert"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// The codes of what a lookup can say against a record.
const (
	codeMany      = "DUPLICATE_EXTERNAL_ID" // the org's own for a key that several records hold
	codeConverted = "CANNOT_UPDATE_CONVERTED_LEAD"
	codeNotFound  = "NOT_FOUND"
	codeConflict  = "MATCH_CONFLICT"
)

// route sends a record on its way: it is written at once where the org can tell by itself what is
// there and the answer does not matter, and looked up first otherwise.
func (f *former) route(l *lane, it item) {
	rec := it.record()
	if f.repeated(l, it) {
		return
	}
	switch {
	case !l.keyed() && rec.id == "":
		if l.plan.Operation == mapping.Update || l.plan.Operation == mapping.Delete { // the compiler lets none pass
			f.refuse(l, it, mapping.CodeKeyBlank, "", "there is no key to find the record by")
			return
		}
		l.create(it)
	case rec.id != "": // an earlier row of the key, or another target, told the id
		f.place(l, it)
	case rec.holders == noHolder && rec.attempts == 0: // the row of the key before this one found out, and changed nothing
		f.missing(l, it)
	case rec.holders == severalHolders && rec.attempts == 0:
		f.many(l, it, 0)
	case l.byID() && l.imagined == nil && !l.compare:
		rec.id = strings.Clone(l.text(it, 0))
		f.place(l, it)
	case l.asks(it), l.imagined != nil, l.looks(it), rec.same:
		f.seek(l, it, l.nextKey(it, -1))
	default:
		l.create(it)
	}
}

// seek goes on with a record by its key k: by what is known of it already, or by asking the org.
func (f *former) seek(l *lane, it item, k int) {
	if k < 0 {
		f.missing(l, it)
		return
	}
	byID := k == len(l.keys)-1
	if l.imagined != nil {
		if found, known := l.imagined.find(l, it, k); known {
			f.matched(l, it, k, l.wantOf(it), found)
			return
		}
	} else if byID && len(l.plan.OnlyIfEmpty) == 0 && !l.compare {
		f.arrive(l, it, nil, nil)
		return
	}
	if l.borrows != nil {
		if id := l.borrows.holder(&l.keys[0], l.text(it, 0)); id != "" {
			it.record().id = id
			f.arrive(l, it, nil, nil)
			return
		}
	}
	if l.known != nil && l.simple {
		if a, ok := l.known.Get(l.text(it, 0)); ok && (a.refused == nil || a.content == l.content(it)) {
			f.recall(l, it, a)
			return
		}
	}
	if l.asks(it) {
		l.cost.Keys++
	}
	l.lookups[k].push(it)
}

// recall applies what an earlier row of the key found out.
func (f *former) recall(l *lane, it item, a answer) {
	switch {
	case a.refused != nil:
		f.refuse(l, it, a.refused.Code, a.refused.Field, a.refused.Message+" (as for an earlier row with the same record)")
	case a.many:
		f.many(l, it, 0)
	case a.id == "":
		f.missing(l, it)
	default:
		it.record().id = a.id
		f.arrive(l, it, nil, nil)
	}
}

// learn remembers what was found out about a record's key, for later rows.
func (l *lane) learn(it item, a answer) {
	if l.known == nil || !l.simple {
		return
	}
	text := l.text(it, 0)
	if old, _ := l.known.Get(text); old == a && l.known.Fresh(text) {
		return
	}
	size := len(a.id)
	if a.refused != nil {
		size += len(a.refused.Message)
	}
	l.known.Put(strings.Clone(text), a, size)
}

// learnWritten remembers what became of a record that was sent. Many rows may refer to a parent that
// the org refuses: it is not asked again for the same one.
func (l *lane) learnWritten(it item, v *verdict) {
	switch {
	case l.known == nil:
	case v.state == ledger.Created:
		l.learn(it, answer{id: it.record().id})
	case v.state == ledger.Failed && v.problem != nil:
		l.learn(it, answer{refused: v.problem, content: l.content(it)})
	}
}

// onlyLooked is why a record that is only looked for is not sent.
func onlyLooked(it item) *ledger.Problem {
	only := it.w.source.Only(int(it.row))
	return &ledger.Problem{Code: mapping.CodeOtherTarget, Message: "the row of an earlier run is for the target " + convert.Quote(only)}
}

// looks reports whether the record is only looked for, because others refer to it.
func (l *lane) looks(it item) bool { return l.records(it.w).Fate(int(it.row)) == mapping.Look }

// matched applies the answer to a lookup by key k.
func (f *former) matched(l *lane, it item, k int, w *want, found []sink.Match) {
	alone := len(found) == 1
	found = writable(found)
	if len(found) > 1 && !l.find {
		switch l.plan.OnMany {
		case mapping.ManyNewest, mapping.ManyOldest:
			found = extreme(found, w.created, l.plan.OnMany == mapping.ManyNewest)
		}
	}
	if len(found) > 1 {
		l.learn(it, answer{many: true})
		f.many(l, it, k)
		return
	}
	if len(found) == 0 {
		next := l.nextKey(it, k)
		if k == len(l.keys)-1 {
			next = -1
		}
		f.seek(l, it, next)
		return
	}
	m := &found[0]
	it.record().id = m.ID
	if field := l.conflict(it, k, w, m); field != "" {
		f.refuse(l, it, codeConflict, field, "the record with this "+l.keys[k].name()+" has another "+field)
		return
	}
	if m.Converted && !l.find {
		f.converted(l, it, k, w, m)
		return
	}
	if l.imagined != nil && alone { // another row may come to another of several
		l.imagined.saw(l, it, k, w, m)
	}
	f.arrive(l, it, w, m)
}

// writable leaves converted leads out, which cannot be written any more, unless there is nothing else.
func writable(found []sink.Match) []sink.Match {
	open := 0
	for i := range found {
		if !found[i].Converted {
			open++
		}
	}
	if open == 0 || open == len(found) {
		return found
	}
	kept := make([]sink.Match, 0, open)
	for i := range found {
		if !found[i].Converted {
			kept = append(kept, found[i])
		}
	}
	return kept
}

// extreme returns the newest or oldest of several records, by their creation, then their id.
// The dates of one answer have one form, in which they compare as text.
func extreme(found []sink.Match, created int, newest bool) []sink.Match {
	best := 0
	for i := range found {
		c := cmp.Or(cmp.Compare(found[i].Values[created].Text, found[best].Values[created].Text), cmp.Compare(found[i].ID, found[best].ID))
		if newest && c > 0 || !newest && c < 0 {
			best = i
		}
	}
	return found[best : best+1]
}

// conflict returns the field of an earlier key that the record found by key k holds another value
// of, or "".
func (l *lane) conflict(it item, k int, w *want, m *sink.Match) string {
	b, r := l.batch(it.w), int(it.row)
	for j := range l.keys[:min(k, len(l.keys)-1)] {
		if k == len(l.keys)-1 || l.blank(it, j) {
			continue
		}
		for p, c := range l.keys[j].columns {
			f := l.keys[j].fields[p]
			if stored := m.Values[w.keys[j][p]]; !stored.Blank() && f.FoldKey(stored.Text) != b.Cell(r, c).Text {
				return f.Name
			}
		}
	}
	return ""
}

// many decides a record whose key k finds several.
func (f *former) many(l *lane, it item, k int) {
	name := l.keys[k].name()
	it.record().holders = severalHolders
	switch {
	case l.find:
		f.refuse(l, it, "LOOKUP_AMBIGUOUS", "", "several "+l.plan.Object.Name+" records have the "+name+" "+convert.Quote(l.words(it)))
	case l.plan.OnMany == mapping.ManySkip:
		f.finish(l, it, ledger.Skipped, &ledger.Problem{Code: codeMany, Field: name, Message: "more than one record holds this " + name})
	default:
		f.refuse(l, it, codeMany, name, "more than one record holds this "+name)
	}
}

// converted decides a record that found a converted lead by key k, or hands the row on to the
// target that is to take it.
func (f *former) converted(l *lane, it item, k int, w *want, m *sink.Match) {
	name := l.keys[k].name()
	switch l.plan.Converted {
	case mapping.ConvertedSkip:
		f.finish(l, it, ledger.Skipped, &ledger.Problem{Code: "CONVERTED", Field: name, Message: "the lead with this " + name + " has been converted"})
	case mapping.ConvertedRedirect:
		contact := ""
		if w.contact >= 0 {
			contact = m.Values[w.contact].Text
		}
		if contact == "" {
			f.refuse(l, it, "CONVERTED_WITHOUT_CONTACT", name, "the lead with this "+name+" has been converted, but not to a contact")
			return
		}
		to := f.lanes[l.plan.Redirect]
		if rec := it.w.record(to.index, it.row); !rec.state.Decided() {
			rec.id, rec.redirected = contact, true
		}
		f.finish(l, it, ledger.Skipped, &ledger.Problem{
			Code: "CONVERTED", Field: name,
			Message: "the lead with this " + name + " has been converted: target " + to.plan.Name + " takes the row",
		})
	default:
		f.refuse(l, it, codeConverted, name, "the lead with this "+name+" has been converted")
	}
}

// arrive goes on with a record whose id is known. m are the values that the org has, as far as w
// asked for them; nil if nobody asked.
func (f *former) arrive(l *lane, it item, w *want, m *sink.Match) {
	rec := it.record()
	switch {
	case l.find:
		l.learn(it, answer{id: rec.id})
		f.finish(l, it, ledger.Unchanged, nil)
		return
	case l.looks(it):
		f.finish(l, it, ledger.Skipped, onlyLooked(it))
		return
	case rec.same:
		f.finish(l, it, ledger.Unchanged, nil)
		return
	case l.plan.Operation == mapping.Insert:
		l.learn(it, answer{id: rec.id})
		if rec.resend { // it was not there before it was sent
			f.finish(l, it, ledger.Created, nil)
			return
		}
		f.finish(l, it, ledger.Unchanged, nil)
		return
	case m != nil && l.plan.Operation != mapping.Delete:
		l.keep(it, w, m)
		// The org's own upsert sends its key, and may change its case: that is no case for bare.
		if l.bare(it) && l.asks(it) || l.compare && l.trim(it, w, m) {
			f.finish(l, it, ledger.Unchanged, nil)
			return
		}
		if l.imagined != nil {
			l.imagined.compare(l, it, w, m)
		}
	}
	rec.met = true
	f.place(l, it)
}

// keep takes what is sent only where the record has no value out of an update of one that has.
func (l *lane) keep(it item, w *want, m *sink.Match) {
	for _, c := range l.plan.OnlyIfEmpty {
		if !m.Values[w.columns[c]].Blank() {
			l.batch(it.w).Flag(int(it.row), c, row.OnInsert)
		}
	}
}

// bare reports whether an update would hold nothing but fields that the record was found by.
func (l *lane) bare(it item) bool {
	b, r := l.batch(it.w), int(it.row)
	for c, col := range b.Schema().Columns {
		cell := b.Cell(r, c)
		if cell.Kind() == row.Absent || cell.OnInsert() || hidden(col.Name) {
			continue
		}
		if !l.simpleKeyColumn(c) {
			return false
		}
	}
	return true
}

// simpleKeyColumn reports whether a column is that of the lane's only key. (One of several may be what an update changes.)
func (l *lane) simpleKeyColumn(c int) bool {
	if len(l.keys) != 2 {
		return false
	}
	for _, s := range l.keys[0].sent {
		if s == c {
			return true
		}
	}
	return false
}

// words is the value that a find looks for, as the row has it.
func (l *lane) words(it item) string {
	if c := l.keys[0].sent[0]; c >= 0 {
		return l.batch(it.w).Cell(int(it.row), c).Text
	}
	return l.text(it, 0)
}

// tried returns the first key that a row has, and in words all that it was looked for by.
func (l *lane) tried(it item) (first, all string) {
	for k := range l.keys[:len(l.keys)-1] {
		switch {
		case l.blank(it, k):
		case first == "":
			first = l.keys[k].name()
			all = first
		default:
			all += " or " + l.keys[k].name()
		}
	}
	if first == "" {
		first = l.keys[0].name()
		all = first
	}
	return first, all
}

// missing decides or creates a record that no key found.
func (f *former) missing(l *lane, it item) {
	rec := it.record()
	name, tried := l.tried(it)
	rec.holders = noHolder
	switch {
	case l.find:
		l.learn(it, answer{})
		f.refuse(l, it, "LOOKUP_NOT_FOUND", "", "no "+l.plan.Object.Name+" has the "+name+" "+convert.Quote(l.words(it)))
	case l.looks(it):
		f.finish(l, it, ledger.Skipped, onlyLooked(it))
	case l.plan.Operation == mapping.Delete && rec.resend:
		f.finish(l, it, ledger.Deleted, nil) // by the request whose answer was lost
	case l.plan.Operation == mapping.Delete:
		f.finish(l, it, ledger.Skipped, &ledger.Problem{Code: codeNotFound, Field: name, Message: "no record holds this " + tried + ": there is nothing to delete"})
	case l.plan.Operation == mapping.Update, rec.id != "":
		f.refuse(l, it, codeNotFound, name, "no record holds this "+tried)
	default:
		l.create(it)
	}
}

// refuse fails a record.
func (f *former) refuse(l *lane, it item, code, field, message string) {
	f.finish(l, it, ledger.Failed, &ledger.Problem{Code: code, Field: field, Message: message, Attempts: int(it.record().attempts)})
}
