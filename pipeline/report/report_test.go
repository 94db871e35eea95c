package report

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline/row"
)

var update = flag.Bool("update", false, "write the golden files anew")

var testNow = time.Date(2026, 11, 21, 2, 15, 0, 123456789, time.UTC)

func newDir(t testing.TB) *Dir {
	t.Helper()
	d, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func newRows(t testing.TB, d *Dir) *Rows {
	t.Helper()
	r, err := NewRows(d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// csvBatch makes a batch as the CSV reader does; line is that of the first row.
func csvBatch(line int64, header []string, rows ...[]string) *row.Batch {
	cols := make([]row.Column, len(header))
	for i, n := range header {
		cols[i] = row.Column{Name: n, Type: "text"}
	}
	b := row.New(row.NewSchema(cols...))
	for _, cells := range rows {
		i := b.AddRow(line)
		line++
		for c, s := range cells {
			b.Set(i, c, row.Text, s)
		}
	}
	return b
}

func jsonBatch(lines ...string) *row.Batch {
	b := row.New(row.NewSchema(row.Column{Name: "a", Type: "json"}))
	for n, l := range lines {
		b.SetRaw(b.AddRow(int64(n+1)), []byte(l))
	}
	return b
}

// always is the same outcome for every row.
func always(o Outcome) func(int, int) Outcome { return func(int, int) Outcome { return o } }

// golden compares the directory's row files with those of testdata.
func golden(t *testing.T, d *Dir, name string) {
	t.Helper()
	var got bytes.Buffer
	entries, err := os.ReadDir(d.Path(""))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(d.Path(e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "-- %s --\n%s", e.Name(), text)
	}
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run go test -update)", err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("%s (-want +got; -update writes it anew)\n%s", path, d)
	}
}

func TestRowsCSV(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	r := newRows(t, d)
	b := csvBatch(2, []string{"email", "na,me", "note"},
		[]string{"a@x.org", "Zoë \"Zo\" O'Neil", "two\r\nlines, quoted"},
		[]string{"=1+1", "", " spaced "},
		[]string{"-c@x.org", "kept\tas it is", "'"},
		[]string{"ragged"},
		[]string{"nul", "null", ""})
	b.Fail(3, row.Problem{Code: "ROW_WIDTH", Message: "the row has 1 cell, the header 3"})
	b.SetRaw(3, []byte("-ragged \"x\"\x00\xff"))
	outcomes := func(i, t int) Outcome {
		if i == 4 {
			return []Outcome{{Status: Unknown, Target: "lead", Object: "Lead", Code: "NO_ANSWER", Attempts: 3}, {}}[t]
		}
		if i == 3 {
			return []Outcome{{Status: Failed, Target: "lead", Object: "Lead"}, {}}[t]
		}
		return []Outcome{
			{Status: Succeeded, Target: "lead", Object: "Lead", Action: "created", ID: "00Q000000000001EAA", Attempts: 1},
			{Status: Failed, Target: "=member", Object: "CampaignMember", Code: "-X", Field: "@f", Message: "+sum(\"a\",\n1)", Attempts: 2},
		}[t]
	}
	if err := r.Batch(b, "in/leads.csv", 2, outcomes); err != nil {
		t.Fatal(err)
	}
	other := csvBatch(2, []string{"mail"}, []string{"z@x.org"})
	if err := r.Batch(other, "=cmd.csv", 1, always(Outcome{Status: Failed, Target: "lead", Object: "Lead", Code: "X"})); err != nil {
		t.Fatal(err)
	}
	// The same columns in another file have the same header, and so the same file.
	again := csvBatch(7, []string{"email", "na,me", "note"}, []string{"y@x.org", "y", "y"})
	if err := r.Batch(again, "in/more.csv", 1, always(Outcome{Status: Skipped, Target: "lead", Object: "Lead", Action: "skipped"})); err != nil {
		t.Fatal(err)
	}
	if err := r.Batch(again, "in/more.csv", 1, always(Outcome{Status: Failed, Target: "lead", Object: "Lead", Code: "Y"})); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil { // a second Close does nothing
		t.Fatal(err)
	}
	golden(t, d, "csv")
}

func TestRowsJSONL(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	r := newRows(t, d)
	b := jsonBatch(
		`{"a":1.50,"b":{"c":[1, 2]},"d":"é\u00e9"}`,
		`  { "a" : null }  `,
		`{}`,
		`{ }`,
		`{"a":1,"sfsync_file":"old","sfsync_line":3,"b":2}`,
		"{\"a\":1,\n\"b\":\r2}",
		`{"a":`,
		`[1,2]`,
	)
	for _, i := range []int{6, 7} {
		b.Fail(i, row.Problem{Code: "BAD_JSON", Message: "column 6: the line ends"})
	}
	err := r.Batch(b, `in\"leads".jsonl`, 1, func(i, _ int) Outcome {
		if i < 2 {
			return Outcome{Status: Succeeded, Target: "lead", Object: "Lead", Action: "updated", ID: "00Q000000000001EAA", Attempts: 1}
		}
		if i < 6 {
			return Outcome{Status: Failed, Target: "lead", Object: "Lead", Code: "X", Field: "Email", Message: "=no \"formula\"", Attempts: 1}
		}
		return Outcome{Status: Failed, Target: "lead", Object: "Lead"}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	golden(t, d, "jsonl")
}

// TestRowsCells writes rows of a source that keeps no text: they are put together from cells.
func TestRowsCells(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	r := newRows(t, d)
	b := row.New(row.NewSchema(row.Column{Name: "s", Type: "UTF8"}, row.Column{Name: "n", Type: "DOUBLE"}, row.Column{Name: "j"}, row.Column{Name: "t"}, row.Column{Name: "x"}))
	i := b.AddRow(1)
	b.Set(i, 0, row.Text, `a"b`)
	b.Set(i, 1, row.Number, "1.5")
	b.Set(i, 2, row.JSON, `{"k":[1]}`)
	b.Set(i, 3, row.Bool, "true")
	i = b.AddRow(2)
	b.Set(i, 1, row.Number, "NaN")
	b.SetKind(i, 2, row.Null)
	if err := r.Batch(b, "x.parquet", 1, always(Outcome{Status: Failed, Target: "t", Object: "O"})); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	golden(t, d, "cells")
}

// TestCSVRoundTrip reads failed.csv back: the original cells are what they were.
func TestCSVRoundTrip(t *testing.T) {
	t.Parallel()
	rows := [][]string{
		{"plain", "", "x"},
		{"com,ma", `qu"ote`, `""`},
		{"new\nline", "cr\r\nlf", "tab\t"},
		{" lead", "trail ", "é🎉"},
		{"=formula", "@x", "'y"},
		{",", "\"", "\n"},
		{"\u00a0", "\ufeff", `\.`},
	}
	d := newDir(t)
	r := newRows(t, d)
	if err := r.Batch(csvBatch(2, []string{"a", "b", "c"}, rows...), "in.csv", 1, always(Outcome{Status: Failed, Code: "X"})); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(d.Path("failed.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range rows {
		for j := range want {
			want[j] = strings.ReplaceAll(want[j], "\r\n", "\n") // encoding/csv does so
		}
		if d := cmp.Diff(want, got[i+1][:3]); d != "" {
			t.Errorf("row %d: %s", i, d)
		}
	}
}
