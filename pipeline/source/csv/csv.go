// Package csv reads the rows of CSV files.
package csv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/columns"
	"sfsync/pipeline/source/inputerr"
	"sfsync/pipeline/source/rowfile"
	"sfsync/pipeline/source/textfile"
)

// Options say how CSV is read. The zero Options find out the delimiter and know no null.
type Options struct {
	// Delimiter is auto, one ASCII character, or comma, tab, semicolon, pipe, space; "" means auto.
	Delimiter string
	// Prefer is the delimiter that wins a draw, if there is one; 0 means the comma.
	Prefer byte
	// Null lists the cells that mean null.
	Null []string
	// Ours is set for what may be a row file of an earlier run, as [FindOurs] tells.
	Ours bool
}

// Reader reads the rows of a file. A row costs one copy into the batch's arena; its cells are
// spans of that copy, save those with doubled quotes. It is not safe for concurrent use.
type Reader struct {
	file   *textfile.File
	schema *row.Schema
	scan   scanner
	line   int64 // line of the next record

	width int // cells a record must have
	ours  *oursColumns

	null     []string
	nullLens uint64 // bit n is set if a null text is n bytes long, bit 63 for longer ones
}

// New reads the header of a file. A file without one has no columns and no rows. The error is an
// [*inputerr.Error], or the context's.
func New(ctx context.Context, file *textfile.File, opt Options) (*Reader, error) {
	r := &Reader{file: file, line: 1, null: opt.Null}
	for _, n := range r.null {
		r.nullLens |= 1 << min(len(n), 63)
	}
	delim, err := parseDelimiter(file.Path(), opt.Delimiter)
	if err != nil {
		return nil, err
	}
	text := file.Rest()
	eol := sniffEOL(text)
	if d, n := separatorLine(text, eol); n > 0 {
		if delim == 0 {
			delim = d
		}
		file.Skip(n)
		r.line++
	}
	if delim == 0 {
		delim = sniffDelimiter(file.Padded(), len(file.Rest()), file.EOF(), eol, opt.Prefer)
	}
	r.scan = newScanner(delim, eol)
	if err := r.header(ctx, opt.Ours); err != nil {
		return nil, err
	}
	return r, nil
}

// Schema returns the columns.
func (r *Reader) Schema() *row.Schema { return r.schema }

// Complete is true: the header names all columns.
func (r *Reader) Complete() bool { return true }

// Warnings returns what is odd about the file.
func (r *Reader) Warnings() []string { return r.file.Warnings() }

// Ours reports whether the file is a row file of an earlier run.
func (r *Reader) Ours() bool { return r.ours != nil }

// Delimiter is the character between cells.
func (r *Reader) Delimiter() byte { return r.scan.delim }

// encodingAdvice ends the message about bytes that are not UTF-8.
const encodingAdvice = "; if the file has another encoding, name it, such as encoding: windows-1252"

// header reads the first record and makes the schema of it.
func (r *Reader) header(ctx context.Context, ours bool) error {
	n, status, err := r.record(ctx)
	if errors.Is(err, io.EOF) {
		r.file.Warnf("the file is empty: it has no columns and no rows")
		r.schema = row.NewSchema()
		return nil
	}
	if err != nil {
		return err
	}
	text := r.file.Rest()[:n]
	bad := func(format string, args ...any) *inputerr.Error {
		return &inputerr.Error{Path: r.file.Path(), Line: r.line, Class: inputerr.ErrMalformed, Message: "the header " + fmt.Sprintf(format, args...)}
	}
	switch {
	case status == quoteOpen || status == quoteInner:
		return bad("has a quote that is not closed, or text behind a closing quote")
	case status == needMore || n > r.file.MaxLine():
		return bad("is longer than %d bytes: is this a CSV file?", r.file.MaxLine())
	case r.file.NUL() < n:
		return bad("holds a NUL byte: if the file is UTF-16, set encoding: utf-16le or utf-16be; otherwise it is not CSV")
	}
	if p, isBad := r.file.BadText(text, r.line, r.scan.eol, encodingAdvice); isBad {
		err := bad("cannot be read: %s", p.Message)
		err.Class = inputerr.ErrEncoding
		return err
	}
	if len(r.scan.cells) > row.MaxColumns {
		return bad("has %d columns; at most %d are read", len(r.scan.cells), row.MaxColumns)
	}
	names := make([]string, len(r.scan.cells))
	for i, c := range r.scan.cells {
		cell := text[c.start:c.end]
		if slices.Contains(r.scan.escaped, i) {
			cell = appendUnquoted(nil, cell)
		}
		names[i] = string(cell)
	}
	r.width = len(names)
	if own := rowfile.Find(names); ours && own != nil {
		r.ours = &oursColumns{Columns: own}
		names = names[:own.First]
	}
	order := make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	cols := make([]row.Column, len(names))
	for i, n := range columns.Unique(names, order, r.file.Warnf) {
		cols[i] = row.Column{Name: n, Type: "text"}
	}
	r.schema = row.NewSchema(cols...)
	r.advance(n)
	return nil
}

// record makes sure that the next record is in the buffer and scans it, passing over blank
// lines. It returns the record's length. A record that is longer than the buffer may grow
// gives needMore. The error is io.EOF, the context's, or one about the file.
func (r *Reader) record(ctx context.Context) (int, scanStatus, error) {
	for {
		f := r.file
		for {
			n := lineEnd(f.Rest(), r.scan.eol)
			if n == 0 {
				break
			}
			f.Skip(n)
			r.line++
		}
		if n := len(f.Rest()); n > 0 {
			// A lone CR may be the first half of a blank line's end; it is one at the end of the file.
			if n == 1 && f.Rest()[0] == '\r' {
				if f.EOF() {
					f.Skip(1)
					continue
				}
			} else {
				n, status := r.scan.record(f.Padded(), n, f.EOF())
				if status != needMore || len(f.Rest()) > f.MaxLine() {
					return n, status, nil
				}
			}
		} else if f.EOF() {
			return 0, scanned, io.EOF
		}
		if err := r.file.Fill(ctx); err != nil {
			return 0, scanned, err
		}
	}
}

// advance moves behind a record and counts its lines.
func (r *Reader) advance(n int) {
	lines := int64(1)
	if r.scan.quoted {
		lines = int64(bytes.Count(r.file.Rest()[:n], []byte{r.scan.eol}))
	}
	r.line += lines
	r.file.Skip(n)
}

// Read adds rows to a batch of the reader's schema until it is full. The error is io.EOF where the
// file ends, the context's, or an [*inputerr.Error]; the rows before it are in the batch.
func (r *Reader) Read(ctx context.Context, b *row.Batch) error {
	for !b.Full() {
		n, status, err := r.record(ctx)
		if err != nil {
			return err
		}
		switch {
		case status == needMore, n > r.file.MaxLine():
			err = r.overlong(ctx, b)
		case status != scanned:
			err = r.badQuote(ctx, b, status)
		default:
			r.good(b, n)
			r.advance(n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// good adds the record of n bytes as a row.
func (r *Reader) good(b *row.Batch, n int) {
	text := r.file.Rest()[:n]
	i := b.AddRow(r.line)
	if r.ours != nil && r.ours.problem(r, b, i, text) {
		return
	}
	if r.scan.wide || r.file.Recoded() {
		if p, bad := r.file.BadText(text, r.line, r.scan.eol, encodingAdvice); bad {
			b.SetRaw(i, trimEOL(text))
			b.Fail(i, p)
			return
		}
	}
	if r.file.NUL() < n {
		b.SetRaw(i, trimEOL(text))
		b.Fail(i, row.Problem{Code: "BAD_BYTE", Message: textfile.Place(text, r.file.NUL(), r.scan.eol, r.line) + ": a NUL byte"})
		return
	}
	if len(r.scan.cells) != r.width {
		b.SetRaw(i, trimEOL(text))
		b.Fail(i, row.Problem{Code: "ROW_WIDTH", Message: r.widthMessage(text)})
		return
	}
	buf := b.Begin()
	off := len(buf)
	b.End(i, 0, row.Text, append(buf, text...))
	cells := r.scan.cells
	if r.ours != nil {
		cells = cells[:r.ours.First]
	}
	if r.nullLens == 0 {
		for c, s := range cells {
			b.SetSpan(i, c, row.Text, off+int(s.start), off+int(s.end))
		}
	} else {
		for c, s := range cells {
			kind := row.Text
			if r.nullLens>>min(s.end-s.start, 63)&1 != 0 && r.isNull(text[s.start:s.end]) {
				kind = row.Null
			}
			b.SetSpan(i, c, kind, off+int(s.start), off+int(s.end))
		}
	}
	for _, c := range r.scan.escaped {
		if c < len(cells) {
			s := cells[c]
			buf := b.Begin()
			from := len(buf)
			buf = appendUnquoted(buf, text[s.start:s.end])
			kind := row.Text
			if r.isNull(buf[from:]) {
				kind = row.Null
			}
			b.End(i, c, kind, buf)
		}
	}
}

func (r *Reader) isNull(text []byte) bool {
	for _, n := range r.null {
		if string(text) == n {
			return true
		}
	}
	return false
}

func (r *Reader) widthMessage(text []byte) string {
	m := fmt.Sprintf("the row has %s, the header has %s", inputerr.Plural(int64(len(r.scan.cells)), "cell"), inputerr.Plural(int64(r.width), "column"))
	if r.scan.quoted {
		if n := bytes.Count(trimEOL(text), []byte{r.scan.eol}); n > 0 {
			m += fmt.Sprintf("; the row goes on to line %d: is a quote missing?", r.line+int64(n))
		}
	}
	return m
}

// badQuote adds the record at the start of the buffer as a row whose quoting is broken. The
// row ends with the line on which the bad quote opens, so that a stray quote costs one line
// and not the rest of the file.
func (r *Reader) badQuote(ctx context.Context, b *row.Batch, status scanStatus) error {
	open := r.scan.badAt
	n := 0
	for {
		rest := r.file.Rest()
		if i := bytes.IndexByte(rest[open:], r.scan.eol); i >= 0 {
			n = open + i + 1
			break
		}
		if n = len(rest); r.file.EOF() || n > r.file.MaxLine() {
			break
		}
		if err := r.file.Fill(ctx); err != nil {
			return err
		}
	}
	if n > r.file.MaxLine() {
		return r.overlong(ctx, b)
	}
	text := r.file.Rest()[:n]
	message := "the quote that opens here is never closed"
	if status == quoteInner {
		message = "text follows the closing quote of the cell that begins here: double the quotes inside a cell"
	}
	i := b.AddRow(r.line)
	b.SetRaw(i, trimEOL(text))
	b.Fail(i, row.Problem{Code: "BAD_QUOTE", Message: textfile.Place(text, open, r.scan.eol, r.line) + ": " + message})
	r.line += int64(bytes.Count(text[:open], []byte{r.scan.eol})) + 1
	r.file.Skip(n)
	return nil
}

// overlong adds a record of more than the allowed bytes as a row. If its first line is not
// too long, a quote that opens there is taken for a stray one and the next line for the next
// record. Else the rest of the line is passed over without keeping it.
func (r *Reader) overlong(ctx context.Context, b *row.Batch) error {
	i := b.AddRow(r.line)
	rest := r.file.Rest()
	if n := bytes.IndexByte(rest, r.scan.eol) + 1; n > 0 && n <= r.file.MaxLine() {
		b.SetRaw(i, trimEOL(rest[:n]))
		b.Fail(i, row.Problem{Code: "BAD_QUOTE", Message: fmt.Sprintf("a quote that opens on this line is not closed within %d bytes", r.file.MaxLine())})
		r.line++
		r.file.Skip(n)
		return nil
	}
	b.SetRaw(i, r.file.Excerpt())
	b.Fail(i, row.Problem{Code: "LINE_TOO_LONG", Message: fmt.Sprintf("the line is longer than %d bytes", r.file.MaxLine())})
	r.line++
	return r.file.SkipLine(ctx, r.scan.eol)
}

func trimEOL(text []byte) []byte {
	if n := len(text); n > 0 && text[n-1] == '\n' {
		text = text[:n-1]
	}
	if n := len(text); n > 0 && text[n-1] == '\r' {
		text = text[:n-1]
	}
	return text
}
