package localorg

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/journal"
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
	// Requests are the last ones of this process, oldest first.
	Requests []journal.Request `json:"requests"`
}

// ObjectCount is an object and the number of its records.
type ObjectCount struct {
	Name    string `json:"name"`
	Records int64  `json:"records"`
}

// Show returns what is in the org.
func (o *Org) Show(ctx context.Context) (Overview, error) {
	v := Overview{
		OrganizationID: o.ident.OrganizationID, InstanceURL: o.Credentials().InstanceURL,
		Objects: []ObjectCount{}, Calls: o.calls.Current().Total, Requests: o.log.Last(),
	}
	err := o.store.View(ctx, func(tx *store.Tx) error {
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
	case "/_org/expire-sessions":
		o.expireSessions()
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
	if err != nil {
		return o.gate.Internal(rq, err)
	}
	return rest.OK(struct {
		Added []string `json:"added"`
	}{append([]string{}, added...)})
}

// limits answers /limits and /limits/recordCount.
func (o *Org) limits(ctx context.Context, rq *rest.Request) *rest.Response {
	if rq.Method != http.MethodGet {
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD")
	}
	if len(rq.Segs) == 2 && strings.EqualFold(rq.Segs[1], "recordCount") {
		return o.recordCount(ctx, rq)
	}
	if len(rq.Segs) != 1 {
		return rest.NotFound()
	}
	type limit struct {
		Max       int64
		Remaining int64
	}
	full := func(n int64) limit { return limit{n, n} }
	return rest.OK(struct {
		DailyApiRequests              limit
		DailyAsyncApexExecutions      limit
		DailyBulkApiBatches           limit
		DailyBulkV2QueryFileStorageMB limit
		DailyBulkV2QueryJobs          limit
		DataStorageMB                 limit
		FileStorageMB                 limit
		HourlyPublishedPlatformEvents limit
		SingleEmail                   limit
	}{
		DailyApiRequests: limit{dailyCalls, max(0, dailyCalls-o.calls.Current().Today)}, DailyAsyncApexExecutions: full(250_000),
		DailyBulkApiBatches: full(15_000), DailyBulkV2QueryFileStorageMB: full(976_562), DailyBulkV2QueryJobs: full(10_000),
		DataStorageMB: full(10_240), FileStorageMB: full(10_240), HourlyPublishedPlatformEvents: full(250_000), SingleEmail: full(5_000),
	})
}

// recordCount counts the records of ?sObjects=, or of all objects; empty ones are left out.
func (o *Org) recordCount(ctx context.Context, rq *rest.Request) *rest.Response {
	type count struct {
		Count int64  `json:"count"`
		Name  string `json:"name"`
	}
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(rq.Query.Get("sObjects"), ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			wanted[name] = true
		}
	}
	list := []count{}
	err := o.gate.View(ctx, rq, func(tx *store.Tx) error {
		for _, ob := range o.store.Catalog().Objects() {
			if len(wanted) > 0 && !wanted[strings.ToLower(ob.Def.Name)] {
				continue
			}
			n, err := tx.Count(ctx, ob)
			if err != nil {
				return err
			}
			if n > 0 {
				list = append(list, count{n, ob.Def.Name})
			}
		}
		return nil
	})
	if err != nil {
		return o.gate.Internal(rq, err)
	}
	return rest.OK(struct {
		SObjects []count `json:"sObjects"`
	}{list})
}
