package syntax

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	if len(files) < 190 {
		t.Fatalf("only %d cases", len(files))
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(path, ".yaml"), func(t *testing.T) {
			f, all, err := Load(path, testPresets())
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
			f, all, err := Load(path, testPresets())
			if err != nil {
				t.Fatal(all)
			}
			got := render(f)
			for _, d := range all {
				got += d.String() + "\n"
			}
			checkGolden(t, strings.TrimSuffix(path, ".yaml")+".golden", got)
		})
	}
}

// testPresets are presets for tests: one that is like those that ship with the tool, and some
// that cannot be used.
func testPresets() Presets {
	texts := map[string]string{
		"events-lead": `version: 1
name: events-lead
source: {events: rudderstack, csv: {delimiter: ";", "null": ["", NULL]}}
targets:
  - object: Lead
    match: Email
    on_many: fail
    fields:
      Email: traits.email | trim
      LastName: {from: [traits.lastName, traits.name | last_name], default: n/a}
      StateCode: traits.state
      City: traits.city
  - name: contact
    object: Contact
    match: Email
    fields: {Email: traits.email}
tests:
  - {row: {a: b}, expect: {lead: skipped}}
`,
		"chain":  "version: 1\npreset: events-lead\n",
		"empty":  "# nothing\n",
		"a-list": "[a, b]",
	}
	return Presets{
		Get:   func(name string) ([]byte, bool) { text, ok := texts[name]; return []byte(text), ok },
		Names: func() []string { return slices.Sorted(maps.Keys(texts)) },
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, _, err := Load(filepath.Join(dir, "nowhere.yaml"), Presets{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "nowhere.yaml") {
		t.Errorf("a missing file: %v", err)
	}
	if _, _, err := Load(dir, Presets{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(large, Presets{}); err == nil || !strings.Contains(err.Error(), "more than the 1048576 allowed") {
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
	for _, rule := range []string{
		"\"\\\"\\u0085\\u2028\\\" | trim\"", "'\"\\\\x\" | lower'", "{from: ['\"a | b\"', {expr: a}], default: '', default_on: always, on_unmapped: blank}", "{value: '', blank: null}", "{values: v.csv}", "{values: v.csv, from: a}", "{record_type: ' '}", "{ref: x, blank: fail}",
		"{lookup: a.b, from: c, create: true, fields: {D: d, b: x}}", "{lookup: 'null.x', value: y}", "a |", "a | trim(", "a | truncate(0)", "a | nothing", "ä.b-c", "a..b", "'null'", "~", "{expr: ~}", "a: b", "[a, a, b | trim]", "{from: a, values: {~: b, 'null': c, x: null}}", "{from: a, form: b}",
		"a\n      a: b\n      Owner.X: c\n      User:Owner.X: d\n      1x: e\n      '': f", "a\n    match: [[A, a], A]\n    on_converted: lead\n    custom: [b, 'A']\n    track: ' '", "a\n    operation: publish\n    match: A",
		"a\ntests:\n  - row: {a: 1, b: null}\n    expect: {lead: {A: x}}\n  - rows: [{a: ~}, {}]\n    expect: [{target: lead, skipped: true}, {row: 2, code: X}]",
		"a\nsource:\n  files: [a, '**/b.csv', 'https://x/y?z']\n  csv: {delimiter: '\"', encoding: utf-9, null: []}\n  events: rudderstack\n  gate: false\n  duplicates: last",
		"a\npreset: rudderstack-lead\nname: -x\nschema: ''\nversion: 1",
	} {
		f.Add([]byte(head + rule + "\n"))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		const values = "from,to\na,b\n"
		file, all, err := parse("m.yaml", text, testPresets(), func(string, int64) ([]byte, error) { return []byte(values), nil })
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
			if target.Object.Value == "" || target.Name.Value == "" || target.Operation == Publish && target.Keys != nil || target.Operation == Delete && target.Keys == nil {
				t.Fatalf("accepted: %+v", target)
			}
			whole := target.Match.Value != ""
			if whole != (target.Operation != Insert && len(target.Keys) == 1 && len(target.Keys[0]) == 1) {
				t.Fatalf("match %q of keys %v", target.Match.Value, target.Keys)
			}
			checkRules(t, target.Fields)
		}
		for _, test := range file.Tests {
			for _, r := range test.Rows {
				if !json.Valid([]byte(r.Value)) {
					t.Fatalf("row %q", r.Value)
				}
			}
			for _, e := range test.Expect {
				if e.Row < 1 || e.Row > len(test.Rows) || e.Target.Value == "" || e.Skipped == (e.Code.Value != "" || e.Fields != nil || e.Absent != nil) {
					t.Fatalf("accepted: %+v", e)
				}
			}
		}
	})
}

// checkRules holds that an accepted rule has one source.
func checkRules(t *testing.T, rules []*Rule) {
	t.Helper()
	for _, r := range rules {
		sources := 0
		for _, is := range []bool{r.From != nil, r.Value != nil, r.Expr != nil, r.RecordType != nil, r.RefTo != nil, r.Values != nil && r.Values.Columns != nil} {
			if is {
				sources++
			}
		}
		if sources != 1 || r.Field.Value == "" || r.Blank == "" || r.Lookup != nil && (r.RefTo != nil || r.RecordType != nil) {
			t.Fatalf("accepted: %+v", r)
		}
		for _, ref := range r.From {
			if (ref.Name == "") != (ref.Expr != nil) {
				t.Fatalf("accepted: %+v", ref)
			}
		}
		if r.Lookup != nil {
			checkRules(t, r.Lookup.Fields)
		}
	}
}

// TestSum: a mapping by itself has the hash of its file; one that takes files in has another for each
// of their contents.
func TestSum(t *testing.T) {
	t.Parallel()
	const plain = "version: 1\nname: m\ntargets:\n  - {object: Lead, operation: insert, fields: {LastName: a, Company: b}}\n"
	const values = "version: 1\nname: m\ntargets:\n  - {object: Lead, operation: insert, fields: {LastName: {from: a, values: v.csv}, Company: {from: b, values: v.csv}}}\n"
	const started = "version: 1\nname: m\npreset: lead\n"
	sum := func(text, table string) (string, []Part) {
		presets := Presets{Get: func(string) ([]byte, bool) { return []byte(strings.ReplaceAll(plain, "name: m\n", "") + table), true }}
		f, _, err := parse("dir/m.yaml", []byte(text), presets, func(string, int64) ([]byte, error) { return []byte("from,to\na," + table + "\n"), nil })
		if err != nil {
			t.Fatal(err)
		}
		return f.SHA256, f.Parts
	}
	own := fmt.Sprintf("%x", sha256.Sum256([]byte(plain)))
	if got, parts := sum(plain, ""); got != own || parts != nil {
		t.Errorf("%s with %v, want %s", got, parts, own)
	}
	for _, text := range []string{values, started} {
		one, parts := sum(text, "")
		again, _ := sum(text, "")
		other, others := sum(text, "# more")
		if one != again || one == other || len(parts) != 1 || len(others) != 1 || parts[0].SHA256 == others[0].SHA256 {
			t.Errorf("%s %s %s, of %v and %v", one, again, other, parts, others)
		}
	}
}
