package salesforce

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sfsync/sink"
)

// deletes returns a request to delete the records that results tell of.
func deletes(made []sink.Result) *sink.Request {
	req := leads(len(made), sink.Delete)
	for i := range made {
		req.Records[i].ID = made[i].ID
	}
	return req
}

func TestAThousandDeletionsAreOneCall(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	made := write(t, w, leads(1000, sink.Upsert))
	f.counted()
	longest := 0
	f.sub = func(method, u string, body json.RawMessage) (int, any, bool) {
		if method != http.MethodDelete || len(body) > 0 {
			t.Errorf("%s with %s", method, body)
		}
		longest = max(longest, len(u))
		return 0, nil, false
	}
	if got := tally(write(t, w, deletes(made))); got["deleted"] != 1000 || f.count() != 0 {
		t.Errorf("%v, %d records are left", got, f.count())
	}
	if calls := f.counted(); len(calls) != 1 {
		t.Errorf("%d calls: %v", len(calls), calls)
	}
	if longest > 4000 {
		t.Errorf("a URL has %d bytes", longest)
	}
}

// A deletion that is refused does not cost its neighbours, nor does an id that makes the org refuse
// them all.
func TestRefusedDeletions(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	req := leads(300, sink.Upsert)
	set(req, 7, 1, "held")
	made := write(t, w, req)
	f.sub = func(_, u string, _ json.RawMessage) (int, any, bool) {
		if strings.Contains(u, made[100].ID) {
			return 400, orgError("MALFORMED_ID", "malformed id "+made[100].ID), true
		}
		return 0, nil, false
	}
	del := deletes(made)
	del.Records[9].ID = ""
	del.Records[10].ID = made[10].ID + "&allOrNone=true"
	res := write(t, w, del)
	if got := tally(res); got["deleted"] != 296 || got["failed"] != 4 {
		t.Errorf("%v", got)
	}
	for i, code := range map[int]string{7: "DELETE_FAILED", 9: "MISSING_ID", 10: "MALFORMED_ID", 100: "MALFORMED_ID"} {
		if res[i].Status != sink.Failed || res[i].Err.Code != code {
			t.Errorf("record %d: %v, want %s", i, res[i], code)
		}
	}
}

// Of a part of a call that got lost, deletions are sent again and those that are gone count, while
// events are not.
func TestDeletionsAndEventsWithLostParts(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	made := write(t, w, leads(250, sink.Upsert))
	lost := 0
	f.sub = func(method, u string, _ json.RawMessage) (int, any, bool) {
		if method != http.MethodDelete || lost > 0 {
			return 0, nil, false
		}
		lost++
		// It happens, and its answer is an error of a gateway's.
		for _, r := range made[:200] {
			f.gone[r.ID] = true
		}
		f.records = f.records[200:]
		return 500, orgError("UNKNOWN_EXCEPTION", "An unexpected error occurred"), true
	}
	if got := tally(write(t, w, deletes(made))); got["deleted"] != 250 {
		t.Errorf("%v", got)
	}

	events := leads(3, sink.Publish)
	events.Target = &sink.Target{Object: "Signup__e", KeyColumn: -1}
	f.sub = func(_, _ string, _ json.RawMessage) (int, any, bool) {
		return 500, orgError("UNKNOWN_EXCEPTION", "An unexpected error occurred"), true
	}
	if got := tally(write(t, w, events)); got["unknown"] != 3 {
		t.Errorf("%v", got)
	}
	f.sub = nil
	set(events, 1, 1, "refuse")
	res := write(t, w, events)
	if got := tally(res); got["published"] != 2 || got["failed"] != 1 || f.events != 2 {
		t.Errorf("%v, %d events", got, f.events)
	}
	if res[0].ID != fmt.Sprintf("e01%012dAAA", 1) || res[0].Err != nil {
		t.Errorf("%+v: an entry in errors is no failure of an event", res[0])
	}
}
