// Package wire writes JSON as the REST API does.
package wire

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
)

// Quote returns s as a JSON string.
func Quote(s string) []byte { return AppendQuote(nil, s) }

// AppendQuote appends s as a JSON string. Bytes that are no UTF-8 become U+FFFD.
func AppendQuote(b []byte, s string) []byte {
	out, err := jsontext.AppendQuote(b, s)
	if err != nil {
		out, _ = jsontext.AppendQuote(b, string([]rune(s)))
	}
	return out
}

// AppendValue appends a stored value as the REST API shows it.
func AppendValue(b []byte, f *catalog.Field, v any) []byte {
	switch v := v.(type) {
	case string:
		return AppendQuote(b, v)
	case int64:
		switch f.Def.Type {
		case schema.Boolean:
			return strconv.AppendBool(b, v != 0)
		case schema.Double, schema.Currency, schema.Percent:
			return appendDouble(b, float64(v))
		}
		return strconv.AppendInt(b, v, 10)
	case float64:
		return appendDouble(b, v)
	}
	if f.Def.Type == schema.Boolean {
		return append(b, "false"...)
	}
	return append(b, "null"...)
}

// appendDouble writes a number with a decimal point, which the platform's doubles always have.
func appendDouble(b []byte, v float64) []byte {
	at := len(b)
	b = strconv.AppendFloat(b, v, 'f', -1, 64)
	if bytes.IndexByte(b[at:], '.') < 0 {
		b = append(b, ".0"...)
	}
	return b
}

// Pretty indents compact JSON as the platform does for X-PrettyPrint: 1.
func Pretty(in []byte) []byte {
	out := make([]byte, 0, len(in)*2)
	depth := 0
	newline := func() {
		out = append(out, '\n')
		for range depth {
			out = append(out, "  "...)
		}
	}
	// An array's elements stand on one line with its brackets; members each on their own.
	var inObject []bool
	for i := 0; i < len(in); i++ {
		switch c := in[i]; c {
		case '"':
			end := i + 1
			for end < len(in) && in[end] != '"' {
				if in[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end, len(in)-1)
			out = append(out, in[i:end+1]...)
			i = end
		case '{':
			out = append(out, '{')
			if i+1 < len(in) && in[i+1] == '}' {
				out = append(out, " }"...)
				i++
				continue
			}
			depth++
			inObject = append(inObject, true)
			newline()
		case '}':
			depth--
			inObject = inObject[:len(inObject)-1]
			newline()
			out = append(out, '}')
		case '[':
			out = append(out, "[ "...)
			if i+1 < len(in) && in[i+1] == ']' {
				out = append(out, ']')
				i++
				continue
			}
			inObject = append(inObject, false)
		case ']':
			inObject = inObject[:len(inObject)-1]
			out = append(out, " ]"...)
		case ',':
			out = append(out, ',')
			if len(inObject) > 0 && inObject[len(inObject)-1] {
				newline()
			} else {
				out = append(out, ' ')
			}
		case ':':
			out = append(out, " : "...)
		default:
			out = append(out, c)
		}
	}
	return out
}

// AppendCompound appends an address or a location, null if all its parts are.
func AppendCompound(b []byte, f *catalog.Field, values []any) []byte {
	empty := true
	for _, v := range values {
		empty = empty && v == nil
	}
	if empty {
		return append(b, "null"...)
	}
	b = append(b, '{')
	for i, p := range f.Parts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(AppendQuote(b, p.PartName()), ':')
		b = AppendValue(b, p, values[i])
	}
	return append(b, '}')
}
