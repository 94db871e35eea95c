package fingerprint

import "encoding/binary"

// filter is a Bloom filter: what was added it has; of what was not, a few in a thousand seem to be there.
type filter struct {
	bits []uint64
	mask uint64
}

const (
	minFilter = 1 << 17 // bits
	maxFilter = 1 << 28 // bits: 32 MiB, for 16 million keys
	hashes    = 8
)

// newFilter returns a filter for about so many keys, 16 bits each.
func newFilter(keys int64) *filter {
	n := uint64(minFilter)
	for n < maxFilter && n < uint64(max(keys, 0))*16 {
		n *= 2
	}
	return &filter{bits: make([]uint64, n/64), mask: n - 1}
}

// places calls each with the bits of a key. The key is a hash already: two halves of it make all the hashes
// (Kirsch and Mitzenmacher, "Less Hashing, Same Performance").
func (f *filter) places(k Sum, each func(word int, bit uint64) bool) bool {
	a, b := binary.BigEndian.Uint64(k[:8]), uint64(binary.BigEndian.Uint32(k[8:]))<<1|1
	for range hashes {
		at := a & f.mask
		if !each(int(at/64), 1<<(at%64)) { //nolint:gosec // below maxFilter
			return false
		}
		a += b * 0x9E3779B97F4A7C15
	}
	return true
}

func (f *filter) add(k Sum) {
	f.places(k, func(w int, bit uint64) bool { f.bits[w] |= bit; return true })
}

func (f *filter) has(k Sum) bool {
	return f.places(k, func(w int, bit uint64) bool { return f.bits[w]&bit != 0 })
}
