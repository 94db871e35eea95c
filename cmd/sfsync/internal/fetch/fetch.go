// Package fetch reads inputs that are named by a URL. A connection that breaks is taken up where it broke, if the
// server says by a strong ETag that the rest belongs to the same file. What is secret in a URL is in no error and
// in no message.
package fetch

import (
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"sfsync/pipeline/source"
	"sfsync/sink/retry"
	"sfsync/sink/salesforce/transport"
)

// Client asks servers. It is safe for concurrent use.
type Client struct {
	http  *http.Client
	agent string
	warn  func(format string, args ...any)
	// idle is how long a server may say nothing within an answer.
	idle   time.Duration
	policy retry.Policy
}

const (
	headerTimeout = 2 * time.Minute // an export may be made on demand
	idleTimeout   = 2 * time.Minute
	maxRedirects  = 10
	// progress is what has to arrive by one connection for the tries before it not to count any more.
	progress = 1 << 20
)

// New returns a client that calls itself agent and tells of tries that failed by warn. Certificates of roots count, nil
// for the system's. It obeys the proxy variables of the environment. There is no limit of the time that an answer takes
// as a whole: a file may be large.
func New(agent string, roots *x509.CertPool, warn func(format string, args ...any)) *Client {
	t := transport.New(transport.Options{Roots: roots})
	t.DisableCompression = true // the bytes counted are those of the file
	t.ResponseHeaderTimeout = headerTimeout
	return newClient(t, agent, warn)
}

func newClient(t http.RoundTripper, agent string, warn func(string, ...any)) *Client {
	return &Client{
		http:  &http.Client{Transport: t, CheckRedirect: checkRedirect},
		agent: agent, warn: warn, idle: idleTimeout,
		policy: retry.Policy{Base: time.Second, Cap: 30 * time.Second, Attempts: 6},
	}
}

// Close closes connections that are not in use.
func (c *Client) Close() { c.http.CloseIdleConnections() }

var (
	errRedirects = errors.New("it leads from one address to another too often")
	errDowngrade = errors.New("it leads from https to http, where everybody can read along: name the address it leads to, if that is meant")
)

// checkRedirect follows redirects to a bound. The password goes to the address that the user has named and no
// other; no address gets to know the one before it, whose query may be a secret.
func checkRedirect(req *http.Request, via []*http.Request) error {
	switch last := via[len(via)-1]; {
	case len(via) > maxRedirects:
		return errRedirects
	case last.URL.Scheme == "https" && req.URL.Scheme != "https":
		return errDowngrade
	case req.URL.Scheme != via[0].URL.Scheme || req.URL.Host != via[0].URL.Host:
		req.Header.Del("Authorization")
	}
	req.URL.User = nil
	req.Header.Del("Referer")
	return nil
}

// Open returns what a URL gives, which is asked for with the first read. Its errors are [*source.Error], or the
// context's. Closing it ends a connection that is open.
func (c *Client) Open(ctx context.Context, a *Address) io.ReadCloser {
	return &body{file: file{client: c, ctx: ctx, address: a, total: -1}}
}

// body is a file with its Content-Encoding undone. What is packed under a name of its own (.gz, .zst) stays so.
type body struct {
	file    file
	decoded io.Reader
	err     error // final
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.err == nil && b.decoded == nil {
		b.decoded, b.err = b.decode()
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.decoded.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.problem(err)
	}
	b.err = err
	return n, err
}

func (b *body) decode() (io.Reader, error) {
	if err := b.file.connect(); err != nil {
		return nil, err
	}
	switch coding := strings.ToLower(b.file.coding); coding {
	case "", "identity":
		return &b.file, nil
	case "gzip", "x-gzip":
		r, err := gzip.NewReader(&b.file)
		if err != nil {
			return nil, b.problem(err)
		}
		return r, nil
	default:
		return nil, b.file.address.problem(source.ErrUnreadable, fmt.Sprintf("the server sends it in the encoding %q, for which it was not asked: download the file and name it", coding), nil)
	}
}

// problem says whether it is the connection that failed, or what came by it is damaged.
func (b *body) problem(err error) error {
	if b.file.err != nil && !errors.Is(b.file.err, io.EOF) {
		return b.file.err
	}
	return b.file.address.problem(source.ErrMalformed, "the gzip encoding in which the server sends it is damaged", err)
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.file.close()
	if b.err == nil {
		b.err = b.file.address.problem(source.ErrUnreadable, "is closed", nil)
	}
	return nil
}
