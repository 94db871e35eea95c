package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/sink"
	"sfsync/sink/salesforce/bulk"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/credentials"
	"sfsync/sink/salesforce/transfer"
	"sfsync/sink/salesforce/transport"
	"sfsync/sink/salesforce/wire"
)

const (
	// maxURI is the longest URI the API takes (REST API guide, "Status Codes": 414).
	maxURI = 16384
	// maxPages bounds a query: 2,000 records a page make 40 million.
	maxPages = 20000
)

// do is exchange for callers without a way to go on: its error is the context's cause where
// that has ended.
func (c *Client) do(ctx context.Context, k *call) (*answer, error) {
	ans, e := c.exchange(ctx, k)
	if e == nil {
		return ans, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, e
}

func (c *Client) getJSON(ctx context.Context, k *call, to any) error {
	ans, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	defer ans.free()
	if err := json.Unmarshal(ans.body.Bytes(), to); err != nil {
		return c.notOfAPI(k, ans)
	}
	return nil
}

// notOfAPI is the error of an answer with the status of a success that something else than the API has given: the
// request may have been carried out.
func (c *Client) notOfAPI(k *call, ans *answer) *sink.Error {
	e := catalog.New(sink.Network, catalog.CodeBadAnswer, fmt.Sprintf("%s at %s: the answer is not what the API gives%s", k.name(), c.host(k), transport.ContentHint(ans.header)))
	e.Lost = true
	return e
}

// Transfer sends a request to a resource below the API version. Its error is a [*sink.Error], the context's, or
// wraps that of what takes the answer.
func (c *Client) Transfer(ctx context.Context, r *transfer.Request) error {
	k := &call{method: r.Method, path: c.prefix + r.Path, contentType: r.ContentType, repeat: r.Repeat, file: r.Data, size: r.Size, to: r.To}
	if r.JSON != nil {
		body, err := json.Marshal(r.JSON)
		if err != nil {
			return catalog.New(sink.Config, catalog.CodeSetup, k.name()+": "+err.Error())
		}
		k.body, k.file = body, nil
	}
	if r.Into != nil {
		return c.getJSONAgain(ctx, k, r.Into)
	}
	ans, err := c.do(ctx, k)
	if err != nil && k.full != nil {
		return fmt.Errorf("%s: %w", k.name(), k.full)
	}
	if err == nil && r.Head != nil {
		*r.Head = ans.header
	}
	if err == nil && r.Data != nil && ans.status != http.StatusCreated && ans.body.Len() > 0 { // an upload is answered by 201 and nothing else
		err = c.notOfAPI(k, ans)
	}
	ans.free()
	return err
}

// getJSONAgain is getJSON for requests of which many may be under way for hours: where they may be repeated, a
// gateway's page is waited out.
func (c *Client) getJSONAgain(ctx context.Context, k *call, to any) error {
	for {
		err := c.getJSON(ctx, k, to)
		var e *sink.Error
		if !k.repeat || !errors.As(err, &e) || e.Code != catalog.CodeBadAnswer {
			return err
		}
		if k.tries++; !c.policy.More(k.tries) {
			return err
		}
		wait := c.policy.Delay(k.tries, c.rand())
		c.retried(ctx, k.name(), e, k.tries, wait)
		if err := c.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// Bulk returns a way to run jobs of the Bulk API 2.0 on the session.
func (c *Client) Bulk() bulk.Jobs {
	return bulk.Jobs{Org: c, Now: c.now, Sleep: c.sleep, Rand: c.rand}
}

// getRaw returns the JSON document at a path below the API version, verbatim.
func (c *Client) getRaw(ctx context.Context, path string) ([]byte, error) {
	k := &call{method: http.MethodGet, path: c.prefix + path, repeat: true}
	ans, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	defer ans.free()
	if !jsontext.Value(ans.body.Bytes()).IsValid(wire.Tolerant()...) {
		return nil, catalog.New(sink.Network, catalog.CodeBadAnswer, fmt.Sprintf("%s at %s: the answer is not JSON%s", k.name(), c.host(k), transport.ContentHint(ans.header)))
	}
	return slices.Clone(ans.body.Bytes()), nil
}

// Describe returns the org's description of an object, verbatim: one API call the first time,
// none after. Only fields that the user may see are in it. An object that the org does not
// have, or does not show, is a [*sink.Error] of class Config with code NOT_FOUND. The bytes
// are shared: do not change them.
func (c *Client) Describe(ctx context.Context, object string) ([]byte, error) {
	key := strings.ToLower(object)
	c.describes.mu.Lock()
	raw, ok := c.describes.raw[key]
	c.describes.mu.Unlock()
	if ok {
		return raw, nil
	}
	raw, err := c.getRaw(ctx, "/sobjects/"+url.PathEscape(object)+"/describe")
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", object, err)
	}
	c.describes.mu.Lock()
	defer c.describes.mu.Unlock()
	if c.describes.raw == nil {
		c.describes.raw = make(map[string][]byte)
	}
	c.describes.raw[key] = raw
	return raw, nil
}

// Global returns the org's list of objects, verbatim. It costs one API call.
func (c *Client) Global(ctx context.Context) ([]byte, error) {
	raw, err := c.getRaw(ctx, "/sobjects")
	if err != nil {
		return nil, fmt.Errorf("list the objects: %w", err)
	}
	return raw, nil
}

// Limit is one of the org's limits. The org's figures lag by up to five minutes.
type Limit struct {
	Max       int64 `json:"Max"`
	Remaining int64 `json:"Remaining"`
}

// Limits returns the org's limits by their names, "DailyApiRequests" among them. Entries that
// the user may not see are missing. It costs one API call. Where answers do not say how many calls the org has left,
// since something on the way drops that, the client goes by these figures.
func (c *Client) Limits(ctx context.Context) (map[string]Limit, error) {
	var raw map[string]json.RawMessage
	if err := c.getJSON(ctx, &call{method: http.MethodGet, path: c.prefix + "/limits", repeat: true}, &raw); err != nil {
		return nil, fmt.Errorf("read the limits: %w", err)
	}
	limits := make(map[string]Limit, len(raw))
	for name, v := range raw {
		var l Limit
		// Some entries carry more, per app; what is no limit is left out.
		if json.Unmarshal(v, &l) == nil {
			limits[name] = l
		}
	}
	if daily, ok := limits["DailyApiRequests"]; ok {
		c.meter.Assume(daily.Max-daily.Remaining, daily.Max)
	}
	return limits, nil
}

// Query runs a SOQL query and calls each with every record as JSON text, which is valid until
// each returns. It costs one API call a page of up to 2,000 records. An error of each ends the
// query and comes back as it is.
func (c *Client) Query(ctx context.Context, soql string, each func(record []byte) error) error {
	path := c.prefix + "/query?q=" + url.QueryEscape(soql)
	if len(path) > maxURI {
		return catalog.New(sink.Config, catalog.CodeTooLarge, fmt.Sprintf("the query has %d bytes, encoded for a URL; %d are the most", len(path), maxURI))
	}
	for range maxPages {
		ans, err := c.do(ctx, &call{method: http.MethodGet, path: path, repeat: true})
		if err != nil {
			return fmt.Errorf("query: %w", err)
		}
		next, err := wire.ReadPage(ans.body.Bytes(), each)
		ans.free()
		if err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		if path, err = credentials.SameOrigin(c.base, next); err != nil {
			return fmt.Errorf("query: %w", err)
		}
	}
	return catalog.New(sink.Config, catalog.CodeTooLarge, fmt.Sprintf("the query has more than %d pages", maxPages))
}
