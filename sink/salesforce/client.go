package salesforce

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sfsync/sink"
	"sfsync/sink/retry"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/credentials"
	"sfsync/sink/salesforce/recent"
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
	// APIVersion is "66.0" or "66"; "" for the newest that the org and this package know.
	APIVersion string
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
	// Transport carries the requests, without following redirects; nil for one with sane
	// timeouts that obeys the proxy variables.
	Transport http.RoundTripper
	// Sleep waits for d or the context's end; nil for a timer. Rand gives the jitter in [0, 1);
	// nil for math/rand. Both are for tests.
	Sleep func(ctx context.Context, d time.Duration) error
	Rand  func() float64
	// Budget bounds what the client takes of the org's API calls.
	Budget Budget
	// InFlight is the most requests at once; 0 for 64. While the org says that they are too many it is fewer.
	InFlight int
	// OnRetry is told of every request that is sent again, and how long it waits before: a
	// throttle slows down by it. It must not block; nil for none.
	OnRetry func(err *sink.Error, wait time.Duration)
	// OnRefreshToken is told of a refresh token that a login gave: where the org rotates them,
	// the one used before is of no use any more. Nil for none.
	OnRefreshToken func(Secret)
	// Logger gets a line a request at level debug, one a retry at warn; never a body, a query
	// or a secret. Nil for none.
	Logger *slog.Logger
}

// The API versions this package was tested with; an org that offers less than the oldest is
// refused (Sforce-Duplicate-Rule-Header and strict reference ids came with 52).
const (
	newestVersion = 66
	oldestVersion = 52
)

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

// Usage counts API calls.
type Usage struct {
	// Made is how many calls this client has made that count against the org's limit.
	Made int64
	// Retries is how many requests were sent again.
	Retries int64
	// Used and Max are the org's calls of the last 24 hours and its limit, as its last answer
	// said; 0 before one did.
	Used, Max int64
}

// Client is a session with an org. It is safe for concurrent use.
type Client struct {
	auth      Auth
	hosts     credentials.Hosts
	base      *url.URL // the org; set once by Connect
	prefix    string   // "/services/data/v66.0"
	org       OrgInfo
	since     time.Time
	agent     string
	timeout   time.Duration
	policy    retry.Policy
	transport http.RoundTripper
	ownTrans  *http.Transport // the transport if it is ours to close
	now       func() time.Time
	sleep     func(context.Context, time.Duration) error
	rand      func() float64
	onRetry   func(*sink.Error, time.Duration)

	onRefreshToken func(Secret)

	log      *slog.Logger
	session  *session
	throttle *throttle.Throttle
	buffers  sync.Pool

	budget                     Budget
	made, retries, used, limit atomic.Int64
	claimed                    atomic.Int64 // calls that the budget has let go
	skew                       atomic.Int64 // org clock minus ours, at least, in ns

	secrets struct {
		mu    sync.Mutex
		texts []string
	}
	rotated struct {
		mu    sync.Mutex
		token Secret
	}
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

// Connect logs in, agrees on an API version and reads the org's own record: one API call, two
// with a login. Errors are [*sink.Error]s: class Auth for credentials that are refused or
// missing, Config for an address or a version that cannot work, Network where nobody answers;
// or the context's.
func Connect(ctx context.Context, cfg Config) (*Client, error) {
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	if err := c.connect(ctx, cfg.APIVersion); err != nil {
		c.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	return c, nil
}

func newClient(cfg Config) (*Client, error) {
	if cfg.Now == nil {
		return nil, catalog.New(sink.Config, catalog.CodeSetup, "the configuration has no clock")
	}
	c := &Client{
		auth: cfg.Auth, hosts: credentials.Hosts{Allowed: cfg.AllowHosts}, since: cfg.Since, agent: cfg.Client, timeout: cfg.Timeout,
		policy:    retry.Policy{Base: 500 * time.Millisecond, Cap: 30 * time.Second, Attempts: cfg.Retries},
		transport: cfg.Transport, now: cfg.Now, sleep: cfg.Sleep, rand: cfg.Rand, onRetry: cfg.OnRetry, onRefreshToken: cfg.OnRefreshToken, log: cfg.Logger,
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
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
	if c.since.IsZero() {
		c.since = c.now()
	}
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
		c.ownTrans = newTransport()
		c.transport = c.ownTrans
	}
	c.budget = cfg.Budget
	c.secrets.texts = c.auth.Secrets()
	c.session = newSession(c.authenticate)
	return c, nil
}

// newTransport returns a transport that gives up on hosts that do not answer. How long an
// answer may take is the request's own timeout.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    15 * time.Second,
		IdleConnTimeout:        30 * time.Second, // an org that closes first costs a lost answer
		ExpectContinueTimeout:  time.Second,
		MaxIdleConnsPerHost:    16,
		MaxResponseHeaderBytes: 1 << 20,
		ForceAttemptHTTP2:      true,
	}
}

func (c *Client) connect(ctx context.Context, version string) error {
	if err := c.session.renew(ctx, 0); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	t, _ := c.session.get()
	c.base = t.instance
	v, err := c.agreeVersion(ctx, version)
	if err != nil {
		return fmt.Errorf("agree on an API version with %s: %w", c.base.Host, err)
	}
	c.prefix = "/services/data/v" + v
	c.org = OrgInfo{InstanceURL: c.base.String(), APIVersion: v, Kind: Production, Username: c.auth.Username}
	if err := c.readOrg(ctx); err != nil {
		return fmt.Errorf("read the organization record of %s: %w", c.base.Host, err)
	}
	return nil
}

// agreeVersion returns the API version to use. The list of versions needs no session and is
// not counted (REST API guide, "Versions").
func (c *Client) agreeVersion(ctx context.Context, wanted string) (string, error) {
	ask := 0
	if wanted != "" {
		major, minor, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(wanted), "v"), ".")
		n, err := strconv.Atoi(major)
		if err != nil || strings.Trim(minor, "0") != "" {
			return "", catalog.New(sink.Config, catalog.CodeVersion, fmt.Sprintf("%q is not an API version: they look like 66.0", wanted))
		}
		ask = n
	}
	var list []struct {
		Version string `json:"version"`
	}
	if err := c.getJSON(ctx, &call{method: http.MethodGet, path: "/services/data", open: true, repeat: true}, &list); err != nil {
		return "", err
	}
	best, found := 0, false
	for _, v := range list {
		major, _, _ := strings.Cut(v.Version, ".")
		n, err := strconv.Atoi(major)
		if err != nil {
			continue
		}
		found = found || n == ask
		if n <= newestVersion {
			best = max(best, n)
		}
	}
	switch {
	case ask != 0 && !found:
		return "", catalog.New(sink.Config, catalog.CodeVersion, fmt.Sprintf("the org does not offer version %d.0", ask))
	case ask == 0:
		ask = best
	}
	if ask < oldestVersion {
		return "", catalog.New(sink.Config, catalog.CodeVersion, fmt.Sprintf("version %d.0 is too old: %d.0 is the oldest that works", ask, oldestVersion))
	}
	return strconv.Itoa(ask) + ".0", nil
}

// readOrg fills in what the Organization record says.
func (c *Client) readOrg(ctx context.Context) error {
	var recs struct {
		Records []struct {
			ID           string `json:"Id"`
			Name         string
			IsSandbox    bool
			InstanceName string
		} `json:"records"`
	}
	q := c.prefix + "/query?q=" + url.QueryEscape("SELECT Id, Name, IsSandbox, InstanceName FROM Organization")
	if err := c.getJSON(ctx, &call{method: http.MethodGet, path: q, repeat: true}, &recs); err != nil {
		return err
	}
	if len(recs.Records) != 1 {
		return catalog.New(sink.Auth, catalog.CodeBadAnswer, "the user cannot see the organization record")
	}
	r := recs.Records[0]
	c.org.ID, c.org.Name = r.ID, r.Name
	switch {
	case r.InstanceName == "LOCAL" && credentials.Loopback(c.base.Hostname()):
		c.org.Kind = Local
	case r.IsSandbox:
		c.org.Kind = Sandbox
	}
	return nil
}

// Org returns what the org says of itself.
func (c *Client) Org() OrgInfo { return c.org }

// Calls returns the API calls so far.
func (c *Client) Calls() Usage {
	return Usage{Made: c.made.Load(), Retries: c.retries.Load(), Used: c.used.Load(), Max: c.limit.Load()}
}

// Close gives connections back. The client must not be used any more.
func (c *Client) Close() {
	if c.ownTrans != nil {
		c.ownTrans.CloseIdleConnections()
	}
}

// count notes a request that went out. Logins and the list of versions are not counted by the
// org (Limits, "API Request Limits and Allocations").
func (c *Client) count(k *call, sent bool) {
	if sent && !k.login && !k.open {
		c.made.Add(1)
	}
}

// observe keeps what an answer's headers say about usage and the org's clock.
func (c *Client) observe(h http.Header) {
	// "api-usage=10018/100000; per-app-api-usage=17/250(appName=x)"
	usage, _, _ := strings.Cut(h.Get("Sforce-Limit-Info"), ";")
	if v, ok := strings.CutPrefix(strings.TrimSpace(usage), "api-usage="); ok {
		used, limit, _ := strings.Cut(v, "/")
		u, err1 := strconv.ParseInt(used, 10, 64)
		l, err2 := strconv.ParseInt(limit, 10, 64)
		if err1 == nil && err2 == nil {
			c.used.Store(u)
			c.limit.Store(l)
		}
	}
	// The header is cut to seconds and has travelled, so the org's clock is at least this far
	// ahead of ours.
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		c.skew.Store(int64(t.Sub(c.now())))
	}
}

// keepSecret adds a text that must not show up in any message.
func (c *Client) keepSecret(s string) {
	if len(s) < 4 {
		return
	}
	c.secrets.mu.Lock()
	defer c.secrets.mu.Unlock()
	c.secrets.texts = append(c.secrets.texts, s)
}

// redact removes secrets that an answer or an error may have echoed.
func (c *Client) redact(s string) string {
	c.secrets.mu.Lock()
	defer c.secrets.mu.Unlock()
	for _, t := range c.secrets.texts {
		s = strings.ReplaceAll(s, t, credentials.Hidden)
	}
	return s
}
