package program

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"

	"sfsync/mapping/convert"
	"sfsync/mapping/diag"
	"sfsync/mapping/event"
	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
	"sfsync/pipeline/row"
)

// RestFields is the word of rest in targets that package fanout makes: traits are fields as they are.
const RestFields = syntax.RestFields

// Events is the test on a row whether it is an event that a target takes. Columns are the plan's.
type Events struct {
	// Type is the column of the event's type, and Name that of a track event's name, which has to be
	// Event; -1 for identify events.
	Type, Name int
	Event      string
	// Entry is the column of the entry of the event that the target is for; Routed, where that is -1,
	// the column that says that the event is for such targets.
	Entry, Routed int
	// OtherType, NoEntry and IsRouted say why the target does not take a row.
	OtherType, NoEntry, IsRouted Problem
}

// Made reports whether the target is for an entry of events, which the mapping does not name.
func (e *Events) Made() bool { return e != nil && e.Entry >= 0 }

// skip says why the target does not take the current row; nil if it does.
func (e *Events) skip(m *Mapper) *Problem {
	switch {
	case e.Made() && !m.has(e.Entry): // of a track event, too
		return &e.NoEntry
	case e.other(m):
		return &e.OtherType
	case e.Name >= 0:
	case e.Routed >= 0 && m.has(e.Routed):
		return &e.IsRouted
	}
	return nil
}

// other reports whether the current row is an event of another kind.
func (e *Events) other(m *Mapper) bool {
	typ := m.text(e.Type)
	if e.Name >= 0 {
		return !strings.EqualFold(typ, "track") || m.text(e.Name) != e.Event
	}
	return !strings.EqualFold(typ, "identify")
}

// has reports whether the current row has a column of the plan at all.
func (m *Mapper) has(column int) bool {
	c := m.bound.columns[column]
	return c >= 0 && m.source.Cell(m.row, c).Kind() != row.Absent
}

// bindTraits decides what happens to each trait that no rule of the target names, and which columns
// the records get for them.
func (t *Target) bindTraits(s *row.Schema) (rest []restColumn, extra []row.Column) {
	taken := map[string]restColumn{}
	for c, col := range s.Columns {
		trait, name, ok := event.Trait(col.Name)
		if !ok || t.Code.Owned[trait] {
			continue
		}
		// An object's members are columns of their own.
		r := restColumn{column: c, members: trait == name}
		if t.Code.Rest == RestFail {
			r.present, r.problem = true, &Problem{
				Code: CodeUnmappedColumn, Message: "trait " + convert.Quote(name) + " is not in the mapping, which has rest: fail",
			}
			rest = append(rest, r)
			continue
		}
		f, why, leave := t.traitField(trait, name)
		switch {
		case leave, f == nil && t.Code.Missing:
			continue
		case f == nil:
			r.problem = &Problem{Code: CodeNoField, Field: why.Field, Message: why.Message}
		case t.Code.Ruled[lower(f.Name)]:
			if ok, _ := t.InKeys(f); ok {
				continue // the event's own entry says it
			}
			r.problem = fieldTwice(f, name)
		case taken[f.Name].field != nil: // fine in events that have one of them: name and Name
			r.out, r.field, r.conv = taken[f.Name].out, f, taken[f.Name].conv
			r.twice = fieldTwice(f, name)
		default:
			conv, err := convert.New(f, t.Code.Schema)
			if err != nil {
				r.problem = &Problem{Code: CodeNoField, Field: f.Name, Message: err.Error()}
				break
			}
			r.out, r.field, r.conv = len(t.Schema.Columns)+len(extra), f, conv
			taken[f.Name] = r
			extra = append(extra, row.Column{Name: f.Name, Type: string(f.Type)})
		}
		rest = append(rest, r)
	}
	return rest, extra
}

// TraitField says that a trait that no rule names went to a field of its name.
type TraitField struct{ Object, Field, Trait string }

// maxTraitFields bounds what a plan remembers of them.
const maxTraitFields = 1000

// noteTraits keeps which fields traits go to; p.mu is held.
func (p *Plan) noteTraits(t *Target, s *row.Schema, rest []restColumn) {
	if p.traits == nil {
		p.traits = map[TraitField]*atomic.Bool{}
	}
	for i := range rest {
		r := &rest[i]
		if r.field == nil {
			continue
		}
		f := TraitField{t.Object.Name, r.field.Name, strings.TrimPrefix(s.Columns[r.column].Name, event.Traits)}
		if r.used = p.traits[f]; r.used == nil && len(p.traits) < maxTraitFields {
			r.used = new(atomic.Bool)
			p.traits[f] = r.used
		}
	}
}

// TraitFields returns the fields that traits went to so far by rest: custom, in order: their names are
// chosen by the traits', in any case.
func (p *Plan) TraitFields() []TraitField {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []TraitField
	for f, used := range p.traits {
		if used.Load() {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b TraitField) int {
		return cmp.Or(strings.Compare(a.Object, b.Object), strings.Compare(a.Field, b.Field), strings.Compare(a.Trait, b.Trait))
	})
	return all
}

func fieldTwice(f *schema.Field, trait string) *Problem {
	return &Problem{Code: CodeFieldTwice, Field: f.Name, Message: "trait " + convert.Quote(trait) + " is one of two that go to " + f.Name}
}

// traitField returns the field that a trait goes to, nil and the reason if there is none, or that it
// is left out. Name is the trait's as a field: that of a member is joined to its object's.
func (t *Target) traitField(trait, name string) (f *schema.Field, why Problem, leave bool) {
	if t.Code.Rest == RestFields {
		f = t.Object.Field(name)
		switch {
		case f != nil && (t.writable(f) || t.Code.Ruled[lower(f.Name)]):
			return f, Problem{}, false
		case event.NeverCopied(trait):
			return nil, Problem{}, true
		case f != nil:
			return nil, Problem{Field: f.Name, Message: "trait " + convert.Quote(name) + " is a field that cannot be written"}, false
		}
		hint := diag.DidYouMean(name, t.Object.FieldNames())
		if hint != "" {
			hint = ": " + hint
		}
		return nil, Problem{Field: name, Message: t.Object.Name + " has no field for trait " + convert.Quote(name) + hint}, false
	}
	if event.NeverCopied(trait) {
		return nil, Problem{}, true
	}
	if f = t.Object.Field(name); f != nil && !f.Custom && f.Name == name && t.writable(f) {
		return f, Problem{}, false
	}
	custom := syntax.CustomName(name)
	f = t.Object.Field(custom)
	switch {
	case f == nil:
		return nil, Problem{Field: custom, Message: t.Object.Name + " has no field " + custom + " for trait " + convert.Quote(name)}, false
	case !t.writable(f):
		return nil, Problem{Field: f.Name, Message: "trait " + convert.Quote(name) + " would go to " + f.Name + ", which cannot be written"}, false
	}
	return f, Problem{}, false
}

// restRequired is a field without which no record can be created, and that only rest may fill.
type restRequired struct {
	field string
	out   int // its column, -1 for none
}

// requiredOfRest returns the fields that every new record needs and that no rule fills.
func (t *Target) requiredOfRest(rest []restColumn) []restRequired {
	if t.Operation != syntax.Insert && t.Operation != syntax.Publish || t.Code.Rest != RestFields && t.Code.Rest != RestCustom {
		return nil
	}
	var all []restRequired
	for _, f := range t.Object.Fields {
		if !f.Required() || t.Code.Ruled[lower(f.Name)] {
			continue
		}
		need := restRequired{f.Name, -1}
		for _, r := range rest {
			if r.field == f {
				need.out = r.out
			}
		}
		all = append(all, need)
	}
	return all
}

// lacks says that the current row's record has no value for a field that it needs.
func (m *Mapper) lacks(need restRequired, out *row.Batch) *Problem {
	if need.out >= 0 && out.Cell(m.row, need.out).Kind() > row.Null {
		return nil
	}
	return &Problem{Code: CodeRequired, Field: need.field, Message: "Required fields are missing: [" + need.field + "]"}
}
