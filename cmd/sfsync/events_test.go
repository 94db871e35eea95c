package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestCheckedEventsAreWhatTheOrgTakes sends the golden events of the event reader to the local org:
// what a check would send is taken, what it refuses fails with the same code, and what it skips is
// skipped. Events with made-up record ids, which only an org can judge, are left out.
func TestCheckedEventsAreWhatTheOrgTakes(t *testing.T) {
	t.Parallel()
	const golden = "../../pipeline/source/events/testdata"
	cases, err := filepath.Glob(golden + "/golden/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := os.ReadFile(golden + "/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	madeUp := regexp.MustCompile(`"[0-9A-Za-z]{3}00000000000[0-9A-Z]{1,4}"`)
	events := 0
	for _, path := range cases {
		ar, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		yaml := "version: 1\npreset: rudderstack-lead\n"
		var lines strings.Builder
		for _, f := range ar.Files {
			switch f.Name {
			case "mapping.yaml":
				yaml = string(f.Data)
			case "events.jsonl":
				for line := range strings.Lines(string(f.Data)) {
					if !madeUp.MatchString(line) {
						lines.WriteString(line)
						events++
					}
				}
			}
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range map[string]string{
				"m.yaml": yaml + "\nschema: s.yaml\nname: events\n", "s.yaml": string(overlay), "e.jsonl": lines.String(),
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			checked := fates(t, sfsync(t, dir, "check", "m.yaml", "e.jsonl", "--mapped", "-", "--quiet"))
			sfsync(t, dir, "run", "m.yaml", "e.jsonl", "--quiet")
			sent := map[string]string{}
			for _, status := range []string{"succeeded", "failed", "skipped"} {
				found, _ := filepath.Glob(filepath.Join(dir, "sfsync-runs", "*", status+".jsonl"))
				for _, path := range found {
					text, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					for at, fate := range fates(t, text) {
						sent[at] = fate
					}
				}
			}
			for at, fate := range checked {
				if sent[at] != fate && (fate != "skipped" || sent[at] != "") {
					t.Errorf("line and target %s: a check says %s, the run %q", at, fate, sent[at])
				}
				delete(sent, at)
			}
			for at, fate := range sent {
				t.Errorf("line and target %s: %s, and not checked", at, fate)
			}
		})
	}
	if events < 60 {
		t.Errorf("only %d events", events)
	}
}

// sfsync runs the command and returns its standard output.
func sfsync(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	bin, err := exec.LookPath("sfsync")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bin, args...)
	cmd.Dir, cmd.Env = dir, append(cleanEnv(), "SFSYNC_STATE="+filepath.Join(dir, "state"))
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	_ = cmd.Run() // the code is looked at
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 3 && code != 4 && code != 6 {
		t.Fatalf("%s: exit code %d\n%s", strings.Join(args, " "), code, problems.String())
	}
	return out.Bytes()
}

// fates returns what became of each line and target: sent, skipped, or the code of its failure.
func fates(t *testing.T, lines []byte) map[string]string {
	t.Helper()
	all := map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(lines)); s.Scan(); {
		var v struct {
			Line    int    `json:"line"`
			Target  string `json:"target"`
			Code    string `json:"code"`
			Skipped string `json:"skipped"`

			OurLine   int    `json:"sfsync_line"`
			OurTarget string `json:"sfsync_target"`
			OurCode   string `json:"sfsync_code"`
			OurAction string `json:"sfsync_action"`
		}
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			t.Fatalf("%v: %s", err, s.Text())
		}
		fate := "sent"
		switch {
		case v.Skipped != "" || v.OurAction == "skipped":
			fate = "skipped"
		case v.Code != "" || v.OurCode != "":
			fate = v.Code + v.OurCode
		}
		all[fmt.Sprintf("%d %s", v.Line+v.OurLine, v.Target+v.OurTarget)] = fate
	}
	return all
}
