package program

import (
	"sfsync/mapping/convert"
	"sfsync/pipeline/row"
)

// mapKeys maps the fields of the keys, folds them, and notes what is wrong. At least one key has to
// be whole.
func (m *Mapper) mapKeys(t *Target, out *row.Batch) {
	if len(t.Code.Keys) == 0 || !m.keyFields(t, out) {
		return
	}
	whole := false
	for _, key := range t.Code.Keys {
		good := true
		for i := range key {
			part := &key[i]
			cell := out.Cell(m.row, part.Rule.Out)
			switch {
			case cell.Kind() <= row.Null:
				good = false
			case part.Fold:
				out.End(m.row, part.Column, row.Text, convert.AppendFold(out.Begin(), part.Rule.Field, cell.Text))
			}
		}
		whole = whole || good
	}
	if !whole {
		m.note(t.KeyBlank())
	}
}

// keyFields maps the fields of the keys as any other, and reports whether nothing is wrong with them:
// of a record whose id is known once it is taken, they are sent, and nothing is looked for by them.
func (m *Mapper) keyFields(t *Target, out *row.Batch) bool {
	for _, f := range t.Code.InKey {
		m.note(m.mapField(f, out))
	}
	return len(m.wrong) == 0
}

// KeyBlank is the problem of a row that cannot be looked for.
func (t *Target) KeyBlank() *Problem {
	if t.Match != nil {
		return &Problem{Code: CodeKeyBlank, Field: t.Match.Name, Message: "the match field " + t.Match.Name + " is blank"}
	}
	names := ""
	for i, k := range t.Keys {
		if i > 0 {
			names += ", "
		}
		for j, f := range k.Fields {
			if j > 0 {
				names += " with "
			}
			names += f.Name
		}
	}
	return &Problem{Code: CodeKeyBlank, Field: t.Keys[0].Fields[0].Name, Message: "all match keys are blank: " + names}
}

// mapReference makes the cell of a reference await its id. Where the record is looked up by a
// value, that value becomes the key of its record, once a row; a blank one leaves the field blank.
func (m *Mapper) mapReference(f *Rule, out *row.Batch) *Problem {
	ref := f.Refer
	if !ref.Lookup {
		out.Await(m.row, f.Out, row.Text|f.Flags)
		return nil
	}
	number := ref.Record
	if ref.Find {
		number += len(m.plan.Targets)
	}
	records, t := m.out.Record(number), m.plan.Record(number)
	if records.probes[m.row] == probeNone {
		if p := m.mapField(t.Code.Key, records.Batch); p != nil {
			p.Field = f.Field.Name
			return p
		}
		cell := records.Batch.Cell(m.row, t.Code.Key.Out)
		if cell.Kind() <= row.Null {
			records.probes[m.row] = probeBlank
			if cell.Kind() == row.Null {
				records.probes[m.row] = probeNull
			}
		} else {
			records.Batch.End(m.row, t.FoldColumn, row.Text, convert.AppendFold(records.Batch.Begin(), t.Match, cell.Text))
			records.probes[m.row] = probeReady
		}
	}
	switch records.probes[m.row] {
	case probeBlank:
		return m.mapBlank(f, out, row.Absent)
	case probeNull:
		return m.mapBlank(f, out, row.Null)
	}
	kind := row.Text | f.Flags
	if records.Batch.Cell(m.row, t.Code.Key.Out).OnInsert() { // by a default for new records
		kind |= row.OnInsert
	}
	out.Await(m.row, f.Out, kind)
	m.wants = append(m.wants, records)
	return nil
}

// other returns the fate of a row for a target that is not the one that the row is for: Look if that
// one refers to the record.
func (m *Mapper) other(t *Target, only string) Fate {
	for i := range m.plan.Targets[:m.plan.Own] {
		named := &m.plan.Targets[i]
		if named.Name != only && named.Code.Also != only {
			continue
		}
		for _, n := range named.Code.Needs {
			if &m.plan.Targets[n] == t && len(t.Keys) > 0 {
				return Look
			}
		}
	}
	return Skip
}
