package program

import (
	"strconv"

	"sfsync/mapping/jsoncell"
	"sfsync/pipeline/row"
)

// AppendJSON appends what row i of a target would send, as one JSON object without a line
// end:
//
//	{"file","line","target","object","operation","match":{…},"fields":{…},"insert_only":{…}}
//
// for a record (match holds the fields of all keys that are not blank, fields those too that are
// sent; match is empty without keys),
// {"file","line","target","object","code","field","message"} for a row that fails, and
// {"file","line","target","skipped"} for one that is skipped. The id of another record, which is not
// known here, is {"lookup":"User.Username","value":"…"}, {"ref":"lead"} or {"record_type":"Inbound"}.
func (m *Mapped) AppendJSON(dst []byte, i, target int, file string) []byte {
	t, r := &m.plan.Targets[target], &m.Targets[target]
	dst = jsoncell.AppendText(append(dst, `{"file":`...), file)
	dst = strconv.AppendInt(append(dst, `,"line":`...), r.Batch.Line(i), 10)
	dst = jsoncell.AppendText(append(dst, `,"target":`...), t.Name)
	switch r.Fate(i) {
	case Skip:
		dst = jsoncell.AppendText(append(dst, `,"skipped":`...), r.Reason(i).Message)
		return append(dst, '}')
	case Hold:
		return append(dst, `,"skipped":"it is taken only where another target finds a converted lead"}`...)
	case Look:
		return append(dst, `,"skipped":"it is only looked for: another record of the row refers to it"}`...)
	case Fail:
		p := r.Reason(i)
		dst = jsoncell.AppendText(append(dst, `,"object":`...), t.Object.Name)
		dst = jsoncell.AppendText(append(dst, `,"code":`...), p.Code)
		dst = jsoncell.AppendText(append(dst, `,"field":`...), p.Field)
		dst = jsoncell.AppendText(append(dst, `,"message":`...), p.Message)
		return append(dst, '}')
	}
	dst = jsoncell.AppendText(append(dst, `,"object":`...), t.Object.Name)
	dst = jsoncell.AppendText(append(dst, `,"operation":`...), string(t.Operation))
	dst = m.appendMatch(append(dst, `,"match":{`...), i, target)
	dst = m.appendFields(append(dst, `},"fields":{`...), i, target, false)
	dst = m.appendFields(append(dst, `},"insert_only":{`...), i, target, true)
	return append(dst, '}', '}')
}

// appendMatch appends the members of the keys, each field once.
func (m *Mapped) appendMatch(dst []byte, i, target int) []byte {
	t, r := &m.plan.Targets[target], &m.Targets[target]
	first := true
	for _, f := range t.Code.InKey {
		if r.Batch.Cell(i, f.Out).Kind() <= row.Null {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(jsoncell.AppendText(dst, f.Field.Name), ':')
		dst = m.appendCell(dst, i, target, f.Out)
	}
	return dst
}

// appendFields appends the members of the fields that are sent, or of the insert-only ones.
func (m *Mapped) appendFields(dst []byte, i, target int, onInsert bool) []byte {
	r := &m.Targets[target]
	first := true
	for c, col := range r.Batch.Schema().Columns {
		cell := r.Batch.Cell(i, c)
		if Hidden(col.Name) || cell.Kind() == row.Absent || cell.OnInsert() != onInsert {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(jsoncell.AppendText(dst, col.Name), ':')
		dst = m.appendCell(dst, i, target, c)
	}
	return dst
}

// appendCell appends column c of row i as a JSON value.
func (m *Mapped) appendCell(dst []byte, i, target, c int) []byte {
	cell := m.Targets[target].Batch.Cell(i, c)
	if !cell.Awaited() {
		return jsoncell.Append(dst, cell)
	}
	what, name, value := m.Awaits(i, target, c)
	dst = append(jsoncell.AppendText(append(dst, '{'), what), ':')
	dst = jsoncell.AppendText(dst, name)
	if what == awaitsLookup {
		dst = jsoncell.Append(append(dst, `,"value":`...), value)
	}
	return append(dst, '}')
}

// What a cell can await.
const (
	awaitsLookup     = "lookup"
	awaitsRef        = "ref"
	awaitsRecordType = "record_type"
)

// Awaits says what column c of row i of a target stands for, which awaits a record's id: what is
// "lookup" with the name of a field (User.Username) and the value that it is looked up by, "ref"
// with the name of a target, or "record_type" with the name of one whose id the schema
// lacks; "" for any other cell.
func (m *Mapped) Awaits(i, target, c int) (what, name string, value row.Cell) {
	t := &m.plan.Targets[target]
	if c >= len(t.Code.Refers) || t.Code.Refers[c] == nil || !m.Targets[target].Batch.Cell(i, c).Awaited() {
		return "", "", row.Cell{}
	}
	ref := t.Code.Refers[c].Refer
	switch {
	case ref.Record < 0:
		return awaitsRecordType, ref.Name, row.Cell{}
	case !ref.Lookup:
		return awaitsRef, ref.Name, row.Cell{}
	}
	n := ref.Record
	if ref.Find {
		n += len(m.Targets)
	}
	return awaitsLookup, ref.Name, m.Record(n).Batch.Cell(i, m.plan.Record(n).Code.Key.Out)
}
