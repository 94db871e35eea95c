package bulk_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg"
	"sfsync/sink/localorg/bulk/csv"
)

// leadSchema is the standard objects with the custom fields that tests write.
func leadSchema() *schema.Schema {
	s := schema.Standard()
	lead := s.Object("Lead")
	field := func(name string, t schema.Type, change func(*schema.Field)) {
		f := &schema.Field{Name: name, Label: strings.TrimSuffix(name, "__c"), Type: t, Nillable: true, Createable: true, Updateable: true, Custom: true, Filterable: true}
		change(f)
		lead.Fields = append(lead.Fields, f)
	}
	field("Ext__c", schema.String, func(f *schema.Field) { f.Length, f.ExternalID, f.Unique, f.IDLookup = 40, true, true, true })
	field("Score__c", schema.Double, func(f *schema.Field) { f.Precision, f.Scale = 5, 2 })
	field("Seen__c", schema.DateTime, func(*schema.Field) {})
	field("Day__c", schema.Date, func(*schema.Field) {})
	field("At__c", schema.Time, func(*schema.Field) {})
	field("Parent__c", schema.Reference, func(f *schema.Field) { f.Length, f.ReferenceTo, f.RelationshipName = 18, []string{"Lead"}, "Parent__r" })
	lead.Index()
	return s
}

// testOrg is an org behind HTTP.
type testOrg struct {
	*localorg.Org
	t     testing.TB
	url   string
	token string
}

// openOrg opens an org; stop closes it.
func openOrg(t testing.TB, cfg localorg.Config) (o *testOrg, stop func()) {
	t.Helper()
	cfg.Schema = leadSchema()
	org, err := localorg.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(org.Handler())
	return &testOrg{org, t, srv.URL, org.Credentials().AccessToken}, func() {
		srv.Close()
		if err := org.Close(); err != nil {
			t.Error(err)
		}
	}
}

// newOrg opens an org in memory for the length of a test.
func newOrg(t testing.TB, change ...func(*localorg.Config)) *testOrg {
	t.Helper()
	cfg := localorg.Config{DB: localorg.Memory}
	for _, c := range change {
		c(&cfg)
	}
	o, stop := openOrg(t, cfg)
	t.Cleanup(stop)
	return o
}

const v66 = "/services/data/v66.0"

type reply struct {
	status int
	body   string
	header http.Header
}

// do sends a request; a path that does not begin with /services or /_org is below v66.
func (o *testOrg) do(method, path, body string, header ...string) reply {
	o.t.Helper()
	if !strings.HasPrefix(path, "/services") && !strings.HasPrefix(path, "/_org") {
		path = v66 + path
	}
	rq, err := http.NewRequestWithContext(o.t.Context(), method, o.url+path, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	rq.Header.Set("Authorization", "Bearer "+o.token)
	rq.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		rq.Header.Set(header[i], header[i+1])
	}
	client := http.Client{Timeout: 30 * time.Second}
	res, err := client.Do(rq)
	if err != nil {
		o.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		o.t.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{res.StatusCode, string(text), res.Header}
}

// create makes a record and returns its id.
func (o *testOrg) create(object, body string) string {
	o.t.Helper()
	r := o.do("POST", "/sobjects/"+object, body)
	if r.status != 201 {
		o.t.Fatalf("create %s %s: %d %s", object, body, r.status, r.body)
	}
	return member(o.t, r.body, "id")
}

// query returns the records of a query without their attributes, as compact JSON.
func (o *testOrg) query(soql string) string {
	o.t.Helper()
	r := o.do("GET", "/query?q="+url.QueryEscape(soql), "")
	var answer struct{ Records []map[string]any }
	if r.status != 200 || json.Unmarshal([]byte(r.body), &answer) != nil {
		o.t.Fatalf("%s: %d %s", soql, r.status, r.body)
	}
	for _, rec := range answer.Records {
		delete(rec, "attributes")
	}
	b, _ := json.Marshal(answer.Records)
	return string(b)
}

// count returns how many records a condition fits.
func (o *testOrg) count(from string) int {
	o.t.Helper()
	r := o.do("GET", "/query?q="+url.QueryEscape("SELECT COUNT() FROM "+from), "")
	var answer struct{ TotalSize int }
	if r.status != 200 || json.Unmarshal([]byte(r.body), &answer) != nil {
		o.t.Fatalf("count %s: %d %s", from, r.status, r.body)
	}
	return answer.TotalSize
}

// want compares an answer with a status and a body; "<id>" in the body stands for any id.
func (r reply) want(t *testing.T, status int, body string) {
	t.Helper()
	if got := maskIDs(r.body); r.status != status || got != body {
		t.Errorf("status %d, want %d; body (-want +got):\n%s", r.status, status, cmp.Diff(body, got))
	}
}

// maskIDs replaces record ids, 15 or 18 characters long.
func maskIDs(s string) string {
	return regexp.MustCompile(`\b[a-zA-Z0-9]{6}00000[a-zA-Z0-9]{4}([A-Z0-5]{3})?\b`).ReplaceAllString(s, "<id>")
}

// keys returns the names of a JSON object's members in order, such as "id operation object".
func keys(t testing.TB, doc string) string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(doc))
	var out []string
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		t.Fatalf("no object: %s", doc)
	}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, tok.(string))
		var skip json.RawMessage
		if err := dec.Decode(&skip); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(out, " ")
}

// member returns a member of a JSON object as it is written.
func member(t testing.TB, doc, name string) string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(doc), &m); err != nil {
		t.Fatalf("%v: %s", err, doc)
	}
	return strings.Trim(string(m[name]), `"`)
}

// ingest creates a job and uploads its data.
func (o *testOrg) ingest(order, data string) string {
	o.t.Helper()
	r := o.do("POST", "/jobs/ingest", order)
	if r.status != 200 {
		o.t.Fatalf("create %s: %d %s", order, r.status, r.body)
	}
	id := member(o.t, r.body, "id")
	if r := o.do("PUT", "/jobs/ingest/"+id+"/batches", data, "Content-Type", "text/csv"); r.status != 201 || r.body != "" {
		o.t.Fatalf("upload: %d %s", r.status, r.body)
	}
	return id
}

// finish ends the upload and waits for the end of the job, whose answer it returns.
func (o *testOrg) finish(id string) string {
	o.t.Helper()
	if r := o.do("PATCH", "/jobs/ingest/"+id, `{"state":"UploadComplete"}`); r.status != 200 {
		o.t.Fatalf("close: %d %s", r.status, r.body)
	}
	return o.wait("/jobs/ingest/" + id)
}

// wait asks for a job until it is over.
func (o *testOrg) wait(path string) string {
	o.t.Helper()
	for range 60_000 {
		r := o.do("GET", path, "")
		if r.status != 200 {
			o.t.Fatalf("%s: %d %s", path, r.status, r.body)
		}
		switch member(o.t, r.body, "state") {
		case "JobComplete", "Failed", "Aborted":
			return r.body
		}
		time.Sleep(2 * time.Millisecond)
	}
	o.t.Fatalf("%s does not end", path)
	return ""
}

// load runs a job from its beginning to its end.
func (o *testOrg) load(order, data string) (id, info string) {
	o.t.Helper()
	id = o.ingest(order, data)
	return id, o.finish(id)
}

// set reads a result set: the rows as "column=value" texts, sorted, and its head.
func (o *testOrg) set(id, name string) (head string, rows []string) {
	o.t.Helper()
	r := o.do("GET", "/jobs/ingest/"+id+"/"+name, "")
	if r.status != 200 || r.header.Get("Content-Type") != "text/csv" {
		o.t.Fatalf("%s: %d %s", name, r.status, r.body)
	}
	head, _, _ = strings.Cut(r.body, "\n")
	return head, table(o.t, maskIDs(r.body))
}

// table shows the rows of a CSV file as "column=value" texts; columns and rows are sorted.
func table(t testing.TB, file string) []string {
	t.Helper()
	in := csv.NewReader(strings.NewReader(file), csv.Dialect{Delimiter: ','})
	row, err := in.Read()
	if err != nil {
		return nil
	}
	head := slices.Clone(row)
	out := []string{}
	for {
		row, err := in.Read()
		if err != nil {
			sort.Strings(out)
			return out
		}
		m := map[string]string{}
		for i, v := range row {
			m[head[i]] = v
		}
		var b strings.Builder
		for _, k := range slices.Sorted(maps.Keys(m)) {
			fmt.Fprintf(&b, "%s=%s ", k, m[k])
		}
		out = append(out, strings.TrimSpace(b.String()))
	}
}

const upsertLeads = `{"object":"Lead","operation":"upsert","externalIdFieldName":"Ext__c"}`
