package bulk_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/sink/localorg"
	"sfsync/sink/localorg/bulk"
)

// The answers to the verbs have different keys (recorded: genuine answers to POST, PATCH and GET).
func TestBulkShapes(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	r := o.do("POST", "/jobs/ingest", `{"object":"lead","operation":"upsert","externalIdFieldName":"ext__C","contentType":"CSV"}`)
	id := member(t, r.body, "id")
	if got, want := keys(t, r.body), "id operation object createdById createdDate systemModstamp state externalIdFieldName concurrencyMode contentType apiVersion contentUrl lineEnding columnDelimiter"; got != want {
		t.Errorf("POST has %s", got)
	}
	for name, want := range map[string]string{
		"object": "Lead", "externalIdFieldName": "Ext__c", "state": "Open", "apiVersion": "66.0", "concurrencyMode": "Parallel",
		"contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "COMMA", "contentUrl": "services/data/v66.0/jobs/ingest/" + id + "/batches",
	} {
		if got := member(t, r.body, name); got != want {
			t.Errorf("POST: %s is %s, want %s", name, got, want)
		}
	}
	if !strings.HasPrefix(id, "750") || len(id) != 18 {
		t.Errorf("id %s", id)
	}
	// The contentUrl is used as it is.
	if r := o.do("PUT", "/services/data/v66.0/jobs/ingest/"+id+"/batches", "Ext__c,LastName,Company\nA,B,C\n", "Content-Type", "text/csv"); r.status != 201 || r.body != "" {
		t.Errorf("PUT: %d %q", r.status, r.body)
	}
	r = o.do("PATCH", "/jobs/ingest/"+id, `{"state":"UploadComplete"}`)
	if got, want := keys(t, r.body), "id operation object createdById createdDate systemModstamp state externalIdFieldName concurrencyMode contentType apiVersion"; got != want || member(t, r.body, "state") != "UploadComplete" {
		t.Errorf("PATCH: %s", r.body)
	}
	body := o.wait("/jobs/ingest/" + id)
	if got, want := keys(t, body), "id operation object createdById createdDate systemModstamp state externalIdFieldName concurrencyMode contentType apiVersion jobType lineEnding columnDelimiter numberRecordsProcessed numberRecordsFailed retries totalProcessingTime apiActiveProcessingTime apexProcessingTime"; got != want {
		t.Errorf("GET has %s", got)
	}
	if member(t, body, "jobType") != "V2Ingest" || member(t, body, "numberRecordsProcessed") != "1" || member(t, body, "numberRecordsFailed") != "0" {
		t.Errorf("GET: %s", body)
	}
	if head, rows := o.set(id, "successfulResults/"); !cmp.Equal(rows, []string{"Company=C Ext__c=A LastName=B sf__Created=true sf__Id=<id>"}) || !strings.HasPrefix(head, `"sf__Id","sf__Created",`) || strings.Count(head, `"`) != 4 {
		t.Errorf("%s %q", head, rows)
	}
	if r := o.do("HEAD", "/jobs/ingest/"+id+"/successfulResults", ""); r.status != 200 || r.body != "" {
		t.Errorf("HEAD: %d %s", r.status, r.body)
	}
	if r := o.do("DELETE", "/jobs/ingest/"+id, ""); r.status != 204 {
		t.Errorf("DELETE: %d %s", r.status, r.body)
	}
	o.do("GET", "/jobs/ingest/"+id, "").want(t, 404, `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`)
}

// What a job is refused for when it is made. (The codes and texts about object, externalIdFieldName and
// operation are recorded.)
func TestBulkRefusals(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	tests := []struct{ name, body, want string }{
		{"no such object", `{"object":"Nope","operation":"insert"}`, `[{"message":"InvalidJob : Unable to find object: Nope","errorCode":"INVALIDJOB"}]`},
		{"no object", `{"operation":"insert"}`, `[{"message":"InvalidJob : Unable to find object: ","errorCode":"INVALIDJOB"}]`},
		{"no key", `{"object":"Lead","operation":"upsert","externalIdFieldName":""}`, `[{"message":"InvalidJob : Field name provided,  does not match an External ID for Lead","errorCode":"INVALIDJOB"}]`},
		{"no such key", `{"object":"Lead","operation":"upsert","externalIdFieldName":"Company"}`, `[{"message":"InvalidJob : Field name provided, Company does not match an External ID for Lead","errorCode":"INVALIDJOB"}]`},
		{"operation", `{"object":"Lead","operation":"merge"}`, `[{"message":"Invalid value: 'merge' supplied for property: 'operation'","errorCode":"API_ERROR"}]`},
		{"contentType", `{"object":"Lead","operation":"insert","contentType":"JSON"}`, `[{"message":"Invalid value: 'JSON' supplied for property: 'contentType'","errorCode":"API_ERROR"}]`},
		{"columnDelimiter", `{"object":"Lead","operation":"insert","columnDelimiter":","}`, `[{"message":"Invalid value: ',' supplied for property: 'columnDelimiter'","errorCode":"API_ERROR"}]`},
		{"lineEnding", `{"object":"Lead","operation":"insert","lineEnding":"CR"}`, `[{"message":"Invalid value: 'CR' supplied for property: 'lineEnding'","errorCode":"API_ERROR"}]`},
		{"an object that is not written", `{"object":"Organization","operation":"insert"}`, `[{"message":"Entity 'Organization' is not supported by the Bulk API.","errorCode":"INVALIDENTITY"}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o.do("POST", "/jobs/ingest", tt.body).want(t, 400, tt.want)
		})
	}
}

// The states of a job and what each of them allows.
func TestBulkStates(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	const data = "Ext__c,LastName,Company\nA,B,C\nB,B,C\n"
	notFound := `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`

	open := member(t, o.do("POST", "/jobs/ingest", upsertLeads).body, "id")
	o.do("GET", "/jobs/ingest/"+open+"/successfulResults", "").want(t, 400, `[{"message":"The results of a Job that is Open are not available yet","errorCode":"INVALIDJOBSTATE"}]`)
	o.do("DELETE", "/jobs/ingest/"+open, "").want(t, 400, `[{"message":"Deleting a Job that is Open is not allowed","errorCode":"INVALIDJOBSTATE"}]`)
	o.do("PATCH", "/jobs/ingest/"+open, `{"state":"Open"}`).want(t, 400, `[{"message":"Invalid value: 'Open' supplied for property: 'state'","errorCode":"API_ERROR"}]`)
	o.do("PATCH", "/jobs/ingest/"+open, `{"state":"Failed"}`).want(t, 400, `[{"message":"Invalid value: 'Failed' supplied for property: 'state'","errorCode":"API_ERROR"}]`)

	// One PUT only (recorded, with its misspelling), also with the 15 characters of the id.
	id := o.ingest(upsertLeads, data)
	o.do("PUT", "/jobs/ingest/"+id[:15]+"/batches/", data).want(t, 400, `[{"message":"Found multipe contents for job: <<id>>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job.","errorCode":"BULK_API_ERROR"}]`) //nolint:misspell // recorded

	// Nothing runs before the upload is complete; aborted, all rows are unprocessed.
	if r := o.do("PATCH", "/jobs/ingest/"+id, `{"id":"`+id+`","state":"Aborted"}`); r.status != 200 || member(t, r.body, "state") != "Aborted" {
		t.Errorf("abort: %d %s", r.status, r.body)
	}
	if _, rows := o.set(id, "unprocessedrecords/"); len(rows) != 2 || o.count("Lead") != 0 {
		t.Errorf("unprocessed: %q", rows)
	}
	o.do("PATCH", "/jobs/ingest/"+id, `{"state":"UploadComplete"}`).want(t, 400, `[{"message":"Closing already Aborted Job not allowed","errorCode":"INVALIDJOBSTATE"}]`)
	o.do("PUT", "/jobs/ingest/"+id+"/batches", data).want(t, 400, `[{"message":"Data can only be added to an Open Job; this one is Aborted","errorCode":"INVALIDJOBSTATE"}]`)
	o.do("DELETE", "/jobs/ingest/"+id, "").want(t, 204, "")
	for _, path := range []string{"", "/successfulResults", "/batches", "/nope"} {
		o.do("GET", "/jobs/ingest/"+id+path, "").want(t, 404, notFound)
	}

	// A job that is over cannot be aborted (recorded).
	done, _ := o.load(upsertLeads, data)
	o.do("PATCH", "/jobs/ingest/"+done, `{"state":"Aborted"}`).want(t, 400, `[{"message":"Aborting already Completed Job not allowed","errorCode":"INVALIDJOBSTATE"}]`)
	o.do("PATCH", "/jobs/ingest/"+done, `{"state":"UploadComplete"}`).want(t, 400, `[{"message":"Closing already Completed Job not allowed","errorCode":"INVALIDJOBSTATE"}]`)
	for _, bad := range []string{"/jobs", "/jobs/nope", "/jobs/ingest/750000000000001AAA", "/jobs/ingest/x", "/jobs/query/" + done} {
		o.do("GET", bad, "").want(t, 404, notFound)
	}
	o.do("PUT", "/jobs/ingest", "").want(t, 405, `[{"message":"HTTP Method 'PUT' not allowed. Allowed are GET,HEAD,POST","errorCode":"METHOD_NOT_ALLOWED"}]`)

	// Closed without data.
	if r := o.do("PATCH", "/jobs/ingest/"+open, `{"state":"UploadComplete"}`); r.status != 200 {
		t.Errorf("close: %d %s", r.status, r.body)
	}
	if info := o.wait("/jobs/ingest/" + open); member(t, info, "state") != "Failed" {
		t.Errorf("closed without data: %s", info)
	}
	// An empty upload is none.
	id = member(t, o.do("POST", "/jobs/ingest", upsertLeads).body, "id")
	o.do("PUT", "/jobs/ingest/"+id+"/batches", "").want(t, 400, `[{"message":"No data was uploaded","errorCode":"BULK_API_ERROR"}]`)
	// A subrequest of a composite is none either.
	r := o.do("POST", "/composite", `{"compositeRequest":[{"method":"GET","url":"/services/data/v66.0/jobs/ingest","referenceId":"a"}]}`)
	if !strings.Contains(r.body, `"httpStatusCode":404`) {
		t.Errorf("composite: %s", r.body)
	}
}

// Compressed and chunked uploads, and the limit of their size.
func TestBulkUpload(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = io.WriteString(w, "Ext__c,LastName,Company\nA,B,C\n")
	_ = w.Close()
	id := member(t, o.do("POST", "/jobs/ingest", upsertLeads).body, "id")
	if r := o.do("PUT", "/jobs/ingest/"+id+"/batches", z.String(), "Content-Encoding", "gzip", "Content-Type", "text/csv"); r.status != 201 {
		t.Errorf("gzip: %d %s", r.status, r.body)
	}
	if info := o.finish(id); member(t, info, "numberRecordsProcessed") != "1" {
		t.Errorf("gzip: %s", info)
	}
	id = member(t, o.do("POST", "/jobs/ingest", upsertLeads).body, "id")
	rq, err := http.NewRequestWithContext(t.Context(), "PUT", o.url+v66+"/jobs/ingest/"+id+"/batches", io.LimitReader(forever{}, bulk.MaxUpload+1))
	if err != nil {
		t.Fatal(err)
	}
	rq.Header.Set("Authorization", "Bearer "+o.token)
	res, err := http.DefaultClient.Do(rq)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 413 {
		t.Errorf("too large: %d", res.StatusCode)
	}
	// What was too large is gone; the job is still open.
	if r := o.do("PUT", "/jobs/ingest/"+id+"/batches", "Ext__c,LastName,Company\nB,B,C\n"); r.status != 201 {
		t.Errorf("again: %d %s", r.status, r.body)
	}
	if info := o.finish(id); member(t, info, "numberRecordsProcessed") != "1" {
		t.Errorf("again: %s", info)
	}
}

// forever is a file without an end.
type forever struct{}

func (forever) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "a,b\n"[i%4]
	}
	return len(p), nil
}

// A job may come with its data; it runs at once.
func TestBulkMultipart(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	form := func(content string) (string, string) {
		return "--X\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n" + upsertLeads +
			"\r\n--X\r\nContent-Type: text/csv\r\nContent-Disposition: form-data; name=\"content\"; filename=\"content\"\r\n\r\n" + content + "\r\n--X--\r\n", "multipart/form-data; boundary=X"
	}
	body, kind := form("Ext__c,LastName,Company\nA,B,C\n")
	r := o.do("POST", "/jobs/ingest", body, "Content-Type", kind)
	if r.status != 200 || member(t, r.body, "state") != "UploadComplete" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	id := member(t, r.body, "id")
	if info := o.wait("/jobs/ingest/" + id); member(t, info, "state") != "JobComplete" || o.count("Lead") != 1 {
		t.Errorf("%s", info)
	}
	body, kind = form("Ext__c,LastName,Company\n" + strings.Repeat("Aäöü,B,C\n", 20_000))
	o.do("POST", "/jobs/ingest", body, "Content-Type", kind).want(t, 400, `[{"message":"The content of a multipart request must not exceed 100000 characters","errorCode":"API_ERROR"}]`)
}

// The list of jobs has pages of 1,000, oldest first.
func TestBulkList(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	for range 1001 {
		o.do("POST", "/jobs/ingest", upsertLeads)
	}
	type answer struct {
		Done    bool
		Records []struct{ ID, JobType string }
		Next    *string `json:"nextRecordsUrl"`
	}
	var a, b answer
	first := o.do("GET", "/jobs/ingest?jobType=V2Ingest", "").body
	if err := json.Unmarshal([]byte(first), &a); err != nil || a.Done || len(a.Records) != 1000 || a.Next == nil || a.Records[0].JobType != "V2Ingest" {
		t.Fatalf("%v %.200s", err, first)
	}
	second := o.do("GET", *a.Next, "").body
	if err := json.Unmarshal([]byte(second), &b); err != nil || !b.Done || len(b.Records) != 1 || b.Next != nil || b.Records[0].ID <= a.Records[999].ID {
		t.Errorf("%v %.200s", err, second)
	}
	for path, want := range map[string]int{"/jobs/query": 0, "/jobs/ingest?jobType=Classic": 0, "/jobs/ingest?jobType=BigObjectIngest": 0, "/jobs/ingest?isPkChunkingEnabled=true": 0, "/jobs/ingest?isPkChunkingEnabled=false": 1000} {
		var c answer
		if body := o.do("GET", path, "").body; json.Unmarshal([]byte(body), &c) != nil || len(c.Records) != want {
			t.Errorf("%s: %.200s", path, body)
		}
	}
	o.do("GET", "/jobs/ingest?queryLocator=x", "").want(t, 400, `[{"message":"invalid query locator","errorCode":"INVALID_QUERY_LOCATOR"}]`)
}

// By the org's clock, an open job fails after a day and an ended one is gone after a week.
func TestBulkAge(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	start := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	o := newOrg(t, func(c *localorg.Config) { c.Now = func() time.Time { return start.Add(time.Duration(later.Load())) } })
	open := member(t, o.do("POST", "/jobs/ingest", upsertLeads).body, "id")
	done, _ := o.load(upsertLeads, "Ext__c,LastName,Company\nA,B,C\n")
	state := func(id string) string {
		r := o.do("GET", "/jobs/ingest/"+id, "")
		if r.status != 200 {
			return fmt.Sprint(r.status)
		}
		return member(t, r.body, "state")
	}
	for _, step := range []struct {
		after      time.Duration
		open, done string
	}{
		{23 * time.Hour, "Open", "JobComplete"},
		{25 * time.Hour, "Failed", "JobComplete"},
		{6 * 24 * time.Hour, "Failed", "JobComplete"},
		{7*24*time.Hour + time.Minute, "Failed", "404"},
		{8*24*time.Hour + 2*time.Hour, "404", "404"},
	} {
		later.Store(int64(step.after))
		o.token = o.Credentials().AccessToken
		if a, b := state(open), state(done); a != step.open || b != step.done {
			t.Errorf("after %s: %s, %s; want %s, %s", step.after, a, b, step.open, step.done)
		}
	}
}
