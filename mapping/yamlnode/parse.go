package yamlnode

import (
	"bytes"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"sfsync/mapping/diag"
)

// The codes of this package's diagnostics.
const (
	CodeSyntax    = "yaml-syntax"
	CodeDuplicate = "key-duplicate"
	CodeLimit     = "yaml-limit"
	CodeAlias     = "yaml-alias"
	CodeTag       = "yaml-tag"
	CodeKey       = "yaml-key"
	CodeDocuments = "yaml-documents"
	CodeEncoding  = "yaml-encoding"
)

// Parse reads one YAML document. What is wrong is added to list. It returns nil if there is
// no document to work on: the file is empty (no diagnostic), too large, or not YAML.
// Otherwise the tree is whole, less the values that a diagnostic names.
//
// A byte order mark is skipped; lines may end in LF, CRLF or CR.
func Parse(path string, text []byte, list *diag.List) *Node {
	top := diag.Pos{File: path, Line: 1, Column: 1}
	if len(text) > MaxBytes {
		list.Errorf(top, CodeLimit, "", "the file has %d bytes, more than the %d allowed", len(text), MaxBytes)
		return nil
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	// A byte more or less at a line's end moves no place.
	src := newSource(strings.ReplaceAll(strings.ReplaceAll(string(text), "\r\n", "\n"), "\r", "\n"))
	p := &builder{path: path, src: src, list: list, anchors: map[string]*anchor{}}
	if !p.checkBytes() {
		return nil
	}
	doc := p.document()
	if doc == nil {
		return nil
	}
	n := p.node(doc, place{1, 1}, 1)
	if p.full {
		return nil
	}
	return n.node
}

type builder struct {
	path    string
	src     *source
	list    *diag.List
	anchors map[string]*anchor
	count   int
	full    bool // a bound was met: nothing more is built
}

// anchor is an anchored value; built is nil while it is under construction.
type anchor struct{ built *built }

// built is a node with the number of values and levels below and including it.
type built struct {
	node  *Node
	size  int
	depth int
}

func (p *builder) pos(line, column int) diag.Pos {
	line, column = p.src.clamp(line, column)
	return diag.Pos{File: p.path, Line: line, Column: column}
}

func (p *builder) tokenPos(t *token.Token) diag.Pos {
	if t == nil || t.Position == nil {
		return p.pos(1, 1)
	}
	return p.pos(t.Position.Line, t.Position.Column)
}

// document parses the text and returns the body of its one document, or nil.
func (p *builder) document() ast.Node {
	tokens, bad := p.scan()
	if bad {
		return nil
	}
	file, err := parse(tokens)
	if err != nil {
		p.syntax(err)
		return nil
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if _, directive := d.Body.(*ast.DirectiveNode); directive {
			continue
		}
		if body != nil {
			p.list.Errorf(p.start(d.Body), CodeDocuments, "keep one document in a file",
				"a second YAML document begins here")
			break
		}
		body = d.Body
	}
	return body
}

func (p *builder) tooDeep(pos diag.Pos) {
	p.full = true
	p.list.Errorf(pos, CodeLimit, "", "the file is nested more than %d levels deep", MaxDepth)
}

// start is where a node begins; a map's own token is the colon behind its first key.
func (p *builder) start(n ast.Node) diag.Pos {
	switch m := n.(type) {
	case *ast.MappingNode:
		if len(m.Values) > 0 && !m.IsFlowStyle {
			n = m.Values[0].Key
		}
	case *ast.MappingValueNode:
		n = m.Key
	}
	return p.tokenPos(tokenOf(n))
}

// parse is the parser with its panics, which odd input has been seen to cause in
// parsers of this size, made errors.
func parse(tokens token.Tokens) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			file, err = nil, errors.New("the file is not valid YAML")
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// syntax reports a parser's error at its place.
func (p *builder) syntax(err error) {
	var e interface {
		error
		GetMessage() string
		GetToken() *token.Token
	}
	if !errors.As(err, &e) {
		p.list.Errorf(p.pos(1, 1), CodeSyntax, "", "%s", firstLine(err.Error()))
		return
	}
	pos := p.tokenPos(e.GetToken())
	message, hint := p.explain(pos, firstLine(e.GetMessage()))
	p.list.Errorf(pos, CodeSyntax, hint, "not valid YAML: %s", message)
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return strings.TrimSuffix(s, ".")
}

// explain says what to do about the mistakes people make most, and puts the message right
// where it would mislead.
func (p *builder) explain(pos diag.Pos, message string) (better, hint string) {
	line := p.src.line(pos.Line)
	switch {
	case strings.HasPrefix(strings.TrimLeft(line, " "), "\t"):
		return message, "indent with spaces, not with tabs"
	case strings.Contains(message, "reserved character"), strings.Contains(message, "directive"):
		return message, "put the value in quotes"
	case regexp.MustCompile(`^[^"':]*:?\s*("[^"]*"|'[^']*')\s*[^\s,\]}#:]`).MatchString(line):
		return "text after the closing quote", `quote the whole value, with the other kind of quotes: '"a b" | trim'`
	case strings.Contains(message, "could not find end character"):
		return message, "close the quotes"
	case strings.Contains(message, "end token"), strings.Contains(message, "must be specified"):
		return message, "close the bracket"
	case strings.Count(line, ": ") > 1:
		return message, "put a value that holds a colon and a space in quotes"
	case strings.Contains(message, "not allowed in this context"):
		return message, "check the indentation of this line and of the one before"
	}
	return message, ""
}

// node builds the node for n. above is the place for a value that is not written.
func (p *builder) node(n ast.Node, above place, depth int) built {
	if p.full {
		return built{&Node{Kind: Null, Pos: p.pos(int(above.line), int(above.column)), Broken: true}, 1, 1}
	}
	if depth > MaxDepth {
		p.tooDeep(p.start(n))
		return p.node(nil, above, 1)
	}
	switch v := n.(type) {
	case *ast.AnchorNode:
		return p.anchor(v, above, depth)
	case *ast.AliasNode:
		return p.alias(v, above, depth)
	case *ast.TagNode:
		p.list.Errorf(p.tokenPos(v.GetToken()), CodeTag, "leave the tag out, or quote a value that begins with !",
			"tag %s has no meaning here", v.GetToken().Value)
		return p.node(v.Value, above, depth)
	case *ast.MappingNode:
		return p.mapping(v, v.Values, depth)
	case *ast.MappingValueNode:
		return p.mapping(v, []*ast.MappingValueNode{v}, depth)
	case *ast.SequenceNode:
		return p.sequence(v, depth)
	}
	p.add(tokenOf(n), 1)
	return built{p.scalar(n, above), 1, 1}
}

func tokenOf(n ast.Node) *token.Token {
	if n == nil {
		return nil
	}
	return n.GetToken()
}

// add counts values.
func (p *builder) add(t *token.Token, n int) {
	p.count += n
	if p.count > MaxNodes && !p.full {
		p.full = true
		p.list.Errorf(p.tokenPos(t), CodeLimit, "", "the file holds more than %d values, aliases expanded", MaxNodes)
	}
}

func (p *builder) scalar(n ast.Node, above place) *Node {
	out := &Node{Kind: Scalar, src: p.src}
	t := tokenOf(n)
	if t == nil || t.Type == token.ImplicitNullType {
		return &Node{Kind: Null, Pos: p.pos(int(above.line), int(above.column))}
	}
	out.Pos = p.tokenPos(t)
	switch v := n.(type) {
	case *ast.LiteralNode:
		out.Style = Block
		if v.Value != nil {
			out.Text = v.Value.Value
		}
		return out
	case *ast.StringNode:
		out.Text = v.Value
	case *ast.NullNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode, *ast.MergeKeyNode:
		out.Text = t.Value
	default:
		p.list.Errorf(out.Pos, CodeSyntax, "", "this YAML construct has no place here")
		return &Node{Kind: Null, Pos: out.Pos, Broken: true}
	}
	switch t.Type {
	case token.SingleQuoteType:
		out.Style = SingleQuoted
	case token.DoubleQuoteType:
		out.Style = DoubleQuoted
	}
	return out
}

func (p *builder) sequence(v *ast.SequenceNode, depth int) built {
	p.add(v.GetToken(), 1)
	out := built{&Node{Kind: Seq, Pos: p.tokenPos(v.GetToken()), Items: make([]*Node, 0, len(v.Values))}, 1, 1}
	for i, item := range v.Values {
		above := place{int32(out.node.Pos.Line), int32(out.node.Pos.Column)}
		if i < len(v.Entries) && v.Entries[i] != nil && v.Entries[i].Start != nil {
			at := p.tokenPos(v.Entries[i].Start)
			above = place{int32(at.Line), int32(at.Column)}
		}
		b := p.node(item, above, depth+1)
		if p.full {
			break
		}
		out.node.Items = append(out.node.Items, b.node)
		out.size += b.size
		out.depth = max(out.depth, b.depth+1)
	}
	return out
}

// mapping builds a map. A key named twice is an error; a merge key's entries come where the
// merge key stands, and give way to keys of the map itself.
func (p *builder) mapping(n ast.Node, values []*ast.MappingValueNode, depth int) built {
	t := n.GetToken()
	p.add(t, 1)
	out := built{&Node{Kind: Map, Pos: p.start(n), Pairs: make([]Pair, 0, len(values))}, 1, 1}
	own := make(map[string]diag.Pos, len(values))
	merges := map[int]*Node{}
	for _, mv := range values {
		if p.full {
			break
		}
		key := p.key(mv.Key)
		above := p.tokenPos(tokenOf(mv.Key))
		b := p.node(mv.Value, place{int32(above.Line), int32(above.Column)}, depth+1)
		out.size += b.size + 1
		out.depth = max(out.depth, b.depth+1)
		switch _, merge := mv.Key.(*ast.MergeKeyNode); {
		case key == nil:
		case merge:
			merges[len(out.node.Pairs)] = b.node
			out.node.Pairs = append(out.node.Pairs, Pair{key, b.node})
		default:
			if first, twice := own[key.Text]; twice {
				p.list.Errorf(key.Pos, CodeDuplicate, "keep one of them",
					"key %q is already set on line %d", key.Text, first.Line)
				continue
			}
			own[key.Text] = key.Pos
			out.node.Pairs = append(out.node.Pairs, Pair{key, b.node})
		}
	}
	if len(merges) > 0 {
		p.merge(out.node, own, merges)
	}
	return out
}

// key builds a map's key, or reports why it cannot be one.
func (p *builder) key(n ast.MapKeyNode) *Node {
	var inner ast.Node = n
	if k, ok := n.(*ast.MappingKeyNode); ok {
		inner = k.Value
	}
	p.add(tokenOf(n), 1)
	pos := p.tokenPos(tokenOf(n))
	switch inner.(type) {
	case *ast.StringNode, *ast.LiteralNode, *ast.NullNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode,
		*ast.InfinityNode, *ast.NanNode, *ast.MergeKeyNode:
		k := p.scalar(inner, place{int32(pos.Line), int32(pos.Column)})
		if k.Kind == Scalar {
			return k
		}
	}
	p.list.Errorf(pos, CodeKey, "write the key out as plain or quoted text", "a key must be a single value")
	return nil
}

// merge resolves "<<" entries as YAML 1.1 does: the map's own keys win, then earlier maps.
func (p *builder) merge(m *Node, own map[string]diag.Pos, merges map[int]*Node) {
	pairs := make([]Pair, 0, len(m.Pairs))
	for i, pair := range m.Pairs {
		from, ok := merges[i]
		if !ok {
			pairs = append(pairs, pair)
			continue
		}
		maps := []*Node{from}
		if from.Kind == Seq {
			maps = from.Items
		}
		for _, other := range maps {
			if other.Kind != Map {
				p.list.Errorf(pair.Key.Pos, CodeKey, "", "<< merges maps, not %s", other.Kind)
				continue
			}
			for _, theirs := range other.Pairs {
				if _, taken := own[theirs.Key.Text]; taken {
					continue
				}
				own[theirs.Key.Text] = theirs.Key.Pos
				pairs = append(pairs, theirs)
			}
		}
	}
	m.Pairs = pairs
}

func (p *builder) anchor(v *ast.AnchorNode, above place, depth int) built {
	name := ""
	if v.Name != nil {
		name = v.Name.GetToken().Value
	}
	a := &anchor{}
	p.anchors[name] = a
	b := p.node(v.Value, above, depth)
	a.built = &b
	return b
}

func (p *builder) alias(v *ast.AliasNode, above place, depth int) built {
	name := ""
	if v.Value != nil {
		name = v.Value.GetToken().Value
	}
	a, known := p.anchors[name]
	switch {
	case !known:
		names := slices.Sorted(maps.Keys(p.anchors))
		p.list.Errorf(p.tokenPos(v.GetToken()), CodeAlias, aliasHint(name, names), "no anchor &%s before this alias", name)
	case a.built == nil:
		p.list.Errorf(p.tokenPos(v.GetToken()), CodeAlias, "", "alias *%s is inside the value that it stands for", name)
	case depth+a.built.depth-1 > MaxDepth:
		p.tooDeep(p.tokenPos(v.GetToken()))
	default:
		p.add(v.GetToken(), a.built.size)
		return *a.built
	}
	return built{&Node{Kind: Null, Pos: p.pos(int(above.line), int(above.column)), Broken: true}, 1, 1}
}

func aliasHint(name string, anchors []string) string {
	if hint := diag.DidYouMean(name, anchors); hint != "" {
		return hint
	}
	return "a value that begins with * must be in quotes"
}
