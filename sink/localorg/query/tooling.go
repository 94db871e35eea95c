package query

import (
	"context"
	"net/http"

	"sfsync/sink/localorg/describe"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/virtual"
)

// Tooling answers the resources below /tooling: queries, which are those of the REST API with other addresses of
// records, and the list and the describes of the computed objects.
func (h *Handler) Tooling(ctx context.Context, rq *rest.Request) *rest.Response {
	segs, base := rq.Segs[1:], rq.Base+"/tooling"
	if len(segs) == 0 {
		return rest.NotFound()
	}
	switch segs[0] {
	case "query", "queryAll":
		return h.query(ctx, rq, segs, base)
	case "sobjects":
		return h.objects(rq, segs[1:], base)
	}
	return rest.NotFound()
}

// Computed answers /sobjects/X and /sobjects/X/describe for a computed object X; nil says that X is none.
func (h *Handler) Computed(rq *rest.Request) *rest.Response {
	if len(rq.Segs) < 2 || rq.Catalog.Object(rq.Segs[1]) != nil {
		return nil
	}
	if _, ok := virtual.Find(rq.Segs[1]); !ok {
		return nil
	}
	return h.objects(rq, rq.Segs[1:], rq.Base)
}

// objects answers for the segments behind "sobjects".
func (h *Handler) objects(rq *rest.Request, segs []string, base string) *rest.Response {
	if rq.Method != http.MethodGet {
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD")
	}
	cat := virtual.Catalog()
	if len(segs) == 0 {
		return &rest.Response{Status: http.StatusOK, Body: describe.Global(cat, base)}
	}
	ob := cat.Object(segs[0])
	switch {
	case ob == nil, len(segs) > 2:
		return rest.NotFound()
	case len(segs) == 1:
		return &rest.Response{Status: http.StatusOK, Body: describe.Basic(ob, base)}
	case segs[1] == "describe":
		return &rest.Response{Status: http.StatusOK, Body: describe.Object(cat, ob, base)}
	}
	return rest.NotFound()
}
