// Package parquettest writes small Parquet files for tests and samples: any schema, given as the
// levels and stored values of its leaves, so that a test says exactly what is in the file. It is
// no writer for data.
package parquettest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"slices"

	"github.com/klauspost/compress/s2"
)

// Physical types and repetitions, as numbered in parquet.thrift.
const (
	Boolean = iota
	Int32
	Int64
	Int96
	Float
	Double
	Bytes
	Fixed
	Group = -1 // no value but fields
)

// Repetitions.
const (
	Required = iota
	Optional
	Repeated
)

// Node is an element of the schema.
type Node struct {
	Name       string
	Repetition int
	Type       int // Group or a physical type
	Length     int // of Fixed
	// Logical is the field number of the logical type in its union, 0 for none: 1 string, 2 map,
	// 3 list, 4 enum, 5 decimal, 6 date, 7 time, 8 timestamp, 10 integer, 12 json, 13 bson, 14 uuid.
	Logical          int
	Scale, Precision int  // of decimals
	Unit             int  // of times and timestamps: 1 ms, 2 us, 3 ns
	UTC              bool // of times and timestamps
	Bits             int  // of integers
	Signed           bool
	Children         []Node
}

// Entry is one entry of a leaf: its levels, and its stored value if the definition level is the
// highest.
type Entry struct {
	Rep, Def int
	Value    []byte
}

// RowGroup is the entries of every leaf, in the order of the schema.
type RowGroup struct {
	Rows   int
	Leaves [][]Entry
}

// Options say how a file is written. The zero Options write plain pages of version 1.
type Options struct {
	Snappy     bool
	Dictionary bool
	V2         bool // pages of version 2
	Checksums  bool
	PageSize   int // entries of a page; 0 for all in one. Pages end between rows.
}

// Write returns the file.
func Write(fields []Node, groups []RowGroup, opt Options) []byte {
	w := &writer{opt: opt}
	w.out.WriteString("PAR1")
	leaves := leavesOf(nil, fields, nil, 0, 0)
	var meta compact
	meta.i32(1, 1)
	var elements []compact
	elements = appendElements(elements, Node{Name: "schema", Type: Group, Children: fields}, true)
	meta.structs(2, elements)
	rows := 0
	chunks := make([]compact, len(groups))
	for i, g := range groups {
		rows += g.Rows
		var columns []compact
		for j, l := range leaves {
			columns = append(columns, w.chunk(l, g.Leaves[j]))
		}
		chunks[i].structs(1, columns)
		chunks[i].i64(2, int64(w.out.Len()))
		chunks[i].i64(3, int64(g.Rows))
	}
	meta.i64(3, int64(rows))
	meta.structs(4, chunks)
	footer := meta.end()
	w.out.Write(footer)
	w.out.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(footer))))
	w.out.WriteString("PAR1")
	return w.out.Bytes()
}

// leaf is a leaf with its path and highest levels.
type leaf struct {
	Node
	path           []string
	maxRep, maxDef int
}

func leavesOf(out []leaf, nodes []Node, path []string, rep, def int) []leaf {
	for _, n := range nodes {
		r, d := rep, def
		if n.Repetition != Required {
			d++
		}
		if n.Repetition == Repeated {
			r++
		}
		p := slices.Concat(path, []string{n.Name})
		if n.Type == Group {
			out = leavesOf(out, n.Children, p, r, d)
		} else {
			out = append(out, leaf{n, p, r, d})
		}
	}
	return out
}

func appendElements(out []compact, n Node, root bool) []compact {
	var e compact
	if n.Type != Group {
		e.i32(1, n.Type)
	}
	if n.Type == Fixed {
		e.i32(2, n.Length)
	}
	if !root {
		e.i32(3, n.Repetition)
	}
	e.binary(4, n.Name)
	if n.Type == Group {
		e.i32(5, len(n.Children))
	}
	if n.Logical > 0 {
		var parts, union compact
		switch n.Logical {
		case 5:
			parts.i32(1, n.Scale)
			parts.i32(2, n.Precision)
		case 7, 8:
			parts.bool(1, n.UTC)
			var unit compact
			unit.structure(n.Unit, compact{})
			parts.structure(2, unit)
		case 10:
			parts.field(1, 3)
			parts.buf = append(parts.buf, byte(n.Bits))
			parts.bool(2, n.Signed)
		}
		union.structure(n.Logical, parts)
		e.structure(10, union)
	}
	out = append(out, e)
	for _, c := range n.Children {
		out = appendElements(out, c, false)
	}
	return out
}

type writer struct {
	out bytes.Buffer
	opt Options
}

const (
	plain    = 0
	rle      = 3
	rleDict  = 8
	noCodec  = 0
	snappy   = 1
	dataPage = 0
	dictPage = 2
	dataV2   = 3
)

// chunk writes the pages of a leaf and returns the description of the chunk.
func (w *writer) chunk(l leaf, entries []Entry) compact {
	start := w.out.Len()
	var index map[string]int
	if w.opt.Dictionary && l.Type != Boolean {
		index = make(map[string]int)
		var values [][]byte
		for _, e := range entries {
			if _, known := index[string(e.Value)]; e.Def == l.maxDef && !known {
				index[string(e.Value)] = len(values)
				values = append(values, e.Value)
			}
		}
		var h compact
		h.i32(1, len(values))
		h.i32(2, plain)
		w.page(dictPage, 7, h, nil, encodePlain(l, values))
	}
	data := w.out.Len()
	for from := 0; from < len(entries); {
		to := len(entries)
		if w.opt.PageSize > 0 {
			for to = min(from+w.opt.PageSize, to); to < len(entries) && entries[to].Rep > 0; to++ {
			}
		}
		w.data(l, entries[from:to], index)
		from = to
	}
	var m, c compact
	m.i32(1, l.Type)
	m.list(2, 5, 0)
	m.list(3, 8, len(l.path))
	for _, p := range l.path {
		m.text(p)
	}
	m.i32(4, w.codec())
	m.i64(5, int64(len(entries)))
	m.i64(6, int64(w.out.Len()-start))
	m.i64(7, int64(w.out.Len()-start))
	m.i64(9, int64(data))
	if index != nil {
		m.i64(11, int64(start))
	}
	c.i64(2, int64(start))
	c.structure(3, m)
	return c
}

func (w *writer) codec() int {
	if w.opt.Snappy {
		return snappy
	}
	return noCodec
}

// data writes one data page.
func (w *writer) data(l leaf, entries []Entry, index map[string]int) {
	var reps, defs []int
	var values [][]byte
	rows := 0
	for _, e := range entries {
		reps, defs = append(reps, e.Rep), append(defs, e.Def)
		if e.Rep == 0 {
			rows++
		}
		if e.Def == l.maxDef {
			values = append(values, e.Value)
		}
	}
	encoding, body := plain, []byte(nil)
	if index != nil {
		encoding = rleDict
		ids := make([]int, len(values))
		for i, v := range values {
			ids[i] = index[string(v)]
		}
		width := bits.Len(uint(max(len(index)-1, 0)))
		body = append([]byte{byte(width)}, packed(ids, width)...)
	} else {
		body = encodePlain(l, values)
	}
	rep, def := packed(reps, bits.Len(uint(l.maxRep))), packed(defs, bits.Len(uint(l.maxDef)))
	if l.maxRep == 0 {
		rep = nil
	}
	if l.maxDef == 0 {
		def = nil
	}
	var h compact
	h.i32(1, len(entries))
	if w.opt.V2 {
		h.i32(2, len(entries)-len(values))
		h.i32(3, rows)
		h.i32(4, encoding)
		h.i32(5, len(def))
		h.i32(6, len(rep))
		w.page(dataV2, 8, h, append(rep, def...), body)
		return
	}
	h.i32(2, encoding)
	h.i32(3, rle)
	h.i32(4, rle)
	var levels []byte
	for _, b := range [][]byte{rep, def} {
		if b != nil {
			levels = append(binary.LittleEndian.AppendUint32(levels, uint32(len(b))), b...)
		}
	}
	w.page(dataPage, 5, h, nil, append(levels, body...))
}

// page writes a page: levels as they are, and what may be packed.
func (w *writer) page(kind, field int, header compact, levels, body []byte) {
	size := len(levels) + len(body)
	if w.opt.Snappy {
		body = s2.EncodeSnappy(nil, body)
	}
	all := slices.Concat(levels, body)
	var h compact
	h.i32(1, kind)
	h.i32(2, size)
	h.i32(3, len(all))
	if w.opt.Checksums {
		h.i32(4, int(int32(crc32.ChecksumIEEE(all))))
	}
	h.structure(field, header)
	w.out.Write(h.end())
	w.out.Write(all)
}

// encodePlain writes values as PLAIN.
func encodePlain(l leaf, values [][]byte) []byte {
	var out []byte
	for i, v := range values {
		switch l.Type {
		case Boolean:
			if i%8 == 0 {
				out = append(out, 0)
			}
			out[i/8] |= v[0] << (i % 8)
		case Bytes:
			out = append(binary.LittleEndian.AppendUint32(out, uint32(len(v))), v...)
		default:
			out = append(out, v...)
		}
	}
	return out
}

// packed writes numbers as one bit-packed run, or as one run of equal numbers.
func packed(v []int, width int) []byte {
	same := true
	for _, x := range v {
		same = same && x == v[0]
	}
	if same && len(v) > 0 {
		out := binary.AppendUvarint(nil, uint64(len(v))<<1)
		for i := range (width + 7) / 8 {
			out = append(out, byte(v[0]>>(8*i)))
		}
		return out
	}
	groups := (len(v) + 7) / 8
	out := binary.AppendUvarint(nil, uint64(groups)<<1|1)
	run := make([]byte, groups*width)
	for i, x := range v {
		for b := range width {
			at := i*width + b
			run[at/8] |= byte(x>>b&1) << (at % 8)
		}
	}
	return append(out, run...)
}
