package wire

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
)

// MaxBody bounds the body of most resources, decompressed (REST API guide: 50 MB).
const MaxBody = 50 << 20

// ReadBody reads a request's body, decompressed; one of more than maxBody bytes is an
// [*http.MaxBytesError]. A Content-Encoding without a body is ignored, as real orgs do.
func ReadBody(w http.ResponseWriter, r *http.Request, maxBody int64) ([]byte, error) {
	limited := http.MaxBytesReader(w, r.Body, maxBody)
	var b bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= maxBody {
		b.Grow(int(min(n, 1<<20)) + bytes.MinRead) // a length is only said so far
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
	case "gzip", "x-gzip":
		dec, err = gzip.NewReader(&b)
	case "deflate":
		dec, err = inflate(&b)
	default:
		return b.Bytes(), nil
	}
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(dec, maxBody+1))
	if err == nil && int64(len(out)) > maxBody {
		err = &http.MaxBytesError{Limit: maxBody}
	}
	return out, err
}

// inflate reads a deflated body: within a zlib frame, as the standard has it, or bare, as some clients
// send it.
func inflate(b *bytes.Buffer) (io.Reader, error) {
	if h := b.Bytes(); len(h) >= 2 && h[0]&0x0f == 8 && (int(h[0])<<8|int(h[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
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
