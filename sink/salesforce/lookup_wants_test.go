package salesforce

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sfsync/pipeline/row"
	"sfsync/sink"
)

// pairs are the keys of n records that stockPairs made.
func (f *fake) stockPairs(n int) []string {
	f.stock(n, func(i int) string { return fmt.Sprintf("Pair-%03d", i%7) })
	f.mu.Lock()
	defer f.mu.Unlock()
	keys := make([]string, n)
	for i := range n {
		title := fmt.Sprintf("it's no. %d", i)
		f.records[i]["Title"] = title
		f.records[i]["Num__c"] = i
		f.records[i]["Account"] = map[string]any{"Ext__c": fmt.Sprintf("acc-%d", i)}
		keys[i] = strings.ToLower(fmt.Sprint(f.records[i]["Ext__c"])) + sink.KeySep + title
	}
	return keys
}

func pairLookup(keys, want []string) *sink.Lookup {
	return &sink.Lookup{
		Object: "Lead", Keys: keys, Want: want,
		By: []sink.KeyField{{Name: "Ext__c", Fold: strings.ToLower}, {Name: "Title", Fold: strings.ToLower}},
	}
}

// Composite keys share calls, too, and parts of different keys do not mix.
func TestCompositeLookup(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	keys := f.stockPairs(500)
	keys = append(keys, "pair-000"+sink.KeySep+"it's no. 1", "nobody"+sink.KeySep+"it's no. 0")
	l := pairLookup(keys, []string{"Num__c", "Account.Ext__c"})
	if n := w.LookupKeys(l); n != len(keys) {
		t.Errorf("%d of %d keys fit one call", n, len(keys))
	}
	if err := w.Lookup(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if calls := f.counted(); len(calls) != 2 { // the description first
		t.Errorf("%d calls: %v", len(calls), calls)
	}
	for i, ms := range l.Found {
		switch {
		case i >= 500 && len(ms) != 0:
			t.Errorf("%q finds %v", keys[i], ms)
		case i < 500 && (len(ms) != 1 || ms[0].Values[0] != row.MakeCell(row.Number, fmt.Sprint(i)) || ms[0].Values[1].Text != fmt.Sprintf("acc-%d", i)):
			t.Fatalf("%q finds %v", keys[i], ms)
		}
	}
}

// The names of many wanted fields leave less room for keys, down to several queries for each key;
// an org that takes only short URLs gets them.
func TestLookupOfManyFields(t *testing.T) {
	for _, room := range []int{16384, 6000, 2200} {
		f := newFake(t)
		w, _ := f.impatient(nil)
		keys := f.stockPairs(60)
		want := []string{"Num__c"}
		for i := range 600 {
			want = append(want, fmt.Sprintf("Some_long_field_name_%03d__c", i))
		}
		f.mu.Lock()
		for i, rec := range f.records {
			rec["Some_long_field_name_599__c"] = fmt.Sprint("last ", i)
		}
		f.mu.Unlock()
		longest := 0
		f.sub = func(_, u string, _ json.RawMessage) (int, any, bool) {
			if len(u) > room {
				return http.StatusRequestURITooLong, "", true
			}
			longest = max(longest, len(u))
			return 0, nil, false
		}
		l := pairLookup(keys, want)
		if n := w.LookupKeys(l); n < 1 || n > 60 {
			t.Errorf("%d keys fit one call", n)
		}
		if err := w.Lookup(t.Context(), l); err != nil {
			t.Fatalf("URLs of up to %d bytes: %v", room, err)
		}
		for i, ms := range l.Found {
			if len(ms) != 1 || len(ms[0].Values) != 601 {
				t.Fatalf("URLs of up to %d bytes: key %d finds %v", room, i, ms)
			}
			v := ms[0].Values
			if v[0].Text != fmt.Sprint(i) || v[1].Kind() != row.Null || v[600].Text != fmt.Sprint("last ", i) {
				t.Fatalf("URLs of up to %d bytes: key %d: %v %v %v", room, i, v[0], v[1], v[600])
			}
		}
		t.Logf("URLs of up to %d bytes: the longest has %d, %d calls", room, longest, len(f.counted()))
	}
}

// A query that the org finds too complicated is halved.
func TestComplicatedQueries(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	keys := f.stockPairs(300)
	f.sub = func(_, u string, _ json.RawMessage) (int, any, bool) {
		if q, _ := url.PathUnescape(u); strings.Count(q, " OR ") > 40 {
			return 400, orgError("QUERY_TOO_COMPLICATED", "too complicated"), true
		}
		return 0, nil, false
	}
	l := pairLookup(keys, nil)
	if err := w.Lookup(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	for i, ms := range l.Found {
		if len(ms) != 1 || ms[0].Values != nil {
			t.Fatalf("key %d finds %v", i, ms)
		}
	}
}

// A key whose query an org never takes stops the lookup with a reason, whatever else it is asked for.
func TestKeyTooLongForTheOrg(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	keys := f.stockPairs(3)
	f.sub = func(_, _ string, _ json.RawMessage) (int, any, bool) { return http.StatusRequestURITooLong, "", true }
	for _, want := range [][]string{nil, {"Num__c"}} {
		f.counted()
		wantError(t, w.Lookup(t.Context(), pairLookup(keys, want)), sink.Config, "TOO_LARGE")
		if n := len(f.counted()); n > 20 {
			t.Errorf("%d calls", n)
		}
	}
}
