package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/lookup"
)

// stock puts n records with the keys k0 … into the org.
func (f *fake) stock(n int, key func(int) string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range n {
		f.next++
		f.records = append(f.records, map[string]any{"Id": fmt.Sprintf("00Q%012dAAA", f.next), "Ext__c": key(i), "IsConverted": i%2 == 1})
	}
}

// lookupOf asks for the records of a target's object by its key.
func lookupOf(target *sink.Target, keys []string) *sink.Lookup {
	return &sink.Lookup{Object: target.Object, By: []sink.KeyField{{Name: target.Key, Fold: target.Fold}}, Keys: keys}
}

func find(t *testing.T, w *Writer, target *sink.Target, keys []string) [][]sink.Match {
	t.Helper()
	l := lookupOf(target, keys)
	if err := w.Lookup(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	return l.Found
}

// A thousand keys of 25 characters, e-mail addresses, are one call, whatever case the org
// keeps them in.
func TestAThousandKeysAreOneCall(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	key := func(i int) string { return fmt.Sprintf("person.%05d@examples.com", i) }
	f.stock(700, func(i int) string { return strings.ToUpper(key(i)) })
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = key(i)
	}
	if len(keys[0]) != 25 {
		t.Fatalf("keys of %d characters", len(keys[0]))
	}
	if n := w.LookupKeys(lookupOf(leadTarget(), keys)); n != 1000 {
		t.Fatalf("%d keys fit one call", n)
	}
	if _, err := w.c.Describe(t.Context(), "Lead"); err != nil {
		t.Fatal(err)
	}
	f.counted()
	found := find(t, w, leadTarget(), keys)
	if calls := f.counted(); len(calls) != 1 {
		t.Errorf("%d calls: %v", len(calls), calls)
	}
	for i, ms := range found {
		want := []sink.Match(nil)
		if i < 700 {
			want = []sink.Match{{ID: fmt.Sprintf("00Q%012dAAA", i+1), Converted: i%2 == 1}}
		}
		if !cmp.Equal(ms, want) {
			t.Fatalf("key %d: %v, want %v", i, ms, want)
		}
	}
	var req struct{ CompositeRequest []struct{ URL string } }
	if err := json.Unmarshal(f.bodies[0], &req); err != nil || len(req.CompositeRequest) != 5 {
		t.Fatalf("%d queries, %v", len(req.CompositeRequest), err)
	}
	for i, q := range req.CompositeRequest {
		if len(q.URL) > 6500 {
			t.Errorf("query %d has %d bytes", i, len(q.URL))
		}
	}
}

func TestLookupPagesAndMany(t *testing.T) {
	f := newFake(t)
	f.page = 3
	w, _ := f.impatient(nil)
	f.stock(20, func(i int) string { return []string{"a", "B"}[i%2] })
	found := find(t, w, leadTarget(), []string{"b", "none", "a"})
	if len(found[0]) != 10 || found[1] != nil || len(found[2]) != 10 {
		t.Fatalf("%d, %d, %d", len(found[0]), len(found[1]), len(found[2]))
	}
	for _, m := range found[2] {
		if m.Converted {
			t.Errorf("%v is not one of a's", m)
		}
	}
}

// A query whose later pages do not come is asked again from its beginning, and each record is found once.
func TestLookupThatBreaksOff(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"the place is lost": func(w http.ResponseWriter) { reply(w, 404, orgError("INVALID_QUERY_LOCATOR", "invalid query locator")) },
		"a gateway's page":  func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>maintenance</html>")) },
	} {
		for _, times := range []int{2, 100} {
			f := newFake(t)
			f.page = 3
			w, _ := f.impatient(nil)
			f.stock(10, func(int) string { return "a" })
			left := times
			f.hook = func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if left == 0 || !strings.Contains(r.URL.Path, "/query/6-") {
					return false
				}
				left--
				answer(w)
				return true
			}
			l := lookupOf(leadTarget(), []string{"a"})
			err := w.Lookup(t.Context(), l)
			if times == 100 {
				if e := (*sink.Error)(nil); !errors.As(err, &e) || e.Class != sink.Network {
					t.Errorf("%s for good: %v", name, err)
				}
				continue
			}
			ids := map[string]bool{}
			for _, m := range l.Found[0] {
				ids[m.ID] = true
			}
			if err != nil || len(l.Found[0]) != 10 || len(ids) != 10 {
				t.Errorf("%s: %d records found, %d different ones, %v", name, len(l.Found[0]), len(ids), err)
			}
		}
	}
}

func TestLookupOfNumbersAndIDs(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	var soql []string
	f.sub = func(_, u string, _ json.RawMessage) (int, any, bool) {
		q, err := url.Parse(u)
		if err != nil {
			t.Error(err)
		}
		soql = append(soql, q.Query().Get("q"))
		recs := []map[string]any{}
		if strings.Contains(u, "Num__c") {
			recs = append(recs, map[string]any{"Id": "00Q000000000001AAA", "Num__c": json.Number("12.0")}, map[string]any{"Id": "00Q000000000002AAA", "Num__c": json.Number("1.2345678E7")})
		} else {
			recs = append(recs, map[string]any{"Id": "00Q000000000003AAA"})
		}
		return 200, map[string]any{"totalSize": len(recs), "done": true, "records": recs}, true
	}
	num := leadTarget()
	num.Key = "Num__c"
	found := find(t, w, num, []string{"12", "12345678.00", "x' OR Name != '"})
	want := [][]sink.Match{{{ID: "00Q000000000001AAA"}}, {{ID: "00Q000000000002AAA"}}, nil}
	if d := cmp.Diff(want, found); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	id := leadTarget()
	id.Key, id.Fold = "Id", nil
	found = find(t, w, id, []string{"00Q000000000003AAA", "abc", "00Q000000000004AAA"})
	if d := cmp.Diff([][]sink.Match{{{ID: "00Q000000000003AAA"}}, nil, nil}, found); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if want := []string{
		"SELECT Id,IsConverted,Num__c FROM Lead WHERE Num__c IN (12,12345678)",
		"SELECT Id,IsConverted FROM Lead WHERE Id IN ('00Q000000000003AAA','00Q000000000004AAA')",
	}; !cmp.Equal(soql, want) {
		t.Errorf("%q", soql)
	}
}

func TestLookupErrors(t *testing.T) {
	keys := make([]string, 300)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%d", i)
	}
	for _, c := range []struct {
		name  string
		sub   func(n int, soql string) (int, any, bool)
		class sink.Class
		code  string
		found int
	}{
		{"one key is malformed", func(_ int, q string) (int, any, bool) {
			return 400, orgError("INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: k7"), strings.Contains(q, "'k7'")
		}, 0, "", 299},
		{"busy once", func(n int, _ string) (int, any, bool) { return 503, orgError("SERVER_UNAVAILABLE", "busy"), n == 1 }, 0, "", 300},
		{"too slow for many", func(_ int, q string) (int, any, bool) {
			return 400, orgError("QUERY_TIMEOUT", "too slow"), strings.Count(q, ",") > 50
		}, 0, "", 300},
		{"URI too long", func(_ int, q string) (int, any, bool) { return 414, "", len(q) > 900 }, 0, "", 300},
		{"busy for good", func(int, string) (int, any, bool) { return 503, orgError("SERVER_UNAVAILABLE", "busy"), true }, sink.Network, "SERVER_UNAVAILABLE", 0},
		{"no such field", func(int, string) (int, any, bool) { return 400, orgError("INVALID_FIELD", "No such column"), true }, sink.Config, "INVALID_FIELD", 0},
		{"limit", func(int, string) (int, any, bool) {
			return 403, orgError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), true
		}, sink.Later, "REQUEST_LIMIT_EXCEEDED", 0},
		{"not a page", func(int, string) (int, any, bool) { return 200, []int{1}, true }, sink.Network, catalog.CodeBadAnswer, 0},
		{"a page without its next", func(int, string) (int, any, bool) {
			return 200, map[string]any{"done": false, "records": []int{}}, true
		}, sink.Network, catalog.CodeBadAnswer, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			f.stock(300, func(i int) string { return keys[i] })
			w, _ := f.impatient(nil)
			n := 0
			f.sub = func(_, u string, _ json.RawMessage) (int, any, bool) {
				n++
				p, err := url.Parse(u)
				if err != nil {
					return 400, orgError("MALFORMED_QUERY", err.Error()), true
				}
				return c.sub(n, p.Query().Get("q"))
			}
			l := lookupOf(leadTarget(), keys)
			err := w.Lookup(t.Context(), l)
			if c.code != "" {
				wantError(t, err, c.class, c.code)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			for _, m := range l.Found {
				found += len(m)
			}
			if found != c.found {
				t.Errorf("%d found, want %d", found, c.found)
			}
			if n > 60 {
				t.Errorf("%d queries", n)
			}
		})
	}
}

// Whatever the keys, they arrive as they are: nothing of them ends a literal or a condition.
func FuzzKeysAreOnlyValues(f *testing.F) {
	for _, s := range []string{"plain", `it's`, `a\b`, `"q"`, "\n\r\t\b\f\x00\x7f", "é東😀", "%41+&#;=?", "@{r0.id}", `\'`, "','", "x') OR (Ext__c='y"} {
		f.Add(s, "other")
		f.Add("one", s)
	}
	f.Add(strings.Repeat("😀", 255), strings.Repeat("%'", 127))
	f.Add("A", "a")
	f.Add("\u212a", "k")
	f.Add(" x", "x\u0085")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) || utf8.RuneCountInString(a) > 255 || utf8.RuneCountInString(b) > 255 || a == "" || b == "" || a == b || strings.Contains(a+b, sink.KeySep) {
			t.Skip()
		}
		ext, title := sink.KeyField{Name: "Ext__c"}, sink.KeyField{Name: "Title"}
		for _, c := range []struct {
			l    sink.Lookup
			want []map[string]string
		}{
			{sink.Lookup{By: []sink.KeyField{ext}, Keys: []string{a, b}}, []map[string]string{{"Ext__c": a}, {"Ext__c": b}}},
			{
				sink.Lookup{By: []sink.KeyField{ext, title}, Keys: []string{a + sink.KeySep + b, b + sink.KeySep + a}},
				[]map[string]string{{"Ext__c": a, "Title": b}, {"Ext__c": b, "Title": a}},
			},
		} {
			c.l.Object = "Lead"
			q, err := lookup.New(&c.l, make([]lookup.Field, len(c.l.By)), 1000)
			if err != nil {
				t.Fatal(err)
			}
			query := q.Queries()[0]
			link := string(query.AppendURL([]byte("/services/data/v66.0/query?q="), lookup.Span{Hi: len(query.Terms)}))
			var v struct{ URL string }
			if err := json.Unmarshal([]byte(`{"url":"`+link+`"}`), &v); err != nil {
				t.Fatalf("%q does not fit a JSON string: %v", link, err)
			}
			u, err := url.Parse(v.URL)
			if err != nil {
				t.Fatal(err)
			}
			values, err := url.ParseQuery(u.RawQuery)
			if err != nil || len(values) != 1 {
				t.Fatalf("%q: %v, %v", link, values, err)
			}
			_, where, _ := strings.Cut(values.Get("q"), " WHERE ")
			if got, err := fakeWhere(where); err != nil || !cmp.Equal(got, c.want) {
				t.Fatalf("%q arrive as %q: %q, %v", c.want, where, got, err)
			}
			if strings.Contains(link, "@{") {
				t.Fatalf("%q holds a reference", link)
			}
		}
	})
}

func TestQuery(t *testing.T) {
	f := newFake(t)
	f.page = 4
	f.stock(10, func(i int) string { return "k" })
	c := f.connect(f.config())
	f.counted()
	var got []string
	each := func(rec []byte) error {
		var r struct{ ID string }
		if err := json.Unmarshal(rec, &r); err != nil {
			return err
		}
		got = append(got, r.ID)
		return nil
	}
	if err := c.Query(t.Context(), "SELECT Id FROM Lead WHERE Ext__c IN ('k')", each); err != nil {
		t.Fatal(err)
	}
	if len(got) != 10 || len(f.counted()) != 3 {
		t.Errorf("%v", got)
	}
	enough := errors.New("enough")
	if err := c.Query(t.Context(), "SELECT Id FROM Lead WHERE Ext__c IN ('k')", func([]byte) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
	wantError(t, c.Query(t.Context(), "nonsense", each), sink.Config, "MALFORMED_QUERY")
	wantError(t, c.Query(t.Context(), strings.Repeat("x", 20000), each), sink.Config, catalog.CodeTooLarge)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Query(ctx, "SELECT Id FROM Lead", each); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestResources(t *testing.T) {
	f := newFake(t)
	c := f.connect(f.config())
	f.counted()
	for range 3 {
		for _, name := range []string{"Lead", "lead"} {
			if raw, err := c.Describe(t.Context(), name); err != nil || !strings.Contains(string(raw), `"Ext__c"`) {
				if name == "Lead" || err == nil {
					t.Fatalf("%s: %s, %v", name, raw, err)
				}
			}
		}
	}
	if calls := f.counted(); len(calls) != 1 {
		t.Errorf("described by %v", calls)
	}
	_, err := c.Describe(t.Context(), "Nope/../x")
	wantError(t, err, sink.Config, "NOT_FOUND")
	if raw, err := c.Global(t.Context()); err != nil || !json.Valid(raw) {
		t.Errorf("global: %s, %v", raw, err)
	}
	limits, err := c.Limits(t.Context())
	if err != nil || limits["DailyApiRequests"] != (Limit{15000, 14900}) || limits["PermissionSets"].Max != 1500 {
		t.Errorf("%v, %v", limits, err)
	}
	f.hook = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		w.Header().Set("Content-Type", "text/html;charset=UTF-8")
		_, _ = w.Write([]byte("<html>Log in</html>"))
		return true
	}
	if _, err := c.Global(t.Context()); wantError(t, err, sink.Network, catalog.CodeBadAnswer) == nil || !strings.Contains(err.Error(), "text/html") {
		t.Errorf("%v", err)
	}
}

func TestVersions(t *testing.T) {
	f := newFake(t)
	for _, c := range []struct {
		offered, want, why string
	}{
		{"45 60 66 67 68", "66.0", ""},
		{"45 60", "60.0", ""},
		{"45 50", "", "too old"},
		{"", "", "too old"},
	} {
		f.hook = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			list := []map[string]string{{"version": "odd"}}
			for _, v := range strings.Fields(c.offered) {
				list = append(list, map[string]string{"version": v + ".0"})
			}
			if r.URL.Path == "/services/data" {
				reply(w, 200, list)
				return true
			}
			if v, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/services/data/v"), ".0/"); !slices.Contains(strings.Fields(c.offered), v) {
				reply(w, 404, orgError("NOT_FOUND", "The requested resource does not exist"))
				return true
			}
			reply(w, 200, map[string]any{"records": []map[string]any{{"Id": "00D000000000001AAA", "IsSandbox": true, "InstanceName": "CS1"}}})
			return true
		}
		cl, err := Connect(t.Context(), f.config())
		if c.why != "" {
			if e := wantError(t, err, sink.Config, catalog.CodeVersion); !strings.Contains(e.Message, c.why) {
				t.Errorf("%q: %v", c.offered, err)
			}
			continue
		}
		if err != nil || cl.Org().APIVersion != c.want || cl.Org().Kind != Sandbox {
			t.Errorf("%q: %v, %v", c.offered, cl.Org(), err)
			continue
		}
		cl.Close()
	}
}
