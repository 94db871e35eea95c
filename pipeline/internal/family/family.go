// Package family finds out which of many records have something in common, directly or by way of others: a record of the
// org, or a key that one is matched by and another is matched by or sends.
package family

import (
	"cmp"
	"slices"
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/internal/target"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/row"
)

// Key is what targets of an object match by. The fields are in the order of their names.
type Key struct {
	Fields []*schema.Field
	salt   uint64
}

// Own is a match key as a target has it.
type Own struct {
	Number  int   // of the key among those of all targets
	Key     int   // among those of the target
	Columns []int // of the folded parts
}

// Keys are those of the targets of one object.
type Keys []Key

// Add takes the match keys of a target in, but for the record id, and returns them.
func (keys *Keys) Add(t *target.Target) (own []Own) {
	for k := range t.Keys[:len(t.Keys)-1] {
		key := &t.Keys[k]
		if key.IsID() {
			continue
		}
		o := Own{Key: k}
		order := make([]int, len(key.Fields))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(key.Fields[a].Name, key.Fields[b].Name) })
		m := Key{}
		for _, i := range order {
			m.Fields = append(m.Fields, key.Fields[i])
			m.salt = m.salt*0x9E3779B97F4A7C15 ^ row.Hash(key.Fields[i].Name)
			o.Columns = append(o.Columns, key.Columns[i])
		}
		if o.Number = slices.IndexFunc(*keys, m.is); o.Number < 0 {
			o.Number = len(*keys)
			*keys = append(*keys, m)
		}
		own = append(own, o)
	}
	return own
}

// is reports whether two keys are of the same fields.
func (m *Key) is(of Key) bool {
	return slices.EqualFunc(m.Fields, of.Fields, func(a, b *schema.Field) bool { return a.Name == b.Name })
}

// None stands for a record that sends nothing of a key.
const None = ^uint64(0)

// All is the set of all fields of a key.
func (m *Key) All() uint64 { return 1<<len(m.Fields) - 1 }

// Token is that of the values of a set of the fields of a key.
func (m *Key) Token(set uint64, values []string) uint64 {
	h := m.salt ^ set*0xD6E8FEB86659FD93
	for i, v := range values {
		if set&(1<<i) != 0 {
			h = h*0x9E3779B97F4A7C15 ^ row.Hash(v)
		}
	}
	return h
}

// Identity is the token of a record of the org.
func Identity(id string) uint64 { return row.Hash(schema.ID18(id)) }

// Sends returns which fields of a key a record sends, or None, and appends their values to dst, one for each field of
// the key. A field that is set by a key of the record it refers to is not among them, since its value is not known:
// such a record has something in common with all that have the rest of the key.
func (m *Key) Sends(t *target.Target, it work.Item, dst []string) (set uint64, values []string) {
	if t.Plan.Operation == mapping.Delete {
		return None, dst
	}
	b, sends := t.Cells(it.Batch), false
	s := b.Schema()
	for i, field := range m.Fields {
		dst = append(dst, "")
		for c, col := range s.Columns {
			cell := b.Cell(int(it.Row), c)
			if cell.Kind() == row.Absent || target.Hidden(col.Name) {
				continue
			}
			if col.Name == field.Name {
				if cell.Blank() {
					return None, dst // no record is matched by it afterwards
				}
				set, sends = set|1<<i, true
				dst[i] = field.FoldKey(cell.Text)
			} else if path, _, is := strings.Cut(col.Name, "."); is && field.RelationshipName != "" && strings.HasSuffix(path, field.RelationshipName) {
				sends = true
			}
		}
	}
	if !sends {
		return None, dst
	}
	return set, dst
}

// Finder finds families of the records 0 to n-1.
type Finder struct {
	parents []int
	firsts  []uint64 // a token of each record, or 0
	holders map[uint64]int
}

// NewFinder returns a Finder for n records that have nothing in common.
func NewFinder(n int) *Finder {
	f := &Finder{parents: make([]int, n), firsts: make([]uint64, n), holders: make(map[uint64]int)}
	for i := range f.parents {
		f.parents[i] = i
	}
	return f
}

// Has says that a record has a token: it belongs to all others that have it.
func (f *Finder) Has(i int, token uint64) {
	of, known := f.holders[token]
	if !known {
		f.holders[token] = i
	} else if a, b := f.root(of), f.root(i); a != b {
		f.parents[max(a, b)] = min(a, b)
	}
	if f.firsts[i] == 0 {
		f.firsts[i] = token
	}
}

func (f *Finder) root(i int) int {
	for f.parents[i] != i {
		f.parents[i] = f.parents[f.parents[i]]
		i = f.parents[i]
	}
	return i
}

// salt tells families from the tokens that they are made of.
const salt = 0x9E3779B97F4A7C15

// Family returns a hash that the records of a family have in common, 0 for one that has no tokens.
func (f *Finder) Family(i int) uint64 {
	first := f.firsts[f.root(i)]
	if first == 0 {
		return 0
	}
	return (first ^ salt) | 1
}
