package csv

import (
	"bytes"
	"slices"
	"strings"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/rowfile"
	"sfsync/pipeline/source/textfile"
)

// FindOurs reports whether a file that begins with head has the header of a row file of ours, and
// by which delimiter: a spreadsheet may have saved it again with another one.
func FindOurs(head []byte) (delim byte, ok bool) {
	head = bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF"))
	line := head[:physicalLine(head, sniffEOL(head))]
	if !bytes.Contains(line, []byte(rowfile.Mark)) {
		return 0, false
	}
	data := append(slices.Clone(line), make([]byte, textfile.Slack)...)
	for _, d := range delimiters {
		s := newScanner(d, '\n')
		if _, status := s.record(data, len(line), true); status != scanned {
			continue
		}
		names := make([]string, len(s.cells))
		for i, c := range s.cells {
			names[i] = strings.TrimRight(string(line[c.start:c.end]), "\r")
		}
		if o := rowfile.Find(names); o != nil && o.First > 0 {
			return d, true
		}
	}
	return 0, false
}

// oursColumns are the columns of a row file of ours.
type oursColumns struct {
	*rowfile.Columns
	last string // the file of the row before, which most rows share
}

// problem notes for which target a record is and where its row stood, and makes the row of one that holds the text of a
// row that could not be read a problem again, with that text and the reason it had. It reports
// whether it did.
func (o *oursColumns) problem(r *Reader, b *row.Batch, i int, text []byte) bool {
	cells := r.scan.cells
	if len(cells) == r.width {
		if target := o.cell(r, text, o.Target); len(target) > 0 {
			b.SetOnly(i, string(target))
		}
		o.last = rowfile.SetOrigin(b, i, rowfile.Unguard(o.cell(r, text, o.File)), o.cell(r, text, o.Line), o.last)
	}
	if len(cells) != r.width || o.Raw < 0 || cells[o.Raw].start == cells[o.Raw].end {
		return false
	}
	for _, c := range cells[:o.First] {
		if c.end > c.start {
			return false // somebody has filled in the row's own cells: it is a row again
		}
	}
	b.SetRaw(i, rowfile.Unguard(o.cell(r, text, o.Raw)))
	b.Fail(i, rowfile.Unread(string(o.cell(r, text, o.Code)), string(rowfile.Unguard(o.cell(r, text, o.Message)))))
	return true
}

// cell returns the text of one of our cells of the record that was scanned last.
func (o *oursColumns) cell(r *Reader, text []byte, c int) []byte {
	t := text[r.scan.cells[c].start:r.scan.cells[c].end]
	if slices.Contains(r.scan.escaped, c) {
		return appendUnquoted(nil, t)
	}
	return t
}
