// Package rowfile recognizes the row files of an earlier run, such as failed.csv and failed.jsonl:
// what their own columns are, and what those say of a row.
package rowfile

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sfsync/pipeline/row"
)

// names are the columns that a run's row files have behind those of the input.
//
//nolint:gochecknoglobals // a table that never changes
var names = [...]string{
	Mark, "sfsync_line", "sfsync_target", "sfsync_object", "sfsync_action",
	"sfsync_id", "sfsync_code", "sfsync_field", "sfsync_message", "sfsync_attempts",
}

const (
	// Mark is the first of the columns that row files have.
	Mark = "sfsync_file"
	// raw is the column that holds the text of a row that could not be read.
	raw = "sfsync_raw"
)

// Columns says where the columns of a row file of ours stand.
type Columns struct {
	First                      int // the first of our columns; those before it are the input's
	File, Line                 int
	Target, Raw, Code, Message int // -1 where there is none
}

// Find recognizes the columns of a row file of ours: exactly our names, in order, at the
// end, with sfsync_raw anywhere among them. It returns nil for any other header.
func Find(header []string) *Columns {
	first := len(header)
	for first > 0 && (header[first-1] == raw || slices.Contains(names[:], header[first-1])) {
		first--
	}
	o := &Columns{First: first, Target: -1, Raw: -1, Code: -1, Message: -1}
	i := 0
	for at := first; at < len(header); at++ {
		switch n := header[at]; {
		case n == raw && o.Raw < 0:
			o.Raw = at
			continue
		case i == len(names) || n != names[i]:
			return nil
		case n == Mark:
			o.File = at
		case n == "sfsync_line":
			o.Line = at
		case n == "sfsync_target":
			o.Target = at
		case n == "sfsync_code":
			o.Code = at
		case n == "sfsync_message":
			o.Message = at
		}
		i++
	}
	if i < len(names) {
		return nil
	}
	return o
}

// SetOrigin notes where a row stood in the input of the run that wrote it, if the cells say so.
// last is the file of the row before; what comes back is that of this one.
func SetOrigin(b *row.Batch, i int, file, line []byte, last string) string {
	n, err := strconv.ParseInt(string(line), 10, 64)
	if err != nil || n < 1 || len(file) == 0 || !utf8.Valid(file) {
		return last
	}
	if string(file) != last {
		last = string(file)
	}
	b.SetOrigin(i, last, n)
	return last
}

// Unguard takes off the apostrophe that keeps a spreadsheet from running a cell of ours as a
// formula.
func Unguard(cell []byte) []byte {
	if len(cell) > 1 && cell[0] == '\'' && strings.IndexByte("=+-@\t\r", cell[1]) >= 0 {
		return cell[1:]
	}
	return cell
}

// Unread is the problem of a row that an earlier run could not read.
func Unread(code, message string) row.Problem {
	if code == "" {
		code = "UNREADABLE"
	}
	message = strings.ToValidUTF8(message, "\uFFFD")
	if message == "" {
		message = "an earlier run could not read the row"
	}
	return row.Problem{Code: strings.ToValidUTF8(code, "\uFFFD"), Message: message}
}
