package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/host"
)

// testSystem is a System without terminal, environment and signals.
func testSystem(env map[string]string) (*host.System, *bytes.Buffer, *bytes.Buffer) {
	var out, err bytes.Buffer
	return &host.System{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err,
		LookupEnv:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Now:         time.Now,
		Rand:        rand.Reader,
		StopSignals: func() {},
		Getwd:       os.Getwd,
		StateDir:    func() (string, error) { return "", errors.New("no state in this test") },
	}, &out, &err
}

// capture parses a command line and returns the options that would be run.
func capture[O any](t *testing.T, env map[string]string, newCmd func(*app, func(context.Context, *O) error) *cobra.Command, args ...string) (*O, *app, error) {
	t.Helper()
	sys, _, _ := testSystem(env)
	a := &app{sys: sys, stop: &host.Stopper{}, logFormat: "text"}
	a.setConsole()
	var got *O
	cmd := newCmd(a, func(_ context.Context, o *O) error { got = o; return nil })
	cmd.PersistentPreRunE = a.parsed
	cmd.SetFlagErrorFunc(flagError)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return got, a, err
}

func TestRunFlags(t *testing.T) {
	t.Parallel()
	env := map[string]string{"SFSYNC_TO": "env", "SFSYNC_WORKERS": "8", "SFSYNC_ALLOW_HOST": "a.example,b.example", "SFSYNC_QUIET": "", "SFSYNC_YES": "true"}
	o, a, err := capture(t, env, newRun, "m.yaml", "a.csv", "b.csv", "--workers", "2", "--max-failed", "2.5%", "--stop-after=10", "--lock-wait", "1m", "--json")
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
	if diff := cmp.Diff([]string{"SFSYNC_ALLOW_HOST", "SFSYNC_TO", "SFSYNC_YES"}, a.fromEnv); diff != "" {
		t.Errorf("flags from the environment (-want +got):\n%s", diff)
	}
}

func TestRunDefaults(t *testing.T) {
	t.Parallel()
	o, a, err := capture(t, nil, newRun, "m.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if o.To != "local" || o.Workers != 4 || o.Runs != "sfsync-runs" || o.API != "auto" || o.Limit != 0 || o.Progress != "auto" {
		t.Errorf("defaults %+v", o)
	}
	if o.MaxFailed.Exceeds(0, 10) || !o.MaxFailed.Exceeds(1, 10) {
		t.Error("by default no row may fail")
	}
	if len(a.fromEnv) > 0 {
		t.Errorf("flags from an empty environment: %q", a.fromEnv)
	}
}

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
	sys, _, stderr := testSystem(nil)
	sys.Stdout = brokenPipe{}
	if code := Main(t.Context(), []string{"cat", path}, sys); code != 0 || stderr.Len() > 0 {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	sys.Stdout = io.Discard
	if code := Main(t.Context(), []string{"cat", path}, sys); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestHelp: every command there is explains itself, its exit codes and how to use it.
func TestHelp(t *testing.T) {
	t.Parallel()
	sys, _, _ := testSystem(nil)
	a := &app{sys: sys, stop: &host.Stopper{}}
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if !c.Hidden && c.Name() != "help" {
			if c.Short == "" || c.Example == "" || !strings.Contains(c.Long, "Exit codes:") {
				t.Errorf("%s: short %q, example %q, long %q", c.CommandPath(), c.Short, c.Example, c.Long)
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
	visit(newRoot(a))
}
