package localorg

import (
	"bufio"
	"database/sql"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Upserts of overlapping keys from many clients at once leave one record a key.
func TestConcurrentUpserts(t *testing.T) {
	t.Parallel()
	const clients, rounds, keys = 8, 6, 50
	org, err := Open(t.Context(), Config{DB: filepath.Join(t.TempDir(), "org.db"), Schema: leadSchema()})
	if err != nil {
		t.Fatal(err)
	}
	defer org.Close()
	srv := httptest.NewServer(org.Handler())
	defer srv.Close()
	o := &testOrg{org, t, srv.URL, org.Credentials().AccessToken}
	var mu sync.Mutex
	ids := map[string]string{}
	creates := 0
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for r := range rounds {
				recs := make([]string, keys)
				for i := range recs {
					recs[i] = fmt.Sprintf(`{"Ext__c":"K%d","LastName":"%d-%d","Company":"C"}`, (i+c*7+r*13)%120, c, r)
				}
				res := o.do("PATCH", "/composite/sobjects/Lead/Ext__c", bodyOf(false, recs...))
				if res.status != 200 || strings.Contains(res.body, `"success":false`) {
					t.Errorf("%d %.200s", res.status, res.body)
					return
				}
				mu.Lock()
				for i, entry := range strings.Split(strings.Trim(res.body, "[]"), "},{") {
					id := entry[strings.Index(entry, `"id":"`)+6:][:18]
					key := fmt.Sprint("K", (i+c*7+r*13)%120)
					if old, seen := ids[key]; seen && old != id {
						t.Errorf("%s is %s and %s", key, old, id)
					}
					ids[key] = id
					if strings.Contains(entry, `"created":true`) {
						creates++
					}
				}
				mu.Unlock()
			}
		})
		wg.Go(func() { // readers do not disturb
			for range rounds {
				if n := o.count("Lead"); n > 120 {
					t.Errorf("%d leads", n)
				}
			}
		})
	}
	wg.Wait()
	if n := o.count("Lead"); n != len(ids) || creates != n {
		t.Errorf("%d leads, %d keys, %d creates", n, len(ids), creates)
	}
}

// killVar makes the test binary be the process that TestKill kills.
const killVar = "LOCALORG_TEST_KILL"

// killWriters are the ways in which the process that is killed writes at once: what a request
// writes, and how many records that is. Each request is one transaction.
var killWriters = []struct {
	name string
	rows int
	send func(o *testOrg, key string) reply
}{
	{"collection", 100, func(o *testOrg, key string) reply {
		return o.do("PATCH", "/composite/sobjects/Lead/Ext__c", bodyOf(false, killRecords(key, 100)...))
	}},
	{"single", 1, func(o *testOrg, key string) reply {
		return o.do("PATCH", "/sobjects/Lead/Ext__c/"+key+"-0", `{"LastName":"A","Company":"C"}`)
	}},
	{"composite", 40, func(o *testOrg, key string) reply {
		sub := func(ref, key string) string {
			return `{"method":"POST","url":"` + v66 + `/composite/sobjects","referenceId":"` + ref + `","body":` + bodyOf(true, killRecords(key, 20)...) + `}`
		}
		return o.do("POST", "/composite", `{"allOrNone":true,"compositeRequest":[`+sub("a", key+"-a")+`,`+sub("b", key+"-b")+`]}`)
	}},
}

func killRecords(key string, n int) []string {
	recs := make([]string, n)
	for i := range recs {
		recs[i] = fmt.Sprintf(`{"attributes":{"type":"Lead"},"Ext__c":"%s-%d","LastName":"A","Company":"C"}`, key, i)
	}
	return recs
}

// What was answered is there after kill -9, nothing is there in part, and the database is sound.
func TestKill(t *testing.T) {
	if db := os.Getenv(killVar); db != "" {
		writeUntilKilled(t, db)
		return
	}
	t.Parallel()
	db := filepath.Join(t.TempDir(), "org.db")
	for range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), killVar+"="+db)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var answered []string
		for sc := bufio.NewScanner(out); sc.Scan(); {
			if key, is := strings.CutPrefix(sc.Text(), "answered "); is {
				answered = append(answered, key)
			}
			if len(answered) == 20 {
				_ = cmd.Process.Kill() // what was answered until it dies is read too
			}
		}
		_ = cmd.Wait()
		if len(answered) < 20 {
			t.Fatalf("the process answered %d requests only", len(answered))
		}
		Sound(t, db)
		checkAfterKill(t, db, answered)
	}
}

// Sound asks SQLite whether the database is sound.
func Sound(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity check: %s %v", verdict, err)
	}
}

// checkAfterKill opens the org again and empties it in the end.
func checkAfterKill(t *testing.T, db string, answered []string) {
	t.Helper()
	org, err := Open(t.Context(), Config{DB: db, Schema: leadSchema()})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(org.Handler())
	o := &testOrg{org, t, srv.URL, org.Credentials().AccessToken}
	rows := map[string]int{}
	for _, w := range killWriters {
		rows[w.name] = w.rows
	}
	for _, key := range answered {
		name, _, _ := strings.Cut(key, "-")
		if n := o.count("Lead WHERE Ext__c LIKE '" + key + "-%'"); n != rows[name] {
			t.Errorf("%s was answered and has %d of %d records", key, n, rows[name])
		}
	}
	for name, each := range rows {
		if n := o.count("Lead WHERE Ext__c LIKE '" + name + "-%'"); n%each != 0 {
			t.Errorf("%d records by %s are a transaction in part", n, name)
		}
	}
	o.do("POST", "/_org/reset", "")
	srv.Close()
	if err := org.Close(); err != nil {
		t.Fatal(err)
	}
}

func writeUntilKilled(t *testing.T, db string) {
	org, err := Open(t.Context(), Config{DB: db, Schema: leadSchema()})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(org.Handler())
	o := &testOrg{org, t, srv.URL, org.Credentials().AccessToken}
	var wg sync.WaitGroup
	for _, w := range killWriters {
		wg.Go(func() {
			for n := range 10_000 {
				key := fmt.Sprintf("%s-%d", w.name, n)
				if r := w.send(o, key); r.status >= 300 || strings.Contains(r.body, `"success":false`) || strings.Contains(r.body, "errorCode") {
					t.Errorf("%s: %d %.300s", key, r.status, r.body)
					return
				}
				fmt.Println("answered " + key)
			}
		})
	}
	wg.Wait()
}
