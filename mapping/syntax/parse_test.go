package syntax

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"sfsync/mapping/diag"
)

// TestDiagnostics parses every file of testdata/diagnostics and compares what is said about
// it with the golden file beside it.
func TestDiagnostics(t *testing.T) {
	t.Chdir("testdata/diagnostics")
	files, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 80 {
		t.Fatalf("only %d cases", len(files))
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(path, ".yaml"), func(t *testing.T) {
			f, all, err := Load(path)
			var b strings.Builder
			for _, d := range all {
				b.WriteString(d.String() + "\n")
			}
			if err == nil {
				b.WriteString("accepted\n")
			}
			checkGolden(t, strings.TrimSuffix(path, ".yaml")+".golden", b.String())
			if f == nil {
				t.Error("no file")
			}
			if list, ok := diag.As(err); ok != (err != nil) || ok && len(list) != len(all) {
				t.Errorf("the error carries %d diagnostics of %d", len(list), len(all))
			}
			for _, d := range all {
				if d.Pos.Line < 1 || d.Pos.Column < 1 || d.Code == "" {
					t.Errorf("no place or code: %+v", d)
				}
				if d.Code == codeNotYet && !strings.Contains(d.Message, "not yet") {
					t.Errorf("%q does not say not yet", d.Message)
				}
			}
		})
	}
}

// TestParse compares what good mappings become with golden files, places included.
func TestParse(t *testing.T) {
	t.Chdir("testdata/parse")
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(path, ".yaml"), func(t *testing.T) {
			f, all, err := Load(path)
			if err != nil || len(all) > 0 {
				t.Fatal(all)
			}
			checkGolden(t, strings.TrimSuffix(path, ".yaml")+".golden", render(f))
		})
	}
}

// render writes a File a line a thing, with line:column behind what has a place.
func render(f *File) string {
	var b strings.Builder
	str := func(s Str) string {
		if s == (Str{}) {
			return "-"
		}
		return fmt.Sprintf("%q@%d:%d", filepath.ToSlash(s.Value), s.Pos.Line, s.Pos.Column)
	}
	opt := func(name string, s *Str) string {
		if s == nil {
			return ""
		}
		return " " + name + "=" + str(*s)
	}
	refs := func(refs []Ref) string {
		var out []string
		for _, r := range refs {
			s := fmt.Sprintf("%q@%d:%d", r.Name, r.Pos.Line, r.Pos.Column)
			for _, c := range r.Transforms {
				s += fmt.Sprintf(" | %s@%d:%d(", c.Name, c.Pos.Line, c.Pos.Column)
				for i, a := range c.Args {
					if i > 0 {
						s += ", "
					}
					s += str(a)
				}
				s += ")"
			}
			out = append(out, s)
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	fmt.Fprintf(&b, "version %d name %s schema %s\n", f.Version, f.Name, str(f.Schema))
	var files []string
	for _, s := range f.Source.Files {
		files = append(files, str(s))
	}
	fmt.Fprintf(&b, "source %s format %s csv %q\n", files, f.Source.Format, f.Source.CSV)
	for _, t := range f.Targets {
		fmt.Fprintf(&b, "target %s@%d:%d object %s %s match %s when %s rest %s missing-ignore %v custom %s\n",
			str(t.Name), t.Pos.Line, t.Pos.Column, str(t.Object), t.Operation, str(t.Match), str(t.When), t.Rest, t.MissingIgnore, refs(t.Custom))
		for _, r := range t.Fields {
			fmt.Fprintf(&b, "  %s from %s%s%s%s always %v blank %s", str(r.Field), refs(r.From), opt("value", r.Value), opt("expr", r.Expr), opt("default", r.Default), r.DefaultAlways, r.Blank)
			if v := r.Values; v != nil {
				fmt.Fprintf(&b, " values@%d:%d %q unmapped %s", v.Pos.Line, v.Pos.Column, filepath.ToSlash(v.Path), v.Unmapped)
				for _, e := range v.Entries {
					fmt.Fprintf(&b, " %s→%s", str(e.From), str(e.To))
				}
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, _, err := Load(filepath.Join(dir, "nowhere.yaml")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "nowhere.yaml") {
		t.Errorf("a missing file: %v", err)
	}
	if _, _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(large); err == nil || !strings.Contains(err.Error(), "more than the 1048576 allowed") {
		t.Errorf("a large file: %v", err)
	}
}

func TestNameOf(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"leads.yaml": "leads", "a/b/nightly leads.yml": "nightly-leads", "ü.yaml": "mapping", "": "mapping", "x": "x", "..yaml": "mapping",
		strings.Repeat("x", 100) + ".yaml": strings.Repeat("x", 64),
	} {
		if got := nameOf(path); got != want {
			t.Errorf("nameOf(%q) = %q, want %q", path, got, want)
		}
	}
}

// TestValuesLimits checks the bounds of a table of values in a file.
func TestValuesLimits(t *testing.T) {
	t.Parallel()
	text := []byte("version: 1\ntargets: [{object: Lead, match: Email, fields: {Email: {from: email, values: v.csv}}}]\n")
	for want, content := range map[string]string{
		"has more than the 16777216 bytes allowed": strings.Repeat("x", maxValuesBytes+1),
		"has more than 250000 rows":                "from,to\n" + manyRows(maxValues+1),
	} {
		_, _, err := parse("m.yaml", text, func(string, int64) ([]byte, error) { return []byte(content), nil })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func manyRows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,x\n", i)
	}
	return b.String()
}

// FuzzParse holds that no mapping makes the parser panic, that what is refused has a
// diagnostic with a place in the file, and that what is accepted is whole.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/diagnostics/*.yaml", "testdata/parse/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	const head = "version: 1\ntargets:\n  - object: Lead\n    operation: insert\n    fields:\n      A: "
	for _, rule := range []string{
		`a | b(c, "d")`, `'"a b" | replace("|", '''')'`, `"\"a\\tb\" | trim"`, "{from: [a.b, c | trim], values: {x: y}}", "{expr: 'a + 1', blank: null}", ">-\n        a\n        | trim\n",
	} {
		f.Add([]byte(head + rule + "\n"))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		const values = "from,to\na,b\n"
		file, all, err := parse("m.yaml", text, func(string, int64) ([]byte, error) { return []byte(values), nil })
		lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(strings.TrimPrefix(string(text), "\ufeff"), "\r\n", "\n"), "\r", "\n"), "\n")
		for _, d := range all {
			if d.Pos.File != "m.yaml" {
				continue // the table of values
			}
			if d.Pos.Line < 1 || d.Pos.Line > len(lines) || d.Pos.Column < 1 || d.Pos.Column > utf8.RuneCountInString(lines[d.Pos.Line-1])+1 {
				t.Fatalf("not in the file: %v", d)
			}
			if d.Code == "" || d.Message == "" {
				t.Fatalf("says nothing: %+v", d)
			}
		}
		if file == nil {
			t.Fatal("no file")
		}
		if err != nil {
			return
		}
		if file.Version != 1 || file.Name == "" || len(file.Targets) == 0 {
			t.Fatalf("accepted: %+v", file)
		}
		for _, target := range file.Targets {
			if target.Object.Value == "" || target.Name.Value == "" || (target.Match.Value == "") != (target.Operation == Insert) {
				t.Fatalf("accepted: %+v", target)
			}
			for _, r := range target.Fields {
				sources := 0
				for _, is := range []bool{r.From != nil, r.Value != nil, r.Expr != nil} {
					if is {
						sources++
					}
				}
				if sources != 1 || r.Field.Value == "" || r.Blank == "" {
					t.Fatalf("accepted: %+v", r)
				}
			}
		}
	})
}
