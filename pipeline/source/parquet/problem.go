package parquet

import (
	"fmt"

	"sfsync/mapping/jsoncell"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet/meta"
	"sfsync/pipeline/source/parquet/text"
)

// problem makes row i, the text of column name of which is of a kind that no cell can have, a
// problem.
func problem(b *row.Batch, i int, name string, kind row.Kind) {
	b.SetRaw(i, append(jsoncell.AppendRow(nil, b, i, nil), '}'))
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
