package wire

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
)

// maxBody bounds a request's body, decompressed. (REST API guide: 50 MB for most resources.)
const maxBody = 50 << 20

// ReadBody reads a request's body, decompressed; a body that is too large is an
// [*http.MaxBytesError]. A Content-Encoding without a body is ignored, as real orgs do.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limited := http.MaxBytesReader(w, r.Body, maxBody)
	var b bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= maxBody {
		b.Grow(int(n) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(limited); err != nil {
		return nil, err
	}
	if b.Len() == 0 {
		return nil, nil // an encoding without a body is ignored
	}
	var dec io.Reader
	var err error
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "gzip":
		dec, err = gzip.NewReader(&b)
	case "deflate":
		dec, err = zlib.NewReader(&b)
	default:
		return b.Bytes(), nil
	}
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(dec, maxBody+1))
	if err == nil && len(out) > maxBody {
		err = &http.MaxBytesError{Limit: maxBody}
	}
	return out, err
}

// AcceptsGzip reports whether an Accept-Encoding header asks for gzip.
func AcceptsGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.ReplaceAll(q, " ", "") != "q=0"
		}
	}
	return false
}
