package salesforce

import (
	"context"
	"net/http"
	"slices"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/refusal"
	"sfsync/sink/salesforce/wire"
)

// refused settles a call that has no answer about its parts.
func (j *job) refused(ctx context.Context, e *sink.Error, level int32) {
	switch {
	case e.Lost:
		if refusal.Heavy(e) {
			j.w.shrink(level)
		}
		for _, p := range j.batch {
			j.again(ctx, p, e)
		}
	case refusal.Heavy(e):
		more := j.w.shrink(level)
		for _, p := range j.batch {
			j.lighter(p, e, more)
		}
	case e.HTTPStatus == http.StatusBadRequest:
		e.Class = catalog.Classify(e.Code, e.Message)
		for _, p := range j.batch {
			j.split(p, e)
		}
	default:
		j.stop = e
		for _, p := range j.batch {
			j.abandon(p)
		}
	}
}

// again queues a part whose answer was lost for another try. Creates and events are not sent twice, and
// there is an end to it. The try has been counted.
func (j *job) again(ctx context.Context, p part, e *sink.Error) {
	p.lost = e
	policy := j.w.c.policy
	switch {
	case p.act == sink.Create || p.act == sink.Publish:
		j.unheard = e
		j.unknown(p, e)
	case ctx.Err() != nil:
		j.unknown(p, e)
		j.stop = context.Cause(ctx)
	case !policy.More(p.tries), e.RetryAfter > refusal.MaxWait:
		x := refusal.Exhausted(e)
		j.unknown(p, x)
		j.stop = x
	default:
		if j.wait == 0 {
			j.wait = max(policy.Delay(p.tries, j.w.c.rand()), e.RetryAfter)
			j.w.c.retried(ctx, "POST "+j.w.c.prefix+"/composite", e, p.tries, j.wait)
		}
		j.push(p)
		return
	}
	j.unprobe(p)
}

// push queues a part again. A probe that is not sure of its fate yet keeps standing for its
// group.
func (j *job) push(p part) { j.queue = append(j.queue, p) }

// unprobe queues the records that a probe stood for, once the probe is settled without
// having spoken for them.
func (j *job) unprobe(p part) {
	if p.probe > p.hi {
		j.push(part{lo: p.hi, hi: p.probe, act: p.act, tries: p.tries, bisect: true})
	}
}

// lighter queues a part that was too much for the org, and of which nothing happened, in
// smaller parts: more says that groups have become smaller anyway.
func (j *job) lighter(p part, e *sink.Error, more bool) {
	n := p.hi - p.lo
	switch {
	case more:
		j.push(p)
	case n > 1:
		a, b := p, p
		a.hi = p.lo + n/2
		b.lo = a.hi
		j.push(b)
		j.push(a)
	default:
		j.failAll(p, p.hi, e)
		j.unprobe(p)
	}
}

// settle gives the records of a part the results that its subrequest's answer holds, or
// queues them again. It reports whether the org coped.
func (j *job) settle(ctx context.Context, p part, s wire.SubAnswer, level int32) bool {
	switch {
	case s.Status == 0:
		p.tries++
		j.again(ctx, p, &sink.Error{
			Class: sink.Network, Code: catalog.CodeBadAnswer, Lost: true,
			Message: "the answer to a composite request lacks a part or broke off",
		})
		return false
	case s.Status < 300:
		return j.outcomes(ctx, p, s.Body, level)
	}
	e := refusal.ReadPart(s)
	e.Message = j.w.c.session.Redact(wire.Clip(e.Message, 2000))
	switch {
	case refusal.Heavy(e):
		e.Class = sink.Retry
		more := j.w.shrink(level)
		j.lighter(p, e, more)
		return false
	case s.Status >= 500 && s.Status != http.StatusServiceUnavailable:
		e.Lost = true
		p.tries++
		j.again(ctx, p, e)
		return false
	case e.Class == sink.Retry || s.Status == http.StatusServiceUnavailable || s.Status == http.StatusTooManyRequests:
		e.Class = sink.Retry
		j.later(ctx, p, e)
		return false
	case s.Status == http.StatusUnauthorized || s.Status == http.StatusForbidden:
		if e.Class == sink.Permanent {
			e.Class = sink.Auth
		}
	}
	if catalog.Stops(e.Class) && !catalog.Systemic(e.Code) {
		j.stop = e
		j.abandon(p)
		return true
	}
	j.split(p, e)
	return true
}

// later queues a part of which nothing happened for another try. After the last its records
// fail with class Retry: the caller may have more patience.
func (j *job) later(ctx context.Context, p part, e *sink.Error) {
	p.tries++
	c := j.w.c
	if !c.policy.More(p.tries) {
		if p.lost != nil {
			j.unknown(p, p.lost)
		} else {
			j.failAll(p, p.hi, e)
		}
		j.unprobe(p)
		return
	}
	if j.wait == 0 {
		j.wait = c.policy.Delay(p.tries, c.rand())
		c.retried(ctx, "POST "+c.prefix+"/composite", e, p.tries, j.wait)
	}
	j.push(p)
}

// split deals with a part that was refused as a whole, so that a record that is at fault does
// not cost its neighbours: the part is cut into ever smaller ones, down to the record. Where
// the error names a field or an object, what is wrong is not a value: one record of each set
// of fields is tried, and if it meets with the same error, so would all of that set.
func (j *job) split(p part, e *sink.Error) {
	n := p.hi - p.lo
	switch {
	case p.probe > 0 && sameError(e, p.cause):
		j.failAll(p, p.probe, e)
		j.hopeless += p.probe - p.lo
		return
	case n == 1 && p.act == sink.Delete && (p.lost != nil || j.req.Records[j.order[p.lo]].Resend) && catalog.Gone(e.Code):
		j.results[j.order[p.lo]].Status, j.results[j.order[p.lo]].Err = sink.Deleted, e
		j.unprobe(p)
		return
	case n == 1, j.req.Target.Options.AllOrNone && p.act != sink.Delete:
		if catalog.Stops(e.Class) {
			c := *e
			c.Class = sink.Permanent
			e = &c
		}
		j.failAll(p, p.hi, e)
		if catalog.Systemic(e.Code) {
			j.hopeless++
		}
		j.unprobe(p)
		return
	case catalog.Systemic(e.Code) && !p.bisect && j.probes(p, e):
		return
	}
	size := (n + fanOut - 1) / fanOut
	for hi := p.hi; hi > p.lo; hi -= size {
		q := p
		q.lo, q.hi, q.bisect = max(p.lo, hi-size), hi, true
		j.push(q)
	}
}

func sameError(a, b *sink.Error) bool { return b != nil && a.Code == b.Code && a.Message == b.Message }

// maxProbes is how many sets of fields are told apart within a part.
const maxProbes = 25

// probes sorts the records of a part by the fields they have and queues one record of each
// set as a probe for the rest. It reports false if the records are too different.
func (j *job) probes(p part, e *sink.Error) bool {
	type member struct {
		sum   uint64
		index int
	}
	ms := make([]member, 0, p.hi-p.lo)
	for _, i := range j.order[p.lo:p.hi] {
		ms = append(ms, member{j.fieldSum(i, p.act), i})
	}
	slices.SortStableFunc(ms, func(a, b member) int {
		switch {
		case a.sum < b.sum:
			return -1
		case a.sum > b.sum:
			return 1
		}
		return 0
	})
	sets := 1
	for k := 1; k < len(ms); k++ {
		if ms[k].sum != ms[k-1].sum {
			sets++
		}
	}
	if sets > maxProbes {
		return false
	}
	lo := 0
	for k := range ms {
		j.order[p.lo+k] = ms[k].index
		if k+1 == len(ms) || ms[k+1].sum != ms[lo].sum {
			q := p
			q.lo, q.hi, q.probe, q.cause = p.lo+lo, p.lo+lo+1, p.lo+k+1, e
			j.push(q)
			lo = k + 1
		}
	}
	return true
}

// fieldSum is a hash of the set of fields that a record sends.
func (j *job) fieldSum(i int, act sink.Action) uint64 {
	r := &j.req.Records[i]
	sum := uint64(14695981039346656037) // FNV-1a
	if act == sink.Delete {
		return sum
	}
	for c := range r.Batch.Schema().Columns {
		cell := r.Batch.Cell(r.Row, c)
		if cell.Kind() == row.Absent || (act == sink.Update && cell.OnInsert()) {
			continue
		}
		sum = (sum ^ uint64(c+1)) * 1099511628211
	}
	return sum
}

// outcomes gives the records of a part what the org says of each.
func (j *job) outcomes(ctx context.Context, p part, body []byte, level int32) bool {
	size := p.hi - p.lo
	j.ids, j.spans = j.ids[:0], j.spans[:0]
	coped := true
	n, ok := wire.ParseOutcomes(body, func(i int, o wire.Outcome) {
		if i < size {
			coped = j.outcome(j.order[p.lo+i], p, o) && coped
		}
	})
	if !ok || n != size {
		// Positions are all that tells records apart: with another number of them, none is sure.
		e := &sink.Error{Class: sink.Network, Code: catalog.CodeBadAnswer, Lost: true, Message: "the answer has another number of results than there were records"}
		j.ask = slices.DeleteFunc(j.ask, func(i int) bool { return slices.Contains(j.order[p.lo:p.hi], i) })
		for _, i := range j.order[p.lo:p.hi] {
			j.results[i] = sink.Result{ID: j.req.Records[i].ID}
		}
		if ok {
			j.unknown(p, e)
			j.unprobe(p)
		} else {
			p.tries++
			j.again(ctx, p, e)
		}
		return true
	}
	now := j.w.c.now()
	all := string(j.ids) // one allocation for the ids of a group
	for _, s := range j.spans {
		res := &j.results[s.record]
		res.ID = all[s.off:s.end]
		if res.Status == sink.Created {
			j.w.c.recent.Add(j.ids[s.off:s.end], now)
		}
	}
	if !coped {
		j.w.shrink(level)
	}
	if j.req.Target.Options.AllOrNone && p.act != sink.Delete && len(j.spans) == 0 {
		return j.oneFate(ctx, p) && coped
	}
	j.unprobe(p)
	return coped
}

// rolledBack is the code of a record that was refused for nothing but the fate of another one (REST API guide,
// "sObject Collections").
const rolledBack = "ALL_OR_NONE_OPERATION_ROLLED_BACK"

// oneFate settles a collection of which nothing was written because not all of it could be: its records fail
// together if one of them cannot be written at all; else they go together again, or wait together for an org that
// takes them. One that was locked must not be written without the others. It reports whether the org coped.
func (j *job) oneFate(ctx context.Context, p part) bool {
	var culprit *sink.Error
	for _, i := range j.order[p.lo:p.hi] {
		e := j.results[i].Err
		if e == nil || e.Code == rolledBack {
			continue
		}
		if culprit == nil || e.Class == sink.Permanent {
			culprit = e
		}
	}
	switch {
	case culprit == nil || culprit.Class == sink.Permanent:
		for _, i := range j.order[p.lo:p.hi] {
			if res := &j.results[i]; res.Err != nil {
				res.Status, res.Err.Class = sink.Failed, sink.Permanent
			}
		}
		return true
	case culprit.Code == catalog.CodeBadAnswer: // it does not say that nothing was written
		p.tries++
		j.again(ctx, p, culprit)
		return false
	case catalog.Stops(culprit.Class):
		j.abandon(p)
		return true
	}
	j.later(ctx, p, culprit)
	return false
}

// outcome gives one record its result.
func (j *job) outcome(i int, p part, o wire.Outcome) bool {
	res := &j.results[i]
	res.Err = nil
	switch {
	case o.Success:
		off := len(j.ids)
		j.ids = append(j.ids, o.ID...)
		j.spans = append(j.spans, idSpan{i, off, len(j.ids)})
		res.Status = sink.Updated
		switch {
		case p.act == sink.Delete:
			res.Status = sink.Deleted
		case p.act == sink.Publish:
			res.Status = sink.Published
		case p.act == sink.Create || (p.act == sink.Upsert && o.Created):
			res.Status = sink.Created
		case j.req.Records[i].Resend || p.act == sink.Upsert && (p.lost != nil || !o.Stated):
			j.ask = append(j.ask, i)
		}
	case p.act == sink.Delete && o.Err != nil && (p.lost != nil || j.req.Records[i].Resend) && catalog.Gone(o.Err.Code):
		res.Status, res.Err = sink.Deleted, o.Err
	case o.Err == nil:
		res.Status = sink.Unknown
		res.Err = &sink.Error{Class: sink.Network, Code: catalog.CodeBadAnswer, Lost: true, Message: "the answer about the record is not what the API gives"}
	case catalog.Stops(o.Err.Class):
		// Nothing is wrong with the record: it can be sent when the org takes records again.
		res.Status, res.Err = sink.NotSent, o.Err
		switch {
		case o.Err.Class == sink.Config:
			// A code that means the call as a whole when it stands for one: here it is the row's.
			o.Err.Class = sink.Permanent
			res.Status = sink.Failed
		case p.lost != nil:
			// An earlier try may have written it: that must not be forgotten.
			res.Status = sink.Unknown
			j.stop = o.Err
		default:
			j.stop = o.Err
		}
	default:
		res.Status, res.Err = sink.Failed, o.Err
		o.Err.Lost = p.lost != nil
		if o.Err.Code == "UNABLE_TO_LOCK_ROW" {
			j.w.c.throttle.Slow() // others hold the same records: fewer requests meet less often
		}
		return !catalog.Heavy(o.Err.Code)
	}
	return true
}
