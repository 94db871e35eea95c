package cli

import (
	"crypto/rand"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/host"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/cmd/sfsync/internal/verb/verbtest"
	"sfsync/pipeline/report"
)

// brokenPipe is a stdout whose reader has gone.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "stdout", Err: syscall.EPIPE}
}

func TestClosedStdout(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(path, []byte("id\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sys, _, stderr := verbtest.System(nil)
	sys.Stdout = brokenPipe{}
	if code := Main(t.Context(), []string{"cat", path}, sys); code != 0 || stderr.Len() > 0 {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	sys.Stdout = io.Discard
	if code := Main(t.Context(), []string{"cat", path}, sys); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestPruneWithoutAReader: what is to be removed is, though nobody reads which runs that are.
func TestPruneWithoutAReader(t *testing.T) {
	t.Parallel()
	runs := t.TempDir()
	for range 3 {
		if _, err := report.Create(runs, "m", time.Date(2026, 11, 21, 2, 15, 0, 0, time.UTC), rand.Reader, func(d *report.Dir) error {
			return d.WriteSummary(&report.Summary{Version: report.SummaryVersion, Run: d.Name(), Complete: true})
		}); err != nil {
			t.Fatal(err)
		}
	}
	sys, _, stderr := verbtest.System(nil)
	sys.Stdout = brokenPipe{}
	if code := Main(t.Context(), []string{"runs", "prune", "--keep", "1", "--runs", runs}, sys); code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if left, err := report.Runs(runs, "m"); len(left) != 1 {
		t.Errorf("%d runs are left, want 1: %v", len(left), err)
	}
}

// TestHelp: every command there is explains itself, its exit codes and how to use it.
func TestHelp(t *testing.T) {
	t.Parallel()
	sys, _, _ := verbtest.System(nil)
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if !c.Hidden && c.Name() != "help" {
			if c.Short == "" || c.Example == "" || !strings.Contains(c.Long, "Exit codes:") {
				t.Errorf("%s: short %q, example %q, long %q", c.CommandPath(), c.Short, c.Example, c.Long)
			}
			if c.HasAvailableSubCommands() && strings.Contains(c.UsageString(), c.CommandPath()+" [flags]\n") {
				t.Errorf("%s by itself is an error, and its help shows it as a way to use it", c.CommandPath())
			}
			if to := c.Flags().Lookup("to"); to != nil && strings.HasSuffix(c.Use, " RUN") && to.DefValue != "" {
				t.Errorf("%s goes to the org of the run, and its help says %s", c.CommandPath(), to.DefValue)
			}
			for line := range strings.Lines(c.Long) {
				if len(strings.TrimRight(line, "\n")) > 100 {
					t.Errorf("%s: a line of the help is longer than 100 columns: %q", c.CommandPath(), line)
				}
			}
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(newRoot(verb.New(sys, &host.Stopper{})))
}
