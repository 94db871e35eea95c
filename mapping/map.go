package mapping

import (
	"github.com/expr-lang/expr/vm"

	"sfsync/mapping/convert"
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
	vm     vm.VM
	envs   []map[string]any // by expression number
	source *row.Batch       // the batch and row being mapped
	row    int
}

// NewMapper returns a mapper whose batches come from the pool.
func (p *Plan) NewMapper(pool *row.Pool) *Mapper {
	return &Mapper{plan: p, pool: pool, envs: make([]map[string]any, p.exprs)}
}

// Map maps a batch. It never fails as a whole: what is wrong with a row is its fate. The
// source batch must not change while the result is in use, and goes with it: see [Mapped.Free].
func (m *Mapper) Map(src *row.Batch) *Mapped {
	if s := src.Schema(); s != m.last {
		m.last, m.bound = s, m.plan.bind(s)
	}
	m.source = src
	out := m.plan.newMapped(src)
	n := src.Len()
	for t := range m.plan.Targets {
		target, bound, records := &m.plan.Targets[t], &m.bound.targets[t], &out.Targets[t]
		b := m.pool.Get(bound.schema)
		b.Seq, b.File = src.Seq, src.File
		records.Batch = b
		for r := range n {
			b.AddRow(src.Line(r))
			m.row = r
			records.fates = append(records.fates, m.mapRow(target, bound, records))
		}
	}
	m.source = nil
	return out
}

// mapRow maps the current row for one target. The order decides which reason a row has: it
// could not be read, it is not wanted, it has no key, a field is wrong.
func (m *Mapper) mapRow(t *PlanTarget, bound *boundTarget, out *Records) Fate {
	if only := m.source.Only(m.row); only != "" && only != t.Name {
		return out.skip(m.row, &Problem{Code: CodeOtherTarget, Message: "the row of an earlier run is for the target " + convert.Quote(only)})
	}
	if p, bad := m.source.Problem(m.row); bad {
		return out.fail(m.row, &Problem{Code: p.Code, Message: p.Message})
	}
	if t.when != nil {
		ok, p := t.when.eval(m)
		if p != nil {
			return out.fail(m.row, p)
		}
		if !ok {
			return out.skip(m.row, nil)
		}
	}
	if t.key != nil {
		if p := m.mapKey(t, out.Batch); p != nil {
			return out.fail(m.row, p)
		}
	}
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
		if f == t.key {
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
	if first != nil {
		return out.fail(m.row, first.and(more))
	}
	return Send
}

// mapKey maps the match field and folds it.
func (m *Mapper) mapKey(t *PlanTarget, out *row.Batch) *Problem {
	if p := m.mapField(t.key, out); p != nil {
		return p
	}
	key := out.Cell(m.row, t.key.out)
	if key.Blank() {
		return &Problem{Code: CodeKeyBlank, Field: t.Match.Name, Message: "the match field " + t.Match.Name + " is blank"}
	}
	out.End(m.row, t.FoldColumn, row.Text, convert.AppendFold(out.Begin(), t.Match, key.Text))
	return nil
}

// mapField evaluates one rule and stores the field's cell.
func (m *Mapper) mapField(f *fieldPlan, out *row.Batch) *Problem {
	if f.constant != nil {
		out.Set(m.row, f.out, f.constant.kind, f.constant.text)
		return nil
	}
	var text string
	var kind row.Kind
	var p *Problem
	if f.expr != nil {
		text, kind, p = f.expr.eval(m)
	} else {
		text, kind, p = m.pick(f)
	}
	if p != nil {
		p.Field = f.field.Name
		return p
	}
	if f.values != nil && kind > row.Null {
		c, listed := f.values[trimmed(text)]
		switch {
		case listed && c.kind != row.Null:
			out.Set(m.row, f.out, c.kind, c.text)
			return nil
		case listed:
			kind = row.Null
		case f.unmapped == "fail":
			return &Problem{Code: CodeUnmappedValue, Field: f.field.Name, Message: "value " + convert.Quote(text) + " is not in the mapping's values"}
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
			out.End(m.row, f.out, k, buf)
			return nil
		}
		kind = row.Null
	}
	return m.mapBlank(f, out, kind)
}

// mapBlank stores what a field gets that has no value: kind is Absent or Null.
func (m *Mapper) mapBlank(f *fieldPlan, out *row.Batch, kind row.Kind) *Problem {
	switch {
	case f.def != nil:
		k := f.def.kind
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

// input is one column of a rule with its steps.
type input struct {
	column int // of the plan
	steps  []transform.Func
}

// pick returns the first value of the rule's columns that is not blank after its steps. The
// kind is Absent if the row has none of the columns, and Null if all are blank.
func (m *Mapper) pick(f *fieldPlan) (string, row.Kind, *Problem) {
	blank := row.Absent
	for i := range f.inputs {
		in := &f.inputs[i]
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

// mapRest handles one column that no rule names.
func (m *Mapper) mapRest(r *restColumn, out *row.Batch) *Problem {
	cell := m.source.Cell(m.row, r.column)
	kind := cell.Kind()
	if kind == row.Absent {
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
	buf, k, bad := r.conv.Append(out.Begin(), cell.Text, kind)
	if bad != nil {
		return &Problem{Code: bad.Code, Field: r.field.Name, Message: bad.Message}
	}
	if k != row.Null {
		out.End(m.row, r.out, k, buf)
	}
	return nil
}

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
