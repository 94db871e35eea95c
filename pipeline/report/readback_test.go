package report

import (
	"errors"
	"io"
	"testing"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

// TestUnreadReadBack: a row that could not be read is one again when failed.* is read, with its
// code and text; the rows beside it are as they were, without our columns.
func TestUnreadReadBack(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	r := newRows(t, d)
	table := csvBatch(2, []string{"a", "b"}, []string{"1", "x,y"}, []string{"cut off"})
	table.SetRaw(1, []byte(`cut off, "`))
	lines := jsonBatch(`{"a":1, "b":"x,y"}`, `{"a":`)
	for _, b := range []*row.Batch{table, lines} {
		b.Fail(1, row.Problem{Code: "BAD_ROW", Message: "=broken"})
		err := r.Batch(b, "in", 1, func(i, _ int) Outcome {
			return []Outcome{{Status: Failed, Target: "t", Object: "O", Code: "X", Message: "m"}, {Status: Failed, Target: "t", Object: "O"}}[i]
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{"failed.csv": `cut off, "`, "failed.jsonl": `{"a":`} {
		src, err := source.Open(t.Context(), source.Input{Path: d.Path(name)}, source.Options{All: true})
		if err != nil {
			t.Fatal(err)
		}
		b, err := src.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !src.Info().Ours || b.Len() != 2 || b.Schema().String() != "a, b" {
			t.Fatalf("%s: ours %v, %d rows, columns %v", name, src.Info().Ours, b.Len(), b.Schema())
		}
		if b.Cell(0, 0).Text != "1" || b.Cell(0, 1).Text != "x,y" {
			t.Errorf("%s: cells %q, %q", name, b.Cell(0, 0).Text, b.Cell(0, 1).Text)
		}
		p, bad := b.Problem(1)
		if !bad || p.Code != "BAD_ROW" || b.Raw(1) != raw {
			t.Errorf("%s: problem %+v, raw %q", name, p, b.Raw(1))
		}
		if _, err := src.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("%s: then %v", name, err)
		}
		if err := src.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
