package syntax

import (
	"strings"
	"time"
	"unicode/utf8"
)

// or reads a condition. AND and OR do not mix at one level: parentheses have to say what is
// meant, so the other word is what is unexpected (SOQL reference, Condition Expression Syntax).
func (p *parser) or() (Cond, *Error) {
	first, err := p.not()
	if err != nil {
		return nil, err
	}
	if !p.is("AND") && !p.is("OR") {
		return first, nil
	}
	word := p.tok.text
	l := &Logic{Or: p.is("OR"), Terms: []Cond{first}}
	for p.is(word) {
		if err := p.advance(); err != nil {
			return nil, err
		}
		c, err := p.not()
		if err != nil {
			return nil, err
		}
		l.Terms = append(l.Terms, c)
	}
	if p.is("AND") || p.is("OR") {
		return nil, p.unexpected()
	}
	return l, nil
}

func (p *parser) not() (Cond, *Error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.Refuse(CodeComplicated, p.tok.off, "conditions are nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	switch {
	case p.is("NOT"):
		if err := p.advance(); err != nil {
			return nil, err
		}
		c, err := p.not()
		if err != nil {
			return nil, err
		}
		return &Not{c}, nil
	case p.punct("("):
		if err := p.advance(); err != nil {
			return nil, err
		}
		c, err := p.or()
		if err != nil {
			return nil, err
		}
		return c, p.expectPunct(")")
	}
	return p.compare()
}

func (p *parser) compare() (Cond, *Error) {
	operand, err := p.operand()
	if err != nil {
		return nil, err
	}
	c := &Compare{Operand: operand, OpOff: p.tok.off}
	switch {
	case p.tok.kind == punctToken:
		switch p.tok.text {
		case "=", "<", "<=", ">", ">=", "!=":
			c.Op = Op(p.tok.text)
		case "<>":
			c.Op = Ne
		default:
			return nil, p.unexpected()
		}
	case p.is("LIKE"):
		c.Op = Like
	case p.is("IN"):
		c.Op = In
	case p.is("NOT") && p.nextIs("IN"):
		c.Op = NotIn
		if err := p.advance(); err != nil {
			return nil, err
		}
	case p.is("INCLUDES"):
		c.Op = Includes
	case p.is("EXCLUDES"):
		c.Op = Excludes
	default:
		return nil, p.unexpected()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	switch c.Op {
	case In, NotIn, Includes, Excludes:
		return c, p.list(c)
	}
	v, err := p.literal(c.Op == Like)
	c.Values = []Literal{v}
	return c, err
}

func (p *parser) list(c *Compare) *Error {
	if err := p.expectPunct("("); err != nil {
		return err
	}
	if p.is("SELECT") && (c.Op == In || c.Op == NotIn) {
		sub, err := p.nested()
		if err != nil {
			return err
		}
		c.Sub = sub
		return p.expectPunct(")")
	}
	for {
		v, err := p.literal(false)
		if err != nil {
			return err
		}
		c.Values = append(c.Values, v)
		if !p.punct(",") {
			break
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
	return p.expectPunct(")")
}

func (p *parser) literal(like bool) (Literal, *Error) {
	l := Literal{Off: p.tok.off}
	var err *Error
	switch p.tok.kind {
	case stringToken:
		l.Kind = StringLiteral
		if l.Text, err = p.unquote(p.tok, like); err != nil {
			return l, err
		}
		if utf8.RuneCountInString(l.Text) > MaxLiteral {
			return l, p.Refuse(CodeMalformed, l.Off, "a string in a condition cannot be longer than %d characters", MaxLiteral)
		}
	case numberToken:
		if !l.number(p.tok.text) {
			return l, p.unexpected()
		}
	case wordToken:
		w := strings.ToUpper(p.tok.text)
		_, takesN, period := FindPeriod(w, 0)
		switch {
		case w == "NULL":
			l.Kind = NullLiteral
		case w == "TRUE" || w == "FALSE":
			l.Kind, l.Text = BoolLiteral, strings.ToLower(w)
		case period:
			l.Kind, l.Text = PeriodLiteral, w
			if takesN {
				l.N, err = p.periodN(w)
				return l, err
			}
		default:
			return l, p.unexpected()
		}
	case punctToken:
		if p.punct(":") {
			return l, p.Refuse(CodeMalformed, l.Off, "Bind variables only allowed in Apex code")
		}
		return l, p.unexpected()
	case eofToken:
		return l, p.unexpected()
	}
	return l, p.advance()
}

// periodN reads the word and the :n of a period.
func (p *parser) periodN(word string) (int, *Error) {
	if err := p.advance(); err != nil {
		return 0, err
	}
	if !p.punct(":") {
		return 0, p.Refuse(CodeMalformed, p.tok.off, "expecting a colon, found '%s'", Clip(p.tok.text))
	}
	if err := p.advance(); err != nil {
		return 0, err
	}
	off := p.tok.off
	n, err := p.number()
	if err == nil && n > maxPeriod {
		err = p.Refuse(CodeRange, off, "%s takes a number up to %d", word, maxPeriod)
	}
	return n, err
}

// The forms of dates and times in a query; a fraction of a second is read after any seconds.
const (
	DateForm     = "2006-01-02"
	dateTimeForm = "2006-01-02T15:04:05Z07:00"
	timeForm     = "15:04:05Z07:00"
	// StoredDateTime is the form of a stored datetime, for the package time; the zone is UTC.
	StoredDateTime = "2006-01-02T15:04:05.000-0700"
	storedTime     = "15:04:05.000Z"
)

// number reads a number, date, datetime or time as its token has it.
func (l *Literal) number(s string) bool {
	if IsNumber(s) {
		l.Kind, l.Text = NumberLiteral, s
		return true
	}
	if t, err := time.Parse(DateForm, s); err == nil {
		l.Kind, l.Text = DateLiteral, t.Format(DateForm)
		return true
	}
	for _, form := range [...]string{dateTimeForm, "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(form, s); err == nil {
			t = t.UTC()
			if t.Year() < 0 || t.Year() > 9999 {
				return false
			}
			l.Kind, l.Text = DateTimeLiteral, t.Format(StoredDateTime)
			return true
		}
	}
	if t, err := time.Parse(timeForm, s); err == nil {
		l.Kind, l.Text = TimeLiteral, t.UTC().Format(storedTime)
		return true
	}
	return false
}

// IsNumber reports whether s is digits, perhaps with a sign and a decimal point.
func IsNumber(s string) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	for _, part := range [...]string{whole, fraction} {
		for i := range len(part) {
			if !isDigit(part[i]) {
				return false
			}
		}
	}
	return whole != "" || fraction != ""
}
