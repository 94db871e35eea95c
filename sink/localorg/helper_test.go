package localorg

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/sink/localorg/query"
	"sfsync/sink/localorg/soql"
	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/virtual"
)

// testOrg is an org in memory behind HTTP.
type testOrg struct {
	*Org
	t     testing.TB
	url   string
	token string
}

func newOrg(t testing.TB, change ...func(*Config)) *testOrg {
	t.Helper()
	cfg := Config{DB: ":memory:", Schema: leadSchema()}
	for _, c := range change {
		c(&cfg)
	}
	o, err := Open(t.Context(), cfg)
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
	return &testOrg{o, t, srv.URL, o.Credentials().AccessToken}
}

const v66 = "/services/data/v66.0"

type reply struct {
	status int
	body   string
	header http.Header
}

// raw sends a request; a path without a version is below v66.
func (o *testOrg) raw(method, path, body string, header ...string) (reply, error) {
	o.t.Helper()
	if !strings.HasPrefix(path, "/services") && !strings.HasPrefix(path, "/_org") && !strings.HasPrefix(path, "/id/") && !strings.HasPrefix(path, "//") {
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
		if header[i] == "Host" {
			rq.Host = header[i+1]
		}
	}
	client := http.Client{Timeout: 2 * time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(rq)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, string(text), res.Header}, err
}

func (o *testOrg) do(method, path, body string, header ...string) reply {
	o.t.Helper()
	r, err := o.raw(method, path, body, header...)
	if err != nil {
		o.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// create makes a record and returns its id.
func (o *testOrg) create(object, body string) string {
	o.t.Helper()
	r := o.do("POST", "/sobjects/"+object, body)
	var answer struct{ ID string }
	if r.status != 201 || json.Unmarshal([]byte(r.body), &answer) != nil {
		o.t.Fatalf("create %s %s: %d %s", object, body, r.status, r.body)
	}
	return answer.ID
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

// want compares an answer with a status and a body; "<id>" in the body stands for any id,
// and a body that ends in "…" is a prefix.
func (r reply) want(t *testing.T, status int, body string) {
	t.Helper()
	got := maskIDs(r.body)
	if prefix, ok := strings.CutSuffix(body, "…"); ok && strings.HasPrefix(got, prefix) {
		got = body
	}
	if r.status != status || got != body {
		t.Errorf("status %d, want %d; body (-want +got):\n%s", r.status, status, cmp.Diff(body, got))
	}
}

// maskIDs replaces record ids of this org, 15 or 18 characters long.
func maskIDs(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		n := 0
		for i+n < len(s) && isAlnum(s[i+n]) {
			n++
		}
		switch w := s[i : i+n]; {
		case n == 0:
			b.WriteByte(s[i])
			n = 1
		case (n == 15 || n == 18) && strings.Contains(w, "00000"):
			b.WriteString("<id>")
		default:
			b.WriteString(w)
		}
		i += n
	}
	return b.String()
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// plan returns SQLite's plan of a query.
func (o *testOrg) plan(t *testing.T, text string) string {
	t.Helper()
	q, err := soql.Compile(query.Catalog(o.store.Catalog(), virtual.Org{}, false), text, soql.Options{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	err = o.store.View(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query(t.Context(), "EXPLAIN QUERY PLAN "+q.SQL, q.Args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			out = append(out, detail)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "; ") + " for " + q.SQL
}
