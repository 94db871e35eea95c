package events

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/pipeline/row"
)

// cursor walks over an object or array of JSON that was validated before.
type cursor struct {
	s string
	i int
}

// blanks passes over white space.
func (c *cursor) blanks() {
	for c.i < len(c.s) && (c.s[c.i] == ' ' || c.s[c.i] == '\t' || c.s[c.i] == '\n' || c.s[c.i] == '\r') {
		c.i++
	}
}

// enter goes into the container that s is, and reports whether it has elements.
func (c *cursor) enter() bool {
	c.i = 1
	c.blanks()
	return c.i < len(c.s) && c.s[c.i] != '}' && c.s[c.i] != ']'
}

// next goes from behind an element to the next one; false if there is none.
func (c *cursor) next() bool {
	c.blanks()
	if c.i >= len(c.s) || c.s[c.i] != ',' {
		return false
	}
	c.i++
	c.blanks()
	return c.i < len(c.s)
}

// key reads a key with its colon: the text between its quotes.
func (c *cursor) key() string {
	k := c.text()
	c.blanks()
	c.i++ // the colon
	c.blanks()
	return k
}

// text reads a string: what stands between its quotes, escapes and all.
func (c *cursor) text() string {
	c.i++
	start := c.i
	for c.i < len(c.s) {
		end := strings.IndexByte(c.s[c.i:], '"')
		if end < 0 {
			break
		}
		slash := strings.IndexByte(c.s[c.i:c.i+end], '\\')
		if slash < 0 {
			c.i += end + 1
			return c.s[start : c.i-1]
		}
		c.i += slash + 2
	}
	c.i = len(c.s) // not valid: nothing more is found
	return ""
}

// value reads a value: the text between the quotes of a string, any other one as it is.
func (c *cursor) value() (kind row.Kind, text string) {
	if c.i >= len(c.s) {
		return row.Absent, ""
	}
	switch c.s[c.i] {
	case '"':
		return row.Text, c.text()
	case '{', '[':
		return row.JSON, c.container()
	}
	start := c.i
	for c.i < len(c.s) && strings.IndexByte(",}] \t\r\n", c.s[c.i]) < 0 {
		c.i++
	}
	text = c.s[start:c.i]
	switch text {
	case "null":
		return row.Null, text
	case "true", "false":
		return row.Bool, text
	}
	return row.Number, text
}

// container reads an object or array.
func (c *cursor) container() string {
	start, depth := c.i, 0
	for c.i < len(c.s) {
		switch c.s[c.i] {
		case '"':
			c.text()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		c.i++
		if depth == 0 {
			break
		}
	}
	return c.s[start:c.i]
}

// appendText appends the text of a JSON string that was read before.
func appendText(dst []byte, inner string) []byte {
	if strings.IndexByte(inner, '\\') < 0 {
		return append(dst, inner...)
	}
	out, err := jsontext.AppendUnquote(dst, `"`+inner+`"`)
	if err != nil { // it was validated before
		return append(dst, inner...)
	}
	return out
}

// plain returns the text of a JSON string that was read before.
func plain(inner string) string {
	if strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	return string(appendText(nil, inner))
}
