package localorg

import (
	"bytes"
	"compress/gzip"
	"fmt"
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
	o.mark(w.Header(), r, rq)
	entry.Path = rest.LogPath(rq.Path)
	res := early
	own := rq.Segs[0] == "_org" // what sfsync asks the org itself is spared all trouble
	if own {
		if res == nil {
			res = o.route(r.Context(), r, rq)
		}
	} else {
		res = o.troubled(r, rq, early, start)
	}
	entry.Status = res.Status
	if rq.Hangup {
		entry.Status = -1
	}
	if !own {
		o.log.Add(entry, o.cfg.Now().Sub(start))
	}
	if rq.Hangup {
		panic(http.ErrAbortHandler)
	}
	o.answer(w, r, res)
}

// mark gives an answer what the platform's servers in front do: an id, and a cookie that no client needs. (The
// name of the id is unconfirmed.)
func (o *Org) mark(h http.Header, r *http.Request, rq *rest.Request) {
	h.Set("X-Sfdc-Request-Id", fmt.Sprintf("%s%016x", o.ident.Instance, rq.N))
	if _, err := r.Cookie("BrowserId"); err != nil {
		h.Set("Set-Cookie", "BrowserId="+o.ident.OrganizationID+"; path=/; Max-Age=31536000; HttpOnly; SameSite=Lax")
	}
}

// troubled answers a request that came at start with the faults and the latency that the org is to have.
func (o *Org) troubled(r *http.Request, rq *rest.Request, early *rest.Response, start time.Time) *rest.Response {
	act := o.gate.At(fault.Point{N: rq.N, Method: rq.Method, Path: rest.BehindVersion(rq.Path)})
	end, busy := o.load.Begin()
	if busy != nil {
		return busy
	}
	defer end()
	latency := time.Duration(o.load.Settings().Latency) - max(0, o.cfg.Now().Sub(start)) // the reading of the body is a part of it
	if !rest.Sleep(r.Context(), max(0, latency)+act.Delay) || act.Drop == DropBefore {
		rq.Hangup = true
		return &rest.Response{}
	}
	if act.Expire {
		o.auth.Expire()
	}
	rq.Hangup = act.Drop == DropAfter
	switch {
	case early != nil:
		return early
	case act.Status != 0:
		return rest.Fault(act)
	}
	return o.route(r.Context(), r, rq)
}

// scheme is https if a proxy in front of the org says that it was reached so.
func scheme(r *http.Request) string {
	if strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		return "https"
	}
	return "http"
}

// read takes the request apart. A response is returned if it cannot be served at all.
func (o *Org) read(w http.ResponseWriter, r *http.Request) (*rest.Request, *rest.Response) {
	rq := &rest.Request{Method: r.Method, Origin: scheme(r) + "://" + r.Host, Header: r.Header, Query: r.URL.Query()}
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
	if uploads(rq) {
		up, err := openUpload(r)
		if err != nil {
			return rq, rest.Failure(http.StatusBadRequest, "BULK_API_ERROR", "the request body cannot be read: "+err.Error())
		}
		rq.Upload = up
		return rq, nil
	}
	limit := maxBody(rq)
	body, err := wire.ReadBody(w, r, limit)
	if err != nil {
		if _, tooBig := err.(*http.MaxBytesError); tooBig { //nolint:errorlint // ReadBody returns it bare
			return rq, rest.Failure(http.StatusRequestEntityTooLarge, "REQUEST_TOO_LARGE", fmt.Sprintf("the request body is larger than %d bytes", limit))
		}
		return rq, rest.Failure(http.StatusBadRequest, "JSON_PARSER_ERROR", "the request body cannot be read: "+err.Error())
	}
	rq.Body = body
	return rq, nil
}

// maxBody bounds the body of a request, decompressed.
func maxBody(rq *rest.Request) int64 {
	switch s := rq.Segs; {
	case len(s) > 1 && s[0] == "services" && s[1] == "oauth2":
		return 64 << 10
	case s[0] == "_org":
		return 16 << 20
	}
	return wire.MaxBody
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
	if res.Stream != nil {
		o.stream(w, r, res)
		return
	}
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
