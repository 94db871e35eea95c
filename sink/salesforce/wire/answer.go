// Package wire writes the requests of an org's REST API and reads its answers: collections and
// composite requests, errors, pages of queries, SOQL literals. It sends nothing.
package wire

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// Tolerant are the options under which answers are read: whatever the org sends is better
// than nothing.
func Tolerant() []jsontext.Options {
	return []jsontext.Options{jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)}
}

// Decoder reads JSON whose shape is expected but not certain. Once something could
// not be read its methods do nothing, and More ends every loop. Names, texts and values are views on the
// source or on the decoder's buffer: they are valid until the next call of the same method.
type Decoder struct {
	dec *jsontext.Decoder
	buf []byte
	err error
}

// NewDecoder returns a decoder of src, which must not change while it is used.
func NewDecoder(src []byte) *Decoder {
	return &Decoder{dec: jsontext.NewDecoder(bytes.NewBuffer(src), Tolerant()...)}
}

// Open enters an object ('{') or array ('['). A value of another kind is skipped.
func (d *Decoder) Open(kind jsontext.Kind) bool {
	if d.err != nil {
		return false
	}
	if d.dec.PeekKind() != kind {
		d.Skip()
		return false
	}
	_, d.err = d.dec.ReadToken()
	return d.err == nil
}

// More reports whether the object or array goes on.
func (d *Decoder) More() bool {
	if d.err != nil {
		return false
	}
	switch d.dec.PeekKind() {
	case '}', ']':
		return false
	case 0:
		d.Skip() // yields the error
		return false
	}
	return true
}

// End leaves the object or array.
func (d *Decoder) End() {
	if d.err == nil {
		_, d.err = d.dec.ReadToken()
	}
}

// Skip passes over the next value.
func (d *Decoder) Skip() {
	if d.err == nil {
		d.err = d.dec.SkipValue()
	}
}

// Value returns the next value as JSON text. It stays valid as long as the source.
func (d *Decoder) Value() jsontext.Value {
	if d.err != nil {
		return nil
	}
	var v jsontext.Value
	v, d.err = d.dec.ReadValue()
	return v
}

// Text returns the next value if it is a string, else nothing.
func (d *Decoder) Text() []byte {
	v := d.Value()
	if len(v) < 2 || v[0] != '"' {
		return nil
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1]
	}
	d.buf, _ = jsontext.AppendUnquote(d.buf[:0], []byte(v)) // invalid UTF-8 becomes U+FFFD
	return d.buf
}

// Bool reports whether the next value is true.
func (d *Decoder) Bool() bool { return string(d.Value()) == "true" }

// ParseRefusal reads the body of an answer that is not a success. Without a code in it the
// error has none. Of several errors the first gives the code.
func ParseRefusal(body []byte) *sink.Error {
	e := &sink.Error{}
	d := NewDecoder(body)
	switch kind := d.dec.PeekKind(); kind {
	case '[':
		d.Open('[')
		for d.More() {
			d.appendError(e)
		}
	case '{':
		d.appendError(e)
	}
	return e
}

// appendError reads one error object into e: {message, errorCode or statusCode, fields}, or
// OAuth's {error, error_description}.
func (d *Decoder) appendError(e *sink.Error) {
	if !d.Open('{') {
		return
	}
	var code, message string
	for d.More() {
		switch string(d.Text()) {
		case "errorCode", "statusCode", "error":
			code = string(d.Text())
		case "message", "error_description":
			message = string(d.Text())
		case "fields":
			if !d.Open('[') {
				continue
			}
			for d.More() {
				if f := string(d.Text()); f != "" && !slices.Contains(e.Fields, f) {
					e.Fields = append(e.Fields, f)
				}
			}
			d.End()
		default:
			d.Skip()
		}
	}
	d.End()
	if e.Code == "" {
		e.Code = code
	}
	switch {
	case e.Message == "":
		e.Message = Clip(message, 4000)
	case message != "" && len(e.Message) < 4000:
		e.Message += "; " + Clip(message, 1000)
	}
}

// Outcome is the org's answer about one record of a collection.
type Outcome struct {
	ID      []byte // a view on the answer
	Success bool
	Created bool
	Stated  bool // created was there: only upserts have it
	// Err is why the record failed. Neither Success nor Err: the entry cannot be read.
	Err *sink.Error
}

// ParseOutcomes reads the answer of a collection: an array with one entry a record, in the
// order of the request (REST API guide, "sObject Collections"). It calls each for every entry
// and returns how many there were; ok is false if the answer is not an array or breaks off.
// An entry is judged by success alone: failed ones may carry an id, good ones errors.
func ParseOutcomes(body []byte, each func(i int, o Outcome)) (n int, ok bool) {
	d := NewDecoder(body)
	if !d.Open('[') {
		return 0, false
	}
	for ; d.More(); n++ {
		var o Outcome
		var errs jsontext.Value
		if !d.Open('{') {
			each(n, o)
			continue
		}
		for d.More() {
			switch string(d.Text()) {
			case "id":
				o.ID = d.stable()
			case "success":
				o.Success = d.Bool()
			case "created":
				o.Created, o.Stated = d.Bool(), true
			case "errors":
				errs = d.Value()
			default:
				d.Skip()
			}
		}
		d.End()
		if d.err != nil {
			break
		}
		if !o.Success {
			o.Err = ParseRefusal(errs)
			if o.Err.Code == "" {
				o.Err.Code = "UNKNOWN_EXCEPTION"
			}
			o.Err.Class = catalog.Classify(o.Err.Code, o.Err.Message)
		}
		each(n, o)
	}
	d.End()
	return n, d.err == nil
}

// stable is text whose bytes outlive the next call: ids have no escapes.
func (d *Decoder) stable() []byte {
	t := d.Text()
	if len(d.buf) > 0 && len(t) > 0 && &t[0] == &d.buf[0] {
		return slices.Clone(t)
	}
	return t
}

// SubAnswer is the answer to one subrequest of /composite.
type SubAnswer struct {
	Body   []byte // a view on the answer, nil if there was none
	Status int
}

// ParseComposite reads the answer of /composite (REST API guide, "Composite") into subs, by
// reference ids as AppendRef made them. What has no answer is left with status 0. ok is false
// if the whole is not a composite answer or breaks off; what came before that counts.
func ParseComposite(answer []byte, subs []SubAnswer) (ok bool) {
	clear(subs)
	d := NewDecoder(answer)
	if !d.Open('{') {
		return false
	}
	for d.More() {
		if string(d.Text()) != "compositeResponse" {
			d.Skip()
			continue
		}
		if !d.Open('[') {
			return false
		}
		for d.More() {
			if !d.Open('{') {
				continue
			}
			var s SubAnswer
			ref := -1
			for d.More() {
				switch string(d.Text()) {
				case "body":
					s.Body = d.Value()
				case "httpStatusCode":
					s.Status, _ = strconv.Atoi(string(d.Value()))
				case "referenceId":
					ref = parseRef(d.Text())
				default:
					d.Skip()
				}
			}
			d.End()
			if d.err == nil && ref >= 0 && ref < len(subs) {
				subs[ref] = s
			}
		}
		d.End()
		ok = d.err == nil
	}
	d.End()
	return ok && d.err == nil
}

// AppendRef appends the reference id of subrequest i. They are made of letters and digits (a
// bad one fails the whole call).
func AppendRef(b []byte, i int) []byte { return strconv.AppendInt(append(b, 'r'), int64(i), 10) }

func parseRef(b []byte) int {
	if len(b) < 2 || b[0] != 'r' {
		return -1
	}
	n, err := strconv.Atoi(string(b[1:]))
	if err != nil {
		return -1
	}
	return n
}

// Clip cuts a text after at most n bytes, between characters.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
