package csv

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"sfsync/pipeline/source/textfile"
)

// quotes is a word of them, see [textfile.LowBits].
const quotes = lowBits * '"'

const (
	lowBits  = textfile.LowBits
	highBits = textfile.HighBits
)

// cell is where the text of a CSV cell stands in its record, quotes left out.
type cell struct{ start, end uint32 }

// scanStatus is how a scan of one record ended.
type scanStatus uint8

const (
	scanned    scanStatus = iota // a whole record
	needMore                     // the record goes on behind the text
	quoteOpen                    // a quote is not closed before the end of the file
	quoteInner                   // a closing quote is followed by text
)

// scanner splits text into CSV records, eight bytes at a time. It knows RFC 4180 and two
// tolerances of encoding/csv with LazyQuotes: a quote inside an unquoted cell is literal,
// and so is a lone carriage return.
//
// It makes no copy, keeps CR LF inside quotes as it is, and reports a bad quote as a status.
// It measures three times as fast as encoding/csv, which copies; the whole reader, which
// copies too, checks UTF-8 and hashes the file, about as fast.
type scanner struct {
	delim, eol   byte   // eol is '\n', or '\r' in files that have nothing else
	delims, eols uint64 // the same in each byte of a word

	// What the last record gave:
	cells   []cell
	escaped []int // cells that hold doubled quotes
	quoted  bool  // any cell was quoted, so that the record may have several lines
	wide    bool  // there may be bytes of 0x80 and more
	badAt   int   // where the quote of quoteOpen and quoteInner opens
}

func newScanner(delim, eol byte) scanner {
	return scanner{
		delim: delim, eol: eol,
		delims: lowBits * uint64(delim), eols: lowBits * uint64(eol),
	}
}

// record scans the record at the start of data[:end], which [textfile.Slack] zero bytes follow, and
// returns its length with its line end; for quoteOpen and quoteInner, how far it got. With
// last set, nothing follows data[:end].
func (s *scanner) record(data []byte, end int, last bool) (int, scanStatus) {
	cells := s.cells[:0]
	s.escaped, s.quoted = s.escaped[:0], false
	var wide uint64
	delims, eols, delim := s.delims, s.eols, s.delim
	start, p := 0, 0
	for p < end {
		w := binary.LittleEndian.Uint64(data[p:])
		wide |= w
		x, y, z := w^delims, w^eols, w^quotes
		hits := ((x-lowBits)&^x | (y-lowBits)&^y | (z-lowBits)&^z) & highBits
		next := p + 8
		for ; hits != 0; hits &= hits - 1 {
			i := p + bits.TrailingZeros64(hits)>>3
			switch data[i] {
			case delim:
				cells = append(cells, cell{uint32(start), uint32(i)})
				start = i + 1
				continue
			case s.eol:
				e := i
				if e > start && s.eol == '\n' && data[e-1] == '\r' {
					e--
				}
				cells = append(cells, cell{uint32(start), uint32(e)})
				s.cells = cells
				s.wide = wide&highBits != 0 || s.quoted
				return i + 1, scanned
			case '"':
				if i != start {
					continue
				}
				s.cells = cells
				n, status, more := s.quotedCell(data, start, end, last)
				if status != scanned {
					s.wide = true
					return n, status
				}
				cells = s.cells
				if !more {
					s.wide = true
					return n, scanned
				}
				start, next = n, n
			default:
				continue
			}
			break
		}
		p = next
	}
	s.cells = cells
	if !last {
		return 0, needMore
	}
	e := end
	if e > start && data[e-1] == '\r' {
		e-- // a file that ends in the middle of CR LF
	}
	cells = append(cells, cell{uint32(start), uint32(e)})
	s.cells = cells
	s.wide = wide&highBits != 0 || s.quoted
	return end, scanned
}

// quotedCell scans the cell whose quote opens at data[open]. It returns the index behind
// the cell and its delimiter or line end; more is set if it was a delimiter.
func (s *scanner) quotedCell(data []byte, open, end int, last bool) (n int, status scanStatus, more bool) {
	s.quoted = true
	s.badAt = open
	esc := false
	p := open + 1
	for {
		i := bytes.IndexByte(data[p:end], '"')
		if i < 0 {
			if last {
				return end, quoteOpen, false
			}
			return 0, needMore, false
		}
		p += i
		if p+1 == end {
			if !last {
				return 0, needMore, false
			}
			s.closeCell(open, p, esc)
			return end, scanned, false
		}
		switch c := data[p+1]; {
		case c == '"':
			esc = true
			p += 2
			continue
		case c == s.delim:
			s.closeCell(open, p, esc)
			return p + 2, scanned, true
		case c == s.eol:
			s.closeCell(open, p, esc)
			return p + 2, scanned, false
		case c == '\r' && p+2 == end:
			if !last {
				return 0, needMore, false
			}
			s.closeCell(open, p, esc)
			return end, scanned, false
		case c == '\r' && data[p+2] == '\n' && s.eol == '\n':
			s.closeCell(open, p, esc)
			return p + 3, scanned, false
		}
		return p + 1, quoteInner, false
	}
}

func (s *scanner) closeCell(open, quote int, esc bool) {
	if esc {
		s.escaped = append(s.escaped, len(s.cells))
	}
	s.cells = append(s.cells, cell{uint32(open + 1), uint32(quote)})
}

// appendUnquoted appends text with its doubled quotes made single.
func appendUnquoted(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '"')
		if i < 0 || i+1 >= len(text) {
			return append(dst, text...)
		}
		dst = append(dst, text[:i+1]...)
		text = text[i+2:]
	}
}
