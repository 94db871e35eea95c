package pipeline_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/pipeline"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
	"sfsync/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testSchema has one object with every kind of match field.
func testSchema() *schema.Schema {
	s := schema.New("test")
	text := func(name string, edit func(*schema.Field)) *schema.Field {
		f := &schema.Field{Name: name, Label: name, Type: schema.String, Length: 255, Nillable: true, Createable: true, Updateable: true}
		if edit != nil {
			edit(f)
		}
		return f
	}
	s.Add(&schema.Object{Name: "Lead", Label: "Lead", KeyPrefix: "00Q", Createable: true, Updateable: true, Queryable: true, Fields: []*schema.Field{
		{Name: "Id", Label: "Id", Type: schema.ID, Length: 18, IDLookup: true, DefaultedOnCreate: true},
		text("Ext__c", func(f *schema.Field) { f.ExternalID, f.Unique, f.IDLookup = true, true, true }),
		text("Email", func(f *schema.Field) { f.IDLookup = true }),
		text("Company", nil),
		text("Value__c", nil),
	}})
	return s
}

type spec struct {
	operation mapping.Operation
	match     string
	defaults  bool // Company is an insert-only default
}

func (s spec) plan(t testing.TB) *mapping.Plan {
	t.Helper()
	str := func(v string) mapping.Str {
		return mapping.Str{Value: v, Pos: diag.Pos{File: "test.yaml", Line: 1, Column: 1}}
	}
	ref := func(c string) []mapping.Ref { return []mapping.Ref{{Name: c, Pos: diag.Pos{File: "test.yaml"}}} }
	target := &mapping.Target{
		Name: str("lead"), Object: str("Lead"), Operation: s.operation, Match: str(s.match), Rest: "ignore",
		Fields: []*mapping.Rule{{Field: str("Value__c"), From: ref("value"), Blank: mapping.BlankLeave}},
	}
	if s.match != "" {
		target.Fields = append(target.Fields, &mapping.Rule{Field: str(s.match), From: ref("key"), Blank: mapping.BlankLeave})
	}
	if s.defaults {
		none := str("n/a")
		target.Fields = append(target.Fields, &mapping.Rule{Field: str("Company"), From: ref("company"), Default: &none, Blank: mapping.BlankLeave})
	}
	p, _, err := mapping.Compile(&mapping.File{Path: "test.yaml", Version: 1, Name: "test", Targets: []*mapping.Target{target}}, testSchema())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// input is a generated file and what an org has to hold after it.
type input struct {
	path string
	rows int
	bad  int               // rows without a key
	want map[string]string // key → the last row's value
}

func generate(t testing.TB, rng *rand.Rand, rows, keys int) input {
	t.Helper()
	in := input{path: filepath.Join(t.TempDir(), "in.csv"), rows: rows, want: map[string]string{}}
	var b bytes.Buffer
	b.WriteString("key,value,company\n")
	for i := range rows {
		key := fmt.Sprintf("K%d@example.com", rng.IntN(keys))
		if rng.IntN(2) == 0 {
			key = strings.ToLower(key) // the same key in another case
		}
		company := ""
		if rng.IntN(3) == 0 {
			company = "Acme"
		}
		if rng.IntN(97) == 0 {
			key = ""
			in.bad++
		} else {
			in.want[strings.ToLower(key)] = strconv.Itoa(i)
		}
		fmt.Fprintf(&b, "%s,%d,%s\n", key, i, company)
	}
	if err := os.WriteFile(in.path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return in
}

// try is one attempt at a run with a ledger and a report in dir.
func try(ctx context.Context, t testing.TB, dir string, resume bool, in input, s spec, org *world, edit func(*pipeline.Options)) (*pipeline.Result, error) {
	t.Helper()
	var l *ledger.Ledger
	var d *report.Dir
	var err error
	if resume {
		if d, err = report.OpenDir(dir); err == nil {
			l, err = ledger.Open(context.Background(), d.Path("ledger.db"))
		}
	} else {
		if d, err = report.OpenDir(dir); err == nil {
			l, err = ledger.Create(context.Background(), d.Path("ledger.db"), 1)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rows, err := report.NewRows(d)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	opt := pipeline.Options{
		Plan: s.plan(t), Inputs: []source.Input{{Path: in.path}}, Targets: []pipeline.Target{{Writer: org, Matcher: org}},
		Ledger: l, Resume: resume, Rows: rows, Errors: &report.Errors{},
		Backoff: func(attempt int) (time.Duration, bool) { return 0, attempt <= 5 },
	}
	if edit != nil {
		edit(&opt)
	}
	return pipeline.Run(ctx, opt)
}

// checkResult checks that the counts add up and agree with the org and with the row files.
func checkResult(t testing.TB, dir string, in input, res *pipeline.Result, org *world) {
	t.Helper()
	r := res.Rows
	if r.Read != r.Succeeded+r.Failed+r.Skipped+r.Unknown+r.Pending || int(r.Read) != in.rows {
		t.Errorf("the counts do not add up: %+v for %d rows", r, in.rows)
	}
	n := res.Targets[0]
	if n.Records != n.Created+n.Updated+n.Failed+n.Skipped+n.Unknown+n.Pending || int(n.Records) != in.rows {
		t.Errorf("the target's counts do not add up: %+v", n)
	}
	if d := cmp.Diff(in.want, org.values("Value__c")); d != "" {
		t.Errorf("the org does not hold the input (-want +got):\n%s", d)
	}
	if int(n.Created) != len(in.want) || int(n.Updated) != in.rows-in.bad-len(in.want) || int(n.Failed) != in.bad {
		t.Errorf("created %d, updated %d, failed %d; want %d, %d, %d", n.Created, n.Updated, n.Failed, len(in.want), in.rows-in.bad-len(in.want), in.bad)
	}
	if !res.Complete {
		t.Error("the run is not complete")
	}
	lines := map[string]string{}
	for _, name := range []string{"succeeded", "failed"} {
		last := 0
		for _, rec := range readCSV(t, filepath.Join(dir, name+".csv")) {
			line, err := strconv.Atoi(rec["sfsync_line"])
			if err != nil || line <= last {
				t.Fatalf("%s: line %q after %d", name, rec["sfsync_line"], last)
			}
			last = line
			if was := lines[rec["sfsync_line"]]; was != "" {
				t.Errorf("line %d is in %s and in %s", line, was, name)
			}
			lines[rec["sfsync_line"]] = name
		}
	}
	if len(lines) != in.rows {
		t.Errorf("the row files hold %d rows, want %d", len(lines), in.rows)
	}
}

func readCSV(t testing.TB, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var recs []map[string]string
	for _, line := range all[1:] {
		m := map[string]string{}
		for i, v := range line {
			m[all[0][i]] = v
		}
		recs = append(recs, m)
	}
	return recs
}

var strategies = map[string]spec{
	"native":   {operation: mapping.Upsert, match: "Ext__c"},
	"lookup":   {operation: mapping.Upsert, match: "Email"},
	"no key":   {operation: mapping.Upsert, match: "Company"}, // nothing Salesforce could upsert by
	"defaults": {operation: mapping.Upsert, match: "Ext__c", defaults: true},
}

func TestEveryRowOnceInOrder(t *testing.T) {
	for name, s := range strategies {
		for _, workers := range []int{1, 4, 8} {
			t.Run(fmt.Sprint(name, " ", workers), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(1, uint64(workers)))
				in := generate(t, rng, 7000, 3000)
				org := newFakeOrg(t, s.match)
				dir := t.TempDir()
				res, err := try(t.Context(), t, dir, false, in, s, org, func(o *pipeline.Options) { o.Workers = workers })
				if err != nil {
					t.Fatal(err)
				}
				checkResult(t, dir, in, res, org)
			})
		}
	}
}

func TestCalls(t *testing.T) {
	const rows = 20_000
	for _, workers := range []int{1, 4, 8} {
		in := generate(t, rand.New(rand.NewPCG(3, 3)), 0, 1)
		var b strings.Builder
		b.WriteString("key,value,company\n")
		for i := range rows {
			fmt.Fprintf(&b, "key%d,%d,\n", i, i)
		}
		if err := os.WriteFile(in.path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		in.rows = rows
		for name, most := range map[string]int{"native": rows / 1000, "lookup": 2*rows/1000 + 2, "defaults": 2*rows/1000 + 2} {
			s := strategies[name]
			org := newFakeOrg(t, s.match)
			if _, err := try(t.Context(), t, t.TempDir(), false, in, s, org, func(o *pipeline.Options) { o.Workers = workers }); err != nil {
				t.Fatal(err)
			}
			if got := len(org.writes) + len(org.lookups); got > most {
				t.Errorf("%s, %d workers: %d writes and %d lookups, want at most %d calls", name, workers, len(org.writes), len(org.lookups), most)
			}
		}
	}
}

func TestTroubleOnTheWay(t *testing.T) {
	for name, s := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := generate(t, rand.New(rand.NewPCG(5, 5)), 6000, 4000)
			org := newFakeOrg(t, s.match)
			org.after = func(call int) error {
				if call%3 == 0 {
					return errLost
				}
				return nil
			}
			locked := map[string]int{}
			org.refuse = func(_ string, fields record) *sink.Error {
				key := strings.ToLower(fields[s.match])
				if strings.HasPrefix(key, "k1") && locked[key] < 2 {
					locked[key]++
					return &sink.Error{Class: sink.Retry, Code: "UNABLE_TO_LOCK_ROW"}
				}
				return nil
			}
			dir := t.TempDir()
			res, err := try(t.Context(), t, dir, false, in, s, org, nil)
			if err != nil {
				t.Fatal(err)
			}
			checkResult(t, dir, in, res, org)
			if res.Retried == 0 {
				t.Error("nothing was sent again")
			}
		})
	}
}

// A record whose answer was lost is looked up in the org itself, whatever a matcher remembers.
func TestLostAnswersAreLookedUpAfresh(t *testing.T) {
	t.Parallel()
	in := generate(t, rand.New(rand.NewPCG(6, 6)), 40, 1000)
	org := newFakeOrg(t, "Company")
	org.after = func(call int) error {
		if call == 1 {
			return errLost
		}
		return nil
	}
	dir := t.TempDir()
	res, err := try(t.Context(), t, dir, false, in, strategies["no key"], org, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkResult(t, dir, in, res, org)
	n := len(in.want)
	want := []string{fmt.Sprintf("Lead by Company %d", n), fmt.Sprintf("Lead by Company %d afresh", n)}
	if got := org.lookups; len(got) < 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("lookups %q, want %q first", got, want)
	}
}

// A run that is killed at any moment, before or after the org has written, and resumed as often
// as it takes, ends as if it had not been.
func TestKilledAndResumed(t *testing.T) {
	tries := 12
	if testing.Short() {
		tries = 6
	}
	for name, s := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range tries {
				rng := rand.New(rand.NewPCG(7, uint64(seed)))
				in := generate(t, rng, 2500+rng.IntN(3000), 1+rng.IntN(4000))
				org := newFakeOrg(t, s.match)
				dir := t.TempDir()
				var res *pipeline.Result
				var err error
				kills := rng.IntN(4)
				for attempt := 0; ; attempt++ {
					if attempt > 10 {
						t.Fatal("does not end")
					}
					ctx, kill := context.WithCancel(t.Context())
					var ledgerOf *ledger.Ledger
					var dead atomic.Bool
					die := func() error {
						if !dead.Swap(true) {
							_ = ledgerOf.Close() // from here on nothing reaches the disk
							kill()
						}
						return context.Canceled
					}
					org.before, org.after = nil, nil
					if attempt < kills {
						at := len(org.writes) + 1 + rng.IntN(6)
						hook := func(call int) error {
							if call >= at || dead.Load() {
								return die()
							}
							return nil
						}
						if rng.IntN(2) == 0 {
							org.before = hook
						} else {
							org.after = hook
						}
					}
					res, err = try(ctx, t, dir, attempt > 0, in, s, org, func(o *pipeline.Options) { ledgerOf, o.Workers = o.Ledger, 1+rng.IntN(6) })
					kill()
					if !dead.Load() {
						break
					}
				}
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				checkResult(t, dir, in, res, org)
				if t.Failed() {
					t.Fatalf("seed %d, %d kills, %d rows", seed, kills, in.rows)
				}
			}
		})
	}
}

func TestInsertIsNeverSentTwice(t *testing.T) {
	in := generate(t, rand.New(rand.NewPCG(9, 9)), 3000, 10)
	org := newFakeOrg(t, "")
	org.after = func(call int) error {
		if call == 2 {
			return errLost
		}
		return nil
	}
	res, err := try(t.Context(), t, t.TempDir(), false, in, spec{operation: mapping.Insert}, org, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := res.Targets[0]; n.Created != 2000 || n.Unknown != 1000 || len(org.objects["Lead"]) != 3000 {
		t.Errorf("%+v; the org holds %d", n, len(org.objects["Lead"]))
	}
}

func TestStops(t *testing.T) {
	s := strategies["native"]
	fatal := &sink.Error{Class: sink.Later, Code: "REQUEST_LIMIT_EXCEEDED"}
	cases := map[string]struct {
		edit func(*pipeline.Options, *world)
		want error
	}{
		"on request": {func(o *pipeline.Options, org *world) {
			stop := make(chan struct{})
			o.Stop = stop
			org.after = func(call int) error {
				if call == 2 {
					close(stop)
				}
				return nil
			}
		}, pipeline.ErrStopped},
		"by the org": {func(_ *pipeline.Options, org *world) {
			org.before = func(call int) error {
				if call >= 3 {
					return fatal
				}
				return nil
			}
		}, fatal},
		"too many failed": {func(o *pipeline.Options, org *world) {
			o.StopAfter = pipeline.Threshold{Count: 10}
			org.refuse = func(string, record) *sink.Error {
				if len(org.writes) >= 2 {
					return &sink.Error{Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION"}
				}
				return nil
			}
		}, pipeline.ErrTooManyFailed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			// More rows than the window holds, so that the reader waits when the stop comes.
			in := generate(t, rand.New(rand.NewPCG(11, 11)), 30_000, 25_000)
			org := newFakeOrg(t, s.match)
			dir := t.TempDir()
			res, err := try(t.Context(), t, dir, false, in, s, org, func(o *pipeline.Options) { o.Workers = 2; c.edit(o, org) })
			if !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			r := res.Rows
			if res.Complete || r.Pending == 0 || r.Unknown != 0 || r.Read != r.Succeeded+r.Failed+r.Skipped+r.Unknown+r.Pending {
				t.Errorf("%+v", r)
			}
			if name == "too many failed" {
				return
			}
			org.before, org.after = nil, nil
			res, err = try(t.Context(), t, dir, true, in, s, org, nil)
			if err != nil {
				t.Fatal(err)
			}
			checkResult(t, dir, in, res, org)
		})
	}
}

func TestResumeRefusesAnotherInput(t *testing.T) {
	s := strategies["native"]
	in := generate(t, rand.New(rand.NewPCG(13, 13)), 5000, 5000)
	org := newFakeOrg(t, s.match)
	stop := make(chan struct{})
	org.after = func(call int) error {
		if call == 1 {
			close(stop)
		}
		return nil
	}
	dir := t.TempDir()
	if _, err := try(t.Context(), t, dir, false, in, s, org, func(o *pipeline.Options) { o.Stop = stop }); !errors.Is(err, pipeline.ErrStopped) {
		t.Fatal(err)
	}
	text, err := os.ReadFile(in.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in.path, bytes.Replace(text, []byte(",3,"), []byte(",4,"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	before := len(org.writes)
	_, err = try(t.Context(), t, dir, true, in, s, org, nil)
	if !errors.Is(err, pipeline.ErrInputChanged) || !strings.Contains(err.Error(), in.path+":2") {
		t.Errorf("%v", err)
	}
	if len(org.writes) != before {
		t.Error("records were sent from a changed input")
	}
}
