package main_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sfsync/cmd/sfsync/internal/cli"
	"sfsync/cmd/sfsync/internal/host"
	"sfsync/mapping/schema"
	"sfsync/sink/localorg"
)

// planOrg is a local org in memory with a clock of its own, and the command beside it.
type planOrg struct {
	t     *testing.T
	org   *localorg.Org
	url   string
	token string
	dir   string
	clock atomic.Int64 // seconds
	ahead atomic.Int64 // how far the command's clock is ahead, in nanoseconds
	polls atomic.Int64 // how often the org was asked after a job

	mu     sync.Mutex
	around func(writes bool, rw http.ResponseWriter, serve func()) // answers a request, if it is set
	writes []string                                                // requests that could change something
	names  map[string]string                                       // of records, by id
	ids    map[string]string                                       // of seeded records, by name
}

// leadSchema gives leads a key of their own.
const leadSchema = `objects:
  Lead:
    fields:
      Ext__c: {type: string, length: 40, externalId: true, unique: true}
`

// newPlanOrg makes an org with the standard objects and those of an overlay.
func newPlanOrg(t *testing.T, overlay string) *planOrg {
	t.Helper()
	s, found := schema.Overlay(schema.Standard(), "schema.yaml", []byte(cmp.Or(overlay, "objects: {}\n")))
	if len(found) > 0 {
		t.Fatal(found)
	}
	w := &planOrg{t: t, dir: t.TempDir(), names: make(map[string]string), ids: make(map[string]string)}
	w.clock.Store(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Unix())
	org, err := localorg.Open(context.Background(), localorg.Config{DB: localorg.Memory, Schema: s, Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		writes := w.watch(r)
		w.mu.Lock()
		around := w.around
		w.mu.Unlock()
		if around == nil {
			org.Handler().ServeHTTP(rw, r)
			return
		}
		around(writes, rw, func() { org.Handler().ServeHTTP(rw, r) })
	}))
	t.Cleanup(func() {
		srv.Close()
		if err := org.Close(); err != nil {
			t.Error(err)
		}
	})
	w.org, w.url, w.token = org, srv.URL, org.Credentials().AccessToken
	return w
}

func (w *planOrg) now() time.Time { return time.Unix(w.clock.Load(), 0).UTC() }

var jobState = regexp.MustCompile(`/jobs/(ingest|query)/\w+$`)

// watch notes a request that is no mere question, and reports whether it is none: anything but a GET, or a composite request of
// which a part is none.
func (w *planOrg) watch(r *http.Request) bool {
	if r.Method == http.MethodGet && jobState.MatchString(r.URL.Path) {
		w.polls.Add(1)
	}
	if r.Method == http.MethodGet || strings.HasPrefix(r.URL.Path, "/_org") {
		return false
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err == nil && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/composite") {
		var call struct {
			CompositeRequest []struct{ Method, URL string }
		}
		if json.Unmarshal(body, &call) == nil && len(call.CompositeRequest) > 0 &&
			!slices.ContainsFunc(call.CompositeRequest, func(sub struct{ Method, URL string }) bool { return sub.Method != http.MethodGet }) {
			return false
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, r.Method+" "+r.URL.Path)
	return true
}

// written returns the requests that could have changed something since it was last called.
func (w *planOrg) written() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.writes
	w.writes = nil
	return out
}

const dataPath = "/services/data/v62.0"

// do sends a request and returns the answer, which must be good.
func (w *planOrg) do(method, path, body string) []byte {
	w.t.Helper()
	rq, err := http.NewRequestWithContext(context.Background(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	rq.Header.Set("Authorization", "Bearer "+w.token)
	rq.Header.Set("Content-Type", "application/json")
	rq.Header.Set("Sforce-Auto-Assign", "FALSE")
	res, err := http.DefaultClient.Do(rq)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		w.t.Fatalf("%s %s %s: %d %s %v", method, path, body, res.StatusCode, text, err)
	}
	return text
}

// seed creates the records of a file of lines such as
//
//	{"object":"Lead","as":"ann","fields":{"LastName":"A","Company":"C"},"convert":true}
//
// a second apart; $name in a line is the id of an earlier one. Convert converts a lead; its contact
// is then known as contact-of-<name>.
func (w *planOrg) seed(lines string) {
	w.t.Helper()
	for line := range strings.Lines(lines) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		line = w.withIDs(line)
		var rec struct {
			Object, As string
			Fields     json.RawMessage
			Convert    bool
		}
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			w.t.Fatalf("%s: %v", line, err)
		}
		w.clock.Add(1)
		id := w.create(rec.Object, string(rec.Fields))
		if rec.As != "" {
			w.ids[rec.As] = id
			w.names[id] = rec.As
		}
		if rec.Convert {
			var made struct {
				ContactID string `json:"contact_id"`
			}
			text := w.do("POST", "/_org/convert-lead", `{"lead_id":"`+id+`"}`)
			if err := json.Unmarshal(text, &made); err != nil || made.ContactID == "" {
				w.t.Fatalf("convert a lead: %s %v", text, err)
			}
			w.ids["contact-of-"+rec.As] = made.ContactID
			w.names[made.ContactID] = "contact-of-" + rec.As
		}
	}
	w.clock.Add(1)
}

var idName = regexp.MustCompile(`\$[a-z0-9-]+`)

// withIDs puts the ids of seeded records in the place of their $names.
func (w *planOrg) withIDs(s string) string {
	return idName.ReplaceAllStringFunc(s, func(name string) string { return cmp.Or(w.ids[name[1:]], name) })
}

func (w *planOrg) create(object, fields string) string {
	w.t.Helper()
	var made struct{ ID string }
	text := w.do("POST", dataPath+"/sobjects/"+object, fields)
	if err := json.Unmarshal(text, &made); err != nil {
		w.t.Fatal(err)
	}
	return made.ID
}

// records returns all that the org holds, by object and id.
func (w *planOrg) records() map[string]map[string]string {
	w.t.Helper()
	v, err := w.org.Show(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	all := make(map[string]map[string]string)
	for _, o := range v.Objects {
		all[o.Name] = w.recordsOf(o.Name)
	}
	return all
}

func (w *planOrg) recordsOf(object string) map[string]string {
	w.t.Helper()
	var d struct {
		Queryable bool
		Fields    []struct{ Name, Type string }
	}
	if err := json.Unmarshal(w.do("GET", dataPath+"/sobjects/"+object+"/describe", ""), &d); err != nil {
		w.t.Fatal(err)
	}
	if !d.Queryable {
		return nil
	}
	var fields []string
	for _, f := range d.Fields {
		if f.Type != "address" && f.Type != "location" {
			fields = append(fields, f.Name)
		}
	}
	out := make(map[string]string)
	path := dataPath + "/query?q=" + strings.ReplaceAll("SELECT "+strings.Join(fields, ",")+" FROM "+object, " ", "+")
	for path != "" {
		var page struct {
			Records        []json.RawMessage
			NextRecordsURL string
		}
		if err := json.Unmarshal(w.do("GET", path, ""), &page); err != nil {
			w.t.Fatal(err)
		}
		for _, rec := range page.Records {
			var id struct{ ID string }
			if err := json.Unmarshal(rec, &id); err != nil {
				w.t.Fatal(err)
			}
			out[id.ID] = string(rec)
		}
		path = page.NextRecordsURL
	}
	return out
}

// nameAll gives every record a name: that of the seed, else its object and a number.
func (w *planOrg) nameAll() {
	w.t.Helper()
	for object, recs := range w.records() {
		for i, id := range slices.Sorted(maps.Keys(recs)) {
			if w.names[id] == "" {
				w.names[id] = fmt.Sprintf("%s-%d", strings.ToLower(object), i+1)
			}
		}
	}
}

var idText = regexp.MustCompile(`\b[0-9a-zA-Z]{15}(?:[0-9A-Z]{3})?\b`)

// plain puts names in the place of ids and paths.
func (w *planOrg) plain(s string) string {
	s = strings.ReplaceAll(s, filepath.ToSlash(w.dir)+"/", "")
	return idText.ReplaceAllStringFunc(s, func(id string) string {
		if name := w.names[schema.ID18(id)]; name != "" {
			return "<" + name + ">"
		}
		return id
	})
}

// write puts a file into the world's directory and returns its path.
func (w *planOrg) write(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// command runs the command against the org. The world's time stands still meanwhile.
func (w *planOrg) command(args ...string) (code int, stdout, stderr string) {
	w.t.Helper()
	var out, errs bytes.Buffer
	env := map[string]string{"SFSYNC_INSTANCE_URL": w.url, "SFSYNC_ACCESS_TOKEN": w.token, "SFSYNC_TO": "env"}
	code = cli.Main(context.Background(), args, &host.System{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		LookupEnv:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Now:         func() time.Time { return w.now().Add(time.Duration(w.ahead.Load())) },
		Rand:        rand.Reader,
		StopSignals: func() {},
		Getwd:       os.Getwd,
		StateDir:    func() (string, error) { return filepath.Join(w.dir, "state"), nil },
	})
	return code, out.String(), errs.String()
}

// only returns the one run directory under a root.
func (w *planOrg) only(root string) string {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "2*"))
	if err != nil || len(found) != 1 {
		w.t.Fatalf("run directories under %s: %q %v, want one", root, found, err)
	}
	return found[0]
}
