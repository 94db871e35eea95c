package bulk

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/lookup"
	"sfsync/sink/salesforce/wire"
)

// Limits of an upload (Bulk API 2.0 guide, "Limits"): 150 MB after base64, rows and headers in
// characters.
const (
	MaxBytes  = 100_000_000
	maxRow    = 400_000
	maxFields = 5000
	maxHeader = 32_000
)

// null is what clears a field; an empty cell leaves it alone (Bulk API 2.0 guide, "Valid CSV Record
// Rows").
const null = "#N/A"

// Spec is what a job does.
type Spec struct {
	// Object is the API name, in the org's own spelling.
	Object string
	// Action is Create, Update, Upsert or Delete.
	Action sink.Action
	// Key is the API name of the external id of an Upsert.
	Key string
	// Fold returns a key as the org compares it; nil for keys that are equal only if they are the same.
	// It is safe for concurrent use.
	Fold func(string) string
	// AssignmentRule is the id of the assignment rule to run; "" for none (which the guide leaves
	// open for Bulk: unconfirmed).
	AssignmentRule string
}

// operation is what the API calls it.
func (s *Spec) operation() string {
	switch s.Action {
	case sink.Create:
		return "insert"
	case sink.Update:
		return "update"
	case sink.Delete:
		return "delete"
	case sink.Upsert:
		return "upsert"
	}
	return ""
}

// byID reports whether records are known by their ids.
func (s *Spec) byID() bool { return s.Action == sink.Update || s.Action == sink.Delete }

// File is the upload of one job, as a temporary file with the rights of its owner only. It is filled
// by one goroutine. Close removes it.
type File struct {
	spec    Spec
	schema  *row.Schema
	columns []column
	f       *os.File
	w       *bufio.Writer
	size    int64
	limit   int64
	index   index
	buf     []byte
	id      []byte
}

// column is a column of the file.
type column struct {
	name string
	from int // in the schema, or -1
	// clears is set for the id of a relationship: it is what null in column from comes to.
	clears bool
	key    bool
}

// NewFile returns an empty file for a job over records of a schema, whose columns are named as the
// API names them. It lies in dir, which is that of temporary files if it is "".
func NewFile(dir string, spec Spec, schema *row.Schema) (*File, error) {
	if spec.operation() == "" {
		return nil, catalog.New(sink.Config, catalog.CodeSetup, "the Bulk API cannot "+spec.Action.String()+" records")
	}
	f := &File{spec: spec, schema: schema, limit: MaxBytes, columns: columns(&spec, schema)}
	var header []byte
	for i, c := range f.columns {
		if i > 0 {
			header = append(header, ',')
		}
		header = appendCell(header, c.name)
	}
	switch {
	case len(f.columns) == 0:
		return nil, catalog.New(sink.Config, catalog.CodeSetup, "a job without fields")
	case len(f.columns) > maxFields || utf8.RuneCount(header) > maxHeader:
		return nil, catalog.New(sink.Config, catalog.CodeTooLarge, fmt.Sprintf("the Bulk API takes no more than %d fields and %d characters of names", maxFields, maxHeader))
	case spec.Action == sink.Upsert && !slices.ContainsFunc(f.columns, func(c column) bool { return c.key }):
		return nil, catalog.New(sink.Config, catalog.CodeSetup, "an upsert by "+spec.Key+" needs it among the fields")
	}
	var err error
	if f.f, err = os.CreateTemp(dir, "bulk-*.csv"); err != nil {
		return nil, fmt.Errorf("make the upload of a job: %w", err)
	}
	f.w = bufio.NewWriterSize(f.f, 64<<10)
	f.index.begin()
	if err := f.write(append(header, '\n')); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// columns are the columns of a job: a deletion sends ids only, an update the id first. A relationship
// is cleared through its id, since nothing says that null may stand for a parent's key; an empty column
// is taken.
func columns(spec *Spec, schema *row.Schema) []column {
	var cols []column
	if spec.byID() {
		cols = append(cols, column{name: "Id", from: -1, key: true})
	}
	if spec.Action == sink.Delete {
		return cols
	}
	for i, c := range schema.Columns {
		if strings.HasPrefix(c.Name, "\x00") || strings.EqualFold(c.Name, "Id") {
			continue
		}
		cols = append(cols, column{name: c.Name, from: i, key: spec.Action == sink.Upsert && strings.EqualFold(c.Name, spec.Key)})
	}
	for _, c := range slices.Clone(cols) {
		p := lookup.ParsePath(c.name)
		if p.Relation == "" || c.key {
			continue
		}
		id := wire.ReferenceOf(p.Relation)
		if !slices.ContainsFunc(cols, func(c column) bool { return strings.EqualFold(c.name, id) }) {
			cols = append(cols, column{name: id, from: c.from, clears: true})
		}
	}
	return cols
}

// Len returns how many records the file has.
func (f *File) Len() int { return f.index.len() }

// Size returns its bytes.
func (f *File) Size() int64 { return f.size }

// Add appends a record. Its place among the results is how many there were before it. A record that
// cannot be sent is refused with an error that is its result; one that has no room any more is told by
// ok: it belongs into another file. An error other than these two is one of the disk.
func (f *File) Add(r *sink.Record) (ok bool, refused *sink.Error, err error) {
	buf, sum := f.buf[:0], f.index.hash()
	for i := range f.columns {
		c := &f.columns[i]
		if i > 0 {
			buf = append(buf, ',')
		}
		value, why := f.value(c, r)
		if why != "" {
			e := &sink.Error{Code: catalog.CodeValue, Message: why}
			if c.from >= 0 {
				e.Fields = []string{c.name}
			}
			return true, e, nil
		}
		if c.key || !f.keyed() {
			sum.add(f.fold(c, value))
		}
		buf = appendCell(buf, value)
	}
	f.buf = append(buf, '\n')
	if len(f.buf) > maxRow && utf8.RuneCount(f.buf) > maxRow {
		return true, &sink.Error{Code: catalog.CodeTooLarge, Message: fmt.Sprintf("the Bulk API takes no more than %d characters a record", maxRow)}, nil
	}
	if f.size+int64(len(f.buf)) > f.limit && f.Len() > 0 {
		return false, nil, nil
	}
	if err := f.write(f.buf); err != nil {
		return false, nil, err
	}
	f.index.put(sum)
	return true, nil, nil
}

// keyed reports whether a record is known by its key or id.
func (f *File) keyed() bool { return f.spec.Action != sink.Create }

// fold returns a value in the form by which records are told apart.
func (f *File) fold(c *column, value string) string {
	if c.key && f.spec.byID() {
		return value[:min(len(value), 15)] // ids come back with 18 characters
	}
	if c.key && f.spec.Fold != nil {
		return f.spec.Fold(value)
	}
	return value
}

// value returns what stands in a column of a record, or why it cannot be sent.
func (f *File) value(c *column, r *sink.Record) (value, why string) {
	if c.from < 0 {
		if !lookup.WellFormedID(r.ID) {
			return "", "the " + f.spec.Action.String() + " needs a record id"
		}
		return r.ID, ""
	}
	cell := r.Batch.Cell(r.Row, c.from)
	kind := cell.Kind()
	if f.spec.Action == sink.Update && cell.OnInsert() {
		kind = row.Absent
	}
	cleared := kind == row.Null || kind == row.Text && cell.Text == "" // as in JSON, where "" clears, too
	if c.clears {
		if cleared {
			return null, ""
		}
		return "", ""
	}
	switch {
	case c.key && f.spec.Action == sink.Upsert && (cleared || kind == row.Absent):
		return "", c.name + " not specified"
	case kind == row.Absent:
		return "", ""
	case cleared:
		if lookup.ParsePath(c.name).Relation != "" {
			return "", "" // the id's column says it
		}
		return null, ""
	case kind == row.Text:
		switch {
		case cell.Text == null:
			return "", "the text " + null + " stands for null in the Bulk API"
		case !utf8.ValidString(cell.Text):
			return "", "the text is not valid UTF-8"
		}
		return plainBreaks(cell.Text), ""
	case kind == row.Number:
		if !wire.JSONNumber(cell.Text) {
			return "", "the number is not written as numbers are"
		}
	case kind == row.Bool:
		if cell.Text != "true" && cell.Text != "false" {
			return "", "the boolean is neither true nor false"
		}
	default:
		return "", "an object or array is not the value of a field"
	}
	return cell.Text, ""
}

// plainBreaks returns a text whose lines end as those of the file: other line breaks within a cell
// have been seen to make the org refuse the whole file.
func plainBreaks(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// appendCell appends a cell, in quotes where it needs them (RFC 4180).
func appendCell(dst []byte, s string) []byte {
	if strings.IndexAny(s, ",\"\n\r") < 0 && (s == "" || s[0] != ' ' && s[len(s)-1] != ' ') {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			return append(append(dst, s...), '"')
		}
		dst = append(append(dst, s[:i+1]...), '"')
		s = s[i+1:]
	}
}

func (f *File) write(b []byte) error {
	n, err := f.w.Write(b)
	f.size += int64(n)
	if err != nil {
		return fmt.Errorf("write the upload of a job: %w", err)
	}
	return nil
}

// ready makes the file one that can be uploaded.
func (f *File) ready() error {
	if err := f.w.Flush(); err != nil {
		return fmt.Errorf("write the upload of a job: %w", err)
	}
	f.index.sort()
	return nil
}

// Close removes the file.
func (f *File) Close() error {
	return errors.Join(f.f.Close(), os.Remove(f.f.Name()))
}
