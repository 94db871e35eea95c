// Package rest is what the resources of the local org have in common: requests, answers, errors, and
// the gate to the records.
package rest

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/journal"
	"sfsync/sink/localorg/store"
)

// The API versions that the org speaks.
const (
	MinVersion = 45
	MaxVersion = 68
)

// Request is a call of a resource, be it an HTTP request or a subrequest of a /composite.
type Request struct {
	Method string
	Path   string // behind the version, for data resources
	Segs   []string
	Query  url.Values
	Header http.Header
	Body   []byte
	// Upload is the body, decompressed, of the requests whose body is not read beforehand because it
	// may be large; else nil.
	Upload io.Reader
	// Origin is the org's address as the caller reached it: "http://127.0.0.1:8080".
	Origin string
	// Base is "/services/data/v66.0" as the caller wrote it, Version its number.
	Base    string
	Version int
	// Tx is the transaction that the request is part of, or nil; Span belongs to it. [Gate.Update] sets
	// them, and the subrequests of an all-or-none composite have those of the whole.
	Tx   *store.Tx
	Span *Span
	// Hangup is set if the connection is to die without an answer.
	Hangup bool
	N      int64 // number of the HTTP request
	Entry  *journal.Request
	// Caller is the user whose session it is.
	Caller store.Caller
	// Catalog is the org as the caller may see it.
	Catalog *catalog.Catalog
}

// Response is what a resource answers. A body is JSON unless Header says otherwise.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// Stream writes the body if it may be large; Body is empty then. An error breaks the connection.
	Stream func(ctx context.Context, w io.Writer) error
	// Failed is set if a collection has a row that failed, although its status is 200.
	Failed bool
}

// SetPath splits an escaped path into segments. Slashes may be doubled, and may follow at its end, as
// real orgs accept; within the value of a key they count.
func (rq *Request) SetPath(escaped string) {
	rq.Segs = nil
	var path strings.Builder
	for s := range strings.SplitSeq(strings.Trim(escaped, "/"), "/") {
		inKey := len(rq.Segs) > 6 && rq.Segs[3] == "sobjects"
		if s == "" && len(rq.Segs) > 0 && !inKey {
			continue
		}
		path.WriteByte('/')
		path.WriteString(s)
		if u, err := url.PathUnescape(s); err == nil {
			s = u
		}
		rq.Segs = append(rq.Segs, s)
	}
	rq.Path = path.String()
}

// CheckMedia refuses a body that is not JSON. A body without a Content-Type is taken for JSON, as that
// of a subrequest is. (The wording is unconfirmed. Real orgs take XML too.)
func (rq *Request) CheckMedia() *Response {
	given := rq.Header.Get("Content-Type")
	if given == "" || len(rq.Body) == 0 || rq.Method == http.MethodGet || rq.Method == http.MethodDelete {
		return nil
	}
	if media, _, err := mime.ParseMediaType(given); err == nil && media == "application/json" {
		return nil
	}
	return Failure(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "Content-Type of '"+given+"' is not supported")
}

// EnterVersion takes /services/data/vNN.0 off the path.
func (rq *Request) EnterVersion() *Response {
	s := rq.Segs
	if len(s) < 3 || s[0] != "services" || s[1] != "data" {
		return NotFound()
	}
	number, found := strings.CutPrefix(strings.ToLower(s[2]), "v")
	whole, tenth, _ := strings.Cut(number, ".")
	n, err := strconv.Atoi(whole)
	if !found || err != nil || tenth != "0" {
		return NotFound()
	}
	switch {
	case n > 0 && n <= 30:
		return Failure(http.StatusGone, "UNSUPPORTED_API_VERSION", "The API version v"+number+" is no longer supported.")
	case n < MinVersion || n > MaxVersion:
		return NotFound()
	}
	rq.Base, rq.Version = "/services/data/v"+strconv.Itoa(n)+".0", n
	rq.Segs = s[3:]
	rq.Path = BehindVersion(strings.ToLower(rq.Path[:len("/services/data/v")]) + rq.Path[len("/services/data/v"):])
	return nil
}

// BehindVersion cuts /services/data/vNN.0 off a path that begins with it.
func BehindVersion(path string) string {
	rest, found := strings.CutPrefix(path, "/services/data/v")
	if !found {
		return path
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return "/"
}

// LogPath cuts the value off a path that holds one, since a key is often an e-mail address.
func LogPath(p string) string {
	segs := strings.Split(strings.Trim(p, "/"), "/")
	for i, s := range segs {
		if strings.EqualFold(s, "sobjects") && len(segs) > i+3 && segs[0] != "composite" && (i == 0 || segs[i-1] != "composite") {
			return "/" + strings.Join(segs[:i+3], "/") + "/*"
		}
	}
	return "/" + strings.Join(segs, "/")
}

// Object returns the object of a path segment, or the answer if there is none.
func (rq *Request) Object(name string) (*catalog.Object, *Response) {
	if ob := rq.Catalog.Object(name); ob != nil {
		return ob, nil
	}
	return nil, NotFound()
}
