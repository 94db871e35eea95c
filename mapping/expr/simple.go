package expr

import (
	"strings"

	"github.com/expr-lang/expr/ast"

	"sfsync/mapping/convert"
)

// Most conditions only compare columns with words. They become closures, which cost a few
// nanoseconds a row and no allocation; the interpreter costs some hundred and boxes every
// column. Both give the same answer: a test compares them on random expressions.

// compileTest turns a condition into a closure if it is made of ==, !=, in, not in, contains,
// startsWith, endsWith and blank() on columns and words, and, or, not, true and false.
func compileTest(n ast.Node, p *Program) (func(Row) bool, bool) {
	switch n := n.(type) {
	case *ast.BoolNode:
		v := n.Value
		return func(Row) bool { return v }, true
	case *ast.UnaryNode:
		if n.Operator != "!" && n.Operator != "not" {
			return nil, false
		}
		f, ok := compileTest(n.Node, p)
		if !ok {
			return nil, false
		}
		return func(r Row) bool { return !f(r) }, true
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok && callee.Value == "blank" && len(n.Arguments) == 1 {
			if t, ok := compileText(n.Arguments[0], p); ok {
				return func(r Row) bool { return convert.Blank(t.get(r)) }, true
			}
		}
	case *ast.BinaryNode:
		return compileBinary(n, p)
	}
	return nil, false
}

func compileBinary(n *ast.BinaryNode, p *Program) (func(Row) bool, bool) {
	switch n.Operator {
	case "&&", "and", "||", "or":
		a, ok1 := compileTest(n.Left, p)
		b, ok2 := compileTest(n.Right, p)
		if !ok1 || !ok2 {
			return nil, false
		}
		if n.Operator == "&&" || n.Operator == "and" {
			return func(r Row) bool { return a(r) && b(r) }, true
		}
		return func(r Row) bool { return a(r) || b(r) }, true
	case "in":
		return compileIn(n, p)
	}
	a, ok1 := compileText(n.Left, p)
	b, ok2 := compileText(n.Right, p)
	if !ok1 || !ok2 {
		return nil, false
	}
	switch n.Operator {
	case "==":
		return func(r Row) bool { return a.get(r) == b.get(r) }, true
	case "!=":
		return func(r Row) bool { return a.get(r) != b.get(r) }, true
	case "contains":
		return func(r Row) bool { return strings.Contains(a.get(r), b.get(r)) }, true
	case "startsWith":
		return func(r Row) bool { return strings.HasPrefix(a.get(r), b.get(r)) }, true
	case "endsWith":
		return func(r Row) bool { return strings.HasSuffix(a.get(r), b.get(r)) }, true
	}
	return nil, false
}

// compileIn turns "column in [words]" into a closure over a set.
func compileIn(n *ast.BinaryNode, p *Program) (func(Row) bool, bool) {
	a, ok := compileText(n.Left, p)
	list, isList := n.Right.(*ast.ArrayNode)
	if !ok || !isList {
		return nil, false
	}
	set := make(map[string]struct{}, len(list.Nodes))
	for _, e := range list.Nodes {
		s, isText := e.(*ast.StringNode)
		if !isText {
			return nil, false
		}
		set[s.Value] = struct{}{}
	}
	return func(r Row) bool { _, ok := set[a.get(r)]; return ok }, true
}

// textNode is a column of the plan, or a word if the column is negative.
type textNode struct {
	column int
	word   string
}

func (t *textNode) get(r Row) string {
	if t.column < 0 {
		return t.word
	}
	return r.Text(t.column)
}

func compileText(n ast.Node, p *Program) (*textNode, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return &textNode{-1, n.Value}, true
	case *ast.IdentifierNode:
		for i, name := range p.names {
			if name == n.Value {
				return &textNode{column: p.columns[i]}, true
			}
		}
	}
	return nil, false
}
