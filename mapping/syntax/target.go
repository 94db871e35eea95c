package syntax

import (
	"strconv"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/spec"
	"sfsync/mapping/yamlnode"
)

func (p *parser) target(n *yamlnode.Node) *Target {
	o, ok := p.object(n, spec.AtTarget)
	if !ok {
		return nil
	}
	t := &Target{
		Pos: n.Pos, Name: o.text("name"), Object: o.text("object"), Operation: Upsert, Keys: o.matchKeys(), OnMany: "fail", OnConverted: o.text("on_converted"),
		Org: o.text("org"), Order: "key", BackupAlways: o.word("backup") == "always", Track: o.text("track"), When: o.text("when"), Rest: "ignore",
	}
	if t.Name.Value == "" {
		t.Name = Str{Value: strings.ToLower(t.Object.Value), Pos: t.Object.Pos}
	}
	if t.OnConverted.Value == "" {
		t.OnConverted.Value = "fail"
	}
	if w := o.word("operation"); w != "" {
		t.Operation = Operation(w)
	}
	for name, word := range map[string]*string{"on_many": &t.OnMany, "order": &t.Order, "rest": &t.Rest} {
		if w := o.word(name); w != "" {
			*word = w
		}
	}
	if t.RestPos = t.Pos; o.word("rest") != "" {
		t.RestPos = o.text("rest").Pos
	}
	t.Batch, _ = strconv.Atoi(o.word("batch")) // 0 where it is missing
	t.AssignmentRule, t.DuplicateRule = o.text("assignment_rule"), o.word("duplicate_rule")
	t.AllOrNone, t.UpdateMRU = o.word("all_or_none") == "true", o.word("update_mru")
	t.MissingIgnore = o.word("missing") == "ignore"
	t.Fields, t.Unsound = p.rules(o.get("fields"))
	t.Custom = p.refs(o.get("custom"), false)
	t.broken = o.has("match") && o.get("match") == nil || o.has("operation") && o.get("operation") == nil
	p.lintTarget(t, o)
	return t
}

// rules parses a map of rules; unsound are the names of those that cannot be used.
func (p *parser) rules(n *yamlnode.Node) (rules []*Rule, unsound []Str) {
	if n == nil {
		return nil, nil
	}
	for _, pair := range n.Pairs {
		if r := p.rule(pair.Key, pair.Value); r != nil {
			rules = append(rules, r)
		} else if pair.Key.Text != "" && badAPIName(pair.Key.Text) < 0 {
			unsound = append(unsound, str(pair.Key))
		}
	}
	return rules, unsound
}

// lintTarget checks the keys of a target against each other.
func (p *parser) lintTarget(t *Target, o *object) {
	p.lintMatch(t, o)
	rest := t.Rest == "custom"
	if !o.has("custom") && !rest && (!o.has("fields") || o.get("fields") != nil && len(o.get("fields").Pairs) == 0) {
		pos := t.Pos
		if n := o.get("fields"); n != nil {
			pos = n.Pos
		}
		p.list.Errorf(pos, codeNoFields, "add fields: {Email: email}", "a target needs fields to write")
	}
	if o.has("missing") && !o.has("custom") && !rest {
		p.list.Warnf(o.seen["missing"], codeNoEffect, "", `"missing" has no effect without "custom" or rest: custom`)
	}
	if o.has("track") && strings.TrimSpace(t.Track.Value) == "" && o.get("track") != nil {
		p.list.Errorf(t.Track.Pos, codeName, "name the event, or leave the key out", `"track" is blank`)
	}
	p.lintOperation(t, o)
	p.lintFields(t, o)
}

// lintOperation checks what an operation asks of a target.
func (p *parser) lintOperation(t *Target, o *object) {
	name := t.Object.Value
	event := len(name) > 3 && strings.EqualFold(name[len(name)-3:], "__e")
	switch {
	case t.Operation == Publish && name != "" && !event:
		p.list.Errorf(t.Object.Pos, codeObject, "platform events are named like Order_Event__e", "only platform events can be published, and %s is none", name)
	case t.Operation != Publish && event && o.get("operation") != nil:
		p.list.Errorf(o.get("operation").Pos, codeObject, "write operation: publish", "%s is a platform event, which can only be published", name)
	case t.Operation != Publish && event && !o.has("operation"):
		p.list.Errorf(t.Object.Pos, codeObject, "add operation: publish", "%s is a platform event, which can only be published", name)
	}
	noEffect := func(key, why string) {
		if o.has(key) {
			p.list.Warnf(o.seen[key], codeNoEffect, "", "%q has no effect %s", key, why)
		}
	}
	switch t.Operation {
	case Publish:
		for _, key := range []string{"on_many", "on_converted", "backup"} {
			noEffect(key, "on events")
		}
	case Delete:
		for _, key := range []string{"custom", "rest", "missing"} {
			noEffect(key, "on deletes")
		}
	}
}

// lintFields checks that no field has two sources.
func (p *parser) lintFields(t *Target, o *object) {
	lines := p.lintTwice(o.get("fields"))
	for _, c := range t.Custom {
		name := CustomName(c.Name)
		if first, twice := lines[strings.ToLower(name)]; twice {
			p.list.Errorf(c.Pos, codeFieldTwice, "keep one of them", "column %q goes to %s, which already has a source on line %d", diag.Cut(c.Name), diag.Cut(name), first)
			continue
		}
		if i := badAPIName(name); i >= 0 {
			p.list.Errorf(c.Pos, codeName, "give it a rule in fields: "+"Name__c: "+c.Name, "column %q would go to %q, which is no field name", diag.Cut(c.Name), diag.Cut(name))
			continue
		}
		lines[strings.ToLower(name)] = c.Pos.Line
	}
}

// lintTwice reports fields that have two rules in a map, and returns the lines of all.
func (p *parser) lintTwice(n *yamlnode.Node) map[string]int {
	lines := map[string]int{}
	if n == nil {
		return lines
	}
	for _, pair := range n.Pairs {
		name := strings.ToLower(pair.Key.Text)
		if first, twice := lines[name]; twice {
			p.list.Errorf(pair.Key.Pos, codeFieldTwice, "keep one rule; for the first value that is not blank write {from: [a, b]}",
				"field %q already has a rule on line %d", diag.Cut(pair.Key.Text), first)
			continue
		}
		lines[name] = pair.Key.Pos.Line
	}
	return lines
}

// lintFile checks what concerns several targets. all says that every target could be read:
// else a name that is unknown may be that of one that could not.
func (p *parser) lintFile(f *File, all bool) {
	byName := map[string]*Target{}
	for _, t := range f.Targets {
		name := strings.ToLower(t.Name.Value)
		if name == "" {
			all = false
			continue
		}
		if first, twice := byName[name]; twice {
			p.list.Errorf(t.Name.Pos, codeTargetTwice, "give each target a name of its own", "target %q is already on line %d", t.Name.Value, first.Name.Pos.Line)
			continue
		}
		byName[name] = t
	}
	reached, lost := map[*Target]bool{}, false
	for _, t := range f.Targets {
		if v := t.OnConverted.Value; v != "fail" && v != "skip" {
			hint := `it can be fail, skip, or the name of a target`
			if to := p.other(f, t, t.OnConverted, byName, all, "on_converted", hint); to != nil {
				reached[to] = true
			} else {
				lost = true
			}
		}
		p.lintRefs(f, t, t.Fields, byName, all)
		if t.Track.Value != "" && f.Source.Events != "rudderstack" {
			p.list.Errorf(t.Track.Pos, codeEvents, "add events: rudderstack to source", `"track" needs rows that are events`)
		}
	}
	for _, t := range f.Targets {
		p.lintKeyless(t, reached[t], lost)
	}
	p.lintTests(f, byName, all)
}

// other finds the target that another one names, and reports a name that it cannot be.
func (p *parser) other(f *File, t *Target, name Str, byName map[string]*Target, all bool, what, hint string) *Target {
	to := byName[strings.ToLower(name.Value)]
	switch {
	case to == nil && all:
		var names []string
		for _, other := range f.Targets {
			if other != t {
				names = append(names, other.Name.Value)
			}
		}
		if near := p.list.DidYouMean(name.Value, names); near != "" {
			hint = near
		}
		p.list.Errorf(name.Pos, codeTarget, hint, "%q names the target %q, which does not exist", what, diag.Cut(name.Value))
	case to == nil:
	case to == t:
		p.list.Errorf(name.Pos, codeRef, "", "%q of target %q names the target itself", what, t.Name.Value)
	case to.Name.Value != name.Value:
		p.list.Errorf(name.Pos, codeTarget, "write "+to.Name.Value, "the target is named %s", to.Name.Value)
		return to
	default:
		return to
	}
	return nil
}

// lintRefs checks the targets that rules refer to.
func (p *parser) lintRefs(f *File, t *Target, rules []*Rule, byName map[string]*Target, all bool) {
	for _, r := range rules {
		if r.Lookup != nil {
			p.lintRefs(f, t, r.Lookup.Fields, byName, all)
		}
		if r.RefTo == nil {
			continue
		}
		to := p.other(f, t, *r.RefTo, byName, all, "ref", "for a record that is found by a field write {lookup: Object.Field, from: column}")
		switch {
		case to == nil:
		case to.Operation == Publish:
			p.list.Errorf(r.RefTo.Pos, codeRef, "", "target %q publishes events, to which nothing can refer", to.Name.Value)
		case to.Operation == Delete:
			p.list.Errorf(r.RefTo.Pos, codeRef, "", "target %q deletes its records, so that nothing can refer to them", to.Name.Value)
		case to.Org.Value != t.Org.Value && to.Org.Value != "" && t.Org.Value != "":
			p.list.Errorf(r.RefTo.Pos, codeRef, "", "target %q goes to another org, to whose records nothing here can refer", to.Name.Value)
		}
	}
}

// lintKeyless reports a target that needs a match and has none. reached says that on_converted of
// another target names it, lost that one names a target that there is not.
func (p *parser) lintKeyless(t *Target, reached, lost bool) {
	if t.Operation == Insert || t.Operation == Publish || len(t.Keys) > 0 || t.broken {
		return
	}
	switch t.Operation {
	case Update:
		if never := strings.TrimSpace(t.When.Value) == "false"; never && (reached || lost) {
			return
		} else if reached {
			p.list.Errorf(t.Pos, codeMatchMissing, "add when: false, or match: with the field that identifies a record",
				`rows that no other target hands over need the key "match"`)
			return
		} else if never {
			p.list.Errorf(t.Pos, codeUnreached, "name it in on_converted of another target", `target %q has no "match" and no row reaches it`, t.Name.Value)
			return
		}
	case Upsert:
		for _, r := range t.Fields {
			if r.RefTo != nil {
				return // its object may have a key by nature, which a schema tells
			}
		}
	}
	hint := "add match: with the field that identifies a record"
	if t.Operation != Delete {
		hint += ", or operation: insert"
	}
	p.list.Errorf(t.Pos, codeMatchMissing, hint, `%s needs the key "match"`, t.Operation)
}
