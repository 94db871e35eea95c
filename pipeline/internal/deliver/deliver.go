package pipeline

import (
	"context"
	"errors"
	"strings"

	"sfsync/pipeline/ledger"
	"sfsync/sink"
)

// job is one call to an org: a write request or a lookup.
type job struct {
	lane   *lane
	items  []item
	lookup bool

	key      int            // of a lookup: which key, and what it asks for besides
	want     *want          //
	found    [][]sink.Match // and the answer
	verdicts []verdict      // of a write
	unit     *unit          // of records that an earlier try sent: only what became of them is asked
	err      error          // why the run has to stop; verdicts are set even then

	// Used again by the next call that the former makes of this job.
	records []sink.Record
	results []sink.Result
	marks   []ledger.Mark
	prints  prints
}

// reuse makes the job ready for another call; its slices keep their memory.
func (j *job) reuse() *job {
	clear(j.items)
	clear(j.verdicts)
	clear(j.records)
	clear(j.results)
	clear(j.marks)
	*j = job{items: j.items[:0], verdicts: j.verdicts[:0], records: j.records[:0], results: j.results[:0], marks: j.marks[:0], prints: j.prints}
	return j
}

// grown returns s with n zero elements.
func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// verdict is what an answer means for one record.
type verdict struct {
	state   ledger.State // Pending and Sending: not decided
	again   bool         // send it again after a while
	resend  bool         // and it may have reached the org
	id      string
	problem *ledger.Problem
}

// deliver does jobs until there are no more.
func deliver(ctx context.Context, opt *Options, jobs <-chan *job, done chan<- *job) error {
	for j := range jobs {
		if err := guard(func() error { j.do(ctx, opt); return nil }); err != nil {
			j.err = err
			j.verdicts = grown(j.verdicts, len(j.items))
			for i := range j.verdicts {
				j.verdicts[i].state = ledger.Sending // it may have left
			}
		}
		done <- j // the former reads until nothing is in flight
	}
	return nil
}

func (j *job) do(ctx context.Context, opt *Options) {
	switch {
	case j.lookup:
		j.find(ctx)
	case opt.Rehearse:
		j.rehearse()
	case j.unit != nil:
		j.resume(ctx, opt)
	default:
		j.write(ctx, opt)
	}
	if j.err == nil {
		opt.Stats.Requests.Add(1)
	}
}

func (j *job) find(ctx context.Context) {
	l := j.lane.ask(j.items, j.key, j.want)
	j.err = j.lane.Matcher.Lookup(ctx, &l)
	j.found = l.Found
}

// write says in the ledger that the records are leaving, sends them, and says what came back.
// The ledger is written even if the run is being cut off: an answer that is known must not be
// forgotten.
func (j *job) write(ctx context.Context, opt *Options) {
	j.verdicts = grown(j.verdicts, len(j.items))
	j.err = j.mark(ctx, opt, func(int) (ledger.Mark, bool) { return ledger.Mark{State: ledger.Sending}, true })
	if j.err != nil {
		j.err = errors.Join(j.err, j.stayed(ctx, opt))
		return
	}
	if j.err = j.leaving(opt); j.err != nil {
		j.err = errors.Join(j.err, j.stayed(ctx, opt))
		return
	}
	req := j.request()
	if opt.Ledger != nil {
		req.Opened = func(id string, records []int) error { return j.opened(ctx, opt, id, records) }
	}
	j.err = j.lane.Writer.Write(ctx, &req, j.results)
	j.err = errors.Join(j.err, j.accepted(opt))
	j.conclude(ctx, opt)
}

// request makes the request for the job's records, and room for its results.
func (j *job) request() sink.Request {
	j.records, j.results = grown(j.records, len(j.items)), grown(j.results, len(j.items))
	req := sink.Request{Target: j.lane.target, Records: j.records}
	for i, it := range j.items {
		rec := it.record()
		req.Records[i] = sink.Record{
			Batch: j.lane.batch(it.w), Row: int(it.row), Action: it.action, ID: rec.id,
			Resend: rec.resend && (j.lane.mayCreate() || it.action == sink.Delete),
		}
	}
	return req
}

// conclude says what the results mean, in the ledger too.
func (j *job) conclude(ctx context.Context, opt *Options) {
	for i := range j.results {
		j.verdicts[i] = j.judge(opt, &j.results[i], j.items[i])
	}
	err := j.repeats(ctx, opt)
	if err != nil {
		j.err = errors.Join(j.err, err)
	}
	err = j.mark(ctx, opt, func(i int) (ledger.Mark, bool) {
		v := &j.verdicts[i]
		return ledger.Mark{State: v.state, ID: v.id, Problem: v.problem}, v.state != ledger.Sending
	})
	j.err = errors.Join(j.err, err)
}

// stayed takes back what the ledger says of records that have not left after all: the next commit, if
// there is one, must not say so. What an earlier attempt may have done stays.
func (j *job) stayed(ctx context.Context, opt *Options) error {
	return j.mark(ctx, opt, func(i int) (ledger.Mark, bool) {
		return ledger.Mark{State: ledger.Pending}, !j.items[i].record().resend
	})
}

// judge says what a result means: decided, to be sent again, or open because the run stops.
func (j *job) judge(opt *Options, res *sink.Result, it item) verdict {
	rec := it.record()
	attempts := int(rec.attempts) + 1
	v := verdict{state: stateOf(res.Status), id: res.ID}
	switch res.Status {
	case sink.Created, sink.Updated, sink.Deleted, sink.Published:
		return v
	}
	p := ledger.Problem{Code: "NO_ANSWER", Message: "no answer came: the record may or may not have been written", Attempts: attempts}
	retry := res.Status == sink.NotSent
	if e := res.Err; e != nil {
		p.Code, p.Field, p.Message = e.Code, strings.Join(e.Fields, ","), e.Message
		retry = retry || e.Class == sink.Retry
		v.resend = e.Lost && it.action != sink.Update
	}
	if res.Status == sink.Unknown {
		if j.lane.once() && (j.err == nil || !j.lane.resumes()) {
			v.problem = &p
			return v
		}
		if j.err != nil {
			return verdict{state: ledger.Sending} // a resumed run asks, or sends it again
		}
		retry, v.resend = true, it.action != sink.Update // an update has created nothing
	}
	open := ledger.Pending
	if v.resend || rec.resend { // an attempt may have reached the org: that must not be forgotten
		open = ledger.Sending
	}
	if res.Status == sink.NotSent && j.err != nil {
		return verdict{state: open}
	}
	if retry {
		if _, ok := opt.Backoff(attempts + 1); ok {
			v.state, v.again = open, true
			return v
		}
	}
	if res.Status == sink.NotSent {
		if v.state = ledger.Failed; open == ledger.Sending {
			v.state = ledger.Unknown
		}
	}
	if retry && res.Status == sink.Failed && open == ledger.Sending {
		v.state = ledger.Unknown // a lost attempt may have done it before others got in the way
	}
	if it.action == sink.Delete && gone(p.Code) {
		v.state, p.Code, p.Field, p.Message = ledger.Skipped, codeNotFound, j.lane.keys[0].name(), "there is nothing to delete: "+p.Message
	}
	v.problem = &p
	return v
}

// gone reports whether an error says that a record does not exist.
func gone(code string) bool {
	return code == "ENTITY_IS_DELETED" || code == "NOT_FOUND" || code == "INVALID_CROSS_REFERENCE_KEY"
}

// repeats corrects what cannot be told from one record alone: a record that was sent again and
// is found to have been created since the run began may have been created by an earlier row of
// the same key, and so may one that was deleted. The ledger knows.
func (j *job) repeats(ctx context.Context, opt *Options) error {
	if opt.Ledger == nil {
		return nil
	}
	var places map[string]int
	for i, it := range j.items {
		v := &j.verdicts[i]
		again := it.record().resend
		if v.id != "" && (v.state == ledger.Created && again || v.state == ledger.Deleted && (again || j.results[i].Err != nil)) {
			if places == nil {
				places = make(map[string]int)
			}
			places[v.id[:15]] = i
		}
	}
	if places == nil {
		return nil
	}
	return opt.Ledger.EachMade(context.WithoutCancel(ctx), func(id string, state ledger.State) {
		i, ok := places[id]
		switch {
		case !ok || j.verdicts[i].state != state:
		case state == ledger.Created:
			j.verdicts[i].state = ledger.Updated
		default:
			j.verdicts[i].state = ledger.Skipped
			j.verdicts[i].problem = &ledger.Problem{Code: codeNotFound, Field: j.lane.keys[0].name(), Message: "an earlier row has deleted the record"}
		}
	})
}

func (j *job) mark(ctx context.Context, opt *Options, of func(int) (ledger.Mark, bool)) error {
	if opt.Ledger == nil {
		return nil
	}
	j.marks = j.marks[:0]
	for i, it := range j.items {
		if m, ok := of(i); ok {
			m.Seq, m.Index = it.w.seq(), int(it.index)
			j.marks = append(j.marks, m)
		}
	}
	if len(j.marks) == 0 {
		return nil
	}
	return opt.Ledger.Mark(context.WithoutCancel(ctx), j.marks)
}
