package source

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sfsync/pipeline/row"
)

// oursNames are the columns that a run's row files have behind those of the input.
//
//nolint:gochecknoglobals // a table that never changes
var oursNames = [...]string{
	"sfsync_file", "sfsync_line", "sfsync_target", "sfsync_object", "sfsync_action",
	"sfsync_id", "sfsync_code", "sfsync_field", "sfsync_message", "sfsync_attempts",
}

// oursRaw is the column that holds the text of a row that could not be read.
const oursRaw = "sfsync_raw"

// oursColumns says where the columns of a row file of ours stand.
type oursColumns struct {
	first                      int // the first of our columns; those before it are the input's
	file, line                 int
	target, raw, code, message int // -1 where there is none

	last string // the file of the row before, which most rows share
}

// findOurs recognizes the columns of a row file of ours: exactly our names, in order, at the
// end, with sfsync_raw anywhere among them. It returns nil for any other header.
func findOurs(names []string) *oursColumns {
	first := len(names)
	for first > 0 && (names[first-1] == oursRaw || slices.Contains(oursNames[:], names[first-1])) {
		first--
	}
	o := &oursColumns{first: first, target: -1, raw: -1, code: -1, message: -1}
	i := 0
	for at := first; at < len(names); at++ {
		switch n := names[at]; {
		case n == oursRaw && o.raw < 0:
			o.raw = at
			continue
		case i == len(oursNames) || n != oursNames[i]:
			return nil
		case n == "sfsync_file":
			o.file = at
		case n == "sfsync_line":
			o.line = at
		case n == "sfsync_target":
			o.target = at
		case n == "sfsync_code":
			o.code = at
		case n == "sfsync_message":
			o.message = at
		}
		i++
	}
	if i < len(oursNames) {
		return nil
	}
	return o
}

// oursHeader reports whether a CSV begins with the header of a row file of ours, and by which
// delimiter: a spreadsheet may have saved it again with another one.
func oursHeader(head []byte) (delim byte, ok bool) {
	head = bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF"))
	line := head[:physicalLine(head, sniffEOL(head))]
	if !bytes.Contains(line, []byte(oursNames[0])) {
		return 0, false
	}
	data := append(slices.Clone(line), make([]byte, slack)...)
	for _, d := range delimiters {
		s := newScanner(d, '\n')
		if _, status := s.record(data, len(line), true); status != scanned {
			continue
		}
		names := make([]string, len(s.cells))
		for i, c := range s.cells {
			names[i] = strings.TrimRight(string(line[c.start:c.end]), "\r")
		}
		if o := findOurs(names); o != nil && o.first > 0 {
			return d, true
		}
	}
	return 0, false
}

// problem notes for which target a record is and where its row stood, and makes the row of one that holds the text of a
// row that could not be read a problem again, with that text and the reason it had. It reports
// whether it did.
func (o *oursColumns) problem(r *csvReader, b *row.Batch, i int, text []byte) bool {
	cells := r.scan.cells
	if len(cells) == r.width {
		if target := o.cell(r, text, o.target); len(target) > 0 {
			b.SetOnly(i, string(target))
		}
		o.last = setOrigin(b, i, unguard(o.cell(r, text, o.file)), o.cell(r, text, o.line), o.last)
	}
	if len(cells) != r.width || o.raw < 0 || cells[o.raw].start == cells[o.raw].end {
		return false
	}
	for _, c := range cells[:o.first] {
		if c.end > c.start {
			return false // somebody has filled in the row's own cells: it is a row again
		}
	}
	b.SetRaw(i, unguard(o.cell(r, text, o.raw)))
	b.Fail(i, unread(string(o.cell(r, text, o.code)), string(unguard(o.cell(r, text, o.message)))))
	return true
}

// cell returns the text of one of our cells of the record that was scanned last.
func (o *oursColumns) cell(r *csvReader, text []byte, c int) []byte {
	t := text[r.scan.cells[c].start:r.scan.cells[c].end]
	if slices.Contains(r.scan.escaped, c) {
		return appendUnquoted(nil, t)
	}
	return t
}

// setOrigin notes where a row stood in the input of the run that wrote it, if the cells say so.
// last is the file of the row before; what comes back is that of this one.
func setOrigin(b *row.Batch, i int, file, line []byte, last string) string {
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

// unguard takes off the apostrophe that keeps a spreadsheet from running a cell of ours as a
// formula.
func unguard(cell []byte) []byte {
	if len(cell) > 1 && cell[0] == '\'' && strings.IndexByte("=+-@\t\r", cell[1]) >= 0 {
		return cell[1:]
	}
	return cell
}

// unread is the problem of a row that an earlier run could not read.
func unread(code, message string) row.Problem {
	if code == "" {
		code = "UNREADABLE"
	}
	message = strings.ToValidUTF8(message, "\uFFFD")
	if message == "" {
		message = "an earlier run could not read the row"
	}
	return row.Problem{Code: strings.ToValidUTF8(code, "\uFFFD"), Message: message}
}

// oursRow is a line of a JSON Lines row file of ours.
type oursRow struct {
	cut                        int // the input's own keys are text[:cut], without a closing brace
	unread                     bool
	file, line                 []byte
	target, raw, code, message []byte
}

// oursLine recognizes such a line: an object whose last keys are ours. It returns nil for any
// other text. The text must have room for slack more bytes behind it.
func oursLine(text []byte) *oursRow {
	if !bytes.Contains(text, []byte(`"`+oursNames[0]+`"`)) {
		return nil
	}
	var s jsonScanner
	s.reset(text[:len(text)+slack], len(text))
	if s.peek(0) != '{' {
		return nil
	}
	var names []string
	var ends []int      // where the member before each key ends
	var values [][2]int // where the values stand
	end := 1
	p, more := s.open(1, '}')
	for more && len(names) <= row.MaxColumns {
		q, _, v := s.key(p)
		if v < 0 {
			return nil
		}
		names, ends = append(names, string(text[p+1:q])), append(ends, end)
		if end = s.value(v, 1); end < 0 {
			return nil
		}
		values = append(values, [2]int{v, end})
		if p, more = s.next(end, '}'); p < 0 {
			return nil
		}
	}
	o := findOurs(names)
	if o == nil || more || s.space(p) != len(text) {
		return nil
	}
	get := func(i int) []byte {
		if i < 0 || text[values[i][0]] != '"' {
			return nil
		}
		return appendUnescaped(nil, text[values[i][0]+1:values[i][1]-1])
	}
	line := text[values[o.line][0]:values[o.line][1]]
	return &oursRow{file: get(o.file), line: line, cut: ends[o.first], unread: o.raw >= 0 && get(o.raw) != nil, target: get(o.target), raw: get(o.raw), code: get(o.code), message: get(o.message)}
}
