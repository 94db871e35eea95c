// Package turns lets those who want the same thing have it one after the other.
package turns

import "math/bits"

// Table says who holds a key and who waits for it, in the order in which they came. Keys are hashes
// whose bits are all equally random, made with a seed that nobody outside knows.
//
// It takes 16 bytes a slot, of which at most three quarters are held, and grows with the most keys that were held
// at once, not with how many there have been: a Go map from which as much is deleted as is put into it grows
// on for hours. The zero Table is ready. It is not safe for concurrent use.
type Table[T any] struct {
	slots []slot // linear probing; a power of two of them
	held  int
	nodes []node[T]
	free  int32 // the first free node
}

// slot is a key that is held, or nothing.
type slot struct {
	key         uint64
	first, last int32 // of those who wait: place in nodes and one; first is vacant or alone
}

const (
	vacant int32 = 0
	alone  int32 = -1
)

// node is one who waits.
type node[T any] struct {
	who  T
	next int32 // the one behind, or the next free node: its place and one; 0 for none
}

// minSlots is how large a table begins.
const minSlots = 1 << 10

// Take gives the key to who and reports whether it was to be had; else who waits for its turn.
func (t *Table[T]) Take(key uint64, who T) bool {
	if t.held >= len(t.slots)/4*3 {
		t.grow()
	}
	s := &t.slots[t.find(key)]
	if s.first == vacant {
		*s = slot{key: key, first: alone}
		t.held++
		return true
	}
	n := t.node(who)
	if s.first == alone {
		s.first = n
	} else {
		t.nodes[s.last-1].next = n
	}
	s.last = n
	return false
}

// Pass takes the key from its holder and gives it to who came next, whom it returns; ok is false if
// nobody waits. A key that nobody holds may be passed, too.
func (t *Table[T]) Pass(key uint64) (who T, ok bool) {
	if t.held == 0 {
		return who, false
	}
	at := t.find(key)
	s := &t.slots[at]
	switch s.first {
	case vacant:
		return who, false
	case alone:
		t.remove(at)
		return who, false
	}
	place := s.first
	n := &t.nodes[place-1]
	who = n.who
	if s.first = n.next; s.first == 0 {
		s.first = alone
	}
	*n = node[T]{next: t.free}
	t.free = place
	return who, true
}

// find returns where a key is, or the vacant slot where it would be. There is a vacant slot.
func (t *Table[T]) find(key uint64) int {
	for at := t.home(key); ; at = t.after(at) {
		if s := &t.slots[at]; s.first == vacant || s.key == key {
			return at
		}
	}
}

// home is where a key is if nothing is in its way.
func (t *Table[T]) home(key uint64) int {
	return int(key >> (64 - bits.Len(uint(len(t.slots)-1))))
}

func (t *Table[T]) after(at int) int { return (at + 1) & (len(t.slots) - 1) }

// remove makes a slot vacant and moves those behind it up that it kept from their homes.
func (t *Table[T]) remove(at int) {
	t.held--
	for next := t.after(at); t.slots[next].first != vacant; next = t.after(next) {
		// It may move if its home is not behind the gap: not in (at, next], around the end.
		from := (next - t.home(t.slots[next].key)) & (len(t.slots) - 1)
		if from >= (next-at)&(len(t.slots)-1) {
			t.slots[at] = t.slots[next]
			at = next
		}
	}
	t.slots[at] = slot{}
}

func (t *Table[T]) grow() {
	old := t.slots
	t.slots = make([]slot, max(minSlots, 2*len(old)))
	for _, s := range old {
		if s.first != vacant {
			t.slots[t.find(s.key)] = s
		}
	}
}

// node returns the place and one of a node for who.
func (t *Table[T]) node(who T) int32 {
	if n := t.free; n != 0 {
		t.free = t.nodes[n-1].next
		t.nodes[n-1] = node[T]{who: who}
		return n
	}
	t.nodes = append(t.nodes, node[T]{who: who})
	return int32(len(t.nodes))
}
