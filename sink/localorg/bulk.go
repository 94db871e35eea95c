package localorg

import (
	"context"
	"net/http"
	"time"

	"sfsync/sink/localorg/bulk"
	v1 "sfsync/sink/localorg/bulk/v1"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
)

// joinBulk makes the Bulk APIs and begins to run the jobs that were left unfinished.
func (o *Org) joinBulk(ctx context.Context) error {
	o.bulk = bulk.New(bulk.Config{
		Gate: o.gate, Now: o.cfg.Now, Logger: o.cfg.Logger, As: o.as, Select: o.queries.Compile,
		PerJob: func() time.Duration { return time.Duration(o.load.Settings().JobLatency) },
	})
	o.bulk1 = v1.New(v1.Config{Gate: o.gate, Bulk: o.bulk, Now: o.cfg.Now, Logger: o.cfg.Logger, As: o.as, Select: o.queries.Compile})
	o.limits.Used = o.bulk.Used
	return o.bulk.Start(ctx)
}

// as returns a request by which the org itself acts for a user. A user who is gone sees nothing.
func (o *Org) as(user string) *rest.Request {
	rq := &rest.Request{Catalog: o.store.Catalog(), Caller: store.Caller{UserID: user}}
	u := o.auth.ByID(user)
	if u == nil {
		rq.Catalog = rq.Catalog.View(&catalog.Access{})
		rq.Caller.View = rq.Catalog
		return rq
	}
	rq.Catalog = u.View(rq.Catalog)
	if rq.Catalog.Access() != nil {
		rq.Caller.View = rq.Catalog
	}
	return rq
}

// isAsync reports whether a path is that of Bulk API 1.0.
func isAsync(rq *rest.Request) bool {
	return len(rq.Segs) >= 2 && rq.Segs[0] == "services" && rq.Segs[1] == "async"
}

// async answers Bulk API 1.0, whose refusals have a form of their own.
func (o *Org) async(ctx context.Context, r *http.Request, rq *rest.Request) *rest.Response {
	user, refusal := o.auth.Enter(r.Header)
	if refusal != nil {
		return v1.Refuse(rq, "InvalidSessionId", "Unable to find session")
	}
	if o.admit(rq, user) != nil {
		return v1.Refuse(rq, "InvalidUser", "API is disabled for this User")
	}
	if o.load.Count() != nil {
		return v1.Refuse(rq, "ExceededQuota", "TotalRequests Limit exceeded.")
	}
	return o.bulk1.Serve(ctx, rq)
}
