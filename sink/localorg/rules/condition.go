package rules

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"sfsync/mapping/schema"
)

// The bounds of a condition: its text, its syntax tree, and what it may allocate for one record, in the
// interpreter's units.
const (
	maxText   = 8 << 10
	maxNodes  = 1000
	maxMemory = 100_000
)

// Prefixes of the variables that stand for calls about a field; no field's name has a blank.
const (
	changedVar = "changed "
	priorVar   = "prior "
	newVar     = " new"
	todayVar   = " today"
	nowVar     = " now"
)

// condition is a compiled condition.
type condition struct {
	code *vm.Program
	uses []variable
}

// variable is what a condition looks at.
type variable struct {
	name, field string
	typ         schema.Type
}

// environment is the names that the conditions of an object can use.
func environment(o *schema.Object) types.Map {
	env := types.Map{newVar: types.Bool, todayVar: types.String, nowVar: types.String}
	for _, f := range o.Fields {
		env[f.Name], env[priorVar+f.Name], env[changedVar+f.Name] = types.Any, types.Any, types.Bool
	}
	return env
}

func compile(text string, o *schema.Object, env types.Map) (*condition, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("an expression has at most %d bytes", maxText)
	}
	p := &patcher{object: o}
	code, err := expr.Compile(text, expr.Env(env), expr.Patch(p), expr.MaxNodes(maxNodes),
		expr.Function("ISBLANK", isBlank, new(func(any) bool)),
		expr.Function("ISPICKVAL", isPickVal, new(func(any, string) bool)),
		expr.Function("ISNEW", notPatched, new(func() bool)),
		expr.Function("ISCHANGED", notPatched, new(func(any) bool)),
		expr.Function("PRIORVALUE", notPatched, new(func(any) any)),
		expr.Function("TODAY", notPatched, new(func() string)),
		expr.Function("NOW", notPatched, new(func() string)),
		expr.Function(compareFunc, compare, new(func(any, any, string) bool)),
		expr.Function(computeFunc, compute, new(func(any, any, string) any)),
	)
	if p.err != nil {
		return nil, p.err
	}
	if err != nil {
		return nil, errors.New(oneLine(err))
	}
	c := &condition{code: code}
	find := &finder{seen: map[string]bool{}}
	node := code.Node()
	ast.Walk(&node, find)
	for name := range find.seen {
		field := strings.TrimPrefix(strings.TrimPrefix(name, changedVar), priorVar)
		v := variable{name: name, field: field}
		if f := o.Field(field); f != nil {
			v.typ = f.Type
		}
		c.uses = append(c.uses, v)
	}
	return c, nil
}

// finder collects the names in a tree.
type finder struct{ seen map[string]bool }

func (f *finder) Visit(n *ast.Node) {
	if id, ok := (*n).(*ast.IdentifierNode); ok {
		f.seen[id.Value] = true
	}
}

// holds evaluates the condition.
func (c *condition) holds(r Record, now time.Time) (bool, error) {
	env := make(map[string]any, len(c.uses))
	for _, v := range c.uses {
		switch {
		case v.name == newVar:
			env[v.name] = r.New()
		case v.name == todayVar:
			env[v.name] = now.UTC().Format("2006-01-02")
		case v.name == nowVar:
			env[v.name] = now.UTC().Format("2006-01-02T15:04:05.000+0000")
		case strings.HasPrefix(v.name, changedVar):
			env[v.name] = !r.New() && r.Value(v.field) != r.Before(v.field)
		case strings.HasPrefix(v.name, priorVar):
			env[v.name] = fieldValue(v.typ, r.Before(v.field))
		default:
			env[v.name] = fieldValue(v.typ, r.Value(v.field))
		}
	}
	m := vm.VM{MemoryBudget: maxMemory}
	out, err := m.Run(c.code, env)
	if err != nil {
		return false, errors.New(oneLine(err))
	}
	b, ok := out.(bool)
	if !ok {
		return false, fmt.Errorf("it gave %T, not true or false", out)
	}
	return b, nil
}

// The names of the functions that stand in for operators; nobody can type them.
const (
	compareFunc = " compare"
	computeFunc = " compute"
)

// patcher turns what looks at a record's past into variables, and operators into functions that bear nil.
type patcher struct {
	object *schema.Object
	err    error
}

// Visit implements ast.Visitor.
func (p *patcher) Visit(n *ast.Node) {
	switch node := (*n).(type) {
	case *ast.CallNode:
		p.call(n, node)
	case *ast.BuiltinNode:
	case *ast.BinaryNode:
		switch node.Operator {
		case "<", "<=", ">", ">=":
			p.operator(n, node, compareFunc)
		case "+", "-", "*", "/", "%", "**", "^":
			p.operator(n, node, computeFunc)
		}
	}
}

func (p *patcher) operator(n *ast.Node, b *ast.BinaryNode, with string) {
	ast.Patch(n, &ast.CallNode{
		Callee:    &ast.IdentifierNode{Value: with},
		Arguments: []ast.Node{b.Left, b.Right, &ast.StringNode{Value: b.Operator}},
	})
}

func (p *patcher) call(n *ast.Node, c *ast.CallNode) {
	callee, ok := c.Callee.(*ast.IdentifierNode)
	if !ok {
		return
	}
	variable := func(name string) { ast.Patch(n, &ast.IdentifierNode{Value: name}) }
	field := func(prefix string) {
		var name string
		if len(c.Arguments) == 1 {
			if id, ok := c.Arguments[0].(*ast.IdentifierNode); ok {
				name = id.Value
			}
		}
		f := p.object.Field(name)
		if f == nil || f.Name != name {
			if p.err == nil {
				p.err = fmt.Errorf("%s needs the name of a field", callee.Value)
			}
			return
		}
		variable(prefix + name)
	}
	switch callee.Value {
	case "ISNEW":
		variable(newVar)
	case "TODAY":
		variable(todayVar)
	case "NOW":
		variable(nowVar)
	case "ISCHANGED":
		field(changedVar)
	case "PRIORVALUE":
		field(priorVar)
	}
}

func notPatched(...any) (any, error) { return nil, errors.New("not a function at run time") }

func isBlank(args ...any) (any, error) {
	if s, ok := args[0].(string); ok {
		return strings.TrimSpace(s) == "", nil
	}
	return args[0] == nil, nil
}

func isPickVal(args ...any) (any, error) {
	s, _ := args[0].(string)
	return s == args[1].(string), nil
}

func compare(args ...any) (any, error) {
	var order int
	a, b := args[0], args[1]
	x, isNumber := number(a)
	y, both := number(b)
	s, isText := a.(string)
	t, bothText := b.(string)
	switch {
	case a == nil || b == nil:
		return false, nil
	case isNumber && both && x < y, isText && bothText && s < t:
		order = -1
	case isNumber && both && x > y, isText && bothText && s > t:
		order = 1
	case isNumber && both, isText && bothText:
	default:
		return nil, fmt.Errorf("%v and %v cannot be compared", kindOf(a), kindOf(b))
	}
	switch args[2].(string) {
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	}
	return order >= 0, nil
}

func compute(args ...any) (any, error) {
	a, b, op := args[0], args[1], args[2].(string)
	s, isText := a.(string)
	t, bothText := b.(string)
	if op == "+" && isText && bothText {
		return s + t, nil
	}
	x, isNumber := number(a)
	y, both := number(b)
	switch {
	case a == nil || b == nil:
		return nil, nil
	case !isNumber || !both:
		return nil, fmt.Errorf("%s cannot be computed with %v and %v", op, kindOf(a), kindOf(b))
	}
	return arithmetic(x, y, op)
}
