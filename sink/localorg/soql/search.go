package soql

import (
	"encoding/json"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/soql/syntax"
)

// CompileSearch compiles the part of a search that is about one object: sel is its entry of RETURNING, in
// text, and may have no Items, which means Id alone. Errors are of type *[Error].
//
// Words are compared as a whole, without case and without stemming; Salesforce's search index knows
// more, and lags behind the records.
func CompileSearch(cat Catalog, text string, sel *syntax.Select, terms syntax.Term, group syntax.Group, opt Options) (*Query, error) {
	name := sel.From[0]
	c := newCompiler(cat, text, opt)
	e, ok := cat.Object(name.Text)
	if !ok {
		return nil, c.Refuse(CodeType, name.Off, "%s", noEntity(name.Text))
	}
	if !e.Searchable {
		return nil, c.Refuse(syntax.CodeSearch, name.Off, "entity type %s does not support search", e.Name)
	}
	if len(sel.Items) == 0 {
		one := *sel
		one.Items = []syntax.Item{{Operand: syntax.Operand{Path: syntax.Path{{Text: "Id", Off: name.Off}}, Off: name.Off}}}
		sel = &one
	}
	s, err := c.scope(sel, e)
	if err != nil {
		return nil, err
	}
	if s.aggregate {
		return nil, c.Refuse(CodeMalformed, sel.Off, "aggregate functions are not allowed in a search")
	}
	if err := s.find(terms, group); err != nil {
		return nil, err
	}
	q, err := s.finish()
	if err != nil {
		return nil, err
	}
	return q, nil
}

// find sets the condition that a record contains the terms.
func (s *scope) find(terms syntax.Term, group syntax.Group) *Error {
	fields := []string{}
	for _, f := range s.entity.All() {
		if f.Column != "" && searched(f, group) {
			fields = append(fields, s.column(0, f.Column))
		}
	}
	if len(fields) == 0 {
		s.under = "0"
		return nil
	}
	if len(fields) > maxInner {
		return s.Refuse(CodeComplicated, s.sel.Off, "%s has too many fields to search", s.entity.Name)
	}
	var b strings.Builder
	s.term(&b, terms, strings.Join(fields, ", "))
	s.under = b.String()
	return nil
}

// searched reports whether a field is one of a group. Text that is typed is searched, values that are picked are not.
func searched(f Field, group syntax.Group) bool {
	switch group {
	case syntax.NameFields:
		return f.NameField
	case syntax.EmailFields:
		return f.Type == schema.Email
	case syntax.PhoneFields:
		return f.Type == schema.Phone
	}
	switch f.Type {
	case schema.String, schema.Email, schema.Phone, schema.URL, schema.TextArea, schema.Combobox:
		return true
	}
	return false
}

// term writes the condition that a record contains a term in one of the fields.
func (s *scope) term(b *strings.Builder, t syntax.Term, fields string) {
	list := func(terms []syntax.Term, word string) {
		b.WriteByte('(')
		for i, t := range terms {
			if i > 0 {
				b.WriteString(word)
			}
			s.term(b, t, fields)
		}
		b.WriteByte(')')
	}
	switch t := t.(type) {
	case *syntax.AllOf:
		list(t.Terms, " AND ")
	case *syntax.AnyOf:
		list(t.Terms, " OR ")
	case *syntax.Without:
		b.WriteString("NOT ")
		s.term(b, t.Term, fields)
	case *syntax.Words:
		text, err := json.Marshal(t.Patterns)
		if err != nil {
			text = []byte("[]") // texts always marshal
		}
		b.WriteString(matchFunction + "(" + s.bind(string(text)) + ", " + fields + ")")
	}
}
