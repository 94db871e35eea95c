// Package journal remembers what a local org was asked, and counts it.
package journal

import (
	"sync"
	"time"
)

// Request is one request that the org answered.
type Request struct {
	Time       time.Time `json:"time"`
	Method     string    `json:"method"`
	Path       string    `json:"path"`
	Status     int       `json:"status"` // -1 if the connection was dropped
	DurationMS float64   `json:"duration_ms"`
	// Records is how many records the request wrote or returned.
	Records int `json:"records"`
	// AutoAssign is the Sforce-Auto-Assign header, "" if there was none.
	AutoAssign string `json:"auto_assign,omitempty"`
	// Sub are the subrequests of a /composite.
	Sub []Request `json:"sub,omitempty"`
}

// Kept is how many requests a Log remembers.
const Kept = 200

// Log remembers the last requests. The zero Log is ready; it is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	n    int64
	ring [Kept]Request
	done int64
}

// Begin returns the number of a request that begins, from 1.
func (l *Log) Begin() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	return l.n
}

// Add remembers a request that has been answered.
func (l *Log) Add(r *Request, took time.Duration) {
	r.DurationMS = float64(took.Microseconds()) / 1000
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring[l.done%Kept] = *r
	l.done++
}

// Last returns the remembered requests, oldest first.
func (l *Log) Last() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Request, 0, Kept)
	for i := max(0, l.done-Kept); i < l.done; i++ {
		out = append(out, l.ring[i%Kept])
	}
	return out
}

// Counter counts API calls: in all, and those of the present UTC day. The zero Counter is
// ready; it is safe for concurrent use.
type Counter struct {
	mu    sync.Mutex
	state Calls
	saved int64
}

// Calls is the state of a Counter.
type Calls struct {
	Total int64
	Day   string
	Today int64
}

// Take counts a call, unless the day has had limit of them already, and reports whether it did.
func (c *Counter) Take(now time.Time, limit int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(now)
	if c.state.Today >= limit {
		return false
	}
	c.state.Total++
	c.state.Today++
	return true
}

// Today returns how many calls the day has had.
func (c *Counter) Today(now time.Time) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(now)
	return c.state.Today
}

// turn begins to count anew if the day is another one. The caller holds the lock.
func (c *Counter) turn(now time.Time) {
	if day := now.UTC().Format(time.DateOnly); day != c.state.Day {
		c.state.Day, c.state.Today = day, 0
	}
}

// Snapshot returns the counts, which count as saved from now on.
func (c *Counter) Snapshot() Calls {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saved = c.state.Total
	return c.state
}

// Current returns the counts.
func (c *Counter) Current() Calls {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Dirty reports whether calls were counted since the last Snapshot or Restore.
func (c *Counter) Dirty() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.saved != c.state.Total
}

// Restore goes on from counts that were kept.
func (c *Counter) Restore(state Calls) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state, c.saved = state, state.Total
}
