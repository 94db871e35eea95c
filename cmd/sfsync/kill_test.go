package main_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
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

var kills = flag.Int("kills", 3, "how many runs TestKilledRuns kills; the more the better")

// TestKilledRuns kills the real command (kill -9) at random moments and resumes it until it
// ends: the org has to hold exactly the input, and the summary has to say so. The local org is
// inside the command and dies with it. Every third run looks its records up.
func TestKilledRuns(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	k := &killer{dir: t.TempDir()}
	k.env = append(os.Environ(), "HOME="+k.dir, "XDG_STATE_HOME="+k.dir, "LocalAppData="+k.dir)
	k.write(t, "schema.yaml", "objects:\n  Lead:\n    fields:\n      Ext__c: {type: string, length: 40, externalId: true, unique: true}\n")

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
			t.Fatalf("run %d", i)
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
	args        []string
	state, runs string
	rows        int
	want        map[string]string // key → company of its last row
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
	in := killInput{rows: 3000, runs: filepath.Join(k.dir, fmt.Sprint("runs", n)), state: filepath.Join(k.dir, fmt.Sprint("state", n)), want: map[string]string{}}
	var a, b strings.Builder
	a.WriteString("id,company\n")
	for i := range in.rows {
		key, company := fmt.Sprintf("k%d", rng.IntN(2000)), fmt.Sprintf("Company %d", i)
		in.want[key] = company
		if i < in.rows/2 {
			fmt.Fprintf(&a, "%s,%s\n", key, company)
		} else {
			fmt.Fprintf(&b, "{\"id\":%q,\"company\":%q}\n", key, company)
		}
	}
	match := "Ext__c"
	extra := ""
	if n%3 == 2 { // looked up instead: an insert-only default
		extra = "      Title: {from: title, default: unknown}\n"
		a.Reset()
		a.WriteString("id,company,title\n")
		for i := range in.rows / 2 {
			fmt.Fprintf(&a, "k%d,Company %d,\n", i%1100, i)
		}
		clear(in.want)
		for i := range in.rows / 2 {
			in.want[fmt.Sprintf("k%d", i%1100)] = fmt.Sprintf("Company %d", i)
		}
		for line := range strings.Lines(b.String()) {
			var r struct{ ID, Company string }
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			in.want[r.ID] = r.Company
		}
	}
	mapping := k.write(t, fmt.Sprintf("m%d.yaml", n), "version: 1\nname: kill\nschema: schema.yaml\ntargets:\n  - name: lead\n    object: Lead\n    match: "+match+
		"\n    fields:\n      Ext__c: id\n      LastName: {value: X}\n      Company: company\n"+extra)
	in.args = []string{
		"run", mapping, k.write(t, fmt.Sprintf("a%d.csv", n), a.String()), k.write(t, fmt.Sprintf("b%d.jsonl", n), b.String()),
		"--runs", in.runs, "--state", in.state,
	}
	return in
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
	if err != nil {
		t.Fatalf("%v\n%s", err, k.out.String())
	}
	text, err := os.ReadFile(filepath.Join(in.run(t), "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Complete bool
		Rows     struct{ Read, Succeeded int }
		Targets  []struct{ Created, Updated int }
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	if created, updated := s.Targets[0].Created, s.Targets[0].Updated; !s.Complete || s.Rows.Read != in.rows || s.Rows.Succeeded != in.rows ||
		created != len(in.want) || updated != in.rows-len(in.want) {
		t.Errorf("%+v, want %d created, %d updated", s, len(in.want), in.rows-len(in.want))
	}
	lines := 0
	for _, name := range []string{"succeeded.csv", "succeeded.jsonl"} {
		text, err := os.ReadFile(filepath.Join(in.run(t), name))
		if err != nil {
			t.Fatal(err)
		}
		lines += bytes.Count(text, []byte("\n"))
	}
	if lines != in.rows+1 {
		t.Errorf("the row files have %d lines, want %d and a header", lines, in.rows)
	}
	if err := k.start(t, "local", "query", "SELECT Ext__c, Company FROM Lead", "--state", in.state).Wait(); err != nil {
		t.Fatalf("%v\n%s", err, k.out.String())
	}
	recs, err := csv.NewReader(&k.out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range recs[1:] {
		if _, twice := got[r[0]]; twice {
			t.Errorf("two leads %s", r[0])
		}
		got[r[0]] = r[1]
	}
	if d := cmp.Diff(in.want, got); d != "" {
		t.Errorf("the org does not hold the input (-want +got):\n%s", d)
	}
}
