// Package composite answers the resources that hold other requests or records that hang together:
// /composite, and below it batch, graph and tree.
package composite

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/wire"
)

// The limits of a /composite request (REST API guide, Composite).
const (
	maxSubrequests = 25
	maxHeavy       = 5 // of which collections and queries
)

// strictReferences is the version from which on a wrong referenceId fails the whole request.
const strictReferences = 52

// Handler answers the resources that hold other requests.
type Handler struct {
	Gate *rest.Gate
	// Dispatch answers a resource behind the version.
	Dispatch func(context.Context, *rest.Request) *rest.Response
	// Count counts one more API call, or refuses it.
	Count func() *rest.Response
	// Expire ends all sessions.
	Expire func()
}

// errHalt rolls back subrequests that are all-or-none; errHangup ends a request whose connection
// is to die.
var (
	errHalt   = errors.New("halt")
	errHangup = errors.New("hang up")
)

// Handle answers /composite and what is below it, but for the collections.
func (h Handler) Handle(ctx context.Context, rq *rest.Request) *rest.Response {
	s := rq.Segs
	if rq.Tx != nil {
		return rest.Failure(http.StatusBadRequest, "INVALID_INPUT", "a composite request cannot hold another")
	}
	var answer func(context.Context, *rest.Request) *rest.Response
	switch {
	case len(s) == 1:
		answer = h.composite
	case len(s) == 2 && s[1] == "batch":
		answer = h.batch
	case len(s) == 2 && s[1] == "graph" && rq.Version >= graphVersion:
		answer = h.graph
	case len(s) == 3 && s[1] == "tree":
		answer = h.tree
	default:
		return rest.NotFound()
	}
	switch {
	case rq.Method == http.MethodPost:
		return answer(ctx, rq)
	case len(s) > 1:
		return rest.MethodNotAllowed(rq.Method, "POST")
	case rq.Method != http.MethodGet:
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD", "POST")
	}
	return resources(rq)
}

// resources answers GET /composite: where the other composite resources are.
func resources(rq *rest.Request) *rest.Response {
	b := rq.Base + "/composite/"
	list := map[string]string{"batch": b + "batch", "sobjects": b + "sobjects", "tree": b + "tree"}
	if rq.Version >= graphVersion {
		list["graph"] = b + "graph"
	}
	return rest.OK(list)
}

// unmarshal reads a body, or returns the answer to one that cannot be read.
func unmarshal(body []byte, to any) *rest.Response {
	if err := json.Unmarshal(body, to, jsontext.AllowDuplicateNames(true), json.MatchCaseInsensitiveNames(true)); err != nil {
		return rest.Failure(http.StatusBadRequest, "JSON_PARSER_ERROR", err.Error())
	}
	return nil
}

// composite answers /composite: subrequests one after another, each in its own transaction,
// or all in one with allOrNone.
func (h Handler) composite(ctx context.Context, rq *rest.Request) *rest.Response {
	var body struct {
		AllOrNone bool         `json:"allOrNone"`
		Requests  []subrequest `json:"compositeRequest"`
	}
	if bad := unmarshal(rq.Body, &body); bad != nil {
		return bad
	}
	if len(body.Requests) > maxSubrequests {
		return refuse("LIMIT_EXCEEDED", "The composite request has %d subrequests; at most %d are allowed", len(body.Requests), maxSubrequests)
	}
	if bad := checkSubrequests(body.Requests, rq.Version); bad != nil {
		return bad
	}
	if bad := checkHeavy(body.Requests); bad != nil {
		return bad
	}
	if !body.AllOrNone {
		answers, _ := h.run(ctx, rq, body.Requests, false) // the error is a hang-up
		return &rest.Response{Status: http.StatusOK, Body: appendAnswers(nil, answers)}
	}
	answers, err := h.atomic(ctx, rq, body.Requests)
	if err != nil && !errors.Is(err, errHalt) {
		return h.Gate.Internal(rq, err)
	}
	return &rest.Response{Status: http.StatusOK, Body: appendAnswers(nil, answers)}
}

// atomic carries subrequests out in one transaction. The error is errHalt if one failed; then
// nothing was done and the answers say so.
func (h Handler) atomic(ctx context.Context, rq *rest.Request, subs []subrequest) (answers []subresponse, err error) {
	err = h.Gate.Update(ctx, rq, func(*store.Tx) (err error) {
		answers, err = h.run(ctx, rq, subs, true)
		return err
	})
	if errors.Is(err, errHalt) {
		halt(subs, &answers)
	}
	if errors.Is(err, errHangup) {
		err = nil
	}
	return answers, err
}

// run carries subrequests out one after another, in the request's transaction if it has one. With
// allOrNone it ends with errHalt behind the first that fails.
func (h Handler) run(ctx context.Context, rq *rest.Request, subs []subrequest, allOrNone bool) ([]subresponse, error) {
	answers := make([]subresponse, 0, len(subs))
	refs := make(wire.References, len(subs))
	for i := range subs {
		sub := &subs[i]
		res := h.subrequest(ctx, rq, sub, refs)
		if res == nil {
			return answers, errHangup
		}
		answers = append(answers, sub.answer(res))
		refs.Add(sub.ReferenceID, res.Body)
		if allOrNone && (res.Status >= 300 || res.Failed) {
			return answers, errHalt
		}
	}
	return answers, nil
}

// halt makes all answers but the last, the culprit's, say that nothing was done.
func halt(subs []subrequest, answers *[]subresponse) {
	culprit := len(*answers) - 1
	*answers = (*answers)[:culprit+1]
	for i := range subs {
		res := subs[i].answer(rest.Failure(http.StatusBadRequest, "PROCESSING_HALTED", rolledBack))
		switch {
		case i < culprit:
			(*answers)[i] = res
		case i > culprit:
			*answers = append(*answers, res)
		}
	}
}

// rolledBack is what the platform says of the subrequests beside a culprit.
const rolledBack = "The transaction was rolled back since another operation in the same transaction failed."

// subresponse is an entry of compositeResponse.
type subresponse struct {
	body        jsontext.Value
	location    string
	status      int
	referenceID string
}

func (s *subrequest) answer(res *rest.Response) subresponse {
	return subresponse{body: result(res), location: res.Header.Get("Location"), status: res.Status, referenceID: s.ReferenceID}
}

// result is an answer as a value in another answer.
func result(res *rest.Response) jsontext.Value {
	switch {
	case len(res.Body) == 0:
		return jsontext.Value("null")
	case res.Header.Get("Content-Type") != "": // no JSON
		return wire.Quote(string(res.Body))
	}
	return res.Body
}

// appendAnswers joins the answers, their keys in the platform's order.
func appendAnswers(b []byte, answers []subresponse) []byte {
	if b == nil {
		size := 32
		for i := range answers {
			size += 160 + len(answers[i].body)
		}
		b = make([]byte, 0, size)
	}
	b = append(b, `{"compositeResponse":[`...)
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
	return append(b, "]}"...)
}

// refuse is the answer to a request that cannot be carried out at all.
func refuse(code, format string, args ...any) *rest.Response {
	return rest.Failure(http.StatusBadRequest, code, fmt.Sprintf(format, args...))
}

// checkHeavy refuses too many subrequests that are queries or collections.
func checkHeavy(subs []subrequest) *rest.Response {
	heavy := 0
	for i := range subs {
		path, _, _ := strings.Cut(subs[i].URL, "?")
		var rq rest.Request
		rq.SetPath(path)
		if s := rq.Segs; len(s) > 3 && (s[3] == "query" || s[3] == "queryAll" || s[3] == "composite" && len(s) > 4 && s[4] == "sobjects") {
			heavy++
		}
	}
	if heavy > maxHeavy {
		return refuse("LIMIT_EXCEEDED", "The composite request has %d sObject Collections and query subrequests; at most %d are allowed", heavy, maxHeavy)
	}
	return nil
}
