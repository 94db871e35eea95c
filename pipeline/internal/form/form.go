package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/ledger"
	"sfsync/sink"
)

// former fills requests from mapped batches and keeps the account of every record until it is
// decided. One goroutine runs it, so its state needs no locks.
//
// A record whose match key is on its way (queued, in flight, or waiting to be sent again) waits
// behind that key: no request holds a key twice, which Salesforce fails, and the rows of a key
// are written in file order. Keys are compared by hash: two keys that share one merely wait for
// each other. A record that refers to others of its row waits for them too. See [phase].
type former struct {
	opt    *Options
	window *window
	lanes  []*lane
	order  []*lane         // the lanes, those that others wait for first
	keys   map[slot][]item // a key on its way → the items behind it
	ready  queue           // items that nothing holds back any more
	slots  []slot          // for slots
	prints prints

	in      <-chan *work
	jobs    chan<- *job
	done    <-chan *job
	collect chan<- *work
	trouble <-chan error            // from stages behind: send nothing more
	unread  context.CancelCauseFunc // stops the reader
	account *account                // of the first pass, while in the second
	units   *units                  // what an earlier try left under way

	undecided map[int64]*work // batches with open records, by number
	admitted  int64           // batches
	inflight  int             // jobs
	lookups   int             // of them lookups
	blocked   int             // items that wait behind a key or for another record
	again     []item          // items to be sent again when the timer fires
	timer     *time.Timer
	attempt   int // the highest attempt among again

	spare   []*job
	retried int64
	failed  int64
	ended   bool  // no more input will come
	err     error // why nothing more is sent
}

// run works until all input has come and either every record is decided or nothing more is
// to be sent; then it hands the undecided batches over too.
func (f *former) run(ctx context.Context) {
	defer close(f.collect)
	defer close(f.jobs)
	if err := guard(func() error { f.loop(ctx); return nil }); err != nil {
		f.halt(err)
		f.drain()
	}
	for _, w := range f.undecided {
		f.collect <- w
	}
}

func (f *former) loop(ctx context.Context) {
	f.timer = time.NewTimer(time.Hour)
	defer f.timer.Stop()
	stop, cut := f.opt.Stop, ctx.Done()
	for f.advance(); !f.over(); f.advance() {
		f.dispatch()
		if f.stuck() {
			f.halt(fmt.Errorf("%w: %d records wait for each other", ErrPanic, f.blocked))
			continue
		}
		select {
		case w, ok := <-f.in:
			if !ok {
				f.ended, f.in = true, nil
				continue
			}
			f.admit(ctx, w)
		case j := <-f.done:
			f.settle(j)
			f.spare = append(f.spare, j)
		case <-f.timer.C:
			f.sendAgain()
		case <-f.window.starved:
		case err := <-f.trouble:
			f.halt(err)
		case <-stop:
			stop = nil
			f.halt(ErrStopped)
		case <-cut:
			cut = nil
			f.halt(context.Cause(ctx))
		}
	}
}

// advance lets the items go on that nothing holds back any more.
func (f *former) advance() {
	for f.ready.len() > 0 {
		it := f.ready.pop()
		f.step(f.laneOf(it), it)
	}
}

func (f *former) laneOf(it item) *lane { return f.lanes[int(it.index)/it.w.rows] }

// stuck reports whether nothing can happen any more though records are open: a mistake of ours.
func (f *former) stuck() bool {
	return f.ended && f.inflight == 0 && f.err == nil && len(f.again) == 0 && len(f.undecided) > 0
}

// dispatch gives the free workers what is worth sending.
func (f *former) dispatch() {
	for f.inflight < f.opt.Workers && f.err == nil {
		j := f.next()
		if j == nil {
			return
		}
		f.inflight++
		if j.lookup {
			f.lookups++
		} else {
			j.lane.inflight++
		}
		f.jobs <- j // has room for every worker
	}
}

// drain receives what is under way after a failure of the former itself, so that nobody waits
// for it; the records stay as they are known.
func (f *former) drain() {
	for f.inflight > 0 || !f.ended {
		select {
		case w, ok := <-f.in:
			if !ok {
				f.ended, f.in = true, nil
				continue
			}
			f.undecided[w.seq()] = w
			if w.records == nil {
				w.records = make([]record, w.rows*len(f.lanes))
				w.open = len(w.records)
			}
		case j := <-f.done:
			f.inflight--
			for i := range j.verdicts {
				j.items[i].record().state = j.verdicts[i].state
			}
		case err := <-f.trouble:
			f.halt(err)
		}
	}
}

// over reports whether nothing is left that could happen.
func (f *former) over() bool {
	return f.ended && f.inflight == 0 && (f.err != nil || len(f.undecided) == 0)
}

// halt keeps anything more from being read and sent; what is in flight is finished.
// All reasons are kept: the worst decides how the command ends.
func (f *former) halt(err error) {
	if f.err == nil {
		f.unread(err)
	}
	if !errors.Is(f.err, err) {
		f.err = errors.Join(f.err, err)
	}
}

// admit takes a mapped batch in: every record is decided, queued, or waits for what it needs.
func (f *former) admit(ctx context.Context, w *work) {
	f.admitted++
	w.records = make([]record, w.rows*len(f.lanes))
	w.open = len(w.records)
	if f.opt.Rehearse {
		w.changes = make([]change, len(w.records))
	}
	f.undecided[w.seq()] = w
	if w.err != nil {
		f.halt(w.err)
		return
	}
	if w.mapped == nil { // the run was cut off before it could be mapped, or a mapper failed
		f.halt(cmp.Or(context.Cause(ctx), ErrPanic))
		return
	}
	if f.opt.Ledger != nil {
		if w.prior != nil {
			f.opt.Ledger.Adopt(w.prior)
		} else {
			f.opt.Ledger.Begin(w.ledgerBatch(), len(f.opt.Plan.Targets))
		}
	}
	// In this order a record claims its keys behind all that it will wait for, so that no two wait
	// for each other. A find comes last: it is only needed if another record waits for it.
	targets := len(f.opt.Plan.Targets)
	for r := range w.rows {
		for _, l := range f.order {
			if !l.find {
				f.take(l, w, r)
			}
		}
		for _, l := range f.lanes[targets:] {
			f.take(l, w, r)
		}
	}
	if w.rows == 0 {
		f.complete(w)
	}
}

// take begins with one record.
func (f *former) take(l *lane, w *work, r int) {
	recs := l.records(w)
	it := item{w: w, index: int32(l.index*w.rows + r), row: int32(r)}
	if w.prior != nil && !l.find && f.remember(l, it) {
		return
	}
	if f.account != nil && !l.find && w.source.Only(r) != l.plan.Name && !f.account.written(w.first+int64(r), l.index) {
		f.decide(l, it, ledger.Skipped, &ledger.Problem{Code: codeNotWritten, Message: "the record itself was not written"})
		return
	}
	switch fate := recs.Fate(r); fate {
	case mapping.Skip:
		f.decide(l, it, ledger.Skipped, problemOf(recs.Reason(r)))
	case mapping.Fail:
		f.decide(l, it, ledger.Failed, problemOf(recs.Reason(r)))
	default:
		if fate == mapping.Look {
			if why := recs.Reason(r); why.Code != "" { // it has no key to be looked for
				f.decide(l, it, ledger.Skipped, problemOf(why))
				return
			}
		}
		if l.find && !f.needed(l, it) { // whatever would need it is decided
			f.decide(l, it, ledger.Skipped, nil)
			return
		}
		f.enter(l, l.item(w, r))
	}
}

func problemOf(p mapping.Problem) *ledger.Problem {
	return &ledger.Problem{Code: p.Code, Field: p.Field, Message: p.Message}
}

// remember applies what an earlier try at the run knew of a record and reports whether that
// settles it.
func (f *former) remember(l *lane, it item) bool {
	i := int(it.index)
	state := it.w.prior.States[i]
	rec := it.record()
	if state == ledger.Sending {
		switch u, n := f.units.of(it.w.prior, i); {
		case u == nil && it.w.prior.ID(i) == "" && l.resumes(), u != nil && u.never:
			return false // it has not been sent
		case u != nil && (!l.keyed() || !l.asks(it)): // else a lookup tells
			rec.resend, rec.unit = true, n
			return false
		default:
			rec.resend = true
		}
		if l.once() {
			f.decide(l, it, ledger.Unknown, &ledger.Problem{
				Code: "NO_ANSWER", Attempts: 1,
				Message: "the run was cut off while this record was being inserted: it may or may not have been created",
			})
			return true
		}
	}
	if !state.Decided() {
		return false
	}
	rec.id = schema.ID18(it.w.prior.ID(i))
	switch state {
	case ledger.Created, ledger.Updated, ledger.Deleted, ledger.Published:
		rec.attempts = 1 // at least: the ledger does not keep it for those that went well
	}
	var p *ledger.Problem
	if known, ok := it.w.prior.Problems[i]; ok {
		p = &known
		rec.attempts = uint8(min(known.Attempts, 255))
	}
	f.decide(l, it, state, p)
	return true
}

// next forms the next job, or returns nil if none is worth sending yet. If requests that are not
// full have to go, those that others wait for go first.
func (f *former) next() *job {
	for _, flush := range [2]bool{false, true} {
		if flush && !f.flush() {
			return nil
		}
		for _, l := range f.order {
			if j := f.form(l, flush); j != nil {
				return j
			}
		}
	}
	return nil
}

// form forms the next job of a lane.
func (f *former) form(l *lane, flush bool) *job {
	j := f.job(l)
	if f.settled(j, l, flush); len(j.items) > 0 {
		return j
	}
	if j.items = l.write(j.items, flush && f.lookups == 0 && !l.asking()); len(j.items) > 0 {
		return j
	}
	for k := range l.lookups {
		if l.lookup(j, k, flush); len(j.items) > 0 {
			j.lookup = true
			return j
		}
	}
	f.spare = append(f.spare, j)
	return nil
}

// job returns an empty job for a lane, a used one if there is.
func (f *former) job(l *lane) *job {
	j := &job{}
	if n := len(f.spare); n > 0 {
		j, f.spare = f.spare[n-1].reuse(), f.spare[:n-1]
	}
	j.lane = l
	return j
}

// flush reports whether requests that are not full have to go: no more input can come (there is
// none, or the window is full), and nothing in flight could add to them.
func (f *former) flush() bool {
	switch {
	case f.inflight == 0:
		return f.ended || f.window.exhausted(f.admitted)
	case f.ended:
		return f.blocked == 0 && f.lookups == 0 && len(f.again) == 0
	}
	return false // what is in flight will make room
}

// settle applies the answer to a job.
func (f *former) settle(j *job) {
	f.inflight--
	if j.err != nil {
		f.halt(j.err)
	}
	if !j.lookup {
		j.lane.inflight--
		j.lane.cost.Requests++
		var free []item
		if j.unit == nil {
			free = j.lane.siblings.back(j.lane, j.items) // before they are judged, which may give their batches away
		}
		for i, it := range j.items {
			f.judged(j.lane, it, &j.verdicts[i])
		}
		for _, it := range free {
			j.lane.send(it)
		}
		return
	}
	f.lookups--
	if j.err != nil {
		return // they stay pending
	}
	for i, it := range j.items {
		found := j.found[i]
		if j.lane.imagined != nil {
			found = j.lane.imagined.correct(j.lane, it, j.key, j.want, found)
		}
		f.matched(j.lane, it, j.key, j.want, found)
	}
}

// judged applies the answer to one record of a write.
func (f *former) judged(l *lane, it item, v *verdict) {
	rec := it.record()
	rec.unit = 0
	rec.attempts = uint8(min(int(rec.attempts)+1, 255))
	switch {
	case v.again:
		rec.resend = rec.resend || v.resend
		rec.state = v.state
		f.retried++
		f.again = append(f.again, it)
		f.attempt = max(f.attempt, int(rec.attempts)+1)
		if len(f.again) == 1 {
			wait, _ := f.opt.Backoff(f.attempt)
			f.timer.Reset(wait)
		}
	case v.state.Decided():
		if v.id != "" && rec.phase != placed { // placed: by this very id
			rec.id = v.id
		}
		if l.imagined != nil {
			l.imagined.judge(l, it, v)
		} else {
			l.learnWritten(it, v)
		}
		f.finish(l, it, v.state, v.problem)
	default:
		rec.state = v.state // the run stops; the ledger knows
	}
}

// sendAgain queues what waited for its next attempt. What was looked up is looked up again: the
// earlier attempt may have created it.
func (f *former) sendAgain() {
	again := f.again
	f.again, f.attempt = nil, 0
	for _, it := range again {
		l := f.laneOf(it)
		if it.action == sink.Update || it.action == sink.Delete {
			l.send(it)
			continue
		}
		f.route(l, it)
	}
}

// decide closes the account of a record.
func (f *former) decide(l *lane, it item, state ledger.State, p *ledger.Problem) {
	rec := it.record()
	rec.state, rec.problem = state, p
	if !l.find {
		f.opt.Stats.add(state)
		if state == ledger.Failed {
			f.failed++
			if f.opt.StopAfter.Exceeded(f.failed, f.opt.Stats.Read.Load()) {
				f.halt(ErrTooManyFailed)
			}
		}
	}
	f.wake(l, it)
	if it.w.open--; it.w.open == 0 {
		f.complete(it.w)
	}
}

// complete hands a batch on whose records are all decided.
func (f *former) complete(w *work) {
	delete(f.undecided, w.seq())
	f.collect <- w
}
