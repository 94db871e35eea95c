package salesforce

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/sinktest"
)

func TestConformance(t *testing.T) {
	sinktest.Test(t, func(t *testing.T) sinktest.Harness {
		f := newFake(t)
		var lose atomic.Int32 // the next answer: 1 before the org has done it, 2 after
		w := f.writer()
		lost := func(when int32) func(http.ResponseWriter, *http.Request, int) bool {
			return func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if r.URL.Path == "/services/data" || !lose.CompareAndSwap(when, 0) { // that asks whether the org answers
					return false
				}
				_, _ = io.Copy(io.Discard, r.Body) // the client has sent all of it
				drop(w)
				return true
			}
		}
		f.hook, f.after = lost(1), lost(2)
		return sinktest.Harness{
			Writer: w,
			Target: leadTarget(),
			Nobody: "00Q999999999999EAA",
			Schema: leadSchema(),
			Text:   3,
			Fixed:  map[int]string{1: "Someone", 2: "Acme"},
			Event: &sinktest.Event{
				Target: &sink.Target{Object: "Signup__e", KeyColumn: -1},
				Schema: leadSchema(), Fixed: map[int]string{1: "Someone", 2: "Acme"},
				Published: func(*testing.T) int {
					f.mu.Lock()
					defer f.mu.Unlock()
					return f.events
				},
			},
			Lose: func(_ *testing.T, after bool) {
				if after {
					lose.Store(2)
				} else {
					lose.Store(1)
				}
			},
			Refuse: func(b *row.Batch, r int) { b.Set(r, 1, row.Text, "refuse") },
			Read: func(_ *testing.T, key string) (string, bool) {
				f.mu.Lock()
				defer f.mu.Unlock()
				found := f.find("Ext__c", key)
				if len(found) != 1 {
					return "", false
				}
				s, _ := found[0]["Title"].(string)
				return s, true
			},
		}
	})
}

// A request whose groups are to be small goes in small collections, five of them a call as ever.
func TestSmallGroups(t *testing.T) {
	f := newFake(t)
	w := f.writer()
	f.counted()
	var sizes []int
	f.sub = func(_, _ string, body json.RawMessage) (int, any, bool) {
		var c struct{ Records []json.RawMessage }
		if err := json.Unmarshal(body, &c); err != nil {
			t.Error(err)
		}
		sizes = append(sizes, len(c.Records))
		return 0, nil, false
	}
	req := leads(260, sink.Upsert)
	req.Group = 50
	if got := tally(write(t, w, req)); got["created"] != 260 {
		t.Errorf("outcomes: %v", got)
	}
	if calls := f.counted(); len(calls) != 2 || !slices.Equal(sizes, []int{50, 50, 50, 50, 50, 10}) {
		t.Errorf("%d calls, collections of %v", len(calls), sizes)
	}
}

func TestAThousandRecordsAreOneCall(t *testing.T) {
	f := newFake(t)
	w := f.writer()
	f.counted()
	res := write(t, w, leads(1000, sink.Upsert))
	if got := tally(res); got["created"] != 1000 {
		t.Errorf("outcomes: %v", got)
	}
	if calls := f.counted(); len(calls) != 1 {
		t.Errorf("%d calls: %v", len(calls), calls)
	}
	if u := w.c.Calls(); u.Made != 2 || u.Used != 101 || u.Max != 15000 { // the organization record and this
		t.Errorf("usage: %+v", u)
	}
}
