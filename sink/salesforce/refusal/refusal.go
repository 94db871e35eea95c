// Package refusal says what an answer that is not a success means: what the org, or what stands on the way to
// it, wants to say, and whether it helps to wait, to send less at once, or to send it again.
package refusal

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/transport"
	"sfsync/sink/salesforce/wire"
)

// MaxWait is the longest a gateway's Retry-After is obeyed; beyond it the run stops.
const MaxWait = 5 * time.Minute

// Answer is an answer that is not a success.
type Answer struct {
	Request string // as messages name it, without secrets
	Host    string
	Login   bool
	Status  int
	Header  http.Header
	Body    []byte
	Now     time.Time
}

// Read turns an answer that is not a success into an error. Bodies come as an array of
// errors, a single object, in OAuth's shape, as HTML or XML from gateways, or not at all.
func Read(a *Answer) *sink.Error {
	e := wire.ParseRefusal(a.Body)
	named := e.Code != ""
	e.HTTPStatus = a.Status
	e.RetryAfter = transport.RetryAfter(a.Header, a.Now)
	if named {
		e.Class = catalog.Classify(e.Code, e.Message)
	} else {
		e.Code = catalog.CodeHTTP
		e.Message = fmt.Sprintf("%s at %s answered %d %s%s", a.Request, a.Host, a.Status,
			strings.ToLower(http.StatusText(a.Status)), transport.ContentHint(a.Header))
	}
	_, known := catalog.Known(e.Code)
	switch s := a.Status; {
	case s < 400:
		e.Class, e.Code = sink.Config, catalog.CodeRedirect
		e.Message = a.Request + " at " + a.Host + " answered with a redirect" + transport.RedirectTarget(a.Header) + ", which is not followed"
	case s == http.StatusUnauthorized:
		e.Class = sink.Auth
	case s == http.StatusProxyAuthRequired: // of a request that a proxy passes on, over http
		e.Class, e.Code = sink.Auth, catalog.CodeProxy
		e.Message = a.Request + " at " + a.Host + ": a proxy answered 407: " + transport.ProxyLogin
	case s == http.StatusTooManyRequests, s == 420:
		e.Class = sink.Retry
	case s == http.StatusServiceUnavailable && named && (a.Login || bytes.Contains(a.Body, []byte(`"errorCode"`))):
		// The org has not begun. Gateways that write JSON name what is wrong otherwise, and may have given up on a request
		// that the org carries out.
		if !known || e.Class == sink.Permanent {
			e.Class = sink.Retry
		}
	case s >= 500:
		// The org or a gateway gave up on a request that it may have carried out.
		e.Lost = !a.Login
		if e.Class != sink.Retry {
			e.Class = sink.Network
		}
	case s == http.StatusRequestEntityTooLarge:
		e.Class = sink.Retry
	case e.Class != sink.Permanent && known:
		// The code has said it. A request that ran too long may have got far.
		e.Lost = catalog.Heavy(e.Code)
	case s == http.StatusForbidden || a.Login:
		e.Class = sink.Auth
	default:
		e.Class = sink.Config
	}
	return e
}

// ReadPart turns the answer to one part of a composite request, which is not a success, into an error.
func ReadPart(part wire.SubAnswer) *sink.Error {
	e := wire.ParseRefusal(part.Body)
	e.HTTPStatus = part.Status
	if e.Code == "" {
		e.Code = catalog.CodeHTTP
	}
	e.Class = catalog.Classify(e.Code, e.Message)
	return e
}

// Transient reports whether the request that met with an error may do better when it is sent again.
func Transient(e *sink.Error) bool {
	return (e.Class == sink.Retry || e.Class == sink.Network) && e.Code != catalog.CodeCancelled && e.Code != catalog.CodeTooLarge
}

// Heavy reports whether a request was too much at once.
func Heavy(e *sink.Error) bool {
	return e.HTTPStatus == http.StatusRequestEntityTooLarge || catalog.Heavy(e.Code)
}

// Crowded reports whether an error says that the org has more to do than it can: too many requests, or no
// time for them. A daily limit that is used up is no reason to send less at once.
func Crowded(e *sink.Error) bool {
	switch e.HTTPStatus {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, 420:
		return true
	}
	return e.Code == "REQUEST_LIMIT_EXCEEDED" && strings.Contains(e.Message, "Concurrent") || e.Code == "SERVER_UNAVAILABLE" || catalog.Heavy(e.Code)
}

// Exhausted is an error after the last attempt: an org that limits says "later", one that
// cannot be reached is down.
func Exhausted(e *sink.Error) *sink.Error {
	out := *e
	out.Class = sink.Network
	if e.HTTPStatus == http.StatusTooManyRequests || e.Code == "REQUEST_LIMIT_EXCEEDED" || e.RetryAfter > MaxWait {
		out.Class = sink.Later
	}
	return &out
}
