package localorg_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sfsync/sink/localorg"
)

// App. B What a real org accepts that a naive server refuses.
func TestConformanceBVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	for v := 45; v <= 68; v++ {
		w.vars["v"] = fmt.Sprint(v)
		w.checkOne(t, fact{"App. B every version from 45 to 68", "GET /services/data/v$v.0/sobjects/Lead", "", `200 {"objectDescribe":{…"/services/data/v$v.0/sobjects/Lead/describe"…},…}`})
	}
}

// App. B Bodies that are chunked or packed.
func TestConformanceBBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, `{`+person+`}`); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fact, encoding string
		body           io.Reader
	}{
		{"chunked", "", io.MultiReader(strings.NewReader(`{"LastName":"A",`), strings.NewReader(`"Company":"C"}`))},
		{"gzip", "gzip", bytes.NewReader(packed.Bytes())},
		{"gzip and chunked", "gzip", io.MultiReader(bytes.NewReader(packed.Bytes()))},
	} {
		rq, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/services/data/v66.0/sobjects/Lead", c.body)
		if err != nil {
			t.Fatal(err)
		}
		rq.Header.Set("Authorization", "Bearer "+w.vars["token"])
		rq.Header.Set("Content-Type", "application/json; charset=utf-8")
		if c.encoding != "" {
			rq.Header.Set("Content-Encoding", c.encoding)
		}
		client := http.Client{Timeout: 10 * time.Second}
		res, err := client.Do(rq)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err != nil || res.Body.Close() != nil || res.StatusCode != http.StatusCreated {
			t.Errorf("App. B a body that is %s: %d %s %v", c.fact, res.StatusCode, text, err)
		}
	}
}

// Clients that insist on https reach the org through a proxy, and must be sent back to it.
func TestConformanceBProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	w.vars["https"] = strings.Replace(w.url, "http:", "https:", 1)
	const proxied = "\nX-Forwarded-Proto: https"
	w.check(t, []fact{
		{"§1.1 instance_url is where the client came in", "POST /services/oauth2/token" + form + proxied, "grant_type=client_credentials&client_id=$client_id&client_secret=$client_secret", `200 {…"instance_url":"$https","id":"$https/id/…}`},
		{"§2 the identity too", "GET /services/data/v66.0" + proxied, "", `200 {"identity":"$https/id/…}`},
	})
}

// clock is an org's clock that a test turns.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// §1.6, §5.1, §6 What lives how long.
func TestConformanceALifetimes(t *testing.T) {
	t.Parallel()
	var c clock
	w := newWorld(t, fields, func(cfg *localorg.Config) { cfg.Now = c.now })
	login := fact{"§1.4 a new session", "POST /services/oauth2/token" + form, "grant_type=client_credentials&client_id=$client_id&client_secret=$client_secret", `200 {"access_token":"<text:token>",…}`}
	w.checkOne(t, login)
	c.advance(119 * time.Minute)
	w.checkOne(t, fact{"§1.6 a session lives for two hours", "GET /limits", "", `200`})
	c.advance(119 * time.Minute)
	w.checkOne(t, fact{"§1.6 that begin anew with each use", "GET /limits", "", `200`})
	c.advance(121 * time.Minute)
	w.checkOne(t, fact{"§1.6 a session ends", "GET /limits", "", `401 [{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`})
	w.checkOne(t, login)

	if state, message := w.load(t, `{"object":"Lead","operation":"insert"}`, "LastName,Company\nA,C\n"); state != "JobComplete" {
		t.Fatalf("%s %s", state, message)
	}
	c.advance(6 * 24 * time.Hour)
	w.checkOne(t, login)
	w.checkOne(t, fact{"§5.1 results are kept for seven days", "GET /jobs/ingest/$job/successfulResults", "", `200`})
	c.advance(25 * time.Hour)
	w.checkOne(t, login)
	w.checkOne(t, fact{"§5.1 and then gone", "GET /jobs/ingest/$job/successfulResults", "", `404`})

	for range 2 {
		rows := make([]string, 200)
		for i := range rows {
			rows[i] = `{` + person + `}`
		}
		w.checkOne(t, fact{"§6 setup", "POST /composite/sobjects", collection(false, rows...), `200 […]`})
	}
	w.checkOne(t, fact{"§6 a locator", q("SELECT Id FROM Lead") + "\nSforce-Query-Options: batchSize=200", "", `200 {…"nextRecordsUrl":"<text:next>",…}`})
	c.advance(47 * time.Hour)
	w.checkOne(t, login)
	w.checkOne(t, fact{"§6 a cursor lives for two days", "GET $next", "", `200 {…}`})
	c.advance(2 * time.Hour)
	w.checkOne(t, login)
	w.checkOne(t, fact{"§6 and not longer", "GET $next", "", `400 [{…"errorCode":"INVALID_QUERY_LOCATOR"}]`})
}

// App. A 8: a 401 that no new token cures.
func TestConformanceALookAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	w.check(t, []fact{
		{"§1.6 setup: an app without the scope api", "POST /_org/app", `{"scopes":"id web"}`, `200`},
		{"§1.6 setup: a token of it", "POST /services/oauth2/token" + form, "grant_type=client_credentials&client_id=$client_id&client_secret=$client_secret", `200 {"access_token":"<text:short>",…"scope":"id web",…}`},
		{"§1.6 not valid for the REST API", "GET /limits\nAuthorization: Bearer $short", "", `401 [{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]`},
		{"§1.6 but for the identity", "GET /services/oauth2/userinfo\nAuthorization: Bearer $short", "", `200 {…}`},
	})
}

// App. A 10: the daily calls run out.
func TestConformanceALimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields, func(c *localorg.Config) { c.DailyCalls = 4 })
	w.check(t, []fact{
		{"§8 setup", "POST /sobjects/Lead", `{` + person + `}`, "201\nSforce-Limit-Info: api-usage=1/4\n\n…"},
		{"§4.3 a composite is one call, whatever is in it", "POST /composite", `{"compositeRequest":[{"method":"GET","url":"/services/data/v66.0/sobjects/Lead","referenceId":"a"},{"method":"GET","url":"/services/data/v66.0/sobjects/Contact","referenceId":"b"}]}`, "200\nSforce-Limit-Info: api-usage=2/4\n\n…"},
		{"§4.3 in a batch each counts", "POST /composite/batch", `{"batchRequests":[{"method":"GET","url":"v66.0/sobjects/Lead"},{"method":"GET","url":"v66.0/sobjects/Contact"}]}`, `200`},
		{"§8 TotalRequests Limit exceeded", "GET /sobjects/Lead", "", `403 [{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`},
		{"§8 the versions are not limited", "GET /services/data", "", `200`},
	})
}

// App. A 10: 503 as JSON and as a page; §13 locked rows, by the fault hook.
func TestConformanceATrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields, func(c *localorg.Config) {
		c.Fault = func(f localorg.Fault) localorg.Action {
			switch {
			case f.Path == "/limits":
				return localorg.Action{Status: 503, Code: "SERVER_UNAVAILABLE", Message: "server temporarily unavailable"}
			case f.Path == "/recent":
				return localorg.Action{Status: 502, Body: "<html>Bad Gateway</html>"}
			case f.Row && f.Index == 1:
				return localorg.Action{Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access to this record or 1 records: 001000000000001AAA"}
			}
			return localorg.Action{}
		}
	})
	w.check(t, []fact{
		{"A10 503 SERVER_UNAVAILABLE", "GET /limits", "", `503 [{"message":"server temporarily unavailable","errorCode":"SERVER_UNAVAILABLE"}]`},
		{"A10 a page instead of JSON", "GET /recent", "", "502\nContent-Type: text/html;charset=UTF-8\n\n<html>Bad Gateway</html>"},
		{
			"§13 one row of a collection is locked", "POST /composite/sobjects", collection(false, `{`+person+`}`, `{`+person+`}`, `{`+person+`}`),
			`200 [{"id":"<id>",…},{"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"unable to obtain exclusive access to this record or 1 records: 001000000000001AAA","fields":[]}]},{"id":"<id>",…}]`,
		},
	})
}
