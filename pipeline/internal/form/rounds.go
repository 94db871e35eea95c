package form

import (
	"slices"
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/internal/family"
	"sfsync/pipeline/internal/target"
	"sfsync/pipeline/internal/work"
	"sfsync/sink"
)

// rounds keep the records of targets in file order that are rivals: they write one object and match it by different
// fields, so that two of their records may be one in the org though their keys do not tell. They go on in rounds. The
// org is asked who holds the keys of a round's records. Those that have something in common, one of the org's
// records, or a key that one is matched by and another is matched by or sends, are a family; the records of a family
// are sent one after the other. Nothing of the object is under way when a round begins, so that what was asked holds,
// and no two families can come to the same record.
//
// A round begins when nothing else can go on. It then has what the window holds.
type rounds struct {
	group int
	keys  family.Keys
	own   map[int][]family.Own // of each lane
	line  []work.Item          // records in file order that no round has taken yet

	items    []work.Item               // of the round, until its families are known
	asked    int                       // keys that are not answered yet
	answers  map[question]*prediction  // by what was asked before the round
	entrants map[*work.Record]*entrant // of the round, those that are not decided
}

// question is a key that was looked for.
type question struct {
	lane, key int
	text      string
}

// prediction is the answer to a question, from before the round.
type prediction struct {
	want  *target.Want
	found []sink.Match
}

// entrant is a record of the round.
type entrant struct {
	family uint64 // 0 for one that has nothing in common with any other
	first  bool   // of its family: what was asked before the round holds for it
}

// newRounds gives the lanes of each object's targets rounds in common, if some of them are rivals.
func newRounds(lanes Lanes) []*rounds {
	var all []*rounds
	for i, l := range lanes {
		if l.Find || l.Group != i {
			continue
		}
		group := slices.DeleteFunc(slices.Clone(lanes[i:]), func(of *lane) bool { return of.Find || of.Group != i })
		if !slices.ContainsFunc(group, func(p *lane) bool {
			return slices.ContainsFunc(group, func(q *lane) bool { return p != q && target.Rivals(p.Plan, q.Plan) })
		}) {
			continue
		}
		r := &rounds{group: i, own: make(map[int][]family.Own)}
		for _, of := range group {
			r.own[of.Index] = r.keys.Add(of.Target)
		}
		for _, of := range group {
			of.rounds, of.late = r, r.late(of)
			of.known, of.kin = nil, nil // another target may change what was found out
		}
		all = append(all, r)
	}
	return all
}

// late reports whether what a record of the lane has in common with others is known only once others of its row are
// decided.
func (r *rounds) late(l *lane) bool {
	if l.Plan.Redirected >= 0 {
		return true
	}
	for _, n := range l.Plan.Needs {
		for _, own := range r.own[l.Index] {
			if slices.Contains(own.Columns, n.Column) {
				return true
			}
		}
		name := l.Plan.Schema.Columns[n.Column].Name
		for i := range r.keys {
			if slices.ContainsFunc(r.keys[i].Fields, func(f *schema.Field) bool { return f.Name == name }) {
				return true
			}
		}
	}
	return false
}

// wait takes a record that is to be sent.
func (r *rounds) wait(it work.Item) {
	it.Record().Phase = waiting
	r.line = append(r.line, it)
}

// leave takes a record out of the round, and returns what it was there; nil if it was in none.
func (r *rounds) leave(rec *work.Record) *entrant {
	e := r.entrants[rec]
	if e == nil {
		return nil
	}
	if delete(r.entrants, rec); len(r.entrants) == 0 {
		r.answers = nil
	}
	return e
}

// begin lets a round begin of each object that has none under way, and reports whether one has begun, now that nothing
// else can go on.
func (f *Former) begin() (begun bool) {
	if f.inflight > 0 || f.Err != nil || !f.ended && !f.window.Exhausted(f.admitted) {
		return false
	}
	for _, r := range f.rounds {
		if len(r.entrants) == 0 && len(r.line) > 0 && f.gather(r) {
			begun = true
		}
	}
	return begun
}

// gather makes a round of the records that wait, up to the first of which it is not known yet what it has in common
// with others, and asks the org about their keys. It reports whether a record went on.
func (f *Former) gather(r *rounds) bool {
	n := 0
	r.items, r.entrants, r.answers = nil, make(map[*work.Record]*entrant), make(map[question]*prediction)
	for _, it := range r.line {
		l := f.laneOf(it)
		if l.late && f.awaiting(l, it) {
			break
		}
		n++
		if l.late && !f.resolve(l, it) {
			continue // decided by that
		}
		r.items = append(r.items, it)
		r.entrants[it.Record()] = &entrant{}
	}
	r.line = slices.Delete(r.line, 0, n)
	for _, it := range r.items {
		f.scout(r, f.laneOf(it), it)
	}
	if r.asked == 0 {
		f.admitRound(r)
	}
	return n > 0
}

// awaiting reports whether records of the row are not decided that this one needs.
func (f *Former) awaiting(l *lane, it work.Item) bool {
	if of := l.Plan.Redirected; of >= 0 && !it.Batch.Record(of, it.Row).State.Decided() {
		return true
	}
	return slices.ContainsFunc(l.Plan.Needs, func(n mapping.Need) bool {
		return f.awaits(l, it, n.Column) && !it.Batch.Record(n.Record, it.Row).State.Decided()
	})
}

// scout asks who holds a record's keys, unless it brings nothing new and will not be sent.
func (f *Former) scout(r *rounds, l *lane, it work.Item) {
	if rec := it.Record(); f.opt.ChangedOnly && !l.Looks(it) && !rec.Resend && !rec.Redirected {
		same, err := f.prints.Same(l.Target, it)
		if err != nil {
			f.halt(err)
		}
		if same {
			return
		}
	}
	for _, own := range r.own[l.Index] {
		if l.Blank(it, own.Key) {
			continue
		}
		q := question{l.Index, own.Key, strings.Clone(l.Text(it, own.Key))}
		if r.answers[q] != nil {
			continue
		}
		a := &prediction{}
		r.answers[q] = a
		if l.imagined != nil {
			if found, known := l.imagined.Find(l.Target, it, own.Key); known {
				a.want, a.found = l.WantOf(it), found
				continue
			}
		}
		r.asked++
		l.cost.Keys++
		l.lookups[own.Key].push(it)
	}
}

// scouted takes the answer to one of the questions before the round; after the last one the round's records enter.
func (f *Former) scouted(r *rounds, l *lane, it work.Item, k int, w *target.Want, found []sink.Match) {
	a := r.answers[question{l.Index, k, l.Text(it, k)}]
	a.want, a.found = w, found
	if r.asked--; r.asked == 0 {
		f.admitRound(r)
	}
}

// admitRound lets the records of a round enter.
func (f *Former) admitRound(r *rounds) {
	f.families(r)
	items := r.items
	r.items = nil
	for _, it := range items {
		f.enter(f.laneOf(it), it)
	}
}

// families finds out which records of a round have something in common.
//
// A record has a token for each record of the org that holds one of its keys, and for each of its keys. One that sends
// all fields of a key has the token of that key, too: others that are matched by it come to this record afterwards. One
// that sends only some fields of a composite key may get the key by that: it and those that are matched by the key have
// tokens of these fields alone.
func (f *Former) families(r *rounds) {
	sent := make([][]uint64, len(r.items)) // of each item, for each key, the set of its fields that it sends
	sets := make([][]uint64, len(r.keys))  // for each key, those that somebody sends, and all of them
	for k := range r.keys {
		sets[k] = []uint64{r.keys[k].All()}
	}
	var values []string
	for i, it := range r.items {
		sent[i] = make([]uint64, len(r.keys))
		for k := range r.keys {
			var set uint64
			set, values = r.keys[k].Sends(f.laneOf(it).Target, it, values[:0])
			if sent[i][k] = set; set != family.None && !slices.Contains(sets[k], set) {
				sets[k] = append(sets[k], set)
			}
		}
	}
	found := family.NewFinder(len(r.items))
	for i, it := range r.items {
		l := f.laneOf(it)
		if id := it.Record().ID; id != "" {
			found.Has(i, family.Identity(id))
		}
		for k := range l.Keys[:len(l.Keys)-1] {
			if l.Keys[k].IsID() && !l.Blank(it, k) {
				found.Has(i, family.Identity(l.Text(it, k)))
			}
		}
		for _, own := range r.own[l.Index] {
			if l.Blank(it, own.Key) {
				continue
			}
			values = values[:0]
			for _, c := range own.Columns {
				values = append(values, l.Cells(it.Batch).Cell(int(it.Row), c).Text)
			}
			for _, set := range sets[own.Number] {
				found.Has(i, r.keys[own.Number].Token(set, values))
			}
			if a := r.answers[question{l.Index, own.Key, l.Text(it, own.Key)}]; a != nil {
				for _, m := range a.found {
					found.Has(i, family.Identity(m.ID))
				}
			}
		}
		for k := range r.keys {
			if sent[i][k] != family.None {
				_, values = r.keys[k].Sends(l.Target, it, values[:0])
				found.Has(i, r.keys[k].Token(sent[i][k], values))
			}
		}
	}
	for i, it := range r.items {
		r.entrants[it.Record()].family = found.Family(i)
	}
}

// join gives a record its place behind those of its family.
func (f *Former) join(r *rounds, it work.Item) {
	e := r.entrants[it.Record()]
	before := it.Record().Waits
	if e.family != 0 {
		f.claim(target.Slot{Group: r.group, Key: e.family}, it)
	}
	e.first = it.Record().Waits == before
}

// predicted returns what the org said of a record's key k before the round, if nothing of the round can have changed
// that.
func (f *Former) predicted(l *lane, it work.Item, k int) *prediction {
	rec := it.Record()
	if l.rounds == nil || rec.Attempts > 0 || rec.Resend || rec.Phase >= placed {
		return nil
	}
	if e := l.rounds.entrants[rec]; e == nil || !e.first {
		return nil
	}
	a := l.rounds.answers[question{l.Index, k, l.Text(it, k)}]
	if a == nil || a.want != l.WantOf(it) {
		return nil
	}
	return a
}
