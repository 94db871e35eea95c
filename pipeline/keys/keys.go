// Package keys finds the records of an input that have the same match key, in memory that does
// not grow with the input.
//
//	x := keys.New(dir, 0)
//	defer x.Close()
//	err := x.Add(key, keys.At(file, line), text, true) // for every key of every record
//	groups, marks, err := x.Resolve(ctx, keys.Last)
//	other, superseded, err := marks.At(ctx, target, place) // in reading order
//
// A [Collector] adds the keys of mapped batches.
//
// An index keeps 24 bytes a key: a hash, whose key it is, and the place. Beyond its memory it
// writes them to one file of mode 0600 in sorted runs, which Resolve merges. (10,000,000 keys are
// 240 MB on disk.) It does not keep the keys themselves: two keys count as the same if 104 bits of
// two keyed 64-bit hashes are. Of 1,000,000,000 keys, the chance that any two which differ are
// taken for the same is less than 10^-13; the hashes' seeds are new for every index, so that no
// input can be made to collide.
package keys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"sfsync/pipeline/spill"
)

// ErrSpill marks errors of the file that holds what is beyond the memory.
var ErrSpill = errors.New("keep the keys of the input on disk")

// Key is a match key of a plan: of a target (by its index) the one with this number in order.
type Key struct{ Target, Number int }

// The bounds of a Key.
const (
	MaxTargets = 1 << 16
	MaxKeys    = 1 << 8

	groupBits = 24
)

// DefaultMemory is the memory of an index in bytes if none is named.
const DefaultMemory = 8 << 20

// Index collects the keys of an input. It serves one goroutine.
type Index struct {
	seeds [2]maphash.Seed
	keys  *spill.Sorter[entry]
	marks *spill.Sorter[entry]
}

// New returns an empty index that keeps no more than about so many bytes in memory, and what is
// beyond them in a file in dir ("" for the system's directory for temporary files). Memory 0 means
// [DefaultMemory]. The caller has to close it.
func New(dir string, memory int) *Index {
	if memory <= 0 {
		memory = DefaultMemory
	}
	return &Index{
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		keys:  newSorter(dir, memory), marks: newSorter(dir, memory),
	}
}

// What the last number of an entry holds besides the place.
const (
	decidesBit = 1
	placeShift = 1
)

// Add takes note of a record's key, as [schema.Field.FoldKey] gives it; that of several fields in
// any form that no two keys share. Decides says that it is the record's own key: its first that is
// not blank. Only these make a record superseded or refused. The error is an [ErrSpill].
func (x *Index) Add(k Key, at Place, text string, decides bool) error {
	if k.Target < 0 || k.Target >= MaxTargets || k.Number < 0 || k.Number >= MaxKeys {
		return fmt.Errorf("key %d of target %d: an index has no more than %d targets of %d keys", k.Number, k.Target, MaxTargets, MaxKeys)
	}
	group := uint64(k.Target)<<8 | uint64(k.Number)
	e := entry{maphash.String(x.seeds[0], text), maphash.String(x.seeds[1], text)<<groupBits | group, uint64(at) << placeShift}
	if decides {
		e.c |= decidesBit
	}
	return spilled(x.keys.Add(e))
}

// Rule says which records of a key Resolve marks.
type Rule uint8

// The rules.
const (
	// InOrder marks none: the records are sent one after the other.
	InOrder Rule = iota
	// Last marks all but the last one of each key.
	Last
	// Fail marks every record of a key that several have.
	Fail
)

// Repeat is a key that comes up again: the first two places of it.
type Repeat struct{ First, Again Place }

// maxRepeats is how many repeats of a group are kept.
const maxRepeats = 3

// Group says what there is of one match key.
type Group struct {
	Key
	// Records have the key, not blank; Distinct is how many values it takes.
	Records, Distinct int64
	// Repeated is how many of the values several records have, and Sharing how many records those
	// are together.
	Repeated, Sharing int64
	// First are the first three repeats, in reading order.
	First []Repeat
}

// Resolve ends the adding and finds the records that share keys: what there is of each match key
// that was added, by target and number, and the records that the rule marks. Both end with the
// index: close it only when the marks are not needed any more. The error is an [ErrSpill] or the
// context's.
func (x *Index) Resolve(ctx context.Context, rule Rule) ([]Group, *Marks, error) {
	st, err := sorted(x.keys)
	if err != nil {
		return nil, nil, err
	}
	groups := map[uint64]*Group{}
	var same holders
	for {
		e, ok, err := st.next(ctx)
		if err != nil {
			return nil, nil, err
		}
		if ok && same.records > 0 && e.a == same.key.a && e.b == same.key.b {
			if err := same.add(e, rule, x.marks); err != nil {
				return nil, nil, err
			}
			continue
		}
		same.count(groups)
		if !ok {
			break
		}
		same = holders{key: e, records: 1}
		same.decided(e)
	}
	marks, err := sorted(x.marks)
	if err != nil {
		return nil, nil, err
	}
	list := make([]Group, 0, len(groups))
	for _, g := range groups {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Number, b.Number))
	})
	return list, &Marks{stream: marks, n: x.marks.Len()}, nil
}

// holders are the records of one key, in reading order.
type holders struct {
	key     entry // of the first
	again   Place
	records int64

	first, last Place // those that the key decides about
	deciding    int64
}

func (h *holders) decided(e entry) {
	if e.c&decidesBit == 0 {
		return
	}
	h.last = Place(e.c >> placeShift)
	if h.deciding++; h.deciding == 1 {
		h.first = h.last
	}
}

// add takes one more record of the key and marks what the rule says.
func (h *holders) add(e entry, rule Rule, marks *spill.Sorter[entry]) error {
	at := Place(e.c >> placeShift)
	if h.records++; h.records == 2 {
		h.again = at
	}
	if e.c&decidesBit == 0 {
		return nil
	}
	target := e.b & (1<<groupBits - 1) >> 8
	mark := func(at, other Place) error { return spilled(marks.Add(entry{uint64(at), target, uint64(other)})) }
	if h.deciding > 0 {
		switch rule {
		case Last:
			if err := mark(h.last, at); err != nil {
				return err
			}
		case Fail:
			if h.deciding == 1 {
				if err := mark(h.first, at); err != nil {
					return err
				}
			}
			if err := mark(at, h.first); err != nil {
				return err
			}
		case InOrder:
		}
	}
	h.decided(e)
	return nil
}

// count adds the key to its group.
func (h *holders) count(groups map[uint64]*Group) {
	if h.records == 0 {
		return
	}
	id := h.key.b & (1<<groupBits - 1)
	g := groups[id]
	if g == nil {
		g = &Group{Key: Key{Target: int(id >> 8), Number: int(id & 0xFF)}}
		groups[id] = g
	}
	g.Records += h.records
	g.Distinct++
	if h.records == 1 {
		return
	}
	g.Repeated++
	g.Sharing += h.records
	r := Repeat{Place(h.key.c >> placeShift), h.again}
	i, _ := slices.BinarySearchFunc(g.First, r, func(a, b Repeat) int { return cmp.Compare(a.First, b.First) })
	if i < maxRepeats {
		g.First = slices.Insert(g.First, i, r)
		g.First = g.First[:min(len(g.First), maxRepeats)]
	}
}

// Marks are the records that a rule marked, to be asked for in reading order. They serve one
// goroutine.
type Marks struct {
	stream *stream
	n      int64
	cur    entry
	more   bool
	begun  bool
}

// Len returns how many records are marked.
func (m *Marks) Len() int64 { return m.n }

// At reports whether the record of a target at a place is marked, and the place of another
// record of its key: by [Last] the next one, by [Fail] the first one, or for that one the second.
// It has to be asked by rising places, and for one place by rising targets; places may be left
// out. The error is an [ErrSpill] or the context's.
func (m *Marks) At(ctx context.Context, target int, at Place) (other Place, marked bool, err error) {
	want := entry{a: uint64(at), b: uint64(target)}
	for !m.begun || m.more && m.cur.compare(want) < 0 {
		m.begun = true
		if m.cur, m.more, err = m.stream.next(ctx); err != nil {
			return 0, false, err
		}
	}
	if m.more && m.cur.a == want.a && m.cur.b == want.b {
		return Place(m.cur.c), true, nil
	}
	return 0, false, nil
}

// Close removes what is on disk. The index and its marks cannot be used afterwards. The error is
// an [ErrSpill].
func (x *Index) Close() error { return spilled(errors.Join(x.keys.Close(), x.marks.Close())) }
