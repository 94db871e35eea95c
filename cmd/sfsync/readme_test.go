package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadmes runs the commands of the console blocks of the READMEs, in order and in a copy of
// the samples, and compares what they print with what the README says, save for what differs
// from run to run (ids, ports, times). With -update the READMEs are brought up to date.
func TestReadmes(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"../../README.md", "../../samples/README.md"} {
		t.Run(filepath.Base(filepath.Dir(path))+" "+filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.CopyFS(filepath.Join(dir, "samples"), os.DirFS("../../samples")); err != nil {
				t.Fatal(err)
			}
			r := &readme{t: t, dir: dir, env: append(cleanEnv(), "SFSYNC_STATE="+filepath.Join(dir, "state"))}
			got := consoleBlock().ReplaceAllStringFunc(string(text), r.block)
			if r.commands == 0 {
				t.Fatal("the README has no console blocks")
			}
			if *update && got != string(text) {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func consoleBlock() *regexp.Regexp { return regexp.MustCompile("(?s)```console\n.*?```") }

type readme struct {
	t        *testing.T
	dir      string
	env      []string
	commands int
}

// block runs the commands of one block and returns the block with what they print now, unless
// that is what it says already.
func (r *readme) block(text string) string {
	var out strings.Builder
	out.WriteString("```console\n")
	body := strings.TrimSuffix(strings.TrimPrefix(text, "```console\n"), "```")
	for _, part := range strings.SplitAfter(strings.ReplaceAll(body, "\n$ ", "\n\x00$ "), "\x00") {
		command, want, _ := strings.Cut(strings.TrimSuffix(part, "\x00"), "\n")
		got := want
		if args, ours := strings.CutPrefix(command, "$ go run ./cmd/sfsync "); ours {
			got = r.run(args)
			if stable(got) == stable(want) {
				got = want
			} else if !*update {
				r.t.Errorf("%s\n(-README +now):\n%s", command, cmp.Diff(stable(want), stable(got)))
			}
		} else if command != "$ go test ./..." { // that is what runs this
			r.t.Errorf("a command that is not tested: %s", command)
		}
		fmt.Fprintf(&out, "%s\n%s", command, got)
	}
	return out.String() + "```"
}

// run runs sfsync and returns what a terminal would show.
func (r *readme) run(line string) string {
	r.commands++
	bin, err := exec.LookPath("sfsync")
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.CommandContext(r.t.Context(), bin, words(line)...)
	cmd.Dir, cmd.Env = r.dir, r.env
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 3 && code != 6 {
		r.t.Errorf("%s: exit code %d\n%s", line, code, both.String())
	}
	return both.String()
}

// words splits a command line as a shell does, as far as READMEs need it.
func words(line string) []string {
	var args []string
	for _, m := range regexp.MustCompile(`'([^']*)'|"([^"]*)"|(\S+)`).FindAllStringSubmatch(line, -1) {
		args = append(args, m[1]+m[2]+m[3])
	}
	return args
}

// stable replaces what differs from run to run.
func stable(s string) string {
	for _, r := range []struct{ pattern, with string }{
		{`\b00D\w{15}\b`, "ORG"},
		{`\b(00Q|003|005)\w{15}\b`, "ID"},
		{`127\.0\.0\.1:\d+`, "ADDR"},
		{`\d{8}T\d{6}Z-([\w-]+)-[0-9a-f]{6}\b`, "RUN-$1"},
		{`(?m)^took .*$`, "took"},
		{`(?m)^API calls +[\d,]+, [\d,]+ of`, "API calls N, N of"}, // at midnight the day's begin again
		{`\d\d:\d\d:\d\d`, "TIME"},
		{`[\d.]+ms\b`, "MS"},
		{`[\d.]+s a call measured`, "MS a call measured"}, // on a busy machine
		{`(API calls, about) [\dhm]+s\b`, "$1 TIME"},      // estimated from what calls take here
		{` +`, " "},
		{`\\`, "/"},
	} {
		s = regexp.MustCompile(r.pattern).ReplaceAllString(s, r.with)
	}
	return s
}

// TestEveryFileIsPrivate: what a run writes, in its directory and in the state directory, is
// for its owner only.
func TestEveryFileIsPrivate(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes")
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "samples"), os.DirFS("../../samples")); err != nil {
		t.Fatal(err)
	}
	r := &readme{t: t, dir: dir, env: append(cleanEnv(), "SFSYNC_STATE="+filepath.Join(dir, "state"))}
	r.run("run samples/messy/messy.yaml")
	n := 0
	for _, root := range []string{"state", "sfsync-runs"} {
		err := filepath.WalkDir(filepath.Join(dir, root), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			n++
			if mode := info.Mode().Perm(); mode&0o077 != 0 {
				t.Errorf("%s has mode %o", path, mode)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < 10 {
		t.Errorf("only %d files were looked at", n)
	}
}

// TestFaultTable: every test that the table of faults names is there.
func TestFaultTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## When something goes wrong\n")
	table, _, _ = strings.Cut(table, "\n## ")
	there := make(map[string]bool)
	err = filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, name := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllSubmatch(source, -1) {
			there[string(name[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+)(?:/(\\w+))?`").FindAllStringSubmatch(table, -1)
	if len(named) < 50 {
		t.Fatalf("%d tests are named: the table is not found", len(named))
	}
	for _, name := range named {
		if !there[name[1]] {
			t.Errorf("there is no %s", name[1])
		}
		if _, err := os.Stat(filepath.Join("testdata", "script", name[2]+".txtar")); name[2] != "" && err != nil {
			t.Error(err)
		}
	}
}
