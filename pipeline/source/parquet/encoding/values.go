// Package encoding decodes the levels and values of Parquet pages, a window of them at a time. It
// trusts nothing in a page: every length, count and index is checked before it is used.
package encoding

import (
	"encoding/binary"
	"errors"
	"fmt"

	"sfsync/pipeline/source/parquet/meta"
)

// Form is how the values of a window are at hand.
type Form uint8

// The forms.
const (
	FixedForm Form = iota // one behind the other in Fixed
	SpansForm             // spans of Data
	DictForm              // numbers of entries of the dictionary
)

// Span is where a value stands: Data[From:To].
type Span struct{ From, To uint32 }

// Values decodes the values of a page, a window of them at a time. The zero Values has none; Reset
// gives it a page. Its slices are valid until the next call; nobody else may change them.
type Values struct {
	Form  Form
	N     int    // the values of the window
	Fixed []byte // of FixedForm
	Width int    // of each of them
	Data  []byte // of SpansForm
	Spans []Span
	Most  int      // the bytes of the longest value of the window, in SpansForm
	Index []uint32 // of DictForm

	typ     meta.Physical
	length  int32
	enc     meta.Encoding
	src     []byte // what is not decoded
	dict    int    // the entries of the dictionary; -1 if there is none
	hybrid  hybrid
	started bool // the width of dictionary indexes was read

	deltas, suffixes delta
	bit              int // of plain booleans
	at, count        int // of split values and of those behind their lengths

	ints    []int64 // scratch
	scratch []byte
	last    []byte // the last value of DELTA_BYTE_ARRAY
}

// Reset begins a page of a leaf whose values are src; most is the number of values it has at most,
// dict the number of entries of the dictionary, -1 if there is none.
func (v *Values) Reset(l *meta.Leaf, enc meta.Encoding, src []byte, most, dict int) error {
	v.typ, v.length, v.Width = l.Type, l.Length, l.Width
	v.enc, v.src, v.dict, v.N = enc, src, dict, 0
	wrong := false
	switch enc {
	case meta.Plain:
		v.Form, v.bit = FixedForm, 0
		switch l.Type {
		case meta.Bytes:
			v.Form, v.Data = SpansForm, src
		case meta.Bool:
			v.Width = 1
		}
	case meta.Dict, meta.PlainDict:
		v.enc, v.Form, v.started = meta.Dict, DictForm, false
		wrong = l.Type == meta.Bool
	case meta.RLE:
		v.Form, v.Width = FixedForm, 1
		if wrong = l.Type != meta.Bool; wrong || most == 0 {
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
	case meta.Delta:
		v.Form = FixedForm
		if wrong = l.Type != meta.Int32 && l.Type != meta.Int64; wrong || len(src) == 0 {
			v.deltas = delta{}
			break
		}
		var err error
		v.deltas, err = newDelta(src, most)
		return err
	case meta.DeltaLen:
		v.Form = SpansForm
		if wrong = l.Type != meta.Bytes; wrong || len(src) == 0 {
			v.deltas = delta{}
			break
		}
		return v.lengthsFirst(src, most)
	case meta.DeltaBytes:
		v.Form, v.last = SpansForm, v.last[:0]
		if wrong = l.Type != meta.Bytes && l.Type != meta.Fixed; wrong || len(src) == 0 {
			v.deltas, v.suffixes = delta{}, delta{}
			break
		}
		return v.prefixesFirst(src, most)
	case meta.Split:
		v.Form = FixedForm
		if wrong = l.Width == 0 || l.Type == meta.Int96; wrong {
			break
		}
		v.at, v.count = 0, len(src)/l.Width
		if len(src)%l.Width != 0 || v.count > most {
			return fmt.Errorf("it has %d bytes for %d values of %d", len(src), most, l.Width)
		}
	default:
		wrong = true
	}
	if wrong {
		return fmt.Errorf("its values of type %s have the encoding %s", l.Type, enc)
	}
	return nil
}

func (v *Values) lengthsFirst(src []byte, most int) (err error) {
	if v.deltas, err = newDelta(src, most); err != nil {
		return err
	}
	v.Data, err = v.deltas.rest()
	v.at = 0
	return err
}

func (v *Values) prefixesFirst(src []byte, most int) (err error) {
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

// Next decodes the next values into the window: at least one, at most n, which is more than 0 and no
// more than the page still must have. If it has less, that is an error.
func (v *Values) Next(n int) error {
	v.N = n
	switch v.enc {
	case meta.Plain:
		switch v.typ {
		case meta.Bool:
			return v.plainBools(n)
		case meta.Bytes:
			return v.plainBytes(n)
		}
		if n > len(v.src)/v.Width {
			return errTruncated
		}
		v.Fixed, v.src = v.src[:n*v.Width], v.src[n*v.Width:]
	case meta.Dict:
		return v.indexes(n)
	case meta.RLE:
		v.scratch = sized(v.scratch, n)
		v.Fixed = v.scratch
		return read(&v.hybrid, v.Fixed)
	case meta.Delta:
		return v.deltaInts(n)
	case meta.DeltaLen:
		return v.deltaLengths(n)
	case meta.DeltaBytes:
		return v.deltaBytes(n)
	case meta.Split:
		return v.split(n)
	}
	return nil
}

func (v *Values) plainBools(n int) error {
	v.scratch = sized(v.scratch, n)
	v.Fixed = v.scratch
	if n > len(v.src)*8-v.bit {
		return errTruncated
	}
	unpack(v.Fixed, v.src, v.bit, 1)
	v.bit += n
	return nil
}

func (v *Values) plainBytes(n int) error {
	v.Spans = sized(v.Spans, n)
	at := len(v.Data) - len(v.src)
	data := v.Data
	most := 0
	for i := range v.Spans {
		if len(data)-at < 4 {
			return errTruncated
		}
		size := int(binary.LittleEndian.Uint32(data[at:]))
		at += 4
		if size > len(data)-at {
			return fmt.Errorf("a value should be %d bytes long, more than there are", size)
		}
		v.Spans[i] = Span{uint32(at), uint32(at + size)}
		most = max(most, size)
		at += size
	}
	v.src, v.Most = data[at:], most
	return nil
}

func (v *Values) indexes(n int) error {
	if !v.started {
		if len(v.src) == 0 {
			return errTruncated
		}
		if v.src[0] > 32 {
			return fmt.Errorf("its dictionary indexes have %d bits", v.src[0])
		}
		v.hybrid, v.started = newHybrid(v.src[1:], uint(v.src[0])), true
	}
	if v.dict < 0 {
		return errors.New("its dictionary is missing")
	}
	v.Index = sized(v.Index, n)
	if err := read(&v.hybrid, v.Index); err != nil {
		return err
	}
	most := uint32(0)
	for _, k := range v.Index {
		most = max(most, k)
	}
	if int64(most) >= int64(v.dict) {
		return fmt.Errorf("a value is number %d of a dictionary of %d", most, v.dict)
	}
	return nil
}

func (v *Values) deltaInts(n int) error {
	v.ints = sized(v.ints, n)
	if err := v.deltas.read(v.ints); err != nil {
		return err
	}
	v.scratch = sized(v.scratch, n*v.Width)
	v.Fixed = v.scratch
	if v.typ == meta.Int32 {
		for i, x := range v.ints {
			binary.LittleEndian.PutUint32(v.Fixed[4*i:], uint32(x))
		}
		return nil
	}
	for i, x := range v.ints {
		binary.LittleEndian.PutUint64(v.Fixed[8*i:], uint64(x))
	}
	return nil
}

func (v *Values) deltaLengths(n int) error {
	v.ints, v.Spans = sized(v.ints, n), sized(v.Spans, n)
	if err := v.deltas.read(v.ints); err != nil {
		return err
	}
	v.Most = 0
	for i, size := range v.ints {
		if size < 0 || size > int64(len(v.Data)-v.at) {
			return fmt.Errorf("a value should be %d bytes long; %d are left", size, len(v.Data)-v.at)
		}
		v.Spans[i] = Span{uint32(v.at), uint32(v.at + int(size))}
		v.Most = max(v.Most, int(size))
		v.at += int(size)
	}
	return nil
}

// maxScratch is the size at which a window of values that are put together ends.
const maxScratch = 16 << 10

// deltaBytes puts values together of a part of the last one and more. What it takes is less than
// maxScratch, and twice the longest value, which is no longer than the page.
func (v *Values) deltaBytes(n int) error {
	v.Spans, v.scratch, v.Data, v.Most = sized(v.Spans, n), v.scratch[:0], nil, 0
	var one [2]int64
	for i := range n {
		if i > 0 && len(v.scratch)+len(v.last) >= maxScratch {
			v.N = i
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
		if v.typ == meta.Fixed && prefix+suffix != int64(v.length) {
			return fmt.Errorf("a value of %d bytes should have %d", prefix+suffix, v.length)
		}
		if prefix+suffix > maxValue {
			return fmt.Errorf("a value has %d bytes; at most %d are read", prefix+suffix, maxValue)
		}
		v.last = append(v.last[:prefix], v.src[:suffix]...)
		v.src = v.src[suffix:]
		from := len(v.scratch)
		v.scratch = append(v.scratch, v.last...)
		v.Spans[i] = Span{uint32(from), uint32(len(v.scratch))}
		v.Most = max(v.Most, len(v.last))
	}
	v.Data = v.scratch
	return nil
}

// maxValue is the longest value that is put together of several pieces.
const maxValue = 16 << 20

func (v *Values) split(n int) error {
	if n > v.count-v.at {
		return errTruncated
	}
	n = min(n, max(maxScratch/v.Width, 1))
	v.N = n
	v.scratch = sized(v.scratch, n*v.Width)
	v.Fixed = v.scratch
	for b := range v.Width {
		col := v.src[b*v.count+v.at:]
		for i := range n {
			v.Fixed[i*v.Width+b] = col[i]
		}
	}
	v.at += n
	return nil
}
