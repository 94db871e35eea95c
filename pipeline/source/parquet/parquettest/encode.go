package parquettest

import (
	"encoding/binary"
	"slices"
)

// encode writes values in the encoding of their leaf.
func encode(l leaf, values [][]byte) []byte {
	switch l.Encoding {
	case RLE:
		flags := make([]int, len(values))
		for i, v := range values {
			flags[i] = int(v[0])
		}
		run := packed(flags, 1)
		return append(binary.LittleEndian.AppendUint32(nil, uint32(len(run))), run...)
	case Delta:
		n := make([]int64, len(values))
		for i, v := range values {
			if n[i] = int64(int32(binary.LittleEndian.Uint32(v))); len(v) == 8 {
				n[i] = int64(binary.LittleEndian.Uint64(v))
			}
		}
		if l.Type == Int32 {
			return deltas(n, 32)
		}
		return deltas(n, 64)
	case DeltaLen:
		return append(lengths(values), slices.Concat(values...)...)
	case DeltaBytes:
		prefixes, suffixes := make([]int64, len(values)), make([][]byte, len(values))
		for i, v := range values {
			k := 0
			for i > 0 && k < min(len(v), len(values[i-1])) && v[k] == values[i-1][k] {
				k++
			}
			prefixes[i], suffixes[i] = int64(k), v[k:]
		}
		return slices.Concat(deltas(prefixes, 32), lengths(suffixes), slices.Concat(suffixes...))
	case Split:
		all := slices.Concat(values...)
		out := make([]byte, 0, len(all))
		for i := range len(all) / max(len(values), 1) {
			for _, v := range values {
				out = append(out, v[i])
			}
		}
		return out
	}
	return encodePlain(l, values)
}

func lengths(values [][]byte) []byte {
	n := make([]int64, len(values))
	for i, v := range values {
		n[i] = int64(len(v))
	}
	return deltas(n, 32)
}

// deltas writes numbers of so many bits as DELTA_BINARY_PACKED, in blocks of one miniblock.
func deltas(v []int64, bits int) []byte {
	const block = 128
	unused := 64 - bits
	out := binary.AppendUvarint([]byte{block&0x7F | 0x80, block >> 7, 1}, uint64(len(v)))
	if len(v) == 0 {
		return append(out, 0)
	}
	out = binary.AppendVarint(out, v[0])
	for from := 1; from < len(v); from += block {
		d := make([]int64, min(block, len(v)-from))
		for i := range d {
			d[i] = (v[from+i] - v[from+i-1]) << unused >> unused // wraps around, and so does adding it
		}
		least := slices.Min(d)
		var all uint64
		for i := range d {
			d[i] -= least
			all |= uint64(d[i])
		}
		width := 0
		for ; width < 64 && all>>width > 0; width++ {
		}
		out = append(binary.AppendVarint(out, least), byte(width))
		run := make([]byte, block*width/8)
		for i := range d {
			for b := range width {
				at := i*width + b
				run[at/8] |= byte(uint64(d[i])>>b&1) << (at % 8)
			}
		}
		out = append(out, run...)
	}
	return out
}

// oldLevels writes levels as BIT_PACKED: from the most significant bit on, without a length.
func oldLevels(v []int, width int) []byte {
	out := make([]byte, (len(v)*width+7)/8)
	for i, x := range v {
		for b := range width {
			at := i*width + b
			out[at/8] |= byte(x>>(width-1-b)&1) << (7 - at%8)
		}
	}
	return out
}

// encodePlain writes values as PLAIN.
func encodePlain(l leaf, values [][]byte) []byte {
	var out []byte
	for i, v := range values {
		switch l.Type {
		case Boolean:
			if i%8 == 0 {
				out = append(out, 0)
			}
			out[i/8] |= v[0] << (i % 8)
		case Bytes:
			out = append(binary.LittleEndian.AppendUint32(out, uint32(len(v))), v...)
		default:
			out = append(out, v...)
		}
	}
	return out
}

// packed writes numbers as one bit-packed run, or as one run of equal numbers.
func packed(v []int, width int) []byte {
	same := true
	for _, x := range v {
		same = same && x == v[0]
	}
	if same && len(v) > 0 {
		out := binary.AppendUvarint(nil, uint64(len(v))<<1)
		for i := range (width + 7) / 8 {
			out = append(out, byte(v[0]>>(8*i)))
		}
		return out
	}
	groups := (len(v) + 7) / 8
	out := binary.AppendUvarint(nil, uint64(groups)<<1|1)
	run := make([]byte, groups*width)
	for i, x := range v {
		for b := range width {
			at := i*width + b
			run[at/8] |= byte(x>>b&1) << (at % 8)
		}
	}
	return append(out, run...)
}
