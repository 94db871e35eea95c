package form

import (
	"cmp"
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/convert"
	"sfsync/pipeline/internal/deliver"
	"sfsync/pipeline/internal/target"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// The codes of what a lookup can say against a record. CodeConflict: another of its keys belongs to somebody else.
const (
	codeMany      = "DUPLICATE_EXTERNAL_ID" // the org's own for a key that several records hold
	codeConverted = "CANNOT_UPDATE_CONVERTED_LEAD"
	CodeConflict  = "MATCH_CONFLICT"
	// CodeConverted: the record is a lead that has been converted, CodeNoContact: to nothing that could take the row.
	CodeConverted = "CONVERTED"
	CodeNoContact = "CONVERTED_WITHOUT_CONTACT"
	// CodeLookupMissing: what a field looks up is not there, CodeLookupMany: it is there several times.
	CodeLookupMissing = "LOOKUP_NOT_FOUND"
	CodeLookupMany    = "LOOKUP_AMBIGUOUS"
)

// route sends a record on its way: it is written at once where the org can tell by itself what is
// there and the answer does not matter, and looked up first otherwise.
func (f *Former) route(l *lane, it work.Item) {
	rec := it.Record()
	if f.repeated(l, it) {
		return
	}
	switch {
	case !l.Keyed() && rec.ID == "":
		if l.Plan.Operation == mapping.Update || l.Plan.Operation == mapping.Delete { // the compiler lets none pass
			f.refuse(l, it, mapping.CodeKeyBlank, "", "there is no key to find the record by")
			return
		}
		l.create(it)
	case rec.ID != "": // an earlier row of the key, or another target, told the id
		f.place(l, it)
	case rec.Holders == work.NoHolder && rec.Attempts == 0: // the row of the key before this one found out, and changed nothing
		f.missing(l, it)
	case rec.Holders == work.SeveralHolders && rec.Attempts == 0:
		f.many(l, it, 0)
	case l.ByID() && l.imagined == nil && !l.Compare:
		rec.ID = strings.Clone(l.Text(it, 0))
		f.place(l, it)
	case l.Asks(it), l.imagined != nil, l.Looks(it), rec.Same:
		f.seek(l, it, l.NextKey(it, -1))
	default:
		l.create(it)
	}
}

// seek goes on with a record by its key k: by what is known of it already, or by asking the org.
func (f *Former) seek(l *lane, it work.Item, k int) {
	if k < 0 {
		f.missing(l, it)
		return
	}
	byID := k == len(l.Keys)-1
	if l.imagined != nil {
		if found, known := l.imagined.Find(l.Target, it, k); known {
			f.matched(l, it, k, l.WantOf(it), found)
			return
		}
	} else if byID && len(l.Plan.OnlyIfEmpty) == 0 && !l.Compare {
		f.arrive(l, it, nil, nil)
		return
	}
	if a := f.predicted(l, it, k); a != nil {
		since := f.since
		f.since = f.lately.Count()
		f.matched(l, it, k, a.want, a.found)
		f.since = since
		return
	}
	if l.borrows != nil {
		if id := l.borrows.Holder(&l.Keys[0], l.Text(it, 0)); id != "" {
			it.Record().ID = id
			f.arrive(l, it, nil, nil)
			return
		}
	}
	if l.known != nil && l.Simple {
		if a, ok := l.known.Get(l.Text(it, 0)); ok && l.holds(&a, it) {
			f.recall(l, it, a)
			return
		}
	}
	if l.Asks(it) {
		l.cost.Keys++
	}
	l.lookups[k].push(it)
}

// recall applies what an earlier row of the key found out.
func (f *Former) recall(l *lane, it work.Item, a answer) {
	switch {
	case a.refused != nil:
		f.refuse(l, it, a.refused.Code, a.refused.Field, a.refused.Message+" (as for an earlier row with the same record)")
	case a.many:
		f.many(l, it, 0)
	case a.id == "":
		f.written = a.written
		f.missing(l, it)
	default:
		it.Record().ID = a.id
		f.arrive(l, it, nil, nil)
	}
}

// learn remembers what was found out about a record's key, for later rows.
func (l *lane) learn(it work.Item, a answer) {
	if l.known == nil || !l.Simple {
		return
	}
	text := l.Text(it, 0)
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
// the org refuses: it is not asked again for the same one, or, if the reason may pass, not for the rows that have come
// by then: their batches have numbers up to newest.
func (l *lane) learnWritten(it work.Item, v *deliver.Verdict, newest int64) {
	switch {
	case l.known == nil:
	case v.State == ledger.Created:
		l.learn(it, answer{id: it.Record().ID})
	case v.State == ledger.Failed && v.Problem != nil:
		l.learn(it, answer{refused: v.Problem, content: l.Content(it), passing: v.Passing, until: newest})
	}
}

// onlyLooked is why a record that is only looked for is not sent.
func onlyLooked(it work.Item) *ledger.Problem {
	only := it.Batch.Source.Only(int(it.Row))
	return &ledger.Problem{Code: mapping.CodeOtherTarget, Message: "the row of an earlier run is for the target " + convert.Quote(only)}
}

// matched applies the answer to a lookup by key k.
func (f *Former) matched(l *lane, it work.Item, k int, w *target.Want, found []sink.Match) {
	alone := len(found) == 1
	found = writable(found)
	if len(found) > 1 && !l.Find {
		switch l.Plan.OnMany {
		case mapping.ManyNewest, mapping.ManyOldest:
			found = extreme(found, w.Created, l.Plan.OnMany == mapping.ManyNewest)
		}
	}
	if len(found) > 1 {
		l.learn(it, answer{many: true})
		f.many(l, it, k)
		return
	}
	if len(found) == 0 {
		next := l.NextKey(it, k)
		if k == len(l.Keys)-1 {
			next = -1
		}
		f.seek(l, it, next)
		return
	}
	m := &found[0]
	it.Record().ID = m.ID
	if field := l.conflict(it, k, w, m); field != "" {
		f.refuse(l, it, CodeConflict, field, "the record with this "+l.Keys[k].Name()+" has another "+field)
		return
	}
	if m.Converted && !l.Find {
		f.converted(l, it, k, w, m)
		return
	}
	if l.imagined != nil && alone { // another row may come to another of several
		l.imagined.Saw(l.Target, it, k, w, m)
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
func (l *lane) conflict(it work.Item, k int, w *target.Want, m *sink.Match) string {
	b, r := l.Cells(it.Batch), int(it.Row)
	for j := range l.Keys[:min(k, len(l.Keys)-1)] {
		if k == len(l.Keys)-1 || l.Blank(it, j) {
			continue
		}
		for p, c := range l.Keys[j].Columns {
			f := l.Keys[j].Fields[p]
			if stored := m.Values[w.Keys[j][p]]; !stored.Blank() && f.FoldKey(stored.Text) != b.Cell(r, c).Text {
				return f.Name
			}
		}
	}
	return ""
}

// many decides a record whose key k finds several.
func (f *Former) many(l *lane, it work.Item, k int) {
	name := l.Keys[k].Name()
	it.Record().Holders = work.SeveralHolders
	switch {
	case l.Find:
		f.refuse(l, it, CodeLookupMany, "", "several "+l.Plan.Object.Name+" records have the "+name+" "+convert.Quote(l.Words(it)))
	case l.Plan.OnMany == mapping.ManySkip:
		f.finish(l, it, ledger.Skipped, &ledger.Problem{Code: codeMany, Field: name, Message: "more than one record holds this " + name})
	default:
		f.refuse(l, it, codeMany, name, "more than one record holds this "+name)
	}
}

// converted decides a record that found a converted lead by key k, or hands the row on to the
// target that is to take it.
func (f *Former) converted(l *lane, it work.Item, k int, w *target.Want, m *sink.Match) {
	name := l.Keys[k].Name()
	switch l.Plan.Converted {
	case mapping.ConvertedSkip:
		f.finish(l, it, ledger.Skipped, &ledger.Problem{Code: CodeConverted, Field: name, Message: "the lead with this " + name + " has been converted"})
	case mapping.ConvertedRedirect:
		contact := ""
		if w.Contact >= 0 {
			contact = m.Values[w.Contact].Text
		}
		if contact == "" {
			f.refuse(l, it, CodeNoContact, name, "the lead with this "+name+" has been converted, but not to a contact")
			return
		}
		to := f.lanes[l.Plan.Redirect]
		if rec := it.Batch.Record(to.Index, it.Row); !rec.State.Decided() {
			rec.ID, rec.Redirected = contact, true
			if err := f.prints.Doubt(l.Target, it); err != nil { // what the row says goes to the contact from here on
				f.halt(err)
			}
		}
		f.conclude(l, it, ledger.Skipped, &ledger.Problem{ // without a note: a resumed run has to ask for the contact again
			Code: CodeConverted, Field: name,
			Message: "the lead with this " + name + " has been converted: target " + to.Plan.Name + " takes the row",
		})
	default:
		f.refuse(l, it, codeConverted, name, "the lead with this "+name+" has been converted")
	}
}

// arrive goes on with a record whose id is known. m are the values that the org has, as far as w
// asked for them; nil if nobody asked.
func (f *Former) arrive(l *lane, it work.Item, w *target.Want, m *sink.Match) {
	rec := it.Record()
	switch {
	case l.Find:
		l.learn(it, answer{id: rec.ID})
		f.finish(l, it, ledger.Unchanged, nil)
		return
	case l.Looks(it):
		f.finish(l, it, ledger.Skipped, onlyLooked(it))
		return
	case rec.Same:
		f.finish(l, it, ledger.Unchanged, nil)
		return
	case l.Plan.Operation == mapping.Insert:
		l.learn(it, answer{id: rec.ID})
		if rec.Resend { // it was not there before it was sent
			f.finish(l, it, ledger.Created, nil)
			return
		}
		f.finish(l, it, ledger.Unchanged, nil)
		return
	case m != nil && l.Plan.Operation != mapping.Delete:
		if !f.current(l, it) {
			return
		}
		l.keep(it, w, m)
		// One that an earlier try may have written holds what would be sent because of that: the answer to another try
		// tells. The org's own upsert sends its key, and may change its case: that is no case for bare.
		if !rec.Resend && (l.bare(it) && l.Asks(it) || l.Compare && l.trim(it, w, m)) {
			if err := f.prints.Held(l.Target, it); err != nil {
				f.halt(err)
			}
			f.finish(l, it, ledger.Unchanged, nil)
			return
		}
		if l.imagined != nil {
			l.imagined.Compare(l.Target, it, w, m)
		}
	}
	rec.Met = true
	f.place(l, it)
}

// keep takes what is sent only where the record has no value out of an update of one that has.
func (l *lane) keep(it work.Item, w *target.Want, m *sink.Match) {
	for _, c := range l.Plan.OnlyIfEmpty {
		if !w.Stored(m, c).Blank() {
			l.Cells(it.Batch).Flag(int(it.Row), c, row.OnInsert)
		}
	}
}

// bare reports whether an update would hold nothing but fields that the record was found by.
func (l *lane) bare(it work.Item) bool {
	b, r := l.Cells(it.Batch), int(it.Row)
	for c, col := range b.Schema().Columns {
		cell := b.Cell(r, c)
		if cell.Kind() == row.Absent || cell.OnInsert() || target.Hidden(col.Name) {
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
	if len(l.Keys) != 2 {
		return false
	}
	for _, s := range l.Keys[0].Sent {
		if s == c {
			return true
		}
	}
	return false
}

// missing decides or creates a record that no key found.
func (f *Former) missing(l *lane, it work.Item) {
	rec := it.Record()
	name, tried := l.Tried(it)
	rec.Holders = work.NoHolder
	switch {
	case l.Find:
		if len(l.makers) == 0 {
			l.learn(it, answer{})
		} else { // for the next row only as long as nothing is made meanwhile
			l.learn(it, answer{written: f.written})
			rec.Holders = work.UnknownHolders
		}
		f.refuse(l, it, CodeLookupMissing, "", "no "+l.Plan.Object.Name+" has the "+name+" "+convert.Quote(l.Words(it)))
	case l.Looks(it):
		f.finish(l, it, ledger.Skipped, onlyLooked(it))
	case l.Plan.Operation == mapping.Delete && rec.Resend:
		f.finish(l, it, ledger.Deleted, nil) // by the request whose answer was lost
	case l.Plan.Operation == mapping.Delete:
		f.finish(l, it, ledger.Skipped, &ledger.Problem{Code: work.CodeNotFound, Field: name, Message: "no record holds this " + tried + ": there is nothing to delete"})
	case l.Plan.Operation == mapping.Update, rec.ID != "":
		f.refuse(l, it, work.CodeNotFound, name, "no record holds this "+tried)
	default:
		rec.Same = false // it is gone
		l.create(it)
	}
}

// refuse fails a record.
func (f *Former) refuse(l *lane, it work.Item, code, field, message string) {
	f.finish(l, it, ledger.Failed, &ledger.Problem{Code: code, Field: field, Message: message, Attempts: int(it.Record().Attempts)})
}
