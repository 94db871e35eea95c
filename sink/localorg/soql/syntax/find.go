package syntax

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The codes of an [Error] about a search, as the org spells them.
const (
	CodeMalformedSearch = "MALFORMED_SEARCH"
	CodeSearch          = "INVALID_SEARCH"
)

// maxTerms bounds the words and phrases of a search.
const maxTerms = 100

// Find is a parsed search: FIND {terms} IN group FIELDS RETURNING objects.
type Find struct {
	Terms Term
	Group Group
	// Returning are the objects that are searched, none for all. One without fields has no Items.
	Returning []*Select
	// Limit is the most records in all, or -1.
	Limit int
}

// Group says in which fields is searched.
type Group string

// The groups of fields. Those of the sidebar are all of them here.
const (
	AllFields     Group = "ALL"
	NameFields    Group = "NAME"
	EmailFields   Group = "EMAIL"
	PhoneFields   Group = "PHONE"
	SidebarFields Group = "SIDEBAR"
)

// Term is what a record has to contain: *Words, *AllOf, *AnyOf or *Without.
type Term interface{ term() }

// Words are words that follow one another in a field. In a word, * stands for any characters and ? for one.
type Words struct{ Patterns []string }

// AllOf are terms of which a record has to contain all.
type AllOf struct{ Terms []Term }

// AnyOf are terms of which a record has to contain one.
type AnyOf struct{ Terms []Term }

// Without is a term that a record must not contain.
type Without struct{ Term Term }

func (*Words) term()   {}
func (*AllOf) term()   {}
func (*AnyOf) term()   {}
func (*Without) term() {}

// ParseFind reads a search (SOSL reference, SOSL Syntax). Errors are of type *[Error].
func ParseFind(text string) (*Find, error) {
	open := strings.IndexByte(text, '{')
	if open < 0 || !strings.EqualFold(strings.TrimSpace(text[:max(0, open)]), "FIND") {
		return nil, &Error{CodeMalformedSearch, "No search term found. The search term must be enclosed in braces."}
	}
	end := open + 1
	for end < len(text) && text[end] != '}' {
		if text[end] == '\\' && end+1 < len(text) {
			end++
		}
		end++
	}
	if end >= len(text) {
		return nil, &Error{CodeMalformedSearch, "No search term found. The search term must be enclosed in braces."}
	}
	f := &Find{Group: AllFields, Limit: -1}
	terms, err := ParseTerms(text[open+1 : end])
	if err != nil {
		return nil, err
	}
	f.Terms = terms
	p, err := newParser(text, end+1)
	if err != nil {
		return nil, err
	}
	if refused := p.find(f); refused != nil {
		return nil, refused
	}
	return f, p.end()
}

// find reads what follows the search terms.
func (p *parser) find(f *Find) *Error {
	ok, err := p.accept("IN")
	if err != nil {
		return err
	}
	if ok {
		if f.Group, ok = ParseGroup(p.tok.text); !ok {
			return p.unexpected()
		}
		if err = p.advance(); err == nil {
			err = p.expect("FIELDS")
		}
		if err != nil {
			return err
		}
	}
	if ok, err = p.accept("RETURNING"); ok && err == nil {
		err = p.commas(func() *Error {
			s, err := p.returning()
			f.Returning = append(f.Returning, s)
			return err
		})
	}
	if err != nil {
		return err
	}
	if p.is("WITH") {
		return p.unsupported(p.tok.off, "WITH "+Clip(p.next.text))
	}
	if ok, err = p.accept("LIMIT"); ok && err == nil {
		f.Limit, err = p.number()
	}
	if err != nil {
		return err
	}
	return p.purpose(nil)
}

// ParseGroup returns the group of fields of that name in any case.
func ParseGroup(name string) (Group, bool) {
	switch g := Group(strings.ToUpper(name)); g {
	case AllFields, NameFields, EmailFields, PhoneFields, SidebarFields:
		return g, true
	}
	return "", false
}

// returning reads Object(fields WHERE … ORDER BY … LIMIT …).
func (p *parser) returning() (*Select, *Error) {
	s := &Select{Limit: -1, Offset: -1, AllRows: -1, Off: p.tok.off}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	s.From = Path{name}
	ok, err := p.acceptPunct("(")
	if !ok || err != nil {
		return s, err
	}
	if !p.clauseWord() {
		err = p.commas(func() *Error {
			op, err := p.operand()
			it := Item{Operand: op}
			if err == nil && p.tok.kind == wordToken && !p.clauseWord() {
				it.Alias, err = p.name()
			}
			s.Items = append(s.Items, it)
			return err
		})
	}
	if p.is("USING") {
		return nil, p.unsupported(p.tok.off, "USING ListView")
	}
	for _, clause := range [...]func(*Select) *Error{p.where, p.orderBy, p.limit} {
		if err == nil {
			err = clause(s)
		}
	}
	if err != nil {
		return nil, err
	}
	return s, p.expectPunct(")")
}

// ParseTerms reads the search terms. Words without an operator between them have all to be there.
func ParseTerms(text string) (Term, error) {
	p := &termParser{rest: text}
	t, err := p.or(0)
	if err == nil && p.rest != "" {
		err = p.malformed("an operator without a search term")
	}
	if err != nil {
		return nil, err
	}
	letters := 0
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			letters++
		}
	}
	if letters < 2 {
		return nil, &Error{CodeSearch, "search term must be longer than one character: " + Clip(strings.TrimSpace(text))}
	}
	return t, nil
}

type termParser struct {
	rest  string
	terms int
}

func (p *termParser) malformed(what string) *Error {
	return &Error{CodeMalformedSearch, "the search has " + what + ": " + Clip(strings.TrimSpace(p.rest))}
}

// word returns the next operator, parenthesis, phrase or word without passing it.
func (p *termParser) word() (text string, length int) {
	trimmed := strings.TrimLeftFunc(p.rest, unicode.IsSpace)
	p.rest = trimmed
	if trimmed == "" {
		return "", 0
	}
	switch trimmed[0] {
	case '(', ')':
		return trimmed[:1], 1
	case '"':
		if end := strings.IndexByte(trimmed[1:], '"'); end >= 0 {
			return trimmed[:end+2], end + 2
		}
		return trimmed, len(trimmed)
	}
	i := 0
	for i < len(trimmed) {
		r, n := utf8.DecodeRuneInString(trimmed[i:])
		if r == '\\' && i+n < len(trimmed) {
			_, m := utf8.DecodeRuneInString(trimmed[i+n:])
			i += n + m
			continue
		}
		if unicode.IsSpace(r) || r == '(' || r == ')' || r == '"' {
			break
		}
		i += n
	}
	return trimmed[:i], i
}

func (p *termParser) accept(word string) bool {
	w, n := p.word()
	if !strings.EqualFold(w, word) {
		return false
	}
	p.rest = p.rest[n:]
	return true
}

func (p *termParser) or(depth int) (Term, error) {
	var list []Term
	for {
		t, err := p.and(depth)
		if err != nil {
			return nil, err
		}
		if list = append(list, t); !p.accept("OR") {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return &AnyOf{list}, nil
}

func (p *termParser) and(depth int) (Term, error) {
	var list []Term
	for {
		not := len(list) > 0 && p.accept("NOT")
		t, err := p.one(depth)
		if err != nil {
			return nil, err
		}
		if not {
			t = &Without{t}
		}
		list = append(list, t)
		if p.accept("AND") {
			continue
		}
		if w, _ := p.word(); w == "" || w == ")" || strings.EqualFold(w, "OR") {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return &AllOf{list}, nil
}

func (p *termParser) one(depth int) (Term, error) {
	w, n := p.word()
	switch {
	case w == "", w == ")", strings.EqualFold(w, "AND"), strings.EqualFold(w, "OR"):
		return nil, p.malformed("an operator without a search term")
	case depth > maxDepth:
		return nil, p.malformed("too many parentheses inside one another")
	case w == "(":
		p.rest = p.rest[n:]
		t, err := p.or(depth + 1)
		if err == nil && !p.accept(")") {
			err = p.malformed("a parenthesis that is not closed")
		}
		return t, err
	}
	if p.terms++; p.terms > maxTerms {
		return nil, p.malformed("too many search terms")
	}
	p.rest = p.rest[n:]
	return &Words{patterns(w)}, nil
}

// patterns splits a word or phrase at whatever is neither letter nor digit, as the text of fields is split, so that
// an e-mail address is its parts in a row.
func patterns(s string) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if w := b.String(); strings.Trim(w, "*?") != "" {
			out = append(out, w)
		}
		b.Reset()
	}
	escaped := false
	for _, r := range strings.ToLower(s) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r), !escaped && (r == '*' || r == '?'):
			b.WriteRune(r)
		default:
			flush()
		}
		escaped = r == '\\' && !escaped
	}
	flush()
	return out
}

// Match reports whether a text contains words that fit the patterns, one behind another.
func Match(text string, patterns []string) bool {
	if len(patterns) == 0 {
		return false
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	for i := 0; i+len(patterns) <= len(words); i++ {
		all := true
		for j, p := range patterns {
			if !glob(words[i+j], p) {
				all = false
				break
			}
		}
		if all {
			return true
		}
	}
	return false
}

// glob reports whether a word fits a pattern. It goes back to the last * only, so it takes no more than
// the product of their lengths.
func glob(word, pattern string) bool {
	w, p := []rune(word), []rune(pattern)
	i, j, star, mark := 0, 0, -1, 0
	for i < len(w) {
		switch {
		case j < len(p) && p[j] == '*':
			star, mark = j, i
			j++
		case j < len(p) && (p[j] == '?' || p[j] == w[i]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = mark, star+1
		default:
			return false
		}
	}
	for j < len(p) && p[j] == '*' {
		j++
	}
	return j == len(p)
}
