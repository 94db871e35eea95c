package program

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

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
	dst = appendText(append(dst, `{"file":`...), file)
	dst = strconv.AppendInt(append(dst, `,"line":`...), r.Batch.Line(i), 10)
	dst = appendText(append(dst, `,"target":`...), t.Name)
	switch r.Fate(i) {
	case Skip:
		dst = appendText(append(dst, `,"skipped":`...), r.Reason(i).Message)
		return append(dst, '}')
	case Hold:
		return append(dst, `,"skipped":"it is taken only where another target finds a converted lead"}`...)
	case Look:
		return append(dst, `,"skipped":"it is only looked for: another record of the row refers to it"}`...)
	case Fail:
		p := r.Reason(i)
		dst = appendText(append(dst, `,"object":`...), t.Object.Name)
		dst = appendText(append(dst, `,"code":`...), p.Code)
		dst = appendText(append(dst, `,"field":`...), p.Field)
		dst = appendText(append(dst, `,"message":`...), p.Message)
		return append(dst, '}')
	}
	dst = appendText(append(dst, `,"object":`...), t.Object.Name)
	dst = appendText(append(dst, `,"operation":`...), string(t.Operation))
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
		dst = append(appendText(dst, f.Field.Name), ':')
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
		dst = append(appendText(dst, col.Name), ':')
		dst = m.appendCell(dst, i, target, c)
	}
	return dst
}

// appendCell appends column c of row i as a JSON value.
func (m *Mapped) appendCell(dst []byte, i, target, c int) []byte {
	cell := m.Targets[target].Batch.Cell(i, c)
	if !cell.Awaited() {
		return appendCell(dst, cell)
	}
	what, name, value := m.Awaits(i, target, c)
	dst = append(appendText(append(dst, '{'), what), ':')
	dst = appendText(dst, name)
	if what == awaitsLookup {
		dst = appendCell(append(dst, `,"value":`...), value)
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

// appendCell appends a mapped cell as a JSON value; numbers stay digit for digit.
func appendCell(dst []byte, c row.Cell) []byte {
	switch c.Kind() {
	case row.Null, row.Absent:
		return append(dst, "null"...)
	case row.Number, row.Bool:
		return append(dst, c.Text...)
	}
	return appendText(dst, c.Text)
}

func appendText(dst []byte, s string) []byte {
	out, err := jsontext.AppendQuote(dst, s)
	if err != nil { // not valid UTF-8: only file names can be so
		out, _ = jsontext.AppendQuote(dst, strings.ToValidUTF8(s, "\uFFFD"))
	}
	return out
}
