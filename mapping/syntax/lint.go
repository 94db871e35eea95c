package syntax

import (
	"slices"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"

	"sfsync/mapping/diag"
	"sfsync/mapping/spec"
	"sfsync/mapping/yamlnode"
)

// delimiter checks what separates cells and returns it as the character it is, or "auto".
func (p *parser) delimiter(s Str) string {
	switch s.Value {
	case "", "auto":
		if s.node != nil && s.Value == "" {
			p.list.Errorf(s.Pos, codeValueMissing, `for example ";" or tab`, `"delimiter" is blank`)
		}
		return "auto"
	case "comma":
		return ","
	case "tab":
		return "\t"
	case "semicolon":
		return ";"
	case "pipe":
		return "|"
	}
	if r := []rune(s.Value); len(r) != 1 {
		words := p.places[spec.AtCSV].Key("delimiter").Words
		hint := diag.DidYouMean(s.Value, words)
		if hint == "" {
			hint = `for example ";" or tab`
		}
		p.list.Errorf(s.Pos, codeValueInvalid, hint, `"delimiter" is %q; it must be %s, or a single character`, cut(s.Value), oneOf(words))
	} else if strings.ContainsRune("\"\r\n", r[0]) {
		p.list.Errorf(s.Pos, codeValueInvalid, "", `"delimiter" cannot be %q`, s.Value)
	}
	return s.Value
}

// encoding checks the name of a text encoding.
func (p *parser) encoding(s Str) string {
	if s.Value == "" || s.Value == "auto" {
		if s.node != nil && s.Value == "" {
			p.list.Errorf(s.Pos, codeValueMissing, "for example windows-1252", `"encoding" is blank`)
		}
		return "auto"
	}
	if _, err := htmlindex.Get(s.Value); err == nil {
		return s.Value
	}
	if e, err := ianaindex.IANA.Encoding(s.Value); err == nil && e != nil {
		return s.Value
	}
	known := []string{
		"auto", "utf-8", "utf-16", "utf-16le", "utf-16be", "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254",
		"windows-1256", "windows-1257", "iso-8859-1", "iso-8859-2", "iso-8859-5", "iso-8859-7", "iso-8859-9", "iso-8859-15", "macintosh",
		"ibm866", "koi8-r", "shift_jis", "euc-jp", "gbk", "gb18030", "big5", "euc-kr",
	}
	hint := diag.DidYouMean(s.Value, known)
	if hint == "" {
		hint = "for example windows-1252 or iso-8859-15"
	}
	p.list.Errorf(s.Pos, codeValueInvalid, hint, "unknown encoding %q", cut(s.Value))
	return s.Value
}

// lintFile checks what concerns several targets.
func (p *parser) lintFile(f *File) {
	lines := map[string]int{}
	for _, t := range f.Targets {
		name := strings.ToLower(t.Name.Value)
		if name == "" {
			continue
		}
		if first, twice := lines[name]; twice {
			p.list.Errorf(t.Name.Pos, codeTargetTwice, "give each target a name of its own", "target %q is already on line %d", t.Name.Value, first)
			continue
		}
		lines[name] = t.Name.Pos.Line
	}
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
	p.lintFields(t, o)
}

// lintMatch checks that there is a match where one is needed, and that rows have a value for it.
func (p *parser) lintMatch(t *Target, o *object) {
	switch {
	case t.Operation == Insert:
		if o.has("match") {
			p.list.Warnf(o.seen["match"], codeNoEffect, "for records to be found and updated use operation: upsert", `"match" has no effect on inserts`)
		}
		t.Match = Str{}
	case !o.has("match"):
		if o.has("operation") && o.get("operation") == nil {
			return // it may be one that needs none
		}
		p.list.Errorf(t.Pos, codeMatchMissing, "add match: with the field that identifies a record, or operation: insert",
			`%s needs the key "match"`, t.Operation)
	case t.Match.Value != "" && t.Rest != "custom" && !p.provides(o, t.Match.Value):
		p.list.Errorf(t.Match.Pos, codeMatchNoSource, "add a rule for it to fields", "no rule says what %s is: rows would have no key", t.Match.Value)
	}
}

// provides reports whether a target has a rule for a field, or may have one: what could not
// be read is given the benefit of the doubt.
func (p *parser) provides(o *object, field string) bool {
	if o.has("fields") && o.get("fields") == nil || o.has("custom") && o.get("custom") == nil {
		return true
	}
	if n := o.get("fields"); n != nil {
		for _, pair := range n.Pairs {
			if strings.EqualFold(pair.Key.Text, field) {
				return true
			}
		}
	}
	n := o.get("custom")
	if n == nil {
		return false
	}
	items := n.Items
	if n.Kind == yamlnode.Scalar {
		items = []*yamlnode.Node{n}
	}
	return slices.ContainsFunc(items, func(item *yamlnode.Node) bool {
		column, _, _ := strings.Cut(item.Text, "|")
		return strings.EqualFold(CustomName(strings.Trim(column, ` "'`)), field)
	})
}

// lintFields checks that no field has two sources.
func (p *parser) lintFields(t *Target, o *object) {
	lines := map[string]int{}
	if n := o.get("fields"); n != nil {
		for _, pair := range n.Pairs {
			name := strings.ToLower(pair.Key.Text)
			if first, twice := lines[name]; twice {
				p.list.Errorf(pair.Key.Pos, codeFieldTwice, "keep one rule; for the first value that is not blank write {from: [a, b]}",
					"field %q already has a rule on line %d", cut(pair.Key.Text), first)
				continue
			}
			lines[name] = pair.Key.Pos.Line
		}
	}
	for _, c := range t.Custom {
		name := CustomName(c.Name)
		if first, twice := lines[strings.ToLower(name)]; twice {
			p.list.Errorf(c.Pos, codeFieldTwice, "keep one of them", "column %q goes to %s, which already has a source on line %d", cut(c.Name), cut(name), first)
			continue
		}
		if i := badAPIName(name); i >= 0 {
			p.list.Errorf(c.Pos, codeName, "give it a rule in fields: "+"Name__c: "+c.Name, "column %q would go to %q, which is no field name", cut(c.Name), cut(name))
			continue
		}
		lines[strings.ToLower(name)] = c.Pos.Line
	}
}

// lintRule checks the keys of a long rule against each other and reports whether the rule
// can be used.
func (p *parser) lintRule(r *Rule, o *object) bool {
	var sources []string
	for _, name := range []string{"from", "value", "expr", "lookup", "record_type", "ref"} {
		if o.has(name) {
			sources = append(sources, name)
		}
	}
	switch {
	case len(sources) == 0:
		p.list.Errorf(o.node.Pos, codeKeyMissing, "for example {from: email}", "a rule needs one of the keys from, value and expr")
		return false
	case len(sources) == 1:
	case slices.Equal(sources, []string{"from", "lookup"}):
	default:
		first, second := sources[0], sources[1]
		if a, b := o.seen[first], o.seen[second]; b.Line < a.Line || b.Line == a.Line && b.Column < a.Column {
			first, second = second, first
		}
		p.list.Errorf(o.seen[second], codeConflict, "keep one of them", "%q and %q exclude each other", first, second)
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
	if r.Value != nil {
		for _, name := range []string{"default", "values", "blank"} {
			if o.has(name) && strings.TrimSpace(r.Value.Value) != "" {
				warn(name, "on a constant")
			}
		}
	}
	if o.has("blank") && r.Default != nil && r.DefaultAlways && strings.TrimSpace(r.Default.Value) != "" {
		warn("blank", "where a default always counts")
	}
	for i, ref := range r.From {
		same := func(other Ref) bool {
			return other.Name == ref.Name && slices.EqualFunc(other.Transforms, ref.Transforms, func(a, b Call) bool {
				return a.Name == b.Name && slices.EqualFunc(a.Args, b.Args, func(x, y Str) bool { return x.Value == y.Value })
			})
		}
		if slices.ContainsFunc(r.From[:i], same) {
			p.list.Warnf(ref.Pos, codeColumnTwice, "", "column %q is named twice", cut(ref.Name))
		}
	}
	return r.From != nil || r.Value != nil || r.Expr != nil
}
