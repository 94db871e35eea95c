package syntax

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"sfsync/mapping/diag"
	"sfsync/mapping/spec"
	"sfsync/mapping/transform"
	"sfsync/mapping/yamlnode"
)

// The short form is
//
//	reference = column { "|" call } .
//	column    = path | quoted .
//	path      = segment { "." segment } .          (the first begins with a letter or "_")
//	segment   = ( letter | digit | "_" | "-" ) { letter | digit | "_" | "-" } .
//	call      = name [ "(" [ argument { "," argument } ] ")" ] .
//	argument  = quoted | bare .                    (bare: anything but , ( ) | " ')
//	quoted    = `"` { character | "\" character } `"` | "'" { character | "''" } "'" .
//
// with blanks allowed between the parts.

// refs parses a column or a list of columns and expressions. It returns nil if one of them is
// wrong. alone says that the column is a whole rule, which could be a constant as well.
func (p *parser) refs(n *yamlnode.Node, alone bool) []Ref {
	if n == nil {
		return nil
	}
	items := n.Items
	if n.Kind != yamlnode.Seq {
		items = []*yamlnode.Node{n}
	}
	out, ok := make([]Ref, 0, len(items)), true
	for _, item := range items {
		r, good := p.ref(item, alone)
		ok = ok && good
		out = append(out, r)
	}
	if !ok {
		return nil
	}
	return out
}

// refParser reads one reference; off is a byte offset in text.
type refParser struct {
	p     *parser
	node  *yamlnode.Node
	text  string
	off   int
	alone bool
}

func (p *parser) ref(n *yamlnode.Node, alone bool) (Ref, bool) {
	if n.Kind == yamlnode.Map {
		o, _ := p.object(n, spec.AtItem)
		expr := o.optional("expr")
		return Ref{Pos: n.Pos, Expr: expr}, expr != nil
	}
	if n.IsNull() {
		if !n.Broken {
			p.list.Errorf(n.Pos, codeColumn, `for a column of that name write '"null"'`, "no column is named")
		}
		return Ref{Pos: n.Pos}, false
	}
	r := &refParser{p: p, node: n, text: n.Text, alone: alone}
	r.space()
	ref := Ref{Pos: n.At(r.off)}
	name, ok := r.column()
	if !ok {
		return ref, false
	}
	ref.Name = name
	for r.space(); r.peek() == '|'; r.space() {
		if len(ref.Transforms) == spec.MaxSources {
			r.errorf(r.off, codeLimit, "", "column %q has more than %d transforms", diag.Cut(name), spec.MaxSources)
			return ref, false
		}
		r.off++
		call, good := r.call()
		if call.Name == "" {
			return ref, false // it is not clear where the next step begins
		}
		ok = ok && good
		ref.Transforms = append(ref.Transforms, call)
	}
	if r.off < len(r.text) {
		r.errorf(r.off, codeSyntax, `separate the steps by "|": column | trim | lower`, "unexpected %s", quoteRest(r.text[r.off:]))
		return ref, false
	}
	return ref, ok
}

func quoteRest(s string) string { return strconv.Quote(diag.Cut(s)) }

func (r *refParser) errorf(off int, code, hint, format string, args ...any) {
	r.p.list.Errorf(r.node.At(off), code, hint, format, args...)
}

// peek returns the byte under the cursor, 0 at the end.
func (r *refParser) peek() byte {
	if r.off < len(r.text) {
		return r.text[r.off]
	}
	return 0
}

func (r *refParser) space() {
	for r.off < len(r.text) {
		c, size := utf8.DecodeRuneInString(r.text[r.off:])
		if !unicode.IsSpace(c) {
			return
		}
		r.off += size
	}
}

// column reads the column or path that a reference begins with.
func (r *refParser) column() (string, bool) {
	start := r.off
	if c := r.peek(); c == '"' || c == '\'' {
		name, ok := r.quoted()
		if ok && strings.TrimSpace(name) == "" {
			r.errorf(start, codeColumn, "a column without a header is called column_1, column_2, …", "the column's name is blank")
			ok = false
		}
		return name, ok
	}
	end := len(r.text)
	if i := strings.IndexByte(r.text[start:], '|'); i >= 0 {
		end = start + i
	}
	name := strings.TrimRightFunc(r.text[start:end], unicode.IsSpace)
	r.off = start + len(name)
	if name == "" {
		r.errorf(start, codeColumn, "begin with a column: email | trim", "no column is named")
		return "", false
	}
	if bad := badPath(name); bad >= 0 {
		r.errorf(start+bad, codeColumn, r.columnHint(name, r.text[end:]), "%q must be quoted to be a column's name", diag.Cut(name))
		return "", false
	}
	return name, true
}

// columnHint guesses what was meant by a text that is no plain column.
func (r *refParser) columnHint(name, rest string) string {
	if i := strings.IndexByte(name, '('); i > 0 && strings.HasSuffix(name, ")") {
		if _, ok := r.p.steps[name[:i]]; ok {
			inner, _, _ := strings.Cut(name[i+1:len(name)-1], ",")
			return "transforms stand behind the column: " + strings.TrimSpace(inner) + " | " + name[:i]
		}
		return "for an expression write {expr: …}"
	}
	if strings.ContainsAny(name, "+*/=<>!?&") && strings.ContainsFunc(name, unicode.IsSpace) {
		return "for an expression write {expr: …}"
	}
	whole := strconv.Quote(name)
	if rest != "" {
		whole += " " + strings.TrimSpace(rest)
	}
	hint := "write '" + strings.ReplaceAll(whole, "'", "''") + "'"
	if rest == "" && r.alone {
		if strings.ContainsAny(name, "`[]{},:#&*!|>'\"%@?") {
			name = strconv.Quote(name)
		}
		hint += ", or for a constant {value: " + name + "}"
	}
	return hint
}

// badPath returns where text stops being a path that needs no quotes, or -1.
func badPath(s string) int {
	first := true // of a segment
	for i, c := range s {
		switch {
		case c == '.':
			if first {
				return i
			}
			first = true
			continue
		case i == 0 && !unicode.IsLetter(c) && c != '_':
			return i
		case !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.IsMark(c) && c != '_' && c != '-':
			return i
		}
		first = false
	}
	if first {
		return max(0, len(s)-1)
	}
	return -1
}

// quoted reads a text in quotes.
func (r *refParser) quoted() (string, bool) {
	start, quote := r.off, r.peek()
	var b strings.Builder
	for r.off++; r.off < len(r.text); r.off++ {
		c := r.text[r.off]
		switch {
		case c == quote && quote == '\'' && strings.HasPrefix(r.text[r.off+1:], "'"):
			r.off++
			b.WriteByte('\'')
		case c == quote:
			r.off++
			return b.String(), true
		case c == '\\' && quote == '"':
			if !r.escape(&b) {
				return "", false
			}
		default:
			b.WriteByte(c)
		}
	}
	r.errorf(start, codeSyntax, "close the quotes", "the quoted text does not end")
	return "", false
}

// escape reads the character behind a backslash and leaves the cursor on it.
func (r *refParser) escape(b *strings.Builder) bool {
	if r.off+1 < len(r.text) {
		switch c := r.text[r.off+1]; c {
		case '"', '\\', '\'':
			b.WriteByte(c)
			r.off++
			return true
		case 't':
			b.WriteByte('\t')
			r.off++
			return true
		case 'n':
			b.WriteByte('\n')
			r.off++
			return true
		}
	}
	r.errorf(r.off, codeSyntax, `write \\ for a backslash`, `a backslash must be followed by ", \, t or n`)
	return false
}

// call reads one transform. A call without a name could not be read at all.
func (r *refParser) call() (Call, bool) {
	r.space()
	start := r.off
	for r.off < len(r.text) {
		c, size := utf8.DecodeRuneInString(r.text[r.off:])
		if c != '_' && c != '-' && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			break
		}
		r.off += size
	}
	call := Call{Name: r.text[start:r.off], Pos: r.node.At(start)}
	if call.Name == "" {
		if r.off < len(r.text) && r.text[r.off] != '|' {
			r.errorf(start, codeSyntax, "transforms are "+strings.Join(r.p.stepNames(), " "), "expected a transform, got %s", quoteRest(r.text[r.off:]))
		} else {
			r.errorf(start, codeSyntax, `remove the "|" or name a transform`, `a transform is missing after "|"`)
		}
		return call, false
	}
	var offs []int
	if r.space(); r.peek() == '(' {
		var ok bool
		if offs, ok = r.args(&call); !ok {
			call.Name = ""
			return call, false
		}
	}
	return call, r.checkCall(call, start, offs)
}

// args reads arguments in parentheses and returns where each begins.
func (r *refParser) args(call *Call) ([]int, bool) {
	open := r.off
	r.off++
	var offs []int
	if r.space(); r.peek() == ')' {
		r.off++
		return nil, true
	}
	for {
		r.space()
		start := r.off
		var value string
		if c := r.peek(); c == '"' || c == '\'' {
			v, ok := r.quoted()
			if !ok {
				return nil, false
			}
			value = v
		} else {
			for r.off < len(r.text) && !strings.ContainsRune(`,()|"'`, rune(r.text[r.off])) {
				r.off++
			}
			value = strings.TrimRightFunc(r.text[start:r.off], unicode.IsSpace)
			if value == "" && r.off < len(r.text) && r.text[r.off] != '|' {
				r.errorf(start, codeSyntax, `put text with commas, parentheses or quotes in quotes: replace("(", "")`, "an argument of %s is missing before %q", call.Name, r.text[r.off])
				return nil, false
			}
		}
		offs = append(offs, start)
		call.Args = append(call.Args, Str{Value: value, Pos: r.node.At(start)})
		r.space()
		switch r.peek() {
		case ',':
			r.off++
		case ')':
			r.off++
			return offs, true
		case 0, '|':
			hint := "close the parenthesis"
			if r.node.Style == yamlnode.Plain {
				hint += "; inside braces and brackets a comma ends the value, unless the whole rule is in quotes"
			}
			r.errorf(open, codeSyntax, hint, "the arguments of %s do not end", call.Name)
			return nil, false
		default:
			r.errorf(r.off, codeSyntax, `put text with commas, parentheses or quotes in quotes: replace("(", "")`,
				"expected a comma or a closing parenthesis, got %s", quoteRest(r.text[r.off:]))
			return nil, false
		}
	}
}

// checkCall checks a transform's name and arguments.
func (r *refParser) checkCall(call Call, start int, offs []int) bool {
	step, ok := r.p.steps[call.Name]
	if !ok {
		hint := r.p.list.DidYouMean(call.Name, r.p.stepNames())
		if hint == "" {
			hint = "transforms are " + strings.Join(r.p.stepNames(), " ")
		}
		r.errorf(start, codeTransform, hint, "unknown transform %q", diag.Cut(call.Name))
		return false
	}
	if least, most := step.Count(); len(call.Args) < least || most >= 0 && len(call.Args) > most {
		r.errorf(start, codeArgs, "write "+step.Signature(), "%s takes %s, not %d", call.Name, step.Arity(), len(call.Args))
		return false
	}
	for i, a := range call.Args {
		if step.Arg(i).Kind == spec.ArgCount {
			if n, err := strconv.Atoi(a.Value); err != nil || n < 1 || n > 1_000_000 {
				r.errorf(offs[i], codeArgs, "", "%s needs a number from 1 to 1000000 for %s, not %q", call.Name, step.Arg(i).Name, diag.Cut(a.Value))
				return false
			}
		}
	}
	args := make([]string, len(call.Args))
	for i, a := range call.Args {
		args[i] = a.Value
	}
	if _, err := transform.Compile(call.Name, args); err != nil {
		at := start
		if bad := (*transform.ArgError)(nil); errors.As(err, &bad) && bad.Arg >= 0 && bad.Arg < len(offs) {
			at = offs[bad.Arg]
		}
		r.errorf(at, codeArgs, "", "%s", err)
		return false
	}
	return true
}

// stepNames are the transforms available, in the order of the reference.
func (p *parser) stepNames() []string {
	var out []string
	for _, t := range spec.Transforms() {
		out = append(out, t.Name)
	}
	return slices.Clip(out)
}
