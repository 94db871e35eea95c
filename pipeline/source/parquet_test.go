package source_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
	pt "sfsync/pipeline/source/parquet/parquettest"
	"sfsync/pipeline/source/sourcetest"
)

func parquetText(name string) pt.Node {
	return pt.Node{Name: name, Repetition: pt.Optional, Type: pt.Bytes, Logical: 1}
}

// parquetOf writes rows of text cells in row groups of so many rows.
func parquetOf(columns []string, rows [][]string, group int) []byte {
	fields := make([]pt.Node, len(columns))
	for i, c := range columns {
		fields[i] = parquetText(c)
	}
	var groups []pt.RowGroup
	for from := 0; from < len(rows); from += group {
		part := rows[from:min(from+group, len(rows))]
		leaves := make([][]pt.Entry, len(columns))
		for _, r := range part {
			for i, c := range r {
				leaves[i] = append(leaves[i], pt.Entry{Def: 1, Value: []byte(c)})
			}
		}
		groups = append(groups, pt.RowGroup{Rows: len(part), Leaves: leaves})
	}
	return pt.Write(fields, groups, pt.Options{Snappy: true, Dictionary: true, PageSize: 1000})
}

// TestParquetSame: rows, batches and hash do not depend on how the bytes arrive.
func TestParquetSame(t *testing.T) {
	t.Parallel()
	rows := sampleRows(2*row.MaxRows + 17)
	data := parquetOf(sampleColumns, rows, 700)
	sum := sha256.Sum256(data)
	base, err := sourcetest.ReadBytes(t, "x", data, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(base.Rows) != len(rows) || base.Info.Rows != int64(len(rows)) || base.Info.Total != int64(len(rows)) {
		t.Fatalf("%d rows: %+v", len(base.Rows), base.Info)
	}
	for i, r := range base.Rows {
		want := sourcetest.Row{Line: int64(i + 1), Cells: []string{"text:" + rows[i][0], "text:" + rows[i][1], "text:" + rows[i][2]}}
		if d := cmp.Diff(want, r); d != "" {
			t.Fatal(d)
		}
	}
	for _, a := range arrivals {
		c, err := sourcetest.ReadFrom(t, a.wrap(bytes.NewReader(data)), source.Options{Format: "parquet"})
		if err != nil {
			t.Fatal(a.name, err)
		}
		if d := cmp.Diff(base.Batches, c.Batches); d != "" {
			t.Errorf("%s: batches:\n%s", a.name, d)
		}
		if c.Info.SHA256 != hex.EncodeToString(sum[:]) || c.Info.Bytes != int64(len(data)) {
			t.Errorf("%s: info %+v", a.name, c.Info)
		}
	}
	for _, name := range []string{"a.parquet", "b", "c.csv", "d.txt"} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := sourcetest.Read(t, source.Input{Path: path}, source.Options{})
		if err != nil || c.Info.Format != "parquet" || !slices.Equal(c.Batches, base.Batches) {
			t.Errorf("%s: %v %+v", name, err, c.Info)
		}
	}
}

// TestParquetBroken: a file that is damaged gives the rows before, then an error with their number.
func TestParquetBroken(t *testing.T) {
	t.Parallel()
	data := parquetOf(sampleColumns, sampleRows(30_000), 5000)
	bad := bytes.Clone(data)
	clear(bad[len(bad)*2/3 : len(bad)*2/3+2000])
	r, err := source.Open(context.Background(), source.Input{Path: "in/x.parquet", Reader: bytes.NewReader(bad)}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sourcetest.Close(t, r)
	c, err := sourcetest.ReadAll(t, r)
	if !errors.Is(err, source.ErrMalformed) || !strings.HasPrefix(err.Error(), "in/x.parquet: is no sound Parquet file: row group ") ||
		!strings.Contains(err.Error(), fmt.Sprintf("(%d rows before", len(c.Rows))) || len(c.Rows) == 0 || c.Info.SHA256 != "" {
		t.Errorf("%d rows: %v", len(c.Rows), err)
	}
}

// TestParquetSpool: the temporary copy of a stream goes with its reader, also with one that cannot
// be opened.
func TestParquetSpool(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	left := func() int {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	data := parquetOf(sampleColumns, sampleRows(10), 10)
	r, err := source.Open(context.Background(), source.Input{Path: "-", Reader: iotest.HalfReader(bytes.NewReader(data))}, source.Options{Format: "parquet"})
	if err != nil {
		t.Fatal(err)
	}
	sourcetest.Close(t, r)
	if left() != 0 {
		t.Error("the temporary file stays")
	}
	t.Setenv("TMPDIR", filepath.Join(dir, "nowhere"))
	t.Setenv("TMP", filepath.Join(dir, "nowhere"))
	if _, err := source.Open(context.Background(), source.Input{Path: "-", Reader: iotest.HalfReader(bytes.NewReader(data))}, source.Options{Format: "parquet"}); !errors.Is(err, source.ErrUnreadable) {
		t.Errorf("without a directory for it: %v", err)
	}
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	if _, err := source.Open(context.Background(), source.Input{Path: "-", Reader: iotest.HalfReader(bytes.NewReader(data[:len(data)-3]))}, source.Options{Format: "parquet"}); !errors.Is(err, source.ErrMalformed) {
		t.Error(err)
	}
	if left() != 0 {
		t.Error("the temporary file of a bad stream stays")
	}
}

// TestParquetContext: the end of the context ends Open and Next.
func TestParquetContext(t *testing.T) {
	t.Parallel()
	data := parquetOf(sampleColumns, sampleRows(50_000), 5000)
	ctx, cancel := context.WithCancel(context.Background())
	r, err := source.Open(ctx, source.Input{Path: "x", Reader: bytes.NewReader(data)}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sourcetest.Close(t, r)
	if b, err := r.Next(ctx); err != nil {
		t.Fatal(err)
	} else {
		b.Free()
	}
	cancel()
	if _, err := sourcetest.Drain(ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("Next: %v", err)
	}
	if _, err := source.Open(ctx, source.Input{Path: "x", Reader: bytes.NewReader(data)}, source.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: %v", err)
	}
}

// TestParquetNames: names are those of the contract for headers; a column at the top wins over a
// path that is spelled like it.
func TestParquetNames(t *testing.T) {
	t.Parallel()
	fields := []pt.Node{
		{Name: "a", Type: pt.Group, Children: []pt.Node{parquetText("b"), parquetText("c")}},
		parquetText("a.b"), parquetText("x"), parquetText(""), parquetText("x"), parquetText("X"), parquetText("x_2"),
	}
	leaves := make([][]pt.Entry, 8)
	for i := range leaves {
		leaves[i] = []pt.Entry{{Def: 1, Value: []byte(strconv.Itoa(i))}}
	}
	r, err := source.Open(context.Background(), source.Input{Path: "x", Reader: bytes.NewReader(pt.Write(fields, []pt.RowGroup{{Rows: 1, Leaves: leaves}}, pt.Options{}))}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sourcetest.Close(t, r)
	if d := cmp.Diff([]string{"a.b_2", "a.c", "a.b", "x", "column_5", "x_3", "X", "x_2"}, r.Schema().Names()); d != "" {
		t.Error(d)
	}
	if len(r.Warnings()) != 3 {
		t.Errorf("%q", r.Warnings())
	}
}

// TestParquetOnly: with Only, what is not named is absent, and a column that cannot be read
// is in nobody's way.
func TestParquetOnly(t *testing.T) {
	t.Parallel()
	fields := []pt.Node{parquetText("a"), parquetText("b"), {Name: "c", Repetition: pt.Optional, Type: pt.Bytes, Logical: 13}}
	one := []pt.Entry{{Def: 1, Value: []byte("v")}}
	data := pt.Write(fields, []pt.RowGroup{{Rows: 1, Leaves: [][]pt.Entry{one, one, one}}}, pt.Options{})
	tests := []struct {
		opt  source.Options
		want []string
	}{
		{source.Options{}, []string{"text:v", "text:v", "-"}},
		{source.Options{Paths: []string{"b"}}, []string{"text:v", "text:v", "-"}},
		{source.Options{Paths: []string{"b"}, Only: true}, []string{"-", "text:v", "-"}},
	}
	for _, tt := range tests {
		c, err := sourcetest.ReadBytes(t, "x", data, tt.opt)
		if err != nil || len(c.Rows) != 1 || !slices.Equal(c.Rows[0].Cells, tt.want) || len(c.Columns) != 3 {
			t.Errorf("%+v: %v %+v", tt.opt, err, c.Rows)
		}
	}
	for _, opt := range []source.Options{{Paths: []string{"c"}}, {Only: true, Paths: []string{"a"}, Rest: true}, {All: true}} {
		if _, err := sourcetest.ReadBytes(t, "x", data, opt); !errors.Is(err, source.ErrMalformed) || !strings.Contains(err.Error(), `column "c": BSON`) {
			t.Errorf("%+v: %v", opt, err)
		}
	}
}

// TestFormatsAgree: the same data is the same rows in CSV, JSON Lines and Parquet.
func TestFormatsAgree(t *testing.T) {
	t.Parallel()
	columns := []string{"id", "name", "company.city", "score", "ok", "day"}
	fields := []pt.Node{
		{Name: "id", Type: pt.Int64},
		parquetText("name"),
		{Name: "company", Repetition: pt.Optional, Type: pt.Group, Children: []pt.Node{parquetText("city")}},
		{Name: "score", Repetition: pt.Optional, Type: pt.Int32, Logical: 5, Precision: 9, Scale: 2},
		{Name: "ok", Repetition: pt.Optional, Type: pt.Boolean},
		{Name: "day", Repetition: pt.Optional, Type: pt.Int32, Logical: 6},
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "rows")
		text := rapid.StringOfN(rapid.SampledFrom([]rune("abc ,\"'\\;äß日🙂\n{}[]")), 0, 12, -1)
		leaves := make([][]pt.Entry, len(fields))
		var csvRows [][]string
		var lines bytes.Buffer
		var want []string
		for i := range n {
			cells := make([]string, len(columns))
			name, city := text.Draw(t, "name"), text.Draw(t, "city")
			cents := rapid.Int32Range(-1e8, 1e8).Draw(t, "score")
			ok := rapid.Bool().Draw(t, "ok")
			day := rapid.Int32Range(0, 20000).Draw(t, "day")
			sign, mag := "", int64(cents)
			if mag < 0 {
				sign, mag = "-", -mag
			}
			score := fmt.Sprintf("%s%d.%02d", sign, mag/100, mag%100)
			cells[0], cells[1], cells[2], cells[3], cells[4] = strconv.Itoa(i), name, city, score, strconv.FormatBool(ok)
			cells[5] = dayText(day)
			csvRows = append(csvRows, cells)
			fmt.Fprintf(&lines, "{\"id\":%d,\"name\":%s,\"company\":{\"city\":%s},\"score\":%s,\"ok\":%v,\"day\":%q}\n", i, quoted(name), quoted(city), score, ok, cells[5])
			flag := byte(0)
			if ok {
				flag = 1
			}
			for c, e := range []pt.Entry{
				{Value: binary.LittleEndian.AppendUint64(nil, uint64(i))},
				{Def: 1, Value: []byte(name)},
				{Def: 2, Value: []byte(city)},
				{Def: 1, Value: binary.LittleEndian.AppendUint32(nil, uint32(cents))},
				{Def: 1, Value: []byte{flag}},
				{Def: 1, Value: binary.LittleEndian.AppendUint32(nil, uint32(day))},
			} {
				leaves[c] = append(leaves[c], e)
			}
			want = append(want, strings.Join(cells, "|"))
		}
		files := map[string][]byte{
			"csv": formats[0].encode(columns, csvRows), "jsonl": lines.Bytes(),
			"parquet": pt.Write(fields, []pt.RowGroup{{Rows: n, Leaves: leaves}}, pt.Options{
				Dictionary: rapid.Bool().Draw(t, "dictionary"), V2: rapid.Bool().Draw(t, "v2"), PageSize: rapid.IntRange(0, 9).Draw(t, "page"),
			}),
		}
		for format, data := range files {
			r, err := source.Open(context.Background(), source.Input{Path: "x." + format, Reader: bytes.NewReader(data)}, source.Options{Paths: columns})
			if err != nil {
				t.Fatal(format, err)
			}
			var rows []string
			for err == nil {
				var b *row.Batch
				if b, err = r.Next(context.Background()); b == nil {
					break
				}
				for i := range b.Len() {
					cells := make([]string, len(columns))
					for c, name := range columns {
						cells[c] = strings.Clone(b.Cell(i, b.Schema().Index(name)).Text)
					}
					rows = append(rows, strings.Join(cells, "|"))
				}
				b.Free()
			}
			if !errors.Is(err, io.EOF) {
				t.Fatal(format, err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, rows); d != "" {
				t.Fatalf("%s: (-want +got)\n%s", format, d)
			}
		}
	})
}

// dayText is the date so many days after 1970-01-01, counted one by one.
func dayText(days int32) string {
	y, m, d := 1970, 1, 1
	for range days {
		d++
		last := []int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[m-1]
		if m == 2 && y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			last = 29
		}
		if d > last {
			m, d = m+1, 1
		}
		if m > 12 {
			y, m = y+1, 1
		}
	}
	return fmt.Sprintf("%04d-%02d-%02d", y, m, d)
}
