package arrowtest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/float16"
)

// value is a type of values: how to make one, how to give it to Arrow, and what sfsync should
// make of it. A value is nil for null.
type value struct {
	typ    arrow.DataType
	random func(*rand.Rand) any
	append func(array.Builder, any)
	json   func(any) string // as JSON
	// Of a structure at the top, whose fields are columns.
	fields []field
}

type field struct {
	name     string
	nullable bool
	value
}

// pooled makes repeats likely, so that dictionaries are.
func pooled(rng *rand.Rand, v value) value {
	if rng.IntN(2) == 0 {
		return v
	}
	n := 1 + rng.IntN(40)
	pool := make([]any, n)
	for i := range pool {
		pool[i] = v.random(rng)
	}
	v.random = func(rng *rand.Rand) any { return pool[rng.IntN(n)] }
	return v
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// integers of any size, small ones and the extremes among them.
func integer(rng *rand.Rand, bits int) int64 {
	switch rng.IntN(5) {
	case 0:
		return int64(rng.IntN(100) - 50)
	case 1:
		return []int64{-1 << (bits - 1), 1<<(bits-1) - 1, 0, -1, 1}[rng.IntN(5)]
	case 2:
		return int64(rng.Uint64()) >> (64 - bits) >> rng.IntN(bits)
	}
	return int64(rng.Uint64()) >> (64 - bits)
}

func intType[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](t arrow.DataType, bits int, unsigned bool, add func(array.Builder, T)) value {
	return value{
		typ:    t,
		random: func(rng *rand.Rand) any { return T(integer(rng, bits)) },
		append: func(b array.Builder, v any) { add(b, v.(T)) },
		json:   func(v any) string { return fmt.Sprint(v) },
	}
}

func floatText(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return `"NaN"`
	case math.IsInf(f, 1):
		return `"Infinity"`
	case math.IsInf(f, -1):
		return `"-Infinity"`
	}
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.FormatFloat(f, 'e', -1, bits)
	}
	return strconv.FormatFloat(f, 'f', -1, bits)
}

func float(rng *rand.Rand) float64 {
	switch rng.IntN(6) {
	case 0:
		return float64(rng.IntN(2000)-1000) / 4
	case 1:
		return []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64}[rng.IntN(7)]
	case 2:
		return rng.NormFloat64()
	}
	return math.Float64frombits(rng.Uint64())
}

func text(rng *rand.Rand) string {
	switch rng.IntN(8) {
	case 0:
		return ""
	case 1:
		return strings.Repeat("long ", rng.IntN(200))
	case 2:
		return []string{"Zoë", "Łukasz \"L\"", "a\tb\nc", "日本語", "🙂", "\x00", "null", "\\"}[rng.IntN(8)]
	}
	b := make([]byte, rng.IntN(24))
	for i := range b {
		b[i] = byte('a' + rng.IntN(26))
	}
	return "prefix-"[:rng.IntN(8)] + string(b)
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func isoFraction(t time.Time) string {
	switch ns := t.Nanosecond(); {
	case ns == 0:
		return ""
	case ns%1e6 == 0:
		return fmt.Sprintf(".%03d", ns/1e6)
	case ns%1e3 == 0:
		return fmt.Sprintf(".%06d", ns/1e3)
	default:
		return fmt.Sprintf(".%09d", ns)
	}
}

var (
	firstSecond = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	lastSecond  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
)

func moment(rng *rand.Rand, unit arrow.TimeUnit) int64 {
	perSecond := int64(time.Second / unit.Multiplier())
	lo, hi := firstSecond, lastSecond
	if unit == arrow.Nanosecond {
		lo, hi = math.MinInt64/perSecond+1, math.MaxInt64/perSecond-1
	}
	sec := lo + rng.Int64N(hi-lo)
	if rng.IntN(2) == 0 {
		sec = 1.5e9 + rng.Int64N(3e8)
	}
	n := sec * perSecond
	switch rng.IntN(3) {
	case 0:
		n += rng.Int64N(perSecond)
	case 1:
		n += rng.Int64N(perSecond) / 1000 * 1000
	}
	return n
}

func timestamp(unit arrow.TimeUnit, zone string) value {
	return value{
		typ:    &arrow.TimestampType{Unit: unit, TimeZone: zone},
		random: func(rng *rand.Rand) any { return moment(rng, unit) },
		append: func(b array.Builder, v any) { b.(*array.TimestampBuilder).Append(arrow.Timestamp(v.(int64))) },
		json: func(v any) string {
			t := arrow.Timestamp(v.(int64)).ToTime(unit).UTC()
			s := t.Format("2006-01-02T15:04:05") + isoFraction(t)
			if zone != "" {
				s += "Z"
			}
			return quoted(s)
		},
	}
}

func clock(unit arrow.TimeUnit) value {
	perSecond := int64(time.Second / unit.Multiplier())
	v := value{random: func(rng *rand.Rand) any { return rng.Int64N(86400 * perSecond) }}
	if unit <= arrow.Millisecond {
		v.typ = &arrow.Time32Type{Unit: unit}
		v.append = func(b array.Builder, v any) { b.(*array.Time32Builder).Append(arrow.Time32(v.(int64))) }
	} else {
		v.typ = &arrow.Time64Type{Unit: unit}
		v.append = func(b array.Builder, v any) { b.(*array.Time64Builder).Append(arrow.Time64(v.(int64))) }
	}
	zone := ""
	v.json = func(v any) string {
		t := time.Unix(0, v.(int64)*int64(unit.Multiplier())).UTC()
		return quoted(t.Format("15:04:05") + isoFraction(t) + zone)
	}
	return v
}

// decimalText writes an unscaled number by the book.
func decimalText(n *big.Int, scale int) string {
	s := new(big.Int).Abs(n).String()
	if scale > 0 {
		if len(s) <= scale {
			s = strings.Repeat("0", scale+1-len(s)) + s
		}
		s = s[:len(s)-scale] + "." + s[len(s)-scale:]
	}
	if n.Sign() < 0 {
		s = "-" + s
	}
	return s
}

func decimalOf(rng *rand.Rand, precision int) *big.Int {
	digits := 1 + rng.IntN(precision)
	n := new(big.Int)
	for range digits {
		n.Mul(n, big.NewInt(10)).Add(n, big.NewInt(int64(rng.IntN(10))))
	}
	if rng.IntN(2) == 0 {
		n.Neg(n)
	}
	return n
}

func decimals(rng *rand.Rand) value {
	bits := []int{128, 128, 256}[rng.IntN(3)]
	most := map[int]int{128: 38, 256: 76}[bits]
	precision := 1 + rng.IntN(most)
	scale := rng.IntN(precision + 1)
	v := value{
		random: func(rng *rand.Rand) any { return decimalOf(rng, precision) },
		json:   func(v any) string { return decimalText(v.(*big.Int), scale) },
	}
	p, s := int32(precision), int32(scale)
	if bits == 128 {
		v.typ = &arrow.Decimal128Type{Precision: p, Scale: s}
		v.append = func(b array.Builder, v any) {
			b.(*array.Decimal128Builder).Append(decimal128.FromBigInt(v.(*big.Int)))
		}
	} else {
		v.typ = &arrow.Decimal256Type{Precision: p, Scale: s}
		v.append = func(b array.Builder, v any) {
			b.(*array.Decimal256Builder).Append(decimal256.FromBigInt(v.(*big.Int)))
		}
	}
	return v
}

// scalar returns a random type without parts.
func scalar(rng *rand.Rand) value {
	switch rng.IntN(28) {
	case 0:
		return value{
			typ: arrow.FixedWidthTypes.Boolean, random: func(rng *rand.Rand) any { return rng.IntN(3) == 0 },
			append: func(b array.Builder, v any) { b.(*array.BooleanBuilder).Append(v.(bool)) },
			json:   func(v any) string { return strconv.FormatBool(v.(bool)) },
		}
	case 1:
		return intType(arrow.PrimitiveTypes.Int8, 8, false, func(b array.Builder, v int8) { b.(*array.Int8Builder).Append(v) })
	case 2:
		return intType(arrow.PrimitiveTypes.Int16, 16, false, func(b array.Builder, v int16) { b.(*array.Int16Builder).Append(v) })
	case 3, 4:
		return intType(arrow.PrimitiveTypes.Int32, 32, false, func(b array.Builder, v int32) { b.(*array.Int32Builder).Append(v) })
	case 5, 6:
		return intType(arrow.PrimitiveTypes.Int64, 64, false, func(b array.Builder, v int64) { b.(*array.Int64Builder).Append(v) })
	case 7:
		return intType(arrow.PrimitiveTypes.Uint8, 8, true, func(b array.Builder, v uint8) { b.(*array.Uint8Builder).Append(v) })
	case 8:
		return intType(arrow.PrimitiveTypes.Uint16, 16, true, func(b array.Builder, v uint16) { b.(*array.Uint16Builder).Append(v) })
	case 9:
		return intType(arrow.PrimitiveTypes.Uint32, 32, true, func(b array.Builder, v uint32) { b.(*array.Uint32Builder).Append(v) })
	case 10:
		return intType(arrow.PrimitiveTypes.Uint64, 64, true, func(b array.Builder, v uint64) { b.(*array.Uint64Builder).Append(v) })
	case 11:
		return value{
			typ: arrow.PrimitiveTypes.Float32, random: func(rng *rand.Rand) any { return float32(float(rng)) },
			append: func(b array.Builder, v any) { b.(*array.Float32Builder).Append(v.(float32)) },
			json:   func(v any) string { return floatText(float64(v.(float32)), 32) },
		}
	case 12:
		return value{
			typ: arrow.PrimitiveTypes.Float64, random: func(rng *rand.Rand) any { return float(rng) },
			append: func(b array.Builder, v any) { b.(*array.Float64Builder).Append(v.(float64)) },
			json:   func(v any) string { return floatText(v.(float64), 64) },
		}
	case 13:
		return value{
			typ: arrow.FixedWidthTypes.Float16, random: func(rng *rand.Rand) any { return uint16(rng.Uint32()) },
			append: func(b array.Builder, v any) { b.(*array.Float16Builder).Append(float16.FromBits(v.(uint16))) },
			json:   func(v any) string { return halfText(v.(uint16)) },
		}
	case 14, 15:
		return decimals(rng)
	case 16:
		return value{
			typ: arrow.FixedWidthTypes.Date32, random: func(rng *rand.Rand) any { return int32(moment(rng, arrow.Second) / 86400) },
			append: func(b array.Builder, v any) { b.(*array.Date32Builder).Append(arrow.Date32(v.(int32))) },
			json:   func(v any) string { return quoted(time.Unix(int64(v.(int32))*86400, 0).UTC().Format("2006-01-02")) },
		}
	case 17:
		return clock([]arrow.TimeUnit{arrow.Millisecond, arrow.Microsecond, arrow.Nanosecond}[rng.IntN(3)])
	case 18, 19, 20:
		return timestamp([]arrow.TimeUnit{arrow.Second, arrow.Millisecond, arrow.Microsecond, arrow.Nanosecond}[rng.IntN(4)], []string{"", "UTC", "Europe/Berlin"}[rng.IntN(3)])
	case 21:
		n := 1 + rng.IntN(20)
		return value{
			typ: &arrow.FixedSizeBinaryType{ByteWidth: n}, random: func(rng *rand.Rand) any { return randomBytes(rng, n) },
			append: func(b array.Builder, v any) { b.(*array.FixedSizeBinaryBuilder).Append(v.([]byte)) },
			json:   func(v any) string { return quoted(base64.StdEncoding.EncodeToString(v.([]byte))) },
		}
	case 22:
		return value{
			typ: arrow.BinaryTypes.Binary, random: func(rng *rand.Rand) any { return randomBytes(rng, rng.IntN(40)) },
			append: func(b array.Builder, v any) { b.(*array.BinaryBuilder).Append(v.([]byte)) },
			json:   func(v any) string { return quoted(base64.StdEncoding.EncodeToString(v.([]byte))) },
		}
	case 23:
		return value{
			typ: extensions.NewUUIDType(), random: func(rng *rand.Rand) any { return [16]byte(randomBytes(rng, 16)) },
			append: func(b array.Builder, v any) { b.(*extensions.UUIDBuilder).AppendBytes(v.([16]byte)) },
			json: func(v any) string {
				u := v.([16]byte)
				h := hex.EncodeToString(u[:])
				return quoted(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
			},
		}
	case 24:
		return value{
			typ: arrow.BinaryTypes.LargeString, random: func(rng *rand.Rand) any { return text(rng) },
			append: func(b array.Builder, v any) { b.(*array.LargeStringBuilder).Append(v.(string)) },
			json:   func(v any) string { return quoted(v.(string)) },
		}
	}
	return stringType()
}

func stringType() value {
	return value{
		typ: arrow.BinaryTypes.String, random: func(rng *rand.Rand) any { return text(rng) },
		append: func(b array.Builder, v any) { b.(*array.StringBuilder).Append(v.(string)) },
		json:   func(v any) string { return quoted(v.(string)) },
	}
}

// halfText is the shortest decimal that is rounded to the same number, found by trying.
func halfText(bits uint16) string {
	// By IEEE 754, since arrow-go's own conversion is wrong for some of them.
	exp, frac, sign := int(bits>>10&31), float64(bits&1023), 1-2*float64(bits>>15)
	f := sign * math.Ldexp(1024+frac, exp-25)
	switch {
	case exp == 0:
		f = sign * math.Ldexp(frac, -24)
	case exp == 31 && frac != 0:
		f = math.NaN()
	case exp == 31:
		f = sign * math.Inf(1)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) || f == 0 {
		return floatText(f, 64)
	}
	for digits := 1; digits < 20; digits++ {
		short, err := strconv.ParseFloat(strconv.FormatFloat(f, 'e', digits-1, 64), 64)
		if err != nil {
			panic(err)
		}
		// The numbers of 16 bits between two powers of two are 1/1024 of the lower one apart.
		_, exp := math.Frexp(short)
		step := math.Ldexp(1, max(exp-11, -24))
		if math.RoundToEven(short/step)*step == f {
			return floatText(short, 64)
		}
	}
	panic(fmt.Sprintf("no decimal for %v", f))
}

// nested returns a random type, with parts while depth allows.
func nested(rng *rand.Rand, depth int) value {
	if depth == 0 || rng.IntN(3) > 0 {
		return pooled(rng, scalar(rng))
	}
	switch rng.IntN(4) {
	case 0:
		return mapType(rng, depth)
	case 1:
		return structType(rng, depth)
	}
	return listType(rng, depth)
}

// maybe makes a value or null.
func maybe(rng *rand.Rand, nullable bool, v value) any {
	if nullable && rng.IntN(4) == 0 {
		return nil
	}
	return v.random(rng)
}

func add(b array.Builder, v value, x any) {
	if x == nil {
		b.AppendNull()
		return
	}
	v.append(b, x)
}

func toJSON(v value, x any) string {
	if x == nil {
		return "null"
	}
	return v.json(x)
}

func listType(rng *rand.Rand, depth int) value {
	elem, nullable := nested(rng, depth-1), rng.IntN(2) == 0
	f := arrow.Field{Name: "element", Type: elem.typ, Nullable: nullable}
	most := []int{2, 5, 40}[rng.IntN(3)]
	return value{
		typ: arrow.ListOfField(f),
		random: func(rng *rand.Rand) any {
			out := make([]any, rng.IntN(most))
			for i := range out {
				out[i] = maybe(rng, nullable, elem)
			}
			return out
		},
		append: func(b array.Builder, v any) {
			l := b.(*array.ListBuilder)
			l.Append(true)
			for _, x := range v.([]any) {
				add(l.ValueBuilder(), elem, x)
			}
		},
		json: func(v any) string {
			var s []string
			for _, x := range v.([]any) {
				s = append(s, toJSON(elem, x))
			}
			return "[" + strings.Join(s, ",") + "]"
		},
	}
}

func mapType(rng *rand.Rand, depth int) value {
	key, item := stringType(), nested(rng, depth-1)
	if rng.IntN(4) == 0 {
		key = intType(arrow.PrimitiveTypes.Int64, 64, false, func(b array.Builder, v int64) { b.(*array.Int64Builder).Append(v) })
	}
	nullable := rng.IntN(2) == 0
	t := arrow.MapOf(key.typ, item.typ)
	t.SetItemNullable(nullable)
	type pair struct{ k, v any }
	return value{
		typ: t,
		random: func(rng *rand.Rand) any {
			out := make([]pair, rng.IntN(12))
			for i := range out {
				out[i] = pair{key.random(rng), maybe(rng, nullable, item)}
			}
			return out
		},
		append: func(b array.Builder, v any) {
			m := b.(*array.MapBuilder)
			m.Append(true)
			for _, p := range v.([]pair) {
				add(m.KeyBuilder(), key, p.k)
				add(m.ItemBuilder(), item, p.v)
			}
		},
		json: func(v any) string {
			pairs := v.([]pair)
			var s []string
			for i, p := range pairs {
				again := false
				for _, o := range pairs[i+1:] {
					again = again || o.k == p.k
				}
				if again {
					continue // the last one counts
				}
				k := toJSON(key, p.k)
				if k[0] != '"' {
					k = quoted(k)
				}
				s = append(s, k+":"+toJSON(item, p.v))
			}
			return "{" + strings.Join(s, ",") + "}"
		},
	}
}

func structType(rng *rand.Rand, depth int) value {
	fields := make([]field, 1+rng.IntN(3))
	arrows := make([]arrow.Field, len(fields))
	for i := range fields {
		fields[i] = field{fmt.Sprintf("f%d", i), rng.IntN(2) == 0, nested(rng, depth-1)}
		arrows[i] = arrow.Field{Name: fields[i].name, Type: fields[i].typ, Nullable: fields[i].nullable}
	}
	return value{
		typ: arrow.StructOf(arrows...), fields: fields,
		random: func(rng *rand.Rand) any {
			out := make([]any, len(fields))
			for i, f := range fields {
				out[i] = maybe(rng, f.nullable, f.value)
			}
			return out
		},
		append: func(b array.Builder, v any) {
			s := b.(*array.StructBuilder)
			s.Append(true)
			for i, x := range v.([]any) {
				add(s.FieldBuilder(i), fields[i].value, x)
			}
		},
		json: func(v any) string {
			var s []string
			for i, x := range v.([]any) {
				s = append(s, quoted(fields[i].name)+":"+toJSON(fields[i].value, x))
			}
			return "{" + strings.Join(s, ",") + "}"
		},
	}
}
