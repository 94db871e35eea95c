package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/verb/verbtest"
	"sfsync/pipeline/report"
)

// signalAtEnd is a stdin at whose end a signal comes in.
type signalAtEnd struct {
	io.Reader
	signals chan<- os.Signal
}

func (s *signalAtEnd) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err == io.EOF && s.signals != nil {
		s.signals <- os.Interrupt
		s.signals = nil
	}
	return n, err
}

// TestEarlySignal: a signal while the run directory is made is not lost. Either there is no run,
// or it says that it was interrupted and can be resumed.
func TestEarlySignal(t *testing.T) {
	t.Parallel()
	for range 5 {
		dir := t.TempDir()
		mapping := filepath.Join(dir, "m.yaml")
		if err := os.WriteFile(mapping, []byte("version: 1\nname: m\ntargets:\n  - name: lead\n    object: Lead\n    operation: insert\n    fields: {LastName: name, Company: {value: x}}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		signals := make(chan os.Signal)
		sys, _, stderr := verbtest.System(nil)
		sys.Signals, sys.Stdin = signals, &signalAtEnd{strings.NewReader("name\nAnn\n"), signals}
		runs := filepath.Join(dir, "runs")
		args := []string{"run", mapping, "-", "--format", "csv", "--state", dir, "--runs", runs, "--progress", "none"}
		if code := exit.Code(Main(t.Context(), args, sys)); code != exit.Interrupted {
			t.Fatalf("exit code %d\n%s", code, stderr)
		}
		found, err := report.Runs(runs, "m")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range found {
			s, err := d.ReadSummary()
			if err != nil || s.Complete || s.Exit.Code != int(exit.Interrupted) {
				t.Errorf("summary %+v, %v", s, err)
			}
		}
	}
}
