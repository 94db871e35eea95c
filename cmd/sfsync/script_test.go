package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sfsync/cmd/sfsync/internal/cli"
	"sfsync/cmd/sfsync/internal/host"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata/script")

// TestMain makes the test binary double as the real command: scripts run it under its name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"sfsync": func() { os.Exit(cli.Main(context.Background(), os.Args[1:], host.OS())) },
	})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit":      exitCmd,
			"serve":     serveCmd,
			"gzip":      gzipCmd,
			"bytes":     bytesCmd,
			"json":      jsonCmd,
			"rows":      rowsCmd,
			"interrupt": interruptCmd,
			"lastrun":   lastRunCmd,
			"settings":  settingsCmd,
			"files":     filesCmd,
		},
	})
}

// setup gives each script a world of its own: no variable of the machine reaches it, and its
// state and runs are below its work directory.
func setup(env *testscript.Env) error {
	root, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	env.Setenv("ROOT", root)
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("LocalAppData", filepath.Join(env.WorkDir, "appdata"))
	env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "xdg"))
	return nil
}

// exitCmd runs a command, expects the exit code, and for a failure that stderr's last line
// names it:
//
//	exit 66 sfsync cat nowhere.csv
func exitCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	if want == 0 {
		return
	}
	lines := strings.Split(strings.TrimRight(ts.ReadFile("stderr"), "\n"), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "exit "+args[0]+": ") && !strings.Contains(last, `"code":`+args[0]) {
		ts.Fatalf("the last line on stderr does not name the exit code: %q", last)
	}
}

// serveCmd starts "sfsync local serve --json" with more arguments, waits until it serves, and
// sets the variables that --to env needs. The server ends with the script.
func serveCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serve [ARG...]")
	}
	bin, err := exec.LookPath("sfsync")
	ts.Check(err)
	cmd := exec.Command(bin, append([]string{"local", "serve", "--json"}, args...)...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = scriptEnv(ts)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		stop := os.Interrupt
		if runtime.GOOS == "windows" {
			stop = os.Kill
		}
		cmd.Process.Signal(stop)
		timer := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		io.Copy(io.Discard, out)
		cmd.Wait()
		timer.Stop()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		ts.Fatalf("local serve: %v\n%s", err, stderr.String())
	}
	var c map[string]string
	ts.Check(json.Unmarshal(line, &c))
	for key, name := range map[string]string{
		"instance_url": "SFSYNC_INSTANCE_URL", "access_token": "SFSYNC_ACCESS_TOKEN",
		"username": "ORG_USERNAME", "password": "ORG_PASSWORD", "security_token": "ORG_SECURITY_TOKEN",
		"client_id": "ORG_CLIENT_ID", "client_secret": "ORG_CLIENT_SECRET", "organization_id": "ORG_ID",
	} {
		if c[key] == "" {
			ts.Fatalf("local serve did not print %s: %s", key, line)
		}
		ts.Setenv(name, c[key])
	}
}

// TestBadInputs counts the bad inputs that the scripts try: there are to be many, and each
// expects its exit code.
func TestBadInputs(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/script/bad_*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	bad := regexp.MustCompile(`(?m)^exit [1-9]\d* (.+)$`)
	seen := map[string]bool{}
	for _, path := range scripts {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range bad.FindAllStringSubmatch(string(text), -1) {
			seen[path+m[1]+strconv.Itoa(i)] = true
		}
	}
	if len(seen) < 60 {
		t.Errorf("the scripts try %d bad inputs, want at least 60", len(seen))
	}
}
