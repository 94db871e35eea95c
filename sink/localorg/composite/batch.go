package composite

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/sink/localorg/journal"
	"sfsync/sink/localorg/rest"
)

// batchRequest is an item of batchRequests.
type batchRequest struct {
	Method string         `json:"method"`
	URL    string         `json:"url"`
	Input  jsontext.Value `json:"richInput"`
}

// batch answers /composite/batch: subrequests one after another that know nothing of each other. Each
// counts as an API call (REST API guide, Batch).
func (h Handler) batch(ctx context.Context, rq *rest.Request) *rest.Response {
	var body struct {
		HaltOnError bool           `json:"haltOnError"`
		Requests    []batchRequest `json:"batchRequests"`
	}
	if bad := unmarshal(rq.Body, &body); bad != nil {
		return bad
	}
	switch n := len(body.Requests); {
	case n == 0:
		return refuse("REQUIRED_FIELD_MISSING", "At least 1 batch request is required")
	case n > maxSubrequests:
		return refuse("LIMIT_EXCEEDED", "The batch has %d subrequests; at most %d are allowed", n, maxSubrequests)
	}
	for i := range body.Requests {
		if sub := &body.Requests[i]; sub.Method == "" || sub.URL == "" {
			return refuse("REQUIRED_FIELD_MISSING", "Each batch request needs method and url")
		}
	}
	results := make([]byte, 0, 256*len(body.Requests))
	failed, halted := false, false
	for i := range body.Requests {
		var res *rest.Response
		if i > 0 && !halted {
			res = h.Count() // the first is the call itself
		}
		switch {
		case halted:
			res = rest.Failure(http.StatusPreconditionFailed, "BATCH_PROCESSING_HALTED", "Batch processing halted per request")
		case res == nil:
			if res = h.batchItem(ctx, rq, &body.Requests[i]); res == nil {
				return &rest.Response{Status: http.StatusOK} // the connection dies
			}
		}
		if res.Status >= 400 {
			failed = true
			halted = body.HaltOnError
		}
		if i > 0 {
			results = append(results, ',')
		}
		results = strconv.AppendInt(append(results, `{"statusCode":`...), int64(res.Status), 10)
		results = append(append(append(results, `,"result":`...), result(res)...), '}')
	}
	b := strconv.AppendBool([]byte(`{"hasErrors":`), failed)
	b = append(append(b, `,"results":[`...), results...)
	return &rest.Response{Status: http.StatusOK, Body: append(b, "]}"...)}
}

// batchItem carries out one subrequest; nil means that the connection is to die before.
func (h Handler) batchItem(ctx context.Context, outer *rest.Request, sub *batchRequest) *rest.Response {
	entry := &journal.Request{Method: strings.ToUpper(sub.Method)}
	rq := &rest.Request{
		Method: entry.Method, Header: http.Header{}, Origin: outer.Origin, N: outer.N,
		Entry: entry, Catalog: outer.Catalog, Caller: outer.Caller, Body: sub.Input,
	}
	// The guide's addresses begin with the version; whole paths are taken too.
	addr := "/" + strings.TrimLeft(sub.URL, "/")
	if !strings.HasPrefix(strings.ToLower(addr), "/services/data/") {
		addr = "/services/data" + addr
	}
	res := h.dispatch(ctx, rq, addr, outer.Version)
	return enter(outer, rq, res)
}

// enter notes a part of a request, and its answer, which may be nil, in the request's own entry. It returns the answer.
func enter(outer, part *rest.Request, res *rest.Response) *rest.Response {
	outer.Hangup = outer.Hangup || part.Hangup
	if res == nil {
		return nil
	}
	part.Entry.Status, part.Entry.Path = res.Status, rest.LogPath(part.Path)
	outer.Entry.Records += part.Entry.Records
	outer.Entry.Sub = append(outer.Entry.Sub, *part.Entry)
	return res
}
