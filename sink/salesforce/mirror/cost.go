package mirror

import (
	"context"
	"slices"
	"strings"

	"sfsync/sink"
	"sfsync/sink/salesforce/estimate"
)

// worth reports whether a copy is worth its calls: where it is known what is to come, if that would cost
// twice as many, since both are estimates; else once lookups have cost as many, which is never worse than
// twice the best that could have been done.
func (m *Matcher) worth(q *question) bool {
	cost := estimate.Copy(max(q.records, 0)).Calls
	if q.records < 0 {
		cost++ // the count itself
	}
	done, ahead := int64(0), int64(-1)
	if m.Ahead != nil {
		done, ahead = m.Ahead()
	}
	if ahead < 0 {
		return q.rented >= cost
	}
	// Not every row takes a lookup: many go by another key, or are unchanged.
	keys := float64(ahead) * float64(q.keys) / float64(max(q.keys, done, 1))
	left := int64(keys) / q.perCall
	if q.again { // nobody knows how many lookups come before it is too old, too
		return left > cost && q.rented >= cost
	}
	return estimate.Pays(left, cost) || left > cost && q.rented >= cost
}

// manyKeys is how many keys make a call full where they are short: what the engine asks for at once.
const manyKeys = 2000

// fits returns how many keys like those of a lookup one call takes; there may be few of them.
func (m *Matcher) fits(l *sink.Lookup) int64 {
	probe := *l
	probe.Keys = make([]string, manyKeys)
	for i := range probe.Keys {
		probe.Keys[i] = l.Keys[i%len(l.Keys)]
	}
	return int64(max(1, m.Matcher.LookupKeys(&probe)))
}

// Expect returns about how many calls it will take to look up so many keys like those of a lookup, which is not made, as
// this Matcher will decide once they are asked for. Where a copy may be worth its calls the records are counted for that,
// once: that call is not among those expected.
func (m *Matcher) Expect(ctx context.Context, l *sink.Lookup, keys int64) int64 {
	perCall := m.fits(l)
	calls := (keys + perCall - 1) / perCall
	if l.Fresh || m.Ahead == nil || !estimate.Pays(calls, 1+estimate.Copy(0).Calls) {
		return calls
	}
	q, err := m.question(ctx, l)
	if err != nil || q == nil || m.count(ctx, q) != nil { // the lookup itself will be told
		return calls
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if cost := estimate.Copy(q.records).Calls; q.state != off && estimate.Pays(calls, cost) {
		return cost
	}
	return calls
}

// Calls returns about how many calls a run would take that writes records of these objects, to look up so many keys of
// fields by which this Matcher has looked up, for a rehearsal. ok is false where it does not know.
func (m *Matcher) Calls(object string, by []string, keys int64, writes []string) (calls int64, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, q := range m.questions {
		if q == nil || !strings.EqualFold(q.object, object) || q.perCall == 0 ||
			!slices.EqualFunc(q.parts, by, func(p part, name string) bool { return strings.EqualFold(p.name, name) }) {
			continue
		}
		calls = (keys + q.perCall - 1) / q.perCall
		if q.records >= 0 && q.state != off && unmoved(writes, object) && (q.steady || !has(writes, object)) {
			if cost := 1 + estimate.Copy(q.records).Calls; estimate.Pays(calls, cost) { // one counts the records
				calls = cost
			}
		}
		return calls, true
	}
	return 0, false
}
