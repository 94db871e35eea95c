package salesforce

import (
	"context"
	"fmt"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// Budget bounds what a client may take of an org's API calls. The zero Budget is none.
type Budget struct {
	// Calls is the most calls of this client; 0 for any number.
	Calls int64
	// Reserve is how many calls of the org's daily limit are left for others, and ReservePercent the same as
	// a share of the limit. The org says with most answers how many were used (Sforce-Limit-Info), so the
	// requests that are in flight at that moment go beyond it.
	Reserve        int64
	ReservePercent float64
}

// Afford returns why the client must not ask anything more of the org, or nil. What goes beyond the budget is
// refused with the same error, of class Later, wherever it is asked; only what settles the outcome of records
// that were sent is not.
func (c *Client) Afford() error {
	if e := c.overBudget(c.made.Load()); e != nil {
		return e
	}
	return nil
}

func (c *Client) overBudget(made int64) *sink.Error {
	b := &c.budget
	if b.Calls > 0 && made >= b.Calls {
		return catalog.New(sink.Later, catalog.CodeBudget, fmt.Sprintf("the %d API calls of the budget were made", b.Calls))
	}
	used, limit := c.used.Load(), c.limit.Load()
	reserve := max(b.Reserve, int64(b.ReservePercent*float64(limit)/100))
	if left := limit - used; reserve > 0 && limit > 0 && left <= reserve {
		return catalog.New(sink.Later, catalog.CodeBudget, fmt.Sprintf("the org has %d of its %d daily API calls left, and %d are to be left for others", max(0, left), limit, reserve))
	}
	return nil
}

// claim takes one call out of the budget, for requests that count.
func (c *Client) claim(ctx context.Context, k *call) *sink.Error {
	if k.login || k.open || ctx.Value(settlingKey{}) != nil {
		return nil
	}
	n := c.claimed.Add(1)
	e := c.overBudget(n - 1)
	if e != nil {
		c.claimed.Add(-1)
	}
	return e
}

type settlingKey struct{}

// settling marks what is asked to settle the outcome of records that were sent.
func settling(ctx context.Context) context.Context {
	return context.WithValue(ctx, settlingKey{}, true)
}
