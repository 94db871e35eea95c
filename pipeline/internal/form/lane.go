package pipeline

import (
	"slices"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/internal/recall"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/plan"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// item is one record on its way through the former.
type item struct {
	w      *work
	index  int32 // of its record in w.records
	row    int32
	size   int32  // bytes of its text
	key    uint64 // hash of its match key; meaningless but in lanes that are simple
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

// pop takes the first item of a queue that is not empty.
func (q *queue) pop() item {
	it := q.items[q.head]
	q.items[q.head] = item{}
	q.bytes -= int(it.size)
	if q.head++; q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return it
}

// take moves up to n items, and no more bytes than room beyond the first item, to dst.
func (q *queue) take(dst []item, n int, room *int) []item {
	for range min(n, q.len()) {
		if int(q.items[q.head].size) > *room && len(dst) > 0 {
			break
		}
		it := q.pop()
		*room -= int(it.size)
		dst = append(dst, it)
	}
	return dst
}

// lane is the former's state for one target or find of the plan.
type lane struct {
	index  int
	group  int // the first lane of the same object and org: see slot
	plan   *mapping.PlanTarget
	target *sink.Target
	Target

	keys  []key // the match keys in order, then the record id
	wants []*want

	find       bool // the records are only looked for
	simple     bool // one key, and no part of it is a reference
	native     int  // the key of the org's own upsert, or -1
	dependents []dependent
	known      *recall.Map[answer] // what finds, and inserts by key, learned; else nil
	imagined   *imagined           // in a rehearsal
	compare    bool                // only what differs from the org's record is sent
	borrows    *imagined           // and of a find, in the second pass of one
	required   *plan.Required      // and what an org would miss
	cost       Cost

	inflight         int              // write requests
	units            map[uint16]*unit // records that an earlier try sent, by what with
	siblings         *siblings        // with order: parent
	creates, upserts queue
	updates          queue   // by id, and deletes
	lookups          []queue // by key
}

// dependent is a lane whose records may wait for those of another one, of the same row.
type dependent struct {
	lane   *lane
	column int // the cell that awaits the id; -1: waits to be redirected
}

// answer is what is known of a key: the id of its one record, that there are several or none, or why
// the org refused to create it with the content that has this hash.
type answer struct {
	id      string
	many    bool
	refused *ledger.Problem
	content uint64
}

const (
	// lookupCall is the most keys that are looked up at once: twice what a write takes, so that
	// short keys, of which one call holds many, save calls without letting the queue run dry.
	lookupCall = 2000
	// lookupLeast is how many keys have to wait before it is worth asking how many fit a call.
	lookupLeast = 200
	// knownBytes bounds what a lane remembers of keys: some 100,000 of them.
	knownBytes = 16 << 20
)

// newLanes returns the lanes of a plan: its targets, then its finds. In a rehearsal the targets of an
// object share what is imagined of it; before is what an earlier pass imagined.
func newLanes(opt *Options, before []*lane) []*lane {
	p := opt.Plan
	lanes := make([]*lane, len(p.Targets)+len(p.Finds))
	for i := range lanes {
		l := newLane(i, p.Record(i), opt)
		lanes[i] = l
		if i < len(p.Targets) {
			l.Target = opt.Targets[i]
		}
		if like := l.like(lanes[:i]); like != nil && !l.find {
			l.group, l.imagined = like.group, like.imagined
		}
		if like := l.like(before); like != nil && opt.Rehearse {
			if l.find {
				l.borrows = like.imagined
			} else {
				l.imagined = like.imagined
			}
		}
	}
	for i, l := range lanes[:len(p.Targets)] {
		for _, n := range l.plan.Needs {
			of := lanes[n.Record]
			of.dependents = append(of.dependents, dependent{l, n.Column})
			if of.find && of.Matcher == nil {
				of.Target = opt.Targets[i] // a find asks the org of the records that need it
			}
		}
		if l.plan.Redirected >= 0 {
			of := lanes[l.plan.Redirected]
			of.dependents = append(of.dependents, dependent{l, -1})
		}
	}
	return lanes
}

// ordered returns the lanes so that those come first that others wait for.
func ordered(lanes []*lane) []*lane {
	order := make([]*lane, 0, len(lanes))
	var visit func(l *lane)
	visit = func(l *lane) {
		if slices.Contains(order, l) {
			return
		}
		for _, n := range l.plan.Needs { // no cycles: the plan is compiled so
			visit(lanes[n.Record])
		}
		if of := l.plan.Redirected; of >= 0 {
			visit(lanes[of])
		}
		order = append(order, l)
	}
	for _, l := range lanes {
		visit(l)
	}
	return order
}

func costs(lanes []*lane) []Cost {
	c := make([]Cost, len(lanes))
	for i, l := range lanes {
		c[i] = l.cost
	}
	return c
}

func newLane(index int, p *mapping.PlanTarget, opt *Options) *lane {
	l := &lane{index: index, group: index, plan: p, find: p.Operation == mapping.Find, native: -1}
	l.target = &sink.Target{Object: p.Object.Name, KeyColumn: -1, Options: sink.Options{
		AssignmentRule: p.AssignmentRule, AllowDuplicates: p.AllowDuplicates, AllOrNone: p.AllOrNone, UpdateMRU: p.UpdateMRU,
	}}
	for _, k := range p.Keys {
		l.keys = append(l.keys, newKey(p, k))
	}
	l.simple = len(l.keys) == 1 && !l.keys[0].late
	for i, k := range l.keys {
		if f := k.fields[0]; len(k.fields) == 1 && (len(l.keys) == 1 || f.Key() && f.Type != schema.ID) {
			l.target.Key, l.target.Fold, l.target.KeyColumn = f.Name, f.FoldKey, p.Schema.Index(f.Name)
			if f.Key() && f.Type != schema.ID && l.target.KeyColumn >= 0 {
				l.native = i
			}
			break
		}
	}
	l.keys = append(l.keys, idKey(p.Object))
	l.lookups = make([]queue, len(l.keys))
	l.units = make(map[uint16]*unit)
	if opt.Rehearse && !l.find {
		l.imagined, l.required = newImagined(), plan.NewRequired(p)
	}
	l.compare = opt.CompareStored && l.imagined == nil && l.tracks() && p.Operation != mapping.Insert
	if l.find || p.Operation == mapping.Insert && l.keyed() && l.imagined == nil {
		l.known = recall.New[answer](knownBytes)
	}
	l.wants = []*want{newWant(l, p.Schema)}
	if l.imagined == nil {
		l.siblings = newSiblings(p.Parents)
	}
	return l
}

// like returns the first target among lanes that writes the same object of the same org, or nil.
func (l *lane) like(lanes []*lane) *lane {
	for _, of := range lanes {
		if !of.find && of.plan.Object.Name == l.plan.Object.Name && of.plan.Org == l.plan.Org {
			return of
		}
	}
	return nil
}

// keyed reports whether the lane's records are matched by a key.
func (l *lane) keyed() bool { return len(l.keys) > 1 }

// once reports whether a record of the lane whose answer was lost must not be sent again.
func (l *lane) once() bool {
	return !l.keyed() && (l.plan.Operation == mapping.Insert || l.plan.Operation == mapping.Publish)
}

// byID reports whether the key of the lane is the record id itself.
func (l *lane) byID() bool { return len(l.keys) == 2 && l.keys[0].isID() }

// asks reports whether a record of the lane has to be looked up in a run before it is sent.
func (l *lane) asks(it item) bool {
	p := l.plan
	switch {
	case l.find, l.compare, len(p.OnlyIfEmpty) > 0:
		return true
	case l.byID():
		return false
	case p.Lookup:
		return true
	case p.Operation != mapping.Upsert, l.native != 0, len(l.keys) > 2,
		p.Converted != mapping.ConvertedFail, p.OnMany != mapping.ManyFail && !l.keys[0].fields[0].UniqueKey():
		return true
	}
	return p.InsertDefaults && hasInsertDefault(l.batch(it.w), int(it.row))
}

// passes reports whether the id of a record that was written tells the next row of its key all
// that a lookup would.
func (l *lane) passes() bool {
	return l.simple && len(l.plan.OnlyIfEmpty) == 0 && l.plan.Operation != mapping.Delete && l.imagined == nil
}

// mayCreate reports whether the records of the lane can come into being by being sent.
func (l *lane) mayCreate() bool {
	return (l.plan.Operation == mapping.Upsert || l.plan.Operation == mapping.Insert) && l.keyed() && !l.byID()
}

// records are a batch's records of the lane.
func (l *lane) records(w *work) *mapping.Records {
	if n := len(w.mapped.Targets); l.index >= n {
		return &w.mapped.Finds[l.index-n]
	}
	return &w.mapped.Targets[l.index]
}

func (l *lane) batch(w *work) *row.Batch { return l.records(w).Batch }

// item makes the item of a row of a batch.
func (l *lane) item(w *work, r int) item {
	it := item{w: w, index: int32(l.index*w.rows + r), row: int32(r)}
	b := l.batch(w)
	it.size = int32(b.TextSize(r))
	if l.simple {
		it.key, _ = l.hash(it, 0)
	}
	return it
}

// content returns a hash of all that a record sends.
func (l *lane) content(it item) (h uint64) {
	b, r := l.batch(it.w), int(it.row)
	for c := range b.Schema().Columns {
		cell := b.Cell(r, c)
		h = h*0x9E3779B97F4A7C15 ^ row.Hash(cell.Text) ^ uint64(cell.Kind())
	}
	return h
}

func hasInsertDefault(b *row.Batch, r int) bool {
	for c := range b.Schema().Columns {
		if b.Cell(r, c).OnInsert() {
			return true
		}
	}
	return false
}

// create queues an item whose key no record holds.
func (l *lane) create(it item) {
	switch {
	case l.plan.Operation == mapping.Publish:
		it.action = sink.Publish
	case l.native >= 0 && !l.batch(it.w).Cell(int(it.row), l.target.KeyColumn).Blank():
		it.action = sink.Upsert // so that a lost answer can be sent again
	default:
		it.action = sink.Create
	}
	l.send(it)
}

// change queues an item whose id is known.
func (l *lane) change(it item) {
	it.action = sink.Update
	if l.plan.Operation == mapping.Delete {
		it.action = sink.Delete
	}
	l.send(it)
}

// asking reports whether keys wait to be looked up.
func (l *lane) asking() bool {
	return slices.ContainsFunc(l.lookups, func(q queue) bool { return q.len() > 0 })
}

// write appends to dst, which is empty, the items of the next write request: full groups of one
// action first, since each started group costs as much as a full one. Without flush it returns
// none until a request is full.
func (l *lane) write(dst []item, flush bool) []item {
	queues := l.queues()
	if l.upserts.len()+l.creates.len()+l.updates.len() == 0 {
		return dst
	}
	limits := l.Writer.Limits() // a sink may ask for smaller requests for a while
	if limits.InFlight > 0 && l.inflight >= limits.InFlight {
		return dst
	}
	group, groups := limits.Group, limits.Groups
	if group <= 0 || groups <= 0 {
		group, groups = limits.Records, 1
	}
	if n := l.plan.Batch; n > 0 && n < limits.Records {
		limits.Records, group = n, min(group, n)
		groups = (n + group - 1) / group
	}
	full, bytes := 0, 0
	for _, q := range queues {
		full += q.len() / group
		bytes += q.bytes
	}
	if full < groups && !(limits.Bytes > 0 && bytes >= limits.Bytes) && !flush {
		return dst
	}
	l.siblings.gather(l)
	var of [len(queues)]int // groups of each
	left := groups
	for i, q := range queues {
		of[i] = min(q.len()/group, left)
		left -= of[i]
	}
	for ; left > 0; left-- { // what does not fill a group: most of it first
		most, at := 0, 0
		for i, q := range queues {
			if n := q.len() - of[i]*group; n > most {
				most, at = n, i
			}
		}
		if most == 0 {
			break
		}
		of[at]++
	}
	room := limits.Bytes
	if room <= 0 {
		room = 1 << 62
	}
	most := min(limits.Records, groups*group)
	for i, q := range queues {
		dst = q.take(dst, min(of[i]*group, most-len(dst)), &room)
	}
	l.siblings.leave(l, dst)
	return dst
}

// lookup moves to j, which is empty, the items of the next lookup by key k. Without flush it
// takes none until a call is full.
func (l *lane) lookup(j *job, k int, flush bool) {
	q := &l.lookups[k]
	n := q.len()
	if n == 0 || !flush && n < lookupLeast {
		return
	}
	items := q.items[q.head:][:min(n, lookupCall)]
	j.key, j.want = k, l.wantOf(items[0])
	for i, it := range items {
		if l.wantOf(it) != j.want {
			items = items[:i]
			break
		}
	}
	ask := l.ask(items, k, j.want)
	fit := max(1, l.Matcher.LookupKeys(&ask))
	if fit >= n && n < lookupCall && !flush {
		return
	}
	room := 1 << 62
	j.items = q.take(j.items, min(fit, len(items)), &room)
}

// ask is the question for the records that hold the items' keys.
func (l *lane) ask(items []item, k int, w *want) sink.Lookup {
	q := sink.Lookup{Object: l.target.Object, By: l.keys[k].by, Want: w.names, Keys: make([]string, len(items))}
	for i, it := range items {
		q.Keys[i] = l.text(it, k)
	}
	return q
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
