// Package transport is how requests travel to an org: the connections, whose certificates count, what
// a proxy says, and bodies that are compressed on the way.
package transport

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Options say how to connect. The zero Options are right for most.
type Options struct {
	// Roots are the authorities whose certificates count, see [Roots]; nil for the system's.
	Roots *x509.CertPool
	// Proxy chooses the proxy of a request; nil for the proxy variables of the environment
	// (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
	Proxy func(*http.Request) (*url.URL, error)
}

// connections is how many idle connections are kept to a host: more than there are requests at once, so
// that none pays for a handshake again.
const connections = 64

// New returns a transport that gives up on hosts that do not answer, speaks HTTP/2 where the
// server does, and asks for compressed answers. How long an answer may take is the request's own timeout;
// a connection that is dead is noticed before, by pings or keep-alives.
func New(opt Options) *http.Transport {
	t := &http.Transport{
		Proxy:                  careful(opt.Proxy),
		OnProxyConnectResponse: judgeProxy,
		DialContext:            (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    15 * time.Second,
		IdleConnTimeout:        30 * time.Second, // an org that closes first costs a lost answer
		ExpectContinueTimeout:  time.Second,
		MaxIdleConnsPerHost:    connections,
		MaxResponseHeaderBytes: 1 << 20,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}
	if opt.Roots != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: opt.Roots, MinVersion: tls.VersionTLS12}
	}
	return t
}
