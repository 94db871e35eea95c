package mapping

import (
	"slices"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/program"
	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
	"sfsync/pipeline/row"
)

// Compile checks a mapping against a schema and resolves it to a plan. It returns everything
// it finds: the diagnostics hold warnings too, and the error, a [*diag.Errors], all of them
// if one is an error. The objects that [Parents] names have to be in the schema.
func Compile(f *File, s *schema.Schema) (*Plan, []diag.Diagnostic, error) {
	return CompileIn(f, func(string) *schema.Schema { return s })
}

// CompileIn is [Compile] for targets that go to several orgs: each is compiled against the schema of its own;
// "" asks for that of the run.
func CompileIn(f *File, schemas func(org string) *schema.Schema) (*Plan, []diag.Diagnostic, error) {
	c := newPlanner(f, schemas)
	plan := c.compile()
	if len(c.later) > 0 {
		plan.Second = c.secondPass()
	}
	if err := c.list.Err(); err != nil {
		return nil, c.list.All(), err
	}
	return plan, c.list.All(), nil
}

// Rest returns the diagnostics that [Compile] would add to those of a mapping whose form is wrong
// ([Parse] returned an error): about the names of objects and fields, about expressions, and about the
// rules that are sound in themselves. What depends on the whole of a target is left out.
func Rest(f *File, s *schema.Schema) []diag.Diagnostic {
	c := newPlanner(f, func(string) *schema.Schema { return s })
	for _, t := range f.Targets {
		if t.Object.Value == "" {
			continue
		}
		if o := c.object(t); o != nil {
			c.soundRules(t, o)
		}
	}
	return c.list.All()
}

// soundRules compiles the parts of a target that do not depend on others.
func (c *planner) soundRules(t *Target, o *schema.Object) {
	defer c.enter(t, c.planTarget(t, o, false))()
	for _, key := range matchKeys(t) {
		var k Key
		for _, name := range key {
			if f := c.field(name.Value, name.Pos, "match field"); f != nil {
				k.Fields = append(k.Fields, f)
			}
		}
		c.out.Keys = append(c.out.Keys, k)
	}
	if t.When.Value != "" {
		c.condition(t.When)
	}
	for _, r := range t.Fields {
		switch {
		case c.leftOut(r):
		case r.RefTo != nil || r.Lookup != nil && r.Lookup.Create: // about other targets
			c.ruleField(r.Field)
		default:
			c.rule(r)
		}
	}
	for _, name := range t.Unsound {
		c.field(name.Value, name.Pos, "field")
	}
}

// planner is the state of one Compile.
type planner struct {
	file    *File
	schemas func(org string) *schema.Schema
	schema  *schema.Schema // of the org of the target that is being compiled
	plan    *Plan
	list    diag.List
	groups  int
	second  bool // the plan is one of a second pass

	// targets are the file's, in order, then those that lookups imply; one that could not be
	// compiled is nil. finds are what is only looked for; shared are the numbers of both by what
	// they come from.
	targets, finds []*PlanTarget
	shared         map[string]*program.Reference
	later          []laterRule // rules for a second pass

	// The target that is being compiled, what it becomes, and how deep in others it stands.
	target *Target
	out    *PlanTarget
	depth  int
	ruled  map[string]bool // lower-case names of the fields that the target has rules for
}

func newPlanner(f *File, schemas func(org string) *schema.Schema) *planner {
	return &planner{
		file: f, schemas: schemas, schema: schemas(""), targets: make([]*PlanTarget, len(f.Targets)), shared: map[string]*program.Reference{},
		plan: program.New(len(f.Targets)),
	}
}

// compile compiles all targets. The plan is whole only if nothing was reported.
func (c *planner) compile() *Plan {
	for i, t := range c.file.Targets {
		c.targets[i] = c.compileTarget(t, false)
	}
	c.redirects()
	c.order()
	c.follow()
	if c.list.Failed() {
		return c.plan
	}
	p := c.plan
	p.Targets, p.Finds = make([]PlanTarget, len(c.targets)), make([]PlanTarget, len(c.finds))
	for i, t := range c.targets {
		t.Needs = needs(t, len(c.targets))
		p.Targets[i] = *t
	}
	for i, t := range c.finds {
		p.Finds[i] = *t
	}
	return p
}

// needs lists what a target's records wait for. Finds are numbered behind the targets.
func needs(t *PlanTarget, targets int) []Need {
	var all []Need
	for _, r := range t.Code.Rules {
		if r.Refer == nil || r.Refer.Record < 0 {
			continue
		}
		n := Need{Record: r.Refer.Record, Column: r.Out, Field: r.Field.Name, Blank: r.Blank}
		if r.Refer.Find {
			n.Record += targets
		}
		if r.Required && r.Blank != BlankNull {
			n.Blank = BlankFail
		}
		all = append(all, n)
	}
	return all
}

// compileTarget compiles one target; nil for one without an object. made says that it is implied
// by a lookup.
func (c *planner) compileTarget(t *Target, made bool) *PlanTarget {
	before := c.schema
	c.schema = c.schemas(t.Org.Value)
	defer func() { c.schema = before }()
	o := c.object(t)
	if o == nil {
		return nil
	}
	defer c.enter(t, c.planTarget(t, o, made))()
	out := c.out
	out.AllowDuplicates, out.AllOrNone, out.UpdateMRU = t.DuplicateRule == "allow_alerts", t.AllOrNone, t.UpdateMRU
	out.AssignmentRule = c.assignment(t.AssignmentRule)
	if t.Rest == program.RestCustom || t.Rest == program.RestFail || t.Rest == program.RestFields {
		c.plan.Others = true
	}
	mentions := c.plan.Mentions()
	c.events()
	if t.When.Value != "" {
		out.Code.When = c.condition(t.When)
	}
	c.match()
	c.outcomes()
	var left []string
	for _, r := range t.Fields {
		if c.leftOut(r) {
			left = append(left, r.Field.Value)
			continue
		}
		c.rule(r)
	}
	if len(left) > 0 {
		c.list.Warnf(t.Object.Pos, "field-left-out", "", "%s has no %s: the rules are left out (missing: ignore)", o.Name, strings.Join(left, ", "))
	}
	for i := range t.Custom {
		c.custom(c.traitRef(&t.Custom[i]))
	}
	c.ownTraits(mentions)
	c.finishMatch()
	c.required()
	c.columns()
	return out
}

// planTarget is what a target becomes, still without rules.
func (c *planner) planTarget(t *Target, o *schema.Object, made bool) *PlanTarget {
	return &PlanTarget{
		Name: t.Name.Value, Object: o, Operation: t.Operation, Org: t.Org.Value, Batch: t.Batch,
		KeyColumn: -1, FoldColumn: -1, Redirect: -1, Redirected: -1, First: -1,
		Code: program.Code{Rest: t.Rest, Missing: t.MissingIgnore, Schema: c.schema, Pos: t.RestPos, Ruled: map[string]bool{}, Made: made},
	}
}

// enter makes a target the one that is being compiled, and returns what undoes it.
func (c *planner) enter(t *Target, out *PlanTarget) (leave func()) {
	target, before, ruled := c.target, c.out, c.ruled
	c.target, c.out, c.ruled = t, out, map[string]bool{}
	c.depth++
	for _, r := range t.Fields {
		c.ruled[lower(r.Field.Value)] = true
	}
	for _, name := range t.Unsound {
		c.ruled[lower(name.Value)] = true
	}
	for _, ref := range t.Custom {
		c.ruled[lower(syntax.CustomName(ref.Name))] = true
	}
	return func() {
		c.target, c.out, c.ruled = target, before, ruled
		c.depth--
	}
}

// object finds the target's object and checks that the operation is possible on it.
func (c *planner) object(t *Target) *schema.Object {
	name, pos := t.Object.Value, t.Object.Pos
	o := c.schema.Object(name)
	if o == nil {
		c.objectUnknown(t.Object)
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
	case Delete:
		can = o.Deletable
	}
	switch {
	case o.Event() && t.Operation != Publish:
		c.list.Errorf(pos, "object-event", "write operation: publish", "%s is a platform event, which can only be published", o.Name)
	case t.Operation == Publish && !o.Event():
		c.list.Errorf(pos, "object-event", "the name of a platform event ends in __e", "%s is no platform event: only those are published", o.Name)
	case !can:
		c.list.Errorf(pos, "object-operation", "", "%s does not allow %s", o.Name, t.Operation)
	}
	return o
}

func (c *planner) objectUnknown(name Str) {
	hint := c.list.DidYouMean(name.Value, c.schema.Names())
	if hint == "" {
		hint = "describe it in the file named by schema:"
	}
	c.list.Errorf(name.Pos, "object-unknown", hint, "unknown object %q in %s", name.Value, c.schema.Source)
}

// field finds a field of the target's object; kind is what it is in messages. It reports a
// wrong name.
func (c *planner) field(name string, pos diag.Pos, kind string) *schema.Field {
	code := "field-unknown"
	if kind != "field" {
		code = "match-unknown"
	}
	return c.fieldOf(c.out.Object, name, pos, kind, code)
}

func (c *planner) fieldOf(o *schema.Object, name string, pos diag.Pos, kind, code string) *schema.Field {
	f := o.Field(name)
	if f == nil {
		c.list.Errorf(pos, code, c.list.DidYouMean(name, o.FieldNames()), "unknown %s %q on %s", kind, name, o.Name)
		return nil
	}
	if f.Name != name {
		c.list.Warnf(pos, "field-case", "write "+f.Name, "the field is spelled %s", f.Name)
	}
	return f
}

// checkWritable reports a field that the operation cannot set, with the reason.
func (c *planner) checkWritable(f *schema.Field, pos diag.Pos) bool {
	op := c.target.Operation
	if op == Upsert && c.out.Updates() { // by Id
		op = Update
	}
	switch {
	case op == Delete:
		c.list.Errorf(pos, "delete-field", "leave it out", "a delete sends no fields: only those of match: tell which record goes")
		return false
	case f.Type == schema.ID:
		c.list.Errorf(pos, "field-id", "match by Id to update records by their id", "%s.Id can only be the match field of an update or upsert", c.out.Object.Name)
		return false
	case f.Type == schema.Address || f.Type == schema.Location || f.Type == schema.AnyType || f.Type == schema.ComplexValue:
		c.list.Errorf(pos, "field-compound", c.partsHint(f), "%s is of type %s, which can only be read", f.Name, f.Type)
		return false
	case program.Writable(f, op):
		if op == Upsert && (!f.Createable || !f.Updateable) {
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
	if out.Updates() {
		return
	}
	where := "add %s: under fields, with a column or a default"
	for _, f := range out.Object.Fields {
		if !f.Required() || out.Code.Ruled[lower(f.Name)] || f.Custom && out.Code.Rest == program.RestCustom || out.Code.Rest == program.RestFields {
			continue
		}
		c.list.Errorf(c.target.Object.Pos, "required-missing", strings.Replace(where, "%s", f.Name, 1),
			"no rule fills %s, without which no %s can be created", f.Name, out.Object.Name)
	}
}

// columns lays the records' columns out: the fields in the order of the mapping, then those of
// the keys. A field of a key that is never sent has no column but that one.
func (c *planner) columns() {
	out := c.out
	var cols []row.Column
	add := func(name, kind string, f *schema.Field, r *program.Rule) int {
		cols = append(cols, row.Column{Name: name, Type: kind})
		out.Code.Fields, out.Code.Refers = append(out.Code.Fields, f), append(out.Code.Refers, r)
		return len(cols) - 1
	}
	for _, r := range out.Code.Rules {
		if slices.Contains(out.Code.InKey, r) && !c.sent(r.Field) {
			r.Out = -1
			continue
		}
		var refers *program.Rule
		if r.Refer != nil {
			refers = r
		}
		r.Out = add(r.Field.Name, string(r.Field.Type), r.Field, refers)
		if r == out.Code.Key {
			out.KeyColumn = r.Out
		}
		if r.IfEmpty {
			out.OnlyIfEmpty = append(out.OnlyIfEmpty, r.Out)
		}
		if c.target.Order == "parent" && parent(r.Field) {
			out.Parents = append(out.Parents, r.Out)
		}
	}
	folded := map[*program.Rule]int{}
	for k := range out.Keys {
		var plan program.KeyPlan
		for _, f := range out.Keys[k].Fields {
			r := c.keyRule(f)
			if r == nil {
				return // it was reported
			}
			column, known := folded[r]
			switch {
			case known:
			case r.Refer != nil && r.Out >= 0:
				column = r.Out
			case r.Refer != nil:
				column = add(FoldColumnName+f.Name, "key", nil, r)
			case f == out.Match:
				column = add(FoldColumnName, "key", nil, nil)
			default:
				column = add(FoldColumnName+f.Name, "key", nil, nil)
			}
			folded[r] = column
			if f == out.Match && r.Refer == nil {
				out.FoldColumn = column
			}
			plan = append(plan, program.KeyPart{Rule: r, Column: column, Fold: r.Refer == nil && !known})
			out.Keys[k].Columns = append(out.Keys[k].Columns, column)
		}
		out.Code.Keys = append(out.Code.Keys, plan)
	}
	for r, column := range folded {
		if r.Out < 0 {
			r.Out = column
		}
	}
	out.Schema = row.NewSchema(cols...)
	out.Behind = make([]string, len(cols))
	for _, r := range out.Code.Rules {
		if r.Behind != nil {
			out.Behind[r.Out] = r.Behind.Name
		}
	}
}

// keyRule returns the rule that fills a field of a key.
func (c *planner) keyRule(f *schema.Field) *program.Rule {
	for _, r := range c.out.Code.InKey {
		if r.Field == f {
			return r
		}
	}
	return nil
}

// sent reports whether a match field travels with the record. In a second pass it never does: the
// record has it.
func (c *planner) sent(f *schema.Field) bool {
	if c.target.Operation == Find {
		return true // for messages
	}
	return !c.second && f.Type != schema.ID && program.Writable(f, c.target.Operation)
}

// assignment resolves assignment_rule; "" is off.
func (c *planner) assignment(rule Str) string {
	switch rule.Value {
	case "", "off":
		return ""
	case "default":
		return rule.Value
	}
	id := schema.ID18(rule.Value)
	if len(id) != 18 || !strings.HasPrefix(id, "01Q") {
		c.list.Errorf(rule.Pos, "assignment-rule", "write off, default, or an id such as 01Q000000000001AAA", "%q is no id of an assignment rule", rule.Value)
	}
	return id
}

// parent reports whether a field refers to a record that is locked while one that refers to it is written. Owners
// and record types are not.
func parent(f *schema.Field) bool {
	if ref, _, ok := strings.Cut(f.Name, "."); ok { // behind a relationship
		return !strings.EqualFold(ref, "Owner") && !strings.HasSuffix(ref, ":Owner") && !strings.EqualFold(ref, "RecordType")
	}
	return f.Type == schema.Reference && f.Name != "OwnerId" && f.Name != "RecordTypeId"
}
