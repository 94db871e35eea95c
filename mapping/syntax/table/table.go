// Package table reads the CSV files that people keep beside a mapping to translate values: from
// one column, or from several columns of the rows together.
//
//	from,to,note          country,plan,to
//	D,Germany,            DE,pro,EMEA Pro
package table

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sfsync/mapping/diag"
)

// The bounds of a table.
const (
	MaxBytes   = 16 << 20
	MaxRows    = 250_000
	MaxColumns = 10 // that are translated together
	maxWidth   = 1_000
)

// Sep stands between the values of several columns in the key of a row.
const Sep = "\x00"

// The codes of this package's diagnostics.
const (
	CodeFile     = "values-file"
	CodeConflict = "values-conflict"
	CodeColumn   = "column-invalid"
	CodeTwice    = "column-twice"
	CodeLimit    = "mapping-limit"
)

// Table is a table of values. No two rows have the same key.
type Table struct {
	// Columns are the columns of the rows that are translated together; nil where the table has the
	// column from.
	Columns []Cell
	Rows    []Row
}

// Cell is a text with its place in the file.
type Cell struct {
	Text string
	Pos  diag.Pos
}

// Row says what a key becomes. The key is the trimmed text of the column from, or that of all
// columns in their order, joined by [Sep].
type Row struct{ Key, To Cell }

// Read reads a table, whose cells a comma separates, or what spreadsheets write in its place. What
// is wrong with the file as a whole is reported at the place at, where the mapping names it, what is
// wrong with a row at the row. It returns nil if the table cannot be used.
func Read(path string, text []byte, at diag.Pos, list *diag.List) *Table {
	if len(text) > MaxBytes {
		list.Errorf(at, CodeFile, "", "%s has more than the %d bytes allowed", path, MaxBytes)
		return nil
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) {
		list.Errorf(at, CodeFile, "save it as UTF-8", "%s is not UTF-8", path)
		return nil
	}
	r := &reader{path: path, text: text, named: at, list: list}
	if !r.header() || !r.rows() {
		return nil
	}
	return &r.table
}

type reader struct {
	path  string
	text  []byte
	named diag.Pos
	list  *diag.List
	csv   *csv.Reader
	width int // cells of the first line
	table Table

	lines []int // where each begins
	from  []int // the columns that are translated
	to    int
}

// at is the place of a cell of the last row that was read.
func (r *reader) at(field int) diag.Pos {
	return r.pos(r.csv.FieldPos(field))
}

// pos is a place whose column counts bytes. One behind the line's end is moved there.
func (r *reader) pos(line, column int) diag.Pos {
	line = max(1, min(line, len(r.lines)))
	text, _, _ := bytes.Cut(r.text[r.lines[line-1]:], []byte("\n"))
	return diag.Pos{File: r.path, Line: line, Column: utf8.RuneCount(text[:max(0, min(column-1, len(text)))]) + 1}
}

// header reads the first line, and finds out what separates cells.
func (r *reader) header() bool {
	r.lines = []int{0}
	for i, c := range r.text {
		if c == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	r.csv = csv.NewReader(bytes.NewReader(r.text))
	first, _, _ := bytes.Cut(bytes.TrimLeft(r.text, "\r\n"), []byte("\n"))
	for _, c := range ",;\t" {
		if bytes.ContainsRune(first, c) {
			r.csv.Comma = c
			break
		}
	}
	names, err := r.csv.Read()
	if err != nil {
		r.failed(err)
		return false
	}
	if len(names) > maxWidth {
		r.list.Errorf(r.at(0), CodeLimit, "", "the table of values has more than %d columns", maxWidth)
		return false
	}
	r.width = len(names)
	names = slices.Clone(names)
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
	}
	const hint = "its first line must be from,to, or the columns of the rows and to"
	if r.to = named(names, "to"); r.to < 0 {
		r.list.Errorf(r.at(0), CodeFile, hint, "the table of values has the columns %s, of which none is to", strconv.Quote(diag.Cut(strings.Join(names, ","))))
		return false
	} else if len(names) == 1 {
		r.list.Errorf(r.at(0), CodeFile, hint, "the table of values has the column to alone")
		return false
	}
	i := named(names, "from")
	if i < 0 {
		return r.columns(names)
	}
	r.from = []int{i} // the others are comments
	for c, name := range names {
		if c != i && name == names[i] || c != r.to && name == names[r.to] {
			r.list.Errorf(r.at(c), CodeTwice, "keep one of them", "column %q is named twice", name)
			return false
		}
	}
	return true
}

// named returns the column of a name, or else one that differs in case only, as spreadsheets like to write it; -1
// for none.
func named(names []string, name string) int {
	if i := slices.Index(names, name); i >= 0 {
		return i
	}
	return slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// columns notes the columns that are translated together.
func (r *reader) columns(names []string) bool {
	ok := true
	for i, name := range names {
		switch {
		case i == r.to:
		case name == "":
			r.list.Errorf(r.at(i), CodeColumn, "name the column that it translates", "a column of the table of values has no name")
			ok = false
		case slices.Contains(names[:i], name):
			r.list.Errorf(r.at(i), CodeTwice, "keep one of them", "column %q is named twice", diag.Cut(name))
			ok = false
		case len(r.from) == MaxColumns:
			r.list.Errorf(r.at(i), CodeLimit, "", "the table of values translates more than %d columns together", MaxColumns)
			return false
		default:
			r.from = append(r.from, i)
			r.table.Columns = append(r.table.Columns, Cell{name, r.at(i)})
		}
	}
	return ok
}

func (r *reader) rows() bool {
	r.csv.ReuseRecord = true
	seen, ok := map[string]int{}, true
	for {
		cells, err := r.csv.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.failed(err)
			return false
		}
		from := r.at(r.from[0])
		if len(r.table.Rows) == MaxRows {
			r.list.Errorf(from, CodeFile, "", "the table of values has more than %d rows", MaxRows)
			return false
		}
		row := Row{Cell{r.key(cells), from}, Cell{strings.Clone(cells[r.to]), r.at(r.to)}}
		if first, twice := seen[row.Key.Text]; twice {
			ok = r.twice(row, r.table.Rows[first]) && ok
			continue
		}
		seen[row.Key.Text] = len(r.table.Rows)
		r.table.Rows = append(r.table.Rows, row)
	}
	if len(r.table.Rows) == 0 {
		r.list.Errorf(r.named, CodeFile, "", "%s has no rows", r.path)
		return false
	}
	return ok
}

// key is what a row translates.
func (r *reader) key(cells []string) string {
	parts := make([]string, len(r.from))
	for i, c := range r.from {
		parts[i] = strings.TrimSpace(cells[c])
	}
	return strings.Join(parts, Sep)
}

// twice reports a key that comes again, and whether it says the same.
func (r *reader) twice(row, first Row) bool {
	shown := diag.Cut(strings.ReplaceAll(row.Key.Text, Sep, ", "))
	if row.To.Text == first.To.Text {
		r.list.Warnf(row.Key.Pos, CodeConflict, "", "%q is already on line %d", shown, first.Key.Pos.Line)
		return true
	}
	r.list.Errorf(row.Key.Pos, CodeConflict, "keep one of them", "%q goes to another value on line %d", shown, first.Key.Pos.Line)
	return false
}

// failed reports what the CSV reader says, at its line.
func (r *reader) failed(err error) {
	if e := (*csv.ParseError)(nil); errors.As(err, &e) {
		if errors.Is(err, csv.ErrFieldCount) {
			r.list.Errorf(r.pos(e.Line, e.Column), CodeFile, "put a text that holds the separator in quotes", "the line has not %d cells, as the first one has", r.width)
			return
		}
		r.list.Errorf(r.pos(e.Line, e.Column), CodeFile, "", "the table of values is no valid CSV: %v", e.Err)
		return
	}
	if errors.Is(err, io.EOF) {
		r.list.Errorf(r.named, CodeFile, "its first line must be from,to", "%s is empty", r.path)
		return
	}
	r.list.Errorf(r.named, CodeFile, "", "read %s: %v", r.path, err)
}
