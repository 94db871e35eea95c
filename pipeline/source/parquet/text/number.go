package text

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet/meta"
)

func (f *Format) null(dst, _ []byte) ([]byte, row.Kind) { return dst, row.Null }

func (f *Format) boolean(dst, v []byte) ([]byte, row.Kind) {
	if v[0] != 0 {
		return append(dst, "true"...), row.Bool
	}
	return append(dst, "false"...), row.Bool
}

// signed reads a stored integer.
func (f *Format) signed(v []byte) int64 {
	if f.leaf.Type == meta.Int32 {
		return int64(int32(binary.LittleEndian.Uint32(v)))
	}
	return int64(binary.LittleEndian.Uint64(v))
}

func (f *Format) integer(dst, v []byte) ([]byte, row.Kind) {
	return strconv.AppendInt(dst, f.signed(v), 10), row.Number
}

func (f *Format) unsigned(dst, v []byte) ([]byte, row.Kind) {
	if f.leaf.Type == meta.Int32 {
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(v)), 10), row.Number
	}
	return strconv.AppendUint(dst, binary.LittleEndian.Uint64(v), 10), row.Number
}

func (f *Format) float(dst, v []byte) ([]byte, row.Kind) {
	return appendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(v))), 32)
}

func (f *Format) double(dst, v []byte) ([]byte, row.Kind) {
	return appendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(v)), 64)
}

// appendFloat writes the shortest decimal that reads back as the same number, without an
// exponent from 1e-6 to 1e21, as JavaScript does. What is no number is text.
func appendFloat(dst []byte, f float64, bits int) ([]byte, row.Kind) {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...), row.Text
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...), row.Text
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...), row.Text
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits), row.Number
}

// float16 writes the shortest decimal that is nearest to the same number of 16 bits.
func (f *Format) float16(dst, v []byte) ([]byte, row.Kind) {
	bits := binary.LittleEndian.Uint16(v)
	x := fromHalf(bits)
	if math.IsNaN(x) || math.IsInf(x, 0) || x == 0 {
		return appendFloat(dst, x, 32)
	}
	base := len(dst)
	for digits := 0; digits < 5; digits++ {
		dst = strconv.AppendFloat(dst[:base], x, 'e', digits, 64)
		short, err := strconv.ParseFloat(string(dst[base:]), 64)
		if err == nil && nearestHalf(short, bits) {
			return appendFloat(dst[:base], short, 64)
		}
	}
	return appendFloat(dst[:base], x, 64)
}

// fromHalf is the value of an IEEE 754 number of 16 bits.
func fromHalf(b uint16) float64 {
	exp, frac := int(b>>10&31), float64(b&1023)
	var f float64
	switch exp {
	case 0:
		f = math.Ldexp(frac, -24)
	case 31:
		f = math.Inf(1)
		if frac != 0 {
			return math.NaN()
		}
	default:
		f = math.Ldexp(1024+frac, exp-25)
	}
	if b>>15 == 1 {
		return -f
	}
	return f
}

// nearestHalf reports whether f is rounded to the number bits: it is nearer to it than to its
// neighbours, or halfway and bits is even.
func nearestHalf(f float64, bits uint16) bool {
	d := math.Abs(f - fromHalf(bits))
	for _, n := range [2]uint16{bits - 1, bits + 1} {
		o := fromHalf(n)
		if math.IsInf(o, 0) { // the largest number: its upper neighbour would be one step on
			o = 2*fromHalf(bits) - fromHalf(bits-1)
		}
		if other := math.Abs(f - o); other < d || other == d && bits&1 == 1 {
			return false
		}
	}
	return true
}

// decimalInt writes a decimal stored as an integer.
func (f *Format) decimalInt(dst, v []byte) ([]byte, row.Kind) {
	n := f.signed(v)
	if n < 0 {
		dst = append(dst, '-')
	}
	base := len(dst)
	dst = strconv.AppendUint(dst, magnitude(n), 10)
	return point(dst, base, int(f.leaf.Logical.Scale)), row.Number
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
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

// decimalBytes writes a decimal stored as a big-endian number in two's complement.
func (f *Format) decimalBytes(dst, v []byte) ([]byte, row.Kind) {
	for len(v) > 8 && (v[0] == 0 && v[1] < 0x80 || v[0] == 0xFF && v[1] >= 0x80) {
		v = v[1:] // a byte that only repeats the sign
	}
	if len(v) == 0 || len(v) > MaxDecimal {
		return dst, BadNumber
	}
	if len(v) <= 8 {
		n := int64(int8(v[0]))
		for _, b := range v[1:] {
			n = n<<8 | int64(b)
		}
		if n < 0 {
			dst = append(dst, '-')
		}
		base := len(dst)
		dst = strconv.AppendUint(dst, magnitude(n), 10)
		return point(dst, base, int(f.leaf.Logical.Scale)), row.Number
	}
	n := new(big.Int).SetBytes(v)
	if v[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(v))*8))
		n.Neg(n)
		dst = append(dst, '-')
	}
	base := len(dst)
	dst = n.Append(dst, 10)
	return point(dst, base, int(f.leaf.Logical.Scale)), row.Number
}
