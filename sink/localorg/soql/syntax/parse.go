package syntax

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
	// MaxLevels is how many levels of child subqueries a query may have, itself included (v58 and later).
	MaxLevels = 5
	// maxDepth bounds parentheses and NOTs inside one another.
	maxDepth = 100
	// maxList bounds the entries of ORDER BY and of GROUP BY.
	maxList = 32
)

type parser struct {
	Text
	tok   token
	next  token // one token of lookahead
	depth int   // of conditions
	level int   // of queries
}

// Parse reads a query. Errors are of type *[Error].
func Parse(text string) (*Select, error) {
	p, err := newParser(text, 0)
	if err != nil {
		return nil, err
	}
	s, refused := p.query()
	if refused != nil {
		return nil, refused
	}
	return s, p.end()
}

// newParser returns a parser that is about to read the token at byte off.
func newParser(text string, off int) (*parser, error) {
	if !utf8.ValidString(text) {
		return nil, &Error{CodeMalformed, "the query is not valid UTF-8"}
	}
	if n := utf8.RuneCountInString(text); n > MaxText {
		return nil, &Error{CodeMalformed, "SOQL statements cannot be longer than " + strconv.Itoa(MaxText) + " characters."}
	}
	if strings.TrimSpace(text) == "" {
		return nil, &Error{CodeMalformed, "SOQL statements cannot be empty or null"}
	}
	p := &parser{Text: Text(text)}
	if err := p.start(off); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *parser) start(off int) *Error {
	first, err := p.lex(off)
	if err != nil {
		return err
	}
	p.next = first
	return p.advance()
}

// end wants the text to be at its end. It returns an untyped nil, unlike its callees.
func (p *parser) end() error {
	if p.tok.kind != eofToken {
		return p.unexpected()
	}
	return nil
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

func (p *parser) acceptPunct(s string) (bool, *Error) {
	if !p.punct(s) {
		return false, nil
	}
	return true, p.advance()
}

func (p *parser) expectPunct(s string) *Error {
	if !p.punct(s) {
		return p.unexpected()
	}
	return p.advance()
}

// calls reports whether the current token begins a call of a function.
func (p *parser) calls() bool {
	return p.tok.kind == wordToken && p.next.kind == punctToken && p.next.text == "("
}

// name reads one word.
func (p *parser) name() (Name, *Error) {
	if p.tok.kind != wordToken {
		return Name{}, p.unexpected()
	}
	n := Name{p.tok.text, p.tok.off}
	return n, p.advance()
}

func (p *parser) unexpected() *Error {
	return p.Refuse(CodeMalformed, p.tok.off, "unexpected token: '%s'", Clip(p.tok.text))
}

func (p *parser) unsupported(off int, what string) *Error {
	return p.Refuse(CodeMalformed, off, "%s is not supported by the local org", what)
}

// commas reads entries with commas between them.
func (p *parser) commas(entry func() *Error) *Error {
	for {
		if err := entry(); err != nil {
			return err
		}
		if ok, err := p.acceptPunct(","); !ok || err != nil {
			return err
		}
	}
}

// query reads a SELECT up to what cannot belong to it.
func (p *parser) query() (*Select, *Error) {
	s := &Select{Limit: -1, Offset: -1, AllRows: -1, Off: p.tok.off}
	if p.level++; p.level > MaxLevels {
		return nil, p.Refuse(CodeMalformed, s.Off, "at most %d levels of queries may be inside one another", MaxLevels)
	}
	defer func() { p.level-- }()
	if err := p.expect("SELECT"); err != nil {
		return nil, err
	}
	err := p.commas(func() *Error {
		it, err := p.item()
		s.Items = append(s.Items, it)
		return err
	})
	if err == nil {
		err = p.from(s)
	}
	if err == nil {
		err = p.clauses(s)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// nested reads a query inside another one, which may not have what only the outermost can.
func (p *parser) nested() (*Select, *Error) {
	s, err := p.query()
	if err == nil && s.AllRows >= 0 {
		err = p.Refuse(CodeMalformed, s.AllRows, "unexpected token: 'ALL'")
	}
	return s, err
}

// item reads one entry of the SELECT list.
func (p *parser) item() (Item, *Error) {
	switch {
	case p.punct("(") && p.nextIs("SELECT"):
		it := Item{Operand: Operand{Off: p.tok.off}}
		err := p.advance()
		if err == nil {
			it.Sub, err = p.nested()
		}
		if err == nil {
			err = p.expectPunct(")")
		}
		return it, err
	case p.is("FROM"):
		return Item{}, p.unexpected() // the list is empty, or ends with a comma
	case p.is("TYPEOF") && p.next.kind == wordToken:
		it := Item{Operand: Operand{Off: p.tok.off}}
		var err *Error
		it.TypeOf, err = p.typeOf()
		return it, err
	}
	op, err := p.operand()
	it := Item{Operand: op}
	if err == nil && p.tok.kind == wordToken && !p.is("FROM") {
		it.Alias, err = p.name()
	}
	return it, err
}

// typeOf reads TYPEOF relationship WHEN type THEN fields … ELSE fields END.
func (p *parser) typeOf() (*TypeOf, *Error) {
	err := p.advance()
	if err != nil {
		return nil, err
	}
	t := &TypeOf{}
	if t.Relationship, err = p.path(); err != nil {
		return nil, err
	}
	for {
		if ok, err := p.accept("WHEN"); !ok || err != nil {
			if err != nil {
				return nil, err
			}
			break
		}
		var w When
		if w.Type, err = p.name(); err != nil {
			return nil, err
		}
		if err := p.expect("THEN"); err != nil {
			return nil, err
		}
		if w.Fields, err = p.paths(); err != nil {
			return nil, err
		}
		t.Whens = append(t.Whens, w)
	}
	if len(t.Whens) == 0 {
		return nil, p.unexpected()
	}
	ok, err := p.accept("ELSE")
	if ok && err == nil {
		t.Else, err = p.paths()
	}
	if err != nil {
		return nil, err
	}
	return t, p.expect("END")
}

func (p *parser) paths() (list []Path, err *Error) {
	err = p.commas(func() *Error {
		path, err := p.path()
		list = append(list, path)
		return err
	})
	return list, err
}

// operand reads a field, or a function of one.
func (p *parser) operand() (Operand, *Error) {
	op := Operand{Off: p.tok.off}
	if !p.calls() {
		var err *Error
		op.Path, err = p.path()
		return op, err
	}
	if p.depth++; p.depth > maxDepth {
		return op, p.Refuse(CodeComplicated, p.tok.off, "functions are nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	op.Func = strings.ToUpper(p.tok.text)
	switch {
	case op.Func == "DISTANCE" || op.Func == "GEOLOCATION" || op.Func == "GROUPING":
		return op, p.unsupported(op.Off, "the function "+op.Func)
	case !IsAggregate(op.Func) && !IsDateFunction(op.Func) && !isDisplayFunction(op.Func):
		return op, p.Refuse(CodeMalformed, op.Off, "Invalid function: %s", Clip(p.tok.text))
	}
	for range 2 {
		if err := p.advance(); err != nil {
			return op, err
		}
	}
	var err *Error
	switch {
	case op.Func == "COUNT" && p.punct(")"):
	case p.calls():
		var arg Operand
		arg, err = p.operand()
		op.Arg = &arg
	default:
		op.Path, err = p.path()
	}
	if err != nil {
		return op, err
	}
	return op, p.expectPunct(")")
}

func (p *parser) path() (Path, *Error) {
	var path Path
	for {
		n, err := p.name()
		if err != nil {
			return nil, err
		}
		path = append(path, n)
		if len(path) > MaxParents+2 { // one more for an alias in front
			return nil, p.Refuse(CodeMalformed, n.Off, "only %d relationships may be followed in a path", MaxParents)
		}
		// ".5" is lexed as a number; a dot before a name is punctuation.
		if ok, err := p.acceptPunct("."); !ok || err != nil {
			return path, err
		}
	}
}

func (p *parser) from(s *Select) *Error {
	if err := p.expect("FROM"); err != nil {
		return err
	}
	var err *Error
	if s.From, err = p.path(); err != nil {
		return err
	}
	if len(s.From) > 1 && p.level == 1 {
		return p.unsupported(s.From.Off(), "a relationship in FROM")
	}
	if p.is("AS") && p.next.kind == wordToken {
		if err := p.advance(); err != nil {
			return err
		}
	}
	if p.tok.kind == wordToken && !p.clauseWord() {
		s.Alias = p.tok.text
		if err := p.advance(); err != nil {
			return err
		}
	}
	if p.punct(",") {
		return p.unsupported(p.tok.off, "more than one object in FROM")
	}
	return nil
}

// clauseWord reports whether the current word begins a clause and so is no alias.
func (p *parser) clauseWord() bool {
	return slices.ContainsFunc([]string{"FROM", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "USING", "ALL", "UPDATE"}, p.is)
}
