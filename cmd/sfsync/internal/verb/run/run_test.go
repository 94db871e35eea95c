package run

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/cmd/sfsync/internal/verb/verbtest"
)

func TestRunFlags(t *testing.T) {
	t.Parallel()
	env := map[string]string{"SFSYNC_TO": "env", "SFSYNC_WORKERS": "8", "SFSYNC_ALLOW_HOST": "a.example,b.example", "SFSYNC_QUIET": "", "SFSYNC_YES": "true"}
	o, a, err := verbtest.Capture(t, env, newRun, "m.yaml", "a.csv", "b.csv", "--workers", "2", "--max-failed", "2.5%", "--stop-after=10", "--lock-wait", "1m", "--json")
	if err != nil {
		t.Fatal(err)
	}
	if o.Mapping != "m.yaml" || !cmp.Equal(o.Files, []string{"a.csv", "b.csv"}) || !o.JSON || o.LockWait != time.Minute {
		t.Errorf("options %+v", o)
	}
	if o.Workers != 2 {
		t.Errorf("workers %d: the command line wins over the environment", o.Workers)
	}
	if o.To != "env" || !o.Yes || !cmp.Equal(o.AllowHosts, []string{"a.example", "b.example"}) {
		t.Errorf("to %q, yes %v, hosts %q: the environment fills in what is missing", o.To, o.Yes, o.AllowHosts)
	}
	if o.MaxFailed.Percent != 2.5 || o.StopAfter.Count != 10 {
		t.Errorf("max failed %+v, stop after %+v", o.MaxFailed, o.StopAfter)
	}
	if diff := cmp.Diff([]string{"SFSYNC_ALLOW_HOST", "SFSYNC_TO", "SFSYNC_YES"}, a.FromEnv); diff != "" {
		t.Errorf("flags from the environment (-want +got):\n%s", diff)
	}
}

func TestRunDefaults(t *testing.T) {
	t.Parallel()
	o, a, err := verbtest.Capture(t, nil, newRun, "m.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if o.To != "local" || o.Workers != 4 || o.Runs != "sfsync-runs" || o.API != "auto" || o.Limit != 0 || o.Progress != "auto" {
		t.Errorf("defaults %+v", o)
	}
	if o.MaxFailed.Exceeds(0, 10) || !o.MaxFailed.Exceeds(1, 10) {
		t.Error("by default no row may fail")
	}
	if len(a.FromEnv) > 0 {
		t.Errorf("flags from an empty environment: %q", a.FromEnv)
	}
}
