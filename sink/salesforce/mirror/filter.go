package mirror

// filter is a Bloom filter of fixed size: what was added it has; of what was not, hardly anything
// seems to be there. A single key that does sends its whole lookup to the org, so that has to be
// rare among the thousands of keys of one: with filterRoom entries it is one in a million.
type filter struct{ bits []uint64 }

const (
	filterBits   = 1 << 27 // 16 MiB
	filterHashes = 12
	// filterRoom is how many entries it takes at 32 bits each. Beyond it more and more lookups go to
	// the org, as if there were no copy.
	filterRoom = filterBits / 32
)

func newFilter() *filter { return &filter{bits: make([]uint64, filterBits/64)} }

// places calls each with the bits of a hash until it returns false. Two numbers made of it give all the
// places (Kirsch and Mitzenmacher, "Less Hashing, Same Performance").
func places(h uint64, each func(word int, bit uint64) bool) bool {
	step := h>>32 | 1
	h ^= h >> 29
	h *= 0xBF58476D1CE4E5B9
	for range filterHashes {
		at := h >> 37 // 27 bits
		if !each(int(at/64), 1<<(at%64)) {
			return false
		}
		h += step * 0x9E3779B97F4A7C15
	}
	return true
}

func (f *filter) add(h uint64) {
	places(h, func(w int, bit uint64) bool { f.bits[w] |= bit; return true })
}

func (f *filter) has(h uint64) bool {
	return places(h, func(w int, bit uint64) bool { return f.bits[w]&bit != 0 })
}
