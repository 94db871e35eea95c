package localorg_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const csvType = "\nContent-Type: text/csv"

// ended waits for the job $name to reach an end and keeps its state and counters.
func (w *world) ended(t *testing.T, kind, name string) (state string, processed, failed int, message string) {
	t.Helper()
	w.until(t, "job "+w.vars[name]+" ends", func() bool {
		status, body, _ := w.call(t, "GET /jobs/"+kind+"/$"+name, "")
		var job struct {
			State                                       string
			NumberRecordsProcessed, NumberRecordsFailed int
			ErrorMessage                                string
		}
		if status != 200 || json.Unmarshal([]byte(body), &job) != nil {
			t.Fatalf("%d %s", status, body)
		}
		state, processed, failed, message = job.State, job.NumberRecordsProcessed, job.NumberRecordsFailed, job.ErrorMessage
		return state == "JobComplete" || state == "Failed" || state == "Aborted"
	})
	return state, processed, failed, message
}

// until asks again and again, ever more slowly, until something has come true.
func (w *world) until(t *testing.T, what string, ask func() bool) {
	t.Helper()
	for wait, tries := time.Millisecond, 0; tries < 200; tries++ {
		if ask() {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(wait):
			wait = min(2*wait, 100*time.Millisecond)
		}
	}
	t.Fatal("waited in vain until " + what)
}

// load runs an ingest job to its end and returns its state and error message; the id is $job.
func (w *world) load(t *testing.T, create, text string) (state, message string) {
	t.Helper()
	w.checkOne(t, fact{"create", "POST /jobs/ingest", create, `200 {"id":"<id:job>",…}`})
	w.checkOne(t, fact{"upload", "PUT /jobs/ingest/$job/batches" + csvType, text, `201`})
	w.checkOne(t, fact{"close", "PATCH /jobs/ingest/$job", `{"state":"UploadComplete"}`, `200 {…"state":"UploadComplete"…}`})
	state, _, _, message = w.ended(t, "ingest", "job")
	return state, message
}

// results returns the rows of a result set of $job by column.
func (w *world) results(t *testing.T, set string) []map[string]string {
	t.Helper()
	status, body, header := w.call(t, "GET /jobs/ingest/$job/"+set, "")
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/csv") {
		t.Fatalf("%s: %d %s %s", set, status, header.Get("Content-Type"), body)
	}
	if body == "" {
		return nil
	}
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v: %s", set, err, body)
	}
	var out []map[string]string
	for _, r := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = r[i]
		}
		out = append(out, m)
	}
	return out
}

// §5.1 The life of an ingest job, and what the verbs answer.
func TestConformance05Jobs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	const job = `"operation":"upsert","object":"Lead","createdById":"<id>","createdDate":"<datetime>","systemModstamp":"<datetime>"`
	w.check(t, []fact{
		{
			"§5.1 created: numeric version, contentUrl without a slash, no jobType, no counters; the object's canonical name", "POST /jobs/ingest", `{"object":"lead","operation":"upsert","externalIdFieldName":"Ext__c","contentType":"CSV","lineEnding":"LF"}`,
			`200 {"id":"<id:job>",` + job + `,"state":"Open","externalIdFieldName":"Ext__c","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":66.0,"contentUrl":"services/data/v66.0/jobs/ingest/$job/batches","lineEnding":"LF","columnDelimiter":"COMMA"}`,
		},
		{
			"§5.1 asked for while open: jobType and counters, no contentUrl", "GET /jobs/ingest/$job", "",
			`200 {"id":"$job",` + job + `,"state":"Open","externalIdFieldName":"Ext__c","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":66.0,"jobType":"V2Ingest","lineEnding":"LF","columnDelimiter":"COMMA","numberRecordsProcessed":0,"numberRecordsFailed":0,"retries":0,"totalProcessingTime":0,"apiActiveProcessingTime":0,"apexProcessingTime":0}`,
		},
		{"§5.1 not deleted while open", "DELETE /jobs/ingest/$job", "", `400 [{…"errorCode":"INVALIDJOBSTATE"…}]`},
		{"§5.1 uploaded: 201 without a body", "PUT /services/data/v66.0/jobs/ingest/$job/batches" + csvType, "Ext__c,LastName,Company\n1,A,C\n2,,C\n3,\"B \"\"x\"\", y\",C\n", `201 -`},
		{"§5.1 one upload a job", "PUT /jobs/ingest/$job/batches" + csvType, "Ext__c\n1\n", `400 [{…"Found multip…"errorCode":"BULK_API_ERROR"}]`},
		{
			"§5.1 closed: neither contentUrl nor lineEnding nor columnDelimiter", "PATCH /jobs/ingest/$job", `{"state":"UploadComplete"}`,
			`200 {"id":"$job",` + job + `,"state":"UploadComplete","externalIdFieldName":"Ext__c","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":66.0}`,
		},
	})
	if state, processed, failed, message := w.ended(t, "ingest", "job"); state != "JobComplete" || processed != 3 || failed != 1 || message != "" {
		t.Errorf("§5.1 %s, %d processed, %d failed, %q", state, processed, failed, message)
	}
	w.check(t, []fact{
		{"§5.2 only the org's own columns are quoted in the header, every value is", "GET /jobs/ingest/$job/failedResults/", "", "200\nContent-Type: text/csv…\n\n" + `"sf__Id","sf__Error",…` + "\n" + `"","REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",…"2"…` + "\n"},
		{"App. B CSV though the client said that it takes JSON", "GET /jobs/ingest/$job/unprocessedrecords/\nAccept: application/json", "", "200\nContent-Type: text/csv…\n\n…LastName…\n"},
		{"§5.1 done is done", "PATCH /jobs/ingest/$job", `{"state":"Aborted"}`, `400 [{…"errorCode":"INVALIDJOBSTATE"…}]`},
		{"§5.1 listed", "GET /jobs/ingest?jobType=V2Ingest", "", `200 {"done":true,"records":[{"id":"$job",…}],"nextRecordsUrl":null}`},
		{"§5.1 deleted", "DELETE /jobs/ingest/$job", "", `204 -`},
		{"§5.1 then unknown", "GET /jobs/ingest/$job", "", `404 [{"errorCode":"NOT_FOUND",…}]`},
		{"§5.1 an open job is aborted", "POST /jobs/ingest", `{"object":"Lead","operation":"insert"}`, `200 {"id":"<id:job>",…"state":"Open",…}`},
		{"§5.1 aborted", "PATCH /jobs/ingest/$job", `{"state":"Aborted"}`, `200 {"id":"$job",…"state":"Aborted"…}`},
		{"§5.1 nothing is uploaded to it then", "PUT /jobs/ingest/$job/batches" + csvType, "LastName,Company\nA,C\n", `400 [{…}]`},
		{"§5.1 an upsert needs its key", "POST /jobs/ingest", `{"object":"Lead","operation":"upsert"}`, `400 [{…}]`},
		{"§5.1 an unknown operation", "POST /jobs/ingest", `{"object":"Lead","operation":"merge"}`, `400 [{…}]`},
		{"§5.1 an unknown delimiter", "POST /jobs/ingest", `{"object":"Lead","operation":"insert","columnDelimiter":"DOT"}`, `400 [{…}]`},
		{"§5.1 an unknown object", "POST /jobs/ingest", `{"object":"Nothing__c","operation":"insert"}`, `400 [{…}]`},
		{
			"§5.1 in parts: closed at once", "POST /jobs/ingest\nContent-Type: multipart/form-data; boundary=BOUND",
			"--BOUND\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n" + `{"object":"Lead","operation":"insert","contentType":"CSV","lineEnding":"LF"}` + "\r\n--BOUND\r\nContent-Type: text/csv\r\nContent-Disposition: form-data; name=\"content\"; filename=\"content\"\r\n\r\nLastName,Company\nParts,C\n\r\n--BOUND--\r\n",
			`200 {"id":"<id:job>",…"state":"UploadComplete",…}`,
		},
	})
	if state, _, _, message := w.ended(t, "ingest", "job"); state != "JobComplete" || len(w.results(t, "successfulResults")) != 1 {
		t.Errorf("§5.1 in parts: %s %s", state, message)
	}
}

// §5.2 and §5.4: rows, cells and result sets.
func TestConformance05Rows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	w.checkOne(t, fact{"§5.4 setup", "POST /sobjects/Account", `{"Name":"Acme","ERP_Id__c":"E1"}`, `201 {"id":"<id:acme>",…}`})
	upsert := func(delimiter, ending string) string {
		return fmt.Sprintf(`{"object":"Lead","operation":"upsert","externalIdFieldName":"ext__c","columnDelimiter":%q,"lineEnding":%q}`, delimiter, ending)
	}
	leads := func(where string) string {
		t.Helper()
		_, body, _ := w.call(t, q("SELECT Ext__c, LastName, Score__c, Agreed__c, Day__c, Seen__c, Team__r.Name FROM Lead WHERE Ext__c "+where+" ORDER BY Ext__c"), "")
		var answer struct{ Records []map[string]any }
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		var out []string
		for _, r := range answer.Records {
			team := "-"
			if m, is := r["Team__r"].(map[string]any); is {
				team = fmt.Sprint(m["Name"])
			}
			out = append(out, fmt.Sprint(r["Ext__c"], " ", r["LastName"], " ", r["Score__c"], " ", r["Agreed__c"], " ", r["Day__c"], " ", r["Seen__c"], " ", team))
		}
		return strings.Join(out, "\n")
	}
	expect := func(name, create, text, where, want string) {
		t.Helper()
		state, message := w.load(t, create, text)
		if got := leads(where); state != "JobComplete" || got != want {
			t.Errorf("%s: %s %s\n got %s\nwant %s\n%v", name, state, message, got, want, w.results(t, "failedResults"))
		}
	}
	expect("§5.4 names in any case, quotes, line breaks, numbers, booleans, dates, a parent by its key", upsert("COMMA", "LF"),
		"EXT__C,lastname,Company,Score__c,Agreed__c,Day__c,Seen__c,Team__r.ERP_Id__c,ID\na1,\"A, \"\"B\"\"\nC\",X,1.25E1,1,2026-11-21,2026-11-21T10:00:00.000Z,e1,\na2,B,X,7,false,,2026-11-21T10:00:00+02:00,,\n",
		"LIKE 'a%'", "a1 A, \"B\"\nC 12.5 true 2026-11-21 2026-11-21T10:00:00.000+0000 Acme\na2 B 7 false <nil> 2026-11-21T08:00:00.000+0000 -")
	expect("§5.4 an empty cell leaves alone, #N/A clears", upsert("COMMA", "LF"), "Ext__c,LastName,Score__c,Day__c,Team__r.ERP_Id__c\na1,,,#N/A,\na2,C,#N/A,,E1\n",
		"LIKE 'a%'", "a1 A, \"B\"\nC 12.5 true <nil> 2026-11-21T10:00:00.000+0000 Acme\na2 C <nil> false <nil> 2026-11-21T08:00:00.000+0000 Acme")
	expect("§5.4 semicolons and CRLF", upsert("SEMICOLON", "CRLF"), "Ext__c;LastName;Company\r\nb1;B,1;X\r\n", "LIKE 'b%'", "b1 B,1 <nil> false <nil> <nil> -")
	expect("§5.4 tabs", upsert("TAB", "LF"), "Ext__c\tLastName\tCompany\nc1\tC1\tX", "LIKE 'c%'", "c1 C1 <nil> false <nil> <nil> -")
	expect("§5.4 pipes, carets and backquotes", upsert("PIPE", "LF"), "Ext__c|LastName|Company\nd1|D1|X\n", "LIKE 'd%'", "d1 D1 <nil> false <nil> <nil> -")

	state, message := w.load(t, upsert("COMMA", "LF"), "Company,Ext__c,LastName,Day__c,Score__c,Team__r.ERP_Id__c\n"+
		"X,f1,F,2003-04-987,1,\nX,f2,F,,many,\nX,f3,F,,1,none\nX,f4,"+strings.Repeat("x", 81)+",,1,\nX,f5,F,,1,\nX,,F,,1,\nX,f6,F,,1,\nX,F6,F,,1,\n")
	if state != "JobComplete" {
		t.Errorf("§5.2 %s %s", state, message)
	}
	got := map[string]string{}
	for _, r := range w.results(t, "failedResults") {
		got[r["Ext__c"]] += r["sf__Error"]
	}
	for key, want := range map[string]string{
		"f1": "INVALID_FIELD:Failed to deserialize field at col 3. Due to, '2003-04-987' is not a valid value for the type xsd:date:Day__c --",
		"f2": "INVALID_FIELD:Failed to deserialize field at col 4. Due to, 'many' is not a valid value for the type xsd:double:Score__c --",
		"f3": "INVALID_FIELD:Foreign key external ID: none not found for field ERP_Id__c in entity Account:…--",
		"f4": "STRING_TOO_LONG:Last Name: data value too large: " + strings.Repeat("x", 81) + " (max length=80):LastName --",
		"":   "MISSING_ARGUMENT:Ext__c not specified:…--",
		"f6": "DUPLICATE_VALUE:Duplicate external id specified: …--",
		"F6": "DUPLICATE_VALUE:Duplicate external id specified: …--",
	} {
		if !w.matches(got[key], want) {
			t.Errorf("§5.2 row %q: %q, want %q", key, got[key], want)
		}
	}
	if ok := w.results(t, "successfulResults"); len(ok) != 1 || ok[0]["Ext__c"] != "f5" || ok[0]["sf__Created"] != "true" || len(ok[0]["sf__Id"]) != 18 {
		t.Errorf("§5.2 succeeded: %v", ok)
	}

	w.checkOne(t, fact{"§5.4 a polymorphic column, by its type", "POST /jobs/ingest", `{"object":"Lead","operation":"insert"}`, `200 {"id":"<id:job>",…}`})
	state, message = w.load(t, `{"object":"Task","operation":"insert"}`, "Subject,User:Owner.Username,Lead:Who.Ext__c\nCall,$username,a1\n")
	if state != "JobComplete" || len(w.results(t, "successfulResults")) != 1 {
		t.Errorf("§5.4 polymorphic: %s %s %v", state, message, w.results(t, "failedResults"))
	}
	state, message = w.load(t, `{"object":"Lead","operation":"update"}`, "Id,LastName\n00Q000000000001EAA,A\n")
	if failed := w.results(t, "failedResults"); state != "JobComplete" || len(failed) != 1 || failed[0]["sf__Id"] != "00Q000000000001EAA" {
		t.Errorf("§5.2 a known id is in the failed rows: %s %s %v", state, message, failed)
	}
}

// §5.3 Jobs that fail as a whole.
func TestConformance05Failed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	for _, c := range []struct{ fact, create, text, want string }{
		{"an unknown column", `{"object":"Lead","operation":"insert"}`, "LastName,Emial,Fone\nA,B,C\n", "InvalidBatch : Field name not found : Emial"},
		{"a byte order mark", `{"object":"Lead","operation":"insert"}`, "\ufeffLastName,Company\nA,B\n", "InvalidBatch : Field name not found : \ufeffLastName"},
		{"CRLF where LF was said", `{"object":"Lead","operation":"insert","lineEnding":"LF"}`, "LastName,Company\r\nA,B\r\n", "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"},
		{"LF where CRLF was said", `{"object":"Lead","operation":"insert","lineEnding":"CRLF"}`, "LastName,Company\nA,B\n", "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is CRLF"},
	} {
		t.Run("§5.3 "+c.fact, func(t *testing.T) {
			state, message := w.load(t, c.create, c.text)
			if state != "Failed" || message != c.want {
				t.Errorf("%s %q, want %q", state, message, c.want)
			}
			_, processed, failed, _ := w.ended(t, "ingest", "job")
			if processed != 0 || failed != 0 {
				t.Errorf("%d processed, %d failed", processed, failed)
			}
			if rest := w.results(t, "unprocessedrecords"); len(rest) != 1 && len(rest) != 0 {
				t.Errorf("unprocessed: %v", rest)
			}
		})
	}
}

// §5.2 Many rows: results are shuffled and whole; every chunk of 200 is a transaction of its own.
func TestConformance05Many(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	var b strings.Builder
	b.WriteString("Ext__c,LastName,Company\n")
	const n = 2_050
	for i := range n {
		fmt.Fprintf(&b, "m%05d,L,%s\n", i, strings.Repeat("C", min(1, i%50))) // every 50th without a company
	}
	if state, message := w.load(t, `{"object":"Lead","operation":"insert"}`, b.String()); state != "JobComplete" {
		t.Fatalf("%s %s", state, message)
	}
	var order []string
	seen := map[string]bool{}
	for set, want := range map[string]int{"successfulResults": n - n/50, "failedResults": n / 50, "unprocessedrecords": 0} {
		rows := w.results(t, set)
		if len(rows) != want {
			t.Errorf("§5.2 %s: %d rows, want %d", set, len(rows), want)
		}
		for _, r := range rows {
			if seen[r["Ext__c"]] {
				t.Errorf("§5.2 %s twice", r["Ext__c"])
			}
			seen[r["Ext__c"]] = true
			if set == "successfulResults" {
				order = append(order, r["Ext__c"])
			}
		}
	}
	if len(seen) != n || slices.IsSorted(order) {
		t.Errorf("§5.2 %d rows in the result sets, in order: %t", len(seen), slices.IsSorted(order))
	}
}

// §5.7 Bulk query.
func TestConformance05Query(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	rows := make([]string, 150)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"LastName":"L%03d","Company":"A \"B\", C","Ext__c":"q%03d"}`, i, i)
	}
	w.check(t, []fact{
		{"§5.7 setup", "POST /composite/sobjects", collection(false, rows...), `200 […]`},
		{
			"§5.7 created", "POST /jobs/query", `{"operation":"query","query":"SELECT Id, LastName, Company, CreatedDate, Score__c FROM Lead ORDER BY LastName"}`,
			`200 {"id":"<id:query>","operation":"query","object":"Lead","createdById":"<id>","createdDate":"<datetime>","systemModstamp":"<datetime>","state":"UploadComplete","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":66.0,"lineEnding":"LF","columnDelimiter":"COMMA"}`,
		},
	})
	if state, processed, _, message := w.ended(t, "query", "query"); state != "JobComplete" || processed != 150 {
		t.Fatalf("§5.7 %s %d %s", state, processed, message)
	}
	w.check(t, []fact{
		{"§5.7 results in pages", "GET /jobs/query/$query/results?maxRecords=100", "", "200\nContent-Type: text/csv…\nSforce-NumberOfRecords: 100\nSforce-Locator: <text:locator>\n\n" + `"Id","LastName","Company","CreatedDate","Score__c"` + "\n" + `"<id>","L…","A ""B"", C","…Z",""` + "\n…"},
		{"§5.7 the last page's locator is null", "GET /jobs/query/$query/results?maxRecords=100&locator=$locator", "", "200\nSforce-NumberOfRecords: 50\nSforce-Locator: null\n\n…"},
		{"§5.7 all at once", "GET /jobs/query/$query/results", "", "200\nSforce-NumberOfRecords: 150\nSforce-Locator: null\n\n…"},
		{"§5.7 another version: 409", "GET /services/data/v60.0/jobs/query/$query/results", "", `409`},
		{"§5.7 a job says what it is", "GET /jobs/query/$query", "", `200 {…"jobType":"V2Query",…"numberRecordsProcessed":150,…}`},
		{"§5.7 deleted", "DELETE /jobs/query/$query", "", `204 -`},
	})
	for _, soql := range []string{
		"SELECT COUNT(Id) FROM Lead", "SELECT Company, COUNT(Id) FROM Lead GROUP BY Company", "SELECT Id FROM Lead LIMIT 5 OFFSET 5",
		"SELECT Id, (SELECT Id FROM Contacts) FROM Account", "SELECT Address FROM Lead", "SELECT Emial FROM Lead", "no query",
	} {
		text, err := json.Marshal(map[string]string{"operation": "query", "query": soql})
		if err != nil {
			t.Fatal(err)
		}
		status, body, _ := w.call(t, "POST /jobs/query", string(text))
		if status != 400 {
			t.Errorf("§5.7 %s: %d %s", soql, status, body)
		}
	}
}

// §5.8 Bulk API 1.0: results in the order of the rows.
func TestConformance05BulkOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	const session = "\nAuthorization: -\nX-SFDC-Session: $token"
	const xml = session + "\nContent-Type: application/xml"
	w.check(t, []fact{
		{
			"§5.8 a job in XML", "POST /services/async/60.0/job" + xml, `<?xml version="1.0" encoding="UTF-8"?><jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><operation>upsert</operation><object>Lead</object><externalIdFieldName>Ext__c</externalIdFieldName><contentType>CSV</contentType></jobInfo>`,
			`201 …<jobInfo…<id:job></id>…<operation>upsert</operation>…<object>Lead</object>…<state>Open</state>…<contentType>CSV</contentType>…`,
		},
		{"§5.8 a batch", "POST /services/async/60.0/job/$job/batch" + session + csvType, "Ext__c,LastName,Company\n1,A,C\n2,,C\n3,B,C\n", `201 …<batchInfo…<id:batch></id>…<jobId>$job</jobId>…<state>Queued</state>…`},
		{"§5.8 closed", "POST /services/async/60.0/job/$job" + xml, `<?xml version="1.0" encoding="UTF-8"?><jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><state>Closed</state></jobInfo>`, `200 …<state>Closed</state>…`},
	})
	w.until(t, "the batch is completed", func() bool {
		_, body, _ := w.call(t, "GET /services/async/60.0/job/$job/batch/$batch"+session, "")
		return strings.Contains(body, "<state>Completed</state>")
	})
	w.check(t, []fact{
		{
			"§5.8 results in order", "GET /services/async/60.0/job/$job/batch/$batch/result" + session, "",
			"200 " + `"Id","Success","Created","Error"` + "\n" + `"<id>","true","true",""` + "\n" + `"","false","false","REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"` + "\n" + `"<id>","true","true",""` + "\n",
		},
		{"§5.8 a job in JSON", "POST /services/async/60.0/job" + session + "\nContent-Type: application/json", `{"operation":"query","object":"Lead","contentType":"JSON"}`, `201 {…"id":"<id:job>"…"state":"Open"…}`},
		{"§5.8 another session", "POST /services/async/60.0/job\nAuthorization: -\nX-SFDC-Session: x\nContent-Type: application/json", `{}`, `400 …InvalidSessionId…`},
	})
}
