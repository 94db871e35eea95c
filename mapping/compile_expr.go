package mapping

import (
	"errors"
	"reflect"

	"sfsync/mapping/expr"
	"sfsync/mapping/schema"
)

// program compiles an expression; nil for one that was reported.
func (c *planner) program(s Str) *expr.Program {
	p, err := expr.Compile(s.Value, func(name string, offset int) int { return c.plan.Add(name, s.At(offset), 0) })
	if err == nil {
		return p
	}
	pos := s.Pos
	var bad *expr.Error
	if errors.As(err, &bad) {
		if bad.Offset >= 0 {
			pos = s.At(bad.Offset)
		}
		c.list.Errorf(pos, bad.Code, bad.Hint, "%s", bad.Message)
		return nil
	}
	c.list.Errorf(pos, "expr-invalid", "", "%v", err)
	return nil
}

// expression compiles an expr: rule and checks that its result can be the field's.
func (c *planner) expression(s Str, f *schema.Field) *expr.Program {
	p := c.program(s)
	if p == nil {
		return nil
	}
	kind, typ := p.Kind()
	number, wrong := false, false
	switch kind {
	case reflect.Invalid, reflect.Interface, reflect.String, reflect.Bool:
	case reflect.Int, reflect.Int64, reflect.Float64:
		number = true
	default:
		c.list.Errorf(s.Pos, "expr-type", "", "the expression gives %s, not a single value", typ)
		return nil
	}
	switch f.Type {
	case schema.Boolean:
		wrong = number
	case schema.Int, schema.Long, schema.Double, schema.Currency, schema.Percent:
		wrong = kind == reflect.Bool
	case schema.Date, schema.DateTime, schema.Time, schema.ID, schema.Reference, schema.Email:
		wrong = kind == reflect.Bool || number
	}
	if wrong {
		c.list.Errorf(s.Pos, "expr-type", "", "the expression gives %s, which %s, a %s field, cannot take", typ, f.Name, f.Type)
		return nil
	}
	return p
}

// condition compiles a when:.
func (c *planner) condition(s Str) *expr.Program {
	p := c.program(s)
	if p == nil {
		return nil
	}
	if kind, typ := p.Kind(); kind != reflect.Invalid && kind != reflect.Bool && kind != reflect.Interface {
		c.list.Errorf(s.Pos, "expr-type", `compare it: status != ""`, "when: needs true or false, and the expression gives %s", typ)
		return nil
	}
	return p
}
