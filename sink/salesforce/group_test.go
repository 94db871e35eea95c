package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// An error of one group leaves the other groups alone.
func TestGroupErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		code   string
		times  int
		want   map[string]int
		calls  int
		err    sink.Class // 0: none
	}{
		{"locked for a moment", 400, "UNABLE_TO_LOCK_ROW", 2, map[string]int{"created": 600}, 3, 0},
		{"locked for long", 400, "UNABLE_TO_LOCK_ROW", 100, map[string]int{"created": 400, "failed": 200}, 6, 0},
		{"busy", 503, "SERVER_UNAVAILABLE", 1, map[string]int{"created": 600}, 2, 0},
		{"unexpected", 500, "UNKNOWN_EXCEPTION", 1, map[string]int{"created": 600}, 2, 0},
		{"out of storage", 400, "STORAGE_LIMIT_EXCEEDED", 100, map[string]int{"created": 400, "not sent": 200}, 1, sink.Later},
		{"forbidden", 403, "INSUFFICIENT_ACCESS", 100, map[string]int{"created": 400, "not sent": 200}, 1, sink.Auth},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			w, _ := f.impatient(nil)
			n := 0
			f.sub = func(_, _ string, body json.RawMessage) (int, any, bool) {
				if n >= c.times || !strings.Contains(string(body), `"k250"`) {
					return 0, nil, false
				}
				n++
				return c.status, orgError(c.code, "as asked"), true
			}
			res := make([]sink.Result, 600)
			err := w.Write(t.Context(), leads(600, sink.Upsert), res)
			var e *sink.Error
			if errors.As(err, &e) != (c.err != 0) || (e != nil && e.Class != c.err) {
				t.Errorf("error %v", err)
			}
			if d := cmp.Diff(c.want, tally(res)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if calls := f.counted(); len(calls) != c.calls {
				t.Errorf("%d calls, want %d", len(calls), c.calls)
			}
			if c.name == "locked for long" && res[250].Err.Class != sink.Retry {
				t.Errorf("class %v", res[250].Err.Class)
			}
		})
	}
}

func TestRowClasses(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	codes := []string{"UNABLE_TO_LOCK_ROW", "DUPLICATE_VALUE", "NOBODY_KNOWS_THIS", "INVALID_FIELD", "NOT_FOUND", "INSUFFICIENT_ACCESS"}
	classes := []sink.Class{sink.Retry, sink.Permanent, sink.Permanent, sink.Permanent, sink.Permanent, sink.Permanent}
	req := leads(len(codes), sink.Upsert)
	for i, c := range codes {
		set(req, i, 1, "row:"+c)
	}
	for i, r := range write(t, w, req) {
		if r.Status != sink.Failed || r.Err.Class != classes[i] || r.Err.Code != codes[i] {
			t.Errorf("%s: %v %+v", codes[i], r.Status, r.Err)
		}
	}
	if n := w.c.throttle.Limit(); n != 1 {
		t.Errorf("%d requests at once after a lock in the only one there was", n)
	}
	// One that means the whole org stops the run; its record can go later.
	req = leads(3, sink.Upsert)
	set(req, 1, 1, "row:STORAGE_LIMIT_EXCEEDED")
	res := make([]sink.Result, 3)
	wantError(t, w.Write(t.Context(), req, res), sink.Later, "STORAGE_LIMIT_EXCEEDED")
	if got := tally(res); got["created"] != 2 || res[1].Status != sink.NotSent {
		t.Errorf("%v", got)
	}
}

func TestTooHeavy(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	most := 120 // records a request the org copes with
	f.hook = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.Header.Get("Content-Type") != "" && r.ContentLength > int64(most*110) {
			reply(w, 413, orgError("TOO_LARGE", "too large"))
			return true
		}
		return false
	}
	if got := tally(write(t, w, leads(1000, sink.Create))); got["created"] != 1000 || f.count() != 1000 {
		t.Errorf("%v, %d records", got, f.count())
	}
	if got := w.Limits(); got.Records != 50 {
		t.Errorf("limits %+v", got)
	}
	// Larger requests are tried again after a while.
	f.hook = nil
	for range 2 * growAfter {
		write(t, w, leads(1, sink.Upsert))
	}
	if got := w.Limits(); got.Records != 1000 {
		t.Errorf("limits %+v", got)
	}

	// One record that is too heavy alone fails, and the smallest shape is not the end.
	f = newFake(t)
	w, _ = f.impatient(nil)
	f.sub = func(_, _ string, body json.RawMessage) (int, any, bool) {
		if strings.Contains(string(body), `"k7"`) {
			return 400, orgError("TOO_MANY_APEX_REQUESTS", "as asked"), true
		}
		return 0, nil, false
	}
	res := write(t, w, leads(300, sink.Upsert))
	if got := tally(res); got["created"] != 299 || res[7].Status != sink.Failed || res[7].Err.Class != sink.Retry {
		t.Errorf("%v, %v", got, res[7])
	}
}

// An answer that does not fit the request leaves its records unknown, and only them.
func TestWrongNumberOfResults(t *testing.T) {
	good := map[string]any{"id": "00Q000000000001AAA", "success": true, "errors": []any{}, "created": true}
	for name, answer := range map[string][]any{"fewer": {good}, "more": {good, good, good, good}, "none": {}} {
		f := newFake(t)
		w, _ := f.impatient(nil)
		f.sub = func(method, _ string, _ json.RawMessage) (int, any, bool) { return 200, answer, method == "PATCH" }
		req := leads(6, sink.Upsert)
		for i := 3; i < 6; i++ {
			req.Records[i].Action = sink.Create
		}
		res := write(t, w, req)
		if got := tally(res); got["unknown"] != 3 || got["created"] != 3 {
			t.Errorf("%s: %v", name, got)
		}
		if res[0].ID != "" || res[0].Err == nil {
			t.Errorf("%s: %+v", name, res[0])
		}
	}
}

func TestContextEndsUnderWay(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	why := errors.New("second signal")
	ctx, cancel := context.WithCancelCause(t.Context())
	f.hook = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel(why)
		<-r.Context().Done()
		return true
	}
	res := make([]sink.Result, 3)
	if err := w.Write(ctx, leads(3, sink.Upsert), res); !errors.Is(err, why) {
		t.Fatalf("error %v", err)
	}
	if got := tally(res); got["unknown"] != 3 {
		t.Errorf("%v", got)
	}
}

func TestUpdateOnly(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	req := leads(2, sink.Upsert)
	req.Target.UpdateOnly = true
	res := make([]sink.Result, 2)
	wantError(t, w.Write(t.Context(), req, res), sink.Config, catalog.CodeNoLookup)
	if got := tally(res); got["not sent"] != 2 || len(f.counted()) != 0 {
		t.Errorf("%v", got)
	}
}

func TestRecordsThatLackTheirKey(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	req := leads(4, sink.Upsert)
	set(req, 0, 0, "")
	req.Records[1].Batch.SetKind(1, 0, row.Null)
	req.Records[2].Action = sink.Update
	res := write(t, w, req)
	for i, code := range []string{"MISSING_ARGUMENT", "MISSING_ARGUMENT", catalog.CodeNoID} {
		if res[i].Status != sink.Failed || res[i].Err.Code != code {
			t.Errorf("record %d: %+v", i, res[i])
		}
	}
	if res[3].Status != sink.Created {
		t.Errorf("record 3: %+v", res[3])
	}
}

// Text that looks like a reference to another subrequest's answer goes by another way.
func TestReferencesInTexts(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	req := leads(500, sink.Upsert)
	for _, i := range []int{0, 100, 101, 350} {
		set(req, i, 3, "@{r0.body.id}")
	}
	set(req, 101, 1, "refuse")
	set(req, 102, 3, "\xff")
	req.Records[350].Action = sink.Create
	res := write(t, w, req)
	if got := tally(res); got["created"] != 498 || res[101].Status != sink.Failed || res[102].Err.Code != catalog.CodeValue {
		t.Errorf("%v, %v, %v", got, res[101], res[102])
	}
	if got := f.find("Ext__c", "k100"); len(got) != 1 || got[0]["Title"] != "@{r0.body.id}" {
		t.Errorf("%v", got)
	}
	// All groups in one call, the upserts taken out of them, and the created record.
	if calls := f.counted(); len(calls) != 3 {
		t.Errorf("%d calls: %v", len(calls), calls)
	}
	// One that is refused as a whole is split like any other.
	req = leads(50, sink.Upsert)
	for i := range 50 {
		set(req, i, 3, "@{r0.body.id}")
	}
	set(req, 7, 1, "poison")
	if got := tally(write(t, w, req)); got["updated"] != 49 || got["failed"] != 1 {
		t.Errorf("%v", got)
	}
}
