package target

import (
	"encoding/binary"

	"sfsync/pipeline/fingerprint"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/row"
)

// Prints makes the fingerprints of records; it belongs to one goroutine.
type Prints struct{ buf []byte }

// Of returns the fingerprint of a record whose values are all there: of its match keys, and of all that is
// sent or would be if the record were created.
func (p *Prints) Of(t *Target, it work.Item) (key, content fingerprint.Sum) {
	b, r := t.Cells(it.Batch), int(it.Row)
	buf := appendPart(p.buf[:0], t.Plan.Name)
	buf = appendPart(buf, t.Plan.Object.Name)
	buf = appendPart(buf, t.Plan.Org)
	for k := range t.Keys[:len(t.Keys)-1] {
		for i, c := range t.Keys[k].Columns {
			cell := b.Cell(r, c)
			if cell.Blank() {
				continue
			}
			buf = appendPart(buf, t.Keys[k].Fields[i].Name)
			buf = appendPart(buf, cell.Text)
		}
	}
	key = fingerprint.SumOf(buf)
	buf = appendPart(buf[:0], string(t.Plan.Operation))
	for c, col := range b.Schema().Columns {
		cell := b.Cell(r, c)
		if cell.Kind() == row.Absent || Hidden(col.Name) {
			continue
		}
		buf = appendPart(buf, col.Name)
		buf = append(buf, byte(cell.Kind()))
		buf = appendPart(buf, cell.Text)
	}
	p.buf = buf
	return key, fingerprint.SumOf(buf)
}

// appendPart appends a text with its length, so that no two lists of texts give the same bytes.
func appendPart(buf []byte, s string) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(s))), s...)
}
