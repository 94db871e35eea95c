package pipeline

import (
	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/row"
)

// phase says how far a record that is to be sent has come. In each phase it waits until nothing
// holds it back, then takes the next step. What a later phase waits for is only ever held by records
// that have come at least so far, so that no two wait for each other.
type phase uint8

const (
	// A record that has not entered has no phase; those of rows that are not sent stay so.
	_ phase = iota
	// entered: it has its place behind its match keys and waits for them, and for the records of
	// its row that it needs.
	entered
	// resolved: all its values are there; it has its place behind the keys that are made of them.
	resolved
	// placed: its record in the org is known, and it has its place behind that.
	placed
)

// enter gives a record its place behind its keys and lets it go if nothing holds it back.
func (f *former) enter(l *lane, it item) {
	rec := it.record()
	rec.phase = entered
	for _, n := range l.plan.Needs {
		if f.awaits(l, it, n.Column) && !it.w.record(n.Record, it.row).state.Decided() {
			rec.waits++
		}
	}
	if of := l.plan.Redirected; of >= 0 && !it.w.record(of, it.row).state.Decided() {
		rec.waits++
	}
	if l.simple {
		f.claim(slot{l.group, it.key}, it)
	} else if l.keyed() {
		f.slots = l.slots(f.slots[:0], it, false)
		for _, s := range f.slots {
			f.claim(s, it)
		}
	}
	f.proceed(l, it)
}

// proceed takes the record's next step, or counts it among those that wait.
func (f *former) proceed(l *lane, it item) {
	if it.record().waits > 0 {
		f.blocked++
		return
	}
	f.step(l, it)
}

func (f *former) claim(s slot, it item) {
	if waiting, busy := f.keys[s]; busy {
		f.keys[s] = append(waiting, it)
		it.record().waits++
		return
	}
	f.keys[s] = nil
}

// unblock takes one away of what a record waits for.
func (f *former) unblock(it item) {
	rec := it.record()
	if rec.waits--; rec.waits == 0 {
		f.blocked--
		f.ready.push(it)
	}
}

// step takes the next step of a record that nothing holds back.
func (f *former) step(l *lane, it item) {
	rec := it.record()
	switch rec.phase {
	case entered:
		if !f.resolve(l, it) {
			return
		}
		rec.phase = resolved
		if !l.simple && l.keyed() {
			f.slots = l.slots(f.slots[:0], it, true)
			for _, s := range f.slots {
				f.claim(s, it)
			}
			if rec.waits > 0 {
				f.blocked++
				return
			}
		}
		f.route(l, it)
	case resolved:
		f.route(l, it)
	case placed:
		if rec.met {
			l.change(it)
		} else {
			f.seek(l, it, len(l.keys)-1)
		}
	}
}

// place gives a record whose id is known its place behind others that have come to the same record
// by another key.
func (f *former) place(l *lane, it item) {
	rec := it.record()
	if l.guarded() && rec.phase != placed {
		rec.phase = placed
		f.claim(l.idSlot(it), it)
		if rec.waits > 0 { // what was found out is out of date by then
			rec.met = rec.met && len(l.plan.OnlyIfEmpty) == 0 && l.imagined == nil && !l.compare
		}
		f.proceed(l, it)
		return
	}
	if rec.met {
		l.change(it)
	} else {
		f.seek(l, it, len(l.keys)-1)
	}
}

// finish decides a record that has entered. The id is that of the record that holds its key, if
// that tells the next row of the key all that a lookup would.
func (f *former) finish(l *lane, it item, state ledger.State, p *ledger.Problem) {
	id, rec := "", it.record()
	switch state {
	case ledger.Failed, ledger.Skipped:
		if rec.attempts > 0 && l.imagined == nil { // it was sent: the org may have changed all the same
			rec.holders = unknownHolders
		}
	default:
		rec.holders = unknownHolders
		if l.passes() {
			id = rec.id
		}
	}
	f.release(l, it, id)
	f.decide(l, it, state, p) // last: it may give the batch away
}

// release lets the records behind this one go.
func (f *former) release(l *lane, it item, id string) {
	if l.simple {
		f.pass(slot{l.group, it.key}, l, it, id)
	} else if l.keyed() {
		f.slots = l.slots(f.slots[:0], it, false)
		if it.record().phase >= resolved {
			f.slots = l.slots(f.slots, it, true)
		}
		for _, s := range f.slots {
			f.pass(s, l, it, "")
		}
	}
	if it.record().phase == placed {
		f.pass(l.idSlot(it), l, it, "")
	}
}

// pass gives a slot to the next record behind it.
func (f *former) pass(s slot, l *lane, it item, id string) {
	waiting := f.keys[s]
	if len(waiting) == 0 {
		delete(f.keys, s)
		return
	}
	next := waiting[0]
	f.keys[s] = waiting[1:]
	if rec := it.record(); l.simple && (id != "" || rec.holders != unknownHolders) && f.laneOf(next) == l && l.text(next, 0) == l.text(it, 0) {
		next.record().id, next.record().holders = id, rec.holders
	}
	f.unblock(next)
}

// awaits reports whether a cell still stands for a record id that is not known.
func (f *former) awaits(l *lane, it item, column int) bool {
	return l.batch(it.w).Cell(int(it.row), column).Awaited()
}

// wake tells the records of the row that wait for this one that it is decided.
func (f *former) wake(l *lane, it item) {
	for _, d := range l.dependents {
		rec := it.w.record(d.lane.index, it.row)
		if rec.phase == entered && !rec.state.Decided() && (d.column < 0 || f.awaits(d.lane, it, d.column)) {
			f.unblock(d.lane.item(it.w, int(it.row)))
		}
	}
}

// needed reports whether a record is waited for.
func (f *former) needed(l *lane, it item) bool {
	for _, d := range l.dependents {
		rec := it.w.record(d.lane.index, it.row)
		if rec.phase == entered && !rec.state.Decided() && (d.column < 0 || f.awaits(d.lane, it, d.column)) {
			return true
		}
	}
	return false
}

// resolve fills in what the record gets from other records of its row. It reports false if the
// record is decided by that.
func (f *former) resolve(l *lane, it item) bool {
	rec := it.record()
	recs := l.records(it.w)
	if recs.Fate(int(it.row)) == mapping.Hold {
		why := recs.Reason(int(it.row))
		switch {
		case !rec.redirected:
			p := &ledger.Problem{Code: mapping.CodeWhen, Message: "when: is false, and no converted lead led here"}
			f.finish(l, it, ledger.Skipped, p)
			return false
		case why.Code != "" && why.Code != mapping.CodeWhen:
			f.finish(l, it, ledger.Failed, problemOf(why))
			return false
		}
	}
	for _, n := range l.plan.Needs {
		if !f.awaits(l, it, n.Column) {
			continue
		}
		if parent := it.w.record(n.Record, it.row); parent.state == ledger.Skipped && parent.problem != nil && parent.problem.Code == CodeSuperseded {
			f.finish(l, it, ledger.Skipped, parent.problem) // the later row of the key has this record, too
			return false
		}
		if p := f.fill(l, it, n); p != nil {
			f.finish(l, it, ledger.Failed, p)
			return false
		}
	}
	if l.keyed() && rec.id == "" && len(l.plan.Needs) > 0 && l.nextKey(it, -1) < 0 {
		k := &l.keys[0]
		f.finish(l, it, ledger.Failed, &ledger.Problem{Code: mapping.CodeKeyBlank, Field: k.name(), Message: "the match field " + k.name() + " is blank"})
		return false
	}
	return true
}

// fill puts the id of another record of the row into the cell that awaits it, or says why the
// record fails.
func (f *former) fill(l *lane, it item, n mapping.Need) *ledger.Problem {
	of, b, r := f.lanes[n.Record], l.batch(it.w), int(it.row)
	parent := it.w.record(n.Record, it.row)
	name := of.plan.Name
	switch state := parent.state; {
	case state == ledger.Failed && of.find:
		return &ledger.Problem{Code: parent.problem.Code, Field: n.Field, Message: parent.problem.Message}
	case state == ledger.Failed:
		p := &ledger.Problem{Code: "PARENT_FAILED", Field: n.Field, Message: "the record of target " + name + " failed"}
		if why := parent.problem; why != nil {
			p.Message += ": " + why.Code + ": " + why.Message
		}
		return p
	case state == ledger.Skipped && of.looks(it) && parent.id != "",
		state == ledger.Created || state == ledger.Updated || state == ledger.Unchanged:
		id := schema.ID18(parent.id)
		if len(id) != 18 {
			return &ledger.Problem{Code: "PARENT_UNKNOWN", Field: n.Field, Message: "the org told no id of the record of target " + name}
		}
		b.Fill(r, n.Column, id)
	case state == ledger.Skipped && !of.looks(it):
		switch n.Blank {
		case mapping.BlankFail:
			return &ledger.Problem{Code: mapping.CodeRequired, Field: n.Field, Message: "the record of target " + name + " was skipped, and blank: fail"}
		case mapping.BlankNull:
			b.SetKind(r, n.Column, row.Null)
		default:
			b.SetKind(r, n.Column, row.Absent)
		}
	case state == ledger.Skipped && parent.problem != nil && parent.problem.Code != mapping.CodeOtherTarget:
		return &ledger.Problem{Code: "PARENT_FAILED", Field: n.Field, Message: "the record of target " + name + " cannot be looked for: " + parent.problem.Code + ": " + parent.problem.Message}
	case state == ledger.Skipped:
		return &ledger.Problem{Code: "PARENT_UNKNOWN", Field: n.Field, Message: "no record of target " + name + " was found by its match key"}
	default:
		return &ledger.Problem{Code: "PARENT_UNKNOWN", Field: n.Field, Message: "it is not known what became of the record of target " + name}
	}
	return nil
}

// nextKey returns the first key behind k that a row has, or -1.
func (l *lane) nextKey(it item, k int) int {
	for k++; k < len(l.keys)-1; k++ {
		if !l.blank(it, k) {
			return k
		}
	}
	return -1
}
