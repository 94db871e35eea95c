package mirror

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/pipeline/row"
	"sfsync/sink"
)

func by(names ...string) []sink.KeyField {
	fields := make([]sink.KeyField, len(names))
	for i, n := range names {
		fields[i] = sink.KeyField{Name: n, Fold: func(s string) string { return strings.ToLower(strings.TrimSpace(s)) }}
		if n == "Id" {
			fields[i].Fold = func(s string) string { return s }
		}
	}
	return fields
}

// matcher returns a Matcher on an org whose copies are made when ahead says so.
func matcher(t interface {
	Helper()
	Cleanup(f func())
	Error(args ...any)
}, dir string, o *org, ahead func() (done, left int64), writes ...string,
) *Matcher {
	t.Helper()
	now := time.Unix(0, 0)
	m := New(Options{
		Org: o, Matcher: o, Writes: writes, Ahead: ahead, Dir: dir,
		Now:   func() time.Time { return now },
		Sleep: func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
		Rand:  func() float64 { return 0.5 },
	})
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func always() (done, left int64) { return 0, 1 << 40 }

// run is a run against the fake org: a writer of it whose answers may get lost, and lookups that are
// compared with what the org has at that moment.
type run struct {
	*rapid.T
	ctx     context.Context
	o       *org
	m       *Matcher
	late    []func() // lost requests that the org has yet to carry out
	ahead   int64
	before  []record // as the org was before the request whose answer is on its way; else nil
	copied  int      // keys looked up when there was a copy of their question
	askings int
}

type flaky struct {
	*run
	fate string
}

func (f *flaky) Limits() sink.Limits { return sink.Limits{Records: 200} }

func (f *flaky) Write(_ context.Context, req *sink.Request, results []sink.Result) error {
	f.lookup() // while the request is on its way
	f.o.mu.Lock()
	for _, rec := range f.o.records {
		f.before = append(f.before, clone(rec))
	}
	f.o.mu.Unlock()
	act := func() {
		f.o.mu.Lock()
		defer f.o.mu.Unlock()
		for i := range req.Records {
			results[i] = f.o.apply(req, &req.Records[i])
		}
	}
	lost := func() {
		for i := range results {
			results[i] = sink.Result{Status: sink.Unknown, Err: &sink.Error{Code: "NO_ANSWER", Lost: true}}
		}
	}
	switch f.fate {
	case "ok":
		act()
	case "refused":
		for i := range results {
			results[i] = sink.Result{Status: sink.Failed, Err: &sink.Error{Code: "X"}}
		}
	case "lost":
		act()
		lost()
	case "late":
		own := make([]sink.Result, len(results))
		kept := *req
		kept.Records = slices.Clone(req.Records)
		f.late = append(f.late, func() {
			for i := range kept.Records {
				own[i] = f.o.apply(&kept, &kept.Records[i])
			}
		})
		lost()
	}
	f.lookup() // the answer is on its way: an earlier lookup may as well have come first
	f.before = nil
	return nil
}

var columns = []string{"LastName", "Email", "Ext__c", "Num__c"}

func domain(name string) []string {
	switch name {
	case "Num__c":
		return []string{"1", "1.0", "2.50", "2.5", "30"}
	case "LastName":
		return []string{"Doe", "doe", "Roe"}
	}
	return []string{"a@x", "A@x", "b@x", "c@x", "d@x", " e@x ", "f@x"}
}

// write sends a request of one to three records.
func (r *run) write() {
	f := &flaky{r, rapid.SampledFrom([]string{"ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "refused", "lost", "late"}).Draw(r.T, "fate")}
	cols := rapid.SliceOfNDistinct(rapid.SampledFrom(columns), 1, 4, rapid.ID).Draw(r.T, "columns")
	var list []row.Column
	for _, c := range cols {
		list = append(list, row.Column{Name: c})
	}
	b := row.New(row.NewSchema(list...))
	fold := by("Ext__c")[0].Fold
	req := &sink.Request{Target: &sink.Target{Object: "Lead", Key: "Ext__c", KeyColumn: slices.Index(cols, "Ext__c"), Fold: fold}}
	keys := map[string]bool{}
	for i := range rapid.IntRange(1, 3).Draw(r.T, "records") {
		at := b.AddRow(int64(i + 1))
		for c, name := range cols {
			kind, v := row.Text, rapid.SampledFrom(domain(name)).Draw(r.T, name)
			switch rapid.IntRange(0, 9).Draw(r.T, "kind") {
			case 0:
				kind, v = row.Null, ""
			case 1:
				kind, v = row.Absent, ""
			}
			b.Set(at, c, kind, v)
			if kind == row.Text && rapid.IntRange(0, 5).Draw(r.T, "on insert") == 0 {
				b.Flag(at, c, row.OnInsert)
			}
		}
		rec := sink.Record{Batch: b, Row: at, Action: rapid.SampledFrom([]sink.Action{sink.Create, sink.Upsert, sink.Update, sink.Update, sink.Delete}).Draw(r.T, "action")}
		if rec.Action == sink.Update || rec.Action == sink.Delete {
			if len(r.o.records) == 0 {
				continue
			}
			rec.ID = rapid.SampledFrom(r.o.records).Draw(r.T, "record")["Id"]
		}
		if rec.Action == sink.Upsert && (req.Target.KeyColumn < 0 || b.Cell(at, req.Target.KeyColumn).Blank()) {
			continue
		}
		key := rec.ID
		if rec.Action == sink.Upsert {
			key = fold(b.Cell(at, req.Target.KeyColumn).Text)
		}
		if keys[key] && key != "" { // no two records of a request have the same key
			continue
		}
		keys[key] = true
		req.Records = append(req.Records, rec)
	}
	if len(req.Records) > 0 {
		if err := r.m.Watch(f).Write(r.ctx, req, make([]sink.Result, len(req.Records))); err != nil {
			r.Fatal(err)
		}
	}
}

// land lets the org carry out a request whose answer was lost.
func (r *run) land() {
	if len(r.late) > 0 {
		r.late[0]()
		r.late = r.late[1:]
	}
}

func (r *run) lookup() {
	names := rapid.SampledFrom([][]string{{"Email"}, {"Ext__c"}, {"LastName", "Num__c"}, {"Num__c"}, {"Id"}}).Draw(r.T, "by")
	l := sink.Lookup{Object: "Lead", By: by(names...), Want: rapid.SampledFrom([][]string{nil, {"Email", "Num__c"}}).Draw(r.T, "want")}
	for range rapid.IntRange(1, 4).Draw(r.T, "keys") {
		parts := make([]string, len(names))
		for i, n := range names {
			if n == "Id" {
				parts[i] = "00Q000000000099AAA"
				if len(r.o.records) > 0 {
					parts[i] = rapid.SampledFrom(r.o.records).Draw(r.T, "id")["Id"]
				}
				continue
			}
			parts[i] = l.By[i].Fold(rapid.SampledFrom(domain(n)).Draw(r.T, n))
		}
		if k := strings.Join(parts, sink.KeySep); !slices.Contains(l.Keys, k) {
			l.Keys = append(l.Keys, k)
		}
	}
	if q := r.m.questions[nameOf(&l)]; q != nil && q.state == ready {
		r.copied += len(l.Keys)
	}
	before := r.o.count("lookup")
	got, want := l, l
	if err := r.m.Lookup(r.ctx, &got); err != nil {
		r.Fatal(err)
	}
	r.askings += r.o.count("lookup") - before
	if err := r.o.Lookup(r.ctx, &want); err != nil {
		r.Fatal(err)
	}
	opt := gocmp.Comparer(func(a, b row.Cell) bool { return a == b })
	earlier := want
	if r.before != nil {
		now := r.o.records
		r.o.records = r.before
		if err := r.o.Lookup(r.ctx, &earlier); err != nil {
			r.Fatal(err)
		}
		r.o.records = now
	}
	has := func(list []sink.Match, m sink.Match) bool {
		return slices.ContainsFunc(list, func(o sink.Match) bool { return gocmp.Equal(o, m, opt) })
	}
	for i := range l.Keys {
		for _, m := range got.Found[i] {
			if !has(want.Found[i], m) && !has(earlier.Found[i], m) {
				r.Fatalf("by %v: %q finds %v, which the org does not have: %v", names, l.Keys[i], m, want.Found[i])
			}
		}
		for _, m := range want.Found[i] {
			if has(earlier.Found[i], m) && !has(got.Found[i], m) {
				r.Fatalf("by %v: %q finds %v, but not %v", names, l.Keys[i], got.Found[i], m)
			}
		}
	}
}

// TestNoCopyIsStale: whatever the run writes itself, by whichever action and key, whether the answer comes
// or gets lost, is carried out late or is still under way, a lookup finds what the org holds at that moment.
func TestNoCopyIsStale(t *testing.T) {
	t.Parallel()
	dir, copied, plain := t.TempDir(), 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		o := newOrg()
		o.page = rapid.IntRange(1, 5).Draw(rt, "page")
		for range rapid.IntRange(0, 12).Draw(rt, "records") {
			rec := record{}
			for _, c := range columns {
				if v := strings.TrimSpace(rapid.SampledFrom(append(domain(c), "")).Draw(rt, c)); v != "" {
					rec[c] = v
				}
			}
			o.add(rec)
		}
		r := &run{T: rt, ctx: t.Context(), o: o}
		r.m = matcher(rt, dir, o, func() (done, left int64) { return 0, r.ahead }, "Lead")
		now := time.Unix(0, 0)
		r.m.Now = func() time.Time { return now }
		r.m.Sleep = func(context.Context, time.Duration) error { return nil }
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			switch rapid.IntRange(0, 10).Draw(rt, "step") {
			case 0, 1, 2:
				r.write()
			case 3:
				r.land()
			case 4, 5:
				_, r.ahead = always()
			case 6:
				now = now.Add(maxAge * 2 / 3)
			default:
				r.lookup()
			}
		}
		copied, plain = copied+r.copied, plain+len(o.jobs)
	})
	if (copied == 0 || plain == 0) && !testing.Short() {
		t.Errorf("%d keys were looked up in %d copies: the generator is one-sided", copied, plain)
	}
	t.Logf("%d keys in %d copies", copied, plain)
}
