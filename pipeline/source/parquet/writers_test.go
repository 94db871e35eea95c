package parquet_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"sfsync/pipeline/source/parquet"
	pt "sfsync/pipeline/source/parquet/parquettest"
)

// The tests of this file hold what writers of Parquet do differently: each was found in a file of
// one of them, or is allowed by the format and written by none of those at hand.

// Compressions as numbered in parquet.thrift.
const (
	codecSnappy = 1
	codecGzip   = 2
	codecBrotli = 4
	codecLZ4    = 5
	codecZstd   = 6
	codecLZ4Raw = 7
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// through packs by a writer.
func through(w interface {
	Write(p []byte) (int, error)
	Close() error
}, buf *bytes.Buffer, page []byte,
) []byte {
	must(w.Write(page))
	if err := w.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func packGzip(page []byte) []byte {
	var b bytes.Buffer
	return through(gzip.NewWriter(&b), &b, page)
}

func packLZ4(page []byte) []byte {
	var c lz4.Compressor
	dst := make([]byte, lz4.CompressBlockBound(len(page)))
	return dst[:must(c.CompressBlock(page, dst))]
}

func packFrame(page []byte, opt ...lz4.Option) []byte {
	var b bytes.Buffer
	w := lz4.NewWriter(&b)
	if err := w.Apply(opt...); err != nil {
		panic(err)
	}
	return through(w, &b, page)
}

func packZstd(page []byte, opt ...zstd.EOption) []byte {
	w := must(zstd.NewWriter(nil, append(opt, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))...))
	return w.EncodeAll(page, nil)
}

// streamed is zstd of a size that is not known at the beginning.
func streamed(page []byte, opt ...zstd.EOption) []byte {
	var b bytes.Buffer
	w := must(zstd.NewWriter(&b, append(opt, zstd.WithEncoderConcurrency(1))...))
	must(w.Write(page[:len(page)/2]))
	if err := w.Flush(); err != nil {
		panic(err)
	}
	return through(w, &b, page[len(page)/2:])
}

// diff is cmp.Diff for many rows, most of which are equal.
func diff(want, got [][]string) string {
	if slices.EqualFunc(want, got, slices.Equal) {
		return ""
	}
	return cmp.Diff(want, got)
}

func sizes(n ...int) []byte {
	var b []byte
	for _, v := range n {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	return b
}

// packings are compressions and the ways in which writers use them.
var packings = []struct {
	name  string
	codec int
	pack  func(page []byte) []byte
}{
	{"snappy", codecSnappy, func(p []byte) []byte { return s2.EncodeSnappy(nil, p) }},
	{"gzip", codecGzip, packGzip},
	{"gzip of several members, one of them empty", codecGzip, func(p []byte) []byte {
		return slices.Concat(packGzip(p[:len(p)/3]), packGzip(nil), packGzip(p[len(p)/3:]))
	}},
	{"zlib instead of gzip", codecGzip, func(p []byte) []byte {
		var b bytes.Buffer
		return through(zlib.NewWriter(&b), &b, p)
	}},
	{"brotli", codecBrotli, func(p []byte) []byte {
		var b bytes.Buffer
		return through(brotli.NewWriterLevel(&b, 5), &b, p)
	}},
	{"lz4_raw", codecLZ4Raw, packLZ4},
	{"lz4 as Hadoop writes it", codecLZ4, func(p []byte) []byte {
		c := packLZ4(p)
		return append(sizes(len(p), len(c)), c...)
	}},
	{"lz4 of Hadoop in several blocks", codecLZ4, func(p []byte) []byte {
		a, b := p[:len(p)/2], p[len(p)/2:]
		ca, cb := packLZ4(a), packLZ4(b)
		return slices.Concat(sizes(len(a), len(ca)), ca, sizes(len(b), len(cb)), cb)
	}},
	{"lz4 of Hadoop in a block of several pieces", codecLZ4, func(p []byte) []byte {
		out := sizes(len(p))
		for piece := range slices.Chunk(p, max(len(p)/3, 1)) {
			c := packLZ4(piece)
			out = slices.Concat(out, sizes(len(c)), c)
		}
		return out
	}},
	{"lz4 as a bare block", codecLZ4, packLZ4},
	{"lz4 as a frame", codecLZ4, func(p []byte) []byte { return packFrame(p) }},
	{"lz4 as a frame with checksums and size", codecLZ4, func(p []byte) []byte {
		return packFrame(p, lz4.BlockChecksumOption(true), lz4.ChecksumOption(true), lz4.SizeOption(uint64(len(p))), lz4.BlockSizeOption(lz4.Block64Kb))
	}},
	{"zstd", codecZstd, func(p []byte) []byte { return packZstd(p) }},
	{"zstd without a checksum", codecZstd, func(p []byte) []byte { return packZstd(p, zstd.WithEncoderCRC(false)) }},
	{"zstd of several frames, one to be skipped", codecZstd, func(p []byte) []byte {
		skip := []byte{0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 's', 'k', 'i', 'p'}
		return slices.Concat(skip, packZstd(p[:len(p)/2]), packZstd(p[len(p)/2:]))
	}},
	{"zstd of unknown size", codecZstd, func(p []byte) []byte { return streamed(p) }},
	{"zstd of unknown size with a window of 512 MiB", codecZstd, func(p []byte) []byte {
		c := streamed(p, zstd.WithWindowSize(1<<20))
		c[5] = (29 - 10) << 3 // RFC 8878, Window_Descriptor; a writer with such a window takes as much memory
		return c
	}},
}

// TestPackings: pages packed in every way that is in use; and cut short at any byte they are an
// error or, where nothing that counts is missing, the same rows.
func TestPackings(t *testing.T) {
	t.Parallel()
	g := pt.RowGroup{Rows: 400, Leaves: make([][]pt.Entry, 1)}
	var want [][]string
	for i := range g.Rows {
		v := fmt.Sprintf("value %d of a few", i%17)
		g.Leaves[0] = append(g.Leaves[0], pt.Entry{Def: 1, Value: []byte(v)})
		want = append(want, []string{"text:" + v})
	}
	for _, p := range packings {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			for i := range 8 {
				o := pt.Options{Codec: p.codec, Pack: p.pack, Dictionary: i&1 > 0, V2: i&2 > 0, Checksums: i&4 > 0, PageSize: 300 * (i & 1)}
				_, rows, err := read(pt.Write([]pt.Node{text("s", pt.Optional)}, []pt.RowGroup{g, g}, o), parquet.Options{})
				if err != nil {
					t.Fatalf("%+v: %v", o, err)
				}
				if d := diff(append(want[:len(want):len(want)], want...), rows); d != "" {
					t.Fatalf("%+v: (-want +got)\n%s", o, d)
				}
			}
			small := pt.RowGroup{Rows: 20, Leaves: [][]pt.Entry{g.Leaves[0][:20]}}
			var whole []byte
			for cut := range 80 {
				o := pt.Options{Codec: p.codec, Pack: func(page []byte) []byte {
					if whole == nil {
						whole = p.pack(page)
					}
					return whole[:max(len(whole)-1-cut, 0)]
				}}
				_, rows, err := read(pt.Write([]pt.Node{text("s", pt.Optional)}, []pt.RowGroup{small}, o), parquet.Options{})
				if errors.Is(err, parquet.ErrInternal) {
					t.Fatal(err)
				}
				if err == nil && !cmp.Equal(want[:20], rows) {
					t.Fatalf("%d bytes less: %q", cut+1, rows)
				}
			}
		})
	}
}

// TestUnpackedMore: a page that unpacks to more than it says is an error, however much more.
func TestUnpackedMore(t *testing.T) {
	t.Parallel()
	g := pt.RowGroup{Rows: 1, Leaves: [][]pt.Entry{entries(0, 0, "a")}}
	for _, p := range packings {
		for _, more := range []int{1, 100, 1 << 20} {
			o := pt.Options{Codec: p.codec, Pack: func(page []byte) []byte { return p.pack(append(bytes.Clone(page), make([]byte, more)...)) }}
			if _, rows, err := read(pt.Write([]pt.Node{text("s", pt.Required)}, []pt.RowGroup{g}, o), parquet.Options{}); err == nil || errors.Is(err, parquet.ErrInternal) {
				t.Errorf("%s, %d bytes more: %q, %v", p.name, more, rows, err)
			}
		}
	}
}

// encodings are those of the physical types, with values that are hard for them.
var encodings = []struct {
	typ, length int
	value       func(i int) []byte
	encodings   []pt.Encoding
}{
	{pt.Boolean, 0, func(i int) []byte { return []byte{byte(i / 9 & 1)} }, []pt.Encoding{pt.RLE}},
	{pt.Int32, 0, func(i int) []byte { return i32(extreme(i, math.MinInt32, math.MaxInt32, int32(i*i))) }, []pt.Encoding{pt.Delta, pt.Split}},
	{pt.Int64, 0, func(i int) []byte { return i64(extreme(i, math.MinInt64, math.MaxInt64, int64(i)*1e12)) }, []pt.Encoding{pt.Delta, pt.Split}},
	{pt.Float, 0, func(i int) []byte { return f32(float32(i) / 4) }, []pt.Encoding{pt.Split}},
	{pt.Double, 0, func(i int) []byte { return f64(float64(i) / 3) }, []pt.Encoding{pt.Split}},
	{pt.Bytes, 0, func(i int) []byte { return fmt.Appendf(nil, "%s%d", strings.Repeat("prefix ", i/30%4), i) }, []pt.Encoding{pt.DeltaLen, pt.DeltaBytes}},
	{pt.Fixed, 7, func(i int) []byte { return fmt.Appendf(nil, "%07d", i*i) }, []pt.Encoding{pt.DeltaBytes, pt.Split}},
}

// extreme is one of the extremes now and then.
func extreme[T any](i int, least, most, usual T) T {
	switch i % 100 {
	case 7:
		return least
	case 8:
		return most
	}
	return usual
}

// TestEncodings: every encoding of every physical type that has it, with and without nulls, in
// many pages and in one.
func TestEncodings(t *testing.T) {
	t.Parallel()
	for _, tt := range encodings {
		var values [][]byte
		for i := range 700 {
			values = append(values, tt.value(i))
		}
		for _, rep := range []int{pt.Required, pt.Optional} {
			n := pt.Node{Name: "v", Repetition: rep, Type: tt.typ, Length: tt.length}
			if tt.typ == pt.Bytes {
				n.Logical = 1
			}
			g := pt.RowGroup{Leaves: make([][]pt.Entry, 1)}
			for i, v := range values {
				g.Leaves[0] = append(g.Leaves[0], pt.Entry{Def: rep, Value: v})
				if rep == pt.Optional && (i%5 == 0 || i > 200 && i < 260) {
					g.Leaves[0] = append(g.Leaves[0], pt.Entry{})
				}
			}
			g.Rows = len(g.Leaves[0])
			nulls := pt.RowGroup{Rows: 40, Leaves: [][]pt.Entry{make([]pt.Entry, 40*rep)}}
			groups := []pt.RowGroup{g}
			if rep == pt.Optional {
				groups = append(groups, nulls, g)
			}
			_, want, err := read(pt.Write([]pt.Node{n}, groups, pt.Options{}), parquet.Options{})
			if err != nil || len(want) < len(values) {
				t.Fatal(err)
			}
			for _, n.Encoding = range tt.encodings {
				for o := range every {
					_, rows, err := read(pt.Write([]pt.Node{n}, groups, o), parquet.Options{})
					if err != nil {
						t.Errorf("type %d, encoding %d, %+v: %v", tt.typ, n.Encoding, o, err)
						continue
					}
					if d := diff(want, rows); d != "" {
						t.Fatalf("type %d, encoding %d, %+v: (-plain +got)\n%s", tt.typ, n.Encoding, o, d)
					}
				}
			}
		}
	}
}

// quirks are what some writers do differently.
var quirks = []struct {
	name   string
	quirks pt.Quirks
	packed bool
}{
	{"pages that are not packed and say so", pt.Quirks{Stored: true}, true},
	{"levels as BIT_PACKED", pt.Quirks{OldLevels: true}, false},
	{"no rows in the footer (parquet-rs 0.3)", pt.Quirks{NoRowCount: true}, false},
	{"a dictionary that no offset leads to (fastparquet, parquet-mr 1.2)", pt.Quirks{NoDictOffset: true}, false},
	{"a dictionary at 0", pt.Quirks{ZeroDict: true}, false},
	{"chunks without the header of their dictionary (parquet-mr 1.2.8)", pt.Quirks{ShortChunks: true}, false},
	{"pages of other kinds in between", pt.Quirks{Between: true}, true},
	{"nothing packed to nothing (parquet-mr)", pt.Quirks{NothingStored: true}, true},
	{"fields of a later version", pt.Quirks{MoreFields: true}, false},
}

// TestQuirks: what some writers do differently changes no value.
func TestQuirks(t *testing.T) {
	t.Parallel()
	fields, g := sample()
	fields = append(fields, text("empty", pt.Optional))
	g.Leaves = append(g.Leaves, make([]pt.Entry, g.Rows))
	_, want, err := read(pt.Write(fields, []pt.RowGroup{g, g}, pt.Options{}), parquet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range quirks {
		for o := range every {
			o.Quirks = tt.quirks
			if tt.packed && !o.Snappy {
				o.Codec, o.Pack = codecLZ4Raw, packLZ4
			}
			_, rows, err := read(pt.Write(fields, []pt.RowGroup{g, g}, o), parquet.Options{})
			if err != nil {
				t.Errorf("%s, %+v: %v", tt.name, o, err)
				continue
			}
			if d := diff(want, rows); d != "" {
				t.Fatalf("%s, %+v: (-want +got)\n%s", tt.name, o, d)
			}
		}
	}
}

// TestUnknownLogical: a logical type that is not known yet leaves the stored values, as the format
// asks.
func TestUnknownLogical(t *testing.T) {
	t.Parallel()
	for _, logical := range []int{16, 17, 18, 99} {
		n := pt.Node{Name: "v", Type: pt.Int32, Logical: logical}
		cols, rows, err := read(pt.Write([]pt.Node{n}, []pt.RowGroup{{Rows: 1, Leaves: [][]pt.Entry{entries(0, 0, i32(7))}}}, pt.Options{}), parquet.Options{})
		if err != nil || cols[0] != "v int32" || rows[0][0] != "number:7" {
			t.Errorf("%d: %q %q %v", logical, cols, rows, err)
		}
	}
}

// TestNoData: files without rows, row groups or columns.
func TestNoData(t *testing.T) {
	t.Parallel()
	one := pt.RowGroup{Rows: 1, Leaves: [][]pt.Entry{entries(0, 0, "a")}}
	none := pt.RowGroup{Leaves: make([][]pt.Entry, 1)}
	tests := []struct {
		name   string
		fields []pt.Node
		groups []pt.RowGroup
		rows   int
	}{
		{"no row groups", []pt.Node{text("s", pt.Required)}, nil, 0},
		{"a row group without rows", []pt.Node{text("s", pt.Required)}, []pt.RowGroup{none}, 0},
		{"row groups without rows among others", []pt.Node{text("s", pt.Required)}, []pt.RowGroup{none, one, none, none, one, none}, 2},
		{"no columns", nil, nil, 0},
		{"no columns, rows", nil, []pt.RowGroup{{Rows: 3}}, 3},
	}
	for _, tt := range tests {
		for o := range every {
			cols, rows, err := read(pt.Write(tt.fields, tt.groups, o), parquet.Options{})
			if err != nil || len(rows) != tt.rows || len(cols) != len(tt.fields) {
				t.Errorf("%s, %+v: %q %q %v", tt.name, o, cols, rows, err)
			}
		}
	}
}
