package mirror

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"strings"

	"sfsync/pipeline/row"
	"sfsync/sink"
)

// Watch returns a writer that takes note of what it writes before w does. Everything that the run writes
// to the org has to go through it. It is a [sink.Resumer] if w is one.
func (m *Matcher) Watch(w sink.Writer) sink.Writer {
	if r, ok := w.(sink.Resumer); ok {
		return &resumer{writer{m, w}, r}
	}
	return &writer{m, w}
}

type writer struct {
	m *Matcher
	sink.Writer
}

// Write implements [sink.Writer].
func (w *writer) Write(ctx context.Context, req *sink.Request, results []sink.Result) error {
	w.m.begin(req)
	defer w.m.end(req, results)
	return w.Writer.Write(ctx, req, results)
}

type resumer struct {
	writer
	inner sink.Resumer
}

// Settle implements [sink.Resumer].
func (r *resumer) Settle(ctx context.Context, ids []string) ([]string, error) {
	return r.inner.Settle(ctx, ids)
}

// Resume implements [sink.Resumer].
func (r *resumer) Resume(ctx context.Context, id string, req *sink.Request, results []sink.Result) error {
	r.m.begin(req)
	defer r.m.end(req, results)
	return r.inner.Resume(ctx, id, req, results)
}

// begin notes a request that is about to leave.
func (m *Matcher) begin(req *sink.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inflight[req] = true
	if !m.writes(req.Target.Object) { // nobody said so: what it moves is not known
		for _, q := range m.questions {
			m.cloud(q)
		}
		m.clouded[strings.ToLower(req.Target.Object)] = true
	}
	for _, q := range m.of(req) {
		if q.noting {
			m.note(q, req)
		}
	}
}

// end notes what became of a request. A record whose answer is missing may still be written, after a
// copy that is yet to be made.
func (m *Matcher) end(req *sink.Request, results []sink.Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.inflight, req)
	questions := m.of(req)
	for i := range min(len(results), len(req.Records)) {
		rec, res := &req.Records[i], &results[i]
		open := res.Status == sink.Unknown || res.Err != nil && res.Err.Lost
		if !open && res.Status != sink.Updated && res.Status != sink.Deleted {
			continue
		}
		id := cmp.Or(res.ID, rec.ID)
		if open {
			m.lost[strings.ToLower(req.Target.Object)] = true
		}
		for _, q := range questions {
			if open && !q.noting {
				m.noteRecord(q, rec, q.columnsOf(rec.Batch.Schema()))
			}
			switch {
			case id != "" && (open || q.noting):
				m.filter().add(m.idHash(id))
			case id == "" && rec.Action == sink.Upsert: // it may have changed the key of any record
				m.cloud(q)
				m.clouded[q.object] = true
			}
		}
	}
}

// of returns the questions about the object of a request that may have a copy.
func (m *Matcher) of(req *sink.Request) []*question {
	var all []*question
	for _, q := range m.questions {
		if q != nil && q.state != off && strings.EqualFold(q.object, req.Target.Object) {
			all = append(all, q)
		}
	}
	return all
}

// cloud gives the copies of a question up for good.
func (m *Matcher) cloud(q *question) {
	if q != nil {
		q.state, q.noting = off, false
	}
}

func (m *Matcher) filter() *filter {
	if m.noted == nil {
		m.noted = newFilter()
	}
	return m.noted
}

func (m *Matcher) idHash(id string) uint64 { return maphash.String(m.seed, id[:min(len(id), 15)]) }

// noteKeys notes keys of which something may have been written.
func (m *Matcher) noteKeys(q *question, keys []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range keys {
		a := q.asked(0, k)
		m.filter().add(a.hash)
	}
}

// note notes the records of a request for a question.
func (m *Matcher) note(q *question, req *sink.Request) {
	if q.state == off || !strings.EqualFold(q.object, req.Target.Object) {
		return
	}
	var s *row.Schema
	var columns []int
	for i := range req.Records {
		rec := &req.Records[i]
		if of := rec.Batch.Schema(); s != of {
			s, columns = of, q.columnsOf(of)
		}
		m.noteRecord(q, rec, columns)
	}
}

// indirect stands for a part of a key that may be sent in a way that does not tell its value.
const indirect = -2

// columnsOf returns where the parts of the key are in batches with a schema: -1 for not at all, or indirect.
func (q *question) columnsOf(s *row.Schema) []int {
	dotted := q.refers && slices.ContainsFunc(s.Columns, func(c row.Column) bool {
		return strings.Contains(c.Name, ".") && !strings.HasPrefix(c.Name, "\x00")
	})
	at := make([]int, len(q.parts))
	for i, p := range q.parts {
		at[i] = slices.IndexFunc(s.Columns, func(c row.Column) bool { return strings.EqualFold(c.Name, p.name) })
		if at[i] < 0 && dotted {
			at[i] = indirect
		}
	}
	return at
}

// noteRecord notes the id of a record, and the key that it will have, if that is being written.
func (m *Matcher) noteRecord(q *question, rec *sink.Record, columns []int) {
	if rec.ID != "" {
		m.filter().add(m.idHash(rec.ID))
	}
	if rec.Action == sink.Delete || rec.Action == sink.Publish {
		return
	}
	sent := 0
	for _, c := range columns {
		switch {
		case c == indirect:
			m.cloud(q)
			return
		case c < 0:
			continue
		}
		if cell := rec.Batch.Cell(rec.Row, c); cell.Kind() != row.Absent && (rec.Action != sink.Update || !cell.OnInsert()) {
			sent++
		}
	}
	switch {
	case sent == 0:
		return
	case sent < len(columns):
		if rec.Action != sink.Create { // one that is created has no such key
			m.cloud(q)
		}
		return
	}
	key, ok := q.key(func(i int) string {
		cell := rec.Batch.Cell(rec.Row, columns[i])
		if cell.Blank() {
			return ""
		}
		return cell.Text
	})
	if ok {
		m.filter().add(q.hash(key))
	}
}
