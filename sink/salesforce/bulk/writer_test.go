package bulk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce/transfer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// oneByOne makes the fake safe for the jobs of a writer, which run at the same time.
type oneByOne struct {
	mu sync.Mutex
	f  *fake
}

func (o *oneByOne) Transfer(ctx context.Context, r *transfer.Request) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.f.Transfer(ctx, r)
}

func (f *fake) writer() *Writer {
	jobs, _ := f.run()
	jobs.Org = &oneByOne{f: f}
	jobs.Now = time.Now
	jobs.Sleep = func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }
	return &Writer{Jobs: *jobs}
}

// mixed is a request of n records of each action.
func mixed(n int) *sink.Request {
	s := row.NewSchema(row.Column{Name: "Ext__c"}, row.Column{Name: "LastName"})
	wide := s.With(row.Column{Name: "Title"})
	req := &sink.Request{Target: &sink.Target{Object: "Lead", Key: "Ext__c", Fold: strings.ToLower}}
	for i := range 4 * n {
		b := row.New(s)
		if i%3 == 0 {
			b = row.New(wide) // records of one file have more columns from some row on
		}
		b.AddRow(1)
		b.Set(0, 0, row.Text, fmt.Sprintf("K%d", i))
		b.Set(0, 1, row.Text, fmt.Sprintf("Name %d", i))
		if i%3 == 0 {
			b.Set(0, 2, row.Text, fmt.Sprintf("Title %d", i))
		}
		act := []sink.Action{sink.Create, sink.Update, sink.Upsert, sink.Delete}[i%4]
		req.Records = append(req.Records, sink.Record{Batch: b, Action: act, ID: "00Q" + leftPad(i) + "AAA"})
	}
	return req
}

func left(t *testing.T, w *Writer) {
	t.Helper()
	files, err := os.ReadDir(w.Jobs.Dir)
	if err != nil || len(files) > 0 {
		t.Errorf("files are left: %v, %v", files, err)
	}
}

// A request of several actions is a job for each, with the columns of all its records.
func TestWriterMixed(t *testing.T) {
	f := &fake{t: t}
	f.outcome = func(c map[string]string) string {
		if strings.HasSuffix(c["LastName"], "7") {
			return "STRING_TOO_LONG:too long:LastName --"
		}
		if _, key := c["Ext__c"]; key && c["Id"] == "" {
			return "created"
		}
		return "ok"
	}
	w := f.writer()
	req := mixed(30)
	res := make([]sink.Result, len(req.Records))
	if err := w.Write(t.Context(), req, res); err != nil {
		t.Fatal(err)
	}
	for i, r := range res {
		want := []sink.Status{sink.Created, sink.Updated, sink.Created, sink.Deleted}[i%4]
		if i%10 == 7 && want != sink.Deleted {
			want = sink.Failed
		}
		if r.Status != want || (r.Err != nil) != (want == sink.Failed) {
			t.Errorf("record %d: %+v, want %s", i, r, want)
		}
	}
	if len(f.jobs) != 4 {
		t.Errorf("%d jobs", len(f.jobs))
	}
	for _, j := range f.jobs {
		if title := strings.Contains(j.data, "Title 12"); title != (j.spec["operation"] == "insert") {
			t.Errorf("the titles of a job to %s: %t", j.spec["operation"], title)
		}
	}
	left(t, w)
}

// Whatever stops a job, each record has a result, and those that were not sent say so.
func TestWriterErrors(t *testing.T) {
	why := errors.New("second signal")
	for _, c := range []struct {
		name  string
		fake  fake
		ctx   func(context.Context) context.Context
		class sink.Class // of the error; Permanent: there is none
		want  sink.Status
	}{
		{"the object is not there", fake{trouble: func(_, method, _ string) error {
			if method == "POST" {
				return refused("INVALIDENTITY", "no such object")
			}
			return nil
		}}, nil, sink.Config, sink.NotSent},
		{"a column is not there", fake{ends: Failed, message: "InvalidBatch : Field name not found : X", outcome: func(map[string]string) string { return "unprocessed" }}, nil, sink.Config, sink.NotSent},
		{"locks", fake{ends: Failed, message: "TooManyLockFailure : x", outcome: func(map[string]string) string { return "unprocessed" }}, nil, sink.Permanent, sink.NotSent},
		{"a result that nobody recorded", fake{outcome: func(map[string]string) string { return "none" }}, nil, sink.Permanent, sink.Unknown},
		{"no results", fake{trouble: func(_, _, path string) error {
			if strings.HasSuffix(path, "Results") {
				return lost()
			}
			return nil
		}}, nil, sink.Network, sink.Unknown},
		{"the end", fake{}, func(ctx context.Context) context.Context {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(why)
			return ctx
		}, sink.Network, sink.NotSent},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.fake.t = t
			w := c.fake.writer()
			ctx := t.Context()
			if c.ctx != nil {
				ctx = c.ctx(ctx)
			}
			req := mixed(3)
			res := make([]sink.Result, len(req.Records))
			err := w.Write(ctx, req, res)
			var e *sink.Error
			switch {
			case c.ctx != nil && !errors.Is(err, why), c.class == sink.Permanent && err != nil,
				c.ctx == nil && c.class != sink.Permanent && (!errors.As(err, &e) || e.Class != c.class):
				t.Errorf("the error is %v", err)
			}
			for i, r := range res {
				if r.Status != c.want || r.Err == nil {
					t.Errorf("record %d: %+v", i, r)
				}
			}
			left(t, w)
		})
	}
}

// Where only the job can tell what became of its records the run stops, though the error be one that another try gets
// over: the records would go to another job, or count as lost for good.
func TestWriterStopsUndecided(t *testing.T) {
	busy := func(lost bool) error {
		return &sink.Error{Class: sink.Retry, Code: "REQUEST_RUNNING_TOO_LONG", Lost: lost}
	}
	for _, c := range []struct {
		name    string
		ends    State
		trouble func(method, path string) error
	}{
		{"the end of the upload is lost, and the state is not told", JobComplete, func(method, path string) error {
			switch {
			case method == http.MethodPatch:
				return busy(true)
			case method == http.MethodGet:
				return busy(false)
			}
			return nil
		}},
		{"no poll is answered", JobComplete, func(method, path string) error {
			if method == http.MethodGet {
				return busy(false)
			}
			return nil
		}},
		{"it has failed for locks, and the results cannot be read", Failed, func(method, path string) error {
			if strings.HasSuffix(path, "Results") {
				return lost()
			}
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{t: t, ends: c.ends, message: "TooManyLockFailure : too many"}
			f.trouble = func(when, method, path string) error {
				if when == "before" {
					return nil
				}
				return c.trouble(method, path)
			}
			req := mixed(1)
			req.Records = req.Records[:1] // a create
			res := make([]sink.Result, 1)
			err := f.writer().Write(t.Context(), req, res)
			var e *sink.Error
			if !errors.As(err, &e) || e.Class != sink.Network || res[0].Status != sink.Unknown {
				t.Errorf("%s, %v", res[0].Status, err)
			}
		})
	}
}

func TestWriterRefuses(t *testing.T) {
	f := &fake{t: t}
	w := f.writer()
	req := mixed(1)
	req.Records[0].Action = sink.Publish
	res := make([]sink.Result, 4)
	var e *sink.Error
	if err := w.Write(t.Context(), req, res); !errors.As(err, &e) || e.Class != sink.Config || res[0].Status != sink.NotSent || res[1].Status == sink.NotSent {
		t.Errorf("an event: %v, %+v", err, res)
	}
	req = mixed(1)
	req.Target.UpdateOnly = true
	f.calls = nil
	if err := w.Write(t.Context(), req, res); !errors.As(err, &e) || e.Class != sink.Config || len(f.calls) > 0 || res[1].Status != sink.NotSent {
		t.Errorf("an upsert that must not create: %v, %+v, %v", err, res, f.calls)
	}
	if err := w.Write(t.Context(), mixed(1), nil); err == nil {
		t.Error("no room for results")
	}
	if err := w.Write(t.Context(), &sink.Request{Target: req.Target}, nil); err != nil {
		t.Errorf("an empty request: %v", err)
	}
	req = mixed(1)
	req.Target.Key, req.Target.KeyColumn = "Id", 0
	req.Records = req.Records[2:3]
	req.Records[0].ID = ""
	req.Records[0].Batch.Set(0, 0, row.Text, " 00Q000000000009AAA ")
	if err := w.Write(t.Context(), req, res[:1]); err != nil || res[0].Status != sink.Updated || res[0].ID != "00Q000000000009AAA" {
		t.Errorf("an upsert by id: %v, %+v", err, res[0])
	}
}

// The id of a parent is a column beside its key only where a record clears the relationship.
func TestWriterClearsParents(t *testing.T) {
	s := row.NewSchema(row.Column{Name: "Ext__c"}, row.Column{Name: "Account.ERP__c"}, row.Column{Name: "Boss__r.Ext__c"})
	for _, c := range []struct {
		name   string
		parent func(b *row.Batch)
		want   string
	}{
		{"set", func(b *row.Batch) { b.Set(1, 1, row.Text, "A2") }, "Ext__c,Account.ERP__c,Boss__r.Ext__c\nk0,A1,\nk1,A2,\n"},
		{"absent", func(*row.Batch) {}, "Ext__c,Account.ERP__c,Boss__r.Ext__c\nk0,A1,\nk1,,\n"},
		{"cleared", func(b *row.Batch) { b.Set(1, 1, row.Null, "") }, "Ext__c,Account.ERP__c,Boss__r.Ext__c,AccountId\nk0,A1,,\nk1,,,#N/A\n"},
	} {
		f := &fake{t: t}
		w := f.writer()
		b := row.New(s)
		req := &sink.Request{Target: &sink.Target{Object: "Contact", Key: "Ext__c"}}
		for i := range 2 {
			b.AddRow(int64(i + 1))
			b.Set(i, 0, row.Text, fmt.Sprint("k", i))
			req.Records = append(req.Records, sink.Record{Batch: b, Row: i, Action: sink.Upsert})
		}
		b.Set(0, 1, row.Text, "A1")
		c.parent(b)
		if err := w.Write(t.Context(), req, make([]sink.Result, 2)); err != nil {
			t.Fatal(err)
		}
		if got := f.jobs[0].data; got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}
