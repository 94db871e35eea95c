package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"sfsync/pipeline/row"
	"sfsync/sink"
)

// fakeOrg is a Writer over maps: it knows records by id and by key, and can die, lose answers
// and lock rows where a test says so.
type fakeOrg struct {
	t      testing.TB
	limits sink.Limits
	key    string // the field that identifies records, "" for none

	mu      sync.Mutex
	records map[string]map[string]string // id → field → value
	byKey   map[string][]string          // folded key → ids
	calls   int
	lookups int
	active  map[string]bool // keys in requests under way
	largest int

	// before and after are called with the number of the write call; an error is the answer, as if
	// the call had not arrived (before) or its answer were lost (after).
	before, after func(call int) error
	// rowError may refuse a record.
	rowError func(call int, key string) *sink.Error
}

func newFakeOrg(t testing.TB, key string) *fakeOrg {
	return &fakeOrg{
		t: t, key: key, limits: sink.Limits{Records: 1000, Group: 200, Groups: 5, Bytes: 4 << 20},
		records: map[string]map[string]string{}, byKey: map[string][]string{}, active: map[string]bool{},
	}
}

func (o *fakeOrg) Limits() sink.Limits { return o.limits }

func (o *fakeOrg) LookupKeys(l *sink.Lookup) int { return min(len(l.Keys), 1000) }

func (o *fakeOrg) Lookup(ctx context.Context, l *sink.Lookup) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lookups++
	l.Found = make([][]sink.Match, len(l.Keys))
	for i, k := range l.Keys {
		for _, id := range o.byKey[k] {
			l.Found[i] = append(l.Found[i], sink.Match{ID: id, Converted: o.records[id]["IsConverted"] == "true"})
		}
	}
	return nil
}

// Write checks what every request has to keep, then writes.
func (o *fakeOrg) Write(ctx context.Context, req *sink.Request, results []sink.Result) error {
	o.mu.Lock()
	o.calls++
	call := o.calls
	o.largest = max(o.largest, len(req.Records))
	keys := o.enter(req)
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		for _, k := range keys {
			delete(o.active, k)
		}
		o.mu.Unlock()
	}()
	for i := range results {
		results[i].Status = sink.NotSent
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if o.before != nil {
		if err := o.before(call); err != nil {
			return err
		}
	}
	o.mu.Lock()
	for i := range req.Records {
		results[i] = o.one(call, req, &req.Records[i])
	}
	o.mu.Unlock()
	if o.after != nil {
		if err := o.after(call); err != nil {
			for i := range results {
				results[i] = sink.Result{}
			}
			if errors.Is(err, errLost) {
				return nil // the run goes on
			}
			return err
		}
	}
	return nil
}

var errLost = errors.New("the answer was lost")

// enter checks the rules of a request: not too many records, groups or bytes, and no key twice,
// neither in it nor in another request under way.
func (o *fakeOrg) enter(req *sink.Request) (keys []string) {
	updates := 0
	bytes := 0
	for _, r := range req.Records {
		bytes += r.Batch.TextSize(r.Row)
		if r.Action == sink.Update {
			updates++
		}
		if o.key == "" {
			continue
		}
		k := strings.ToLower(cell(r.Batch, r.Row, o.key))
		if o.active[k] {
			o.t.Errorf("key %q is on its way twice", k)
		}
		o.active[k] = true
		keys = append(keys, k)
	}
	if n := len(req.Records); n == 0 || n > o.limits.Records || o.limits.Calls(n-updates, updates) > 1 || bytes > o.limits.Bytes && n > 1 {
		o.t.Errorf("a request of %d records, %d of them updates, %d bytes", n, updates, bytes)
	}
	return keys
}

func cell(b *row.Batch, r int, name string) string {
	return strings.Clone(b.Cell(r, b.Schema().Index(name)).Text)
}

func (o *fakeOrg) one(call int, req *sink.Request, r *sink.Record) sink.Result {
	key := ""
	if o.key != "" {
		key = strings.ToLower(cell(r.Batch, r.Row, o.key))
	}
	if o.rowError != nil {
		if e := o.rowError(call, key); e != nil {
			return sink.Result{Status: sink.Failed, Err: e}
		}
	}
	id := r.ID
	switch r.Action {
	case sink.Upsert:
		if ids := o.byKey[key]; len(ids) > 0 {
			id = ids[0]
		} else {
			id = ""
		}
	case sink.Create:
		id = ""
	case sink.Update:
		if o.records[id] == nil {
			return sink.Result{Status: sink.Failed, Err: &sink.Error{Code: "NOT_FOUND", Message: "no record " + id}}
		}
	}
	status := sink.Updated
	if id == "" {
		id = fmt.Sprintf("00Q%012d", len(o.records)+1) + "AAA"
		o.records[id] = map[string]string{}
		if o.key != "" {
			o.byKey[key] = append(o.byKey[key], id)
		}
		status = sink.Created
	} else if r.Resend && o.records[id]["by"] == "run" {
		status = sink.Created // what the dates of the record would tell
	}
	rec := o.records[id]
	if status == sink.Created {
		rec["by"] = "run"
	}
	for c, col := range r.Batch.Schema().Columns {
		v := r.Batch.Cell(r.Row, c)
		if v.Kind() != row.Absent && !strings.HasPrefix(col.Name, "\x00") && !(v.OnInsert() && r.Action == sink.Update) {
			rec[col.Name] = strings.Clone(v.Text)
		}
	}
	return sink.Result{Status: status, ID: id}
}

// values returns the values of one field by key.
func (o *fakeOrg) values(field string) map[string]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	m := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(o.byKey)) {
		if ids := o.byKey[k]; len(ids) != 1 {
			o.t.Errorf("key %q is held by %d records", k, len(ids))
		}
		m[k] = o.records[o.byKey[k][0]][field]
	}
	return m
}
