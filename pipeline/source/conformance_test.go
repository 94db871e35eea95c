package source_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
	"sfsync/pipeline/source/sourcetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// format is what the suite needs to know of a format. A new format joins by a value of it.
type format struct {
	name string
	// encode writes rows of text cells; nil cells are left out where the format can.
	encode func(columns []string, rows [][]string) []byte
	// badRow is a line that cannot be read, with its line end.
	badRow, badCode string
	// options read what encode wrote.
	options source.Options
}

var formats = []format{
	{
		name: "csv",
		encode: func(columns []string, rows [][]string) []byte {
			var b bytes.Buffer
			for _, r := range append([][]string{columns}, rows...) {
				for i, c := range r {
					if i > 0 {
						b.WriteByte(',')
					}
					if c == "" || strings.ContainsAny(c, "\",\r\n") {
						c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
					}
					b.WriteString(c)
				}
				b.WriteByte('\n')
			}
			return b.Bytes()
		},
		badRow: "only one cell\n", badCode: "ROW_WIDTH",
		options: source.Options{Format: "csv"},
	},
	{
		name: "jsonl",
		encode: func(columns []string, rows [][]string) []byte {
			var b bytes.Buffer
			for _, r := range rows {
				for i, c := range r {
					b.WriteByte("{,"[min(i, 1)])
					b.Write(quoted(columns[i]))
					b.WriteByte(':')
					b.Write(quoted(c))
				}
				b.WriteString("}\n")
			}
			return b.Bytes()
		},
		badRow: "{\"a\": \n", badCode: "BAD_JSON",
		options: source.Options{Format: "jsonl", All: true},
	},
}

// packings are the ways a file may be packed.
var packings = []struct {
	name string
	pack func(*testing.T, []byte) []byte
}{
	{"", func(_ *testing.T, b []byte) []byte { return b }},
	{"gzip", func(t *testing.T, b []byte) []byte { return gz(t, b) }},
	{"zstd", func(t *testing.T, b []byte) []byte { return zst(t, b) }},
}

// arrivals are the ways bytes may arrive.
var arrivals = []struct {
	name string
	wrap func(io.Reader) io.Reader
}{
	{"whole", func(r io.Reader) io.Reader { return r }},
	{"half", iotest.HalfReader},
	{"byte", iotest.OneByteReader},
	{"data-and-eof", iotest.DataErrReader},
}

// each runs a test for every format.
func each(t *testing.T, test func(*testing.T, format)) {
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) { t.Parallel(); test(t, f) })
	}
}

var sampleColumns = []string{"id", "name", "note"}

func sampleRows(n int) [][]string {
	rows := make([][]string, n)
	for i := range rows {
		rows[i] = []string{fmt.Sprint(i), []string{"Zoë", "Łukasz", "Ann \"A\" Lee", "x, y"}[i%4], strings.Repeat("n", i%40)}
	}
	return rows
}

// TestConformanceSame: rows, lines, kinds, batches and hash do not depend on how the file is
// packed and how its bytes arrive.
func TestConformanceSame(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f format) {
		rows := sampleRows(2*row.MaxRows + 17)
		data := f.encode(sampleColumns, rows)
		base, err := sourcetest.ReadBytes(t, "x", data, f.options)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sampleColumns, base.Columns); diff != "" {
			t.Errorf("columns:\n%s", diff)
		}
		if len(base.Rows) != len(rows) || len(base.Batches) != 3 || base.Info.Rows != int64(len(rows)) {
			t.Fatalf("%d rows in %d batches, want %d in 3", len(base.Rows), len(base.Batches), len(rows))
		}
		for i, r := range base.Rows {
			for c := range r.Cells {
				if want := "text:" + rows[i][c]; r.Cells[c] != want {
					t.Fatalf("row %d: %q, want %q", i, r.Cells[c], want)
				}
			}
		}
		for _, p := range packings {
			packed := p.pack(t, data)
			sum := sha256.Sum256(packed)
			for _, a := range arrivals {
				r, err := source.Open(context.Background(), source.Input{Path: "x", Reader: a.wrap(bytes.NewReader(packed))}, f.options)
				if err != nil {
					t.Fatal(err)
				}
				c, err := sourcetest.ReadAll(t, r)
				if err != nil {
					t.Fatalf("%s %s: %v", p.name, a.name, err)
				}
				sourcetest.Close(t, r)
				if diff := cmp.Diff(base.Batches, c.Batches); diff != "" {
					t.Errorf("%s %s: batches:\n%s", p.name, a.name, diff)
				}
				if c.Info.SHA256 != hex.EncodeToString(sum[:]) || c.Info.Bytes != int64(len(packed)) || c.Info.Compression != p.name {
					t.Errorf("%s %s: info %+v", p.name, a.name, c.Info)
				}
			}
		}
	})
}

// TestConformanceBadRow: a bad row is one row with a problem, its text and its line.
func TestConformanceBadRow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f format) {
		good := f.encode(sampleColumns, [][]string{{"1", "a", "b"}, {"2", "c", "d"}})
		lines := bytes.SplitAfter(good, []byte("\n"))
		last := len(lines) - 2 // behind the last line end there is nothing
		data := bytes.Join([][]byte{bytes.Join(lines[:last], nil), []byte(f.badRow), lines[last]}, nil)
		c, err := sourcetest.ReadBytes(t, "x", data, f.options)
		if err != nil {
			t.Fatal(err)
		}
		want := []sourcetest.Row{
			{Line: int64(last), Cells: []string{"text:1", "text:a", "text:b"}},
			{Line: int64(last) + 1, Code: f.badCode, Raw: strings.TrimRight(f.badRow, " \n")},
			{Line: int64(last) + 2, Cells: []string{"text:2", "text:c", "text:d"}},
		}
		if diff := cmp.Diff(want, c.Rows); diff != "" {
			t.Error(diff)
		}
		if c.Info.Rows != 3 {
			t.Errorf("%d rows counted", c.Info.Rows)
		}
	})
}

// TestConformanceBroken: a stream that breaks gives the rows before, then an error of its class.
func TestConformanceBroken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f format) {
		data := f.encode(sampleColumns, sampleRows(40_000))
		for _, p := range packings {
			packed := p.pack(t, data)
			cut, class, in := packed[:len(packed)*3/4], source.ErrMalformed, io.Reader(nil)
			in = bytes.NewReader(cut)
			if p.name == "" {
				class, in = source.ErrUnreadable, io.MultiReader(in, iotest.ErrReader(errors.New("disk on fire")))
			}
			r, err := source.Open(context.Background(), source.Input{Path: "in/x", Reader: in}, f.options)
			if err != nil {
				t.Fatal(err)
			}
			c, err := sourcetest.ReadAll(t, r)
			sourcetest.Close(t, r)
			var e *source.Error
			if !errors.Is(err, class) || !errors.As(err, &e) || e.Path != "in/x" {
				t.Fatalf("%s: %v, want %v", p.name, err, class)
			}
			if len(c.Rows) < 20_000 || c.Info.SHA256 != "" {
				t.Errorf("%s: %d rows, info %+v", p.name, len(c.Rows), c.Info)
			}
			if p.name != "" && !strings.Contains(err.Error(), fmt.Sprintf("%d rows", len(c.Rows))) {
				t.Errorf("%s: %v does not say that %d rows were fine", p.name, err, len(c.Rows))
			}
			for i, r := range c.Rows {
				if r.Code != "" {
					t.Fatalf("%s: row %d of a broken stream is a problem: %+v", p.name, i, r)
				}
			}
		}
	})
}

// TestConformanceContext: the end of the context ends Open and Next.
func TestConformanceContext(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f format) {
		data := f.encode(sampleColumns, sampleRows(50_000))
		ctx, cancel := context.WithCancel(context.Background())
		r, err := source.Open(ctx, source.Input{Path: "x", Reader: bytes.NewReader(data)}, f.options)
		if err != nil {
			t.Fatal(err)
		}
		defer sourcetest.Close(t, r)
		cancel()
		if _, err := sourcetest.Drain(ctx, r); !errors.Is(err, context.Canceled) {
			t.Errorf("Next: %v", err)
		}
		if n := r.Info().Rows; n%row.MaxRows != 0 {
			t.Errorf("%d rows: a batch that was cut short was handed out", n)
		}
		if _, err := source.Open(ctx, source.Input{Path: "x", Reader: bytes.NewReader(data)}, f.options); !errors.Is(err, context.Canceled) {
			t.Errorf("Open: %v", err)
		}
	})
}

// TestConformanceLong: a line that is too long is one row, and its neighbours are fine.
func TestConformanceLong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f format) {
		for _, long := range []int{5_000, 300_000, 3_000_000} {
			data := f.encode(sampleColumns, [][]string{{"1", "a", "b"}, {"2", strings.Repeat("ö", long), "d"}, {"3", "e", "f"}})
			opt := f.options
			opt.MaxLine = 4096
			c, err := sourcetest.ReadBytes(t, "x", data, opt)
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Rows) != 3 || c.Rows[0].Code != "" || c.Rows[1].Code != "LINE_TOO_LONG" || c.Rows[2].Code != "" || c.Rows[2].Line != c.Rows[1].Line+1 {
				t.Errorf("%d: %d rows", long, len(c.Rows))
			}
			if n := len(c.Rows[1].Raw); n == 0 || n > 4096 {
				t.Errorf("%d: %d bytes of a long line are kept", long, n)
			}
			opt.MaxLine = 0
			if c, err = sourcetest.ReadBytes(t, "x", data, opt); err != nil || c.Rows[1].Code != "" || len(c.Batches) != 1+min(1, 2*long/row.MaxBytes) {
				t.Errorf("%d: without the bound: %v, %d batches", long, err, len(c.Batches))
			}
		}
	})
}

// ownColumns are the columns that row files have behind those of the input.
var ownColumns = []string{
	"sfsync_file", "sfsync_line", "sfsync_target", "sfsync_object", "sfsync_action",
	"sfsync_id", "sfsync_code", "sfsync_field", "sfsync_message", "sfsync_attempts",
}

// quoted returns a JSON string.
func quoted(s string) []byte {
	b, _ := jsontext.AppendQuote(nil, s)
	return b
}

// TestConformanceOurs: a row file of an earlier run reads as the input it came from.
func TestConformanceOurs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f format) {
		columns := append([]string{"id", "name"}, ownColumns...)
		ours := func(code, message string) []string {
			return []string{"in.csv", "17", "lead", "Lead", "", "", code, "Email", message, "1"}
		}
		data := f.encode(columns, [][]string{
			append([]string{"1", "Zoë"}, ours("REQUIRED_FIELD_MISSING", "no")...),
			append([]string{"2", "x, y"}, ours("X", "no")...),
		})
		opt := f.options
		opt.Encoding, opt.Delimiter = "windows-1252", ";"
		c, err := sourcetest.ReadBytes(t, "failed", data, opt)
		if err != nil {
			t.Fatal(err)
		}
		if !c.Info.Ours {
			t.Fatal("not recognized")
		}
		if diff := cmp.Diff([]string{"id", "name"}, c.Columns); diff != "" {
			t.Error(diff)
		}
		if len(c.Rows) != 2 || c.Rows[0].Cells[1] != "text:Zoë" || c.Rows[1].Cells[1] != "text:x, y" || c.Rows[1].Only != "lead" {
			t.Errorf("%+v", c.Rows)
		}

		columns = append(columns, "sfsync_raw")
		data = f.encode(columns, [][]string{
			append(append([]string{"", ""}, ours("ROW_WIDTH", "the row has 1 cell")...), "only \"one\" cell"),
		})
		if c, err = sourcetest.ReadBytes(t, "failed", data, opt); err != nil {
			t.Fatal(err)
		}
		// Its own cells have been filled in since: a row like any other.
		mended, err := sourcetest.ReadBytes(t, "failed", f.encode(columns, [][]string{
			append(append([]string{"3", "Ada"}, ours("ROW_WIDTH", "the row has 1 cell")...), "only \"one\" cell"),
		}), opt)
		if f.name == "csv" && (err != nil || len(mended.Rows) != 1 || mended.Rows[0].Code != "" || mended.Rows[0].Cells[1] != "text:Ada") {
			t.Errorf("%v %+v", err, mended)
		}
		want := []sourcetest.Row{{Line: c.Rows[0].Line, Code: "ROW_WIDTH", Raw: "only \"one\" cell", Only: "lead"}}
		if diff := cmp.Diff(want, c.Rows); diff != "" {
			t.Error(diff)
		}

		if f.name == "csv" {
			// A spreadsheet saved it again, in its own way, and guards what looks like a formula.
			ours := append(append([]string{"", ""}, ours("BAD_QUOTE", "'-x")...), "'=1\"2")
			data = []byte("\xEF\xBB\xBF" + strings.Join(columns, ";") + "\r\n" + strings.Join(ours, ";") + "\r\n")
			if c, err = sourcetest.ReadBytes(t, "failed", data, opt); err != nil || !c.Info.Ours || c.Rows[0].Raw != "=1\"2" {
				t.Errorf("%v %+v", err, c)
			}
		}

		// Our names elsewhere than at the end, or not all of them, are columns like any other.
		data = f.encode([]string{"sfsync_file", "id"}, [][]string{{"a", "b"}})
		if c, err = sourcetest.ReadBytes(t, "x", data, f.options); err != nil || c.Info.Ours || len(c.Columns) != 2 {
			t.Errorf("%v %+v", err, c)
		}
	})
}

// TestConformanceEmpty: a file without rows is no error.
func TestConformanceEmpty(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f format) {
		for _, data := range []string{"", "\n\r\n\n", "\xEF\xBB\xBF"} {
			for _, p := range packings {
				r, err := source.Open(context.Background(), source.Input{Path: "x", Reader: bytes.NewReader(p.pack(t, []byte(data)))}, f.options)
				if err != nil {
					t.Fatalf("%q %s: %v", data, p.name, err)
				}
				c, err := sourcetest.ReadAll(t, r)
				if err != nil || len(c.Rows) != 0 || len(c.Columns) != 0 || len(r.Warnings()) != 1 {
					t.Errorf("%q %s: %v %+v %q", data, p.name, err, c, r.Warnings())
				}
				sourcetest.Close(t, r)
			}
		}
	})
}

// TestConformanceFile: the same through a real file, by the format its name and content tell.
func TestConformanceFile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f format) {
		data := f.encode(sampleColumns, sampleRows(10))
		for _, name := range []string{"a." + f.name, "b." + f.name + ".gz", "c", "d.txt", "e.dat"} {
			path := filepath.Join(t.TempDir(), name)
			content := data
			if strings.HasSuffix(name, ".gz") {
				content = gz(t, data)
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			opt := f.options
			opt.Format = "auto"
			r, err := source.Open(context.Background(), source.Input{Path: path}, opt)
			if err != nil {
				t.Fatal(err)
			}
			c, err := sourcetest.ReadAll(t, r)
			if err != nil || len(c.Rows) != 10 || c.Info.Format != f.name {
				t.Errorf("%s: %v, %d rows, %+v", name, err, len(c.Rows), c.Info)
			}
			sourcetest.Close(t, r)
		}
	})
}

// TestConformanceAllocs: a row costs no allocation.
func TestConformanceAllocs(t *testing.T) {
	for _, f := range formats {
		header, rows := sourcetest.Leads(row.MaxRows)
		data := f.encode(header, rows)
		pool := &row.Pool{}
		opt := f.options
		opt.Pool = pool
		r, err := source.Open(context.Background(), source.Input{Path: "x", Reader: bytes.NewReader(bytes.Repeat(data[bytes.IndexByte(data, '\n')+1:], 16))}, opt)
		if err != nil {
			t.Fatal(err)
		}
		next := func() {
			b, err := r.Next(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			b.Free()
		}
		next() // the first one makes the buffers
		next()
		// A few a batch are the pool's, more with the race detector, which makes it forget.
		if n := testing.AllocsPerRun(10, next); n > row.MaxRows/50 {
			t.Errorf("%s: %v allocations a batch of about %d rows", f.name, n, row.MaxRows)
		}
		sourcetest.Close(t, r)
	}
}
