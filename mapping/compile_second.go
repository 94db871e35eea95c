package mapping

import (
	"slices"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/program"
	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
)

// laterRule is a rule that a second pass carries out.
type laterRule struct {
	target int
	rule   *Rule
}

// postpone puts a rule off to a second pass if it refers to a record of the same object by a field
// that the target fills: that record may come later in the same input, or go in the same request.
func (c *planner) postpone(r *Rule, claimed *schema.Field, isKey bool) bool {
	out := c.out
	if c.second || out.Code.Made || isKey || claimed.Required() || out.Updates() || len(out.Keys) == 0 || !claimed.Updateable {
		return false
	}
	object, field := referred(out, r)
	if !strings.EqualFold(object, out.Object.Name) || !c.ruled[lower(field)] {
		return false
	}
	for _, other := range c.target.Fields {
		if f := out.Object.Field(other.Field.Value); f != nil && other.RefTo != nil {
			if part, _ := out.InKeys(f); part {
				return false // only the first pass knows the row's other records
			}
		}
	}
	if r.Default != nil && !r.DefaultAlways {
		c.list.Errorf(r.Default.Pos, "default-second-pass", "say default_on: always",
			"%s refers to records of the same object: it is set in a second pass, which does not know which records are new", claimed.Name)
	}
	c.later = append(c.later, laterRule{c.targetIndex(c.target.Name.Value), r})
	return true
}

// secondPass compiles the rules that were put off: updates by the same keys. What it finds wrong
// is added to the list.
func (c *planner) secondPass() *Plan {
	second := &File{Path: c.file.Path, Source: c.file.Source}
	var first []int
	for i, t := range c.file.Targets {
		var fields []*Rule
		for _, l := range c.later {
			if l.target == i {
				fields = append(fields, l.rule)
			}
		}
		out := c.targets[i]
		if len(fields) == 0 || out == nil {
			continue
		}
		u := &Target{
			Pos: t.Pos, Name: Str{Value: t.Name.Value + ".references", Pos: t.Name.Pos}, Object: t.Object, Operation: Update,
			OnMany: t.OnMany, Org: t.Org, Order: t.Order, Batch: t.Batch, AssignmentRule: t.AssignmentRule, DuplicateRule: t.DuplicateRule, UpdateMRU: t.UpdateMRU, Track: t.Track, When: t.When, Rest: program.RestIgnore,
		}
		for _, k := range out.Keys {
			var names []Str
			for _, f := range k.Fields {
				names = append(names, Str{Value: f.Name, Pos: keyPos(matchKeys(t), f)})
			}
			u.Keys = append(u.Keys, names)
		}
		for _, r := range t.Fields {
			if f := out.Object.Field(r.Field.Value); f != nil {
				if part, _ := out.InKeys(f); part {
					u.Fields = append(u.Fields, r)
				}
			}
		}
		for _, ref := range t.Custom {
			if f := out.Object.Field(syntax.CustomName(ref.Name)); f != nil {
				if part, _ := out.InKeys(f); part {
					u.Custom = append(u.Custom, ref)
				}
			}
		}
		u.Fields = append(u.Fields, fields...)
		second.Targets, first = append(second.Targets, u), append(first, i)
	}
	s := newPlanner(second, c.schemas)
	s.second = true
	plan := s.compile()
	c.plan.Adopt(plan)
	for _, d := range s.list.All() {
		again := slices.ContainsFunc(c.list.All(), func(o diag.Diagnostic) bool { return o.Pos == d.Pos && o.Code == d.Code })
		if !again && d.Code != "match-costs-lookup" && d.Code != "object-operation" {
			c.list.Add([]diag.Diagnostic{d})
		}
	}
	for i := range plan.Targets {
		t := &plan.Targets[i]
		t.First, t.Code.Also = first[i], c.targets[first[i]].Name
		if len(c.plan.Targets) > 0 { // what failed in the second pass goes through both again
			c.plan.Targets[first[i]].Code.Also = t.Name
		}
	}
	return plan
}
