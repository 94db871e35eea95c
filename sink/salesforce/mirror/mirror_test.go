package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/estimate"
)

func email(keys ...string) *sink.Lookup {
	return &sink.Lookup{Object: "Lead", By: by("Email"), Keys: keys}
}

// found returns the ids that a lookup has found, those of each key between bars.
func found(t *testing.T, m sink.Matcher, l *sink.Lookup) string {
	t.Helper()
	if err := m.Lookup(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	keys := make([]string, len(l.Found))
	for i, ms := range l.Found {
		ids := make([]string, len(ms))
		for k, match := range ms {
			ids[k] = strings.TrimLeft(strings.TrimSuffix(strings.TrimPrefix(match.ID, "00Q"), "AAA"), "0")
		}
		slices.Sort(ids)
		keys[i] = strings.Join(ids, " ")
	}
	return strings.Join(keys, "|")
}

// three returns an org with three leads, two of which share an address.
func three() *org {
	o := newOrg()
	o.add(record{"Email": "a@x", "LastName": "A"})
	o.add(record{"Email": "B@x", "LastName": "B", "IsConverted": "true"})
	o.add(record{"Email": "b@x"})
	return o
}

func TestLookupsComeFromTheCopy(t *testing.T) {
	o := three()
	o.page, o.polls = 2, 3
	dir := t.TempDir()
	m := matcher(t, dir, o, always)
	l := email("a@x", "b@x", "c@x")
	l.Want = []string{"LastName"}
	if got := found(t, m, l); got != "1|2 3|" {
		t.Errorf("found %s", got)
	}
	if !l.Found[1][0].Converted || l.Found[1][1].Converted || l.Found[1][1].Values[0] != row.MakeCell(row.Null, "") {
		t.Errorf("found %+v", l.Found[1])
	}
	want := []string{
		"GET /limits/recordCount", "POST /jobs/query",
		"GET /jobs/query/750000000000001", "GET /jobs/query/750000000000001", "GET /jobs/query/750000000000001", "GET /jobs/query/750000000000001",
		"GET /jobs/query/750000000000001/results", "GET /jobs/query/750000000000001/results",
	}
	if !slices.Equal(o.calls, want) {
		t.Errorf("requests %q", o.calls)
	}
	many := make([]string, 5000)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	next := email(many...)
	next.Want = l.Want
	if n := m.LookupKeys(next); n != len(many) {
		t.Errorf("a copy takes %d keys at once", n)
	}
	if found(t, m, next); len(o.calls) != len(want) {
		t.Errorf("another lookup cost %q", o.calls[len(want):])
	}
	if n := m.LookupKeys(&sink.Lookup{Object: "Lead", By: by("Ext__c"), Keys: many}); n != o.perCall {
		t.Errorf("another question takes %d keys at once", n)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 && os.PathSeparator == '/' {
		t.Errorf("files %v in the directory, %v", files, err)
	}
}

// Copies are no dearer than twice the best that can be done, whatever there is and whatever comes, even if
// nobody knows what will.
func TestCost(t *testing.T) {
	for _, records := range []int64{0, 1_000, 200_000, 2_000_000, 100_000_000} {
		for _, lookups := range []int{1, 7, 8, 30, 200, 2000} {
			for _, known := range []bool{false, true} {
				o := newOrg()
				o.rows, o.perCall = records, 1
				calls, left := 0, int64(lookups)
				cost := estimate.Copy(records).Calls + 1
				m := matcher(t, t.TempDir(), o, func() (int64, int64) {
					if !known {
						return 0, -1
					}
					return int64(lookups) - left, left
				})
				for range lookups {
					found(t, m, email("nobody"))
					left--
				}
				calls = o.count("lookup") + o.count("GET /limits")
				if len(o.jobs) > 0 {
					calls += int(cost) - 1 // the fake org is quicker than an org would be
				}
				if best := min(int64(lookups), cost); int64(calls) > 2*best+1 {
					t.Errorf("%d lookups of %d records (known: %v) cost %d calls, %d would do", lookups, records, known, calls, best)
				}
				if lookups < 8 && len(o.calls) != lookups {
					t.Errorf("%d lookups cost %q", lookups, o.calls)
				}
			}
		}
	}
}

// A copy answers for a quarter of an hour. Then the org is asked until that has cost as much as another copy.
func TestAge(t *testing.T) {
	o := three()
	dir := t.TempDir()
	m := matcher(t, dir, o, always)
	found(t, m, email("a@x"))
	now := m.Now()
	m.Now = func() time.Time { return now }
	o.add(record{"Email": "A@x"}) // by somebody else
	if got := found(t, m, email("a@x")); got != "1" || o.count("lookup") != 0 {
		t.Fatalf("found %s by %q", got, o.calls)
	}
	now = now.Add(maxAge)
	asked := 0
	for ; len(o.jobs) == 1 && asked < 100; asked++ {
		if got := found(t, m, email("a@x")); got != "1 4" {
			t.Fatalf("found %s", got)
		}
	}
	if want := int(estimate.Copy(0).Calls) + 2; asked != want || len(o.jobs) != 2 {
		t.Errorf("another copy after %d lookups, want %d", asked, want)
	}
	found(t, m, email("b@x"))
	if n := o.count("lookup"); n != asked-1 {
		t.Errorf("%d lookups by REST, want %d", n, asked-1)
	}
	if got := m.Copied(); !slices.Equal(got, []string{"Lead"}) {
		t.Errorf("copied %q", got)
	}
}

// asleep is the time when a machine wakes up that has slept so long: its monotonic clock has stood still.
func asleep(t *testing.T, at time.Time, d time.Duration) time.Time {
	t.Helper()
	up := at.Add(d)
	*(*int64)(unsafe.Add(unsafe.Pointer(&up), 8)) -= int64(d) //nolint:gosec // there is no other way to such a time
	if up.Sub(at) != 0 || up.Round(0).Sub(at.Round(0)) != d {
		t.Fatalf("package time keeps its clocks in another way: %v after %v", up, at)
	}
	return up
}

// A copy gets older while the machine sleeps; that the clock is set back means nothing.
func TestAgeOfASleeper(t *testing.T) {
	o := three()
	m := matcher(t, t.TempDir(), o, always)
	now := time.Now()
	m.Now = func() time.Time { return now }
	found(t, m, email("a@x"))
	now = asleep(t, now, -time.Hour)
	if found(t, m, email("a@x")); o.count("lookup") != 0 {
		t.Errorf("a clock that is set back ends the copy: %q", o.calls)
	}
	now = asleep(t, now, 8*time.Hour)
	o.add(record{"Email": "A@x"}) // by somebody else
	if got := found(t, m, email("a@x")); got != "1 4" {
		t.Errorf("found %s in a copy of hours ago", got)
	}
}

// What a rehearsal has looked up says what a run would take to look up.
func TestCalls(t *testing.T) {
	o := newOrg()
	o.rows, o.perCall = 200_000, 100
	m := matcher(t, t.TempDir(), o, always)
	keys := make([]string, 250)
	for i := range keys {
		keys[i] = fmt.Sprint(i)
	}
	found(t, m, email(keys...))
	found(t, m, &sink.Lookup{Object: "Lead", By: by("Formula__c"), Keys: keys})
	whole := 1 + estimate.Copy(o.rows).Calls
	for _, c := range []struct {
		by     string
		keys   int64
		writes []string
		want   int64
	}{
		{"Email", 800, []string{"Lead"}, 8},
		{"email", 1_000_000, []string{"Lead"}, whole},
		{"Email", 1_000_000, []string{"Contact", "Account"}, whole},
		{"Email", 1_000_000, []string{"Lead", "Contact"}, 10000},
		{"Formula__c", 1_000_000, []string{"Contact"}, whole},
		{"Formula__c", 1_000_000, []string{"Lead"}, 10000},
	} {
		if got, ok := m.Calls("lead", []string{c.by}, c.keys, c.writes); !ok || got != c.want {
			t.Errorf("%d keys by %s of a run that writes %v: %d calls, want %d", c.keys, c.by, c.writes, got, c.want)
		}
	}
	if n, ok := m.Calls("Lead", []string{"Ext__c"}, 1000, nil); ok {
		t.Errorf("a question that nobody has asked: %d calls", n)
	}
}

// What a run is expected to take beforehand is what it then takes: the decision is the same one, and the records that
// were counted for it are not counted again.
func TestExpect(t *testing.T) {
	for _, c := range []struct {
		name  string
		by    string
		keys  int64
		fresh bool
		want  int64
		calls int // that were made to know
	}{
		{"few keys", "Email", 250, false, 3, 0},
		{"many keys of many records", "Email", 5_000, false, 50, 1},
		{"very many keys", "Email", 1_000_000, false, estimate.Copy(2_000_000).Calls, 1},
		{"a key that no copy can answer", "Formula__c", 1_000_000, false, 10_000, 0},
		{"answers that must be fresh", "Email", 1_000_000, true, 10_000, 0},
	} {
		o := newOrg()
		o.rows, o.perCall = 2_000_000, 100
		m := matcher(t, t.TempDir(), o, func() (int64, int64) { return 0, c.keys }, "Lead")
		l := &sink.Lookup{Object: "Lead", By: by(c.by), Keys: []string{"a@x"}, Fresh: c.fresh}
		if got := m.Expect(t.Context(), l, c.keys); got != c.want || len(o.calls) != c.calls {
			t.Errorf("%s: %d calls, want %d; asked %q", c.name, got, c.want, o.calls)
		}
		if c.fresh {
			continue
		}
		m.Expect(t.Context(), l, c.keys)
		found(t, m, &sink.Lookup{Object: "Lead", By: by(c.by), Keys: []string{"b@x"}})
		if copied := len(m.Copied()) > 0; copied != (c.want == estimate.Copy(o.rows).Calls) {
			t.Errorf("%s: the run copies: %t", c.name, copied)
		}
		if counted := strings.Count(strings.Join(o.calls, "\n"), "recordCount"); counted != c.calls {
			t.Errorf("%s: counted %d times", c.name, counted)
		}
	}
}

// A large input of which few rows are looked up takes no copy.
func TestFewKeysOfManyRows(t *testing.T) {
	o := newOrg()
	o.rows = 200_000
	m := matcher(t, t.TempDir(), o, func() (int64, int64) { return 1_000_000, 500_000 })
	for range 9 {
		found(t, m, email("nobody"))
	}
	if len(o.calls) != 9 {
		t.Errorf("requests %q", o.calls)
	}
}

// A call that takes a few keys of a few rows could have taken more: that is no sign of many calls to come.
func TestFewRows(t *testing.T) {
	o := newOrg()
	left := int64(100)
	m := matcher(t, t.TempDir(), o, func() (int64, int64) { return 100 - left, left })
	for ; left > 0; left-- {
		found(t, m, email("nobody"))
	}
	if len(o.calls) != 100 {
		t.Errorf("requests %q", o.calls)
	}
}

// What keeps a copy from being had, or from being whole, costs calls and a warning.
func TestTrouble(t *testing.T) {
	fail := func(method, path string) func(o *org) {
		return func(o *org) {
			o.trouble = func(m, p string) error {
				if m == method && strings.HasPrefix(p, path) {
					return &sink.Error{Class: sink.Auth, Code: "API_DISABLED_FOR_ORG"}
				}
				return nil
			}
		}
	}
	spoil := func(f func(page *string, head http.Header)) func(o *org) {
		return func(o *org) { o.spoil = f }
	}
	for _, c := range []struct {
		name  string
		setup func(o *org)
		want  string // in the warning
		abort int
	}{
		{"no count", fail("GET", "/limits"), "count the records: API_DISABLED_FOR_ORG", 0},
		{"no job", fail("POST", "/jobs/query"), "make a query job: API_DISABLED_FOR_ORG", 0},
		{"no answer about it", fail("GET", "/jobs/query/750000000000001"), "ask for query job", 1},
		{"a failed job", func(o *org) { o.ends = "Failed" }, "has ended: JOB_FAILED: because", 0},
		{"an aborted job", func(o *org) { o.ends = "Aborted" }, "has ended: JOB_ABORTED", 0},
		{"a job that does not end", func(o *org) { o.polls = 1 << 30 }, "has not ended after 15m0s", 1},
		{"a page cut short", spoil(func(page *string, _ http.Header) { *page = (*page)[:strings.LastIndex(*page, `@x`)] }), "quote", 0},
		{"a row too few", spoil(func(page *string, _ http.Header) {
			*page = (*page)[:strings.LastIndex(strings.TrimSpace(*page), "\n")+1]
		}), "has 2", 0},
		{"no number of records", spoil(func(_ *string, h http.Header) { h.Del("Sforce-NumberOfRecords") }), `a page of "" records`, 0},
		{"a page left out", func(o *org) {
			o.page = 1
			o.spoil = func(_ *string, h http.Header) { h.Set("Sforce-Locator", "null") }
		}, "has found 3 records and gives 1", 0},
		{"a column left out", spoil(func(page *string, _ http.Header) { *page = strings.Replace(*page, "Email", "Mail", 1) }), "lack the column Email", 0},
		{"a value too many", spoil(func(page *string, _ http.Header) { *page = strings.Replace(*page, "a@x\"", "a@x\",\"\"", 1) }), "4 values for 3 columns", 0},
	} {
		o := three()
		c.setup(o)
		var log bytes.Buffer
		m := matcher(t, t.TempDir(), o, always)
		m.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
		for range 3 {
			if got := found(t, m, email("a@x", "b@x", "c@x")); got != "1|2 3|" {
				t.Errorf("%s: found %s", c.name, got)
			}
		}
		if text := strings.ReplaceAll(log.String(), `\"`, `"`); !strings.Contains(text, c.want) || strings.Count(text, "\n") != 1 {
			t.Errorf("%s: the log says %q, want %q once", c.name, text, c.want)
		}
		if n := o.count("lookup"); n != 3 {
			t.Errorf("%s: %d lookups by REST", c.name, n)
		}
		if n := o.count("PATCH"); n != c.abort || len(o.jobs) > 1 {
			t.Errorf("%s: %d jobs were made, %d aborted", c.name, len(o.jobs), n)
		}
	}
}

// Questions that a copy might answer wrongly once something is written are the org's.
func TestWhatNoCopyAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		by     []string
		want   []string
		writes []string
		copied bool
	}{
		{"a plain key", []string{"Email"}, nil, []string{"Lead"}, true},
		{"several targets of the object", []string{"Email"}, nil, []string{"Lead", "lead"}, true},
		{"a composite key", []string{"LastName", "Num__c"}, []string{"CreatedDate", "Formula__c"}, []string{"Lead"}, true},
		{"other objects are written, too", []string{"Email"}, nil, []string{"Lead", "Contact"}, false},
		{"an object that is only referred to", []string{"Email"}, nil, []string{"Contact", "Account"}, true},
		{"a parent's field", []string{"Account__r.ERP__c"}, nil, nil, false},
		{"a value of a parent", []string{"Email"}, []string{"Account__r.Name"}, nil, false},
		{"a formula", []string{"Formula__c"}, nil, []string{"Lead"}, false},
		{"a formula of an object that is not written", []string{"Formula__c"}, nil, []string{"Contact"}, true},
		{"an auto number", []string{"Auto__c"}, nil, []string{"Lead"}, false},
		{"a key with a default", []string{"Status"}, nil, []string{"Lead"}, false},
		{"a key with a formula for a default", []string{"Region__c"}, nil, []string{"Lead"}, false},
		{"a multi-select picklist", []string{"Tags__c"}, nil, []string{"Lead"}, false},
		{"a masked key", []string{"Secret__c"}, nil, nil, false},
		{"a masked value", []string{"Email"}, []string{"Secret__c"}, nil, false},
		{"a compound value", []string{"Email"}, []string{"Address"}, nil, false},
		{"a field that is not there", []string{"Nothing__c"}, nil, nil, false},
	} {
		o := newOrg()
		m := matcher(t, t.TempDir(), o, always, c.writes...)
		keys := []string{strings.TrimSuffix(strings.Repeat("1"+sink.KeySep, len(c.by)), sink.KeySep)}
		found(t, m, &sink.Lookup{Object: "Lead", By: by(c.by...), Want: c.want, Keys: keys})
		if got := len(o.jobs) > 0; got != c.copied {
			t.Errorf("%s: copied %v, want %v", c.name, got, c.copied)
		}
	}
}

// A reference may be written by a field of the parent: what key the record then has nobody knows.
func TestReferencesWrittenByParent(t *testing.T) {
	o := newOrg()
	o.add(record{"Account__c": "001000000000001AAA"})
	m := matcher(t, t.TempDir(), o, always, "Lead")
	l := &sink.Lookup{Object: "Lead", By: by("Account__c"), Keys: []string{"001000000000002aaa"}}
	found(t, m, l)
	b := row.New(row.NewSchema(row.Column{Name: "Account__r.ERP__c"}))
	b.AddRow(1)
	b.Set(0, 0, row.Text, "E2")
	req := &sink.Request{Target: &sink.Target{Object: "Lead", KeyColumn: -1}, Records: []sink.Record{{Batch: b, Action: sink.Create}}}
	lookups := o.count("lookup")
	if err := m.Watch(nothing{}).Write(t.Context(), req, make([]sink.Result, 1)); err != nil {
		t.Fatal(err)
	}
	if found(t, m, l); o.count("lookup") != lookups+1 {
		t.Error("the copy answers for a reference that may have been written")
	}
}

// nothing is a writer that fails every record.
type nothing struct{ sink.Writer }

func (nothing) Write(_ context.Context, _ *sink.Request, results []sink.Result) error {
	for i := range results {
		results[i].Status = sink.Failed
	}
	return nil
}

// A write of an object that nobody announced ends all copies.
func TestUnannouncedWrites(t *testing.T) {
	o := three()
	m := matcher(t, t.TempDir(), o, always)
	found(t, m, email("a@x"))
	b := row.New(row.NewSchema(row.Column{Name: "Name"}))
	b.AddRow(1)
	req := &sink.Request{Target: &sink.Target{Object: "Account", KeyColumn: -1}, Records: []sink.Record{{Batch: b, Action: sink.Create}}}
	if err := m.Watch(nothing{}).Write(t.Context(), req, make([]sink.Result, 1)); err != nil {
		t.Fatal(err)
	}
	before := o.count("lookup")
	if found(t, m, email("a@x")); o.count("lookup") != before+1 {
		t.Error("the copy still answers")
	}
}

// Keys of requests that may be under way still are asked for, from then on.
func TestFresh(t *testing.T) {
	o := three()
	m := matcher(t, t.TempDir(), o, always, "Lead")
	found(t, m, email("a@x"))
	l := email("c@x")
	l.Fresh = true
	if got := found(t, m, l); got != "" || o.count("lookup") != 1 {
		t.Errorf("found %q by %q", got, o.calls)
	}
	o.add(record{"Email": "C@x"}) // the request arrives
	if got := found(t, m, email("c@x", "a@x")); got != "4|1" {
		t.Errorf("found %q", got)
	}
}

// Letters that only some comparison takes for the same are left to the org.
func TestLettersInDoubt(t *testing.T) {
	o := newOrg()
	o.add(record{"Email": "maſs@x"})
	m := matcher(t, t.TempDir(), o, always)
	if found(t, m, email("nobody")); o.count("lookup") != 0 {
		t.Error("a key like no other is asked for")
	}
	if found(t, m, email("mass@x")); o.count("lookup") != 1 {
		t.Error("the copy decides about letters of which the org's comparison is not known")
	}
}

// Lookups that come while a copy is made wait for it, and there is only one.
func TestOneCopyForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := three()
		o.polls = 5
		m := New(Options{Org: o, Matcher: o, Ahead: always, Dir: t.TempDir(), Now: time.Now})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if got := found(t, m, email("a@x", "b@x")); got != "1|2 3" {
					t.Errorf("found %s", got)
				}
			})
		}
		wg.Wait()
		if len(o.jobs) != 1 || o.count("lookup") != 0 {
			t.Errorf("requests %q", o.calls)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A budget that is used up is no trouble of the copy.
func TestBudget(t *testing.T) {
	o := three()
	o.trouble = func(string, string) error { return &sink.Error{Class: sink.Later, Code: catalog.CodeBudget} }
	var log bytes.Buffer
	m := matcher(t, t.TempDir(), o, always)
	m.Logger = slog.New(slog.NewTextHandler(&log, nil))
	if got := found(t, m, email("a@x")); got != "1" || log.Len() > 0 {
		t.Errorf("found %s, the log says %q", got, log.String())
	}
}

// A run that is to end soon does not wait for a copy; one that is cut off does not even ask.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := three()
		o.polls = 1 << 30
		stop := make(chan struct{})
		m := New(Options{Org: o, Matcher: o, Ahead: always, Stop: stop, Dir: t.TempDir(), Now: time.Now})
		begun := time.Now()
		time.AfterFunc(40*time.Second, func() { close(stop) })
		if got := found(t, m, email("a@x")); got != "1" || time.Since(begun) != 40*time.Second || o.count("PATCH") != 1 {
			t.Errorf("found %s after %v by %q", got, time.Since(begun), o.calls)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}

		m = New(Options{Org: o, Matcher: o, Ahead: always, Dir: t.TempDir(), Now: time.Now})
		why := errors.New("cut off")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(40*time.Second, func() { cancel(why) })
		if err := m.Lookup(ctx, email("a@x")); !errors.Is(err, why) || o.count("PATCH") != 1 {
			t.Errorf("%v by %q", err, o.calls)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
}

// bulkWriter is a writer that settles.
type bulkWriter struct {
	nothing
	settled []string
}

func (w *bulkWriter) Limits() sink.Limits { return sink.Limits{Records: 7} }

func (w *bulkWriter) Settle(_ context.Context, ids []string) ([]string, error) {
	w.settled = ids
	return ids[:1], nil
}

func (w *bulkWriter) Resume(context.Context, string, *sink.Request, []sink.Result) error { return nil }

func TestWatchKeepsWhatAWriterCan(t *testing.T) {
	m := matcher(t, t.TempDir(), newOrg(), nil)
	w := &bulkWriter{}
	r, ok := m.Watch(w).(sink.Resumer)
	if !ok {
		t.Fatal("a writer that resumes is none any more")
	}
	if never, err := r.Settle(t.Context(), []string{"1", "2"}); err != nil || len(never) != 1 || len(w.settled) != 2 || m.Watch(w).Limits().Records != 7 {
		t.Errorf("settled %v, %v", never, err)
	}
	if _, ok := m.Watch(nothing{}).(sink.Resumer); ok {
		t.Error("a writer resumes that cannot")
	}
}
