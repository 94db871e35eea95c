package meta

import (
	"fmt"
	"strconv"
)

// Physical is how values are stored (parquet.thrift, Type).
type Physical uint8

// The physical types, as they are numbered.
const (
	Bool Physical = iota
	Int32
	Int64
	Int96
	Float
	Double
	Bytes
	Fixed
)

// String returns the name of the type.
func (p Physical) String() string {
	names := [...]string{"boolean", "int32", "int64", "int96", "float", "double", "binary", "fixed"}
	if int(p) < len(names) {
		return names[p]
	}
	return "type " + strconv.Itoa(int(p))
}

// width returns the bytes of a value; 0 for those of varying length and for booleans, whose
// values are bits.
func (p Physical) width(length int32) int {
	switch p {
	case Int32, Float:
		return 4
	case Int64, Double:
		return 8
	case Int96:
		return 12
	case Fixed:
		return int(length)
	}
	return 0
}

// Encoding is how values are encoded (parquet.thrift, Encoding).
type Encoding int32

// The encodings, as they are numbered.
const (
	Plain      Encoding = 0
	PlainDict  Encoding = 2
	RLE        Encoding = 3
	BitPacked  Encoding = 4
	Delta      Encoding = 5
	DeltaLen   Encoding = 6
	DeltaBytes Encoding = 7
	Dict       Encoding = 8
	Split      Encoding = 9
)

// String returns the name of the encoding.
func (e Encoding) String() string {
	names := [...]string{
		"PLAIN", "GROUP_VAR_INT", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED",
		"DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY", "BYTE_STREAM_SPLIT",
	}
	if e >= 0 && int(e) < len(names) {
		return names[e]
	}
	return fmt.Sprintf("number %d", int32(e))
}

// Logical is what values mean.
type Logical struct {
	Kind             LogicalKind
	Unit             Unit
	UTC              bool // of times and timestamps
	Bits             int8 // of integers
	Signed           bool
	Scale, Precision int32 // of decimals
}

// LogicalKind is a logical type without its parameters.
type LogicalKind uint8

// The logical types, whether they are written as such or as the older converted types.
const (
	NoLogical LogicalKind = iota
	String
	Map
	List
	Enum
	Decimal
	Date
	Time
	Timestamp
	Integer
	Null
	JSON
	BSON
	UUID
	Float16
	Interval
)

// Unit is the unit of times and timestamps.
type Unit uint8

// The units.
const (
	NoUnit Unit = iota
	Millis
	Micros
	Nanos
)

// String returns the usual sign of the unit.
func (u Unit) String() string { return [...]string{"?", "ms", "us", "ns"}[u] }
