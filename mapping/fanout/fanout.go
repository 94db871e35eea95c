// Package fanout makes targets of the records that events name themselves: the entries of
// context.externalId. A plan knows all its targets before the first row, so an input is looked
// through for such entries before its mapping is compiled.
package fanout

import (
	"fmt"
	"slices"
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/event"
	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
)

// Objects returns the objects that entries name, each once, as they name them: what has to be
// described before [Apply].
func Objects(entries []event.Entry) []string {
	var names []string
	for _, e := range entries {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, e.Object) }) {
			names = append(names, e.Object)
		}
	}
	return names
}

// Tracks returns the names of the track events that the mapping's targets take.
func Tracks(f *mapping.File) []string {
	var names []string
	for _, t := range f.Targets {
		if name := strings.TrimSpace(t.Track.Value); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Apply returns the mapping with a target for every kind of entry that an input has, behind those
// that it has itself, and with these entries in its source. An entry with an id updates that record,
// one with a field upserts by it, one without either creates a record. Where the mapping has a target
// for the object, the first one that takes identify events, its rules, custom and rest count; else
// every trait is a field by its own name.
//
// An entry that the schema does not allow is refused: its rows fail, with the reason. Targets that no
// row can reach by itself (when: false) and that no other names are only there to be such a pattern,
// and are left out. A mapping that is wrong by itself comes back as it is.
func Apply(f *mapping.File, entries []event.Entry, s *schema.Schema) *mapping.File {
	if f.Source.Events != event.RudderStack {
		return f
	}
	if _, _, err := mapping.Compile(f, s); err != nil {
		return f // whoever compiles it is told; also of what would be left out here
	}
	out := *f
	out.Targets = used(f)
	out.Source.Entries = slices.Clone(entries)
	own := len(out.Targets)
	for i := range out.Source.Entries {
		e := &out.Source.Entries[i]
		t := target(f, e, s)
		if t == nil {
			continue
		}
		trial := out
		trial.Targets = slices.Concat(out.Targets[:own], []*mapping.Target{t})
		trial.Source.Entries = []event.Entry{*e}
		if _, _, err := mapping.Compile(&trial, s); err != nil {
			e.Refused = fmt.Sprintf("context.externalId names a record by %s: %s", e.Column(), reason(err))
			continue
		}
		out.Targets = append(out.Targets, t)
	}
	return &out
}

// reason returns the first error of a compilation.
func reason(err error) string {
	list, _ := diag.As(err)
	for _, d := range list {
		if d.Severity == diag.Error {
			return d.Message
		}
	}
	return err.Error()
}

// used returns the mapping's targets without those that are only patterns.
func used(f *mapping.File) []*mapping.Target {
	named := map[string]bool{}
	for _, t := range f.Targets {
		named[t.OnConverted.Value] = true
		for _, r := range t.Fields {
			if r.RefTo != nil {
				named[r.RefTo.Value] = true
			}
		}
	}
	for _, t := range f.Tests {
		for _, e := range t.Expect {
			named[e.Target.Value] = true
		}
	}
	var out []*mapping.Target
	for _, t := range f.Targets {
		if !never(t) || named[t.Name.Value] {
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		return f.Targets
	}
	return out
}

// never reports whether a target takes no row by itself.
func never(t *mapping.Target) bool { return strings.TrimSpace(t.When.Value) == "false" }

// target makes the target of an entry, whose names become the schema's; nil if it is refused.
func target(f *mapping.File, e *event.Entry, s *schema.Schema) *mapping.Target {
	o := s.Object(e.Object)
	if o == nil || len(o.Fields) == 0 {
		e.Refused = fmt.Sprintf("context.externalId names the object %q, which is not in %s", e.Object, s.Source)
		if hint := diag.DidYouMean(e.Object, s.Names()); hint != "" {
			e.Refused += ": " + hint
		}
		return nil
	}
	e.Object = o.Name
	if e.Field != "" {
		field := o.Field(e.Field)
		if field == nil {
			e.Refused = fmt.Sprintf("context.externalId names a record of %s by %q, which is no field of it", o.Name, e.Field)
			if hint := diag.DidYouMean(e.Field, o.FieldNames()); hint != "" {
				e.Refused += ": " + hint
			}
			return nil
		}
		e.Field = field.Name
	}
	t := pattern(f, o)
	at := func(name string) syntax.Str { return syntax.Str{Value: name, Pos: t.Pos} }
	t.Name, t.Object, t.Entry = at(e.Column()), at(o.Name), at(e.Column())
	t.Match, t.Keys = syntax.Str{}, nil
	key := e.Field
	switch {
	case e.New:
		t.Operation = syntax.Insert
	case key == "":
		key, t.Operation = "Id", syntax.Update
	default:
		t.Operation = syntax.Upsert
	}
	t.Fields = rules(t, o, key)
	t.Custom = slices.DeleteFunc(slices.Clone(t.Custom), func(r syntax.Ref) bool { return strings.EqualFold(syntax.CustomName(r.Name), key) })
	if key != "" {
		t.Match, t.Keys = at(key), [][]syntax.Str{{at(key)}}
		t.Fields = append([]*mapping.Rule{{
			Field: at(key), From: []syntax.Ref{{Name: e.Column(), Pos: t.Pos}}, Blank: syntax.BlankLeave,
		}}, t.Fields...)
	}
	return t
}

// pattern returns a copy of the mapping's target for an object, or a target of the traits as they are.
func pattern(f *mapping.File, o *schema.Object) *mapping.Target {
	for _, t := range f.Targets {
		if !strings.EqualFold(t.Object.Value, o.Name) || t.Track.Value != "" || t.Operation == syntax.Delete || t.Operation == syntax.Publish {
			continue
		}
		p := *t
		if never(&p) {
			p.When = syntax.Str{}
		}
		if p.OnConverted.Value != "skip" {
			p.OnConverted.Value = "fail" // the other target has the rows of the pattern itself
		}
		return &p
	}
	return &mapping.Target{
		Pos: diag.Pos{File: f.Path, Line: 1, Column: 1}, OnMany: "fail", OnConverted: syntax.Str{Value: "fail"}, Order: "key",
		Rest: syntax.RestFields,
	}
}

// rules returns the rules of a pattern that count for its copy: not that of the key, and none of
// what the operation cannot do; rest passes over their columns all the same. Defaults for new records
// alone are nothing to an update.
func rules(t *mapping.Target, o *schema.Object, key string) []*mapping.Rule {
	updates := t.Operation == syntax.Update || strings.EqualFold(key, "Id")
	var out []*mapping.Rule
	for _, r := range t.Fields {
		f := o.Field(r.Field.Value)
		switch {
		case strings.EqualFold(r.Field.Value, key), strings.EqualFold(r.Field.Value, "Id"):
			t.Passed = append(t.Passed, names(r)...)
			continue
		case f != nil && (t.Operation == syntax.Insert && !f.Createable || updates && !f.Updateable):
			t.Passed = append(t.Passed, names(r)...)
			continue
		}
		c := *r
		switch {
		case updates && !c.DefaultAlways:
			c.Default = nil
		case t.Operation == syntax.Insert:
			c.OnlyIfEmpty = false
		}
		out = append(out, &c)
	}
	return out
}

// names returns the columns that a rule takes its value from.
func names(r *mapping.Rule) []syntax.Str {
	var out []syntax.Str
	for _, ref := range r.From {
		if ref.Expr == nil {
			out = append(out, syntax.Str{Value: ref.Name, Pos: ref.Pos})
		}
	}
	return out
}
