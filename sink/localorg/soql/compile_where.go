package soql

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"sfsync/mapping/schema"
)

// cond writes a condition that is 1, 0 or NULL, where NULL counts as false.
func (c *compiler) cond(b *strings.Builder, cond Cond) *Error {
	switch cond := cond.(type) {
	case *Logic:
		return c.logic(b, cond.Or, cond.Terms)
	case *Not:
		b.WriteString("((")
		if err := c.cond(b, cond.Cond); err != nil {
			return err
		}
		b.WriteString(") IS NOT TRUE)")
		return nil
	case *Compare:
		if len(c.args) > maxArgs || b.Len() > maxSQL {
			return c.refuse(CodeComplicated, cond.Path.off(), "the filter conditions are too complicated")
		}
		return c.compareTo(b, cond)
	}
	return nil
}

// logic writes terms as a balanced tree: SQLite bounds the depth of expressions, not their number.
func (c *compiler) logic(b *strings.Builder, or bool, terms []Cond) *Error {
	if len(terms) == 1 {
		return c.cond(b, terms[0])
	}
	half := len(terms) / 2
	b.WriteByte('(')
	if err := c.logic(b, or, terms[:half]); err != nil {
		return err
	}
	if or {
		b.WriteString(" OR ")
	} else {
		b.WriteString(" AND ")
	}
	if err := c.logic(b, or, terms[half:]); err != nil {
		return err
	}
	b.WriteByte(')')
	return nil
}

// stored is the SQL of a field's value as it is.
func (c *compiler) stored(f field) string { return f.column(f.Column) }

// comparable is the SQL of a field's value in the form in which values of the field are equal
// if Salesforce holds them to be equal.
func (c *compiler) comparable(f field) string {
	switch kindOf(f.Field) {
	case textKind, multiKind:
		if f.CaseSensitive {
			return c.stored(f)
		}
		return c.folded(f)
	case intKind, numberKind:
		return "CAST(" + c.stored(f) + " AS NUMERIC)"
	case boolKind:
		return "coalesce(" + c.stored(f) + ", 0)"
	}
	return c.stored(f)
}

// folded is the SQL of a text field's value in lower case.
func (c *compiler) folded(f field) string {
	if f.FoldColumn != "" && !f.CaseSensitive {
		return f.column(f.FoldColumn)
	}
	return foldFunction + "(" + c.stored(f) + ")"
}

// bind adds an argument.
func (c *compiler) bind(v any) { c.args = append(c.args, v) }

func (c *compiler) compareTo(b *strings.Builder, cmp *Compare) *Error {
	f, err := c.resolve(cmp.Path)
	if err != nil {
		return err
	}
	k := kindOf(f.Field)
	if !f.Filterable || k == compoundKind {
		return c.refuse(CodeField, cmp.Path.off(), "field '%s' can not be filtered in a query call", f.Name)
	}
	if !operatorFits(k, cmp.Op) {
		return c.refuse(CodeOperator, cmp.OpOff, "invalid operator on %s field", strings.ToLower(k.word()))
	}
	switch cmp.Op {
	case In, NotIn:
		return c.in(b, f, cmp)
	case Includes, Excludes:
		return c.includes(b, f, cmp)
	case Like:
		return c.like(b, f, cmp.Values[0])
	}
	l := cmp.Values[0]
	if l.Kind == PeriodLiteral && (k == dateKind || k == dateTimeKind) {
		c.period(b, f, cmp.Op, l)
		return nil
	}
	v, err := c.argument(f, l)
	if err != nil {
		return err
	}
	e := c.comparable(f)
	switch {
	case v == nil && cmp.Op == Eq:
		b.WriteString(e + " IS NULL")
	case v == nil && cmp.Op == Ne:
		b.WriteString(e + " IS NOT NULL")
	case v == nil:
		b.WriteString("0") // nothing is less or greater than null
	case cmp.Op == Ne:
		b.WriteString(e + " IS NOT ?")
		c.bind(v)
	default:
		b.WriteString(e + " " + string(cmp.Op) + " ?")
		c.bind(v)
	}
	return nil
}

func operatorFits(k kind, op Op) bool {
	switch op {
	case Like:
		return k == textKind
	case Includes, Excludes:
		return k == multiKind
	case Lt, Le, Gt, Ge:
		return k != boolKind && k != multiKind && k != idKind
	case In, NotIn:
		return k != multiKind
	}
	return true
}

// like writes a LIKE, which is without case for every field.
func (c *compiler) like(b *strings.Builder, f field, l Literal) *Error {
	switch l.Kind {
	case NullLiteral:
		b.WriteString(c.stored(f) + " IS NULL")
	case StringLiteral:
		fmt.Fprintf(b, `%s LIKE ? ESCAPE '\'`, c.folded(f))
		c.bind(strings.ToLower(l.Text))
	default:
		return c.wrongType(f, l)
	}
	return nil
}

// in writes an IN or NOT IN. The values are one argument, a JSON array: the statement's text
// does not depend on their number, and there may be any number of them.
func (c *compiler) in(b *strings.Builder, f field, cmp *Compare) *Error {
	values, null := make([]any, 0, len(cmp.Values)), false
	for _, l := range cmp.Values {
		if l.Kind == PeriodLiteral {
			return c.notYet(l.Off, "a date literal in a list")
		}
		v, err := c.argument(f, l)
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
		return c.refuse(CodeRange, cmp.Values[0].Off, "a number is out of range")
	}
	e := c.comparable(f)
	b.WriteByte('(')
	fmt.Fprintf(b, "%s IN (SELECT value FROM json_each(?))", e)
	c.bind(string(arg))
	if null {
		fmt.Fprintf(b, " OR %s IS NULL", e)
	}
	b.WriteByte(')')
	if cmp.Op == NotIn {
		b.WriteString(" IS NOT TRUE")
	}
	return nil
}

// includes writes an INCLUDES or EXCLUDES: each value is a group "a;b" of which a record has
// to hold all (SOQL reference, Querying Multi-Select Picklists).
func (c *compiler) includes(b *strings.Builder, f field, cmp *Compare) *Error {
	hay := "(';' || " + c.folded(f) + " || ';')"
	b.WriteString("((")
	for i, l := range cmp.Values {
		if i > 0 {
			b.WriteString(" OR ")
		}
		if l.Kind == NullLiteral {
			b.WriteString(c.stored(f) + " IS NULL")
			continue
		}
		if l.Kind != StringLiteral {
			return c.wrongType(f, l)
		}
		b.WriteByte('(')
		for j, part := range strings.Split(l.Text, ";") {
			if j > 0 {
				b.WriteString(" AND ")
			}
			b.WriteString("instr(" + hay + ", ?) > 0")
			c.bind(";" + strings.ToLower(part) + ";")
		}
		b.WriteByte(')')
	}
	b.WriteByte(')')
	if cmp.Op == Excludes {
		b.WriteString(" IS NOT TRUE")
	}
	b.WriteByte(')')
	return nil
}

// period writes a comparison with a date literal, which means a stretch of days.
func (c *compiler) period(b *strings.Builder, f field, op Op, l Literal) {
	pd, _, _ := findPeriod(l.Text, l.N)
	from, to := pd.days(c.now)
	form := dateForm
	if kindOf(f.Field) == dateTimeKind {
		form = StoredDateTime
	}
	e := c.stored(f)
	switch op {
	case Lt:
		b.WriteString(e + " < ?")
		c.bind(from.Format(form))
	case Ge:
		b.WriteString(e + " >= ?")
		c.bind(from.Format(form))
	case Le:
		b.WriteString(e + " < ?")
		c.bind(to.Format(form))
	case Gt:
		b.WriteString(e + " >= ?")
		c.bind(to.Format(form))
	default:
		b.WriteString("((" + e + " >= ? AND " + e + " < ?)")
		if op == Ne {
			b.WriteString(" IS NOT TRUE")
		}
		b.WriteByte(')')
		c.bind(from.Format(form))
		c.bind(to.Format(form))
	}
}

// argument returns a literal as the field's column holds it, nil for null.
func (c *compiler) argument(f field, l Literal) (any, *Error) {
	k := kindOf(f.Field)
	if l.Kind == NullLiteral || l.Kind == StringLiteral && l.Text == "" && (k == textKind || k == multiKind || k == idKind) {
		return nil, nil
	}
	switch {
	case (k == textKind || k == multiKind) && l.Kind == StringLiteral:
		if f.CaseSensitive {
			return l.Text, nil
		}
		return strings.ToLower(l.Text), nil
	case k == idKind && l.Kind == StringLiteral:
		id, ok := id18(l.Text)
		if !ok {
			return nil, c.refuse(CodeOperator, l.Off, "invalid ID field: %s", clip(l.Text))
		}
		return id, nil
	case (k == intKind || k == numberKind) && l.Kind == NumberLiteral:
		text := strings.TrimPrefix(l.Text, "+")
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, c.refuse(CodeRange, l.Off, "number out of range: %s", clip(l.Text))
		}
		return n, nil
	case k == boolKind && l.Kind == BoolLiteral:
		if l.Text == "true" {
			return int64(1), nil
		}
		return int64(0), nil
	case k == dateKind && l.Kind == DateLiteral,
		k == dateTimeKind && l.Kind == DateTimeLiteral,
		k == timeKind && l.Kind == TimeLiteral:
		return l.Text, nil
	}
	return nil, c.wrongType(f, l)
}

func (c *compiler) wrongType(f field, l Literal) *Error {
	should := "should not be enclosed in quotes"
	if k := kindOf(f.Field); k == textKind || k == multiKind || k == idKind {
		should = "should be enclosed in quotes"
	}
	return c.refuse(CodeField, l.Off, "value of filter criterion for field '%s' must be of type %s and %s", f.Name, kindOf(f.Field).word(), should)
}

// id18 checks a record id and returns its form of 18 characters. One of 18 whose check
// characters do not fit its case is none: the org does not ignore the case of ids.
func id18(s string) (string, bool) {
	if len(s) != 15 && len(s) != 18 {
		return "", false
	}
	for i := range len(s) {
		if !isLetter(s[i]) && !isDigit(s[i]) || s[i] == '_' {
			return "", false
		}
	}
	id := schema.ID18(s[:15])
	return id, len(s) == 15 || id == s
}
