package row

import (
	"fmt"
	"unsafe"
)

// Limits of a batch as the readers fill it.
const (
	// MaxRows is the most rows a reader puts into one batch.
	MaxRows = 2000
	// MaxBytes is the arena size at which a reader ends a batch. One row larger
	// than that still fits: it then has a batch of its own.
	MaxBytes = 512 << 10
	// MaxColumns bounds a schema; more columns than any Salesforce object has.
	MaxColumns = 10000
)

// Kind says what a cell is. It is known per cell, since the same JSON key may hold
// a number in one row and a string in the next.
type Kind uint8

// The kinds of a cell.
const (
	// Absent: the row does not have this column at all. Nothing is ever sent for it.
	Absent Kind = iota
	// Null: the source says null (JSON null, a Parquet null, a CSV cell listed under csv.null).
	Null
	// Text is a string.
	Text
	// Number is a number as its source wrote it.
	Number
	// Bool is "true" or "false".
	Bool
	// JSON is the text of a JSON object or array.
	JSON
)

// OnInsert is a flag on the kind of a mapped cell: the value is a default that
// counts only if the record is created. See [Cell.OnInsert].
const OnInsert Kind = 0x80

// Awaited is a flag on the kind of a mapped cell: its text is filler of the length of a record
// id, which [Batch.Fill] replaces once the record that it refers to is known.
const Awaited Kind = 0x40

const flags = OnInsert | Awaited

func (k Kind) String() string {
	switch k &^ flags {
	case Absent:
		return "absent"
	case Null:
		return "null"
	case Text:
		return "text"
	case Number:
		return "number"
	case Bool:
		return "bool"
	case JSON:
		return "json"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Cell is one value: a view on its batch (see the package comment on ownership).
type Cell struct {
	Text string
	kind Kind
}

// Kind returns what the cell is, without flags.
func (c Cell) Kind() Kind { return c.kind &^ flags }

// OnInsert reports whether the value counts only if the record is created.
func (c Cell) OnInsert() bool { return c.kind&OnInsert != 0 }

// Awaited reports whether the cell stands for a record id that is not known yet.
func (c Cell) Awaited() bool { return c.kind&Awaited != 0 }

// Blank reports whether the cell holds nothing: absent, null or the empty string.
func (c Cell) Blank() bool { return c.Kind() <= Null || c.Text == "" }

// MakeCell returns a cell over text that the caller owns.
func MakeCell(k Kind, text string) Cell { return Cell{Text: text, kind: k} }

type span struct{ off, end uint32 }

// origin is where a row of a row file came from.
type origin struct {
	file string
	line int64 // 0 for none
}

// Problem is why a row could not be read. Its row is in the batch all the same, so
// that it is counted and reported.
type Problem struct {
	// Code is stable and upper case, as Salesforce's are: ROW_WIDTH, BAD_JSON, BAD_ENCODING …
	Code string
	// Message says what is wrong, with the place in the line where it helps.
	Message string
	// Sound is set for a row whose text is fine and that cannot be used for what it says: as input
	// again, with another mapping or org, it may be.
	Sound bool
}

// Batch is a run of rows of one file. The zero Batch is not usable: take one from a
// [Pool], or from [New] where pooling does not matter.
type Batch struct {
	// Seq numbers the read batches of a run from 0, in reading order.
	Seq int64
	// File is the index of the file in the run's list of inputs.
	File int

	schema   *Schema
	arena    []byte
	cells    []span
	kinds    []Kind
	lines    []int64
	raws     []span
	problems map[int]Problem
	skips    map[int]Problem
	only     map[int]string
	origins  []origin // of the rows that have one; shorter than the rows where the last have none
	pool     *Pool
}

// New returns an empty batch that belongs to no pool.
func New(s *Schema) *Batch {
	b := &Batch{}
	b.Reset(s)
	return b
}

// Reset empties the batch and gives it a schema. Memory is kept.
func (b *Batch) Reset(s *Schema) {
	b.schema = s
	b.arena = b.arena[:0]
	b.cells = b.cells[:0]
	b.kinds = b.kinds[:0]
	b.lines = b.lines[:0]
	b.raws = b.raws[:0]
	b.origins = b.origins[:0]
	b.Seq, b.File = 0, 0
	clear(b.problems)
	clear(b.skips)
	clear(b.only)
}

// Free gives the batch back to its pool. The caller must be its last owner.
func (b *Batch) Free() {
	if p := b.pool; p != nil {
		p.put(b)
	}
}

// Schema returns the columns of the batch.
func (b *Batch) Schema() *Schema { return b.schema }

// Len returns the number of rows.
func (b *Batch) Len() int { return len(b.lines) }

// Size returns the bytes the batch holds: its arena and the bookkeeping of its cells.
func (b *Batch) Size() int {
	return len(b.arena) + len(b.cells)*(int(unsafe.Sizeof(span{}))+1) + len(b.lines)*16
}

// Full reports whether a reader should hand the batch on.
func (b *Batch) Full() bool { return len(b.lines) >= MaxRows || len(b.arena) >= MaxBytes }

// view returns a string over the arena without copying it.
func (b *Batch) view(s span) string {
	if s.off == s.end {
		return ""
	}
	return unsafe.String(&b.arena[s.off], int(s.end-s.off))
}

// Cell returns the cell of row r and column c.
func (b *Batch) Cell(r, c int) Cell {
	i := r*len(b.schema.Columns) + c
	return Cell{Text: b.view(b.cells[i]), kind: b.kinds[i]}
}

// Line returns the 1-based line of the file at which row r begins (the 1-based row
// in a format that has no lines).
func (b *Batch) Line(r int) int64 { return b.lines[r] }

// Raw returns the source text of row r where the reader kept it, else "".
func (b *Batch) Raw(r int) string { return b.view(b.raws[r]) }

// TextSize returns the bytes of text in the cells of row r.
func (b *Batch) TextSize(r int) int {
	n := 0
	w := len(b.schema.Columns)
	for _, s := range b.cells[r*w : (r+1)*w] {
		n += int(s.end - s.off)
	}
	return n
}

// Problem returns why row r could not be read; ok is false for a good row.
func (b *Batch) Problem(r int) (p Problem, ok bool) {
	if len(b.problems) == 0 {
		return Problem{}, false
	}
	p, ok = b.problems[r]
	return p, ok
}

// Skipped returns why row r is nothing for any target; ok is false for a row that is wanted.
func (b *Batch) Skipped(r int) (p Problem, ok bool) {
	if len(b.skips) == 0 {
		return Problem{}, false
	}
	p, ok = b.skips[r]
	return p, ok
}

// Skip says that row r is nothing for any target, and why: an event of a kind that is not read. It
// counts as skipped, where one that has a problem fails.
func (b *Batch) Skip(r int, p Problem) {
	if b.skips == nil {
		b.skips = make(map[int]Problem)
	}
	b.skips[r] = p
}

// Only returns the name of the one target that row r is for, or "" if it is for all.
func (b *Batch) Only(r int) string {
	if len(b.only) == 0 {
		return ""
	}
	return b.only[r]
}

// SetOnly says that row r is for one target only: it failed there in an earlier run.
func (b *Batch) SetOnly(r int, target string) {
	if b.only == nil {
		b.only = make(map[int]string)
	}
	b.only[r] = target
}

// Place returns where row r stands for a user: the path and line that it had in the input of the run
// that wrote it to a row file, else the path given, which is that of the batch's file, and its line.
func (b *Batch) Place(r int, path string) (file string, line int64) {
	if file, line := b.Origin(r); line > 0 {
		return file, line
	}
	return path, b.lines[r]
}

// SetOrigin says where row r, which was read from a row file of an earlier run, stood in that
// run's input. The batch keeps file.
func (b *Batch) SetOrigin(r int, file string, line int64) {
	for len(b.origins) <= r {
		b.origins = append(b.origins, origin{})
	}
	b.origins[r] = origin{file, line}
}

// Origin returns what [Batch.SetOrigin] said of row r; the line is 0 if it did not.
func (b *Batch) Origin(r int) (file string, line int64) {
	if r >= len(b.origins) {
		return "", 0
	}
	return b.origins[r].file, b.origins[r].line
}

// AddRow appends a row whose cells are all [Absent] and returns its index.
func (b *Batch) AddRow(line int64) int {
	n := len(b.schema.Columns)
	b.cells = appendRows(b.cells, 1, n)
	b.kinds = appendRows(b.kinds, 1, n)
	b.lines = append(b.lines, line)
	b.raws = append(b.raws, span{})
	return len(b.lines) - 1
}

// appendRows appends n rows of width zero elements. The capacity doubles, but beyond that of a full batch it
// grows only as needed: in a pool every batch comes to its largest capacity in time.
func appendRows[T any](s []T, n, width int) []T {
	l := len(s)
	n *= width
	if cap(s)-l < n {
		g := make([]T, l, max(min(2*cap(s), MaxRows*width), l+n))
		copy(g, s)
		s = g
	}
	s = s[:l+n]
	clear(s[l:])
	return s
}

// Set stores a copy of text as the cell of row r and column c, replacing what was there.
func (b *Batch) Set(r, c int, k Kind, text string) {
	off := len(b.arena)
	b.arena = append(b.arena, text...)
	b.point(r, c, k, off)
}

// idLen is the length of a record id.
const idLen = 18

// Await makes the cell of row r and column c a place for a record id: see [Awaited].
func (b *Batch) Await(r, c int, k Kind) {
	const filler = "                  "
	b.Set(r, c, k|Awaited, filler[:idLen])
}

// Fill puts an 18-character record id into a cell made by [Batch.Await]. It changes no other
// cell's memory, so others may read other rows of the batch meanwhile.
func (b *Batch) Fill(r, c int, id string) {
	i := r*len(b.schema.Columns) + c
	s := b.cells[i]
	if b.kinds[i]&Awaited == 0 || len(id) != idLen {
		panic("row: Fill of a cell that awaits no id, or by no id")
	}
	copy(b.arena[s.off:s.end], id)
	b.kinds[i] &^= Awaited
}

// Flag adds a flag to the kind of a cell. It changes no other cell's memory.
func (b *Batch) Flag(r, c int, flag Kind) { b.kinds[r*len(b.schema.Columns)+c] |= flag & flags }

// SetKind stores a cell without text: Absent or Null.
func (b *Batch) SetKind(r, c int, k Kind) {
	i := r*len(b.schema.Columns) + c
	b.cells[i], b.kinds[i] = span{}, k
}

func (b *Batch) point(r, c int, k Kind, off int) {
	i := r*len(b.schema.Columns) + c
	b.cells[i] = span{uint32(off), uint32(len(b.arena))}
	b.kinds[i] = k
}

// Begin and End write a cell piece by piece: append to the slice Begin returns and
// pass the result to End.
//
//	buf := b.Begin()
//	buf = strconv.AppendInt(buf, n, 10)
//	b.End(r, c, row.Number, buf)
func (b *Batch) Begin() []byte { return b.arena }

// End stores what was appended since [Batch.Begin] as the cell of row r and column c.
func (b *Batch) End(r, c int, k Kind, buf []byte) {
	off := len(b.arena)
	b.arena = buf
	b.point(r, c, k, off)
}

// Keep makes what was appended since [Batch.Begin] part of the arena without making it a cell,
// for [Batch.SetSpan]: cells that are appended one behind the other cost less that way.
func (b *Batch) Keep(buf []byte) { b.arena = buf }

// SetRaw keeps a copy of the source text of row r and returns the offset at which it
// begins in the arena, for [Batch.SetSpan].
func (b *Batch) SetRaw(r int, text []byte) int {
	off := len(b.arena)
	b.arena = append(b.arena, text...)
	b.raws[r] = span{uint32(off), uint32(len(b.arena))}
	return off
}

// SetSpan makes arena bytes [off, end) the cell of row r and column c, so that a cell
// that stands unescaped in the raw text costs no copy.
func (b *Batch) SetSpan(r, c int, k Kind, off, end int) {
	i := r*len(b.schema.Columns) + c
	b.cells[i], b.kinds[i] = span{uint32(off), uint32(end)}, k
}

// Fail records why row r could not be read. The first problem of a row stays.
func (b *Batch) Fail(r int, p Problem) {
	if _, ok := b.problems[r]; ok {
		return
	}
	if b.problems == nil {
		b.problems = make(map[int]Problem)
	}
	b.problems[r] = p
}

// DropLast removes the last row, whose text stays in the arena until Reset.
func (b *Batch) DropLast() {
	n := len(b.lines) - 1
	w := len(b.schema.Columns)
	b.cells, b.kinds = b.cells[:n*w], b.kinds[:n*w]
	b.lines, b.raws = b.lines[:n], b.raws[:n]
	delete(b.problems, n)
	delete(b.skips, n)
	delete(b.only, n)
	b.origins = b.origins[:min(n, len(b.origins))]
}

// Retain removes the rows for which keep is false. Their text stays in the arena until Reset.
func (b *Batch) Retain(keep func(r int) bool) {
	w, n := len(b.schema.Columns), 0
	for r := range b.lines {
		if !keep(r) {
			continue
		}
		if n < r {
			copy(b.cells[n*w:(n+1)*w], b.cells[r*w:])
			copy(b.kinds[n*w:(n+1)*w], b.kinds[r*w:])
			b.lines[n], b.raws[n] = b.lines[r], b.raws[r]
			if n < len(b.origins) {
				file, line := b.Origin(r)
				b.origins[n] = origin{file, line}
			}
		}
		moveKey(b.problems, r, n)
		moveKey(b.skips, r, n)
		moveKey(b.only, r, n)
		n++
	}
	for r := n; r < len(b.lines); r++ {
		delete(b.problems, r)
		delete(b.skips, r)
		delete(b.only, r)
	}
	b.cells, b.kinds = b.cells[:n*w], b.kinds[:n*w]
	b.lines, b.raws = b.lines[:n], b.raws[:n]
	b.origins = b.origins[:min(n, len(b.origins))]
}

// moveKey gives a row's entry to the row that takes its place, in place of that one's.
func moveKey[T any](m map[int]T, from, to int) {
	if from == to || len(m) == 0 {
		return
	}
	if v, ok := m[from]; ok {
		m[to] = v
		delete(m, from)
	} else {
		delete(m, to)
	}
}

// Widen gives the batch a schema that has the columns of its present one and more
// behind them; the rows read so far lack the new columns.
func (b *Batch) Widen(s *Schema) {
	w0, w1, n := len(b.schema.Columns), len(s.Columns), len(b.lines)
	if w1 == w0 {
		b.schema = s
		return
	}
	cells, kinds := make([]span, n*w1, max(cap(b.cells), n*w1)), make([]Kind, n*w1, max(cap(b.kinds), n*w1))
	for r := range n {
		copy(cells[r*w1:], b.cells[r*w0:(r+1)*w0])
		copy(kinds[r*w1:], b.kinds[r*w0:(r+1)*w0])
	}
	b.schema, b.cells, b.kinds = s, cells, kinds
}
