package fetch

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sfsync/pipeline/source"
	"sfsync/sink"
	"sfsync/sink/salesforce/transport"
)

// refusal is an answer, or the lack of one, that does not give what was asked for.
type refusal struct {
	problem *source.Error
	passing bool          // another try may do better,
	wait    time.Duration // after at least so long
}

func (r *refusal) Error() string { return r.problem.Error() }

func (f *file) refuse(class error, message string, cause error) *refusal {
	return &refusal{problem: f.address.problem(class, message, cause)}
}

// maxRetryAfter bounds how long a server may have us wait.
const maxRetryAfter = 2 * time.Minute

// refused says what a status means.
func (f *file) refused(a *http.Response) *refusal {
	status := fmt.Sprintf("the server answers %d", a.StatusCode)
	if text := http.StatusText(a.StatusCode); text != "" {
		status += " " + text
	}
	switch a.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return f.refuse(source.ErrNotFound, status+": there is no such file", nil)
	case http.StatusUnauthorized, http.StatusForbidden:
		remedy := "it wants a login (https://USER:PASSWORD@HOST/…), or a URL that carries a signature"
		if f.address.Secret() {
			remedy = "the user, password or signature in the URL is wrong, or has expired"
		}
		return f.refuse(source.ErrUnreadable, status+": "+remedy, nil)
	case http.StatusProxyAuthRequired:
		return f.refuse(source.ErrUnavailable, "the proxy: "+transport.ProxyLogin, nil)
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		r := f.refuse(source.ErrUnavailable, status+": try again later", nil)
		r.passing = true
		if seconds, err := strconv.ParseInt(a.Header.Get("Retry-After"), 10, 32); err == nil && seconds > 0 {
			r.wait = min(time.Duration(seconds)*time.Second, maxRetryAfter)
		}
		return r
	}
	switch {
	case a.StatusCode >= 500:
		return f.refuse(source.ErrUnavailable, status+": try again later", nil)
	case a.StatusCode >= 400:
		return f.refuse(source.ErrUnreadable, status+": look whether the URL is right", nil)
	}
	return f.refuse(source.ErrUnreadable, status+", which is not the file: name the address at which it is", nil)
}

// unreached says why there is no answer. The URL that the standard library would show with it is left out.
func (f *file) unreached(err error) *refusal {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	switch {
	case errors.Is(err, errDowngrade), errors.Is(err, errRedirects):
		return f.refuse(source.ErrUnreadable, "cannot be read", err)
	case strings.HasPrefix(err.Error(), "failed to parse Location header"): // net/http shows it, and it may be a secret
		return f.refuse(source.ErrUnreadable, "the server leads to what is no valid URL", nil)
	case errors.As(err, new(tls.RecordHeaderError)):
		return f.refuse(source.ErrUnavailable, "the server does not speak https there", err)
	}
	if known := transport.Diagnose(err); known != nil {
		r := f.refuse(source.ErrUnavailable, known.Message, nil)
		r.passing = known.Class == sink.Network
		return r
	}
	r := f.refuse(source.ErrUnavailable, "the server cannot be reached", err)
	var name *net.DNSError
	r.passing = !errors.As(err, &name) || !name.IsNotFound
	return r
}
