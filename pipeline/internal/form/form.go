// Package form makes requests of mapped records: it keeps the rows of a key in order, finds out what the org has,
// fills requests to the limits of the API and accounts for every answer.
package form

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"sfsync/mapping"
	"sfsync/pipeline/internal/deliver"
	"sfsync/pipeline/internal/intake"
	"sfsync/pipeline/internal/lately"
	"sfsync/pipeline/internal/target"
	"sfsync/pipeline/internal/turns"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/ledger"
)

// Former fills requests from mapped batches and keeps the account of every record until it is
// decided. One goroutine runs it, so its state needs no locks.
//
// A record whose match key is on its way (queued, in flight, or waiting to be sent again) waits
// behind that key: no request holds a key twice, which Salesforce fails, and the rows of a key
// are written in file order. Keys are compared by hash: two keys that share one merely wait for
// each other. A record that refers to others of its row waits for them too. See the phases in claim.go.
type Former struct {
	Ends

	opt    *Options
	window *intake.Window
	lanes  Lanes
	order  Lanes                    // the lanes, those that others wait for first
	rounds []*rounds                // of the objects whose targets are rivals
	keys   []turns.Table[work.Item] // by the group of their slots: keys on their way, and the items behind them
	ready  queue                    // items that nothing holds back any more
	slots  []target.Slot            // for slots
	prints target.Prints
	units  *units // what an earlier try left under way

	undecided map[int64]*work.Batch // batches with open records, by number
	admitted  int64                 // batches
	newest    int64                 // the number of the last one
	inflight  int                   // jobs
	lookups   int                   // of them lookups
	blocked   int                   // items that wait behind a key or for another record
	again     []work.Item           // items to be sent again when the timer fires
	timer     *time.Timer
	attempt   int // the highest attempt among again
	last      last
	lately    lately.Writes
	since     int64 // how many records were written before the lookup whose answer is at hand
	written   int64 // and how many had been sent by those that make what it looked for

	spare  []*deliver.Job
	failed int64
	ended  bool // no more input will come

	// What the stage found out; to be read after it has ended.
	Retried int64 // records that were sent again on their own
	Late    int64 // those that came to the last pass
	Err     error // why nothing more is sent
}

// New returns a former for the lanes. It waits for what an earlier try at the run left under way at the orgs.
func New(ctx context.Context, opt *Options, lanes Lanes, window *intake.Window, ends Ends) (*Former, error) {
	left, err := takeUp(ctx, opt)
	if err != nil {
		return nil, err
	}
	rivals := newRounds(lanes)
	for _, l := range lanes {
		if l.rounds != nil && len(l.rounds.own[l.Index]) > 0 && l.Matcher == nil {
			return nil, fmt.Errorf("target %s has rivals, and nothing to look its records up with", l.Plan.Name)
		}
		if err := l.Follow(opt.Peers); err != nil {
			return nil, err
		}
	}
	return &Former{
		Ends: ends, opt: opt, window: window, lanes: lanes, order: ordered(lanes), rounds: rivals, units: left,
		keys: make([]turns.Table[work.Item], len(lanes)), undecided: make(map[int64]*work.Batch), failed: opt.Stats.Failed.Load(),
	}, nil
}

// Run works until all input has come and either every record is decided or nothing more is
// to be sent; then it hands the undecided batches over too.
func (f *Former) Run(ctx context.Context) {
	defer close(f.Decided)
	defer close(f.Jobs)
	if err := work.Guard(func() error { f.loop(ctx); return nil }); err != nil {
		f.halt(err)
		f.drain()
	}
	for _, w := range f.undecided {
		f.Decided <- w
	}
}

func (f *Former) loop(ctx context.Context) {
	f.timer = time.NewTimer(time.Hour)
	defer f.timer.Stop()
	f.last.timer = time.NewTimer(time.Hour)
	defer f.last.timer.Stop()
	stop, cut := f.opt.Stop, ctx.Done()
	if f.units.err != nil {
		f.halt(f.units.err) // what is known of the rows still comes into the account
	}
	for f.advance(); !f.over(); f.advance() {
		if f.dispatch(); f.over() {
			continue // a round may have decided all that was left
		}
		if f.stuck() {
			f.halt(fmt.Errorf("%w: %d records wait for each other", work.ErrPanic, f.blocked))
			continue
		}
		select {
		case w, ok := <-f.In:
			if !ok {
				f.ended, f.In = true, nil
				continue
			}
			f.admit(ctx, w)
		case j := <-f.Answers:
			f.settle(j)
			f.spare = append(f.spare, j)
		case <-f.timer.C:
			f.sendAgain()
		case <-f.last.timer.C:
			f.round()
		case <-f.window.Starved:
		case err := <-f.Trouble:
			f.halt(err)
		case <-stop:
			stop = nil
			f.halt(work.ErrStopped)
		case <-cut:
			cut = nil
			f.halt(context.Cause(ctx))
		}
	}
}

// advance lets the items go on that nothing holds back any more.
func (f *Former) advance() {
	for f.ready.len() > 0 {
		it := f.ready.pop()
		f.step(f.laneOf(it), it)
	}
}

func (f *Former) laneOf(it work.Item) *lane { return f.lanes[int(it.Index)/it.Batch.Rows] }

// stuck reports whether nothing can happen any more though records are open: a mistake of ours.
func (f *Former) stuck() bool {
	return f.ended && f.inflight == 0 && f.Err == nil && len(f.again)+len(f.last.waiting) == 0 && len(f.undecided) > 0
}

// dispatch hands on what is worth sending, also what leaves only when an answer has come. In a round of the last pass
// one request at a time is.
func (f *Former) dispatch() {
	defer f.rest()
	for f.Err == nil && f.inflight < cap(f.Jobs) && (f.last.open == 0 || f.inflight == 0) {
		j := f.next()
		if j == nil && f.begin() {
			f.advance()
			continue
		}
		if j == nil {
			return
		}
		f.inflight++
		if j.Lookup {
			f.lookups++
			j.Since, j.Written = f.lately.Count(), f.lanes[j.Target.Index].written()
		} else {
			f.lanes[j.Target.Index].inflight++
		}
		f.Jobs <- j
	}
}

// drain receives what is under way after a failure of the former itself, so that nobody waits
// for it; the records stay as they are known.
func (f *Former) drain() {
	for f.inflight > 0 || !f.ended {
		select {
		case w, ok := <-f.In:
			if !ok {
				f.ended, f.In = true, nil
				continue
			}
			f.undecided[w.Seq()] = w
			if w.Records == nil {
				w.Records = make([]work.Record, w.Rows*len(f.lanes))
				w.Open = len(w.Records)
			}
		case j := <-f.Answers:
			f.inflight--
			if j.Unsent {
				continue
			}
			for i := range j.Verdicts {
				j.Items[i].Record().State = j.Verdicts[i].State
			}
		case err := <-f.Trouble:
			f.halt(err)
		}
	}
}

// over reports whether nothing is left that could happen.
func (f *Former) over() bool {
	return f.ended && f.inflight == 0 && (f.Err != nil || len(f.undecided) == 0)
}

// halt keeps anything more from being read and sent; what is in flight is finished.
// All reasons are kept: the worst decides how the command ends.
func (f *Former) halt(err error) {
	if f.Err == nil {
		f.Unread(err)
		f.Outlet.Close()
	}
	if !errors.Is(f.Err, err) {
		f.Err = errors.Join(f.Err, err)
	}
}

// admit takes a mapped batch in: every record is decided, queued, or waits for what it needs.
func (f *Former) admit(ctx context.Context, w *work.Batch) {
	f.admitted++
	f.newest = w.Seq()
	w.Records = make([]work.Record, w.Rows*len(f.lanes))
	w.Open = len(w.Records)
	if f.opt.Rehearse {
		w.Changes = make([]work.Change, len(w.Records))
	}
	f.undecided[w.Seq()] = w
	if w.Err != nil {
		f.halt(w.Err)
		return
	}
	if w.Mapped == nil { // the run was cut off before it could be mapped, or a mapper failed
		f.halt(cmp.Or(context.Cause(ctx), work.ErrPanic))
		return
	}
	if f.opt.Ledger != nil {
		if w.Prior != nil {
			f.opt.Ledger.Adopt(w.Prior)
		} else {
			f.opt.Ledger.Begin(w.Ledger(), len(f.opt.Plan.Targets))
		}
	}
	// In this order a record claims its keys behind all that it will wait for, so that no two wait
	// for each other. A find comes last: it is only needed if another record waits for it.
	targets := len(f.opt.Plan.Targets)
	for r := range w.Rows {
		for _, l := range f.order {
			if !l.Find {
				f.take(l, w, r)
			}
		}
		for _, l := range f.lanes[targets:] {
			f.take(l, w, r)
		}
	}
	if w.Rows == 0 {
		f.complete(w)
	}
}

// take begins with one record.
func (f *Former) take(l *lane, w *work.Batch, r int) {
	recs := l.Records(w)
	it := work.Item{Batch: w, Index: int32(l.Index*w.Rows + r), Row: int32(r)}
	if w.Prior != nil && !l.Find && f.remember(l, it) {
		return
	}
	if f.Written != nil && !l.Find && w.Source.Only(r) != l.Plan.Name && !f.Written(w.First+int64(r), l.Index) {
		f.decide(l, it, ledger.Skipped, &ledger.Problem{Code: work.CodeNotWritten, Message: "the record itself was not written"})
		return
	}
	switch fate := recs.Fate(r); fate {
	case mapping.Skip:
		f.decide(l, it, ledger.Skipped, problemOf(recs.Reason(r)))
	case mapping.Fail:
		f.decide(l, it, ledger.Failed, problemOf(recs.Reason(r)))
	default:
		if fate == mapping.Look {
			if recs.Reason(r).Code != "" { // it cannot be looked for, which is what fails the record that refers to it
				f.decide(l, it, ledger.Skipped, onlyLooked(it))
				return
			}
		}
		if l.Find && !f.needed(l, it) { // whatever would need it is decided
			f.decide(l, it, ledger.Skipped, nil)
			return
		}
		if it = l.Item(w, r); l.rounds != nil {
			l.rounds.wait(it)
			return
		}
		f.enter(l, it)
	}
}

func problemOf(p mapping.Problem) *ledger.Problem {
	return &ledger.Problem{Code: p.Code, Field: p.Field, Message: p.Message}
}

// next forms the next job, or returns nil if none is worth sending yet. If requests that are not
// full have to go, those that others wait for go first.
func (f *Former) next() *deliver.Job {
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
func (f *Former) form(l *lane, flush bool) *deliver.Job {
	j := f.job(l)
	if f.settled(j, l, flush); len(j.Items) > 0 {
		return j
	}
	if f.last.open > 0 {
		j.Group = lastGroup
	}
	if j.Items = l.write(j.Items, flush && f.lookups == 0 && !l.asking(), j.Group); len(j.Items) > 0 {
		return j
	}
	for k := range l.lookups {
		if l.lookup(j, k, flush); len(j.Items) > 0 {
			j.Lookup = true
			return j
		}
	}
	f.spare = append(f.spare, j)
	return nil
}

// job returns an empty job for a lane, a used one if there is.
func (f *Former) job(l *lane) *deliver.Job {
	j := &deliver.Job{}
	if n := len(f.spare); n > 0 {
		j, f.spare = f.spare[n-1].Reuse(), f.spare[:n-1]
	}
	j.Target = l.Target
	return j
}

// flush reports whether requests that are not full have to go: no more input can come (there is
// none, or the window is full), and nothing in flight could add to them.
func (f *Former) flush() bool {
	switch {
	case f.inflight == 0:
		return f.last.open > 0 || f.ended || f.window.Exhausted(f.admitted)
	case f.ended:
		return f.blocked == 0 && f.lookups == 0 && len(f.again) == 0
	}
	return false // what is in flight will make room
}

// settle applies the answer to a job.
func (f *Former) settle(j *deliver.Job) {
	f.inflight--
	l := f.lanes[j.Target.Index]
	if j.Err != nil {
		f.halt(j.Err)
	}
	if j.Unsent {
		return // its records stay pending
	}
	if !j.Lookup {
		l.inflight--
		l.cost.Requests++
		var free []work.Item
		if j.Unit == "" {
			free = l.siblings.back(l, j.Items) // before they are judged, which may give their batches away
		}
		for i, it := range j.Items {
			f.judged(l, it, &j.Verdicts[i])
		}
		for _, it := range free {
			l.send(it)
		}
		return
	}
	f.lookups--
	if j.Err != nil {
		return // they stay pending
	}
	f.since, f.written = j.Since, j.Written
	for i, it := range j.Items {
		found := j.Found[i]
		if l.imagined != nil {
			found = l.imagined.Correct(l.Target, it, j.Key, j.Want, found)
		}
		if it.Record().Phase == waiting {
			f.scouted(l.rounds, l, it, j.Key, j.Want, found)
			continue
		}
		f.matched(l, it, j.Key, j.Want, found)
	}
}

// judged applies the answer to one record of a write.
func (f *Former) judged(l *lane, it work.Item, v *deliver.Verdict) {
	rec := it.Record()
	rec.Unit = 0
	f.last.answered(rec)
	rec.Attempts = uint8(min(int(rec.Attempts)+1, 255))
	if v.Refused {
		rec.Resend, rec.Lost = false, false
	}
	rec.Resend, rec.Lost = rec.Resend || v.Resend, rec.Lost || v.Lost
	switch {
	case v.Again:
		rec.State = v.State
		f.Retried++
		f.again = append(f.again, it)
		f.attempt = max(f.attempt, int(rec.Attempts)+1)
		if len(f.again) == 1 {
			wait, _ := f.opt.Backoff(f.attempt)
			f.timer.Reset(wait)
		}
	case v.Last:
		rec.State = v.State
		f.last.wait(it)
	case v.State.Decided():
		if v.ID != "" && rec.Phase != placed { // placed: by this very id
			rec.ID = v.ID
		}
		if l.imagined != nil {
			l.imagined.Judge(l.Target, l.required, it, v)
		} else {
			l.learnWritten(it, v, f.newest)
		}
		f.conclude(l, it, v.State, v.Problem) // the ledger has it
	default:
		rec.State = v.State // the run stops; the ledger knows
	}
}

// decide closes the account of a record.
func (f *Former) decide(l *lane, it work.Item, state ledger.State, p *ledger.Problem) {
	rec := it.Record()
	rec.State, rec.Problem = state, p
	f.last.answered(rec)
	if !l.Find {
		f.opt.Stats.Add(state)
		if state == ledger.Failed {
			f.failed++
			if f.opt.TooMany(f.failed, f.opt.Stats.Read.Load()) {
				f.halt(work.ErrTooManyFailed)
			}
		}
	}
	f.wake(l, it)
	if it.Batch.Open--; it.Batch.Open == 0 {
		f.complete(it.Batch)
	}
}

// complete hands a batch on whose records are all decided.
func (f *Former) complete(w *work.Batch) {
	delete(f.undecided, w.Seq())
	f.Decided <- w
}
