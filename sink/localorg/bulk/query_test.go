package bulk_test

import (
	"fmt"
	"strings"
	"testing"
)

// query runs a query job and returns its id and its last answer.
func (o *testOrg) bulkQuery(order string) (id, info string) {
	o.t.Helper()
	r := o.do("POST", "/jobs/query", order)
	if r.status != 200 {
		o.t.Fatalf("create %s: %d %s", order, r.status, r.body)
	}
	id = member(o.t, r.body, "id")
	return id, o.wait("/jobs/query/" + id)
}

// The answers to the verbs have different keys (recorded for POST; GET from a client's tests).
func TestBulkQueryShapes(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	r := o.do("POST", "/jobs/query", `{"operation":"query","query":"select Id from lead"}`)
	if got, want := keys(t, r.body), "id operation object createdById createdDate systemModstamp state concurrencyMode contentType apiVersion lineEnding columnDelimiter"; got != want {
		t.Errorf("POST has %s", got)
	}
	if member(t, r.body, "state") != "UploadComplete" || member(t, r.body, "object") != "Lead" || member(t, r.body, "operation") != "query" {
		t.Errorf("POST: %s", r.body)
	}
	id := member(t, r.body, "id")
	info := o.wait("/jobs/query/" + id)
	if got, want := keys(t, info), "id operation object createdById createdDate systemModstamp state concurrencyMode contentType apiVersion jobType lineEnding columnDelimiter numberRecordsProcessed retries totalProcessingTime"; got != want {
		t.Errorf("GET has %s", got)
	}
	if member(t, info, "jobType") != "V2Query" || member(t, info, "state") != "JobComplete" {
		t.Errorf("GET: %s", info)
	}
	// A result without records has its head.
	r = o.do("GET", "/jobs/query/"+id+"/results/?locator=", "", "Accept", "application/json")
	if r.status != 200 || r.body != "\"Id\"\n" || r.header.Get("Sforce-Locator") != "null" || r.header.Get("Sforce-NumberOfRecords") != "0" || r.header.Get("Content-Type") != "text/csv" {
		t.Errorf("%d %q %v", r.status, r.body, r.header)
	}
	o.do("PATCH", "/jobs/query/"+id, `{"state":"Aborted"}`).want(t, 400, `[{"message":"Aborting already Completed Job not allowed","errorCode":"INVALIDJOBSTATE"}]`)
	o.do("PATCH", "/jobs/query/"+id, `{"state":"UploadComplete"}`).want(t, 400, `[{"message":"Invalid value: 'UploadComplete' supplied for property: 'state'","errorCode":"API_ERROR"}]`)
	if r := o.do("GET", "/services/data/v65.0/jobs/query/"+id+"/results", ""); r.status != 409 {
		t.Errorf("another version: %d %s", r.status, r.body)
	}
	if r := o.do("GET", "/jobs/query?jobType=V2Query", ""); !strings.Contains(r.body, id) {
		t.Errorf("list: %s", r.body)
	}
	o.do("DELETE", "/jobs/query/"+id, "").want(t, 204, "")
	if r := o.do("GET", "/jobs/query/"+id+"/results", ""); r.status != 404 {
		t.Errorf("deleted: %d", r.status)
	}
}

// How values look in the CSV of a result.
func TestBulkQueryValues(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	owner := o.create("Lead", `{"Ext__c":"P","LastName":"P","Company":"C"}`)
	o.create("Lead", `{"Ext__c":"A","LastName":"say \"hi\"","Company":"line\nbreak, comma","Score__c":5,"NumberOfEmployees":7,"DoNotCall":true,"Day__c":"2026-11-21","Seen__c":"2026-11-21T10:00:00Z","Parent__c":"`+owner+`"}`)
	id, info := o.bulkQuery(`{"operation":"query","query":"SELECT Ext__c, LastName, Company, Score__c, NumberOfEmployees, DoNotCall, Day__c, Seen__c, Parent__r.Ext__c FROM Lead ORDER BY Ext__c"}`)
	if member(t, info, "numberRecordsProcessed") != "2" {
		t.Errorf("%s", info)
	}
	want := `"Ext__c","LastName","Company","Score__c","NumberOfEmployees","DoNotCall","Day__c","Seen__c","Parent__r.Ext__c"
"A","say ""hi""","line
break, comma","5.0","7","true","2026-11-21","2026-11-21T10:00:00.000Z","P"
"P","P","C","","","false","","",""
`
	if got := o.do("GET", "/jobs/query/"+id+"/results", "").body; got != want {
		t.Errorf("got %s", got)
	}
	o.do("DELETE", "/sobjects/Lead/"+owner, "")
	for op, want := range map[string]string{"query": "1", "queryAll": "2"} {
		if _, info := o.bulkQuery(`{"operation":"` + op + `","query":"SELECT Id FROM Lead","columnDelimiter":"PIPE","lineEnding":"CRLF"}`); member(t, info, "numberRecordsProcessed") != want {
			t.Errorf("%s: %s", op, info)
		}
	}
}

// Pages by locator and maxRecords: all records once, in order, whatever the size of the pages.
func TestBulkQueryPages(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	var file strings.Builder
	file.WriteString("Ext__c,LastName,Company\n")
	const rows = 2000
	for i := range rows {
		fmt.Fprintf(&file, "K%05d,\"a\nb \"\"%d\"\"\",%s\n", i, i, strings.Repeat("x", i%50+1))
	}
	if _, info := o.load(upsertLeads, file.String()); member(t, info, "numberRecordsFailed") != "0" {
		t.Fatal(info)
	}
	id, _ := o.bulkQuery(`{"operation":"query","query":"SELECT Ext__c, LastName, Company FROM Lead ORDER BY Ext__c"}`)
	whole := o.do("GET", "/jobs/query/"+id+"/results", "").body
	head, all, _ := strings.Cut(whole, "\n")
	if n := len(table(t, whole)); n != rows {
		t.Fatalf("%d rows", n)
	}
	for _, size := range []int{1, 777, 1000, 1999, 2000, 9000} {
		var got strings.Builder
		locator := ""
		for range rows/size + 2 {
			if size == 1 && got.Len() > 2000 {
				break
			}
			r := o.do("GET", fmt.Sprintf("/jobs/query/%s/results?maxRecords=%d&locator=%s", id, size, locator), "")
			h, body, _ := strings.Cut(r.body, "\n")
			if r.status != 200 || h != head || r.header.Get("Sforce-NumberOfRecords") != fmt.Sprint(len(table(t, r.body))) {
				t.Fatalf("%d %s %v", r.status, h, r.header)
			}
			got.WriteString(body)
			if locator = r.header.Get("Sforce-Locator"); locator == "null" {
				break
			}
		}
		if size > 1 && got.String() != all || !strings.HasPrefix(all, got.String()) {
			t.Errorf("pages of %d do not make up the whole", size)
		}
	}
	r := o.do("GET", "/jobs/query/"+id+"/resultPages", "")
	if want := `{"resultPages":[{"resultUrl":"/services/data/v66.0/jobs/query/` + id + `/results?locator=MA"}],"nextRecordsUrl":null,"done":true}`; r.body != want {
		t.Errorf("resultPages: %s", r.body)
	}
	for _, bad := range []string{"locator=x!", "locator=OTk5OTk", "maxRecords=0", "maxRecords=x"} {
		if r := o.do("GET", "/jobs/query/"+id+"/results?"+bad, ""); r.status != 400 {
			t.Errorf("%s: %d %s", bad, r.status, r.body)
		}
	}
}

// What a query job cannot do is refused when it is made. (The texts about compound fields and child
// relationships are recorded.)
func TestBulkQueryRefusals(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	tests := []struct{ soql, want string }{
		{"SELECT COUNT() FROM Lead", "Aggregate queries (COUNT, GROUP BY and the like) are not supported in Bulk Query"},
		{"SELECT COUNT(Id) FROM Lead", "Aggregate queries (COUNT, GROUP BY and the like) are not supported in Bulk Query"},
		{"SELECT LastName FROM Lead GROUP BY LastName", "Aggregate queries (COUNT, GROUP BY and the like) are not supported in Bulk Query"},
		{"SELECT Id FROM Lead LIMIT 5 OFFSET 5", "OFFSET is not supported in Bulk Query"},
		{"SELECT Id, Address FROM Lead", "Selecting compound data not supported in Bulk Query"},
		{"SELECT Id, (SELECT Id FROM Contacts) FROM Account", "Aggregate Relationships not supported in Bulk V2 Query with CSV content type"},
		{"SELECT Nope FROM Lead", ""},
		{"SELECT Id FROM Nope", ""},
		{"nonsense", ""},
		{"", ""},
	}
	for _, tt := range tests {
		t.Run(tt.soql, func(t *testing.T) {
			t.Parallel()
			r := o.do("POST", "/jobs/query", `{"operation":"query","query":"`+tt.soql+`"}`)
			if tt.want != "" {
				r.want(t, 400, `[{"message":"`+tt.want+`","errorCode":"API_ERROR"}]`)
				return
			}
			if r.status != 400 || !strings.HasPrefix(r.body, `[{"message":`) {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
	o.do("POST", "/jobs/query", `{"operation":"insert","query":"SELECT Id FROM Lead"}`).want(t, 400, `[{"message":"Invalid value: 'insert' supplied for property: 'operation'","errorCode":"API_ERROR"}]`)
}
