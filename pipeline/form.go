package pipeline

import (
	"cmp"
	"context"
	"errors"
	"time"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// former fills requests from mapped batches and keeps the account of every record until it is
// decided. One goroutine runs it, so its state needs no locks.
//
// A record whose match key is on its way (queued, in flight, or waiting to be sent again) waits
// behind that key: no request holds a key twice, which Salesforce fails, and the rows of a key
// are written in file order. Keys are compared by hash: two keys that share one merely wait for
// each other.
type former struct {
	opt    *Options
	window *window
	lanes  []*lane
	keys   map[slot][]item // a key on its way → the items behind it

	in      <-chan *work
	jobs    chan<- *job
	done    <-chan *job
	collect chan<- *work
	trouble <-chan error            // from stages behind: send nothing more
	unread  context.CancelCauseFunc // stops the reader

	undecided map[int64]*work // batches with open records, by number
	admitted  int64           // batches
	inflight  int             // jobs
	lookups   int             // of them lookups
	behind    int             // items waiting behind a key
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
	for !f.over() {
		f.dispatch()
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

// admit takes a mapped batch in: every record is decided, queued, or waits behind its key.
func (f *former) admit(ctx context.Context, w *work) {
	f.admitted++
	w.records = make([]record, w.rows*len(f.lanes))
	w.open = len(w.records)
	f.undecided[w.seq()] = w
	if w.mapped == nil { // the run was cut off before it could be mapped, or a mapper failed
		f.halt(cmp.Or(context.Cause(ctx), ErrPanic))
		return
	}
	if f.opt.Ledger != nil {
		if w.prior != nil {
			f.opt.Ledger.Adopt(w.prior)
		} else {
			f.opt.Ledger.Begin(w.ledgerBatch(), len(f.lanes))
		}
	}
	for t, l := range f.lanes {
		recs := &w.mapped.Targets[t]
		for r := range w.rows {
			it := item{w: w, index: int32(t*w.rows + r), row: int32(r)}
			if w.prior != nil && f.remember(l, it) {
				continue
			}
			switch recs.Fate(r) {
			case mapping.Send:
				it.size = int32(recs.Batch.TextSize(r))
				f.enter(l, it)
			case mapping.Skip:
				f.decide(it, ledger.Skipped, problemOf(recs.Reason(r)))
			case mapping.Fail:
				f.decide(it, ledger.Failed, problemOf(recs.Reason(r)))
			}
		}
	}
	if w.rows == 0 {
		f.complete(w)
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
		rec.resend = true
		if l.insertOnly() {
			f.decide(it, ledger.Unknown, &ledger.Problem{
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
	if state == ledger.Created || state == ledger.Updated {
		rec.attempts = 1 // at least: the ledger does not keep it for those that went well
	}
	var p *ledger.Problem
	if known, ok := it.w.prior.Problems[i]; ok {
		p = &known
		rec.attempts = uint8(min(known.Attempts, 255))
	}
	f.decide(it, state, p)
	return true
}

// enter queues an item, or puts it behind its key.
func (f *former) enter(l *lane, it item) {
	if l.plan.FoldColumn < 0 {
		l.route(it)
		return
	}
	it.key = row.Hash(l.foldedKey(it))
	s := slot{l.index, it.key}
	if waiting, busy := f.keys[s]; busy {
		f.keys[s] = append(waiting, it)
		f.behind++
		return
	}
	f.keys[s] = nil
	l.route(it)
}

// release lets the next item of a key go. The id is that of the record that holds the key, if
// known: the next row of a key that was looked up need not be looked up again.
func (f *former) release(l *lane, it item, id string) {
	if l.plan.FoldColumn < 0 {
		return
	}
	s := slot{l.index, it.key}
	waiting := f.keys[s]
	if len(waiting) == 0 {
		delete(f.keys, s)
		return
	}
	next := waiting[0]
	f.keys[s] = waiting[1:]
	f.behind--
	if id != "" && (l.plan.Lookup || l.plan.InsertDefaults) && l.foldedKey(next) == l.foldedKey(it) {
		next.record().id = id
	}
	l.route(next)
}

// next forms the next job, or returns nil if none is worth sending yet.
func (f *former) next() *job {
	for _, flush := range [2]bool{false, true} {
		if flush && !f.flush() {
			return nil
		}
		for _, l := range f.lanes {
			j := f.job(l)
			if j.items = l.write(j.items, flush && f.lookups == 0 && l.lookups.len() == 0); len(j.items) > 0 {
				return j
			}
			if j.items = l.lookup(j.items, flush); len(j.items) > 0 {
				j.lookup = true
				return j
			}
			f.spare = append(f.spare, j)
		}
	}
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
		return f.behind == 0 && f.lookups == 0 && len(f.again) == 0
	}
	return false // what is in flight will make room
}

// settle applies the answer to a job.
func (f *former) settle(j *job) {
	f.inflight--
	if j.err != nil {
		f.halt(j.err)
	}
	if j.lookup {
		f.lookups--
		if j.err == nil {
			for i, it := range j.items {
				f.matched(j.lane, it, j.found[i])
			}
		}
		return // otherwise they stay pending
	}
	for i, it := range j.items {
		f.judged(j.lane, it, &j.verdicts[i])
	}
}

// matched applies the answer to a lookup.
func (f *former) matched(l *lane, it item, found []sink.Match) {
	refuse := func(code, message string) {
		f.release(l, it, "")
		f.decide(it, ledger.Failed, &ledger.Problem{Code: code, Field: l.target.Key, Message: message, Attempts: int(it.record().attempts)})
	}
	switch {
	case len(found) > 1:
		refuse("DUPLICATE_EXTERNAL_ID", "more than one record holds this "+l.target.Key)
	case len(found) == 1 && found[0].Converted:
		refuse("CANNOT_UPDATE_CONVERTED_LEAD", "the lead with this "+l.target.Key+" has been converted")
	case len(found) == 1:
		it.record().id = found[0].ID
		it.action = sink.Update
		l.updates.push(it)
	case l.plan.Operation == mapping.Update:
		refuse("NOT_FOUND", "no record holds this "+l.target.Key)
	default:
		l.absent(it)
	}
}

// judged applies the answer to one record of a write.
func (f *former) judged(l *lane, it item, v *verdict) {
	rec := it.record()
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
		if v.id != "" {
			rec.id = v.id
		}
		f.release(l, it, rec.id)
		f.decide(it, v.state, v.problem) // last: it may give the batch away
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
		l := f.lanes[int(it.index)/it.w.rows]
		if it.action != sink.Update {
			l.route(it)
			continue
		}
		l.updates.push(it)
	}
}

// decide closes the account of a record.
func (f *former) decide(it item, state ledger.State, p *ledger.Problem) {
	rec := it.record()
	rec.state, rec.problem = state, p
	f.opt.Stats.add(state)
	if state == ledger.Failed {
		f.failed++
		if f.opt.StopAfter.Exceeded(f.failed, f.opt.Stats.Read.Load()) {
			f.halt(ErrTooManyFailed)
		}
	}
	if it.w.open--; it.w.open == 0 {
		f.complete(it.w)
	}
}

// complete hands a batch on whose records are all decided.
func (f *former) complete(w *work) {
	delete(f.undecided, w.seq())
	f.collect <- w
}
