package parquet

import (
	"bytes"
	"errors"
	"fmt"

	"sfsync/pipeline/row"
)

// assembler writes the values of lists, maps and what is in them as JSON, one row at a time,
// out of the entries of their leaves (Dremel's record assembly). It checks that the leaves of
// a value agree on its shape, which a damaged file's need not.
type assembler struct {
	r    *Reader
	most int // bytes of a row's text; what goes beyond is dropped
	base int
	cell []byte   // scratch
	bad  row.Kind // badText or badNumber if a value of the row is one
	keys [][2]int
}

var errShape = errors.New("the columns of a list, map or structure do not agree on its entries")

// peek makes sure that the leaf has its next entry at hand.
func (l *leaf) peek() bool {
	if l.next < l.n {
		return true
	}
	if err := l.refill(); err != nil {
		l.r.fail(err)
		return false
	}
	return true
}

// more reports whether the next entry of the leaf in this chunk goes on with a list of
// repetition level rep. At the end of the chunk there is none.
func (l *leaf) more(rep uint8) bool {
	if l.next == l.n && l.entries == 0 && l.left == 0 {
		return false
	}
	return l.peek() && l.reps[l.next] >= rep
}

// value appends node n of the current row.
func (a *assembler) value(dst []byte, n *node) []byte {
	first := a.r.leaves[n.from]
	if a.r.err != nil || !first.peek() {
		return dst
	}
	def := first.maxDef
	if first.maxDef > 0 {
		def = first.defs[first.next]
	}
	if def < n.def {
		a.skip(n, def)
		return append(dst, "null"...)
	}
	switch n.kind {
	case leafNode:
		return a.leaf(dst, first)
	case structNode:
		dst = append(dst, '{')
		for i, c := range n.children {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = a.value(append(dst, c.key...), c)
		}
		return append(a.cut(dst), '}')
	}
	open, end := byte('['), byte(']')
	if n.kind == mapNode {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	if def < n.some {
		a.skip(n, def)
		return append(dst, end)
	}
	if n.kind == mapNode {
		return append(a.pairs(dst, n), end)
	}
	for i := 0; ; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = a.cut(a.value(dst, n.children[0]))
		if !a.again(n) {
			return append(dst, end)
		}
	}
}

// cut drops what goes beyond the length a row may have.
func (a *assembler) cut(dst []byte) []byte {
	if len(dst)-a.base > a.most {
		a.r.long = true
		return dst[:a.base+a.most]
	}
	return dst
}

// again reports whether list n goes on: all its leaves must say the same.
func (a *assembler) again(n *node) bool {
	if a.r.err != nil {
		return false
	}
	more := a.r.leaves[n.from].more(n.rep)
	for _, l := range a.r.leaves[n.from:n.to] {
		if l.more(n.rep) != more || more && l.reps[l.next] != n.rep {
			a.r.fail(fmt.Errorf("row group %d, column %s: %w", a.r.group, quote(l.name), errShape))
			return false
		}
	}
	return more
}

// skip passes over the one entry that each leaf of n has where n is null or empty at level def.
func (a *assembler) skip(n *node, def uint8) {
	for _, l := range a.r.leaves[n.from:n.to] {
		if !l.peek() {
			return
		}
		if l.defs[l.next] != def {
			a.r.fail(fmt.Errorf("row group %d, column %s: %w", a.r.group, quote(l.name), errShape))
			return
		}
		l.next++
	}
}

// leaf appends the next value of a leaf, which is not null.
func (a *assembler) leaf(dst []byte, l *leaf) []byte {
	l.next++
	from := len(dst)
	dst, kind := l.appendValue(dst)
	switch kind {
	case row.Number, row.Bool, row.JSON:
		return dst
	case row.Null:
		return append(dst[:from], "null"...)
	case badText, badNumber:
		a.bad = kind
	}
	a.cell = append(a.cell[:0], dst[from:]...)
	return appendString(dst[:from], a.cell)
}

// pairs appends the entries of a map. Of several with one key the last counts, as the format
// has it.
func (a *assembler) pairs(dst []byte, n *node) []byte {
	from := len(a.keys)
	for i := 0; ; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		at := len(dst)
		dst = a.value(dst, n.children[0])
		if len(dst) > at && dst[at] != '"' {
			a.cell = append(a.cell[:0], dst[at:]...)
			dst = appendString(dst[:at], a.cell)
		}
		a.keys = append(a.keys, [2]int{at, len(dst)})
		dst = a.cut(a.value(append(dst, ':'), n.children[1]))
		if !a.again(n) {
			break
		}
	}
	if !a.r.long {
		dst = dropRepeats(dst, a.keys[from:])
	}
	a.keys = a.keys[:from]
	return dst
}

// dropRepeats removes the entries whose keys come again. An entry goes from its key to the
// next one.
func dropRepeats(dst []byte, keys [][2]int) []byte {
	if len(keys) < 2 {
		return dst
	}
	repeated := false
	if len(keys) <= 8 { // no map is needed for few
		for i, k := range keys {
			for _, o := range keys[i+1:] {
				repeated = repeated || bytes.Equal(dst[k[0]:k[1]], dst[o[0]:o[1]])
			}
		}
		if !repeated {
			return dst
		}
	}
	last := make(map[string]int, len(keys))
	for i, k := range keys {
		last[string(dst[k[0]:k[1]])] = i
	}
	if len(last) == len(keys) {
		return dst
	}
	out := keys[0][0]
	for i, k := range keys {
		end := len(dst)
		if i+1 < len(keys) {
			end = keys[i+1][0] - 1 // the comma
		}
		if last[string(dst[k[0]:k[1]])] != i {
			continue
		}
		if out > keys[0][0] {
			dst[out] = ','
			out++
		}
		out += copy(dst[out:], dst[k[0]:end])
	}
	return dst[:out]
}
