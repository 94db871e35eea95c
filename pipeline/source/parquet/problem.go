package parquet

import (
	"fmt"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet/meta"
	"sfsync/pipeline/source/parquet/text"
)

// problem makes row i, the text of column name of which is of a kind that no cell can have, a
// problem.
func problem(b *row.Batch, i int, name string, kind row.Kind) {
	b.SetRaw(i, appendRow(nil, b, i))
	name = "column " + meta.Quote(name)
	if kind == text.BadText {
		reject(b, i, row.Problem{Code: "BAD_ENCODING", Message: name + ": text that is not valid UTF-8"})
		return
	}
	reject(b, i, row.Problem{Code: "BAD_VALUE", Message: name + fmt.Sprintf(": a decimal of no bytes, or of more than %d", text.MaxDecimal)})
}

// reject makes a row a problem without cells.
func reject(b *row.Batch, i int, p row.Problem) {
	for c := range b.Schema().Columns {
		b.SetKind(i, c, row.Absent)
	}
	b.Fail(i, p)
}

// appendRow appends a row that cannot be used as a JSON object, to be reported.
func appendRow(dst []byte, b *row.Batch, i int) []byte {
	sep := byte('{')
	for c, col := range b.Schema().Columns {
		cell := b.Cell(i, c)
		if cell.Kind() == row.Absent {
			continue
		}
		dst = append(appendString(append(dst, sep), col.Name), ':')
		sep = ','
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
