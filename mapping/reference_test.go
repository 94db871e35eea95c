package mapping

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/mapping/spec/examples"
)

// TestReference compiles every example of the reference. Only what an example leaves out because
// it shows something else may be missing.
func TestReference(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	s, found, err := schema.Load("testdata/reference.schema.yaml")
	if err != nil {
		t.Fatal(found, err)
	}
	dir := t.TempDir()
	for _, table := range regexp.MustCompile(`maps/\w+\.csv`).FindAllString(string(readme), -1) {
		path := filepath.Join(dir, table)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, examples.Table(table), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range examples.All(string(readme)) {
		t.Run(e.Name, func(t *testing.T) {
			f, all, err := Parse(filepath.Join(dir, "example.yaml"), []byte(e.Text))
			if err != nil {
				t.Fatalf("%s\n%v", e.Text, all)
			}
			_, all, _ = Compile(f, s)
			all = slices.DeleteFunc(all, func(d diag.Diagnostic) bool {
				return d.Severity == diag.Warning || d.Code == "required-missing" && !e.Whole
			})
			if len(all) > 0 {
				t.Errorf("%s\n%v", e.Text, all)
			}
		})
	}
}
