package encoding

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"sfsync/pipeline/source/parquet/meta"
)

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
			unpack(dst[:n], h.run, h.bit, h.width)
			h.bit += n * int(h.width)
		}
		h.left -= n
		dst = dst[n:]
	}
	return nil
}

// Levels reads the repetition or definition levels of a page.
type Levels struct {
	hybrid
	most uint8
	old  bool // in the old encoding, most significant bit first
}

// NewLevels returns the levels in src, of which the highest is most, as version 2 of a page has
// them.
func NewLevels(src []byte, most uint8) Levels {
	return Levels{hybrid: newHybrid(src, uint(bits.Len8(most))), most: most}
}

// CutLevels returns the n levels at the beginning of a page of version 1, and the bytes that follow
// them.
func CutLevels(src []byte, most uint8, enc meta.Encoding, n int) (Levels, []byte, error) {
	width := bits.Len8(most)
	switch enc {
	case meta.RLE:
		if len(src) < 4 {
			return Levels{}, nil, errTruncated
		}
		size := binary.LittleEndian.Uint32(src)
		if src = src[4:]; int64(size) > int64(len(src)) {
			return Levels{}, nil, errTruncated
		}
		return NewLevels(src[:size], most), src[size:], nil
	case meta.BitPacked:
		size := (n*width + 7) / 8
		if size > len(src) {
			return Levels{}, nil, errTruncated
		}
		return Levels{hybrid: hybrid{width: uint(width), run: src[:size], left: n}, most: most, old: true}, src[size:], nil
	}
	return Levels{}, nil, fmt.Errorf("its levels have the encoding %s", enc)
}

// leastRun is the length from which on a run of levels is worth being looked at by itself.
const leastRun = 64

// Run reads a run of equal levels: as many as there are, at most n. It reads none if the next run is
// short or one of packed levels, or if the levels are at their end or damaged.
func (l *Levels) Run(n int) (level uint8, length int) {
	if l.old {
		return 0, 0
	}
	for l.left == 0 {
		before := l.hybrid
		if l.start() != nil {
			l.hybrid = before // for Read to tell
			return 0, 0
		}
	}
	if l.run != nil || l.value > uint32(l.most) || l.left < min(n, leastRun) {
		return 0, 0
	}
	n = min(n, l.left)
	l.left -= n
	return uint8(l.value), n
}

// Read fills dst and checks that no level is above the highest.
func (l *Levels) Read(dst []uint8) error {
	if l.old {
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
