package localorg

import (
	"bytes"
	"compress/gzip"
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sfsync/sink/localorg/fault"
	"sfsync/sink/localorg/journal"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/wire"
)

// maxURI bounds a request's address, and address and headers together (REST API guide,
// status codes 414 and 431).
const maxURI = 16384

// Handler returns the org's HTTP interface. Requests must be for a loopback host or one that
// Serve listens on, so that a web page somewhere cannot reach the org by rebinding a name.
func (o *Org) Handler() http.Handler { return http.HandlerFunc(o.serveHTTP) }

func (o *Org) serveHTTP(w http.ResponseWriter, r *http.Request) {
	start := o.cfg.Now()
	entry := &journal.Request{Time: start, Method: r.Method, AutoAssign: r.Header.Get("Sforce-Auto-Assign")}
	rq, early := o.read(w, r)
	rq.Entry = entry
	rq.N = o.log.Begin()
	entry.Path = rest.LogPath(rq.Path)
	act := o.gate.At(fault.Point{N: rq.N, Method: rq.Method, Path: rest.BehindVersion(rq.Path)})
	if !sleep(r.Context(), o.cfg.Latency+act.Delay) || act.Drop == DropBefore {
		entry.Status = -1
		o.log.Add(entry, o.cfg.Now().Sub(start))
		panic(http.ErrAbortHandler)
	}
	if act.Expire {
		o.expireSessions()
	}
	var res *rest.Response
	switch {
	case early != nil:
		res = early
	case act.Status != 0:
		res = rest.Fault(act)
	default:
		res = o.route(r.Context(), r, rq)
	}
	entry.Status = res.Status
	o.log.Add(entry, o.cfg.Now().Sub(start))
	if act.Drop == DropAfter {
		panic(http.ErrAbortHandler)
	}
	o.answer(w, r, res)
}

// sleep waits and reports whether the context lasted.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// read takes the request apart. A response is returned if it cannot be served at all.
func (o *Org) read(w http.ResponseWriter, r *http.Request) (*rest.Request, *rest.Response) {
	rq := &rest.Request{Method: r.Method, Header: r.Header, Query: r.URL.Query()}
	if m := rq.Query.Get("_HttpMethod"); m != "" && r.Method == http.MethodPost {
		rq.Method = strings.ToUpper(m)
	}
	rq.SetPath(r.URL.EscapedPath())
	if !o.hostAllowed(r.Host) {
		return rq, rest.Failure(http.StatusMisdirectedRequest, "NOT_FOUND", "this local org does not serve the host "+r.Host)
	}
	if len(r.RequestURI) > maxURI {
		return rq, rest.Failure(http.StatusRequestURITooLong, "URI_TOO_LONG", "URI Too Long")
	}
	size := len(r.RequestURI)
	for k, vs := range r.Header {
		for _, v := range vs {
			size += len(k) + len(v) + 4
		}
	}
	if size > maxURI {
		return rq, rest.Failure(http.StatusRequestHeaderFieldsTooLarge, "REQUEST_HEADER_FIELDS_TOO_LARGE", "Request Header Fields Too Large")
	}
	body, err := wire.ReadBody(w, r)
	if err != nil {
		if _, tooBig := err.(*http.MaxBytesError); tooBig { //nolint:errorlint // ReadBody returns it bare
			return rq, rest.Failure(http.StatusRequestEntityTooLarge, "REQUEST_TOO_LARGE", "the request body is larger than 50 MB")
		}
		return rq, rest.Failure(http.StatusBadRequest, "JSON_PARSER_ERROR", "the request body cannot be read: "+err.Error())
	}
	rq.Body = body
	return rq, nil
}

func (o *Org) hostAllowed(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	if strings.EqualFold(name, "localhost") {
		return true
	}
	if ip := net.ParseIP(name); ip != nil && (ip.IsLoopback() || o.open.Load()) {
		return true
	}
	allowed := o.hosts.Load()
	return allowed != nil && (*allowed)[strings.ToLower(host)]
}

// answer writes a response as the platform does: compressed and indented if asked for.
func (o *Org) answer(w http.ResponseWriter, r *http.Request, res *rest.Response) {
	h := w.Header()
	for k, v := range res.Header {
		h[k] = v
	}
	h.Set("Date", o.cfg.Now().UTC().Format(http.TimeFormat)) // the org's clock, by which clients judge CreatedDate
	h.Set("Cache-Control", "no-cache,must-revalidate,max-age=0,no-store,private")
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	body := res.Body
	if len(body) > 0 && h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json;charset=UTF-8")
		if r.Header.Get("X-Prettyprint") == "1" || r.Header.Get("X-Prettyprint") == "true" {
			body = wire.Pretty(body)
		}
	}
	if len(body) > 1024 && wire.AcceptsGzip(r.Header.Get("Accept-Encoding")) {
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		_, _ = z.Write(body)
		_ = z.Close()
		h.Set("Content-Encoding", "gzip")
		body = b.Bytes()
	}
	if res.Status != http.StatusNoContent && res.Status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(res.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}
