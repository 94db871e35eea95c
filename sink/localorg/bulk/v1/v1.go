// Package v1 is Bulk API 1.0 of the local org: jobs of batches in CSV, JSON or XML, whose results come in the
// order of the request.
//
// Batches of one job run one after the other, as concurrencyMode Serial asks for; Parallel batches of a real
// org may overtake one another. Zipped content and transformation specs are left out, and PK chunking is
// ignored. Texts of refusals are unconfirmed, unless the tests say that they are recorded.
package v1

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sfsync/sink/localorg/bulk"
	"sfsync/sink/localorg/bulk/jobs"
	"sfsync/sink/localorg/bulk/load"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/soql"
	"sfsync/sink/localorg/store"
)

// The limits of a batch (Bulk API guide, limits).
const (
	maxBytes = 10_000_000
	maxRows  = 10_000
)

// The versions that are served. Clients that stopped at 40.0 are still about.
const (
	minVersion = 31
	maxVersion = rest.MaxVersion
)

// Config is what a Handler needs.
type Config struct {
	Gate   *rest.Gate
	Bulk   *bulk.Service
	Now    func() time.Time
	Logger *slog.Logger
	// As returns a request by which the org acts as a user.
	As func(user string) *rest.Request
	// Select compiles the query of a batch.
	Select bulk.Selector
}

// Handler answers /services/async. It is safe for concurrent use.
type Handler struct {
	cfg   Config
	table *jobs.Table
}

// New returns the handler, whose jobs cfg.Bulk runs: it must not have been started yet.
func New(cfg Config) *Handler {
	h := &Handler{cfg: cfg, table: cfg.Bulk.Table()}
	cfg.Bulk.Handle(jobs.Classic, h.run)
	return h
}

// The operations of query jobs.
const (
	opQuery    = "query"
	opQueryAll = "queryAll"
)

func isQuery(operation string) bool { return operation == opQuery || operation == opQueryAll }

// exception is a refusal.
type exception struct{ code, message string }

func (e *exception) Error() string { return e.code + ": " + e.message }

func except(code, message string) *exception { return &exception{code, message} }

// Refuse answers with a refusal, such as that of a session, in the form that the request wants.
func Refuse(rq *rest.Request, code, message string) *rest.Response {
	return refusal(formOf(rq, ""), except(code, message))
}

// Serve answers /services/async/NN.0/job and what is below it.
func (h *Handler) Serve(ctx context.Context, rq *rest.Request) *rest.Response {
	s := rq.Segs
	if len(s) < 4 || !strings.EqualFold(s[3], "job") {
		return Refuse(rq, "InvalidUrl", "Destination URL not reset. The URL returned from login must be set")
	}
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(s[2]), "v"), ".0"))
	if err != nil || n < minVersion || n > maxVersion {
		return Refuse(rq, "InvalidVersion", "Invalid version: "+s[2])
	}
	rq.Version, rq.Base = n, "/services/data/v"+strconv.Itoa(n)+".0"
	res, err := h.serve(ctx, rq, s[4:])
	if err == nil {
		return res
	}
	if e, ok := errors.AsType[*exception](err); ok {
		return refusal(formOf(rq, ""), e)
	}
	h.cfg.Logger.Error("local org", "method", rq.Method, "path", rq.Path, "err", err)
	res = Refuse(rq, "Unknown", err.Error())
	res.Status = http.StatusInternalServerError
	return res
}

// serve answers what is below /job: nothing, an id, an id and "batch", a batch's id, and what the batch has.
func (h *Handler) serve(ctx context.Context, rq *rest.Request, segs []string) (*rest.Response, error) {
	if len(segs) == 0 {
		if rq.Method != http.MethodPost {
			return nil, except("InvalidUrl", "Method not allowed: "+rq.Method)
		}
		return h.create(ctx, rq)
	}
	j, err := h.table.Job(ctx, segs[0])
	if err != nil {
		return nil, err
	}
	if j == nil || j.Kind != jobs.Classic || !bulk.Sees(rq, j) {
		return nil, except("InvalidJob", "Unable to find job: "+segs[0])
	}
	post := rq.Method == http.MethodPost
	switch {
	case len(segs) == 1 && post:
		return h.change(ctx, rq, j)
	case len(segs) == 1:
		return h.jobInfo(ctx, rq, j, http.StatusOK)
	case segs[1] != "batch" || len(segs) > 5:
		return nil, except("InvalidUrl", "Unknown resource: "+segs[1])
	case len(segs) == 2 && post:
		return h.addBatch(ctx, rq, j)
	case post:
		return nil, except("InvalidUrl", "Method not allowed: POST")
	case len(segs) == 2:
		return h.list(ctx, rq, j)
	}
	b, err := h.table.Batch(ctx, j.ID, segs[2])
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, except("InvalidBatch", "Unable to find batch: "+segs[2])
	}
	switch {
	case len(segs) == 3:
		return batchAnswer(formOf(rq, j.ContentType), b, http.StatusOK), nil
	case len(segs) == 4 && segs[3] == "request":
		return h.request(ctx, j, b), nil
	case segs[3] == "result":
		return h.result(rq, j, b, segs[4:])
	}
	return nil, except("InvalidUrl", "Unknown resource: "+segs[3])
}

// create answers POST /job.
func (h *Handler) create(ctx context.Context, rq *rest.Request) (*rest.Response, error) {
	o, err := parseJob(rq)
	if err != nil {
		return nil, err
	}
	j := &jobs.Job{
		Kind: jobs.Classic, State: jobs.Open, Operation: o.Operation, CreatedBy: rq.Caller.UserID, Version: rq.Version,
		ContentType: o.ContentType, Concurrency: o.Concurrency, AssignmentRule: o.Assignment,
	}
	if j.ContentType == "" {
		j.ContentType = xmlType
	}
	if j.Concurrency == "" {
		j.Concurrency = parallel
	}
	switch {
	case !slices.Contains(load.Operations(), o.Operation) && !isQuery(o.Operation):
		return nil, except("InvalidJob", "Unable to parse Job")
	case j.ContentType != csvType && j.ContentType != jsonType && j.ContentType != xmlType:
		return nil, except("InvalidJob", "Unable to parse Job: content type "+j.ContentType+" is not supported")
	}
	ob := rq.Catalog.Object(o.Object)
	if ob == nil {
		return nil, except("InvalidJob", "Unable to find object: "+o.Object)
	}
	j.Object = ob.Def.Name
	if err := allowed(rq.Catalog, ob, o, j); err != nil {
		return nil, err
	}
	if err := h.table.Add(ctx, j); err != nil {
		return nil, err
	}
	return h.jobInfo(ctx, rq, j, http.StatusCreated)
}

// allowed checks what the operation needs, and puts the key of an upsert into the job.
func allowed(cat *catalog.Catalog, ob *catalog.Object, o *order, j *jobs.Job) error {
	d := ob.Def
	may := map[string]bool{
		load.Insert: d.Createable, load.Update: d.Updateable, load.Upsert: d.Createable && d.Updateable,
		load.Delete: d.Deletable, load.HardDelete: d.Deletable, opQuery: d.Queryable, opQueryAll: d.Queryable,
	}
	if !may[j.Operation] {
		return except("InvalidEntity", "Entity '"+d.Name+"' is not supported by the Bulk API.")
	}
	if a := cat.Access(); j.Operation == load.HardDelete && a != nil && !a.ModifyAllData {
		return except("FeatureNotEnabled", "hardDelete operation requires special user profile permission, please contact your system administrator")
	}
	if j.Operation != load.Upsert {
		return nil
	}
	if o.ExternalID == "" { // recorded
		return except("InvalidJob", "External ID was blank for "+d.Name+". An External ID must be specified for upsert.")
	}
	key := ob.Field(o.ExternalID)
	if key == nil || !key.IsKey() {
		return except("InvalidJob", "Field name provided, "+o.ExternalID+" does not match an External ID for "+d.Name)
	}
	j.ExternalID = key.Def.Name
	return nil
}

// change answers POST /job/{id}: it closes or aborts the job.
func (h *Handler) change(ctx context.Context, rq *rest.Request, j *jobs.Job) (*rest.Response, error) {
	o, err := parseJob(rq)
	if err != nil {
		return nil, err
	}
	to := jobs.State(o.State)
	if to != jobs.Closed && to != jobs.Aborted {
		return nil, except("InvalidJob", "Unable to parse Job: state "+o.State)
	}
	j, err = h.table.Change(ctx, j.ID, func(_ *store.Tx, j *jobs.Job) error {
		switch {
		case j.State == to:
		case j.State == jobs.Open, j.State == jobs.Closed && to == jobs.Aborted:
			j.State = to
		default:
			return except("InvalidJobState", "Closing already "+string(j.State)+" Job not allowed")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if j == nil {
		return nil, except("InvalidJob", "Unable to find job")
	}
	if to == jobs.Aborted {
		if err := h.dropQueued(ctx, j.ID); err != nil {
			return nil, err
		}
	}
	return h.jobInfo(ctx, rq, j, http.StatusOK)
}

// dropQueued makes the batches that did not begin yet be not processed.
func (h *Handler) dropQueued(ctx context.Context, job string) error {
	list, err := h.table.Batches(ctx, job)
	if err != nil {
		return err
	}
	for _, b := range list {
		err := h.table.ChangeBatch(ctx, b.ID, func(_ *store.Tx, b *jobs.Batch) error {
			if b.State == jobs.BatchQueued {
				b.State = jobs.BatchNotProcessed
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// jobInfo answers with a job and the counts of its batches.
func (h *Handler) jobInfo(ctx context.Context, rq *rest.Request, j *jobs.Job, status int) (*rest.Response, error) {
	list, err := h.table.Batches(ctx, j.ID)
	if err != nil {
		return nil, err
	}
	return jobAnswer(formOf(rq, j.ContentType), j, list, status), nil
}

// addBatch answers POST /job/{id}/batch.
func (h *Handler) addBatch(ctx context.Context, rq *rest.Request, j *jobs.Job) (*rest.Response, error) {
	switch {
	case j.State != jobs.Open:
		return nil, except("InvalidJobState", "Batches can only be added to an Open Job; this one is "+string(j.State))
	case len(rq.Body) > maxBytes:
		return nil, except("ClientInputError", "Failed to read request. Exceeded max size limit of 10000000 with requested size "+strconv.Itoa(len(rq.Body)))
	}
	b := &jobs.Batch{Job: j.ID, State: jobs.BatchQueued, ContentType: rq.Header.Get("Content-Type")}
	if err := h.table.AddBatch(ctx, b, rq.Body); err != nil {
		return nil, err
	}
	h.cfg.Bulk.Enqueue(j.ID)
	return batchAnswer(formOf(rq, j.ContentType), b, http.StatusCreated), nil
}

// list answers GET /job/{id}/batch.
func (h *Handler) list(ctx context.Context, rq *rest.Request, j *jobs.Job) (*rest.Response, error) {
	list, err := h.table.Batches(ctx, j.ID)
	if err != nil {
		return nil, err
	}
	return batchesAnswer(formOf(rq, j.ContentType), list), nil
}

// compile compiles the query of a batch.
func (h *Handler) compile(rq *rest.Request, j *jobs.Job, text string) (*soql.Query, error) {
	q, err := h.cfg.Select(rq, text, j.Operation == opQueryAll)
	if err != nil {
		if e, isQuery := errors.AsType[*soql.Error](err); isQuery {
			return nil, &load.Error{Code: "InvalidBatch", Message: "Failed to process query: " + e.Code + ": " + e.Message}
		}
		return nil, err
	}
	if _, text := bulk.Unsupported(q); text != "" {
		return nil, &load.Error{Code: "InvalidBatch", Message: "Failed to process query: FUNCTIONALITY_NOT_ENABLED: " + text}
	}
	return q, nil
}
