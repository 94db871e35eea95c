package main_test

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// gzipCmd compresses a file: gzip FROM TO.
func gzipCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: gzip FROM TO")
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b.Bytes(), 0o600))
}

// bytesCmd writes a file of bytes that a script cannot hold: bytes FILE HEX.
func bytesCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bytes FILE HEX")
	}
	b, err := hex.DecodeString(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

// jsonCmd compares values of a JSON document by path: json FILE rows.read=12 exit.code=0
// targets.0.name=lead. A value of * matches anything that is there; ! before the command turns
// every comparison round.
func jsonCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: json FILE PATH=VALUE...")
	}
	var doc any
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	dec.UseNumber()
	ts.Check(dec.Decode(&doc))
	for _, arg := range args[1:] {
		path, want, ok := strings.Cut(arg, "=")
		if !ok {
			ts.Fatalf("%q is not PATH=VALUE", arg)
		}
		got, err := lookup(doc, path)
		if err != nil {
			ts.Fatalf("%s: %v", args[0], err)
		}
		if same := want == "*" || got == want; same == neg {
			ts.Fatalf("%s: %s is %q, want %q (negated: %v)", args[0], path, got, want, neg)
		}
	}
}

func lookup(doc any, path string) (string, error) {
	for _, key := range strings.Split(path, ".") {
		switch v := doc.(type) {
		case map[string]any:
			next, ok := v[key]
			if !ok {
				return "", fmt.Errorf("%s: no key %q", path, key)
			}
			doc = next
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(v) {
				return "", fmt.Errorf("%s: no element %q of %d", path, key, len(v))
			}
			doc = v[i]
		default:
			return "", fmt.Errorf("%s: %q is below a %T", path, key, doc)
		}
	}
	switch v := doc.(type) {
	case string:
		return v, nil
	case nil:
		return "null", nil
	}
	text, err := json.Marshal(doc)
	return string(text), err
}

// rowsCmd writes a CSV file of so many leads: rows N FILE.
func rowsCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: rows N FILE")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	b := []byte("id,name\n")
	for i := range n {
		b = fmt.Appendf(b, "r-%06d,Person %d\n", i, i)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o600))
}

// interruptCmd starts a run, sends it a signal (INT, TERM, KILL, or INT2 and TERM2 for two of them) once its
// first requests are under way, expects the exit code, and keeps the run directory in $RUN:
//
//	interrupt INT 130 runs sfsync run leads.yaml --runs runs
func interruptCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: interrupt SIGNAL CODE RUNS COMMAND...")
	}
	signals := map[string][]os.Signal{
		"INT": {os.Interrupt}, "TERM": {syscall.SIGTERM}, "KILL": {os.Kill}, "INT2": {os.Interrupt, os.Interrupt}, "TERM2": {syscall.SIGTERM, syscall.SIGTERM},
	}[args[0]]
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	bin, err := exec.LookPath(args[3])
	ts.Check(err)
	before, _ := filepath.Glob(filepath.Join(ts.MkAbs(args[2]), "2*"))
	runs := func() []string { // that are new
		found, _ := filepath.Glob(filepath.Join(ts.MkAbs(args[2]), "2*"))
		return slices.DeleteFunc(found, func(dir string) bool { return slices.Contains(before, dir) })
	}
	cmd := exec.Command(bin, args[4:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), scriptEnv(ts)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	ts.Check(cmd.Start())
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	begun := func() bool {
		return slices.ContainsFunc(runs(), func(dir string) bool {
			found, _ := filepath.Glob(filepath.Join(dir, "succeeded.*"))
			return len(found) > 0
		})
	}
	deadline := time.Now().Add(2 * time.Minute)
	for !begun() {
		select {
		case err := <-exited:
			ts.Fatalf("the run ended before it could be stopped: %v\n%s", err, stderr.String())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			ts.Fatalf("the run does not begin:\n%s", stderr.String())
		}
	}
	for i, sig := range signals {
		if i > 0 {
			time.Sleep(50 * time.Millisecond) // two signals at once may count as one
		}
		if err := cmd.Process.Signal(sig); i == 0 || !errors.Is(err, os.ErrProcessDone) { // after the first it may end by itself, with the same code
			ts.Check(err)
		}
	}
	<-exited
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit code %d, want %d\n%s", got, want, stderr.String())
	}
	found := runs()
	if len(found) != 1 {
		ts.Fatalf("new run directories: %q, want one", found)
	}
	ts.Setenv("RUN", found[0])
	ts.Logf("%s", stderr.String())
	ts.Check(os.WriteFile(ts.MkAbs("stopped"), stderr.Bytes(), 0o600))
}

// scriptEnv is the environment of a script's commands, as far as they need it.
func scriptEnv(ts *testscript.TestScript) []string {
	env := cleanEnv()
	for _, name := range []string{"HOME", "LocalAppData", "XDG_STATE_HOME", "SFSYNC_STATE", "SFSYNC_INSTANCE_URL", "SFSYNC_ACCESS_TOKEN", "SFSYNC_WORKERS"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// lastRunCmd sets RUN to the directory of the run that began last, and NAME to its name: lastrun RUNS.
func lastRunCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: lastrun RUNS")
	}
	found, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "2*", "summary.json"))
	ts.Check(err)
	var last time.Time
	for _, path := range found {
		var s struct{ Started time.Time }
		text, err := os.ReadFile(path)
		ts.Check(err)
		ts.Check(json.Unmarshal(text, &s))
		if s.Started.After(last) {
			last = s.Started
			ts.Setenv("RUN", filepath.Dir(path))
			ts.Setenv("NAME", filepath.Base(filepath.Dir(path)))
		}
	}
	if last.IsZero() {
		ts.Fatalf("no run under %s", args[0])
	}
}

// settingsCmd changes settings of the org that the script serves: settings '{"daily_calls": 12}'.
func settingsCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: settings JSON")
	}
	req, err := http.NewRequest(http.MethodPatch, ts.Getenv("SFSYNC_INSTANCE_URL")+"/_org/settings", strings.NewReader(args[0]))
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+ts.Getenv("SFSYNC_ACCESS_TOKEN"))
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	if text, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
		ts.Fatalf("settings: %d %s %v", res.StatusCode, text, err)
	}
}
