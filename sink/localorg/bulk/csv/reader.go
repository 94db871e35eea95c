// Package csv reads and writes CSV by the rules of the Bulk APIs: one fixed line ending, one of six
// delimiters, quotes only around a whole value, nothing trimmed (Bulk API 2.0 guide, "Valid CSV record
// rows"). encoding/csv is laxer: it takes either line ending, which Salesforce does not.
package csv

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// The limits of a row (Bulk API 2.0 guide, limits): 400,000 characters, 5,000 fields, and 131,072
// characters a field.
const (
	MaxRow    = 400_000
	MaxFields = 5_000
	MaxField  = 131_072
)

// maxBytes bounds what a row may take before its characters are counted: none has more than four bytes.
const maxBytes = 4*MaxRow + 4*MaxFields

// Dialect says how a file is written.
type Dialect struct {
	// Delimiter stands between values.
	Delimiter byte
	// CRLF ends lines with a carriage return and a line feed, instead of a line feed alone.
	CRLF bool
	// Either takes both, as Bulk API 1.0 does.
	Either bool
}

// Errors that concern the whole file: nothing behind them can be read.
var (
	// ErrLineEnding is a line that ends otherwise than the dialect says, be it between quotes.
	ErrLineEnding = errors.New("line ending does not fit the job")
	// ErrOpenQuote is a quote that is never closed.
	ErrOpenQuote = errors.New("EOF reached before closing an opened quote")
	// ErrTooLong is a row beyond the limits.
	ErrTooLong = errors.New("row too long")
)

// RowError is a row that cannot be taken apart. Reading may go on behind it.
type RowError struct {
	Reason string
	// Text is the row as it stands in the file.
	Text string
}

func (e *RowError) Error() string { return e.Reason }

// Reader reads rows. It holds one row and a buffer of some hundred kilobytes, however long the file is.
type Reader struct {
	src     io.Reader
	dialect Dialect
	// end is what src returned when it had no more.
	end error

	buf      []byte
	from, to int   // what is read but not used up
	offset   int64 // of from in the file

	text   []byte // the values of a row with quotes, one behind the other
	ends   []int
	fields []string
}

// bufferSize is the size of the first buffer.
const bufferSize = 128 << 10

// NewReader returns a reader of src, which begins at a row.
func NewReader(src io.Reader, d Dialect) *Reader {
	return &Reader{src: src, dialect: d, buf: make([]byte, bufferSize)}
}

// Offset returns how many bytes of the file the rows read so far take.
func (r *Reader) Offset() int64 { return r.offset }

// Read returns the values of the next row. The slice is used again by the next call; the values may be
// kept, but share memory with one another. Empty lines are passed over.
//
// At the end the error is io.EOF. A *[RowError] is about this row only; any other error is the end of
// the file too.
func (r *Reader) Read() ([]string, error) {
	for {
		line, err := r.line()
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			continue
		}
		if bytes.IndexByte(line, '"') < 0 {
			return r.plain(line)
		}
		return r.quoted(line)
	}
}

// line returns the bytes of the next row, without its line ending. They stand in the buffer until the next
// call.
func (r *Reader) line() ([]byte, error) {
	open := false // between quotes
	closed := -1  // where a quoted part ended last
	for at := r.from; ; {
		// What is between quotes ends at a quote; what is not, at a line feed.
		stop := byte('\n')
		if open {
			stop = '"'
		}
		rest := r.buf[at:r.to]
		i := bytes.IndexByte(rest, stop)
		if i >= 0 {
			rest = rest[:i]
		}
		if open {
			if !r.fits(at, rest) {
				return nil, ErrLineEnding
			}
		} else if q := r.opening(at, closed, rest); q >= 0 {
			open = true
			at += q + 1
			continue
		}
		switch {
		case i >= 0 && open:
			open = false
			at += i + 1
			closed = at
		case i >= 0:
			return r.take(at + i)
		case r.end != nil:
			return r.last(open)
		default:
			// Look at it again with what follows: a quote may open a value at the very end.
			used := r.to - r.from
			if used > maxBytes {
				return nil, ErrTooLong
			}
			if open {
				at = r.to
			}
			moved := r.fill()
			at -= moved
			closed -= moved
		}
	}
}

// opening returns where in rest, which begins at r.buf[at] outside quotes, a quote opens a quoted part, or
// -1. That is the first character of a value, or the one behind a closing quote: the second of a doubled
// quote, with which the value goes on.
func (r *Reader) opening(at, closed int, rest []byte) int {
	for off := 0; ; {
		q := bytes.IndexByte(rest[off:], '"')
		if q < 0 {
			return -1
		}
		q += off
		if p := at + q; p == r.from || p == closed || r.buf[p-1] == r.dialect.Delimiter {
			return q
		}
		off = q + 1
	}
}

// fits reports whether the line breaks within a quoted part are of the dialect. That others are refused
// even there is what users report; Salesforce does not document it.
func (r *Reader) fits(at int, part []byte) bool {
	for off := 0; !r.dialect.Either; {
		n := bytes.IndexByte(part[off:], '\n')
		if n < 0 {
			return true
		}
		n += off
		if crlf := at+n > r.from && r.buf[at+n-1] == '\r'; crlf != r.dialect.CRLF {
			return false
		}
		off = n + 1
	}
	return true
}

// take uses up the row that ends at the line feed r.buf[lf].
func (r *Reader) take(lf int) ([]byte, error) {
	line := r.buf[r.from:lf]
	crlf := len(line) > 0 && line[len(line)-1] == '\r'
	if crlf != r.dialect.CRLF && !r.dialect.Either {
		return nil, ErrLineEnding
	}
	if crlf {
		line = line[:len(line)-1]
	}
	r.offset += int64(lf + 1 - r.from)
	r.from = lf + 1
	return line, nil
}

// last uses up a row that no line feed ends.
func (r *Reader) last(open bool) ([]byte, error) {
	switch {
	case r.end != io.EOF: //nolint:errorlint // readers return it bare
		return nil, r.end
	case open:
		return nil, ErrOpenQuote
	case r.from == r.to:
		return nil, io.EOF
	}
	line := r.buf[r.from:r.to]
	r.offset += int64(len(line))
	r.from = r.to
	return line, nil
}

// fill reads more behind what is there, and returns by how much that moved towards the buffer's start.
func (r *Reader) fill() (moved int) {
	if r.from > 0 {
		moved = r.from
		copy(r.buf, r.buf[r.from:r.to])
		r.from, r.to = 0, r.to-moved
	}
	if r.to == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	for range 100 {
		n, err := r.src.Read(r.buf[r.to:])
		r.to += n
		if err != nil {
			r.end = err
			return moved
		}
		if n > 0 {
			return moved
		}
	}
	r.end = io.ErrNoProgress
	return moved
}

// plain takes a row without quotes apart: its text is allocated once.
func (r *Reader) plain(line []byte) ([]string, error) {
	if len(line) > MaxField && tooLong(line) {
		return nil, ErrTooLong
	}
	r.fields = r.fields[:0]
	text := string(line)
	for {
		i := strings.IndexByte(text, r.dialect.Delimiter)
		if i < 0 {
			r.fields = append(r.fields, text)
			break
		}
		r.fields = append(r.fields, text[:i])
		text = text[i+1:]
	}
	return r.fields, r.check()
}

// quoted takes a row with quotes apart.
func (r *Reader) quoted(line []byte) ([]string, error) {
	if len(line) > MaxField && tooLong(line) {
		return nil, ErrTooLong
	}
	r.text, r.ends = r.text[:0], r.ends[:0]
	for at := 0; ; {
		if at < len(line) && line[at] == '"' {
			at++
			for {
				q := bytes.IndexByte(line[at:], '"')
				if q < 0 {
					return nil, ErrOpenQuote // cannot be: line ends outside quotes
				}
				r.text = append(r.text, line[at:at+q]...)
				at += q + 1
				if at == len(line) || line[at] != '"' {
					break
				}
				r.text = append(r.text, '"')
				at++
			}
			if at < len(line) && line[at] != r.dialect.Delimiter {
				return nil, &RowError{"Not expecting more text after end quote", string(line)}
			}
		} else {
			d := bytes.IndexByte(line[at:], r.dialect.Delimiter)
			if d < 0 {
				d = len(line) - at
			}
			if bytes.IndexByte(line[at:at+d], '"') >= 0 {
				return nil, &RowError{"Found unescaped quote. A value with quote should be within a quote", string(line)}
			}
			r.text = append(r.text, line[at:at+d]...)
			at += d
		}
		r.ends = append(r.ends, len(r.text))
		if at == len(line) {
			break
		}
		at++
	}
	r.fields = r.fields[:0]
	text, from := string(r.text), 0
	for _, end := range r.ends {
		r.fields = append(r.fields, text[from:end])
		from = end
	}
	return r.fields, r.check()
}

// check refuses a row beyond the limits.
func (r *Reader) check() error {
	if len(r.fields) > MaxFields {
		return ErrTooLong
	}
	for _, f := range r.fields {
		if len(f) > MaxField && utf8.RuneCountInString(f) > MaxField {
			return ErrTooLong
		}
	}
	return nil
}

func tooLong(line []byte) bool { return len(line) > MaxRow && utf8.RuneCount(line) > MaxRow }
