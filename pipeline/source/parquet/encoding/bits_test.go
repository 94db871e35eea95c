package encoding

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestUnpack: numbers of every width, beginning at any bit, are read several at a time as they are
// read one by one, up to the last byte.
func TestUnpack(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for width := uint(1); width <= 32; width++ {
		for _, n := range []int{0, 1, 3, 7, 8, 9, 31, 64, 100} {
			for bit := range 16 {
				src := make([]byte, (bit+n*int(width)+7)/8)
				for i := range src {
					src[i] = byte(rng.Uint32())
				}
				want := make([]uint32, n)
				for i := range want {
					want[i] = uint32(loadBits(src, bit+i*int(width), width))
				}
				got := make([]uint32, n)
				unpack(got, src, bit, width)
				if !slices.Equal(got, want) {
					t.Fatalf("%d numbers of %d bits from bit %d on: %d, not %d", n, width, bit, got, want)
				}
			}
		}
	}
}

// encodeHybrid writes levels as runs, of equal ones and packed ones as cut says.
func encodeHybrid(levels []uint8, width int, cut func(n int) (int, bool)) []byte {
	var out []byte
	for len(levels) > 0 {
		n, packed := cut(len(levels))
		if !packed {
			for n > 1 && !slices.Equal(levels[:n-1], levels[1:n]) {
				n--
			}
			out = append(out, byte(n<<1)&0x7F|0x80, byte(n>>6), levels[0])
			levels = levels[n:]
			continue
		}
		if n < len(levels) {
			n = max(n/8*8, min(8, len(levels)))
		}
		groups := (n + 7) / 8
		out = append(out, byte(groups<<1|1)&0x7F|0x80, byte(groups>>6))
		run := make([]byte, groups*width)
		for i, v := range levels[:n] {
			for b := range width {
				run[(i*width+b)/8] |= v >> b & 1 << ((i*width + b) % 8)
			}
		}
		out, levels = append(out, run...), levels[n:]
	}
	return out
}

// TestLevels: levels come back however they were cut into runs, and however they are read: one after
// the other, or as runs where there are some.
func TestLevels(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := uint8(rapid.IntRange(1, 9).Draw(t, "most"))
		var levels []uint8
		for range rapid.IntRange(1, 6).Draw(t, "pieces") {
			v := rapid.Uint8Range(0, most).Draw(t, "level")
			for range rapid.IntRange(1, 150).Draw(t, "times") {
				levels = append(levels, v)
			}
			levels = append(levels, rapid.SliceOfN(rapid.Uint8Range(0, most), 0, 20).Draw(t, "others")...)
		}
		l := NewLevels(nil, most)
		l = NewLevels(encodeHybrid(levels, int(l.width), func(n int) (int, bool) {
			return rapid.IntRange(1, n).Draw(t, "run"), rapid.Bool().Draw(t, "packed")
		}), most)
		var got []uint8
		for len(got) < len(levels) {
			n := rapid.IntRange(1, len(levels)-len(got)).Draw(t, "n")
			if rapid.Bool().Draw(t, "runs") {
				if v, run := l.Run(n); run > 0 {
					got = append(got, slices.Repeat([]uint8{v}, run)...)
					continue
				}
			}
			window := make([]uint8, n)
			if err := l.Read(window); err != nil {
				t.Fatal(err)
			}
			got = append(got, window...)
		}
		if !slices.Equal(got, levels) {
			t.Fatalf("%d\nnot %d", got, levels)
		}
	})
}
