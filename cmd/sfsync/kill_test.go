package main_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var kills = flag.Int("kills", 12, "how many runs TestKilledRuns kills; the more the better")

// TestKilledRuns kills the real command (kill -9) at random moments and resumes it until it
// ends: the org has to hold exactly the input, no record twice, and the summary has to say so. The
// local org is inside the command and dies with it. Each run is of another kind, see killKinds.
func TestKilledRuns(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	k := &killer{dir: t.TempDir()}
	k.env = homeEnv(k.dir)
	k.write(t, "schema.yaml", "objects:\n  Lead:\n    fields:\n      Ext__c: {type: string, length: 40, externalId: true, unique: true}\n"+
		"  Account:\n    fields:\n      ERP__c: {type: string, length: 40, externalId: true, unique: true}\n"+
		"  Contact:\n    fields:\n      Ext__c: {type: string, length: 40, externalId: true, unique: true}\n")

	first := k.input(t, rng, 0)
	start := time.Now()
	k.finish(t, first, k.start(t, first.args...).Wait())
	usual := time.Since(start)
	struck := 0
	for i := 1; i <= *kills; i++ {
		in := k.input(t, rng, i)
		args := in.args
		for range 3 {
			cmd := k.start(t, args...)
			start := time.Now()
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case <-time.After(time.Duration(rng.Int64N(int64(usual)))):
				_ = cmd.Process.Kill() // it may have ended by itself meanwhile
				if <-ended != nil && !cmd.ProcessState.Exited() {
					struck++
				}
			case <-ended:
				usual = max(time.Since(start), 50*time.Millisecond) // the machine is faster than it was: strike earlier
			}
			args = in.args
			if run := in.run(t); run != "" {
				args = []string{"resume", run, "--state", in.state}
			}
		}
		k.finish(t, in, k.start(t, args...).Wait())
		if t.Failed() {
			t.Fatalf("run %d: %s", i, in.kind)
		}
	}
	t.Logf("%d of %d attempts were killed before they ended", struck, 3**kills)
	if struck == 0 && *kills > 0 {
		t.Error("no attempt was killed: the test shows nothing")
	}
}

type killer struct {
	dir string
	env []string
	out bytes.Buffer // of the last command
}

// killInput is a run's input and what has to come of it.
type killInput struct {
	kind        string
	args        []string
	state, runs string
	rows        int
	query       string            // what the org has: a key and a value
	want        map[string]string // by key
	counts      killCounts
}

// killCounts is what a summary counts, of all targets.
type killCounts struct{ Created, Updated, Unchanged, Deleted, Failed, Skipped, Unknown int }

// killKinds are the runs that are killed in turn. That of a plain insert may end with records of
// which nobody knows.
func killKinds() []killKind {
	const company = "Company: company, LastName: {value: X}"
	return []killKind{
		{name: "upsert", targets: "{object: Lead, match: Ext__c, fields: {Ext__c: id, " + company + "}}"},
		{name: "insert", targets: "{object: Lead, operation: insert, fields: {LastName: id, Company: company}}"},
		{name: "upsert, looked up", targets: "{object: Lead, match: Ext__c, fields: {Ext__c: id, Title: {from: title, default: unknown}, " + company + "}}"},
		{name: "update", targets: "{object: Lead, operation: update, match: Ext__c, fields: {Ext__c: id, Company: company}}", before: true},
		{name: "insert by key", targets: "{object: Lead, operation: insert, match: Ext__c, fields: {Ext__c: id, " + company + "}}"},
		{name: "delete", targets: "{object: Lead, operation: delete, match: Ext__c, fields: {Ext__c: id}}", before: true},
		{name: "references", targets: "{object: Account, name: account, match: ERP__c, fields: {ERP__c: group, Name: {value: X}}}\n" +
			"  - {object: Contact, name: contact, match: Ext__c, fields: {Ext__c: id, Title: company, LastName: {value: X}, AccountId: {ref: account}}}"},
		{name: "insert", bulk: true, targets: "{object: Lead, operation: insert, fields: {LastName: id, Company: company}}"},
		{name: "delete", bulk: true, targets: "{object: Lead, operation: delete, match: Ext__c, fields: {Ext__c: id}}", before: true},
		{name: "upsert", bulk: true, targets: "{object: Lead, match: Ext__c, fields: {Ext__c: id, " + company + "}}"},
		{name: "update", bulk: true, targets: "{object: Lead, operation: update, match: Ext__c, fields: {Ext__c: id, Company: company}}", before: true},
		{name: "upsert by email", targets: "{object: Lead, match: Email, fields: {Email: 'id | suffix(@example.com)', " + company + "}}"},
	}
}

type killKind struct {
	name, targets string
	before        bool // half of the records are there before
	bulk          bool // by the Bulk API
}

func (k *killer) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(k.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (k *killer) input(t *testing.T, rng *rand.Rand, n int) killInput {
	t.Helper()
	const people = 1500
	kind := killKinds()[n%len(killKinds())]
	in := killInput{
		kind: kind.name, rows: 2400, want: map[string]string{}, query: "SELECT Ext__c, Company FROM Lead",
		runs: filepath.Join(k.dir, fmt.Sprint("runs", n)), state: filepath.Join(k.dir, fmt.Sprint("state", n)),
	}
	switch kind.name {
	case "insert":
		in.query = "SELECT Company, LastName FROM Lead"
	case "references":
		in.query = "SELECT Ext__c, Title, Account.ERP__c FROM Contact"
	case "upsert by email":
		in.query = "SELECT Email, Company FROM Lead"
	}
	if kind.before {
		in.before(t, k, people)
	}
	var a, b strings.Builder
	a.WriteString("id,company,group,title\n")
	for i := range in.rows {
		key, company, group := fmt.Sprintf("k%d", rng.IntN(people)), fmt.Sprintf("Company %d", i), fmt.Sprintf("g%d", rng.IntN(40))
		if i < in.rows/2 {
			fmt.Fprintf(&a, "%s,%s,%s,\n", key, company, group)
		} else {
			fmt.Fprintf(&b, "{\"id\":%q,\"company\":%q,\"group\":%q}\n", key, company, group)
		}
		in.expect(key, company, group)
	}
	mapping := k.write(t, fmt.Sprintf("m%d.yaml", n), "version: 1\nname: kill\nschema: schema.yaml\ntargets:\n  - "+kind.targets+"\n")
	in.args = []string{
		"run", mapping, k.write(t, fmt.Sprintf("a%d.csv", n), a.String()), k.write(t, fmt.Sprintf("b%d.jsonl", n), b.String()),
		"--runs", in.runs, "--state", in.state, "--api", map[bool]string{true: "bulk", false: "rest"}[kind.bulk],
	}
	return in
}

// before puts every second record into the org.
func (in *killInput) before(t *testing.T, k *killer, people int) {
	t.Helper()
	var rows strings.Builder
	rows.WriteString("id\n")
	for i := 0; i < people; i += 2 {
		key := fmt.Sprintf("k%d", i)
		fmt.Fprintln(&rows, key)
		in.want[key] = "Old"
	}
	mapping := k.write(t, "before.yaml", "version: 1\nname: before\nschema: schema.yaml\ntargets:\n"+
		"  - {object: Lead, operation: insert, fields: {Ext__c: id, LastName: {value: X}, Company: {value: Old}}}\n")
	if err := k.start(t, "run", mapping, k.write(t, "before.csv", rows.String()), "--runs", in.runs, "--state", in.state).Wait(); err != nil {
		t.Fatalf("%v\n%s", err, k.out.String())
	}
}

// expect adds what has to come of a row.
func (in *killInput) expect(key, company, group string) {
	n := &in.counts
	if in.kind == "references" {
		company += "|" + group
		if _, there := in.want[" "+group]; there { // the account
			n.Updated++
		} else {
			n.Created++
			in.want[" "+group] = ""
		}
	}
	if in.kind == "upsert by email" {
		key += "@example.com"
	}
	_, there := in.want[key]
	switch in.kind {
	case "insert":
		n.Created++
		in.want[company] = key
		return
	case "insert by key":
		if there {
			n.Unchanged++
			return
		}
	case "update":
		if !there {
			n.Failed++
			return
		}
	case "delete":
		if there {
			n.Deleted++
		} else {
			n.Skipped++
		}
		delete(in.want, key)
		return
	}
	if there {
		n.Updated++
	} else {
		n.Created++
	}
	in.want[key] = company
}

// run is the run directory, "" if the run was killed before it was there.
func (in *killInput) run(t *testing.T) string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(in.runs, "2*-kill-*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(dirs) > 1 {
		t.Fatalf("more than one run directory: %v", dirs)
	}
	if len(dirs) == 0 {
		return ""
	}
	return dirs[0]
}

func (k *killer) start(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	bin, err := exec.LookPath("sfsync")
	if err != nil {
		t.Fatal(err)
	}
	k.out.Reset()
	cmd := exec.Command(bin, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = k.dir, k.env, &k.out, &k.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// finish checks what a run that has ended left behind.
func (k *killer) finish(t *testing.T, in killInput, err error) {
	t.Helper()
	text, readErr := os.ReadFile(filepath.Join(in.run(t), "summary.json"))
	if readErr != nil {
		t.Fatalf("%s: %v %v\n%s", in.kind, err, readErr, k.out.String())
	}
	var s struct {
		Complete bool
		Rows     struct{ Read int }
		Exit     struct{ Code int }
		Targets  []killCounts
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	var got killCounts
	for _, n := range s.Targets {
		got.Created += n.Created
		got.Updated += n.Updated
		got.Unchanged += n.Unchanged
		got.Deleted += n.Deleted
		got.Failed += n.Failed
		got.Skipped += n.Skipped
		got.Unknown += n.Unknown
	}
	code := 0
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		code = ended.ExitCode()
	}
	want := in.counts
	if in.kind == "insert" {
		want.Unknown = got.Unknown
		want.Created -= got.Unknown
	}
	wantCode := 0
	switch {
	case got.Unknown > 0:
		wantCode = 5
	case got.Failed > 0:
		wantCode = 3
	}
	if !s.Complete || s.Rows.Read != in.rows || got != want || s.Exit.Code != code || code != wantCode {
		t.Errorf("%s: exit code %d, want %d; %+v\ncounts %+v, want %+v\n%s", in.kind, code, wantCode, s, got, want, k.out.String())
	}
	k.rowFiles(t, in, len(s.Targets))
	k.holds(t, in, got.Unknown)
}

// rowFiles checks that every record has a line in one of the row files.
func (k *killer) rowFiles(t *testing.T, in killInput, targets int) {
	t.Helper()
	seen := map[string]string{}
	for _, status := range []string{"succeeded", "failed", "skipped", "unknown"} {
		paths, err := filepath.Glob(filepath.Join(in.run(t), status+".*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			for _, rec := range readRows(t, path) {
				at := rec["sfsync_file"] + " " + rec["sfsync_line"] + " " + rec["sfsync_target"]
				if was := seen[at]; was != "" {
					t.Errorf("%s: %s is in %s and in %s", in.kind, at, was, status)
				}
				seen[at] = status
			}
		}
	}
	if len(seen) != in.rows*targets {
		t.Errorf("%s: the row files have %d records, want %d", in.kind, len(seen), in.rows*targets)
	}
}

// holds checks that the org holds the input, but for so many records of which nobody knows.
func (k *killer) holds(t *testing.T, in killInput, unknown int) {
	t.Helper()
	if err := k.start(t, "local", "query", in.query, "--state", in.state).Wait(); err != nil {
		t.Fatalf("%v\n%s", err, k.out.String())
	}
	recs, err := csv.NewReader(&k.out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range recs[1:] {
		if _, twice := got[r[0]]; twice {
			t.Errorf("%s: two records %s", in.kind, r[0])
		}
		got[r[0]] = strings.Join(r[1:], "|")
	}
	for key := range in.want {
		if _, there := got[key]; strings.HasPrefix(key, " ") || unknown > 0 && !there {
			delete(in.want, key)
			if key[0] != ' ' {
				unknown--
			}
		}
	}
	if d := cmp.Diff(in.want, got); d != "" {
		t.Errorf("%s: the org does not hold the input (-want +got):\n%s", in.kind, d)
	}
}
