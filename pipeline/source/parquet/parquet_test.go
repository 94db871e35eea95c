package parquet_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet"
	pt "sfsync/pipeline/source/parquet/parquettest"
)

// every is all ways in which the test writer writes.
func every(yield func(pt.Options) bool) {
	for i := range 32 {
		o := pt.Options{Snappy: i&1 > 0, Dictionary: i&2 > 0, V2: i&4 > 0, Checksums: i&8 > 0}
		if i&16 > 0 {
			o.PageSize = 3
		}
		if !yield(o) {
			return
		}
	}
}

// read returns the columns and the rows of a file, each cell as kind:text.
func read(data []byte, opt parquet.Options) (cols []string, rows [][]string, err error) {
	ctx := context.Background()
	f, err := parquet.Open(ctx, bytes.NewReader(data), int64(len(data)), opt)
	if err != nil {
		return nil, nil, err
	}
	columns := make([]row.Column, len(f.Columns()))
	for i, c := range f.Columns() {
		columns[i] = row.Column{Name: strings.Join(c.Path, "."), Type: c.Type}
		cols = append(cols, columns[i].Name+" "+c.Type)
	}
	r, err := f.Read(nil)
	if err != nil {
		return cols, nil, err
	}
	defer r.Close()
	schema := row.NewSchema(columns...)
	for {
		b := row.New(schema)
		err := r.Fill(ctx, b)
		for i := range b.Len() {
			if b.Line(i) != int64(len(rows)+1) {
				return cols, rows, fmt.Errorf("row %d has the line %d", len(rows)+1, b.Line(i))
			}
			var cells []string
			if p, bad := b.Problem(i); bad {
				cells = append(cells, p.Code+": "+p.Message, b.Raw(i))
			} else {
				for c := range columns {
					cell := b.Cell(i, c)
					cells = append(cells, cell.Kind().String()+":"+cell.Text)
				}
			}
			rows = append(rows, cells)
		}
		if errors.Is(err, io.EOF) {
			return cols, rows, nil
		}
		if err != nil {
			return cols, rows, err
		}
	}
}

func i32(v int32) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }
func i64(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }
func f64(v float64) []byte {
	return i64(int64(math.Float64bits(v)))
}
func f32(v float32) []byte { return i32(int32(math.Float32bits(v))) }

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// TestTexts: the text of every type.
func TestTexts(t *testing.T) {
	t.Parallel()
	type value struct {
		stored []byte
		want   string
	}
	tests := []struct {
		node   pt.Node
		typ    string
		values []value
	}{
		{pt.Node{Type: pt.Boolean}, "boolean", []value{{[]byte{1}, "bool:true"}, {[]byte{0}, "bool:false"}}},
		{pt.Node{Type: pt.Int32}, "int32", []value{{i32(-5), "number:-5"}, {i32(math.MinInt32), "number:-2147483648"}}},
		{pt.Node{Type: pt.Int64}, "int64", []value{{i64(math.MinInt64), "number:-9223372036854775808"}}},
		{pt.Node{Type: pt.Int32, Logical: 10, Bits: 8, Signed: true}, "int8", []value{{i32(-128), "number:-128"}}},
		{pt.Node{Type: pt.Int32, Logical: 10, Bits: 32}, "uint32", []value{{i32(-1), "number:4294967295"}}},
		{pt.Node{Type: pt.Int64, Logical: 10, Bits: 64}, "uint64", []value{{i64(-1), "number:18446744073709551615"}}},
		{pt.Node{Type: pt.Float}, "float", []value{{f32(0.1), "number:0.1"}, {f32(16777216), "number:16777216"}}},
		{pt.Node{Type: pt.Double}, "double", []value{
			{f64(0.1), "number:0.1"},
			{f64(1e21), "number:1e+21"},
			{f64(1e20), "number:100000000000000000000"},
			{f64(1e-7), "number:1e-07"},
			{f64(123456.75), "number:123456.75"},
			{f64(math.NaN()), "text:NaN"},
			{f64(math.Inf(1)), "text:Infinity"},
			{f64(math.Inf(-1)), "text:-Infinity"},
			{f64(0), "number:0"},
		}},
		{pt.Node{Type: pt.Fixed, Length: 2, Logical: 15}, "float16", []value{
			{unhex("003c"), "number:1"}, {unhex("662e"), "number:0.1"}, {unhex("ff7b"), "number:65500"}, {unhex("0100"), "number:6e-08"}, {unhex("007e"), "text:NaN"}, {unhex("00fc"), "text:-Infinity"}, {unhex("0080"), "number:-0"},
		}},
		{pt.Node{Type: pt.Int32, Logical: 5, Scale: 2, Precision: 9}, "decimal(9,2)", []value{{i32(105), "number:1.05"}, {i32(-5), "number:-0.05"}, {i32(150), "number:1.50"}, {i32(0), "number:0.00"}}},
		{pt.Node{Type: pt.Int64, Logical: 5, Precision: 18}, "decimal(18,0)", []value{{i64(math.MinInt64), "number:-9223372036854775808"}}},
		{pt.Node{Type: pt.Bytes, Logical: 5, Scale: 3, Precision: 40}, "decimal(40,3)", []value{
			{unhex("69"), "number:0.105"},
			{unhex("ff"), "number:-0.001"},
			{unhex("00 ff"), "number:0.255"},
			{unhex("0de0b6b3a7640000 00"), "number:256000000000000000.000"},
			{unhex("ff 7fffffffffffffff"), "number:-9223372036854775.809"},
			{unhex("80 00000000000000 00"), "number:-2361183241434822606.848"},
		}},
		{pt.Node{Type: pt.Fixed, Length: 16, Logical: 5, Scale: 38, Precision: 38}, "decimal(38,38)", []value{
			{unhex("00000000000000000000000000000001"), "number:0." + strings.Repeat("0", 37) + "1"}, {unhex("ffffffffffffffffffffffffffffffff"), "number:-0." + strings.Repeat("0", 37) + "1"},
		}},
		{pt.Node{Type: pt.Int32, Logical: 6}, "date", []value{
			{i32(0), "text:1970-01-01"}, {i32(-1), "text:1969-12-31"}, {i32(11016), "text:2000-02-29"}, {i32(2932896), "text:9999-12-31"}, {i32(2932897), "text:+10000-01-01"}, {i32(-719528), "text:0000-01-01"}, {i32(-719529), "text:-0001-12-31"},
		}},
		{pt.Node{Type: pt.Int32, Logical: 7, Unit: 1, UTC: true}, "time(ms, UTC)", []value{{i32(36000500), "text:10:00:00.500Z"}, {i32(86399999), "text:23:59:59.999Z"}}},
		{pt.Node{Type: pt.Int64, Logical: 7, Unit: 3}, "time(ns)", []value{{i64(1), "text:00:00:00.000000001"}, {i64(-1), "text:-00:00:00.000000001"}, {i64(86400e9), "text:24:00:00"}}},
		{pt.Node{Type: pt.Int64, Logical: 8, Unit: 1, UTC: true}, "timestamp(ms, UTC)", []value{{i64(0), "text:1970-01-01T00:00:00Z"}, {i64(-1), "text:1969-12-31T23:59:59.999Z"}, {i64(math.MinInt64), "text:-292275055-05-16T16:47:04.192Z"}}},
		{pt.Node{Type: pt.Int64, Logical: 8, Unit: 2}, "timestamp(us)", []value{{i64(1600000000123456), "text:2020-09-13T12:26:40.123456"}, {i64(math.MaxInt64), "text:+294247-01-10T04:00:54.775807"}}},
		{pt.Node{Type: pt.Int64, Logical: 8, Unit: 3, UTC: true}, "timestamp(ns, UTC)", []value{{i64(1600000000000000001), "text:2020-09-13T12:26:40.000000001Z"}, {i64(math.MinInt64), "text:1677-09-21T00:12:43.145224192Z"}}},
		{pt.Node{Type: pt.Int96}, "timestamp(int96)", []value{{append(i64(0), i32(2440588)...), "text:1970-01-01T00:00:00Z"}, {append(i64(86399999999999), i32(2440587)...), "text:1969-12-31T23:59:59.999999999Z"}, {append(i64(-1), i32(2440588)...), "text:1969-12-31T23:59:59.999999999Z"}}},
		{pt.Node{Type: pt.Bytes, Logical: 1}, "string", []value{{[]byte(""), "text:"}, {[]byte("Zoë"), "text:Zoë"}}},
		{pt.Node{Type: pt.Bytes, Logical: 4}, "enum", []value{{[]byte("A"), "text:A"}}},
		{pt.Node{Type: pt.Bytes, Logical: 12}, "json", []value{
			{[]byte("{\"a\": [1,\n2]}"), `json:{"a":[1,2]}`}, {[]byte(`"x\ny"`), "text:x\ny"}, {[]byte("1.50"), "number:1.50"}, {[]byte("true"), "bool:true"}, {[]byte("null"), "null:"}, {[]byte("{no"), "text:{no"}, {[]byte(""), "text:"},
		}},
		{pt.Node{Type: pt.Fixed, Length: 16, Logical: 14}, "uuid", []value{{unhex("00112233445566778899aabbccddeeff"), "text:00112233-4455-6677-8899-aabbccddeeff"}}},
		{pt.Node{Type: pt.Bytes}, "binary", []value{{unhex("00ff10"), "text:AP8Q"}, {nil, "text:"}}},
		{pt.Node{Type: pt.Fixed, Length: 3}, "binary(3)", []value{{unhex("00ff10"), "text:AP8Q"}}},
		{pt.Node{Type: pt.Double, Logical: 6}, "double", []value{{f64(2), "number:2"}}}, // a date cannot be a double
	}
	for _, tt := range tests {
		tt.node.Name = "v"
		for _, rep := range []int{pt.Required, pt.Optional} {
			tt.node.Repetition = rep
			g := pt.RowGroup{Leaves: make([][]pt.Entry, 1)}
			var want [][]string
			for _, v := range append(tt.values, tt.values...) {
				g.Leaves[0] = append(g.Leaves[0], pt.Entry{Def: rep, Value: v.stored})
				want = append(want, []string{v.want})
				if rep == pt.Optional {
					g.Leaves[0] = append(g.Leaves[0], pt.Entry{})
					want = append(want, []string{"null:"})
				}
			}
			g.Rows = len(want)
			for o := range every {
				cols, rows, err := read(pt.Write([]pt.Node{tt.node}, []pt.RowGroup{g, g}, o), parquet.Options{})
				if err != nil {
					t.Errorf("%s %+v: %v", tt.typ, o, err)
					continue
				}
				if cols[0] != "v "+tt.typ {
					t.Errorf("%s: column %s", tt.typ, cols[0])
				}
				if d := cmp.Diff(append(want[:len(want):len(want)], want...), rows); d != "" {
					t.Fatalf("%s %+v: (-want +got)\n%s", tt.typ, o, d)
				}
			}
		}
	}
}

func text(name string, rep int) pt.Node {
	return pt.Node{Name: name, Repetition: rep, Type: pt.Bytes, Logical: 1}
}

func entries(e ...any) []pt.Entry { // rep, def, value or nil
	var out []pt.Entry
	for i := 0; i < len(e); i += 3 {
		x := pt.Entry{Rep: e[i].(int), Def: e[i+1].(int)}
		switch v := e[i+2].(type) {
		case string:
			x.Value = []byte(v)
		case []byte:
			x.Value = v
		}
		out = append(out, x)
	}
	return out
}

// TestNested: structures, lists and maps of every spelling the format knows.
func TestNested(t *testing.T) {
	t.Parallel()
	group := func(name string, rep, logical int, c ...pt.Node) pt.Node {
		return pt.Node{Name: name, Repetition: rep, Type: pt.Group, Logical: logical, Children: c}
	}
	list := group("l", pt.Optional, 3, group("list", pt.Repeated, 0, text("element", pt.Optional)))
	threeLevels := entries(0, 3, "a", 1, 2, nil, 1, 3, "b", 0, 0, nil, 0, 1, nil, 0, 3, "c")
	threeWant := []string{`json:["a",null,"b"]`, "null:", "json:[]", `json:["c"]`}
	tests := []struct {
		name   string
		node   pt.Node
		leaves [][]pt.Entry
		col    string
		want   []string
	}{
		{"struct", group("s", pt.Optional, 0, text("x", pt.Optional)), [][]pt.Entry{entries(0, 2, "a", 0, 1, nil, 0, 0, nil)}, "s.x string", []string{"text:a", "null:", "null:"}},
		{"list", list, [][]pt.Entry{threeLevels}, "l list<string>", threeWant},
		{"list named bag", group("l", pt.Optional, 3, group("bag", pt.Repeated, 0, text("array_element", pt.Optional))), [][]pt.Entry{threeLevels}, "l list<string>", threeWant},
		{"list of two levels", group("l", pt.Optional, 3, text("element", pt.Repeated)), [][]pt.Entry{entries(0, 2, "a", 1, 2, "b", 0, 0, nil, 0, 1, nil)}, "l list<string>", []string{`json:["a","b"]`, "null:", "json:[]"}},
		{"list of array", group("l", pt.Optional, 3, group("array", pt.Repeated, 0, text("x", pt.Required))), [][]pt.Entry{entries(0, 2, "a", 1, 2, "b")}, "l list<struct<x: string>>", []string{`json:[{"x":"a"},{"x":"b"}]`}},
		{"list of tuple", group("l", pt.Required, 3, group("l_tuple", pt.Repeated, 0, text("x", pt.Required))), [][]pt.Entry{entries(0, 1, "a", 0, 0, nil)}, "l list<struct<x: string>>", []string{`json:[{"x":"a"}]`, "json:[]"}},
		{
			"list of pairs", group("l", pt.Required, 3, group("element", pt.Repeated, 0, text("x", pt.Required), text("y", pt.Optional))),
			[][]pt.Entry{entries(0, 1, "a", 1, 1, "b", 0, 0, nil), entries(0, 2, "c", 1, 1, nil, 0, 0, nil)},
			"l list<struct<x: string, y: string>>",
			[]string{`json:[{"x":"a","y":"c"},{"x":"b","y":null}]`, "json:[]"},
		},
		{"repeated", text("l", pt.Repeated), [][]pt.Entry{entries(0, 1, "a", 1, 1, "b", 0, 0, nil)}, "l list<string>", []string{`json:["a","b"]`, "json:[]"}},
		{
			"list of lists", group("l", pt.Optional, 3, group("list", pt.Repeated, 0, group("element", pt.Optional, 3, group("list", pt.Repeated, 0, text("element", pt.Optional))))),
			[][]pt.Entry{entries(0, 5, "a", 2, 5, "b", 1, 3, nil, 1, 2, nil, 1, 5, "c", 0, 1, nil)},
			"l list<list<string>>",
			[]string{`json:[["a","b"],[],null,["c"]]`, "json:[]"},
		},
		{
			"list of lists of two levels (parquet-avro)", group("l", pt.Optional, 3, group("array", pt.Repeated, 3, text("array", pt.Repeated))),
			[][]pt.Entry{entries(0, 3, "a", 2, 3, "b", 1, 2, nil, 0, 1, nil, 0, 0, nil, 0, 2, nil, 1, 3, "c")},
			"l list<list<string>>",
			[]string{`json:[["a","b"],[]]`, "json:[]", "null:", `json:[[],["c"]]`},
		},
		{
			"repeated map", group("m", pt.Repeated, 2, group("key_value", pt.Repeated, 0, text("key", pt.Required), text("value", pt.Required))),
			[][]pt.Entry{entries(0, 2, "k", 1, 1, nil, 0, 0, nil), entries(0, 2, "v", 1, 1, nil, 0, 0, nil)},
			"m list<map<string, string>>",
			[]string{`json:[{"k":"v"},{}]`, "json:[]"},
		},
		{
			"group in a list of two levels", group("l", pt.Required, 3, group("array", pt.Repeated, 0, text("array", pt.Repeated))),
			[][]pt.Entry{entries(0, 2, "a", 2, 2, "b", 1, 1, nil)},
			"l list<struct<array: list<string>>>",
			[]string{`json:[{"array":["a","b"]},{"array":[]}]`},
		},
		{
			"map", group("m", pt.Optional, 2, group("key_value", pt.Repeated, 0, text("key", pt.Required), pt.Node{Name: "value", Repetition: pt.Optional, Type: pt.Int32})),
			[][]pt.Entry{entries(0, 2, "a", 1, 2, "b", 0, 0, nil, 0, 1, nil, 0, 2, "a", 1, 2, "b", 1, 2, "a"), entries(0, 3, i32(1), 1, 2, nil, 0, 0, nil, 0, 1, nil, 0, 3, i32(1), 1, 3, i32(2), 1, 3, i32(3))},
			"m map<string, int32>",
			[]string{`json:{"a":1,"b":null}`, "null:", "json:{}", `json:{"b":2,"a":3}`},
		},
		{
			"map with numbers as keys", group("m", pt.Required, 2, group("map", pt.Repeated, 0, pt.Node{Name: "key", Type: pt.Int32}, text("value", pt.Optional))),
			[][]pt.Entry{entries(0, 1, i32(7)), entries(0, 2, "x\"y")},
			"m map<int32, string>",
			[]string{`json:{"7":"x\"y"}`},
		},
		{"map without values", group("m", pt.Required, 2, group("map", pt.Repeated, 0, text("key", pt.Required))), [][]pt.Entry{entries(0, 1, "a", 1, 1, "b")}, "m list<string>", []string{`json:["a","b"]`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var want [][]string
			for range 2 {
				for _, w := range tt.want {
					want = append(want, []string{w})
				}
			}
			g := pt.RowGroup{Rows: len(tt.want), Leaves: tt.leaves}
			for o := range every {
				cols, rows, err := read(pt.Write([]pt.Node{tt.node}, []pt.RowGroup{g, g}, o), parquet.Options{})
				if err != nil || len(cols) != 1 || cols[0] != tt.col {
					t.Fatalf("%+v: %v %q", o, err, cols)
				}
				if d := cmp.Diff(want, rows); d != "" {
					t.Fatalf("%+v: (-want +got)\n%s", o, d)
				}
			}
		})
	}
}

// TestShape: leaves of one list that do not agree on its entries are an error, not a mixed-up row.
func TestShape(t *testing.T) {
	t.Parallel()
	node := pt.Node{Name: "l", Type: pt.Group, Logical: 3, Children: []pt.Node{{Name: "element", Repetition: pt.Repeated, Type: pt.Group, Children: []pt.Node{text("x", pt.Required), text("y", pt.Required)}}}}
	tests := [][2][]pt.Entry{
		{entries(0, 1, "a", 1, 1, "b"), entries(0, 1, "a")},
		{entries(0, 1, "a"), entries(0, 1, "a", 1, 1, "b")},
		{entries(0, 0, nil), entries(0, 1, "a")},
		{entries(1, 1, "a"), entries(1, 1, "a")},
		{entries(0, 1, "a", 0, 1, "b"), entries(0, 1, "a", 0, 1, "b")}, // a row too many
	}
	for i, leaves := range tests {
		_, rows, err := read(pt.Write([]pt.Node{node}, []pt.RowGroup{{Rows: 1, Leaves: leaves[:]}}, pt.Options{}), parquet.Options{})
		if err == nil || errors.Is(err, parquet.ErrInternal) {
			t.Errorf("%d: %q, %v", i, rows, err)
		}
	}
}

// TestProblems: a row that cannot be used is a problem, its neighbours are fine.
func TestProblems(t *testing.T) {
	t.Parallel()
	dec := pt.Node{Name: "d", Repetition: pt.Optional, Type: pt.Bytes, Logical: 5, Scale: 1, Precision: 3}
	g := pt.RowGroup{Rows: 4, Leaves: [][]pt.Entry{
		entries(0, 0, "good", 0, 0, "b\xFFd", 0, 0, strings.Repeat("long", 300), 0, 0, "good"),
		entries(0, 1, unhex("01"), 0, 0, nil, 0, 0, nil, 0, 1, []byte{}),
	}}
	for o := range every {
		_, rows, err := read(pt.Write([]pt.Node{text("s", pt.Required), dec}, []pt.RowGroup{g}, o), parquet.Options{MaxRow: 1000})
		if err != nil {
			t.Fatal(err)
		}
		want := [][]string{
			{"text:good", "number:0.1"},
			{`BAD_ENCODING: column "s": text that is not valid UTF-8`, "{\"s\":\"b\uFFFDd\",\"d\":null}"},
			{"LINE_TOO_LONG: the row has more than 1000 bytes", ""},
			{`BAD_VALUE: column "d": a decimal of no bytes, or of more than 1024`, `{"s":"good","d":""}`},
		}
		if d := cmp.Diff(want, rows); d != "" {
			t.Fatalf("%+v: (-want +got)\n%s", o, d)
		}
	}
}

// TestMemory: a page that does not fit is an error that says what to do.
func TestMemory(t *testing.T) {
	t.Parallel()
	g := pt.RowGroup{Rows: 1, Leaves: [][]pt.Entry{entries(0, 0, strings.Repeat("x", 3<<20))}}
	for o := range every {
		data := pt.Write([]pt.Node{text("s", pt.Required)}, []pt.RowGroup{g}, o)
		_, _, err := read(data, parquet.Options{Memory: 1 << 20})
		if !errors.Is(err, parquet.ErrMemory) || !strings.Contains(err.Error(), `column "s"`) {
			t.Errorf("%+v: %v", o, err)
		}
		if _, rows, err := read(data, parquet.Options{Memory: 32 << 20}); err != nil || len(rows) != 1 {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestEveryByte: a file with any one byte changed, or cut off anywhere, is read or refused, and
// with checksums no page is read that is not what was written.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	fields, g := sample()
	for o := range every {
		if o.Snappy != o.Checksums || o.PageSize > 0 != o.V2 {
			continue // eight ways show all there is to see
		}
		data := pt.Write(fields, []pt.RowGroup{g, g}, o)
		_, good, err := read(data, parquet.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range data {
			bad := bytes.Clone(data)
			bad[i] ^= byte(1 + i%255)
			_, rows, err := read(bad, parquet.Options{Memory: 4 << 20})
			if errors.Is(err, parquet.ErrInternal) {
				t.Fatalf("%+v, byte %d: %v", o, i, err)
			}
			if err == nil && len(rows) != len(good) {
				t.Fatalf("%+v, byte %d: %d rows of %d, and no error", o, i, len(rows), len(good))
			}
			if _, _, err := read(data[:i], parquet.Options{Memory: 4 << 20}); err == nil {
				t.Fatalf("%+v: the first %d bytes are a file", o, i)
			}
		}
	}
}

// sample is a schema with a bit of everything, and a row group of it.
func sample() ([]pt.Node, pt.RowGroup) {
	fields := []pt.Node{
		{Name: "id", Type: pt.Int64},
		text("name", pt.Optional),
		{Name: "ok", Repetition: pt.Optional, Type: pt.Boolean},
		{Name: "l", Repetition: pt.Optional, Type: pt.Group, Logical: 3, Children: []pt.Node{{Name: "list", Repetition: pt.Repeated, Type: pt.Group, Children: []pt.Node{text("element", pt.Optional)}}}},
		{Name: "s", Type: pt.Group, Children: []pt.Node{{Name: "at", Type: pt.Int64, Logical: 8, Unit: 2, UTC: true}, {Name: "sum", Type: pt.Fixed, Length: 9, Logical: 5, Scale: 2, Precision: 20}}},
	}
	return fields, pt.RowGroup{Rows: 4, Leaves: [][]pt.Entry{
		entries(0, 0, i64(1), 0, 0, i64(2), 0, 0, i64(3), 0, 0, i64(4)),
		entries(0, 1, "Zoë", 0, 0, nil, 0, 1, "Ann", 0, 1, "Ann"),
		entries(0, 1, []byte{1}, 0, 1, []byte{0}, 0, 0, nil, 0, 1, []byte{1}),
		entries(0, 3, "a", 1, 2, nil, 1, 3, "b", 0, 0, nil, 0, 1, nil, 0, 3, "c"),
		entries(0, 0, i64(1), 0, 0, i64(2), 0, 0, i64(3), 0, 0, i64(4)),
		entries(0, 0, make([]byte, 9), 0, 0, bytes.Repeat([]byte{0xFF}, 9), 0, 0, unhex("010000000000000000"), 0, 0, make([]byte, 9)),
	}}
}

// FuzzParquet: no bytes make the reader panic, take more memory than it may, or return other
// rows than it promised.
func FuzzParquet(f *testing.F) {
	fields, g := sample()
	for o := range every {
		f.Add(pt.Write(fields, []pt.RowGroup{g, g}, o))
	}
	for i, p := range packings {
		f.Add(pt.Write(fields, []pt.RowGroup{g}, pt.Options{Codec: p.codec, Pack: p.pack, V2: i%2 > 0, Dictionary: i%3 > 0}))
	}
	for i, q := range quirks {
		f.Add(pt.Write(fields, []pt.RowGroup{g}, pt.Options{Snappy: true, Quirks: q.quirks, V2: q.quirks.Stored, Dictionary: i%2 > 0}))
	}
	for _, e := range encodings {
		for _, enc := range e.encodings {
			n := pt.Node{Name: "v", Type: e.typ, Length: e.length, Encoding: enc}
			v := make([]byte, max(e.length, map[int]int{pt.Boolean: 1, pt.Int32: 4, pt.Float: 4, pt.Int64: 8, pt.Double: 8}[e.typ]))
			f.Add(pt.Write([]pt.Node{n}, []pt.RowGroup{{Rows: 2, Leaves: [][]pt.Entry{{{Value: v}, {Value: v}}}}}, pt.Options{}))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			t.Skip("longer than a page is worth fuzzing")
		}
		_, rows, err := read(data, parquet.Options{Memory: 4 << 20, MaxRow: 1 << 20})
		if errors.Is(err, parquet.ErrInternal) {
			t.Fatal(err)
		}
		_, again, _ := read(data, parquet.Options{Memory: 4 << 20, MaxRow: 1 << 20})
		if d := cmp.Diff(rows, again); d != "" {
			t.Fatal("read again:", d)
		}
	})
}
