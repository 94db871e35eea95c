package mapping

import (
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// Compile checks a mapping against a schema and resolves it to a plan. It returns everything
// it finds: the diagnostics hold warnings too, and the error, a [*diag.Errors], all of them
// if one is an error.
func Compile(f *File, s *schema.Schema) (*Plan, []diag.Diagnostic, error) {
	c := &planner{schema: s, plan: &Plan{
		Targets:  make([]PlanTarget, 0, len(f.Targets)),
		column:   map[string]int{},
		bindings: map[*row.Schema]*binding{},
	}}
	for _, t := range f.Targets {
		c.compileTarget(t)
	}
	if err := c.list.Err(); err != nil {
		return nil, c.list.All(), err
	}
	return c.plan, c.list.All(), nil
}

// Names returns the diagnostics about the names of objects, match fields and fields alone: what
// a schema tells of a mapping whose form is wrong ([Parse] returned an error).
func Names(f *File, s *schema.Schema) []diag.Diagnostic {
	c := &planner{schema: s}
	for _, t := range f.Targets {
		if t.Object.Value == "" {
			continue
		}
		o := c.object(t)
		if o == nil {
			continue
		}
		c.out = &PlanTarget{Object: o}
		if t.Match.Value != "" {
			c.field(t.Match.Value, t.Match.Pos, "match field")
		}
		for _, r := range t.Fields {
			c.ruleField(r.Field)
		}
		for _, name := range t.Unsound {
			c.field(name.Value, name.Pos, "field")
		}
	}
	return c.list.All()
}

// planner is the state of one Compile.
type planner struct {
	schema *schema.Schema
	plan   *Plan
	list   diag.List
	groups int

	target *Target     // being compiled
	out    *PlanTarget // what it becomes
}

// compileTarget compiles one target and adds it to the plan.
func (c *planner) compileTarget(t *Target) {
	o := c.object(t)
	if o == nil {
		return
	}
	c.target = t
	c.out = &PlanTarget{
		Name: t.Name.Value, Object: o, Operation: t.Operation, KeyColumn: -1, FoldColumn: -1, Redirect: -1, Redirected: -1,
		rest: t.Rest, missing: t.MissingIgnore, schema: c.schema, pos: t.Pos, byField: map[string]bool{},
	}
	if t.Rest == restCustom || t.Rest == restFail {
		c.plan.rest = true
	}
	if t.When.Value != "" {
		c.out.when = c.condition(t.When)
	}
	c.match()
	for _, r := range t.Fields {
		c.rule(r)
	}
	for i := range t.Custom {
		c.custom(&t.Custom[i])
	}
	c.finishMatch()
	c.required()
	c.columns()
	c.plan.Targets = append(c.plan.Targets, *c.out)
}

// object finds the target's object and checks that the operation is possible on it.
func (c *planner) object(t *Target) *schema.Object {
	name, pos := t.Object.Value, t.Object.Pos
	o := c.schema.Object(name)
	if o == nil {
		hint := diag.DidYouMean(name, c.schema.Names())
		if hint == "" {
			hint = "describe it in the file named by schema:"
		}
		c.list.Errorf(pos, "object-unknown", hint, "unknown object %q in %s", name, c.schema.Source)
		return nil
	}
	if o.Name != name {
		c.list.Warnf(pos, "object-case", "write "+o.Name, "the object is spelled %s", o.Name)
	}
	can := o.Createable
	switch t.Operation {
	case Update:
		can = o.Updateable
	case Upsert:
		can = o.Createable && o.Updateable
	}
	if !can {
		c.list.Errorf(pos, "object-operation", "", "%s does not allow %s", o.Name, t.Operation)
	}
	return o
}

// field finds a field of the target's object; kind is what it is in messages. It reports a
// wrong name.
func (c *planner) field(name string, pos diag.Pos, kind string) *schema.Field {
	o := c.out.Object
	f := o.Field(name)
	if f == nil {
		code := "field-unknown"
		hint := diag.DidYouMean(name, o.FieldNames())
		if kind != "field" {
			code = "match-unknown"
		}
		c.list.Errorf(pos, code, hint, "unknown %s %q on %s", kind, name, o.Name)
		return nil
	}
	if f.Name != name {
		c.list.Warnf(pos, "field-case", "write "+f.Name, "the field is spelled %s", f.Name)
	}
	return f
}

// match resolves the match field.
func (c *planner) match() {
	t, out := c.target, c.out
	if t.Operation == Insert {
		return
	}
	if t.Match.Value == "" {
		c.list.Errorf(t.Pos, "match-missing", "name the field that tells which record a row is", "%s needs a match field", t.Operation)
		return
	}
	f := c.field(t.Match.Value, t.Match.Pos, "match field")
	if f == nil {
		return
	}
	switch f.Type {
	case schema.TextArea, schema.EncryptedString, schema.Base64, schema.MultiPicklist, schema.Boolean, schema.DateTime, schema.Time,
		schema.Address, schema.Location, schema.AnyType, schema.ComplexValue:
		c.list.Errorf(t.Match.Pos, "match-type", "match by a text, number, date or id field", "%s is of type %s: records cannot be found by it", f.Name, f.Type)
		return
	}
	out.Match = f
	if f.Type != schema.ID && !writable(f, t.Operation) && t.Operation == Upsert {
		c.list.Errorf(t.Match.Pos, "match-not-writable", "use operation: update, or match by another field",
			"%s cannot be written, so an upsert by it could not create records", f.Name)
		return
	}
	if !f.UniqueKey() {
		c.list.Warnf(t.Match.Pos, "match-costs-lookup", "a field with External ID and Unique set needs none",
			"%s is no unique external id: records are looked up before they are sent, which costs API calls", f.Name)
	}
}

// updates reports whether the target never creates records: an upsert by Id cannot either.
func (t *PlanTarget) updates() bool {
	return t.Operation == Update || t.Operation == Upsert && t.Match != nil && t.Match.Type == schema.ID
}

// finishMatch checks that a rule fills the match field, and decides about lookups.
func (c *planner) finishMatch() {
	out := c.out
	if out.Match == nil {
		return
	}
	for _, r := range out.rules {
		if r.field == out.Match {
			out.key = r
		}
		if r.onInsert {
			out.InsertDefaults = true
		}
	}
	native := out.Match.Type == schema.ID || out.Match.UniqueKey() && out.Operation == Upsert
	out.Lookup = !native
	if out.key == nil {
		if !out.byField[lower(out.Match.Name)] { // else the rule was reported
			c.list.Errorf(c.target.Match.Pos, "match-unmapped", "add "+out.Match.Name+": COLUMN under fields", "no rule fills the match field %s", out.Match.Name)
		}
	}
}

// writable reports whether an operation can set a field.
func writable(f *schema.Field, op Operation) bool {
	switch op {
	case Insert:
		return f.Createable
	case Update:
		return f.Updateable
	}
	return f.Createable || f.Updateable
}

// checkWritable reports a field that the operation cannot set, with the reason.
func (c *planner) checkWritable(f *schema.Field, pos diag.Pos) bool {
	op := c.target.Operation
	switch {
	case f.Type == schema.ID:
		c.list.Errorf(pos, "field-id", "match by Id to update records by their id", "%s.Id can only be the match field of an update or upsert", c.out.Object.Name)
		return false
	case f.Type == schema.Address || f.Type == schema.Location || f.Type == schema.AnyType || f.Type == schema.ComplexValue:
		c.list.Errorf(pos, "field-compound", c.partsHint(f), "%s is of type %s, which can only be read", f.Name, f.Type)
		return false
	case writable(f, op):
		if op == Upsert && !c.out.updates() && (!f.Createable || !f.Updateable) {
			kind := "updates"
			if !f.Createable {
				kind = "creates"
			}
			c.list.Warnf(pos, "field-half-writable", "", "%s cannot be set when a row %s a record: such rows will fail", f.Name, kind)
		}
		return true
	case f.Calculated:
		c.list.Errorf(pos, "field-calculated", "", "%s is a formula, which can only be read", f.Name)
	case f.AutoNumber:
		c.list.Errorf(pos, "field-autonumber", "", "%s is an auto number, which the org gives", f.Name)
	case c.partsHint(f) != "":
		c.list.Errorf(pos, "field-compound", c.partsHint(f), "%s is made of other fields and can only be read", f.Name)
	case op == Update && f.Createable:
		c.list.Errorf(pos, "field-not-updateable", "", "%s can be set when a record is created, not by an update", f.Name)
	case op == Insert && f.Updateable:
		c.list.Errorf(pos, "field-not-createable", "", "%s can be set by an update, not when a record is created", f.Name)
	default:
		c.list.Errorf(pos, "field-read-only", "", "%s can only be read", f.Name)
	}
	return false
}

// partsHint names the fields that a compound field is made of.
func (c *planner) partsHint(f *schema.Field) string {
	var parts []string
	for _, p := range c.out.Object.Fields {
		if p.CompoundFieldName == f.Name && p != f && (p.Createable || p.Updateable) {
			parts = append(parts, p.Name)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "set its parts: " + strings.Join(parts, ", ")
}

// required reports the fields without which no record can be created and that no rule fills.
func (c *planner) required() {
	out := c.out
	if out.updates() {
		return
	}
	for _, f := range out.Object.Fields {
		if !f.Required() || out.byField[lower(f.Name)] || f.Custom && out.rest == restCustom {
			continue
		}
		c.list.Errorf(c.target.Object.Pos, "required-missing", "add "+f.Name+": under fields, with a column or a default",
			"no rule fills %s, without which no %s can be created", f.Name, out.Object.Name)
	}
}

// columns lays the records' columns out: the fields in the order of the mapping, then the
// fold column. A key that is never sent has no column but that one.
func (c *planner) columns() {
	out := c.out
	var cols []row.Column
	for _, r := range out.rules {
		if r == out.key && !c.sent(r.field) {
			continue
		}
		r.out = len(cols)
		if r == out.key {
			out.KeyColumn = r.out
		}
		cols = append(cols, row.Column{Name: r.field.Name, Type: string(r.field.Type)})
	}
	if out.Match != nil {
		out.FoldColumn = len(cols)
		out.Keys = []Key{{Fields: []*schema.Field{out.Match}, Columns: []int{out.FoldColumn}}}
		cols = append(cols, row.Column{Name: FoldColumnName, Type: "key"})
		if out.key != nil && out.KeyColumn < 0 {
			out.key.out = out.FoldColumn
		}
	}
	out.Schema = row.NewSchema(cols...)
}

// sent reports whether a match field travels with the record.
func (c *planner) sent(f *schema.Field) bool {
	return f.Type != schema.ID && writable(f, c.target.Operation)
}
