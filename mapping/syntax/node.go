package syntax

import (
	"cmp"
	"strconv"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/spec"
	"sfsync/mapping/syntax/preset"
	"sfsync/mapping/syntax/table"
	"sfsync/mapping/yamlnode"
)

// The codes of diagnostics about a mapping's form.
const (
	codeEmpty         = "mapping-empty"
	codeKeyUnknown    = "key-unknown"
	codeKeyMissing    = "key-missing"
	codeKind          = "value-kind"
	codeValueMissing  = "value-missing"
	codeValueUnknown  = "value-unknown"
	codeValueInvalid  = "value-invalid"
	codeValueNull     = "value-null"
	codeName          = "name-invalid"
	codeColumn        = table.CodeColumn
	codeTransform     = "transform-unknown"
	codeArgs          = "transform-args"
	codeSyntax        = "rule-syntax"
	codeConflict      = "keys-conflict"
	codeNoEffect      = preset.CodeNoEffect
	codeFieldTwice    = "field-twice"
	codeTargetTwice   = "target-twice"
	codeNoFields      = "fields-missing"
	codeMatchMissing  = "match-missing"
	codeMatchNoSource = "match-no-source"
	codeColumnTwice   = table.CodeTwice
	codeValuesFile    = table.CodeFile
	codeTarget        = "target-unknown"
	codeRef           = "ref-invalid"
	codeEvents        = "events-missing"
	codeObject        = "object-operation"
	codeUnreached     = "target-unreached"
	codePreset        = "preset-unknown"
	codeLimit         = table.CodeLimit
)

// object is a map of the mapping whose keys and values were checked against the language.
type object struct {
	node *yamlnode.Node
	// values are those whose form is right; seen also has the others, and keys that were
	// probably meant by an unknown one.
	values map[string]*yamlnode.Node
	seen   map[string]diag.Pos
}

// object checks a node against a place. It reports false if the node is no map.
func (p *parser) object(n *yamlnode.Node, name string) (*object, bool) {
	pl := p.places[name]
	if n.Kind != yamlnode.Map {
		hint := ""
		if name == spec.AtFile {
			hint = "begin with version: 1"
		}
		p.list.Errorf(n.Pos, codeKind, hint, "%s must be a map of keys, not %s", pl.What, n.Kind)
		return nil, false
	}
	meant := map[string]diag.Pos{}
	o := &object{node: n, values: make(map[string]*yamlnode.Node, len(n.Pairs)), seen: make(map[string]diag.Pos, len(n.Pairs))}
	for _, pair := range n.Pairs {
		k := pl.Key(pair.Key.Text)
		switch {
		case k == nil:
			if near := p.unknownKey(pl, pair.Key); near != "" {
				meant[near] = pair.Key.Pos
			}
		default:
			o.seen[k.Name] = pair.Key.Pos
			if p.check(k, pair.Value) {
				o.values[k.Name] = pair.Value
			}
		}
	}
	for name, pos := range meant {
		if !o.has(name) {
			o.seen[name] = pos // so that it is not reported as missing too
		}
	}
	for _, k := range pl.Keys {
		if _, ok := o.seen[k.Name]; k.Required && !ok {
			p.list.Errorf(n.Pos, codeKeyMissing, "add "+k.Example, "%s needs the key %q", pl.What, k.Name)
		}
	}
	return o, true
}

// unknownKey reports a key with the place that has it, or the nearest key of this place,
// which it returns.
func (p *parser) unknownKey(pl *spec.Place, k *yamlnode.Node) (near string) {
	near = p.list.Nearest(k.Text, pl.Names())
	hint := "did you mean " + near + "?"
	if names := pl.Names(); near == "" && len(names) == 1 {
		hint = "the only key is " + names[0]
	} else if near == "" {
		hint = "the keys are " + strings.Join(names, ", ")
	}
	if !strings.EqualFold(near, k.Text) {
		for _, other := range spec.Language() {
			if other.Key(k.Text) != nil {
				near, hint = "", "it is a key of "+other.What
				break
			}
		}
	}
	p.list.Errorf(k.Pos, codeKeyUnknown, hint, "unknown key %q in %s", diag.Cut(k.Text), pl.What)
	return near
}

// check reports whether a value has the form that its key wants.
func (p *parser) check(k *spec.Key, n *yamlnode.Node) bool {
	if n.Broken {
		return false
	}
	if n.Kind == yamlnode.Null {
		p.list.Errorf(n.Pos, codeValueMissing, "give it a value, or leave the key out", "nothing is written after %q", k.Name)
		return false
	}
	switch k.Form {
	case spec.Map, spec.Rules, spec.Row:
		return p.kind(k, n, yamlnode.Map)
	case spec.Maps:
		return p.kind(k, n, yamlnode.Seq)
	case spec.Rows:
		return p.kind(k, n, yamlnode.Seq) && p.checkList(k, n, yamlnode.Map)
	case spec.Outcomes:
		return p.kind(k, n, yamlnode.Map, yamlnode.Seq) && p.checkList(k, n, yamlnode.Map)
	case spec.Values:
		return p.kind(k, n, yamlnode.Map, yamlnode.Scalar)
	case spec.Match:
		return p.kind(k, n, yamlnode.Scalar, yamlnode.Seq) && p.checkMatch(k, n)
	case spec.Sources:
		return p.kind(k, n, yamlnode.Scalar, yamlnode.Seq) && p.checkList(k, n, yamlnode.Scalar, yamlnode.Map) && p.checkSources(k, n)
	case spec.Texts, spec.Paths, spec.Columns, spec.APINames:
		return p.kind(k, n, yamlnode.Scalar, yamlnode.Seq) && p.checkList(k, n, yamlnode.Scalar)
	default:
		return p.kind(k, n, yamlnode.Scalar) && p.text(k, n)
	}
}

// checkList checks the kinds of a list's entries, and the text of those that are paths or names.
// A value that is no list is checked like an entry.
func (p *parser) checkList(k *spec.Key, n *yamlnode.Node, kinds ...yamlnode.Kind) bool {
	items := n.Items
	if n.Kind != yamlnode.Seq {
		items = []*yamlnode.Node{n}
	} else if len(items) == 0 && k.Form != spec.Texts {
		p.list.Errorf(n.Pos, codeValueMissing, "", "the list %q is empty", k.Name)
		return false
	}
	ok := true
	for _, item := range items {
		good := p.kind(k, item, kinds...)
		if good && (k.Form == spec.Paths || k.Form == spec.APINames) {
			good = p.text(k, item)
		}
		ok = ok && good
	}
	return ok
}

// checkSources checks the length of a rule's from.
func (p *parser) checkSources(k *spec.Key, n *yamlnode.Node) bool {
	if len(n.Items) > spec.MaxSources {
		p.list.Errorf(n.Items[spec.MaxSources].Pos, codeLimit, "", "the list %q has more than %d entries", k.Name, spec.MaxSources)
		return false
	}
	return true
}

func (p *parser) kind(k *spec.Key, n *yamlnode.Node, kinds ...yamlnode.Kind) bool {
	for _, kind := range kinds {
		if n.Kind == kind {
			return true
		}
	}
	if n.Broken {
		return false
	}
	if n.Kind == yamlnode.Null {
		p.list.Errorf(n.Pos, codeValueMissing, "remove it, or write '' for a blank one", "an entry of %q is empty", k.Name)
		return false
	}
	hint := ""
	if k.Example != "" {
		hint = "for example " + k.Example
	}
	p.list.Errorf(n.Pos, codeKind, hint, "%q must be %s, not %s", k.Name, k.Form, n.Kind)
	return false
}

// text checks a scalar against its key.
func (p *parser) text(k *spec.Key, n *yamlnode.Node) bool {
	switch k.Form {
	case spec.Word:
		return p.word(k, n)
	case spec.Text:
		if n.IsNull() {
			hint := "give it a value, or leave the key out"
			if k.Name == "value" || k.Name == "default" {
				hint = "to clear the field where the source is blank write blank: null; for the word put it in quotes"
			}
			p.list.Errorf(n.Pos, codeValueNull, hint, "%q cannot be null", k.Name)
			return false
		}
		return true
	}
	if n.IsNull() || strings.TrimSpace(n.Text) == "" {
		p.list.Errorf(n.Pos, codeValueMissing, "give it a value, or leave the key out", "%q is blank", k.Name)
		return false
	}
	switch k.Form {
	case spec.Name:
		return p.name(k, n)
	case spec.APIName, spec.APINames:
		return p.apiName(k, n)
	case spec.Count:
		return p.count(k, n)
	case spec.Lookup:
		return p.lookupName(n)
	}
	return true
}

func (p *parser) count(k *spec.Key, n *yamlnode.Node) bool {
	if v, err := strconv.Atoi(n.Text); err != nil || v < 1 || v > k.Most || strconv.Itoa(v) != n.Text {
		p.list.Errorf(n.Pos, codeValueInvalid, "for example "+k.Example, "%q is %q; it must be a whole number from 1 to %d", k.Name, diag.Cut(n.Text), k.Most)
		return false
	}
	return true
}

func (p *parser) word(k *spec.Key, n *yamlnode.Node) bool {
	for _, w := range k.Words {
		if n.Text == w {
			return true
		}
	}
	hint := "for example " + k.Example
	if len(n.Text) > 2 { // shorter ones are near to everything
		hint = cmp.Or(p.list.DidYouMean(n.Text, k.Words), hint)
	}
	p.list.Errorf(n.Pos, codeValueUnknown, hint, "%q is %q; it must be %s", k.Name, n.Text, oneOf(k.Words))
	return false
}

// oneOf joins words as a sentence does: "a, b or c".
func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func (p *parser) name(k *spec.Key, n *yamlnode.Node) bool {
	for i := range len(n.Text) {
		if !nameByte(n.Text[i]) {
			p.list.Errorf(n.At(i), codeName, "use letters, digits, _, - and .", "%q cannot be %q", k.Name, diag.Cut(n.Text))
			return false
		}
	}
	if strings.HasPrefix(n.Text, ".") || strings.HasPrefix(n.Text, "-") {
		p.list.Errorf(n.Pos, codeName, "begin with a letter, a digit or _", "%q cannot be %q", k.Name, diag.Cut(n.Text))
		return false
	}
	if len(n.Text) > spec.MaxName {
		p.list.Errorf(n.Pos, codeName, "", "%q has %d characters, more than the %d allowed", k.Name, len(n.Text), spec.MaxName)
		return false
	}
	return true
}

func nameByte(c byte) bool {
	return c == '_' || c == '-' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// apiName checks the name of an object.
func (p *parser) apiName(k *spec.Key, n *yamlnode.Node) bool {
	if i := badAPIName(n.Text); i >= 0 {
		hint := "use the API name, such as Lead or Visit__c"
		if k.Form == spec.APINames {
			hint = "use API names of fields, such as LastName or Score__c"
		}
		p.list.Errorf(n.At(i), codeName, hint, "%q cannot be %q", k.Name, diag.Cut(n.Text))
		return false
	}
	return true
}

// badAPIName returns where text stops being an API name, or -1.
func badAPIName(s string) int {
	if s == "" {
		return 0
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return i
		}
	}
	if len(s) > 80 {
		return 80
	}
	return -1
}

// fieldName checks the name of a field of the object itself.
func (p *parser) fieldName(n *yamlnode.Node) bool {
	i := badAPIName(n.Text)
	switch {
	case n.Text == "":
		p.list.Errorf(n.Pos, codeName, "", "the field's name is empty")
	case i < 0:
		return true
	default:
		p.list.Errorf(n.At(i), codeName, "use the API name, such as LastName or Score__c", "%q is no field name", diag.Cut(n.Text))
	}
	return false
}

// ruleName checks the name on the left of a rule: a field, or one behind a relationship.
func (p *parser) ruleName(n *yamlnode.Node) bool {
	if _, ok := ParseRelation(n.Text); ok {
		return true
	}
	return p.fieldName(n)
}

// get returns a key's value, or nil if it is missing or its form is wrong.
func (o *object) get(name string) *yamlnode.Node { return o.values[name] }

// has reports whether a key is written, be its value good or not.
func (o *object) has(name string) bool { _, ok := o.seen[name]; return ok }

func str(n *yamlnode.Node) Str { return Str{Value: n.Text, Pos: n.Pos, node: n} }

// text returns a scalar, or the zero Str.
func (o *object) text(name string) Str {
	if n := o.get(name); n != nil {
		return str(n)
	}
	return Str{}
}

// optional returns a scalar, or nil.
func (o *object) optional(name string) *Str {
	if n := o.get(name); n != nil {
		s := str(n)
		return &s
	}
	return nil
}

func (o *object) word(name string) string { return o.text(name).Value }

// texts returns a scalar or a list of scalars as a list.
func (o *object) texts(name string) []Str {
	n := o.get(name)
	if n == nil {
		return nil
	}
	if n.Kind == yamlnode.Scalar {
		return []Str{str(n)}
	}
	out := make([]Str, len(n.Items))
	for i, item := range n.Items {
		out[i] = str(item)
	}
	return out
}
