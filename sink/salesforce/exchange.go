package salesforce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/refusal"
	"sfsync/sink/salesforce/transfer"
	"sfsync/sink/salesforce/transport"
	"sfsync/sink/salesforce/wire"
)

// maxAnswer bounds the text of an answer. A describe of an object with 800 fields has about
// 3 MB, the answer for 1,000 records well below 1 MB.
const maxAnswer = 64 << 20

// call is one request, which exchange may send several times.
type call struct {
	method      string
	base        *url.URL // nil: the org
	path        string   // with the query
	contentType string   // "" for application/json
	body        []byte
	sign        func(access string) []byte // makes the body, where the session stands in it
	file        io.ReaderAt                // the body instead, of size bytes
	size        int64
	to          transfer.Sink // takes the body of a success, of any length, instead of the answer
	full        error         // why that did not take it
	login       bool          // a login: no session, and errors as OAuth shapes them
	open        bool          // needs no session
	headers     []wire.Header // further ones
	repeat      bool          // may be sent again although an earlier try may have been carried out
	// tries is how many attempts there have been, for the bound on them: the caller may start
	// with those of an earlier exchange, and finds the sum afterwards.
	tries int
}

// name is what a message calls the request: queries may hold personal data.
func (k *call) name() string {
	p, _, _ := strings.Cut(k.path, "?")
	return k.method + " " + p
}

// answer is a successful answer. Its body is pooled: free it.
type answer struct {
	status int
	header http.Header
	body   *bytes.Buffer
	pool   *sync.Pool
}

func (a *answer) free() {
	if a == nil || a.body == nil {
		return
	}
	if a.body.Cap() <= 4<<20 {
		a.pool.Put(a.body)
	}
	a.body = nil
}

// exchange sends a request until there is an answer that is worth handing on: it logs in
// again once when the session has expired, and retries, with backoff, what did not happen:
// connections refused, 429, 503 with an error of the org's. After a lost answer it only goes
// on if k.repeat is set. An error that is still there after the last attempt has class Later
// or Network; an error whose code is heavy comes back at once, since fewer records may pass.
func (c *Client) exchange(ctx context.Context, k *call) (*answer, *sink.Error) {
	renewed, unpacked := false, false
	packed := c.pack(k)
	defer func() { packed.Free() }()
	for {
		if ctx.Err() != nil {
			return nil, catalog.New(sink.Network, catalog.CodeCancelled, "")
		}
		if c.throttle.Acquire(ctx) != nil {
			return nil, catalog.New(sink.Network, catalog.CodeCancelled, "")
		}
		if e := c.claim(ctx, k); e != nil {
			c.throttle.Release(true)
			return nil, e
		}
		t, gen := c.session.Token()
		ans, e := c.send(ctx, k, t.Access, packed)
		if e == nil && ans.status < 300 {
			c.throttle.Release(true)
			switch {
			case packed != nil:
				c.packer.Taken()
			case unpacked:
				c.packer.Stop()
			}
			return ans, nil
		}
		if e == nil {
			e = c.refusal(k, ans)
			ans.free()
		}
		c.throttle.Release(!refusal.Crowded(e))
		if e.HTTPStatus == http.StatusUnauthorized && !k.login && !k.open {
			if renewed {
				return nil, e
			}
			renewed = true
			if err := c.session.Renew(ctx, gen); err != nil {
				return nil, c.renewalError(e, err)
			}
			continue
		}
		if packed != nil && c.packer.Refused(e.HTTPStatus) {
			packed.Free()
			packed, unpacked = nil, true
			continue
		}
		k.tries++
		if !refusal.Transient(e) || (e.Lost && !k.repeat) || refusal.Heavy(e) {
			return nil, e
		}
		wait := max(c.policy.Delay(k.tries, c.rand()), e.RetryAfter)
		if !c.policy.More(k.tries) || wait > refusal.MaxWait {
			return nil, refusal.Exhausted(e)
		}
		c.retried(ctx, k.name(), e, k.tries, wait)
		if c.sleep(ctx, wait) != nil {
			return nil, catalog.New(sink.Network, catalog.CodeCancelled, "")
		}
	}
}

// pack compresses the body of a request to the org, unless it is to travel as it is (nil): logins, what
// holds the session, uploads (Bulk API 2.0 documents compressed answers only), and what does not
// leave this machine, where it takes longer to compress than to send.
func (c *Client) pack(k *call) *transport.Packed {
	if k.base != nil || k.body == nil || k.sign != nil || k.contentType != "" || !c.compress(c.base.Hostname()) {
		return nil
	}
	return c.packer.Pack(k.body)
}

// renewalError says why a session could not be renewed. The org's own words about the expired
// one are kept: of two 401 that look alike, one says what a new login would not cure.
func (c *Client) renewalError(refused *sink.Error, err error) *sink.Error {
	var e *sink.Error
	if !errors.As(err, &e) {
		return catalog.New(sink.Network, catalog.CodeCancelled, "")
	}
	out := *e
	out.HTTPStatus = refused.HTTPStatus // that of the login's answer says nothing about the request
	if e.Code == refused.Code && refused.Message != "" {
		out.Message = refused.Message + " (" + e.Message + ")"
	}
	return &out
}

// retried tells the log that a request is sent again, and counts it.
func (c *Client) retried(ctx context.Context, name string, e *sink.Error, attempt int, wait time.Duration) {
	c.meter.Retried()
	c.log.WarnContext(ctx, "request is sent again", "request", name, "code", e.Code, "status", e.HTTPStatus,
		"lost", e.Lost, "attempt", attempt, "wait", wait)
}

// send makes one attempt, with the compressed body in place of its own if there is one. The error is about
// transport only; any status is an answer.
func (c *Client) send(ctx context.Context, k *call, access string, packed *transport.Packed) (*answer, *sink.Error) {
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	// Once the whole request has been written it may be carried out; before, the JSON is
	// incomplete and nothing can happen.
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			if i.Err == nil {
				sent.Store(true)
			}
		},
	})
	base := k.base
	if base == nil {
		base = c.base
	}
	req, err := http.NewRequestWithContext(ctx, k.method, base.Scheme+"://"+base.Host+k.path, nil)
	if err != nil {
		return nil, catalog.New(sink.Config, catalog.CodeSetup, k.name()+": the address cannot be used")
	}
	if k.sign != nil {
		k.body = k.sign(access)
	}
	if body := k.body; body != nil {
		req.Header.Set("Content-Type", "application/json; charset=UTF-8")
		if packed != nil {
			body = packed.Bytes()
			req.Header.Set("Content-Encoding", "gzip")
		}
		src := transport.NewBody(body)
		defer src.Detach()
		req.Body, req.ContentLength = src.Reader(), int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) { return src.Reader(), nil }
	}
	if k.file != nil {
		req.ContentLength = k.size
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(k.file, 0, k.size)), nil }
		req.Body, _ = req.GetBody()
	}
	if k.contentType != "" {
		req.Header.Set("Content-Type", k.contentType)
	}
	req.Header.Set("Accept", "application/json")
	if k.to != nil {
		req.Header.Set("Accept", "text/csv")
	}
	req.Header.Set("User-Agent", c.agent)
	if !k.login && !k.open {
		req.Header.Set("Authorization", "Bearer "+access)
		req.Header.Set("Sforce-Call-Options", "client="+c.agent)
	}
	for _, h := range k.headers {
		req.Header.Set(h.Name, h.Value)
	}
	start := c.now()
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		c.count(k, sent.Load())
		return nil, c.transportError(parent, k, err, sent.Load())
	}
	defer resp.Body.Close()
	c.count(k, true)
	if !k.login {
		c.observe(resp.Header)
	}
	body := c.buffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool holds nothing else
	body.Reset()
	var n int64
	if k.to != nil && resp.StatusCode < 300 {
		n, err = transfer.Fill(k.to, resp.Body)
	} else {
		n, err = body.ReadFrom(io.LimitReader(resp.Body, maxAnswer+1))
	}
	ans := &answer{status: resp.StatusCode, header: resp.Header, body: body, pool: &c.buffers}
	c.log.DebugContext(parent, "request", "request", k.name(), "status", resp.StatusCode, "sent", max(0, req.ContentLength), "received", n,
		"duration", c.now().Sub(start))
	switch {
	case n > maxAnswer && k.to == nil:
		ans.free()
		e := catalog.New(sink.Network, catalog.CodeTooLarge, fmt.Sprintf("%s: the answer has more than %d MiB", k.name(), maxAnswer>>20))
		e.Lost = true
		return nil, e
	case errors.As(err, new(*transfer.WriteError)):
		ans.free()
		k.full = err
		return nil, catalog.New(sink.Config, catalog.CodeSetup, k.name()+": "+err.Error())
	case err != nil:
		ans.free()
		return nil, c.transportError(parent, k, fmt.Errorf("the answer broke off: %w", err), true)
	}
	return ans, nil
}

// transportError is the error of an attempt that has no answer.
func (c *Client) transportError(ctx context.Context, k *call, err error, sent bool) *sink.Error {
	e := &sink.Error{Class: sink.Network, Code: catalog.CodeUnreachable, Lost: sent}
	why := err.Error()
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		why = fmt.Sprintf("no answer within %v", c.timeout)
	}
	if sent {
		e.Code = catalog.CodeNoAnswer
	} else if ctx.Err() != nil {
		e.Code = catalog.CodeCancelled
	}
	if d := transport.Diagnose(err); d != nil && e.Code == catalog.CodeUnreachable {
		e, why = d, d.Message
	}
	e.Message = c.session.Redact(fmt.Sprintf("%s at %s: %s", k.name(), c.host(k), why))
	return e
}

func (c *Client) host(k *call) string {
	if k.base != nil {
		return k.base.Host
	}
	return c.base.Host
}

// refusal turns an answer that is not a success into an error.
func (c *Client) refusal(k *call, ans *answer) *sink.Error {
	e := refusal.Read(&refusal.Answer{
		Request: k.name(), Host: c.host(k), Login: k.login, Status: ans.status, Header: ans.header, Body: ans.body.Bytes(), Now: c.now(),
	})
	e.Message = c.session.Redact(wire.Clip(e.Message, 2000))
	return e
}
