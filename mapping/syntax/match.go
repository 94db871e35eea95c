package syntax

import (
	"cmp"
	"slices"
	"strings"

	"sfsync/mapping/spec"
	"sfsync/mapping/yamlnode"
)

// checkMatch checks a match: a field, or a list of fields and of lists of fields.
func (p *parser) checkMatch(k *spec.Key, n *yamlnode.Node) bool {
	if n.Kind == yamlnode.Scalar {
		return p.matchName(k, n)
	}
	if !p.checkCount(k, n, "keys") {
		return false
	}
	ok := true
	for _, key := range n.Items {
		if key.Kind != yamlnode.Seq {
			ok = p.kind(k, key, yamlnode.Scalar) && p.matchName(k, key) && ok
			continue
		}
		if !p.checkCount(k, key, "fields together") {
			ok = false
			continue
		}
		for _, part := range key.Items {
			ok = p.kind(k, part, yamlnode.Scalar) && p.matchName(k, part) && ok
		}
	}
	return ok
}

// checkCount checks the length of a list of keys or of a key's fields.
func (p *parser) checkCount(k *spec.Key, n *yamlnode.Node, what string) bool {
	switch {
	case len(n.Items) == 0:
		p.list.Errorf(n.Pos, codeValueMissing, "for example "+k.Example, "the list %q is empty", k.Name)
	case len(n.Items) > spec.MaxKeys:
		p.list.Errorf(n.Items[spec.MaxKeys].Pos, codeLimit, "", "%q has more than %d %s", k.Name, spec.MaxKeys, what)
	default:
		return true
	}
	return false
}

// matchName checks the name of a match field.
func (p *parser) matchName(k *spec.Key, n *yamlnode.Node) bool {
	if !p.text(&spec.Key{Name: k.Name, Form: spec.Text, Example: k.Example}, n) {
		return false
	}
	if rel, ok := ParseRelation(n.Text); ok {
		p.list.Errorf(n.Pos, codeName, "match by the reference itself: "+rel.field(), "the match field %q is behind a relationship", n.Text)
		return false
	}
	return p.fieldName(n)
}

// matchKeys returns the match keys of a target.
func (o *object) matchKeys() [][]Str {
	n := o.get("match")
	if n == nil {
		return nil
	}
	if n.Kind == yamlnode.Scalar {
		return [][]Str{{str(n)}}
	}
	keys := make([][]Str, len(n.Items))
	for i, key := range n.Items {
		if key.Kind == yamlnode.Scalar {
			keys[i] = []Str{str(key)}
			continue
		}
		for _, part := range key.Items {
			keys[i] = append(keys[i], str(part))
		}
	}
	return keys
}

// lintMatch checks that there is a match where one is needed, and that rows have a value for it.
func (p *parser) lintMatch(t *Target, o *object) {
	if t.Operation == Publish {
		if o.has("match") {
			p.list.Warnf(o.seen["match"], codeNoEffect, "", `"match" has no effect on events`)
		}
		t.Match, t.Keys = Str{}, nil
		return
	}
	if len(t.Keys) == 1 && len(t.Keys[0]) == 1 && t.Operation != Insert {
		t.Match = t.Keys[0][0]
	}
	if !o.has("match") {
		for _, name := range []string{"on_many", "on_converted"} {
			if o.has(name) && t.Operation == Insert {
				p.list.Warnf(o.seen[name], codeNoEffect, "", `%q has no effect without "match"`, name)
			}
		}
		return // whether it needs one depends on other targets: see lintKeyless
	}
	p.lintKeysTwice(t)
	if t.Rest == "custom" {
		return
	}
	sourceless, sound := []Str{}, 0
	for _, key := range t.Keys {
		before := len(sourceless)
		for _, part := range key {
			if !p.provides(o, part.Value) {
				sourceless = append(sourceless, part)
			}
		}
		if len(sourceless) == before {
			sound++
		}
	}
	var given []string
	for _, r := range t.Fields {
		given = append(given, r.Field.Value)
	}
	for _, part := range sourceless {
		hint := cmp.Or(p.list.DidYouMean(part.Value, given), "add a rule for it to fields")
		if sound > 0 {
			p.list.Warnf(part.Pos, codeMatchNoSource, hint, "no rule says what %s is: the key is passed over", part.Value)
		} else {
			p.list.Errorf(part.Pos, codeMatchNoSource, hint, "no rule says what %s is: rows would have no key", part.Value)
		}
	}
}

// lintKeysTwice reports a field twice in a key, and a key that comes twice.
func (p *parser) lintKeysTwice(t *Target) {
	seen := map[string]bool{}
	for _, key := range t.Keys {
		var names []string
		for _, part := range key {
			name := strings.ToLower(part.Value)
			if slices.Contains(names, name) {
				p.list.Errorf(part.Pos, codeFieldTwice, "keep one of them", "field %q is twice in one key", part.Value)
			}
			names = append(names, name)
		}
		slices.Sort(names)
		whole := strings.Join(names, ",")
		if seen[whole] {
			p.list.Warnf(key[0].Pos, codeNoEffect, "", "this key is in the list already")
		}
		seen[whole] = true
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
			name := pair.Key.Text
			if rel, ok := ParseRelation(name); ok {
				name = rel.field()
			}
			if strings.EqualFold(name, field) {
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
