// Package jsonnode reads JSON, with comments as people write them into it, to the tree of package
// yamlnode, so that every value has its place.
package jsonnode

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/mapping/diag"
	"sfsync/mapping/yamlnode"
)

// CodeSyntax is the code of this package's diagnostics.
const CodeSyntax = "json-syntax"

// Parse reads one JSON value within the bounds of package yamlnode for depth and number of values.
// What is wrong is added to list; it returns nil then. The places inside a text that has escapes
// are not known: [yamlnode.Node.At] gives where it begins.
func Parse(path string, text []byte, list *diag.List) *yamlnode.Node {
	text = blankComments(bytes.TrimPrefix(text, []byte("\ufeff")))
	p := &reader{path: path, text: text, line: 1, column: 1, dec: jsontext.NewDecoder(bytes.NewReader(text))}
	n, err := p.value(1)
	if err == nil {
		switch _, more := p.dec.ReadToken(); {
		case more == nil:
			err = errors.New("text after the end of the value")
		case !errors.Is(more, io.EOF):
			err = more
		}
	}
	if err == nil {
		return n
	}
	at, message := p.dec.InputOffset(), err.Error()
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		at, message = syntax.ByteOffset, syntax.Err.Error()
	}
	list.Errorf(p.pos(at), CodeSyntax, "", "not valid JSON: %s", message)
	return nil
}

type reader struct {
	path  string
	text  []byte
	dec   *jsontext.Decoder
	nodes int
	// The place of the last value: places are asked for in order, so that each costs what stands
	// between it and the one before.
	off, line, column int
}

// pos returns the place of a byte, which is not in front of the last one asked for.
func (p *reader) pos(offset int64) diag.Pos {
	for at := min(int(offset), len(p.text)); p.off < at; p.off++ {
		switch {
		case p.text[p.off] == '\n':
			p.line, p.column = p.line+1, 1
		case utf8.RuneStart(p.text[p.off]):
			p.column++
		}
	}
	return diag.Pos{File: p.path, Line: p.line, Column: p.column}
}

// value reads a value.
func (p *reader) value(depth int) (*yamlnode.Node, error) {
	p.nodes++
	switch {
	case depth > yamlnode.MaxDepth:
		return nil, errors.New("nested too deeply")
	case p.nodes > yamlnode.MaxNodes:
		return nil, errors.New("too many values")
	}
	t, err := p.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &yamlnode.Node{Pos: p.start(p.dec.InputOffset(), t)}
	switch t.Kind() {
	case '{':
		n.Kind = yamlnode.Map
		for p.dec.PeekKind() != '}' {
			key, err := p.value(depth + 1)
			if err != nil {
				return nil, err
			}
			value, err := p.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.Pairs = append(n.Pairs, yamlnode.Pair{Key: key, Value: value})
		}
		_, err = p.dec.ReadToken()
	case '[':
		n.Kind = yamlnode.Seq
		for p.dec.PeekKind() != ']' {
			item, err := p.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.Items = append(n.Items, item)
		}
		_, err = p.dec.ReadToken()
	case 'n':
		n.Kind = yamlnode.Null
	case '"':
		n.Kind, n.Style, n.Text = yamlnode.Scalar, yamlnode.DoubleQuoted, t.String()
	default:
		n.Kind, n.Text = yamlnode.Scalar, t.String()
	}
	return n, err
}

// start returns where a token began that ends at an offset.
func (p *reader) start(end int64, t jsontext.Token) diag.Pos {
	if t.Kind() != '"' {
		return p.pos(end - int64(len(t.String())))
	}
	i := end - 2
	for i > 0 && (p.text[i] != '"' || backslashes(p.text[:i])%2 == 1) {
		i--
	}
	return p.pos(i)
}

func backslashes(text []byte) int { return len(text) - len(bytes.TrimRight(text, `\`)) }

// blankComments puts blanks in the place of // and /* */ comments, so that every place stays.
func blankComments(text []byte) []byte {
	out := bytes.Clone(text)
	for i := 0; i < len(out); i++ {
		switch {
		case out[i] == '"':
			for i++; i < len(out) && out[i] != '"'; i++ {
				if out[i] == '\\' {
					i++
				}
			}
		case bytes.HasPrefix(out[i:], []byte("//")):
			for ; i < len(out) && out[i] != '\n'; i++ {
				out[i] = ' '
			}
		case bytes.HasPrefix(out[i:], []byte("/*")):
			end := bytes.Index(out[i+2:], []byte("*/"))
			if end < 0 {
				return out
			}
			for last := i + 2 + end + 2; i < last; i++ {
				if out[i] != '\n' {
					out[i] = ' '
				}
			}
			i--
		}
	}
	return out
}
