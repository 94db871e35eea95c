package bulk

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"sfsync/pipeline/row"
	"sfsync/pipeline/spill"
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
	// Clears reports whether a record clears the relationship that a column sets by its parent's key; nil if any may.
	Clears func(column string) bool
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
	columns []column
	schema  *row.Schema // of the last record
	from    []int       // for each column, that of the schema, or -1
	f       *spill.File
	w       *bufio.Writer
	size    int64
	limit   int64
	index   index
	buf     []byte
}

// column is a column of the file.
type column struct {
	name string
	of   string // the column of a record's schema that it is made of; "" for the record's id
	// parent is set where the value is a parent's key, clears where it is the parent's id: that is what
	// null comes to.
	parent, clears bool
	key            bool
}

// NewFile returns an empty file for a job over records that have columns of a schema, which are named
// as the API names them. It lies in dir, which is that of temporary files if it is "".
func NewFile(dir string, spec Spec, schema *row.Schema) (*File, error) {
	if spec.operation() == "" {
		return nil, catalog.New(sink.Config, catalog.CodeSetup, "the Bulk API cannot "+spec.Action.String()+" records")
	}
	f := &File{spec: spec, limit: MaxBytes, columns: columns(&spec, schema)}
	f.resolve(schema)
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
	if f.f, err = spill.Create(dir, "bulk-*.csv"); err != nil {
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
// is cleared through its id, as in JSON, since nothing says that null may stand for a parent's key; that
// both columns may be there as long as one of them is empty in each row is unconfirmed, so that the id is
// only there where a record needs it.
func columns(spec *Spec, schema *row.Schema) []column {
	var cols []column
	if spec.byID() {
		cols = append(cols, column{name: "Id", key: true})
	}
	if spec.Action == sink.Delete {
		return cols
	}
	for _, c := range schema.Columns {
		if strings.HasPrefix(c.Name, "\x00") || strings.EqualFold(c.Name, "Id") {
			continue
		}
		cols = append(cols, column{
			name: c.Name, of: c.Name, parent: lookup.ParsePath(c.Name).Relation != "",
			key: spec.Action == sink.Upsert && strings.EqualFold(c.Name, spec.Key),
		})
	}
	for _, c := range slices.Clone(cols) {
		if !c.parent || c.key || spec.Clears != nil && !spec.Clears(c.name) {
			continue
		}
		id := wire.ReferenceOf(lookup.ParsePath(c.name).Relation)
		if !slices.ContainsFunc(cols, func(c column) bool { return strings.EqualFold(c.name, id) }) {
			cols = append(cols, column{name: id, of: c.name, clears: true})
		}
	}
	return cols
}

// resolve finds the columns in a schema; records that follow each other share one as a rule.
func (f *File) resolve(s *row.Schema) {
	if s == f.schema {
		return
	}
	f.schema, f.from = s, f.from[:0]
	for _, c := range f.columns {
		f.from = append(f.from, s.Index(c.of))
	}
}

// Len returns how many records the file has.
func (f *File) Len() int { return f.index.len() }

// Add appends a record. Its place among the results is how many there were before it. A record that
// cannot be sent is refused with an error that is its result; one that has no room any more is told by
// ok: it belongs into another file. An error other than these two is one of the disk.
func (f *File) Add(r *sink.Record) (ok bool, refused *sink.Error, err error) {
	f.resolve(r.Batch.Schema())
	buf, sum := f.buf[:0], f.index.hash()
	for i := range f.columns {
		c := &f.columns[i]
		if i > 0 {
			buf = append(buf, ',')
		}
		value, bad := f.value(c, f.from[i], r)
		if bad != nil {
			return true, bad, nil
		}
		if c.key || !f.keyed() {
			sum.add(f.fold(c, value))
		}
		buf = appendCell(buf, value)
	}
	if len(buf) == 0 {
		buf = append(buf, `""`...) // the only column: an empty line is no record
	}
	buf = append(buf, '\n')
	f.buf = buf
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
func (f *File) value(c *column, from int, r *sink.Record) (string, *sink.Error) {
	if c.of == "" {
		switch {
		case r.ID == "":
			return "", catalog.New(sink.Permanent, catalog.CodeNoID, "the "+f.spec.Action.String()+" has no record id")
		case !lookup.WellFormedID(r.ID):
			return "", &sink.Error{Code: "MALFORMED_ID", Message: "malformed id " + wire.Clip(r.ID, 100), Fields: []string{"Id"}}
		}
		return r.ID, nil
	}
	var cell row.Cell
	if from >= 0 {
		cell = r.Batch.Cell(r.Row, from)
	}
	kind := cell.Kind()
	if f.spec.Action == sink.Update && cell.OnInsert() {
		kind = row.Absent
	}
	cleared := clears(cell)
	switch {
	case c.key && f.spec.Action == sink.Upsert && (cleared || kind == row.Absent):
		return "", &sink.Error{Code: "MISSING_ARGUMENT", Message: c.name + " not specified", Fields: []string{c.name}}
	case kind == row.Absent, cleared && c.parent, !cleared && c.clears:
		return "", nil
	case cleared:
		return null, nil
	}
	if why := unsendable(cell); why != "" {
		return "", &sink.Error{Code: catalog.CodeValue, Message: why, Fields: []string{c.name}}
	}
	return plainBreaks(cell.Text), nil
}

// clears reports whether a cell clears its field: as in JSON, where "" does, too.
func clears(cell row.Cell) bool {
	return cell.Kind() == row.Null || cell.Kind() == row.Text && cell.Text == ""
}

// unsendable says why no cell of CSV can be made of a value; "" if one can.
func unsendable(cell row.Cell) string {
	switch kind := cell.Kind(); {
	case cell.Awaited():
		return "the record that it refers to is not known"
	case kind == row.Text && cell.Text == null:
		return "the text " + null + " stands for null in the Bulk API"
	case kind == row.Text && !utf8.ValidString(cell.Text):
		return "the text is not valid UTF-8"
	case kind == row.Number && !wire.JSONNumber(cell.Text):
		return "the number is not written as numbers are"
	case kind == row.Bool && cell.Text != "true" && cell.Text != "false":
		return "the boolean is neither true nor false"
	case kind == row.JSON:
		return "an object or array is not the value of a field"
	}
	return ""
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
	if !strings.ContainsAny(s, ",\"\n\r") && (s == "" || s[0] != ' ' && s[len(s)-1] != ' ') {
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
func (f *File) Close() error { return f.f.Close() }
