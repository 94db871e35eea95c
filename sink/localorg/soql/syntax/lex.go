package syntax

import (
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	eofToken tokenKind = iota
	wordToken
	stringToken // text has the quotes, still escaped
	numberToken // a number, date, datetime or time
	punctToken  // ( ) , . : and the operators
)

type token struct {
	kind tokenKind
	text string
	off  int
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// lex returns the token that begins at or after byte off.
func (p *parser) lex(off int) (token, *Error) {
	s := string(p.Text)
	for off < len(s) && (s[off] == ' ' || s[off] == '\t' || s[off] == '\n' || s[off] == '\r') {
		off++
	}
	if off == len(s) {
		return token{eofToken, "<EOF>", off}, nil
	}
	end := off + 1
	switch c := s[off]; {
	case isLetter(c):
		for end < len(s) && (isLetter(s[end]) || isDigit(s[end])) {
			end++
		}
		return token{wordToken, s[off:end], off}, nil
	case c == '\'':
		for end < len(s) && s[end] != '\'' {
			if s[end] == '\\' && end+1 < len(s) {
				end++
			}
			end++
		}
		if end >= len(s) {
			return token{}, p.Refuse(CodeMalformed, off, "line %d:%d no viable alternative: the string is not closed", 1+strings.Count(s[:off], "\n"), off)
		}
		return token{stringToken, s[off : end+1], off}, nil
	case isDigit(c), (c == '-' || c == '+' || c == '.') && end < len(s) && (isDigit(s[end]) || s[end] == '.'):
		for end < len(s) && (isLetter(s[end]) || isDigit(s[end]) || strings.IndexByte(".:+-", s[end]) >= 0) {
			end++
		}
		return token{numberToken, s[off:end], off}, nil
	case strings.IndexByte("(),.:=", c) >= 0:
		return token{punctToken, s[off:end], off}, nil
	case c == '<' || c == '>' || c == '!':
		if end < len(s) && (s[end] == '=' || c == '<' && s[end] == '>') {
			end++
		}
		if s[off:end] == "!" {
			break
		}
		return token{punctToken, s[off:end], off}, nil
	}
	_, n := utf8.DecodeRuneInString(s[off:])
	return token{}, p.Refuse(CodeMalformed, off, "unexpected token: '%s'", s[off:off+n])
}

// unquote decodes a string token. For LIKE the result is a pattern for SQL with \ as its
// escape, and \_ and \% are understood; elsewhere they are errors, as all other pairs are
// (SOQL reference, Quoted String Escape Sequences).
func (p *parser) unquote(t token, like bool) (string, *Error) {
	s := t.text[1 : len(t.text)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++ // the lexer saw to it that a character follows
		switch s[i] {
		case 'n', 'N':
			b.WriteByte('\n')
		case 'r', 'R':
			b.WriteByte('\r')
		case 't', 'T':
			b.WriteByte('\t')
		case 'b', 'B':
			b.WriteByte('\b')
		case 'f', 'F':
			b.WriteByte('\f')
		case '"', '\'':
			b.WriteByte(s[i])
		case '\\':
			b.WriteByte('\\')
			if like {
				b.WriteByte('\\')
			}
		case '_', '%':
			if !like {
				return "", p.badEscape(t, i, s[i:i+1])
			}
			b.WriteByte('\\')
			b.WriteByte(s[i])
		case 'u':
			r, ok := hex4(s[i+1:])
			if ok && r >= 0xD800 && r < 0xE000 {
				// A surrogate counts only as one of a pair.
				lo, okLo := rune(0), false
				if r < 0xDC00 && strings.HasPrefix(s[i+5:], `\u`) {
					lo, okLo = hex4(s[i+7:])
				}
				if ok = okLo && lo >= 0xDC00 && lo < 0xE000; ok {
					r = (r-0xD800)<<10 + (lo - 0xDC00) + 0x10000
					i += 6
				}
			}
			if !ok {
				return "", p.badEscape(t, i, `u`)
			}
			i += 4
			if like && (r == '\\' || r == '%' || r == '_') {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		default:
			_, n := utf8.DecodeRuneInString(s[i:])
			return "", p.badEscape(t, i, s[i:i+n])
		}
	}
	return b.String(), nil
}

func (p *parser) badEscape(t token, i int, pair string) *Error {
	return p.Refuse(CodeMalformed, t.off+i, "Invalid string literal: illegal character sequence '\\%s' in string literal", pair)
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for i := range 4 {
		c := s[i]
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
