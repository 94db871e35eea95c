package bulk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sfsync/sink"
)

// inserts is a request of n records to be created, some of which are alike.
func inserts(n int) *sink.Request {
	req := mixed(n)
	req.Records = slices.DeleteFunc(req.Records, func(r sink.Record) bool { return r.Action != sink.Create })
	for i := range req.Records {
		req.Records[i].ID = ""
	}
	return req
}

// TestWriterResumes cuts a request off where it waits for its job, and asks another writer for the results: they
// are those of the records that it was told of before the upload, whatever their order, and of none twice.
func TestWriterResumes(t *testing.T) {
	for _, c := range []struct {
		name  string
		ends  State
		fates []string
		want  string // of each record
	}{
		{"complete", JobComplete, []string{"created", "UNABLE_TO_LOCK_ROW:busy:--", "created", "none"}, "created failed created unknown"},
		{"failed on the way", Failed, []string{"created", "unprocessed", "unprocessed", "none"}, "created not sent not sent unknown"},
		{"aborted by somebody", Aborted, []string{"created", "unprocessed", "created", "created"}, "created not sent created created"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{t: t, ends: c.ends, fates: c.fates, message: "Timeout : too slow"}
			w := f.writer()
			req := inserts(len(c.fates))
			cut := errors.New("cut off")
			var id string
			var told []int
			req.Opened = func(job string, records []int) error {
				if len(f.jobs) != 1 || f.jobs[0].data != "" {
					t.Error("told after the upload")
				}
				id, told = job, slices.Clone(records)
				return nil
			}
			f.trouble = func(when, method, path string) error {
				if when == "before" && method == "GET" {
					return cut
				}
				return nil
			}
			results := make([]sink.Result, len(req.Records))
			if err := w.Write(t.Context(), req, results); !errors.Is(err, cut) {
				t.Fatal(err)
			}
			if len(told) != len(req.Records) {
				t.Fatalf("told of %v", told)
			}
			f.trouble = nil
			again := f.writer()
			if never, err := again.Settle(t.Context(), []string{id}); err != nil || len(never) > 0 {
				t.Fatal(never, err)
			}
			later := inserts(len(c.fates))
			slices.Reverse(later.Records)
			later.Opened = func(string, []int) error { t.Error("another job"); return nil }
			if err := again.Resume(t.Context(), id, later, results); err != nil {
				t.Fatal(err)
			}
			slices.Reverse(results)
			got := make([]string, len(results))
			for i, r := range results {
				got[i] = r.Status.String()
				if r.Status == sink.Created && r.ID != fmt.Sprintf("00Q%012dAAA", i) {
					t.Errorf("record %d got the id %s", i, r.ID)
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s, want %s", s, c.want)
			}
			left(t, again)
		})
	}
}

// A job that was not closed is given up; one that the org has forgotten, or that did something else with the
// records than would be done now, tells nothing.
func TestWriterSettles(t *testing.T) {
	f := &fake{t: t}
	w := f.writer()
	id, err := w.Jobs.create(t.Context(), &Spec{Object: "Lead", Action: sink.Upsert, Key: "Ext__c"})
	if err != nil {
		t.Fatal(err)
	}
	const gone = "750000000000009AAA"
	never, err := w.Settle(t.Context(), []string{gone, id})
	if err != nil || len(never) != 1 || never[0] != id || f.jobs[0].state != Aborted {
		t.Fatalf("%v %v, job %s", never, err, f.jobs[0].state)
	}
	if never, err = w.Settle(t.Context(), []string{id}); err != nil || len(never) > 0 {
		t.Errorf("%v %v", never, err)
	}
	req := inserts(2)
	for _, job := range []string{gone, id} {
		results := []sink.Result{{Status: sink.Created}, {Status: sink.Created}}
		if err := w.Resume(t.Context(), job, req, results); err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if r.Status != sink.Unknown || r.Err == nil || !r.Err.Lost {
				t.Errorf("%s: record %d: %v %v", job, i, r.Status, r.Err)
			}
		}
	}
}

// Options that the Bulk API has no word for are refused before anything is sent.
func TestWriterRefusesOptions(t *testing.T) {
	for _, o := range []sink.Options{{AssignmentRule: "default"}, {AllowDuplicates: true}, {AllOrNone: true}, {UpdateMRU: "true"}} {
		f := &fake{t: t}
		req := inserts(1)
		req.Target.Options = o
		err := f.writer().Write(t.Context(), req, make([]sink.Result, 1))
		var e *sink.Error
		if !errors.As(err, &e) || e.Class != sink.Config || len(f.calls) > 0 {
			t.Errorf("%+v: %v, %v", o, err, f.calls)
		}
	}
	if why := Refuses(&sink.Options{AssignmentRule: "01Q000000000001AAA"}); why != "" {
		t.Error(why)
	}
}
