package mapping

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker"
	exprcompiler "github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/optimizer"
	exprparser "github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"sfsync/mapping/convert"
	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// The bounds of an expression: its text, its syntax tree, and what it may allocate for one
// row, in the interpreter's units (about an element of a list or a string each).
const (
	maxExprBytes  = 8 << 10
	maxExprNodes  = 1000
	maxExprMemory = 100_000
	maxExprText   = 1 << 20 // bytes that replace and join may make
)

// program is an expression compiled for the interpreter. Its variables are columns, all text,
// "" for what is absent or null.
type program struct {
	number  int // of the environment in a Mapper
	code    *vm.Program
	names   []string // of the variables
	columns []int    // of the plan, for each name
}

// expression is the value of an expr: rule.
type expression struct{ *program }

// condition is a when: an interpreted program, or a closure where the expression is simple.
type condition struct {
	*program
	test func(*Mapper) bool
}

// run evaluates a program for the mapper's current row.
func (p *program) run(m *Mapper) (any, *Problem) {
	env := m.envs[p.number]
	if env == nil {
		env = make(map[string]any, len(p.names))
		m.envs[p.number] = env
	}
	for i, name := range p.names {
		env[name] = m.text(p.columns[i])
	}
	m.vm.MemoryBudget = maxExprMemory
	v, err := m.vm.Run(p.code, env)
	if err != nil {
		return nil, &Problem{Code: CodeExpression, Message: exprMessage(err)}
	}
	return v, nil
}

// exprMessage is the message of the interpreter's error in one line, cut to a length that
// cannot flood a report.
func exprMessage(err error) string {
	msg := err.Error()
	var fe *file.Error
	if errors.As(err, &fe) {
		msg = fe.Message
	}
	msg, _, _ = strings.Cut(msg, "\n")
	if msg = strings.ToValidUTF8(msg, "\uFFFD"); len(msg) > 200 {
		msg = strings.ToValidUTF8(msg[:200], "") + "…"
	}
	return msg
}

func (c *condition) eval(m *Mapper) (bool, *Problem) {
	if c.test != nil {
		return c.test(m), nil
	}
	v, p := c.run(m)
	if p != nil {
		return false, p
	}
	b, ok := v.(bool)
	if !ok {
		return false, &Problem{Code: CodeExpression, Message: fmt.Sprintf("when: gave %T, not true or false", v)}
	}
	return b, nil
}

func (e *expression) eval(m *Mapper) (string, row.Kind, *Problem) {
	v, p := e.run(m)
	if p != nil {
		return "", row.Absent, p
	}
	switch v := v.(type) {
	case nil:
		return "", row.Null, nil
	case string:
		return v, row.Text, nil
	case bool:
		return strconv.FormatBool(v), row.Bool, nil
	case int:
		return strconv.Itoa(v), row.Number, nil
	case int64:
		return strconv.FormatInt(v, 10), row.Number, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", row.Absent, &Problem{Code: CodeExpression, Message: "the result is no number (a division by zero?)"}
		}
		return strconv.FormatFloat(v, 'f', -1, 64), row.Number, nil
	}
	return "", row.Absent, &Problem{Code: CodeExpression, Message: fmt.Sprintf("the result is a %T, not a single value", v)}
}

// expression compiles an expr: rule and checks that its result can be the field's.
func (c *planner) expression(s Str, f *schema.Field) *expression {
	_, typ, p := c.program(s)
	if p == nil {
		return nil
	}
	kind := reflect.Invalid
	if typ != nil {
		kind = typ.Kind()
	}
	switch kind {
	case reflect.Invalid, reflect.Interface, reflect.String, reflect.Int, reflect.Int64, reflect.Float64, reflect.Bool:
	default:
		c.list.Errorf(s.Pos, "expr-type", "", "the expression gives %s, not a single value", typ)
		return nil
	}
	number := kind == reflect.Int || kind == reflect.Int64 || kind == reflect.Float64
	wrong := false
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
	return &expression{p}
}

// condition compiles a when:.
func (c *planner) condition(s Str) *condition {
	tree, typ, p := c.program(s)
	if p == nil {
		return nil
	}
	if typ != nil && typ.Kind() != reflect.Bool && typ.Kind() != reflect.Interface {
		c.list.Errorf(s.Pos, "expr-type", `compare it: status != ""`, "when: needs true or false, and the expression gives %s", typ)
		return nil
	}
	cond := &condition{program: p}
	if t, ok := compileTest(tree, p); ok {
		cond.test = t
	}
	return cond
}

// program parses, checks and compiles an expression. It returns the tree as it was before the
// optimizer changed it, with columns as identifiers that are named after them, and the
// static type of the result; nil for one that was reported.
func (c *planner) program(s Str) (ast.Node, reflect.Type, *program) {
	text := s.Value
	if len(text) > maxExprBytes {
		c.list.Errorf(s.Pos, "expr-too-long", "", "an expression has at most %d bytes, not %d", maxExprBytes, len(text))
		return nil, nil, nil
	}
	fail := func(err error) (ast.Node, reflect.Type, *program) {
		c.exprError(s, err)
		return nil, nil, nil
	}
	parse := func() (*exprparser.Tree, *columnFinder, error) {
		config := newExprConfig()
		tree, err := exprparser.ParseWithConfig(text, config)
		if err != nil {
			return nil, nil, err
		}
		find := &columnFinder{config: config}
		find.walk(&tree.Node)
		if find.err != nil {
			return nil, nil, find.err.Bind(tree.Source)
		}
		env := types.Map{}
		for _, n := range find.names {
			env[n] = types.String
		}
		config.WithEnv(env)
		return tree, find, nil
	}
	plain, _, err := parse() // a tree of its own: the optimizer changes the other one
	if err != nil {
		return fail(err)
	}
	tree, find, err := parse()
	if err != nil {
		return fail(err)
	}
	typ, err := checker.Check(tree, find.config)
	if err != nil {
		return fail(err)
	}
	if err := optimizer.Optimize(&tree.Node, find.config); err != nil {
		return fail(err)
	}
	code, err := exprcompiler.Compile(tree, find.config)
	if err != nil {
		return fail(err)
	}
	p := &program{number: c.plan.exprs, code: code, names: find.names}
	c.plan.exprs++
	for i, name := range find.names {
		p.columns = append(p.columns, c.plan.add(name, s.At(byteOffset(text, find.places[i])), 0))
	}
	return plain.Node, typ, p
}

// exprError reports what is wrong with an expression, at the place inside it.
func (c *planner) exprError(s Str, err error) {
	pos := s.Pos
	var fe *file.Error
	if errors.As(err, &fe) {
		pos = s.At(byteOffset(s.Value, fe.From))
	}
	msg, hint := exprMessage(err), ""
	switch {
	case strings.Contains(msg, "mismatched types") && strings.Contains(msg, "string"),
		strings.Contains(msg, "invalid operation") && strings.Contains(msg, "string"):
		hint = `columns are text: write number(column) for a number, column == "true" for a flag`
	case strings.HasPrefix(msg, "unknown name "):
		hint = diag.DidYouMean(strings.TrimPrefix(msg, "unknown name "), ExprFunctions())
	}
	c.list.Errorf(pos, "expr-invalid", hint, "%s", msg)
}

// byteOffset turns the interpreter's offset, which counts characters, into one of bytes.
func byteOffset(s string, runes int) int {
	for i := range s {
		if runes <= 0 {
			return i
		}
		runes--
	}
	return len(s)
}

// functions are the interpreter's functions that a mapping has: those that make a single
// value of texts and numbers, always the same for the same row. Lists exist only between
// split and join, first, last or an index. What can loop or grow without bound (predicates,
// ranges, let, repeat) is left out, so that no row can hold a run up.
func functions() []string {
	return []string{
		"len", "abs", "ceil", "floor", "round", "int", "float", "string", "trim", "trimPrefix", "trimSuffix", "upper", "lower",
		"split", "indexOf", "lastIndexOf", "hasPrefix", "hasSuffix", "max", "min", "first", "last",
	}
}

// ownFunctions are the functions that mappings have besides: number and blank, and two of the
// interpreter's with a bound on what they make.
func ownFunctions() []*builtin.Function {
	return []*builtin.Function{
		{
			Name: "number",
			Func: func(args ...any) (any, error) {
				s, _ := args[0].(string)
				s = strings.TrimSpace(s)
				v, err := strconv.ParseFloat(s, 64)
				if err != nil || !convert.IsNumber(s) { // ParseFloat reads hex, underscores and inf too
					return nil, fmt.Errorf("number(%s): no number", convert.Quote(s))
				}
				return v, nil
			},
			Types: []reflect.Type{reflect.TypeFor[func(string) float64]()},
		},
		{
			Name: "blank",
			Func: func(args ...any) (any, error) {
				s, _ := args[0].(string)
				return convert.Blank(s), nil
			},
			Types: []reflect.Type{reflect.TypeFor[func(string) bool]()},
		},
		{
			Name: "replace",
			Func: func(args ...any) (any, error) {
				s, _ := args[0].(string)
				old, _ := args[1].(string)
				with, _ := args[2].(string)
				if old == "" {
					return nil, errors.New("replace: nothing to look for")
				}
				if len(s)+strings.Count(s, old)*(len(with)-len(old)) > maxExprText {
					return nil, fmt.Errorf("replace: more than %d bytes of text", maxExprText)
				}
				return strings.ReplaceAll(s, old, with), nil
			},
			Types: []reflect.Type{reflect.TypeFor[func(string, string, string) string]()},
		},
		{
			Name: "join",
			Func: func(args ...any) (any, error) {
				list, _ := args[0].([]string)
				sep, _ := args[1].(string)
				n := len(sep) * len(list)
				for _, s := range list {
					n += len(s)
				}
				if n > maxExprText {
					return nil, fmt.Errorf("join: more than %d bytes of text", maxExprText)
				}
				return strings.Join(list, sep), nil
			},
			Types: []reflect.Type{reflect.TypeFor[func([]string, string) string]()},
		},
	}
}

// ExprFunctions returns the names of the functions that expressions have.
func ExprFunctions() []string {
	names := functions()
	for _, f := range ownFunctions() {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}

// newExprConfig returns the language of expressions: expr's operators, and the functions
// above.
func newExprConfig() *conf.Config {
	config := conf.CreateNew()
	config.MaxNodes = maxExprNodes
	kept := make(conf.FunctionsTable)
	for _, name := range functions() {
		kept[name] = config.Builtins[name]
	}
	for name := range config.Builtins {
		if kept[name] == nil {
			config.Disabled[name] = true
		}
	}
	config.Builtins = kept
	for _, f := range ownFunctions() {
		config.Functions[f.Name] = f
		delete(config.Disabled, f.Name)
	}
	return config
}
