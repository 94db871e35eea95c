package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// proxyError is a proxy's refusal to open a connection.
type proxyError struct {
	proxy  string // host and port: the address may hold a password
	to     string
	status int
}

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy %s answered %d %s to CONNECT %s", e.proxy, e.status, strings.ToLower(http.StatusText(e.status)), e.to)
}

// errProxyAddress stands in for an error that quotes the address of a proxy, with its password.
var errProxyAddress = errors.New("the address of the proxy cannot be used: HTTPS_PROXY (HTTP_PROXY for http) looks like http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with signs such as @ and / in the password as %40 and %2F")

// careful returns a choice of proxies whose errors give no password away.
func careful(choose func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	if choose == nil {
		choose = http.ProxyFromEnvironment
	}
	return func(r *http.Request) (*url.URL, error) {
		u, err := choose(r)
		if err != nil {
			return nil, errProxyAddress
		}
		return u, nil
	}
}

// judgeProxy makes an error of a proxy's refusal that keeps its status.
func judgeProxy(_ context.Context, proxy *url.URL, to *http.Request, res *http.Response) error {
	if res.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{proxy: proxy.Host, to: to.Host, status: res.StatusCode}
}

// Diagnose says what an error of a RoundTrip means for a user and for another try, in a code and words that
// hold no secret: a proxy that refuses or cannot be reached, a certificate that does not count. It
// returns nil for all others, which are about the network.
func Diagnose(err error) *sink.Error {
	var refused *proxyError
	var cert *tls.CertificateVerificationError
	var op *net.OpError
	switch {
	case errors.As(err, &refused):
		return refused.diagnose()
	case errors.Is(err, errProxyAddress):
		return catalog.New(sink.Config, catalog.CodeProxy, errProxyAddress.Error())
	case errors.As(err, &op) && op.Op == "proxyconnect" && op.Err != nil && !errors.As(err, &cert):
		return catalog.New(sink.Network, catalog.CodeProxy, fmt.Sprintf("the proxy cannot be reached: %v", op.Err))
	case errors.As(err, &cert):
		return catalog.New(sink.Config, catalog.CodeCertificate, fmt.Sprintf(
			"the certificate does not count: %v: if an authority of your own organisation signs it (a proxy that looks into TLS does), name its certificate with --ca-cert", cert.Err))
	}
	return nil
}

func (e *proxyError) diagnose() *sink.Error {
	d := catalog.New(sink.Config, catalog.CodeProxy, e.Error())
	d.HTTPStatus = e.status
	switch {
	case e.status == http.StatusProxyAuthRequired:
		d.Class = sink.Auth
		d.Message = e.Error() + ": " + ProxyLogin
	case e.status == http.StatusTooManyRequests, e.status >= 500:
		d.Class = sink.Network // it may reach the org another time
	}
	return d
}

// ProxyLogin is what to do about a proxy that asks who one is.
const ProxyLogin = "it wants a user name and password, or takes others than it was given: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
