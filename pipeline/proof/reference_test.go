package proof

import (
	"os"
	"path/filepath"
	"testing"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/mapping/spec/examples"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

// TestReferenceTests runs the tests that stand in examples of the reference.
func TestReferenceTests(t *testing.T) {
	readme, err := os.ReadFile("../../mapping/README.md")
	if err != nil {
		t.Fatal(err)
	}
	s, found, err := schema.Load("../../mapping/testdata/reference.schema.yaml")
	if err != nil {
		t.Fatal(found, err)
	}
	dir := t.TempDir()
	for _, table := range []string{"country.csv", "industry.csv"} {
		if err := os.MkdirAll(filepath.Join(dir, "maps"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "maps", table), examples.Table(table), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ran := 0
	for _, e := range examples.All(string(readme)) {
		f, all, err := mapping.Parse(filepath.Join(dir, "example.yaml"), []byte(e.Text))
		if err != nil {
			t.Fatalf("%s\n%v", e.Text, all)
		}
		if len(f.Tests) == 0 {
			continue
		}
		plan, all, err := mapping.Compile(f, s)
		if err != nil {
			t.Errorf("%s\n%v", e.Text, all)
			continue
		}
		failed, err := Run(t.Context(), f, plan, source.Options{Pool: &row.Pool{}, Paths: plan.Paths()})
		if err != nil || len(failed) > 0 {
			t.Errorf("%s: %s\n%v %v", e.Name, e.Text, failed, err)
		}
		ran += len(f.Tests)
	}
	if ran < 6 {
		t.Errorf("only %d tests", ran)
	}
}
