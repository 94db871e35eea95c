package text

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

var powers = [...]uint64{ //nolint:gochecknoglobals // never changed
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

const (
	zeros = 0x3030303030303030 // eight times '0'
	// roomy is how much room the digits of a number need, which are written eight at a time.
	roomy = 24
)

// split returns the eight digits of a number below 1e8, one in each byte, the first one in the lowest.
func split(n uint64) uint64 {
	q := n / 1e4 // two numbers below 1e4
	n = q | (n-1e4*q)<<32
	q = n * 10_486 >> 20 & 0x7F_0000007F // four below 100
	n = q | (n-100*q)<<16
	q = n * 103 >> 10 & 0x0F_000F_000F_000F
	return q | (n-10*q)<<8
}

// lead appends a number below 1e8. There must be room for eight digits.
func lead(dst []byte, n uint64) []byte {
	at := len(dst)
	v := split(n)
	skip := bits.TrailingZeros64(v|1<<56) >> 3 // but for the last one
	binary.LittleEndian.PutUint64(dst[at:at+8], (v+zeros)>>(8*skip&63))
	return dst[:at+8-skip]
}

// tail appends the last so many digits, up to eight, of a number below 1e8. There must be room for
// eight.
func tail(dst []byte, n uint64, digits int) []byte {
	at := len(dst)
	binary.LittleEndian.PutUint64(dst[at:at+8], (split(n)+zeros)>>(8*(8-digits)&63))
	return dst[:at+digits]
}

// room makes room for a number.
func room(dst []byte) []byte {
	if cap(dst)-len(dst) < roomy {
		return slices.Grow(dst, roomy)
	}
	return dst
}

// appendUint appends a number: strconv.AppendUint for texts that mostly have room.
func appendUint(dst []byte, n uint64) []byte {
	dst = room(dst)
	if n < 1e8 {
		return lead(dst, n)
	}
	q := n / 1e8
	if q < 1e8 {
		dst = lead(dst, q)
	} else {
		first := q / 1e8
		dst = tail(lead(dst, first), q-1e8*first, 8)
	}
	return tail(dst, n-1e8*q, 8)
}

func appendInt(dst []byte, n int64) []byte {
	if n < 0 {
		dst = append(dst, '-')
	}
	return appendUint(dst, magnitude(n))
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// appendDecimal appends n divided by a power of ten, with all its digits.
func appendDecimal(dst []byte, n uint64, scale int) []byte {
	switch {
	case scale == 0:
		return appendUint(dst, n)
	case scale == 2: // most amounts; a division by a constant is faster
		q := n / 100
		return tail(append(room(appendUint(dst, q)), '.'), n-100*q, 2)
	case scale <= 8:
		q := n / powers[scale]
		return tail(append(room(appendUint(dst, q)), '.'), n-powers[scale]*q, scale)
	}
	base := len(dst)
	return point(appendUint(dst, n), base, scale)
}

// point sets the decimal point into the digits behind base, adding zeros where they are few.
func point(dst []byte, base, scale int) []byte {
	if scale == 0 {
		return dst
	}
	digits := len(dst) - base
	if missing := scale + 1 - digits; missing > 0 {
		for range missing {
			dst = append(dst, '0')
		}
		copy(dst[base+missing:], dst[base:base+digits])
		for i := range missing {
			dst[base+i] = '0'
		}
	}
	dst = append(dst, 0)
	at := len(dst) - 1 - scale
	copy(dst[at+1:], dst[at:len(dst)-1])
	dst[at] = '.'
	return dst
}
