package syntax

import (
	"strconv"
)

// clauses reads what follows FROM, in the order that SOQL asks for.
func (p *parser) clauses(s *Select) *Error {
	for _, clause := range [...]func(*Select) *Error{p.using, p.where, p.with, p.groupBy, p.orderBy, p.limit, p.purpose, p.allRows} {
		if err := clause(s); err != nil {
			return err
		}
	}
	return nil
}

// using reads USING SCOPE.
func (p *parser) using(s *Select) *Error {
	ok, err := p.accept2("USING", "SCOPE")
	if ok && err == nil {
		s.Scope, err = p.name()
	}
	return err
}

func (p *parser) where(s *Select) *Error {
	ok, err := p.accept("WHERE")
	if ok && err == nil {
		s.Where, err = p.or()
	}
	return err
}

// with reads WITH SECURITY_ENFORCED and its like. They change nothing: what the user may not see is not in the
// catalog, so naming it is an error with and without them.
func (p *parser) with(*Select) *Error {
	off := p.tok.off
	ok, err := p.accept("WITH")
	if !ok || err != nil {
		return err
	}
	switch {
	case p.is("SECURITY_ENFORCED"), p.is("USER_MODE"), p.is("SYSTEM_MODE"):
		return p.advance()
	case p.is("DATA"):
		return p.unsupported(off, "WITH DATA CATEGORY")
	}
	return p.unexpected()
}

// groupBy reads GROUP BY and HAVING.
func (p *parser) groupBy(s *Select) *Error {
	ok, err := p.accept2("GROUP", "BY")
	if !ok || err != nil {
		return err
	}
	if p.calls() && (p.is("ROLLUP") || p.is("CUBE")) {
		return p.unsupported(p.tok.off, "GROUP BY "+p.tok.text+"()")
	}
	err = p.commas(func() *Error {
		if len(s.GroupBy) == maxList {
			return p.Refuse(CodeMalformed, p.tok.off, "too many fields in GROUP BY, at most %d", maxList)
		}
		op, err := p.operand()
		s.GroupBy = append(s.GroupBy, op)
		return err
	})
	if err != nil {
		return err
	}
	if ok, err = p.accept("HAVING"); ok && err == nil {
		s.Having, err = p.or()
	}
	return err
}

func (p *parser) orderBy(s *Select) *Error {
	ok, err := p.accept2("ORDER", "BY")
	if !ok || err != nil {
		return err
	}
	return p.commas(func() *Error {
		if len(s.OrderBy) == maxList {
			return p.Refuse(CodeMalformed, p.tok.off, "too many fields in ORDER BY, at most %d", maxList)
		}
		o, err := p.order()
		s.OrderBy = append(s.OrderBy, o)
		return err
	})
}

// order reads an entry of ORDER BY.
func (p *parser) order() (Order, *Error) {
	op, err := p.operand()
	o := Order{Operand: op}
	if err != nil {
		return o, err
	}
	ok, err := p.accept("ASC")
	if !ok && err == nil {
		o.Desc, err = p.accept("DESC")
	}
	if err != nil {
		return o, err
	}
	if ok, err = p.accept("NULLS"); ok && err == nil {
		if o.NullsLast, err = p.accept("LAST"); err == nil && !o.NullsLast {
			err = p.expect("FIRST")
		}
	}
	return o, err
}

// limit reads LIMIT and OFFSET.
func (p *parser) limit(s *Select) *Error {
	ok, err := p.accept("LIMIT")
	if ok && err == nil {
		s.Limit, err = p.number()
	}
	if err != nil {
		return err
	}
	off := p.tok.off
	if ok, err = p.accept("OFFSET"); ok && err == nil {
		s.Offset, err = p.number()
		if err == nil && s.Offset > MaxOffset {
			err = p.Refuse(CodeRange, off, "Maximum SOQL offset allowed is %d", MaxOffset)
		}
	}
	return err
}

// purpose reads FOR VIEW, FOR REFERENCE, FOR UPDATE, UPDATE TRACKING and UPDATE VIEWSTAT. They say what the
// answer is for and do not change it; one query has no more than a few of them.
func (p *parser) purpose(*Select) *Error {
	for range maxList {
		word := "UPDATE"
		if p.is("FOR") {
			word = "FOR"
		} else if !p.is(word) {
			return nil
		}
		if err := p.advance(); err != nil {
			return err
		}
		err := p.commas(func() *Error {
			fits := p.is("VIEW") || p.is("REFERENCE") || p.is("UPDATE")
			if word == "UPDATE" {
				fits = p.is("TRACKING") || p.is("VIEWSTAT")
			}
			if !fits {
				return p.unexpected()
			}
			return p.advance()
		})
		if err != nil {
			return err
		}
	}
	return p.unexpected()
}

func (p *parser) allRows(s *Select) *Error {
	off := p.tok.off
	ok, err := p.accept2("ALL", "ROWS")
	if ok {
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
