package localorg

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"sfsync/sink/localorg/conditional"
	"sfsync/sink/localorg/rest"
)

// route answers an HTTP request.
func (o *Org) route(ctx context.Context, r *http.Request, rq *rest.Request) *rest.Response {
	switch {
	case rq.Path == "/services/data":
		return versions(rq)
	case isSOAP(rq):
		return o.soap(ctx, rq)
	case isAsync(rq):
		return o.async(ctx, r, rq)
	}
	if res := o.auth.Serve(ctx, rq); res != nil {
		return res
	}
	user, refusal := o.auth.Enter(r.Header)
	switch {
	case refusal != nil:
		return refusal
	case rq.Path != "/_org" && rq.Segs[0] == "_org" && !user.Permissions.ModifyAllData:
		return rest.Failure(http.StatusForbidden, "INSUFFICIENT_ACCESS", "Modify All Data is needed")
	case rq.Segs[0] == "_org":
		if res := o.auth.Admin(ctx, rq); res != nil {
			return res
		}
		return o.admin(ctx, rq)
	}
	if early := rq.EnterVersion(); early != nil {
		return early
	}
	if refusal := o.admit(rq, user); refusal != nil {
		return refusal
	}
	res := o.load.Count()
	switch {
	case res != nil:
	case len(rq.Segs) > 0 && rq.Segs[0] == "jobs": // not for subrequests of a composite
		res = o.bulk.Jobs(ctx, rq)
	default:
		res = o.data(ctx, rq)
	}
	if res.Header == nil {
		res.Header = http.Header{}
	}
	res.Header.Set("Sforce-Limit-Info", o.load.Info())
	return res
}

// versions answers /services/data.
func versions(rq *rest.Request) *rest.Response {
	if rq.Method != http.MethodGet && rq.Method != http.MethodHead {
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD")
	}
	type version struct {
		Label   string `json:"label"`
		URL     string `json:"url"`
		Version string `json:"version"`
	}
	out := make([]version, 0, rest.MaxVersion-rest.MinVersion+1)
	seasons := [...]string{"Summer", "Winter", "Spring"}
	for n := rest.MinVersion; n <= rest.MaxVersion; n++ {
		// v64 is Summer '25; Winter '26 follows in the same year.
		d := n - rest.MinVersion + 1 // v45 is Spring '19
		year := 19 + d/3
		season := seasons[(d+1)%3]
		if season == "Winter" {
			year = 19 + (d+1)/3
		}
		v := strconv.Itoa(n) + ".0"
		out = append(out, version{fmt.Sprintf("%s '%02d", season, year), "/services/data/v" + v, v})
	}
	return rest.OK(out)
}

// data answers a resource below /services/data/vNN.0. It serves subrequests too.
func (o *Org) data(ctx context.Context, rq *rest.Request) *rest.Response {
	if rq.Method == http.MethodHead {
		rq.Method = http.MethodGet
	}
	if len(rq.Segs) == 0 {
		return o.resources(rq)
	}
	if bad := rq.CheckMedia(); bad != nil {
		return bad
	}
	s := rq.Segs
	switch s[0] {
	case "limits":
		if refusal := needSetup(rq); refusal != nil {
			return refusal
		}
		return o.limits.Limits(ctx, rq)
	case "sobjects":
		if res := o.queries.Computed(rq); res != nil {
			return res
		}
		return conditional.Handler{Gate: o.gate, Next: o.records.SObjects}.SObjects(ctx, rq)
	case "query", "queryAll":
		return o.queries.Query(ctx, rq)
	case "tooling":
		return o.queries.Tooling(ctx, rq)
	case "search", "parameterizedSearch":
		return o.queries.Search(ctx, rq)
	case "composite":
		if len(s) > 1 && s[1] == "sobjects" {
			return o.records.Collections(ctx, rq)
		}
		return o.compound.Handle(ctx, rq)
	}
	return rest.NotFound()
}

// resources answers /services/data/vNN.0. The identity is a whole address, which clients follow.
func (o *Org) resources(rq *rest.Request) *rest.Response {
	type list struct {
		Identity            string `json:"identity"`
		Limits              string `json:"limits"`
		Query               string `json:"query"`
		QueryAll            string `json:"queryAll"`
		Search              string `json:"search"`
		ParameterizedSearch string `json:"parameterizedSearch"`
		SObjects            string `json:"sobjects"`
		Composite           string `json:"composite"`
		Tooling             string `json:"tooling"`
		Jobs                string `json:"jobs"`
	}
	b := rq.Base + "/"
	return rest.OK(list{
		Identity: rq.Origin + "/id/" + o.ident.OrganizationID + "/" + rq.Caller.UserID, Limits: b + "limits", Query: b + "query", QueryAll: b + "queryAll",
		Search: b + "search", ParameterizedSearch: b + "parameterizedSearch", SObjects: b + "sobjects", Composite: b + "composite", Tooling: b + "tooling", Jobs: b + "jobs",
	})
}
