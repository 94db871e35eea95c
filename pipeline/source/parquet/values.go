package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// encoding is how values are encoded (parquet.thrift, Encoding).
type encoding int32

const (
	encPlain      encoding = 0
	encPlainDict  encoding = 2
	encRLE        encoding = 3
	encBitPacked  encoding = 4
	encDelta      encoding = 5
	encDeltaLen   encoding = 6
	encDeltaBytes encoding = 7
	encDict       encoding = 8
	encSplit      encoding = 9
)

func (e encoding) String() string {
	names := [...]string{
		"PLAIN", "GROUP_VAR_INT", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED",
		"DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY", "BYTE_STREAM_SPLIT",
	}
	if e >= 0 && int(e) < len(names) {
		return names[e]
	}
	return fmt.Sprintf("number %d", int32(e))
}

// form is how the decoded values of a window are at hand.
type form uint8

const (
	formFixed form = iota // one behind the other
	formSpans             // spans of data
	formDict              // numbers of entries of the dictionary
)

// values decodes the values of a page, a window of them at a time.
type values struct {
	enc encoding
	src []byte // what is not decoded

	// The window: values next to n are still to be handed out.
	form    form
	next, n int
	fixed   []byte
	width   int // of the values in fixed
	data    []byte
	spans   []uint32 // two for each value
	idx     []uint32

	hybrid    hybrid
	started   bool // the width of dictionary indexes was read
	deltas    delta
	suffixes  delta
	bit       int // of plain booleans
	at, count int // of split values

	ints    []int64 // scratch
	scratch []byte
	last    []byte // the last value of DELTA_BYTE_ARRAY
	touched byte
}

// stored returns value i of the window, which is none of a dictionary.
func (v *values) stored(i int) []byte {
	if v.form == formFixed {
		return v.fixed[i*v.width : (i+1)*v.width]
	}
	return v.data[v.spans[2*i]:v.spans[2*i+1]]
}

// reset begins a page whose values are src; most is the number of values it has at most.
func (v *values) reset(l *leafType, enc encoding, src []byte, most int) error {
	v.enc, v.src, v.next, v.n = enc, src, 0, 0
	v.width = l.width
	wrong := false
	switch enc {
	case encPlain:
		v.form, v.bit = formFixed, 0
		if l.typ == physBytes {
			v.form, v.data = formSpans, src
		}
		if l.typ == physBool {
			v.width = 1
		}
	case encDict, encPlainDict:
		v.enc, v.form, v.started = encDict, formDict, false
		wrong = l.typ == physBool
	case encRLE:
		v.form, v.width = formFixed, 1
		if wrong = l.typ != physBool; wrong || most == 0 {
			break
		}
		if len(src) < 4 {
			if len(src) == 0 {
				v.hybrid = hybrid{} // no value but nulls
				break
			}
			return errTruncated
		}
		n := binary.LittleEndian.Uint32(src)
		if int64(n) > int64(len(src)-4) {
			return errTruncated
		}
		v.hybrid = newHybrid(src[4:4+n], 1)
	case encDelta:
		v.form = formFixed
		if wrong = l.typ != physInt32 && l.typ != physInt64; wrong || len(src) == 0 {
			v.deltas = delta{}
			break
		}
		var err error
		v.deltas, err = newDelta(src, most)
		return err
	case encDeltaLen:
		v.form = formSpans
		if wrong = l.typ != physBytes; wrong || len(src) == 0 {
			v.deltas = delta{}
			break
		}
		return v.lengthsFirst(src, most)
	case encDeltaBytes:
		v.form, v.last = formSpans, v.last[:0]
		if wrong = l.typ != physBytes && l.typ != physFixed; wrong || len(src) == 0 {
			v.deltas, v.suffixes = delta{}, delta{}
			break
		}
		return v.prefixesFirst(src, most)
	case encSplit:
		v.form = formFixed
		if wrong = l.width == 0 || l.typ == physInt96; wrong {
			break
		}
		v.at, v.count = 0, len(src)/l.width
		if len(src)%l.width != 0 || v.count > most {
			return fmt.Errorf("it has %d bytes for %d values of %d", len(src), most, l.width)
		}
	default:
		wrong = true
	}
	if wrong {
		return fmt.Errorf("its values of type %s have the encoding %s", l.typ, enc)
	}
	return nil
}

func (v *values) lengthsFirst(src []byte, most int) (err error) {
	if v.deltas, err = newDelta(src, most); err != nil {
		return err
	}
	v.data, err = v.deltas.rest()
	v.at = 0
	return err
}

func (v *values) prefixesFirst(src []byte, most int) (err error) {
	if v.deltas, err = newDelta(src, most); err != nil {
		return err
	}
	rest, err := v.deltas.rest()
	if err != nil {
		return err
	}
	if v.suffixes, err = newDelta(rest, most); err != nil {
		return err
	}
	v.src, err = v.suffixes.rest()
	return err
}

// maxScratch is the size at which a window of values that are put together ends.
const maxScratch = 256 << 10

// fill decodes the next values into the window: at least one, at most need, which the page
// must have, and no more than size.
func (v *values) fill(l *leafType, need, size int, d *dictionary) error {
	n := min(need, size)
	v.next, v.n = 0, n
	switch v.enc {
	case encPlain:
		switch {
		case l.typ == physBool:
			return v.plainBools(n)
		case l.typ == physBytes:
			return v.plainBytes(n)
		}
		if v.n = need; need > len(v.src)/v.width { // nothing is decoded: the window may be as long as it likes
			return errTruncated
		}
		v.fixed, v.src = v.src[:need*v.width], v.src[need*v.width:]
	case encDict:
		return v.indexes(n, d)
	case encRLE:
		v.scratch = sized(v.scratch, n)
		v.fixed = v.scratch
		return read(&v.hybrid, v.fixed)
	case encDelta:
		return v.deltaInts(l, n)
	case encDeltaLen:
		return v.deltaLengths(n)
	case encDeltaBytes:
		return v.deltaBytes(l, n)
	case encSplit:
		if n > v.count-v.at {
			return errTruncated
		}
		v.scratch = sized(v.scratch, n*v.width)
		v.fixed = v.scratch
		for b := range v.width {
			col := v.src[b*v.count+v.at:]
			for i := range n {
				v.fixed[i*v.width+b] = col[i]
			}
		}
		v.at += n
	}
	return nil
}

// sized returns a slice of length n, in the memory of s if it has room.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

func (v *values) plainBools(n int) error {
	v.scratch = sized(v.scratch, n)
	v.fixed = v.scratch
	if n > len(v.src)*8-v.bit {
		return errTruncated
	}
	unpackBits(v.fixed, v.src, v.bit, 1)
	v.bit += n
	return nil
}

func (v *values) plainBytes(n int) error {
	v.spans = sized(v.spans, 2*n)
	at := len(v.data) - len(v.src)
	data := v.data
	for i := range n {
		if len(data)-at < 4 {
			return errTruncated
		}
		size := int(binary.LittleEndian.Uint32(data[at:]))
		at += 4
		if size > len(data)-at {
			return fmt.Errorf("a value should be %d bytes long, more than there are", size)
		}
		v.spans[2*i], v.spans[2*i+1] = uint32(at), uint32(at+size)
		at += size
	}
	v.src = data[at:]
	return nil
}

func (v *values) indexes(n int, d *dictionary) error {
	if !v.started {
		if len(v.src) == 0 {
			return errTruncated
		}
		if v.src[0] > 32 {
			return fmt.Errorf("its dictionary indexes have %d bits", v.src[0])
		}
		v.hybrid, v.started = newHybrid(v.src[1:], uint(v.src[0])), true
	}
	if d == nil || !d.there {
		return errors.New("its dictionary is missing")
	}
	v.idx = sized(v.idx, n)
	if err := read(&v.hybrid, v.idx); err != nil {
		return err
	}
	most := uint32(0)
	for _, k := range v.idx {
		most = max(most, k)
	}
	if int64(most) >= int64(d.n) {
		return fmt.Errorf("a value is number %d of a dictionary of %d", most, d.n)
	}
	// Entries of a large dictionary are all over the memory. To touch them here, where no value
	// waits for another, gets them into the cache several at a time: rows are read 1.07
	// times as fast.
	if d.width > 0 {
		return nil
	}
	for _, k := range v.idx {
		if at := d.spans[2*k]; int(at) < len(d.data) {
			v.touched += d.data[at]
		}
	}
	return nil
}

func (v *values) deltaInts(l *leafType, n int) error {
	v.ints = sized(v.ints, n)
	if err := v.deltas.read(v.ints); err != nil {
		return err
	}
	v.scratch = sized(v.scratch, n*v.width)
	v.fixed = v.scratch
	if l.typ == physInt32 {
		for i, x := range v.ints {
			binary.LittleEndian.PutUint32(v.fixed[4*i:], uint32(x))
		}
		return nil
	}
	for i, x := range v.ints {
		binary.LittleEndian.PutUint64(v.fixed[8*i:], uint64(x))
	}
	return nil
}

func (v *values) deltaLengths(n int) error {
	v.ints, v.spans = sized(v.ints, n), sized(v.spans, 2*n)
	if err := v.deltas.read(v.ints); err != nil {
		return err
	}
	for i, size := range v.ints {
		if size < 0 || size > int64(len(v.data)-v.at) {
			return fmt.Errorf("a value should be %d bytes long; %d are left", size, len(v.data)-v.at)
		}
		v.spans[2*i], v.spans[2*i+1] = uint32(v.at), uint32(v.at+int(size))
		v.at += int(size)
	}
	return nil
}

func (v *values) deltaBytes(l *leafType, n int) error {
	v.spans, v.scratch = sized(v.spans, 2*n), v.scratch[:0]
	var one [2]int64
	for i := range n {
		if i > 0 && len(v.scratch) >= maxScratch {
			v.n = i
			break
		}
		if err := v.deltas.read(one[:1]); err != nil {
			return err
		}
		if err := v.suffixes.read(one[1:]); err != nil {
			return err
		}
		prefix, suffix := one[0], one[1]
		if prefix < 0 || prefix > int64(len(v.last)) || suffix < 0 || suffix > int64(len(v.src)) {
			return fmt.Errorf("a value should take %d bytes of the last one and %d more", prefix, suffix)
		}
		if l.typ == physFixed && prefix+suffix != int64(l.length) {
			return fmt.Errorf("a value of %d bytes should have %d", prefix+suffix, l.length)
		}
		if prefix+suffix > maxValue {
			return fmt.Errorf("a value has %d bytes; at most %d are read", prefix+suffix, maxValue)
		}
		v.last = append(v.last[:prefix], v.src[:suffix]...)
		v.src = v.src[suffix:]
		from := len(v.scratch)
		v.scratch = append(v.scratch, v.last...)
		v.spans[2*i], v.spans[2*i+1] = uint32(from), uint32(len(v.scratch))
	}
	v.data = v.scratch
	return nil
}

// maxValue is the longest value that is put together of several pieces.
const maxValue = 16 << 20
