package v1

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/sink/localorg/bulk/csv"
	"sfsync/sink/localorg/bulk/load"
)

// table collects the records of JSON or XML as rows of a file: its columns are all names that any record has,
// in the order in which they come first. An absent member is an empty cell, which leaves the field alone.
type table struct {
	// polymorphic reports whether a relationship leads to several objects: only there is the type part of a
	// column's name.
	polymorphic func(relationship string) bool

	names  []string
	places map[string]int
	rows   [][]cell
}

type cell struct {
	column int
	value  string
}

// put sets a value of the last row.
func (t *table) put(name, value string) {
	i, known := t.places[name]
	if !known {
		i = len(t.names)
		t.names = append(t.names, name)
		t.places[name] = i
	}
	last := &t.rows[len(t.rows)-1]
	*last = append(*last, cell{i, value})
}

// relation sets a value of a record that the last row refers to.
func (t *table) relation(relationship, typeName, field, value string) {
	name := relationship + "." + field
	if typeName != "" && t.polymorphic(relationship) {
		name = typeName + ":" + name
	}
	t.put(name, value)
}

// file returns the rows as CSV.
func (t *table) file() []byte {
	var b []byte
	values := make([]string, len(t.names))
	write := func() {
		for i, v := range values {
			if i > 0 {
				b = append(b, ',')
			}
			b = csv.Append(b, v)
		}
		b = append(b, '\n')
	}
	copy(values, t.names)
	write()
	for _, row := range t.rows {
		clear(values)
		for _, c := range row {
			values[c.column] = c.value
		}
		write()
	}
	return b
}

var errShape = errors.New("unexpected element")

func unreadable(err error) error {
	return &load.Error{Code: "InvalidBatch", Message: "Failed to parse batch: " + err.Error()}
}

// file returns the content of a batch as CSV.
func file(contentType string, body []byte, polymorphic func(string) bool) ([]byte, error) {
	t := &table{polymorphic: polymorphic, places: map[string]int{}}
	var err error
	switch contentType {
	case jsonType:
		err = t.fromJSON(body)
	case xmlType:
		err = t.fromXML(body)
	default:
		return body, nil
	}
	switch {
	case err != nil:
		return nil, unreadable(err)
	case len(t.rows) == 0:
		return nil, unreadable(errors.New("records not found"))
	}
	return t.file(), nil
}

// fromJSON reads an array of objects.
func (t *table) fromJSON(body []byte) error {
	dec := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true))
	if dec.PeekKind() != '[' {
		return errShape
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		t.rows = append(t.rows, nil)
		if err := members(dec, func(name string) error {
			if dec.PeekKind() == '{' {
				return t.nestedJSON(dec, name)
			}
			value, err := scalar(dec)
			if err == nil {
				t.put(name, value)
			}
			return err
		}); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// nestedJSON reads a relationship, {"attributes":{"type":"User"},"Username":"…"}, or the attributes of the
// record itself, which say nothing new.
func (t *table) nestedJSON(dec *jsontext.Decoder, relationship string) error {
	typeName := ""
	var field, value string
	err := members(dec, func(name string) (err error) {
		switch {
		case name == "attributes" && dec.PeekKind() == '{':
			return members(dec, func(name string) error {
				v, err := scalar(dec)
				if name == "type" {
					typeName = v
				}
				return err
			})
		case dec.PeekKind() == '{' || dec.PeekKind() == '[':
			return dec.SkipValue()
		}
		field = name
		value, err = scalar(dec)
		return err
	})
	if err == nil && relationship != "attributes" && field != "" {
		t.relation(relationship, typeName, field, value)
	}
	return err
}

// members reads an object and calls member with each name; member reads the value.
func members(dec *jsontext.Decoder, member func(name string) error) error {
	if dec.PeekKind() != '{' {
		return errShape
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if err := member(name.String()); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// scalar reads a value as CSV has it.
func scalar(dec *jsontext.Decoder) (string, error) {
	switch dec.PeekKind() {
	case '{', '[':
		return "", errShape
	case 'n':
		return load.Null, dec.SkipValue()
	case '0':
		v, err := dec.ReadValue()
		return string(v), err
	}
	tok, err := dec.ReadToken()
	if err != nil {
		return "", err
	}
	return tok.String(), nil
}

// fromXML reads <sObjects><sObject>…</sObject>…</sObjects>.
func (t *table) fromXML(body []byte) error {
	dec := xml.NewDecoder(bytes.NewReader(body))
	depth := 0
	for {
		tok, err := dec.Token()
		if err == io.EOF { //nolint:errorlint // Token returns it bare
			return nil
		}
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			switch {
			case depth == 0 && tok.Name.Local == "sObjects":
				depth++
			case depth == 1 && tok.Name.Local == "sObject":
				t.rows = append(t.rows, nil)
				if err := t.record(dec); err != nil {
					return err
				}
			default:
				return errShape
			}
		case xml.EndElement:
			depth--
		}
	}
}

// record reads the fields of one sObject to its end.
func (t *table) record(dec *xml.Decoder) error {
	for {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			if err := t.fieldXML(dec, tok); err != nil {
				return err
			}
		}
	}
}

// fieldXML reads a field, or a relationship: <Owner><sObject><type>User</type><Username>…</Username></sObject></Owner>.
func (t *table) fieldXML(dec *xml.Decoder, start xml.StartElement) error {
	var text strings.Builder
	for {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.CharData:
			text.Write(tok)
		case xml.StartElement:
			if tok.Name.Local != "sObject" {
				return errShape
			}
			if err := t.nestedXML(dec, start.Name.Local); err != nil {
				return err
			}
			return dec.Skip()
		case xml.EndElement:
			value := text.String()
			if isNil(start) {
				value = load.Null
			}
			t.put(start.Name.Local, value)
			return nil
		}
	}
}

func (t *table) nestedXML(dec *xml.Decoder, relationship string) error {
	var typeName, field, value string
	for {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.EndElement:
			if field != "" {
				t.relation(relationship, typeName, field, value)
			}
			return nil
		case xml.StartElement:
			var text string
			if err := dec.DecodeElement(&text, &tok); err != nil {
				return err
			}
			if tok.Name.Local == "type" {
				typeName = text
			} else {
				field, value = tok.Name.Local, text
			}
		}
	}
}

func isNil(start xml.StartElement) bool {
	for _, a := range start.Attr {
		if a.Name.Local == "nil" && (a.Value == "true" || a.Value == "1") {
			return true
		}
	}
	return false
}
