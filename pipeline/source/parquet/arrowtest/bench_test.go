package arrowtest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

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

var (
	benchRows  = flag.Int("bench-rows", 100_000, "rows of the benchmark's file")
	benchGroup = flag.Int("bench-group", 50_000, "rows of its row groups")
	benchFile  = flag.String("bench-file", "", "write the benchmark's file here, too")
)

// leads is a file such as a data warehouse writes: 21 columns, snappy, dictionaries where they
// pay.
func leads(tb testing.TB, rows, group int) []byte {
	tb.Helper()
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
	w, err := pqarrow.NewFileWriter(sc, &out, parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy),
		parquet.WithMaxRowGroupLength(int64(group))), pqarrow.DefaultWriterProps())
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
	if *benchFile != "" {
		if err := os.WriteFile(*benchFile, out.Bytes(), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return out.Bytes()
}

func report(b *testing.B, rows int) {
	b.Helper()
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkRows is sfsync: every cell as text, in batches.
func BenchmarkRows(b *testing.B) {
	data := leads(b, *benchRows, *benchGroup)
	var pool row.Pool
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		f, err := reader.Open(context.Background(), bytes.NewReader(data), int64(len(data)), reader.Options{})
		if err != nil {
			b.Fatal(err)
		}
		cols := make([]row.Column, len(f.Columns()))
		for i, c := range f.Columns() {
			cols[i].Name = strings.Join(c.Path, ".")
		}
		r, err := f.ReadRows(nil, row.NewSchema(cols...), &pool)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for {
			batch, err := r.Next(context.Background())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			n += batch.Len()
			batch.Free()
		}
		r.Close()
		if n != *benchRows {
			b.Fatal(n)
		}
	}
	report(b, *benchRows)
}

// BenchmarkArrow is arrow-go, to Arrow's columns, as records of as many rows.
func BenchmarkArrow(b *testing.B) {
	data := leads(b, *benchRows, *benchGroup)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		pf, err := file.NewParquetReader(bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		fr, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{BatchSize: row.MaxRows}, memory.DefaultAllocator)
		if err != nil {
			b.Fatal(err)
		}
		rr, err := fr.GetRecordReader(context.Background(), nil, nil)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for rr.Next() {
			n += int(rr.RecordBatch().NumRows())
		}
		rr.Release()
		if n != *benchRows {
			b.Fatal(n)
		}
	}
	report(b, *benchRows)
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

// BenchmarkLibrary is the column reader of xitongsys/parquet-go.
func BenchmarkLibrary(b *testing.B) {
	data := leads(b, *benchRows, *benchGroup)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := library.NewParquetColumnReader(&memoryFile{bytes.NewReader(data), data}, 1)
		if err != nil {
			b.Fatal(err)
		}
		columns := int64(len(r.SchemaHandler.ValueColumns))
		for c := range columns {
			n := 0
			for n < *benchRows {
				values, _, _, err := r.ReadColumnByIndex(c, row.MaxRows)
				if err != nil || len(values) == 0 {
					b.Fatal(err, len(values))
				}
				n += len(values)
			}
		}
		r.ReadStop()
	}
	report(b, *benchRows)
}
