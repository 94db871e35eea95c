package soql

import (
	"encoding/json"
	"strconv"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/soql/syntax"
)

// cond writes a condition that is 1, 0 or NULL, where NULL counts as false. resolve says what its operands are.
func (s *scope) cond(b *strings.Builder, cond syntax.Cond, resolve func(syntax.Operand) (field, *Error)) *Error {
	switch cond := cond.(type) {
	case *syntax.Logic:
		return s.logic(b, cond.Or, cond.Terms, resolve)
	case *syntax.Not:
		b.WriteString("((")
		if err := s.cond(b, cond.Cond, resolve); err != nil {
			return err
		}
		b.WriteString(") IS NOT TRUE)")
	case *syntax.Compare:
		if len(s.args) > maxArgs || b.Len() > maxSQL {
			return s.Refuse(CodeComplicated, cond.Off, "the filter conditions are too complicated")
		}
		f, err := resolve(cond.Operand)
		if err != nil {
			return err
		}
		return s.compareTo(b, s.labels(f), cond)
	}
	return nil
}

// logic writes terms as a balanced tree: SQLite bounds the depth of expressions, not their number.
func (s *scope) logic(b *strings.Builder, or bool, terms []syntax.Cond, resolve func(syntax.Operand) (field, *Error)) *Error {
	if len(terms) == 1 {
		return s.cond(b, terms[0], resolve)
	}
	half := len(terms) / 2
	b.WriteByte('(')
	if err := s.logic(b, or, terms[:half], resolve); err != nil {
		return err
	}
	if or {
		b.WriteString(" OR ")
	} else {
		b.WriteString(" AND ")
	}
	if err := s.logic(b, or, terms[half:], resolve); err != nil {
		return err
	}
	b.WriteByte(')')
	return nil
}

// canonical is the SQL of a field's value in the form in which values of the field are equal
// if Salesforce holds them to be equal.
func canonical(f field) string {
	switch kindOf(f.Field) {
	case textKind, multiKind:
		if f.CaseSensitive {
			return f.expr
		}
		return folded(f)
	case intKind, numberKind:
		return "CAST(" + f.expr + " AS NUMERIC)"
	case boolKind:
		return "coalesce(" + f.expr + ", 0)"
	}
	return f.expr
}

// folded is the SQL of a text field's value in lower case.
func folded(f field) string {
	if f.fold != "" {
		return f.fold
	}
	return foldFunction + "(" + f.expr + ")"
}

func (s *scope) compareTo(b *strings.Builder, f field, cmp *syntax.Compare) *Error {
	k := kindOf(f.Field)
	if !f.Filterable || k == compoundKind {
		return s.Refuse(CodeField, cmp.Off, "field '%s' can not be filtered in a query call", f.Name)
	}
	if !operatorFits(k, cmp.Op) {
		return s.Refuse(CodeOperator, cmp.OpOff, "invalid operator on %s field", strings.ToLower(k.word()))
	}
	switch cmp.Op {
	case syntax.In, syntax.NotIn:
		if cmp.Sub != nil {
			return s.semiJoin(b, f, cmp)
		}
		return s.in(b, f, cmp)
	case syntax.Includes, syntax.Excludes:
		return s.includes(b, f, cmp)
	case syntax.Like:
		return s.like(b, f, cmp.Values[0])
	}
	l := cmp.Values[0]
	if l.Kind == syntax.PeriodLiteral && (k == dateKind || k == dateTimeKind) {
		s.period(b, f, cmp.Op, l)
		return nil
	}
	v, err := s.literal(f, l)
	if err != nil {
		return err
	}
	e := canonical(f)
	switch {
	case v == nil && cmp.Op == syntax.Eq:
		b.WriteString(e + " IS NULL")
	case v == nil && cmp.Op == syntax.Ne:
		b.WriteString(e + " IS NOT NULL")
	case v == nil:
		b.WriteString("0") // nothing is less or greater than null
	case cmp.Op == syntax.Ne:
		b.WriteString(e + " IS NOT " + s.bind(v))
	default:
		b.WriteString(e + " " + string(cmp.Op) + " " + s.bind(v))
	}
	return nil
}

func operatorFits(k kind, op syntax.Op) bool {
	switch op {
	case syntax.Like:
		return k == textKind
	case syntax.Includes, syntax.Excludes:
		return k == multiKind
	case syntax.Lt, syntax.Le, syntax.Gt, syntax.Ge:
		return k != boolKind && k != multiKind
	case syntax.In, syntax.NotIn:
		return k != multiKind
	}
	return true
}

// like writes a LIKE, which is without case for every field.
func (s *scope) like(b *strings.Builder, f field, l syntax.Literal) *Error {
	switch l.Kind {
	case syntax.NullLiteral:
		b.WriteString(f.expr + " IS NULL")
	case syntax.StringLiteral:
		b.WriteString(folded(f) + " LIKE " + s.bind(strings.ToLower(l.Text)) + ` ESCAPE '\'`)
	default:
		return s.wrongType(f, l)
	}
	return nil
}

// in writes an IN or NOT IN. The values are one argument, a JSON array: the statement's text
// does not depend on their number, and there may be any number of them.
func (s *scope) in(b *strings.Builder, f field, cmp *syntax.Compare) *Error {
	k := kindOf(f.Field)
	values, null, periods := make([]any, 0, len(cmp.Values)), false, []syntax.Literal{}
	for _, l := range cmp.Values {
		if l.Kind == syntax.PeriodLiteral && (k == dateKind || k == dateTimeKind) {
			if periods = append(periods, l); len(periods) > maxFields {
				return s.Refuse(CodeComplicated, l.Off, "at most %d date literals may stand in a list", maxFields)
			}
			continue
		}
		v, err := s.literal(f, l)
		if err != nil {
			return err
		}
		if v == nil {
			null = true
			continue
		}
		values = append(values, v)
	}
	arg, jsonErr := json.Marshal(values)
	if jsonErr != nil { // a number beyond float64
		return s.Refuse(CodeRange, cmp.Values[0].Off, "a number is out of range")
	}
	e := canonical(f)
	b.WriteString("(" + e + " IN (SELECT value FROM json_each(" + s.bind(string(arg)) + "))")
	for _, l := range periods {
		b.WriteString(" OR ")
		s.period(b, f, syntax.Eq, l)
	}
	if null {
		b.WriteString(" OR " + e + " IS NULL")
	}
	b.WriteByte(')')
	if cmp.Op == syntax.NotIn {
		b.WriteString(" IS NOT TRUE")
	}
	return nil
}

// includes writes an INCLUDES or EXCLUDES: each value is a group "a;b" of which a record has
// to hold all (SOQL reference, Querying Multi-Select Picklists).
func (s *scope) includes(b *strings.Builder, f field, cmp *syntax.Compare) *Error {
	hay := "(';' || " + folded(f) + " || ';')"
	b.WriteString("((")
	for i, l := range cmp.Values {
		if i > 0 {
			b.WriteString(" OR ")
		}
		if l.Kind == syntax.NullLiteral {
			b.WriteString(f.expr + " IS NULL")
			continue
		}
		if l.Kind != syntax.StringLiteral {
			return s.wrongType(f, l)
		}
		b.WriteByte('(')
		for j, part := range strings.Split(l.Text, ";") {
			if j > 0 {
				b.WriteString(" AND ")
			}
			b.WriteString("instr(" + hay + ", " + s.bind(";"+strings.ToLower(part)+";") + ") > 0")
		}
		b.WriteByte(')')
	}
	b.WriteByte(')')
	if cmp.Op == syntax.Excludes {
		b.WriteString(" IS NOT TRUE")
	}
	b.WriteByte(')')
	return nil
}

// period writes a comparison with a date literal, which means a stretch of days.
func (s *scope) period(b *strings.Builder, f field, op syntax.Op, l syntax.Literal) {
	pd, _, _ := syntax.FindPeriod(l.Text, l.N)
	from, to := pd.Days(s.opt.Now)
	form := syntax.DateForm
	if kindOf(f.Field) == dateTimeKind {
		form = StoredDateTime
	}
	e := f.expr
	switch op {
	case syntax.Lt:
		b.WriteString(e + " < " + s.bind(from.Format(form)))
	case syntax.Ge:
		b.WriteString(e + " >= " + s.bind(from.Format(form)))
	case syntax.Le:
		b.WriteString(e + " < " + s.bind(to.Format(form)))
	case syntax.Gt:
		b.WriteString(e + " >= " + s.bind(to.Format(form)))
	default:
		b.WriteString("((" + e + " >= " + s.bind(from.Format(form)) + " AND " + e + " < " + s.bind(to.Format(form)) + ")")
		if op == syntax.Ne {
			b.WriteString(" IS NOT TRUE")
		}
		b.WriteByte(')')
	}
}

// literal returns a literal as the field's column holds it, nil for null.
func (s *scope) literal(f field, l syntax.Literal) (any, *Error) {
	k := kindOf(f.Field)
	if l.Kind == syntax.NullLiteral || l.Kind == syntax.StringLiteral && l.Text == "" && (k == textKind || k == multiKind || k == idKind) {
		return nil, nil
	}
	switch {
	case (k == textKind || k == multiKind) && l.Kind == syntax.StringLiteral:
		if f.CaseSensitive {
			return l.Text, nil
		}
		return strings.ToLower(l.Text), nil
	case k == idKind && l.Kind == syntax.StringLiteral:
		id, ok := id18(l.Text)
		if !ok {
			return nil, s.Refuse(CodeOperator, l.Off, "invalid ID field: %s", syntax.Clip(l.Text))
		}
		return id, nil
	case (k == intKind || k == numberKind) && l.Kind == syntax.NumberLiteral:
		text := strings.TrimPrefix(l.Text, "+")
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, s.Refuse(CodeRange, l.Off, "number out of range: %s", syntax.Clip(l.Text))
		}
		return n, nil
	case k == boolKind && l.Kind == syntax.BoolLiteral:
		if l.Text == "true" {
			return int64(1), nil
		}
		return int64(0), nil
	case k == dateKind && l.Kind == syntax.DateLiteral,
		k == dateTimeKind && l.Kind == syntax.DateTimeLiteral,
		k == timeKind && l.Kind == syntax.TimeLiteral:
		return l.Text, nil
	}
	return nil, s.wrongType(f, l)
}

func (s *scope) wrongType(f field, l syntax.Literal) *Error {
	should := "should not be enclosed in quotes"
	if k := kindOf(f.Field); k == textKind || k == multiKind || k == idKind {
		should = "should be enclosed in quotes"
	}
	return s.Refuse(CodeField, l.Off, "value of filter criterion for field '%s' must be of type %s and %s", f.Name, kindOf(f.Field).word(), should)
}

// id18 checks a record id and returns its form of 18 characters. One of 18 whose check
// characters do not fit its case is none: the org does not ignore the case of ids.
func id18(s string) (string, bool) {
	if len(s) != 15 && len(s) != 18 {
		return "", false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z') {
			return "", false
		}
	}
	id := schema.ID18(s[:15])
	return id, len(s) == 15 || id == s
}
