package localorg

import (
	"bufio"
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

// What was answered is there after kill -9, and nothing is there in part.
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
		answered := 0
		for sc := bufio.NewScanner(out); answered < 5 && sc.Scan(); {
			if strings.HasPrefix(sc.Text(), "answered") {
				answered++
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		org, err := Open(t.Context(), Config{DB: db, Schema: leadSchema()})
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(org.Handler())
		o := &testOrg{org, t, srv.URL, org.Credentials().AccessToken}
		n, batches := o.count("Lead"), o.count("Lead WHERE Ext__c LIKE '%-0'")
		if answered < 5 || batches < answered || n != batches*100 {
			t.Errorf("%d batches answered, %d there with %d leads", answered, batches, n)
		}
		o.do("POST", "/_org/reset", "")
		srv.Close()
		if err := org.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func writeUntilKilled(t *testing.T, db string) {
	org, err := Open(t.Context(), Config{DB: db, Schema: leadSchema()})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(org.Handler())
	o := &testOrg{org, t, srv.URL, org.Credentials().AccessToken}
	for b := range 10_000 {
		recs := make([]string, 100)
		for i := range recs {
			recs[i] = fmt.Sprintf(`{"Ext__c":"%d-%d","LastName":"A","Company":"C"}`, b, i)
		}
		if r := o.do("PATCH", "/composite/sobjects/Lead/Ext__c", bodyOf(false, recs...)); r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		fmt.Println("answered", b)
	}
}
