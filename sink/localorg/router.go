package localorg

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"sfsync/sink/localorg/rest"
)

// dailyCalls is the org's allowance, that of a full sandbox (limits guide: 5,000,000 a day).
// It is shown, not enforced.
const dailyCalls = 5_000_000

// route answers an HTTP request.
func (o *Org) route(ctx context.Context, r *http.Request, rq *rest.Request) *rest.Response {
	base := "http://" + r.Host
	switch rq.Path {
	case "/services/oauth2/token":
		return o.token(rq, base)
	case "/services/oauth2/revoke":
		return o.revoke(rq)
	case "/services/data":
		return versions(rq)
	}
	if !o.session(r.Header) {
		return unauthorized()
	}
	switch {
	case rq.Path == "/services/oauth2/userinfo":
		return o.identityDoc(base, true)
	case rq.Path == "/id/"+o.ident.OrganizationID+"/"+o.ident.UserID:
		return o.identityDoc(base, false)
	case rq.Segs[0] == "_org":
		return o.admin(ctx, rq)
	}
	if early := rq.EnterVersion(); early != nil {
		return early
	}
	rq.Catalog = o.store.Catalog()
	o.calls.Add(o.cfg.Now())
	res := o.data(ctx, rq)
	if res.Header == nil {
		res.Header = http.Header{}
	}
	res.Header.Set("Sforce-Limit-Info", fmt.Sprintf("api-usage=%d/%d", o.calls.Current().Today, dailyCalls))
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
		return resources(rq)
	}
	s := rq.Segs
	switch s[0] {
	case "limits":
		return o.limits(ctx, rq)
	case "sobjects":
		return o.records.SObjects(ctx, rq)
	case "query", "queryAll":
		return o.queryResource(ctx, rq)
	case "composite":
		if len(s) == 1 {
			return o.compound.Composite(ctx, rq)
		}
		if s[1] == "sobjects" {
			return o.records.Collections(ctx, rq)
		}
	}
	return rest.NotFound()
}

// resources answers /services/data/vNN.0.
func resources(rq *rest.Request) *rest.Response {
	type list struct {
		Identity  string `json:"identity"`
		Limits    string `json:"limits"`
		Query     string `json:"query"`
		QueryAll  string `json:"queryAll"`
		SObjects  string `json:"sobjects"`
		Composite string `json:"composite"`
	}
	b := rq.Base + "/"
	return rest.OK(list{"/id", b + "limits", b + "query", b + "queryAll", b + "sobjects", b + "composite"})
}
