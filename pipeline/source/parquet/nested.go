package parquet

import (
	"bytes"
	"errors"

	"sfsync/mapping/jsoncell"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet/meta"
	"sfsync/pipeline/source/parquet/text"
)

// assembler writes the values of a list or map, and what is in them, as JSON, one row at a time,
// out of the entries of their leaves (Dremel's record assembly). It checks that the leaves of
// a value agree on its shape, which a damaged file's need not.
type assembler struct {
	node   *meta.Node
	leaves []*leaf // from number node.From on
	most   int     // bytes of a text; what goes beyond is dropped

	// The row.
	base int      // where its text begins
	bad  row.Kind // text.BadText or text.BadNumber if a value is one
	long bool     // its text is too long
	err  error

	keys [][2]int // of the maps that are being written
	key  []byte   // scratch
}

var errShape = errors.New("the columns of a list, map or structure do not agree on its entries")

func (a *assembler) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

// below returns the leaves of a node.
func (a *assembler) below(n *meta.Node) []*leaf {
	return a.leaves[n.From-a.node.From : n.To-a.node.From]
}

// row adds the cell of the next row.
func (a *assembler) row(c *text.Cells) error {
	a.base, a.bad, a.long, a.err, a.keys = len(c.Text), 0, false, nil, a.keys[:0]
	if first := a.leaves[0]; a.peek(first) && first.reps[first.next] != 0 {
		a.fail(first.inGroup(errors.New("a row begins inside a list")))
	}
	dst := a.value(c.Text, a.node)
	for _, l := range a.leaves {
		if a.err == nil && a.more(l, 1) {
			a.fail(l.inGroup(errShape))
		}
	}
	if a.err != nil {
		return a.err
	}
	kind := row.JSON
	switch {
	case a.long:
		kind, dst = text.TooLong, dst[:a.base]
	case a.bad != 0:
		kind = a.bad
	case string(dst[a.base:]) == "null":
		kind, dst = row.Null, dst[:a.base]
	}
	c.Add(dst, kind)
	if err := c.Count(a.leaves[0].r.mem); err != nil {
		return a.leaves[0].wrap(err)
	}
	return nil
}

// peek makes sure that the leaf has its next entry at hand.
func (a *assembler) peek(l *leaf) bool {
	if l.next < l.n {
		return true
	}
	if err := l.refill(false); err != nil {
		a.fail(err)
		return false
	}
	return true
}

// more reports whether the next entry of the leaf in this chunk goes on with a list of
// repetition level rep. At the end of the chunk there is none.
func (a *assembler) more(l *leaf, rep uint8) bool {
	if l.next == l.n && l.entries == 0 && l.left == 0 {
		return false
	}
	return a.peek(l) && l.reps[l.next] >= rep
}

// value appends node n of the current row.
func (a *assembler) value(dst []byte, n *meta.Node) []byte {
	first := a.below(n)[0]
	if a.err != nil || !a.peek(first) {
		return dst
	}
	def := first.MaxDef
	if first.MaxDef > 0 {
		def = first.defs[first.next]
	}
	if def < n.Def {
		a.skip(n, def)
		return append(dst, "null"...)
	}
	switch n.Kind {
	case meta.LeafNode:
		return a.leaf(dst, first)
	case meta.StructNode:
		dst = append(dst, '{')
		for i, c := range n.Children {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = a.value(append(dst, c.Key...), c)
		}
		return append(a.cut(dst), '}')
	}
	open, end := byte('['), byte(']')
	if n.Kind == meta.MapNode {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	if def < n.Some {
		a.skip(n, def)
		return append(dst, end)
	}
	if n.Kind == meta.MapNode {
		return append(a.pairs(dst, n), end)
	}
	for i := 0; ; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = a.cut(a.value(dst, n.Children[0]))
		if !a.again(n) {
			return append(dst, end)
		}
	}
}

// cut drops what goes beyond the length a text may have.
func (a *assembler) cut(dst []byte) []byte {
	if len(dst)-a.base > a.most {
		a.long = true
		return dst[:a.base+a.most]
	}
	return dst
}

// again reports whether list n goes on: all its leaves must say the same.
func (a *assembler) again(n *meta.Node) bool {
	if a.err != nil {
		return false
	}
	leaves := a.below(n)
	more := a.more(leaves[0], n.Rep)
	for _, l := range leaves {
		if a.more(l, n.Rep) != more || more && l.reps[l.next] != n.Rep {
			a.fail(l.inGroup(errShape))
			return false
		}
	}
	return more
}

// skip passes over the one entry that each leaf of n has where n is null or empty at level def.
func (a *assembler) skip(n *meta.Node, def uint8) {
	for _, l := range a.below(n) {
		if !a.peek(l) {
			return
		}
		if l.defs[l.next] != def {
			a.fail(l.inGroup(errShape))
			return
		}
		l.next++
	}
}

// leaf appends the next value of a leaf, which is not null.
func (a *assembler) leaf(dst []byte, l *leaf) []byte {
	l.next++
	v, kind, err := l.value()
	if err != nil {
		a.fail(err)
		return dst
	}
	switch kind {
	case row.Number, row.Bool, row.JSON:
		return append(dst, v...)
	case row.Null:
		return append(dst, "null"...)
	case text.BadText, text.BadNumber:
		a.bad = kind
	}
	return jsoncell.AppendText(dst, v)
}

// pairs appends the entries of a map. Of several with one key the last counts, as the format
// has it.
func (a *assembler) pairs(dst []byte, n *meta.Node) []byte {
	from := len(a.keys)
	for i := 0; ; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		at := len(dst)
		dst = a.value(dst, n.Children[0])
		if len(dst) > at && dst[at] != '"' {
			a.key = append(a.key[:0], dst[at:]...)
			dst = jsoncell.AppendText(dst[:at], a.key)
		}
		a.keys = append(a.keys, [2]int{at, len(dst)})
		dst = a.cut(a.value(append(dst, ':'), n.Children[1]))
		if !a.again(n) {
			break
		}
	}
	if !a.long {
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
