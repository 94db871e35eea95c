package form

import (
	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/internal/target"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/row"
)

// The phases say how far a record that is to be sent has come. In each phase it waits until nothing
// holds it back, then takes the next step. What a later phase waits for is only ever held by records
// that have come at least so far, so that no two wait for each other.
const (
	// A record that has not entered has no phase; those of rows that are not sent stay so.
	_ work.Phase = iota
	// waiting: it is a rival of others and waits for its round (see rounds).
	waiting
	// entered: it has its place behind its match keys and waits for them, and for the records of
	// its row that it needs.
	entered
	// resolved: all its values are there; it has its place behind the keys that are made of them.
	resolved
	// placed: its record in the org is known, and it has its place behind that.
	placed
)

// enter gives a record its place behind its keys and lets it go if nothing holds it back.
func (f *Former) enter(l *lane, it work.Item) {
	rec := it.Record()
	rec.Phase = entered
	for _, n := range l.Plan.Needs {
		if f.awaits(l, it, n.Column) && !it.Batch.Record(n.Record, it.Row).State.Decided() {
			rec.Waits++
		}
	}
	for _, of := range l.Plan.After {
		if !it.Batch.Record(of, it.Row).State.Decided() {
			rec.Waits++
		}
	}
	if of := l.Plan.Redirected; of >= 0 && !it.Batch.Record(of, it.Row).State.Decided() {
		rec.Waits++
	}
	switch {
	case l.rounds != nil:
		f.join(l.rounds, it)
	case l.Simple:
		f.claim(l.Slot(it), it)
	case l.Keyed():
		f.slots = l.Slots(f.slots[:0], it, false)
		for _, s := range f.slots {
			f.claim(s, it)
		}
	}
	f.proceed(l, it)
}

// proceed takes the record's next step, or counts it among those that wait.
func (f *Former) proceed(l *lane, it work.Item) {
	if it.Record().Waits > 0 {
		f.blocked++
		return
	}
	f.step(l, it)
}

func (f *Former) claim(s target.Slot, it work.Item) {
	if !f.keys[s.Group].Take(s.Key, it) {
		it.Record().Waits++
	}
}

// unblock takes one away of what a record waits for.
func (f *Former) unblock(it work.Item) {
	rec := it.Record()
	if rec.Waits--; rec.Waits == 0 {
		f.blocked--
		f.ready.push(it)
	}
}

// step takes the next step of a record that nothing holds back.
func (f *Former) step(l *lane, it work.Item) {
	rec := it.Record()
	switch rec.Phase {
	case entered:
		if !f.resolve(l, it) {
			return
		}
		rec.Phase = resolved
		if !l.Simple && l.Keyed() && l.rounds == nil {
			f.slots = l.Slots(f.slots[:0], it, true)
			for _, s := range f.slots {
				f.claim(s, it)
			}
			if rec.Waits > 0 {
				f.blocked++
				return
			}
		}
		f.route(l, it)
	case resolved:
		f.route(l, it)
	case placed:
		if rec.Met {
			l.change(it)
		} else {
			f.seek(l, it, len(l.Keys)-1)
		}
	}
}

// place sends a record whose id is known on, once no other that has come to the same record by another key is under
// way.
func (f *Former) place(l *lane, it work.Item) {
	switch rec := it.Record(); {
	case !f.reserve(l, it):
	case rec.Met:
		l.change(it)
	default:
		f.seek(l, it, len(l.Keys)-1)
	}
}

// reserve gives a record whose id is known its place behind others that have come to the same record by another key,
// and reports whether there are none.
func (f *Former) reserve(l *lane, it work.Item) bool {
	rec := it.Record()
	if !l.guarded() || rec.Phase == placed {
		return true
	}
	rec.Phase = placed
	f.claim(l.IDSlot(it), it)
	if rec.Waits == 0 {
		return true
	}
	rec.Met = rec.Met && !l.compares() // what was found out is out of date by then
	f.blocked++
	return false
}

// current gives a record that was looked up its place, and reports whether what the answer says of it holds. If not,
// it is looked up again when its turn comes.
func (f *Former) current(l *lane, it work.Item) bool {
	if !l.compares() || !l.guarded() || it.Record().Phase == placed {
		return true
	}
	if !f.reserve(l, it) {
		return false
	}
	if l.imagined == nil && f.lately.Since(f.since, l.IDSlot(it)) {
		f.seek(l, it, len(l.Keys)-1)
		return false
	}
	return true
}

// guarded reports whether two records of the lane may come to one of the org by ways that do not tell.
func (l *lane) guarded() bool { return l.Guarded() || l.rounds != nil }

// compares reports whether what is sent of a record depends on the values that the org's record has.
func (l *lane) compares() bool {
	return len(l.Plan.OnlyIfEmpty) > 0 || l.imagined != nil || l.Compare
}

// finish decides a record that was not sent, by what was found out. That holds only as long as no later row is sent:
// the ledger has it by then, so that a resumed run need not find it out again.
func (f *Former) finish(l *lane, it work.Item, state ledger.State, p *ledger.Problem) {
	if f.opt.Ledger != nil && !l.Find {
		f.opt.Ledger.Note(ledger.Mark{Seq: it.Batch.Seq(), Index: int(it.Index), State: state, ID: it.Record().ID, Problem: p})
	}
	f.conclude(l, it, state, p)
}

// conclude decides a record that has entered. The id is that of the record that holds its key, if
// that tells the next row of the key all that a lookup would.
func (f *Former) conclude(l *lane, it work.Item, state ledger.State, p *ledger.Problem) {
	id, rec := "", it.Record()
	switch state {
	case ledger.Failed, ledger.Skipped:
		if rec.Attempts > 0 && l.imagined == nil { // it was sent: the org may have changed all the same
			rec.Holders = work.UnknownHolders
		}
	default:
		rec.Holders = work.UnknownHolders
		if l.Passes() {
			id = rec.ID
		}
	}
	if rec.Attempts > 0 {
		l.sent++
		for _, of := range l.kin {
			of.known.Drop(l.Text(it, 0)) // it is no longer as it was found, or refused
		}
	}
	f.release(l, it, id)
	f.decide(l, it, state, p) // last: it may give the batch away
}

// release lets the records behind this one go.
func (f *Former) release(l *lane, it work.Item, id string) {
	switch {
	case l.rounds != nil:
		if e := l.rounds.leave(it.Record()); e != nil && e.family != 0 {
			f.pass(target.Slot{Group: l.Group, Key: e.family}, l, it, id)
		}
	case l.Simple:
		f.pass(l.Slot(it), l, it, id)
	case l.Keyed():
		f.slots = l.Slots(f.slots[:0], it, false)
		if it.Record().Phase >= resolved {
			f.slots = l.Slots(f.slots, it, true)
		}
		for _, s := range f.slots {
			f.pass(s, l, it, "")
		}
	}
	if it.Record().Phase == placed {
		if it.Record().Attempts > 0 {
			f.lately.Add(l.IDSlot(it))
		}
		f.pass(l.IDSlot(it), l, it, "")
	}
}

// pass gives a slot to the next record behind it.
func (f *Former) pass(s target.Slot, l *lane, it work.Item, id string) {
	next, ok := f.keys[s.Group].Pass(s.Key)
	if !ok {
		return
	}
	if rec := it.Record(); l.Simple && (id != "" || rec.Holders != work.UnknownHolders) && f.laneOf(next) == l && l.Text(next, 0) == l.Text(it, 0) {
		next.Record().ID, next.Record().Holders = id, rec.Holders
	}
	f.unblock(next)
}

// awaits reports whether a cell still stands for a record id that is not known.
func (f *Former) awaits(l *lane, it work.Item, column int) bool {
	return l.Cells(it.Batch).Cell(int(it.Row), column).Awaited()
}

// wake tells the records of the row that wait for this one that it is decided.
func (f *Former) wake(l *lane, it work.Item) {
	for _, d := range l.dependents {
		rec := it.Batch.Record(d.lane.Index, it.Row)
		if rec.Phase == entered && !rec.State.Decided() && (d.column < 0 || f.awaits(d.lane, it, d.column)) {
			f.unblock(d.lane.Item(it.Batch, int(it.Row)))
		}
	}
}

// needed reports whether a record is waited for.
func (f *Former) needed(l *lane, it work.Item) bool {
	for _, d := range l.dependents {
		rec := it.Batch.Record(d.lane.Index, it.Row)
		if (rec.Phase == entered || rec.Phase == waiting) && !rec.State.Decided() && (d.column < 0 || f.awaits(d.lane, it, d.column)) {
			return true
		}
	}
	return false
}

// resolve fills in what the record gets from other records of its row. It reports false if the
// record is decided by that.
func (f *Former) resolve(l *lane, it work.Item) bool {
	rec := it.Record()
	recs := l.Records(it.Batch)
	if recs.Fate(int(it.Row)) == mapping.Hold {
		why := recs.Reason(int(it.Row))
		switch {
		case !rec.Redirected:
			p := &ledger.Problem{Code: mapping.CodeWhen, Message: "when: is false, and no converted lead led here"}
			f.finish(l, it, ledger.Skipped, p)
			return false
		case why.Code != "" && why.Code != mapping.CodeWhen:
			f.finish(l, it, ledger.Failed, problemOf(why))
			return false
		}
	}
	for _, n := range l.Plan.Needs {
		if !f.awaits(l, it, n.Column) {
			continue
		}
		if parent := it.Batch.Record(n.Record, it.Row); parent.State == ledger.Skipped && parent.Problem != nil && parent.Problem.Code == work.CodeSuperseded {
			f.finish(l, it, ledger.Skipped, parent.Problem) // the later row of the key has this record, too
			return false
		}
		if p := f.fill(l, it, n); p != nil {
			f.lacks(l, it, p)
			return false
		}
	}
	if l.Keyed() && rec.ID == "" && len(l.Plan.Needs) > 0 && l.NextKey(it, -1) < 0 {
		f.lacks(l, it, problemOf(*l.Plan.KeyBlank()))
		return false
	}
	return true
}

// lacks ends a record by what is wrong with what it refers to. One that is only looked for does not fail, it is not found.
func (f *Former) lacks(l *lane, it work.Item, p *ledger.Problem) {
	if l.Looks(it) {
		f.finish(l, it, ledger.Skipped, onlyLooked(it))
		return
	}
	f.finish(l, it, ledger.Failed, p)
}

// fill puts the id of another record of the row into the cell that awaits it, or says why the
// record fails.
func (f *Former) fill(l *lane, it work.Item, n mapping.Need) *ledger.Problem {
	of, b, r := f.lanes[n.Record], l.Cells(it.Batch), int(it.Row)
	parent := it.Batch.Record(n.Record, it.Row)
	name := of.Plan.Name
	switch state := parent.State; {
	case state == ledger.Failed && of.Find:
		return &ledger.Problem{Code: parent.Problem.Code, Field: n.Field, Message: parent.Problem.Message}
	case state == ledger.Failed:
		p := &ledger.Problem{Code: work.CodeParentFailed, Field: n.Field, Message: "the record of target " + name + " failed"}
		if why := parent.Problem; why != nil {
			p.Message += ": " + why.Code + ": " + why.Message
		}
		return p
	case state == ledger.Skipped && of.Looks(it) && parent.ID != "",
		state == ledger.Created || state == ledger.Updated || state == ledger.Unchanged:
		id := schema.ID18(parent.ID)
		if len(id) != 18 {
			return &ledger.Problem{Code: "PARENT_UNKNOWN", Field: n.Field, Message: "the org told no id of the record of target " + name}
		}
		b.Fill(r, n.Column, id)
	case state == ledger.Skipped && !of.Looks(it):
		switch n.Blank {
		case mapping.BlankFail:
			return &ledger.Problem{Code: mapping.CodeRequired, Field: n.Field, Message: n.Field + " is blank, since the record of target " + name + " is skipped"}
		case mapping.BlankNull:
			b.SetKind(r, n.Column, row.Null)
		default:
			b.SetKind(r, n.Column, row.Absent)
		}
	case state == ledger.Skipped:
		if why := of.Records(it.Batch).Reason(r); why.Code != "" {
			return &ledger.Problem{Code: work.CodeParentFailed, Field: n.Field, Message: "the record of target " + name + " cannot be looked for: " + why.Code + ": " + why.Message}
		}
		return &ledger.Problem{Code: "PARENT_UNKNOWN", Field: n.Field, Message: "no record of target " + name + " was found by its match key"}
	default:
		return &ledger.Problem{Code: "PARENT_UNKNOWN", Field: n.Field, Message: "it is not known what became of the record of target " + name}
	}
	return nil
}
