package jsonl

import (
	"bytes"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/rowfile"
	"sfsync/pipeline/source/textfile"
)

// oursRow is a line of a JSON Lines row file of ours.
type oursRow struct {
	cut                        int // the input's own keys are text[:cut], without a closing brace
	unread                     bool
	file, line                 []byte
	target, raw, code, message []byte
}

// oursLine recognizes such a line: an object whose last keys are ours. It returns nil for any
// other text. The text must have room for [textfile.Slack] more bytes behind it.
func oursLine(text []byte) *oursRow {
	if !bytes.Contains(text, []byte(`"`+rowfile.Mark+`"`)) {
		return nil
	}
	var s scanner
	s.reset(text[:len(text)+textfile.Slack], len(text))
	if s.peek(0) != '{' {
		return nil
	}
	var names []string
	var ends []int      // where the member before each key ends
	var values [][2]int // where the values stand
	end := 1
	p, more := s.open(1, '}')
	for more && len(names) <= row.MaxColumns {
		q, _, v := s.key(p)
		if v < 0 {
			return nil
		}
		names, ends = append(names, string(text[p+1:q])), append(ends, end)
		if end = s.value(v, 1); end < 0 {
			return nil
		}
		values = append(values, [2]int{v, end})
		if p, more = s.next(end, '}'); p < 0 {
			return nil
		}
	}
	o := rowfile.Find(names)
	if o == nil || more || s.space(p) != len(text) {
		return nil
	}
	get := func(i int) []byte {
		if i < 0 || text[values[i][0]] != '"' {
			return nil
		}
		return appendUnescaped(nil, text[values[i][0]+1:values[i][1]-1])
	}
	line := text[values[o.Line][0]:values[o.Line][1]]
	return &oursRow{file: get(o.File), line: line, cut: ends[o.First], unread: o.Raw >= 0 && get(o.Raw) != nil, target: get(o.Target), raw: get(o.Raw), code: get(o.Code), message: get(o.Message)}
}
