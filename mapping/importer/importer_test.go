package importer_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/importer"
	"sfsync/mapping/internal/golden"
	"sfsync/mapping/schema"
)

var update = flag.Bool("update", false, "write the golden files")

// reader reads the files of an archive.
func reader(a *txtar.Archive) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		for _, f := range a.Files {
			if f.Name == path {
				return f.Data, nil
			}
		}
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
}

// known is the schema that imports are compiled against: the standard objects with the custom ones
// of the cases.
func known(t testing.TB) *schema.Schema {
	t.Helper()
	s, _, err := schema.Load(filepath.Join("testdata", "schema.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A case is an archive. Its comment begins with the name of the file that is imported and options
// (object=, match=, only=), and the word "alone" where the objects are in no schema. Its golden
// file has what comes out: the mapping, or one for each step where there are several inputs, and
// the notes.
func TestImports(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) < 25 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	s := known(t)
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(string(a.Comment))
			o, compiles := importer.Options{Schema: s, SchemaURL: "sfsync.schema.json"}, true
			for _, w := range words[1:] {
				switch key, value, _ := strings.Cut(w, "="); key {
				case "object":
					o.Object = value
				case "match":
					o.Match = value
				case "only":
					o.Only = append(o.Only, value)
				case "alone":
					o.Schema, compiles = nil, false
				default:
					t.Fatalf("unknown option %q", w)
				}
			}
			var b strings.Builder
			r, err := importer.Import(words[0], reader(a), o)
			if err != nil {
				fmt.Fprintf(&b, "error: %v\n", err)
				golden.Check(t, strings.TrimSuffix(path, ".txtar")+".golden", b.String(), *update)
				return
			}
			fmt.Fprintf(&b, "%s, steps %s, inputs %d\n", r.Kind, strings.Join(r.Steps, " "), r.Inputs)
			sound(t, &b, s, r.YAML(""), compiles)
			if r.Inputs > 1 {
				for _, step := range r.Steps {
					sound(t, &b, s, r.YAML(step), compiles)
				}
			}
			b.WriteString("--- notes\n")
			for _, d := range r.Notes {
				fmt.Fprintln(&b, d)
			}
			golden.Check(t, strings.TrimSuffix(path, ".txtar")+".golden", b.String(), *update)
		})
	}
}

// sound writes a mapping behind the others and checks that it can be parsed and compiled.
func sound(t *testing.T, b *strings.Builder, s *schema.Schema, text []byte, compiles bool) {
	t.Helper()
	fmt.Fprintf(b, "--- mapping\n%s", text)
	f, _, err := mapping.Parse("mapping.yaml", text)
	if err != nil {
		t.Errorf("%v\n%s", err, text)
		return
	}
	if !compiles {
		return
	}
	if _, _, err := mapping.Compile(f, s); err != nil {
		list, _ := diag.As(err)
		for _, d := range list {
			if d.Severity == diag.Error {
				fmt.Fprintf(b, "does not compile: %s\n", d)
			}
			if d.Severity == diag.Error && d.Code != "required-missing" && d.Code != "object-unknown" { // what the file does not give, and the schema does not know
				t.Errorf("%s\n%s", d, text)
			}
		}
	}
}

func TestNoObject(t *testing.T) {
	t.Parallel()
	a := txtar.Parse([]byte("-- leads.sdl --\nNAME=LastName\n"))
	_, err := importer.Import("leads.sdl", reader(a), importer.Options{})
	var bad *importer.OptionError
	if !errors.As(err, &bad) || bad.Option != "object" {
		t.Errorf("error %v, want one about the object", err)
	}
}

func TestOnlyUnknown(t *testing.T) {
	t.Parallel()
	a := txtar.Parse([]byte("-- m.yml --\nAccounts: {sf_object: Account, fields: [Name]}\n"))
	_, err := importer.Import("m.yml", reader(a), importer.Options{Only: []string{"acounts"}})
	if err == nil || !strings.Contains(err.Error(), "did you mean accounts?") {
		t.Errorf("error %v, want the nearest name", err)
	}
}

// Secrets are in no output: neither in the mapping nor in the notes.
func TestSecretsStayBehind(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"process-secrets.txtar", "sfdmu-script.txtar"} {
		a, err := txtar.ParseFile(filepath.Join("testdata", path))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(txtar.Format(a)), "S3cret") {
			t.Fatalf("%s has no secret", path)
		}
		r, err := importer.Import(strings.Fields(string(a.Comment))[0], reader(a), importer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if all := string(r.YAML("")) + fmt.Sprint(r.Notes); strings.Contains(all, "S3cret") {
			t.Errorf("%s: a secret is in the output:\n%s", path, all)
		}
	}
}

// What is too large, too deep or made to blow up ends in an error at once.
func TestBounds(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"large.sdl": strings.Repeat("a=b\n", importer.MaxBytes/4+1),
		"deep.json": `{"objects":` + strings.Repeat("[", 100_000),
		"deep.xml":  "<beans>" + strings.Repeat("<bean>", 100_000),
		"deep.yml":  "A: {sf_object: Account, fields: " + strings.Repeat("[", 10_000) + "}",
		"laughs.xml": `<?xml version="1.0"?><!DOCTYPE beans [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>` +
			`<beans><bean id="x"><description>&b;</description></bean></beans>`,
		"laughs.yml": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
			"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: {sf_object: Account, fields: *e}\n",
	} {
		read := func(path string) ([]byte, error) {
			if path == name {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		}
		if _, err := importer.Import(name, read, importer.Options{Object: "Lead"}); err == nil {
			t.Errorf("%s: no error", name)
		} else if len(err.Error()) > 2000 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
}

// Whatever a file holds, an import ends in an error or in mappings that can be parsed.
func FuzzImport(f *testing.F) {
	cases, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range cases {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		name := strings.Fields(string(a.Comment))[0]
		var main, other []byte
		for _, file := range a.Files {
			if file.Name == name {
				main = file.Data
			} else {
				other = file.Data
			}
		}
		f.Add(filepath.Ext(name), main, other)
	}
	s := schema.Standard()
	f.Fuzz(func(t *testing.T, ext string, main, other []byte) {
		name := "in" + ext
		read := func(path string) ([]byte, error) {
			if path == name {
				return main, nil
			}
			return other, nil
		}
		r, err := importer.Import(name, read, importer.Options{Object: "Lead", Schema: s})
		if err != nil {
			return
		}
		for _, step := range append(r.Steps, "") {
			if _, _, err := mapping.Parse("m.yaml", r.YAML(step)); err != nil {
				t.Fatalf("%v\n%s", err, r.YAML(step))
			}
		}
	})
}
