package bulk

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/bulk/jobs"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/soql"
	"sfsync/sink/localorg/store"
)

// Selector compiles a query for the caller of a request; deleted records are among the answer if deleted is
// set. A refusal is a *[soql.Error].
type Selector func(rq *rest.Request, text string, deleted bool) (*soql.Query, error)

// The operations of query jobs.
const (
	opQuery    = "query"
	opQueryAll = "queryAll"
)

// pageRows is how many records a page of results has unless maxRecords says otherwise. (Salesforce chooses
// by size; 50,000 is recorded.)
const pageRows = 50_000

// query answers /jobs/query and what is below it.
func (s *Service) query(ctx context.Context, rq *rest.Request, segs []string) *rest.Response {
	if len(segs) == 0 {
		switch rq.Method {
		case http.MethodPost:
			return s.createQuery(ctx, rq)
		case http.MethodGet:
			return s.list(ctx, rq, "query", []jobs.Kind{jobs.Query, jobs.Classic}, []string{opQuery, opQueryAll})
		}
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD", "POST")
	}
	j, err := s.table.Job(ctx, segs[0])
	switch {
	case err != nil:
		return s.cfg.Gate.Internal(rq, err)
	case j == nil || j.Kind != jobs.Query || !Sees(rq, j), len(segs) > 2:
		return rest.NotFound()
	case len(segs) == 1:
		return s.one(ctx, rq, j)
	case strings.EqualFold(segs[1], "results"):
		return s.queryResults(rq, j)
	case strings.EqualFold(segs[1], "resultPages"):
		return s.resultPages(rq, j)
	}
	return rest.NotFound()
}

// createQuery answers POST /jobs/query.
func (s *Service) createQuery(ctx context.Context, rq *rest.Request) *rest.Response {
	var o order
	if err := json.Unmarshal(rq.Body, &o); err != nil {
		return refuse("JSON_PARSER_ERROR", err.Error())
	}
	if o.Operation != opQuery && o.Operation != opQueryAll {
		return wrongValue(o.Operation, "operation")
	}
	if bad := o.form(); bad != nil {
		return bad
	}
	q, err := s.cfg.Select(rq, o.Query, o.Operation == opQueryAll)
	if err != nil {
		if e, isQuery := errors.AsType[*soql.Error](err); isQuery {
			return refuse(e.Code, e.Message)
		}
		return s.cfg.Gate.Internal(rq, err)
	}
	if code, text := Unsupported(q); code != "" {
		return refuse(code, text)
	}
	j := &jobs.Job{
		Kind: jobs.Query, State: jobs.UploadComplete, Operation: o.Operation, Object: q.Entity.Name, Query: o.Query,
		CreatedBy: rq.Caller.UserID, Version: rq.Version, ContentType: "CSV", Delimiter: o.Delimiter, LineEnding: o.LineEnding,
	}
	_, used, err := s.table.Used(ctx)
	switch {
	case err != nil:
		return s.cfg.Gate.Internal(rq, err)
	case used >= s.cfg.Queries:
		return refuse("LIMIT_EXCEEDED", "Max bulk v2 query jobs ("+strconv.FormatInt(s.cfg.Queries, 10)+") per 24 hrs has been reached")
	}
	if err := s.table.Add(ctx, j); err != nil {
		return s.cfg.Gate.Internal(rq, err)
	}
	if err := s.cfg.Gate.Store.Update(ctx, func(tx *store.Tx) error { return s.table.Use(tx, 0, 1) }); err != nil {
		return s.cfg.Gate.Internal(rq, err)
	}
	s.Enqueue(j.ID)
	return rest.OK(createdAnswer(j, false))
}

// Unsupported says why a query cannot be answered as CSV, "" if it can (Bulk API 2.0 guide, SOQL
// considerations; the texts about compound fields and child relationships are recorded).
func Unsupported(q *soql.Query) (code, text string) {
	switch {
	case q.Count, q.Grouped, q.Aggregate:
		return "API_ERROR", "Aggregate queries (COUNT, GROUP BY and the like) are not supported in Bulk Query"
	case q.Offset > 0:
		return "API_ERROR", "OFFSET is not supported in Bulk Query"
	}
	for i := range q.Columns {
		c := &q.Columns[i]
		switch {
		case c.Columns != nil:
			return "API_ERROR", "Aggregate Relationships not supported in Bulk V2 Query with CSV content type"
		case isCompound(c.Field.Type):
			return "API_ERROR", "Selecting compound data not supported in Bulk Query"
		case c.Value < 0:
			return "API_ERROR", "TYPEOF is not supported in Bulk Query"
		}
	}
	return "", ""
}

func isCompound(t schema.Type) bool {
	return t == schema.Address || t == schema.Location || t == schema.ComplexValue
}

// runQuery runs a query job from its beginning.
func (s *Service) runQuery(ctx context.Context, j *jobs.Job) error {
	if j.State != jobs.UploadComplete && j.State != jobs.InProgress {
		return nil
	}
	if j.State == jobs.UploadComplete {
		if err := s.enter(ctx, j.ID); err != nil {
			return err
		}
	}
	if err := s.Pause(ctx); err != nil {
		return err
	}
	began := s.cfg.Now()
	rq := s.cfg.As(j.CreatedBy)
	q, err := s.cfg.Select(rq, j.Query, j.Operation == opQueryAll)
	if err != nil {
		if e, isQuery := errors.AsType[*soql.Error](err); isQuery {
			return s.fail(j.ID, "InvalidBatch : Failed to process query: "+e.Code+": "+e.Message)
		}
		return err
	}
	w := NewPages(s.table, j.ID, CSV(q, dialect(j)))
	if err := w.Read(ctx, s.cfg.Gate, rq, q); err != nil {
		return err
	}
	kept, err := s.table.Change(context.WithoutCancel(ctx), j.ID, func(_ *store.Tx, j *jobs.Job) error {
		if j.State != jobs.InProgress {
			return jobs.ErrGone
		}
		j.State, j.Processed, j.Columns = jobs.Complete, w.Rows, Names(q)
		j.Total = s.cfg.Now().Sub(began)
		return nil
	})
	if errors.Is(err, jobs.ErrGone) || err == nil && kept == nil {
		// Aborted or deleted meanwhile: nobody will ask for the result.
		err = s.cfg.Gate.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return s.table.DropPages(tx, j.ID) })
	}
	return err
}

// locator is the place in a result as Sforce-Locator gives it: the number of the next record, encoded
// (recorded: MjAwMDAw).
func locator(row int64) string {
	return base64.RawStdEncoding.EncodeToString(strconv.AppendInt(nil, row, 10))
}

func parseLocator(text string) (int64, bool) {
	if text == "" || text == "null" {
		return 0, true
	}
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil && n >= 0
}

// finished refuses results that are not there, or that were made in another version (409, Bulk API 2.0 guide).
func finished(rq *rest.Request, j *jobs.Job) *rest.Response {
	switch {
	case rq.Method != http.MethodGet:
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD")
	case rq.Version != j.Version:
		return rest.Failure(http.StatusConflict, "INVALIDVERSION", "The results must be fetched with the API version of the job, "+string(version(j.Version)))
	case j.State != jobs.Complete:
		return wrongState("The results of a Job that is " + string(j.State) + " are not available")
	}
	return nil
}

// queryResults answers /jobs/query/{id}/results.
func (s *Service) queryResults(rq *rest.Request, j *jobs.Job) *rest.Response {
	if bad := finished(rq, j); bad != nil {
		return bad
	}
	from, ok := parseLocator(rq.Query.Get("locator"))
	if !ok || from > j.Processed {
		return refuse("INVALID_QUERY_LOCATOR", "invalid query locator")
	}
	n := int64(pageRows)
	if text := rq.Query.Get("maxRecords"); text != "" {
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil || v < 1 {
			return wrongValue(text, "maxRecords")
		}
		n = v
	}
	n = min(n, j.Processed-from)
	next := "null"
	if from+n < j.Processed {
		next = locator(from + n)
	}
	head := http.Header{
		"Content-Type": {"text/csv"}, "Sforce-Locator": {next},
		"Sforce-Numberofrecords": {strconv.FormatInt(n, 10)},
	}
	rq.Entry.Records += int(n)
	return &rest.Response{Status: http.StatusOK, Header: head, Stream: func(ctx context.Context, w io.Writer) error {
		return WritePages(ctx, s.table, w, j.ID, dialect(j), j.Columns, from, n)
	}}
}

// maxResultPages is how many pages one answer of resultPages names.
const maxResultPages = 10

// resultPages answers /jobs/query/{id}/resultPages: addresses of pages that may be fetched side by side
// (Bulk API 2.0 guide, Get Parallel Results).
func (s *Service) resultPages(rq *rest.Request, j *jobs.Job) *rest.Response {
	if bad := finished(rq, j); bad != nil {
		return bad
	}
	from, ok := parseLocator(rq.Query.Get("resultPagesLocator"))
	if !ok {
		return refuse("INVALID_QUERY_LOCATOR", "invalid query locator")
	}
	type page struct {
		URL string `json:"resultUrl"`
	}
	out := struct {
		Pages []page  `json:"resultPages"`
		Next  *string `json:"nextRecordsUrl"`
		Done  bool    `json:"done"`
	}{Pages: []page{}, Done: true}
	base := rq.Base + "/jobs/query/" + j.ID
	for ; from < j.Processed && len(out.Pages) < maxResultPages; from += pageRows {
		out.Pages = append(out.Pages, page{base + "/results?locator=" + locator(from)})
	}
	if from < j.Processed {
		next := base + "/resultPages?resultPagesLocator=" + locator(from)
		out.Next, out.Done = &next, false
	}
	return rest.OK(out)
}
