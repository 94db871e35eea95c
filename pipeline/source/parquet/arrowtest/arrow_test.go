// Package arrowtest holds what sfsync reads of Parquet files against what arrow-go wrote. It is
// a module of its own so that nothing of it, nor of its dependencies, is part of sfsync.
package arrowtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"sfsync/pipeline/row"
	reader "sfsync/pipeline/source/parquet"
)

var (
	files = flag.Int("files", 400, "files to write and read back")
	many  = flag.Bool("many", false, "only files with so many cells that several workers read them")
	seed  = flag.Uint64("seed", 1, "seed of the first file; the next ones count up")
)

var localTimestamp = regexp.MustCompile(`timestamp\[\w+\]`)

// table is random data.
type table struct {
	fields []field
	rows   [][]any
}

func randomTable(rng *rand.Rand) table {
	t := table{fields: make([]field, 1+rng.IntN(5))}
	for i := range t.fields {
		t.fields[i] = field{fmt.Sprintf("c%d", i), rng.IntN(3) > 0, nested(rng, 1+rng.IntN(3))}
	}
	n := []int{0, 1, 3, 20, 100, 300, 1000, 5000}[rng.IntN(8)]
	if n > 300 && rng.IntN(4) > 0 {
		n /= 10
	}
	if rng.IntN(200) == 0 || *many {
		n = 20_000 / len(t.fields) // so many cells are read by several workers
	}
	t.rows = make([][]any, n)
	run := 0 // rows of one kind: nulls and repeats come in runs too
	for i := range t.rows {
		r := make([]any, len(t.fields))
		if run > 0 {
			run--
			copy(r, t.rows[i-1])
		} else {
			for c, f := range t.fields {
				r[c] = maybe(rng, f.nullable, f.value)
			}
			if rng.IntN(30) == 0 {
				run = rng.IntN(200)
			}
		}
		t.rows[i] = r
	}
	return t
}

func (t table) schema() *arrow.Schema {
	fields := make([]arrow.Field, len(t.fields))
	for i, f := range t.fields {
		fields[i] = arrow.Field{Name: f.name, Type: f.typ, Nullable: f.nullable}
	}
	return arrow.NewSchema(fields, nil)
}

// local reports whether there is a timestamp without a zone, which INT96 cannot tell from one
// with a zone.
func (t table) local() bool {
	return localTimestamp.MatchString(t.schema().String())
}

// write writes the table with random properties.
func (t table) write(rng *rand.Rand) (data []byte, how string, err error) {
	defer func() {
		if p := recover(); p != nil { // arrow-go cannot write everything
			err = fmt.Errorf("arrow-go: %v", p)
		}
	}()
	sc := t.schema()
	arrowProps := []pqarrow.WriterOption{}
	if rng.IntN(2) == 0 {
		arrowProps = append(arrowProps, pqarrow.WithStoreSchema())
	}
	if rng.IntN(2) == 0 && !t.local() {
		arrowProps = append(arrowProps, pqarrow.WithDeprecatedInt96Timestamps(true))
		how += " int96"
	}
	ap := pqarrow.NewArrowWriterProperties(arrowProps...)
	props := []parquet.WriterProperty{parquet.WithVersion(parquet.V2_LATEST)}
	if rng.IntN(2) == 0 {
		props = append(props, parquet.WithDataPageVersion(parquet.DataPageV2))
		how += " v2"
	}
	pageSize := []int64{1, 64, 512, 4096, 1 << 20}[rng.IntN(5)]
	props = append(props, parquet.WithDataPageSize(pageSize),
		parquet.WithBatchSize([]int64{1, 7, 64, 1024}[rng.IntN(4)]), parquet.WithStats(rng.IntN(2) == 0),
		parquet.WithPageIndexEnabled(rng.IntN(4) == 0), parquet.WithStoreDecimalAsInteger(rng.IntN(2) == 0),
		parquet.WithDictionaryPageSizeLimit([]int64{64, 1024, 1 << 20}[rng.IntN(3)]))
	plain, err := pqarrow.ToParquet(sc, parquet.NewWriterProperties(props...), ap)
	if err != nil {
		return nil, how, err
	}
	codecs := []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Brotli, compress.Codecs.Zstd, compress.Codecs.Lz4Raw}
	one := rng.IntN(2) == 0
	codec := codecs[rng.IntN(len(codecs))]
	for i := range plain.NumColumns() {
		c := plain.Column(i)
		if !one {
			codec = codecs[rng.IntN(len(codecs))]
		}
		dict := rng.IntN(2) == 0
		enc := encodings[c.PhysicalType()]
		e := enc[rng.IntN(len(enc))]
		if e == parquet.Encodings.RLE && pageSize < 1<<20 {
			e = parquet.Encodings.Plain // arrow-go 18.8 writes the first page's values into all of a chunk
		}
		props = append(props, parquet.WithCompressionFor(c.Path(), codec), parquet.WithDictionaryFor(c.Path(), dict), parquet.WithEncodingFor(c.Path(), e))
		how += fmt.Sprintf(" %s:%v/%v/%v/%v", c.Path(), c.PhysicalType(), codec, e, dict)
	}
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(sc, &out, parquet.NewWriterProperties(props...), ap)
	if err != nil {
		return nil, how, err
	}
	size := max(1, []int{len(t.rows), len(t.rows), 7, 100}[rng.IntN(4)])
	how += fmt.Sprintf(" row groups of %d", size)
	for from := 0; from < len(t.rows) || from == 0; from += size {
		b := array.NewRecordBuilder(memory.DefaultAllocator, sc)
		for _, r := range t.rows[from:min(from+size, len(t.rows))] {
			for c, f := range t.fields {
				add(b.Field(c), f.value, r[c])
			}
		}
		rec := b.NewRecordBatch()
		err := w.Write(rec)
		rec.Release()
		b.Release()
		if err != nil {
			return nil, how, err
		}
	}
	err = w.Close()
	return out.Bytes(), how, err
}

var encodings = map[parquet.Type][]parquet.Encoding{
	parquet.Types.Boolean:           {parquet.Encodings.Plain, parquet.Encodings.RLE},
	parquet.Types.Int32:             {parquet.Encodings.Plain, parquet.Encodings.DeltaBinaryPacked, parquet.Encodings.ByteStreamSplit},
	parquet.Types.Int64:             {parquet.Encodings.Plain, parquet.Encodings.DeltaBinaryPacked, parquet.Encodings.ByteStreamSplit},
	parquet.Types.Int96:             {parquet.Encodings.Plain},
	parquet.Types.Float:             {parquet.Encodings.Plain, parquet.Encodings.ByteStreamSplit},
	parquet.Types.Double:            {parquet.Encodings.Plain, parquet.Encodings.ByteStreamSplit},
	parquet.Types.ByteArray:         {parquet.Encodings.Plain, parquet.Encodings.DeltaLengthByteArray, parquet.Encodings.DeltaByteArray},
	parquet.Types.FixedLenByteArray: {parquet.Encodings.Plain, parquet.Encodings.DeltaByteArray, parquet.Encodings.ByteStreamSplit},
}

// column is a column as sfsync should show it: a field, or one of a structure's.
type column struct {
	name string
	get  func(r []any) string
}

func columns(prefix string, fields []field, get func(r []any) []any) []column {
	var out []column
	for i, f := range fields {
		at := func(r []any) any {
			if v := get(r); v != nil {
				return v[i]
			}
			return nil
		}
		if f.fields == nil {
			out = append(out, column{prefix + f.name, func(r []any) string { return toJSON(f.value, at(r)) }})
			continue
		}
		out = append(out, columns(prefix+f.name+".", f.fields, func(r []any) []any {
			v, _ := at(r).([]any)
			return v
		})...)
	}
	return out
}

// cellJSON is a cell as JSON.
func cellJSON(c row.Cell) string {
	switch c.Kind() {
	case row.Null:
		return "null"
	case row.Number, row.Bool, row.JSON:
		return c.Text
	case row.Text:
		return quoted(c.Text)
	}
	return c.Kind().String()
}

// canonical makes two spellings of one JSON text equal.
func canonical(s string) string {
	if !strings.ContainsAny(s, `{["`) {
		return s
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "no JSON: " + s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "no JSON: " + s
	}
	return string(b)
}

// compare reads data and compares it with the table.
func (t table) compare(data []byte) error {
	ctx := context.Background()
	f, err := reader.Open(ctx, bytes.NewReader(data), int64(len(data)), reader.Options{})
	if err != nil {
		return err
	}
	want := columns("", t.fields, func(r []any) []any { return r })
	if len(f.Columns()) != len(want) || f.Rows() != int64(len(t.rows)) {
		return fmt.Errorf("%d columns and %d rows, want %d and %d", len(f.Columns()), f.Rows(), len(want), len(t.rows))
	}
	cols := make([]row.Column, len(want))
	for i, c := range f.Columns() {
		cols[i].Name = strings.Join(c.Path, ".")
		if cols[i].Name != want[i].name {
			return fmt.Errorf("column %d is %s, want %s", i, cols[i].Name, want[i].name)
		}
	}
	schema, pool := row.NewSchema(cols...), row.Pool{}
	r, err := f.ReadRows(nil, schema, &pool)
	if err != nil {
		return err
	}
	defer r.Close()
	for n := 0; ; {
		b, err := r.Next(ctx)
		switch {
		case errors.Is(err, io.EOF) && n == len(t.rows):
			return nil
		case err != nil:
			return fmt.Errorf("after %d of %d rows: %w", n, len(t.rows), err)
		}
		for i := range b.Len() {
			if p, bad := b.Problem(i); bad {
				return fmt.Errorf("row %d: %v", n, p)
			}
			if n == len(t.rows) || b.Line(i) != int64(n+1) {
				return fmt.Errorf("row %d of %d is numbered %d", n, len(t.rows), b.Line(i))
			}
			for c := range want {
				text, exp := cellJSON(b.Cell(i, c)), want[c].get(t.rows[n])
				if text != exp && canonical(text) != canonical(exp) {
					return fmt.Errorf("row %d, column %s: %s, want %s", n, want[c].name, text, exp)
				}
			}
			n++
		}
		b.Free()
	}
}

// sound reports whether arrow-go can read what it wrote: a column of several megabytes gets a wrong
// offset in version 18.8.
func sound(data []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("arrow-go: %v", p)
		}
	}()
	tab, err := pqarrow.ReadTable(context.Background(), bytes.NewReader(data), nil, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err == nil {
		tab.Release()
	}
	return err
}

// TestDifferential writes random tables with arrow-go and reads them back.
func TestDifferential(t *testing.T) {
	refused, broken, bytes := 0, 0, 0
	for i := range *files {
		s := *seed + uint64(i)
		rng := rand.New(rand.NewPCG(s, 0))
		tab := randomTable(rng)
		data, how, err := tab.write(rng)
		if err != nil {
			if refused++; refused <= 5 {
				t.Logf("seed %d: not written: %v", s, err)
			}
			continue
		}
		bytes += len(data)
		if err := tab.compare(data); err != nil {
			if own := sound(data); own != nil {
				broken++
				t.Logf("seed %d: arrow-go cannot read it: %v; nor can sfsync: %v", s, own, err)
				continue
			}
			if t.Errorf("seed %d: %s: %v", s, how, err); i > 2000 {
				t.FailNow()
			}
		}
	}
	t.Logf("%d files of %d bytes read back equal; arrow-go could not write %d, nor read %d of its own", *files-refused-broken, bytes, refused, broken)
	if refused > *files/4 {
		t.Errorf("arrow-go wrote only %d of %d files", *files-refused, *files)
	}
}
