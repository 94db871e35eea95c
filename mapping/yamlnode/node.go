// Package yamlnode reads YAML for files that people write: every value has its place, scalars
// keep their source text, and everything that would make a file mean something else than
// it seems to (a key named twice, a tag, a second document, a recursive alias) is an error.
//
// It stands on the syntax tree of goccy/go-yaml and adds the bounds: a file of at most
// [MaxBytes], [MaxDepth] levels and [MaxNodes] values with its aliases expanded, and at most
// [MaxKeys] in one indented map, so that no file takes more than a few seconds.
package yamlnode

import (
	"strings"
	"unicode/utf8"

	"sfsync/mapping/diag"
)

// The bounds of a file.
const (
	MaxBytes = 1 << 20
	MaxDepth = 64
	MaxNodes = 100_000
	MaxKeys  = 5_000
)

// Kind says what a node is.
type Kind uint8

// The kinds of nodes.
const (
	Null   Kind = iota // nothing is written: "key:" and no value
	Scalar             // also the words null and ~, which are text like any other
	Map
	Seq
)

// String gives the kind as messages name it.
func (k Kind) String() string {
	switch k {
	case Scalar:
		return "a single value"
	case Map:
		return "a map"
	case Seq:
		return "a list"
	default:
		return "nothing"
	}
}

// Style says how a scalar was written.
type Style uint8

// The styles of scalars.
const (
	Plain Style = iota
	SingleQuoted
	DoubleQuoted
	Block // literal (|) and folded (>)
)

// Node is one value of a file. A node that is reached through aliases is shared: it must
// not be changed, and its Pos is that of the anchor's value.
type Node struct {
	Kind Kind
	// Pos is where the value starts; for Null it is the place of the key or of the dash.
	Pos diag.Pos
	// Text is a scalar's text: as it stands in the file for a plain scalar (no, 01 and 1e3
	// stay what they are), without quotes and escapes for the others.
	Text  string
	Style Style
	// Pairs are a map's entries in the order of the file, merge keys resolved; no two have
	// the same key.
	Pairs []Pair
	// Items are a list's values.
	Items []*Node
	// Broken is set on a Null that stands for a value that could not be read. A diagnostic
	// says why, so nothing more needs to be said about it.
	Broken bool

	src    *source
	places []place
}

// Pair is one entry of a map. Key is always a Scalar.
type Pair struct{ Key, Value *Node }

// Get returns the value of a map's key, or nil. It is a linear search.
func (n *Node) Get(key string) *Node {
	for i := range n.Pairs {
		if n.Pairs[i].Key.Text == key {
			return n.Pairs[i].Value
		}
	}
	return nil
}

// IsNull reports whether the node is no value: nothing written, or a plain null or ~.
func (n *Node) IsNull() bool {
	if n.Kind == Null {
		return true
	}
	if n.Kind != Scalar || n.Style != Plain {
		return false
	}
	switch n.Text {
	case "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// At returns the place of the byte at offset in Text; len(Text) is the place behind it. It
// sees through quotes, escapes and line breaks. Offsets outside give the nearest end.
func (n *Node) At(offset int) diag.Pos {
	if n.Kind != Scalar || n.src == nil || offset <= 0 && n.Style == Plain {
		return n.Pos
	}
	offset = max(0, min(offset, len(n.Text)))
	if n.places == nil {
		n.places = n.src.align(n)
	}
	p := n.places[offset]
	return diag.Pos{File: n.Pos.File, Line: int(p.line), Column: int(p.column)}
}

type place struct{ line, column int32 }

// source is the text of a file with its line ends made "\n". Finding a place costs about the
// same anywhere in it, also in a file that is one long line.
type source struct {
	text  string
	lines []line
}

// line is the extent of a line in bytes, without its end, and its length in characters.
type line struct {
	start, end, runes int
	// marks hold the byte offset of every markEvery-th character; nil where bytes are characters.
	marks []int
}

const markEvery = 128

func newSource(text string) *source {
	s := &source{text: text}
	for start := 0; start <= len(text); {
		l := line{start: start, end: len(text)}
		if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
			l.end = start + i
		}
		start = l.end + 1
		if l.runes = utf8.RuneCountInString(text[l.start:l.end]); l.runes < l.end-l.start {
			n := 0
			for i := range text[l.start:l.end] {
				if n%markEvery == 0 {
					l.marks = append(l.marks, l.start+i)
				}
				n++
			}
		}
		s.lines = append(s.lines, l)
	}
	return s
}

// line returns a line, counted from 1.
func (s *source) line(n int) string { return s.text[s.lines[n-1].start:s.lines[n-1].end] }

// clamp moves a place into the file: a column may be one behind the last character.
func (s *source) clamp(line, column int) (int, int) {
	line = max(1, min(line, len(s.lines)))
	return line, max(1, min(column, s.lines[line-1].runes+1))
}

// cursor walks over the text and knows where it is.
type cursor struct {
	text         string
	off          int
	line, column int32
}

// cursor stands at a place, which must be one of the file.
func (s *source) cursor(line, column int) cursor {
	l := s.lines[line-1]
	c := cursor{text: s.text, off: l.start + column - 1, line: int32(line), column: int32(column)}
	if l.marks != nil {
		n := min((column-1)/markEvery, len(l.marks)-1)
		c.off, c.column = l.marks[n], int32(n*markEvery+1)
		for int(c.column) < column {
			c.next()
		}
	}
	return c
}

func (c *cursor) next() rune {
	if c.off >= len(c.text) {
		return 0
	}
	r, size := utf8.DecodeRuneInString(c.text[c.off:])
	c.off += size
	if r == '\n' {
		c.line, c.column = c.line+1, 1
	} else {
		c.column++
	}
	return r
}

func (c *cursor) place() place { return place{c.line, c.column} }

func space(r rune) bool { return r == ' ' || r == '\t' || r == '\n' }

// align finds the place of every byte of a scalar's text in the file. It walks over both at
// once: blanks may differ (folding, indentation), everything else comes in the same order,
// after escapes. Should it lose its way, the rest of the scalar has the scalar's place.
func (s *source) align(n *Node) []place {
	out := make([]place, 0, len(n.Text)+1)
	start := place{int32(n.Pos.Line), int32(n.Pos.Column)}
	c := s.cursor(n.Pos.Line, n.Pos.Column)
	switch n.Style {
	case SingleQuoted, DoubleQuoted:
		c.next()
	case Block:
		c = s.cursor(min(n.Pos.Line+1, len(s.lines)), 1)
	}
	for i, want := range n.Text {
		size := utf8.RuneLen(want)
		if size < 0 || want == utf8.RuneError {
			_, size = utf8.DecodeRuneInString(n.Text[i:])
		}
		at, ok := c.match(want, n.Style)
		if !ok {
			for len(out) <= len(n.Text) {
				out = append(out, start)
			}
			return out
		}
		for range size {
			out = append(out, at)
		}
	}
	return append(out, c.place())
}

// match finds the next rune of a scalar and returns its place.
func (c *cursor) match(want rune, style Style) (place, bool) {
	for {
		at, before := c.place(), *c
		r := c.next()
		switch {
		case r == '\\' && style == DoubleQuoted:
			got, real := c.escape()
			if !real {
				continue // an escaped line break stands for nothing
			}
			return at, got == want
		case r == '\'' && style == SingleQuoted:
			return at, want == '\'' && c.next() == '\''
		case r == want:
			return at, true
		case space(want):
			*c = before // a folded line break; the blanks are skipped on the way to the next rune
			return at, true
		case !space(r):
			return at, false
		}
	}
}

// escape reads what follows a backslash. It reports false for an escaped line break.
func (c *cursor) escape() (rune, bool) {
	digits := 0
	switch r := c.next(); r {
	case '\n':
		return 0, false
	case '0':
		return 0, true
	case 'a':
		return '\a', true
	case 'b':
		return '\b', true
	case 't', '\t':
		return '\t', true
	case 'n':
		return '\n', true
	case 'v':
		return '\v', true
	case 'f':
		return '\f', true
	case 'r':
		return '\r', true
	case 'e':
		return 0x1b, true
	case 'N':
		return 0x85, true
	case '_':
		return 0xa0, true
	case 'L':
		return 0x2028, true
	case 'P':
		return 0x2029, true
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	default:
		return r, true
	}
	var v rune
	for range digits {
		r := c.next()
		switch {
		case '0' <= r && r <= '9':
			v = v<<4 | (r - '0')
		case 'a' <= r && r <= 'f':
			v = v<<4 | (r - 'a' + 10)
		case 'A' <= r && r <= 'F':
			v = v<<4 | (r - 'A' + 10)
		}
	}
	return v, true
}
