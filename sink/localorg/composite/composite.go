// Package composite answers the resources that hold other requests.
package composite

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"sfsync/sink/localorg/fault"
	"sfsync/sink/localorg/journal"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/wire"
)

// The limits of a /composite request (REST API guide, Composite).
const (
	maxSubrequests = 25
	maxHeavy       = 5 // of which collections and queries
)

// Handler answers the resources that hold other requests.
type Handler struct {
	Gate *rest.Gate
	// Dispatch answers a resource behind the version.
	Dispatch func(context.Context, *rest.Request) *rest.Response
}

type subrequest struct {
	Method      string            `json:"method"`
	URL         string            `json:"url"`
	ReferenceID string            `json:"referenceId"`
	Body        jsontext.Value    `json:"body"`
	HTTPHeaders map[string]string `json:"httpHeaders"`
}

// subresponse is an entry of compositeResponse.
type subresponse struct {
	body        jsontext.Value
	location    string
	status      int
	referenceID string
}

// errHalt rolls back an all-or-none composite.
var errHalt = errors.New("halt")

// Composite answers /composite: subrequests one after another, each in its own transaction,
// or all in one with allOrNone.
func (h Handler) Composite(ctx context.Context, rq *rest.Request) *rest.Response {
	if rq.Method != http.MethodPost {
		return rest.MethodNotAllowed(rq.Method, "POST")
	}
	var body struct {
		AllOrNone bool         `json:"allOrNone"`
		Requests  []subrequest `json:"compositeRequest"`
	}
	if err := json.Unmarshal(rq.Body, &body, jsontext.AllowDuplicateNames(true), json.MatchCaseInsensitiveNames(true)); err != nil {
		return rest.Failure(http.StatusBadRequest, "JSON_PARSER_ERROR", err.Error())
	}
	if bad := checkSubrequests(body.Requests); bad != nil {
		return bad
	}
	answers := make([]subresponse, 0, len(body.Requests))
	run := func(tx *store.Tx) error {
		byID := make(map[string]jsontext.Value, len(body.Requests))
		for i := range body.Requests {
			sub := &body.Requests[i]
			res := h.subrequest(ctx, rq, sub, tx, byID)
			answers = append(answers, sub.answer(res))
			byID[sub.ReferenceID] = res.Body
			if body.AllOrNone && (res.Status >= 300 || res.Failed) {
				return errHalt
			}
		}
		return nil
	}
	if !body.AllOrNone {
		_ = run(nil) // without a transaction nothing can fail
		return compositeAnswer(answers)
	}
	err := h.Gate.Store.Update(ctx, run)
	if errors.Is(err, errHalt) {
		halt(body.Requests, &answers)
		err = nil
	}
	if err != nil {
		return h.Gate.Internal(rq, err)
	}
	return compositeAnswer(answers)
}

// compositeAnswer joins the answers, their keys in the platform's order.
func compositeAnswer(answers []subresponse) *rest.Response {
	size := 32
	for i := range answers {
		size += 160 + len(answers[i].body)
	}
	b := append(make([]byte, 0, size), `{"compositeResponse":[`...)
	for i := range answers {
		a := &answers[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, `{"body":`...), a.body...)
		b = append(b, `,"httpHeaders":{`...)
		if a.location != "" {
			b = wire.AppendQuote(append(b, `"Location":`...), a.location)
		}
		b = strconv.AppendInt(append(b, `},"httpStatusCode":`...), int64(a.status), 10)
		b = append(wire.AppendQuote(append(b, `,"referenceId":`...), a.referenceID), '}')
	}
	return &rest.Response{Status: http.StatusOK, Body: append(b, "]}"...)}
}

// halt makes all answers but the last, the culprit's, say that nothing was done.
func halt(subs []subrequest, answers *[]subresponse) {
	culprit := len(*answers) - 1
	*answers = (*answers)[:culprit+1]
	for i := range subs {
		text := "The transaction was rolled back since another operation in the same transaction failed."
		res := subs[i].answer(rest.Failure(http.StatusBadRequest, "PROCESSING_HALTED", text))
		switch {
		case i < culprit:
			(*answers)[i] = res
		case i > culprit:
			*answers = append(*answers, res)
		}
	}
}

func (s *subrequest) answer(res *rest.Response) subresponse {
	a := subresponse{body: res.Body, location: res.Header.Get("Location"), status: res.Status, referenceID: s.ReferenceID}
	if len(a.body) == 0 {
		a.body = jsontext.Value("null")
	} else if res.Header.Get("Content-Type") != "" {
		a.body = wire.Quote(string(res.Body)) // no JSON
	}
	return a
}

// checkSubrequests refuses a composite that cannot be carried out at all.
func checkSubrequests(subs []subrequest) *rest.Response {
	bad := func(code, format string, args ...any) *rest.Response {
		return rest.Failure(http.StatusBadRequest, code, fmt.Sprintf(format, args...))
	}
	if len(subs) == 0 {
		return bad("REQUIRED_FIELD_MISSING", "At least 1 subrequest is required")
	}
	if len(subs) > maxSubrequests {
		return bad("LIMIT_EXCEEDED", "The composite request has %d subrequests; at most %d are allowed", len(subs), maxSubrequests)
	}
	seen := make(map[string]bool, len(subs))
	heavy := 0
	for i := range subs {
		s := &subs[i]
		switch {
		case s.Method == "" || s.URL == "" || s.ReferenceID == "":
			return bad("REQUIRED_FIELD_MISSING", "Each subrequest needs method, url and referenceId")
		case !validReference(s.ReferenceID):
			return bad("JSON_PARSER_ERROR", "Provided referenceId '%s' must start with a letter or a number, and it can contain only letters, numbers and underscores ('_').", s.ReferenceID)
		case seen[s.ReferenceID]:
			return bad("JSON_PARSER_ERROR", "Duplicate ReferenceId provided: %s", s.ReferenceID)
		case !strings.HasPrefix(strings.ToLower(s.URL), "/services/data/v"):
			return bad("JSON_PARSER_ERROR", "The url of a subrequest must start with /services/data/vXX.X/: %s", s.URL)
		}
		seen[s.ReferenceID] = true
		for name := range s.HTTPHeaders {
			switch strings.ToLower(name) {
			case "authorization", "accept", "content-type":
				return bad("JSON_PARSER_ERROR", "The header %s is not allowed in a subrequest", name)
			}
		}
		if isHeavy(s.URL) {
			heavy++
		}
	}
	if heavy > maxHeavy {
		return bad("LIMIT_EXCEEDED", "The composite request has %d sObject Collections and query subrequests; at most %d are allowed", heavy, maxHeavy)
	}
	return nil
}

// isHeavy reports whether a subrequest counts as a query or a collection.
func isHeavy(u string) bool {
	path, _, _ := strings.Cut(u, "?")
	s := strings.Split(strings.Trim(path, "/"), "/")
	if len(s) < 4 {
		return false
	}
	return s[3] == "query" || s[3] == "queryAll" || s[3] == "composite" && len(s) > 4 && s[4] == "sobjects"
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
// for authentication and content count.
func (h Handler) subrequest(ctx context.Context, outer *rest.Request, sub *subrequest, tx *store.Tx, done map[string]jsontext.Value) *rest.Response {
	entry := &journal.Request{Method: strings.ToUpper(sub.Method), Status: http.StatusBadRequest}
	rq := &rest.Request{Method: entry.Method, Header: http.Header{}, Tx: tx, N: outer.N, Entry: entry, Catalog: outer.Catalog}
	for k, v := range sub.HTTPHeaders {
		rq.Header.Set(k, v)
	}
	entry.AutoAssign = rq.Header.Get("Sforce-Auto-Assign")
	res := h.dispatch(ctx, rq, sub, done)
	entry.Status, entry.Path = res.Status, rest.LogPath(rq.Path)
	outer.Entry.Records += entry.Records
	outer.Entry.Sub = append(outer.Entry.Sub, *entry)
	return res
}

func (h Handler) dispatch(ctx context.Context, rq *rest.Request, sub *subrequest, done map[string]jsontext.Value) *rest.Response {
	addr, body, err := wire.Substitute(sub.URL, sub.Body, done)
	if err != nil {
		return rest.Failure(http.StatusBadRequest, "PROCESSING_HALTED", err.Error())
	}
	path, rawQuery, _ := strings.Cut(addr, "?")
	rq.SetPath(path)
	rq.Body = body
	if rq.Query, err = url.ParseQuery(rawQuery); err != nil {
		return rest.Failure(http.StatusBadRequest, "MALFORMED_QUERY", "the url of the subrequest cannot be read: "+err.Error())
	}
	if early := rq.EnterVersion(); early != nil {
		return early
	}
	if len(rq.Segs) == 1 && rq.Segs[0] == "composite" {
		return rest.Failure(http.StatusBadRequest, "INVALID_INPUT", "a composite request cannot hold another")
	}
	if a := h.Gate.At(fault.Point{N: rq.N, Method: rq.Method, Path: rq.Path, Sub: true}); a.Status != 0 {
		return rest.Fault(a)
	}
	return h.Dispatch(ctx, rq)
}
