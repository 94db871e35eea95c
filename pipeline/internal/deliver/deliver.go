// Package deliver makes the calls of a run: it says in the ledger and the fingerprints what is leaving, sends it,
// and says what the answers mean.
package deliver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sfsync/pipeline/internal/target"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/ledger"
	"sfsync/sink"
)

// Options are those of a run that concern what is sent. The package pipeline documents them.
type Options struct {
	Ledger   *ledger.Ledger
	Backoff  func(attempt int) (time.Duration, bool)
	LastPass work.LastPass
	Rehearse bool
}

// Job is one call to an org: a write request or a lookup. The former makes it, a worker does it, and the former
// reads the answer.
type Job struct {
	Target *target.Target
	Items  []work.Item
	Lookup bool
	Group  int // the most records in a transaction, 0 for as many as may be

	Key      int            // of a lookup: which key, and what it asks for besides
	Want     *target.Want   //
	Since    int64          // how many records were written before it
	Written  int64          // and how many of those that may make what it looks for
	Found    [][]sink.Match // and the answer
	Verdicts []Verdict      // of a write
	Unit     string         // the id of what an earlier try sent the records with: only what became of them is asked
	Unsent   bool           // nothing more was to be sent when it was ready: its records are as they were
	Err      error          // why the run has to stop; Verdicts are set even then

	// Used again by the next call that the former makes of this job.
	records []sink.Record
	results []sink.Result
	marks   []ledger.Mark
	prints  target.Prints
}

// Reuse makes the job ready for another call; its slices keep their memory.
func (j *Job) Reuse() *Job {
	clear(j.Items)
	clear(j.Verdicts)
	clear(j.records)
	clear(j.results)
	clear(j.marks)
	*j = Job{Items: j.Items[:0], Verdicts: j.Verdicts[:0], records: j.records[:0], results: j.results[:0], marks: j.marks[:0], prints: j.prints}
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

// Verdict is what an answer means for one record.
type Verdict struct {
	State   ledger.State // Pending and Sending: not decided
	Again   bool         // send it again after a while
	Last    bool         // send it again in the last pass
	Resend  bool         // and it may have reached the org
	Lost    bool         // the same of an update, which creates nothing
	Refused bool         // the result is that of the attempt that may have reached the org: it did nothing
	Passing bool         // why it failed may pass
	ID      string
	Problem *ledger.Problem
}

// Run does jobs until there are no more. Several may run at once: as many as there are to be jobs that are in
// flight or get ready.
func Run(ctx context.Context, opt *Options, out *Outlet, jobs <-chan *Job, done chan<- *Job) error {
	for j := range jobs {
		if err := work.Guard(func() error { j.do(ctx, opt, out); return nil }); err != nil {
			j.Err = err
			j.Verdicts = grown(j.Verdicts, len(j.Items))
			for i := range j.Verdicts {
				j.Verdicts[i].State = ledger.Sending // it may have left
			}
		}
		done <- j // the former reads until nothing is in flight
	}
	return nil
}

func (j *Job) do(ctx context.Context, opt *Options, out *Outlet) {
	if !j.Lookup && !opt.Rehearse && j.Unit == "" {
		j.write(ctx, opt, out)
	} else {
		j.ask(ctx, opt, out)
	}
}

// ask does a job that writes nothing.
func (j *Job) ask(ctx context.Context, opt *Options, out *Outlet) {
	if !out.enter() {
		j.Unsent = true
		return
	}
	defer out.leave()
	switch {
	case j.Lookup:
		j.find(ctx)
	case opt.Rehearse:
		j.rehearse()
	default:
		j.resume(ctx, opt)
	}
}

func (j *Job) find(ctx context.Context) {
	l := j.Target.Ask(j.Items, j.Key, j.Want)
	j.Err = j.Target.Matcher.Lookup(ctx, &l)
	j.Found = l.Found
}

// write says in the ledger that the records are leaving, sends them, and says what came back.
// The ledger is written even if the run is being cut off: an answer that is known must not be
// forgotten.
func (j *Job) write(ctx context.Context, opt *Options, out *Outlet) {
	j.Verdicts = grown(j.Verdicts, len(j.Items))
	// A kill makes an unknown of each record that the ledger calls leaving and that must not be sent twice. Such
	// records are called so only when it is their turn, and the next ones' turn comes when it says what became of
	// them.
	once := j.Target.Once()
	if once {
		if !out.enter() {
			j.Unsent = true
			return
		}
		defer out.leave()
	}
	j.Err = j.mark(ctx, opt, func(int) (ledger.Mark, bool) { return ledger.Mark{State: ledger.Sending}, true })
	if j.Err == nil {
		j.Err = j.prints.Leaving(j.Target, j.Items)
	}
	j.Unsent = j.Err == nil && !once && !out.enter()
	if j.Err != nil || j.Unsent {
		for i, it := range j.Items {
			j.Verdicts[i].State = it.Record().State // as they were
		}
		j.Err = errors.Join(j.Err, j.stayed(ctx, opt))
		return
	}
	j.send(ctx, opt, func() {
		if !once {
			out.leave()
		}
	})
	j.conclude(ctx, opt)
}

// send sends the records and calls answered as soon as the answer is there.
func (j *Job) send(ctx context.Context, opt *Options, answered func()) {
	defer answered()
	req := j.request()
	if opt.Ledger != nil {
		req.Opened = func(id string, records []int) error { return j.opened(ctx, opt, id, records) }
	}
	j.Err = j.Target.Writer.Write(ctx, &req, j.results)
	j.Err = errors.Join(j.Err, j.accepted())
}

// resume asks what became of records that an earlier try sent.
func (j *Job) resume(ctx context.Context, opt *Options) {
	j.Verdicts = grown(j.Verdicts, len(j.Items))
	req := j.request()
	if w, ok := j.Target.Writer.(sink.Resumer); ok {
		j.Err = w.Resume(ctx, j.Unit, &req, j.results)
	} else { // the former has seen to that
		j.Err = fmt.Errorf("%w: the results of job %s cannot be asked for", work.ErrPanic, j.Unit)
	}
	j.conclude(ctx, opt)
}

// request makes the request for the job's records, and room for its results.
func (j *Job) request() sink.Request {
	j.records, j.results = grown(j.records, len(j.Items)), grown(j.results, len(j.Items))
	req := sink.Request{Target: j.Target.Sink, Records: j.records, Group: j.Group}
	for i, it := range j.Items {
		rec := it.Record()
		req.Records[i] = sink.Record{
			Batch: j.Target.Cells(it.Batch), Row: int(it.Row), Action: it.Action, ID: rec.ID,
			Resend: rec.Resend && (j.Target.MayCreate() || it.Action == sink.Delete),
		}
	}
	return req
}

// conclude says what the results mean, in the ledger too.
func (j *Job) conclude(ctx context.Context, opt *Options) {
	for i := range j.results {
		j.Verdicts[i] = j.judge(opt, &j.results[i], j.Items[i])
	}
	err := j.repeats(ctx, opt)
	if err != nil {
		j.Err = errors.Join(j.Err, err)
	}
	err = j.mark(ctx, opt, func(i int) (ledger.Mark, bool) {
		v := &j.Verdicts[i]
		return ledger.Mark{State: v.State, ID: v.ID, Problem: v.Problem}, v.State != ledger.Sending
	})
	j.Err = errors.Join(j.Err, err)
}

// stayed takes back what the ledger says of records that have not left after all: the next commit, if
// there is one, must not say so. What an earlier attempt may have done stays.
func (j *Job) stayed(ctx context.Context, opt *Options) error {
	return j.mark(ctx, opt, func(i int) (ledger.Mark, bool) {
		rec := j.Items[i].Record()
		return ledger.Mark{State: ledger.Pending}, !rec.Resend && !rec.Lost
	})
}

// judge says what a result means: decided, to be sent again, or open because the run stops.
func (j *Job) judge(opt *Options, res *sink.Result, it work.Item) Verdict {
	rec := it.Record()
	attempts := int(rec.Attempts) + 1
	v := Verdict{State: stateOf(res.Status), ID: res.ID}
	switch res.Status {
	case sink.Created, sink.Updated, sink.Deleted, sink.Published:
		return v
	}
	p := ledger.Problem{Code: "NO_ANSWER", Message: "no answer came: the record may or may not have been written", Attempts: attempts}
	retry := res.Status == sink.NotSent
	if e := res.Err; e != nil {
		p.Code, p.Field, p.Message = e.Code, strings.Join(e.Fields, ","), e.Message
		retry = retry || e.Class == sink.Retry
		// What has not been sent has not got lost, whatever happened to other records of its request.
		lost := e.Lost && res.Status != sink.NotSent
		v.Resend, v.Lost = lost && it.Action != sink.Update, lost && it.Action == sink.Update
	}
	if res.Status == sink.Unknown {
		if j.Target.Once() && (j.Err == nil || !j.Target.Resumes()) {
			v.Problem = &p
			return v
		}
		if j.Err != nil {
			return Verdict{State: ledger.Sending} // a resumed run asks, or sends it again
		}
		retry, v.Resend, v.Lost = true, it.Action != sink.Update, it.Action == sink.Update
	}
	// Of a request whose results the org keeps nothing is lost.
	v.Refused = j.Unit != "" && res.Status == sink.Failed && !v.Resend && !v.Lost
	v.Passing = retry
	open := ledger.Pending
	if v.Resend || v.Lost || (rec.Resend || rec.Lost) && !v.Refused { // an attempt may have reached the org: that must not be forgotten
		open = ledger.Sending
	}
	if res.Status == sink.NotSent && j.Err != nil {
		return Verdict{State: open}
	}
	if retry {
		if v.Again, v.Last = j.patience(opt, res, rec); v.Again || v.Last {
			v.State = open
			return v
		}
	}
	if res.Status == sink.NotSent {
		if v.State = ledger.Failed; open == ledger.Sending {
			v.State = ledger.Unknown
		}
	}
	if (retry || ruled(p.Code) && it.Action != sink.Delete) && res.Status == sink.Failed && open == ledger.Sending {
		v.State = ledger.Unknown // a lost attempt may have done it before others, or what it wrote, got in the way
	}
	if it.Action == sink.Delete && gone(p.Code) {
		v.State, p.Code, p.Field, p.Message = ledger.Skipped, work.CodeNotFound, j.Target.Keys[0].Name(), "there is nothing to delete: "+p.Message
	}
	v.Problem = &p
	return v
}

// patience says whether a record that may be sent again is: beside others after a while, or in the last pass. What
// the org has refused after trying by itself, as it does with requests whose results it keeps, waits for that at
// once, and so does what was refused in it.
func (j *Job) patience(opt *Options, res *sink.Result, rec *work.Record) (again, last bool) {
	_, again = opt.Backoff(int(rec.Attempts) + 2)
	refused := res.Status != sink.Unknown && res.Err != nil && res.Err.Class == sink.Retry
	if !refused || opt.LastPass.Wait == nil || again && rec.Last == 0 && !j.Target.Resumes() {
		return again, false
	}
	_, last = opt.LastPass.Wait(int(rec.Last) + 1)
	return false, last
}

// ruled reports whether an error comes of rules of the org's own, which another record of an all_or_none collection may
// have met with. They may look at what a record holds, so that they refuse what they let pass before.
func ruled(code string) bool {
	switch code {
	case "FIELD_CUSTOM_VALIDATION_EXCEPTION", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "ALL_OR_NONE_OPERATION_ROLLED_BACK":
		return true
	}
	return false
}

// gone reports whether an error says that a record does not exist.
func gone(code string) bool {
	return code == "ENTITY_IS_DELETED" || code == "NOT_FOUND" || code == "INVALID_CROSS_REFERENCE_KEY"
}

// repeats corrects what cannot be told from one record alone: a record that was sent again and
// is found to have been created since the run began may have been created by an earlier row of
// the same key, and so may one that was deleted. The ledger knows.
func (j *Job) repeats(ctx context.Context, opt *Options) error {
	if opt.Ledger == nil {
		return nil
	}
	var places map[string]int
	for i, it := range j.Items {
		v := &j.Verdicts[i]
		again := it.Record().Resend
		if v.ID != "" && (v.State == ledger.Created && again || v.State == ledger.Deleted && (again || j.results[i].Err != nil)) {
			if places == nil {
				places = make(map[string]int)
			}
			places[v.ID[:15]] = i
		}
	}
	if places == nil {
		return nil
	}
	return opt.Ledger.EachMade(context.WithoutCancel(ctx), func(id string, state ledger.State) {
		i, ok := places[id]
		switch {
		case !ok || j.Verdicts[i].State != state:
		case state == ledger.Created:
			j.Verdicts[i].State = ledger.Updated
		default:
			j.Verdicts[i].State = ledger.Skipped
			j.Verdicts[i].Problem = &ledger.Problem{Code: work.CodeNotFound, Field: j.Target.Keys[0].Name(), Message: "an earlier row has deleted the record"}
		}
	})
}

// rehearse does what write does, without an org: it says what the answers would be.
func (j *Job) rehearse() {
	j.Verdicts = grown(j.Verdicts, len(j.Items))
	for i, it := range j.Items {
		v := &j.Verdicts[i]
		switch it.Action {
		case sink.Update:
			v.State = ledger.Updated
			if it.Batch.Changes[it.Index].Before == nil {
				v.State = ledger.Unchanged
			}
		case sink.Delete:
			v.State = ledger.Deleted
		case sink.Publish:
			v.State = ledger.Published
		default:
			v.State = ledger.Created
		}
	}
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
