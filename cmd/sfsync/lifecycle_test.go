package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// leadsMapping maps the files that [leads] writes.
const leadsMapping = `version: 1
name: leads
schema: schema.yaml
targets:
  - name: lead
    object: Lead
    match: Ext__c
    fields: {Ext__c: id, LastName: name, Company: {value: Y}}
`

// process is a command that runs beside the test.
type process struct {
	*exec.Cmd
	out, err bytes.Buffer // to be read once it has ended
	ended    chan error
}

// world is a directory with a mapping, its input and the state of the commands in it.
func world(t *testing.T, rows int) *killer {
	t.Helper()
	k := &killer{dir: t.TempDir()}
	k.env = homeEnv(k.dir)
	k.write(t, "schema.yaml", "objects:\n  Lead:\n    fields:\n      Ext__c: {type: string, length: 40, externalId: true, unique: true}\n")
	k.write(t, "leads.yaml", leadsMapping)
	k.write(t, "leads.csv", leads(rows))
	return k
}

func leads(rows int) string {
	var b strings.Builder
	b.WriteString("id,name\n")
	for i := range rows {
		fmt.Fprintf(&b, "r-%06d,Person %d\n", i, i)
	}
	return b.String()
}

// begin starts a command that is ended with the test.
func (k *killer) begin(t *testing.T, stdin io.Reader, args ...string) *process {
	t.Helper()
	bin, err := exec.LookPath("sfsync")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(bin, args...), ended: make(chan error, 1)}
	p.Dir, p.Env, p.Stdin, p.Stdout, p.Stderr = k.dir, k.env, stdin, &p.out, &p.err
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { p.ended <- p.Wait(); close(gone) }()
	t.Cleanup(func() { p.Process.Kill(); <-gone })
	return p
}

// exits waits for the end of a command, whose exit code is one of these.
func (p *process) exits(t *testing.T, codes ...int) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(3 * time.Minute):
		p.Process.Kill()
		<-p.ended
		t.Fatalf("%s does not end\n%s%s", p.Args, p.out.String(), p.err.String())
	}
	if got := p.ProcessState.ExitCode(); !slices.Contains(codes, got) {
		t.Fatalf("%s: exit code %d, want %d\n%s%s", p.Args, got, codes, p.out.String(), p.err.String())
	}
}

// until waits for a condition that a process brings about.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("waited for nothing: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (k *killer) glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(k.dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// lines counts the lines of the first file that matches; -1 for none.
func (k *killer) lines(t *testing.T, pattern string) int {
	t.Helper()
	for _, path := range k.glob(t, pattern) {
		if text, err := os.ReadFile(path); err == nil {
			return bytes.Count(text, []byte("\n"))
		}
	}
	return -1
}

// serve starts a server of the local org and waits until it serves.
func (k *killer) serve(t *testing.T, latency string) *exec.Cmd {
	t.Helper()
	bin, err := exec.LookPath("sfsync")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "local", "serve", "--json", "--latency", latency)
	cmd.Dir, cmd.Env = k.dir, k.env
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return cmd
}

type summaryDoc struct {
	Complete bool
	API      struct{ Calls int }
	Duration float64 `json:"duration_s"`
	Rows     struct{ Read, Succeeded, Unknown int }
	Targets  []struct{ Created, Updated, Unchanged int }
}

func decodeSummary(t testing.TB, text []byte) (s summaryDoc) {
	t.Helper()
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return s
}

// TestOwnerEnds ends the process that owns the local org while a run is attached to it, politely and
// by kill -9: the run takes the org over, and so does a server that was attached.
func TestOwnerEnds(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("windows delivers no interrupts to one process")
	}
	t.Parallel()
	for _, sig := range []os.Signal{os.Interrupt, os.Kill} {
		t.Run(fmt.Sprint(sig), func(t *testing.T) {
			t.Parallel()
			const rows = 9000
			k := world(t, rows)
			owner := k.serve(t, "40ms")
			run := k.begin(t, nil, "run", "leads.yaml", "leads.csv", "--workers", "2", "--json")
			until(t, "rows of the run", func() bool { return k.lines(t, "sfsync-runs/2*/succeeded.csv") > 1000 })
			owner.Process.Signal(sig)
			owner.Wait()
			run.exits(t, 0)
			s := decodeSummary(t, run.out.Bytes())
			if !s.Complete || s.Rows.Succeeded != rows || s.Targets[0].Created != rows {
				t.Errorf("summary %+v", s)
			}
			count := k.begin(t, nil, "local", "query", "SELECT COUNT() FROM Lead")
			count.exits(t, 0)
			if got := strings.TrimSpace(count.out.String()); got != fmt.Sprint(rows) {
				t.Errorf("the org has %s leads", got)
			}
		})
	}
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		k := world(t, 1)
		owner := k.serve(t, "0s")
		second := k.serve(t, "0s")
		owner.Process.Signal(os.Interrupt)
		owner.Wait()
		until(t, "the second server to own the org", func() bool { return len(k.glob(t, "sfsync/local-org.db.owner.json")) == 1 })
		third := k.begin(t, nil, "run", "leads.yaml", "leads.csv")
		third.exits(t, 0)
		second.Process.Signal(os.Interrupt)
		if err := second.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// held is a run that is under way until it is let go: the org does not answer what it writes.
func held(t *testing.T, rows int) (k *killer, run *process, release func()) {
	t.Helper()
	w := newPlanOrg(t, leadSchema)
	k = world(t, rows)
	k.env = w.env(k.dir)
	gate, arrived := make(chan struct{}), make(chan struct{})
	release = sync.OnceFunc(func() { close(gate) })
	come := sync.OnceFunc(func() { close(arrived) })
	w.setAround(func(writes bool, _ http.ResponseWriter, serve func()) {
		if writes {
			come()
			<-gate
		}
		serve()
	})
	t.Cleanup(release) // before the org is closed
	run = k.begin(t, nil, "run", "leads.yaml", "leads.csv", "--api", "rest", "--backup", "--json")
	select {
	case <-arrived:
	case <-time.After(2 * time.Minute):
		t.Fatal("the run sends nothing")
	}
	return k, run, release
}

// TestResumeWaits: a resume that waited for the run itself to end finds nothing left to do and
// overwrites nothing.
func TestResumeWaits(t *testing.T) {
	t.Parallel()
	k, run, release := held(t, 100)
	name := filepath.Base(k.glob(t, "sfsync-runs/2*")[0])
	k.begin(t, nil, "resume", name).exits(t, 75)
	resume := k.begin(t, nil, "resume", name, "--lock-wait", "1m")
	release()
	run.exits(t, 0)
	resume.exits(t, 0)
	if !strings.Contains(resume.err.String(), "nothing left to do") {
		t.Errorf("the resume says\n%s", resume.err.String())
	}
	if log, err := os.ReadFile(k.glob(t, "sfsync-runs/2*/log.jsonl")[0]); err != nil || bytes.Count(log, []byte(`"msg":"end"`)) != 1 {
		t.Errorf("the log has not one end: %v\n%s", err, log)
	}
}

// TestOneProcessARun: no second process works on a run that is under way, also not one that knows nothing of the locks
// of the first, since it has another state directory (that of another user, or of cron).
func TestOneProcessARun(t *testing.T) {
	t.Parallel()
	const rows = 100
	k, run, release := held(t, rows)
	name := filepath.Base(k.glob(t, "sfsync-runs/2*")[0])
	for _, args := range [][]string{{"resume", name}, {"undo", name, "--yes"}} {
		p := k.begin(t, nil, append(args, "--state", "elsewhere")...)
		p.exits(t, 75)
		if want := fmt.Sprintf("another process is at work on this run: process %d on ", run.Process.Pid); !strings.Contains(p.err.String(), want) {
			t.Errorf("%s: no %q in %s", args, want, p.err.String())
		}
	}
	waits := k.begin(t, nil, "resume", name, "--state", "elsewhere", "--lock-wait", "1m")
	release()
	run.exits(t, 0)
	waits.exits(t, 0)
	if !strings.Contains(waits.err.String(), "nothing left to do") {
		t.Errorf("the resume that waited says\n%s", waits.err.String())
	}
	if s := decodeSummary(t, run.out.Bytes()); s.Targets[0].Created != rows {
		t.Errorf("%+v", s)
	}
	if n := k.lines(t, "sfsync-runs/2*/succeeded.csv"); n != rows+1 {
		t.Errorf("succeeded.csv has %d lines", n)
	}
}

// TestKilledEffort: the calls and the time of a try that was killed are in the summary of the run.
func TestKilledEffort(t *testing.T) {
	t.Parallel()
	const latency = 250 * time.Millisecond
	k := world(t, 9000)
	k.serve(t, latency.String())
	run := k.begin(t, nil, "run", "leads.yaml", "leads.csv", "--workers", "1")
	until(t, "most rows of the run", func() bool { return k.lines(t, "sfsync-runs/2*/succeeded.csv") > 6000 })
	run.Process.Kill()
	run.exits(t, -1)
	resume := k.begin(t, nil, "resume", filepath.Base(k.glob(t, "sfsync-runs/2*")[0]), "--json")
	resume.exits(t, 0)
	s := decodeSummary(t, resume.out.Bytes())
	// Nine requests write the rows. Four were certainly on disk when the last 2,000 of the 6,000
	// rows came to the report, and what is resumed costs less than that.
	if s.API.Calls < 9 || !s.Complete {
		t.Errorf("%d API calls in two tries, want at least 9: %+v", s.API.Calls, s)
	}
	// All nine of them take the server's latency, and no more than five are the resume's.
	if least := (6 * latency).Seconds(); s.Duration < least {
		t.Errorf("duration %v s, want at least %v", s.Duration, least)
	}
}

// TestSpool stops a run while it keeps its standard input, or waits for a FIFO: no run is left
// that is not whole.
func TestSpool(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("windows delivers no interrupts to one process")
	}
	t.Parallel()
	for _, tt := range []struct {
		name   string
		sig    os.Signal
		code   int
		file   string
		begun  string
		leaves int // temporary directories
	}{
		{"interrupted", os.Interrupt, 130, "-", "stdin.csv", 0},
		{"killed", os.Kill, -1, "-", "stdin.csv", 1},
		{"FIFO", syscall.SIGTERM, 143, "fifo", "pipe-1", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := world(t, 3)
			if out, err := exec.Command("mkfifo", filepath.Join(k.dir, "fifo")).CombinedOutput(); err != nil {
				t.Skipf("mkfifo: %v\n%s", err, out)
			}
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			defer w.Close() // so that the input does not end before
			if _, err := w.WriteString(leads(2)); err != nil {
				t.Fatal(err)
			}
			run := k.begin(t, r, "run", "leads.yaml", tt.file, "--format", "csv")
			until(t, "the copy", func() bool { return k.lines(t, "sfsync-runs/.tmp-2*/"+tt.begun) >= 0 })
			run.Process.Signal(tt.sig)
			run.exits(t, tt.code)
			if whole, half := k.glob(t, "sfsync-runs/2*"), k.glob(t, "sfsync-runs/.tmp-*"); len(whole) > 0 || len(half) != tt.leaves {
				t.Errorf("left behind: %q and %q, want %d temporary ones", whole, half, tt.leaves)
			}
		})
	}
}
