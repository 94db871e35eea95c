package bulk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sfsync/sink"
	"sfsync/sink/retry"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/estimate"
	"sfsync/sink/salesforce/lookup"
	"sfsync/sink/salesforce/transfer"
)

// Org is an org that jobs run in. Errors are [*sink.Error]s, the context's, or those of what takes an answer.
type Org interface {
	Transfer(ctx context.Context, r *transfer.Request) error
}

// Jobs runs jobs in an org. It is safe for concurrent use as long as each file is used by one
// goroutine.
type Jobs struct {
	Org Org
	// Now is the clock.
	Now func() time.Time
	// Sleep waits for d or the context's end; Rand gives the jitter in [0, 1).
	Sleep func(ctx context.Context, d time.Duration) error
	Rand  func() float64
	// Patience is how long a job may take; 0 for two days. The org itself gives up earlier on a job
	// that it works on, but one may wait long for its turn.
	Patience time.Duration
	// Dir is where results are kept while they are read; "" for the directory of temporary files.
	Dir string
	// Opened, if set, is told the id of each job as soon as there is one: the last one of a Run is the
	// one to come back to, since an upload that gets lost takes another job. An error of it ends the
	// run.
	Opened func(id string) error
}

// State is where a job is in its life.
type State string

// The states of a job (Bulk API 2.0 guide, "Get Information About an Ingest Job").
const (
	Open           State = "Open"
	UploadComplete State = "UploadComplete"
	InProgress     State = "InProgress"
	JobComplete    State = "JobComplete"
	Failed         State = "Failed"
	Aborted        State = "Aborted"
)

func (s State) ended() bool { return s == JobComplete || s == Failed || s == Aborted }

// Info is what the org says of a job.
type Info struct {
	ID        string `json:"id"`
	Operation string `json:"operation"`
	State     State  `json:"state"`
	Processed int64  `json:"numberRecordsProcessed"`
	// Message is why a job has failed.
	Message string `json:"errorMessage"`
}

const (
	ingest = "/jobs/ingest"
	// uploads is how often a file is uploaded, each time to a job of its own.
	uploads = 3
	// closings is how often a job is told that its upload is complete, if the answers get lost.
	closings = 5
)

// Run brings a file's records to the org and tells what became of each: every place from 0 is told
// once, in no order, the result being valid until each returns. The error is like that of
// [sink.Writer]'s Write; results are told even then, as far as there are any: those that are not are
// NotSent if the job was not closed, and Unknown after that, which the job's id can settle.
func (j *Jobs) Run(ctx context.Context, f *File, each func(place int, r sink.Result)) error {
	if f.Len() == 0 {
		return nil
	}
	if err := f.ready(); err != nil {
		return err
	}
	id, err := j.upload(ctx, f)
	if err == nil {
		err = j.close(ctx, id)
	}
	if err != nil {
		lost := (*sink.Error)(nil)
		status := sink.NotSent
		if errors.As(err, &lost) && lost.Lost && id != "" {
			status, err = sink.Unknown, undecided(err) // it may have been closed
		}
		f.tellAll(status, asError(err), each)
		return err
	}
	return j.Resume(ctx, f, id, each)
}

// Resume is Run for a job that is closed already: it waits for its end and tells the results. The file
// must hold the records that were uploaded, in any order; its places are those told.
func (j *Jobs) Resume(ctx context.Context, f *File, id string, each func(place int, r sink.Result)) error {
	if err := f.ready(); err != nil {
		return err
	}
	info, err := j.wait(ctx, id, f.Len())
	if err != nil {
		f.tellAll(sink.Unknown, asError(err), each)
		return undecided(err)
	}
	return j.results(ctx, f, info, each)
}

// tellAll tells the same result of all records.
func (f *File) tellAll(status sink.Status, e *sink.Error, each func(int, sink.Result)) {
	for i := range f.Len() {
		each(i, sink.Result{Status: status, Err: e})
	}
}

func asError(err error) *sink.Error {
	var e *sink.Error
	if errors.As(err, &e) {
		return e
	}
	return catalog.New(sink.Network, catalog.CodeCancelled, "the run ended before the org had answered")
}

// undecided makes an error one that stops the run, whatever its class was: only the job's id tells what became of its
// records, so that none may go to another job. The error has to be of this job alone.
func undecided(err error) error {
	if e := (*sink.Error)(nil); errors.As(err, &e) && e.Class == sink.Retry {
		e.Class = sink.Network
	}
	return err
}

// upload makes a job and uploads the file. If the answer to that gets lost nobody knows what the job
// holds, and another one takes its place.
func (j *Jobs) upload(ctx context.Context, f *File) (id string, err error) {
	for range uploads {
		if id, err = j.create(ctx, &f.spec); err != nil {
			return "", err
		}
		err = j.Org.Transfer(ctx, &transfer.Request{
			Method: http.MethodPut, Path: ingest + "/" + id + "/batches",
			Data: f.f, Size: f.size, ContentType: "text/csv; charset=UTF-8",
		})
		if err == nil {
			return id, nil
		}
		if ctx.Err() != nil {
			return "", err
		}
		// It has no effect unless it is closed; the org ends it by itself after a day.
		if abort := j.setState(ctx, id, Aborted); abort != nil && ctx.Err() != nil {
			return "", err
		}
		if e := (*sink.Error)(nil); !errors.As(err, &e) || !e.Lost {
			return "", fmt.Errorf("upload to a job: %w", err)
		}
	}
	// Nothing of it has happened, whatever became of the uploads.
	e := *asError(err)
	e.Lost = false
	return "", fmt.Errorf("upload to a job: %w", &e)
}

// create makes a job. A job whose creation got lost stays empty, so another one may be made.
func (j *Jobs) create(ctx context.Context, s *Spec) (id string, err error) {
	body := map[string]string{
		"object": s.Object, "operation": s.operation(), "contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF",
	}
	if s.Action == sink.Upsert {
		body["externalIdFieldName"] = s.Key
	}
	if s.AssignmentRule != "" {
		body["assignmentRuleId"] = s.AssignmentRule
	}
	var info Info
	if err := j.Org.Transfer(ctx, &transfer.Request{Method: http.MethodPost, Path: ingest, JSON: body, Into: &info, Repeat: true}); err != nil {
		return "", fmt.Errorf("make a job for %s: %w", s.Object, err)
	}
	if !lookup.WellFormedID(info.ID) {
		return "", catalog.New(sink.Network, catalog.CodeBadAnswer, "the org made a job without an id")
	}
	if j.Opened != nil {
		if err := j.Opened(info.ID); err != nil {
			return "", err
		}
	}
	return info.ID, nil
}

func (j *Jobs) setState(ctx context.Context, id string, s State) error {
	return j.Org.Transfer(ctx, &transfer.Request{Method: http.MethodPatch, Path: ingest + "/" + id, JSON: map[string]State{"state": s}, Into: new(Info)})
}

// close says that the upload is complete: from here on the job is worked off. Where the answer is lost, or is that
// the job is in no state for it, the job's state is asked for: an earlier try may have closed it. The error has Lost
// set if nobody knows whether it is closed.
func (j *Jobs) close(ctx context.Context, id string) error {
	var err error
	doubt := false // an answer was lost
tries:
	for range closings {
		if err = j.setState(ctx, id, UploadComplete); err == nil {
			return nil
		}
		if ctx.Err() != nil { // it may have left before
			cut := catalog.New(sink.Network, catalog.CodeCancelled, "the run ended before the org had answered")
			cut.Lost = true
			return fmt.Errorf("close job %s: %w", id, errors.Join(cut, err))
		}
		var e *sink.Error
		if !errors.As(err, &e) {
			return fmt.Errorf("close job %s: %w", id, err)
		}
		doubt = doubt || e.Lost
		if !e.Lost && e.Class != sink.Config {
			break
		}
		info, asked := j.Info(ctx, id)
		switch {
		case asked != nil:
			x := *e
			x.Lost = true
			return fmt.Errorf("close job %s: %w", id, errors.Join(&x, asked))
		case info.State != Open:
			return nil
		case !e.Lost:
			break tries
		}
	}
	e := *asError(err)
	e.Lost = doubt && j.setState(ctx, id, Aborted) != nil // if not, what is still on its way cannot close it any more
	return fmt.Errorf("close job %s: %w", id, &e)
}

// Info asks for a job's state.
func (j *Jobs) Info(ctx context.Context, id string) (Info, error) {
	if !lookup.WellFormedID(id) {
		return Info{}, catalog.New(sink.Config, catalog.CodeSetup, fmt.Sprintf("%q is not the id of a job", id))
	}
	var info Info
	err := j.Org.Transfer(ctx, &transfer.Request{Method: http.MethodGet, Path: ingest + "/" + id, Into: &info, Repeat: true})
	return info, err
}

// Abort ends a job that has not ended. What it has written stays.
func (j *Jobs) Abort(ctx context.Context, id string) error {
	if !lookup.WellFormedID(id) {
		return catalog.New(sink.Config, catalog.CodeSetup, fmt.Sprintf("%q is not the id of a job", id))
	}
	if err := j.setState(ctx, id, Aborted); err != nil {
		return fmt.Errorf("abort job %s: %w", id, err)
	}
	return nil
}

// wait polls a job until it has ended: soon at first, then as its progress lets expect.
func (j *Jobs) wait(ctx context.Context, id string, records int) (Info, error) {
	patience := j.Patience
	if patience <= 0 {
		patience = 48 * time.Hour
	}
	start := j.Now()
	var info Info
	for n := 0; ; n++ {
		left := patience - j.Now().Sub(start)
		if left <= 0 {
			return info, catalog.New(sink.Later, catalog.CodeUnfinished, fmt.Sprintf("job %s is still %s after %v", id, info.State, patience))
		}
		d := pause(n, j.Now().Sub(start), int(info.Processed), records)
		// Jobs that began together are not to be asked for together.
		d = min(time.Duration((0.75+0.5*j.rand())*float64(d)), left)
		if err := j.sleep(ctx, d); err != nil {
			return info, err
		}
		var err error
		if info, err = j.Info(ctx, id); err != nil {
			return info, fmt.Errorf("ask for job %s: %w", id, err)
		}
		if info.State.ended() {
			return info, nil
		}
		if info.State == Open {
			return info, catalog.New(sink.Config, catalog.CodeSetup, "job "+id+" has not been closed")
		}
	}
}

// maxPause bounds the time between two polls of a job that gets on.
const maxPause = 2 * time.Minute

// pause is how long to wait before poll n of a job that has been under way for so long: half of what
// it will still take by its progress so far, so that its end is seen soon after it comes.
func pause(n int, elapsed time.Duration, done, records int) time.Duration {
	d := estimate.PollAfter(n)
	switch {
	case done <= 0:
		return d
	case done >= records:
		return min(d, 5*time.Second) // it is about to end
	}
	rest := time.Duration(float64(elapsed) * float64(records-done) / float64(done))
	return min(max(rest/2, time.Second), maxPause)
}

func (j *Jobs) sleep(ctx context.Context, d time.Duration) error {
	if j.Sleep != nil {
		return j.Sleep(ctx, d)
	}
	return retry.Sleep(ctx, d)
}

func (j *Jobs) rand() float64 {
	if j.Rand != nil {
		return j.Rand()
	}
	return 0.5
}

// failure is why a job has not been worked off whole.
func failure(info Info) *sink.Error {
	code, message, ok := strings.Cut(info.Message, " : ")
	if !ok {
		code, message, ok = strings.Cut(info.Message, ":")
	}
	code = strings.TrimSpace(code)
	if !ok || strings.ContainsAny(code, " \n") {
		code, message = "JOB_"+strings.ToUpper(string(info.State)), info.Message
	}
	e := &sink.Error{Code: code, Message: strings.TrimSpace(message), Class: sink.Config}
	switch code {
	case "JOB_FAILED":
		e.Class = sink.Later // whatever it was, it is no fault that the org finds with the upload
	case "TooManyLockFailure", "Timeout", "Unknown":
		e.Class = sink.Retry
	case "ExceededQuota":
		e.Class = sink.Later
	case "InvalidSessionId", "InvalidUser":
		e.Class = sink.Auth
	}
	if info.State == Aborted {
		e.Class = sink.Later // somebody did that
	}
	if e.Message == "" {
		e.Message = "the org gives no reason"
	}
	return e
}
