package csv

import "strings"

// Append appends a value between quotes, as Salesforce writes every value of its answers.
func Append(b []byte, value string) []byte {
	b = append(b, '"')
	for {
		i := strings.IndexByte(value, '"')
		if i < 0 {
			return append(append(b, value...), '"')
		}
		b = append(append(b, value[:i+1]...), '"')
		value = value[i+1:]
	}
}

// AppendEnd appends the dialect's line ending.
func (d Dialect) AppendEnd(b []byte) []byte {
	if d.CRLF {
		b = append(b, '\r')
	}
	return append(b, '\n')
}
