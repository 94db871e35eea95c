package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sfsync/mapping"
	"sfsync/mapping/program"
	"sfsync/mapping/schema"
	"sfsync/pipeline"
	"sfsync/pipeline/fingerprint"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
	"sfsync/sink"
	"sfsync/sink/localorg"
	"sfsync/sink/localorg/fault"
	"sfsync/sink/retry"
	"sfsync/sink/salesforce"
	"sfsync/sink/salesforce/bulk"
)

var matrix = flag.Bool("matrix", false, "TestFaultMatrix: all faults with all operations instead of a few")

// TestFaultMatrix runs every operation through every kind of trouble that a local org can make, with
// the real client and engine, and goes on with the run until it is complete. Then the org has to hold
// exactly what the report says, record by record: every record that was created or updated has the
// values of the last row that says so, a record that was deleted is gone, and a row that failed or was
// skipped has left no trace. Only inserts without a key may end unknown; then the org has at most
// one record of the row. So may what the org refused after an attempt whose answer was lost, by rules that may look
// at what a record holds.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	s, found := schema.Overlay(schema.Standard(), "test.yaml", []byte(matrixSchema))
	if len(found) > 0 {
		t.Fatal(found)
	}
	var struck sync.Map // name of a fault → *atomic.Int64
	t.Run("all", func(t *testing.T) {
		for name, write := range matrixWriters() {
			for i, op := range matrixOperations() {
				for k, f := range matrixFaults() {
					share := map[string]int{"rest": 6, "bulk": 18}[name]
					if !*matrix && (i+k)%share != 0 || op.large && !f.parts || name == "bulk" && (op.together || strings.Contains(f.rules, "/composite/")) {
						continue
					}
					t.Run(name+"/"+op.name+"/"+f.name, func(t *testing.T) {
						t.Parallel()
						m := newMatrixRun(t, s, op, f)
						m.writer = write
						m.check(uint64(i*100 + k))
						count, _ := struck.LoadOrStore(f.name, new(atomic.Int64))
						count.(*atomic.Int64).Add(m.struck.Load()) //nolint:forcetypeassert // stored above
					})
				}
			}
		}
	})
	for _, f := range matrixFaults() {
		if n, ok := struck.Load(f.name); ok && n.(*atomic.Int64).Load() == 0 && f.rules != "" {
			t.Errorf("%s: it never struck", f.name)
		}
	}
}

const matrixSchema = `
objects:
  Lead:
    fields:
      Ext__c: {type: string, length: 40, externalId: true, unique: true}
  Account:
    fields:
      ERP__c: {type: string, length: 40, externalId: true, unique: true}
  Contact:
    fields:
      Ext__c: {type: string, length: 40, externalId: true, unique: true}
`

// matrixWriters are the ways to the org.
func matrixWriters() map[string]func(*testing.T, *salesforce.Client) sink.Writer {
	return map[string]func(*testing.T, *salesforce.Client) sink.Writer{
		"rest": func(_ *testing.T, c *salesforce.Client) sink.Writer { return c.Writer() },
		"bulk": func(t *testing.T, c *salesforce.Client) sink.Writer {
			w := &bulk.Writer{Jobs: c.Bulk()}
			w.Jobs.Dir = t.TempDir()
			w.Jobs.Sleep = func(ctx context.Context, d time.Duration) error { return retry.Sleep(ctx, d/1000) }
			return w
		},
	}
}

// matrixOperation is what a run does. Its targets are checked by name, "lead" or others with LastName.
type matrixOperation struct {
	name    string
	targets string
	keyless bool // rows may end unknown
	large   bool // requests of several hundred records, in several parts
	changed bool // the rows come twice, the second time with changed values in a half of them
	// The records of a collection share one fate, which jobs do not know.
	together bool
}

func matrixOperations() []matrixOperation {
	const fields = ", Title: title, Company: {value: Acme}}\n"
	lead := func(operation, match, key string) string {
		line := "- object: Lead\n  name: lead\n  operation: " + operation + "\n"
		if match != "" {
			line += "  match: " + match + "\n"
		}
		if operation == "delete" {
			return line + "  fields: {" + key + "}\n"
		}
		if key != "" {
			key += ", "
		}
		return line + "  fields: {" + key + "LastName: {from: name, blank: fail}" + fields
	}
	return []matrixOperation{
		{name: "upsert", targets: lead("upsert", "Ext__c", "Ext__c: id")},
		{name: "upsert by lookup", targets: lead("upsert", "Email", "Email: email")},
		{name: "upsert with a default", targets: lead("upsert", "Ext__c", "Ext__c: id, Website: {from: none, default: example.com}")},
		{name: "upsert by two keys", targets: lead("upsert", "[Ext__c, Email]", "Ext__c: id, Email: email")},
		{name: "insert", targets: lead("insert", "", ""), keyless: true},
		{name: "insert by key", targets: lead("insert", "Ext__c", "Ext__c: id")},
		{name: "insert by lookup", targets: lead("insert", "Email", "Email: email")},
		{name: "update", targets: lead("update", "Ext__c", "Ext__c: id")},
		{name: "update by lookup", targets: lead("update", "Email", "Email: email")},
		{name: "update by Id", targets: lead("update", "Id", "Id: record")},
		{name: "delete", targets: lead("delete", "Ext__c", "Ext__c: id")},
		{name: "delete by lookup", targets: lead("delete", "Email", "Email: email")},
		{name: "delete by Id", targets: lead("delete", "Id", "Id: record")},
		{name: "references", targets: "- object: Account\n  name: account\n  match: ERP__c\n  fields: {ERP__c: email, Name: {from: name, blank: fail}}\n" +
			"- object: Contact\n  name: contact\n  match: Ext__c\n  fields: {Ext__c: id, LastName: {from: name, blank: fail}, Title: title, AccountId: {ref: account}}\n"},
		{name: "references made", targets: "- object: Contact\n  name: contact\n  match: Ext__c\n" +
			"  fields: {Ext__c: id, LastName: {from: name, blank: fail}, Title: title, AccountId: {lookup: Account.ERP__c, from: email, create: true, fields: {Name: {from: name, blank: fail}}}}\n"},
		{name: "upsert what has changed", targets: lead("upsert", "Ext__c", "Ext__c: id"), changed: true},
		{name: "upsert of many", targets: lead("upsert", "Ext__c", "Ext__c: id"), large: true},
		{name: "insert of many", targets: lead("insert", "", ""), keyless: true, large: true},
		{name: "update of many", targets: lead("update", "Id", "Id: record"), large: true},
		{name: "delete of many", targets: lead("delete", "Id", "Id: record"), large: true},
		{name: "upsert all or none", targets: lead("upsert", "Ext__c", "Ext__c: id") + "  all_or_none: true\n", together: true},
	}
}

// matrixFault is trouble: the rules of a faults file, armed once the client is connected.
type matrixFault struct {
	name, rules string
	impatient   bool // answers that take longer than the delay are not waited for
	token       bool // the first try has a session that it cannot renew
	parts       bool // it can strike a part of a request; only those are done with large ones
}

func matrixFaults() []matrixFault {
	return []matrixFault{
		{name: "none"},
		{name: "status", rules: `- {on: "* *", nth: [1, 2, 4, 7, 11], status: 503, code: SERVER_UNAVAILABLE}`},
		{parts: true, name: "status of a part", rules: "- {on: \"* /composite/sobjects/**\", nth: [2, 3, 6], status: 500, code: UNKNOWN_EXCEPTION}\n- {on: \"* /composite/sobjects\", nth: [2, 3, 6], status: 500, code: UNKNOWN_EXCEPTION}"},
		{name: "a page of a gateway", rules: `- {on: "* *", nth: [2, 5, 6], status: 502, body: "<html>Bad Gateway</html>"}`},
		{name: "a page with the status of a success", rules: `- {on: "* *", nth: [2, 5, 6], status: 200, body: "<html>Sorry</html>"}`},
		{name: "drop before the commit", rules: `- {on: "* *", nth: [1, 3, 4, 8], drop: before}`},
		{name: "drop after the commit", rules: `- {on: "* *", nth: [1, 3, 4, 8], drop: after}`},
		{parts: true, name: "drop before a part", rules: "- {on: \"* /composite/sobjects/**\", nth: [2, 3, 6], drop: before}\n- {on: \"* /composite/sobjects\", nth: [2, 3, 6], drop: before}"},
		{parts: true, name: "drop after a part", rules: "- {on: \"* /composite/sobjects/**\", nth: [2, 3, 6], drop: after}\n- {on: \"* /composite/sobjects\", nth: [2, 3, 6], drop: after}"},
		{name: "no way through", rules: `- {on: "* *", after: 2, times: 14, drop: before}`},
		{name: "no way back", rules: `- {on: "* *", after: 2, times: 14, drop: after}`},
		{name: "expire", rules: `- {on: "* *", nth: [1, 3, 6], expire: session}`},
		{name: "expire for good", rules: `- {on: "* *", nth: 3, expire: session}`, token: true},
		{name: "delay", rules: `- {on: "* *", nth: [2, 4], delay: 700ms}`, impatient: true},
		{name: "locks", rules: `- {rows: {rate: 0.3}, times: 60, code: UNABLE_TO_LOCK_ROW}`},
		{name: "locks and lost answers", rules: "- {rows: {rate: 0.3}, times: 60, code: UNABLE_TO_LOCK_ROW}\n- {on: \"* *\", rate: 0.4, times: 5, drop: after}"},
		{parts: true, name: "refused rows", rules: `- {rows: {rate: 0.2}, code: FIELD_CUSTOM_VALIDATION_EXCEPTION}`},
		{name: "limit", rules: `- {on: "* *", after: 3, times: 3, code: REQUEST_LIMIT_EXCEEDED, status: 403, message: TotalRequests Limit exceeded.}`},
		{parts: true, name: "all of it", rules: "- {on: \"* *\", rate: 0.1, times: 6, drop: after}\n- {on: \"* *\", rate: 0.1, times: 6, drop: before}\n- {on: \"* *\", rate: 0.1, times: 6, status: 503}\n" +
			"- {on: \"* *\", rate: 0.05, times: 2, expire: session}\n- {rows: {rate: 0.1}, times: 40, code: UNABLE_TO_LOCK_ROW}\n- {rows: {rate: 0.05}, code: FIELD_CUSTOM_VALIDATION_EXCEPTION}"},
		{parts: true, name: "refused after a lost answer", rules: "- {on: \"* /composite/sobjects/**\", nth: 1, drop: after}\n- {rows: {}, after: 12, times: 1, code: FIELD_CUSTOM_VALIDATION_EXCEPTION}"},
	}
}

// matrixRun is one run on an org of its own.
type matrixRun struct {
	t      *testing.T
	op     matrixOperation
	fault  matrixFault
	writer func(*testing.T, *salesforce.Client) sink.Writer
	plan   *mapping.Plan
	org    *localorg.Org
	url    string
	dir    string

	late   atomic.Int64 // by how much the clock is late, so that one thing is long before the next
	script atomic.Pointer[fault.Script]
	struck atomic.Int64
}

func newMatrixRun(t *testing.T, s *schema.Schema, op matrixOperation, f matrixFault) *matrixRun {
	t.Helper()
	m := &matrixRun{t: t, op: op, fault: f, dir: t.TempDir()}
	file, _, err := mapping.Parse("matrix.yaml", []byte("version: 1\nname: matrix\ntargets:\n"+op.targets))
	if err == nil {
		m.plan, _, err = mapping.Compile(file, s)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, op.targets)
	}
	m.org, err = localorg.Open(t.Context(), localorg.Config{DB: localorg.Memory, Schema: s, Now: m.now, Fault: m.trouble})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(m.org.Handler())
	t.Cleanup(func() {
		srv.Close()
		if err := m.org.Close(); err != nil {
			t.Error(err)
		}
	})
	m.url = srv.URL
	return m
}

func (m *matrixRun) now() time.Time {
	return time.Now().Add(-time.Duration(m.late.Load()))
}

func (m *matrixRun) trouble(p localorg.Fault) localorg.Action {
	script := m.script.Load()
	if script == nil {
		return localorg.Action{}
	}
	act := script.At(p)
	if act != (localorg.Action{}) {
		m.struck.Add(1)
	}
	return act
}

// arm makes a script of the fault's rules; they count over all tries.
func (m *matrixRun) rules() *fault.Script {
	rules, bad := fault.Parse("faults.yaml", []byte(m.fault.rules))
	if len(bad) > 0 {
		m.t.Fatal(bad)
	}
	return fault.NewScript(rules)
}

// connect logs in. Waits take a thousandth of their time.
func (m *matrixRun) connect(since time.Time, try int) *salesforce.Client {
	m.t.Helper()
	cred := m.org.Credentials()
	env := map[string]string{"SFSYNC_INSTANCE_URL": m.url, "SFSYNC_CLIENT_ID": cred.ClientID, "SFSYNC_CLIENT_SECRET": cred.ClientSecret}
	if m.fault.token && try == 0 {
		env = map[string]string{"SFSYNC_INSTANCE_URL": m.url, "SFSYNC_ACCESS_TOKEN": cred.AccessToken}
	}
	auth, err := salesforce.AuthFromEnv(func(name string) string { return env[name] }, nil, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	cfg := salesforce.Config{Auth: auth, Now: m.now, Since: since, Sleep: func(ctx context.Context, d time.Duration) error { return retry.Sleep(ctx, d/1000) }}
	if m.fault.impatient && try < 3 {
		cfg.Timeout = 400 * time.Millisecond
	}
	c, err := salesforce.Connect(m.t.Context(), cfg)
	if err != nil {
		m.t.Fatal(err)
	}
	return c
}

// people is how many records there are before, with the keys 0 to people-1; rows have keys up to
// twice as many.
func (m *matrixRun) people() int {
	if m.op.large {
		return 300
	}
	return 20
}

func (m *matrixRun) check(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 71))
	m.late.Store(int64(2 * time.Hour))
	c := m.connect(time.Time{}, 1)
	for _, target := range m.plan.Targets {
		m.seed(c, target.Object.Name)
	}
	m.late.Store(int64(time.Hour))
	script := m.rules()
	store := ""
	if m.op.changed {
		store = filepath.Join(m.dir, "fingerprints")
		if err := os.Mkdir(store, 0o700); err != nil {
			m.t.Fatal(err)
		}
	}
	before := m.read(c)
	rows := m.rows(rng, before, 0)
	m.account(before, m.run("one", rows, script, store), rows, m.read(c))
	if m.op.changed && !m.t.Failed() {
		m.late.Store(0)
		m.fault.token = false // it has expired
		before = m.read(c)
		for i := range rows {
			if rng.IntN(2) == 0 {
				rows[i].title += " again"
			}
		}
		m.account(before, m.run("two", rows, m.rules(), store), rows, m.read(c))
	}
	c.Close()
}

// small makes requests small, so that a few rows need several.
type small struct{ sink.Writer }

func (s small) Limits() sink.Limits {
	l := s.Writer.Limits()
	l.Records = 8
	return l
}

// smallJobs is small of a writer whose jobs can be resumed.
type smallJobs struct{ *bulk.Writer }

func (s smallJobs) Limits() sink.Limits { return small{s.Writer}.Limits() }

// run runs the rows to their end, over as many tries as it takes, and returns what the report says.
func (m *matrixRun) run(name string, rows []matrixRow, script *fault.Script, store string) map[place]ranRow {
	m.t.Helper()
	var text strings.Builder
	text.WriteString("id,email,record,name,title,none\n")
	for _, r := range rows {
		fmt.Fprintf(&text, "%s,%s,%s,%s,%s,\n", r.id, r.email, r.record, r.name, r.title)
	}
	path := filepath.Join(m.dir, "rows.csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		m.t.Fatal(err)
	}
	where := filepath.Join(m.dir, name)
	if err := os.Mkdir(where, 0o700); err != nil {
		m.t.Fatal(err)
	}
	dir, err := report.OpenDir(where)
	if err != nil {
		m.t.Fatal(err)
	}
	const tries = 8
	since := m.now()
	var res *pipeline.Result
	for try := range tries {
		c := m.connect(since, try)
		if try < tries-1 && m.fault.rules != "" { // the last one has no trouble
			m.script.Store(script)
		}
		res, err = m.try(c, dir, path, store, try > 0)
		m.script.Store(nil)
		c.Close()
		if err == nil {
			break
		}
		if e := (*sink.Error)(nil); !errors.As(err, &e) {
			m.t.Fatalf("try %d: %v", try, err)
		}
	}
	if err != nil || !res.Complete {
		m.t.Fatalf("not complete after %d tries: %v %+v", tries, err, res)
	}
	ran, counts := m.report(dir), map[string]*pipeline.TargetCounts{}
	for i := range m.plan.Targets {
		counts[m.plan.Targets[i].Name] = &pipeline.TargetCounts{}
	}
	for at, r := range ran {
		n := counts[at.Target]
		switch r.Status + " " + r.Action {
		case "succeeded created":
			n.Created++
		case "succeeded updated":
			n.Updated++
		case "succeeded unchanged":
			n.Unchanged++
		case "succeeded deleted":
			n.Deleted++
		}
		switch r.Status {
		case "failed":
			n.Failed++
		case "skipped":
			n.Skipped++
		case "unknown":
			n.Unknown++
		}
		n.Records++
	}
	for i := range m.plan.Targets {
		if name := m.plan.Targets[i].Name; *counts[name] != res.Targets[i] && !strings.Contains(name, ".") { // of implied ones not all records have a line
			m.t.Errorf("%s: the row files say %+v, the counts %+v", name, *counts[name], res.Targets[i])
		}
	}
	return ran
}

func (m *matrixRun) try(c *salesforce.Client, dir *report.Dir, path, store string, resume bool) (res *pipeline.Result, err error) {
	m.t.Helper()
	var l *ledger.Ledger
	if resume {
		l, err = ledger.Open(m.t.Context(), dir.Path(report.LedgerFile))
	} else {
		l, err = ledger.Create(m.t.Context(), dir.Path(report.LedgerFile), 1)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	defer l.Close()
	files, err := report.NewRows(dir)
	if err != nil {
		m.t.Fatal(err)
	}
	defer files.Close()
	w := m.writer(m.t, c)
	to := pipeline.Target{Writer: small{w}, Matcher: c.Writer()}
	if jobs, ok := w.(*bulk.Writer); ok {
		to.Writer = smallJobs{jobs}
	}
	if m.op.large {
		to.Writer = w
	}
	opt := pipeline.Options{
		Plan: m.plan, Inputs: []source.Input{{Path: path}}, Ledger: l, Resume: resume, Rows: files, Errors: &report.Errors{}, Workers: 3,
		Backoff: func(attempt int) (time.Duration, bool) { return 0, attempt <= 5 },
	}
	if store != "" {
		to.Known, opt.ChangedOnly = m.known(store), true
		defer func() {
			if err := to.Known.Close(); err != nil {
				m.t.Error(err)
			}
		}()
	}
	for range m.plan.Targets {
		opt.Targets = append(opt.Targets, to)
	}
	return pipeline.Run(m.t.Context(), opt)
}

func (m *matrixRun) known(path string) *fingerprint.Store {
	m.t.Helper()
	s, err := fingerprint.Open(path, "matrix")
	if err != nil {
		m.t.Fatal(err)
	}
	return s
}

// report reads the row files.
func (m *matrixRun) report(dir *report.Dir) map[place]ranRow {
	m.t.Helper()
	out := map[place]ranRow{}
	for _, status := range []string{"succeeded", "failed", "skipped", "unknown"} {
		path := dir.Path(status + ".csv")
		if _, err := os.Stat(path); err != nil {
			continue
		}
		for _, rec := range readRows(m.t, path) {
			line, err := strconv.ParseInt(rec["sfsync_line"], 10, 64)
			if err != nil {
				m.t.Fatalf("%s: %v", path, err)
			}
			at := place{"", line, rec["sfsync_target"]}
			if was, twice := out[at]; twice {
				m.t.Errorf("%+v is in %s and in %s", at, was.Status, status)
			}
			out[at] = ranRow{status, rec["sfsync_action"], rec["sfsync_id"], rec["sfsync_code"], rec["sfsync_field"]}
		}
	}
	return out
}

// nobody is the id of no record.
const nobody = "00Q999999999999EAA"

// matrixRow is a row of the input. Its name and title tell it from all others.
type matrixRow struct{ id, email, record, name, title string }

func (m *matrixRun) rows(rng *rand.Rand, before map[string]map[string]matrixRecord, run int) []matrixRow {
	ids := map[string]string{}
	for id, rec := range before["Lead"] {
		ids[rec.Ext] = id
	}
	rows := make([]matrixRow, 3*m.people())
	for i := range rows {
		n := rng.IntN(2 * m.people())
		r := matrixRow{id: fmt.Sprint("k", n), email: fmt.Sprintf("p%d@example.com", n), name: fmt.Sprintf("N%d-%d", run, i), title: fmt.Sprintf("T%d-%d", run, i)}
		if r.record = ids[r.id]; r.record == "" {
			r.record = nobody
		}
		if rng.IntN(25) == 0 {
			r.name = "" // it is required
		}
		rows[i] = r
	}
	return rows
}

// matrixRecord is what the org has of a lead, contact or account.
type matrixRecord struct {
	ID        string
	Ext       string `json:"Ext__c"`
	ERP       string `json:"ERP__c"`
	LastName  string
	Name      string
	Title     string
	AccountID string `json:"AccountId"`
}

func (m *matrixRun) seed(c *salesforce.Client, object string) {
	m.t.Helper()
	var text strings.Builder
	text.WriteString("id,email,record,name,title\n")
	fields := "{Ext__c: id, LastName: name, Title: title}"
	switch object {
	case "Lead":
		fields = "{Ext__c: id, Email: email, LastName: name, Title: title, Company: {value: Acme}}"
	case "Account":
		fields = "{ERP__c: email, Name: name}"
	}
	for i := range m.people() {
		fmt.Fprintf(&text, "k%d,p%d@example.com,,Old%d,Old\n", i, i, i)
	}
	path := filepath.Join(m.dir, object+".csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		m.t.Fatal(err)
	}
	s, found := schema.Overlay(schema.Standard(), "test.yaml", []byte(matrixSchema))
	if len(found) > 0 {
		m.t.Fatal(found)
	}
	file, _, err := mapping.Parse("seed.yaml", []byte("version: 1\nname: seed\ntargets:\n- object: "+object+"\n  operation: insert\n  fields: "+fields+"\n"))
	if err != nil {
		m.t.Fatal(err)
	}
	plan, _, err := mapping.Compile(file, s)
	if err != nil {
		m.t.Fatal(err)
	}
	res, err := pipeline.Run(m.t.Context(), pipeline.Options{Plan: plan, Inputs: []source.Input{{Path: path}}, Targets: []pipeline.Target{{Writer: c.Writer()}}})
	if err != nil || res.Targets[0].Created != int64(m.people()) {
		m.t.Fatalf("seed: %v %+v", err, res)
	}
}

// read returns what the org has, by object and id.
func (m *matrixRun) read(c *salesforce.Client) map[string]map[string]matrixRecord {
	m.t.Helper()
	all := map[string]map[string]matrixRecord{}
	for object, fields := range map[string]string{"Lead": "Ext__c, LastName, Title", "Contact": "Ext__c, LastName, Title, AccountId", "Account": "ERP__c, Name"} {
		all[object] = map[string]matrixRecord{}
		err := c.Query(m.t.Context(), "SELECT Id, "+fields+" FROM "+object, func(text []byte) error {
			var rec matrixRecord
			if err := json.Unmarshal(text, &rec); err != nil {
				return err
			}
			if object == "Account" {
				rec.LastName = rec.Name
			}
			rec.Name = ""
			all[object][rec.ID] = rec
			return nil
		})
		if err != nil {
			m.t.Fatal(err)
		}
	}
	return all
}

// account compares what the org had and has with what the report says of the rows.
func (m *matrixRun) account(before map[string]map[string]matrixRecord, ran map[place]ranRow, rows []matrixRow, after map[string]map[string]matrixRecord) {
	m.t.Helper()
	for i := range m.plan.Targets {
		target := &m.plan.Targets[i]
		have := map[string]matrixRecord{}
		for id, rec := range before[target.Object.Name] {
			have[id] = rec
		}
		maybe := map[string]bool{}    // names of rows that nobody knows of
		doubtful := map[string]bool{} // keys of records that such rows may have created
		for r, row := range rows {
			got, ok := ran[place{"", int64(r + 2), target.Name}]
			if !ok && target.Operation == mapping.Insert && strings.Contains(target.Name, ".") {
				continue // nobody refers to it
			}
			rec, known := have[got.ID]
			if got.Status == "succeeded" && got.ID == "" { // known by its fingerprint, or deleted without an answer
				for id, other := range have {
					if other.Ext == row.id {
						rec, known, got.ID = other, true, id
					}
				}
			}
			switch what := got.Status + " " + got.Action; {
			case what == "succeeded created" && !known, what == "succeeded updated" && (known || doubtful[row.id]):
				rec.ID, rec.LastName, rec.Ext = got.ID, row.name, after[target.Object.Name][got.ID].Ext
				if target.Object.Name != "Account" {
					rec.Title = row.title
				}
				have[got.ID] = rec
			case what == "succeeded deleted" && known:
				delete(have, got.ID)
			case what == "succeeded deleted" && got.ID == nobody && m.fault.rules != "":
				// A record that never was, sent again after a lost answer: nobody can tell.
			case what == "succeeded unchanged" && known && (target.Operation == mapping.Insert || rec.LastName == row.name && rec.Title == row.title):
			case what == "succeeded unchanged" && doubtful[row.id] && target.Operation == mapping.Insert:
			case got.Status == "failed" && m.mayFail(target, row, got.Code, have), got.Status == "skipped" && target.Operation == mapping.Delete && got.Code == "NOT_FOUND":
			case got.Status == "unknown" && m.op.keyless:
				maybe[row.name] = true
			case got.Status == "unknown" && target.Operation != mapping.Delete && ruled(got.Code) && m.mayFail(target, row, got.Code, have):
				maybe[row.name], doubtful[row.id] = true, true
			default:
				m.t.Errorf("row %d %s: the report says %+v; the record was there: %v", r+2, target.Name, got, known)
			}
		}
		m.compare(target.Object.Name, have, after[target.Object.Name], maybe)
	}
}

// mayFail reports whether a row may fail with a code: for what is wrong with it, or for what the fault says of single
// records, but never because requests got lost or were put off.
func (m *matrixRun) mayFail(target *program.Target, row matrixRow, code string, have map[string]matrixRecord) bool {
	switch code {
	case "UNABLE_TO_LOCK_ROW", "FIELD_CUSTOM_VALIDATION_EXCEPTION":
		return strings.Contains(m.fault.rules, code)
	case "ALL_OR_NONE_OPERATION_ROLLED_BACK":
		return m.op.together && strings.Contains(m.fault.rules, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
	case "REQUIRED_FIELD_MISSING":
		return row.name == ""
	case "PARENT_FAILED", "PARENT_UNKNOWN":
		return target.Name == "contact" && (row.name == "" || strings.Contains(m.fault.rules, "rows:"))
	case "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY":
		for _, rec := range have {
			if rec.Ext == row.id {
				return false
			}
		}
		return target.Operation == mapping.Update
	}
	return false
}

// ruled reports whether a code is one by which rules that may look at what a record holds refuse a row, or another one
// of its collection.
func ruled(code string) bool {
	return code == "FIELD_CUSTOM_VALIDATION_EXCEPTION" || code == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
}

func (m *matrixRun) compare(object string, want, got map[string]matrixRecord, maybe map[string]bool) {
	m.t.Helper()
	keys := map[string]string{}
	for id, rec := range got {
		w, ok := want[id]
		if maybe[rec.LastName] && (!ok || rec.LastName != w.LastName) {
			delete(maybe, rec.LastName) // at most once
			continue
		}
		if !ok || rec.LastName != w.LastName || rec.Title != w.Title {
			m.t.Errorf("%s %s: the org has %+v, the report says %+v", object, id, rec, w)
		}
		if key := rec.Ext + rec.ERP; key != "" {
			if keys[key] != "" {
				m.t.Errorf("%s %s and %s both have the key %s", object, id, keys[key], key)
			}
			keys[key] = id
		}
	}
	for id, w := range want {
		if _, ok := got[id]; !ok {
			m.t.Errorf("%s %s is not in the org, the report says %+v", object, id, w)
		}
	}
	if slices.Contains([]string{"references", "references made"}, m.op.name) && object == "Contact" {
		for id, rec := range got {
			if strings.HasPrefix(rec.LastName, "N") && rec.AccountID == "" {
				m.t.Errorf("contact %s refers to no account: %+v", id, rec)
			}
		}
	}
}
