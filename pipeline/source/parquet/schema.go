package parquet

import (
	"errors"
	"fmt"
	"strconv"
)

const (
	// maxDepth is how deep a schema may be nested.
	maxDepth = 64
	// maxName is the longest name of a column.
	maxName = 4096
)

// physical is how values are stored (parquet.thrift, Type).
type physical uint8

const (
	physBool physical = iota
	physInt32
	physInt64
	physInt96
	physFloat
	physDouble
	physBytes
	physFixed
)

func (p physical) String() string {
	names := [...]string{"boolean", "int32", "int64", "int96", "float", "double", "binary", "fixed"}
	if int(p) < len(names) {
		return names[p]
	}
	return "type " + strconv.Itoa(int(p))
}

// width returns the bytes of a value; 0 for those of varying length and for booleans, whose
// values are bits.
func (l *leafType) widthOf() int {
	switch l.typ {
	case physInt32, physFloat:
		return 4
	case physInt64, physDouble:
		return 8
	case physInt96:
		return 12
	case physFixed:
		return int(l.length)
	}
	return 0
}

type repetition uint8

const (
	required repetition = iota
	optional
	repeated
)

// logical is what values mean.
type logical struct {
	kind             logicalKind
	unit             unit
	utc              bool // of times and timestamps
	bits             int8 // of integers
	signed           bool
	scale, precision int32 // of decimals
}

type logicalKind uint8

const (
	logNone logicalKind = iota
	logString
	logMap
	logList
	logEnum
	logDecimal
	logDate
	logTime
	logTimestamp
	logInteger
	logNull
	logJSON
	logBSON
	logUUID
	logFloat16
	logInterval
)

// unit is the unit of times and timestamps.
type unit uint8

const (
	noUnit unit = iota
	millis
	micros
	nanos
)

func (u unit) String() string { return [...]string{"?", "ms", "us", "ns"}[u] }

// leafType is a leaf of the schema: a column as the file stores it.
type leafType struct {
	name           string // its path, for messages
	index          int    // among the leaves
	typ            physical
	length         int32
	logical        logical
	width          int // bytes of a value, 0 if they vary
	maxDef, maxRep uint8
	format         formatter
	isText         bool // format is text
	typeName       string
	refused        string // why its values cannot be read, or ""
}

// node is a value of the schema as JSON sees it.
type node struct {
	name     string
	kind     nodeKind
	def      uint8 // the definition level from which the value is not null
	children []*node
	from, to int // its leaves
	// Of lists and maps: the repetition level of a further entry, and the definition level
	// from which there is a first one.
	rep, some uint8
	leaf      *leafType
	key       []byte // of a field of a structure: its name as JSON with a colon
}

type nodeKind uint8

const (
	leafNode nodeKind = iota
	structNode
	listNode
	mapNode
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
	leaves   []*leafType
	names    []string // the path to where it is
}

// buildSchema returns the root of the schema and its leaves.
func buildSchema(elements []element) (*node, []*leafType, error) {
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
	root := &node{kind: structNode}
	for _, c := range t.children {
		n, err := b.node(c, 0, 0)
		if err != nil {
			return nil, nil, err
		}
		if n != nil {
			root.children = append(root.children, n)
		}
	}
	root.to = len(b.leaves)
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
		return nil, fmt.Errorf("column %s is a value and a group of %d at once", quote(t.name), t.element.children)
	case t.leaf:
		return t, nil
	case t.element.children < 0 || int(t.element.children) > len(b.elements)-b.next:
		return nil, fmt.Errorf("group %s should have %d fields, more than the schema has", quote(t.name), t.element.children)
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
func (b *builder) node(t *tree, def, rep uint8) (*node, error) {
	b.names = append(b.names, t.name)
	defer func() { b.names = b.names[:len(b.names)-1] }()
	if t.repetition == repeated { // a list without a group around it
		return b.list(t, t, def, rep)
	}
	if t.repetition == optional {
		def++
	}
	if !t.leaf && len(t.children) == 1 && t.children[0].repetition == repeated {
		switch c := t.children[0]; {
		case t.logical.kind == logList:
			return b.list(t, c, def, rep)
		case t.logical.kind == logMap && !c.leaf && len(c.children) == 2 && c.children[0].leaf && c.children[0].repetition != repeated:
			return b.mapOf(t, c, def, rep)
		case t.logical.kind == logMap:
			return b.list(t, c, def, rep)
		}
	}
	return b.value(t, def, rep)
}

// value makes a node of an element whose own repetition is in the levels already.
func (b *builder) value(t *tree, def, rep uint8) (*node, error) {
	n := &node{name: t.name, kind: structNode, def: def, from: len(b.leaves)}
	if t.leaf {
		l, err := b.leaf(t, def, rep)
		if err != nil {
			return nil, err
		}
		n.kind, n.leaf, n.to = leafNode, l, len(b.leaves)
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
		name := child.name
		for i := 2; seen[name]; i++ {
			name = child.name + "_" + strconv.Itoa(i)
		}
		seen[name] = true
		child.key = append(appendString(nil, name), ':')
		n.children = append(n.children, child)
	}
	if len(n.children) == 0 {
		return nil, nil
	}
	n.to = len(b.leaves)
	return n, nil
}

// list makes a node of the list t, null below level def, whose entries are the repeated
// element c (which is t itself in a list without a group around it). See the backward
// compatibility rules in LogicalTypes.md of the format.
func (b *builder) list(t, c *tree, def, rep uint8) (*node, error) {
	n := &node{name: t.name, kind: listNode, def: def, from: len(b.leaves), rep: rep + 1, some: def + 1}
	var entry *node
	var err error
	if c != t && !c.leaf && len(c.children) == 1 && c.children[0].repetition != repeated && c.name != "array" && c.name != t.name+"_tuple" {
		b.names = append(b.names, c.name)
		entry, err = b.node(c.children[0], n.some, n.rep)
		b.names = b.names[:len(b.names)-1]
	} else {
		entry, err = b.value(c, n.some, n.rep)
	}
	if err != nil || entry == nil {
		return nil, err
	}
	n.children = []*node{entry}
	n.to = len(b.leaves)
	return n, nil
}

// mapOf makes a node of the map t with the repeated pair c.
func (b *builder) mapOf(t, c *tree, def, rep uint8) (*node, error) {
	n := &node{name: t.name, kind: mapNode, def: def, from: len(b.leaves), rep: rep + 1, some: def + 1}
	for _, e := range c.children {
		child, err := b.node(e, n.some, n.rep)
		if err != nil {
			return nil, err
		}
		if child == nil { // a value without leaves: a set of keys
			continue
		}
		n.children = append(n.children, child)
	}
	if len(n.children) < 2 {
		n.kind = listNode
	}
	n.to = len(b.leaves)
	return n, nil
}

func (b *builder) leaf(t *tree, def, rep uint8) (*leafType, error) {
	l := &leafType{name: joinPath(b.names), index: len(b.leaves), typ: t.typ, length: t.length, logical: t.logical, maxDef: def, maxRep: rep}
	if l.typ == physFixed && (l.length <= 0 || l.length > maxFixed) {
		return nil, fmt.Errorf("column %s has values of %d bytes", quote(l.name), l.length)
	}
	l.width = l.widthOf()
	if err := l.resolve(); err != nil {
		return nil, fmt.Errorf("column %s: %w", quote(l.name), err)
	}
	b.leaves = append(b.leaves, l)
	return l, nil
}

// typeName returns the type of a value for people to read.
func (n *node) typeName() string {
	s := n.typeText(0)
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}

func (n *node) typeText(depth int) string {
	if depth > 4 {
		return "…"
	}
	switch n.kind {
	case leafNode:
		return n.leaf.typeName
	case listNode:
		return "list<" + n.children[0].typeText(depth+1) + ">"
	case mapNode:
		return "map<" + n.children[0].typeText(depth+1) + ", " + n.children[1].typeText(depth+1) + ">"
	}
	s := "struct<"
	for i, c := range n.children {
		if i > 0 {
			s += ", "
		}
		if i == 8 {
			s += "…"
			break
		}
		s += c.name + ": " + c.typeText(depth+1)
	}
	return s + ">"
}

func joinPath(names []string) string {
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
