package jsonl

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"

	"sfsync/pipeline/source/textfile"
)

// maxDepth is how deep JSON may be nested.
const maxDepth = 128

// Words, see [textfile.LowBits].
const (
	lowBits  = textfile.LowBits
	highBits = textfile.HighBits
	quotes   = lowBits * '"'
)

// scanner validates one line of JSON (RFC 8259) and finds where its values stand, without
// building anything. UTF-8 is not checked here: wide says whether there is anything to check.
//
// Its methods take the index at which to go on in data and return the index behind what they
// scanned, or -1 with at and why set.
type scanner struct {
	data []byte // [textfile.Slack] more bytes follow data[:end], the first of them white space or NUL
	end  int
	wide uint64 // all words of strings or-ed

	at   int // where it went wrong
	why  string
	deep bool // it went wrong by depth
}

func (s *scanner) reset(data []byte, end int) {
	s.data, s.end, s.wide, s.deep = data, end, 0, false
}

func (s *scanner) fail(at int, why string) int {
	s.at, s.why = min(at, s.end), why
	return -1
}

// space passes over white space.
func (s *scanner) space(p int) int {
	for p < s.end && s.data[p] <= ' ' {
		switch s.data[p] {
		case ' ', '\t', '\r', '\n':
			p++
		default:
			return p
		}
	}
	return p
}

// peek returns the byte at p, or 0 at the end, which is no part of JSON.
func (s *scanner) peek(p int) byte {
	if p < s.end {
		return s.data[p]
	}
	return 0
}

// str scans a string from behind its opening quote and returns the index of the closing one.
func (s *scanner) str(p int) (quote int, escaped bool) {
	const (
		backslash = lowBits * '\\'
		controls  = lowBits * ' '
	)
	for p < s.end {
		w := binary.LittleEndian.Uint64(s.data[p:])
		s.wide |= w
		x, y := w^quotes, w^backslash
		hits := ((x-lowBits)&^x | (y-lowBits)&^y | (w-controls)&^w) & highBits
		if hits == 0 {
			p += 8
			continue
		}
		p += bits.TrailingZeros64(hits) >> 3
		if p >= s.end {
			break
		}
		switch s.data[p] {
		case '"':
			return p, escaped
		case '\\':
			escaped = true
			if p = s.escape(p + 1); p < 0 {
				return -1, false
			}
		default:
			return s.fail(p, "a control character in a string must be escaped"), false
		}
	}
	return s.fail(s.end, "the line ends inside a string"), false
}

// escape scans an escape from behind its backslash.
func (s *scanner) escape(p int) int {
	switch s.peek(p) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return p + 1
	case 'u':
	default:
		return s.fail(p, "no such escape in a string")
	}
	u, ok := s.hex4(p + 1)
	switch {
	case !ok:
		return s.fail(p, `\u must be followed by four hexadecimal digits`)
	case u < 0xD800 || u > 0xDFFF:
		return p + 5
	}
	if low, ok := s.hex4(p + 7); u < 0xDC00 && s.peek(p+5) == '\\' && s.peek(p+6) == 'u' && ok && low >= 0xDC00 && low <= 0xDFFF {
		return p + 11
	}
	return s.fail(p, `half of a surrogate pair (\uD800 to \uDFFF) stands alone`)
}

func (s *scanner) hex4(p int) (u rune, ok bool) {
	if p+4 > s.end {
		return 0, false
	}
	return parseHex4(s.data[p:])
}

func parseHex4(b []byte) (u rune, ok bool) {
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		u = u<<4 | rune(c)
	}
	return u, true
}

// number scans a number.
func (s *scanner) number(p int) int {
	if s.peek(p) == '-' {
		p++
	}
	switch c := s.peek(p); {
	case c == '0':
		p++
	case c >= '1' && c <= '9':
		p = s.digits(p)
	default:
		return s.fail(p, "a digit must follow the minus sign")
	}
	if s.peek(p) == '.' {
		q := s.digits(p + 1)
		if q == p+1 {
			return s.fail(q, "a digit must follow the decimal point")
		}
		p = q
	}
	if c := s.peek(p); c == 'e' || c == 'E' {
		p++
		if c := s.peek(p); c == '+' || c == '-' {
			p++
		}
		q := s.digits(p)
		if q == p {
			return s.fail(p, "a digit must follow the exponent")
		}
		p = q
	}
	return p
}

func (s *scanner) digits(p int) int {
	for p < s.end && s.data[p]-'0' <= 9 {
		p++
	}
	return p
}

func (s *scanner) literal(p int, word string) int {
	if p+len(word) > s.end || string(s.data[p:p+len(word)]) != word {
		return s.fail(p, "a value must be an object, an array, a string, a number, true, false or null")
	}
	return p + len(word)
}

// value scans any value that begins at p, inside depth containers.
func (s *scanner) value(p, depth int) int {
	switch c := s.peek(p); c {
	case '"':
		q, _ := s.str(p + 1)
		if q < 0 {
			return -1
		}
		return q + 1
	case '{':
		return s.object(p, depth)
	case '[':
		return s.array(p, depth)
	case 't':
		return s.literal(p, "true")
	case 'f':
		return s.literal(p, "false")
	case 'n':
		return s.literal(p, "null")
	default:
		if c == '-' || c-'0' <= 9 {
			return s.number(p)
		}
	}
	if p >= s.end {
		return s.fail(p, "the line ends where a value should be")
	}
	return s.fail(p, "a value must be an object, an array, a string, a number, true, false or null")
}

// enter checks the depth at which a container opens.
func (s *scanner) enter(p, depth int) bool {
	if depth < maxDepth {
		return true
	}
	s.deep = true
	s.fail(p, "nested too deep")
	return false
}

func (s *scanner) object(p, depth int) int {
	if !s.enter(p, depth) {
		return -1
	}
	p, more := s.open(p+1, '}')
	for more {
		_, _, v := s.key(p)
		if v < 0 {
			return -1
		}
		if p = s.value(v, depth+1); p < 0 {
			return -1
		}
		if p, more = s.next(p, '}'); p < 0 {
			return -1
		}
	}
	return p
}

func (s *scanner) array(p, depth int) int {
	if !s.enter(p, depth) {
		return -1
	}
	p, more := s.open(p+1, ']')
	for more {
		if p = s.value(p, depth+1); p < 0 {
			return -1
		}
		if p, more = s.next(p, ']'); p < 0 {
			return -1
		}
	}
	return p
}

// open goes to the first element of a container, or behind the container if it is empty.
func (s *scanner) open(p int, closing byte) (n int, more bool) {
	p = s.space(p)
	if s.peek(p) == closing {
		return p + 1, false
	}
	return p, true
}

// next goes from behind an element to the next one, or behind the container.
func (s *scanner) next(p int, closing byte) (n int, more bool) {
	if s.data[p] == ',' && s.data[p+1] > ' ' {
		return p + 1, true
	}
	p = s.space(p)
	switch c := s.peek(p); {
	case c == ',':
		return s.space(p + 1), true
	case c == closing:
		return p + 1, false
	case p >= s.end:
		return s.fail(p, "the line ends inside an object or array"), false
	case closing == '}':
		return s.fail(p, "a comma or } must follow a value"), false
	}
	return s.fail(p, "a comma or ] must follow a value"), false
}

// key scans a key with its colon. The key is data[p+1:quote]; its value begins at v, which is
// -1 on failure.
func (s *scanner) key(p int) (quote int, escaped bool, v int) {
	if s.peek(p) != '"' {
		if p >= s.end {
			return 0, false, s.fail(p, "the line ends inside an object")
		}
		return 0, false, s.fail(p, "a key in double quotes must stand here")
	}
	quote, escaped = s.str(p + 1)
	if quote < 0 {
		return 0, false, -1
	}
	return quote, escaped, s.colon(quote + 1)
}

// colon goes from behind a key to its value.
func (s *scanner) colon(p int) int {
	if s.data[p] != ':' {
		if p = s.space(p); s.peek(p) != ':' {
			return s.fail(p, "a colon must follow a key")
		}
	}
	if p++; s.data[p] > ' ' {
		return p
	}
	return s.space(p)
}

// Valid reports whether line is one JSON value.
func Valid(line []byte) bool {
	_, ok := scanLine(line)
	return ok
}

// scanLine scans a line that holds one JSON value; the scanner says what is wrong with any
// other one. It copies the line: it is for beginnings of files, not for rows.
func scanLine(line []byte) (scanner, bool) {
	var s scanner
	s.reset(append(append(make([]byte, 0, len(line)+textfile.Slack), line...), make([]byte, textfile.Slack)...), len(line))
	p := s.value(s.space(0), 0)
	return s, p >= 0 && s.space(p) == s.end
}

// appendUnescaped appends the text of a JSON string that was scanned before.
func appendUnescaped(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		if c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		c = text[i+1]
		i += 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			u, _ := parseHex4(text[i:])
			i += 4
			if utf16.IsSurrogate(u) {
				low, _ := parseHex4(text[i+2:])
				u = utf16.DecodeRune(u, low)
				i += 6
			}
			dst = utf8.AppendRune(dst, u)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}
