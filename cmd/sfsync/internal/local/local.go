// Package local reaches the local org as any org is reached: over HTTP on loopback, whichever
// process owns its database.
package local

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/mapping/schema"
	"sfsync/sink/localorg"
	"sfsync/sink/salesforce"
)

// Org is the local org as this process reaches it. It outlives the process that owns its database: if
// that one ends, this one takes its place, or attaches to whoever has. It is safe for concurrent
// use.
type Org struct {
	cfg       localorg.Config
	creds     localorg.Credentials // with the address that clients use, wherever the org is served
	http      *http.Client
	transport *http.Transport
	life      context.Context // ends with Close
	end       context.CancelFunc

	mu      sync.Mutex // guards what follows
	owner   *localorg.Owner
	addr    string       // where the org is served
	unserve func() error // ends serving; nil if another process serves
}

// open opens the org in cfg.DB and serves it on addr until Close, or attaches to the process that
// does. Its errors carry their exit codes.
func open(ctx context.Context, addr string, cfg localorg.Config) (*Org, error) {
	owner, err := attach(ctx, cfg)
	if err != nil {
		return nil, err
	}
	l := &Org{cfg: cfg, owner: owner, creds: owner.Credentials()}
	l.life, l.end = context.WithCancel(context.WithoutCancel(ctx))
	l.transport = &http.Transport{
		DialContext:         l.dial,
		IdleConnTimeout:     30 * time.Second,
		MaxIdleConnsPerHost: 64, // as many requests as a run may have at once
	}
	l.http = &http.Client{Transport: l.transport, Timeout: time.Minute}
	if !owner.Owned() {
		l.addr = hostOf(l.creds)
		return l, nil
	}
	if err := l.serve(addr); err != nil {
		l.end()
		return nil, errors.Join(err, owner.Close())
	}
	l.creds.InstanceURL = "http://" + l.addr
	return l, nil
}

func attach(ctx context.Context, cfg localorg.Config) (*localorg.Owner, error) {
	owner, err := localorg.Attach(ctx, cfg)
	if errors.Is(err, localorg.ErrBusy) {
		return nil, &exit.Error{Code: exit.Unavailable, Err: err}
	}
	if err != nil {
		return nil, &exit.Error{Code: exit.CannotWrite, Err: err}
	}
	return owner, nil
}

func hostOf(c localorg.Credentials) string { return strings.TrimPrefix(c.InstanceURL, "http://") }

// serve serves the org, which this process owns, until Close. The caller holds the lock, or is the
// only one that knows the org.
func (l *Org) serve(addr string) error {
	ln, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return exit.Usagef("serve the local org: %w: it is no address of this machine", err)
	case errors.Is(err, syscall.EADDRINUSE):
		return exit.Errorf(exit.Unavailable, "serve the local org: %w: name another port, or 0 for a free one", err)
	case err != nil:
		return exit.Errorf(exit.Unavailable, "serve the local org: %w", err)
	}
	// The org outlives the context of a run that is being stopped: the requests that it still
	// sends have to be answered. Close ends it.
	ctx, cancel := context.WithCancel(context.WithoutCancel(l.life))
	served := make(chan error, 1)
	owner := l.owner
	go func() { served <- owner.Serve(ctx, ln) }()
	l.unserve = func() error {
		cancel()
		return <-served
	}
	l.addr = ln.Addr().String()
	return nil
}

// dialTimeout bounds the opening of a connection on loopback.
const dialTimeout = 5 * time.Second

// dial connects to the org wherever it is served: clients go on using the address that they
// began with. If nobody answers, the process that owned the org has ended. What was not sent yet
// then goes to its successor; what was sent is a lost answer.
func (l *Org) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	l.mu.Lock()
	addr := l.addr
	l.mu.Unlock()
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, network, addr)
	if err == nil || ctx.Err() != nil {
		return conn, err
	}
	if addr, err = l.succeed(ctx, addr); err != nil {
		return nil, err
	}
	return d.DialContext(ctx, network, addr)
}

// maxAttach is how often an owner is waited for that has stopped serving and still has the
// database, since it finishes what is under way; each time takes ten seconds.
const maxAttach = 3

// succeed finds the org again that nobody serves at an address any more, and returns where it is
// served now: by another process, or by this one.
func (l *Org) succeed(ctx context.Context, gone string) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.life, cancel)()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.life.Err() != nil {
		return "", net.ErrClosed
	}
	if l.addr != gone || l.unserve != nil {
		return l.addr, nil // another request was faster
	}
	var owner *localorg.Owner
	var err error
	for range maxAttach {
		if owner, err = attach(ctx, l.cfg); !errors.Is(err, localorg.ErrBusy) {
			break
		}
	}
	if err != nil {
		return "", err
	}
	if now := owner.Credentials(); now.OrganizationID != l.creds.OrganizationID {
		return "", errors.Join(exit.Errorf(exit.Unavailable, "the local org has been replaced by another, %s", now.OrganizationID), owner.Close())
	}
	err = l.owner.Close() // only connections: it was another process's
	l.owner = owner
	if !owner.Owned() {
		l.addr = hostOf(owner.Credentials())
		return l.addr, err
	}
	// The old address, so that whoever else was attached finds the org at once.
	if l.serve(gone) != nil {
		if serveErr := l.serve("127.0.0.1:0"); serveErr != nil {
			return "", errors.Join(err, serveErr)
		}
	}
	return l.addr, err
}

// keepEvery is how often Keep looks whether the org is served.
const keepEvery = 500 * time.Millisecond

// Keep sees to it that the org is served until ctx ends, whichever process owns it meanwhile.
func (l *Org) Keep(ctx context.Context) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if l.Serving() {
			continue
		}
		conn, err := l.dial(ctx, "tcp", "")
		switch {
		case err == nil:
			err = conn.Close()
		case ctx.Err() != nil:
			return nil
		}
		if err != nil {
			return exit.Errorf(exit.Unavailable, "keep serving the local org: %w", err)
		}
	}
}

// Serving reports whether this process serves the org.
func (l *Org) Serving() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unserve != nil
}

func (l *Org) current() *localorg.Owner {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.owner
}

// Show says what is in the org and what it was asked.
func (l *Org) Show(ctx context.Context) (localorg.Overview, error) { return l.current().Show(ctx) }

// Reset removes all records.
func (l *Org) Reset(ctx context.Context) error { return l.current().Reset(ctx) }

// Credentials returns the org's address and secrets.
func (l *Org) Credentials() localorg.Credentials { return l.creds }

// Transport returns what carries requests to the org at the address of its credentials, also if
// another process comes to serve it.
func (l *Org) Transport() http.RoundTripper { return l.transport }

// Close ends serving and gives the database up.
func (l *Org) Close() error {
	l.end()
	l.transport.CloseIdleConnections()
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if l.unserve != nil {
		err = l.unserve()
	}
	return errors.Join(err, l.owner.Close())
}

// Auth returns what to log in with: by client credentials, as to any org.
func (l *Org) Auth() salesforce.Auth {
	return salesforce.Auth{
		LoginURL: l.creds.InstanceURL, InstanceURL: l.creds.InstanceURL,
		ClientID: l.creds.ClientID, ClientSecret: salesforce.Secret(l.creds.ClientSecret),
	}
}

// localVersion is the API version of the requests below.
const localVersion = "/services/data/v66.0"

// Extend adds the objects and fields that the org lacks.
func (l *Org) Extend(ctx context.Context, s *schema.Schema) error {
	if _, err := l.current().Extend(ctx, s); err != nil {
		return &exit.Error{Code: exit.CannotWrite, Err: err}
	}
	return nil
}

// get asks the org for a JSON document.
func (l *Org) get(ctx context.Context, path string, to any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.creds.InstanceURL+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+l.creds.AccessToken)
	res, err := l.http.Do(req)
	if err != nil {
		return exit.Errorf(exit.Unavailable, "the local org does not answer: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return exit.Errorf(exit.Unavailable, "the local org does not answer: %w", err)
	}
	if res.StatusCode >= 300 {
		var refused []struct{ ErrorCode, Message string }
		if json.Unmarshal(text, &refused) == nil && len(refused) > 0 {
			return &Refusal{refused[0].ErrorCode, refused[0].Message}
		}
		return exit.Errorf(exit.Unavailable, "the local org answers with status %d", res.StatusCode)
	}
	if err := json.Unmarshal(text, to); err != nil {
		return exit.Errorf(exit.Unavailable, "the local org's answer: %w", err)
	}
	return nil
}

// Refusal is the org's own answer to a request that it does not understand.
type Refusal struct{ Code, Message string }

func (e *Refusal) Error() string { return e.Code + ": " + strings.TrimSpace(e.Message) }

// maxAnswer bounds an answer of the local org: a page of 2,000 records of long texts.
const maxAnswer = 512 << 20

// page is one page of a query's answer.
type page struct {
	TotalSize      int64             `json:"totalSize"`
	Done           bool              `json:"done"`
	NextRecordsURL string            `json:"nextRecordsUrl"`
	Records        []json.RawMessage `json:"records"`
}

func (p *page) last() bool { return p.Done || p.NextRecordsURL == "" }

// pages calls each with the pages of a query.
func (l *Org) pages(ctx context.Context, soql string, each func(*page) error) error {
	path := localVersion + "/query?q=" + url.QueryEscape(soql)
	for {
		var p page
		if err := l.get(ctx, path, &p); err != nil {
			return err
		}
		if err := each(&p); err != nil {
			return err
		}
		if p.last() {
			return nil
		}
		path = p.NextRecordsURL
	}
}
