package localorg

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sfsync/sink/localorg/fault"
	"sfsync/sink/localorg/limit"
)

// withFaults gives an org a faults file.
func withFaults(t *testing.T, text string) func(*Config) {
	t.Helper()
	rules, bad := fault.Parse("faults.yaml", []byte(text))
	if len(bad) > 0 {
		t.Fatalf("%v", bad)
	}
	script := fault.NewScript(rules)
	return func(c *Config) { c.Fault = script.At }
}

// The day's calls end: every call of a versioned resource counts as one, each request of a batch too.
func TestExhaustion(t *testing.T) {
	t.Parallel()
	o := newOrg(t, func(c *Config) { c.DailyCalls = 6 })
	exceeded := `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`
	steps := []struct {
		method, path, body string
		status             int
		info, want         string
	}{
		{"GET", "/services/data", "", 200, "", ""},
		{"GET", "/_org/show", "", 200, "", ""},
		{"GET", "/limits/recordCount?sObjects=Lead", "", 200, "api-usage=1/6", `{"sObjects":[]}`},
		{"POST", "/composite", subs(false, "GET /sobjects/Lead/describe", "GET /sobjects"), 200, "api-usage=2/6", ""},
		{"POST", "/composite/batch", batch(false, "GET v66.0/limits/recordCount?sObjects=Lead", "GET v66.0/limits/recordCount?sObjects=Lead"), 200, "api-usage=4/6", ""},
		{
			"POST", "/composite/batch", batch(false, "GET v66.0/limits/recordCount?sObjects=Lead", "GET v66.0/limits/recordCount?sObjects=Lead", "GET v66.0/limits/recordCount?sObjects=Lead"), 200, "api-usage=6/6",
			`{"hasErrors":true,"results":[{"statusCode":200,"result":{"sObjects":[]}},{"statusCode":200,"result":{"sObjects":[]}},{"statusCode":403,"result":` + exceeded + `}]}`,
		},
		{"GET", "/limits", "", 403, "api-usage=6/6", exceeded},
		{"GET", "/services/data", "", 200, "", ""},
		{"PATCH", "/_org/settings", `{"daily_calls":7}`, 200, "", ""},
		{"GET", "/limits/recordCount?sObjects=Lead", "", 200, "api-usage=7/7", ""},
	}
	for _, s := range steps {
		r := o.do(s.method, s.path, s.body)
		if got := r.header.Get("Sforce-Limit-Info"); r.status != s.status || got != s.info || s.want != "" && r.body != s.want {
			t.Errorf("%s %s: %d %q %s, want %d %q %s", s.method, s.path, r.status, got, r.body, s.status, s.info, s.want)
		}
	}
}

// What sfsync asks the org itself is spared all trouble, or an org in trouble could not be shown.
func TestAdminIsSpared(t *testing.T) {
	t.Parallel()
	o := newOrg(t, withFaults(t, `- {on: "* *", drop: before}`), func(c *Config) { c.DailyCalls = 1 })
	if r := o.do("GET", "/_org/show", ""); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if _, err := o.raw("GET", "/limits", ""); err == nil {
		t.Error("an answer came in spite of the fault")
	}
}

// A faults file strikes requests, subrequests and rows where it says.
func TestFaultsFile(t *testing.T) {
	t.Parallel()
	o := newOrg(t, withFaults(t, `
- {on: "POST /composite", nth: 1, status: 503}
- {on: "PATCH /composite/sobjects/*/*", nth: 2, drop: after}
- {on: "PATCH /composite/sobjects/*/*", nth: 3, drop: before}
- {on: "GET /sobjects/Lead", nth: 1, code: QUERY_TIMEOUT}
- {rows: {object: Lead}, nth: 2, code: UNABLE_TO_LOCK_ROW}
`))
	upsert := func(keys ...string) string {
		list := make([]string, len(keys))
		for i, k := range keys {
			list[i] = "PATCH /composite/sobjects/Lead/Ext__c " + bodyOf(false, fmt.Sprintf(`{"Ext__c":%q,"LastName":"A","Company":"C"}`, k))
		}
		return subs(false, list...)
	}
	o.do("POST", "/composite", upsert("1")).want(t, 503, `[{"message":"server temporarily unavailable","errorCode":"SERVER_UNAVAILABLE"}]`)
	o.do("POST", "/composite", upsert("1")).want(t, 200, `{"compositeResponse":[{"body":[`+created+`],"httpHeaders":{},"httpStatusCode":200,"referenceId":"r0"}]}`)
	// The second collection kills the connection behind the commit of the whole request.
	if _, err := o.raw("POST", "/composite", upsert("2")); err == nil {
		t.Error("an answer came in spite of a drop")
	}
	if n := o.count("Lead"); n != 1 {
		t.Errorf("%d leads, want 1: a row was struck", n)
	}
	// The third one kills it before it is carried out: what comes behind it is not done either.
	if _, err := o.raw("POST", "/composite", upsert("3", "4")); err == nil {
		t.Error("an answer came in spite of a drop")
	}
	if n := o.count("Lead"); n != 1 {
		t.Errorf("%d leads, want 1", n)
	}
	o.do("POST", "/composite", subs(false, "GET /sobjects/Lead")).want(t, 200, `{"compositeResponse":[{"body":[{"message":"Your query request was running for too long.","errorCode":"QUERY_TIMEOUT"}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"r0"}]}`)
	o.do("POST", "/composite", upsert("5")).want(t, 200, `{"compositeResponse":[{"body":[`+created+`],"httpHeaders":{},"httpStatusCode":200,"referenceId":"r0"}]}`)
}

// A drop in an all-or-none composite before a subrequest undoes what came before it.
func TestDropInAllOrNone(t *testing.T) {
	t.Parallel()
	o := newOrg(t, withFaults(t, `
- {on: "PATCH /sobjects/Lead/Ext__c/2", nth: 1, drop: before}
- {on: "PATCH /sobjects/Lead/Ext__c/2", nth: 2, drop: after}
`))
	body := subs(true, `PATCH /sobjects/Lead/Ext__c/1 {"LastName":"A","Company":"C"}`, `PATCH /sobjects/Lead/Ext__c/2 {"LastName":"A","Company":"C"}`)
	for i, want := range []int{0, 2} {
		if _, err := o.raw("POST", "/composite", body); err == nil {
			t.Error("an answer came in spite of a drop")
		}
		if n := o.count("Lead"); n != want {
			t.Errorf("drop %d: %d leads, want %d", i, n, want)
		}
	}
}

// Rows that refuse to be deleted are rows too.
func TestRowFaultsOnDelete(t *testing.T) {
	t.Parallel()
	o := newOrg(t, withFaults(t, `- {rows: {object: Lead}, on: "DELETE /composite/sobjects", nth: 1, code: UNABLE_TO_LOCK_ROW}`))
	a, b := o.create("Lead", `{"LastName":"A","Company":"C"}`), o.create("Lead", `{"LastName":"B","Company":"C"}`)
	o.do("DELETE", "/composite/sobjects?ids="+a+","+b, "").want(t, 200,
		`[{"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"unable to obtain exclusive access to this record","fields":[]}]},{"id":"<id>","success":true,"errors":[]}]`)
	o.do("DELETE", "/sobjects/Lead/"+a, "").want(t, 204, "")
}

// Parallel writes of children of one parent wait for each other, and who waits too long loses those
// rows and no others (Salesforce's cheat sheet on record locking).
func TestLocks(t *testing.T) {
	t.Parallel()
	const row = 40 * time.Millisecond
	o := newOrg(t, func(c *Config) { c.RowLatency = row })
	shared, other := o.create("Account", `{"Name":"A"}`), o.create("Account", `{"Name":"B"}`)
	contact := func(account string) string { return fmt.Sprintf(`{"LastName":"L","AccountId":%q}`, account) }
	insert := func(accounts ...string) string {
		list := make([]string, len(accounts))
		for i, a := range accounts {
			list[i] = contact(a)
		}
		return typed("Contact", list...)
	}
	parallel := func(bodies ...string) (answers []string, took time.Duration) {
		answers = make([]string, len(bodies))
		start := time.Now()
		var done sync.WaitGroup
		for i, b := range bodies {
			done.Go(func() { answers[i] = o.do("POST", "/composite/sobjects", b).body })
		}
		done.Wait()
		return answers, time.Since(start)
	}
	count := func(answers []string) (ok, locked int) {
		for _, a := range answers {
			ok += strings.Count(a, `"success":true`)
			locked += strings.Count(a, `"statusCode":"UNABLE_TO_LOCK_ROW","message":"unable to obtain exclusive access to this record or 1 records: `+shared+`","fields":[]`)
		}
		return ok, locked
	}
	// Both get their turn.
	answers, took := parallel(insert(shared, shared), insert(shared))
	if ok, locked := count(answers); ok != 3 || locked != 0 || took < 3*row {
		t.Errorf("%d stored, %d locked out after %v: %v", ok, locked, took, answers)
	}
	// Two that want the same parents in another order do not wait for each other.
	answers, took = parallel(insert(shared, other, shared), insert(other, shared, other))
	if ok, locked := count(answers); ok != 6 || locked != 0 || took > time.Minute {
		t.Errorf("%d stored, %d locked out after %v: %v", ok, locked, took, answers)
	}
	// Without patience the rows of the shared parent fail, those of another one do not.
	o.do("PATCH", "/_org/settings", `{"lock_wait":"1ms"}`)
	holder := o.gate.Locks.Holder()
	if !holder.Try(shared) {
		t.Fatal("locks are left")
	}
	answers, _ = parallel(insert(shared, shared, shared), insert(other))
	if ok, locked := count(answers); ok != 1 || locked != 3 {
		t.Errorf("%d stored, %d locked out, want 1 and 3: %v", ok, locked, answers)
	}
	mixed := o.do("POST", "/composite/sobjects", typed("Contact", contact(shared), `{"LastName":"alone"}`)).body
	if ok, locked := count([]string{mixed}); ok != 1 || locked != 1 {
		t.Errorf("a row without a locked parent: %s", mixed)
	}
	holder.Release()
	if !o.gate.Locks.Idle() {
		t.Error("locks are left")
	}
}

// An all-or-none composite that meets a lock begins again when it is free: nothing is stored twice, and
// its answer and its log are those of the last time.
func TestLocksAllOrNone(t *testing.T) {
	t.Parallel()
	o := newOrg(t, func(c *Config) { c.RowLatency = 20 * time.Millisecond })
	account := o.create("Account", `{"Name":"A"}`)
	var done sync.WaitGroup
	for range 4 {
		done.Go(func() {
			r := o.do("POST", "/composite", subs(true, `POST /sobjects/Lead {"LastName":"A","Company":"C"}`,
				fmt.Sprintf(`POST /sobjects/Contact {"LastName":"A","AccountId":%q}`, account),
				fmt.Sprintf(`PATCH /sobjects/Account/%s {"Name":"B"}`, account)))
			if strings.Count(r.body, `"httpStatusCode":201`) != 2 || strings.Count(r.body, `"httpStatusCode":204`) != 1 {
				t.Errorf("%s", r.body)
			}
		})
	}
	done.Wait()
	if n := o.count("Lead") + o.count("Contact"); n != 8 {
		t.Errorf("%d records, want 8", n)
	}
	v, err := o.Show(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range v.Requests {
		if strings.HasSuffix(r.Path, "/composite") && (len(r.Sub) != 3 || r.Records != 3) {
			t.Errorf("logged as %+v", r)
		}
	}
}

// typed is the body of a collection of one object.
func typed(object string, records ...string) string {
	for i, r := range records {
		records[i] = `{"attributes":{"type":"` + object + `"},` + r[1:]
	}
	return `{"records":[` + strings.Join(records, ",") + `]}`
}

// batch wraps "METHOD url body" into a batch.
func batch(halt bool, list ...string) string {
	type item struct {
		Method string          `json:"method"`
		URL    string          `json:"url"`
		Input  json.RawMessage `json:"richInput,omitempty"`
	}
	var items []item
	for _, s := range list {
		f := strings.SplitN(s, " ", 3)
		it := item{Method: f[0], URL: f[1]}
		if len(f) > 2 {
			it.Input = json.RawMessage(f[2])
		}
		items = append(items, it)
	}
	b, _ := json.Marshal(items)
	return fmt.Sprintf(`{"haltOnError":%v,"batchRequests":%s}`, halt, b)
}

// What show tells: objects with records, jobs, calls, and the last requests but those of sfsync itself.
func TestShowEverything(t *testing.T) {
	t.Parallel()
	o := newOrg(t, func(c *Config) { c.DailyCalls = 100 })
	o.create("Lead", `{"LastName":"A","Company":"C"}`)
	var job struct{ ID string }
	r := o.do("POST", "/jobs/ingest", `{"object":"Lead","operation":"insert"}`)
	if err := json.Unmarshal([]byte(r.body), &job); err != nil || r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	o.do("PATCH", "/jobs/ingest/"+job.ID, `{"state":"Aborted"}`)
	text := o.do("GET", "/_org/show", "").body
	var v Overview
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Jobs) != 1 || v.Jobs[0].ID != job.ID || v.Jobs[0].State != "Aborted" || v.Jobs[0].Object != "Lead" || v.Jobs[0].Kind != "V2Ingest" || v.Jobs[0].Created.IsZero() {
		t.Errorf("jobs: %+v", v.Jobs)
	}
	if v.Calls != 3 || v.CallsToday != 3 || v.CallsLimit != 100 {
		t.Errorf("calls: %d, today %d of %d", v.Calls, v.CallsToday, v.CallsLimit)
	}
	if len(v.Requests) != 3 || v.Requests[2].Method != "PATCH" {
		t.Errorf("requests: %+v", v.Requests)
	}
	for _, c := range v.Objects {
		if c.Name == "Lead" && c.Records == 1 {
			return
		}
	}
	t.Errorf("objects: %+v", v.Objects)
}

// A lock is waited for for 10 seconds, in the time of the org's transactions; children of different parents do
// not wait for each other.
func TestLockWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, err := Open(t.Context(), Config{DB: Memory})
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		send := func(method, path, body string) string {
			rq := httptest.NewRequestWithContext(t.Context(), method, "http://localhost"+v66+path, strings.NewReader(body))
			rq.Header.Set("Authorization", "Bearer "+o.Credentials().AccessToken)
			w := httptest.NewRecorder()
			o.Handler().ServeHTTP(w, rq)
			return w.Body.String()
		}
		var account struct{ ID string }
		if err := json.Unmarshal([]byte(send("POST", "/sobjects/Account", `{"Name":"A"}`)), &account); err != nil {
			t.Fatal(err)
		}
		s := o.load.Settings()
		s.RowLatency = limit.Duration(15 * time.Second)
		if err := o.load.Set(s); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var mu sync.Mutex
		var log []string
		var done sync.WaitGroup
		for i, after := range []time.Duration{0, time.Second, 6 * time.Second, 16 * time.Second} {
			done.Go(func() {
				time.Sleep(after)
				body := fmt.Sprintf(`{"LastName":"L%d","AccountId":%q}`, i, account.ID)
				if i == 3 {
					body = `{"LastName":"alone"}`
				}
				r := send("POST", "/sobjects/Contact", body)
				mu.Lock()
				defer mu.Unlock()
				log = append(log, fmt.Sprintf("%d after %v: %v", i, time.Since(start), !strings.Contains(r, "UNABLE_TO_LOCK_ROW")))
			})
		}
		done.Wait()
		if got, want := strings.Join(log, ", "), "1 after 11s: false, 0 after 15s: true, 2 after 30s: true, 3 after 31s: true"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
