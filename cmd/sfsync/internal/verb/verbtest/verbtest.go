// Package verbtest runs verbs in tests, in a world without terminal, environment and signals.
package verbtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/host"
	"sfsync/cmd/sfsync/internal/verb"
)

// System is a System without terminal, environment and signals.
func System(env map[string]string) (*host.System, *bytes.Buffer, *bytes.Buffer) {
	var out, err bytes.Buffer
	return &host.System{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err,
		LookupEnv:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Now:         time.Now, //nolint:forbidigo // tests run in real time
		Rand:        rand.Reader,
		StopSignals: func() {},
		Getwd:       os.Getwd,
		StateDir:    func() (string, error) { return "", errors.New("no state in this test") },
	}, &out, &err
}

// Capture parses a command line and returns the options that would be run.
func Capture[O any](t *testing.T, env map[string]string, newCmd func(*verb.App, func(context.Context, *O) error) *cobra.Command, args ...string) (*O, *verb.App, error) {
	t.Helper()
	sys, _, _ := System(env)
	a := verb.New(sys, &host.Stopper{})
	var got *O
	cmd := newCmd(a, func(_ context.Context, o *O) error { got = o; return nil })
	cmd.PersistentPreRunE = a.Parsed
	cmd.SetFlagErrorFunc(verb.FlagError)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return got, a, err
}
