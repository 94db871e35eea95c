package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pkg is what the rules look at of `go list -json`.
type pkg struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

const module = "sfsync/"

// under reports whether a package is path or below it.
func under(pkg, path string) bool { return pkg == path || strings.HasPrefix(pkg, path+"/") }

// TestTimeZones: the command brings the time zones with it. (That it works without a database of the
// machine cannot be tried here: the tests have one.)
func TestTimeZones(t *testing.T) {
	for _, p := range list(t) {
		if p.ImportPath == module+"cmd/sfsync" && !slices.Contains(p.Imports, "time/tzdata") {
			t.Error("the command does not import time/tzdata")
		}
	}
}

// TestImportRules keeps imports pointing down: row, spill and schema are leaves, mapping and sink
// stand on row, pipeline on both, cmd on everything; the Salesforce client and the local org
// share no type. Below cmd only cli, the root of the command line, knows the verbs.
func TestImportRules(t *testing.T) {
	pkgs := list(t)
	if len(pkgs) < 10 {
		t.Fatalf("go list found %d packages of ours: the test looks at the wrong place", len(pkgs))
	}
	anyOf := func(paths ...string) func(string) bool {
		return func(p string) bool {
			return slices.ContainsFunc(paths, func(path string) bool { return under(p, module+path) })
		}
	}
	is := func(paths ...string) func(string) bool {
		return func(p string) bool { return slices.Contains(paths, strings.TrimPrefix(p, module)) }
	}
	or := func(fs ...func(string) bool) func(string) bool {
		return func(p string) bool {
			return slices.ContainsFunc(fs, func(f func(string) bool) bool { return f(p) })
		}
	}
	// The readers of text know what they stand on, and not each other.
	textReader := or(is("pipeline/row"), anyOf("pipeline/source/columns", "pipeline/source/inputerr", "pipeline/source/rowfile", "pipeline/source/textfile"))
	// The first rule whose path holds a package says which of our packages it may import.
	rules := []struct {
		path  string
		allow func(string) bool
	}{
		{"pipeline/row", is()},
		{"pipeline/spill", is()},
		{"mapping/diag", is()},
		{"mapping/yamlnode", is("mapping/diag")},
		{"mapping/schema", or(is("mapping/diag", "mapping/yamlnode"), anyOf("mapping/schema"))},
		{"mapping", or(is("pipeline/row"), anyOf("mapping"))},
		{"sink/salesforce", or(is("sink", "sink/retry", "sink/throttle", "pipeline/row", "pipeline/spill"), anyOf("sink/salesforce"))},
		{"sink/localorg/fault", is("mapping/diag", "mapping/yamlnode")},
		{"sink/localorg", or(is("mapping/schema", "mapping/diag"), anyOf("sink/localorg"))},
		{"sink", or(is("pipeline/row", "mapping/schema", "mapping/diag", "sink", "sink/retry", "sink/sinktest"))},
		{"pipeline/source/csv", textReader},
		{"pipeline/source/jsonl", textReader},
		{"pipeline/source/textfile", is("pipeline/row", "pipeline/source/inputerr", "mapping/diag")},
		{"pipeline", or(is("sink"), anyOf("pipeline", "mapping"))},
		{"samples", anyOf("samples")},
		{"cmd/sfsync/internal/cli", func(string) bool { return true }},
		{"cmd/sfsync/internal", func(p string) bool { // no verb knows another, and nothing below knows a verb
			internal := module + "cmd/sfsync/internal/"
			return !under(p, internal+"cli") && !strings.HasPrefix(p, internal+"verb/")
		}},
		{"cmd", func(string) bool { return true }},
	}
	for _, p := range pkgs {
		i := slices.IndexFunc(rules, func(r struct {
			path  string
			allow func(string) bool
		},
		) bool {
			return under(p.ImportPath, module+r.path)
		})
		if i < 0 {
			t.Errorf("%s: no rule for this package: the top level of the project is fixed", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if strings.HasPrefix(imp, module) && !rules[i].allow(imp) {
				t.Errorf("%s must not import %s", p.ImportPath, imp)
			}
			if rules[i].path == "pipeline/row" && strings.Contains(strings.Split(imp, "/")[0], ".") {
				t.Errorf("%s must import the standard library only, not %s", p.ImportPath, imp)
			}
			for _, terminal := range []string{"github.com/spf13/cobra", "github.com/schollz/progressbar/v3"} {
				if under(imp, terminal) && !under(p.ImportPath, module+"cmd") {
					t.Errorf("%s must not import %s: it belongs to cmd", p.ImportPath, imp)
				}
			}
			if imp == "C" {
				t.Errorf("%s uses cgo", p.ImportPath)
			}
		}
	}
}

// TestSizes: a file has fewer than 500 lines, and all of a package no more than 2,500, tests not counted.
func TestSizes(t *testing.T) {
	packages := map[string]int{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		n := bytes.Count(text, []byte("\n"))
		if n >= 500 {
			t.Errorf("%s has %d lines: split it by noun", path, n)
		}
		packages[filepath.Dir(path)] += n
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 10 {
		t.Fatalf("%d packages found: the test looks at the wrong place", len(packages))
	}
	for path, n := range packages {
		if n > 2500 {
			t.Errorf("%s has %d lines: make a package of a noun in it that hides something", path, n)
		}
	}
}

// list returns the packages of this module.
func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Standard", module+"...")
	cmd.Dir = "../.."
	text, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(text))); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
