package keys

import (
	"slices"

	"sfsync/mapping"
	"sfsync/pipeline/row"
)

// Collector is an index of the match keys of a plan's records. A key with a reference in it, whose id is
// not known yet, is told apart by what the other record is known by. It serves one goroutine.
type Collector struct {
	*Index
	plan *mapping.Plan
	buf  []byte
}

// NewCollector returns one for the records of a plan; dir is that of [New].
func NewCollector(p *mapping.Plan, dir string) *Collector {
	return &Collector{Index: New(dir, 0), plan: p}
}

// indexed reports whether the records of a target are told apart by keys that no two of them
// should share. Those of an implied one are: many rows refer to one parent.
func (x *Collector) indexed(target int) bool {
	return len(x.plan.Targets[target].Keys) > 0 && !x.plan.Implied(target)
}

// AddBatch takes note of the keys of a batch's records, as far as they would be sent. It keeps
// nothing of the batch. The error is an [ErrSpill].
func (x *Collector) AddBatch(m *mapping.Mapped) error {
	for r := range m.Source.Len() {
		var at Place
		for t := range m.Targets {
			if !x.indexed(t) || m.Targets[t].Fate(r) != mapping.Send {
				continue
			}
			if at == 0 {
				at = At(m.Source.File, m.Source.Line(r))
			}
			if err := x.addRecord(m, t, r, at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *Collector) addRecord(m *mapping.Mapped, t, r int, at Place) error {
	first := true
	for k, key := range x.plan.Targets[t].Keys {
		var text string
		if len(key.Columns) == 1 {
			if cell := m.Targets[t].Batch.Cell(r, key.Columns[0]); !cell.Awaited() && cell.Kind() > row.Null {
				text = cell.Text
			}
		}
		if text == "" {
			var ok bool
			if x.buf, ok = x.appendKey(x.buf[:0], m, t, r, key, 0); !ok {
				continue
			}
			text = string(x.buf)
		}
		if err := x.Add(Key{Target: t, Number: k}, at, text, first); err != nil {
			return err
		}
		first = false
	}
	return nil
}

// maxRefers bounds how far a key is followed through records that refer to others. (There are no
// circles.)
const maxRefers = 8

// appendKey appends a key of several parts, or one with a part that awaits a record's id: in its
// place stands what that record is known by. ok is false where a part is blank or the other record
// has no key, which makes this one like no other.
func (x *Collector) appendKey(dst []byte, m *mapping.Mapped, t, r int, key mapping.Key, depth int) (_ []byte, ok bool) {
	for _, c := range key.Columns {
		cell := m.Targets[t].Batch.Cell(r, c)
		switch {
		case cell.Kind() <= row.Null:
			return dst, false
		case !cell.Awaited():
			dst = append(append(dst, cell.Text...), 0)
			continue
		}
		what, name, value := m.Awaits(r, t, c)
		dst = append(append(append(append(dst, what...), 1), name...), 1)
		if value.Kind() > row.Null {
			dst = append(append(dst, value.Text...), 0)
			continue
		}
		to := slices.IndexFunc(x.plan.Targets, func(p mapping.PlanTarget) bool { return p.Name == name })
		if what != "ref" || to < 0 {
			dst = append(dst, 0)
			continue
		}
		if dst, ok = x.appendOwn(dst, m, to, r, depth+1); !ok {
			return dst, false
		}
	}
	return dst, true
}

// appendOwn appends the key that a record is known by: its first that is not blank.
func (x *Collector) appendOwn(dst []byte, m *mapping.Mapped, t, r, depth int) (_ []byte, ok bool) {
	base := len(dst)
	for k, key := range x.plan.Targets[t].Keys {
		if depth > maxRefers {
			break
		}
		dst = append(dst[:base], byte(k), 2)
		if dst, ok = x.appendKey(dst, m, t, r, key, depth); ok {
			return dst, true
		}
	}
	return dst[:base], false
}
