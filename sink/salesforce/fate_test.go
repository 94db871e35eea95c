package salesforce

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/sink"
)

// Records of an all_or_none target are written together or not at all, also where one of them was only locked:
// it goes again with the others, and none goes again if one can never be written.
func TestAllOrNoneSharesOneFate(t *testing.T) {
	for _, c := range []struct {
		name   string
		codes  map[int]string // what the first answer says of single records
		always bool           // and all that follow
		want   string
		class  sink.Class
		calls  int
		stops  bool
	}{
		{name: "refused", codes: map[int]string{1: "STRING_TOO_LONG"}, want: "map[failed:4]", calls: 1},
		{name: "locked", codes: map[int]string{1: "UNABLE_TO_LOCK_ROW"}, want: "map[created:4]", calls: 2},
		{name: "locked and refused", codes: map[int]string{0: "UNABLE_TO_LOCK_ROW", 2: "STRING_TOO_LONG"}, want: "map[failed:4]", calls: 1},
		{name: "locked for long", codes: map[int]string{1: "UNABLE_TO_LOCK_ROW"}, always: true, want: "map[failed:4]", class: sink.Retry, calls: 6},
		{name: "no room", codes: map[int]string{3: "STORAGE_LIMIT_EXCEEDED"}, want: "map[not sent:4]", class: sink.Later, calls: 1, stops: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			w, _ := f.impatient(nil)
			calls := 0
			f.sub = func(_, _ string, body json.RawMessage) (int, any, bool) {
				if calls++; !strings.Contains(string(body), `"allOrNone":true`) {
					t.Errorf("sent as %.60s", body)
				}
				var answer []any
				for i := range 4 {
					code := c.codes[i]
					if code == "" {
						code = rolledBack
					}
					answer = append(answer, rowError(code, "as asked"))
				}
				return 200, answer, calls == 1 || c.always
			}
			req := leads(4, sink.Upsert)
			req.Target.Options.AllOrNone = true
			res := make([]sink.Result, 4)
			err := w.Write(t.Context(), req, res)
			if (err != nil) != c.stops || fmt.Sprint(tally(res)) != c.want || calls != c.calls {
				t.Errorf("%v after %d calls, %v", tally(res), calls, err)
			}
			for i, r := range res {
				if r.Err != nil && r.Err.Class != c.class {
					t.Errorf("record %d: %v, class %v", i, r.Err, r.Err.Class)
				}
			}
		})
	}
}

// A record whose text must not be in a composite call takes the others of its collection along, and they go again together, too.
func TestAllOrNoneOutOfComposite(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	var sizes []int
	f.hook = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if sizes = append(sizes, bytes.Count(body, []byte(`"attributes"`))); len(sizes) > 1 {
			return false
		}
		reply(w, 200, []any{rowError(rolledBack, "as asked"), rowError("UNABLE_TO_LOCK_ROW", "as asked"), rowError(rolledBack, "as asked")})
		return true
	}
	req := leads(4, sink.Upsert)
	req.Target.Options.AllOrNone = true
	set(req, 0, 3, "\xff")
	set(req, 2, 3, "@{r0.body.id}")
	res := write(t, w, req)
	if d := cmp.Diff([]int{3, 3}, sizes); d != "" || fmt.Sprint(tally(res)) != "map[created:3 failed:1]" || res[0].Status != sink.Failed {
		t.Errorf("%v, records a request (-want +got):\n%s", tally(res), d)
	}
}

// An answer that says nothing of the records is no word that nothing was written, with all_or_none either: none of them
// is created twice for it, and none is said not to have been sent.
func TestAllOrNoneWithoutOutcomes(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	calls := 0
	f.sub = func(string, string, json.RawMessage) (int, any, bool) {
		calls++
		return 200, []any{nil, nil, nil}, true
	}
	req := leads(3, sink.Create)
	req.Target.Options.AllOrNone = true
	res := make([]sink.Result, 3)
	if err := w.Write(t.Context(), req, res); err != nil || tally(res)["unknown"] != 3 || calls != 1 {
		t.Errorf("%v after %d calls, %v", tally(res), calls, err)
	}
}

// Of creates and events whose answers are lost nobody knows what became. An org that answers nothing any more gets
// no more of them than one request, and one whose writing alone is without answers gets three.
func TestNothingIsFedToSilence(t *testing.T) {
	for _, c := range []struct {
		name   string
		silent func(*http.Request) bool
		lost   int
	}{
		{"no answers", func(*http.Request) bool { return true }, 1},
		{"no answers to writes", func(r *http.Request) bool { return r.Method == http.MethodPost }, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			w, _ := f.impatient(nil)
			f.hook = func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if c.silent(r) {
					w.WriteHeader(http.StatusServiceUnavailable)
					_, _ = w.Write([]byte("<html>maintenance</html>"))
				}
				return c.silent(r)
			}
			unknown := 0
			var stopped error
			for range 10 {
				res := make([]sink.Result, 3)
				err := w.Write(t.Context(), leads(3, sink.Create), res)
				unknown += tally(res)["unknown"]
				if err != nil {
					stopped = err
					if res[0].Status == sink.Unknown && c.lost == 1 {
						t.Errorf("the last one: %v", tally(res))
					}
					break
				}
			}
			if unknown != 3*c.lost {
				t.Errorf("%d records unknown", unknown)
			}
			wantError(t, stopped, sink.Network, "HTTP_ERROR")

			// That stays so for the rest of the run; what can be sent twice is.
			f.hook = nil
			res := make([]sink.Result, 3)
			wantError(t, w.Write(t.Context(), leads(3, sink.Create), res), sink.Network, "HTTP_ERROR")
			if got := tally(res); got["not sent"] != 3 || f.count() != 0 {
				t.Errorf("then %v", got)
			}
			if got := tally(write(t, w, leads(3, sink.Upsert))); got["created"] != 3 {
				t.Errorf("then %v", got)
			}
		})
	}
}

// A record whose first try may have written it is not forgotten when the second finds an org that takes no more.
func TestLostAndThenNoRoom(t *testing.T) {
	for _, act := range []sink.Action{sink.Upsert, sink.Update} {
		f := newFake(t)
		w, _ := f.impatient(nil)
		calls := 0
		f.sub = func(_, _ string, body json.RawMessage) (int, any, bool) {
			calls++
			if calls == 1 {
				return 500, orgError("UNKNOWN_EXCEPTION", "as asked"), true
			}
			return 200, []any{rowError("STORAGE_LIMIT_EXCEEDED", "as asked")}, true
		}
		req := leads(1, act)
		req.Records[0].ID = "00Q000000000001AAA"
		res := make([]sink.Result, 1)
		wantError(t, w.Write(t.Context(), req, res), sink.Later, "STORAGE_LIMIT_EXCEEDED")
		if res[0].Status != sink.Unknown {
			t.Errorf("%v: %v", act, res[0].Status)
		}
	}
}

// Nor when the second finds the request too much for the org, however small.
func TestLostAndThenTooHeavy(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	calls := 0
	f.sub = func(_, _ string, body json.RawMessage) (int, any, bool) {
		if calls++; calls == 1 {
			return 500, orgError("UNKNOWN_EXCEPTION", "as asked"), true
		}
		return 400, orgError("TOO_MANY_APEX_REQUESTS", "as asked"), true
	}
	for i, r := range write(t, w, leads(2, sink.Upsert)) {
		if r.Status != sink.Failed || r.Err.Code != "TOO_MANY_APEX_REQUESTS" || !r.Err.Lost {
			t.Errorf("record %d: %s, %+v", i, r.Status, r.Err)
		}
	}
}
