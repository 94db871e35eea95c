package program

import (
	"sync/atomic"

	"sfsync/mapping/convert"
	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
	"sfsync/pipeline/row"
)

// maxBindings bounds what a plan remembers of the schemas it has met. Readers of JSON Lines
// make a new one whenever a new key appears.
const maxBindings = 64

// binding is a plan bound to the columns of one file.
type binding struct {
	columns []int // plan column → column of the batch, or -1
	targets []boundTarget
}

type boundTarget struct {
	schema   *row.Schema
	rest     []restColumn
	required []restRequired
}

// restColumn is a column that no rule of the mapping names.
type restColumn struct {
	column  int
	out     int
	field   *schema.Field
	conv    *convert.Converter
	problem *Problem     // for a column that must not be there or has no field
	present bool         // the problem is one even where the cell is blank
	twice   *Problem     // where another column has filled the field in the same row
	used    *atomic.Bool // set once a row has filled the field; nil where nobody asks
	members bool         // an object's members have columns of their own: it is nothing by itself
}

// bind resolves the plan's columns in a schema, once per schema.
func (p *Plan) bind(s *row.Schema) *binding {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b, ok := p.bindings[s]; ok {
		return b
	}
	b := &binding{columns: make([]int, len(p.columns)), targets: make([]boundTarget, len(p.Targets)+len(p.Finds))}
	for i, name := range p.columns {
		b.columns[i] = s.Index(name)
	}
	for i := range b.targets {
		t := p.Record(i)
		b.targets[i].schema = t.Schema
		if t.Code.Rest != RestCustom && t.Code.Rest != RestFail && t.Code.Rest != RestFields {
			continue
		}
		var extra []row.Column
		if t.Code.Traits {
			b.targets[i].rest, extra = t.bindTraits(s)
			p.noteTraits(t, s, b.targets[i].rest)
		} else {
			b.targets[i].rest, extra = t.bindRest(p, s)
		}
		b.targets[i].required = t.requiredOfRest(b.targets[i].rest)
		if len(extra) > 0 {
			b.targets[i].schema = t.Schema.With(extra...)
		}
	}
	if len(p.bindings) >= maxBindings {
		clear(p.bindings)
	}
	p.bindings[s] = b
	return b
}

// The words of rest.
const (
	RestIgnore = "ignore"
	RestCustom = "custom"
	RestFail   = "fail"
)

// bindRest decides what happens to each column that no rule names, and which columns the
// records get for them.
func (t *Target) bindRest(p *Plan, s *row.Schema) (rest []restColumn, extra []row.Column) {
	taken := map[string]restColumn{}
	for c, col := range s.Columns {
		if _, named := p.column[col.Name]; named {
			continue
		}
		if t.Code.Rest == RestFail {
			rest = append(rest, restColumn{column: c, present: true, problem: &Problem{
				Code: CodeUnmappedColumn, Message: "column " + convert.Quote(col.Name) + " is not in the mapping, which has rest: fail",
			}})
			continue
		}
		f, why := t.customField(col.Name)
		switch {
		case f == nil && t.Code.Missing:
			continue
		case f == nil:
			rest = append(rest, restColumn{column: c, problem: &Problem{Code: CodeNoField, Field: syntax.CustomName(col.Name), Message: why}})
			continue
		}
		twice := &Problem{Code: CodeFieldTwice, Field: f.Name, Message: "column " + convert.Quote(col.Name) + " is one of two that go to " + f.Name}
		if t.Code.Ruled[lower(f.Name)] {
			rest = append(rest, restColumn{column: c, problem: twice})
			continue
		}
		if first := taken[f.Name]; first.field != nil { // fine in rows that have one of them: plan and Plan
			rest = append(rest, restColumn{column: c, out: first.out, field: f, conv: first.conv, twice: twice})
			continue
		}
		conv, err := convert.New(f, t.Code.Schema)
		if err != nil {
			rest = append(rest, restColumn{column: c, problem: &Problem{Code: CodeNoField, Field: f.Name, Message: err.Error()}})
			continue
		}
		taken[f.Name] = restColumn{column: c, out: len(t.Schema.Columns) + len(extra), field: f, conv: conv}
		rest = append(rest, taken[f.Name])
		extra = append(extra, row.Column{Name: f.Name, Type: string(f.Type)})
	}
	return rest, extra
}
