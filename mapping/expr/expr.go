// Package expr is the language of expr: and when: in a mapping: the expressions of expr-lang with
// columns as variables, all of them text, and only those functions that end soon and always give
// the same value for the same row.
package expr

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/optimizer"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"sfsync/mapping/convert"
	"sfsync/mapping/diag"
	"sfsync/pipeline/row"
)

// The bounds of an expression: its text, its syntax tree, and what it may allocate for one
// row, in the interpreter's units (about an element of a list or a string each). Together they
// bound the time and the memory that one row can take, whatever it holds.
const (
	maxBytes   = 8 << 10
	maxNodes   = 1000
	maxMemory  = 100_000
	maxText    = 1 << 20 // bytes of a column, and of what replace and join make
	maxSums    = 64      // additions, each of which can join two texts
	maxPattern = 1000    // instructions of a regular expression
)

// Row gives an expression the columns of a row.
type Row interface {
	// Text returns the text of a column by the number that Compile was given for its name: "" for
	// what is absent or null.
	Text(column int) string
}

// Program is a compiled expression. It does not change; any number of goroutines may use it.
type Program struct {
	code    *vm.Program
	names   []string // of the variables
	columns []int    // their numbers
	typ     reflect.Type
	test    func(Row) bool // the expression as a closure, if it is simple enough
}

// Machine runs programs. The zero Machine is ready; it serves one goroutine.
type Machine struct {
	vm   vm.VM
	envs map[*Program]map[string]any
}

// Error is what is wrong with an expression.
type Error struct {
	// Offset is where, in bytes of its text; -1 for the whole of it.
	Offset int
	// Code is a stable word for diagnostics.
	Code          string
	Message, Hint string
}

func (e *Error) Error() string { return e.Message }

// Compile parses, checks and compiles an expression. It calls column for each column that it
// names, with the name and its first place in the text; what that returns is the column's number.
// The error is an [*Error].
func Compile(text string, column func(name string, offset int) int) (*Program, error) {
	if len(text) > maxBytes {
		return nil, &Error{Offset: -1, Code: "expr-too-long", Message: fmt.Sprintf("an expression has at most %d bytes, not %d", maxBytes, len(text))}
	}
	plain, _, err := parse(text) // a tree of its own: the optimizer changes the other one
	if err != nil {
		return nil, explain(text, err)
	}
	tree, find, err := parse(text)
	if err != nil {
		return nil, explain(text, err)
	}
	typ, err := checker.Check(tree, find.config)
	if err != nil {
		return nil, explain(text, err)
	}
	if err := optimizer.Optimize(&tree.Node, find.config); err != nil {
		return nil, explain(text, err)
	}
	code, err := compiler.Compile(tree, find.config)
	if err != nil {
		return nil, explain(text, err)
	}
	p := &Program{code: code, names: find.vars, typ: typ}
	for i, name := range find.names {
		p.columns = append(p.columns, column(name, byteOffset(text, find.places[i])))
	}
	if test, ok := compileTest(plain.Node, p); ok {
		p.test = test
	}
	return p, nil
}

// parse returns the tree of an expression with columns as identifiers that are named after them.
func parse(text string) (*parser.Tree, *columnFinder, error) {
	config := newConfig()
	tree, err := parser.ParseWithConfig(text, config)
	if err != nil {
		return nil, nil, err
	}
	find := &columnFinder{config: config}
	find.walk(&tree.Node)
	if find.err != nil {
		return nil, nil, find.err.Bind(tree.Source)
	}
	env := types.Map{}
	for _, n := range find.vars {
		env[n] = types.String
	}
	config.WithEnv(env)
	return tree, find, nil
}

// explain says what is wrong with an expression, and where inside it.
func explain(text string, err error) *Error {
	e := &Error{Offset: -1, Code: "expr-invalid", Message: message(err)}
	var fe *file.Error
	if errors.As(err, &fe) {
		e.Offset = byteOffset(text, fe.From)
	}
	switch {
	case strings.Contains(e.Message, "mismatched types") && strings.Contains(e.Message, "string"),
		strings.Contains(e.Message, "invalid operation") && strings.Contains(e.Message, "string"):
		e.Hint = `columns are text: write number(column) for a number, column == "true" for a flag`
	case strings.Contains(e.Message, `unexpected token Operator("=")`):
		e.Hint = "two values are compared with =="
	case strings.HasPrefix(e.Message, "unknown name "):
		e.Hint = diag.DidYouMean(strings.TrimPrefix(e.Message, "unknown name "), Functions())
	}
	return e
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

// message is the message of the interpreter's error in one line, cut to a length that cannot flood a
// report.
func message(err error) string {
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

// Kind returns the kind of the values that the program gives, reflect.Interface or reflect.Invalid where
// that depends on the row, and the type in words.
func (p *Program) Kind() (reflect.Kind, string) {
	if p.typ == nil {
		return reflect.Invalid, "nothing"
	}
	return p.typ.Kind(), p.typ.String()
}

// Simple reports whether [Program.Test] needs no interpreter.
func (p *Program) Simple() bool { return p.test != nil }

// run evaluates a program.
func (p *Program) run(m *Machine, r Row) (any, *convert.Problem) {
	env := m.envs[p]
	if env == nil {
		if m.envs == nil {
			m.envs = map[*Program]map[string]any{}
		}
		env = make(map[string]any, len(p.names))
		m.envs[p] = env
	}
	for i, name := range p.names {
		text := r.Text(p.columns[i])
		if len(text) > maxText {
			return nil, problem("column %s has %d bytes, more than the %d that an expression reads", convert.Quote(strings.TrimPrefix(name, "$env.")), len(text), maxText)
		}
		env[name] = text
	}
	m.vm.MemoryBudget = maxMemory
	v, err := m.vm.Run(p.code, env)
	if err != nil {
		return nil, problem("%s", worded(message(err)))
	}
	return v, nil
}

// worded says what the interpreter leaves out of the commonest failure, a text that int or float
// cannot make a number of: it gives the text without quotes, so that a blank one does not show.
func worded(message string) string {
	for name, what := range map[string]string{"int": "whole number", "float": "number"} {
		if text, ok := strings.CutPrefix(message, "invalid operation: "+name+"("); ok && strings.HasSuffix(text, ")") {
			return name + "(" + convert.Quote(strings.TrimSuffix(text, ")")) + "): no " + what
		}
	}
	return message
}

func problem(format string, args ...any) *convert.Problem {
	return &convert.Problem{Code: convert.CodeExpression, Message: fmt.Sprintf(format, args...)}
}

// Test evaluates a condition for a row.
func (p *Program) Test(m *Machine, r Row) (bool, *convert.Problem) {
	if p.test != nil {
		return p.test(r), nil
	}
	v, bad := p.run(m, r)
	if bad != nil {
		return false, bad
	}
	b, ok := v.(bool)
	if !ok {
		return false, problem("when: gave %T, not true or false", v)
	}
	return b, nil
}

// Value evaluates an expression for a row. A number that is whole has no decimal point.
func (p *Program) Value(m *Machine, r Row) (string, row.Kind, *convert.Problem) {
	v, bad := p.run(m, r)
	if bad != nil {
		return "", row.Absent, bad
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
			return "", row.Absent, problem("the result is no number (a division by zero?)")
		}
		return strconv.FormatFloat(v, 'f', -1, 64), row.Number, nil
	}
	return "", row.Absent, problem("the result is a %T, not a single value", v)
}
