package arrowtest

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	library "github.com/xitongsys/parquet-go/reader"
	librarysource "github.com/xitongsys/parquet-go/source"

	"sfsync/pipeline/row"
	reader "sfsync/pipeline/source/parquet"
)

var benchRows = flag.Int("bench-rows", 100_000, "rows of the benchmark's files")

// benchFiles are the files that readers are held against each other on.
var benchFiles = []struct {
	name string
	data func(tb testing.TB) []byte
}{
	// What a data warehouse writes: dictionaries where they pay, in one row group or several.
	{"leads", func(tb testing.TB) []byte { return leads(tb, *benchRows) }},
	{"leads-groups", func(tb testing.TB) []byte { return leads(tb, *benchRows/5) }},
	{"leads-zstd-v2", func(tb testing.TB) []byte {
		return leads(tb, *benchRows, parquet.WithCompression(compress.Codecs.Zstd), parquet.WithDataPageVersion(parquet.DataPageV2))
	}},
	{"leads-plain", func(tb testing.TB) []byte { return leads(tb, *benchRows, parquet.WithDictionaryDefault(false)) }},
	// The kind that is hardest for a reader that has to write every value as text.
	{"numbers", numbers},
}

// leads is 21 columns of records, snappy if nothing else is said, in row groups of so many rows.
func leads(tb testing.TB, group int, props ...parquet.WriterProperty) []byte {
	tb.Helper()
	rows := *benchRows
	str := func(n string) arrow.Field {
		return arrow.Field{Name: n, Type: arrow.BinaryTypes.String, Nullable: true}
	}
	fields := []arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		str("external_id"), str("email"), str("first_name"), str("last_name"),
		str("company"), str("title"), str("phone"), str("street"), str("city"), str("postal_code"), str("country"), str("industry"),
		str("status"), str("source"),
		{Name: "employees", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: "revenue", Type: &arrow.Decimal128Type{Precision: 18, Scale: 2}, Nullable: true},
		{Name: "score", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "opt_in", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "created", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "birthday", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	}
	sc := arrow.NewSchema(fields, nil)
	var out bytes.Buffer
	props = append([]parquet.WriterProperty{parquet.WithCompression(compress.Codecs.Snappy), parquet.WithMaxRowGroupLength(int64(group))}, props...)
	w, err := pqarrow.NewFileWriter(sc, &out, parquet.NewWriterProperties(props...), pqarrow.DefaultWriterProps())
	if err != nil {
		tb.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	few := func(prefix string, n int) string { return fmt.Sprintf("%s %d", prefix, rng.IntN(n)) }
	for from := 0; from < rows; from += group {
		b := array.NewRecordBuilder(memory.DefaultAllocator, sc)
		for i := from; i < min(from+group, rows); i++ {
			texts := []string{
				fmt.Sprintf("ext-%08d-%04x", i, rng.IntN(1<<16)), fmt.Sprintf("person.%d@company-%d.example", i, rng.IntN(5000)),
				few("First", 800), few("Lastname", 9000), few("Company Holding", 20000), few("Senior Title", 60),
				fmt.Sprintf("+49 30 %07d", rng.IntN(1e7)), fmt.Sprintf("%d Some Street", rng.IntN(3000)), few("City", 2000),
				fmt.Sprintf("%05d", rng.IntN(1e5)), few("Country", 40), few("Industry", 30), few("Status", 4), few("Source", 8),
			}
			b.Field(0).(*array.Int64Builder).Append(int64(i))
			for c, s := range texts {
				if rng.IntN(12) == 0 && c > 1 {
					b.Field(c + 1).AppendNull()
				} else {
					b.Field(c + 1).(*array.StringBuilder).Append(s)
				}
			}
			b.Field(15).(*array.Int32Builder).Append(int32(rng.IntN(5000)))
			b.Field(16).(*array.Decimal128Builder).Append(decimal128.FromI64(rng.Int64N(1e10)))
			b.Field(17).(*array.Float64Builder).Append(float64(rng.IntN(10000)) / 100)
			b.Field(18).(*array.BooleanBuilder).Append(rng.IntN(2) == 0)
			b.Field(19).(*array.TimestampBuilder).Append(arrow.Timestamp(1.6e15 + rng.Int64N(1.6e14)))
			b.Field(20).(*array.Date32Builder).Append(arrow.Date32(rng.IntN(20000)))
		}
		rec := b.NewRecordBatch()
		if err := w.Write(rec); err != nil {
			tb.Fatal(err)
		}
		rec.Release()
		b.Release()
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// numbers is ten columns of integers and ten of floating point numbers, without dictionaries.
func numbers(tb testing.TB) []byte {
	tb.Helper()
	var fields []arrow.Field
	for i := range 10 {
		fields = append(fields, arrow.Field{Name: fmt.Sprint("i", i), Type: arrow.PrimitiveTypes.Int64},
			arrow.Field{Name: fmt.Sprint("f", i), Type: arrow.PrimitiveTypes.Float64})
	}
	sc := arrow.NewSchema(fields, nil)
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(sc, &out, parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDictionaryDefault(false)), pqarrow.DefaultWriterProps())
	if err != nil {
		tb.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(8, 8))
	b := array.NewRecordBuilder(memory.DefaultAllocator, sc)
	defer b.Release()
	for range *benchRows {
		for i := range 10 {
			b.Field(2 * i).(*array.Int64Builder).Append(rng.Int64N(1e9))
			b.Field(2*i + 1).(*array.Float64Builder).Append(float64(rng.IntN(1e7)) / 100)
		}
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	if err := errors.Join(w.Write(rec), w.Close()); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// readRows reads a file with sfsync: every cell as text, in batches.
func readRows(tb testing.TB, data []byte, pool *row.Pool) int {
	tb.Helper()
	f, err := reader.Open(tb.Context(), bytes.NewReader(data), int64(len(data)), reader.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	cols := make([]row.Column, len(f.Columns()))
	for i, c := range f.Columns() {
		cols[i].Name = strings.Join(c.Path, ".")
	}
	r, err := f.ReadRows(nil, row.NewSchema(cols...), pool)
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	n := 0
	for {
		batch, err := r.Next(tb.Context())
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			tb.Fatal(err)
		}
		n += batch.Len()
		batch.Free()
	}
}

// readArrow reads a file with arrow-go: to Arrow's columns, as records of as many rows as ours.
func readArrow(tb testing.TB, data []byte, parallel bool) int {
	tb.Helper()
	pf, err := file.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		tb.Fatal(err)
	}
	fr, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{BatchSize: row.MaxRows, Parallel: parallel}, memory.DefaultAllocator)
	if err != nil {
		tb.Fatal(err)
	}
	rr, err := fr.GetRecordReader(tb.Context(), nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer rr.Release()
	n := 0
	for rr.Next() {
		n += int(rr.RecordBatch().NumRows())
	}
	return n
}

// memoryFile is a file in memory as the library wants it.
type memoryFile struct {
	*bytes.Reader
	data []byte
}

func (m *memoryFile) Open(string) (librarysource.ParquetFile, error) {
	return &memoryFile{bytes.NewReader(m.data), m.data}, nil
}

func (m *memoryFile) Create(string) (librarysource.ParquetFile, error) {
	return nil, errors.New("read only")
}
func (m *memoryFile) Write([]byte) (int, error) { return 0, errors.New("read only") }
func (m *memoryFile) Close() error              { return nil }

// readLibrary reads a file with the column reader of xitongsys/parquet-go: to values of type any,
// with their levels.
func readLibrary(tb testing.TB, data []byte) int {
	tb.Helper()
	r, err := library.NewParquetColumnReader(&memoryFile{bytes.NewReader(data), data}, 1)
	if err != nil {
		tb.Fatal(err)
	}
	defer r.ReadStop()
	for c := range int64(len(r.SchemaHandler.ValueColumns)) {
		n := 0
		for n < *benchRows {
			values, _, _, err := r.ReadColumnByIndex(c, row.MaxRows)
			if err != nil || len(values) == 0 {
				tb.Fatal(err, len(values))
			}
			n += len(values)
		}
	}
	return *benchRows
}

// BenchmarkReaders has sfsync, arrow-go and xitongsys/parquet-go read all columns and rows of the
// same files in turn, so that a machine that has other things to do slows all of them, and reports
// how many times as fast sfsync is, by the best time of each: as arrow-go as it reads by default, as
// arrow-go reading columns in parallel, and as the library. The same of processor time (cpu) says
// what is left of that where there is only one processor, or a busy machine. What they deliver differs: sfsync text in row batches, as mapping
// needs it; arrow-go binary columns; the library an interface value for each value, and levels.
func BenchmarkReaders(b *testing.B) {
	for _, f := range benchFiles {
		b.Run(f.name, func(b *testing.B) {
			data := f.data(b)
			var pool row.Pool
			readers := []func() int{
				func() int { return readRows(b, data, &pool) },
				func() int { return readArrow(b, data, false) },
				func() int { return readArrow(b, data, true) },
				func() int { return readLibrary(b, data) },
			}
			best := slices.Repeat([]time.Duration{math.MaxInt64}, len(readers))
			cpu := slices.Clone(best)
			for b.Loop() {
				for i, read := range readers {
					runtime.GC() // nobody pays for what another one has left
					start, startCPU := time.Now(), cpuTime()
					if n := read(); n != *benchRows {
						b.Fatalf("reader %d: %d rows", i, n)
					}
					best[i], cpu[i] = min(best[i], time.Since(start)), min(cpu[i], cpuTime()-startCPU)
				}
			}
			b.ReportMetric(float64(*benchRows)/best[0].Seconds(), "rows/s")
			for i, name := range []string{"×arrow", "×arrow-parallel", "×library"} {
				b.ReportMetric(float64(best[i+1])/float64(best[0]), name)
				b.ReportMetric(float64(cpu[i+1])/float64(cpu[0]), "cpu"+name)
			}
		})
	}
}

// BenchmarkRows is sfsync alone.
func BenchmarkRows(b *testing.B) {
	for _, f := range benchFiles {
		b.Run(f.name, func(b *testing.B) {
			data := f.data(b)
			var pool row.Pool
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if n := readRows(b, data, &pool); n != *benchRows {
					b.Fatal(n)
				}
			}
			b.ReportMetric(float64(*benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
