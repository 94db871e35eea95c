package bulk_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/sink/localorg"
)

// What becomes of rows: by result set, with the texts of sf__Error.
func TestBulkRows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		order  string
		before string // a lead that is there with Ext__c OLD
		csv    string
		ok     []string
		failed []string
		query  string
		then   string
	}{
		{
			name: "upsert creates and updates", order: upsertLeads, before: `{"Ext__c":"OLD","LastName":"A","Company":"C"}`,
			csv: "Ext__c,LastName,Company\nOLD,B,\nNEW,N,D\n",
			ok: []string{
				"Company= Ext__c=OLD LastName=B sf__Created=false sf__Id=<id>", "Company=D Ext__c=NEW LastName=N sf__Created=true sf__Id=<id>",
			},
			query: "SELECT Ext__c, LastName, Company FROM Lead ORDER BY Ext__c",
			then:  `[{"Company":"D","Ext__c":"NEW","LastName":"N"},{"Company":"C","Ext__c":"OLD","LastName":"B"}]`,
		},
		{
			name: "an empty cell leaves alone, #N/A clears", order: upsertLeads, before: `{"Ext__c":"OLD","LastName":"A","Company":"C","City":"Köln","Phone":"1"}`,
			csv:   "Ext__c,City,Phone\nOLD,,#N/A\n",
			ok:    []string{"City= Ext__c=OLD Phone=#N/A sf__Created=false sf__Id=<id>"},
			query: "SELECT City, Phone FROM Lead", then: `[{"City":"Köln","Phone":null}]`,
		},
		{
			name: "an empty cell of a new record is the default", order: `{"object":"Lead","operation":"insert"}`,
			csv:   "LastName,Company,Status,IsUnreadByOwner\nA,C,,\n",
			ok:    []string{"Company=C IsUnreadByOwner= LastName=A Status= sf__Created=true sf__Id=<id>"},
			query: "SELECT Status FROM Lead", then: `[{"Status":"Open - Not Contacted"}]`,
		},
		{
			name: "names in any case are answered as the object has them", order: upsertLeads,
			csv:   "ext__C,LASTNAME,company\nA,B,C\n",
			ok:    []string{"Company=C Ext__c=A LastName=B sf__Created=true sf__Id=<id>"},
			query: "SELECT COUNT() FROM Lead", then: "",
		},
		{
			name: "an empty Id column in an upsert, an empty column, no line feed at the end", order: upsertLeads,
			csv: "ID,Ext__c,LastName,Company,Phone\n,A,B,C,",
			ok:  []string{"Company=C Ext__c=A Id= LastName=B Phone= sf__Created=true sf__Id=<id>"},
		},
		{
			name: "a value of the wrong type", order: upsertLeads, // recorded: genuine partial failure
			csv: "LastName,Company,Ext__c,Day__c\nA,C,1,2003-04-987654321987654321\nA,C,2,2003-04-09\n",
			ok:  []string{"Company=C Day__c=2003-04-09 Ext__c=2 LastName=A sf__Created=true sf__Id=<id>"},
			failed: []string{
				"Company=C Day__c=2003-04-987654321987654321 Ext__c=1 LastName=A sf__Error=INVALID_FIELD:Failed to deserialize field at col 3. Due to, " +
					"'2003-04-987654321987654321' is not a valid value for the type xsd:date:Day__c -- sf__Id=",
			},
		},
		{
			name: "a missing field, an error without fields", order: upsertLeads,
			csv: "Ext__c,LastName,Company\nA,,C\n,B,C\n",
			failed: []string{
				"Company=C Ext__c= LastName=B sf__Error=MISSING_ARGUMENT:Ext__c not specified:-- sf__Id=",
				"Company=C Ext__c=A LastName= sf__Error=REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName -- sf__Id=",
			},
		},
		{
			name: "a key twice in a chunk costs both rows", order: upsertLeads,
			csv: "Ext__c,LastName,Company\nA,B,C\na,D,C\n",
			failed: []string{
				"Company=C Ext__c=A LastName=B sf__Error=DUPLICATE_VALUE:Duplicate external id specified: A:Ext__c -- sf__Id=",
				"Company=C Ext__c=a LastName=D sf__Error=DUPLICATE_VALUE:Duplicate external id specified: a:Ext__c -- sf__Id=",
			},
		},
		{
			name: "a row that failed has the id that is known", order: upsertLeads, before: `{"Ext__c":"OLD","LastName":"A","Company":"C"}`,
			csv:    "Ext__c,Email\nOLD,nobody\n",
			failed: []string{"Email=nobody Ext__c=OLD sf__Error=INVALID_EMAIL_ADDRESS:Email: invalid email address: nobody:Email -- sf__Id=<id>"},
		},
		{
			name: "booleans as words and digits, numbers in scientific notation, times", order: upsertLeads,
			csv: "Ext__c,LastName,Company,DoNotCall,Score__c,Seen__c,At__c\nA,B,C,1,1.25e2,2026-11-21T10:00:00+02:00,10:00:00.000Z\nB,B,C,FALSE,.5,2026-11-21T10:00:00,#N/A\n",
			ok: []string{
				"At__c=#N/A Company=C DoNotCall=FALSE Ext__c=B LastName=B Score__c=.5 Seen__c=2026-11-21T10:00:00 sf__Created=true sf__Id=<id>",
				"At__c=10:00:00.000Z Company=C DoNotCall=1 Ext__c=A LastName=B Score__c=1.25e2 Seen__c=2026-11-21T10:00:00+02:00 sf__Created=true sf__Id=<id>",
			},
			query: "SELECT DoNotCall, Score__c, Seen__c FROM Lead ORDER BY Ext__c",
			then:  `[{"DoNotCall":true,"Score__c":125,"Seen__c":"2026-11-21T08:00:00.000+0000"},{"DoNotCall":false,"Score__c":0.5,"Seen__c":"2026-11-21T10:00:00.000+0000"}]`,
		},
		{
			name: "a relationship by external id", order: upsertLeads, before: `{"Ext__c":"OLD","LastName":"A","Company":"C"}`,
			csv: "Ext__c,LastName,Company,Parent__r.ext__c\nA,B,C,old\nB,B,C,none\nC,B,C,\n",
			ok: []string{
				"Company=C Ext__c=A LastName=B Parent__r.Ext__c=old sf__Created=true sf__Id=<id>",
				"Company=C Ext__c=C LastName=B Parent__r.Ext__c= sf__Created=true sf__Id=<id>",
			},
			failed: []string{"Company=C Ext__c=B LastName=B Parent__r.Ext__c=none sf__Error=INVALID_FIELD:Foreign key external ID: none not found for field Ext__c in entity Lead:-- sf__Id="},
			query:  "SELECT Ext__c FROM Lead WHERE Parent__r.Ext__c = 'OLD'", then: `[{"Ext__c":"A"}]`,
		},
		{
			name: "a relationship is cleared by #N/A", order: upsertLeads, before: `{"Ext__c":"OLD","LastName":"A","Company":"C"}`,
			csv:   "Ext__c,Parent__r.Ext__c\nOLD,#N/A\n",
			ok:    []string{"Ext__c=OLD Parent__r.Ext__c=#N/A sf__Created=false sf__Id=<id>"},
			query: "SELECT Parent__c FROM Lead", then: `[{"Parent__c":null}]`,
		},
		{
			name: "a polymorphic relationship names the type", order: upsertLeads,
			csv:    "Ext__c,LastName,Company,User:Owner.Username\nA,B,C,nobody@example.com\n",
			failed: []string{"Company=C Ext__c=A LastName=B User:Owner.Username=nobody@example.com sf__Error=INVALID_FIELD:Foreign key external ID: nobody@example.com not found for field Username in entity User:-- sf__Id="},
		},
		{
			name: "quotes, delimiters and line feeds come back as they were", order: upsertLeads,
			csv:   "Ext__c,LastName,Company\nA,\"say \"\"hi\"\", you\",\"C\nD\"\n",
			ok:    []string{"Company=C\nD Ext__c=A LastName=say \"hi\", you sf__Created=true sf__Id=<id>"},
			query: "SELECT LastName FROM Lead", then: `[{"LastName":"say \"hi\", you"}]`,
		},
		{
			name: "a space before a quote makes the row bad", order: upsertLeads,
			csv:    "Ext__c,LastName,Company\nA, \"B\",C\nB,B,C\n",
			ok:     []string{"Company=C Ext__c=B LastName=B sf__Created=true sf__Id=<id>"},
			failed: []string{"Company= Ext__c=A, \"B\",C LastName= sf__Error=INVALID_FIELD:Failed to parse row: Found unescaped quote. A value with quote should be within a quote:-- sf__Id="},
		},
		{
			name: "a row of another width", order: upsertLeads,
			csv: "Ext__c,LastName,Company\nA,B\nB,B,C,D\n",
			failed: []string{
				"Company= Ext__c=A LastName=B sf__Error=INVALID_FIELD:Failed to parse row: it has 2 columns and the header has 3:-- sf__Id=",
				"Company=C Ext__c=B LastName=B sf__Error=INVALID_FIELD:Failed to parse row: it has 4 columns and the header has 3:-- sf__Id=",
			},
		},
		{
			name: "another delimiter and line ending", order: `{"object":"Lead","operation":"insert","columnDelimiter":"TAB","lineEnding":"CRLF"}`,
			csv:   "LastName\tCompany\r\nA\tB, C\r\n",
			query: "SELECT LastName, Company FROM Lead", then: `[{"Company":"B, C","LastName":"A"}]`,
		},
		{
			name: "an insert with an id", order: `{"object":"Lead","operation":"insert"}`,
			csv:    "Id,LastName,Company\n00Q000000000001AAA,A,B\n",
			failed: []string{"Company=B Id=<id> LastName=A sf__Error=INVALID_FIELD_FOR_INSERT_UPDATE:cannot specify Id in an insert call:Id -- sf__Id="},
		},
		{
			name: "an update without an id", order: `{"object":"Lead","operation":"update"}`,
			csv:    "Id,LastName\n,A\n",
			failed: []string{"Id= LastName=A sf__Error=MISSING_ARGUMENT:Id not specified in an update call:-- sf__Id="},
		},
		{
			name: "a delete of what is no lead", order: `{"object":"Lead","operation":"delete"}`,
			csv: "Id\n001000000000001AAA\nx\n",
			failed: []string{
				"Id=<id> sf__Error=MALFORMED_ID:Lead ID: id value of incorrect type: <id>:Id -- sf__Id=<id>",
				"Id=x sf__Error=MALFORMED_ID:malformed id x:-- sf__Id=x",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			if tt.before != "" {
				o.create("Lead", tt.before)
			}
			id, info := o.load(tt.order, tt.csv)
			want := fmt.Sprintf("JobComplete %d %d", len(tt.ok)+len(tt.failed), len(tt.failed))
			if len(tt.ok)+len(tt.failed) == 0 {
				want = "JobComplete 1 0"
			}
			if got := strings.Join([]string{member(t, info, "state"), member(t, info, "numberRecordsProcessed"), member(t, info, "numberRecordsFailed")}, " "); got != want {
				t.Errorf("%s, want %s: %s", got, want, info)
			}
			if len(tt.ok)+len(tt.failed) > 0 {
				for name, want := range map[string][]string{"successfulResults": tt.ok, "failedResults": tt.failed, "unprocessedrecords": nil} {
					if _, got := o.set(id, name); strings.Join(got, "\n") != strings.Join(want, "\n") {
						t.Errorf("%s (-want +got):\n%s", name, cmp.Diff(want, got))
					}
				}
			}
			if tt.then != "" {
				if got := o.query(tt.query); got != tt.then {
					t.Errorf("%s gives %s, want %s", tt.query, got, tt.then)
				}
			}
		})
	}
}

// What is wrong with a whole file fails the job, and nothing is written; all rows are unprocessed.
func TestBulkWholeJob(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, order, csv, message string }{
		{"an unknown column", upsertLeads, "Ext__c,LastName,Emial\nA,B,C\n", "InvalidBatch : Field name not found : Emial"},
		{"only the first unknown column is named", upsertLeads, "Ext__c,X,Y\nA,B,C\n", "InvalidBatch : Field name not found : X"},
		{"a BOM", upsertLeads, "\ufeffExt__c,LastName,Company\nA,B,C\n", "InvalidBatch : Field name not found : \ufeffExt__c"},
		{"CRLF in an LF job", upsertLeads, "Ext__c,LastName,Company\r\nA,B,C\r\n", "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"},
		{"CRLF far behind", upsertLeads, "Ext__c,LastName,Company\n" + strings.Repeat("A,B,C\n", 3_000) + "A,B,C\r\n", "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"},
		{
			"LF in a CRLF job", `{"object":"Lead","operation":"insert","lineEnding":"CRLF"}`, "LastName,Company\nB,C\n",
			"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is CRLF",
		},
		{"a header in broken quotes shows data", upsertLeads, "\"Ext__c\n\",LastName,Company\nA,B,C\n", "InvalidBatch : Field name not found : Ext__c\n"},
		{"a quote that is never closed", upsertLeads, "Ext__c,LastName,Company\nA,\"B,C\nA,B,C\n", "ClientInputError : Failed to parse CSV: EOF reached before closing an opened quote"},
		{"a header that cannot be taken apart", upsertLeads, "\"Ext__c\"x,LastName\nA,B\n", "ClientInputError : Failed to parse CSV: Not expecting more text after end quote"},
		{"no key column in an upsert", upsertLeads, "LastName,Company\nA,B\n", "InvalidBatch : Field name not found : Ext__c"},
		{"no Id column in an update", `{"object":"Lead","operation":"update"}`, "LastName,Company\nA,B\n", "InvalidBatch : Field name not found : Id"},
		{"a compound field", upsertLeads, "Ext__c,Address\nA,B\n", "InvalidBatch : Field name not found : Address"},
		{"an unknown relationship", upsertLeads, "Ext__c,Nope__r.Ext__c\nA,B\n", "InvalidBatch : Field name not found : Nope__r.Ext__c"},
		// The texts about types are recorded.
		{"a type where the relationship has one", upsertLeads, "Ext__c,Lead:Parent__r.Ext__c\nA,B\n", "InvalidBatch : type is not needed for non polymorphic foreign key references: Parent__r"},
		{"type and relationship swapped", upsertLeads, "Ext__c,Owner:User.Username\nA,B\n", "InvalidBatch : Unable to find relationship: User"},
		{"colons only", upsertLeads, "Ext__c,User:Owner:Username\nA,B\n", "InvalidBatch : Field name not found : User:Owner:Username"},
		{"no type where the relationship has several", upsertLeads, "Ext__c,Owner.Username\nA,B\n", "InvalidBatch : type is needed for polymorphic foreign key references: Owner"},
		{"more than ids in a delete", `{"object":"Lead","operation":"delete"}`, "Id,LastName\n,\n", "InvalidBatch : In a delete batch, the records must contain only ids, not LastName"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			id, info := o.load(tt.order, tt.csv)
			var message string
			if message = member(t, info, "errorMessage"); strings.Contains(message, `\`) {
				message = strings.NewReplacer(`\n`, "\n").Replace(message)
			}
			if member(t, info, "state") != "Failed" || message != tt.message || member(t, info, "numberRecordsProcessed") != "0" {
				t.Errorf("%s", info)
			}
			if n := o.count("Lead"); n != 0 {
				t.Errorf("%d leads", n)
			}
			for _, name := range []string{"successfulResults", "failedResults"} {
				if _, rows := o.set(id, name); len(rows) > 0 {
					t.Errorf("%s has %q", name, rows)
				}
			}
		})
	}
	o := newOrg(t)
	id, _ := o.load(upsertLeads, "Ext__c,X\nA,1\nB,\"2\"\"\"\n")
	if r := o.do("GET", "/jobs/ingest/"+id+"/unprocessedrecords", ""); !cmp.Equal(table(t, r.body), []string{"Ext__c=A X=1", `Ext__c=B X=2"`}) {
		t.Errorf("unprocessed: %s", r.body)
	}
}

// A job of many chunks: each row is in one result set, shuffled, and the same each time.
func TestBulkChunks(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	const rows = 2050
	var file strings.Builder
	file.WriteString("Ext__c,LastName,Company\n")
	for i := range rows {
		last := "A"
		if i%7 == 0 {
			last = ""
		}
		fmt.Fprintf(&file, "K%04d,%s,\"C, D\"\n", i, last)
	}
	id, info := o.load(upsertLeads, file.String())
	const bad = (rows + 6) / 7
	if member(t, info, "numberRecordsProcessed") != fmt.Sprint(rows) || member(t, info, "numberRecordsFailed") != fmt.Sprint(bad) {
		t.Errorf("%s", info)
	}
	first := o.do("GET", "/jobs/ingest/"+id+"/successfulResults", "").body
	if again := o.do("GET", "/jobs/ingest/"+id+"/successfulResults", "", "Accept-Encoding", "gzip").body; len(again) >= len(first) {
		t.Errorf("%d bytes compressed, %d plain", len(again), len(first))
	}
	if again := o.do("GET", "/jobs/ingest/"+id+"/successfulResults", "").body; again != first {
		t.Error("the same results differ")
	}
	order := regexp.MustCompile(`K\d{4}`).FindAllString(first, -1)
	if slices.IsSorted(order[:100]) || slices.IsSorted(order[len(order)-100:]) {
		t.Error("the results are in the order of the upload")
	}
	seen := map[string]bool{}
	_, good := o.set(id, "successfulResults")
	_, failed := o.set(id, "failedResults")
	for _, r := range append(good, failed...) {
		_, key, _ := strings.Cut(r, "Ext__c=")
		seen[key[:5]] = true
	}
	if len(good) != rows-bad || len(failed) != bad || len(seen) != rows {
		t.Errorf("%d good, %d failed, %d keys", len(good), len(failed), len(seen))
	}
}

// Deleting puts records into the recycle bin, deleting for good does not; updates go by id.
func TestBulkByID(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	var ids []string
	for i := range 4 {
		ids = append(ids, o.create("Lead", fmt.Sprintf(`{"LastName":"L%d","Company":"C"}`, i)))
	}
	id, info := o.load(`{"object":"Lead","operation":"update","externalIdFieldName":""}`, "Id,LastName\n"+ids[0]+",U\n"+ids[1][:15]+",V\n")
	if _, rows := o.set(id, "successfulResults"); member(t, info, "numberRecordsFailed") != "0" || len(rows) != 2 || !strings.Contains(rows[0], "sf__Created=false") {
		t.Errorf("update: %s %q", info, rows)
	}
	if got := o.query("SELECT LastName FROM Lead ORDER BY LastName"); got != `[{"LastName":"L2"},{"LastName":"L3"},{"LastName":"U"},{"LastName":"V"}]` {
		t.Errorf("after update: %s", got)
	}
	id, info = o.load(`{"object":"Lead","operation":"upsert","externalIdFieldName":"id"}`, "ID,LastName,Company\n"+ids[3]+",L3,D\n,L4,E\n")
	if _, rows := o.set(id, "successfulResults"); member(t, info, "numberRecordsFailed") != "0" || o.count("Lead WHERE Company IN ('D', 'E')") != 2 || o.count("Lead") != 5 {
		t.Errorf("upsert by id: %s %q", info, rows)
	}
	_, info = o.load(`{"object":"Lead","operation":"delete"}`, "Id\n"+ids[0]+"\n"+ids[1]+"\n"+ids[1]+"\n")
	if member(t, info, "numberRecordsFailed") != "2" { // one id twice
		t.Errorf("delete: %s", info)
	}
	_, info = o.load(`{"object":"Lead","operation":"hardDelete"}`, "Id\n"+ids[2]+"\n")
	if member(t, info, "numberRecordsFailed") != "0" {
		t.Errorf("hardDelete: %s", info)
	}
	if n := o.count("Lead"); n != 3 {
		t.Errorf("%d leads", n)
	}
	r := o.do("GET", "/queryAll?q=SELECT+Id+FROM+Lead+WHERE+IsDeleted=true", "")
	if member(t, r.body, "totalSize") != "1" {
		t.Errorf("in the bin: %s", r.body)
	}
}

// The faults that a test wants strike rows of jobs too: those fail alone, the others are written.
func TestBulkFaults(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	o := newOrg(t, func(c *localorg.Config) {
		c.Fault = func(f localorg.Fault) localorg.Action {
			if !f.Row || f.Object != "Lead" || f.Path[:13] != "/jobs/ingest/" {
				return localorg.Action{}
			}
			if asked.Add(1)%3 == 0 {
				return localorg.Action{Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access to this record"}
			}
			return localorg.Action{}
		}
	})
	id, info := o.load(upsertLeads, "Ext__c,LastName,Company\nA,B,C\nB,B,C\nC,B,C\n")
	_, rows := o.set(id, "failedResults")
	want := []string{"Company=C Ext__c=C LastName=B sf__Error=UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:-- sf__Id="}
	if member(t, info, "state") != "JobComplete" || !cmp.Equal(rows, want) || o.count("Lead") != 2 {
		t.Errorf("%s (-want +got)\n%s", info, cmp.Diff(want, rows))
	}
	asked.Store(1)
	one := o.create("Lead", `{"LastName":"L","Company":"C"}`)
	two := o.create("Lead", `{"LastName":"L","Company":"C"}`)
	if _, info := o.load(`{"object":"Lead","operation":"delete"}`, "Id\n"+one+"\n"+two+"\n"); member(t, info, "numberRecordsFailed") != "1" || o.count("Lead") != 3 {
		t.Errorf("delete: %s", info)
	}
}

// An answer that is lost does not undo what was done: the data is there, and sending it again says so.
func TestBulkLostAnswers(t *testing.T) {
	t.Parallel()
	var drop atomic.Bool
	o := newOrg(t, func(c *localorg.Config) {
		c.Fault = func(f localorg.Fault) localorg.Action {
			if !f.Row && (f.Method == "PUT" || f.Method == "PATCH") && drop.Load() {
				return localorg.Action{Drop: localorg.DropAfter}
			}
			return localorg.Action{}
		}
	})
	id := member(t, o.do("POST", "/jobs/ingest", upsertLeads).body, "id")
	drop.Store(true)
	lost := func(method, path, body string) {
		rq, err := http.NewRequestWithContext(t.Context(), method, o.url+v66+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		rq.Header.Set("Authorization", "Bearer "+o.token)
		if res, err := http.DefaultClient.Do(rq); err == nil {
			res.Body.Close()
			t.Errorf("%s was answered: %d", method, res.StatusCode)
		}
	}
	lost("PUT", "/jobs/ingest/"+id+"/batches", "Ext__c,LastName,Company\nA,B,C\n")
	drop.Store(false)
	if r := o.do("PUT", "/jobs/ingest/"+id+"/batches", "Ext__c,LastName,Company\nA,B,C\n"); r.status != 400 || !strings.Contains(r.body, "BULK_API_ERROR") {
		t.Errorf("again: %d %s", r.status, r.body)
	}
	drop.Store(true)
	lost("PATCH", "/jobs/ingest/"+id, `{"state":"UploadComplete"}`)
	drop.Store(false)
	if info := o.wait("/jobs/ingest/" + id); member(t, info, "numberRecordsProcessed") != "1" {
		t.Errorf("%s", info)
	}
}
