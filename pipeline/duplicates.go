package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sfsync/mapping"
	"sfsync/pipeline/keys"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

// The codes of records that are not sent for the sake of their key.
const (
	CodeDuplicate  = "DUPLICATE_KEY"
	CodeSuperseded = "DUPLICATE_SUPERSEDED"
)

// What Options.Duplicates can say.
const (
	duplicatesLast = "last"
	duplicatesFail = "fail"
)

// Remedy says what to do about rows with one of the codes of this package, or "" for a code of others.
func Remedy(code string) string {
	switch code {
	case CodeDuplicate:
		return "keep one row of each key, or say duplicates: last or in_order under source"
	case CodeSuperseded:
		return "a later row has the same key, and the mapping says duplicates: last"
	}
	return ""
}

// keyIndex takes note of the match keys of mapped batches.
type keyIndex struct {
	*keys.Index
	plan *mapping.Plan
	buf  []byte
}

func newKeyIndex(opt *Options) *keyIndex {
	return &keyIndex{Index: keys.New(opt.Temp, 0), plan: opt.Plan}
}

// indexed reports whether the records of a target are told apart by keys that no two of them
// should share. Those of an implied one are: many rows refer to one parent.
func (x *keyIndex) indexed(target int) bool {
	return len(x.plan.Targets[target].Keys) > 0 && !x.plan.Implied(target)
}

// add takes note of the keys of a batch's records, as far as they would be sent.
func (x *keyIndex) add(m *mapping.Mapped) error {
	for r := range m.Source.Len() {
		var at keys.Place
		for t := range m.Targets {
			if !x.indexed(t) || m.Targets[t].Fate(r) != mapping.Send {
				continue
			}
			if at == 0 {
				at = keys.At(m.Source.File, m.Source.Line(r))
			}
			if err := x.addRecord(m, t, r, at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *keyIndex) addRecord(m *mapping.Mapped, t, r int, at keys.Place) error {
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
		if err := x.Add(keys.Key{Target: t, Number: k}, at, text, first); err != nil {
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
func (x *keyIndex) appendKey(dst []byte, m *mapping.Mapped, t, r int, key mapping.Key, depth int) (_ []byte, ok bool) {
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
func (x *keyIndex) appendOwn(dst []byte, m *mapping.Mapped, t, r, depth int) (_ []byte, ok bool) {
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

// duplicates are the records of an input that a mapping's duplicates: takes out.
type duplicates struct {
	index *keyIndex
	marks *keys.Marks
	rule  keys.Rule
	paths []source.Input
	// groups say what there is of each match key.
	groups []keys.Group
}

// findDuplicates reads and maps the inputs to their end to find the records that share keys. It
// returns nil if the options want none found. What is wrong with the inputs is left to be said when
// they are read in earnest. The caller has to close it.
func findDuplicates(ctx context.Context, opt *Options) (*duplicates, error) {
	d := &duplicates{paths: opt.Inputs}
	switch opt.Duplicates {
	case duplicatesLast:
		d.rule = keys.Last
	case duplicatesFail:
		d.rule = keys.Fail
	default:
		return nil, nil
	}
	var backs []func() error
	for _, in := range opt.Inputs {
		back, err := rewind(in)
		if err != nil {
			return nil, err
		}
		backs = append(backs, back)
	}
	d.index = newKeyIndex(opt)
	once := *opt
	once.Stats, once.Ledger, once.Resume, once.Source.Only = &Stats{}, nil, false, true
	_, err := survey(ctx, &once, func(w *work) error { return d.index.add(w.mapped) })
	if err == nil {
		d.groups, d.marks, err = d.index.Resolve(ctx, d.rule)
	}
	for _, back := range backs {
		err = errors.Join(err, back())
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *duplicates) close() error {
	if d == nil {
		return nil
	}
	return d.index.Close()
}

// apply takes the records out of a mapped batch that are not to be sent. It has to see every batch,
// in reading order.
func (d *duplicates) apply(ctx context.Context, m *mapping.Mapped) error {
	if d == nil || m == nil || d.marks.Len() == 0 {
		return nil
	}
	for r := range m.Source.Len() {
		at := keys.At(m.Source.File, m.Source.Line(r))
		for t := range m.Targets {
			other, marked, err := d.marks.At(ctx, t, at)
			if err != nil {
				return err
			}
			if !marked || m.Targets[t].Fate(r) != mapping.Send {
				continue
			}
			place := fmt.Sprintf("%s:%d", d.paths[other.File()].Path, other.Line())
			if d.rule == keys.Last {
				m.Targets[t].Overrule(r, mapping.Skip, mapping.Problem{Code: CodeSuperseded, Message: "superseded by the later row " + place + ", which has the same key"})
			} else {
				m.Targets[t].Overrule(r, mapping.Fail, mapping.Problem{Code: CodeDuplicate, Message: "the row " + place + " has the same key"})
			}
		}
	}
	return nil
}
