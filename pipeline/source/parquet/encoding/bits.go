package encoding

import (
	"encoding/binary"
	"errors"
)

var errTruncated = errors.New("its values end before they should")

// unpack reads len(dst) numbers of width bits, at most 32, from bit on, which src has.
func unpack[T uint8 | uint32](dst []T, src []byte, bit int, width uint) {
	mask := uint64(1)<<width - 1
	i := 0
	switch {
	case width == 1 && bit&7 == 0:
		i = unpackOnes(dst, src[bit>>3:])
		bit += i
	case width <= 14: // four numbers in one load, wherever in its byte the first one begins
		for ; len(dst)-i >= 4 && bit>>3+8 <= len(src); i += 4 {
			v := binary.LittleEndian.Uint64(src[bit>>3:]) >> (bit & 7)
			d := dst[i : i+4 : i+4]
			d[0] = T(v & mask)
			v >>= width & 63
			d[1] = T(v & mask)
			v >>= width & 63
			d[2] = T(v & mask)
			v >>= width & 63
			d[3] = T(v & mask)
			bit += 4 * int(width)
		}
	case width <= 28:
		for ; len(dst)-i >= 2 && bit>>3+8 <= len(src); i += 2 {
			v := binary.LittleEndian.Uint64(src[bit>>3:]) >> (bit & 7)
			d := dst[i : i+2 : i+2]
			d[0] = T(v & mask)
			d[1] = T(v >> (width & 63) & mask)
			bit += 2 * int(width)
		}
	}
	for ; i < len(dst) && bit>>3+8 <= len(src); i++ {
		dst[i] = T(binary.LittleEndian.Uint64(src[bit>>3:]) >> (bit & 7) & mask)
		bit += int(width)
	}
	for ; i < len(dst); i++ {
		dst[i] = T(loadBits(src, bit, width))
		bit += int(width)
	}
}

// unpackOnes reads bits eight at a time, as many eights as dst has room for.
func unpackOnes[T uint8 | uint32](dst []T, src []byte) (n int) {
	for ; len(dst)-n >= 8; n += 8 {
		// One byte of v for each bit: 0, or the power of two that the bit is; then 0 or 1.
		v := uint64(src[n>>3]) * 0x0101010101010101 & 0x8040201008040201
		v = (v + 0x7F7F7F7F7F7F7F7F) >> 7 & 0x0101010101010101
		d := dst[n : n+8 : n+8]
		for i := range d {
			d[i] = T(v & 1)
			v >>= 8
		}
	}
	return n
}

// loadBits reads one number of at most 64 bits; bits that src does not have are 0.
func loadBits(src []byte, bit int, width uint) uint64 {
	if width == 0 {
		return 0
	}
	at, shift := bit>>3, uint(bit&7)
	var v uint64
	for i := uint(0); i*8 < width+shift && at+int(i) < len(src); i++ {
		b := uint64(src[at+int(i)])
		if i == 0 {
			v = b >> shift
		} else {
			v |= b << (i*8 - shift)
		}
	}
	if width < 64 {
		v &= 1<<width - 1
	}
	return v
}

// sized returns a slice of length n, in the memory of s if it has room.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
