package target

import (
	"slices"
	"strings"

	"sfsync/mapping"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// Want is what lookups of a target ask for besides the id, and where it stands in a match's values.
type Want struct {
	Names   []string
	Created int     // CreatedDate, or -1
	Contact int     // ConvertedContactId, or -1
	Keys    [][]int // the parts of each key
	Columns []int   // each column of the batches, or -1
	Behind  []int   // the reference behind which the field of each column stands, or -1

	schema *row.Schema // of the batches it is for
}

// newWant returns what to ask for rows with the columns of s.
func newWant(t *Target, s *row.Schema) *Want {
	p := t.Plan
	w := &Want{schema: s, Created: -1, Contact: -1, Columns: make([]int, len(s.Columns)), Behind: make([]int, len(s.Columns))}
	add := func(name string) int {
		if i := slices.Index(w.Names, name); i >= 0 {
			return i
		}
		w.Names = append(w.Names, name)
		return len(w.Names) - 1
	}
	if p.OnMany == mapping.ManyNewest || p.OnMany == mapping.ManyOldest {
		w.Created = add("CreatedDate")
	}
	if p.Redirect >= 0 {
		w.Contact = add("ConvertedContactId")
	}
	for _, k := range t.Keys[:len(t.Keys)-1] {
		var parts []int
		for _, f := range k.Fields {
			i := -1
			if len(t.Keys) > 2 { // only then can an earlier key contradict
				i = add(f.Name)
			}
			parts = append(parts, i)
		}
		w.Keys = append(w.Keys, parts)
	}
	for c, col := range s.Columns {
		w.Columns[c], w.Behind[c] = -1, -1
		if Hidden(col.Name) || t.Find {
			continue
		}
		if (t.Rehearsed || t.Compare) && p.Operation != mapping.Delete || slices.Contains(p.OnlyIfEmpty, c) {
			w.Columns[c] = add(col.Name)
			if c < len(p.Behind) && p.Behind[c] != "" {
				w.Behind[c] = add(p.Behind[c])
			}
		}
	}
	return w
}

// Stored returns what a record has in the field of column c: where that is a key of a record referred to
// which lacks it, the reference.
func (w *Want) Stored(m *sink.Match, c int) row.Cell {
	cell := m.Values[w.Columns[c]]
	if w.Behind[c] >= 0 && cell.Blank() {
		return m.Values[w.Behind[c]]
	}
	return cell
}

// Hidden reports whether a column is no field and never sent.
func Hidden(column string) bool { return strings.HasPrefix(column, "\x00") }

// WantOf returns what to ask for a row. Only where records are compared does it depend on the columns that
// rest: custom gave to the row's batch. Only the former may call it.
func (t *Target) WantOf(it work.Item) *Want {
	s := t.Cells(it.Batch).Schema()
	if !t.Rehearsed && !t.Compare || s == t.wants[0].schema {
		return t.wants[0]
	}
	for _, w := range t.wants[1:] {
		if w.schema == s {
			return w
		}
	}
	const kept = 64 // as many as a plan remembers of the schemas it has met
	if len(t.wants) > kept {
		t.wants = t.wants[:1]
	}
	w := newWant(t, s)
	t.wants = append(t.wants, w)
	return w
}

// Ask is the question for the records that hold the items' keys.
func (t *Target) Ask(items []work.Item, k int, w *Want) sink.Lookup {
	q := sink.Lookup{Object: t.Sink.Object, By: t.Keys[k].By, Want: w.Names, Keys: make([]string, len(items))}
	// What others have entered meanwhile must not be overwritten, nor a record deleted that they gave another key.
	q.Fresh = t.Plan.Operation == mapping.Delete || len(t.Plan.OnlyIfEmpty) > 0
	for i, it := range items {
		q.Keys[i] = t.Text(it, k)
		q.Fresh = q.Fresh || it.Record().Resend
	}
	return q
}
