package yamlnode

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// The scanner and the parser of goccy/go-yaml take time by the square of some counts. These keep the
// worst file at a few seconds.
const (
	maxTokens = 100_000
	maxBlanks = 500   // in a row
	maxEmpty  = 2_000 // lines of blanks alone
)

// checkBytes refuses what is no text before the YAML scanner sees it.
func (p *builder) checkBytes() bool {
	empty := 0
	for n := 1; n <= len(p.src.lines); n++ {
		line := p.src.line(n)
		if strings.Trim(line, " \t") == "" {
			if empty++; empty > maxEmpty {
				p.list.Errorf(p.pos(n, 1), CodeLimit, "", "more than %d empty lines", maxEmpty)
				return false
			}
		}
		column, blanks := 0, 0
		for i, r := range line {
			column++
			if blanks++; r != ' ' && r != '\t' {
				blanks = 0
			}
			if blanks > maxBlanks {
				p.list.Errorf(p.pos(n, column), CodeLimit, "", "more than %d blanks in a row", maxBlanks)
				return false
			}
			if r == utf8.RuneError {
				if _, size := utf8.DecodeRuneInString(line[i:]); size == 1 {
					p.list.Errorf(p.pos(n, column), CodeEncoding, "save the file as UTF-8",
						"the file is not UTF-8: byte 0x%02x", line[i])
					return false
				}
			}
			if r < ' ' && r != '\t' || r == 0x7f {
				p.list.Errorf(p.pos(n, column), CodeEncoding, "", "control character U+%04X in the file", r)
				return false
			}
		}
	}
	return true
}

// scan tokenizes the text and checks its nesting and size before the parser sees it: the
// parser works by recursion, also over the keys of an indented map, and takes time by the
// square of their number.
func (p *builder) scan() (token.Tokens, bool) {
	// Lines of blanks alone mean the same when they are empty, and cost the scanner the cube of
	// their length in a block.
	tokens, err := tokenize(regexp.MustCompile(`(?m)^[ \t]+$`).ReplaceAllString(p.src.text, ""))
	if err != nil {
		p.syntax(err)
		return nil, true
	}
	type keys struct{ column, count int }
	var open []keys
	flow, run, misread := 0, 0, false
	for i, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(0, flow-1)
		}
		if flow > 0 && i > 0 && i+1 < len(tokens) && p.misread(tokens[i-1], t, tokens[i+1]) {
			misread = true
		}
		switch t.Type {
		case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType:
			run++
		case token.MappingValueType, token.CommentType:
		default:
			run = 0
		}
		if flow > MaxDepth || run > 4*MaxDepth {
			p.tooDeep(p.tokenPos(t))
			return nil, true
		}
		if flow > 0 || i == 0 || t.Type != token.SequenceEntryType && t.Type != token.MappingValueType {
			continue
		}
		at := t
		if t.Type == token.MappingValueType {
			at = tokens[i-1]
		}
		for len(open) > 0 && open[len(open)-1].column > at.Position.Column {
			open = open[:len(open)-1]
		}
		if t.Type == token.SequenceEntryType {
			continue
		}
		if len(open) == 0 || open[len(open)-1].column < at.Position.Column {
			open = append(open, keys{column: at.Position.Column})
		}
		if open[len(open)-1].count++; open[len(open)-1].count > MaxKeys {
			p.full = true
			p.list.Errorf(p.tokenPos(at), CodeLimit, "put long lists of values into a CSV file", "a map has more than %d keys", MaxKeys)
			return nil, true
		}
	}
	if len(tokens) > maxTokens {
		p.full = true
		p.list.Errorf(p.tokenPos(tokens[maxTokens]), CodeLimit, "put long lists of values into a CSV file",
			"the file holds more than %d words and signs", maxTokens)
		return nil, true
	}
	return tokens, misread
}

// tokenize is the scanner with its panics made errors, as [parse] is the parser.
func tokenize(text string) (tokens token.Tokens, err error) {
	defer func() {
		if r := recover(); r != nil {
			tokens, err = nil, errors.New("the file is not valid YAML")
		}
	}()
	return lexer.Tokenize(text), nil
}

// misread reports text inside braces that holds a colon and is not quoted. To YAML a colon with no
// blank behind it is part of the text, as {User:Owner.Username: x} means it; the scanner takes what
// stands before it for a key.
func (p *builder) misread(key, colon, next *token.Token) bool {
	at, then := colon.Position, next.Position
	if colon.Type != token.MappingValueType || at.Line != then.Line || at.Column+1 != then.Column {
		return false
	}
	switch key.Type {
	case token.SingleQuoteType, token.DoubleQuoteType, token.SequenceEndType, token.MappingEndType:
		return false
	}
	switch next.Type {
	case token.CollectEntryType, token.SequenceStartType, token.SequenceEndType, token.MappingStartType, token.MappingEndType:
		return false
	}
	hint := "put a blank behind the colon, or the whole in quotes"
	if rest, _, found := strings.Cut(next.Value, ": "); found && !strings.ContainsAny(key.Value+rest, " \"'\\") {
		hint = `write "` + key.Value + ":" + rest + `": …`
	}
	p.list.Errorf(p.tokenPos(key), CodeKey, hint, "inside braces, text that holds a colon must be in quotes")
	return true
}
