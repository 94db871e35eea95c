package encoding

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// delta reads DELTA_BINARY_PACKED numbers (Encodings.md of the format).
type delta struct {
	src     []byte
	left    int // values not read
	minis   int // miniblocks in a block
	perMini int // values in a miniblock
	first   bool
	value   int64
	min     int64
	widths  []byte // of the miniblocks of the block that are not begun
	run     []byte // the packed numbers of the miniblock
	bit     int
	inMini  int // values left in the miniblock
	width   uint
}

// newDelta reads the header. There must be no more than most values.
func newDelta(src []byte, most int) (delta, error) {
	var head [3]uint64
	for i := range head {
		v, n := binary.Uvarint(src)
		if n <= 0 {
			return delta{}, errTruncated
		}
		head[i], src = v, src[n:]
	}
	v, n := binary.Varint(src)
	if n <= 0 {
		return delta{}, errTruncated
	}
	block, minis, total := head[0], head[1], head[2]
	const maxBlock = 1 << 20
	if total == 0 { // writers differ in what they say of blocks then
		return delta{src: src[n:]}, nil
	}
	if block == 0 || block > maxBlock || minis == 0 || minis > block || block%minis != 0 || block/minis%8 != 0 {
		return delta{}, fmt.Errorf("its blocks have %d values in %d parts", block, minis)
	}
	if total > uint64(most) {
		return delta{}, fmt.Errorf("it has %d numbers for %d values", total, most)
	}
	return delta{src: src[n:], left: int(total), minis: int(minis), perMini: int(block / minis), first: true, value: v}, nil
}

// mini goes to the next miniblock.
func (d *delta) mini() error {
	if len(d.widths) == 0 {
		m, n := binary.Varint(d.src)
		if n <= 0 || d.minis > len(d.src)-n {
			return errTruncated
		}
		d.min, d.widths, d.src = m, d.src[n:n+d.minis], d.src[n+d.minis:]
	}
	if d.width = uint(d.widths[0]); d.width > 64 {
		return errors.New("a number in it has more than 64 bits")
	}
	d.widths = d.widths[1:]
	size := d.perMini / 8 * int(d.width)
	if size > len(d.src) { // the last one may lack its padding
		if size = len(d.src); (min(d.left, d.perMini)*int(d.width)+7)/8 > size {
			return errTruncated
		}
	}
	d.run, d.src, d.bit, d.inMini = d.src[:size], d.src[size:], 0, d.perMini
	return nil
}

// read fills dst.
func (d *delta) read(dst []int64) error {
	if len(dst) > d.left {
		return errTruncated
	}
	if d.first && len(dst) > 0 {
		d.first = false
		dst[0] = d.value
		dst = dst[1:]
		d.left--
	}
	for len(dst) > 0 {
		if d.inMini == 0 {
			if err := d.mini(); err != nil {
				return err
			}
		}
		n := min(d.inMini, len(dst))
		v, width, bit := d.value, d.width, d.bit
		if i := 0; width <= 56 {
			mask := uint64(1)<<width - 1
			for ; i < n && bit>>3+8 <= len(d.run); i++ {
				v += d.min + int64(binary.LittleEndian.Uint64(d.run[bit>>3:])>>(bit&7)&mask)
				bit += int(width)
				dst[i] = v
			}
			for ; i < n; i++ {
				v += d.min + int64(loadBits(d.run, bit, width))
				bit += int(width)
				dst[i] = v
			}
		} else {
			for ; i < n; i++ {
				v += d.min + int64(loadBits(d.run, bit, width))
				bit += int(width)
				dst[i] = v
			}
		}
		d.value, d.bit = v, bit
		d.inMini -= n
		d.left -= n
		dst = dst[n:]
	}
	return nil
}

// rest returns what follows the numbers. It walks over them and leaves d as it is.
func (d delta) rest() ([]byte, error) {
	left := d.left
	if left > 0 {
		left--
	}
	for left > 0 {
		d.left = left
		if err := d.mini(); err != nil {
			return nil, err
		}
		left -= d.perMini
	}
	return d.src, nil
}
