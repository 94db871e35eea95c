package source

import (
	"strconv"

	"sfsync/mapping/jsoncell"
	"sfsync/pipeline/row"
)

// AppendJSON appends row r of a batch as a JSON object: its columns in order, without those
// that are absent, each value by its kind. A row that could not be read gives what is known
// of it instead: sfsync_line, sfsync_code, sfsync_message and sfsync_raw.
func AppendJSON(dst []byte, b *row.Batch, r int) []byte {
	if p, bad := b.Problem(r); bad {
		dst = append(dst, `{"sfsync_line":`...)
		dst = strconv.AppendInt(dst, b.Line(r), 10)
		dst = jsoncell.AppendText(append(dst, `,"sfsync_code":`...), p.Code)
		dst = jsoncell.AppendText(append(dst, `,"sfsync_message":`...), p.Message)
		dst = jsoncell.AppendText(append(dst, `,"sfsync_raw":`...), b.Raw(r))
		return append(dst, '}')
	}
	return append(jsoncell.AppendRow(dst, b, r, nil), '}')
}
