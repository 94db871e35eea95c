package salesforce

import (
	"context"

	"sfsync/sink"
	"sfsync/sink/salesforce/meter"
)

// Budget bounds what a client may take of an org's API calls.
type Budget = meter.Budget

// Usage counts API calls.
type Usage = meter.Usage

// Calls returns the API calls so far.
func (c *Client) Calls() Usage { return c.meter.Usage() }

// Left returns how many API calls the org has left of its daily limit, as its last answer said, and how many of
// them the budget lets the client make; -1 where the org has not said, or there is no budget.
func (c *Client) Left() (pool, budget int64) { return c.meter.Left() }

// Afford returns why the client must not ask anything more of the org, or nil. What goes beyond the budget is
// refused with the same error, of class Later, wherever it is asked; only what settles the outcome of records
// that were sent is not.
func (c *Client) Afford() error {
	if e := c.meter.Over(); e != nil {
		return e
	}
	return nil
}

// claim takes one call out of the budget, for requests that count.
func (c *Client) claim(ctx context.Context, k *call) *sink.Error {
	if k.login || k.open || ctx.Value(settlingKey{}) != nil {
		return nil
	}
	return c.meter.Claim()
}

type settlingKey struct{}

// settling marks what is asked to settle the outcome of records that were sent.
func settling(ctx context.Context) context.Context {
	return context.WithValue(ctx, settlingKey{}, true)
}
