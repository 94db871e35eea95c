package bulk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sfsync/sink/localorg/bulk/jobs"
	"sfsync/sink/localorg/bulk/load"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
)

// Jobs answers /jobs/ingest, /jobs/query and what is below them.
func (s *Service) Jobs(ctx context.Context, rq *rest.Request) *rest.Response {
	if err := s.sweep(ctx); err != nil {
		return s.cfg.Gate.Internal(rq, err)
	}
	if rq.Method == http.MethodHead {
		rq.Method = http.MethodGet
	}
	segs := rq.Segs
	if len(segs) < 2 {
		return rest.NotFound()
	}
	switch segs[1] {
	case "ingest":
		return s.ingest(ctx, rq, segs[2:])
	case "query":
		return s.query(ctx, rq, segs[2:])
	}
	return rest.NotFound()
}

func (s *Service) ingest(ctx context.Context, rq *rest.Request, segs []string) *rest.Response {
	if len(segs) == 0 {
		switch rq.Method {
		case http.MethodPost:
			return s.create(ctx, rq)
		case http.MethodGet:
			return s.list(ctx, rq, "ingest", []jobs.Kind{jobs.Ingest, jobs.Classic}, load.Operations())
		}
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD", "POST")
	}
	j, err := s.table.Job(ctx, segs[0])
	switch {
	case err != nil:
		return s.cfg.Gate.Internal(rq, err)
	case j == nil || j.Kind != jobs.Ingest || !Sees(rq, j):
		return rest.NotFound()
	}
	if len(segs) == 1 {
		return s.one(ctx, rq, j)
	}
	if len(segs) > 2 {
		return rest.NotFound()
	}
	switch strings.ToLower(segs[1]) {
	case "batches":
		if rq.Method != http.MethodPut {
			return rest.MethodNotAllowed(rq.Method, "PUT")
		}
		return s.upload(ctx, rq, j)
	case "successfulresults":
		return s.results(rq, j, successful)
	case "failedresults":
		return s.results(rq, j, failed)
	case "unprocessedrecords":
		return s.results(rq, j, unprocessed)
	}
	return rest.NotFound()
}

// one answers /jobs/…/{id}.
func (s *Service) one(ctx context.Context, rq *rest.Request, j *jobs.Job) *rest.Response {
	switch rq.Method {
	case http.MethodGet:
		return rest.OK(info(j))
	case http.MethodPatch:
		return s.patch(ctx, rq, j)
	case http.MethodDelete:
		return s.remove(ctx, rq, j)
	}
	return rest.MethodNotAllowed(rq.Method, "HEAD", "GET", "PATCH", "DELETE")
}

// order is what a client asks for when it creates an ingest job.
type order struct {
	Operation   string `json:"operation"`
	Object      string `json:"object"`
	ExternalID  string `json:"externalIdFieldName"`
	ContentType string `json:"contentType"`
	Delimiter   string `json:"columnDelimiter"`
	LineEnding  string `json:"lineEnding"`
	Assignment  string `json:"assignmentRuleId"`
	Query       string `json:"query"`
}

// form checks what files are written like, and fills in the defaults.
func (o *order) form() *rest.Response {
	if o.ContentType == "" {
		o.ContentType = "CSV"
	}
	if o.Delimiter == "" {
		o.Delimiter = comma
	}
	if o.LineEnding == "" {
		o.LineEnding = lf
	}
	switch _, known := delimiter(o.Delimiter); {
	case o.ContentType != "CSV":
		return wrongValue(o.ContentType, "contentType")
	case !known:
		return wrongValue(o.Delimiter, "columnDelimiter")
	case o.LineEnding != lf && o.LineEnding != crlf:
		return wrongValue(o.LineEnding, "lineEnding")
	}
	return nil
}

// create answers POST /jobs/ingest.
func (s *Service) create(ctx context.Context, rq *rest.Request) *rest.Response {
	doc, content, multi, bad := parts(rq)
	if bad != nil {
		return bad
	}
	var o order
	if err := json.Unmarshal(doc, &o); err != nil {
		return refuse("JSON_PARSER_ERROR", err.Error())
	}
	j, bad := s.accept(rq, &o)
	if bad != nil {
		return bad
	}
	if !multi {
		if err := s.table.Add(ctx, j); err != nil {
			return s.cfg.Gate.Internal(rq, err)
		}
		return rest.OK(createdAnswer(j, false))
	}
	if err := s.table.Add(ctx, j); err != nil {
		return s.cfg.Gate.Internal(rq, err)
	}
	if _, err := s.table.Upload(ctx, j.ID, strings.NewReader(content), MaxUpload); err != nil {
		return s.cfg.Gate.Internal(rq, err)
	}
	j, err := s.table.Change(ctx, j.ID, func(_ *store.Tx, j *jobs.Job) error {
		j.Uploaded, j.State = true, jobs.UploadComplete
		return nil
	})
	if err != nil || j == nil {
		return s.cfg.Gate.Internal(rq, errors.Join(err, jobs.ErrGone))
	}
	s.Enqueue(j.ID)
	return rest.OK(createdAnswer(j, false))
}

// accept makes a job of an order, or says why not. (The codes and texts about operation, object and
// externalIdFieldName are recorded.)
func (s *Service) accept(rq *rest.Request, o *order) (*jobs.Job, *rest.Response) {
	if !slices.Contains(load.Operations(), o.Operation) {
		return nil, wrongValue(o.Operation, "operation")
	}
	if bad := o.form(); bad != nil {
		return nil, bad
	}
	ob := rq.Catalog.Object(o.Object)
	if ob == nil {
		return nil, refuse("INVALIDJOB", "InvalidJob : Unable to find object: "+o.Object)
	}
	d := ob.Def
	allowed := map[string]bool{
		load.Insert: d.Createable, load.Update: d.Updateable, load.Upsert: d.Createable && d.Updateable,
		load.Delete: d.Deletable, load.HardDelete: d.Deletable,
	}
	if !allowed[o.Operation] {
		return nil, refuse("INVALIDENTITY", "Entity '"+d.Name+"' is not supported by the Bulk API.")
	}
	if a := rq.Catalog.Access(); o.Operation == load.HardDelete && a != nil && !a.ModifyAllData {
		// The permission is "Bulk API Hard Delete"; here those have it who may do everything.
		return nil, refuse("FEATURENOTENABLED", "FeatureNotEnabled : hardDelete operation requires special user profile permission, please contact your system administrator")
	}
	j := &jobs.Job{
		Kind: jobs.Ingest, State: jobs.Open, Operation: o.Operation, Object: d.Name, AssignmentRule: o.Assignment,
		CreatedBy: rq.Caller.UserID, Version: rq.Version, ContentType: "CSV", Delimiter: o.Delimiter, LineEnding: o.LineEnding,
	}
	if o.Operation != load.Upsert {
		return j, nil
	}
	key := ob.Field(o.ExternalID)
	if key == nil || !key.IsKey() {
		return nil, refuse("INVALIDJOB", "InvalidJob : Field name provided, "+o.ExternalID+" does not match an External ID for "+d.Name)
	}
	j.ExternalID = key.Def.Name
	return j, nil
}

// upload answers PUT /jobs/ingest/{id}/batches.
func (s *Service) upload(ctx context.Context, rq *rest.Request, j *jobs.Job) *rest.Response {
	again := refuse("BULK_API_ERROR", "Found multipe contents for job: <"+j.ID[:15]+ //nolint:misspell // that is how it is spelled
		">, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job.")
	if rq.Upload == nil {
		return rest.NotFound() // no request of its own
	}
	// What is refused is read nevertheless: a client in the middle of sending would not see the answer.
	defer func() { _, _ = io.CopyN(io.Discard, rq.Upload, MaxUpload) }()
	switch {
	case j.State != jobs.Open:
		return wrongState("Data can only be added to an Open Job; this one is " + string(j.State))
	case j.Uploaded || !s.begin(j.ID):
		return again
	}
	defer s.end(j.ID)
	// Another upload may have ended since the job was read; what it brought must not be overwritten.
	switch now, err := s.table.Job(ctx, j.ID); {
	case err != nil:
		return s.cfg.Gate.Internal(rq, err)
	case now == nil:
		return rest.NotFound()
	case now.State != jobs.Open:
		return wrongState("Data can only be added to an Open Job; this one is " + string(now.State))
	case now.Uploaded:
		return again
	}
	size, err := s.table.Upload(ctx, j.ID, rq.Upload, MaxUpload)
	switch {
	case errors.Is(err, jobs.ErrTooLarge):
		return rest.Failure(http.StatusRequestEntityTooLarge, "REQUEST_TOO_LARGE", "The data of a job must not exceed 100 MB (150 MB after base64 encoding)")
	case err != nil:
		return refuse("BULK_API_ERROR", "The data could not be read: "+err.Error())
	case size == 0:
		return refuse("BULK_API_ERROR", "No data was uploaded")
	}
	_, err = s.table.Change(ctx, j.ID, func(tx *store.Tx, now *jobs.Job) error {
		if now.State != jobs.Open || now.Uploaded {
			return refusal{wrongState("Data can only be added to an Open Job; this one is " + string(now.State))}
		}
		now.Uploaded = true
		return nil
	})
	if err != nil {
		return s.failure(rq, err)
	}
	return &rest.Response{Status: http.StatusCreated}
}

// begin notes that a job is being uploaded, and reports whether it was not yet.
func (s *Service) begin(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uploading[id] {
		return false
	}
	s.uploading[id] = true
	return true
}

func (s *Service) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.uploading, id)
}

// patch answers PATCH /jobs/…/{id}: the end of the upload, or of the job.
func (s *Service) patch(ctx context.Context, rq *rest.Request, j *jobs.Job) *rest.Response {
	var body struct {
		State jobs.State `json:"state"`
	}
	if err := json.Unmarshal(rq.Body, &body); err != nil {
		return refuse("JSON_PARSER_ERROR", err.Error())
	}
	if body.State != jobs.Aborted && (body.State != jobs.UploadComplete || j.Kind != jobs.Ingest) {
		return wrongValue(string(body.State), "state")
	}
	j, err := s.table.Change(ctx, j.ID, func(_ *store.Tx, j *jobs.Job) error {
		if body.State == jobs.Aborted {
			switch j.State {
			case jobs.Complete, jobs.Failed:
				return refusal{wrongState("Aborting already Completed Job not allowed")} // recorded
			case jobs.Aborted:
				return refusal{wrongState("Aborting already Aborted Job not allowed")}
			}
			j.State = jobs.Aborted
			return nil
		}
		if s.busyUpload(j.ID) {
			return refusal{wrongState("Closing a Job while its content is uploaded not allowed")}
		}
		if j.State != jobs.Open {
			return refusal{wrongState("Closing already " + closing(j.State) + " Job not allowed")}
		}
		j.State = jobs.UploadComplete
		return nil
	})
	switch {
	case err != nil:
		return s.failure(rq, err)
	case j == nil:
		return rest.NotFound()
	case j.State == jobs.UploadComplete:
		s.Enqueue(j.ID)
	}
	return rest.OK(brief(j))
}

// busyUpload reports whether content is on its way to a job.
func (s *Service) busyUpload(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uploading[id]
}

func closing(state jobs.State) string {
	switch state {
	case jobs.Aborted, jobs.Failed:
		return string(state)
	case jobs.Complete:
		return "Completed"
	}
	return "Closed"
}

// remove answers DELETE /jobs/…/{id}.
func (s *Service) remove(ctx context.Context, rq *rest.Request, j *jobs.Job) *rest.Response {
	err := s.cfg.Gate.Store.Update(ctx, func(tx *store.Tx) error {
		now, err := s.table.JobIn(ctx, tx, j.ID)
		if err != nil {
			return err
		}
		if now.State == jobs.Open || now.State == jobs.InProgress {
			return refusal{wrongState("Deleting a Job that is " + string(now.State) + " is not allowed")}
		}
		return s.table.Delete(tx, now)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows): // another request was faster
		return rest.NotFound()
	case err != nil:
		return s.failure(rq, err)
	}
	return &rest.Response{Status: http.StatusNoContent}
}

// bigObjects is the jobType of jobs that this org never has.
const bigObjects = "BigObjectIngest"

// listPage is how many jobs a page has (Bulk API 2.0 guide, Get All Jobs).
const listPage = 1000

// list answers GET /jobs/ingest and /jobs/query. queryLocator is the number of the last job of the page
// before, as an id.
func (s *Service) list(ctx context.Context, rq *rest.Request, name string, kinds []jobs.Kind, operations []string) *rest.Response {
	q := rq.Query
	if t := q.Get("jobType"); t != "" {
		if !slices.Contains(kinds, jobs.Kind(t)) && t != bigObjects {
			return wrongValue(t, "jobType")
		}
		kinds = []jobs.Kind{jobs.Kind(t)}
	}
	after := int64(0)
	if loc := q.Get("queryLocator"); loc != "" {
		n, err := strconv.ParseInt(strings.TrimLeft(strings.TrimPrefix(loc, "01g"), "0"), 36, 64)
		if err != nil || !strings.HasPrefix(loc, "01g") {
			return refuse("INVALID_QUERY_LOCATOR", "invalid query locator")
		}
		after = n
	}
	f := jobs.Filter{Kinds: kinds, Operations: operations, After: after, Max: listPage}
	list, next, err := s.table.List(ctx, f)
	if err != nil {
		return s.cfg.Gate.Internal(rq, err)
	}
	out := struct {
		Done    bool       `json:"done"`
		Records []document `json:"records"`
		Next    *string    `json:"nextRecordsUrl"`
	}{Done: next == 0, Records: []document{}}
	pk := strings.EqualFold(q.Get("isPkChunkingEnabled"), "true") // no job here has it
	for _, j := range list {
		if !pk {
			out.Records = append(out.Records, createdAnswer(j, true))
		}
	}
	if next > 0 {
		n := strings.ToUpper(strconv.FormatInt(next, 36))
		url := rq.Base + "/jobs/" + name + "?queryLocator=01g" + strings.Repeat("0", max(0, 12-len(n))) + n
		out.Next = &url
	}
	return rest.OK(out)
}
