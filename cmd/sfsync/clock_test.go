package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// TestClockIsSetBetweenTries: a run's answer is lost, and with it which records it has created; before it is resumed
// the clock of the machine is set, forward or back. The org's clock tells all the same.
func TestClockIsSetBetweenTries(t *testing.T) {
	t.Parallel()
	const n = 50
	for _, jump := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			t.Parallel()
			w := newPlanOrg(t, leadSchema)
			mapping := w.write("leads.yaml", undoMapping)
			phone := func(i int) string { return fmt.Sprint(i) }
			runs := filepath.Join(w.dir, "runs")
			if code, _, stderr := w.command("run", mapping, w.write("base.csv", undoLeads(n, phone, "One")), "--runs", filepath.Join(w.dir, "base"), "--quiet"); code != 0 {
				t.Fatal(stderr)
			}
			w.clock.Add(600)
			written := false
			w.setAround(func(writes bool, rw http.ResponseWriter, serve func()) {
				switch {
				case writes && !written:
					serve()
					written = true
					panic(http.ErrAbortHandler)
				case written:
					rw.WriteHeader(http.StatusForbidden)
					fmt.Fprint(rw, `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`)
				default:
					serve()
				}
			})
			code, _, stderr := w.command("run", mapping, w.write("next.csv", undoLeads(2*n, phone, "Two")), "--runs", runs, "--api", "rest", "--quiet")
			w.setAround(nil)
			if got := len(w.leads()); code != 75 || got != 2*n {
				t.Fatalf("code %d, %d leads\n%s", code, got, stderr)
			}
			w.ahead.Add(int64(jump))
			code, stdout, stderr := w.command("resume", w.only(runs), "--json")
			var s struct {
				DurationS float64 `json:"duration_s"`
				Targets   []struct{ Created, Updated int }
			}
			if err := json.Unmarshal([]byte(stdout), &s); err != nil || code != 0 {
				t.Fatalf("code %d, %v\n%s", code, err, stderr)
			}
			if c := s.Targets[0]; c.Created != n || c.Updated != n || s.DurationS < 0 || s.DurationS > 3600 {
				t.Errorf("%+v, want %d created and as many updated", s, n)
			}
		})
	}
}
