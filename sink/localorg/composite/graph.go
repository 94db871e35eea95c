package composite

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/wire"
)

// graphVersion is the first version that has graphs.
const graphVersion = 50

// The limits of a /composite/graph request (REST API guide, Composite Graphs).
const (
	maxGraphs       = 75
	maxNodes        = 500
	maxDepth        = 15
	maxKinds        = 15 // of nodes: version, method and object
	maxFailedGraphs = 14
)

// graph is a list of subrequests that are all-or-none.
type graph struct {
	ID       string       `json:"graphId"`
	Requests []subrequest `json:"compositeRequest"`
}

// graph answers /composite/graph: each graph in a transaction of its own. Nodes refer to nodes in front
// of them in the same graph. (That nodes behind cannot be referred to is unconfirmed.)
func (h Handler) graph(ctx context.Context, rq *rest.Request) *rest.Response {
	var body struct {
		Graphs []graph `json:"graphs"`
	}
	if bad := unmarshal(rq.Body, &body); bad != nil {
		return bad
	}
	if bad := checkGraphs(body.Graphs, rq.Version); bad != nil {
		return bad
	}
	b := []byte(`{"graphs":[`)
	failed := 0
	for i := range body.Graphs {
		g := &body.Graphs[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(wire.AppendQuote(append(b, `{"graphId":`...), g.ID), `,"graphResponse":`...)
		var answers []subresponse
		var err error
		if failed > maxFailedGraphs {
			err = errHalt
			for k := range g.Requests {
				answers = append(answers, g.Requests[k].answer(refuse("PROCESSING_HALTED", "The graph was not processed since more than %d graphs of the request failed.", maxFailedGraphs)))
			}
		} else {
			answers, err = h.atomic(ctx, rq, g.Requests)
		}
		switch {
		case errors.Is(err, errHalt):
			failed++
		case err != nil:
			return h.Gate.Internal(rq, err)
		case rq.Hangup && len(answers) < len(g.Requests):
			return &rest.Response{Status: http.StatusOK} // the connection dies
		}
		b = append(appendAnswers(b, answers), `,"isSuccessful":`...)
		b = append(strconv.AppendBool(b, err == nil), '}')
	}
	return &rest.Response{Status: http.StatusOK, Body: append(b, "]}"...)}
}

// checkGraphs refuses graphs that cannot be carried out at all.
func checkGraphs(graphs []graph, version int) *rest.Response {
	switch n := len(graphs); {
	case n == 0:
		return refuse("REQUIRED_FIELD_MISSING", "At least 1 graph is required")
	case n > maxGraphs:
		return refuse("LIMIT_EXCEEDED", "The request has %d graphs; at most %d are allowed", n, maxGraphs)
	}
	nodes := 0
	seen := make(map[string]bool, len(graphs))
	for i := range graphs {
		g := &graphs[i]
		switch {
		case !validReference(g.ID):
			return refuse("JSON_PARSER_ERROR", "Provided graphId '%s' must start with a letter or a number, and it can contain only letters, numbers and underscores ('_').", g.ID)
		case seen[g.ID]:
			return refuse("JSON_PARSER_ERROR", "Duplicate graphId provided: %s", g.ID)
		}
		seen[g.ID] = true
		if nodes += len(g.Requests); nodes > maxNodes {
			return refuse("LIMIT_EXCEEDED", "The request has more than %d nodes", maxNodes)
		}
		if bad := checkSubrequests(g.Requests, version); bad != nil {
			return bad
		}
		if bad := checkNodes(g); bad != nil {
			return bad
		}
	}
	return nil
}

// checkNodes refuses a graph that is too deep or too various, or that holds something else than
// requests on records.
func checkNodes(g *graph) *rest.Response {
	depth := make(map[string]int, len(g.Requests))
	kinds := map[string]bool{}
	for i := range g.Requests {
		sub := &g.Requests[i]
		path, _, _ := strings.Cut(sub.URL, "?")
		var rq rest.Request
		rq.SetPath(path)
		if len(rq.Segs) < 5 || rq.Segs[3] != "sobjects" {
			return refuse("INVALID_INPUT", "The url of a node of a graph must be that of a record, /services/data/vXX.X/sobjects/…: %s", sub.URL)
		}
		kinds[strings.ToLower(rq.Segs[2]+" "+sub.Method+" "+rq.Segs[4])] = true
		d := 1
		for _, to := range wire.Referred(sub.URL, sub.Body) {
			d = max(d, depth[to]+1)
		}
		depth[sub.ReferenceID] = d
		switch {
		case d > maxDepth:
			return refuse("LIMIT_EXCEEDED", "The graph %s is deeper than %d nodes", g.ID, maxDepth)
		case len(kinds) > maxKinds:
			return refuse("LIMIT_EXCEEDED", "The graph %s has more than %d different kinds of nodes", g.ID, maxKinds)
		}
	}
	return nil
}
