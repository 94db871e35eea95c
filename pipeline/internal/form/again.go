package form

import (
	"slices"
	"time"

	"sfsync/pipeline/internal/work"
	"sfsync/sink"
)

// lastGroup is how many records of the last pass go in one group, which is one transaction: the fewer there are
// in it, the fewer locks it needs and the shorter it holds them.
const lastGroup = 50

// last is the former's part of the last pass. It goes in rounds: all that wait are sent, and those that fail
// again wait for the next one.
type last struct {
	waiting []work.Item
	attempt int // the highest among waiting
	timer   *time.Timer
	armed   bool // the timer runs, till the next round
	open    int  // records that went into a round and are not answered
}

// wait takes a record that is to be sent in the next round.
func (p *last) wait(it work.Item) {
	p.waiting = append(p.waiting, it)
	p.attempt = max(p.attempt, int(it.Record().Last)+1)
}

// answered takes a record out of the round.
func (p *last) answered(rec *work.Record) {
	if rec.Late {
		rec.Late = false
		p.open--
	}
}

// quiet reports whether nothing is under way, and nothing can come before a record is decided that waits
// for the last pass.
func (f *Former) quiet() bool {
	return f.inflight == 0 && f.Err == nil && len(f.again) == 0 && f.ready.len() == 0 &&
		(f.ended || f.window.Exhausted(f.admitted)) && !slices.ContainsFunc(f.lanes, (*lane).queued)
}

// rest lets the time begin that is left to others before the next round.
func (f *Former) rest() {
	if len(f.last.waiting) == 0 || f.last.armed || !f.quiet() {
		return
	}
	wait, _ := f.opt.LastPass.Wait(f.last.attempt)
	f.last.timer.Reset(wait)
	f.last.armed = true
}

// round sends what waits for the last pass, unless something has come meanwhile: that goes first.
func (f *Former) round() {
	f.last.armed = false
	if !f.quiet() {
		return
	}
	items, attempt := f.last.waiting, f.last.attempt
	f.last.waiting, f.last.attempt = nil, 0
	f.last.open += len(items) // beside those of earlier rounds that wait behind one of these
	if f.opt.LastPass.Begun != nil {
		f.opt.LastPass.Begun(attempt, len(items))
	}
	for _, it := range items {
		rec := it.Record()
		if rec.Last == 0 {
			f.Late++
		}
		rec.Last++
		rec.Late = true
	}
	f.Retried += int64(len(items))
	for _, it := range items {
		f.resend(it)
	}
}

// queued reports whether records of the lane wait to be sent or looked up.
func (l *lane) queued() bool {
	return l.upserts.len()+l.creates.len()+l.updates.len() > 0 || l.asking() || len(l.units) > 0
}

// sendAgain queues what waited for its next attempt.
func (f *Former) sendAgain() {
	again := f.again
	f.again, f.attempt = nil, 0
	for _, it := range again {
		f.resend(it)
	}
}

// resend queues a record that was sent before. What was looked up is looked up again: the earlier
// attempt may have created it.
func (f *Former) resend(it work.Item) {
	l := f.laneOf(it)
	if it.Action == sink.Update || it.Action == sink.Delete {
		l.send(it)
		return
	}
	f.route(l, it)
}
