package mapping

import (
	"errors"
	"slices"
	"strings"

	"sfsync/mapping/convert"
	"sfsync/mapping/diag"
	"sfsync/mapping/program"
	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
	"sfsync/mapping/transform"
	"sfsync/pipeline/row"
)

// rule compiles one rule of fields.
func (c *planner) rule(r *Rule) {
	if r.RecordType != nil && strings.EqualFold(r.Field.Value, "RecordTypeId") && c.out.Object.Field(r.Field.Value) == nil {
		c.noRecordTypes(r.RecordType.Pos)
		return
	}
	f, claimed := c.ruleField(r.Field)
	if f == nil {
		return
	}
	isKey, alone := c.out.InKeys(f)
	if !c.claim(claimed, r.Field.Pos) || !isKey && !c.checkWritable(claimed, r.Field.Pos) {
		return
	}
	if c.postpone(r, claimed, isKey) {
		return
	}
	p, ok := c.newField(f, r.Field.Pos)
	if !ok {
		return
	}
	if f != claimed {
		p.Conv, p.Behind = p.Conv.Exact(), claimed
	}
	if p.Blank = r.Blank; p.Blank == "" {
		p.Blank = BlankLeave
	}
	switch {
	case r.RefTo != nil:
		c.refTo(p, *r.RefTo)
	case r.RecordType != nil:
		c.recordType(p, *r.RecordType)
	case r.Lookup != nil:
		c.lookup(p, r, isKey)
	default:
		c.source(p, r, isKey, alone)
	}
	if r.OnlyIfEmpty {
		c.onlyIfEmpty(p, r.Field.Pos, isKey)
	}
	if r.Blank == BlankNull && !claimed.Nillable && !isKey {
		c.list.Errorf(r.Field.Pos, "blank-null", "use blank: leave or blank: fail", "%s cannot be cleared, so blank: null is not possible", f.Name)
	}
	c.out.Code.Rules = append(c.out.Code.Rules, p)
}

// leftOut reports whether a rule is for a field that the object need not have, and has not. The traits
// that it names stay its own: rest does not take them up.
func (c *planner) leftOut(r *Rule) bool {
	if _, dotted := syntax.ParseRelation(r.Field.Value); !r.MissingIgnore || dotted || c.out.Object.Field(r.Field.Value) != nil {
		return false
	}
	if c.out.Code.Traits {
		for _, ref := range r.From {
			if ref.Expr == nil {
				c.plan.Add(ref.Name, ref.Pos, 0)
			}
		}
	}
	return true
}

// source compiles where a rule's value comes from. isKey says that the field is of a match key, alone
// that it is one by itself.
func (c *planner) source(p *program.Rule, r *Rule, isKey, alone bool) {
	switch {
	case r.Value != nil:
		c.value(p, r, alone)
	case r.Expr != nil:
		p.Expr = c.expression(*r.Expr, p.Field)
	case r.Values != nil && len(r.Values.Columns) > 0:
		p.Joined = true
		c.inputs(p, r.Values.Columns)
	default:
		c.inputs(p, r.From)
	}
	if r.Values != nil {
		c.values(p, r.Values)
	}
	if r.Default != nil {
		c.fallback(p, r, isKey, alone)
	}
}

// onlyIfEmpty compiles only_if: empty.
func (c *planner) onlyIfEmpty(p *program.Rule, pos diag.Pos, isKey bool) {
	f := p.Field
	switch {
	case isKey:
		c.list.Errorf(pos, "only-if-match", "leave it out", "%s is a match field: the record that is found has this value already", f.Name)
	case f.Type == schema.Boolean:
		c.list.Errorf(pos, "only-if-flag", "leave it out", "%s is a checkbox, which is never empty", f.Name)
	case c.target.Operation == Insert || c.target.Operation == Publish:
		c.list.Warnf(pos, "only-if-never", "leave it out", "only_if: empty counts for existing records, and this target changes none")
	default:
		p.IfEmpty = true
	}
}

// ruleField finds the field of a rule, and the field of the object that it sets: the same one,
// or the reference behind which it stands.
func (c *planner) ruleField(name Str) (f, claimed *schema.Field) {
	if rel, ok := syntax.ParseRelation(name.Value); ok {
		return c.relation(name, rel)
	}
	f = c.field(name.Value, name.Pos, "field")
	return f, f
}

// custom compiles one column of custom.
func (c *planner) custom(ref *Ref) {
	name := syntax.CustomName(ref.Name)
	f := c.out.Object.Field(name)
	if f == nil {
		c.customUnknown(ref, name)
		return
	}
	isKey, _ := c.out.InKeys(f)
	if !c.claim(f, ref.Pos) || !isKey && !c.checkWritable(f, ref.Pos) {
		return
	}
	p, ok := c.newField(f, ref.Pos)
	if !ok {
		return
	}
	p.Blank = BlankLeave
	c.inputs(p, []Ref{*ref})
	c.out.Code.Rules = append(c.out.Code.Rules, p)
}

// customUnknown reports a custom column without a field. Its column counts as mapped all the
// same, so that rest does not take it up.
func (c *planner) customUnknown(ref *Ref, name string) {
	o := c.out.Object
	if c.out.Code.Missing {
		c.plan.Add(ref.Name, ref.Pos, 0)
		c.list.Warnf(ref.Pos, "custom-field-unknown", "", "%s has no field %s: column %q is left out", o.Name, name, ref.Name)
		return
	}
	hint := "create it, or say missing: ignore"
	last := name[:len(name)-len("__c")]
	if n := c.list.Nearest(name, program.CustomNames(o)); n != "" {
		hint = "did you mean " + n + "?"
	} else if f := o.Field(last); f != nil {
		hint = f.Name + " is a standard field: map it under fields"
	}
	c.list.Errorf(ref.Pos, "custom-field-unknown", hint, "%s has no field %s for column %q", o.Name, name, ref.Name)
}

// claim notes that a field has a rule and reports a second one.
func (c *planner) claim(f *schema.Field, pos diag.Pos) bool {
	k := lower(f.Name)
	if c.out.Code.Ruled[k] {
		c.list.Errorf(pos, "field-twice", "", "%s has a rule already", f.Name)
		return false
	}
	c.out.Code.Ruled[k] = true
	return true
}

func (c *planner) newField(f *schema.Field, pos diag.Pos) (*program.Rule, bool) {
	if f.Type == schema.ID {
		return &program.Rule{Field: f, Conv: convert.NewID(c.out.Object)}, true
	}
	conv, err := convert.New(f, c.schema)
	if err != nil {
		c.list.Errorf(pos, "field-type", "", "%s: %v", f.Name, err)
		return nil, false
	}
	if part, _ := c.out.InKeys(f); part {
		conv = conv.Exact() // of its constants, too: no key is rounded to that of another record
	}
	// A record that a lookup makes if need be may be there, and a row without its key refers to none.
	creates := (c.target.Operation == Insert || c.target.Operation == Publish) && !c.out.Code.Made
	return &program.Rule{Field: f, Conv: conv, Required: f.Required() && creates}, true
}

// inputs compiles the columns of a rule.
func (c *planner) inputs(p *program.Rule, refs []Ref) {
	group := 0
	if len(refs) > 1 {
		c.groups++
		group = c.groups
	}
	for _, ref := range refs {
		if ref.Expr != nil {
			p.Inputs = append(p.Inputs, program.Input{Expr: c.expression(*ref.Expr, p.Field)})
			continue
		}
		in := program.Input{
			Column: c.plan.Add(ref.Name, ref.Pos, group),
			Parts:  slices.ContainsFunc(refs, func(r Ref) bool { return r.Expr == nil && strings.HasPrefix(r.Name, ref.Name+".") }),
		}
		reads := true // so far: only blanks around a value and the case of letters are touched
		for _, call := range ref.Transforms {
			if step := c.step(call); step != nil {
				in.Steps = append(in.Steps, step)
			}
			switch {
			case reads && call.Name == "number":
				in.Numbers = len(in.Steps)
			case reads && call.Name == "bool":
				in.Bools = len(in.Steps)
			}
			reads = reads && (call.Name == "trim" || call.Name == "lower" || call.Name == "upper")
		}
		p.Inputs = append(p.Inputs, in)
	}
}

// step compiles one transform.
func (c *planner) step(call Call) transform.Func {
	args := make([]string, len(call.Args))
	for i, a := range call.Args {
		args[i] = a.Value
	}
	step, err := transform.Compile(call.Name, args)
	if err == nil {
		return step
	}
	pos, code := call.Pos, "transform-unknown"
	var bad *transform.ArgError
	if errors.As(err, &bad) {
		code = "transform-argument"
		if bad.Arg >= 0 && bad.Arg < len(call.Args) {
			pos = call.Args[bad.Arg].Pos
		}
	}
	c.list.Errorf(pos, code, "", "%v", err)
	return nil
}

// constant converts a value that the mapping itself gives. It reports one the field cannot take.
func (c *planner) constant(p *program.Rule, s Str, code, what string) (program.Constant, bool) {
	text, kind, bad := p.Conv.Append(nil, s.Value, row.Text)
	if bad != nil {
		c.list.Errorf(s.Pos, code, c.constantHint(p.Field, s.Value), "%s of %s: %s", what, p.Field.Name, bad.Message)
		return program.Constant{}, false
	}
	return program.Constant{Text: string(text), Kind: kind}, true
}

// constantHint names the nearest picklist value.
func (c *planner) constantHint(f *schema.Field, value string) string {
	var active []string
	for _, v := range f.Picklist {
		if v.Active {
			active = append(active, v.Value)
		}
	}
	if hint := c.list.DidYouMean(value, active); hint != "" || len(active) == 0 {
		return hint
	}
	const most = 8
	if len(active) > most {
		active = append(active[:most:most], "…")
	}
	hint := "its values: "
	for i, v := range active {
		if i > 0 {
			hint += ", "
		}
		hint += v
	}
	return hint
}

// value compiles value:.
func (c *planner) value(p *program.Rule, r *Rule, alone bool) {
	if alone && !c.out.Code.Made {
		c.list.Errorf(r.Value.Pos, "match-constant", "take the match field from a column", "all rows would have the same key %s", p.Field.Name)
		return
	}
	v, ok := c.constant(p, *r.Value, "value-invalid", "value")
	if !ok {
		return
	}
	if v.Kind == row.Null && r.Blank != BlankNull {
		c.list.Errorf(r.Value.Pos, "value-blank", "to clear the field in every record, add blank: null", "the value of %s is blank", p.Field.Name)
		return
	}
	p.Constant = &v
}

// values compiles a table of values; what it gives is converted here, once.
func (c *planner) values(p *program.Rule, v *Values) {
	p.Values = make(map[string]program.Constant, len(v.Pairs))
	if p.Unmapped = v.Unmapped; p.Joined && p.Unmapped != "blank" {
		p.Unmapped = "fail" // what would be kept is no single value
	}
	entries := v.Entries
	if len(entries) == 0 {
		for from, to := range v.Pairs {
			entries = append(entries, ValuePair{From: Str{Value: from, Pos: v.Pos}, To: Str{Value: to, Pos: v.Pos}})
		}
		slices.SortFunc(entries, func(a, b ValuePair) int {
			if a.From.Value < b.From.Value {
				return -1
			}
			return 1
		})
	}
	for _, e := range entries {
		to, ok := c.constant(p, e.To, "values-invalid", "values")
		if ok {
			from := trimmed(e.From.Value)
			p.Values[from] = to
			p.Blanks = p.Blanks || strings.Trim(from, syntax.ValueSep) == ""
		}
	}
}

// fallback compiles default:.
func (c *planner) fallback(p *program.Rule, r *Rule, isKey, alone bool) {
	f, pos := p.Field, r.Default.Pos
	op := c.target.Operation
	if alone && !c.out.Code.Made {
		c.list.Errorf(pos, "match-default", "leave the default out: rows without a key fail", "a default for the match field %s would make one record of all rows without a key", f.Name)
		return
	}
	v, ok := c.constant(p, *r.Default, "default-invalid", "default")
	if !ok {
		return
	}
	if v.Kind == row.Null {
		c.list.Errorf(pos, "default-blank", "leave it out", "the default of %s is blank", f.Name)
		return
	}
	switch {
	case r.DefaultAlways || op == Insert || op == Publish || op == Find:
		p.Default = &v
	case isKey:
		c.matchDefault(f, pos)
	case c.out.Updates():
		c.defaultNever(f, pos)
	default:
		p.Default, p.OnInsert = &v, true
		if r.Blank == BlankNull && f.Nillable {
			c.list.Warnf(pos, "default-keeps", "say default_on: always, or leave one of the two out",
				"%s is never cleared: where its source is blank the default counts for new records, and updates leave the field alone", f.Name)
		}
	}
}

func (c *planner) matchDefault(f *schema.Field, pos diag.Pos) {
	c.list.Errorf(pos, "match-default", "say default_on: always", "%s is of a match key, which is the same for new records and others", f.Name)
}

func (c *planner) defaultNever(f *schema.Field, pos diag.Pos) {
	if c.second {
		return // it was reported
	}
	c.list.Warnf(pos, "default-never", "say default_on: always to send it with updates", "the default of %s counts only for new records, and this target makes none", f.Name)
}
