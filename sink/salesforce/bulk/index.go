package bulk

import (
	"hash/maphash"
	"slices"
	"strings"
)

// index finds the place of a record by its content, as a multiset: records that are alike are
// interchangeable, and each is found once. It holds 24 bytes a record. Two contents with the same 128
// bits, made with seeds that nobody outside knows, do not happen.
type index struct {
	scratch sum
	entries []entry
	sorted  bool
}

// sum is the hash of a content under way.
type sum [2]maphash.Hash

type hash128 struct{ a, b uint64 }

type entry struct {
	hash  hash128
	place int32
	taken int32 // how many of this content have been taken; only in the first of them
}

func (x *index) begin() {
	for i := range x.scratch {
		x.scratch[i].SetSeed(maphash.MakeSeed())
	}
}

func (x *index) len() int { return len(x.entries) }

// hash begins the hash of a content, which is made of values in order. There is one at a time.
func (x *index) hash() *sum {
	for i := range x.scratch {
		x.scratch[i].Reset()
	}
	return &x.scratch
}

// add adds a value. Result files show rows as they were uploaded (Bulk API 2.0 guide, "Get Job
// Successful Record Results"); blanks around a value, which do not tell records apart, do not count.
func (s *sum) add(value string) {
	value = strings.TrimSpace(value)
	for i := range s {
		_, _ = s[i].WriteString(value) // never fails
		_ = s[i].WriteByte(0x1F)
	}
}

func (s *sum) end() hash128 { return hash128{s[0].Sum64(), s[1].Sum64()} }

func compare(a, b hash128) int {
	switch {
	case a.a < b.a || a.a == b.a && a.b < b.b:
		return -1
	case a == b:
		return 0
	}
	return 1
}

// put adds the next record.
func (x *index) put(s *sum) {
	x.entries = append(x.entries, entry{hash: s.end(), place: int32(len(x.entries))})
	x.sorted = false
}

func (x *index) sort() {
	if x.sorted {
		return
	}
	x.sorted = true
	slices.SortFunc(x.entries, func(a, b entry) int {
		if c := compare(a.hash, b.hash); c != 0 {
			return c
		}
		return int(a.place) - int(b.place)
	})
}

// free makes all records be found again.
func (x *index) free() {
	for i := range x.entries {
		x.entries[i].taken = 0
	}
}

// take returns the place of a record of the content that has not been taken yet, the first of them;
// ok is false if there is none.
func (x *index) take(s *sum) (place int, ok bool) {
	h := s.end()
	i, found := slices.BinarySearchFunc(x.entries, h, func(e entry, h hash128) int { return compare(e.hash, h) })
	if !found {
		return 0, false
	}
	k := i + int(x.entries[i].taken)
	if k >= len(x.entries) || x.entries[k].hash != h {
		return 0, false
	}
	x.entries[i].taken++
	return int(x.entries[k].place), true
}
