package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// impatient returns a writer whose waits are recorded instead of waited for.
func (f *fake) impatient(change func(*Config)) (*Writer, *[]time.Duration) {
	var waits []time.Duration
	cfg := f.config()
	cfg.Rand = func() float64 { return 1 }
	cfg.Sleep = func(ctx context.Context, d time.Duration) error {
		waits = append(waits, d)
		return context.Cause(ctx)
	}
	if change != nil {
		change(&cfg)
	}
	w := f.connect(cfg).Writer()
	f.counted()
	return w, &waits
}

// set gives record i another cell.
func set(req *sink.Request, i, column int, text string) {
	req.Records[i].Batch.Set(i, column, row.Text, text)
}

func TestOnePoisonedRecordCostsNoNeighbour(t *testing.T) {
	for _, at := range []int{0, 1, 199, 200, 537, 999} {
		f := newFake(t)
		w, _ := f.impatient(nil)
		req := leads(1000, sink.Upsert)
		set(req, at, 3, "poison")
		res := write(t, w, req)
		if got := tally(res); got["created"] != 999 || res[at].Status != sink.Failed || res[at].Err.Code != "JSON_PARSER_ERROR" {
			t.Errorf("record %d poisoned: %v, it is %v", at, got, res[at])
		}
		if res[at].Err.Class != sink.Permanent {
			t.Errorf("record %d poisoned: class %v", at, res[at].Err.Class)
		}
		if n := len(f.counted()); n > 5 {
			t.Errorf("record %d poisoned: %d calls", at, n)
		}
	}
}

func TestManyPoisonedRecords(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	req := leads(1000, sink.Upsert)
	for i := range 1000 {
		if i%10 == 3 {
			set(req, i, 3, "poison")
		}
	}
	res := write(t, w, req)
	for i, r := range res {
		if want := i%10 == 3; (r.Status == sink.Failed) != want || (r.Status == sink.Created) == want {
			t.Fatalf("record %d: %v", i, r)
		}
	}
	if n := len(f.counted()); n > 160 {
		t.Errorf("%d calls", n)
	}
}

// An unknown field fails the records that have it, and only them; one record of each set of
// fields is enough to find out.
func TestUnknownField(t *testing.T) {
	schema := leadSchema().With(row.Column{Name: "Nope__c"})
	request := func(has func(int) bool) *sink.Request {
		b := row.New(schema)
		req := &sink.Request{Target: leadTarget()}
		for i := range 1000 {
			r := b.AddRow(int64(i))
			b.Set(r, 0, row.Text, fmt.Sprintf("k%d", i))
			b.Set(r, 1, row.Text, "Name")
			if has(i) {
				b.Set(r, 4, row.Text, fmt.Sprintf("v%d", i))
			}
			req.Records = append(req.Records, sink.Record{Batch: b, Row: i, Action: sink.Upsert})
		}
		return req
	}

	f := newFake(t)
	w, _ := f.impatient(nil)
	third := func(i int) bool { return i%3 == 0 }
	res := write(t, w, request(third))
	for i, r := range res {
		if (r.Status == sink.Failed) != third(i) || (r.Status == sink.Created) == third(i) {
			t.Fatalf("record %d: %v", i, r)
		}
	}
	if n := len(f.counted()); n > 5 {
		t.Errorf("a third of the records: %d calls", n)
	}

	f = newFake(t)
	w, _ = f.impatient(nil)
	res = make([]sink.Result, 1000)
	err := w.Write(t.Context(), request(func(int) bool { return true }), res)
	wantError(t, err, sink.Config, "INVALID_FIELD")
	if got := tally(res); got["failed"] != 1000 {
		t.Errorf("all records: %v", got)
	}
	if n := len(f.counted()); n > 2 {
		t.Errorf("all records: %d calls", n)
	}
}

func wantError(t *testing.T, err error, class sink.Class, code string) *sink.Error {
	t.Helper()
	var e *sink.Error
	if !errors.As(err, &e) || e.Class != class || e.Code != code {
		t.Fatalf("the error is %v (%+v), want %s of class %s", err, e, code, class)
		return nil
	}
	return e
}

func TestUnknownObject(t *testing.T) {
	f := newFake(t)
	f.sub = func(string, string, json.RawMessage) (int, any, bool) {
		return 404, orgError("NOT_FOUND", "The requested resource does not exist"), true
	}
	w, _ := f.impatient(nil)
	res := make([]sink.Result, 300)
	wantError(t, w.Write(t.Context(), leads(300, sink.Upsert), res), sink.Config, "NOT_FOUND")
	if got := tally(res); got["failed"] != 300 {
		t.Errorf("%v", got)
	}
}

// The answer to a write is lost after it was carried out.
func TestLostAnswer(t *testing.T) {
	lose := map[string]func(http.ResponseWriter){
		"reset": drop,
		"502 html": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(502)
			_, _ = w.Write([]byte("<html>Bad gateway</html>"))
		},
		"503 html": func(w http.ResponseWriter) { w.WriteHeader(503); _, _ = w.Write([]byte("<html>Maintenance</html>")) },
		"503 of a gateway": func(w http.ResponseWriter) {
			reply(w, 503, map[string]any{"status": 503, "error": "SERVICE_UNAVAILABLE", "path": "/composite"})
		},
		"504 empty": func(w http.ResponseWriter) { w.WriteHeader(504) },
		"500 json": func(w http.ResponseWriter) {
			reply(w, 500, orgError("UNKNOWN_EXCEPTION", "An unexpected error occurred. ErrorId: 1"))
		},
		"200 html": func(w http.ResponseWriter) { w.WriteHeader(200); _, _ = w.Write([]byte("<html>Log in</html>")) },
		"200 cut off": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "9999")
			_, _ = w.Write([]byte(`{"compositeResponse":[{"body":[`))
		},
		"200 garbled":       func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"compositeResponse":[{"body":[]]`)) },
		"200 parts missing": func(w http.ResponseWriter) { reply(w, 200, map[string]any{"compositeResponse": []any{}}) },
	}
	for name, answer := range lose {
		t.Run(name, func(t *testing.T) {
			lost := 0
			setup := func() *fake {
				f := newFake(t)
				lost = 0
				f.after = func(w http.ResponseWriter, r *http.Request, _ int) bool {
					if !strings.HasSuffix(r.URL.Path, "/composite") || lost > 0 {
						return false
					}
					lost++
					answer(w)
					return true
				}
				return f
			}
			t.Run("upsert", func(t *testing.T) {
				f := setup()
				w, waits := f.impatient(nil)
				f.after = nil
				write(t, w, leads(100, sink.Upsert)) // k0 … k99 are there
				f2 := setup()
				f.after = f2.after
				f.counted()
				res := write(t, w, leads(500, sink.Upsert))
				if got := tally(res); got["created"] != 400 || got["updated"] != 100 {
					t.Errorf("%v", got)
				}
				if lost != 1 || len(*waits) != 1 {
					t.Errorf("%d answers lost, %d waits", lost, len(*waits))
				}
				if f.count() != 500 {
					t.Errorf("%d records in the org", f.count())
				}
				// The request, again, who am I, who was created.
				if calls := f.counted(); len(calls) != 4 {
					t.Errorf("%d calls: %v", len(calls), calls)
				}
				if w.c.Calls().Retries != 1 {
					t.Errorf("%d retries", w.c.Calls().Retries)
				}
			})
			t.Run("create", func(t *testing.T) {
				f := setup()
				w, _ := f.impatient(nil)
				res := write(t, w, leads(300, sink.Create))
				if got := tally(res); got["unknown"] != 300 {
					t.Errorf("%v", got)
				}
				if f.count() != 300 {
					t.Errorf("%d records in the org", f.count())
				}
				if !res[0].Err.Lost {
					t.Errorf("the error does not say that the answer was lost: %+v", res[0].Err)
				}
			})
		})
	}
}

// A record that an earlier row of the run created is not counted as created once more when
// the answer to its update is lost, although its creation date is recent.
func TestLostUpdateOfARecordJustCreated(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	if got := tally(write(t, w, leads(10, sink.Upsert))); got["created"] != 10 {
		t.Fatalf("%v", got)
	}
	n := 0
	f.after = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if n++; n > 1 {
			return false
		}
		drop(w)
		return true
	}
	if got := tally(write(t, w, leads(12, sink.Upsert))); got["created"] != 2 || got["updated"] != 10 {
		t.Errorf("%v", got)
	}
	// And once more, when the record is known to be created from its date only.
	n = 0
	if got := tally(write(t, w, leads(12, sink.Upsert))); got["updated"] != 12 {
		t.Errorf("%v", got)
	}
}

// Resend marks records of an earlier process: created since the run began, by this user.
func TestResend(t *testing.T) {
	f := newFake(t)
	began := time.Now()
	f.mu.Lock()
	add := func(key string, created time.Time, by string) {
		f.next++
		f.records = append(f.records, map[string]any{
			"Id": fmt.Sprintf("00Q%012dAAA", f.next), "Ext__c": key, "CreatedById": by,
			"CreatedDate": created.UTC().Truncate(time.Second).Format(dateTimeLayout),
		})
	}
	add("k0", began.Add(-time.Hour), fakeUser)
	add("k1", began.Add(time.Second), fakeUser)
	add("k2", began.Add(time.Second), "005000000000009AAA")
	f.mu.Unlock()
	w, _ := f.impatient(func(c *Config) { c.Since = began })
	req := leads(5, sink.Upsert)
	for i := range req.Records {
		req.Records[i].Resend = i < 4
	}
	res := write(t, w, req)
	want := []sink.Status{sink.Updated, sink.Created, sink.Updated, sink.Created, sink.Created}
	for i, r := range res {
		if r.Status != want[i] {
			t.Errorf("record %d: %v, want %v", i, r.Status, want[i])
		}
	}
}

// The org's clock is an hour ahead: dates are compared by its clock.
func TestResendWithAnotherClock(t *testing.T) {
	f := newFake(t)
	f.clock = func() time.Time { return time.Now().Add(time.Hour) }
	w, _ := f.impatient(func(c *Config) { c.Now = time.Now })
	f.mu.Lock()
	f.records = append(f.records, map[string]any{
		"Id": "00Q000000000009AAA", "Ext__c": "k0", "CreatedById": fakeUser,
		"CreatedDate": time.Now().UTC().Add(30 * time.Minute).Format(dateTimeLayout),
	})
	f.mu.Unlock()
	req := leads(1, sink.Upsert)
	req.Records[0].Resend = true
	if res := write(t, w, req); res[0].Status != sink.Updated {
		t.Errorf("created half an hour before the run by the org's clock, yet %v", res[0].Status)
	}
}

// Our clock is set forward, or back, while a request is under way whose answer is lost, and between two tries at a
// run: what the run has created is told from what was there by the org's clock.
func TestClockIsSet(t *testing.T) {
	for _, jump := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
		for _, resend := range []bool{false, true} {
			f := newFake(t)
			f.mu.Lock()
			f.records = append(f.records, map[string]any{
				"Id": "00Q000000000009AAA", "Ext__c": "k0", "CreatedById": fakeUser,
				"CreatedDate": time.Now().UTC().Add(-time.Hour).Format(dateTimeLayout),
			})
			f.mu.Unlock()
			var set atomic.Int64
			now := func() time.Time { return time.Now().Add(time.Duration(set.Load())) }
			w, _ := f.impatient(func(c *Config) { c.Now = now })
			if resend { // a later try, after the jump
				began := w.c.Began()
				set.Store(int64(jump))
				w, _ = f.impatient(func(c *Config) { c.Now = now })
				w.c.Resumes(began)
			}
			lost := false
			f.after = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
				if lost || !strings.HasSuffix(r.URL.Path, "/composite") {
					return false
				}
				lost = true
				set.Store(int64(jump))
				panic(http.ErrAbortHandler)
			}
			req := leads(2, sink.Upsert)
			req.Records[0].Resend, req.Records[1].Resend = resend, resend
			if res := write(t, w, req); res[0].Status != sink.Updated || res[1].Status != sink.Created || !lost {
				t.Errorf("set by %v, resent %t: what was there is %v, what was not %v", jump, resend, res[0].Status, res[1].Status)
			}
		}
	}
}

// What certainly did not happen is sent again, creates too.
func TestNothingHappened(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"429": func(w http.ResponseWriter) { w.WriteHeader(429) },
		"503 json": func(w http.ResponseWriter) {
			reply(w, 503, orgError("SERVER_UNAVAILABLE", "server temporarily unavailable"))
		},
		"concurrency": func(w http.ResponseWriter) {
			reply(w, 403, orgError("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."))
		},
		"420": func(w http.ResponseWriter) { w.WriteHeader(420) },
		"expired": func(w http.ResponseWriter) {
			reply(w, 401, orgError("INVALID_SESSION_ID", "Session expired or invalid"))
		},
	} {
		f := newFake(t)
		w, waits := f.impatient(func(c *Config) {
			c.Auth = Auth{ClientID: "id", ClientSecret: "shh-secret", LoginURL: f.url}
		})
		refused := 0
		f.hook = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			if !strings.HasSuffix(r.URL.Path, "/composite") || refused == 1 {
				return false
			}
			refused++
			answer(w)
			return true
		}
		if got := tally(write(t, w, leads(300, sink.Create))); got["created"] != 300 || f.count() != 300 {
			t.Errorf("%s: %v, %d records", name, got, f.count())
		}
		if want := []time.Duration{500 * time.Millisecond}; name != "expired" && !cmp.Equal(*waits, want) {
			t.Errorf("%s: waits %v", name, *waits)
		}
		// Too much at once makes fewer; the bound grows back from one with the try that went well.
		if n := w.c.throttle.Limit(); (n == 2) != (name != "expired") {
			t.Errorf("%s: %d requests at once afterwards", name, n)
		}
	}
}

func TestBackoffAndItsEnd(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter)
		waits  []time.Duration
		class  sink.Class
		status sink.Status
	}{
		{
			"503", func(w http.ResponseWriter) { reply(w, 503, orgError("SERVER_UNAVAILABLE", "busy")) },
			[]time.Duration{500, 1000, 2000, 4000, 8000},
			sink.Network, sink.NotSent,
		},
		{
			"429 with Retry-After", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "3"); w.WriteHeader(429) },
			[]time.Duration{3000, 3000, 3000, 4000, 8000},
			sink.Later, sink.NotSent,
		},
		{
			"too long a Retry-After", func(w http.ResponseWriter) {
				w.Header().Set("Retry-After", "3600")
				w.WriteHeader(503)
				_, _ = w.Write([]byte(`[{"errorCode":"X"}]`))
			},
			nil, sink.Later, sink.NotSent,
		},
		{
			"a page that asks for too long a wait", func(w http.ResponseWriter) {
				w.Header().Set("Retry-After", "3600")
				w.WriteHeader(503)
				_, _ = w.Write([]byte("<html>maintenance</html>"))
			},
			nil, sink.Later, sink.Unknown,
		},
		{"lost for good", drop, []time.Duration{500, 1000, 2000, 4000, 8000}, sink.Network, sink.Unknown},
		{
			"daily limit", func(w http.ResponseWriter) {
				reply(w, 403, orgError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
			},
			nil, sink.Later, sink.NotSent,
		},
		{
			"maintenance", func(w http.ResponseWriter) {
				reply(w, 503, orgError("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "read only"))
			},
			nil, sink.Later, sink.NotSent,
		},
		{
			"no API", func(w http.ResponseWriter) {
				reply(w, 403, orgError("API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner"))
			},
			nil, sink.Auth, sink.NotSent,
		},
		{
			"version retired", func(w http.ResponseWriter) { reply(w, 410, orgError("UNSUPPORTED_API_VERSION", "gone")) },
			nil, sink.Config, sink.NotSent,
		},
		{
			"redirect", func(w http.ResponseWriter) {
				w.Header().Set("Location", "https://evil.example.com/x")
				w.WriteHeader(302)
			},
			nil, sink.Config, sink.NotSent,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			w, waits := f.impatient(nil)
			f.hook = func(w http.ResponseWriter, r *http.Request, _ int) bool {
				_, _ = io.Copy(io.Discard, r.Body) // the request has arrived
				c.answer(w)
				return true
			}
			res := make([]sink.Result, 700)
			err := w.Write(t.Context(), leads(700, sink.Upsert), res)
			var e *sink.Error
			if !errors.As(err, &e) || e.Class != c.class {
				t.Fatalf("error %v (%+v), want class %v", err, e, c.class)
			}
			want := make([]time.Duration, 0, len(c.waits))
			for _, d := range c.waits {
				want = append(want, d*time.Millisecond)
			}
			if len(*waits) != len(want) || (len(want) > 0 && !cmp.Equal(*waits, want)) {
				t.Errorf("waits %v, want %v", *waits, want)
			}
			for i, r := range res {
				if r.Status != c.status || r.Err == nil {
					t.Fatalf("record %d: %+v", i, r)
				}
			}
		})
	}
}

func TestConnectionRefused(t *testing.T) {
	f := newFake(t)
	w, waits := f.impatient(nil)
	w.c.base.Host = "127.0.0.1:1" // nobody listens there
	res := make([]sink.Result, 3)
	e := wantError(t, w.Write(t.Context(), leads(3, sink.Create), res), sink.Network, catalog.CodeUnreachable)
	if e.Lost || tally(res)["not sent"] != 3 || len(*waits) != 5 {
		t.Errorf("%+v, %v, %d waits", e, tally(res), len(*waits))
	}
}
