package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"unicode/utf8"

	"sfsync/pipeline/row"
)

// csvReader reads CSV. A row costs one copy into the batch's arena; its cells are spans
// of that copy, save those with doubled quotes.
type csvReader struct {
	common
	scan scanner
	line int64 // line of the next record

	width int // cells a record must have
	ours  *oursColumns

	null     []string
	nullLens uint64 // bit n is set if a null text is n bytes long, bit 63 for longer ones
}

func newCSV(ctx context.Context, c common) (*csvReader, error) {
	r := &csvReader{common: c, line: 1, null: c.opt.Null}
	for _, n := range r.null {
		r.nullLens |= 1 << min(len(n), 63)
	}
	delim, err := parseDelimiter(c.path, r.opt.Delimiter)
	if err != nil {
		return nil, err
	}
	text := r.buf.rest()
	eol := sniffEOL(text)
	if d, n := separatorLine(text, eol); n > 0 {
		if delim == 0 {
			delim = d
		}
		r.buf.skip(n)
		r.line++
	}
	if delim == 0 {
		preferred := byte(0)
		if isTSV(c.path) {
			preferred = '\t'
		}
		delim = sniffDelimiter(r.buf.data[r.buf.pos:], len(r.buf.rest()), r.buf.eof, eol, preferred)
	}
	r.info.Delimiter = delim
	r.scan = newScanner(delim, eol)
	err = r.header(ctx)
	return r, err
}

func (r *csvReader) Complete() bool { return true }

// header reads the first record and makes the schema of it.
func (r *csvReader) header(ctx context.Context) error {
	n, status, err := r.record(ctx)
	if errors.Is(err, io.EOF) {
		r.warnf("the file is empty: it has no columns and no rows")
		r.schema, r.err = row.NewSchema(), io.EOF
		return nil
	}
	if err != nil {
		return err
	}
	text := r.buf.rest()[:n]
	bad := func(format string, args ...any) error {
		return &Error{Path: r.path, Line: r.line, Class: ErrMalformed, Message: "the header " + fmt.Sprintf(format, args...)}
	}
	switch {
	case status == quoteOpen || status == quoteInner:
		return bad("has a quote that is not closed, or text behind a closing quote")
	case status == needMore || n > r.opt.MaxLine:
		return bad("is longer than %d bytes: is this a CSV file?", r.opt.MaxLine)
	case r.buf.nul < r.buf.pos+n:
		return bad("holds a NUL byte: if the file is UTF-16, set encoding: utf-16le or utf-16be; otherwise it is not CSV")
	}
	if p, isBad := r.badText(text, r.line, r.scan.eol); isBad {
		return bad("cannot be read: %s", p.Message)
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
	if r.info.Ours {
		r.ours = findOurs(names)
		names = names[:r.ours.first]
	}
	r.schema = row.NewSchema(uniqueColumns(names, r.warnf)...)
	r.advance(n)
	return nil
}

// record makes sure that the next record is in the buffer and scans it, passing over blank
// lines. It returns the record's length. A record that is longer than the buffer may grow
// gives needMore. The error is io.EOF, the context's, or one about the file.
func (r *csvReader) record(ctx context.Context) (int, scanStatus, error) {
	for {
		b := r.buf
		for {
			n := lineEnd(b.rest(), r.scan.eol)
			if n == 0 {
				break
			}
			b.skip(n)
			r.line++
		}
		if n := b.end - b.pos; n > 0 {
			// A lone CR may be the first half of a blank line's end; it is one at the end of the file.
			if n == 1 && b.data[b.pos] == '\r' {
				if b.eof {
					b.skip(1)
					continue
				}
			} else {
				n, status := r.scan.record(b.data[b.pos:], n, b.eof)
				if status != needMore || b.end-b.pos > r.opt.MaxLine {
					return n, status, nil
				}
			}
		} else if b.eof {
			return 0, scanned, io.EOF
		}
		if err := r.fill(ctx); err != nil {
			return 0, scanned, err
		}
	}
}

// advance moves behind a record and counts its lines.
func (r *csvReader) advance(n int) {
	lines := int64(1)
	if r.scan.quoted {
		lines = int64(bytes.Count(r.buf.rest()[:n], []byte{r.scan.eol}))
	}
	r.line += lines
	r.buf.skip(n)
}

func (r *csvReader) Next(ctx context.Context) (*row.Batch, error) {
	if r.err != nil {
		return nil, r.final()
	}
	b := r.opt.Pool.Get(r.schema)
	for !b.Full() {
		n, status, err := r.record(ctx)
		if err != nil {
			return r.done(b, err)
		}
		switch {
		case status == needMore, n > r.opt.MaxLine:
			err = r.overlong(ctx, b)
		case status != scanned:
			err = r.badQuote(ctx, b, status)
		default:
			r.good(b, n)
			r.advance(n)
		}
		if err != nil {
			return r.done(b, err)
		}
	}
	return r.done(b, nil)
}

// good adds the record of n bytes as a row.
func (r *csvReader) good(b *row.Batch, n int) {
	text := r.buf.data[r.buf.pos : r.buf.pos+n]
	i := b.AddRow(r.line)
	if r.ours != nil && r.ours.problem(r, b, i, text) {
		return
	}
	if r.scan.wide || r.recoded {
		if p, bad := r.badText(text, r.line, r.scan.eol); bad {
			b.SetRaw(i, trimEOL(text))
			b.Fail(i, p)
			return
		}
	}
	if r.buf.nul < r.buf.pos+n {
		b.SetRaw(i, trimEOL(text))
		b.Fail(i, row.Problem{Code: "BAD_BYTE", Message: place(text, r.buf.nul-r.buf.pos, r.scan.eol, r.line) + ": a NUL byte"})
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
		cells = cells[:r.ours.first]
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

func (r *csvReader) isNull(text []byte) bool {
	for _, n := range r.null {
		if string(text) == n {
			return true
		}
	}
	return false
}

func (r *csvReader) widthMessage(text []byte) string {
	m := fmt.Sprintf("the row has %s, the header has %s", plural(int64(len(r.scan.cells)), "cell"), plural(int64(r.width), "column"))
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
func (r *csvReader) badQuote(ctx context.Context, b *row.Batch, status scanStatus) error {
	open := r.scan.badAt
	n := 0
	for {
		rest := r.buf.rest()
		if i := bytes.IndexByte(rest[open:], r.scan.eol); i >= 0 {
			n = open + i + 1
			break
		}
		if n = len(rest); r.buf.eof || n > r.opt.MaxLine {
			break
		}
		if err := r.fill(ctx); err != nil {
			return err
		}
	}
	if n > r.opt.MaxLine {
		return r.overlong(ctx, b)
	}
	text := r.buf.rest()[:n]
	message := "the quote that opens here is never closed"
	if status == quoteInner {
		message = "text follows the closing quote of the cell that begins here: double the quotes inside a cell"
	}
	i := b.AddRow(r.line)
	b.SetRaw(i, trimEOL(text))
	b.Fail(i, row.Problem{Code: "BAD_QUOTE", Message: place(text, open, r.scan.eol, r.line) + ": " + message})
	r.line += int64(bytes.Count(text[:open], []byte{r.scan.eol})) + 1
	r.buf.skip(n)
	return nil
}

// overlong adds a record of more than the allowed bytes as a row. If its first line is not
// too long, a quote that opens there is taken for a stray one and the next line for the next
// record. Else the rest of the line is passed over without keeping it.
func (r *csvReader) overlong(ctx context.Context, b *row.Batch) error {
	i := b.AddRow(r.line)
	rest := r.buf.rest()
	if n := bytes.IndexByte(rest, r.scan.eol) + 1; n > 0 && n <= r.opt.MaxLine {
		b.SetRaw(i, trimEOL(rest[:n]))
		b.Fail(i, row.Problem{Code: "BAD_QUOTE", Message: fmt.Sprintf("a quote that opens on this line is not closed within %d bytes", r.opt.MaxLine)})
		r.line++
		r.buf.skip(n)
		return nil
	}
	b.SetRaw(i, r.excerpt())
	b.Fail(i, row.Problem{Code: "LINE_TOO_LONG", Message: fmt.Sprintf("the line is longer than %d bytes", r.opt.MaxLine)})
	r.line++
	return r.skipLine(ctx, r.scan.eol)
}

// skipLine passes over the rest of a line in bounded memory.
func (c *common) skipLine(ctx context.Context, eol byte) error {
	for {
		if i := bytes.IndexByte(c.buf.rest(), eol); i >= 0 {
			c.buf.skip(i + 1)
			return nil
		}
		c.buf.skip(len(c.buf.rest()))
		if c.buf.eof {
			return nil
		}
		if err := c.fill(ctx); err != nil {
			return err
		}
	}
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

// cutRune drops the part of a character at the end of a text that was cut off.
func cutRune(text []byte) []byte {
	for i := 1; i <= min(utf8.UTFMax, len(text)); i++ {
		if c := text[len(text)-i]; utf8.RuneStart(c) {
			if bits.LeadingZeros8(^c) > i {
				return text[:len(text)-i]
			}
			break
		}
	}
	return text
}
