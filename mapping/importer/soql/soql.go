// Package soql takes a query apart as far as an import needs it, and knows names.
package soql

import (
	"strings"
	"unicode"
)

// Query is a query, taken apart.
type Query struct {
	Fields []string
	Object string
	// Rest is what stands behind the object: WHERE, ORDER BY and the like.
	Rest string
	// Odd are the parts of the SELECT that are no fields: subqueries, functions.
	Odd []string
}

// Parse takes a query apart and reports whether it is one.
func Parse(text string) (Query, bool) {
	var q Query
	text = strings.TrimSpace(text)
	head, ok := cutWord(text, "SELECT")
	if !ok {
		return q, false
	}
	from := topLevelFrom(head)
	if from < 0 {
		return q, false
	}
	for _, part := range splitTop(head[:from]) {
		switch part = strings.TrimSpace(part); {
		case part == "":
			return q, false
		case strings.IndexFunc(part, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '.' && r != '$'
		}) >= 0:
			q.Odd = append(q.Odd, part)
		default:
			q.Fields = append(q.Fields, part)
		}
	}
	tail := strings.TrimSpace(head[from+len("FROM"):])
	end := strings.IndexFunc(tail, unicode.IsSpace)
	if end < 0 {
		end = len(tail)
	}
	q.Object, q.Rest = tail[:end], strings.TrimSpace(tail[end:])
	return q, IsName(q.Object)
}

// cutWord removes a word from the front, in any case.
func cutWord(s, word string) (string, bool) {
	if len(s) <= len(word) || !strings.EqualFold(s[:len(word)], word) || !unicode.IsSpace(rune(s[len(word)])) {
		return s, false
	}
	return s[len(word):], true
}

// topLevelFrom finds the FROM outside of parentheses and texts, or -1.
func topLevelFrom(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '(':
			depth++
		case s[i] == ')':
			depth--
		case s[i] == '\'':
			for i++; i < len(s) && s[i] != '\''; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case depth == 0 && i > 0 && unicode.IsSpace(rune(s[i-1])):
			if _, ok := cutWord(s[i:], "FROM"); ok {
				return i
			}
		}
	}
	return -1
}

// splitTop splits at the commas outside of parentheses.
func splitTop(s string) []string {
	var out []string
	depth, start := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, s[start:i])
				start = i + 1
			}
		}
	}
	return append(out, s[start:])
}

// IsName reports whether a text is the name of an object or a field.
func IsName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 80
}
