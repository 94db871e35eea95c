package soql

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The limits of a query (SOQL and SOSL reference, Limits).
const (
	// MaxText is the most characters a query may have.
	MaxText = 100_000
	// MaxLiteral is the most characters a string in WHERE may have.
	MaxLiteral = 4_000
	// MaxOffset is the largest OFFSET.
	MaxOffset = 2_000
	// MaxParents is how many relationships a path may follow: Contact.Account.Owner.Manager.Manager.
	MaxParents = 5
	// maxDepth bounds parentheses and NOTs inside one another.
	maxDepth = 100
	// maxList bounds the entries of ORDER BY and of GROUP BY.
	maxList = 32
)

type parser struct {
	text  string
	tok   token
	next  token // one token of lookahead
	depth int
}

// Parse reads a query. Errors are of type *[Error].
func Parse(text string) (*Select, error) {
	_, s, err := parse(text)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func parse(text string) (*parser, *Select, *Error) {
	p := &parser{text: text}
	if !utf8.ValidString(text) {
		return nil, nil, &Error{CodeMalformed, "the query is not valid UTF-8"}
	}
	if n := utf8.RuneCountInString(text); n > MaxText {
		return nil, nil, &Error{CodeMalformed, "SOQL statements cannot be longer than " + strconv.Itoa(MaxText) + " characters."}
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil, &Error{CodeMalformed, "SOQL statements cannot be empty or null"}
	}
	s, err := p.query()
	if err != nil {
		return nil, nil, err
	}
	return p, s, nil
}

// advance moves to the next token.
func (p *parser) advance() *Error {
	p.tok = p.next
	if p.tok.kind == eofToken {
		return nil
	}
	t, err := p.lex(p.next.off + len(p.next.text))
	if err != nil {
		return err
	}
	p.next = t
	return nil
}

// is reports whether the current token is the keyword.
func (p *parser) is(word string) bool {
	return p.tok.kind == wordToken && strings.EqualFold(p.tok.text, word)
}

func (p *parser) nextIs(text string) bool { return strings.EqualFold(p.next.text, text) }

// accept passes the keyword over, if it comes.
func (p *parser) accept(word string) (bool, *Error) {
	if !p.is(word) {
		return false, nil
	}
	return true, p.advance()
}

// accept2 passes two keywords over: ORDER BY. The first alone is an error.
func (p *parser) accept2(first, second string) (bool, *Error) {
	if ok, err := p.accept(first); !ok || err != nil {
		return false, err
	}
	return true, p.expect(second)
}

func (p *parser) expect(word string) *Error {
	ok, err := p.accept(word)
	if err == nil && !ok {
		err = p.unexpected()
	}
	return err
}

func (p *parser) punct(s string) bool { return p.tok.kind == punctToken && p.tok.text == s }

func (p *parser) expectPunct(s string) *Error {
	if !p.punct(s) {
		return p.unexpected()
	}
	return p.advance()
}

func (p *parser) unexpected() *Error {
	return p.refuse(CodeMalformed, p.tok.off, "unexpected token: '%s'", clip(p.tok.text))
}

func (p *parser) notYet(off int, what string) *Error {
	return p.refuse(CodeMalformed, off, "%s is not yet supported by the local org", what)
}

// clip shortens what a message quotes.
func clip(s string) string {
	if utf8.RuneCountInString(s) <= 100 {
		return s
	}
	return string([]rune(s)[:100]) + "…"
}

func (p *parser) query() (*Select, *Error) {
	s := &Select{Limit: -1, Offset: -1, AllRows: -1}
	first, err := p.lex(0)
	if err != nil {
		return nil, err
	}
	p.next = first
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.expect("SELECT"); err != nil {
		return nil, err
	}
	for {
		it, err := p.item()
		if err != nil {
			return nil, err
		}
		s.Items = append(s.Items, it)
		if !p.punct(",") {
			break
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if err := p.from(s); err != nil {
		return nil, err
	}
	if err := p.clauses(s); err != nil {
		return nil, err
	}
	if p.tok.kind != eofToken {
		return nil, p.unexpected()
	}
	return s, nil
}

// functions are those that SELECT and ORDER BY understand.
func isFunction(name string) bool {
	switch name {
	case "COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG", "FIELDS":
		return true
	}
	return false
}

// item reads one entry of the SELECT list.
func (p *parser) item() (Item, *Error) {
	if p.punct("(") {
		if p.nextIs("SELECT") {
			return Item{}, p.notYet(p.tok.off, "a child subquery")
		}
		return Item{}, p.unexpected()
	}
	if p.is("FROM") {
		return Item{}, p.unexpected() // the list is empty, or ends with a comma
	}
	if p.is("TYPEOF") && p.next.kind == wordToken {
		return Item{}, p.notYet(p.tok.off, "TYPEOF")
	}
	it, err := p.operand()
	if err != nil {
		return Item{}, err
	}
	if p.tok.kind == wordToken && !p.is("FROM") {
		it.Alias = Name{p.tok.text, p.tok.off}
		if err := p.advance(); err != nil {
			return Item{}, err
		}
	}
	return it, nil
}

// operand reads a field, or a function of one.
func (p *parser) operand() (Item, *Error) {
	it := Item{Off: p.tok.off}
	if p.tok.kind == wordToken && p.next.kind == punctToken && p.next.text == "(" {
		it.Func = strings.ToUpper(p.tok.text)
		if !isFunction(it.Func) {
			return it, p.notYet(p.tok.off, "the function "+clip(p.tok.text))
		}
		for range 2 {
			if err := p.advance(); err != nil {
				return it, err
			}
		}
		if it.Func == "COUNT" && p.punct(")") {
			return it, p.advance()
		}
	}
	path, err := p.path()
	if err != nil {
		return it, err
	}
	it.Path = path
	if it.Func != "" {
		return it, p.expectPunct(")")
	}
	return it, nil
}

func (p *parser) path() (Path, *Error) {
	var path Path
	for {
		if p.tok.kind != wordToken {
			return nil, p.unexpected()
		}
		path = append(path, Name{p.tok.text, p.tok.off})
		if len(path) > MaxParents+2 { // one more for an alias in front
			return nil, p.refuse(CodeMalformed, p.tok.off, "only %d relationships may be followed in a path", MaxParents)
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		// ".5" is lexed as a number; a dot before a name is punctuation.
		if !p.punct(".") {
			return path, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) from(s *Select) *Error {
	if err := p.expect("FROM"); err != nil {
		return err
	}
	if p.tok.kind != wordToken {
		return p.unexpected()
	}
	s.From = Name{p.tok.text, p.tok.off}
	if err := p.advance(); err != nil {
		return err
	}
	if p.punct(".") || p.punct(",") {
		return p.notYet(p.tok.off, "more than one object in FROM")
	}
	if p.tok.kind == wordToken && !p.clauseWord() {
		s.Alias = p.tok.text
		if err := p.advance(); err != nil {
			return err
		}
		if p.punct(",") {
			return p.notYet(p.tok.off, "more than one object in FROM")
		}
	}
	return nil
}

// clauseWord reports whether the current word begins a clause and so is no alias.
func (p *parser) clauseWord() bool {
	return slices.ContainsFunc([]string{"WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "USING", "ALL", "UPDATE"}, p.is)
}

// clauses reads what follows FROM, in the order that SOQL asks for.
func (p *parser) clauses(s *Select) *Error {
	if p.is("USING") {
		return p.notYet(p.tok.off, "USING SCOPE")
	}
	ok, err := p.accept("WHERE")
	if ok && err == nil {
		s.Where, err = p.or()
	}
	if err != nil {
		return err
	}
	if p.is("WITH") {
		return p.notYet(p.tok.off, "WITH")
	}
	if ok, err = p.accept2("GROUP", "BY"); ok && err == nil {
		err = p.groupBy(s)
	}
	if err != nil {
		return err
	}
	if p.is("HAVING") {
		return p.notYet(p.tok.off, "HAVING")
	}
	if ok, err = p.accept2("ORDER", "BY"); ok && err == nil {
		err = p.orderBy(s)
	}
	if err != nil {
		return err
	}
	if ok, err = p.accept("LIMIT"); ok && err == nil {
		s.Limit, err = p.number()
	}
	if err != nil {
		return err
	}
	off := p.tok.off
	if ok, err = p.accept("OFFSET"); ok && err == nil {
		s.Offset, err = p.number()
		if err == nil && s.Offset > MaxOffset {
			err = p.refuse(CodeRange, off, "Maximum SOQL offset allowed is %d", MaxOffset)
		}
	}
	if err != nil {
		return err
	}
	if p.is("FOR") || p.is("UPDATE") {
		return p.notYet(p.tok.off, strings.ToUpper(p.tok.text+" "+clip(p.next.text)))
	}
	s.AllRows = -1
	off = p.tok.off
	if ok, err = p.accept2("ALL", "ROWS"); ok {
		s.AllRows = off
	}
	return err
}

func (p *parser) number() (int, *Error) {
	if p.tok.kind != numberToken {
		return 0, p.unexpected()
	}
	n, err := strconv.Atoi(p.tok.text)
	if err != nil || n < 0 || n > 1<<31-1 || !isDigit(p.tok.text[0]) {
		return 0, p.unexpected()
	}
	return n, p.advance()
}

func (p *parser) groupBy(s *Select) *Error {
	for {
		if p.next.kind == punctToken && p.next.text == "(" {
			return p.notYet(p.tok.off, "GROUP BY "+clip(p.tok.text)+"()")
		}
		if len(s.GroupBy) == maxList {
			return p.refuse(CodeMalformed, p.tok.off, "too many fields in GROUP BY, at most %d", maxList)
		}
		path, err := p.path()
		if err != nil {
			return err
		}
		s.GroupBy = append(s.GroupBy, path)
		if !p.punct(",") {
			return nil
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
}

func (p *parser) orderBy(s *Select) *Error {
	for {
		if len(s.OrderBy) == maxList {
			return p.refuse(CodeMalformed, p.tok.off, "too many fields in ORDER BY, at most %d", maxList)
		}
		it, err := p.operand()
		if err != nil {
			return err
		}
		o := Order{Item: it}
		ok, err := p.accept("ASC")
		if !ok && err == nil {
			o.Desc, err = p.accept("DESC")
		}
		if err != nil {
			return err
		}
		if ok, err = p.accept("NULLS"); ok && err == nil {
			if o.NullsLast, err = p.accept("LAST"); err == nil && !o.NullsLast {
				err = p.expect("FIRST")
			}
		}
		if err != nil {
			return err
		}
		s.OrderBy = append(s.OrderBy, o)
		if !p.punct(",") {
			return nil
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
}
