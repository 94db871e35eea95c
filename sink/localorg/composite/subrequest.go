package composite

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/sink/localorg/fault"
	"sfsync/sink/localorg/journal"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/wire"
)

// subrequest is an item of compositeRequest.
type subrequest struct {
	Method      string            `json:"method"`
	URL         string            `json:"url"`
	ReferenceID string            `json:"referenceId"`
	Body        jsontext.Value    `json:"body"`
	HTTPHeaders map[string]string `json:"httpHeaders"`
}

// checkSubrequests refuses a list of subrequests that cannot be carried out at all.
func checkSubrequests(subs []subrequest, version int) *rest.Response {
	if len(subs) == 0 {
		return refuse("REQUIRED_FIELD_MISSING", "At least 1 subrequest is required")
	}
	seen := make(map[string]bool, len(subs))
	for i := range subs {
		s := &subs[i]
		switch {
		case s.Method == "" || s.URL == "" || s.ReferenceID == "":
			return refuse("REQUIRED_FIELD_MISSING", "Each subrequest needs method, url and referenceId")
		case version >= strictReferences && !validReference(s.ReferenceID):
			return refuse("JSON_PARSER_ERROR", "Provided referenceId '%s' must start with a letter or a number, and it can contain only letters, numbers and underscores ('_').", s.ReferenceID)
		case seen[s.ReferenceID]:
			return refuse("JSON_PARSER_ERROR", "Duplicate ReferenceId provided: %s", s.ReferenceID)
		case !strings.HasPrefix(strings.ToLower(s.URL), "/services/data/v"):
			return refuse("JSON_PARSER_ERROR", "The url of a subrequest must start with /services/data/vXX.X/: %s", s.URL)
		}
		seen[s.ReferenceID] = true
		for name := range s.HTTPHeaders {
			switch strings.ToLower(name) {
			case "authorization", "accept", "content-type":
				return refuse("JSON_PARSER_ERROR", "The header %s is not allowed in a subrequest", name)
			}
		}
	}
	return nil
}

func validReference(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' && i > 0:
		default:
			return false
		}
	}
	return s != ""
}

// subrequest carries out one subrequest. It has its own headers: of the outer ones only those
// for authentication and content count. It returns nil if the connection is to die before.
func (h Handler) subrequest(ctx context.Context, outer *rest.Request, sub *subrequest, refs wire.References) *rest.Response {
	entry := &journal.Request{Method: strings.ToUpper(sub.Method), Status: http.StatusBadRequest}
	rq := &rest.Request{
		Method: entry.Method, Header: http.Header{}, Origin: outer.Origin, Tx: outer.Tx, Span: outer.Span, N: outer.N,
		Entry: entry, Catalog: outer.Catalog, Caller: outer.Caller,
	}
	for k, v := range sub.HTTPHeaders {
		rq.Header.Set(k, v)
	}
	entry.AutoAssign = rq.Header.Get("Sforce-Auto-Assign")
	res := h.substituted(ctx, rq, sub, refs)
	return enter(outer, rq, res)
}

func (h Handler) substituted(ctx context.Context, rq *rest.Request, sub *subrequest, refs wire.References) *rest.Response {
	addr, body, err := refs.Substitute(sub.URL, sub.Body)
	if err != nil {
		return rest.Failure(http.StatusBadRequest, "PROCESSING_HALTED", err.Error())
	}
	rq.Body = body
	return h.dispatch(ctx, rq, addr, rest.MaxVersion)
}

// dispatch sends a subrequest to its resource, with the trouble it is to have. It returns nil if the
// connection is to die before.
func (h Handler) dispatch(ctx context.Context, rq *rest.Request, addr string, newest int) *rest.Response {
	path, rawQuery, _ := strings.Cut(addr, "?")
	rq.SetPath(path)
	var err error
	if rq.Query, err = url.ParseQuery(rawQuery); err != nil {
		return rest.Failure(http.StatusBadRequest, "MALFORMED_QUERY", "the url of the subrequest cannot be read: "+err.Error())
	}
	if early := rq.EnterVersion(); early != nil {
		return early
	}
	if rq.Version > newest {
		return refuse("INVALID_INPUT", "The version of a subrequest, %d.0, is above that of its batch, %d.0", rq.Version, newest)
	}
	if s := rq.Segs; len(s) > 0 && s[0] == "composite" && (len(s) == 1 || s[1] != "sobjects") {
		return rest.Failure(http.StatusBadRequest, "INVALID_INPUT", "a composite request cannot hold another")
	}
	act := h.Gate.At(fault.Point{N: rq.N, Method: rq.Method, Path: rq.Path, Sub: true})
	if act.Delay > 0 && !rq.Span.Take(act.Delay) {
		rest.Sleep(ctx, act.Delay)
	}
	if act.Expire {
		h.Expire()
	}
	rq.Hangup = act.Drop != 0
	switch {
	case act.Drop == fault.DropBefore:
		return nil
	case act.Status != 0:
		return rest.Fault(act)
	}
	return h.Dispatch(ctx, rq)
}
