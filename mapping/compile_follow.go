package mapping

import (
	"cmp"
	"slices"
	"strings"

	"sfsync/mapping/program"
	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
)

// follow finds the rules that refer, by a key, to records that another target of the file makes. Where
// the key has the same source as that target's own rule, the record is that of the same row, which then
// goes first. Any other may come too late, which a warning says, and so may one of which only the last
// row is sent, or one of the target itself where no second pass sets the reference.
func (c *planner) follow() {
	waits := c.edges()
	for i, t := range c.file.Targets {
		out := c.targets[i]
		if out == nil {
			continue
		}
		for _, r := range t.Fields {
			object, key := c.sought(out, r)
			if object == nil || c.postponed(i, r) {
				continue
			}
			follows, own, late := false, false, ""
			for s, maker := range c.file.Targets {
				rule := c.makes(s, object, key, out.Org)
				switch {
				case s == i:
					own = rule != nil && !out.Updates()
				case rule == nil:
				case source(rule) != source(r), c.file.Source.Duplicates == "last", reaches(waits, s, i):
					late = cmp.Or(late, maker.Name.Value)
				default:
					follows = true
					c.after(waits, i, s, r)
				}
			}
			if own && !follows && late == "" {
				c.list.Warnf(r.Field.Pos, "refers-to-made", "load those that others refer to before, with a mapping of their own",
					"%s refers to records of %s by their %s: those that this target makes of other rows may not be there yet", r.Field.Value, object.Name, key.Name)
			}
			if !follows && late != "" && !slices.ContainsFunc(waits[i], func(e edge) bool { return c.targets[e.to].Name == late }) {
				c.list.Warnf(r.Field.Pos, "refers-to-made", "write {ref: "+late+"} for the record of the same row; load others before, with a mapping of their own",
					"%s refers to records of %s by their %s: those that target %s makes in the same run may not be there yet", r.Field.Value, object.Name, key.Name, late)
			}
		}
	}
}

// after makes the records of a target, and what a rule of it looks for, wait for those of another one, and notes that
// in waits. What targets look for that must not wait they keep for themselves.
func (c *planner) after(waits [][]edge, target, first int, r *Rule) {
	wait := func(t *PlanTarget) {
		if !slices.Contains(t.After, first) {
			t.After = append(t.After, first)
		}
	}
	wait(c.targets[target])
	waits[target] = append(waits[target], edge{to: first, pos: r.Field.Pos})
	for _, p := range c.targets[target].Code.Rules {
		if p.Refer == nil || !p.Refer.Find || !strings.EqualFold(p.Field.Name, r.Field.Value) {
			continue
		}
		others := c.sharing(p.Refer, target)
		if slices.ContainsFunc(others, func(i int) bool { return i == first || reaches(waits, first, i) }) {
			find, refer := *c.finds[p.Refer.Record], *p.Refer
			find.Name, find.After = c.targets[target].Name+"."+p.Field.Name, slices.Clone(find.After)
			refer.Record = len(c.finds)
			c.finds, p.Refer = append(c.finds, &find), &refer
		} else {
			for _, i := range others {
				waits[i] = append(waits[i], edge{to: first, pos: r.Field.Pos})
			}
		}
		wait(c.finds[p.Refer.Record])
	}
}

// sharing returns the targets that look for the same as one does.
func (c *planner) sharing(refer *program.Reference, target int) (others []int) {
	for i, t := range c.targets {
		if t != nil && i != target && slices.ContainsFunc(t.Code.Rules, func(p *program.Rule) bool { return p.Refer == refer }) {
			others = append(others, i)
		}
	}
	return others
}

// sought returns the object that a rule refers to by a key, and that key; nil for a rule that does not.
func (c *planner) sought(out *PlanTarget, r *Rule) (*schema.Object, *schema.Field) {
	object, field := referred(out, r)
	if o := out.Code.Schema.Object(object); object != "" && o != nil {
		if f := o.Field(field); f != nil {
			return o, f
		}
	}
	return nil, nil
}

// referred names the object that a rule refers to by a key, and that key, as the file has them; "" where it refers to
// none, or makes what is not there.
func referred(out *PlanTarget, r *Rule) (object, field string) {
	if rel, ok := syntax.ParseRelation(r.Field.Value); ok {
		ref, parent := relationship(out.Object, rel)
		if parent == "" && ref != nil && len(ref.ReferenceTo) == 1 {
			parent = ref.ReferenceTo[0]
		}
		return parent, rel.Field
	}
	if r.Lookup != nil && !r.Lookup.Create {
		return r.Lookup.Object.Value, r.Lookup.Field.Value
	}
	return "", ""
}

// source is the signature of a rule without its default, which counts only for rows without a key.
func source(r *Rule) string {
	without := *r
	without.Default = nil
	return signature(&without)
}

func (c *planner) postponed(target int, r *Rule) bool {
	return slices.ContainsFunc(c.later, func(l laterRule) bool { return l.target == target && l.rule == r })
}

// makes returns the rule by which a target fills a field of records that it may create; nil for none.
func (c *planner) makes(target int, o *schema.Object, key *schema.Field, org string) *Rule {
	t, out := c.file.Targets[target], c.targets[target]
	if out == nil || out.Org != org || out.Object.Name != o.Name || t.Operation != Upsert && t.Operation != Insert {
		return nil
	}
	for _, r := range t.Fields {
		if strings.EqualFold(r.Field.Value, key.Name) {
			return r
		}
	}
	return nil
}

// reaches reports whether a target waits for another one, at whatever remove.
func reaches(waits [][]edge, from, to int) bool {
	seen := make([]bool, len(waits))
	todo := []int{from}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, e := range waits[i] {
			if e.to == to {
				return true
			}
			if !seen[e.to] {
				seen[e.to] = true
				todo = append(todo, e.to)
			}
		}
	}
	return false
}
