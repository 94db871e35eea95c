package localorg

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/journal"
	"sfsync/sink/localorg/limit"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
)

// Overview is what is in an org and what has happened to it.
type Overview struct {
	OrganizationID string `json:"organization_id"`
	InstanceURL    string `json:"instance_url"`
	// Objects are the objects that have records, and the custom ones, by name.
	Objects []ObjectCount `json:"objects"`
	// Calls is how many calls the org has counted since it was made: one for each HTTP request to
	// a versioned resource, however many subrequests it has.
	Calls int64 `json:"api_calls"`
	// CallsToday is how many of them the present UTC day has had, CallsLimit how many it may have.
	CallsToday int64 `json:"api_calls_today"`
	CallsLimit int64 `json:"api_calls_limit"`
	// Jobs are the last Bulk jobs, oldest first.
	Jobs []Job `json:"jobs"`
	// Requests are the last ones of this process, oldest first; those below /_org are left out.
	Requests []journal.Request `json:"requests"`
}

// Job is a Bulk job and what became of its rows so far.
type Job struct {
	ID string `json:"id"`
	// Kind is V2Ingest, V2Query or, for Bulk API 1.0, Classic.
	Kind      string    `json:"kind"`
	Operation string    `json:"operation"`
	Object    string    `json:"object"`
	State     string    `json:"state"`
	Created   time.Time `json:"created"`
	Processed int64     `json:"processed"`
	Failed    int64     `json:"failed"`
	Error     string    `json:"error,omitempty"`
}

// showJobs is how many jobs an Overview has at most.
const showJobs = 100

// ObjectCount is an object and the number of its records.
type ObjectCount struct {
	Name    string `json:"name"`
	Records int64  `json:"records"`
}

// Show returns what is in the org.
func (o *Org) Show(ctx context.Context) (Overview, error) {
	v := Overview{
		OrganizationID: o.ident.OrganizationID, InstanceURL: o.Credentials().InstanceURL,
		Objects: []ObjectCount{}, Jobs: []Job{}, Calls: o.calls.Current().Total, Requests: o.log.Last(),
		CallsToday: o.calls.Today(o.cfg.Now()), CallsLimit: o.load.Settings().DailyCalls,
	}
	last, err := o.bulk.Table().Last(ctx, showJobs)
	if err != nil {
		return v, err
	}
	for _, j := range last {
		v.Jobs = append(v.Jobs, Job{
			ID: j.ID, Kind: string(j.Kind), Operation: j.Operation, Object: j.Object, State: string(j.State),
			Created: j.Created, Processed: j.Processed, Failed: j.Failed, Error: j.Error,
		})
	}
	err = o.store.View(ctx, func(tx *store.Tx) error {
		for _, ob := range o.store.Catalog().Objects() {
			n, err := tx.Count(ctx, ob)
			if err != nil {
				return err
			}
			if n > 0 || ob.Def.Custom {
				v.Objects = append(v.Objects, ObjectCount{ob.Def.Name, n})
			}
		}
		return nil
	})
	return v, err
}

// extension is a schema on its way from one process to the org's owner.
type extension struct {
	Source  string           `json:"source"`
	Objects []*schema.Object `json:"objects"`
}

// EncodeSchema returns the body of POST /_org/extend, by which a process that does not own the
// org extends it.
func EncodeSchema(s *schema.Schema) ([]byte, error) {
	e := extension{Source: s.Source}
	for _, name := range s.Names() {
		e.Objects = append(e.Objects, s.Object(name))
	}
	return json.Marshal(e)
}

// admin answers the resources under /_org, which only sfsync itself knows. They are not
// counted as API calls.
func (o *Org) admin(ctx context.Context, rq *rest.Request) *rest.Response {
	if rq.Path == "/_org/settings" {
		return o.limits.Settings(rq)
	}
	want := http.MethodPost
	if rq.Path == "/_org" || rq.Path == "/_org/show" {
		want = http.MethodGet
	}
	if rq.Method != want {
		return rest.MethodNotAllowed(rq.Method, want)
	}
	switch rq.Path {
	case "/_org":
		return rest.OK(struct {
			Kind           string `json:"kind"`
			OrganizationID string `json:"organization_id"`
			UserID         string `json:"user_id"`
			Username       string `json:"username"`
		}{"local", o.ident.OrganizationID, o.ident.UserID, o.ident.Username})
	case "/_org/show":
		v, err := o.Show(ctx)
		if err != nil {
			return o.gate.Internal(rq, err)
		}
		return rest.OK(v)
	case "/_org/extend":
		return o.adminExtend(ctx, rq)
	case "/_org/reset":
		if err := o.Reset(ctx); err != nil {
			return o.gate.Internal(rq, err)
		}
		return &rest.Response{Status: http.StatusNoContent}
	case "/_org/convert-lead":
		return o.calling.Leads.Admin(ctx, rq)
	case "/_org/expire-sessions":
		o.auth.Expire()
		return &rest.Response{Status: http.StatusNoContent}
	}
	return rest.NotFound()
}

func (o *Org) adminExtend(ctx context.Context, rq *rest.Request) *rest.Response {
	var e extension
	if err := json.Unmarshal(rq.Body, &e); err != nil {
		return rest.Failure(http.StatusBadRequest, "JSON_PARSER_ERROR", err.Error())
	}
	s := schema.New(e.Source)
	for _, ob := range e.Objects {
		if ob == nil || ob.Name == "" {
			return rest.Failure(http.StatusBadRequest, "INVALID_INPUT", "an object without a name")
		}
		s.Add(ob)
	}
	added, err := o.Extend(ctx, s)
	if _, wrong := errors.AsType[*store.SetupError](err); wrong {
		return rest.Failure(http.StatusBadRequest, "INVALID_INPUT", err.Error())
	}
	if err != nil {
		return o.gate.Internal(rq, err)
	}
	return rest.OK(struct {
		Added []string `json:"added"`
	}{append([]string{}, added...)})
}

// joinLimits sets up what the org can take, as the configuration says.
func (o *Org) joinLimits() (err error) {
	s := limit.Default()
	s.Latency, s.RowLatency = limit.Duration(o.cfg.Latency), limit.Duration(o.cfg.RowLatency)
	if o.cfg.DailyCalls > 0 {
		s.DailyCalls = o.cfg.DailyCalls
	}
	o.load, err = limit.New(s, &o.calls, o.cfg.Now)
	return err
}
