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
	Encoding         Encoding // of a leaf's values
	Children         []Node
}

// Encoding is how values are encoded, as numbered in parquet.thrift. A leaf of another one than
// Plain has no dictionary.
type Encoding int

// Encodings.
const (
	Plain      Encoding = 0
	RLE        Encoding = 3 // of booleans
	Delta      Encoding = 5
	DeltaLen   Encoding = 6
	DeltaBytes Encoding = 7
	Split      Encoding = 9
)

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
	Codec      int                      // a compression as numbered in parquet.thrift, with Pack
	Pack       func(page []byte) []byte // packs what may be packed of a page
	Dictionary bool
	V2         bool // pages of version 2
	Checksums  bool
	PageSize   int // entries of a page; 0 for all in one. Pages end between rows.
	Quirks     Quirks
}

// Quirks are what some writers do differently.
type Quirks struct {
	Stored        bool // pages of version 2 are not packed and say so; the dictionary cannot say it
	OldLevels     bool // levels of version 1 have the encoding BIT_PACKED
	NoRowCount    bool // the footer says 0 rows
	NoDictOffset  bool // the description of a chunk does not say where its dictionary is
	ZeroDict      bool // it says that it is at 0
	ShortChunks   bool // the size of a chunk lacks the header of its dictionary
	Between       bool // pages of other kinds, and without values, between the data pages
	NothingStored bool // a page of version 2 without values has no packed bytes
	MoreFields    bool // fields in the footer that no version of the format has
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
	if opt.Quirks.NoRowCount {
		rows = 0
	}
	meta.i64(3, int64(rows))
	meta.structs(4, chunks)
	if opt.Quirks.MoreFields {
		var more compact
		more.list(1, 5, 20)
		more.buf = append(more.buf, make([]byte, 20)...)
		more.bool(2, true)
		meta.structure(90, more)
		meta.binary(91, "of a later version")
	}
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
	bitPacked          = 4
	rleDict   Encoding = 8

	snappy    = 1
	dataPage  = 0
	indexPage = 1
	dictPage  = 2
	dataV2    = 3
	laterPage = 9 // a kind that the format does not have
)

// chunk writes the pages of a leaf and returns the description of the chunk.
func (w *writer) chunk(l leaf, entries []Entry) compact {
	start := w.out.Len()
	var index map[string]int
	header := 0
	if w.opt.Dictionary && l.Type != Boolean && l.Encoding == Plain {
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
		h.i32(2, int(Plain))
		header = w.page(dictPage, 7, h, nil, encodePlain(l, values))
	}
	data := w.out.Len()
	if w.opt.Quirks.NoDictOffset || w.opt.Quirks.ZeroDict {
		data = start
	}
	for from := 0; from < len(entries); {
		to := len(entries)
		if w.opt.PageSize > 0 {
			for to = min(from+w.opt.PageSize, to); to < len(entries) && entries[to].Rep > 0; to++ {
			}
		}
		w.data(l, entries[from:to], index)
		if w.opt.Quirks.Between {
			w.between()
		}
		from = to
	}
	size := w.out.Len() - start
	if w.opt.Quirks.ShortChunks {
		size -= header
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
	m.i64(6, int64(size))
	m.i64(7, int64(size))
	m.i64(9, int64(data))
	switch {
	case w.opt.Quirks.ZeroDict:
		m.i64(11, 0)
	case index != nil && !w.opt.Quirks.NoDictOffset:
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
	return w.opt.Codec
}

// between writes pages that hold no values.
func (w *writer) between() {
	for _, kind := range []int{indexPage, laterPage} {
		var h compact
		h.i32(1, kind)
		h.i32(2, 40)
		h.i32(3, 40)
		if kind == indexPage {
			h.structure(6, compact{})
		}
		w.out.Write(h.end())
		w.out.Write(make([]byte, 40))
	}
	var h compact
	h.i32(1, 0)
	h.i32(2, int(Plain))
	h.i32(3, int(RLE))
	h.i32(4, int(RLE))
	w.page(dataPage, 5, h, nil, nil)
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
	encoding, body := l.Encoding, []byte(nil)
	switch {
	case index != nil:
		encoding = rleDict
		ids := make([]int, len(values))
		for i, v := range values {
			ids[i] = index[string(v)]
		}
		width := bits.Len(uint(max(len(index)-1, 0)))
		body = append([]byte{byte(width)}, packed(ids, width)...)
	default:
		body = encode(l, values)
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
		h.i32(4, int(encoding))
		h.i32(5, len(def))
		h.i32(6, len(rep))
		if w.opt.Quirks.Stored {
			h.bool(7, false)
		}
		w.page(dataV2, 8, h, append(rep, def...), body)
		return
	}
	h.i32(2, int(encoding))
	var levels []byte
	if w.opt.Quirks.OldLevels {
		h.i32(3, bitPacked)
		h.i32(4, bitPacked)
		levels = append(oldLevels(reps, bits.Len(uint(l.maxRep))), oldLevels(defs, bits.Len(uint(l.maxDef)))...)
	} else {
		h.i32(3, int(RLE))
		h.i32(4, int(RLE))
		for _, b := range [][]byte{rep, def} {
			if b != nil {
				levels = append(binary.LittleEndian.AppendUint32(levels, uint32(len(b))), b...)
			}
		}
	}
	w.page(dataPage, 5, h, nil, append(levels, body...))
}

// page writes a page: levels as they are, and what may be packed. It returns the size of its
// header.
func (w *writer) page(kind, field int, header compact, levels, body []byte) int {
	size := len(levels) + len(body)
	switch {
	case w.opt.Quirks.Stored && w.opt.V2, w.opt.Quirks.NothingStored && len(body) == 0:
	case w.opt.Snappy:
		body = s2.EncodeSnappy(nil, body)
	case w.opt.Pack != nil:
		body = w.opt.Pack(body)
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
	head := h.end()
	w.out.Write(head)
	w.out.Write(all)
	return len(head)
}
