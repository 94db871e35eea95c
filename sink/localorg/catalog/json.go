package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/mapping/schema"
)

// Options says how to read records.
type Options struct {
	// Object is the object of every record; nil takes it from each record's attributes.
	Object *Object
	// NeedType makes a record without attributes.type an error.
	NeedType bool
	// RefuseID refuses an Id in the body, as the resources for single records do; RefuseKey
	// does so for the key in the URL.
	RefuseID  bool
	RefuseKey *Field
	// Max is the most records an array may have.
	Max int
}

// Body is what a request on several records says.
type Body struct {
	AllOrNone bool
	Records   []*Record
}

// ParseRecords reads {"allOrNone":…,"records":[…]}. The error is an *Error about the whole
// request: a field that does not exist or a value of the wrong type costs all records.
func (c *Catalog) ParseRecords(body []byte, opts Options) (*Body, error) {
	p := newReader(c, body, opts)
	out := new(Body)
	if err := p.object(func(name []byte) error {
		switch {
		case string(name) == "allOrNone":
			t, err := p.dec.ReadToken()
			if err == nil {
				out.AllOrNone = t.Kind() == 't' || t.Kind() == '"' && strings.EqualFold(t.String(), "true")
			}
			return err
		case string(name) == "records" && p.dec.PeekKind() == '[':
			return p.records(out)
		}
		return p.dec.SkipValue()
	}); err != nil {
		return nil, p.fail(err)
	}
	if len(out.Records) == 0 {
		return nil, &Error{Code: "REQUIRED_FIELD_MISSING", Message: "At least 1 record is required"}
	}
	return out, nil
}

// ParseRecord reads a body that is one record of opts.Object.
func (c *Catalog) ParseRecord(body []byte, opts Options) (*Record, error) {
	p := newReader(c, body, opts)
	r, err := p.record()
	if err == nil {
		if _, end := p.dec.ReadToken(); end == nil {
			err = &Error{Code: "JSON_PARSER_ERROR", Message: "Unexpected content behind the record"}
		}
	}
	if err != nil {
		return nil, p.fail(err)
	}
	return r, nil
}

type reader struct {
	cat  *Catalog
	body []byte
	opts Options
	dec  *jsontext.Decoder
	text []byte // scratch
}

func newReader(c *Catalog, body []byte, opts Options) *reader {
	return &reader{
		cat: c, body: body, opts: opts,
		dec: jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true)),
	}
}

// fail turns any error into the *Error for the whole request.
func (p *reader) fail(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	at := p.dec.InputOffset()
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at = s.ByteOffset
		msg := "Unexpected end-of-input"
		if at < int64(len(p.body)) {
			c := p.body[at]
			msg = fmt.Sprintf("Unexpected character ('%c' (code %d))", c, c)
		}
		return &Error{Code: "JSON_PARSER_ERROR", Message: msg + p.at(at)}
	}
	if m, ok := errors.AsType[*mismatch](err); ok {
		return &Error{Code: "JSON_PARSER_ERROR", Message: m.Error() + p.at(at)}
	}
	return &Error{Code: "JSON_PARSER_ERROR", Message: "Unexpected end-of-input" + p.at(at)}
}

// at gives a place in the body as Jackson does.
func (p *reader) at(off int64) string {
	before := p.body[:min(int(off), len(p.body))]
	line := 1 + bytes.Count(before, []byte{'\n'})
	return fmt.Sprintf(" at [line:%d, column:%d]", line, len(before)-bytes.LastIndexByte(before, '\n'))
}

// object reads an object and calls member with each name; member reads the value.
func (p *reader) object(member func(name []byte) error) error {
	if k := p.dec.PeekKind(); k != '{' {
		v, err := p.dec.ReadValue()
		if err != nil {
			return err
		}
		return tokenMismatch("sobject", v)
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	var buf []byte
	for p.dec.PeekKind() != '}' {
		v, err := p.dec.ReadValue()
		if err != nil {
			return err
		}
		if buf, err = jsontext.AppendUnquote(buf[:0], v); err != nil {
			return err
		}
		if err := member(buf); err != nil {
			return err
		}
	}
	_, err := p.dec.ReadToken()
	return err
}

func (p *reader) records(out *Body) error {
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	for p.dec.PeekKind() != ']' {
		if p.opts.Max > 0 && len(out.Records) >= p.opts.Max {
			return &Error{
				Code:    "EXCEEDED_ID_LIMIT",
				Message: fmt.Sprintf("record limit reached. cannot submit more than %d records into this call", p.opts.Max),
			}
		}
		r, err := p.record()
		if err != nil {
			return err
		}
		out.Records = append(out.Records, r)
	}
	_, err := p.dec.ReadToken()
	return err
}

// record reads one record. Its type may stand behind its fields, which then have to wait.
func (p *reader) record() (*Record, error) {
	var r *Record
	if p.opts.Object != nil {
		r = p.opts.Object.Blank()
	}
	type member struct {
		name  string
		value jsontext.Value
	}
	var waiting []member
	typed := false
	err := p.object(func(name []byte) error {
		if string(name) == "attributes" {
			typeName, err := p.attributes()
			if err != nil || typeName == "" {
				return err
			}
			typed = true
			o := p.cat.Object(typeName)
			if o == nil {
				return UnsupportedType(typeName)
			}
			if r == nil {
				r = o.Blank()
			} else if o.Full() != r.Object {
				return &Error{Code: "INVALID_INPUT", Message: "attributes.type " + typeName + " does not fit the resource " + r.Object.Def.Name}
			}
			return nil
		}
		v, err := p.dec.ReadValue()
		if err != nil {
			return err
		}
		if r == nil {
			waiting = append(waiting, member{string(name), v.Clone()})
			return nil
		}
		return p.field(r, name, v)
	})
	if err != nil {
		return nil, err
	}
	if r == nil || p.opts.NeedType && !typed {
		return nil, &Error{Code: "INVALID_INPUT", Message: "The request body is missing the attributes.type of a record"}
	}
	for _, m := range waiting {
		if err := p.field(r, []byte(m.name), m.value); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// UnsupportedType is what Salesforce says of an object that the org lacks.
func UnsupportedType(name string) *Error {
	return &Error{Code: "INVALID_TYPE", Message: "sObject type '" + name + "' is not supported. If you are attempting to use a custom object, " +
		"be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."}
}

// attributes reads the attributes and returns the type in them.
func (p *reader) attributes() (typeName string, err error) {
	if p.dec.PeekKind() != '{' {
		return "", p.dec.SkipValue()
	}
	err = p.object(func(name []byte) error {
		if string(name) == "type" && p.dec.PeekKind() == '"' {
			t, err := p.dec.ReadToken()
			if err == nil {
				typeName = t.String()
			}
			return err
		}
		return p.dec.SkipValue()
	})
	return typeName, err
}

// field takes one member of a record.
func (p *reader) field(r *Record, name []byte, v jsontext.Value) error {
	f := r.view.field(name)
	if f == nil {
		return p.relationship(r, string(name), v)
	}
	if f == r.Object.ID {
		return p.id(r, v)
	}
	if f == p.opts.RefuseKey {
		return InvalidField("The " + f.Def.Name + " field should not be specified in the sobject data.")
	}
	val, err := p.scalar(f, v)
	if e, ok := err.(*Error); ok { //nolint:errorlint // scalar returns it bare
		if r.Err == nil {
			r.Err = e
		}
		err = nil
	}
	if err != nil {
		return err
	}
	r.Put(f, val)
	return nil
}

func (p *reader) id(r *Record, v jsontext.Value) error {
	if p.opts.RefuseID {
		return InvalidField("The Id field should not be specified in the sobject data.")
	}
	if v.Kind() == 'n' {
		return nil
	}
	if v.Kind() != '"' {
		return tokenMismatch("reference", v)
	}
	text, err := p.unquote(v)
	if err != nil {
		return err
	}
	r.ID = strings.TrimSpace(text)
	r.HasID = r.ID != ""
	return nil
}

func (p *reader) unquote(v jsontext.Value) (string, error) {
	var err error
	p.text, err = jsontext.AppendUnquote(p.text[:0], v)
	return string(p.text), err
}

// scalar returns a JSON value as the field stores it.
func (p *reader) scalar(f *Field, v jsontext.Value) (any, error) {
	t := f.Def.Type
	switch v.Kind() {
	case 'n':
		if t == schema.Boolean {
			return nil, Labelled(f, "INVALID_TYPE_ON_FIELD_IN_RECORD", "value not of required type: null")
		}
		return nil, nil
	case '"':
		s, err := p.unquote(v)
		if err != nil {
			return nil, err
		}
		if t == schema.Boolean && strings.TrimSpace(s) == "" {
			return nil, &mismatch{"boolean", "VALUE_STRING", s}
		}
		return f.ParseText(s)
	case 't', 'f':
		if t == schema.Boolean {
			return boolInt(v.Kind() == 't'), nil
		}
	case '0':
		if n := jsonTypeName(t); n == "int" || n == "double" || n == "currency" {
			return f.fromNumber(string(v), numberToken(v))
		}
	}
	return nil, tokenMismatch(jsonTypeName(t), v)
}

func numberToken(v jsontext.Value) string {
	if bytes.ContainsAny(v, ".eE") {
		return "VALUE_NUMBER_FLOAT"
	}
	return "VALUE_NUMBER_INT"
}

// tokenMismatch names a JSON value as Jackson does.
func tokenMismatch(want string, v jsontext.Value) error {
	m := &mismatch{want: want, text: string(v)}
	switch v.Kind() {
	case '{':
		m.token, m.text = "START_OBJECT", "{"
	case '[':
		m.token, m.text = "START_ARRAY", "["
	case 't':
		m.token = "VALUE_TRUE"
	case 'f':
		m.token = "VALUE_FALSE"
	case 'n':
		m.token = "VALUE_NULL"
	case '0':
		m.token = numberToken(v)
	default:
		m.token = "VALUE_STRING"
		if s, err := jsontext.AppendUnquote(nil, v); err == nil {
			m.text = string(s)
		}
	}
	return m
}

// relationship takes a member that is no field: the name of a relationship with a key of the
// other record, or a mistake.
func (p *reader) relationship(r *Record, name string, v jsontext.Value) error {
	f := r.view.Relationship(name)
	if f == nil {
		return noSuchColumn(name, r.Object.Def.Name)
	}
	switch v.Kind() {
	case 'n':
		return nil
	case '{':
	default:
		return tokenMismatch("sobject", v)
	}
	inner := newReader(p.cat, v, Options{})
	var typeName, key string
	var value jsontext.Value
	err := inner.object(func(n []byte) (err error) {
		if string(n) == "attributes" {
			typeName, err = inner.attributes()
			return err
		}
		key = string(n)
		val, err := inner.dec.ReadValue()
		value = val.Clone()
		return err
	})
	if err != nil {
		return err
	}
	target, refusal := f.Reference(p.cat, typeName)
	if refusal != nil {
		return refusal
	}
	by := target.Field(key)
	if by == nil {
		return noSuchColumn(key, target.Def.Name)
	}
	if !by.IsKey() {
		return InvalidField("The relationship " + name + " must be given by an external ID or lookup field of " + target.Def.Name + ", not by " + by.Def.Name)
	}
	val, err := p.scalar(by, value)
	if e, ok := err.(*Error); ok { //nolint:errorlint // scalar returns it bare
		if r.Err == nil {
			r.Err = e
		}
		return nil
	}
	if err != nil {
		return err
	}
	if val == nil {
		if r.Err == nil {
			r.Err = &Error{Code: "MISSING_ARGUMENT", Message: by.Def.Name + " not specified", Fields: []string{by.Def.Name}}
		}
		return nil
	}
	if s, ok := val.(string); ok && by.Def.Type == schema.ID {
		r.Put(f, s)
		return nil
	}
	r.Refs = append(r.Refs, Ref{f, by, by.FoldKey(val)})
	return nil
}

// Reference returns the object that the relationship of the field leads to, given the name of a type if
// it leads to several.
func (f *Field) Reference(cat *Catalog, typeName string) (*Object, *Error) {
	to := f.Def.ReferenceTo
	if typeName != "" {
		o := cat.Object(typeName)
		if o == nil {
			return nil, UnsupportedType(typeName)
		}
		for _, name := range to {
			if name == o.Def.Name {
				return o, nil
			}
		}
		return nil, InvalidField("The relationship " + f.Def.RelationshipName + " does not lead to " + o.Def.Name)
	}
	if len(to) != 1 {
		return nil, InvalidField("The relationship " + f.Def.RelationshipName + " leads to several objects: give the type in its attributes")
	}
	if o := cat.Object(to[0]); o != nil {
		return o, nil
	}
	return nil, UnsupportedType(to[0])
}
