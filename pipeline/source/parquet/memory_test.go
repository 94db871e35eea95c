package parquet_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet"
	pt "sfsync/pipeline/source/parquet/parquettest"
)

// TestMemoryOfWorkers: several workers together take no more memory than is allowed: a file whose
// columns have pages of a megabyte each is read in what its pages take and a bit, and refused with
// less; what is taken is what is counted, and the batches.
func TestMemoryOfWorkers(t *testing.T) {
	const columns, rows, length = 12, 1000, 1000
	rng := rand.New(rand.NewPCG(3, 4))
	var fields []pt.Node
	var schema []row.Column
	g := pt.RowGroup{Rows: rows, Leaves: make([][]pt.Entry, columns)}
	for c := range columns {
		name := string(rune('a' + c))
		fields = append(fields, text(name, pt.Optional))
		schema = append(schema, row.Column{Name: name})
		for range rows {
			v := make([]byte, length)
			for i := range v {
				v[i] = byte('a' + rng.IntN(26))
			}
			g.Leaves[c] = append(g.Leaves[c], pt.Entry{Def: 1, Value: v})
		}
	}
	data := pt.Write(fields, []pt.RowGroup{g, g}, pt.Options{Snappy: true})
	g.Leaves = nil
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	defer debug.SetGCPercent(debug.SetGCPercent(5)) // so that the heap is what is used
	read := func(memory int64) (int, uint64, error) {
		f, err := parquet.Open(t.Context(), bytes.NewReader(data), int64(len(data)), parquet.Options{Memory: memory})
		if err != nil {
			t.Fatal(err)
		}
		var pool row.Pool
		r, err := f.ReadRows(nil, row.NewSchema(schema...), &pool)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		runtime.GC()
		var before, now runtime.MemStats
		runtime.ReadMemStats(&before)
		most := uint64(0)
		n := 0
		for {
			b, err := r.Next(t.Context())
			if err != nil {
				return n, most, err
			}
			n += b.Len()
			b.Free()
			runtime.ReadMemStats(&now)
			if now.HeapAlloc > before.HeapAlloc {
				most = max(most, now.HeapAlloc-before.HeapAlloc)
			}
		}
	}
	const mib = 1 << 20
	n, most, err := read(24 * mib)
	if !errors.Is(err, io.EOF) || n != 2*rows {
		t.Fatalf("%d rows, %v", n, err)
	}
	if limit := uint64(24*mib + 4*row.MaxBytes); most > limit {
		t.Errorf("it took %d bytes of %d", most, limit)
	}
	if most < columns*length*rows { // the pages alone
		t.Errorf("it took only %d bytes: the test does not see what it should", most)
	}
	const half = columns * length * rows / 2
	// By turns then: what was given up waits for the garbage collector, so that the heap says nothing.
	if n, _, err := read(half); !errors.Is(err, io.EOF) || n != 2*rows {
		t.Errorf("with half of it: %d rows, %v", n, err)
	}
	if n, _, err := read(mib); !errors.Is(err, parquet.ErrMemory) { // not even one page
		t.Errorf("with too little: %d rows, %v", n, err)
	}
}
