package v1_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg"
)

// org is an org behind HTTP.
type org struct {
	t          testing.TB
	url, token string
}

func newOrg(t testing.TB) *org {
	t.Helper()
	s := schema.Standard()
	lead := s.Object("Lead")
	lead.Fields = append(lead.Fields,
		&schema.Field{Name: "Ext__c", Label: "Ext", Type: schema.String, Length: 40, Nillable: true, Createable: true, Updateable: true, Custom: true, ExternalID: true, Unique: true, IDLookup: true, Filterable: true},
		&schema.Field{Name: "Parent__c", Label: "Parent", Type: schema.Reference, Length: 18, Nillable: true, Createable: true, Updateable: true, Custom: true, ReferenceTo: []string{"Lead"}, RelationshipName: "Parent__r", Filterable: true},
	)
	lead.Index()
	o, err := localorg.Open(t.Context(), localorg.Config{DB: localorg.Memory, Schema: s})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(o.Handler())
	t.Cleanup(func() {
		srv.Close()
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	return &org{t, srv.URL, o.Credentials().AccessToken}
}

// do sends a request to a path below /services/async/59.0.
func (o *org) do(method, path, body string, header ...string) (status int, answer, kind string) {
	o.t.Helper()
	if !strings.HasPrefix(path, "/services") {
		path = "/services/async/59.0" + path
	}
	rq, err := http.NewRequestWithContext(o.t.Context(), method, o.url+path, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	rq.Header.Set("X-SFDC-Session", o.token)
	for i := 0; i+1 < len(header); i += 2 {
		rq.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(rq)
	if err != nil {
		o.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header.Get("Content-Type")
}

// mask replaces ids and times.
func mask(s string) string {
	s = regexp.MustCompile(`\b[a-zA-Z0-9]{6}00000[a-zA-Z0-9]{4}[A-Z0-5]{3}\b`).ReplaceAllString(s, "<id>")
	s = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.000(Z|\+0000)`).ReplaceAllString(s, "<time>$1")
	return regexp.MustCompile(`(ProcessingTime"?[>:])\d+`).ReplaceAllString(s, "${1}0")
}

const (
	xmlHead  = `<?xml version="1.0" encoding="UTF-8"?>`
	xmlSpace = `xmlns="http://www.force.com/2009/06/asyncapi/dataload"`
)

// jobXML is a jobInfo as clients write it.
func jobXML(members ...string) string {
	b := xmlHead + "<jobInfo " + xmlSpace + ">"
	for i := 0; i+1 < len(members); i += 2 {
		b += "<" + members[i] + ">" + members[i+1] + "</" + members[i] + ">"
	}
	return b + "</jobInfo>"
}

var idOf = regexp.MustCompile(`<id>(\w{18})</id>|"id":"(\w{18})"`)

func id(answer string) string {
	m := idOf.FindStringSubmatch(answer)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}

// begin creates a job with XML.
func (o *org) begin(members ...string) string {
	o.t.Helper()
	status, body, _ := o.do("POST", "/job", jobXML(members...), "Content-Type", "application/xml; charset=UTF-8")
	if status != 201 {
		o.t.Fatalf("create %v: %d %s", members, status, body)
	}
	return id(body)
}

// batch adds a batch and waits for its end, whose answer it returns.
func (o *org) batch(job, content, kind string) (batch, info string) {
	o.t.Helper()
	status, body, _ := o.do("POST", "/job/"+job+"/batch", content, "Content-Type", kind)
	if status != 201 {
		o.t.Fatalf("add batch: %d %s", status, body)
	}
	batch = id(body)
	return batch, o.wait(job, batch)
}

func (o *org) wait(job, batch string) string {
	o.t.Helper()
	for range 60_000 {
		_, info, _ := o.do("GET", "/job/"+job+"/batch/"+batch, "")
		if !strings.Contains(info, "Queued") && !strings.Contains(info, "InProgress") {
			return info
		}
		time.Sleep(2 * time.Millisecond)
	}
	o.t.Fatal("the batch does not end")
	return ""
}

// The documents of an upsert in CSV are as recorded from a real org, down to the spaces.
func TestRecorded(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	status, body, kind := o.do("POST", "/job", jobXML("operation", "upsert", "object", "contact", "externalIdFieldName", "email", "concurrencyMode", "Parallel", "contentType", "CSV"), "Content-Type", "application/xml")
	job := id(body)
	counts := func(completed, total, processed int) string {
		return fmt.Sprintf(` <numberBatchesQueued>0</numberBatchesQueued>
 <numberBatchesInProgress>0</numberBatchesInProgress>
 <numberBatchesCompleted>%d</numberBatchesCompleted>
 <numberBatchesFailed>0</numberBatchesFailed>
 <numberBatchesTotal>%d</numberBatchesTotal>
 <numberRecordsProcessed>%d</numberRecordsProcessed>
 <numberRetries>0</numberRetries>
 <apiVersion>59.0</apiVersion>
 <numberRecordsFailed>0</numberRecordsFailed>
 <totalProcessingTime>0</totalProcessingTime>
 <apiActiveProcessingTime>0</apiActiveProcessingTime>
 <apexProcessingTime>0</apexProcessingTime>
</jobInfo>`, completed, total, processed)
	}
	head := func(state string) string {
		return xmlHead + `<jobInfo
   ` + xmlSpace + `>
 <id><id></id>
 <operation>upsert</operation>
 <object>Contact</object>
 <createdById><id></createdById>
 <createdDate><time>Z</createdDate>
 <systemModstamp><time>Z</systemModstamp>
 <state>` + state + `</state>
 <externalIdFieldName>Email</externalIdFieldName>
 <concurrencyMode>Parallel</concurrencyMode>
 <contentType>CSV</contentType>
`
	}
	if want := head("Open") + counts(0, 0, 0); status != 201 || kind != "application/xml" || maskUser(body) != want {
		t.Errorf("%d %s (-want +got)\n%s", status, kind, cmp.Diff(want, maskUser(body)))
	}
	if _, body, _ := o.do("GET", "/job/"+job+"/batch", ""); body != xmlHead+"<batchInfoList\n   "+xmlSpace+" />" {
		t.Errorf("no batches: %s", body)
	}
	status, body, _ = o.do("POST", "/job/"+job+"/batch", "\"FirstName\",\"LastName\",\"Email\"\r\n\"Lindsay\",\"Bluth\",\"lindsay@example.com\"\r\n\"Gob\",\"Bluth\",\"gob@example.com\"\r\n", "Content-Type", "text/csv")
	batch := id(body)
	entry := ` <id><id></id>
 <jobId><id></jobId>
 <state>%s</state>
 <createdDate><time>Z</createdDate>
 <systemModstamp><time>Z</systemModstamp>
 <numberRecordsProcessed>%d</numberRecordsProcessed>
 <numberRecordsFailed>0</numberRecordsFailed>
 <totalProcessingTime>0</totalProcessingTime>
 <apiActiveProcessingTime>0</apiActiveProcessingTime>
 <apexProcessingTime>0</apexProcessingTime>
`
	if want := xmlHead + "<batchInfo\n   " + xmlSpace + ">\n" + fmt.Sprintf(entry, "Queued", 0) + "</batchInfo>"; status != 201 || mask(body) != want {
		t.Errorf("%d (-want +got)\n%s", status, cmp.Diff(want, mask(body)))
	}
	o.wait(job, batch)
	if _, body, _ = o.do("POST", "/job/"+job, jobXML("state", "Closed"), "Content-Type", "application/xml"); maskUser(body) != head("Closed")+counts(1, 1, 2) {
		t.Errorf("closed (-want +got)\n%s", cmp.Diff(head("Closed")+counts(1, 1, 2), maskUser(body)))
	}
	if want := xmlHead + "<batchInfoList\n   " + xmlSpace + ">\n <batchInfo>\n " + strings.TrimSuffix(strings.ReplaceAll(fmt.Sprintf(entry, "Completed", 2), "\n", "\n "), " ") + " </batchInfo>\n</batchInfoList>"; true {
		if _, body, _ := o.do("GET", "/job/"+job+"/batch", ""); mask(body) != want {
			t.Errorf("batches (-want +got)\n%s", cmp.Diff(want, mask(body)))
		}
	}
	_, body, kind = o.do("GET", "/job/"+job+"/batch/"+batch+"/result", "")
	if want := "\"Id\",\"Success\",\"Created\",\"Error\"\n\"<id>\",\"true\",\"true\",\"\"\n\"<id>\",\"true\",\"true\",\"\"\n"; mask(body) != want || kind != "text/csv" {
		t.Errorf("%s %s", kind, body)
	}
	if _, body, _ := o.do("POST", "/job/"+job+"/batch", "Email\nx\n", "Content-Type", "text/csv"); !strings.Contains(body, "<exceptionCode>InvalidJobState</exceptionCode>") {
		t.Errorf("a batch for a closed job: %s", body)
	}
}

// maskUser is mask for answers with the user's id, which is numbered 0.
func maskUser(s string) string {
	return regexp.MustCompile(`005\w{15}`).ReplaceAllString(mask(s), "<id>")
}

// Rows in CSV, JSON and XML: the results are in the order of the request.
func TestResults(t *testing.T) {
	t.Parallel()
	tests := []struct{ contentType, kind, content, want string }{
		{
			"CSV", "text/csv; charset=UTF-8", "Ext__c,LastName,Company,Parent__r.Ext__c\nA,B,C,\nB,,C,\nC,D,E,P\n",
			"\"Id\",\"Success\",\"Created\",\"Error\"\n\"<id>\",\"true\",\"true\",\"\"\n\"\",\"false\",\"false\",\"REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --\"\n\"<id>\",\"true\",\"true\",\"\"\n",
		},
		{
			"JSON", "application/json", `[{"Ext__c":"A","LastName":"B","Company":"C","attributes":{"type":"Lead"}},{"Ext__c":"B","LastName":null,"Company":"C"},{"Ext__c":"C","LastName":"D","Company":"E","DoNotCall":true,"NumberOfEmployees":12,"Parent__r":{"attributes":{"type":"Lead"},"Ext__c":"P"}}]`,
			`[{"success":true,"created":true,"id":"<id>","errors":[]},{"success":false,"created":false,"id":null,"errors":[{"message":"Required fields are missing: [LastName]","fields":["LastName"],"statusCode":"REQUIRED_FIELD_MISSING","extendedErrorDetails":null}]},{"success":true,"created":true,"id":"<id>","errors":[]}]`,
		},
		{
			"XML", "application/xml", xmlHead + `<sObjects xmlns="http://www.force.com/2009/06/asyncapi/dataload" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <sObject><Ext__c>A</Ext__c><LastName>B</LastName><Company>C &amp; D</Company></sObject>
 <sObject><Ext__c>B</Ext__c><LastName xsi:nil="true"/><Company>C</Company></sObject>
 <sObject><Ext__c>C</Ext__c><LastName>D</LastName><Company>E</Company><Parent__r><sObject><type>Lead</type><Ext__c>P</Ext__c></sObject></Parent__r></sObject>
</sObjects>`,
			xmlHead + `<results ` + xmlSpace + `><result><id><id></id><success>true</success><created>true</created></result><result><errors><fields>LastName</fields><message>Required fields are missing: [LastName]</message><statusCode>REQUIRED_FIELD_MISSING</statusCode></errors><success>false</success><created>false</created></result><result><id><id></id><success>true</success><created>true</created></result></results>`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.contentType, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			if status, body, _ := o.do("POST", "/services/data/v59.0/sobjects/Lead", `{"Ext__c":"P","LastName":"P","Company":"P"}`); status != 201 {
				t.Fatal(body)
			}
			job := o.begin("operation", "upsert", "object", "Lead", "externalIdFieldName", "Ext__c", "contentType", tt.contentType)
			batch, info := o.batch(job, tt.content, tt.kind)
			if !strings.Contains(info, "Completed") {
				t.Fatal(info)
			}
			if _, body, _ := o.do("GET", "/job/"+job+"/batch/"+batch+"/result", ""); mask(body) != tt.want {
				t.Errorf("(-want +got)\n%s", cmp.Diff(tt.want, mask(body)))
			}
			if _, body, _ := o.do("GET", "/job/"+job+"/batch/"+batch+"/request", ""); body != tt.content {
				t.Errorf("request: %s", body)
			}
			_, body, _ := o.do("GET", "/services/data/v59.0/query?q=SELECT+Company+FROM+Lead+WHERE+Parent__r.Ext__c='P'", "")
			if !strings.Contains(body, `"Company":"E"`) {
				t.Errorf("the relationship is not there: %s", body)
			}
		})
	}
}

// Queries in CSV, JSON and XML.
func TestQuery(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	job := o.begin("operation", "insert", "object", "Lead", "contentType", "CSV")
	o.batch(job, "Ext__c,LastName,Company\nP,\"a \"\"b\"\"\",C\n", "text/csv")
	job = o.begin("operation", "insert", "object", "Lead", "contentType", "CSV")
	o.batch(job, "Ext__c,LastName,Company,Parent__r.Ext__c,AnnualRevenue\nQ,<c>,D,P,5\n", "text/csv")
	const soql = "SELECT Ext__c, LastName, Parent__r.Ext__c, AnnualRevenue FROM Lead ORDER BY Ext__c"
	tests := map[string]string{
		"CSV": "\"Ext__c\",\"LastName\",\"Parent__r.Ext__c\",\"AnnualRevenue\"\n\"P\",\"a \"\"b\"\"\",\"\",\"\"\n\"Q\",\"<c>\",\"P\",\"5.0\"\n",
		"JSON": `[{"attributes":{"type":"Lead","url":"/services/data/v59.0/sobjects/Lead/<id>"},"Ext__c":"P","LastName":"a \"b\"","Parent__r":null,"AnnualRevenue":null},` +
			`{"attributes":{"type":"Lead","url":"/services/data/v59.0/sobjects/Lead/<id>"},"Ext__c":"Q","LastName":"<c>","Parent__r":{"attributes":{"type":"Lead","url":"/services/data/v59.0/sobjects/Lead/<id>"},"Ext__c":"P"},"AnnualRevenue":5.0}]`,
		"XML": xmlHead + `<queryResult ` + xmlSpace + ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><records xsi:type="sObject"><type>Lead</type><Ext__c>P</Ext__c><LastName>a &#34;b&#34;</LastName><Parent__r xsi:type="sObject"><Ext__c xsi:nil="true"/></Parent__r><AnnualRevenue xsi:nil="true"/></records>` +
			`<records xsi:type="sObject"><type>Lead</type><Ext__c>Q</Ext__c><LastName>&lt;c&gt;</LastName><Parent__r xsi:type="sObject"><Ext__c>P</Ext__c></Parent__r><AnnualRevenue>5.0</AnnualRevenue></records></queryResult>`,
	}
	for contentType, want := range tests {
		job := o.begin("operation", "query", "object", "Lead", "contentType", contentType)
		batch, info := o.batch(job, soql, "text/csv")
		if !strings.Contains(info, "Completed") || !strings.Contains(info, "numberRecordsProcessed>2<") && contentType != "JSON" {
			t.Fatal(info)
		}
		path := "/job/" + job + "/batch/" + batch + "/result"
		_, ids, _ := o.do("GET", path, "")
		result := regexp.MustCompile(`752\w{15}`).FindString(ids)
		if form := map[bool]string{true: `["` + result + `"]`, false: `<result-list ` + xmlSpace + `><result>` + result + `</result></result-list>`}[contentType == "JSON"]; ids != form {
			t.Errorf("%s: results %s, want %s", contentType, ids, form)
		}
		if _, body, _ := o.do("GET", path+"/"+result, ""); mask(body) != want {
			t.Errorf("%s (-want +got)\n%s", contentType, cmp.Diff(want, mask(body)))
		}
	}
	for soql, want := range map[string]string{
		"SELECT Nope FROM Lead":                             "InvalidBatch : Failed to process query: INVALID_FIELD",
		"SELECT Id, Address FROM Lead":                      "InvalidBatch : Failed to process query: FUNCTIONALITY_NOT_ENABLED: Selecting compound data not supported in Bulk Query",
		"SELECT Id, (SELECT Id FROM Contacts) FROM Account": "Aggregate Relationships not supported in Bulk",
	} {
		job := o.begin("operation", "query", "object", "Lead", "contentType", "CSV")
		if _, info := o.batch(job, soql, "text/csv"); !strings.Contains(info, "<state>Failed</state>") || !strings.Contains(info, want) {
			t.Errorf("%s: %s", soql, info)
		}
	}
}

// A job in JSON, as a client writes it: the concurrencyMode is a number.
func TestJSONJob(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	js := []string{"Content-Type", "application/json"}
	status, body, kind := o.do("POST", "/job", `{"operation":"insert","object":"lead","concurrencyMode":1,"contentType":"JSON"}`, js...)
	if status != 201 || kind != "application/json" {
		t.Fatalf("%d %s %s", status, kind, body)
	}
	var job map[string]any
	if err := json.Unmarshal([]byte(body), &job); err != nil || job["object"] != "Lead" || job["state"] != "Open" || job["concurrencyMode"] != "Serial" || job["apiVersion"] != 59.0 || job["externalIdFieldName"] != nil {
		t.Errorf("%v %s", err, body)
	}
	_, body, _ = o.do("POST", "/job/"+id(body)+"/batch", `[{"LastName":"A","Company":"B"}]`, js...)
	var batch struct{ ID, JobID, State string }
	if err := json.Unmarshal([]byte(body), &batch); err != nil || batch.State != "Queued" || batch.JobID != job["id"] {
		t.Fatalf("%v %s", err, body)
	}
	o.wait(batch.JobID, batch.ID)
	if _, body, _ := o.do("GET", "/job/"+batch.JobID+"/batch", "", js...); !strings.HasPrefix(body, `{"batchInfo":[{"id":"`+batch.ID+`","jobId":`) {
		t.Errorf("%s", body)
	}
}

// What is wrong with a job, a batch or a session.
func TestRefusals(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	job := o.begin("operation", "insert", "object", "Lead", "contentType", "CSV")
	tests := []struct{ name, method, path, body, code, message string }{
		{"no such object", "POST", "/job", jobXML("operation", "insert", "object", "Nope"), "InvalidJob", "Unable to find object: Nope"},
		{"no key", "POST", "/job", jobXML("operation", "upsert", "object", "Contact"), "InvalidJob", "External ID was blank for Contact. An External ID must be specified for upsert."}, // recorded
		{"no such operation", "POST", "/job", jobXML("operation", "merge", "object", "Lead"), "InvalidJob", "Unable to parse Job"},                                                      // recorded
		{"no document", "POST", "/job", "x", "InvalidJob", "Unable to parse Job"},
		{"no such job", "GET", "/job/750000000000001AAA", "", "InvalidJob", "Unable to find job: 750000000000001AAA"},
		{"no such batch", "GET", "/job/" + job + "/batch/751000000000001AAA", "", "InvalidBatch", "Unable to find batch: 751000000000001AAA"},
		{"an old version", "GET", "/services/async/30.0/job/" + job, "", "InvalidVersion", "Invalid version: 30.0"},
		{"a large batch", "POST", "/job/" + job + "/batch", strings.Repeat("x", 10_000_001), "ClientInputError", "Failed to read request. Exceeded max size limit of 10000000 with requested size 10000001"},
	}
	for _, tt := range tests {
		status, body, _ := o.do(tt.method, tt.path, tt.body, "Content-Type", "application/xml")
		want := xmlHead + "<error\n   " + xmlSpace + ">\n <exceptionCode>" + tt.code + "</exceptionCode>\n <exceptionMessage>" + tt.message + "</exceptionMessage>\n</error>"
		if status != 400 || body != want {
			t.Errorf("%s: %d %s", tt.name, status, body)
		}
	}
	for content, want := range map[string]string{
		"LastName,Nope\nA,B\n":                             "InvalidBatch : Field name not found : Nope",
		"LastName,Company\n":                               "InvalidBatch : Records not found",
		"\"LastName\"x,Company\nA,B\n":                     "ClientInputError : Failed to parse CSV: Not expecting more text after end quote",
		"LastName,Company\nA,\"B\n":                        "ClientInputError : Failed to parse CSV: EOF reached before closing an opened quote",
		"LastName\n" + strings.Repeat("A\n", 10_001):       "InvalidBatch : The batch has more than 10000 records",
		"LastName,Company\n" + strings.Repeat("A,B\n", 10): "",
	} {
		_, info := o.batch(job, content, "text/csv")
		if want != "" && !strings.Contains(info, "<stateMessage>"+want+"</stateMessage>") || want == "" && !strings.Contains(info, "Completed") {
			t.Errorf("%.30q: %s", content, info)
		}
	}
	// Clients look for a code in a 400 to log in again.
	o.token = "nonsense"
	if status, body, _ := o.do("GET", "/job/"+job, ""); status != 400 || !strings.Contains(body, "<exceptionCode>InvalidSessionId</exceptionCode>") {
		t.Errorf("%d %s", status, body)
	}
}
