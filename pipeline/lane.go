package pipeline

import (
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// item is one record on its way through the former.
type item struct {
	w      *work
	index  int32 // of its record in w.records
	row    int32
	size   int32  // bytes of its text
	key    uint64 // hash of its match key; meaningless without one
	action sink.Action
}

func (it item) record() *record { return &it.w.records[it.index] }

// queue is a first-in, first-out list of items.
type queue struct {
	items []item
	head  int
	bytes int
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) push(it item) {
	if q.head > 1024 && q.head > len(q.items)/2 {
		q.items = q.items[:copy(q.items, q.items[q.head:])]
		q.head = 0
	}
	q.items = append(q.items, it)
	q.bytes += int(it.size)
}

// take moves up to n items, and no more bytes than room beyond the first item, to dst.
func (q *queue) take(dst []item, n int, room *int) []item {
	for range min(n, q.len()) {
		it := q.items[q.head]
		if int(it.size) > *room && len(dst) > 0 {
			break
		}
		*room -= int(it.size)
		q.bytes -= int(it.size)
		q.items[q.head] = item{}
		q.head++
		dst = append(dst, it)
	}
	return dst
}

// lane is the former's state for one target.
type lane struct {
	index  int
	plan   *mapping.PlanTarget
	target *sink.Target
	Target

	writes  queue // creates and upserts
	updates queue // by id
	lookups queue
}

// lookupCall is the most keys that are looked up at once: twice what a write takes, so that
// short keys, of which one call holds many, save calls without letting the queue run dry.
const lookupCall = 2000

// lookupLeast is how many keys have to wait before it is worth asking how many fit a call.
const lookupLeast = 200

func newLane(index int, p *mapping.PlanTarget, t Target) *lane {
	l := &lane{index: index, plan: p, Target: t}
	l.target = &sink.Target{Object: p.Object.Name, KeyColumn: p.KeyColumn}
	if p.Match != nil {
		l.target.Key, l.target.Fold = p.Match.Name, p.Match.FoldKey
	}
	return l
}

// route puts an item where it has to go next: it is written at once where the org can tell by
// itself what is there and the answer does not matter, and looked up first otherwise.
func (l *lane) route(it item) {
	rec := it.record()
	switch {
	case l.plan.Match == nil:
		it.action = sink.Create
		l.writes.push(it)
	case rec.id != "": // an earlier row of the key, or a lookup, told the id
		it.action = sink.Update
		l.updates.push(it)
	case l.plan.Match.Type == schema.ID:
		rec.id = strings.Clone(l.foldedKey(it))
		it.action = sink.Update
		l.updates.push(it)
	case l.plan.Lookup || l.plan.InsertDefaults && hasInsertDefault(it.w.mapped.Targets[l.index].Batch, int(it.row)):
		l.lookups.push(it)
	default:
		it.action = sink.Upsert
		l.writes.push(it)
	}
}

// absent routes an item whose key no record holds.
func (l *lane) absent(it item) {
	it.action = sink.Create
	if l.plan.Match.Key() {
		it.action = sink.Upsert // so that a lost answer can be sent again
	}
	l.writes.push(it)
}

// foldedKey is a view on the batch.
func (l *lane) foldedKey(it item) string {
	return it.w.mapped.Targets[l.index].Batch.Cell(int(it.row), l.plan.FoldColumn).Text
}

func hasInsertDefault(b *row.Batch, r int) bool {
	for c := range b.Schema().Columns {
		if b.Cell(r, c).OnInsert() {
			return true
		}
	}
	return false
}

// write appends to dst, which is empty, the items of the next write request: full groups of either kind first, since
// each started group costs as much as a full one. Without flush it returns none until a
// request is full.
func (l *lane) write(dst []item, flush bool) []item {
	limits := l.Writer.Limits() // a sink may ask for smaller requests for a while
	group, groups := limits.Group, limits.Groups
	if group <= 0 || groups <= 0 {
		group, groups = limits.Records, 1
	}
	a, b := l.writes.len()/group, l.updates.len()/group
	tooLarge := limits.Bytes > 0 && l.writes.bytes+l.updates.bytes >= limits.Bytes
	if a+b < groups && !tooLarge && !flush {
		return dst
	}
	a = min(a, groups)
	b = min(b, groups-a)
	if a+b < groups && l.writes.len() > a*group {
		a++
	}
	if a+b < groups && l.updates.len() > b*group {
		b++
	}
	room := limits.Bytes
	if room <= 0 {
		room = 1 << 62
	}
	most := min(limits.Records, groups*group)
	items := l.writes.take(dst, min(a*group, most), &room)
	return l.updates.take(items, min(b*group, most-len(items)), &room)
}

// lookup appends to dst, which is empty, the items of the next lookup. Without flush it returns none until a call is
// full.
func (l *lane) lookup(dst []item, flush bool) []item {
	n := l.lookups.len()
	if n == 0 || !flush && n < lookupLeast {
		return dst
	}
	keys := make([]string, 0, min(n, lookupCall))
	for _, it := range l.lookups.items[l.lookups.head:][:min(n, lookupCall)] {
		keys = append(keys, l.foldedKey(it))
	}
	ask := l.ask(keys)
	fit := max(1, l.Matcher.LookupKeys(&ask))
	if fit >= n && n < lookupCall && !flush {
		return dst
	}
	room := 1 << 62
	return l.lookups.take(dst, fit, &room)
}

// ask is the question for the records that hold the keys.
func (l *lane) ask(keys []string) sink.Lookup {
	return sink.Lookup{Object: l.target.Object, By: []sink.KeyField{{Name: l.target.Key, Fold: l.target.Fold}}, Keys: keys}
}

// insertOnly reports whether a record whose answer was lost must not be sent again.
func (l *lane) insertOnly() bool { return l.plan.Match == nil }

// mayCreate reports whether the records of the lane can come into being by being sent.
func (l *lane) mayCreate() bool {
	return l.plan.Operation != mapping.Update && l.plan.Match != nil && l.plan.Match.Type != schema.ID
}

// slot names a match key of a target.
type slot struct {
	lane int
	key  uint64
}

// stateOf is the ledger's word for a result.
func stateOf(s sink.Status) ledger.State {
	switch s {
	case sink.Created:
		return ledger.Created
	case sink.Updated:
		return ledger.Updated
	case sink.Failed:
		return ledger.Failed
	case sink.Deleted:
		return ledger.Deleted
	case sink.Published:
		return ledger.Published
	case sink.NotSent:
		return ledger.Pending
	}
	return ledger.Unknown
}
