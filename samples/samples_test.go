// Package samples_test holds the sample data to what README.md says of it.
package samples_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

var update = flag.Bool("update", false, "write the golden file anew")

// counts are the fates of a mapping's rows.
type counts map[mapping.Fate]int

// run reads the files of a mapping, which must have no errors, and maps every row. Each row that
// fails is written to failed, with its place and the reason's code and field.
func run(t *testing.T, path string, failed io.Writer) (counts, map[string]bool) {
	t.Helper()
	f, _, err := mapping.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	s, found, err := schema.Load(f.Schema.Value)
	if err != nil || len(found) > 0 {
		t.Fatal(err, found)
	}
	plan, _, err := mapping.Compile(f, s)
	if err != nil {
		t.Fatal(err)
	}
	var patterns []string
	for _, p := range f.Source.Files {
		patterns = append(patterns, p.Value)
	}
	inputs, err := source.Expand(patterns, f.Source.Format, nil)
	if err != nil {
		t.Fatal(err)
	}
	pool, n, keys := &row.Pool{}, counts{}, map[string]bool{}
	mapper := plan.NewMapper(pool)
	for _, in := range inputs {
		r, err := source.Open(t.Context(), in, source.Options{Paths: plan.Paths(), Pool: pool})
		if err != nil {
			t.Fatal(err)
		}
		if r.Complete() {
			if warnings, err := plan.CheckColumns(r.Schema(), in.Path); err != nil || len(warnings) > 0 {
				t.Fatal(err, warnings)
			}
		}
		for {
			b, err := r.Next(context.WithoutCancel(t.Context()))
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			m := mapper.Map(b)
			records := &m.Targets[0]
			for i := range b.Len() {
				n[records.Fate(i)]++
				switch records.Fate(i) {
				case mapping.Send:
					keys[strings.Clone(records.Batch.Cell(i, plan.Targets[0].FoldColumn).Text)] = true
				case mapping.Fail:
					p := records.Reason(i)
					fmt.Fprintf(failed, "%s:%d %s %s\n", filepath.Base(in.Path), b.Line(i), p.Code, p.Field)
				}
			}
			m.Free()
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	return n, keys
}

func TestLeads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mapping string
		want    counts
		keys    int
	}{
		{"leads/leads.yaml", counts{mapping.Send: 4000}, 2900},
		{"leads/parquet.yaml", counts{mapping.Send: 800}, 800},
		{"leads/by-email.yaml", counts{mapping.Send: 2374, mapping.Skip: 126}, 2194},
	} {
		var failed bytes.Buffer
		n, keys := run(t, filepath.FromSlash(tt.mapping), &failed)
		if d := cmp.Diff(tt.want, n); d != "" {
			t.Errorf("%s: -want +got:\n%s", tt.mapping, d)
		}
		if len(keys) != tt.keys || failed.Len() > 0 {
			t.Errorf("%s: %d different keys, want %d; failed:\n%s", tt.mapping, len(keys), tt.keys, &failed)
		}
	}
}

// TestMessy holds every bad row to the place and code that messy/failed.golden lists.
func TestMessy(t *testing.T) {
	t.Parallel()
	var failed bytes.Buffer
	n, keys := run(t, filepath.FromSlash("messy/messy.yaml"), &failed)
	if d := cmp.Diff(counts{mapping.Send: 19, mapping.Fail: 51}, n); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if len(keys) != 19 {
		t.Errorf("%d different keys among the rows to send", len(keys))
	}
	golden := filepath.FromSlash("messy/failed.golden")
	if *update {
		if err := os.WriteFile(golden, failed.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), failed.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(failed.String()) {
		if code := strings.Fields(line)[1]; !bytes.Contains(readme, []byte("`"+code+"`")) {
			t.Errorf("README.md does not say %s", code)
		}
	}
}

// TestGenerate holds that the data is what the generator writes.
func TestGenerate(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles a program")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "leads"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "./generate/main.go", "./generate/parquet.go", dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"leads-2026-11-01.csv", "leads-2026-11-02.jsonl", "leads-2026-11-03.parquet"} {
		got, err := os.ReadFile(filepath.Join(dir, "leads", name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("leads", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator writes: go run samples/generate/*.go samples", name)
		}
	}
}
