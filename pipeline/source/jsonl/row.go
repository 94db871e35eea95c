package jsonl

import (
	"fmt"

	"sfsync/pipeline/row"
)

// pendingCell is a value whose column does not exist yet.
type pendingCell struct {
	key        *pathKey
	kind       row.Kind
	start, end int
	escaped    bool
}

// object scans an object that is looked into and stores what is wanted of it.
func (r *Reader) object(p int, n *pathNode, depth int) int {
	s := &r.scan
	if !s.enter(p, depth) {
		return -1
	}
	p, more := s.open(p+1, '}')
	expected := &n.first // where the key that is likely to come is noted
	for more {
		var k *pathKey
		var v int
		if expected != nil && s.keyIs(p, *expected) {
			k = *expected
			v = s.colon(p + 2 + len(k.name))
		} else {
			var quote int
			var escaped bool
			if quote, escaped, v = s.key(p); v >= 0 {
				if k = r.find(n, s.data[p+1:quote], escaped); r.badKey != "" {
					return s.fail(p, r.badKey)
				}
			}
			if expected != nil && k != nil {
				*expected = k
			}
		}
		if v < 0 {
			return -1
		}
		if expected = nil; k != nil {
			expected = &k.next
		}
		if k == nil || !k.wanted() {
			p = s.value(v, depth+1)
		} else {
			p = r.member(v, k, depth+1)
		}
		if p < 0 {
			return -1
		}
		if p, more = s.next(p, '}'); p < 0 {
			return -1
		}
	}
	return p
}

// keyIs reports whether the key k, which may be nil, stands at p as it is: a comparison, where
// scanning a string costs three times as much.
func (s *scanner) keyIs(p int, k *pathKey) bool {
	if k == nil || !k.plain {
		return false
	}
	q := p + 1 + len(k.name)
	return q < s.end && s.data[q] == '"' && s.data[p] == '"' && string(s.data[p+1:q]) == k.name
}

// find returns the key of that name, or nil for one that nobody wants. With Rest, a new
// top-level key is wanted; badKey is set if it cannot be had.
func (r *Reader) find(n *pathNode, name []byte, escaped bool) *pathKey {
	if escaped {
		r.name = appendUnescaped(r.name[:0], name)
		name = r.name
	}
	if n != r.tree.root || !r.rest {
		return n.find(name)
	}
	if k := n.keys[string(name)]; k != nil {
		return k
	}
	switch {
	case len(name) > maxKeyLen:
		r.badKey = fmt.Sprintf("a key is longer than %d bytes", maxKeyLen)
		return nil
	case len(n.keys) >= 2*row.MaxColumns:
		r.badKey = "new keys keep coming: is a key made of data?"
		return nil
	}
	k := n.key(string(name))
	k.column = newColumn
	return k
}

// member scans and stores the value of a key that is wanted.
func (r *Reader) member(v int, k *pathKey, depth int) int {
	if k.seen == r.stamp {
		r.repeated(k)
	}
	k.seen = r.stamp
	s := &r.scan
	var end int
	var kind row.Kind
	switch s.peek(v) {
	case '"':
		quote, escaped := s.str(v + 1)
		if quote < 0 {
			return -1
		}
		r.put(k, row.Text, v+1, quote, escaped)
		return quote + 1
	case '{':
		kind = row.JSON
		if k.node != nil {
			end = r.object(v, k.node, depth)
		} else {
			end = s.object(v, depth)
		}
	case '[':
		kind, end = row.JSON, s.array(v, depth)
	case 't', 'f':
		kind, end = row.Bool, s.value(v, depth)
	case 'n':
		kind, end = row.Null, s.value(v, depth)
	default:
		kind, end = row.Number, s.value(v, depth)
	}
	if end >= 0 {
		r.put(k, kind, v, end, false)
	}
	return end
}

// put stores the text between two places of the line as the value of a key.
func (r *Reader) put(k *pathKey, kind row.Kind, start, end int, escaped bool) {
	switch c := k.column; {
	case c >= 0:
		if k.dotted {
			r.tree.exact[c] = r.stamp
		} else if r.tree.exact[c] == r.stamp {
			return
		}
		r.store(c, kind, start, end, escaped)
	case c == newColumn:
		r.pending = append(r.pending, pendingCell{k, kind, start, end, escaped})
	}
}

func (r *Reader) store(c int, kind row.Kind, start, end int, escaped bool) {
	switch {
	case kind == row.Null:
		r.batch.SetKind(r.row, c, row.Null)
	case escaped:
		r.batch.End(r.row, c, kind, appendUnescaped(r.batch.Begin(), r.scan.data[start:end]))
	default:
		r.batch.SetSpan(r.row, c, kind, r.off+start, r.off+end)
	}
}

// repeated notes that a key was named before in the same object, and forgets what it gave.
func (r *Reader) repeated(k *pathKey) {
	if r.repeatedRow != r.stamp {
		r.repeatedRow = r.stamp
		if r.repeats++; r.repeats == 1 {
			r.repeatLine, r.repeatKey = r.line, k.name
		}
	}
	r.forget(k)
}

func (r *Reader) forget(k *pathKey) {
	k.seen = 0
	if c := k.column; c >= 0 && (k.dotted || r.tree.exact[c] != r.stamp) {
		r.batch.SetKind(r.row, c, row.Absent)
	}
	if k.node == nil {
		return
	}
	for _, inner := range k.node.wants {
		if inner.seen == r.stamp {
			r.forget(inner)
		}
	}
}

// maxGrowth is how many rows of a file may bring new keys. Each of them costs time in
// proportion to the columns there are; in files whose keys are not made of data the first
// rows bring nearly all.
const maxGrowth = 1000

// widen gives the new keys of the row columns, and their cells what was found. It returns
// false if that would be too many columns.
func (r *Reader) widen() bool {
	if r.growth++; r.growth > maxGrowth {
		return false
	}
	var cols []row.Column
	width := len(r.schema.Columns)
	for _, p := range r.pending {
		if p.key.column != newColumn {
			continue // the key was named twice
		}
		if width+len(cols) >= row.MaxColumns {
			for _, p := range r.pending {
				if p.key.column >= width {
					p.key.column = newColumn
				}
			}
			return false
		}
		p.key.column = width + len(cols)
		cols = append(cols, row.Column{Name: p.key.name, Type: "json"})
	}
	r.schema = r.schema.With(cols...)
	r.tree.exact = append(r.tree.exact, make([]uint64, len(cols))...)
	r.batch.Widen(r.schema)
	for _, p := range r.pending {
		r.store(p.key.column, p.kind, p.start, p.end, p.escaped)
	}
	return true
}
