// Package meter counts the API calls of a client and of its org, and says when a budget is used up.
package meter

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

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

// reserve is how many calls of an org's daily limit are left for others.
func (b *Budget) reserve(limit int64) int64 {
	return max(b.Reserve, int64(b.ReservePercent*float64(limit)/100))
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

// Meter counts. Its Budget is set before it is used; it is then safe for concurrent use.
type Meter struct {
	Budget Budget

	made, retries, used, limit atomic.Int64
	claimed                    atomic.Int64 // calls that the budget has let go
}

// Usage returns the counts so far.
func (m *Meter) Usage() Usage {
	return Usage{Made: m.made.Load(), Retries: m.retries.Load(), Used: m.used.Load(), Max: m.limit.Load()}
}

// Made counts a call that counts against the org's limit.
func (m *Meter) Made() { m.made.Add(1) }

// Retried counts a request that is sent again.
func (m *Meter) Retried() { m.retries.Add(1) }

// Observe takes what an answer says of the org's calls in the header Sforce-Limit-Info:
// "api-usage=10018/100000; per-app-api-usage=17/250(appName=x)".
func (m *Meter) Observe(header string) {
	usage, _, _ := strings.Cut(header, ";")
	v, ok := strings.CutPrefix(strings.TrimSpace(usage), "api-usage=")
	if !ok {
		return
	}
	used, limit, _ := strings.Cut(v, "/")
	u, err1 := strconv.ParseInt(used, 10, 64)
	l, err2 := strconv.ParseInt(limit, 10, 64)
	if err1 == nil && err2 == nil {
		m.limit.Store(l)
		m.note(u)
	}
}

// Assume takes what the org's limits say of its calls, if no answer has said it.
func (m *Meter) Assume(used, limit int64) {
	if m.limit.CompareAndSwap(0, limit) {
		m.note(used)
	}
}

// overtaking bounds by how many calls an answer may lag behind those that came before it: there are no more requests
// at once.
const overtaking = 64

// note keeps how many calls the org has counted. Answers overtake one another: a little less than is known already is
// older, much less is a new day.
func (m *Meter) note(used int64) {
	for {
		was := m.used.Load()
		if lag := was - used; lag > 0 && lag <= overtaking || m.used.CompareAndSwap(was, used) {
			return
		}
	}
}

// Left returns how many calls the org has left of its daily limit, as it last said, and how many of them the
// budget leaves; -1 where the org has not said, or there is no budget.
func (m *Meter) Left() (pool, budget int64) {
	pool, budget = -1, -1
	used, limit := m.used.Load(), m.limit.Load()
	if limit > 0 {
		pool = max(0, limit-used)
	}
	if m.Budget.Calls > 0 {
		budget = max(0, m.Budget.Calls-m.made.Load())
	}
	if reserve := m.Budget.reserve(limit); reserve > 0 && limit > 0 && (budget < 0 || pool-reserve < budget) {
		budget = max(0, pool-reserve)
	}
	return pool, budget
}

// Over returns why no further call may be made, an error of class Later, or nil.
func (m *Meter) Over() *sink.Error { return m.over(m.made.Load()) }

// Claim takes one call out of the budget, or returns why there is none.
func (m *Meter) Claim() *sink.Error {
	n := m.claimed.Add(1)
	e := m.over(n - 1)
	if e != nil {
		m.claimed.Add(-1)
	}
	return e
}

func (m *Meter) over(made int64) *sink.Error {
	if b := m.Budget.Calls; b > 0 && made >= b {
		return catalog.New(sink.Later, catalog.CodeBudget, fmt.Sprintf("the %d API calls of the budget were made", b))
	}
	used, limit := m.used.Load(), m.limit.Load()
	reserve := m.Budget.reserve(limit)
	if left := limit - used; reserve > 0 && limit > 0 && left <= reserve {
		return catalog.New(sink.Later, catalog.CodeBudget, fmt.Sprintf("the org has %d of its %d daily API calls left, and %d are to be left for others", max(0, left), limit, reserve))
	}
	return nil
}
