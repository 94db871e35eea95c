package mapping

import (
	"strings"

	"sfsync/mapping/convert"
	"sfsync/mapping/diag"
	"sfsync/mapping/event"
	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
	"sfsync/pipeline/row"
)

// restFields is the word of rest in targets that package fanout makes: traits are fields as they are.
const restFields = syntax.RestFields

// track is the test on a row whether it is an event that a target takes. Its columns are the plan's.
type track struct {
	typ, name int // the latter is -1 for identify events
	event     string
	// entry is the column of the entry of the event that the target is for; routed, where that is
	// -1, the column that says that the event is for such targets.
	entry, routed int

	otherType, noEntry, isRouted Problem
}

// events compiles which events the target takes: those of one name with track:, else identify events.
// Of the latter, those that name records of their own go to these alone. Rows of sources without
// events are taken all.
func (c *planner) events() {
	t, out := c.target, c.out
	out.events = c.file.Source.Events == event.RudderStack
	if out.made || !out.events {
		return
	}
	e := &track{
		typ: c.plan.add(event.Type, t.Pos, 0), name: -1, entry: -1, routed: -1,
		otherType: Problem{Code: event.CodeType, Message: "event-type: the target takes identify events"},
		isRouted:  Problem{Code: event.CodeRouted, Message: "the event names its records itself, in context.externalId"},
	}
	switch e.event = strings.TrimSpace(t.Track.Value); {
	case e.event != "":
		e.name = c.plan.add(event.Name, t.Track.Pos, 0)
		e.otherType.Message = "event-type: the target takes the track event " + convert.Quote(e.event)
	case t.Entry.Value != "":
		e.entry = c.plan.add(t.Entry.Value, t.Entry.Pos, 0)
		e.noEntry = Problem{Code: event.CodeNoEntry, Message: "the event names no record for " + t.Entry.Value}
	case len(c.file.Source.Entries) > 0:
		e.routed = c.plan.add(event.Routed, t.Pos, 0)
	}
	out.track = e
}

// made reports whether the target is for an entry of events, which the mapping does not name.
func (e *track) made() bool { return e != nil && e.entry >= 0 }

// skip says why the target does not take the current row; nil if it does.
func (e *track) skip(m *Mapper) *Problem {
	typ := m.text(e.typ)
	if e.name >= 0 {
		if !strings.EqualFold(typ, "track") || m.text(e.name) != e.event {
			return &e.otherType
		}
		return nil
	}
	switch {
	case !strings.EqualFold(typ, "identify"):
		return &e.otherType
	case e.entry >= 0 && !m.has(e.entry):
		return &e.noEntry
	case e.routed >= 0 && m.has(e.routed):
		return &e.isRouted
	}
	return nil
}

// has reports whether the current row has a column of the plan at all.
func (m *Mapper) has(column int) bool {
	c := m.bound.columns[column]
	return c >= 0 && m.source.Cell(m.row, c).Kind() != row.Absent
}

// traitRef returns what custom: names: in events a trait, with or without "traits." before it.
func (c *planner) traitRef(ref *Ref) *Ref {
	if !c.out.events {
		return ref
	}
	trait := *ref
	trait.Name = event.Column(ref.Name)
	return &trait
}

// ownTraits notes the traits that the target's rules name, from a mention of a column on.
func (c *planner) ownTraits(from int) {
	if !c.out.events {
		return
	}
	c.out.owned = make(map[string]bool)
	for _, u := range c.plan.uses[from:] {
		if trait, _, ok := event.Trait(c.plan.columns[u.column]); ok {
			c.out.owned[trait] = true
		}
	}
	for _, name := range c.target.Passed {
		if trait, _, ok := event.Trait(name.Value); ok {
			c.out.owned[trait] = true
		}
	}
}

// bindTraits decides what happens to each trait that no rule of the target names, and which columns
// the records get for them.
func (t *PlanTarget) bindTraits(s *row.Schema) (rest []restColumn, extra []row.Column) {
	taken := map[string]restColumn{}
	for c, col := range s.Columns {
		trait, name, ok := event.Trait(col.Name)
		if !ok || t.owned[trait] {
			continue
		}
		// An object's members are columns of their own.
		r := restColumn{column: c, members: trait == name}
		if t.rest == restFail {
			r.present, r.problem = true, &Problem{
				Code: CodeUnmappedColumn, Message: "trait " + convert.Quote(name) + " is not in the mapping, which has rest: fail",
			}
			rest = append(rest, r)
			continue
		}
		f, why, leave := t.traitField(trait, name)
		switch {
		case leave, f == nil && t.missing:
			continue
		case f == nil:
			r.problem = &Problem{Code: CodeNoField, Field: why.Field, Message: why.Message}
		case t.byField[lower(f.Name)]:
			if ok, _ := t.inKeys(f); ok {
				continue // the event's own entry says it
			}
			r.problem = fieldTwice(f, name)
		case taken[f.Name].field != nil: // fine in events that have one of them: name and Name
			r.out, r.field, r.conv = taken[f.Name].out, f, taken[f.Name].conv
			r.twice = fieldTwice(f, name)
		default:
			conv, err := convert.New(f, t.schema)
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

func fieldTwice(f *schema.Field, trait string) *Problem {
	return &Problem{Code: CodeFieldTwice, Field: f.Name, Message: "trait " + convert.Quote(trait) + " is one of two that go to " + f.Name}
}

// traitField returns the field that a trait goes to, nil and the reason if there is none, or that it
// is left out. Name is the trait's as a field: that of a member is joined to its object's.
func (t *PlanTarget) traitField(trait, name string) (f *schema.Field, why Problem, leave bool) {
	if t.rest == restFields {
		f = t.Object.Field(name)
		switch {
		case f != nil && (writable(f, t.Operation) || t.byField[lower(f.Name)]):
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
	if f = t.Object.Field(name); f != nil && !f.Custom && f.Name == name && writable(f, t.Operation) {
		return f, Problem{}, false
	}
	custom := syntax.CustomName(name)
	f = t.Object.Field(custom)
	switch {
	case f == nil:
		return nil, Problem{Field: custom, Message: t.Object.Name + " has no field " + custom + " for trait " + convert.Quote(name)}, false
	case !writable(f, t.Operation):
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
func (t *PlanTarget) requiredOfRest(rest []restColumn) []restRequired {
	if t.Operation != Insert && t.Operation != Publish || t.rest != restFields && t.rest != restCustom {
		return nil
	}
	var all []restRequired
	for _, f := range t.Object.Fields {
		if !f.Required() || t.byField[lower(f.Name)] {
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
