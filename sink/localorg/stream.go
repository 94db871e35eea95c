package localorg

import (
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"

	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/wire"
)

// uploads reports whether a request's body is the data of a bulk job, which is not read beforehand.
func uploads(rq *rest.Request) bool {
	s := rq.Segs
	return rq.Method == http.MethodPut && len(s) == 7 && s[0] == "services" && s[1] == "data" && s[3] == "jobs" && s[4] == "ingest"
}

// openUpload returns the body of a request, decompressed while it is read. That real orgs take a compressed
// upload is unconfirmed; a client sends them.
func openUpload(r *http.Request) (io.Reader, error) {
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "gzip":
		return gzip.NewReader(r.Body)
	case "deflate":
		return zlib.NewReader(r.Body)
	}
	return r.Body, nil
}

// stream writes a response that may be large. An error on the way breaks the connection, so that nobody
// takes a part for the whole.
func (o *Org) stream(w http.ResponseWriter, r *http.Request, res *rest.Response) {
	var out io.Writer = w
	var z *gzip.Writer
	if wire.AcceptsGzip(r.Header.Get("Accept-Encoding")) {
		w.Header().Set("Content-Encoding", "gzip")
		z, _ = gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is one
		out = z
	}
	w.WriteHeader(res.Status)
	if r.Method == http.MethodHead {
		return
	}
	err := res.Stream(r.Context(), out)
	if err == nil && z != nil {
		err = z.Close()
	}
	if err == nil {
		return
	}
	if r.Context().Err() == nil {
		o.cfg.Logger.Error("local org", "method", r.Method, "path", rest.LogPath(r.URL.Path), "err", err)
	}
	panic(http.ErrAbortHandler)
}
