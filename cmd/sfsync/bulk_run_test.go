package main_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bulkSummary is what these tests read of a summary.
type bulkSummary struct {
	Complete bool
	API      struct {
		Mode, Why string
		Calls     int
	}
	Rows    struct{ Read, Succeeded, Failed, Unknown int }
	Targets []struct{ Created, Updated int }
}

func (k *killer) summary(t *testing.T, runs string) (s bulkSummary) {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(runs, "2*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("%v: no run directory in %s\n%s", err, runs, k.out.String())
	}
	text, err := os.ReadFile(filepath.Join(dirs[len(dirs)-1], "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func bulkKiller(t *testing.T) *killer {
	t.Helper()
	k := &killer{dir: t.TempDir()}
	k.env = homeEnv(k.dir)
	k.write(t, "schema.yaml", "objects:\n  Lead:\n    fields:\n      Ext__c: {type: string, length: 40, externalId: true, unique: true}\n")
	return k
}

// bulkRows writes an input of rows that all differ.
func (k *killer) bulkRows(t *testing.T, rows int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("id,name\n")
	for i := range rows {
		fmt.Fprintf(&b, "k%d,Name %d\n", i, i)
	}
	return k.write(t, fmt.Sprintf("rows%d.csv", rows), b.String())
}

const bulkMapping = "version: 1\nname: bulk\nschema: schema.yaml\ntargets:\n  - object: Lead\n    operation: %s\n    fields:\n      LastName: name\n      Company: {value: Y}\n      Ext__c: id\n"

// TestBulkCalls: 100,000 rows cost no more than 40 API calls, and nobody has to ask for it; few rows go by
// composite requests.
func TestBulkCalls(t *testing.T) {
	t.Parallel()
	k := bulkKiller(t)
	mapping := k.write(t, "upsert.yaml", fmt.Sprintf(bulkMapping, "upsert\n    match: Ext__c"))
	for _, c := range []struct {
		rows, most int
		mode       string
	}{
		{10_000, 10 + 3 + 1, "rest"},
		{100_000, 40, "bulk"},
	} {
		runs := filepath.Join(k.dir, fmt.Sprint("runs", c.rows))
		if err := k.start(t, "run", mapping, k.bulkRows(t, c.rows), "--state", filepath.Join(k.dir, "state"), "--runs", runs, "--quiet").Wait(); err != nil {
			t.Fatalf("%v\n%s", err, k.out.String())
		}
		s := k.summary(t, runs)
		if s.API.Mode != c.mode || s.API.Calls > c.most || s.Rows.Succeeded != c.rows || !strings.Contains(s.API.Why, "10,000 rows") {
			t.Errorf("%d rows: %+v, want %s and at most %d calls", c.rows, s, c.mode, c.most)
		}
		t.Logf("%d rows by %s: %d calls, %s", c.rows, s.API.Mode, s.API.Calls, s.API.Why)
	}
}

// TestBulkKilled kills runs that insert by the Bulk API while their job is on its way, and resumes them: the org
// has every row once, though nothing but the job's results can tell which of them it has.
func TestBulkKilled(t *testing.T) {
	t.Parallel()
	const rows = 12_000
	k := bulkKiller(t)
	mapping := k.write(t, "insert.yaml", fmt.Sprintf(bulkMapping, "insert"))
	input := k.bulkRows(t, rows)
	struck := 0
	for i, delay := range []time.Duration{300, 700, 1200, 2000, 4000, 8000, 16_000, 32_000} {
		if i >= 4 && struck > 0 {
			break // the others are for a machine so slow that no run had begun
		}
		delay *= time.Millisecond
		runs, state := filepath.Join(k.dir, fmt.Sprint("runs", i)), filepath.Join(k.dir, fmt.Sprint("state", i))
		args := []string{"run", mapping, input, "--state", state, "--runs", runs, "--api", "bulk", "--quiet"}
		cmd := k.start(t, args...)
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-time.After(delay):
			_ = cmd.Process.Kill() // it may have ended by itself meanwhile
			<-ended
		case <-ended:
		}
		if dirs, _ := filepath.Glob(filepath.Join(runs, "2*")); len(dirs) > 0 {
			args = []string{"resume", dirs[0], "--state", state, "--quiet"}
			if _, err := os.Stat(filepath.Join(dirs[0], "summary.json")); err != nil {
				struck++
			}
		}
		if err := k.start(t, args...).Wait(); err != nil {
			t.Fatalf("after %v: %v\n%s", delay, err, k.out.String())
		}
		s := k.summary(t, runs)
		if !s.Complete || s.Rows.Succeeded != rows || s.Targets[0].Created != rows || s.API.Mode != "bulk" {
			t.Errorf("after %v: %+v", delay, s)
		}
		if err := k.start(t, "local", "query", "SELECT LastName FROM Lead", "--state", state).Wait(); err != nil {
			t.Fatalf("%v\n%s", err, k.out.String())
		}
		recs, err := csv.NewReader(&k.out).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, r := range recs[1:] {
			names[r[0]] = true
		}
		if len(recs)-1 != rows || len(names) != rows {
			t.Errorf("after %v the org has %d leads, %d of them different; want %d", delay, len(recs)-1, len(names), rows)
		}
	}
	t.Logf("%d runs were killed after they had begun", struck)
	if struck == 0 {
		t.Error("no run was killed while it was on: the test shows nothing")
	}
}

// What the Bulk API cannot do is refused where it is asked for, and goes by the REST API where it is not.
func TestBulkRefused(t *testing.T) {
	t.Parallel()
	k := bulkKiller(t)
	mapping := k.write(t, "batch.yaml", fmt.Sprintf(bulkMapping, "insert\n    batch: 200"))
	args := []string{"run", mapping, k.bulkRows(t, 3), "--state", filepath.Join(k.dir, "state"), "--runs", filepath.Join(k.dir, "runs"), "--quiet"}
	cmd := k.start(t, append(args, "--api", "bulk")...)
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 78 || !strings.Contains(k.out.String(), "batch size") {
		t.Errorf("%v\n%s", err, k.out.String())
	}
	if err := k.start(t, args...).Wait(); err != nil {
		t.Fatalf("%v\n%s", err, k.out.String())
	}
	if s := k.summary(t, filepath.Join(k.dir, "runs")); s.API.Mode != "rest" || !strings.Contains(s.API.Why, "batch size") {
		t.Errorf("%+v", s.API)
	}
}
