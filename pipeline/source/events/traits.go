package events

import (
	"fmt"
	"strings"

	"sfsync/mapping/event"
	"sfsync/pipeline/row"
)

const (
	// maxKey is the longest trait name in bytes that becomes a column.
	maxKey = 1024
	// maxGrowth is how many events of an input may bring new traits, each of which costs time in
	// proportion to the rows and columns there are.
	maxGrowth = 500
	// maxTraits bounds the traits that are remembered.
	maxTraits = row.MaxColumns
)

// tree is the traits that are wanted, by key and by path into them.
type tree struct {
	root  node
	rest  bool
	stamp uint64 // numbers the objects looked into; never 0
	known int    // nodes that rest brought

	batch   *row.Batch
	row     int
	pending []pending
	growth  int
	problem row.Problem

	repeats     int64 // events with a trait named twice
	repeatLine  int64 // the first of them
	repeatKey   string
	repeatedRow bool
}

// node is a trait, or a member of one.
type node struct {
	name   string
	column int // that a path names or rest gave it, else none
	planned,
	dotted bool // a path names it; it is a key that is spelled like a path
	kids   map[string]*node
	order  []*node
	inside bool // a path leads into it
	plain  bool // no backslash in the name: JSON may have it as it is
	// first is the member that the last such object began with, next the one that followed this one:
	// events look alike, and then a comparison finds what else takes a look into a map.
	first, next *node

	seen uint64 // the object in which it was last met
	kind row.Kind
	text string
}

// none is the column of a trait that has none.
const none = -1

// pending is a value whose column does not exist yet.
type pending struct {
	node   *node
	column string
}

func (n *node) kid(name string) *node {
	k := n.kids[name]
	if k == nil {
		if n.kids == nil {
			n.kids = make(map[string]*node)
		}
		k = &node{name: name, column: none, plain: strings.IndexByte(name, '\\') < 0}
		n.kids[name] = k
		n.order = append(n.order, k)
	}
	return k
}

// want says that a path into the traits goes to a column.
func (t *tree) want(path string, column int) {
	n := &t.root
	segments := strings.Split(path, ".")
	for i, seg := range segments {
		n = n.kid(seg)
		if i < len(segments)-1 {
			n.inside = true
		}
	}
	n.column, n.planned = column, true
	if len(segments) > 1 { // a key that is spelled like the path wins over it
		if k := t.root.kid(path); !k.planned {
			k.column, k.planned, k.dotted = column, true, true
		}
	}
}

// put stores the traits of an event in row r of a batch, whose schema may grow. The problem has no
// code where all went well.
func (t *tree) put(b *row.Batch, r int, root, context row.Cell) row.Problem {
	t.batch, t.row, t.problem, t.repeatedRow = b, r, row.Problem{}, false
	t.pending = t.pending[:0]
	t.stamp += 2
	if isObject(root) {
		t.gather(&t.root, root.Text, 0, t.stamp)
	}
	if isObject(context) {
		t.gather(&t.root, context.Text, t.stamp, t.stamp+1)
	}
	t.store(&t.root, t.stamp)
	if t.problem.Code == "" && len(t.pending) > 0 {
		t.widen()
	}
	return t.problem
}

// gather notes the members of an object that are wanted, as met under a stamp; those that have the
// stamp of another object win.
func (t *tree) gather(n *node, object string, winner, stamp uint64) {
	c := cursor{s: object}
	expected := &n.first
	for more := c.enter(); more; more = c.next() {
		key := c.key()
		kind, text := c.value()
		k := *expected
		if k == nil || !k.plain || k.name != key {
			k = t.find(n, key)
		}
		if k != nil {
			*expected, expected = k, &k.next
		}
		switch {
		case k == nil || winner != 0 && k.seen == winner:
			continue
		case k.seen == stamp:
			t.repeated(k)
		}
		k.seen, k.kind, k.text = stamp, kind, text
	}
}

// find returns the node of a key, or nil if nobody wants it.
func (t *tree) find(n *node, key string) *node {
	key = plain(key)
	if k := n.kids[key]; k != nil {
		return k
	}
	switch {
	case !t.rest || n != &t.root && !t.top(n):
		return nil
	case len(key) > maxKey:
		t.fail("a trait's name is longer than %d bytes", maxKey)
		return nil
	case t.known >= maxTraits:
		t.fail("the events have more than %d traits: is a name made of data?", maxTraits)
		return nil
	}
	t.known++
	return n.kid(strings.Clone(key))
}

// top reports whether a node is a trait itself, no member of one.
func (t *tree) top(n *node) bool { return t.root.kids[n.name] == n }

func (t *tree) fail(format string, args ...any) {
	if t.problem.Code == "" {
		t.problem = row.Problem{Code: "BAD_KEY", Message: fmt.Sprintf(format, args...)}
	}
}

// repeated notes that a key was named before in the same object.
func (t *tree) repeated(k *node) {
	if t.repeatedRow {
		return
	}
	t.repeatedRow = true
	if t.repeats++; t.repeats == 1 {
		t.repeatLine, t.repeatKey = t.batch.Line(t.row), k.name
	}
}

// store puts the members that were gathered since a stamp into their columns. Those that are spelled
// like a path come last, and so win.
func (t *tree) store(n *node, since uint64) {
	late := false
	for _, k := range n.order {
		switch {
		case k.seen < since:
		case k.dotted:
			late = true
		default:
			t.storeOne(n, k)
		}
	}
	for _, k := range n.order {
		if late && k.dotted && k.seen >= since {
			t.storeOne(n, k)
		}
	}
}

// storeOne puts a member of a node into its column, or its own members into theirs.
func (t *tree) storeOne(of, k *node) {
	object := k.kind == row.JSON && strings.HasPrefix(k.text, "{")
	flat := object && of == &t.root && t.rest // its members are columns
	switch {
	case k.column != none:
		// An object into which paths lead is no value itself: company may be a name or an object.
		if !object || !k.inside {
			t.set(k)
		}
	case t.rest && !flat && of == &t.root:
		t.pending = append(t.pending, pending{k, event.Traits + k.name})
	case t.rest && !flat && t.top(of):
		t.pending = append(t.pending, pending{k, event.Traits + of.name + "." + k.name})
	}
	if object && (k.inside || flat) {
		t.stamp += 2
		since := t.stamp
		t.gather(k, k.text, 0, since)
		t.store(k, since)
	}
}

// set stores the value of a node in its column.
func (t *tree) set(k *node) {
	if !k.planned && t.batch.Cell(t.row, k.column).Kind() != row.Absent {
		t.fail("two traits are called %s: one with a dot in its name, one inside an object", quote(t.batch.Schema().Columns[k.column].Name))
		return
	}
	switch k.kind {
	case row.Null:
		t.batch.SetKind(t.row, k.column, row.Null)
	case row.Text:
		t.batch.End(t.row, k.column, row.Text, appendText(t.batch.Begin(), k.text))
	default:
		t.batch.Set(t.row, k.column, k.kind, k.text)
	}
}

// widen gives the new traits of the event columns, and their cells what was found.
func (t *tree) widen() {
	schema := t.batch.Schema()
	if t.growth++; t.growth > maxGrowth || len(schema.Columns)+len(t.pending) > row.MaxColumns {
		t.fail("new traits keep coming: is a name made of data?")
		return
	}
	cols := make([]row.Column, 0, len(t.pending))
	names := make(map[string]int, len(t.pending))
	for _, p := range t.pending {
		c := schema.Index(p.column)
		if c < 0 {
			var again bool
			if c, again = names[p.column]; !again {
				c = len(schema.Columns) + len(cols)
				names[p.column] = c
				cols = append(cols, row.Column{Name: p.column, Type: "json"})
			}
		}
		p.node.column = c
	}
	t.batch.Widen(schema.With(cols...))
	for _, p := range t.pending {
		t.set(p.node)
	}
}
