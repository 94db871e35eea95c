package main_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestDamagedLedger resumes a run whose ledger was damaged: the resume says so, sends nothing and leaves
// the report as it was. With the ledger as it was before, it goes on.
func TestDamagedLedger(t *testing.T) {
	t.Parallel()
	const rows = 9000
	k := world(t, rows)
	k.serve(t, "0s")
	stopped := k.begin(t, nil, "run", "leads.yaml", "leads.csv", "--api", "rest", "--max-duration", "1ms")
	stopped.exits(t, 75)
	dir := k.glob(t, "sfsync-runs/2*")[0]
	path := filepath.Join(dir, "ledger.db")
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before := k.leadsInOrg(t)
	summary := read(t, dir, "summary.json")
	for name, damaged := range map[string][]byte{
		"empty":     {},
		"text":      bytes.Repeat([]byte("no ledger at all\n"), 1000),
		"half":      sound[:len(sound)/2],
		"no pages":  append(bytes.Clone(sound[:4096]), make([]byte, len(sound)-4096)...),
		"other one": bytes.Replace(sound, []byte("sfsy"), []byte("else"), 1),
	} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		resume := k.begin(t, nil, "resume", filepath.Base(dir))
		resume.exits(t, 65)
		if says := resume.err.String(); !strings.Contains(says, "not a ledger, or damaged") || strings.Contains(says, "go on with") {
			t.Errorf("%s: %s", name, says)
		}
		if after := k.leadsInOrg(t); after != before {
			t.Errorf("%s: the org has %s leads, had %s", name, after, before)
		}
		if !bytes.Equal(summary, read(t, dir, "summary.json")) {
			t.Errorf("%s: the summary has changed", name)
		}
		for _, more := range []string{"-wal", "-shm"} {
			os.Remove(path + more) // mostly there is none
		}
	}
	if err := os.WriteFile(path, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	k.begin(t, nil, "resume", filepath.Base(dir)).exits(t, 0)
	if n := k.leadsInOrg(t); n != fmt.Sprint(rows) {
		t.Errorf("the org has %s leads", n)
	}
}

// TestLedgerWithoutItsLog: the write-ahead log of a run that was killed is lost. The ledger beside it looks sound and
// knows nothing of what was sent: going on would insert it again.
func TestLedgerWithoutItsLog(t *testing.T) {
	t.Parallel()
	const rows = 6000
	k := world(t, rows)
	k.write(t, "insert.yaml", strings.Replace(leadsMapping, "match: Ext__c\n    fields: {Ext__c: id, ", "operation: insert\n    fields: {", 1))
	k.serve(t, "250ms")
	run := k.begin(t, nil, "run", "insert.yaml", "leads.csv", "--api", "rest", "--workers", "1")
	until(t, "rows of the run", func() bool { return k.lines(t, "sfsync-runs/2*/succeeded.csv") > 0 })
	run.Process.Kill()
	run.exits(t, -1)
	dir := k.glob(t, "sfsync-runs/2*")[0]
	log := filepath.Join(dir, "ledger.db-wal")
	if err := os.Rename(log, filepath.Join(k.dir, "kept")); err != nil {
		t.Fatal(err)
	}
	before, report := k.leadsInOrg(t), read(t, dir, "succeeded.csv")
	resume := k.begin(t, nil, "resume", filepath.Base(dir))
	resume.exits(t, 65)
	if says := resume.err.String(); !strings.Contains(says, "commits are missing") || !strings.Contains(says, "ledger.db-wal") {
		t.Error(says)
	}
	if after := k.leadsInOrg(t); after != before || before == "0" {
		t.Errorf("the org had %s leads and has %s", before, after)
	}
	if !bytes.Equal(report, read(t, dir, "succeeded.csv")) {
		t.Error("the report has changed")
	}
	if err := os.Rename(filepath.Join(k.dir, "kept"), log); err != nil {
		t.Fatal(err)
	}
	k.begin(t, nil, "resume", filepath.Base(dir), "--json").exits(t, 0, 5) // what was in flight is unknown
	s := decodeSummary(t, read(t, dir, "summary.json"))
	if n, err := strconv.Atoi(k.leadsInOrg(t)); err != nil || n > rows || !s.Complete || s.Rows.Succeeded+s.Rows.Unknown != rows {
		t.Errorf("the org has %d leads, %v: %+v", n, err, s)
	}
}

// TestPruneLeavesAnUndo: the run that a killed undo takes back is not removed before that has come to its end.
func TestPruneLeavesAnUndo(t *testing.T) {
	t.Parallel()
	w := newPlanOrg(t, leadSchema)
	w.write("leads.yaml", leadsMapping)
	w.write("schema.yaml", leadSchema)
	w.write("leads.csv", leads(300))
	run := func(args ...string) {
		t.Helper()
		if code, _, stderr := w.command(append(args, "--quiet")...); code != 0 {
			t.Fatalf("%s: %s", args, stderr)
		}
	}
	runs := filepath.Join(w.dir, "runs")
	of := func() []string {
		dirs, err := filepath.Glob(filepath.Join(runs, "2*"))
		if err != nil {
			t.Fatal(err)
		}
		return dirs
	}
	run("run", filepath.Join(w.dir, "leads.yaml"), filepath.Join(w.dir, "leads.csv"), "--backup", "--runs", runs)
	first := of()[0]
	if !w.strike(1, true, "undo", first, "--yes") {
		t.Fatal("the undo was not killed: the test shows nothing")
	}
	prune := func(want int) {
		t.Helper()
		run("runs", "prune", "--keep", "0", "--runs", runs)
		if left := of(); len(left) != want {
			t.Fatalf("%d runs are left, want %d", len(left), want)
		}
	}
	prune(2)
	run("undo", first, "--yes")
	if left := w.leads(); len(left) != 0 {
		t.Errorf("the org has %d leads", len(left))
	}
	prune(0)
}

func read(t *testing.T, parts ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// leadsInOrg counts the leads of the local org.
func (k *killer) leadsInOrg(t *testing.T) string {
	t.Helper()
	count := k.begin(t, nil, "local", "query", "SELECT COUNT() FROM Lead")
	count.exits(t, 0)
	return strings.TrimSpace(count.out.String())
}

// TestOverlappingRuns begins runs of one mapping while another one is under way: without --lock-wait they
// are refused, with the process that is in their way; with it they wait. A lock of a process that was
// killed is in nobody's way, though what it said of itself is still there.
func TestOverlappingRuns(t *testing.T) {
	t.Parallel()
	const rows = 100
	k, first, release := held(t, rows)
	args := []string{"run", "leads.yaml", "leads.csv", "--api", "rest"}
	refused := k.begin(t, nil, args...)
	tooShort := k.begin(t, nil, append(args, "--lock-wait", "50ms")...)
	waits := k.begin(t, nil, append(args, "--lock-wait", "1m", "--runs", "later", "--json")...)
	for _, p := range []*process{refused, tooShort} {
		p.exits(t, 75)
		if want := fmt.Sprintf("process %d on ", first.Process.Pid); !strings.Contains(p.err.String(), want) || !strings.Contains(p.err.String(), "--lock-wait") {
			t.Errorf("no %q in %s", want, p.err.String())
		}
	}
	if n := len(k.glob(t, "sfsync-runs/2*")); n != 1 {
		t.Errorf("%d run directories: what was refused has left one", n)
	}
	if len(k.glob(t, "later/2*")) != 0 {
		t.Error("the run that waits has begun")
	}
	release()
	first.exits(t, 0)
	waits.exits(t, 0)
	if s := decodeSummary(t, waits.out.Bytes()); s.Targets[0].Updated != rows || s.Targets[0].Created != 0 {
		t.Errorf("the run that waited met an org without what the first wrote: %+v", s)
	}

	k, killed, release := held(t, rows)
	killed.Process.Kill()
	killed.exits(t, -1)
	release()
	if len(k.glob(t, "sfsync/locks/*.lock.json")) == 0 {
		t.Error("a lock says nothing of its holder: the test shows nothing")
	}
	k.begin(t, nil, args...).exits(t, 0)
}

// TestInputGoesAway removes the second file of a run while the first is being sent: the run ends with 66,
// the report has what was read, and once the file is back the run can be gone on with.
func TestInputGoesAway(t *testing.T) {
	t.Parallel()
	const rows = 30000
	k := world(t, rows)
	k.write(t, "more.csv", "id,name\nz-1,Zoe\n")
	k.serve(t, "30ms")
	run := k.begin(t, nil, "run", "leads.yaml", "leads.csv", "more.csv", "--api", "rest", "--workers", "1", "--json")
	until(t, "rows of the run", func() bool { return k.lines(t, "sfsync-runs/2*/succeeded.csv") > 0 })
	if err := os.Rename(filepath.Join(k.dir, "more.csv"), filepath.Join(k.dir, "kept")); err != nil {
		t.Fatal(err)
	}
	run.exits(t, 66)
	if s := decodeSummary(t, run.out.Bytes()); s.Complete || s.Rows.Read < 1000 || s.Rows.Read > rows || !strings.Contains(run.err.String(), "more.csv: no such file") {
		t.Errorf("summary %+v\n%s", s, run.err.String())
	}
	if err := os.Rename(filepath.Join(k.dir, "kept"), filepath.Join(k.dir, "more.csv")); err != nil {
		t.Fatal(err)
	}
	resume := k.begin(t, nil, "resume", filepath.Base(k.glob(t, "sfsync-runs/2*")[0]), "--json")
	resume.exits(t, 0)
	if s := decodeSummary(t, resume.out.Bytes()); !s.Complete || s.Rows.Succeeded != rows+1 || s.Targets[0].Created != rows+1 {
		t.Errorf("the resumed run: %+v", s)
	}
}

// TestInputIsWrittenWhileRead appends to a file while a run reads it: every row that was read has one
// outcome, and the run says that the file changed under it.
func TestInputIsWrittenWhileRead(t *testing.T) {
	t.Parallel()
	const rows = 40000
	k := world(t, rows)
	k.serve(t, "30ms")
	run := k.begin(t, nil, "run", "leads.yaml", "leads.csv", "--api", "rest", "--workers", "1", "--json")
	until(t, "rows of the run", func() bool { return k.lines(t, "sfsync-runs/2*/succeeded.csv") > 0 })
	f, err := os.OpenFile(filepath.Join(k.dir, "leads.csv"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("z-1,Zoe\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	run.exits(t, 0)
	if s := decodeSummary(t, run.out.Bytes()); !s.Complete || s.Rows.Read != rows+1 || s.Rows.Succeeded != rows+1 {
		t.Errorf("summary %+v", s)
	}
	if want := "leads.csv: was written while it was read"; !strings.Contains(run.err.String(), want) {
		t.Errorf("no %q in %s", want, run.err.String())
	}
}
