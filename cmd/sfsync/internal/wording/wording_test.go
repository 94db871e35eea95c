package wording

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/mapping/diag"
	"sfsync/pipeline"
	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// TestWords: of an org's error the code and the remedy are shown and never its words, with or
// without an HTTP status; those of our own are shown.
func TestWords(t *testing.T) {
	t.Parallel()
	org := func(code string, status int) *sink.Error {
		return &sink.Error{Code: code, HTTPStatus: status, Message: "ann@example.com was born in 1970", Fields: []string{"Email"}}
	}
	diags := func(file string) error {
		var l diag.List
		l.Errorf(diag.Pos{File: file, Line: 1, Column: 1}, "x", "", "wrong in %s", file)
		return l.Err()
	}
	for name, tt := range map[string]struct {
		err  error
		says []string
	}{
		"an answer":      {org("REQUEST_LIMIT_EXCEEDED", 403), []string{"REQUEST_LIMIT_EXCEEDED", "try again later", "log.jsonl"}},
		"a subrequest":   {org("INVALID_TYPE", 0), []string{"INVALID_TYPE", "object"}},
		"unknown code":   {fmt.Errorf("log in: %w", org("SOMETHING_NEW", 0)), []string{"log in: SOMETHING_NEW"}},
		"several":        {errors.Join(org("INVALID_TYPE", 0), fmt.Errorf("a: %w", org("NOT_FOUND", 404)), errors.New("disk full")), []string{"INVALID_TYPE", "a: NOT_FOUND", "disk full"}},
		"worded again":   {fmt.Errorf("%w (%s)", org("INVALID_TYPE", 0), org("X", 0).Message), []string{"INVALID_TYPE"}},
		"two of one":     {fmt.Errorf("%w, %w", org("A_B", 0), org("C_D", 500)), []string{"C_D"}},
		"diagnostics":    {errors.Join(diags("a.yaml"), diags("b.yaml"), errors.New("disk full")), []string{"2 errors", "disk full"}},
		"unreachable":    {&sink.Error{Code: catalog.CodeUnreachable, Message: "GET /x at h: refused"}, []string{"GET /x at h: refused"}},
		"a gateway":      {&sink.Error{Code: catalog.CodeHTTP, HTTPStatus: 502, Message: "GET /x at h answered 502"}, []string{"answered 502"}},
		"not an org's":   {pipeline.ErrTooManyFailed, []string{"too many rows failed"}},
		"on one line":    {errors.New("one\ntwo"), []string{"one; two"}},
		"wrapped joined": {fmt.Errorf("a: %w", errors.Join(org("A_B", 0), errors.New("b"))), []string{"A_B", "b"}},
	} {
		got := Of(tt.err, "runs/x/log.jsonl")
		for _, want := range tt.says {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q does not say %q", name, got, want)
			}
		}
		if strings.Contains(got, "ann@example.com") || strings.Contains(got, "\n") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestTheSameIsSaidOnce: what several requests met with at the same time is said once.
func TestTheSameIsSaidOnce(t *testing.T) {
	t.Parallel()
	down := func() error {
		return &sink.Error{Class: sink.Network, Code: "UNREACHABLE", Message: "POST /composite at example.com: refused"}
	}
	got := Of(errors.Join(down(), errors.New("another thing"), down(), down()), "")
	if want := "UNREACHABLE: POST /composite at example.com: refused; another thing"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestWithSignal: a signal names the code of a command that it stopped, and hides no error.
func TestWithSignal(t *testing.T) {
	t.Parallel()
	signal := &exit.Signal{Sig: os.Interrupt}
	for _, tt := range []struct {
		err  error
		want exit.Code
	}{
		{&sink.Error{Class: sink.Network, Code: catalog.CodeCancelled}, exit.Interrupted},
		{errors.Join(signal, exit.Errorf(exit.CannotWrite, "disk full")), exit.CannotWrite},
	} {
		if got := exit.Of(WithSignal(signal, tt.err)); got != tt.want {
			t.Errorf("%v: %d, want %d", tt.err, got, tt.want)
		}
	}
}

// TestRemedies: a code of ours that a record can fail or be skipped with comes with what to do about it, whichever
// package gives it. The codes are read from the sources, so that a new one cannot be forgotten.
func TestRemedies(t *testing.T) {
	t.Parallel()
	codes := codesOf(t, "pipeline", "mapping", "sink/salesforce")
	for _, code := range []string{"ROW_WIDTH", "DUPLICATE_KEY", "EDITED_SINCE", "LOOKUP_AMBIGUOUS", "UNMAPPED_VALUE", "CONVERTED", "NO_ANSWER"} {
		if codes[code] == "" {
			t.Errorf("%s: not found in the sources", code)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		if Remedy(code) == "" {
			t.Errorf("%s (%s): no remedy", code, codes[code])
		}
	}
	for _, code := range []string{"ENTITY_IS_DELETED", "UNABLE_TO_LOCK_ROW", "FIELD_CUSTOM_VALIDATION_EXCEPTION"} { // orgs
		if Remedy(code) == "" {
			t.Errorf("%s: no remedy", code)
		}
	}
}

// codesOf returns the codes that the Go files below some directories name, and where: constants called Code… or code…,
// and texts that stand for a Code in a literal or are given to refuse.
func codesOf(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	codes := make(map[string]string)
	isCode := regexp.MustCompile(`^[A-Z]+(_[A-Z]+)*$`)
	for _, dir := range dirs {
		root := filepath.Join("../../../..", dir)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			add := func(values ...ast.Expr) {
				for _, v := range values {
					if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
						if text, err := strconv.Unquote(lit.Value); err == nil && isCode.MatchString(text) {
							codes[text] = strings.TrimPrefix(filepath.ToSlash(path), "../../../../")
						}
					}
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.ValueSpec:
					if strings.HasPrefix(strings.ToLower(n.Names[0].Name), "code") {
						add(n.Values...)
					}
				case *ast.KeyValueExpr:
					if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
						add(n.Value)
					}
				case *ast.CallExpr:
					if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "refuse" {
						add(n.Args...)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return codes
}
