package meta

import (
	"errors"
	"fmt"
	"strconv"

	"sfsync/mapping/jsoncell"
)

const (
	// maxDepth is how deep a schema may be nested.
	maxDepth = 64
	// maxName is the longest name of a column.
	maxName = 4096
	// maxFixed is the longest value of fixed length.
	maxFixed = 1 << 20
)

type repetition uint8

const (
	required repetition = iota
	optional
	repeated
)

// Leaf is a leaf of the schema: a column as the file stores it.
type Leaf struct {
	Name           string // its path, for messages
	Index          int    // among the leaves
	Type           Physical
	Length         int32 // of values of type Fixed
	Width          int   // bytes of a value; 0 if they vary, and for booleans
	Logical        Logical
	MaxDef, MaxRep uint8 // the highest levels
}

// Node is a value of the schema as JSON sees it.
type Node struct {
	Name     string
	Kind     NodeKind
	Def      uint8 // the definition level from which the value is not null
	Children []*Node
	From, To int // its leaves
	// Of lists and maps: the repetition level of a further entry, and the definition level
	// from which there is a first one.
	Rep, Some uint8
	Leaf      *Leaf  // of a leaf
	Key       []byte // of a field of a structure: its name as JSON with a colon
}

// NodeKind is what a node is.
type NodeKind uint8

// The kinds of nodes.
const (
	LeafNode NodeKind = iota
	StructNode
	ListNode
	MapNode
)

// tree is an element with what is below it.
type tree struct {
	*element
	children []*tree
}

// builder makes nodes of schema elements.
type builder struct {
	elements []element
	next     int
	leaves   []*Leaf
	names    []string // the path to where it is
}

// buildSchema returns the root of the schema and its leaves.
func buildSchema(elements []element) (*Node, []*Leaf, error) {
	if len(elements) == 0 {
		return nil, nil, errors.New("it has no schema")
	}
	b := &builder{elements: elements}
	t, err := b.tree(0)
	switch {
	case err != nil:
		return nil, nil, err
	case t.leaf:
		return nil, nil, errors.New("its schema has no columns: the root is a value")
	case b.next < len(elements):
		return nil, nil, fmt.Errorf("its schema has %d elements, of which %d belong together", len(elements), b.next)
	}
	root := &Node{Kind: StructNode}
	for _, c := range t.children {
		n, err := b.node(c, 0, 0)
		if err != nil {
			return nil, nil, err
		}
		if n != nil {
			root.Children = append(root.Children, n)
		}
	}
	root.To = len(b.leaves)
	return root, b.leaves, nil
}

// tree reads the next element and those below it.
func (b *builder) tree(depth int) (*tree, error) {
	if b.next >= len(b.elements) {
		return nil, errors.New("its schema ends inside a group")
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("its schema is nested deeper than %d levels", maxDepth)
	}
	t := &tree{element: &b.elements[b.next]}
	b.next++
	switch {
	case t.leaf && t.element.children > 0:
		return nil, fmt.Errorf("column %s is a value and a group of %d at once", Quote(t.name), t.element.children)
	case t.leaf:
		return t, nil
	case t.element.children < 0 || int(t.element.children) > len(b.elements)-b.next:
		return nil, fmt.Errorf("group %s should have %d fields, more than the schema has", Quote(t.name), t.element.children)
	}
	for range t.element.children {
		c, err := b.tree(depth + 1)
		if err != nil {
			return nil, err
		}
		t.children = append(t.children, c)
	}
	return t, nil
}

// node makes a node of an element that stands in a value of the given levels. It returns nil
// for a group without leaves.
func (b *builder) node(t *tree, def, rep uint8) (*Node, error) {
	b.names = append(b.names, t.name)
	defer func() { b.names = b.names[:len(b.names)-1] }()
	if t.repetition == repeated { // a list without a group around it
		return b.list(t, t, def, rep)
	}
	if t.repetition == optional {
		def++
	}
	return b.annotated(t, def, rep)
}

// annotated makes a node of an element, a list or map if it says so, whose own repetition is in
// the levels already.
func (b *builder) annotated(t *tree, def, rep uint8) (*Node, error) {
	if !t.leaf && len(t.children) == 1 && t.children[0].repetition == repeated {
		switch c := t.children[0]; {
		case t.logical.Kind == List:
			return b.list(t, c, def, rep)
		case t.logical.Kind == Map && !c.leaf && len(c.children) == 2 && c.children[0].leaf && c.children[0].repetition != repeated:
			return b.mapOf(t, c, def, rep)
		case t.logical.Kind == Map:
			return b.list(t, c, def, rep)
		}
	}
	return b.value(t, def, rep)
}

// value makes a node of an element whose own repetition is in the levels already.
func (b *builder) value(t *tree, def, rep uint8) (*Node, error) {
	n := &Node{Name: t.name, Kind: StructNode, Def: def, From: len(b.leaves)}
	if t.leaf {
		l, err := b.leaf(t, def, rep)
		if err != nil {
			return nil, err
		}
		n.Kind, n.Leaf, n.To = LeafNode, l, len(b.leaves)
		return n, nil
	}
	seen := make(map[string]bool, len(t.children))
	for _, c := range t.children {
		child, err := b.node(c, def, rep)
		if err != nil {
			return nil, err
		}
		if child == nil {
			continue
		}
		name := child.Name
		for i := 2; seen[name]; i++ {
			name = child.Name + "_" + strconv.Itoa(i)
		}
		seen[name] = true
		child.Key = append(jsoncell.AppendText(nil, name), ':')
		n.Children = append(n.Children, child)
	}
	if len(n.Children) == 0 {
		return nil, nil
	}
	n.To = len(b.leaves)
	return n, nil
}

// list makes a node of the list t, null below level def, whose entries are the repeated
// element c (which is t itself in a list without a group around it). See the backward
// compatibility rules in LogicalTypes.md of the format.
func (b *builder) list(t, c *tree, def, rep uint8) (*Node, error) {
	n := &Node{Name: t.name, Kind: ListNode, Def: def, From: len(b.leaves), Rep: rep + 1, Some: def + 1}
	var entry *Node
	var err error
	if c != t && !c.leaf && len(c.children) == 1 && c.children[0].repetition != repeated && c.name != "array" && c.name != t.name+"_tuple" {
		b.names = append(b.names, c.name)
		entry, err = b.node(c.children[0], n.Some, n.Rep)
		b.names = b.names[:len(b.names)-1]
	} else {
		entry, err = b.annotated(c, n.Some, n.Rep) // parquet-avro: a repeated group may be a list itself
	}
	if err != nil || entry == nil {
		return nil, err
	}
	n.Children = []*Node{entry}
	n.To = len(b.leaves)
	return n, nil
}

// mapOf makes a node of the map t with the repeated pair c.
func (b *builder) mapOf(t, c *tree, def, rep uint8) (*Node, error) {
	n := &Node{Name: t.name, Kind: MapNode, Def: def, From: len(b.leaves), Rep: rep + 1, Some: def + 1}
	for _, e := range c.children {
		child, err := b.node(e, n.Some, n.Rep)
		if err != nil {
			return nil, err
		}
		if child == nil { // a value without leaves: a set of keys
			continue
		}
		n.Children = append(n.Children, child)
	}
	if len(n.Children) < 2 {
		n.Kind = ListNode
	}
	n.To = len(b.leaves)
	return n, nil
}

func (b *builder) leaf(t *tree, def, rep uint8) (*Leaf, error) {
	l := &Leaf{Name: JoinPath(b.names), Index: len(b.leaves), Type: t.typ, Length: t.length, Width: t.typ.width(t.length), Logical: t.logical, MaxDef: def, MaxRep: rep}
	if l.Type == Fixed && (l.Length <= 0 || l.Length > maxFixed) {
		return nil, fmt.Errorf("column %s has values of %d bytes", Quote(l.Name), l.Length)
	}
	b.leaves = append(b.leaves, l)
	return l, nil
}

// JoinPath returns a path for messages.
func JoinPath(names []string) string {
	n := len(names)
	for _, s := range names {
		n += len(s)
	}
	out := make([]byte, 0, n)
	for i, s := range names {
		if i > 0 {
			out = append(out, '.')
		}
		out = append(out, s...)
	}
	return string(out)
}

// Quote quotes a name for a message, cut to 60 bytes.
func Quote(s string) string {
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return strconv.Quote(s)
}
