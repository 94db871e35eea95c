// Package properties reads Java properties files with the places of their entries.
package properties

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"sfsync/mapping/diag"
)

// CodeSyntax is the code of this package's diagnostics.
const CodeSyntax = "properties-syntax"

// Entry is one line of a file, with what is continued on the next ones. Pos is where the key
// begins, ValuePos where the value does; a value that begins on a later line has the key's place.
type Entry struct {
	Key, Value    string
	Pos, ValuePos diag.Pos
}

// Parse reads a text in UTF-8 or ISO 8859-1, as java.util.Properties does: comments begin with # or !, a backslash at
// the end of a line joins it with the next, the first =, : or blank that is not escaped ends the
// key, and \uXXXX stands for a character. What is wrong is added to list. Keys may come twice.
func Parse(path string, text []byte, list *diag.List) []Entry {
	var out []Entry
	lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(Decode(text), "\r\n", "\n"), "\r", "\n"), "\n")
	for n := 0; n < len(lines); n++ {
		line := lines[n]
		indent := len(line) - len(strings.TrimLeft(line, " \t\f"))
		if rest := line[indent:]; rest == "" || rest[0] == '#' || rest[0] == '!' {
			continue
		}
		at := diag.Pos{File: path, Line: n + 1, Column: utf8.RuneCountInString(line[:indent]) + 1}
		var whole strings.Builder
		for whole.WriteString(line[indent:]); joins(lines[n]) && n+1 < len(lines); {
			cut := whole.String()
			whole.Reset()
			whole.WriteString(cut[:len(cut)-1])
			n++
			whole.WriteString(strings.TrimLeft(lines[n], " \t\f"))
		}
		logical := whole.String()
		end := keyEnd(logical)
		value := strings.TrimLeft(logical[end:], " \t\f")
		if value != "" && (value[0] == '=' || value[0] == ':') {
			value = strings.TrimLeft(value[1:], " \t\f")
		}
		p := Entry{Pos: at, ValuePos: at}
		if first := strings.TrimRight(line[indent:], `\`); len(logical)-len(value) <= len(first) {
			p.ValuePos.Column += utf8.RuneCountInString(logical[:len(logical)-len(value)])
		}
		var ok1, ok2 bool
		p.Key, ok1 = unescape(logical[:end])
		p.Value, ok2 = unescape(value)
		if !ok1 || !ok2 {
			list.Errorf(at, CodeSyntax, `write \u and four hex digits, or \\ for a backslash`, `a \u is not followed by four hex digits`)
			continue
		}
		out = append(out, p)
	}
	return out
}

// joins reports whether a line goes on on the next one: it ends in an odd number of backslashes.
func joins(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// keyEnd returns where the key of a line ends.
func keyEnd(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '=', ':', ' ', '\t', '\f':
			return i
		}
	}
	return len(s)
}

// unescape resolves the escapes and reports whether they are sound.
func unescape(s string) (string, bool) {
	if !strings.Contains(s, `\`) {
		return s, true
	}
	var units []uint16
	var b strings.Builder
	flush := func() {
		b.WriteString(string(utf16.Decode(units)))
		units = units[:0]
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			flush()
			if s[i] != '\\' {
				b.WriteByte(s[i])
			}
			continue
		}
		i++
		if s[i] == 'u' {
			if i+5 > len(s) {
				return "", false
			}
			n, err := strconv.ParseUint(s[i+1:i+5], 16, 16)
			if err != nil {
				return "", false
			}
			units = append(units, uint16(n))
			i += 4
			continue
		}
		flush()
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		default:
			b.WriteByte(s[i])
		}
	}
	flush()
	return b.String(), true
}

// Decode returns a text as UTF-8: it is that already, or ISO 8859-1, as Java writes it.
func Decode(text []byte) string {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if utf8.Valid(text) {
		return string(text)
	}
	out := make([]rune, len(text))
	for i, b := range text {
		out[i] = rune(b)
	}
	return string(out)
}
