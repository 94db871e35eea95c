package local

import (
	"strings"
	"testing"
	"time"

	"sfsync/sink/localorg"
)

// The last jobs are listed, and no table is begun without any.
func TestPrintJobs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := printJobs(&b, nil); err != nil || b.Len() > 0 {
		t.Errorf("without jobs: %q %v", b.String(), err)
	}
	jobs := make([]localorg.Job, 12)
	for i := range jobs {
		jobs[i] = localorg.Job{
			ID: "750" + string(rune('a'+i)), Operation: "upsert", Object: "Lead", State: "JobComplete",
			Created: time.Date(2026, 11, 21, 2, 15, i, 0, time.Local), Processed: 12345, Failed: 6,
		}
	}
	if err := printJobs(&b, jobs); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 11 {
		t.Fatalf("%d lines, want a head and the last 10 jobs:\n%s", len(lines), b.String())
	}
	if got, want := strings.Fields(lines[1]), "750c upsert Lead JobComplete 2026-11-21 02:15:02 12,345 6"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
