package jsonl

import "strings"

// pathTree finds the wanted values of a JSON object. It is built once a file; while rows are
// read, the key that followed a key last time is tried first, so that rows that look alike
// cost one comparison a key.
type pathTree struct {
	root *pathNode
	// exact is, for each column, the row in which a top-level key was spelled exactly like
	// its dotted name, which then wins over the path.
	exact []uint64
}

// pathNode is an object that is looked into.
type pathNode struct {
	keys  map[string]*pathKey
	wants []*pathKey // those of keys that were wanted from the start
	first *pathKey   // the key the last row's object began with
}

// pathKey is a key of such an object.
type pathKey struct {
	name   string
	column int       // the column its value goes to, noColumn or newColumn
	node   *pathNode // what is wanted inside its value, or nil
	dotted bool      // a top-level key that is spelled like a path
	plain  bool      // printable ASCII without quotes and backslashes: JSON needs no escapes
	seen   uint64    // the row in which it was last met
	next   *pathKey  // the key that followed it last time
}

// wanted reports whether anything of the key's value is.
func (k *pathKey) wanted() bool { return k.column != noColumn || k.node != nil }

const (
	noColumn  = -1 // the value itself is not wanted
	newColumn = -2 // the value is wanted and will get a column once its row proves good
	// maxIdleKeys bounds the keys an object remembers that nobody wants.
	maxIdleKeys = 1000
	// maxKeyLen is the longest key that is remembered.
	maxKeyLen = 1024
)

// newPathTree returns the tree of the paths; path i goes to column i.
func newPathTree(paths []string) *pathTree {
	t := &pathTree{root: newPathNode(), exact: make([]uint64, len(paths))}
	for c, path := range paths {
		n := t.root
		segments := strings.Split(path, ".")
		for i, seg := range segments {
			k := n.key(seg)
			if i == len(segments)-1 {
				k.column = c
				break
			}
			if k.node == nil {
				k.node = newPathNode()
			}
			n = k.node
		}
	}
	for c, path := range paths {
		if strings.Contains(path, ".") {
			k := t.root.key(path)
			k.column, k.dotted = c, true
		}
	}
	t.root.list()
	return t
}

// list notes the keys there are as those that are wanted, at every depth.
func (n *pathNode) list() {
	for _, k := range n.keys {
		n.wants = append(n.wants, k)
		if k.node != nil {
			k.node.list()
		}
	}
}

func newPathNode() *pathNode { return &pathNode{keys: make(map[string]*pathKey)} }

func (n *pathNode) key(name string) *pathKey {
	k := n.keys[name]
	if k == nil {
		k = &pathKey{name: name, column: noColumn, plain: isPlain(name)}
		n.keys[name] = k
	}
	return k
}

func isPlain(name string) bool {
	for _, c := range []byte(name) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// find returns the key of that name. A name nobody wants is remembered too, so that it can
// be expected; nil is returned for one that is not worth remembering.
func (n *pathNode) find(name []byte) *pathKey {
	if k := n.keys[string(name)]; k != nil {
		return k
	}
	if len(n.keys) >= maxIdleKeys || len(name) > maxKeyLen {
		return nil
	}
	return n.key(string(name))
}
