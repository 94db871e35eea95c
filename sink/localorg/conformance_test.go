package localorg_test

import (
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg"
)

// fact is something that Salesforce's APIs do, as a call and its answer. Facts of a table are
// checked in order against one org, so that one may use what another made.
type fact struct {
	// name begins with a section: 1 logins, 2 versions, 3 single records, 4 collections and composite, 5 Bulk,
	// 6 queries, 7 describe, 8 limits, 9 headers, 10 ids, 11 values, 12 events, rules and converted leads, 13 locks,
	// A what simulators get wrong, B what clients take for granted.
	name string
	// call is "METHOD path", then a line for each header ("Name: value"). A path without a
	// version is below v66.0. "$key" stands for what an earlier answer had at <kind:key>.
	call string
	body string
	// want is the status, then the body after a space; or the status, lines with headers, a
	// blank line and the body. "…" stands for any text; <id>, <datetime> and <n> for what they
	// say; <id:key> also keeps what was there as $key. Without a body any body will do; "-" is
	// an empty one. A header that is wanted as "-" must not be there.
	want string
}

// world is an org behind HTTP and what was learnt about it.
type world struct {
	t    testing.TB
	org  *localorg.Org
	url  string
	vars map[string]string
}

// fields are what the facts need beside the standard objects.
const fields = `
objects:
  Account:
    fields:
      ERP_Id__c: {type: string, length: 40, externalId: true, unique: true, label: ERP ID}
  Lead:
    fields:
      Ext__c: {type: string, length: 40, externalId: true, unique: true, label: Ext}
      Case__c: {type: string, length: 40, externalId: true, unique: true, caseSensitive: true, label: Case}
      Many__c: {type: string, length: 40, externalId: true, label: Many}
      Score__c: {type: double, precision: 5, scale: 2, label: Score}
      Number__c: {type: double, precision: 10, scale: 0, externalId: true, unique: true, label: Number}
      Seen__c: {type: datetime, label: Seen}
      Day__c: {type: date, label: Day}
      At__c: {type: time, label: At}
      Agreed__c: {type: boolean, label: Agreed}
      Notes__c: {type: textarea, length: 32000, label: Notes}
      Site__c: {type: url, label: Site}
      Tags__c: {type: multipicklist, label: Tags, restricted: true, values: [a, b, c]}
      Size__c: {type: picklist, label: Size, restricted: true, values: [S, M, L]}
      Mood__c: {type: picklist, label: Mood, restricted: false, values: [Good, Bad]}
      Team__c: {type: reference, referenceTo: [Account], relationshipName: Team__r, label: Team}
  Visit__c:
    label: Visit
    fields:
      Key__c: {type: string, length: 40, externalId: true, unique: true, label: Key}
      Score__c: {type: double, precision: 5, scale: 2, required: true, label: Score}
      Lead__c: {type: reference, referenceTo: [Lead], relationshipName: Lead__r, label: Lead}
`

func newWorld(t testing.TB, overlay string, change ...func(*localorg.Config)) *world {
	t.Helper()
	s, problems := schema.Overlay(schema.Standard(), "fields.yaml", []byte(overlay))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	cfg := localorg.Config{DB: localorg.Memory, Schema: s}
	for _, c := range change {
		c(&cfg)
	}
	org, err := localorg.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(org.Handler())
	t.Cleanup(func() {
		srv.Close()
		if err := org.Close(); err != nil {
			t.Error(err)
		}
	})
	c := org.Credentials()
	return &world{t, org, srv.URL, map[string]string{
		"url": srv.URL, "org": c.OrganizationID, "username": c.Username, "password": c.Password, "security_token": c.SecurityToken,
		"client_id": c.ClientID, "client_secret": c.ClientSecret, "token": c.AccessToken, "refresh_token": c.RefreshToken,
	}}
}

// check runs the facts, each as a test of its name.
func (w *world) check(t *testing.T, facts []fact) {
	t.Helper()
	for _, f := range facts {
		t.Run(f.name, func(t *testing.T) {
			w.checkOne(t, f)
		})
	}
}

func (w *world) checkOne(t *testing.T, f fact) {
	t.Helper()
	status, body, header := w.call(t, f.call, f.body)
	wantStatus, want := f.want[:3], f.want[3:]
	var headers []string
	if strings.HasPrefix(want, "\n") {
		head, rest, _ := strings.Cut(want[1:], "\n\n")
		headers, want = strings.Split(head, "\n"), rest
	}
	want = strings.TrimPrefix(want, " ")
	ok := strconv.Itoa(status) == wantStatus
	switch want {
	case "":
	case "-":
		ok = ok && body == ""
	default:
		ok = ok && w.matches(body, want)
	}
	if !ok {
		t.Errorf("%s\n%.2000s\n got %d %.3000s\nwant %s %s", w.fill(f.call), w.fill(f.body), status, body, wantStatus, w.fill(want))
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		got := strings.Join(header.Values(name), ", ")
		if value == "-" && got != "" || value != "-" && !w.matches(got, value) {
			t.Errorf("%s\n got %s: %s\nwant %s", w.fill(f.call), name, got, w.fill(value))
		}
	}
}

// call sends a request and returns the answer, unpacked.
func (w *world) call(t testing.TB, call, body string) (int, string, http.Header) {
	t.Helper()
	line, rest, _ := strings.Cut(w.fill(call), "\n")
	method, path, _ := strings.Cut(line, " ")
	if !strings.HasPrefix(path, "/services/") && !strings.HasPrefix(path, "/id/") && !strings.HasPrefix(path, "/_org") && !strings.HasPrefix(path, "//") {
		path = "/services/data/v66.0" + path
	}
	rq, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(w.fill(body)))
	if err != nil {
		t.Fatal(err)
	}
	rq.Header.Set("Authorization", "Bearer "+w.vars["token"])
	rq.Header.Set("Accept-Encoding", "identity")
	if body != "" {
		rq.Header.Set("Content-Type", "application/json")
	}
	for l := range strings.Lines(rest) {
		name, value, _ := strings.Cut(strings.TrimSuffix(l, "\n"), ": ")
		if rq.Header.Set(name, value); value == "-" {
			rq.Header.Del(name)
		}
	}
	client := http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(rq)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	defer res.Body.Close()
	var from io.Reader = res.Body
	if res.Header.Get("Content-Encoding") == "gzip" {
		if from, err = gzip.NewReader(res.Body); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header
}

// fill replaces $key by what is known of it.
func (w *world) fill(s string) string {
	return variable.ReplaceAllStringFunc(s, func(v string) string {
		if known, ok := w.vars[v[1:]]; ok {
			return known
		}
		return v
	})
}

var (
	variable = regexp.MustCompile(`\$[a-z_0-9]+`)
	blank    = regexp.MustCompile(`<(id|datetime|n|text)(:[a-z_0-9]+)?>|…|\$[a-z_0-9]+`)
)

// matches compares a text with a pattern and keeps what stood at its named blanks.
func (w *world) matches(got, pattern string) bool {
	kinds := map[string]string{
		"id": `[0-9A-Za-z]{18}`, "datetime": `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000`, "n": `\d+`, "text": `[^",]+`,
	}
	var b strings.Builder
	var names []string
	kindOf := map[string]string{}
	at := 0
	for _, m := range blank.FindAllStringSubmatchIndex(pattern, -1) {
		b.WriteString(regexp.QuoteMeta(pattern[at:m[0]]))
		at = m[1]
		name := strings.TrimPrefix(pattern[m[0]:m[1]], "$")
		switch {
		case kindOf[name] != "": // what stood at a blank of this very pattern, again
			b.WriteString("(" + kindOf[name] + ")")
			names = append(names, name)
		case pattern[m[0]] == '$':
			b.WriteString(regexp.QuoteMeta(w.fill(pattern[m[0]:m[1]])))
		case m[2] < 0:
			b.WriteString(`(?s:.*?)`)
		case m[4] < 0:
			b.WriteString(kinds[pattern[m[2]:m[3]]])
		default:
			name := pattern[m[4]+1 : m[5]]
			kindOf[name] = kinds[pattern[m[2]:m[3]]]
			b.WriteString("(" + kindOf[name] + ")")
			names = append(names, name)
		}
	}
	b.WriteString(regexp.QuoteMeta(pattern[at:]))
	found := regexp.MustCompile("^" + b.String() + "$").FindStringSubmatch(got)
	if found == nil {
		return false
	}
	kept := map[string]string{}
	for i, name := range names {
		if old, again := kept[name]; again && old != found[i+1] {
			return false
		}
		kept[name] = found[i+1]
	}
	maps.Copy(w.vars, kept)
	return true
}

// The harness itself: a pattern fits what it should, and nothing else.
func TestFactPatterns(t *testing.T) {
	t.Parallel()
	w := &world{t: t, vars: map[string]string{"a": "x"}}
	for _, c := range []struct {
		got, pattern string
		want         bool
	}{
		{`{"id":"00Q000000000001AAA"}`, `{"id":"<id:lead>"}`, true},
		{`00Q000000000001AAA`, `$lead`, true},
		{`x.y`, `$a.y`, true},
		{`xzy`, `$a.y`, false},
		{"one\ntwo", `o…two`, true},
		{`one`, `on`, false},
		{`7 is 7`, `<n:seven> is $seven`, true},
		{`7 is 8`, `<n:other> is $other`, false},
		{`2026-11-21T10:00:00.000+0000`, `<datetime>`, true},
		{`2026-11-21T10:00:00.000Z`, `<datetime>`, false},
	} {
		if w.matches(c.got, c.pattern) != c.want {
			t.Errorf("%q and %q: want %t", c.got, c.pattern, c.want)
		}
	}
}
