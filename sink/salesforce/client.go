package salesforce

import (
	"bytes"
	"context"
	"crypto/x509"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"sfsync/sink"
	"sfsync/sink/retry"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/credentials"
	"sfsync/sink/salesforce/meter"
	"sfsync/sink/salesforce/recent"
	"sfsync/sink/salesforce/session"
	"sfsync/sink/salesforce/transport"
	"sfsync/sink/throttle"
)

// Config says how to reach an org. Auth and Now are required.
type Config struct {
	Auth Auth
	// Now is the clock; it is safe for concurrent use.
	Now func() time.Time
	// Since is when the run began (a resumed run: when it first began), by Now. A record that is
	// found after a lost answer and was created since then by this user counts as created by the
	// run. Zero: when Connect was called.
	Since time.Time
	// Client names the program to the org (header Sforce-Call-Options); "" for sfsync.
	Client string
	// AllowHosts are hosts besides Salesforce's and loopback that may see credentials: "host" or
	// "host:port" over https, "http://host" or "http://host:port" without.
	AllowHosts []string
	// Timeout bounds one request with its answer; 0 for 11 minutes, since the org itself gives
	// up after ten (Limits, "API Request Timeout").
	Timeout time.Duration
	// Retries is how often a request is sent in all; 0 for 6, 1 for never again.
	Retries int
	// Objects are asked for their descriptions along with the first calls, so that Describe has them.
	Objects []string
	// Transport carries the requests, without following redirects; nil for a [transport.New] with the
	// authorities of Roots.
	Transport http.RoundTripper
	// Roots are the authorities whose certificates count; nil for the system's.
	Roots *x509.CertPool
	// Compress says whether the bodies of requests to a host are compressed; nil for all but loopback.
	Compress func(host string) bool
	// Sleep waits for d or the context's end; nil for a timer. Rand gives the jitter in [0, 1);
	// nil for math/rand. Both are for tests.
	Sleep func(ctx context.Context, d time.Duration) error
	Rand  func() float64
	// Budget bounds what the client takes of the org's API calls.
	Budget Budget
	// InFlight is the most requests at once; 0 for 64. While the org says that they are too many it is fewer.
	InFlight int
	// OnRefreshToken is told of a refresh token that a login gave: where the org rotates them,
	// the one used before is of no use any more. Nil for none.
	OnRefreshToken func(Secret)
	// Logger gets a line a request at level debug, one a retry at warn; never a body, a query
	// or a secret. Nil for none.
	Logger *slog.Logger
}

// Kind is what kind of org it is.
type Kind string

// The kinds. An org is local only if it is on this machine and says so itself.
const (
	Local      Kind = "local"
	Sandbox    Kind = "sandbox"
	Production Kind = "production"
)

// OrgInfo is what an org says of itself.
type OrgInfo struct {
	ID          string // 18 characters
	Name        string
	Kind        Kind
	InstanceURL string
	APIVersion  string // "66.0"
	// Username is that of the credentials, "" where they name none (an access token).
	Username string
}

// Client is a session with an org. It is safe for concurrent use.
type Client struct {
	username  string   // of the credentials
	base      *url.URL // the org; set once by Connect
	prefix    string   // "/services/data/v66.0"
	org       OrgInfo
	began     time.Time // the run, by the org's clock
	agent     string
	timeout   time.Duration
	policy    retry.Policy
	transport http.RoundTripper
	ownTrans  *http.Transport // the transport if it is ours to close
	compress  func(host string) bool
	packer    transport.Packer
	now       func() time.Time
	sleep     func(context.Context, time.Duration) error
	rand      func() float64

	log      *slog.Logger
	session  *session.Session
	throttle *throttle.Throttle
	buffers  sync.Pool

	meter meter.Meter
	seen  atomic.Pointer[reading] // of the org's clock, the last one

	recent    recent.IDs
	describes struct {
		mu  sync.Mutex
		raw map[string][]byte
	}
	user struct {
		mu    sync.Mutex
		asked bool
		id    string
	}
}

// Connect logs in, agrees on an API version, and reads the org's own record and the descriptions of
// Config.Objects side by side: one API call, and one an object. Errors are [*sink.Error]s: class Auth for credentials that are refused or
// missing, Config for an address or a version that cannot work, Network where nobody answers;
// or the context's.
func Connect(ctx context.Context, cfg Config) (*Client, error) {
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	since := cfg.Since
	if since.IsZero() {
		since = c.now()
	}
	if err := c.connect(ctx, cfg.Objects); err != nil {
		c.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	c.began = c.orgTime(since)
	return c, nil
}

func newClient(cfg Config) (*Client, error) {
	if cfg.Now == nil {
		return nil, catalog.New(sink.Config, catalog.CodeSetup, "the configuration has no clock")
	}
	c := &Client{
		username: cfg.Auth.Username, agent: cfg.Client, timeout: cfg.Timeout,
		policy:    retry.Policy{Base: 500 * time.Millisecond, Cap: 30 * time.Second, Attempts: cfg.Retries},
		transport: cfg.Transport, now: cfg.Now, sleep: cfg.Sleep, rand: cfg.Rand, log: cfg.Logger,
		compress: cfg.Compress,
		buffers:  sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}
	if c.agent == "" {
		c.agent = "sfsync"
	}
	if c.timeout <= 0 {
		c.timeout = 11 * time.Minute
	}
	if c.policy.Attempts <= 0 {
		c.policy.Attempts = 6
	}
	if cfg.InFlight <= 0 {
		cfg.InFlight = 64
	}
	c.throttle = throttle.New(cfg.InFlight)
	if c.sleep == nil {
		c.sleep = retry.Sleep
	}
	if c.rand == nil {
		c.rand = rand.Float64
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.transport == nil {
		c.ownTrans = transport.New(transport.Options{Roots: cfg.Roots})
		c.transport = c.ownTrans
	}
	if c.compress == nil {
		c.compress = func(host string) bool { return !credentials.Loopback(host) }
	}
	c.meter.Budget = cfg.Budget
	c.session = session.New(session.Options{
		Auth: cfg.Auth, Hosts: credentials.Hosts{Allowed: cfg.AllowHosts}, Now: c.now, Post: c.post, OnRefreshToken: cfg.OnRefreshToken,
	})
	return c, nil
}

// Org returns what the org says of itself.
func (c *Client) Org() OrgInfo { return c.org }

// Close gives connections back. The client must not be used any more.
func (c *Client) Close() {
	if c.ownTrans != nil {
		c.ownTrans.CloseIdleConnections()
	}
}

// Revoke ends the approval that the client's refresh token stands for, or its session where it has
// none. The client is of no use afterwards.
func (c *Client) Revoke(ctx context.Context) error { return c.session.Revoke(ctx) }

// post is what logins go by.
func (c *Client) post(ctx context.Context, host *url.URL, path string, form url.Values) ([]byte, error) {
	ans, err := c.do(ctx, &call{
		method: http.MethodPost, base: host, path: path,
		contentType: "application/x-www-form-urlencoded", body: []byte(form.Encode()),
		login: true, repeat: true,
	})
	if err != nil {
		return nil, err
	}
	defer ans.free()
	return bytes.Clone(ans.body.Bytes()), nil
}

// count notes a request that went out. Logins and the list of versions are not counted by the
// org (Limits, "API Request Limits and Allocations").
func (c *Client) count(k *call, sent bool) {
	if sent && !k.login && !k.open {
		c.meter.Made()
	}
}

// observe keeps what an answer's headers say about usage and the org's clock.
func (c *Client) observe(h http.Header) {
	c.meter.Observe(h.Get("Sforce-Limit-Info"))
	// The header is cut to seconds and has travelled, so the org's clock is at least this far
	// ahead of ours.
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		c.seen.Store(&reading{t, c.now()})
	}
}

// reading is what the org's clock said at a moment, by Now.
type reading struct{ date, at time.Time }

// orgTime is what the org's clock says at a moment, by Now: at least that. What has passed since the org's last
// answer does not change when our clock is set, if Now has a monotonic reading (package time).
func (c *Client) orgTime(at time.Time) time.Time {
	if r := c.seen.Load(); r != nil {
		return r.date.Add(at.Sub(r.at))
	}
	return at
}

// Began is when the run began, by the org's clock.
func (c *Client) Began() time.Time { return c.began }

// Resumes says when the run began, as Began told the first of its sessions. Config.Since does not count then: the
// clock that it is by may have been set meanwhile. It must be called before anything is written.
func (c *Client) Resumes(began time.Time) { c.began = began }
