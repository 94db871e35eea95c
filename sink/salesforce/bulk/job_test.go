package bulk

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// Every record gets the outcome that its own row tells of, whatever the order.
func TestResultsAreJoinedByKey(t *testing.T) {
	f := &fake{t: t, outcome: func(c map[string]string) string {
		switch {
		case strings.HasSuffix(c["Ext__c"], "1"):
			return "ok"
		case strings.HasSuffix(c["Ext__c"], "2"):
			return "REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --"
		case strings.HasSuffix(c["Ext__c"], "3"):
			return "none"
		case strings.HasSuffix(c["Ext__c"], "4"):
			return "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--"
		}
		return "created"
	}}
	jobs, _ := f.run()
	var opened []string
	jobs.Opened = func(id string) error { opened = append(opened, id); return nil }
	file := upserts(t, 500)
	res, err := collect(t, t.Context(), jobs, file)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range res {
		want, code, class := sink.Created, "", sink.Permanent
		switch i % 10 {
		case 1:
			want = sink.Updated
		case 2:
			want, code = sink.Failed, "REQUIRED_FIELD_MISSING"
		case 3:
			want, code, class = sink.Unknown, catalog.CodeNoResult, sink.Network
		case 4:
			want, code, class = sink.Failed, "UNABLE_TO_LOCK_ROW", sink.Retry
		}
		if r.Status != want || (code != "") != (r.Err != nil) || r.Err != nil && (r.Err.Code != code || r.Err.Class != class) {
			t.Fatalf("record %d: %+v", i, r)
		}
		if code == "" && r.ID != "00Q"+leftPad(i)+"AAA" {
			t.Fatalf("record %d has the id %s", i, r.ID)
		}
	}
	if d := cmp.Diff(map[string]string{
		"object": "Lead", "operation": "upsert", "externalIdFieldName": "Ext__c", "contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF",
	}, f.jobs[0].spec); d != "" {
		t.Errorf("the job (-want +got):\n%s", d)
	}
	if len(opened) != 1 || opened[0] != f.jobs[0].id {
		t.Errorf("told of %v", opened)
	}
	if want := []string{"POST", "PUT", "PATCH", "GET", "GET", "GET", "GET"}; len(f.calls) != len(want) {
		t.Errorf("calls %v", f.calls)
	}
	left, err := os.ReadDir(jobs.Dir)
	if err != nil || len(left) > 0 {
		t.Errorf("results are left on disk: %v, %v", left, err)
	}
}

func leftPad(n int) string {
	s := "000000000000"
	d := []byte(s)
	for i := len(d) - 1; n > 0; i-- {
		d[i] = byte('0' + n%10)
		n /= 10
	}
	return string(d)
}

// What gets lost before a job is closed is done again in another one; afterwards the job's own state
// tells what happened.
func TestLostAnswers(t *testing.T) {
	for _, c := range []struct {
		name         string
		when, method string
		times        int
		jobs         int
		want         sink.Status
		failed       bool
		err          error
	}{
		{"the upload, before", "before", "PUT", 1, 2, sink.Created, false, lost()},
		{"the upload, after", "after", "PUT", 1, 2, sink.Created, false, lost()},
		{"the upload, for good", "before", "PUT", 9, uploads, sink.NotSent, true, lost()},
		{"the end of the upload, before", "before", "PATCH", 1, 1, sink.Created, false, lost()},
		{"the end of the upload, after", "after", "PATCH", 1, 1, sink.Created, false, lost()},
		{"the end of the upload, for good", "before", "PATCH", closings, 1, sink.NotSent, true, lost()},
		{"the end of the upload, and that it is not to be", "before", "PATCH", closings + 1, 1, sink.Unknown, true, lost()},
		{"the end of the upload, which had come", "after", "PATCH", 1, 1, sink.Created, false, refused("INVALIDJOBSTATE", "the job is UploadComplete")},
		{"the end of the upload, refused", "before", "PATCH", 9, 1, sink.NotSent, true, refused("INVALIDJOBSTATE", "no")},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			f := &fake{t: t, trouble: func(when, method, _ string) error {
				if when != c.when || method != c.method || n >= c.times {
					return nil
				}
				n++
				return c.err
			}}
			jobs, _ := f.run()
			res, err := collect(t, t.Context(), jobs, upserts(t, 10))
			if (err != nil) != c.failed {
				t.Errorf("error %v", err)
			}
			for i, r := range res {
				if r.Status != c.want {
					t.Fatalf("record %d: %+v", i, r)
				}
			}
			if len(f.jobs) != c.jobs {
				t.Errorf("%d jobs", len(f.jobs))
			}
			for _, j := range f.jobs[:len(f.jobs)-1] {
				if j.state != Aborted {
					t.Errorf("job %s is %s", j.id, j.state)
				}
			}
		})
	}
}

// An answer that got lost is not forgotten when the org then takes nothing more: what was sent may be on its way still.
func TestLostAndThenRefused(t *testing.T) {
	for _, class := range []sink.Class{sink.Network, sink.Later} {
		n := 0
		f := &fake{t: t, trouble: func(when, method, _ string) error {
			if when != "before" || method != http.MethodPatch {
				return nil
			}
			if n++; n == 1 {
				return lost()
			}
			return &sink.Error{Class: class, Code: "NO"}
		}}
		jobs, _ := f.run()
		res, err := collect(t, t.Context(), jobs, upserts(t, 1))
		if e := (*sink.Error)(nil); !errors.As(err, &e) || e.Class != class || res[0].Status != sink.Unknown {
			t.Errorf("%v: %v, %+v", class, err, res[0])
		}
	}
}

// Of a job that may have been closed nothing is known; its id is enough to find out later.
func TestResume(t *testing.T) {
	off := true
	f := &fake{t: t, trouble: func(_, method, _ string) error {
		if off && method == "GET" {
			return &sink.Error{Class: sink.Network, Code: "UNREACHABLE"}
		}
		return nil
	}}
	jobs, _ := f.run()
	file := upserts(t, 10)
	res, err := collect(t, t.Context(), jobs, file)
	if err == nil || res[0].Status != sink.Unknown || res[0].Err == nil {
		t.Fatalf("%+v, %v", res[0], err)
	}
	off = false
	again := upserts(t, 10) // a later process makes the same file
	n := 0
	if err := jobs.Resume(t.Context(), again, f.jobs[0].id, func(_ int, r sink.Result) {
		if n++; r.Status != sink.Created {
			t.Errorf("%+v", r)
		}
	}); err != nil || n != 10 {
		t.Errorf("%d results, %v", n, err)
	}
	if err := jobs.Resume(t.Context(), again, "../../sobjects", func(_ int, r sink.Result) {
		if r.Status != sink.Unknown {
			t.Errorf("%+v", r)
		}
	}); err == nil {
		t.Error("an id that is none was taken")
	}
}

// Jobs that do not complete keep what they have written, and say why.
func TestJobsThatDoNotComplete(t *testing.T) {
	for _, c := range []struct {
		ends    State
		message string
		class   sink.Class
		code    string
	}{
		{Failed, "InvalidBatch : Field name not found : Nope__c", sink.Config, "InvalidBatch"},
		{Failed, "TooManyLockFailure : Too many lock failure", sink.Retry, "TooManyLockFailure"},
		{Failed, "ExceededQuota : no more", sink.Later, "ExceededQuota"},
		{Failed, "Unknown : Unknown exception occurred.", sink.Retry, "Unknown"},
		{Failed, "the org is in a bad mood", sink.Later, "JOB_FAILED"},
		{Failed, "", sink.Later, "JOB_FAILED"},
		{Aborted, "", sink.Later, "JOB_ABORTED"},
	} {
		f := &fake{t: t, ends: c.ends, message: c.message, outcome: func(c map[string]string) string {
			if c["Ext__c"] == "K1" {
				return "created"
			}
			return "unprocessed"
		}}
		jobs, _ := f.run()
		res, err := collect(t, t.Context(), jobs, upserts(t, 3))
		var e *sink.Error
		if !errors.As(err, &e) || e.Class != c.class || e.Code != c.code || e.Message == "" {
			t.Errorf("%s %q: %v", c.ends, c.message, err)
		}
		if res[1].Status != sink.Created || res[0].Status != sink.NotSent || res[2].Err == nil {
			t.Errorf("%s %q: %+v", c.ends, c.message, res)
		}
	}
}

// Polls come soon at first and then as a job's progress lets expect: few of them, and no long wait
// after its end.
func TestPolls(t *testing.T) {
	for _, c := range []struct {
		name string
		took time.Duration
		most int
		late time.Duration
	}{
		{"a small job", time.Second, 2, 2 * time.Second},
		{"100,000 records", 2 * time.Minute, 14, 10 * time.Second},
		{"a long one", 2 * time.Hour, 75, 10 * time.Second},
	} {
		f := &fake{t: t}
		jobs, clk := f.run()
		start := clk.now
		f.outcome = func(map[string]string) string { return "created" }
		f.polls = 1 << 30
		f.progress = func(int) int64 {
			done := clk.now.Sub(start)
			if done >= c.took {
				f.polls = 0
			}
			return int64(1000 * min(1, float64(done)/float64(c.took)))
		}
		jobs.Rand = func() float64 { return 0.5 }
		if _, err := collect(t, t.Context(), jobs, upserts(t, 1000)); err != nil {
			t.Fatal(err)
		}
		if n := len(clk.slept); n > c.most {
			t.Errorf("%s: %d polls", c.name, n)
		}
		if late := clk.now.Sub(start) - c.took; late > c.late {
			t.Errorf("%s: seen %v after its end", c.name, late)
		}
		t.Logf("%s: %d polls, seen %v after its end", c.name, len(clk.slept), clk.now.Sub(start)-c.took)
	}
}

func TestPatienceAndContext(t *testing.T) {
	f := &fake{t: t, polls: 1 << 30}
	jobs, clk := f.run()
	start := clk.now
	jobs.Patience = time.Hour
	res, err := collect(t, t.Context(), jobs, upserts(t, 2))
	var e *sink.Error
	if !errors.As(err, &e) || e.Class != sink.Later || e.Code != catalog.CodeUnfinished || res[0].Status != sink.Unknown {
		t.Errorf("%v, %+v", err, res[0])
	}
	if took := clk.now.Sub(start); took < time.Hour || took > time.Hour+time.Minute {
		t.Errorf("gave up after %v", took)
	}

	why := errors.New("second signal")
	ctx, cancel := context.WithCancelCause(t.Context())
	sleep := jobs.Sleep
	jobs.Sleep = func(ctx context.Context, d time.Duration) error { cancel(why); return sleep(ctx, d) }
	if res, err = collect(t, ctx, jobs, upserts(t, 2)); !errors.Is(err, why) || res[1].Status != sink.Unknown || res[1].Err == nil {
		t.Errorf("%v, %+v", err, res[1])
	}
	if res, err = collect(t, ctx, jobs, upserts(t, 2)); !errors.Is(err, why) || res[1].Status != sink.NotSent {
		t.Errorf("%v, %+v", err, res[1])
	}
	// Cut off while it is told that the upload is complete, a job may have been closed: only its id tells.
	ctx, cancel = context.WithCancelCause(t.Context())
	f.trouble = func(when, method, _ string) error {
		if when == "after" && method == http.MethodPatch {
			cancel(why)
		}
		return context.Cause(ctx)
	}
	if res, err = collect(t, ctx, jobs, upserts(t, 2)); !errors.Is(err, why) || res[1].Status != sink.Unknown || res[1].Err == nil {
		t.Errorf("%v, %+v", err, res[1])
	}
	f.trouble = nil
	jobs.Opened = func(string) error { return why }
	if res, err = collect(t, t.Context(), jobs, upserts(t, 2)); !errors.Is(err, why) || res[1].Status != sink.NotSent {
		t.Errorf("%v, %+v", err, res[1])
	}
	calls := len(f.calls)
	if err := jobs.Run(t.Context(), upserts(t, 0), nil); err != nil || len(f.calls) != calls {
		t.Errorf("an empty file: %v, %v", err, f.calls[calls:])
	}
}
