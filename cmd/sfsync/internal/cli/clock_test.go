package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/verb/verbtest"
)

// TestClockIsSet runs, stops, resumes and repeats a run while the clock of the machine, which is that of
// the local org, too, goes back by a day, or forward by minutes, at every seventh look at it: no row is lost or written twice,
// and no time is negative.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{-24 * time.Hour, 20 * time.Minute} { // sessions last two hours
		t.Run(jump.String(), func(t *testing.T) {
			t.Parallel()
			clockIsSet(t, jump)
		})
	}
}

func clockIsSet(t *testing.T, jump time.Duration) {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file("schema.yaml", "objects:\n  Lead:\n    fields:\n      Ext__c: {type: string, length: 40, externalId: true, unique: true}\n")
	mapping := file("leads.yaml", "version: 1\nname: leads\nschema: schema.yaml\ntargets:\n  - name: lead\n    object: Lead\n    match: Ext__c\n"+
		"    fields: {Ext__c: id, LastName: name, Company: {value: x}}\n")
	data := file("leads.csv", "id,name\na-1,Ann\na-2,Bob\na-3,Cy\n")
	begun := time.Date(2026, 11, 22, 1, 30, 0, 0, time.UTC)
	var looks atomic.Int64
	type summary struct {
		Complete bool
		Duration float64 `json:"duration_s"`
		Rows     struct{ Read, Succeeded, Pending int64 }
		Targets  []struct{ Created, Updated int64 }
	}
	run := func(want exit.Code, args ...string) (s summary) {
		t.Helper()
		sys, out, stderr := verbtest.System(nil)
		sys.Now = func() time.Time {
			n := looks.Add(1)
			return begun.Add(time.Duration(n)*time.Millisecond + time.Duration(n/7)*jump)
		}
		args = append(args, "--runs", filepath.Join(dir, "runs"), "--state", filepath.Join(dir, "state"), "--progress", "none", "--json")
		if code := exit.Code(Main(t.Context(), args, sys)); code != want {
			t.Fatalf("%v: exit code %d, want %d\n%s", args, code, want, stderr)
		}
		if err := json.Unmarshal(out.Bytes(), &s); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		if s.Duration < 0 {
			t.Errorf("%v took %v s", args, s.Duration)
		}
		return s
	}
	if s := run(exit.OK, "run", mapping, data); !s.Complete || s.Targets[0].Created != 3 {
		t.Errorf("the first run: %+v", s)
	}
	more := file("more.csv", "id,name\na-3,Cy\na-4,Di\n")
	if s := run(exit.TryAgain, "run", mapping, more, "--max-duration", "1ns"); s.Complete || s.Rows.Succeeded+s.Rows.Pending != s.Rows.Read {
		t.Errorf("the run that was stopped: %+v", s)
	}
	stopped := ""
	runs, err := filepath.Glob(filepath.Join(dir, "runs", "*", "summary.json"))
	if err != nil || len(runs) != 2 {
		t.Fatal(runs, err)
	}
	for _, path := range runs {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), "more.csv") {
			stopped = filepath.Dir(path)
		}
	}
	if s := run(exit.OK, "resume", stopped); !s.Complete || s.Targets[0].Created != 1 || s.Targets[0].Updated != 1 {
		t.Errorf("the resumed run: %+v", s)
	}
	if s := run(exit.OK, "run", mapping, data, more); s.Targets[0].Updated != 5 || s.Targets[0].Created != 0 {
		t.Errorf("the last run: %+v", s)
	}
}
