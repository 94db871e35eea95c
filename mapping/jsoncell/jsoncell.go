// Package jsoncell writes the cells of a row as JSON, on one line.
package jsoncell

import (
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/pipeline/row"
)

// Append appends a cell as a JSON value: a number digit for digit, JSON as it stands but for line breaks, which go, and
// null for a cell without a value. What JSON has none of (NaN) becomes a string.
func Append(dst []byte, c row.Cell) []byte {
	k := c.Kind()
	if k <= row.Null {
		return append(dst, "null"...)
	}
	// Readers let names come twice, and halves of surrogate pairs.
	tolerant := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	if k == row.Text || !utf8.ValidString(c.Text) || !jsontext.Value(c.Text).IsValid(tolerant...) {
		return AppendText(dst, c.Text)
	}
	if !strings.ContainsAny(c.Text, "\r\n") {
		return append(dst, c.Text...)
	}
	v := jsontext.Value(c.Text)
	_ = v.Compact(tolerant...) // it is valid
	return append(dst, v...)
}

// AppendText appends a JSON string; bytes that are not UTF-8 become U+FFFD.
func AppendText[T ~string | ~[]byte](dst []byte, s T) []byte {
	out, _ := jsontext.AppendQuote(dst, s) // the error only tells of replaced bytes
	return out
}

// AppendRow appends row r of a batch as an object without its closing brace: its columns in order, without those that
// are absent and those that omit tells of; nil for none.
func AppendRow(dst []byte, b *row.Batch, r int, omit func(name string) bool) []byte {
	dst = append(dst, '{')
	for c, col := range b.Schema().Columns {
		cell := b.Cell(r, c)
		if cell.Kind() == row.Absent || omit != nil && omit(col.Name) {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = Append(append(AppendText(dst, col.Name), ':'), cell)
	}
	return dst
}
