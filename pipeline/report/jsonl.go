package report

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/mapping/jsoncell"
	"sfsync/pipeline/row"
)

// appendObject appends the line of one outcome of a row that does not come from CSV.
func (r *Rows) appendObject(dst []byte, src *row.Batch, i int, bad bool, o *Outcome) []byte {
	raw := src.Raw(i)
	switch {
	case bad && raw != "":
		dst = appendRaw(dst, raw)
	case raw != "":
		dst = appendOpen(dst, raw)
	default:
		dst = jsoncell.AppendRow(dst, src, i, isOwn)
	}
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(append(dst, `"sfsync_file":`...), r.place...)
	dst = strconv.AppendInt(append(dst, `,"sfsync_line":`...), r.line, 10)
	dst = jsoncell.AppendText(append(dst, `,"sfsync_target":`...), o.Target)
	dst = jsoncell.AppendText(append(dst, `,"sfsync_object":`...), o.Object)
	dst = jsoncell.AppendText(append(dst, `,"sfsync_action":`...), o.Action)
	dst = jsoncell.AppendText(append(dst, `,"sfsync_id":`...), o.ID)
	dst = jsoncell.AppendText(append(dst, `,"sfsync_code":`...), o.Code)
	dst = jsoncell.AppendText(append(dst, `,"sfsync_field":`...), o.Field)
	dst = jsoncell.AppendText(append(dst, `,"sfsync_message":`...), o.Message)
	dst = strconv.AppendInt(append(dst, `,"sfsync_attempts":`...), int64(o.Attempts), 10)
	return append(dst, '}', '\n')
}

// appendOpen appends a JSON object without its closing brace. The text was checked by the
// reader, so only its ends are looked at, unless it has line breaks, which would split the line,
// or keys that look like ours, which are dropped. Anything but an object is kept as text.
func appendOpen(dst []byte, raw string) []byte {
	text := strings.TrimSpace(raw)
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return appendRaw(dst, raw)
	}
	if mayHaveOwn(text) || strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0 {
		return appendCleaned(dst, raw)
	}
	return append(dst, strings.TrimRight(text[:len(text)-1], " \t")...)
}

// mayHaveOwn reports whether a JSON object may have a key that is ours: one that begins like it, or
// in which a character of the beginning is escaped.
func mayHaveOwn(text string) bool {
	if strings.Contains(text, `"sfsync_`) {
		return true
	}
	for {
		_, escaped, ok := strings.Cut(text, `\u00`)
		if !ok || len(escaped) < 2 {
			return false
		}
		if c, err := strconv.ParseUint(escaped[:2], 16, 8); err == nil && strings.IndexByte("sfync_", byte(c)) >= 0 {
			return true
		}
		text = escaped
	}
}

// appendRaw appends the beginning of an object that holds the text of a row that could not be read.
func appendRaw(dst []byte, raw string) []byte {
	return jsoncell.AppendText(append(dst, `{"sfsync_raw":`...), valid(raw))
}

// appendCleaned appends a JSON object on one line, without its closing brace and without
// members whose names are ours.
func appendCleaned(dst []byte, raw string) []byte {
	start := len(dst)
	// Half a surrogate pair in an escape is taken: nothing that is an object ends as text.
	d := jsontext.NewDecoder(strings.NewReader(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return appendRaw(dst, raw)
	}
	dst = append(dst, '{')
	for d.PeekKind() == '"' {
		before := len(dst)
		if dst[before-1] != '{' {
			dst = append(dst, ',')
		}
		name, err := d.ReadValue()
		if err != nil {
			return appendRaw(dst[:start], raw)
		}
		dst = append(append(dst, name...), ':')
		key, _ := jsontext.AppendUnquote(nil, name) // an error is about half a pair
		v, err := d.ReadValue()
		if err == nil {
			err = v.Compact(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		}
		if err != nil {
			return appendRaw(dst[:start], raw)
		}
		if isOwn(string(key)) {
			dst = dst[:before]
			continue
		}
		dst = append(dst, v...)
	}
	if t, err := d.ReadToken(); err != nil || t.Kind() != '}' {
		return appendRaw(dst[:start], raw)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return appendRaw(dst[:start], raw)
	}
	return dst
}

// isOwn reports whether a key is one that a row file adds.
func isOwn(key string) bool {
	switch key {
	case "sfsync_file", "sfsync_line", "sfsync_target", "sfsync_object", "sfsync_action", "sfsync_id",
		"sfsync_code", "sfsync_field", "sfsync_message", "sfsync_attempts", "sfsync_raw":
		return true
	}
	return false
}
