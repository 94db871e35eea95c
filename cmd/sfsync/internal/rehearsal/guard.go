// Package rehearsal is what a dry run needs besides the engine: the guard that lets nothing be
// written, and what a run would cost.
package rehearsal

import (
	"context"
	"sync/atomic"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/mapping"
	"sfsync/sink"
)

// Guard stands between a dry run and an org: it passes lookups on and measures them, and refuses
// to write. It is safe for concurrent use.
type Guard struct {
	writer  sink.Writer
	matcher sink.Matcher
	now     func() time.Time

	calls, keys, took atomic.Int64
}

var (
	_ sink.Writer  = (*Guard)(nil)
	_ sink.Matcher = (*Guard)(nil)
)

// NewGuard returns a guard before a writer, of which it only uses the limits, and a matcher.
func NewGuard(w sink.Writer, m sink.Matcher, now func() time.Time) *Guard {
	return &Guard{writer: w, matcher: m, now: now}
}

// Write implements [sink.Writer]: it refuses. A dry run that tries to write is a bug, which does no
// harm here.
func (g *Guard) Write(_ context.Context, _ *sink.Request, results []sink.Result) error {
	for i := range results {
		results[i] = sink.Result{Status: sink.NotSent}
	}
	return exit.Errorf(exit.Invariant, "a dry run tried to write to the org; nothing was sent")
}

// Limits implements [sink.Writer].
func (g *Guard) Limits() sink.Limits { return g.writer.Limits() }

// Lookup implements [sink.Matcher].
func (g *Guard) Lookup(ctx context.Context, l *sink.Lookup) error {
	begun := g.now()
	err := g.matcher.Lookup(ctx, l)
	g.took.Add(int64(g.now().Sub(begun)))
	g.calls.Add(1)
	g.keys.Add(int64(len(l.Keys)))
	return err
}

// LookupKeys implements [sink.Matcher].
func (g *Guard) LookupKeys(l *sink.Lookup) int { return g.matcher.LookupKeys(l) }

// forecast returns how many calls a run takes to look up so many keys of a target: calls, unless the matcher knows
// better. The run writes records of these objects.
func (g *Guard) forecast(t *mapping.PlanTarget, keys int64, objects []string, calls int64) int64 {
	f, ok := g.matcher.(interface {
		Calls(object string, by []string, keys int64, writes []string) (int64, bool)
	})
	if !ok || keys == 0 || len(t.Keys) != 1 {
		return calls
	}
	by := make([]string, len(t.Keys[0].Fields))
	for i, field := range t.Keys[0].Fields {
		by[i] = field.Name
	}
	if n, ok := f.Calls(t.Object.Name, by, keys, objects); ok {
		return n
	}
	return calls
}
