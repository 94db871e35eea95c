package importer

import (
	"sfsync/mapping/diag"
	"sfsync/mapping/yamlnode"
)

// word returns the text of a key that holds a single value, and its place.
func word(n *yamlnode.Node, key string) (string, diag.Pos) {
	v := get(n, key)
	if v == nil || v.Kind != yamlnode.Scalar || v.IsNull() {
		return "", n.Pos
	}
	return v.Text, v.Pos
}

// get returns a value by its key, or nil.
func get(n *yamlnode.Node, key string) *yamlnode.Node {
	if n == nil || n.Kind != yamlnode.Map {
		return nil
	}
	return n.Get(key)
}

// truth reports whether a key is set to true.
func truth(n *yamlnode.Node, key string) bool {
	text, _ := word(n, key)
	return text == "true" || text == "True"
}

// list returns the items of a list, or of a single value.
func list(n *yamlnode.Node) []*yamlnode.Node {
	switch {
	case n == nil || n.Kind == yamlnode.Null:
		return nil
	case n.Kind == yamlnode.Seq:
		return n.Items
	}
	return []*yamlnode.Node{n}
}
