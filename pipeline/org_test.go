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

	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// world is an org of several objects over maps: it does what a request says, record by record, and
// checks what every request has to keep.
type world struct {
	t      testing.TB
	schema *schema.Schema
	limits sink.Limits

	mu      sync.Mutex
	objects map[string]map[string]record // object → id → fields
	made    int
	active  map[string]bool // records and keys in requests under way
	writes  []string        // a line for each request: "Account upsert 2 update 1"
	lookups []string        // "Account by ERP_Id__c 3"
	sent    int             // records
	times   map[string]int  // how often Company was written, by Ext__c

	// before and after are called with the number of the write call; an error is the answer, as if
	// the call had not arrived (before) or its answer were lost (after).
	before, after func(call int) error
	// apart is a field whose values must not be in two requests at a time; met counts how many requests
	// were in flight together at most.
	apart         string
	inflight, met int
	// sole is a field whose values must not be on their way twice, whatever becomes of the records.
	sole string
	// refuse may refuse a record.
	refuse func(object string, fields record) *sink.Error
}

// record holds the fields of a record that are not blank.
type record map[string]string

func newWorld(t testing.TB, s *schema.Schema) *world {
	return &world{
		t: t, schema: s, limits: sink.Limits{Records: 1000, Group: 200, Groups: 5, Bytes: 4 << 20},
		objects: map[string]map[string]record{}, active: map[string]bool{}, times: map[string]int{},
	}
}

// newFakeOrg returns a world of the one object of testSchema, whose records are identified by the field key, "" for
// none.
func newFakeOrg(t testing.TB, key string) *world {
	o := newWorld(t, testSchema())
	o.sole = key
	return o
}

// add puts a record into the org and returns its id.
func (o *world) add(object string, fields record) string {
	o.made++
	prefix := "001"
	if obj := o.schema.Object(object); obj != nil && obj.KeyPrefix != "" {
		prefix = obj.KeyPrefix
	}
	id := schema.ID18(fmt.Sprintf("%s%012d", prefix, o.made))
	if o.objects[object] == nil {
		o.objects[object] = map[string]record{}
	}
	if fields["CreatedDate"] == "" {
		fields["CreatedDate"] = fmt.Sprintf("2026-01-01T00:00:%02d.000+0000", o.made%60)
	}
	o.objects[object][id] = fields
	return id
}

func (o *world) Limits() sink.Limits { return o.limits }

func (o *world) LookupKeys(l *sink.Lookup) int { return min(len(l.Keys), 1000) }

func (o *world) Lookup(ctx context.Context, l *sink.Lookup) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	names := make([]string, len(l.By))
	for i, k := range l.By {
		names[i] = k.Name
	}
	asked := fmt.Sprintf("%s by %s %d", l.Object, strings.Join(names, "+"), len(l.Keys))
	if l.Fresh {
		asked += " afresh"
	}
	o.lookups = append(o.lookups, asked)
	index := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(o.objects[l.Object])) {
		parts := make([]string, len(l.By))
		for i, k := range l.By {
			parts[i] = k.Fold(o.value(l.Object, id, k.Name))
		}
		k := strings.Join(parts, sink.KeySep)
		index[k] = append(index[k], id)
	}
	seen := map[string]bool{}
	l.Found = make([][]sink.Match, len(l.Keys))
	for i, k := range l.Keys {
		if seen[k] || k == "" || strings.Contains(k, "~") || strings.Contains(k, "   ") {
			o.t.Errorf("%s by %v: key %q", l.Object, names, k)
		}
		seen[k] = true
		for _, id := range index[k] {
			m := sink.Match{ID: id, Converted: o.value(l.Object, id, "IsConverted") == "true"}
			for _, n := range l.Want {
				c := row.MakeCell(row.Null, "")
				if v := o.value(l.Object, id, n); v != "" {
					c = row.MakeCell(row.Text, v)
				}
				m.Values = append(m.Values, c)
			}
			l.Found[i] = append(l.Found[i], m)
		}
	}
	return nil
}

func (o *world) value(object, id, field string) string {
	if field == "Id" {
		return id
	}
	return o.objects[object][id][field]
}

func (o *world) Write(ctx context.Context, req *sink.Request, results []sink.Result) error {
	o.mu.Lock()
	keys := o.enter(req)
	call := len(o.writes)
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		o.inflight--
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
	byKey := map[string]string{} // no key is in a request twice
	if req.Target.Key != "" {
		for id, rec := range o.objects[req.Target.Object] {
			k := req.Target.Fold(rec[req.Target.Key])
			if byKey[k] != "" {
				id = several
			}
			byKey[k] = id
		}
	}
	for i := range req.Records {
		results[i] = o.one(req, &req.Records[i], byKey)
	}
	o.sent += len(results)
	o.mu.Unlock()
	if o.after != nil {
		if err := o.after(call); err != nil {
			clear(results)
			if errors.Is(err, errLost) {
				return nil // the run goes on
			}
			return err
		}
	}
	return nil
}

// enter checks a request and notes what it touches: no record and no key twice at a time.
func (o *world) enter(req *sink.Request) (keys []string) {
	counts := map[sink.Action]int{}
	o.inflight++
	o.met = max(o.met, o.inflight)
	parents := map[string]bool{}
	for _, r := range req.Records {
		if o.apart == "" {
			break
		}
		if p := cell(r.Batch, r.Row, o.apart); p != "" && !parents[p] {
			parents[p] = true
			if k := o.apart + " " + p; o.active[k] {
				o.t.Errorf("children of %s are in two requests", p)
			} else {
				o.active[k] = true
				keys = append(keys, k)
			}
		}
	}
	bytes := 0
	for _, r := range req.Records {
		counts[r.Action]++
		bytes += r.Batch.TextSize(r.Row)
		if o.sole != "" {
			k := o.sole + " " + strings.ToLower(cell(r.Batch, r.Row, o.sole))
			if o.active[k] {
				o.t.Errorf("%q is on its way twice", k)
			}
			o.active[k] = true
			keys = append(keys, k)
		}
		k := ""
		switch r.Action {
		case sink.Update, sink.Delete:
			k = req.Target.Object + " " + r.ID
		case sink.Upsert:
			k = req.Target.Object + " " + req.Target.Key + " " + req.Target.Fold(cell(r.Batch, r.Row, req.Target.Key))
		default:
			continue
		}
		if o.active[k] {
			o.t.Errorf("%q is on its way twice", k)
		}
		o.active[k] = true
		keys = append(keys, k)
	}
	line, groups := req.Target.Object, 0
	for _, a := range slices.Sorted(maps.Keys(counts)) {
		line += fmt.Sprintf(" %v %d", a, counts[a])
		if o.limits.Group > 0 {
			groups += (counts[a] + o.limits.Group - 1) / o.limits.Group
		}
	}
	if n := len(req.Records); n == 0 || n > o.limits.Records || groups > o.limits.Groups || bytes > o.limits.Bytes && n > 1 {
		o.t.Errorf("a request of %d groups, %d bytes: %s", groups, bytes, line)
	}
	o.writes = append(o.writes, line)
	return keys
}

func (o *world) one(req *sink.Request, r *sink.Record, byKey map[string]string) sink.Result {
	object := req.Target.Object
	fields := record{}
	for c, col := range r.Batch.Schema().Columns {
		v := r.Batch.Cell(r.Row, c)
		switch {
		case strings.HasPrefix(col.Name, "\x00"), v.Kind() == row.Absent, v.OnInsert() && r.Action == sink.Update:
			continue
		case v.Awaited(), strings.HasPrefix(v.Text, "~"), strings.HasPrefix(v.Text, "   "):
			o.t.Errorf("%s.%s is sent as %q", object, col.Name, v.Text)
		}
		fields[col.Name] = strings.Clone(v.Text)
	}
	if o.refuse != nil {
		if e := o.refuse(object, fields); e != nil {
			return sink.Result{Status: sink.Failed, Err: e}
		}
	}
	id, status := r.ID, sink.Updated
	switch r.Action {
	case sink.Publish:
		o.add(object, fields)
		return sink.Result{Status: sink.Published}
	case sink.Create:
		id = ""
	case sink.Upsert:
		id = byKey[req.Target.Fold(fields[req.Target.Key])]
	case sink.Update, sink.Delete:
		if o.objects[object][id] != nil {
			break
		}
		if r.Action == sink.Delete && r.Resend {
			return sink.Result{Status: sink.Deleted, ID: id}
		}
		return sink.Result{Status: sink.Failed, Err: &sink.Error{Code: "ENTITY_IS_DELETED", Message: "entity is deleted"}}
	}
	switch {
	case id == several:
		return sink.Result{Status: sink.Failed, Err: &sink.Error{Code: "DUPLICATE_EXTERNAL_ID", Fields: []string{req.Target.Key}}}
	case r.Action == sink.Delete:
		delete(o.objects[object], id)
		return sink.Result{Status: sink.Deleted, ID: id}
	case id == "":
		id, status = o.add(object, record{"by": "run"}), sink.Created
	case r.Resend && o.objects[object][id]["by"] == "run":
		status = sink.Created // what the dates of the record would tell
	}
	rec := o.objects[object][id]
	if fields["Company"] != "" {
		o.times[rec["Ext__c"]]++
	}
	for n, v := range fields {
		if v == "" {
			delete(rec, n)
		} else {
			rec[n] = v
		}
	}
	return sink.Result{Status: status, ID: id}
}

// dump lists the records of an object by their fields, without ids and dates; references are shown
// as what they refer to.
func (o *world) dump(object string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var lines []string
	for id := range o.objects[object] {
		lines = append(lines, o.line(object, id))
	}
	slices.Sort(lines)
	return lines
}

func (o *world) line(object, id string) string {
	var b strings.Builder
	rec := o.objects[object][id]
	for _, n := range slices.Sorted(maps.Keys(rec)) {
		if n == "CreatedDate" || n == "by" {
			continue
		}
		v := rec[n]
		for other, recs := range o.objects {
			if recs[v] != nil && other == object {
				v = recs[v]["ERP_Id__c"] // there may be circles
			} else if recs[v] != nil {
				v = "(" + other + " " + o.line(other, v) + ")"
			}
		}
		fmt.Fprintf(&b, "%s=%s ", n, v)
	}
	return strings.TrimSpace(b.String())
}

// values returns the values of one field of the records by their sole key, folded.
func (o *world) values(field string) map[string]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	m := map[string]string{}
	for _, rec := range o.objects["Lead"] {
		k := strings.ToLower(rec[o.sole])
		if _, twice := m[k]; twice {
			o.t.Errorf("key %q is held by several records", k)
		}
		m[k] = rec[field]
	}
	return m
}

// several stands for the records that hold a key which is not unique.
const several = "several"

var errLost = errors.New("the answer was lost")

func cell(b *row.Batch, r int, name string) string {
	return strings.Clone(b.Cell(r, b.Schema().Index(name)).Text)
}
