package form

import (
	"slices"

	"sfsync/mapping"
	"sfsync/pipeline/internal/deliver"
	"sfsync/pipeline/internal/recall"
	"sfsync/pipeline/internal/rehearse"
	"sfsync/pipeline/internal/target"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/lacking"
	"sfsync/pipeline/ledger"
	"sfsync/sink"
)

// lane is the former's state for one target or find of the plan.
type lane struct {
	*target.Target

	dependents []dependent
	known      *recall.Map[answer] // what finds, and inserts by key, learned; else nil
	kin        []*lane             // other targets of the object, with the same match, that remember what they learned
	imagined   *rehearse.Imagined  // in a rehearsal
	required   *lacking.Required   // and what an org would miss
	rounds     *rounds             // of a lane that has rivals; else nil
	late       bool                // it enters a round only once those that it needs are decided
	borrows    *rehearse.Imagined  // and of a find: what targets of its object would have made
	makers     []*lane             // of a find: the targets that may make what was not there for an earlier row
	sent       int64               // records that were decided after they had been sent
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
	column int // the cell that awaits the id; -1: waits to be redirected, or only for its turn
}

// answer is what is known of a key: the id of its one record, that there are several or none, or why
// the org refused to create it with the content that has this hash.
type answer struct {
	id      string
	many    bool
	written int64 // that there is none: what the makers had sent when the org was asked
	refused *ledger.Problem
	content uint64
	// passing: it may have passed once rows of batches behind that number come. Many rows refer to one parent, and none
	// of those that wait behind the first need wait for as long as that one did.
	passing bool
	until   int64
}

// holds reports whether an answer says what would become of a record now.
func (l *lane) holds(a *answer, it work.Item) bool {
	switch {
	case a.refused != nil:
		return a.content == l.Content(it) && (!a.passing || it.Batch.Seq() <= a.until)
	case a.id == "" && !a.many:
		return a.written == l.written()
	}
	return true
}

// written is how many records the targets have sent that may make what a find looks for.
func (l *lane) written() (n int64) {
	for _, of := range l.makers {
		n += of.sent
	}
	return n
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

// Lanes are those of a plan: its targets, then its finds.
type Lanes []*lane

// Cost says what the records of one lane cost.
type Cost struct {
	// Keys is how many match keys were looked up; in a rehearsal those that a run would look up.
	Keys int64
	// Requests is how many write requests were sent; in a rehearsal those that a run would send.
	Requests int64
}

// NewLanes returns the lanes of a plan. In a rehearsal the targets of an object share what is imagined of it;
// before are the lanes of an earlier pass, for what that imagined, or nil.
func NewLanes(opt *Options, before Lanes) Lanes {
	p := opt.Plan
	lanes := make(Lanes, len(p.Targets)+len(p.Finds))
	for i := range lanes {
		l := newLane(i, p.Record(i), opt)
		lanes[i] = l
		if i < len(p.Targets) {
			l.Org = opt.Targets[i]
		}
		if like := l.like(lanes[:i]); like != nil && !l.Find {
			l.Group, l.imagined = like.Group, like.imagined
		} else if like != nil && opt.Rehearse {
			l.borrows = like.imagined
		}
		if like := l.like(before); like != nil && opt.Rehearse {
			if l.Find {
				l.borrows = like.imagined
			} else {
				l.imagined = like.imagined
			}
		}
	}
	if opt.Rehearse && before == nil {
		lanes.seek(opt)
	}
	for _, l := range lanes {
		for _, of := range lanes[:len(p.Targets)] {
			if l.Find && of.writes(l) && (of.Plan.Operation == mapping.Upsert || of.Plan.Operation == mapping.Insert) {
				l.makers = append(l.makers, of)
			}
		}
		for _, of := range l.Plan.After {
			lanes[of].dependents = append(lanes[of].dependents, dependent{l, -1})
		}
	}
	for i, l := range lanes[:len(p.Targets)] {
		for _, of := range lanes[:len(p.Targets)] {
			if of != l && of.Group == l.Group && of.known != nil && of.Simple && l.Simple {
				l.kin = append(l.kin, of)
			}
		}
		for _, n := range l.Plan.Needs {
			of := lanes[n.Record]
			of.dependents = append(of.dependents, dependent{l, n.Column})
			if of.Find && of.Matcher == nil {
				of.Org = opt.Targets[i] // a find asks the org of the records that need it
			}
		}
		if l.Plan.Redirected >= 0 {
			of := lanes[l.Plan.Redirected]
			of.dependents = append(of.dependents, dependent{l, -1})
		}
	}
	return lanes
}

// seek tells what a rehearsal imagines of an object which records finds will look for, also those of a second pass.
func (lanes Lanes) seek(opt *Options) {
	for p := opt.Plan; p != nil; p = p.Second {
		for i := range p.Finds {
			find := newLane(len(p.Targets)+i, &p.Finds[i], opt)
			if like := find.like(lanes); like != nil {
				like.imagined.Seek(&find.Keys[0])
			}
		}
	}
}

// ordered returns the lanes so that those come first that others wait for.
func ordered(lanes Lanes) Lanes {
	order := make(Lanes, 0, len(lanes))
	var visit func(l *lane)
	visit = func(l *lane) {
		if slices.Contains(order, l) {
			return
		}
		for _, n := range l.Plan.Needs { // no cycles: the plan is compiled so
			visit(lanes[n.Record])
		}
		for _, of := range l.Plan.After {
			visit(lanes[of])
		}
		if of := l.Plan.Redirected; of >= 0 {
			visit(lanes[of])
		}
		order = append(order, l)
	}
	for _, l := range lanes {
		visit(l)
	}
	return order
}

// Costs says what the records of each lane cost.
func (lanes Lanes) Costs() []Cost {
	c := make([]Cost, len(lanes))
	for i, l := range lanes {
		c[i] = l.cost
	}
	return c
}

func newLane(index int, p *mapping.PlanTarget, opt *Options) *lane {
	l := &lane{Target: target.New(index, p, opt.Rehearse, opt.CompareStored)}
	l.lookups = make([]queue, len(l.Keys))
	l.units = make(map[uint16]*unit)
	if opt.Rehearse && !l.Find {
		l.imagined, l.required = rehearse.New(), lacking.NewRequired(p)
	}
	if l.Find || p.Operation == mapping.Insert && l.Keyed() && l.imagined == nil {
		l.known = recall.New[answer](knownBytes)
	}
	if l.imagined == nil {
		l.siblings = newSiblings(p.Parents)
	}
	return l
}

// like returns the first target among lanes that writes the same object of the same org, or nil.
func (l *lane) like(lanes Lanes) *lane {
	for _, of := range lanes {
		if of.writes(l) {
			return of
		}
	}
	return nil
}

// writes reports whether the lane is a target that writes the object of another one, in the same org.
func (l *lane) writes(of *lane) bool {
	return !l.Find && l.Plan.Object.Name == of.Plan.Object.Name && l.Plan.Org == of.Plan.Org
}

// create queues an item whose key no record holds.
func (l *lane) create(it work.Item) {
	switch {
	case l.Plan.Operation == mapping.Publish:
		it.Action = sink.Publish
	case l.Native >= 0 && !l.Cells(it.Batch).Cell(int(it.Row), l.Sink.KeyColumn).Blank():
		it.Action = sink.Upsert // so that a lost answer can be sent again
	default:
		it.Action = sink.Create
	}
	l.send(it)
}

// change queues an item whose id is known.
func (l *lane) change(it work.Item) {
	it.Action = sink.Update
	if l.Plan.Operation == mapping.Delete {
		it.Action = sink.Delete
	}
	l.send(it)
}

// asking reports whether keys wait to be looked up.
func (l *lane) asking() bool {
	return slices.ContainsFunc(l.lookups, func(q queue) bool { return q.len() > 0 })
}

// write appends to dst, which is empty, the items of the next write request: full groups of one
// action first, since each started group costs as much as a full one. Without flush it returns
// none until a request is full. Small, if it is not 0, is the most records in a group.
func (l *lane) write(dst []work.Item, flush bool, small int) []work.Item {
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
	if n := l.Plan.Batch; n > 0 && n < limits.Records {
		limits.Records, group = n, min(group, n)
		groups = (n + group - 1) / group
	}
	if small > 0 && limits.Group > 0 {
		group = min(group, small)
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
func (l *lane) lookup(j *deliver.Job, k int, flush bool) {
	q := &l.lookups[k]
	n := q.len()
	if n == 0 || !flush && n < lookupLeast {
		return
	}
	items := q.items[q.head:][:min(n, lookupCall)]
	j.Key, j.Want = k, l.WantOf(items[0])
	for i, it := range items {
		if l.WantOf(it) != j.Want {
			items = items[:i]
			break
		}
	}
	ask := l.Ask(items, k, j.Want)
	fit := max(1, l.Matcher.LookupKeys(&ask))
	if fit >= n && n < lookupCall && !flush {
		return
	}
	room := 1 << 62
	j.Items = q.take(j.Items, min(fit, len(items)), &room)
}
