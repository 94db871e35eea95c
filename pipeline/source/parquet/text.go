package parquet

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/pipeline/row"
)

// Kinds of values that cannot be a cell: the row is a problem.
const (
	badText   row.Kind = 0x7F // text that is not UTF-8; what is appended is, with replacements
	badNumber row.Kind = 0x7E // a decimal without bytes, or with too many
)

const (
	// maxFixed is the longest value of fixed length, maxDecimal the longest decimal, in bytes.
	maxFixed   = 1 << 20
	maxDecimal = 1 << 10
	maxScale   = 1 << 10
)

// formatter appends the text of a stored value and says what it is. The value has the width
// of its type.
type formatter func(l *leafType, dst, v []byte) ([]byte, row.Kind)

// resolve chooses how the values of a leaf are written. A logical type that does not fit the
// physical one is not looked at, as the format asks of readers.
func (l *leafType) resolve() error {
	g := &l.logical
	small := l.typ == physInt32 || l.typ == physInt64
	text := l.typ == physBytes || l.typ == physFixed
	switch {
	case g.kind == logNull:
		l.format, l.typeName = (*leafType).null, "null"
	case g.kind == logDecimal && (small || text):
		if g.scale < 0 || g.scale > maxScale {
			return fmt.Errorf("its decimals have a scale of %d", g.scale)
		}
		l.typeName = fmt.Sprintf("decimal(%d,%d)", g.precision, g.scale)
		l.format = (*leafType).decimalBytes
		if small {
			l.format = (*leafType).decimalInt
		}
		if l.typ == physFixed && l.length > maxDecimal {
			return fmt.Errorf("its decimals have %d bytes", l.length)
		}
	case g.kind == logDate && l.typ == physInt32:
		l.format, l.typeName = (*leafType).date, "date"
	case g.kind == logTime && g.unit != noUnit && small:
		l.format, l.typeName = (*leafType).time, "time("+g.unit.String()+zone(g.utc)+")"
	case g.kind == logTimestamp && g.unit != noUnit && l.typ == physInt64:
		l.format, l.typeName = (*leafType).timestamp, "timestamp("+g.unit.String()+zone(g.utc)+")"
	case g.kind == logInteger && small && !g.signed:
		l.format, l.typeName = (*leafType).unsigned, "uint"+strconv.Itoa(int(uint8(g.bits)))
	case g.kind == logInteger && small:
		l.format, l.typeName = (*leafType).integer, "int"+strconv.Itoa(int(uint8(g.bits)))
	case g.kind == logFloat16 && l.typ == physFixed && l.length == 2:
		l.format, l.typeName = (*leafType).float16, "float16"
	case g.kind == logUUID && l.typ == physFixed && l.length == 16:
		l.format, l.typeName = (*leafType).uuid, "uuid"
	case g.kind == logInterval && l.typ == physFixed && l.length == 12:
		l.format, l.typeName = (*leafType).interval, "interval"
	case g.kind == logString && text:
		l.format, l.isText, l.typeName = (*leafType).text, true, "string"
	case g.kind == logEnum && text:
		l.format, l.isText, l.typeName = (*leafType).text, true, "enum"
	case g.kind == logJSON && text:
		l.format, l.typeName = (*leafType).json, "json"
	case g.kind == logBSON && text:
		l.format, l.typeName, l.refused = (*leafType).base64, "bson", "BSON is not read: write JSON or single columns"
	default:
		l.plain()
	}
	return nil
}

func zone(utc bool) string {
	if utc {
		return ", UTC"
	}
	return ""
}

// plain is resolve for values without a logical type.
func (l *leafType) plain() {
	l.typeName = l.typ.String()
	switch l.typ {
	case physBool:
		l.format = (*leafType).boolean
	case physInt32, physInt64:
		l.format = (*leafType).integer
	case physInt96:
		l.format, l.typeName = (*leafType).int96, "timestamp(int96)"
	case physFloat:
		l.format = (*leafType).float
	case physDouble:
		l.format = (*leafType).double
	case physBytes:
		l.format = (*leafType).base64
	case physFixed:
		l.format, l.typeName = (*leafType).base64, "binary("+strconv.Itoa(int(l.length))+")"
	}
}

func (l *leafType) null(dst, _ []byte) ([]byte, row.Kind) { return dst, row.Null }

func (l *leafType) boolean(dst, v []byte) ([]byte, row.Kind) {
	if v[0] != 0 {
		return append(dst, "true"...), row.Bool
	}
	return append(dst, "false"...), row.Bool
}

// signed reads a stored integer.
func (l *leafType) signed(v []byte) int64 {
	if l.typ == physInt32 {
		return int64(int32(binary.LittleEndian.Uint32(v)))
	}
	return int64(binary.LittleEndian.Uint64(v))
}

func (l *leafType) integer(dst, v []byte) ([]byte, row.Kind) {
	return strconv.AppendInt(dst, l.signed(v), 10), row.Number
}

func (l *leafType) unsigned(dst, v []byte) ([]byte, row.Kind) {
	if l.typ == physInt32 {
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(v)), 10), row.Number
	}
	return strconv.AppendUint(dst, binary.LittleEndian.Uint64(v), 10), row.Number
}

func (l *leafType) float(dst, v []byte) ([]byte, row.Kind) {
	return appendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(v))), 32)
}

func (l *leafType) double(dst, v []byte) ([]byte, row.Kind) {
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
func (l *leafType) float16(dst, v []byte) ([]byte, row.Kind) {
	bits := binary.LittleEndian.Uint16(v)
	f := fromHalf(bits)
	if math.IsNaN(f) || math.IsInf(f, 0) || f == 0 {
		return appendFloat(dst, f, 32)
	}
	base := len(dst)
	for digits := 0; digits < 5; digits++ {
		dst = strconv.AppendFloat(dst[:base], f, 'e', digits, 64)
		short, err := strconv.ParseFloat(string(dst[base:]), 64)
		if err == nil && nearestHalf(short, bits) {
			return appendFloat(dst[:base], short, 64)
		}
	}
	return appendFloat(dst[:base], f, 64)
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
func (l *leafType) decimalInt(dst, v []byte) ([]byte, row.Kind) {
	n := l.signed(v)
	if n < 0 {
		dst = append(dst, '-')
	}
	base := len(dst)
	dst = strconv.AppendUint(dst, magnitude(n), 10)
	return point(dst, base, int(l.logical.scale)), row.Number
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
func (l *leafType) decimalBytes(dst, v []byte) ([]byte, row.Kind) {
	for len(v) > 8 && (v[0] == 0 && v[1] < 0x80 || v[0] == 0xFF && v[1] >= 0x80) {
		v = v[1:] // a byte that only repeats the sign
	}
	if len(v) == 0 || len(v) > maxDecimal {
		return dst, badNumber
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
		return point(dst, base, int(l.logical.scale)), row.Number
	}
	n := new(big.Int).SetBytes(v)
	if v[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(v))*8))
		n.Neg(n)
		dst = append(dst, '-')
	}
	base := len(dst)
	dst = n.Append(dst, 10)
	return point(dst, base, int(l.logical.scale)), row.Number
}

// text writes a string as it is, if it is UTF-8.
func (l *leafType) text(dst, v []byte) ([]byte, row.Kind) {
	if !utf8.Valid(v) {
		return append(dst, bytes.ToValidUTF8(v, []byte("\uFFFD"))...), badText
	}
	return append(dst, v...), row.Text
}

// json writes a JSON text on one line. A scalar becomes a cell of its kind; what is not JSON
// stays text.
func (l *leafType) json(dst, v []byte) ([]byte, row.Kind) {
	if !utf8.Valid(v) {
		return l.text(dst, v)
	}
	base := len(dst)
	dst = append(dst, v...)
	val := jsontext.Value(dst[base:])
	if val.Compact(jsontext.AllowDuplicateNames(true)) != nil {
		return append(dst[:base], v...), row.Text
	}
	dst = dst[:base+len(val)] // Compact works in place
	switch val.Kind() {
	case '{', '[':
		return dst, row.JSON
	case '0':
		return dst, row.Number
	case 't', 'f':
		return dst, row.Bool
	case 'n':
		return dst[:base], row.Null
	}
	s, err := jsontext.AppendUnquote(nil, val)
	if err != nil {
		return append(dst[:base], v...), row.Text
	}
	return append(dst[:base], s...), row.Text
}

func (l *leafType) base64(dst, v []byte) ([]byte, row.Kind) {
	return base64.StdEncoding.AppendEncode(dst, v), row.Text
}

// uuid writes 8-4-4-4-12 hexadecimal digits.
func (l *leafType) uuid(dst, v []byte) ([]byte, row.Kind) {
	const hex = "0123456789abcdef"
	for i, b := range v {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hex[b>>4], hex[b&15])
	}
	return dst, row.Text
}

// interval writes months, days and milliseconds as an ISO 8601 duration.
func (l *leafType) interval(dst, v []byte) ([]byte, row.Kind) {
	months, days, ms := binary.LittleEndian.Uint32(v), binary.LittleEndian.Uint32(v[4:]), binary.LittleEndian.Uint32(v[8:])
	dst = append(dst, 'P')
	if months > 0 {
		dst = append(strconv.AppendUint(dst, uint64(months), 10), 'M')
	}
	if days > 0 {
		dst = append(strconv.AppendUint(dst, uint64(days), 10), 'D')
	}
	if ms > 0 || months == 0 && days == 0 {
		dst = append(dst, 'T')
		dst = strconv.AppendUint(dst, uint64(ms/1000), 10)
		if f := ms % 1000; f > 0 {
			dst = append(dst, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
		}
		dst = append(dst, 'S')
	}
	return dst, row.Text
}

// quote quotes a name for a message, cut to 60 bytes.
func quote(s string) string {
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return strconv.Quote(s)
}

// appendString appends a JSON string; what is not UTF-8 becomes U+FFFD.
func appendString[T ~string | ~[]byte](dst []byte, s T) []byte {
	out, _ := jsontext.AppendQuote(dst, s) // the error only tells of replaced bytes
	return out
}

// Errors of this package, for errors.Is.
var (
	// ErrEncrypted: the file, or a column of it, is encrypted.
	ErrEncrypted = errors.New("it is encrypted")
	// ErrRefused: a column is of a type whose values are not read.
	ErrRefused = errors.New("it cannot be read")
	// ErrInternal: reading met a bug of this package; that too ends in an error.
	ErrInternal = errors.New("internal error")
	// ErrMemory: reading the file takes more memory than is allowed.
	ErrMemory = errors.New("more memory than is allowed")
)
