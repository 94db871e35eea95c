package soql

import (
	"fmt"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/soql/syntax"
)

// value resolves an operand that is a field, or a function of one record.
func (s *scope) value(op syntax.Operand) (field, *Error) {
	switch {
	case op.Func == "":
		return s.resolve(op.Path)
	case syntax.IsAggregate(op.Func):
		return field{}, s.Refuse(CodeMalformed, op.Off, "aggregate function %s is not allowed here", op.Func)
	case op.Func == "FIELDS":
		return field{}, s.Refuse(CodeMalformed, op.Off, "unexpected token: 'FIELDS'")
	case syntax.IsDateFunction(op.Func):
		return s.dateFunction(op)
	}
	// Labels, formats, currencies and time zones: what is shown is another matter than what is compared.
	// The org has one currency, and its users' time zone is GMT.
	f, err := s.argument(op, s.value)
	if err != nil {
		return f, err
	}
	k := kindOf(f.Field)
	ok := k != compoundKind
	switch op.Func {
	case "CONVERTCURRENCY":
		ok = f.Type == schema.Currency
	case "CONVERTTIMEZONE":
		ok = k == dateTimeKind
	}
	if !ok {
		return f, s.Refuse(CodeField, op.Off, "field '%s' does not support the function %s", f.Name, op.Func)
	}
	f.function, f.labelled = s.spelled(op), f.labelled || op.Func == "TOLABEL"
	return f, nil
}

// label is what toLabel shows of a value, or of several.
func (f Field) label(value string) string {
	parts := strings.Split(value, ";")
	if f.Type != schema.MultiPicklist {
		parts = []string{value}
	}
	for i, part := range parts {
		for _, l := range f.Labels {
			if l.Value == part {
				parts[i] = l.Label
			}
		}
	}
	return strings.Join(parts, ";")
}

// labels returns a field in a condition as its label, if it stands there as toLabel.
func (s *scope) labels(f field) field {
	if !f.labelled || len(f.Labels) == 0 || kindOf(f.Field) != textKind {
		return f
	}
	var b strings.Builder
	for _, l := range f.Labels {
		fmt.Fprintf(&b, " WHEN %s THEN %s", s.constant(l.Value), s.constant(l.Label))
	}
	f.expr, f.fold = "CASE "+f.expr+b.String()+" ELSE "+f.expr+" END", ""
	return f
}

// argument resolves what stands between a function's parentheses.
func (s *scope) argument(op syntax.Operand, resolve func(syntax.Operand) (field, *Error)) (field, *Error) {
	if op.Arg != nil {
		return resolve(*op.Arg)
	}
	return s.resolve(op.Path)
}

// spelled is an operand as the query has it, without blanks.
func (s *scope) spelled(op syntax.Operand) string {
	name := op.Func
	if end := op.Off + len(name); end <= len(s.Text) && strings.EqualFold(string(s.Text[op.Off:end]), name) {
		name = string(s.Text[op.Off:end])
	}
	switch {
	case name == "":
		return op.Path.String()
	case op.Arg != nil:
		return name + "(" + s.spelled(*op.Arg) + ")"
	case len(op.Path) == 0:
		return name + "()"
	}
	return name + "(" + op.Path.String() + ")"
}

// dateFunction resolves a function that makes a period of a date. Weeks of a month and of a year begin with
// its first day, days of the week with Sunday (SOQL reference, Date Functions); fiscal years are calendar years.
func (s *scope) dateFunction(op syntax.Operand) (field, *Error) {
	f, err := s.argument(op, s.value)
	if err != nil {
		return f, err
	}
	k := kindOf(f.Field)
	if k != dateKind && k != dateTimeKind || op.Func == "HOUR_IN_DAY" && k == dateKind {
		return f, s.Refuse(CodeField, op.Off, "field '%s' does not support the function %s", f.Name, op.Func)
	}
	e := f.expr
	number := func(from, n int) string { return fmt.Sprintf("CAST(substr(%s, %d, %d) AS INTEGER)", e, from, n) }
	dayOfYear := fmt.Sprintf("CAST(strftime('%%j', substr(%s, 1, 10)) AS INTEGER)", e)
	typ := schema.Int
	switch op.Func {
	case "CALENDAR_YEAR", "FISCAL_YEAR":
		e = number(1, 4)
	case "CALENDAR_QUARTER", "FISCAL_QUARTER":
		e = "((" + number(6, 2) + " + 2) / 3)"
	case "CALENDAR_MONTH", "FISCAL_MONTH":
		e = number(6, 2)
	case "DAY_IN_MONTH":
		e = number(9, 2)
	case "DAY_IN_WEEK":
		e = fmt.Sprintf("(CAST(strftime('%%w', substr(%s, 1, 10)) AS INTEGER) + 1)", e)
	case "DAY_IN_YEAR":
		e = dayOfYear
	case "HOUR_IN_DAY":
		e = number(12, 2)
	case "WEEK_IN_MONTH":
		e = "((" + number(9, 2) + " + 6) / 7)"
	case "WEEK_IN_YEAR":
		e = "((" + dayOfYear + " + 6) / 7)"
	default: // DAY_ONLY
		e, typ = "substr("+e+", 1, 10)", schema.Date
	}
	return field{
		Field: Field{Name: s.spelled(op), Column: f.Column, Type: typ, Filterable: f.Filterable},
		expr:  e, at: f.at, via: f.via, function: s.spelled(op),
	}, nil
}

// aggregateOf returns an aggregate function as a field of its value's type.
func (s *scope) aggregateOf(op syntax.Operand) (field, *Error) {
	if len(op.Path) == 0 && op.Arg == nil {
		return field{}, s.Refuse(CodeMalformed, op.Off, "Grouped query cannot use COUNT() with other fields: use COUNT(Id)")
	}
	f, err := s.argument(op, s.value)
	if err != nil {
		return field{}, err
	}
	k := kindOf(f.Field)
	ok := f.Filterable && k != compoundKind && k != multiKind
	switch op.Func {
	case "COUNT", "COUNT_DISTINCT":
		ok = ok && k != boolKind
	case "MIN", "MAX":
		ok = ok && k != boolKind && k != idKind
	default:
		ok = ok && (k == intKind || k == numberKind)
	}
	if !ok {
		return field{}, s.Refuse(CodeMalformed, op.Off, "field %s does not support aggregate operator %s", f.Name, op.Func)
	}
	out := field{Field: Field{Name: s.spelled(op), Type: f.Type, Filterable: true}, function: s.spelled(op)}
	switch e := canonical(f); {
	case op.Func == "COUNT":
		out.expr, out.Type = "COUNT("+e+")", schema.Int
	case op.Func == "COUNT_DISTINCT":
		out.expr, out.Type = "COUNT(DISTINCT "+e+")", schema.Int
	case op.Func == "AVG":
		out.expr, out.Type = "AVG("+e+")", schema.Double
	case op.Func != "SUM" && k == textKind:
		out.expr = op.Func + "(" + f.expr + " COLLATE NOCASE)"
	default:
		out.expr = op.Func + "(" + e + ")"
	}
	return out, nil
}
