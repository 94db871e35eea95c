package pipeline_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
	"sfsync/sink"
)

var points = flag.Int("points", 140, "how many times TestKilledAnywhere kills a run; the more the better")

// killKinds are the targets of runs that are killed.
func killKinds() map[string]string {
	lead := func(operation, match, fields string) string {
		return "- {object: Lead, name: lead, operation: " + operation + match + ", fields: {" + fields + "}}\n"
	}
	const all = "Ext__c: ext, Email: email, LastName: {from: last, blank: fail}, Company: {value: Acme}, Value__c: value"
	return map[string]string{
		"upsert":                lead("upsert", ", match: Ext__c", all),
		"upsert by lookup":      lead("upsert", ", match: Email", all),
		"upsert with a default": lead("upsert", ", match: Ext__c", all+", Title: {from: title, default: none}"),
		"upsert by two keys":    lead("upsert", ", match: [Ext__c, Email]", all),
		"insert":                lead("insert", "", all),
		"insert by key":         lead("insert", ", match: Ext__c", all),
		"insert by lookup":      lead("insert", ", match: Email", all),
		"update":                lead("update", ", match: Ext__c", "Ext__c: ext, Value__c: value"),
		"update by lookup":      lead("update", ", match: Email", "Email: email, Value__c: value"),
		"delete":                lead("delete", ", match: Ext__c", "Ext__c: ext"),
		"delete by lookup":      lead("delete", ", match: Email", "Email: email"),
		"references": lead("upsert", ", match: Ext__c", all) +
			"- {object: Visit__c, name: visit, match: Ext__c, fields: {Ext__c: value, Lead__c: {ref: lead}, Account__c: {lookup: Account.ERP_Id__c, from: erp, create: true, fields: {Name: erp}}}}\n",
		"references as a key": memberTargets,
		"rivals": lead("upsert", ", match: Email", "Email: email, LastName: {from: last, blank: fail}, Company: {value: Acme}, Value__c: value") +
			"- {object: Lead, name: other, match: Ext__c, fields: {" + all + ", Title: value}}\n",
		"a parent's rivals": "- {object: Account, name: account, match: Name, fields: {Name: parent, ERP_Id__c: parent, Site: value}}\n" +
			"- {object: Visit__c, name: visit, match: Ext__c, fields: {Ext__c: value, Account__c: {lookup: Account.ERP_Id__c, from: erp, create: true, fields: {Name: erp, Site: value}}}}\n",
		"a parent twice": "- {object: Account, name: account, match: ERP_Id__c, fields: {ERP_Id__c: parent, Name: ext, Site: value}}\n" +
			"- {object: Visit__c, name: visit, match: Ext__c, fields: {Ext__c: value, Account__c: {lookup: Account.ERP_Id__c, from: erp, create: true, fields: {Name: erp, Site: value}}}}\n",
		"parents of its own": "- {object: Account, name: account, match: ERP_Id__c, fields: {ERP_Id__c: erp, Name: ext, ParentId: {lookup: Account.ERP_Id__c, from: parent}}}\n",
	}
}

// mortal is an org that dies with the run: strike is asked before and after everything that it does.
type mortal struct {
	*world
	strike func() error
}

func (m mortal) Limits() sink.Limits {
	return sink.Limits{Records: 7, Group: 200, Groups: 5, Bytes: 4 << 20} // so that a few rows are many requests
}

func (m mortal) Lookup(ctx context.Context, l *sink.Lookup) error {
	if err := m.strike(); err != nil {
		return err
	}
	if err := m.world.Lookup(ctx, l); err != nil {
		return err
	}
	return m.strike()
}

func (m mortal) Write(ctx context.Context, req *sink.Request, results []sink.Result) error {
	if err := m.strike(); err != nil {
		for i := range results {
			results[i].Status = sink.NotSent
		}
		return err
	}
	if err := m.world.Write(context.WithoutCancel(ctx), req, results); err != nil {
		return err
	}
	err := m.strike()
	if err != nil {
		clear(results)
	}
	return err
}

// TestKilledAnywhere kills runs of every kind where they ask the org something, before or after it has
// done it, again and again, and resumes them, while the org refuses records for locks that pass. In the end
// the report and the org are what they are of a run that nothing happened to. Only of plain inserts it may not be known whether they happened.
func TestKilledAnywhere(t *testing.T) {
	kinds := killKinds()
	each := max(1, *points/len(kinds))
	var kills, lates atomic.Int64
	t.Cleanup(func() {
		t.Logf("%d kills, %d of them in a last pass", kills.Load(), lates.Load())
		if !t.Failed() && kills.Load() > 100 && lates.Load() == 0 {
			t.Error("no run was killed in its last pass")
		}
	})
	for name, targets := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, first := worldOf(t, targets)
			struck, runs, late := 0, 0, 0
			for seed := uint64(0); struck < each; seed++ {
				runs++
				if runs > 20*each {
					t.Fatalf("only %d kills in %d runs", struck, runs)
				}
				rng := rand.New(rand.NewPCG(seed, 41))
				calm, o := newWorld(t, first.schema), newWorld(t, first.schema)
				people(calm)
				people(o)
				o.refuse = locked()
				rows := killRows(rng)
				_, want := play(t, p, calm, rows, nil)
				dir, n, l := killed(t, rng, p, o, rows)
				struck, late = struck+n, late+l
				if name == "insert" {
					checkInserts(t, o, dir)
				} else {
					if d := cmp.Diff(outcomes(t, want), outcomes(t, dir)); d != "" {
						t.Errorf("the report (-calm +killed):\n%s", d)
					}
					for _, object := range []string{"Lead", "Visit__c", "Account", "CampaignMember"} {
						wantLines(t, object, o.dump(object), calm.dump(object))
					}
				}
				if t.Failed() {
					t.Fatalf("seed %d, %d kills\n%s", seed, n, rows)
				}
			}
			kills.Add(int64(struck))
			lates.Add(int64(late))
		})
	}
}

// locked refuses every record up to three times.
func locked() func(string, record) *sink.Error {
	times := map[string]int{}
	return func(object string, fields record) *sink.Error {
		k := fmt.Sprint(object, fields)
		if times[k]++; times[k] <= len(k)%4 {
			return &sink.Error{Class: sink.Retry, Code: "UNABLE_TO_LOCK_ROW"}
		}
		return nil
	}
}

// people are the records that are there before.
func people(o *world) {
	for i := range 12 {
		o.add("Lead", record{"Ext__c": fmt.Sprint("e", i), "Email": fmt.Sprintf("p%d@x.org", i), "LastName": "Old"})
	}
	for i := range 3 {
		o.add("Campaign", record{"Code__c": fmt.Sprint("C", i)})
		o.add("Account", record{"ERP_Id__c": fmt.Sprint("a", i), "Name": "Old"})
	}
}

func killRows(rng *rand.Rand) string {
	var b strings.Builder
	b.WriteString("ext,email,last,value,title,erp,parent,campaign\n")
	for i := range 40 {
		n, last := rng.IntN(24), "L"
		if rng.IntN(12) == 0 {
			last = ""
		}
		fmt.Fprintf(&b, "e%d,p%d@x.org,%s,v%d,,a%d,a%d,C%d\n", n, n, last, i, rng.IntN(8), rng.IntN(8), rng.IntN(4))
	}
	return b.String()
}

// killed runs the rows to their end over any number of deaths, and returns the run directory, how many
// there were, and how many of them in a last pass.
func killed(t *testing.T, rng *rand.Rand, p *mapping.Plan, o *world, rows string) (string, int, int) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(path, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	late := 0
	for deaths := 0; ; deaths++ {
		at := 1 + rng.IntN(12)
		if deaths == 8 {
			at = 1 << 30
		}
		died, last, err := mortalTry(t, p, o, path, dir, deaths > 0, at, 1+rng.IntN(4))
		if !died {
			if err != nil {
				t.Fatal(err)
			}
			return dir, deaths, late
		}
		if last {
			late++
		}
	}
}

// mortalTry is one try at a run; it dies at the so many-th question to the org.
func mortalTry(t *testing.T, p *mapping.Plan, o *world, path, dir string, resume bool, at, workers int) (died, last bool, err error) {
	t.Helper()
	d, err := report.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var l *ledger.Ledger
	if resume {
		l, err = ledger.Open(t.Context(), d.Path("ledger.db"))
	} else {
		l, err = ledger.Create(t.Context(), d.Path("ledger.db"), 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	files, err := report.NewRows(d)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	var mu sync.Mutex
	m := mortal{o, func() error {
		mu.Lock()
		defer mu.Unlock()
		if at--; at == 0 {
			died = true
			_ = l.Close() // from here on nothing reaches the disk
			kill()
		}
		if died {
			return context.Canceled
		}
		return nil
	}}
	opt := pipeline.Options{
		Plan: p, Inputs: []source.Input{{Path: path}}, Ledger: l, Resume: resume, Rows: files, Errors: &report.Errors{}, Workers: workers,
		Backoff:  func(attempt int) (time.Duration, bool) { return 0, attempt <= 1+workers%2 },
		LastPass: lastPass(func(int, int) { last = true }),
	}
	for range p.Targets {
		opt.Targets = append(opt.Targets, pipeline.Target{Writer: m, Matcher: m})
	}
	res, err := pipeline.Run(ctx, opt)
	if err == nil && !died && !res.Complete {
		err = errors.New("the run is not complete")
	}
	return died, last, err
}

// checkInserts: every row that was created is in the org once, one of which nobody knows at most once,
// and no other.
func checkInserts(t *testing.T, o *world, dir string) {
	t.Helper()
	has := map[string]int{}
	for _, lead := range o.objects["Lead"] {
		if lead["LastName"] != "Old" {
			has[lead["Value__c"]]++
		}
	}
	for _, status := range []string{"succeeded", "failed", "unknown"} {
		for _, rec := range readCSV(t, filepath.Join(dir, status+".csv")) {
			n := has[rec["value"]]
			if want := map[string][]int{"succeeded": {1}, "failed": {0}, "unknown": {0, 1}}[status]; !slices.Contains(want, n) {
				t.Errorf("line %s is in %s, and %d times in the org", rec["sfsync_line"], status, n)
			}
			delete(has, rec["value"])
		}
	}
	if len(has) > 0 {
		t.Errorf("in the org and not in the report: %v", has)
	}
}
