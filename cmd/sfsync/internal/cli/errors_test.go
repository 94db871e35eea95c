package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/host"
	"sfsync/cmd/sfsync/internal/verb/verbtest"
)

// TestOrgsWords: not even before there is a run directory do an org's words reach stderr.
func TestOrgsWords(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `[{"errorCode":"API_DISABLED_FOR_ORG","message":"ann@example.com must not"}]`)
	}))
	t.Cleanup(srv.Close)
	for _, args := range [][]string{{"org", "limits", "--to", "env"}, {"org", "describe", "Lead", "--to", "env", "--json"}} {
		sys, stdout, stderr := verbtest.System(map[string]string{"SFSYNC_ACCESS_TOKEN": "a-token", "SFSYNC_INSTANCE_URL": srv.URL})
		code := exit.Code(Main(t.Context(), args, sys))
		if code != exit.NoPermission || !strings.Contains(stderr.String(), "API_DISABLED_FOR_ORG") || strings.Contains(stderr.String()+stdout.String(), "ann@") {
			t.Errorf("%q: exit code %d\n%s%s", args, code, stdout, stderr)
		}
	}
}

// TestBrokenPipes: only that of stdout is a quiet end.
func TestBrokenPipes(t *testing.T) {
	t.Parallel()
	if host.ClosedPipe(&fs.PathError{Op: "write", Path: "socket", Err: syscall.EPIPE}) || host.ClosedPipe(io.ErrClosedPipe) {
		t.Error("a broken pipe that is not stdout's is taken for it")
	}
	_, err := host.Stdout(brokenPipe{}).Write(nil)
	if !host.ClosedPipe(fmt.Errorf("print: %w", err)) {
		t.Errorf("%v is not known as a closed stdout", err)
	}
	if onlyClosedStdout(errors.Join(err, errors.New("disk full")), host.ClosedPipe) || !onlyClosedStdout(errors.Join(err, err), host.ClosedPipe) {
		t.Error("a closed stdout hides another error")
	}
	dir := t.TempDir()
	sys, _, stderr := verbtest.System(nil)
	sys.Stdin = brokenReader{}
	mapping := filepath.Join(dir, "m.yaml")
	if err := os.WriteFile(mapping, []byte("version: 1\nname: m\ntargets:\n  - name: lead\n    object: Lead\n    operation: insert\n    fields: {LastName: name, Company: {value: x}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", mapping, "-", "--format", "csv", "--state", dir, "--runs", filepath.Join(dir, "runs"), "--progress", "none"}
	if code := exit.Code(Main(t.Context(), args, sys)); code != exit.BadInput {
		t.Errorf("a broken stdin: exit code %d\n%s", code, stderr)
	}
}

// brokenReader fails as a socket does whose other end has gone.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: "stdin", Err: syscall.EPIPE}
}
