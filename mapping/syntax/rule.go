package syntax

import (
	"slices"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/spec"
	"sfsync/mapping/yamlnode"
)

// rule parses a field's rule: a column or a list of them, or the long form. The field's name is checked first: a rule for a field that
// cannot be is checked all the same, but not returned.
func (p *parser) rule(name, n *yamlnode.Node) *Rule {
	r := &Rule{Field: str(name), Blank: BlankLeave}
	good := p.ruleName(name)
	switch {
	case n.Broken:
		return nil
	case n.IsNull():
		p.list.Errorf(n.Pos, codeValueMissing, "name the column that it comes from", "nothing is written after field %q", name.Text)
		return nil
	case n.Kind != yamlnode.Map:
		if !p.check(p.places[spec.AtRule].Key("from"), n) {
			return nil
		}
		r.From = p.refs(n, n.Kind == yamlnode.Scalar)
		p.lintFrom(r.From)
		good = good && r.From != nil
	default:
		o, ok := p.object(n, spec.AtRule)
		if !ok {
			return nil
		}
		good = p.longRule(r, o) && good
	}
	if !good {
		return nil
	}
	return r
}

// longRule fills a rule from its long form and reports whether it can be used.
func (p *parser) longRule(r *Rule, o *object) bool {
	r.From = p.refs(o.get("from"), false)
	r.Value = o.optional("value")
	r.Expr = o.optional("expr")
	r.RecordType = o.optional("record_type")
	r.RefTo = o.optional("ref")
	r.Default = o.optional("default")
	r.DefaultAlways = o.word("default_on") == "always"
	r.OnlyIfEmpty = o.word("only_if") == "empty"
	r.MissingIgnore = o.word("missing") == "ignore"
	if w := o.word("blank"); w != "" {
		r.Blank = Blank(w)
	}
	if n := o.get("values"); n != nil {
		if r.Values = p.values(n); r.Values != nil {
			p.unmapped(r.Values, o)
		}
	}
	if n := o.get("lookup"); n != nil {
		r.Lookup = p.lookup(n, o)
	}
	return p.lintRule(r, o)
}

// unmapped decides what happens to a value that a table does not list.
func (p *parser) unmapped(v *Values, o *object) {
	w := o.word("on_unmapped")
	switch {
	case v.Columns == nil:
		v.Unmapped = "keep"
	case w == "keep":
		p.list.Errorf(o.get("on_unmapped").Pos, codeValuesFile, "write fail or blank", "several columns together have no value to keep")
		fallthrough
	default:
		v.Unmapped = "fail"
	}
	if w != "" {
		v.Unmapped = w
	}
}

// lookup parses what a lookup looks for. Its name was checked.
func (p *parser) lookup(n *yamlnode.Node, o *object) *Lookup {
	object, field, _ := strings.Cut(n.Text, ".")
	l := &Lookup{
		Pos: n.Pos, Object: Str{Value: object, Pos: n.Pos}, Field: Str{Value: field, Pos: n.At(len(object) + 1)},
		Create: o.word("create") == "true",
	}
	fields := o.get("fields")
	if fields == nil {
		return l
	}
	p.lintTwice(fields)
	rules, _ := p.rules(fields)
	for _, r := range rules {
		if strings.EqualFold(r.Field.Value, field) {
			p.list.Errorf(r.Field.Pos, codeFieldTwice, "leave it out", "the lookup fills %s itself", r.Field.Value)
			continue
		}
		l.Fields = append(l.Fields, r)
	}
	return l
}

// lookupName checks the name of a lookup: an object and one of its fields.
func (p *parser) lookupName(n *yamlnode.Node) bool {
	object, field, dot := strings.Cut(n.Text, ".")
	bad := badAPIName(object)
	if bad < 0 && dot {
		if bad = badAPIName(field); bad >= 0 {
			bad += len(object) + 1
		}
	}
	switch {
	case bad >= 0 && strings.Contains(field, "."):
		p.list.Errorf(n.At(len(object)+1+strings.IndexByte(field, '.')), codeName, "look for the record by a field of its own", "a lookup names an object and one field, not %q", diag.Cut(n.Text))
	case bad >= 0:
		p.list.Errorf(n.At(bad), codeName, "use API names, such as User.Username or Account.ERP_Id__c", "a lookup names an object and a field, not %q", diag.Cut(n.Text))
	case !dot:
		p.list.Errorf(n.Pos, codeName, "name the object and the field, such as User.Username", "a lookup names an object and a field, not %q", diag.Cut(n.Text))
	default:
		return true
	}
	return false
}

// lintRule checks the keys of a long rule against each other and reports whether the rule
// can be used.
func (p *parser) lintRule(r *Rule, o *object) bool {
	if !p.lintSource(r, o) || !p.lintLookup(o) {
		return false
	}
	warn := func(name, format string, args ...any) {
		p.list.Warnf(o.seen[name], codeNoEffect, "", "%q has no effect "+format, append([]any{name}, args...)...)
	}
	if o.has("default_on") && !o.has("default") {
		warn("default_on", `without "default"`)
	}
	if o.has("on_unmapped") && !o.has("values") {
		warn("on_unmapped", `without "values"`)
	}
	if r.Default != nil && strings.TrimSpace(r.Default.Value) == "" {
		warn("default", "because it is blank")
	}
	what, idle := r.fixed()
	for _, name := range idle {
		if o.has(name) {
			warn(name, "on %s", what)
		}
	}
	if o.has("blank") && r.Default != nil && r.DefaultAlways && strings.TrimSpace(r.Default.Value) != "" {
		warn("blank", "where a default always counts")
	}
	p.lintFrom(r.From)
	return r.From != nil || r.Value != nil || r.Expr != nil || r.RecordType != nil || r.RefTo != nil || r.Values != nil && r.Values.Columns != nil
}

// fixed names the source of a rule that cannot be blank, or cannot be anything else, and the keys
// that have no effect on it. A lookup may find nothing, and another target may make no record.
func (r *Rule) fixed() (what string, idle []string) {
	switch {
	case r.RecordType != nil:
		return "a record type", []string{"default", "values", "blank"}
	case r.RefTo != nil:
		return "the record of another target", []string{"default", "values"}
	case r.Value != nil && strings.TrimSpace(r.Value.Value) != "" && r.Lookup != nil:
		return "a constant", []string{"default", "values"}
	case r.Value != nil && strings.TrimSpace(r.Value.Value) != "":
		return "a constant", []string{"default", "values", "blank"}
	}
	return "", nil
}

// lintSource checks that a rule has one source.
func (p *parser) lintSource(r *Rule, o *object) bool {
	var sources []string
	for _, name := range []string{"from", "value", "expr", "record_type", "ref"} {
		if o.has(name) {
			sources = append(sources, name)
		}
	}
	table := r.Values != nil && r.Values.Columns != nil
	switch {
	case len(sources) > 1:
		p.conflict(o, sources[0], sources[1])
	case len(sources) == 1 && table:
		p.list.Errorf(o.seen[sources[0]], codeValuesFile, "leave it out, or name the column of the file from", "%q and %q exclude each other: %s names its columns itself", sources[0], "values", r.Values.Path)
	case len(sources) == 1 || table:
		return true
	case r.Values != nil && r.Values.Path != "":
		p.list.Errorf(r.Values.Pos, codeValuesFile, "add from: COLUMN, or name the columns in the file instead of from",
			"%s does not say which column it translates", r.Values.Path)
	case o.has("values") && o.get("values") != nil && o.get("values").Kind == yamlnode.Scalar && r.Values == nil:
		// what is wrong with the file was reported
	case o.has("lookup"):
		p.list.Errorf(o.node.Pos, codeKeyMissing, "for example {lookup: User.Username, from: owner}", "a lookup needs one of the keys from, value and expr")
	default:
		p.list.Errorf(o.node.Pos, codeKeyMissing, "for example {from: email}", "a rule needs one of the keys from, value, expr, record_type and ref")
	}
	return false
}

// conflict reports two keys that exclude each other, at the second.
func (p *parser) conflict(o *object, first, second string) {
	if a, b := o.seen[first], o.seen[second]; before(b, a) {
		first, second = second, first
	}
	p.list.Errorf(o.seen[second], codeConflict, "keep one of them", "%q and %q exclude each other", first, second)
}

func before(a, b diag.Pos) bool { return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column }

// lintLookup checks the keys that belong to a lookup.
func (p *parser) lintLookup(o *object) bool {
	needs := func(key, other, hint string) bool {
		if !o.has(key) || o.has(other) {
			return true
		}
		p.list.Errorf(o.seen[key], codeKeyMissing, hint, "%q needs the key %q", key, other)
		return false
	}
	if !needs("create", "lookup", "for example {lookup: Account.ERP_Id__c, from: account_id, create: true}") || !needs("fields", "create", "add create: true") {
		return false
	}
	for _, name := range []string{"record_type", "ref"} {
		if o.has("lookup") && o.has(name) {
			p.conflict(o, "lookup", name)
			return false
		}
	}
	if o.has("fields") && o.word("create") == "false" {
		p.list.Warnf(o.seen["fields"], codeNoEffect, "", `"fields" has no effect on create: false`)
	}
	return !o.has("lookup") || o.get("lookup") != nil
}

// lintFrom reports a column that a list names twice.
func (p *parser) lintFrom(from []Ref) {
	for i, ref := range from {
		same := func(other Ref) bool {
			return ref.Expr == nil && other.Expr == nil && other.Name == ref.Name && slices.EqualFunc(other.Transforms, ref.Transforms, func(a, b Call) bool {
				return a.Name == b.Name && slices.EqualFunc(a.Args, b.Args, func(x, y Str) bool { return x.Value == y.Value })
			})
		}
		if slices.ContainsFunc(from[:i], same) {
			p.list.Warnf(ref.Pos, codeColumnTwice, "", "column %q is named twice", diag.Cut(ref.Name))
		}
	}
}
