package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// strike runs the command and kills it (kill -9) at its nth request that writes, before the org has carried that
// out or after. If it does not come so far it must end well, and strike reports false.
func (w *planOrg) strike(n int, after bool, args ...string) bool {
	w.t.Helper()
	k := &killer{dir: w.dir, env: w.env(w.dir)}
	begun := make(chan *process, 1)
	struck, seen := false, 0
	w.setAround(func(writes bool, _ http.ResponseWriter, serve func()) {
		w.mu.Lock()
		if writes {
			seen++
		}
		now := writes && seen == n
		dead := struck
		struck = struck || now
		w.mu.Unlock()
		if dead { // it is being killed
			panic(http.ErrAbortHandler)
		}
		if !now || after {
			serve()
		}
		if now {
			(<-begun).Process.Kill()
			panic(http.ErrAbortHandler)
		}
	})
	p := k.begin(w.t, nil, append(args, "--state", filepath.Join(w.dir, "state"), "--quiet")...)
	begun <- p
	select {
	case <-p.ended:
	case <-time.After(3 * time.Minute):
		w.t.Fatalf("%s does not end\n%s%s", p.Args, p.out.String(), p.err.String())
	}
	w.setAround(nil)
	if !struck && p.ProcessState.ExitCode() != 0 {
		w.t.Fatalf("%s: %v\n%s%s", p.Args, p.ProcessState, p.out.String(), p.err.String())
	}
	return struck
}

// env is the environment of commands that go to the org, for a user whose files are in dir.
func (w *planOrg) env(dir string) []string {
	return homeEnv(dir, "SFSYNC_TO=env", "SFSYNC_INSTANCE_URL="+w.url, "SFSYNC_ACCESS_TOKEN="+w.token)
}

func (w *planOrg) setAround(around func(writes bool, rw http.ResponseWriter, serve func())) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.around = around
}

// strikes runs a command to its end through kills: before its second write, before and after the first one of
// the next two tries, before and after the second one of the next two, and so on. It returns its run directory, the one below runs that was not there.
func (w *planOrg) strikes(runs string, args ...string) string {
	w.t.Helper()
	before, err := filepath.Glob(filepath.Join(runs, "2*"))
	if err != nil {
		w.t.Fatal(err)
	}
	dir, kills := "", 0
	for at, after := 2, false; w.strike(at, after, args...); at, after = 1+(kills-1)/2, kills%2 == 0 {
		if kills++; kills > 40 {
			w.t.Fatalf("%s does not come to its end", args)
		}
		now, err := filepath.Glob(filepath.Join(runs, "2*"))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, d := range now {
			if !strings.Contains(strings.Join(before, "\n"), d) {
				dir = d
				args = []string{"resume", d}
			}
		}
	}
	w.t.Logf("%d kills", kills)
	if kills < 2 || dir == "" {
		w.t.Errorf("%s: %d kills show nothing", args, kills)
	}
	return dir
}

// A run, and then the undo of it, are killed at every request that writes something, before the org has done it and
// after, and resumed: the counts are those of one that nothing happened to, and the org holds what it held before.
func TestUndoKilled(t *testing.T) {
	t.Parallel()
	const n = 300
	type counts struct{ Created, Updated, Deleted, Unchanged, Failed, Skipped, Unknown, Pending int }
	const (
		byKey   = "match: Ext__c"
		company = "Company: company"
		fields  = `LastName: name, Phone: {from: phone, blank: "null"}, ` + company
	)
	upserted, undone := counts{Created: n, Updated: n}, counts{Deleted: n, Updated: n}
	for name, c := range map[string]struct {
		operation string // and options of the target
		rows      int
		args      []string
		run, undo counts
		instead   [2]string // what the mapping has instead of what
	}{
		"upsert":         {"upsert\n    batch: 100", 2 * n, []string{"--backup", "--workers", "2"}, upserted, undone, [2]string{}},
		"delete":         {"delete\n    batch: 100", n, []string{"--workers", "2"}, counts{Deleted: n}, counts{Created: n}, [2]string{", " + fields, ""}},
		"upsert by jobs": {"upsert", 2 * n, []string{"--backup", "--api", "bulk"}, upserted, undone, [2]string{}},
		"delete by jobs": {"delete", n, []string{"--api", "bulk"}, counts{Deleted: n}, counts{Created: n}, [2]string{", " + fields, ""}},
		// These are looked up first. What a killed try has created is found then.
		"with a default": {
			"upsert\n    batch: 100", 2 * n,
			[]string{"--backup", "--workers", "2"},
			upserted, undone,
			[2]string{company, company + ", Title: {from: title, default: New}"},
		},
		"with a default by jobs": {
			"upsert", 2 * n,
			[]string{"--backup", "--api", "bulk"},
			upserted, undone,
			[2]string{company, company + ", Title: {from: title, default: New}"},
		},
		"by a name by jobs": {"upsert", 2 * n, []string{"--backup", "--api", "bulk"}, upserted, undone, [2]string{byKey, "match: LastName"}},
		"what differs":      {"upsert\n    batch: 100", 2 * n, []string{"--backup", "--changed-only=org", "--workers", "2"}, upserted, undone, [2]string{}},
		"nothing but a key by jobs": {
			"upsert", 5 * n,
			[]string{"--backup", "--api", "bulk"},
			counts{Created: 4 * n, Unchanged: n},
			counts{Deleted: 4 * n},
			[2]string{fields, "LastName: {from: title, default: New}, Company: {from: title, default: New}"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPlanOrg(t, leadSchema)
			mapping := w.write("leads.yaml", strings.Replace(undoMapping, "    match:", "    operation: upsert\n    match:", 1))
			text := strings.Replace(undoMapping, "    match:", "    operation: "+c.operation+"\n    match:", 1)
			if !strings.Contains(text, c.instead[0]) {
				t.Fatalf("%s has no %q", text, c.instead[0])
			}
			text = strings.Replace(text, c.instead[0], c.instead[1], 1)
			changing := w.write("changing.yaml", text)
			base := w.write("base.csv", undoLeads(n, func(i int) string { return fmt.Sprint(i) }, "One"))
			rows := undoLeads(c.rows, func(i int) string { return fmt.Sprint(i + 1) }, "Two")
			next := w.write("next.csv", strings.Replace(strings.ReplaceAll(rows, "\n", ",\n"), ",\n", ",title\n", 1))
			if code, _, stderr := w.command("run", mapping, base, "--runs", filepath.Join(w.dir, "base"), "--quiet"); code != 0 {
				t.Fatal(stderr)
			}
			before := w.leads()
			if len(before) != n {
				t.Fatalf("%d leads, want %d", len(before), n)
			}
			w.clock.Add(60)
			runs := filepath.Join(w.dir, "runs")
			check := func(dir string, want counts) {
				t.Helper()
				var s struct {
					Complete bool
					Targets  []counts
				}
				if err := json.Unmarshal(read(t, dir, "summary.json"), &s); err != nil {
					t.Fatal(err)
				}
				if !s.Complete || len(s.Targets) != 1 || s.Targets[0] != want {
					t.Errorf("%+v, want %+v", s, want)
				}
			}
			run := w.strikes(runs, append([]string{"run", changing, next, "--runs", runs}, c.args...)...)
			check(run, c.run)
			w.clock.Add(60)
			check(w.strikes(runs, "undo", run, "--yes"), c.undo)
			if diff := cmp.Diff(before, w.leads()); diff != "" {
				t.Errorf("the org afterwards (-want +got):\n%s", diff)
			}
		})
	}
}
