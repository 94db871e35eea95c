package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

// splice writes one line of text as the JSON Lines writer does.
func splice(text string, bad bool) string {
	b := jsonBatch(text)
	if bad {
		b.Fail(0, row.Problem{Code: "BAD_JSON", Message: "m"})
	}
	r := &Rows{place: []byte(`"f"`)}
	return string(r.appendObject(nil, b, 0, bad, &Outcome{Status: Failed, Target: "t", Code: "C"}))
}

// FuzzSplice checks that every line of a row file is one JSON object with the members of the
// original one, or with its text if it was none.
func FuzzSplice(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, ` {"a" : [1,{}] } `, `{"a":"}","b":"\u007d"}`, `{"sfsync_id":1,"b":"sfsync_"}`, "{\n}", "{\"a\":\"x\\n\"\r}", `[]`, `{`, `}`, ``, "\x00", "{\"\xff\":1}", `{"a":1}{"b":2}`, `{"a":1,"a":2}`,
		`{"sfsync_id":1,"b":"\ud800"}`, "{\n\"\\udc00\":[-0,1E400]}", `{"\u0073fsync_raw":1}`, `{"sfsync\u005Fraw":"x","sfsync_Raw":2}`, "{\"sfsync_\":\"\u2028\"\t}", "{\"\xff\":1,\n\"\\ufffd\":2}",
		"\ufeff{}", "{}\u0085", "\v{}", "{\"a\":1,\r}", `{"a":{"sfsync_id":[{"sfsync_id":null}]}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" {
			return // a row without text is put together from its cells
		}
		var want map[string]json.RawMessage
		bad := json.Unmarshal([]byte(text), &want) != nil || want == nil
		line := splice(text, bad)
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
			t.Fatalf("%q becomes %q", text, line)
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("%q becomes %q: %v", text, line, err)
		}
		if string(got["sfsync_target"]) != `"t"` || string(got["sfsync_code"]) != `"C"` {
			t.Fatalf("%q becomes %q", text, line)
		}
		for k := range got {
			if isOwn(k) && k != "sfsync_raw" {
				delete(got, k)
			}
		}
		raw, isRaw := got["sfsync_raw"]
		if isRaw {
			var s string
			if err := json.Unmarshal(raw, &s); err != nil || s != valid(text) {
				t.Fatalf("%q becomes %q", text, line)
			}
			if bad {
				return
			}
			t.Fatalf("%q is kept as text: %q", text, line)
		}
		for k := range want {
			if isOwn(k) {
				delete(want, k)
			}
		}
		compact := func(m map[string]json.RawMessage) map[string]any {
			out := make(map[string]any, len(m))
			for k, v := range m {
				var b bytes.Buffer
				if err := json.Compact(&b, v); err != nil {
					t.Fatal(err)
				}
				out[k] = b.String()
			}
			return out
		}
		if d := cmp.Diff(compact(want), compact(got)); d != "" {
			t.Fatalf("%q becomes %q\n%s", text, line, d)
		}
	})
}

// TestReadBack writes random CSV rows and reads failed.csv with the run's own reader: it knows
// the file for ours and finds the rows as they were.
func TestReadBack(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		d, err := Create(dir.Path(""), "m", testNow, bytes.NewReader([]byte{byte(n >> 16), byte(n >> 8), byte(n)}), empty)
		if err != nil {
			t.Fatal(err)
		}
		cell := rapid.StringOf(rapid.SampledFrom([]rune("ab ,\"\n\r;\t'=é🎉\u2028")))
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, 3, 3), 1, 20).Draw(t, "rows")
		r, err := NewRows(d)
		if err != nil {
			t.Fatal(err)
		}
		b := csvBatch(2, []string{"one", "two,", "th\"ree"}, rows...)
		message := rapid.String().Draw(t, "message")
		if err := r.Batch(b, "in.csv", 1, always(Outcome{Status: Failed, Target: "t", Object: "O", Code: "X", Message: valid(message)})); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		got, info := readRows(t, d.Path("failed.csv"))
		if !info.Ours {
			t.Fatal("the reader does not know the file for ours")
		}
		if d := cmp.Diff(rows, got); d != "" {
			t.Fatal(d)
		}
	})
}

func readRows(t *rapid.T, path string) ([][]string, source.Info) {
	ctx := context.Background()
	r, err := source.Open(ctx, source.Input{Path: path, Format: "auto"}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rows [][]string
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return rows, r.Info()
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			if p, bad := b.Problem(i); bad {
				t.Fatalf("row %d: %v", i, p)
			}
			cells := make([]string, len(b.Schema().Columns))
			for c := range cells {
				cells[c] = strings.Clone(b.Cell(i, c).Text)
			}
			rows = append(rows, cells)
		}
		b.Free()
	}
}

func benchBatch() *row.Batch {
	header := make([]string, 21)
	for i := range header {
		header[i] = fmt.Sprint("column_", i)
	}
	rows := make([][]string, 500)
	for i := range rows {
		rows[i] = make([]string, 21)
		for c := range rows[i] {
			rows[i][c] = fmt.Sprint("value ", i*c)
		}
		rows[i][5] = "Main Street 5, Köln"
	}
	return csvBatch(2, header, rows...)
}

var created = Outcome{Status: Succeeded, Target: "lead", Object: "Lead", Action: "created", ID: "00Q000000000001EAA", Attempts: 1}

func BenchmarkCSV(b *testing.B) { benchmark(b, benchBatch()) }

func BenchmarkJSONL(b *testing.B) {
	lines := make([]string, 500)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"id":%d,"email":"person%d@example.org","pad":%q}`, i, i, strings.Repeat("x", 480))
	}
	benchmark(b, jsonBatch(lines...))
}

func benchmark(b *testing.B, src *row.Batch) {
	r := newRows(b, newDir(b))
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		if err := r.Batch(src, "in/leads.csv", 1, always(created)); err != nil {
			b.Fatal(err)
		}
		rows += src.Len()
		if rows%1_000_000 == 0 { // keep the disk out of it
			b.StopTimer()
			if err := r.Restore(nil); err != nil {
				b.Fatal(err)
			}
			if err := r.Close(); err != nil {
				b.Fatal(err)
			}
			r = newRows(b, newDir(b))
			b.StartTimer()
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
}

// TestAllocs: writing rows allocates nothing, however many there are.
func TestAllocs(t *testing.T) {
	csv, lines := benchBatch(), jsonBatch(`{"a":1}`, `{"a":2}`)
	r := newRows(t, newDir(t))
	outcome := always(created)
	for name, b := range map[string]*row.Batch{"CSV": csv, "JSON Lines": lines} {
		if n := testing.AllocsPerRun(20, func() {
			if err := r.Batch(b, "in/leads.csv", 1, outcome); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations a batch of %d rows", name, n, b.Len())
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
