package wire

import (
	"fmt"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// QuoteSOQL returns a string literal of SOQL. Any backslash sequence but these is an error
// there (SOQL and SOSL reference, "Quoted String Escape Sequences").
func QuoteSOQL(s string) string {
	b := make([]byte, 0, len(s)+8)
	b = append(b, '\'')
	for i := range len(s) {
		switch c := s[i]; c {
		case '\\', '\'', '"':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		default:
			if c < ' ' || c == 0x7F {
				b = fmt.Appendf(b, `\u%04X`, c)
				continue
			}
			b = append(b, c)
		}
	}
	return string(append(b, '\''))
}

// Plain reports whether a byte may stand unencoded in the query of a URL inside JSON. Braces
// are encoded too: "@{" begins a reference to another subrequest.
func Plain(c byte) bool {
	const (
		digits = 0x3FF << '0'
		marks  = 1<<'-' | 1<<'.' | 1<<'!' | 1<<'$' | 1<<'\'' | 1<<'(' | 1<<')' | 1<<'*' | 1<<',' | 1<<':' | 1<<'/' | 1<<'?'

		letters = 0x3FFFFFF<<('A'-64) | 0x3FFFFFF<<('a'-64)
		others  = 1<<('_'-64) | 1<<('~'-64) | 1<<('@'-64)
	)
	if c < 64 {
		return uint64(digits|marks)>>c&1 != 0
	}
	return c < 128 && uint64(letters|others)>>(c-64)&1 != 0
}

// AppendURL appends s, encoding no more than has to be: a URL's bytes bound a lookup.
func AppendURL(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; Plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

// ReadPage calls each with the records of one page and returns where the next one is, "" after
// the last.
func ReadPage(page []byte, each func([]byte) error) (next string, err error) {
	bad := catalog.New(sink.Network, catalog.CodeBadAnswer, "the answer to a query is not what the API gives")
	d := NewDecoder(page)
	if !d.Open('{') {
		return "", bad
	}
	done, records := true, false
	for d.More() {
		switch string(d.Text()) {
		case "done":
			done = d.Bool()
		case "nextRecordsUrl":
			next = string(d.Text())
		case "records":
			records = true
			if d.dec.PeekKind() == 'n' { // null
				d.Skip()
				continue
			}
			if !d.Open('[') {
				return "", bad
			}
			for d.More() {
				rec := d.Value()
				if d.err != nil {
					return "", bad
				}
				if err := each(rec); err != nil {
					return "", err
				}
			}
			d.End()
		default:
			d.Skip()
		}
	}
	d.End()
	if d.err != nil || !records {
		return "", bad
	}
	if done {
		next = ""
	} else if next == "" {
		return "", bad
	}
	return next, nil
}
