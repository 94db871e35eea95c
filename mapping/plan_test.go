package mapping

import (
	"os"
	"testing"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// testObjects is the schema that the tests of this package compile against.
func testObjects(t testing.TB) *schema.Schema {
	t.Helper()
	const path = "testdata/compile/schema.yml"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, found := schema.Overlay(schema.Standard(), path, text)
	for _, d := range found {
		if d.Severity == diag.Error {
			t.Fatal(d)
		}
	}
	return s
}

// compileYAML compiles a mapping that has no errors.
func compileYAML(t testing.TB, s *schema.Schema, text string) *Plan {
	t.Helper()
	f, _, err := Parse("m.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := Compile(f, s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// cell is a cell of a test batch.
type cell = row.Cell

func text(s string) cell   { return row.MakeCell(row.Text, s) }
func number(s string) cell { return row.MakeCell(row.Number, s) }
func null() cell           { return row.MakeCell(row.Null, "") }
func absent() cell         { return cell{} }

// batch makes a batch with the columns, one row for each list of cells.
func batch(pool *row.Pool, columns []string, rows ...[]cell) *row.Batch {
	cols := make([]row.Column, len(columns))
	for i, c := range columns {
		cols[i] = row.Column{Name: c, Type: "text"}
	}
	return fill(pool.Get(row.NewSchema(cols...)), rows...)
}

func fill(b *row.Batch, rows ...[]cell) *row.Batch {
	for i, cells := range rows {
		r := b.AddRow(int64(i + 2))
		for c, v := range cells {
			b.Set(r, c, v.Kind(), v.Text)
		}
	}
	return b
}
