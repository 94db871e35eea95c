package program

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
	wrong  []Problem  // with the record being mapped
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
	own := m.plan.Own
	for i := range m.bound.targets {
		records := m.out.Record(i)
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
	for _, t := range m.plan.Made {
		target, bound, records := &m.plan.Targets[t], &m.bound.targets[t], &m.out.Targets[t]
		for r := range n {
			if records.probes[r] == probeLooked {
				records.fates[r] = Look
			}
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
		why := probeWanted
		if f == Look {
			why = probeLooked
		}
		for _, r := range m.wants {
			r.probes[m.row] = max(r.probes[m.row], why)
			if r.find {
				r.fates[m.row] = Send
			}
		}
	}
	m.wants = m.wants[:0]
}

// mapRow maps the current row for one target of the file. The order decides which reason a row
// has: it could not be read, it is not wanted, it has no key, a field is wrong.
func (m *Mapper) mapRow(t *Target, bound *boundTarget, out *Records) Fate {
	fate := m.wanted(t, out)
	if fate == Skip || fate == Fail {
		return fate
	}
	if fate == Hold {
		m.keyFields(t, out.Batch)
	} else {
		m.mapKeys(t, out.Batch)
	}
	if fate == Look {
		m.judge(out) // it counts once the record is looked for
		return Look
	}
	was := m.mapRules(t, bound, out)
	switch {
	case fate == Hold: // what is wrong counts once the record is taken
		return Hold
	case t.First >= 0 && was == Send && m.nothing(t, out.Batch):
		return out.skip(m.row, &Problem{Code: CodeNotReferred, Message: "the row refers to no other record"})
	}
	return was
}

// otherTarget is why a row is not for a target: it failed for another one, only.
func otherTarget(only string) *Problem {
	return &Problem{Code: CodeOtherTarget, Message: "the row of an earlier run is for the target " + convert.Quote(only)}
}

// wanted says whether a target has a use for the current row: Send, Skip or Fail with the reason, Hold if
// another target may give it the row, and Look if the row is another one's and refers to the record.
func (m *Mapper) wanted(t *Target, out *Records) Fate {
	fate := Send
	only := m.source.Only(m.row)
	if only != "" && only != t.Name && only != t.Code.Also {
		if fate = m.other(t, only); fate == Skip {
			return out.skip(m.row, otherTarget(only))
		}
	} else if only != "" && t.Code.Keyless != "" {
		return out.fail(m.row, &Problem{Code: CodeParentUnknown, Message: "the record of target " + t.Code.Keyless + " in an earlier run cannot be found: that target has no match"})
	}
	if p, bad := m.source.Problem(m.row); bad {
		switch e := t.Code.Events; {
		case fate == Look: // the target that the row is for says so
			return out.skip(m.row, otherTarget(only))
		case e.Made(): // the file's own targets say so once
			return out.skip(m.row, &e.NoEntry)
		case e != nil && m.has(e.Type) && e.other(m): // what is wrong is other targets' business
			return out.skip(m.row, &e.OtherType)
		}
		return out.fail(m.row, &Problem{Code: p.Code, Message: p.Message})
	}
	if p, skipped := m.source.Skipped(m.row); skipped {
		if t.Code.Events.Made() {
			return out.skip(m.row, &t.Code.Events.NoEntry)
		}
		return out.skip(m.row, &Problem{Code: p.Code, Message: p.Message})
	}
	if t.Code.Events != nil {
		if p := t.Code.Events.skip(m); p != nil {
			return out.skip(m.row, p)
		}
	}
	if t.Code.When == nil {
		if t.Code.Held && len(t.Keys) == 0 {
			return Hold
		}
		return fate
	}
	ok, p := t.Code.When.Test(&m.exprs, (*view)(m))
	switch {
	case p != nil && fate == Look: // nobody knows whether there is such a record: what refers to it fails
		m.note(&Problem{Code: p.Code, Message: p.Message})
		return Look
	case p != nil:
		return out.fail(m.row, &Problem{Code: p.Code, Message: p.Message})
	case ok:
		return fate
	case t.Code.Held:
		return Hold
	}
	return out.skip(m.row, nil)
}

// nothing reports whether the current row has only keys.
func (m *Mapper) nothing(t *Target, out *row.Batch) bool {
	for _, f := range t.Code.Rules {
		if !f.Keyed && out.Cell(m.row, f.Out).Kind() != row.Absent {
			return false
		}
	}
	return true
}

// mapRules maps the fields that are of no key, and judges the record.
func (m *Mapper) mapRules(t *Target, bound *boundTarget, out *Records) Fate {
	for _, f := range t.Code.Rules {
		if !f.Keyed {
			m.note(m.mapField(f, out.Batch))
		}
	}
	for i := range bound.rest {
		m.note(m.mapRest(&bound.rest[i], out.Batch))
	}
	for _, need := range bound.required {
		m.note(m.lacks(need, out.Batch))
	}
	return m.judge(out)
}

// note adds what is wrong with the current record; nil is nothing.
func (m *Mapper) note(p *Problem) {
	if p != nil {
		m.wrong = append(m.wrong, *p)
	}
}

// judge returns Fail and records why if something was noted about the current record, else Send.
func (m *Mapper) judge(out *Records) Fate {
	if len(m.wrong) == 0 {
		return Send
	}
	out.note(m.row, &m.wrong[0])
	for _, p := range m.wrong[1:] {
		out.further = append(out.further, reason{m.row, p})
	}
	clear(m.wrong)
	m.wrong = m.wrong[:0]
	return Fail
}

// mapField evaluates one rule and stores the field's cell.
func (m *Mapper) mapField(f *Rule, out *row.Batch) *Problem {
	switch {
	case f.Constant != nil:
		out.Set(m.row, f.Out, f.Constant.Kind|f.Flags, f.Constant.Text)
		return nil
	case f.Refer != nil:
		return m.mapReference(f, out)
	}
	var text string
	var kind row.Kind
	var p *Problem
	switch {
	case f.Expr != nil:
		text, kind, p = m.value(f.Expr)
	case f.Joined:
		text, kind, p = m.joinAll(f)
	default:
		text, kind, p = m.pick(f)
	}
	if p != nil {
		p.Field = f.Field.Name
		return p
	}
	if kind == row.Text && convert.Blank(text) { // of an expression: what is blank is no value to look up
		kind = row.Null
	}
	if f.Values != nil && (kind > row.Null || kind == row.Null && f.Blanks) {
		c, listed := f.Values[trimmed(text)]
		switch {
		case listed && c.Kind != row.Null:
			out.Set(m.row, f.Out, c.Kind|f.Flags, c.Text)
			return nil
		case listed:
			kind = row.Null
		case f.Unmapped == "fail":
			return &Problem{Code: CodeUnmappedValue, Field: f.Field.Name, Message: "value " + convert.Quote(strings.ReplaceAll(text, syntax.ValueSep, ", ")) + " is not in the mapping's values"}
		case f.Unmapped == "blank":
			kind = row.Null
		}
	}
	if kind > row.Null {
		buf, k, bad := f.Conv.Append(out.Begin(), text, kind)
		if bad != nil {
			return &Problem{Code: bad.Code, Field: f.Field.Name, Message: bad.Message}
		}
		if k != row.Null {
			out.End(m.row, f.Out, k|f.Flags, buf)
			return nil
		}
		kind = row.Null
	}
	return m.mapBlank(f, out, kind)
}

// mapBlank stores what a field gets that has no value: kind is Absent or Null.
func (m *Mapper) mapBlank(f *Rule, out *row.Batch, kind row.Kind) *Problem {
	switch {
	case f.Default != nil:
		k := f.Default.Kind | f.Flags
		if f.OnInsert {
			k |= row.OnInsert
		}
		out.Set(m.row, f.Out, k, f.Default.Text)
	case f.Blank == syntax.BlankFail && kind == row.Null:
		return &Problem{Code: CodeRequired, Field: f.Field.Name, Message: f.Field.Name + " is blank, and the mapping says blank: fail"}
	case f.Required:
		return &Problem{Code: CodeRequired, Field: f.Field.Name, Message: "Required fields are missing: [" + f.Field.Name + "]"}
	case f.Blank == syntax.BlankNull && kind == row.Null:
		out.SetKind(m.row, f.Out, row.Null)
	}
	return nil
}

// pick returns the first value of the rule's columns that is not blank after its steps. The
// kind is Absent if the row has none of the columns, and Null if all are blank.
func (m *Mapper) pick(f *Rule) (string, row.Kind, *Problem) {
	blank := row.Absent
	for i := range f.Inputs {
		in := &f.Inputs[i]
		if in.Expr != nil {
			text, kind, p := m.value(in.Expr)
			if p != nil {
				return "", row.Absent, p
			}
			if blank = row.Null; kind > row.Null && !convert.Blank(text) {
				return text, kind, nil
			}
			continue
		}
		c := m.bound.columns[in.Column]
		if c < 0 {
			continue
		}
		cell := m.source.Cell(m.row, c)
		kind := cell.Kind()
		if kind == row.Absent || in.Parts && kind == row.JSON && cell.Text[0] == '{' {
			continue
		}
		blank = row.Null
		if kind == row.Null || convert.Blank(cell.Text) {
			continue
		}
		steps := in.steps(kind)
		if len(steps) == 0 {
			return cell.Text, kind, nil
		}
		if kind == row.JSON {
			return "", row.Absent, &Problem{Code: convert.CodeType, Message: "a transform needs text, not a JSON object or array: name a path into it"}
		}
		text := cell.Text
		m.buf.Reset()
		for _, step := range steps {
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
func (m *Mapper) joinAll(f *Rule) (string, row.Kind, *Problem) {
	kind := row.Absent
	m.join = m.join[:0]
	for i := range f.Inputs {
		if i > 0 {
			m.join = append(m.join, syntax.ValueSep...)
		}
		c := m.bound.columns[f.Inputs[i].Column]
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
		if r.used != nil && !r.used.Load() {
			r.used.Store(true)
		}
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
