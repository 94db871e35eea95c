package parquet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet"
	pt "sfsync/pipeline/source/parquet/parquettest"
)

// wide is a file of so many rows in row groups of so many, with texts of some length and, in
// the middle, one of a megabyte.
func wide(rows, group, length int) []byte {
	fields := []pt.Node{{Name: "id", Type: pt.Int64}, text("name", pt.Optional), text("note", pt.Required)}
	var groups []pt.RowGroup
	for from := 0; from < rows; from += group {
		g := pt.RowGroup{Rows: min(group, rows-from), Leaves: make([][]pt.Entry, 3)}
		for i := from; i < from+g.Rows; i++ {
			g.Leaves[0] = append(g.Leaves[0], pt.Entry{Value: i64(int64(i))})
			g.Leaves[1] = append(g.Leaves[1], pt.Entry{Def: i % 2, Value: fmt.Appendf(nil, "name %d", i%100)})
			n := i % length
			if i == rows/2 {
				n = 1 << 20
			}
			g.Leaves[2] = append(g.Leaves[2], pt.Entry{Value: bytes.Repeat([]byte{byte('a' + i%26)}, n)})
		}
		groups = append(groups, g)
	}
	return pt.Write(fields, groups, pt.Options{Snappy: true, PageSize: 500})
}

// checksums reads a file by [parquet.Rows] and returns the checksums of its batches.
func checksums(t *testing.T, data []byte, memory int64) ([]uint32, int) {
	t.Helper()
	f, err := parquet.Open(t.Context(), bytes.NewReader(data), int64(len(data)), parquet.Options{Memory: memory})
	if err != nil {
		t.Fatal(err)
	}
	var pool row.Pool
	r, err := f.ReadRows(nil, row.NewSchema(row.Column{Name: "id"}, row.Column{Name: "name"}, row.Column{Name: "note"}), &pool)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var sums []uint32
	rows := 0
	for {
		b, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return sums, rows
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			rows++
			if b.Line(i) != int64(rows) || b.Cell(i, 0).Text != fmt.Sprint(rows-1) {
				t.Fatalf("row %d: line %d, id %s", rows, b.Line(i), b.Cell(i, 0).Text)
			}
		}
		sums = append(sums, b.Checksum())
		b.Free()
	}
}

// TestWorkers: the batches are the same however many workers read them, and where their
// shares of the memory are too small for that.
func TestWorkers(t *testing.T) {
	data := wide(150_000, 4000, 60)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	want, rows := checksums(t, data, 0)
	if rows != 150_000 {
		t.Fatal(rows)
	}
	for _, procs := range []int{2, 3, 8} {
		runtime.GOMAXPROCS(procs)
		for _, memory := range []int64{0, 8 << 20, 2 << 20} {
			got, n := checksums(t, data, memory)
			if d := cmp.Diff(want, got); d != "" || n != rows {
				t.Errorf("%d processors, %d bytes: %d rows, %s", procs, memory, n, d)
			}
		}
	}
}

// TestWorkersStop: a reader that is closed early leaves no goroutine behind, and an error comes
// after the rows before it.
func TestWorkersStop(t *testing.T) {
	defer goleak.VerifyNone(t)
	data := wide(100_000, 10_000, 60)
	bad := bytes.Clone(data)
	clear(bad[len(bad)/2 : len(bad)/2+3000])
	for _, file := range [][]byte{data, bad} {
		f, err := parquet.Open(t.Context(), bytes.NewReader(file), int64(len(file)), parquet.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var pool row.Pool
		r, err := f.ReadRows(nil, row.NewSchema(row.Column{Name: "id"}, row.Column{Name: "name"}, row.Column{Name: "note"}), &pool)
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for range 3 {
			b, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			rows += b.Len()
			b.Free()
		}
		for file[len(bad)/2] == 0 && bytes.Equal(file, bad) {
			b, err := r.Next(t.Context())
			if err != nil {
				if !strings.Contains(err.Error(), "row group ") || rows < 30_000 || rows > 60_000 {
					t.Errorf("%d rows, then %v", rows, err)
				}
				break
			}
			rows += b.Len()
			b.Free()
		}
		r.Close()
		if _, err := r.Next(t.Context()); err == nil {
			t.Error("a closed reader gives a batch")
		}
	}
}

// TestParked: a file whose pages together are more than the memory allows is read all the same, a
// few columns at a time, into the same batches.
func TestParked(t *testing.T) {
	const rows, columns = 2600, 24
	var fields []pt.Node
	g := pt.RowGroup{Rows: rows, Leaves: make([][]pt.Entry, columns)}
	for c := range columns {
		n := text(fmt.Sprint("c", c), pt.Optional)
		if n.Encoding = pt.Encoding(0); c%4 == 1 {
			n.Encoding = pt.DeltaBytes
		}
		if c%4 == 2 {
			n.Repetition = pt.Repeated
		}
		fields = append(fields, n)
		for i := range rows {
			v := fmt.Appendf(nil, "%d %s", (i*7+c)%rows, strings.Repeat("text ", 5+(i+c)%60))
			if c%4 == 3 { // some in a dictionary
				v = v[bytes.IndexByte(v, ' ')+1:]
			}
			g.Leaves[c] = append(g.Leaves[c], pt.Entry{Def: 1 - min(1, (i+c)%11/10), Value: v})
			if c%4 == 2 && (i+c)%11 < 10 {
				g.Leaves[c] = append(g.Leaves[c], pt.Entry{Rep: 1, Def: 1, Value: []byte("more")})
			}
		}
	}
	batches := func(data []byte, memory int64) (sums []uint32) {
		f, err := parquet.Open(t.Context(), bytes.NewReader(data), int64(len(data)), parquet.Options{Memory: memory})
		if err != nil {
			t.Fatal(err)
		}
		var pool row.Pool
		names := make([]row.Column, columns)
		for c := range names {
			names[c].Name = fmt.Sprint("c", c)
		}
		r, err := f.ReadRows(nil, row.NewSchema(names...), &pool)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for {
			b, err := r.Next(t.Context())
			if errors.Is(err, io.EOF) {
				return sums
			}
			if err != nil {
				t.Fatalf("%d bytes of memory: %v", memory, err)
			}
			sums = append(sums, b.Checksum())
			b.Free()
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, o := range []pt.Options{{}, {Snappy: true}, {Dictionary: true}, {Snappy: true, Dictionary: true, V2: true, PageSize: 1100}} {
		data := pt.Write(fields, []pt.RowGroup{g, g}, o)
		runtime.GOMAXPROCS(1)
		want := batches(data, 0)
		for _, procs := range []int{1, 4} {
			runtime.GOMAXPROCS(procs)
			for _, memory := range []int64{10 << 20, 8 << 20} {
				if d := cmp.Diff(want, batches(data, memory)); d != "" {
					t.Errorf("%+v, %d processors, %d bytes: %s", o, procs, memory, d)
				}
			}
		}
	}
}
