package salesforce

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sfsync/pipeline/row"
	"sfsync/sink"
)

// fake is a small org: enough of the REST API to see what the client sends and how it takes
// the answers. It refuses what a real org refuses of a request's form: bodies that are not
// JSON, unknown fields, more than five collections a call, a key twice in one collection.
type fake struct {
	t   testing.TB
	url string

	mu      sync.Mutex
	records []map[string]any // with Id, CreatedDate, CreatedById
	gone    map[string]bool  // ids in the recycle bin
	events  int              // published
	next    int
	tokens  map[string]bool
	calls   []string // "POST /composite" and so on, without what is not counted
	bodies  [][]byte // of /composite
	headers http.Header

	// hook sees every request first; it returns true if it has answered. after runs once a
	// request has been carried out, before the answer goes out; true keeps the answer back.
	hook  func(w http.ResponseWriter, r *http.Request, n int) bool
	after func(w http.ResponseWriter, r *http.Request, n int) bool
	// sub sees every composite subrequest; it may answer in its place.
	sub func(method, url string, body json.RawMessage) (status int, answer any, ok bool)

	clock func() time.Time
	n     atomic.Int64
	page  int
}

const fakeUser = "005000000000001AAA"

func newFake(t testing.TB) *fake {
	f := &fake{t: t, gone: map[string]bool{}, tokens: map[string]bool{"00Dtest!first": true}, clock: time.Now, page: 2000}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	f.url = srv.URL
	return f
}

// config is that of a client with an access token, quick to retry.
func (f *fake) config() Config {
	return Config{
		Auth: Auth{AccessToken: "00Dtest!first", InstanceURL: f.url},
		Now:  f.clock, Rand: func() float64 { return 0 },
	}
}

func (f *fake) connect(cfg Config) *Client {
	f.t.Helper()
	c, err := Connect(f.t.Context(), cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(c.Close)
	return c
}

func (f *fake) writer() *Writer { return f.connect(f.config()).Writer() }

// counted returns the calls since the last time.
func (f *fake) counted() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.calls
	f.calls = nil
	return c
}

// count returns how many records there are.
func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.records)
}

func (f *fake) find(field, value string) []map[string]any {
	var found []map[string]any
	for _, r := range f.records {
		if s, _ := r[field].(string); strings.EqualFold(s, value) {
			found = append(found, r)
		}
	}
	return found
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func orgError(code, message string) []map[string]any {
	return []map[string]any{{"message": message, "errorCode": code}}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := int(f.n.Add(1))
	if f.hook != nil && f.hook(w, r, n) {
		return
	}
	f.mu.Lock()
	w.Header().Set("Date", f.clock().UTC().Format(http.TimeFormat))
	path := strings.TrimPrefix(r.URL.Path, "/services/data/v66.0")
	switch {
	case r.URL.Path == "/services/data":
		f.mu.Unlock()
		reply(w, 200, []map[string]string{{"label": "old", "version": "45.0"}, {"label": "Spring '26", "version": "66.0"}, {"label": "Summer '26", "version": "67.0"}})
		return
	case r.URL.Path == "/services/oauth2/token":
		f.mu.Unlock()
		f.login(w, r)
		return
	case !f.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]:
		f.mu.Unlock()
		reply(w, 401, orgError("INVALID_SESSION_ID", "Session expired or invalid"))
		return
	}
	f.headers = r.Header.Clone()
	f.calls = append(f.calls, r.Method+" "+path)
	w.Header().Set("Sforce-Limit-Info", fmt.Sprintf("api-usage=%d/15000", 100+len(f.calls)))
	var buf bytes.Buffer
	status, answer := f.route(r.Method, path, r)
	_ = json.NewEncoder(&buf).Encode(answer)
	f.mu.Unlock()
	if f.after != nil && f.after(w, r, n) {
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes())
}

// login is the client credentials flow; each gives a new session.
func (f *fake) login(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("client_secret") != "shh-secret" {
		reply(w, 400, map[string]string{"error": "invalid_client", "error_description": "invalid client credentials"})
		return
	}
	f.mu.Lock()
	f.next++
	tok := fmt.Sprintf("00Dtest!session%d", f.next)
	f.tokens[tok] = true
	f.mu.Unlock()
	reply(w, 200, map[string]string{
		"access_token": tok, "instance_url": f.url, "token_type": "Bearer",
		"id": "https://login.salesforce.com/id/00D000000000001AAA/" + fakeUser,
	})
}

func (f *fake) route(method, path string, r *http.Request) (int, any) {
	switch {
	case path == "/composite":
		return f.composite(r)
	case strings.HasPrefix(path, "/composite/sobjects"):
		if r.Header.Get("Sforce-Auto-Assign") != "FALSE" {
			f.t.Errorf("%s %s without Sforce-Auto-Assign: FALSE", method, path)
		}
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return 400, orgError("JSON_PARSER_ERROR", "the body broke off")
		}
		return f.collection(method, strings.TrimPrefix(path, "/composite/sobjects"), raw)
	case strings.HasPrefix(path, "/query"):
		return f.query(r.URL.Query().Get("q"), path)
	case path == "/services/oauth2/userinfo":
		return 200, map[string]string{"user_id": fakeUser}
	case path == "/sobjects/Lead/describe":
		return 200, map[string]any{"name": "Lead", "fields": []map[string]string{
			{"name": "Ext__c", "type": "string"},
			{"name": "Num__c", "type": "double"},
			{"name": "Email", "type": "email"},
			{"name": "Day__c", "type": "date"},
			{"name": "Title", "type": "string"},
		}}
	case path == "/sobjects/Account/describe":
		return 200, map[string]any{"name": "Account", "fields": []map[string]string{{"name": "Ext__c", "type": "string"}}}
	case path == "/sobjects":
		return 200, map[string]any{"sobjects": []any{}}
	case path == "/limits":
		return 200, map[string]any{
			"DailyApiRequests": map[string]any{"Max": 15000, "Remaining": 14900},
			"PermissionSets":   map[string]any{"Max": 1500, "Remaining": 1499, "CreateCustom": map[string]int{"Max": 1000}},
		}
	}
	return 404, orgError("NOT_FOUND", "The requested resource does not exist")
}

func (f *fake) composite(r *http.Request) (int, any) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return 400, orgError("JSON_PARSER_ERROR", "the body broke off")
	}
	f.bodies = append(f.bodies, raw)
	var req struct {
		AllOrNone        *bool
		CompositeRequest []struct {
			Method, URL, ReferenceID string
			HTTPHeaders              map[string]string
			Body                     json.RawMessage
		}
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&req); err != nil {
		return 400, orgError("JSON_PARSER_ERROR", err.Error())
	}
	if n := len(req.CompositeRequest); n == 0 || n > 5 {
		return 400, orgError("LIMIT_EXCEEDED", fmt.Sprintf("%d subrequests", n))
	}
	var out []map[string]any
	for _, s := range req.CompositeRequest {
		var status int
		var answer any
		ok := false
		if f.sub != nil {
			status, answer, ok = f.sub(s.Method, s.URL, s.Body)
		}
		u, err := url.Parse(s.URL)
		switch {
		case ok:
		case bytes.Contains(s.Body, []byte("@{")) || strings.Contains(s.URL, "@{"):
			status, answer = 400, orgError("PROCESSING_HALTED", "Invalid reference specified.")
		case err != nil || !strings.HasPrefix(u.Path, "/services/data/v66.0/"):
			status, answer = 404, orgError("NOT_FOUND", "The requested resource does not exist")
		case s.Method == "DELETE":
			status, answer = f.remove(u.Query())
		case s.Method == "GET":
			q, err := url.ParseQuery(u.RawQuery)
			if err != nil {
				status, answer = 400, orgError("MALFORMED_QUERY", err.Error())
			} else {
				status, answer = f.query(q.Get("q"), strings.TrimPrefix(u.Path, "/services/data/v66.0"))
			}
		default:
			if s.HTTPHeaders["Sforce-Auto-Assign"] != "FALSE" {
				f.t.Errorf("a %s subrequest without Sforce-Auto-Assign: FALSE", s.Method)
			}
			status, answer = f.collection(s.Method, strings.TrimPrefix(u.Path, "/services/data/v66.0/composite/sobjects"), s.Body)
		}
		out = append(out, map[string]any{"body": answer, "httpHeaders": map[string]string{}, "httpStatusCode": status, "referenceId": s.ReferenceID})
	}
	return 200, map[string]any{"compositeResponse": out}
}

// fakeFields are the fields of the fake's object.
var fakeFields = []string{"attributes", "id", "Ext__c", "Num__c", "Email", "LastName", "Company", "Title", "Active__c", "Account"}

func (f *fake) collection(method, path string, body json.RawMessage) (int, any) {
	var req struct {
		AllOrNone bool
		Records   []map[string]any
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&req); err != nil {
		return 400, orgError("JSON_PARSER_ERROR", err.Error())
	}
	if len(req.Records) == 0 || len(req.Records) > 200 {
		return 400, orgError("EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call")
	}
	_, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	seen := map[string]int{}
	for i, rec := range req.Records {
		for name, v := range rec {
			if !slices.Contains(fakeFields, name) {
				return 400, orgError("INVALID_FIELD", "No such column '"+name+"' on sobject of type Lead")
			}
			if v == "poison" {
				return 400, orgError("JSON_PARSER_ERROR", fmt.Sprintf("Cannot deserialize instance of date from VALUE_STRING value poison at [line:1, column:%d]", 100+i))
			}
		}
		if rec["attributes"] == nil {
			return 400, orgError("INVALID_TYPE", "attributes missing")
		}
		if k, _ := rec[key].(string); key != "" {
			seen[strings.ToLower(k)]++
		}
	}
	out := make([]map[string]any, 0, len(req.Records))
	for _, rec := range req.Records {
		if a, _ := rec["attributes"].(map[string]any); a["type"] == "Signup__e" {
			out = append(out, f.publish(method, rec))
			continue
		}
		delete(rec, "attributes")
		k, _ := rec[key].(string)
		out = append(out, f.one(method, key, k, rec, seen[strings.ToLower(k)] > 1))
	}
	return 200, out
}

// remove puts records into the recycle bin.
func (f *fake) remove(q url.Values) (int, any) {
	ids := strings.Split(q.Get("ids"), ",")
	if len(ids) > 200 || q.Get("allOrNone") != "false" {
		return 400, orgError("EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call")
	}
	var out []map[string]any
	for _, id := range ids {
		i := slices.IndexFunc(f.records, func(r map[string]any) bool { return r["Id"] == id })
		switch {
		case f.gone[id]:
			out = append(out, rowError("ENTITY_IS_DELETED", "entity is deleted"))
		case i < 0:
			out = append(out, rowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"))
		case f.records[i]["LastName"] == "held":
			out = append(out, rowError("DELETE_FAILED", "Your attempt to delete the record could not be completed because it is associated with others"))
		default:
			f.gone[id] = true
			f.records = slices.Delete(f.records, i, i+1)
			out = append(out, map[string]any{"id": id, "success": true, "errors": []any{}})
		}
	}
	return 200, out
}

// publish takes an event: a good answer that has an error in it.
func (f *fake) publish(method string, rec map[string]any) map[string]any {
	if method != "POST" {
		return rowError("CANNOT_UPDATE", "events can only be published")
	}
	if rec["LastName"] == "refuse" {
		return rowError("REQUIRED_FIELD_MISSING", "Required fields are missing: [Company]", "Company")
	}
	f.events++
	return map[string]any{
		"id": fmt.Sprintf("e01%012dAAA", f.events), "success": true,
		"errors": []map[string]any{{"statusCode": "OPERATION_ENQUEUED", "message": "8f1c2d3e-0000-4000-8000-000000000001", "fields": []string{}}},
	}
}

func rowError(code, message string, fields ...string) map[string]any {
	if fields == nil {
		fields = []string{}
	}
	return map[string]any{"success": false, "errors": []map[string]any{{"statusCode": code, "message": message, "fields": fields}}}
}

func (f *fake) one(method, key, value string, rec map[string]any, twice bool) map[string]any {
	if s, _ := rec["LastName"].(string); strings.HasPrefix(s, "row:") {
		return rowError(strings.TrimPrefix(s, "row:"), "as asked")
	}
	if v, ok := rec["LastName"]; ok && v == "refuse" {
		return rowError("REQUIRED_FIELD_MISSING", "Required fields are missing: [Company]", "Company")
	}
	var found []map[string]any
	switch {
	case twice:
		return rowError("DUPLICATE_VALUE", "Duplicate external id specified: "+value)
	case key != "":
		found = f.find(key, value)
	case method == "PATCH":
		id, _ := rec["id"].(string)
		if found = f.find("Id", id); len(found) == 0 {
			return rowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
		}
		delete(rec, "id")
	}
	if len(found) > 1 {
		return rowError("DUPLICATE_EXTERNAL_ID", "Ext: more than one record found for external id field")
	}
	created := len(found) == 0
	if created {
		f.next++
		found = []map[string]any{{
			"Id": fmt.Sprintf("00Q%012dAAA", f.next), "CreatedById": fakeUser,
			"CreatedDate": f.clock().UTC().Truncate(time.Second).Format(dateTimeLayout), "IsConverted": false,
		}}
		f.records = append(f.records, found[0])
	}
	for name, v := range rec {
		found[0][name] = v
	}
	res := map[string]any{"id": found[0]["Id"], "success": true, "errors": []any{}}
	if key != "" {
		res["created"] = created
	}
	return res
}

// drop ends a connection without an answer.
func drop(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = c.Close()
	}
}

// leads is what tests write: an upsert key, a text, two more columns.
func leadSchema() *row.Schema {
	return row.NewSchema(row.Column{Name: "Ext__c"}, row.Column{Name: "LastName"}, row.Column{Name: "Company"}, row.Column{Name: "Title"})
}

func leadTarget() *sink.Target {
	return &sink.Target{Object: "Lead", Key: "Ext__c", KeyColumn: 0, Fold: strings.ToLower}
}

// leads returns a request of n upserts with the keys k0, k1 …
func leads(n int, act sink.Action) *sink.Request {
	b := row.New(leadSchema())
	req := &sink.Request{Target: leadTarget()}
	for i := range n {
		r := b.AddRow(int64(i + 1))
		b.Set(r, 0, row.Text, fmt.Sprintf("k%d", i))
		b.Set(r, 1, row.Text, fmt.Sprintf("Name %d", i))
		b.Set(r, 2, row.Text, "Acme")
		req.Records = append(req.Records, sink.Record{Batch: b, Row: i, Action: act})
	}
	return req
}

func write(t testing.TB, w *Writer, req *sink.Request) []sink.Result {
	t.Helper()
	results := make([]sink.Result, len(req.Records))
	if err := w.Write(t.Context(), req, results); err != nil {
		t.Fatal(err)
	}
	return results
}

// tally counts results by status.
func tally(results []sink.Result) map[string]int {
	m := map[string]int{}
	for _, r := range results {
		m[r.Status.String()]++
	}
	return m
}
