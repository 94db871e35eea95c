package source

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/pipeline/row"
)

// AppendJSON appends row r of a batch as a JSON object: its columns in order, without those
// that are absent, each value by its kind. A row that could not be read gives what is known
// of it instead: sfsync_line, sfsync_code, sfsync_message and sfsync_raw.
func AppendJSON(dst []byte, b *row.Batch, r int) []byte {
	dst = append(dst, '{')
	if p, bad := b.Problem(r); bad {
		dst = append(dst, `"sfsync_line":`...)
		dst = strconv.AppendInt(dst, b.Line(r), 10)
		dst = appendString(append(dst, `,"sfsync_code":`...), p.Code)
		dst = appendString(append(dst, `,"sfsync_message":`...), p.Message)
		dst = appendString(append(dst, `,"sfsync_raw":`...), b.Raw(r))
		return append(dst, '}')
	}
	first := true
	for c, col := range b.Schema().Columns {
		cell := b.Cell(r, c)
		if cell.Kind() == row.Absent {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendString(dst, col.Name), ':')
		switch cell.Kind() {
		case row.Null:
			dst = append(dst, "null"...)
		case row.Number, row.Bool, row.JSON:
			dst = append(dst, cell.Text...)
		default:
			dst = appendString(dst, cell.Text)
		}
	}
	return append(dst, '}')
}

// appendString appends a JSON string; bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	out, _ := jsontext.AppendQuote(dst, s) // the error only tells of replaced bytes
	return out
}
