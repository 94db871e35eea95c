package bulk

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"sfsync/sink/localorg/bulk/csv"
	"sfsync/sink/localorg/bulk/jobs"
	"sfsync/sink/localorg/bulk/load"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/journal"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
)

// runIngest runs a job from where it stands. It returns when the job is over, or ctx ends.
func (s *Service) runIngest(ctx context.Context, j *jobs.Job) error {
	if j.State != jobs.UploadComplete && j.State != jobs.InProgress {
		return nil
	}
	began := s.cfg.Now()
	if j.State == jobs.UploadComplete {
		if err := s.enter(ctx, j.ID); err != nil {
			return err
		}
	}
	if err := s.Pause(ctx); err != nil {
		return err
	}
	failure, err := s.write(ctx, j)
	if err != nil {
		return err
	}
	_, err = s.table.Change(context.WithoutCancel(ctx), j.ID, func(_ *store.Tx, j *jobs.Job) error {
		if j.State != jobs.InProgress {
			return jobs.ErrGone
		}
		j.State = jobs.Complete
		if failure != nil {
			j.State, j.Error = jobs.Failed, failure.Error()
		}
		j.Total = s.cfg.Now().Sub(began)
		return nil
	})
	return err
}

// enter makes a job be in progress, unless it was aborted meanwhile.
func (s *Service) enter(ctx context.Context, id string) error {
	j, err := s.table.Change(ctx, id, func(_ *store.Tx, j *jobs.Job) error {
		if j.State != jobs.UploadComplete {
			return jobs.ErrGone
		}
		j.State = jobs.InProgress
		return nil
	})
	if err == nil && j == nil {
		err = jobs.ErrGone
	}
	return err
}

// Writer returns the request by which a job's rows are written, and the catalog's object and key. The
// object may be gone since the job was made.
func Writer(as func(user string) *rest.Request, j *jobs.Job, path string) (*rest.Request, *catalog.Object, *catalog.Field, error) {
	rq := as(j.CreatedBy)
	rq.Method, rq.Path, rq.Version, rq.Entry = http.MethodPut, path, j.Version, &journal.Request{}
	rq.Header = http.Header{}
	ob := rq.Catalog.Object(j.Object)
	if ob == nil {
		return nil, nil, nil, &load.Error{Code: "InvalidJob", Message: "Unable to find object: " + j.Object}
	}
	var key *catalog.Field
	if j.ExternalID != "" {
		if key = ob.Field(j.ExternalID); key == nil {
			return nil, nil, nil, &load.Error{Code: "InvalidJob", Message: "Field name provided, " + j.ExternalID + " does not match an External ID for " + j.Object}
		}
	}
	return rq, ob, key, nil
}

// write writes the rows of a job. A *[load.Error] is why the job failed as a whole; what was written before
// stays.
func (s *Service) write(ctx context.Context, j *jobs.Job) (*load.Error, error) {
	rq, ob, key, err := Writer(s.cfg.As, j, "/jobs/ingest/"+j.ID+"/batches")
	if err != nil {
		return whole(err)
	}
	done, err := s.table.Progress(ctx, j.ID)
	if err != nil {
		return nil, err
	}
	plan, body, err := s.open(ctx, j, func(header []string) (*load.Plan, error) {
		return load.Bind(rq.Catalog, ob, j.Operation, key, header)
	})
	if err != nil {
		return whole(err)
	}
	if done.Chunks == 0 {
		// Nothing is written if something about the file is wrong, however far behind.
		if err := s.check(ctx, j); err != nil {
			return whole(err)
		}
		done.End = body
	}
	run := &load.Run{
		Gate: s.cfg.Gate, Table: s.table, Plan: plan, Request: rq, Owner: j.ID, Done: done, AssignmentRule: j.AssignmentRule,
		Rows: csv.NewReader(s.table.Data(ctx, j.ID, done.End), dialect(j)),
	}
	defer run.Close()
	var busy time.Duration
	run.Advance = func(tx *store.Tx, rows, failed int) error {
		if run.Done.Rows%load.BatchRows == 0 {
			if err := s.UseBatch(ctx, tx); err != nil {
				return err
			}
		}
		return s.table.Advance(tx, j.ID, rows, failed)
	}
	for {
		start := s.cfg.Now()
		_, err := run.Chunk(ctx)
		busy += s.cfg.Now().Sub(start)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return nil, err // it goes on when the org is opened again
		}
		busyErr := s.busy(ctx, j.ID, busy)
		if errors.Is(err, io.EOF) {
			return nil, busyErr
		}
		return whole(errors.Join(err, busyErr))
	}
}

// whole tells why a job failed from a failure of the org.
func whole(err error) (*load.Error, error) {
	if e, ok := errors.AsType[*load.Error](err); ok {
		return e, nil
	}
	return nil, err
}

// UseBatch counts an internal batch towards the daily allowance; the error is a *[load.Error] if there is none
// left. (The text is what Bulk API 1.0 says.)
func (s *Service) UseBatch(ctx context.Context, tx *store.Tx) error {
	used, _, err := s.table.UsedIn(ctx, tx)
	switch {
	case err != nil:
		return err
	case used >= s.cfg.Batches:
		return &load.Error{Code: "ExceededQuota", Message: "ApiBatchItems Limit exceeded."}
	}
	return s.table.Use(tx, 1, 0)
}

// busy adds to how long a job was worked on.
func (s *Service) busy(ctx context.Context, id string, d time.Duration) error {
	_, err := s.table.Change(ctx, id, func(_ *store.Tx, j *jobs.Job) error {
		j.Busy += d
		return nil
	})
	return err
}

// open reads the header of a job's file and returns its plan, and where the rows begin.
func (s *Service) open(ctx context.Context, j *jobs.Job, bind func([]string) (*load.Plan, error)) (*load.Plan, int64, error) {
	rows := csv.NewReader(s.table.Data(ctx, j.ID, 0), dialect(j))
	header, err := rows.Read()
	if err != nil {
		return nil, 0, HeaderError(err, dialect(j))
	}
	plan, err := bind(header)
	return plan, rows.Offset(), err
}

// check reads a file to its end. An error that is not about one row alone fails the job.
func (s *Service) check(ctx context.Context, j *jobs.Job) error {
	rows := csv.NewReader(s.table.Data(ctx, j.ID, 0), dialect(j))
	for n := 0; ; n++ {
		_, err := rows.Read()
		switch err = FileError(err, dialect(j)); {
		case err == nil:
		case errors.Is(err, errNoData):
			return nil
		default:
			return err
		}
	}
}

// errNoData is a file at its end.
var errNoData = &load.Error{Code: "InvalidBatch", Message: "The file has no header"}

// HeaderError is [FileError] for the first row of a file: without it no other row can be read.
func HeaderError(err error, d csv.Dialect) error {
	if bad, isRow := errors.AsType[*csv.RowError](err); isRow {
		return &load.Error{Code: "ClientInputError", Message: "Failed to parse CSV: " + bad.Reason}
	}
	return FileError(err, d)
}

// FileError puts an error of the reader into the words of a job's errorMessage. A row that cannot be taken
// apart is none. (The text about line endings is recorded.)
func FileError(err error, d csv.Dialect) error {
	name := lf
	if d.CRLF {
		name = crlf
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF):
		return errNoData
	case errors.Is(err, csv.ErrLineEnding):
		return &load.Error{Code: "ClientInputError", Message: "LineEnding is invalid on user data. Current LineEnding setting is " + name}
	case errors.Is(err, csv.ErrOpenQuote), errors.Is(err, csv.ErrTooLong):
		return &load.Error{Code: "ClientInputError", Message: "Failed to parse CSV: " + err.Error()}
	}
	if _, row := errors.AsType[*csv.RowError](err); row {
		return nil
	}
	return err
}
