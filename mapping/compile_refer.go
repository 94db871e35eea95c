package mapping

import (
	"fmt"
	"slices"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/program"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// maxDepth is how deep records that are made along the way may stand in others.
const maxDepth = 8

// refTo compiles ref: the field refers to the record that another target makes of the same row.
func (c *planner) refTo(p *program.Rule, name Str) {
	i := c.targetIndex(name.Value)
	if i < 0 {
		c.list.Errorf(name.Pos, "ref-unknown", c.list.DidYouMean(name.Value, c.targetNames()), "no target is named %q", name.Value)
		return
	}
	t := c.file.Targets[i]
	if !c.refers(p.Field, name.Pos, "ref") {
		return
	}
	o := c.schema.Object(t.Object.Value)
	switch {
	case o == nil && t.Org.Value == c.out.Org:
		return // it is reported where the target stands
	case o == nil: // its own org may have it
		c.list.Errorf(name.Pos, "ref-org", "", "target %s goes to another org", name.Value)
		return
	case t == c.target:
		c.list.Errorf(name.Pos, "ref-self", "for another record of the object write {lookup: "+o.Name+".KEY, from: COLUMN}", "a record of target %s cannot refer to itself", name.Value)
		return
	case !refersTo(p.Field, o.Name):
		c.list.Errorf(name.Pos, "ref-object", "", "%s refers to %s, not to %s, which target %s is for", p.Field.Name, strings.Join(p.Field.ReferenceTo, " or "), o.Name, name.Value)
		return
	case t.Operation == Delete || t.Operation == Publish:
		c.list.Errorf(name.Pos, "ref-operation", "", "target %s has the operation %s, after which there is no record to refer to", name.Value, t.Operation)
		return
	case otherOrg(t.Org.Value, c.out.Org):
		c.list.Errorf(name.Pos, "ref-org", "", "target %s goes to another org", name.Value)
		return
	}
	p.Refer = &program.Reference{Record: i, Name: name.Value, Pos: name.Pos}
}

// refers reports a field that cannot hold the id of another record.
func (c *planner) refers(f *schema.Field, pos diag.Pos, what string) bool {
	if f.Type == schema.Reference {
		return true
	}
	hint := ""
	if f.Type == schema.ID {
		hint = "records of their own id are matched: match: Id"
	} else if strings.IndexByte(f.Name, '.') >= 0 {
		hint = "write the reference itself, or the relationship without " + what + ":"
	}
	c.list.Errorf(pos, what+"-type", hint, "%s is no reference: it cannot hold a record's id", f.Name)
	return false
}

// recordType compiles record_type: the id of one of the object's record types, by its developer
// name, or else by its label.
func (c *planner) recordType(p *program.Rule, name Str) {
	o := c.out.Object
	if p.Field.Type != schema.Reference || !refersTo(p.Field, "RecordType") {
		c.list.Errorf(name.Pos, "record-type-field", "the field is RecordTypeId", "%s does not refer to a record type", p.Field.Name)
		return
	}
	var known, labelled []string
	var rt *schema.RecordType
	for i := range o.RecordTypes {
		t := &o.RecordTypes[i]
		switch {
		case strings.EqualFold(t.DeveloperName, name.Value): // which another one may have for a label
			rt, labelled = t, nil
		case strings.EqualFold(t.Name, name.Value) && (rt == nil || !strings.EqualFold(rt.DeveloperName, name.Value)):
			if labelled = append(labelled, t.DeveloperName); rt == nil {
				rt = t
			}
		}
		if !t.Master {
			known = append(known, t.DeveloperName)
		}
	}
	switch {
	case rt == nil && len(known) == 0:
		c.noRecordTypes(name.Pos)
	case rt == nil:
		hint := c.list.DidYouMean(name.Value, known)
		if hint == "" {
			hint = "its record types: " + strings.Join(known, ", ")
		}
		c.list.Errorf(name.Pos, "record-type-unknown", hint, "%s has no record type %q", o.Name, name.Value)
	case len(labelled) > 1:
		c.list.Errorf(name.Pos, "record-type-many", "write a developer name: "+strings.Join(labelled, " or "), "%s has several record types with the label %q", o.Name, name.Value)
	case !rt.Active:
		c.list.Errorf(name.Pos, "record-type-inactive", "", "the record type %s of %s is inactive", rt.DeveloperName, o.Name)
	case rt.ID == "":
		p.Refer = &program.Reference{Record: -1, Name: rt.DeveloperName, Pos: name.Pos}
	default:
		p.Constant = &program.Constant{Text: schema.ID18(rt.ID), Kind: row.Text}
	}
}

// noRecordTypes reports a record type of an object of which the schema knows none.
func (c *planner) noRecordTypes(pos diag.Pos) {
	name := c.out.Object.Name
	c.list.Errorf(pos, "record-type-unknown", "take a snapshot of the org, or list record_types: of "+name+" in the file named by schema:",
		"%s has no record types in %s", name, c.schema.Source)
}

// lookup compiles a rule whose value is the key of another record.
func (c *planner) lookup(p *program.Rule, r *Rule, isKey bool) {
	l := r.Lookup
	if !c.refers(p.Field, l.Pos, "lookup") {
		return
	}
	o := c.schema.Object(l.Object.Value)
	switch {
	case o == nil:
		c.objectUnknown(l.Object)
		return
	case !refersTo(p.Field, o.Name):
		c.list.Errorf(l.Object.Pos, "lookup-object", "it refers to "+strings.Join(p.Field.ReferenceTo, " or "), "%s does not refer to %s", p.Field.Name, o.Name)
		return
	case len(o.Fields) == 0:
		c.list.Errorf(l.Object.Pos, "object-unknown", "describe it in the file named by schema:", "the fields of %s are not in %s", o.Name, c.schema.Source)
		return
	}
	f := c.fieldOf(o, l.Field.Value, l.Field.Pos, "field", "lookup-field")
	switch {
	case f == nil:
		return
	case f.Type == schema.ID:
		c.list.Errorf(l.Field.Pos, "lookup-id", "write "+p.Field.Name+": COLUMN", "a record id needs no lookup")
		return
	case !findable(f):
		c.list.Errorf(l.Field.Pos, "lookup-field", "look it up by a text, number, date or id field", "%s is of type %s: records cannot be found by it", f.Name, f.Type)
		return
	}
	r, onInsert := c.lookupDefault(p.Field, r, isKey)
	from := fmt.Sprintf("%s.%s in %q from %s %v", o.Name, f.Name, c.out.Org, signature(r), onInsert)
	if l.Create {
		from += " or create " + signatures(l.Fields)
	}
	if same := c.shared[from]; same != nil {
		p.Refer = same
		return
	}
	ref := &program.Reference{Lookup: true, Name: o.Name + "." + f.Name, Pos: l.Pos}
	if l.Create {
		c.makeParent(ref, p, r)
	} else {
		c.find(ref, p, r, f, o)
	}
	if ref.Record < 0 {
		return
	}
	c.shared[from] = ref
	p.Refer = ref
	if onInsert {
		records := c.targets
		if ref.Find {
			records = c.finds
		}
		if key := records[ref.Record].Code.Key; key != nil {
			key.OnInsert = true
		}
	}
}

// lookupDefault returns a lookup's rule as its key is compiled, where a default counts always, and
// whether a reference by the default is sent with new records only.
func (c *planner) lookupDefault(f *schema.Field, r *Rule, isKey bool) (key *Rule, onInsert bool) {
	if r.Default == nil || r.DefaultAlways || c.target.Operation == Insert || c.target.Operation == Publish {
		return r, false
	}
	switch {
	case isKey:
		c.matchDefault(f, r.Default.Pos)
	case c.out.Updates():
		c.defaultNever(f, r.Default.Pos)
		without := *r
		without.Default = nil
		return &without, false
	default:
		c.out.InsertDefaults = true
	}
	return r, !isKey
}

// find adds a record that is only looked for.
func (c *planner) find(ref *program.Reference, p *program.Rule, r *Rule, f *schema.Field, o *schema.Object) {
	name := c.out.Name + "." + p.Field.Name
	t := &Target{Pos: r.Lookup.Pos, Name: Str{Value: name, Pos: r.Lookup.Pos}, Operation: Find}
	out := &PlanTarget{
		Name: name, Object: o, Operation: Find, Org: c.out.Org, Lookup: true, Match: f, Keys: []Key{{Fields: []*schema.Field{f}}},
		KeyColumn: -1, FoldColumn: -1, Redirect: -1, Redirected: -1, First: -1,
		Code: program.Code{Schema: c.schema, Ruled: map[string]bool{}, Made: true},
	}
	defer c.enter(t, out)()
	key, ok := c.newField(f, r.Lookup.Field.Pos)
	if !ok {
		ref.Record = -1
		return
	}
	key.Blank, key.Keyed = BlankNull, true
	c.source(key, r, false, false)
	out.Code.Rules, out.Code.InKey, out.Code.Key = []*program.Rule{key}, []*program.Rule{key}, key
	c.columns()
	ref.Record, ref.Find = len(c.finds), true
	c.finds = append(c.finds, out)
}

// makeParent adds a target for the records that a lookup makes where there are none.
func (c *planner) makeParent(ref *program.Reference, p *program.Rule, r *Rule) {
	l := r.Lookup
	if c.depth > maxDepth {
		c.list.Errorf(l.Pos, "lookup-depth", "load the parents with a mapping of their own", "more than %d lookups with create: true inside each other", maxDepth)
		ref.Record = -1
		return
	}
	key := *r
	key.Field, key.Lookup, key.Blank, key.DefaultAlways, key.OnlyIfEmpty = l.Field, nil, BlankNull, true, false
	t := &Target{
		Pos: l.Pos, Name: Str{Value: c.out.Name + "." + p.Field.Name, Pos: l.Pos}, Object: l.Object, Operation: Insert,
		Keys: [][]Str{{l.Field}}, Org: c.target.Org, Fields: append([]*Rule{&key}, l.Fields...), Rest: program.RestIgnore,
	}
	ref.Record = len(c.targets)
	c.targets = append(c.targets, nil)
	if c.targets[ref.Record] = c.compileTarget(t, true); c.targets[ref.Record] == nil {
		ref.Record = -1
	}
}

// signature says where a rule's value comes from: rules of one signature have the same value in
// every row.
func signature(r *Rule) string {
	var b strings.Builder
	for _, ref := range r.From {
		fmt.Fprintf(&b, "column %q ", ref.Name)
		if ref.Expr != nil {
			fmt.Fprintf(&b, "expr %q ", ref.Expr.Value)
		}
		for _, call := range ref.Transforms {
			fmt.Fprintf(&b, "| %s ", call.Name)
			for _, a := range call.Args {
				fmt.Fprintf(&b, "%q ", a.Value)
			}
		}
	}
	text := func(what string, s *Str) {
		if s != nil {
			fmt.Fprintf(&b, "%s %q ", what, s.Value)
		}
	}
	text("value", r.Value)
	text("expr", r.Expr)
	text("default", r.Default)
	text("type", r.RecordType)
	text("ref", r.RefTo)
	if v := r.Values; v != nil {
		fmt.Fprintf(&b, "values %q %s ", v.Path, v.Unmapped)
		for _, ref := range v.Columns {
			fmt.Fprintf(&b, "column %q ", ref.Name)
		}
		pairs := make([]string, 0, len(v.Pairs))
		for from, to := range v.Pairs {
			pairs = append(pairs, fmt.Sprintf("%q %q", from, to))
		}
		slices.Sort(pairs)
		b.WriteString(strings.Join(pairs, " "))
	}
	return b.String()
}

// signatures is signature for all that a made record has.
func signatures(rules []*Rule) string {
	var b strings.Builder
	for _, r := range rules {
		fmt.Fprintf(&b, "%s %s %v %v (%s", lower(r.Field.Value), r.Blank, r.DefaultAlways, r.OnlyIfEmpty, signature(r))
		if l := r.Lookup; l != nil {
			fmt.Fprintf(&b, " lookup %s.%s %v %s", lower(l.Object.Value), lower(l.Field.Value), l.Create, signatures(l.Fields))
		}
		b.WriteString(") ")
	}
	return b.String()
}
