package bulk_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sfsync/sink/localorg"
)

// slow makes rows take time.
func (o *testOrg) slow(row time.Duration) {
	o.t.Helper()
	if r := o.do("PATCH", "/_org/settings", `{"row_latency":"`+row.String()+`"}`); r.status != 200 {
		o.t.Fatalf("settings: %d %s", r.status, r.body)
	}
}

// numbered is a file of n rows with the keys K00000, K00001, …; each seventh fails.
func numbered(n int) string {
	var b strings.Builder
	b.WriteString("Ext__c,LastName,Company\n")
	for i := range n {
		last := "A"
		if i%7 == 3 {
			last = ""
		}
		fmt.Fprintf(&b, "K%05d,%s,C\n", i, last)
	}
	return b.String()
}

// audit checks that each of n rows is in exactly one result set, and the org holds just the successful ones.
func (o *testOrg) audit(id string, n int) (good, bad, rest int) {
	o.t.Helper()
	seen := map[string]string{}
	count := func(name string) int {
		_, rows := o.set(id, name)
		for _, r := range rows {
			_, key, _ := strings.Cut(r, "Ext__c=")
			if first := seen[key[:6]]; first != "" {
				o.t.Errorf("%s is in %s and in %s", key[:6], first, name)
			}
			seen[key[:6]] = name
		}
		return len(rows)
	}
	good, bad, rest = count("successfulResults"), count("failedResults"), count("unprocessedrecords")
	if len(seen) != n || o.count("Lead") != good {
		o.t.Errorf("%d rows in the results, %d sent; %d leads, %d successful", len(seen), n, o.count("Lead"), good)
	}
	info := o.do("GET", "/jobs/ingest/"+id, "").body
	if member(o.t, info, "numberRecordsProcessed") != strconv.Itoa(good+bad) || member(o.t, info, "numberRecordsFailed") != strconv.Itoa(bad) {
		o.t.Errorf("%d good, %d bad: %s", good, bad, info)
	}
	return good, bad, rest
}

// A job goes through its states, can be aborted on the way, and keeps what it wrote.
func TestBulkAbort(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.slow(100 * time.Microsecond) // 20 ms a chunk
	const n = 3000
	id := o.ingest(upsertLeads, numbered(n))
	if r := o.do("PATCH", "/jobs/ingest/"+id, `{"state":"UploadComplete"}`); r.status != 200 {
		t.Fatal(r.body)
	}
	for {
		r := o.do("GET", "/jobs/ingest/"+id, "")
		state, done := member(t, r.body, "state"), member(t, r.body, "numberRecordsProcessed")
		if state == "InProgress" && done != "0" && done != "200" {
			break
		}
		if state != "InProgress" && state != "UploadComplete" {
			t.Fatal(r.body)
		}
	}
	o.do("GET", "/jobs/ingest/"+id+"/failedResults", "").want(t, 400, `[{"message":"The results of a Job that is InProgress are not available yet","errorCode":"INVALIDJOBSTATE"}]`)
	o.do("DELETE", "/jobs/ingest/"+id, "").want(t, 400, `[{"message":"Deleting a Job that is InProgress is not allowed","errorCode":"INVALIDJOBSTATE"}]`)
	if r := o.do("PATCH", "/jobs/ingest/"+id, `{"state":"Aborted"}`); r.status != 200 || member(t, r.body, "state") != "Aborted" {
		t.Fatal(r.body)
	}
	if good, _, rest := o.audit(id, n); good < 200 || rest < 200 {
		t.Errorf("%d good, %d unprocessed", good, rest)
	}
	// Resetting the org stops and removes what runs.
	id = o.ingest(upsertLeads, numbered(n))
	o.do("PATCH", "/jobs/ingest/"+id, `{"state":"UploadComplete"}`)
	if r := o.do("POST", "/_org/reset", ""); r.status != 204 {
		t.Fatal(r.body)
	}
	if r := o.do("GET", "/jobs/ingest/"+id, ""); r.status != 404 {
		t.Errorf("after reset: %d %s", r.status, r.body)
	}
}

// An org that is closed leaves its jobs where they are; opened again it goes on with them, and it leaves no
// goroutine behind.
func TestBulkResume(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	db := filepath.Join(t.TempDir(), "org.db")
	const n = 2000
	o, stop := openOrg(t, localorg.Config{DB: db})
	o.slow(100 * time.Microsecond)
	id := o.ingest(upsertLeads, numbered(n))
	second := o.ingest(upsertLeads, "Ext__c,LastName,Company\nX00000,B,C\n")
	o.do("PATCH", "/jobs/ingest/"+id, `{"state":"UploadComplete"}`)
	for member(t, o.do("GET", "/jobs/ingest/"+id, "").body, "numberRecordsProcessed") == "0" {
		time.Sleep(time.Millisecond)
	}
	stop()
	o, stop = openOrg(t, localorg.Config{DB: db})
	defer stop()
	if info := o.wait("/jobs/ingest/" + id); member(t, info, "state") != "JobComplete" {
		t.Errorf("%s", info)
	}
	if good, bad, rest := o.audit(id, n); good+bad != n || rest != 0 {
		t.Errorf("%d good, %d bad, %d unprocessed", good, bad, rest)
	}
	// What was uploaded but not closed is still there.
	if info := o.finish(second); member(t, info, "numberRecordsProcessed") != "1" {
		t.Errorf("%s", info)
	}
}

// bulkKillVar makes the test binary be the process that TestBulkKill kills.
const bulkKillVar = "LOCALORG_TEST_BULK_KILL"

// killRows is how many rows the killed job has.
const killRows = 6000

// A job survives kill -9 at any moment: in the end each row is in exactly one result set.
func TestBulkKill(t *testing.T) {
	if db := os.Getenv(bulkKillVar); db != "" {
		loadUntilKilled(t, db)
		return
	}
	t.Parallel()
	const n = killRows
	for round := range 3 {
		db := filepath.Join(t.TempDir(), "org.db")
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBulkKill$")
		cmd.Env = append(os.Environ(), bulkKillVar+"="+db)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		id, at := "", 0
		for sc := bufio.NewScanner(out); sc.Scan(); {
			if _, err := fmt.Sscanf(sc.Text(), "job %s at %d", &id, &at); err == nil && at > round*killRows/4 {
				break
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if id == "" {
			t.Fatal("the process never began")
		}
		o, stop := openOrg(t, localorg.Config{DB: db})
		if info := o.wait("/jobs/ingest/" + id); member(t, info, "state") != "JobComplete" {
			t.Errorf("%s", info)
		}
		if good, bad, rest := o.audit(id, n); good+bad != n || rest != 0 {
			t.Errorf("killed at %d: %d good, %d bad, %d unprocessed", at, good, bad, rest)
		}
		stop()
	}
}

// loadUntilKilled loads one file and tells how far it is.
func loadUntilKilled(t *testing.T, db string) {
	o, _ := openOrg(t, localorg.Config{DB: db})
	o.slow(10 * time.Microsecond)
	id := o.ingest(upsertLeads, numbered(killRows))
	o.do("PATCH", "/jobs/ingest/"+id, `{"state":"UploadComplete"}`)
	for {
		fmt.Println("job", id, "at", member(t, o.do("GET", "/jobs/ingest/"+id, "").body, "numberRecordsProcessed"))
	}
}
