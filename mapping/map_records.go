package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/mapping/convert"
	"sfsync/mapping/event"
	"sfsync/pipeline/row"
)

// Mapped is a batch after mapping: the rows it came from and, for each target, records that
// stand at the same indexes.
type Mapped struct {
	Source  *row.Batch
	Targets []Records
	// Finds are the records of Plan.Finds.
	Finds []Records

	plan *Plan
}

// Free gives the records' batches and the source batch back to their pools. The caller must
// be the last owner; nothing of m may be used afterwards.
func (m *Mapped) Free() {
	for i := range len(m.Targets) + len(m.Finds) {
		r := m.record(i)
		r.Batch.Free()
		clear(r.reasons)
		r.Batch, r.fates, r.reasons, r.probes = nil, r.fates[:0], r.reasons[:0], r.probes[:0]
	}
	m.Source.Free()
	m.Source = nil
	m.plan.spare.Put(m)
}

func (p *Plan) newMapped(src *row.Batch) *Mapped {
	m, ok := p.spare.Get().(*Mapped)
	if !ok {
		m = &Mapped{plan: p, Targets: make([]Records, len(p.Targets)), Finds: make([]Records, len(p.Finds))}
		for i := range p.Finds {
			m.Finds[i].find = true
		}
	}
	m.Source = src
	return m
}

// record returns the records of a target or find by its number in a [Need].
func (m *Mapped) record(i int) *Records {
	if n := len(m.Targets); i >= n {
		return &m.Finds[i-n]
	}
	return &m.Targets[i]
}

// Records are the records of one target.
type Records struct {
	// Batch has a row for every source row, at the same index, with its line. Its columns are
	// fields, by API name, and the fold column. Cells hold canonical text of kind Text, Number
	// or Bool; Null clears the field, Absent is not sent, and a cell flagged row.OnInsert
	// counts only for a new record. The cells of a row that is not to be sent mean nothing.
	Batch *row.Batch

	fates   []Fate
	reasons []reason // of the rows that fail, by row
	probes  []probe  // of rows that other targets refer to: for implied targets and finds alone
	find    bool
}

// probe is what is known of a row's record that others refer to.
type probe uint8

const (
	probeNone   probe = iota // nothing has asked for it
	probeBlank               // its key is absent
	probeNull                // its key is blank
	probeReady               // its key is in the batch
	probeWanted              // and a record that is sent refers to it
)

// open adds a row for each of the source's, none of which is wanted yet.
func (r *Records) open(src *row.Batch) {
	n := src.Len()
	for i := range n {
		r.Batch.AddRow(src.Line(i))
		r.fates = append(r.fates, Skip)
		r.probes = append(r.probes, probeNone)
	}
}

type reason struct {
	row int
	Problem
}

// Fate says what is to become of a row.
type Fate uint8

// The fates.
const (
	// Send: the record goes to the org.
	Send Fate = iota
	// Skip: the target does not want the row.
	Skip
	// Fail: the row cannot become a record.
	Fail
	// Hold: the target does not want the row by itself, but gets it if the target that it is
	// redirected from finds a converted lead; else the record is skipped. If it has a
	// reason, its fields are wrong, and it fails once it is taken.
	Hold
	// Look: the record is only looked for by its keys, since another one of the same row refers to
	// it. Nothing is sent, and it is no record of this run. Rows of an earlier run's failures have
	// it, where another target failed. If it has a reason, it cannot be looked for.
	Look
)

func (f Fate) String() string {
	switch f {
	case Send:
		return "send"
	case Skip:
		return "skip"
	case Fail:
		return "fail"
	case Hold:
		return "hold"
	case Look:
		return "look"
	}
	return "Fate(" + strconv.Itoa(int(f)) + ")"
}

// Problem is why a row is skipped or fails.
type Problem struct {
	// Code is stable and upper case: the org's own where it has one for the case.
	Code string
	// Field is the API name of the field at fault; it may be empty.
	Field string
	// Message says what is wrong. It may hold personal data: values, cut to 40 characters.
	Message string
}

func (p *Problem) Error() string {
	if p.Field == "" {
		return p.Code + ": " + p.Message
	}
	return p.Code + ": " + p.Field + ": " + p.Message
}

// and returns the problem with the number of further ones in its message.
func (p *Problem) and(more int) *Problem {
	switch {
	case more == 1:
		p.Message += " (and 1 more problem)"
	case more > 1:
		p.Message += fmt.Sprintf(" (and %d more problems)", more)
	}
	return p
}

// The codes of problems that are not those of package convert.
const (
	CodeWhen           = "WHEN_FALSE"
	CodeOtherTarget    = "OTHER_TARGET"
	CodeNotReferred    = "NOT_REFERRED"
	CodeParentUnknown  = "PARENT_UNKNOWN"
	CodeKeyBlank       = "MATCH_KEY_BLANK"
	CodeRequired       = "REQUIRED_FIELD_MISSING"
	CodeUnmappedValue  = "UNMAPPED_VALUE"
	CodeUnmappedColumn = "UNMAPPED_COLUMN"
	CodeNoField        = "INVALID_FIELD"
	CodeFieldTwice     = "FIELD_TWICE"
	CodeExpression     = convert.CodeExpression
)

// Remedy says what to do about rows that fail with a code, or "" for a code of others.
func Remedy(code string) string {
	switch code {
	case convert.CodeType:
		return "correct the value, or convert it with a transform: date, datetime, number or bool"
	case convert.CodeTooLong:
		return "shorten the value, or add truncate(n) to the field's rule"
	case convert.CodeEmail:
		return "correct the address in the source"
	case convert.CodePicklist:
		return "use an active value of the picklist, or translate with values:"
	case convert.CodeTooMany:
		return "a multi-select picklist takes at most 100 values"
	case convert.CodeRange:
		return "correct the number; the field has fewer digits"
	case convert.CodeID:
		return "use the record id of 15 or 18 characters, in its own case, of the right object"
	case convert.CodeCharacter:
		return "remove the control character, or set the file's encoding"
	case convert.CodeExpression:
		return "make the expression take blank and odd values: blank(column) ? … : …"
	case CodeWhen:
		return "the target's when: does not want the row"
	case CodeNotReferred:
		return "there is nothing to do for the row"
	case CodeParentUnknown:
		return "run the rows again with the target that makes the record, or give that target a match"
	case CodeKeyBlank:
		return "fill the match field in the source; without a key no record can be found"
	case CodeRequired:
		return "fill the column, or give the field a default"
	case CodeUnmappedValue:
		return "add the value to values:, or choose another on_unmapped"
	case CodeUnmappedColumn:
		return "map the column, or say rest: ignore"
	case CodeNoField:
		return "where a referenced record was not found: load it first, or correct its key; where the field is missing: create it, map its column under fields, or say missing: ignore"
	case CodeFieldTwice:
		return "map one of the columns under fields"
	}
	return event.Remedy(code)
}

// Fate returns what is to become of row i.
func (r *Records) Fate(i int) Fate { return r.fates[i] }

// Reason returns why row i is skipped or fails, and nothing for a row to be sent. That of a row
// on Hold is why it fails if it is taken, that of one with Look why it cannot be found.
func (r *Records) Reason(i int) Problem {
	switch r.fates[i] {
	case Skip, Fail, Hold, Look:
		if at, ok := slices.BinarySearchFunc(r.reasons, i, func(e reason, i int) int { return e.row - i }); ok {
			return r.reasons[at].Problem
		}
	}
	if r.fates[i] == Skip && len(r.probes) > 0 {
		return Problem{Code: CodeNotReferred, Message: "no record of the row refers to it"}
	}
	if r.fates[i] == Skip {
		return Problem{Code: CodeWhen, Message: "when: is false"}
	}
	return Problem{}
}

func (r *Records) fail(i int, p *Problem) Fate {
	r.note(i, p)
	return Fail
}

// note records the reason of row i. Rows get theirs in order.
func (r *Records) note(i int, p *Problem) { r.reasons = append(r.reasons, reason{i, *p}) }

// skip skips row i; without a reason because of when, which may be most rows.
func (r *Records) skip(i int, p *Problem) Fate {
	if p != nil {
		r.reasons = append(r.reasons, reason{i, *p})
	}
	return Skip
}

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
	for _, f := range t.inKey {
		if r.Batch.Cell(i, f.out).Kind() <= row.Null {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendText(dst, f.field.Name), ':')
		dst = m.appendCell(dst, i, target, f.out)
	}
	return dst
}

// appendFields appends the members of the fields that are sent, or of the insert-only ones.
func (m *Mapped) appendFields(dst []byte, i, target int, onInsert bool) []byte {
	r := &m.Targets[target]
	first := true
	for c, col := range r.Batch.Schema().Columns {
		cell := r.Batch.Cell(i, c)
		if hidden(col.Name) || cell.Kind() == row.Absent || cell.OnInsert() != onInsert {
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
	if c >= len(t.refers) || t.refers[c] == nil || !m.Targets[target].Batch.Cell(i, c).Awaited() {
		return "", "", row.Cell{}
	}
	ref := t.refers[c].refer
	switch {
	case ref.record < 0:
		return awaitsRecordType, ref.name, row.Cell{}
	case !ref.lookup:
		return awaitsRef, ref.name, row.Cell{}
	}
	n := ref.record
	if ref.find {
		n += len(m.Targets)
	}
	return awaitsLookup, ref.name, m.record(n).Batch.Cell(i, m.plan.Record(n).key.out)
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
