package salesforce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/lookup"
	"sfsync/sink/salesforce/once"
	"sfsync/sink/salesforce/recent"
	"sfsync/sink/salesforce/wire"
)

// shape is how many records travel together: groups of so many, and so many groups a call.
// One call holds at most five collections of 200 records (REST API guide, "Composite").
type shape struct{ group, groups int }

const (
	fullGroup  = 200
	fullGroups = 5
	// fanOut is into how many parts a refused group is split: as many as one call holds.
	fanOut = fullGroups
	// growAfter is how many calls in a row must succeed before a larger shape is tried again.
	growAfter = 32
	// maxText is the text a request may hold. A record has a few hundred bytes as a rule; the
	// bound keeps requests of long texts from growing into hundreds of megabytes.
	maxText = 5 << 20
	// maxBody is the size from which a call takes no further group.
	maxBody = 8 << 20
)

// shapes are what a Writer shrinks through where requests prove too heavy for the org.
func shapes() [3]shape {
	return [3]shape{{fullGroup, fullGroups}, {fullGroup, 1}, {50, 1}}
}

// Writer delivers records to an org in composite requests. It is a [sink.Writer] and a
// [sink.Matcher], safe for concurrent use, and does not outlive its [Client].
//
// An Upsert goes to the org's own upsert by the target's key; by the key Id it is an Update. A
// Delete goes by id, into the recycle bin; a Publish creates the event.
// Collections have no way to forbid creation, so an Upsert for a target that is UpdateOnly is
// refused with a Config error: the caller looks such records up and sends Updates. Cells that
// count only on creation are left out of Updates only, for the same reason.
//
// A record whose answer was lost is sent again if it has an id or a key; whether a record
// then reported as updated had been created by the lost try is found out by its creation date
// and creator, and one to be deleted that is not there counts as deleted. Of a Create or Publish
// whose answer was lost the outcome is Unknown.
type Writer struct {
	c       *Client
	layouts wire.Layouts
	level   atomic.Int32 // index into shapes
	good    atomic.Int32 // calls since the last change of level
	uriRoom atomic.Int32 // bytes of a lookup's query; shrinks where the org takes less
	objects sync.Map     // of lower-case names to *lookup.Object
	jobs    sync.Pool
	single  once.Gate // for creates and events
}

var (
	_ sink.Writer  = (*Writer)(nil)
	_ sink.Matcher = (*Writer)(nil)
)

// Writer returns a new Writer on the session.
func (c *Client) Writer() *Writer {
	w := &Writer{c: c}
	w.jobs.New = func() any { return new(job) }
	w.uriRoom.Store(queryRoom)
	return w
}

// Limits implements [sink.Writer]. They shrink while the org finds requests too heavy; a
// request that was formed under larger limits is still taken.
func (w *Writer) Limits() sink.Limits {
	s := w.shape()
	return sink.Limits{Records: s.group * s.groups, Bytes: maxText, Group: s.group, Groups: s.groups}
}

func (w *Writer) shape() shape { return shapes()[w.level.Load()] }

// shrink goes one shape down from level, unless another call has done so already. It reports
// false if there is no smaller one.
func (w *Writer) shrink(level int32) bool {
	sizes := shapes()
	if int(level) >= len(sizes)-1 {
		return false
	}
	if w.level.CompareAndSwap(level, level+1) {
		w.good.Store(0)
		w.c.log.Warn("requests are too heavy for the org: smaller ones from now on", "records", sizes[level+1])
	}
	return true
}

// grow goes one shape up after a while of success.
func (w *Writer) grow() {
	if l := w.level.Load(); l > 0 && w.good.Add(1) >= growAfter && w.level.CompareAndSwap(l, l-1) {
		w.good.Store(0)
	}
}

// part is a run of records of one action that travels as one collection.
type part struct {
	lo, hi int // in job.order
	act    sink.Action
	tries  int
	lost   *sink.Error // the last try had no answer
	bisect bool        // in parts because of a refusal that may be any record's fault
	direct bool        // must not travel in a composite call
	// probe: the part is a single record that stands for those up to here, which were refused
	// with cause as a whole; 0 for none.
	probe int
	cause *sink.Error
}

// job is one Write under way. Jobs are pooled.
type job struct {
	w       *Writer
	req     *sink.Request
	results []sink.Result
	order   []int // indices of records, by action
	queue   []part
	batch   []part // the parts of the call under way
	subs    []wire.SubAnswer
	body    []byte
	ids     []byte
	spans   []idSpan
	ask     []int // records of which it must be asked whether they were created
	schema  *row.Schema
	columns *wire.Layout // of schema

	start    time.Time // by the org's clock
	known    recent.Known
	wait     time.Duration
	stop     error
	hopeless int         // records that no value could have saved
	unheard  *sink.Error // the answer to creates or events was lost in this round
}

type idSpan struct{ record, off, end int }

// Write implements [sink.Writer].
func (w *Writer) Write(ctx context.Context, req *sink.Request, results []sink.Result) error {
	if len(results) != len(req.Records) {
		return catalog.New(sink.Config, catalog.CodeSetup, fmt.Sprintf("%d results for %d records", len(results), len(req.Records)))
	}
	j := w.jobs.Get().(*job) //nolint:forcetypeassert // the pool holds nothing else
	j.begin(w, req, results)
	defer j.end()
	j.arrange()
	for len(j.queue) > 0 && j.stop == nil {
		if err := j.pause(ctx); err != nil {
			j.stop = err
			break
		}
		j.round(ctx)
	}
	for _, p := range j.queue {
		j.abandon(p)
	}
	if len(j.ask) > 0 {
		j.askCreated(ctx)
	}
	if j.stop == nil && j.hopeless > 1 && j.hopeless == len(req.Records) {
		e := *results[0].Err
		e.Class = sink.Config
		j.stop = &e
	}
	if j.stop != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return j.stop
}

func (j *job) begin(w *Writer, req *sink.Request, results []sink.Result) {
	*j = job{
		w: w, req: req, results: results, start: w.c.orgTime(w.c.now()), known: w.c.recent.Known(),
		order: j.order[:0], queue: j.queue[:0], batch: j.batch[:0], subs: j.subs[:0], body: j.body[:0],
		ids: j.ids[:0], spans: j.spans[:0], ask: j.ask[:0],
	}
	clear(results)
}

func (j *job) end() {
	if cap(j.body) > maxBody {
		j.body = nil
	}
	w := j.w
	clear(j.queue[:cap(j.queue)])
	clear(j.batch[:cap(j.batch)])
	clear(j.subs[:cap(j.subs)])
	j.w, j.req, j.results, j.stop, j.known, j.schema, j.columns = nil, nil, nil, nil, recent.Known{}, nil, nil
	w.jobs.Put(j)
}

// arrange puts the records in order by action and queues them in groups. What cannot be sent
// gets its result here.
func (j *job) arrange() {
	t := j.req.Target
	if t.UpdateOnly && !isID(t.Key) {
		for i := range j.req.Records {
			if j.req.Records[i].Action == sink.Upsert {
				j.stop = catalog.New(sink.Config, catalog.CodeNoLookup, "an upsert by "+t.Key+" cannot be kept from creating records: look them up and update them")
				break
			}
		}
	}
	for _, act := range [...]sink.Action{sink.Delete, sink.Update, sink.Create, sink.Upsert, sink.Publish} {
		lo := len(j.order)
		for i := range j.req.Records {
			if j.action(i) == act && j.sendable(i, act) {
				j.order = append(j.order, i)
			}
		}
		if len(j.order) > lo {
			j.queue = append(j.queue, part{lo: lo, hi: len(j.order), act: act})
		}
	}
	slices.Reverse(j.queue) // parts are taken from the end
}

func isID(key string) bool { return len(key) == 2 && key[0]|0x20 == 'i' && key[1]|0x20 == 'd' }

func (j *job) action(i int) sink.Action {
	if act := j.req.Records[i].Action; act != sink.Upsert || !isID(j.req.Target.Key) {
		return act
	}
	return sink.Update
}

// sendable checks what a record needs for its action.
func (j *job) sendable(i int, act sink.Action) bool {
	r, t := &j.req.Records[i], j.req.Target
	switch act {
	case sink.Update, sink.Delete:
		id := j.layout(r.Batch.Schema()).ID(r)
		j.results[i].ID = r.ID
		if id == "" {
			j.fail(i, catalog.New(sink.Permanent, catalog.CodeNoID, "the "+act.String()+" has no record id"))
			return false
		}
		if act == sink.Delete && !lookup.WellFormedID(id) {
			// It would stand in a URL, and what that does to its neighbours is not documented.
			j.fail(i, &sink.Error{Code: "MALFORMED_ID", Message: "malformed id " + wire.Clip(id, 100), Fields: []string{"Id"}})
			return false
		}
	case sink.Upsert:
		if t.KeyColumn >= 0 {
			// The org says the same of it; asking costs a place in a request.
			if c := r.Batch.Cell(r.Row, t.KeyColumn); c.Blank() {
				j.fail(i, &sink.Error{Code: "MISSING_ARGUMENT", Message: t.Key + " not specified", Fields: []string{t.Key}})
				return false
			}
		}
	}
	return true
}

// layout returns the layout of a schema; records that follow each other share one as a rule.
func (j *job) layout(s *row.Schema) *wire.Layout {
	if s != j.schema {
		j.schema, j.columns = s, j.w.layouts.Get(j.w.c.prefix, j.req.Target, s)
	}
	return j.columns
}

// pause waits if the last round asked for it, and says why there must be no further one.
func (j *job) pause(ctx context.Context) error {
	if j.wait > 0 {
		d := j.wait
		j.wait = 0
		if err := j.w.c.sleep(ctx, d); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// round sends the next parts as one call and settles what the answer says of them.
func (j *job) round(ctx context.Context) {
	level := j.w.level.Load()
	s := shapes()[level]
	if most := j.req.Group; most > 0 {
		s.group = min(s.group, most)
	}
	j.take(s)
	if len(j.batch) == 0 {
		return
	}
	k := call{method: http.MethodPost, path: j.w.c.prefix + "/composite", body: j.body}
	direct := j.batch[0].direct
	if direct {
		p := j.batch[0]
		l := j.layout(j.req.Records[j.order[p.lo]].Batch.Schema())
		k.method, k.path = l.Endpoint(p.act)
		k.headers = l.Headers()
	}
	for _, p := range j.batch {
		k.tries = max(k.tries, p.tries)
	}
	pass, ok := j.pass(ctx)
	if !ok {
		return
	}
	ans, e := j.w.c.exchange(ctx, &k)
	defer func() { j.passed(pass, e) }()
	if e != nil {
		for i := range j.batch {
			j.batch[i].tries = k.tries
		}
		j.refused(ctx, e, level)
		return
	}
	defer ans.free()
	j.subs = append(j.subs[:0], make([]wire.SubAnswer, len(j.batch))...)
	if direct {
		j.subs[0] = wire.SubAnswer{Body: ans.body.Bytes(), Status: ans.status}
	} else {
		wire.ParseComposite(ans.body.Bytes(), j.subs)
	}
	calm := true
	for i, p := range j.batch {
		calm = j.settle(ctx, p, j.subs[i], level) && calm
	}
	if calm {
		j.w.grow()
	}
}

// take moves parts from the queue into a request: body and batch.
func (j *job) take(s shape) {
	j.batch = j.batch[:0]
	j.body = append(j.body[:0], wire.CompositeOpen...)
	for len(j.queue) > 0 && len(j.batch) < s.groups && len(j.body) < maxBody {
		last := len(j.queue) - 1
		p := j.queue[last]
		if p.direct && len(j.batch) > 0 {
			break
		}
		j.queue = j.queue[:last]
		if p.hi-p.lo > s.group {
			rest := p
			p.hi = p.lo + s.group
			rest.lo = p.hi
			j.queue = append(j.queue, rest)
		}
		if p.direct {
			j.body = append(j.body[:0], j.layout(j.req.Records[j.order[p.lo]].Batch.Schema()).DirectOpen()...)
			if j.encode(&p) {
				j.body = append(j.body, wire.DirectClose...)
				j.batch = append(j.batch, p)
			}
			return
		}
		before := len(j.body)
		if len(j.batch) > 0 {
			j.body = append(j.body, ',')
		}
		r := &j.req.Records[j.order[p.lo]]
		j.body = j.layout(r.Batch.Schema()).AppendSub(j.body, p.act, len(j.batch))
		if j.encode(&p) {
			j.body = wire.AppendClose(j.body, p.act, len(j.batch))
			j.batch = append(j.batch, p)
		} else {
			j.body = j.body[:before]
		}
	}
	j.body = append(j.body, wire.CompositeClose...)
}

// encode appends the records of a part. Records that cannot be encoded fail and leave the
// part, and those that must not be in a composite call become a part of their own, with AllOrNone together with the
// others; encode reports whether any are left.
func (j *job) encode(p *part) bool {
	keep, direct := p.lo, false
	for k := p.lo; k < p.hi; k++ {
		i := j.order[k]
		r := &j.req.Records[i]
		schema := r.Batch.Schema()
		if e := j.results[i].Err; p.direct && e != nil && e.Code == catalog.CodeValue {
			continue // it left its part together with those that became this one
		}
		mark := len(j.body)
		if keep > p.lo {
			j.body = append(j.body, ',')
		}
		var column int
		var why string
		if j.body, column, why = j.layout(schema).AppendRecord(j.body, r, p.act); why != "" {
			j.body = j.body[:mark]
			j.fail(i, &sink.Error{Code: catalog.CodeValue, Message: why, Fields: []string{schema.Columns[column].Name}})
			continue
		}
		if !p.direct && bytes.Contains(j.body[mark:], []byte(wire.Reference)) {
			j.body = j.body[:mark]
			direct = true
			continue
		}
		j.order[k], j.order[keep] = j.order[keep], i
		keep++
	}
	if direct {
		if j.req.Target.Options.AllOrNone {
			keep = p.lo // they share one fate
		}
		q := *p
		q.lo, q.direct = keep, true
		j.queue = slices.Insert(j.queue, 0, q) // behind the rest, which can share calls
	}
	p.hi = keep
	return p.hi > p.lo
}

func (j *job) fail(i int, e *sink.Error) {
	j.results[i].Status, j.results[i].Err = sink.Failed, e
}

// failAll gives the records of a part up to hi the same error. It does not forget that an earlier try may have written them.
func (j *job) failAll(p part, hi int, e *sink.Error) {
	if p.lost != nil {
		c := *e
		c.Lost = true
		e = &c
	}
	for _, i := range j.order[p.lo:hi] {
		j.fail(i, e)
	}
}

// unknown gives up on a part whose answer was lost.
func (j *job) unknown(p part, e *sink.Error) {
	for _, i := range j.order[p.lo:p.hi] {
		j.results[i].Status, j.results[i].Err = sink.Unknown, e
	}
}

// abandon gives the records of a part that will not be sent (again) their result.
func (j *job) abandon(p part) {
	if p.lost != nil {
		j.unknown(p, p.lost)
		p.lo = p.hi
	}
	e := (*sink.Error)(nil)
	if !errors.As(j.stop, &e) {
		e = catalog.New(sink.Network, catalog.CodeCancelled, "the run ended before the record was sent")
	}
	for _, i := range j.order[p.lo:max(p.hi, p.probe)] {
		j.results[i].Status, j.results[i].Err = sink.NotSent, e
	}
}
