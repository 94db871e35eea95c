// Package retry says how long to wait before trying again: exponential backoff with full
// jitter under a cap, for a bounded number of attempts.
//
// A [Policy] is a plain value without state. Who retries keeps the count of attempts, so the
// same policy serves requests (sink/salesforce) and single rows (the engine).
package retry

import (
	"context"
	"time"
)

// Policy is a backoff. The zero Policy never retries.
type Policy struct {
	// Base is the upper bound of the first wait; each further bound is twice the last.
	Base time.Duration
	// Cap bounds every wait.
	Cap time.Duration
	// Attempts is how often to try in all, the first time included.
	Attempts int
}

// More reports whether another attempt is allowed after so many.
func (p Policy) More(attempts int) bool { return attempts < p.Attempts }

// Delay returns how long to wait after the given number of attempts (1 after the first):
// jitter × min(Cap, Base × 2^(attempts-1)). Jitter is a random number in [0, 1): waiting
// anywhere between nothing and the bound is what spreads clients that failed together.
func (p Policy) Delay(attempts int, jitter float64) time.Duration {
	most := p.bound(attempts)
	return min(time.Duration(jitter*float64(most)), most) // a float rounds what is longer than three months up
}

func (p Policy) bound(attempts int) time.Duration {
	d := min(p.Base, p.Cap)
	for i := 1; i < attempts && d < p.Cap; i++ {
		d = min(2*d, p.Cap)
	}
	return d
}

// Sleep waits for d or until the context ends, whose cause it then returns.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
