package mapping

import (
	"strings"
	"unsafe"

	"sfsync/mapping/convert"
	"sfsync/mapping/expr"
	"sfsync/mapping/syntax"
	"sfsync/mapping/transform"
	"sfsync/pipeline/row"
)

// Mapper runs a plan on batches. It serves one goroutine; make one for each.
type Mapper struct {
	plan *Plan
	pool *row.Pool

	last   *row.Schema // the schema that bound belongs to
	bound  *binding
	buf    transform.Buffer
	join   []byte
	exprs  expr.Machine
	source *row.Batch // the batch and row being mapped
	row    int
	out    *Mapped
	wants  []*Records // of the records that the one being mapped refers to
}

// NewMapper returns a mapper whose batches come from the pool.
func (p *Plan) NewMapper(pool *row.Pool) *Mapper {
	return &Mapper{plan: p, pool: pool}
}

// Map maps a batch. It never fails as a whole: what is wrong with a row is its fate. The
// source batch must not change while the result is in use, and goes with it: see [Mapped.Free].
func (m *Mapper) Map(src *row.Batch) *Mapped {
	if s := src.Schema(); s != m.last {
		m.last, m.bound = s, m.plan.bind(s)
	}
	m.source, m.out = src, m.plan.newMapped(src)
	n := src.Len()
	own := m.plan.own
	for i := range m.bound.targets {
		records := m.out.record(i)
		records.Batch = m.pool.Get(m.bound.targets[i].schema)
		records.Batch.Seq, records.Batch.File = src.Seq, src.File
		if i >= own { // rules of other targets fill them
			records.open(src)
		}
	}
	for t := range own {
		target, bound, records := &m.plan.Targets[t], &m.bound.targets[t], &m.out.Targets[t]
		for r := range n {
			records.Batch.AddRow(src.Line(r))
			m.row = r
			fate := m.mapRow(target, bound, records)
			records.fates = append(records.fates, fate)
			m.want(fate)
		}
	}
	for _, t := range m.plan.implied {
		target, bound, records := &m.plan.Targets[t], &m.bound.targets[t], &m.out.Targets[t]
		for r := range n {
			if records.probes[r] != probeWanted {
				continue
			}
			m.row = r
			fate := m.mapRules(target, bound, records)
			records.fates[r] = fate
			m.want(fate)
		}
	}
	out := m.out
	m.source, m.out = nil, nil
	return out
}

// want makes the records that the current one refers to wanted, if it has a use for them.
func (m *Mapper) want(f Fate) {
	if len(m.wants) == 0 {
		return
	}
	if f != Skip && f != Fail {
		for _, r := range m.wants {
			r.probes[m.row] = probeWanted
			if r.find {
				r.fates[m.row] = Send
			}
		}
	}
	m.wants = m.wants[:0]
}

// mapRow maps the current row for one target of the file. The order decides which reason a row
// has: it could not be read, it is not wanted, it has no key, a field is wrong.
func (m *Mapper) mapRow(t *PlanTarget, bound *boundTarget, out *Records) Fate {
	fate := Send
	if only := m.source.Only(m.row); only != "" && only != t.Name && only != t.also {
		if fate = m.other(t, only); fate == Skip {
			return out.skip(m.row, &Problem{Code: CodeOtherTarget, Message: "the row of an earlier run is for the target " + convert.Quote(only)})
		}
	} else if only != "" && t.keyless != "" {
		return out.fail(m.row, &Problem{Code: CodeParentUnknown, Message: "the record of target " + t.keyless + " in an earlier run cannot be found: that target has no match"})
	}
	if p, bad := m.source.Problem(m.row); bad {
		if t.track.made() { // the file's own targets say so once
			return out.skip(m.row, &t.track.noEntry)
		}
		return out.fail(m.row, &Problem{Code: p.Code, Message: p.Message})
	}
	if p, skipped := m.source.Skipped(m.row); skipped {
		if t.track.made() {
			return out.skip(m.row, &t.track.noEntry)
		}
		return out.skip(m.row, &Problem{Code: p.Code, Message: p.Message})
	}
	if t.track != nil {
		if p := t.track.skip(m); p != nil {
			return out.skip(m.row, p)
		}
	}
	if t.when != nil {
		ok, p := t.when.Test(&m.exprs, (*view)(m))
		if p != nil {
			return out.fail(m.row, &Problem{Code: p.Code, Message: p.Message})
		}
		if !ok && !t.held {
			return out.skip(m.row, nil)
		}
		if !ok {
			fate = Hold
		}
	} else if t.held && len(t.Keys) == 0 {
		fate = Hold
	}
	if fate != Hold {
		if p := m.mapKeys(t, out.Batch); p != nil && fate == Look {
			out.note(m.row, p)
			return Look
		} else if p != nil {
			return out.fail(m.row, p)
		}
	} else if len(t.inKey) > 0 {
		for _, f := range t.inKey { // they are sent, but nothing is looked for by them
			if p := m.mapField(f, out.Batch); p != nil {
				out.note(m.row, p)
				return Hold
			}
		}
	}
	if fate == Look {
		return Look
	}
	was := m.mapRules(t, bound, out)
	if t.First >= 0 && was == Send && m.nothing(t, out.Batch) {
		return out.skip(m.row, &Problem{Code: CodeNotReferred, Message: "the row refers to no other record"})
	}
	if fate == Hold {
		return Hold // a reason, if there is one, counts once the row is taken
	}
	return was
}

// nothing reports whether the current row has only keys.
func (m *Mapper) nothing(t *PlanTarget, out *row.Batch) bool {
	for _, f := range t.rules {
		if !f.keyed && out.Cell(m.row, f.out).Kind() != row.Absent {
			return false
		}
	}
	return true
}

// other returns the fate of a row for a target that is not the one that the row is for: Look if that
// one refers to the record.
func (m *Mapper) other(t *PlanTarget, only string) Fate {
	for i := range m.plan.Targets[:m.plan.own] {
		named := &m.plan.Targets[i]
		if named.Name != only && named.also != only {
			continue
		}
		for _, n := range named.needs {
			if &m.plan.Targets[n] == t && len(t.Keys) > 0 {
				return Look
			}
		}
	}
	return Skip
}

// mapRules maps the fields that are of no key.
func (m *Mapper) mapRules(t *PlanTarget, bound *boundTarget, out *Records) Fate {
	var first *Problem
	more := 0
	note := func(p *Problem) {
		if first == nil {
			first = p
		} else {
			more++
		}
	}
	for _, f := range t.rules {
		if f.keyed {
			continue
		}
		if p := m.mapField(f, out.Batch); p != nil {
			note(p)
		}
	}
	for i := range bound.rest {
		if p := m.mapRest(&bound.rest[i], out.Batch); p != nil {
			note(p)
		}
	}
	for _, need := range bound.required {
		if p := m.lacks(need, out.Batch); p != nil {
			note(p)
		}
	}
	if first != nil {
		return out.fail(m.row, first.and(more))
	}
	return Send
}

// mapKeys maps the fields of the keys and folds them. At least one key has to be whole.
func (m *Mapper) mapKeys(t *PlanTarget, out *row.Batch) *Problem {
	if len(t.keys) == 0 {
		return nil
	}
	for _, f := range t.inKey {
		if p := m.mapField(f, out); p != nil {
			return p
		}
	}
	whole := false
	for _, key := range t.keys {
		good := true
		for i := range key {
			part := &key[i]
			cell := out.Cell(m.row, part.rule.out)
			switch {
			case cell.Kind() <= row.Null:
				good = false
			case part.fold:
				out.End(m.row, part.column, row.Text, convert.AppendFold(out.Begin(), part.rule.field, cell.Text))
			}
		}
		whole = whole || good
	}
	if !whole {
		return t.keyBlank()
	}
	return nil
}

// keyBlank is the problem of a row that cannot be looked for.
func (t *PlanTarget) keyBlank() *Problem {
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

// mapField evaluates one rule and stores the field's cell.
func (m *Mapper) mapField(f *fieldPlan, out *row.Batch) *Problem {
	switch {
	case f.constant != nil:
		out.Set(m.row, f.out, f.constant.kind|f.flags, f.constant.text)
		return nil
	case f.refer != nil:
		return m.mapReference(f, out)
	}
	var text string
	var kind row.Kind
	var p *Problem
	switch {
	case f.expr != nil:
		text, kind, p = m.value(f.expr)
	case f.joined:
		text, kind, p = m.joinAll(f)
	default:
		text, kind, p = m.pick(f)
	}
	if p != nil {
		p.Field = f.field.Name
		return p
	}
	if f.values != nil && (kind > row.Null || kind == row.Null && f.blanks) {
		c, listed := f.values[trimmed(text)]
		switch {
		case listed && c.kind != row.Null:
			out.Set(m.row, f.out, c.kind|f.flags, c.text)
			return nil
		case listed:
			kind = row.Null
		case f.unmapped == "fail":
			return &Problem{Code: CodeUnmappedValue, Field: f.field.Name, Message: "value " + convert.Quote(strings.ReplaceAll(text, syntax.ValueSep, ", ")) + " is not in the mapping's values"}
		case f.unmapped == "blank":
			kind = row.Null
		}
	}
	if kind > row.Null {
		buf, k, bad := f.conv.Append(out.Begin(), text, kind)
		if bad != nil {
			return &Problem{Code: bad.Code, Field: f.field.Name, Message: bad.Message}
		}
		if k != row.Null {
			out.End(m.row, f.out, k|f.flags, buf)
			return nil
		}
		kind = row.Null
	}
	return m.mapBlank(f, out, kind)
}

// mapReference makes the cell of a reference await its id. Where the record is looked up by a
// value, that value becomes the key of its record, once a row; a blank one leaves the field blank.
func (m *Mapper) mapReference(f *fieldPlan, out *row.Batch) *Problem {
	ref := f.refer
	if !ref.lookup {
		out.Await(m.row, f.out, row.Text|f.flags)
		return nil
	}
	number := ref.record
	if ref.find {
		number += len(m.plan.Targets)
	}
	records, t := m.out.record(number), m.plan.Record(number)
	if records.probes[m.row] == probeNone {
		if p := m.mapField(t.key, records.Batch); p != nil {
			p.Field = f.field.Name
			return p
		}
		cell := records.Batch.Cell(m.row, t.key.out)
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
	out.Await(m.row, f.out, row.Text|f.flags)
	m.wants = append(m.wants, records)
	return nil
}

// mapBlank stores what a field gets that has no value: kind is Absent or Null.
func (m *Mapper) mapBlank(f *fieldPlan, out *row.Batch, kind row.Kind) *Problem {
	switch {
	case f.def != nil:
		k := f.def.kind | f.flags
		if f.onInsert {
			k |= row.OnInsert
		}
		out.Set(m.row, f.out, k, f.def.text)
	case f.blank == BlankFail && kind == row.Null:
		return &Problem{Code: CodeRequired, Field: f.field.Name, Message: f.field.Name + " is blank, and the mapping says blank: fail"}
	case f.required:
		return &Problem{Code: CodeRequired, Field: f.field.Name, Message: "Required fields are missing: [" + f.field.Name + "]"}
	case f.blank == BlankNull && kind == row.Null:
		out.SetKind(m.row, f.out, row.Null)
	}
	return nil
}

// input is one column of a rule with its steps, or an expression.
type input struct {
	column int // of the plan
	steps  []transform.Func
	expr   *expr.Program
}

// pick returns the first value of the rule's columns that is not blank after its steps. The
// kind is Absent if the row has none of the columns, and Null if all are blank.
func (m *Mapper) pick(f *fieldPlan) (string, row.Kind, *Problem) {
	blank := row.Absent
	for i := range f.inputs {
		in := &f.inputs[i]
		if in.expr != nil {
			text, kind, p := m.value(in.expr)
			if p != nil {
				return "", row.Absent, p
			}
			if blank = row.Null; kind > row.Null && !convert.Blank(text) {
				return text, kind, nil
			}
			continue
		}
		c := m.bound.columns[in.column]
		if c < 0 {
			continue
		}
		cell := m.source.Cell(m.row, c)
		kind := cell.Kind()
		if kind == row.Absent {
			continue
		}
		blank = row.Null
		if kind == row.Null || convert.Blank(cell.Text) {
			continue
		}
		if len(in.steps) == 0 {
			return cell.Text, kind, nil
		}
		if kind == row.JSON {
			return "", row.Absent, &Problem{Code: convert.CodeType, Message: "a transform needs text, not a JSON object or array: name a path into it"}
		}
		text := cell.Text
		m.buf.Reset()
		for _, step := range in.steps {
			var p *convert.Problem
			if text, p = step(&m.buf, text); p != nil {
				return "", row.Absent, &Problem{Code: p.Code, Message: p.Message}
			}
			if convert.Blank(text) {
				break
			}
		}
		if !convert.Blank(text) {
			return text, row.Text, nil
		}
	}
	return "", blank, nil
}

// joinAll joins the trimmed values of all of the rule's columns, for a table of values that has
// several of them. The kind is Absent if the row has none of the columns, and Null if all are
// blank. The text is valid until the next one is joined.
func (m *Mapper) joinAll(f *fieldPlan) (string, row.Kind, *Problem) {
	kind := row.Absent
	m.join = m.join[:0]
	for i := range f.inputs {
		if i > 0 {
			m.join = append(m.join, syntax.ValueSep...)
		}
		c := m.bound.columns[f.inputs[i].column]
		if c < 0 {
			continue
		}
		cell := m.source.Cell(m.row, c)
		if cell.Kind() == row.JSON {
			return "", row.Absent, &Problem{Code: convert.CodeType, Message: "a table of values needs text, not a JSON object or array: name a path into it"}
		}
		if text := trimmed(cell.Text); cell.Kind() > row.Null && text != "" {
			kind = row.Text
			m.join = append(m.join, text...)
		} else if kind == row.Absent && cell.Kind() != row.Absent {
			kind = row.Null
		}
	}
	return unsafe.String(unsafe.SliceData(m.join), len(m.join)), kind, nil
}

// mapRest handles one column that no rule names.
func (m *Mapper) mapRest(r *restColumn, out *row.Batch) *Problem {
	cell := m.source.Cell(m.row, r.column)
	kind := cell.Kind()
	if kind == row.Absent {
		return nil
	}
	if r.members && kind == row.JSON && cell.Text[0] == '{' {
		return nil
	}
	blank := kind == row.Null || convert.Blank(cell.Text)
	if r.problem != nil {
		if blank && !r.present {
			return nil
		}
		p := *r.problem
		return &p
	}
	if blank {
		return nil
	}
	if r.twice != nil && out.Cell(m.row, r.out).Kind() != row.Absent {
		p := *r.twice
		return &p
	}
	buf, k, bad := r.conv.Append(out.Begin(), cell.Text, kind)
	if bad != nil {
		return &Problem{Code: bad.Code, Field: r.field.Name, Message: bad.Message}
	}
	if k != row.Null {
		out.End(m.row, r.out, k, buf)
	}
	return nil
}

// value evaluates an expression.
func (m *Mapper) value(e *expr.Program) (string, row.Kind, *Problem) {
	text, kind, p := e.Value(&m.exprs, (*view)(m))
	if p != nil {
		return "", row.Absent, &Problem{Code: p.Code, Message: p.Message}
	}
	return text, kind, nil
}

// view is the mapper's current row as expressions see it.
type view Mapper

// Text implements [expr.Row].
func (v *view) Text(column int) string { return (*Mapper)(v).text(column) }

// text returns the text of a column of the current row as conditions and expressions see it:
// "" for what is absent or null.
func (m *Mapper) text(column int) string {
	c := m.bound.columns[column]
	if c < 0 {
		return ""
	}
	cell := m.source.Cell(m.row, c)
	if cell.Kind() <= row.Null {
		return ""
	}
	return cell.Text
}
