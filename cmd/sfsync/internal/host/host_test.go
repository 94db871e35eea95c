package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"sfsync/cmd/sfsync/internal/exit"
)

// TestStopper: the first signal drains where something drains, the second cancels; without
// a drain the first cancels.
func TestStopper(t *testing.T) {
	t.Parallel()
	for name, drains := range map[string]bool{"draining": true, "not draining": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				signals := make(chan os.Signal)
				stopped := false
				sys := &System{Signals: signals, StopSignals: func() { stopped = true }}
				ctx, cancel := context.WithCancelCause(context.Background())
				defer cancel(nil)
				s := &Stopper{Cancel: cancel}
				var said []string
				s.TellBy(func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
				go s.Watch(ctx, sys)
				var drain <-chan struct{}
				if drains {
					drain = s.Draining()
					if s.Err() != nil {
						t.Error("an error before any signal")
					}
					signals <- syscall.SIGTERM
					synctest.Wait()
					select {
					case <-drain:
					default:
						t.Fatal("the first signal does not drain")
					}
					if ctx.Err() != nil || len(said) != 1 {
						t.Fatalf("the first signal cancels, or says nothing: %q", said)
					}
					if exit.Of(s.Err()) != exit.Terminated {
						t.Errorf("the first signal makes it %d", exit.Of(s.Err()))
					}
				}
				signals <- os.Interrupt
				synctest.Wait()
				var sig *exit.Signal
				if !errors.As(context.Cause(ctx), &sig) || !stopped {
					t.Errorf("the last signal does not cancel: %v", context.Cause(ctx))
				}
				want := exit.Interrupted
				if drains {
					want = exit.Terminated // the first signal names the code
				}
				if exit.Of(s.Err()) != want {
					t.Errorf("exit code %d, want %d", exit.Of(s.Err()), want)
				}
			})
		})
	}
}

func TestStateDir(t *testing.T) {
	t.Parallel()
	abs := t.TempDir()
	home := func() (string, error) { return filepath.Join(abs, "home"), nil }
	none := func(string) (string, bool) { return "", false }
	env := func(name, value string) func(string) (string, bool) {
		return func(n string) (string, bool) { return value, n == name }
	}
	for _, tt := range []struct {
		goos   string
		lookup func(string) (string, bool)
		want   string
	}{
		{"linux", none, filepath.Join(abs, "home", ".local", "state", "sfsync")},
		{"linux", env("XDG_STATE_HOME", abs), filepath.Join(abs, "sfsync")},
		{"linux", env("XDG_STATE_HOME", "relative"), filepath.Join(abs, "home", ".local", "state", "sfsync")},
		{"darwin", none, filepath.Join(abs, "home", "Library", "Application Support", "sfsync")},
		{"windows", env("LocalAppData", abs), filepath.Join(abs, "sfsync")},
	} {
		got, err := stateDir(tt.goos, tt.lookup, home)
		if err != nil || got != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.goos, got, err, tt.want)
		}
	}
	if _, err := stateDir("windows", none, home); err == nil {
		t.Error("windows without LocalAppData has a state directory")
	}
	if _, err := stateDir("linux", none, func() (string, error) { return "", errors.New("no home") }); err == nil || !strings.Contains(err.Error(), "--state") {
		t.Errorf("without a home: %v, want a word on --state", err)
	}
}
