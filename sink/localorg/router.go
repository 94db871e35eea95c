package localorg

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/wire"
)

// The API versions that the org speaks.
const (
	minVersion = 45
	maxVersion = 68
)

// dailyCalls is the org's allowance, that of a full sandbox (limits guide: 5,000,000 a day).
// It is shown, not enforced.
const dailyCalls = 5_000_000

// maxRecords is the most records a collection may have (REST API guide, sObject Collections).
const maxRecords = 200

// route answers an HTTP request.
func (o *Org) route(ctx context.Context, r *http.Request, rq *request) *response {
	base := "http://" + r.Host
	switch rq.path {
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
	case rq.path == "/services/oauth2/userinfo":
		return o.identityDoc(base, true)
	case rq.path == "/id/"+o.ident.OrganizationID+"/"+o.ident.UserID:
		return o.identityDoc(base, false)
	case rq.segs[0] == "_org":
		return o.admin(ctx, rq)
	}
	if early := rq.enterVersion(); early != nil {
		return early
	}
	o.calls.Add(o.cfg.Now())
	res := o.data(ctx, rq)
	if res.header == nil {
		res.header = http.Header{}
	}
	res.header.Set("Sforce-Limit-Info", fmt.Sprintf("api-usage=%d/%d", o.calls.Current().Today, dailyCalls))
	return res
}

// enterVersion takes /services/data/vNN.0 off the path.
func (rq *request) enterVersion() *response {
	s := rq.segs
	if len(s) < 3 || s[0] != "services" || s[1] != "data" {
		return notFound()
	}
	number, found := strings.CutPrefix(strings.ToLower(s[2]), "v")
	whole, tenth, _ := strings.Cut(number, ".")
	n, err := strconv.Atoi(whole)
	if !found || err != nil || tenth != "0" {
		return notFound()
	}
	switch {
	case n > 0 && n <= 30:
		return failure(http.StatusGone, "UNSUPPORTED_API_VERSION", "The API version v"+number+" is no longer supported.")
	case n < minVersion || n > maxVersion:
		return notFound()
	}
	rq.base, rq.version = "/services/data/v"+strconv.Itoa(n)+".0", n
	rq.segs = s[3:]
	rq.path = behindVersion(strings.ToLower(rq.path[:len("/services/data/v")]) + rq.path[len("/services/data/v"):])
	return nil
}

// versions answers /services/data.
func versions(rq *request) *response {
	if rq.method != http.MethodGet && rq.method != http.MethodHead {
		return methodNotAllowed(rq.method, "GET", "HEAD")
	}
	type version struct {
		Label   string `json:"label"`
		URL     string `json:"url"`
		Version string `json:"version"`
	}
	out := make([]version, 0, maxVersion-minVersion+1)
	seasons := [...]string{"Summer", "Winter", "Spring"}
	for n := minVersion; n <= maxVersion; n++ {
		// v64 is Summer '25; Winter '26 follows in the same year.
		d := n - minVersion + 1 // v45 is Spring '19
		year := 19 + d/3
		season := seasons[(d+1)%3]
		if season == "Winter" {
			year = 19 + (d+1)/3
		}
		v := strconv.Itoa(n) + ".0"
		out = append(out, version{fmt.Sprintf("%s '%02d", season, year), "/services/data/v" + v, v})
	}
	return ok(out)
}

// data answers a resource below /services/data/vNN.0. It serves subrequests too.
func (o *Org) data(ctx context.Context, rq *request) *response {
	if rq.method == http.MethodHead {
		rq.method = http.MethodGet
	}
	if len(rq.segs) == 0 {
		return resources(rq)
	}
	s := rq.segs
	switch s[0] {
	case "limits":
		return o.limits(ctx, rq)
	case "sobjects":
		return o.sobjects(ctx, rq)
	case "query", "queryAll":
		return o.queryResource(ctx, rq)
	case "composite":
		if len(s) == 1 {
			return o.composite(ctx, rq)
		}
		if s[1] == "sobjects" {
			return o.collections(ctx, rq)
		}
	}
	return notFound()
}

// resources answers /services/data/vNN.0.
func resources(rq *request) *response {
	type list struct {
		Identity  string `json:"identity"`
		Limits    string `json:"limits"`
		Query     string `json:"query"`
		QueryAll  string `json:"queryAll"`
		SObjects  string `json:"sobjects"`
		Composite string `json:"composite"`
	}
	b := rq.base + "/"
	return ok(list{"/id", b + "limits", b + "query", b + "queryAll", b + "sobjects", b + "composite"})
}

// object returns the object of a path segment, or the answer if there is none.
func (o *Org) object(name string) (*catalog.Object, *response) {
	if ob := o.store.Catalog().Object(name); ob != nil {
		return ob, nil
	}
	return nil, notFound()
}

// refuse is the answer to a request or a record that the store refused.
func refuse(err *catalog.Error) *response {
	status := http.StatusBadRequest
	switch err.Code {
	case "ENTITY_IS_DELETED", "NOT_FOUND":
		status = http.StatusNotFound
	case "INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_ACCESS":
		status = http.StatusForbidden
	}
	return &response{status: status, body: appendError([]byte{'['}, err, true)}
}

// appendError appends a single-row or whole-request error and closes its array.
func appendError(b []byte, err *catalog.Error, withFields bool) []byte {
	b = append(append(b, `{"message":`...), wire.Quote(err.Message)...)
	b = append(append(b, `,"errorCode":`...), wire.Quote(err.Code)...)
	if withFields {
		b = appendFields(b, err.Fields)
	}
	return append(b, "}]"...)
}

func appendFields(b []byte, fields []string) []byte {
	b = append(b, `,"fields":[`...)
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = wire.AppendQuote(b, f)
	}
	return append(b, ']')
}

// refuseBody is the answer to a body that cannot be used at all.
func (o *Org) refuseBody(rq *request, err error) *response {
	if e, isErr := errors.AsType[*catalog.Error](err); isErr {
		return &response{status: http.StatusBadRequest, body: appendError([]byte{'['}, e, len(e.Fields) > 0)}
	}
	return o.internal(rq, err)
}
