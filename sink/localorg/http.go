package localorg

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sfsync/sink/localorg/journal"
	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/wire"
)

// maxURI bounds a request's address, and address and headers together (REST API guide,
// status codes 414 and 431).
const maxURI = 16384

// request is a call of a resource, be it an HTTP request or a subrequest of a /composite.
type request struct {
	method string
	path   string // behind the version, for data resources
	segs   []string
	query  url.Values
	header http.Header
	body   []byte
	// base is "/services/data/v66.0" as the caller wrote it, version its number.
	base    string
	version int
	// tx is the transaction that the subrequests of an all-or-none /composite share, or nil.
	tx    *store.Tx
	n     int64 // number of the HTTP request
	entry *journal.Request
}

// response is what a resource answers. A body is JSON unless header says otherwise.
type response struct {
	status int
	header http.Header
	body   []byte
	// failed is set if a collection has a row that failed, although its status is 200.
	failed bool
}

func (o *Org) update(ctx context.Context, rq *request, fn func(*store.Tx) error) error {
	if rq.tx != nil {
		return fn(rq.tx)
	}
	return o.store.Update(ctx, func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return tx.SetMeta("calls", o.calls.Snapshot())
	})
}

func (o *Org) view(ctx context.Context, rq *request, fn func(*store.Tx) error) error {
	if rq.tx != nil {
		return fn(rq.tx)
	}
	return o.store.View(ctx, fn)
}

// Handler returns the org's HTTP interface. Requests must be for a loopback host or one that
// Serve listens on, so that a web page somewhere cannot reach the org by rebinding a name.
func (o *Org) Handler() http.Handler { return http.HandlerFunc(o.serveHTTP) }

func (o *Org) serveHTTP(w http.ResponseWriter, r *http.Request) {
	start := o.cfg.Now()
	entry := &journal.Request{Time: start, Method: r.Method, AutoAssign: r.Header.Get("Sforce-Auto-Assign")}
	rq, early := o.read(w, r)
	rq.entry = entry
	rq.n = o.log.Begin()
	entry.Path = logPath(rq.path)
	act := o.fault(Fault{N: rq.n, Method: rq.method, Path: behindVersion(rq.path)})
	if !sleep(r.Context(), o.cfg.Latency+act.Delay) || act.Drop == DropBefore {
		entry.Status = -1
		o.log.Add(entry, o.cfg.Now().Sub(start))
		panic(http.ErrAbortHandler)
	}
	if act.Expire {
		o.expireSessions()
	}
	var res *response
	switch {
	case early != nil:
		res = early
	case act.Status != 0:
		res = act.response()
	default:
		res = o.route(r.Context(), r, rq)
	}
	entry.Status = res.status
	o.log.Add(entry, o.cfg.Now().Sub(start))
	if act.Drop == DropAfter {
		panic(http.ErrAbortHandler)
	}
	o.answer(w, r, res)
}

func (a Action) response() *response {
	if a.Body != "" {
		return &response{status: a.Status, header: http.Header{"Content-Type": {"text/html;charset=UTF-8"}}, body: []byte(a.Body)}
	}
	return failure(a.Status, a.Code, a.Message)
}

// behindVersion cuts /services/data/vNN.0 off a path that begins with it.
func behindVersion(path string) string {
	rest, found := strings.CutPrefix(path, "/services/data/v")
	if !found {
		return path
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return "/"
}

// logPath cuts the value off a path that holds one, since a key is often an e-mail address.
func logPath(p string) string {
	segs := strings.Split(strings.Trim(p, "/"), "/")
	for i, s := range segs {
		if s == "sobjects" && len(segs) > i+3 && segs[0] != "composite" && (i == 0 || segs[i-1] != "composite") {
			return "/" + strings.Join(segs[:i+3], "/") + "/*"
		}
	}
	return "/" + strings.Join(segs, "/")
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
func (o *Org) read(w http.ResponseWriter, r *http.Request) (*request, *response) {
	rq := &request{method: r.Method, header: r.Header, query: r.URL.Query()}
	if m := rq.query.Get("_HttpMethod"); m != "" && r.Method == http.MethodPost {
		rq.method = strings.ToUpper(m)
	}
	rq.setPath(r.URL.EscapedPath())
	if !o.hostAllowed(r.Host) {
		return rq, failure(http.StatusMisdirectedRequest, "NOT_FOUND", "this local org does not serve the host "+r.Host)
	}
	if len(r.RequestURI) > maxURI {
		return rq, failure(http.StatusRequestURITooLong, "URI_TOO_LONG", "URI Too Long")
	}
	size := len(r.RequestURI)
	for k, vs := range r.Header {
		for _, v := range vs {
			size += len(k) + len(v) + 4
		}
	}
	if size > maxURI {
		return rq, failure(http.StatusRequestHeaderFieldsTooLarge, "REQUEST_HEADER_FIELDS_TOO_LARGE", "Request Header Fields Too Large")
	}
	body, err := wire.ReadBody(w, r)
	if err != nil {
		if _, tooBig := err.(*http.MaxBytesError); tooBig { //nolint:errorlint // ReadBody returns it bare
			return rq, failure(http.StatusRequestEntityTooLarge, "REQUEST_TOO_LARGE", "the request body is larger than 50 MB")
		}
		return rq, failure(http.StatusBadRequest, "JSON_PARSER_ERROR", "the request body cannot be read: "+err.Error())
	}
	rq.body = body
	return rq, nil
}

// setPath splits an escaped path into segments. Slashes at its start may be doubled, and one
// may follow at its end, as real orgs accept.
func (rq *request) setPath(escaped string) {
	p := "/" + strings.Trim(escaped, "/")
	rq.path = p
	rq.segs = nil
	for _, s := range strings.Split(p[1:], "/") {
		if u, err := url.PathUnescape(s); err == nil {
			s = u
		}
		rq.segs = append(rq.segs, s)
	}
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
func (o *Org) answer(w http.ResponseWriter, r *http.Request, res *response) {
	h := w.Header()
	for k, v := range res.header {
		h[k] = v
	}
	h.Set("Date", o.cfg.Now().UTC().Format(http.TimeFormat)) // the org's clock, by which clients judge CreatedDate
	h.Set("Cache-Control", "no-cache,must-revalidate,max-age=0,no-store,private")
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	body := res.body
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
	if res.status != http.StatusNoContent && res.status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(res.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// failure is an answer with one error that is not about a record.
func failure(status int, code, message string) *response {
	if code == "NOT_FOUND" {
		return &response{status: status, body: appendNotFound(nil, code, message)}
	}
	b := append([]byte(`[{"message":`), wire.Quote(message)...)
	b = append(b, `,"errorCode":`...)
	b = append(b, wire.Quote(code)...)
	return &response{status: status, body: append(b, "}]"...)}
}

func appendNotFound(b []byte, code, message string) []byte {
	b = append(b, `[{"errorCode":`...)
	b = append(b, wire.Quote(code)...)
	b = append(b, `,"message":`...)
	b = append(b, wire.Quote(message)...)
	return append(b, "}]"...)
}

func notFound() *response {
	return failure(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
}

func methodNotAllowed(method string, allowed ...string) *response {
	return failure(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED",
		fmt.Sprintf("HTTP Method '%s' not allowed. Allowed are %s", method, strings.Join(allowed, ",")))
}

// internal is an answer to a failure of the org itself.
func (o *Org) internal(rq *request, err error) *response {
	o.cfg.Logger.Error("local org", "method", rq.method, "path", logPath(rq.path), "err", err)
	return failure(http.StatusInternalServerError, "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId if you contact support: "+err.Error())
}

// ok answers with v as JSON.
func ok(v any) *response {
	b, err := json.Marshal(v)
	if err != nil {
		return failure(http.StatusInternalServerError, "UNKNOWN_EXCEPTION", err.Error())
	}
	return &response{status: http.StatusOK, body: b}
}
