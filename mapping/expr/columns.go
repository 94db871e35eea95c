package expr

import (
	"fmt"
	"regexp/syntax"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
)

// columnFinder replaces what names a column (email, traits.address.city, $env["odd name"]) by
// one identifier with the column's name, and gathers the names.
type columnFinder struct {
	config *conf.Config
	names  []string
	vars   []string // their variables
	places []int    // of the first mention of each, in characters
	seen   map[string]bool
	sums   int
	err    *file.Error
}

func (f *columnFinder) fail(n ast.Node, format string, args ...any) {
	if f.err == nil {
		f.err = &file.Error{Location: n.Location(), Message: fmt.Sprintf(format, args...)}
	}
}

// column puts an identifier in the place of a node.
func (f *columnFinder) column(n *ast.Node, name string, at file.Location) {
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	if !f.seen[name] {
		f.seen[name] = true
		f.names = append(f.names, name)
		f.vars = append(f.vars, f.variable(name))
		f.places = append(f.places, at.From)
	}
	id := &ast.IdentifierNode{Value: f.variable(name)}
	id.SetLocation(at)
	*n = id
}

// variable returns the variable of a column: its name, unless a function has the same.
func (f *columnFinder) variable(name string) string {
	if f.config.Functions[name] != nil || f.config.Builtins[name] != nil || f.config.Disabled[name] {
		return "$env." + name
	}
	return name
}

// path returns the column that a chain of members names, and where it begins.
func path(n ast.Node) (name string, at file.Location, ok bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value, n.Location(), true
	case *ast.MemberNode:
		prop, isText := n.Property.(*ast.StringNode)
		if !isText || n.Method {
			return "", at, false
		}
		base, at, ok := path(n.Node)
		if !ok {
			return "", at, false
		}
		if base == "$env" {
			return prop.Value, at, true
		}
		return base + "." + prop.Value, at, true
	}
	return "", at, false
}

// walk visits a tree.
func (f *columnFinder) walk(n *ast.Node) {
	if *n == nil || f.err != nil {
		return
	}
	if name, at, ok := path(*n); ok {
		if name == "$env" {
			f.fail(*n, `$env is only for names: $env["odd name"]`)
			return
		}
		f.column(n, name, at)
		return
	}
	switch n := (*n).(type) {
	case *ast.UnaryNode:
		f.walk(&n.Node)
	case *ast.BinaryNode:
		f.operator(n)
		f.walk(&n.Left)
		f.walk(&n.Right)
	case *ast.ChainNode:
		f.walk(&n.Node)
	case *ast.MemberNode:
		f.walk(&n.Node)
		f.walk(&n.Property)
	case *ast.SliceNode:
		f.walk(&n.Node)
		f.walk(&n.From)
		f.walk(&n.To)
	case *ast.CallNode:
		callee, ok := n.Callee.(*ast.IdentifierNode)
		if !ok {
			f.fail(n, "columns have no methods: write function(column)")
			return
		}
		f.function(n, callee.Value)
		f.all(n.Arguments)
	case *ast.BuiltinNode:
		f.function(n, n.Name)
		f.all(n.Arguments)
	case *ast.ConditionalNode:
		f.walk(&n.Cond)
		f.walk(&n.Exp1)
		f.walk(&n.Exp2)
	case *ast.ArrayNode:
		f.all(n.Nodes)
	case *ast.VariableDeclaratorNode:
		f.fail(n, "let is not available in a mapping")
	case *ast.SequenceNode, *ast.MapNode, *ast.PairNode, *ast.PredicateNode, *ast.PointerNode, *ast.BytesNode:
		f.fail(n, "only single values can be made in a mapping, without maps, predicates and sequences")
	}
}

// operator reports an operator that could hold a row up or eat its memory.
func (f *columnFinder) operator(n *ast.BinaryNode) {
	switch n.Operator {
	case "..":
		f.fail(n, "ranges are not available in a mapping")
	case "+":
		if f.sums++; f.sums > maxSums {
			f.fail(n, "an expression has at most %d additions", maxSums)
		}
	case "matches":
		pattern, ok := n.Right.(*ast.StringNode)
		if !ok {
			f.fail(n, "the pattern of matches has to be written out in quotes: what a row holds is no pattern")
			return
		}
		if why := badPattern(pattern.Value); why != "" {
			f.fail(n, "%s", why)
		}
	}
}

// badPattern says what is wrong with a regular expression, "" for nothing. A text is matched in time
// that grows with its length times the pattern's.
func badPattern(text string) string {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return err.Error()
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return err.Error()
	}
	if len(prog.Inst) > maxPattern {
		return "the pattern is too large: counted repetitions such as {1000} make it so"
	}
	return ""
}

// function reports a function that a mapping does not have.
func (f *columnFinder) function(n ast.Node, name string) {
	switch {
	case f.config.Functions[name] != nil || f.config.Builtins[name] != nil:
	case name == "now" || name == "date":
		f.fail(n, "%s is not available: a row must always map to the same record", name)
	case f.config.Disabled[name]:
		f.fail(n, "%s is not available in a mapping", name)
	default:
		f.fail(n, "unknown name %s", name)
	}
}

func (f *columnFinder) all(nodes []ast.Node) {
	for i := range nodes {
		f.walk(&nodes[i])
	}
}
