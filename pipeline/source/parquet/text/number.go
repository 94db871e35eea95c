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
	return appendInt(dst, f.signed(v)), row.Number
}

func (f *Format) unsigned(dst, v []byte) ([]byte, row.Kind) {
	if f.leaf.Type == meta.Int32 {
		return appendUint(dst, uint64(binary.LittleEndian.Uint32(v))), row.Number
	}
	return appendUint(dst, binary.LittleEndian.Uint64(v)), row.Number
}

func (f *Format) float(dst, v []byte) ([]byte, row.Kind) {
	return appendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(v))), 32)
}

func (f *Format) double(dst, v []byte) ([]byte, row.Kind) {
	x := math.Float64frombits(binary.LittleEndian.Uint64(v))
	if n, scale := shortDecimal(math.Abs(x)); n > 0 {
		if x < 0 {
			dst = append(dst, '-')
		}
		return appendDecimal(dst, n, scale), row.Number
	}
	return appendFloat(dst, x, 64)
}

// shortDecimal returns x as n divided by 10 to the power of scale, if it is a decimal with up to four
// digits behind the point and not many in front, as amounts are; otherwise n is 0. That decimal is
// the shortest: it has no more than 15 digits, and no two decimals of so few are the same number.
func shortDecimal(x float64) (n uint64, scale int) {
	if !(x < 1e10) {
		return 0, 0
	}
	n = uint64(x*1e4 + 0.5)
	if float64(n)/1e4 != x {
		return 0, 0
	}
	scale = 4
	if q := n / 100; n == 100*q {
		n, scale = q, 2
		if q := n / 100; n == 100*q {
			return q, 0
		}
	}
	if q := n / 10; n == 10*q {
		return q, scale - 1
	}
	return n, scale
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
	return f.decimal(dst, f.signed(v)), row.Number
}

// decimal appends a decimal without its scale.
func (f *Format) decimal(dst []byte, n int64) []byte {
	if n < 0 {
		dst = append(dst, '-')
	}
	return appendDecimal(dst, magnitude(n), int(f.leaf.Logical.Scale))
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
		return f.decimal(dst, n), row.Number
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
