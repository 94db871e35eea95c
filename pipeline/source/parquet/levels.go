package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

var errTruncated = errors.New("its values end before they should")

// hybrid reads runs of one number and runs of packed numbers (Encodings.md of the format,
// "Run Length Encoding / Bit-Packing Hybrid").
type hybrid struct {
	src   []byte
	width uint // bits of a number, at most 32
	left  int  // numbers left in the run
	value uint32
	run   []byte // the packed numbers of the run, nil in one of equal numbers
	bit   int    // where in run the next one stands
}

func newHybrid(src []byte, width uint) hybrid { return hybrid{src: src, width: width} }

// start goes to the next run.
func (h *hybrid) start() error {
	head, n := binary.Uvarint(h.src)
	if n <= 0 || head>>1 > 1<<31 {
		if len(h.src) == 0 {
			return errTruncated
		}
		return errors.New("a run of its values has no sound length")
	}
	h.src = h.src[n:]
	if head&1 == 1 {
		groups := int(head >> 1)
		size := min(groups*int(h.width), len(h.src)) // the last group may lack its padding
		h.run, h.bit, h.left = h.src[:size], 0, groups*8
		h.src = h.src[size:]
		if h.width > 0 {
			h.left = min(h.left, size*8/int(h.width))
		}
		if h.left == 0 && groups > 0 {
			return errTruncated
		}
		return nil
	}
	size := int(h.width+7) / 8
	if size > len(h.src) {
		return errTruncated
	}
	h.value = 0
	for i, b := range h.src[:size] {
		h.value |= uint32(b) << (8 * i)
	}
	if h.width < 32 && h.value>>h.width != 0 {
		return fmt.Errorf("a number in it has more than %d bits", h.width)
	}
	h.run, h.left, h.src = nil, int(head>>1), h.src[size:]
	return nil
}

// read fills dst.
func read[T uint8 | uint32](h *hybrid, dst []T) error {
	for len(dst) > 0 {
		for h.left == 0 {
			if err := h.start(); err != nil {
				return err
			}
		}
		n := min(h.left, len(dst))
		switch {
		case h.run == nil:
			v := T(h.value)
			for i := range dst[:n] {
				dst[i] = v
			}
		case h.width == 0:
			clear(dst[:n])
		default:
			unpackBits(dst[:n], h.run, h.bit, h.width)
			h.bit += n * int(h.width)
		}
		h.left -= n
		dst = dst[n:]
	}
	return nil
}

// unpackBits reads len(dst) numbers of width bits, at most 32, from bit on, which src has.
func unpackBits[T uint8 | uint32](dst []T, src []byte, bit int, width uint) {
	mask := uint64(1)<<width - 1
	i := 0
	for ; i < len(dst) && bit>>3+8 <= len(src); i++ {
		dst[i] = T(binary.LittleEndian.Uint64(src[bit>>3:]) >> (bit & 7) & mask)
		bit += int(width)
	}
	for ; i < len(dst); i++ {
		dst[i] = T(loadBits(src, bit, width))
		bit += int(width)
	}
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

// levels reads the repetition or definition levels of a page.
type levels struct {
	hybrid
	most   uint8
	packed bool // in the old encoding, most significant bit first
}

// newLevels returns the levels of n entries at the beginning of a page of version 1, and the
// bytes that follow them.
func newLevels(src []byte, most uint8, enc encoding, n int) (levels, []byte, error) {
	width := uint(bits.Len8(most))
	size := 0
	switch enc {
	case encRLE:
		if len(src) < 4 {
			return levels{}, nil, errTruncated
		}
		length := binary.LittleEndian.Uint32(src)
		if src = src[4:]; int64(length) > int64(len(src)) {
			return levels{}, nil, errTruncated
		}
		size = int(length)
	case encBitPacked:
		if size = (n*int(width) + 7) / 8; size > len(src) {
			return levels{}, nil, errTruncated
		}
		l := levels{hybrid: hybrid{width: width, run: src[:size], left: n}, most: most, packed: true}
		return l, src[size:], nil
	default:
		return levels{}, nil, fmt.Errorf("its levels have the encoding %s", enc)
	}
	return levels{hybrid: newHybrid(src[:size], width), most: most}, src[size:], nil
}

// read fills dst and checks that no level is above the highest.
func (l *levels) read(dst []uint8) error {
	if l.packed {
		for i := range dst {
			v := uint8(0)
			for range l.width {
				v = v<<1 | l.run[l.bit>>3]>>(7-l.bit&7)&1
				l.bit++
			}
			dst[i] = v
		}
	} else if err := read(&l.hybrid, dst); err != nil {
		return err
	}
	if l.most&(l.most+1) == 0 {
		return nil // all its bits may be set
	}
	for _, v := range dst {
		if v > l.most {
			return fmt.Errorf("a level is %d, and the highest is %d", v, l.most)
		}
	}
	return nil
}
