// Package preset merges mappings with those that they start from, as trees of YAML: before their
// keys are checked, so that all of it is checked as one.
package preset

import (
	"maps"
	"slices"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/yamlnode"
)

// The codes of this package's diagnostics.
const (
	CodeOmit     = "omit-unknown"
	CodeNoEffect = "no-effect"
)

// Merge puts a mapping over a preset. What the mapping says wins: key by key in source, in
// source.csv and in targets of the same name, rule by rule in their fields. The rest of its
// targets come behind the preset's. What is wrong with the form of either is left in, to be
// reported where the keys are checked; what is wrong with omit is added to list. Neither tree is
// changed, and nodes keep their places.
func Merge(base, over *yamlnode.Node, list *diag.List) *yamlnode.Node {
	m := merger{list}
	kept := &yamlnode.Node{Kind: yamlnode.Map, Pos: base.Pos}
	for _, pair := range base.Pairs {
		switch pair.Key.Text {
		case "version", "name", "tests", "preset": // these are about the preset as a mapping of its own
		default:
			kept.Pairs = append(kept.Pairs, pair)
		}
	}
	return mergeKeys(kept, over, func(key string, theirs, ours *yamlnode.Node) *yamlnode.Node {
		switch key {
		case "source":
			return mergeKeys(theirs, ours, func(key string, theirs, ours *yamlnode.Node) *yamlnode.Node {
				if key == "csv" {
					return mergeKeys(theirs, ours, nil)
				}
				return ours
			})
		case "targets":
			return m.targets(theirs, ours)
		}
		return ours
	})
}

type merger struct{ list *diag.List }

func find(n *yamlnode.Node, key string) (k, v *yamlnode.Node, ok bool) {
	for _, pair := range n.Pairs {
		if pair.Key.Text == key {
			return pair.Key, pair.Value, true
		}
	}
	return nil, nil, false
}

// mergeKeys puts a map over another one, key by key; both says what becomes of a key that is in
// both of them, which is ours if it is nil.
func mergeKeys(base, over *yamlnode.Node, both func(key string, theirs, ours *yamlnode.Node) *yamlnode.Node) *yamlnode.Node {
	if base.Kind != yamlnode.Map || over.Kind != yamlnode.Map {
		return over
	}
	out := &yamlnode.Node{Kind: yamlnode.Map, Pos: over.Pos}
	for _, pair := range base.Pairs {
		if key, value, ok := find(over, pair.Key.Text); ok {
			if both != nil {
				value = both(pair.Key.Text, pair.Value, value)
			}
			pair = yamlnode.Pair{Key: key, Value: value}
		}
		out.Pairs = append(out.Pairs, pair)
	}
	for _, pair := range over.Pairs {
		if _, _, taken := find(base, pair.Key.Text); !taken {
			out.Pairs = append(out.Pairs, pair)
		}
	}
	return out
}

// targets puts a list of targets over the preset's: those of one name become one, the
// others come behind.
func (m merger) targets(base, over *yamlnode.Node) *yamlnode.Node {
	if base.Kind != yamlnode.Seq || over.Kind != yamlnode.Seq || len(over.Items) == 0 {
		return over
	}
	out := &yamlnode.Node{Kind: yamlnode.Seq, Pos: over.Pos, Items: append([]*yamlnode.Node(nil), base.Items...)}
	at := map[string]int{}
	for i, n := range base.Items {
		at[targetName(n)] = i
	}
	for _, n := range over.Items {
		i, ok := at[targetName(n)]
		if n.Kind != yamlnode.Map || !ok {
			m.another(n, at)
			Unused(m.list, n)
			out.Items = append(out.Items, n)
			continue
		}
		delete(at, targetName(n)) // a second one of the name is reported as such
		out.Items[i] = m.target(base.Items[i], n)
	}
	return out
}

// another says of a target that cannot stand by itself which of the preset's it may be meant for.
func (m merger) another(n *yamlnode.Node, names map[string]int) {
	if n.Kind != yamlnode.Map || n.Get("object") != nil || n.Get("name") == nil {
		return
	}
	name := n.Get("name")
	if hint := m.list.DidYouMean(targetName(n), slices.Sorted(maps.Keys(names))); hint != "" {
		m.list.Warnf(name.Pos, CodeNoEffect, hint, "the preset has no target %q: this is one of its own", name.Text)
	}
}

// targetName gives the name that a target has or will have; "" for none.
func targetName(n *yamlnode.Node) string {
	if n.Kind != yamlnode.Map {
		return ""
	}
	for _, key := range []string{"name", "object"} {
		if v := n.Get(key); v != nil && v.Kind == yamlnode.Scalar {
			return strings.ToLower(v.Text)
		}
	}
	return ""
}

// target puts a target over the preset's of the same name.
func (m merger) target(base, over *yamlnode.Node) *yamlnode.Node {
	fields := base.Get("fields")
	if fields != nil && fields.Kind == yamlnode.Map {
		base = replace(base, "fields", m.omit(fields, over))
	} else {
		Unused(m.list, over)
	}
	return mergeKeys(base, over, func(key string, theirs, ours *yamlnode.Node) *yamlnode.Node {
		if key == "fields" {
			return mergeFields(theirs, ours)
		}
		return ours
	})
}

// replace returns a map with another value for a key.
func replace(n *yamlnode.Node, key string, value *yamlnode.Node) *yamlnode.Node {
	out := &yamlnode.Node{Kind: yamlnode.Map, Pos: n.Pos}
	for _, pair := range n.Pairs {
		if pair.Key.Text == key {
			pair.Value = value
		}
		out.Pairs = append(out.Pairs, pair)
	}
	return out
}

// mergeFields puts rules over the preset's, field by field.
func mergeFields(base, over *yamlnode.Node) *yamlnode.Node {
	if base.Kind != yamlnode.Map || over.Kind != yamlnode.Map {
		return over
	}
	mine := map[string]yamlnode.Pair{}
	for _, pair := range over.Pairs {
		mine[strings.ToLower(pair.Key.Text)] = pair
	}
	out := &yamlnode.Node{Kind: yamlnode.Map, Pos: over.Pos}
	placed := map[*yamlnode.Node]bool{}
	for _, pair := range base.Pairs {
		if own, ok := mine[strings.ToLower(pair.Key.Text)]; ok {
			pair = own
			placed[own.Key] = true
		}
		out.Pairs = append(out.Pairs, pair)
	}
	for _, pair := range over.Pairs {
		if !placed[pair.Key] {
			out.Pairs = append(out.Pairs, pair)
		}
	}
	return out
}

// omit returns the preset's rules without those that a target leaves out.
func (m merger) omit(fields, over *yamlnode.Node) *yamlnode.Node {
	names := map[string]*yamlnode.Node{}
	for _, n := range omitted(over) {
		names[strings.ToLower(n.Text)] = n
	}
	if len(names) == 0 {
		return fields
	}
	out := &yamlnode.Node{Kind: yamlnode.Map, Pos: fields.Pos}
	var known []string
	for _, pair := range fields.Pairs {
		known = append(known, pair.Key.Text)
		if low := strings.ToLower(pair.Key.Text); names[low] != nil {
			names[low] = nil
			continue
		}
		out.Pairs = append(out.Pairs, pair)
	}
	for _, n := range omitted(over) {
		if names[strings.ToLower(n.Text)] != nil {
			m.list.Errorf(n.Pos, CodeOmit, m.list.DidYouMean(n.Text, known), "the preset has no rule for %q that could be left out", n.Text)
		}
	}
	return out
}

// omitted are the names under omit that are names.
func omitted(target *yamlnode.Node) []*yamlnode.Node {
	list := target.Get("omit")
	if list == nil {
		return nil
	}
	items := list.Items
	if list.Kind == yamlnode.Scalar {
		items = []*yamlnode.Node{list}
	}
	var names []*yamlnode.Node
	for _, n := range items {
		if n.Kind == yamlnode.Scalar && n.Text != "" {
			names = append(names, n)
		}
	}
	return names
}

// Unused reports omit in targets that change none of a preset.
func Unused(list *diag.List, targets ...*yamlnode.Node) {
	for _, t := range targets {
		if key, _, ok := find(t, "omit"); ok {
			list.Warnf(key.Pos, CodeNoEffect, "", `"omit" has no effect: no preset has a target %q`, targetName(t))
		}
	}
}
