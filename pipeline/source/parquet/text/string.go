package text

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/pipeline/row"
)

// text writes a string as it is, if it is UTF-8.
func (f *Format) text(dst, v []byte) ([]byte, row.Kind) {
	if !utf8.Valid(v) {
		return append(dst, bytes.ToValidUTF8(v, []byte("\uFFFD"))...), BadText
	}
	return append(dst, v...), row.Text
}

// json writes a JSON text on one line. A scalar becomes a cell of its kind; what is not JSON
// stays text.
func (f *Format) json(dst, v []byte) ([]byte, row.Kind) {
	if !utf8.Valid(v) {
		return f.text(dst, v)
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

func (f *Format) base64(dst, v []byte) ([]byte, row.Kind) {
	return base64.StdEncoding.AppendEncode(dst, v), row.Text
}

// uuid writes 8-4-4-4-12 hexadecimal digits.
func (f *Format) uuid(dst, v []byte) ([]byte, row.Kind) {
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
func (f *Format) interval(dst, v []byte) ([]byte, row.Kind) {
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
