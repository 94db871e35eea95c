package syntax

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The codes of an [Error], as the org spells them.
const (
	CodeMalformed   = "MALFORMED_QUERY"
	CodeField       = "INVALID_FIELD"
	CodeType        = "INVALID_TYPE"
	CodeOperator    = "INVALID_QUERY_FILTER_OPERATOR"
	CodeRange       = "NUMBER_OUTSIDE_VALID_RANGE"
	CodeComplicated = "QUERY_TOO_COMPLICATED"
)

// Error is why a query was refused, in the org's shape: it belongs into a 400 answer's
// errorCode and message (REST API guide, Query). The message may quote the query, and so
// personal data.
type Error struct {
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// maxExcerpt is how many characters around a place a message quotes on either side.
const maxExcerpt = 40

// place is the head of a message about byte off of the text: the query around the place, a
// caret under it, and its row and column, both counted from 1, the column in characters.
func place(text string, off int) string {
	off = min(off, len(text))
	row := 1 + strings.Count(text[:off], "\n")
	start := strings.LastIndexByte(text[:off], '\n') + 1
	end := len(text)
	if i := strings.IndexByte(text[off:], '\n'); i >= 0 {
		end = off + i
	}
	line, at := []rune(text[start:end]), utf8.RuneCountInString(text[start:off])
	from, to := max(0, at-maxExcerpt), min(len(line), at+maxExcerpt)
	for from > 0 && from < at && line[from-1] != ' ' && line[from-1] != ',' {
		from++ // begin at a word
	}
	for i := range line[from:to] {
		if line[from+i] < ' ' {
			line[from+i] = ' ' // a tab would move the caret
		}
	}
	return fmt.Sprintf("\n%s\n%s^\nERROR at Row:%d:Column:%d\n", string(line[from:to]), strings.Repeat(" ", at-from), row, at+1)
}

// Text is the text of a query, for messages about places in it.
type Text string

// Refuse returns an error about byte off of the query.
func (t Text) Refuse(code string, off int, format string, args ...any) *Error {
	return &Error{code, place(string(t), off) + fmt.Sprintf(format, args...)}
}

// Clip shortens what a message quotes.
func Clip(s string) string {
	if utf8.RuneCountInString(s) <= 100 {
		return s
	}
	return string([]rune(s)[:100]) + "…"
}
