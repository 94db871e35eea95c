package yamlnode_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/diag"
	"sfsync/mapping/yamlnode"
)

// dump writes a tree on one line: scalars as line:column'text', maps and lists in brackets.
func dump(n *yamlnode.Node) string {
	var b strings.Builder
	at := func() { fmt.Fprintf(&b, "%d:%d", n.Pos.Line, n.Pos.Column) }
	switch n.Kind {
	case yamlnode.Null:
		at()
		b.WriteString("-")
	case yamlnode.Scalar:
		at()
		fmt.Fprintf(&b, "%q", n.Text)
	case yamlnode.Seq:
		at()
		b.WriteString("[")
		for i, item := range n.Items {
			if i > 0 {
				b.WriteString(" ")
			}
			b.WriteString(dump(item))
		}
		b.WriteString("]")
	case yamlnode.Map:
		at()
		b.WriteString("{")
		for i, p := range n.Pairs {
			if i > 0 {
				b.WriteString(" ")
			}
			b.WriteString(dump(p.Key) + "=" + dump(p.Value))
		}
		b.WriteString("}")
	}
	return b.String()
}

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{
			"scalars keep their text", "a: no\nb: 01\nc: 1e3\nd: 2020-01-01\ne: ~\nf: 1_000\ng: 0x1F\nh: .inf\ni: True\nj: NULL",
			`1:1{1:1"a"=1:4"no" 2:1"b"=2:4"01" 3:1"c"=3:4"1e3" 4:1"d"=4:4"2020-01-01" 5:1"e"=5:4"~" 6:1"f"=6:4"1_000" 7:1"g"=7:4"0x1F" 8:1"h"=8:4".inf" 9:1"i"=9:4"True" 10:1"j"=10:4"NULL"}`,
		},
		{"nothing written", "a:\nb: ''\nc: [x, ]", `1:1{1:1"a"=1:1- 2:1"b"=2:4"" 3:1"c"=3:4[3:5"x"]}`},
		{"quotes", `a: 'it''s'` + "\n" + `b: "a\tb\u00fc"` + "\n" + `"k": v`, `1:1{1:1"a"=1:4"it's" 2:1"b"=2:4"a\tbü" 3:1"k"=3:6"v"}`},
		{"blocks", "a: |\n  one\n   two\nb: >-\n  x\n  y\n", `1:1{1:1"a"=1:4"one\n two\n" 4:1"b"=4:4"x y"}`},
		{"plain over lines", "a: one\n  two\nb: c", `1:1{1:1"a"=1:4"one two" 3:1"b"=3:4"c"}`},
		{"columns in characters", "ü: {é: ö, ä: ß}", `1:1{1:1"ü"=1:4{1:5"é"=1:8"ö" 1:11"ä"=1:14"ß"}}`},
		{"lists", "- a\n- - b\n  - c\n-\n-\n  k: v\n", `1:1[1:3"a" 2:3[2:5"b" 3:5"c"] 4:1- 6:3{6:3"k"=6:6"v"}]`},
		{"comments", "# c\na: x # d\nb: x#e\n", `2:1{2:1"a"=2:4"x" 3:1"b"=3:4"x#e"}`},
		{"CRLF and CR", "a: 1\r\nb: 'x'\rc:\r\n  - y\r\n", `1:1{1:1"a"=1:4"1" 2:1"b"=2:4"x" 3:1"c"=4:3[4:5"y"]}`},
		{"byte order mark", "\ufeffa: 1", `1:1{1:1"a"=1:4"1"}`},
		{"document marks", "%YAML 1.2\n---\na: 1\n...\n", `3:1{3:1"a"=3:4"1"}`},
		{"aliases", "x: &a {p: 1}\ny: *a\n", `1:1{1:1"x"=1:7{1:8"p"=1:11"1"} 2:1"y"=1:7{1:8"p"=1:11"1"}}`},
		{
			"merge", "x: &a {p: 1, q: 2}\ny: &b {q: 3, r: 4}\nz:\n  <<: [*a, *b]\n  p: 9\n",
			`1:1{1:1"x"=1:7{1:8"p"=1:11"1" 1:14"q"=1:17"2"} 2:1"y"=2:7{2:8"q"=2:11"3" 2:14"r"=2:17"4"} 3:1"z"=4:3{1:14"q"=1:17"2" 2:14"r"=2:17"4" 5:3"p"=5:6"9"}}`,
		},
		{"one value", "text", `1:1"text"`},
		{
			"colons inside braces", "{\"a:b\": c, 'd':e, f: g:h, o: http://p, q:, r : s,\n t:\n  u}",
			`1:1{1:2"a:b"=1:9"c" 1:12"d"=1:16"e" 1:19"f"=1:22"g:h" 1:27"o"=1:30"http://p" 1:40"q"=1:40- 1:44"r"=1:48"s" 2:2"t"=3:3"u"}`,
		},
		{"colons inside brackets", "[j:k, l:m: n]", `1:1[1:2"j:k" 1:7{1:7"l:m"=1:12"n"}]`},
		{"colons in a block", "a:b: c\nd:e:f: g:h\n", `1:1{1:1"a:b"=1:6"c" 2:1"d:e:f"=2:8"g:h"}`},
		{"keys of any look", "1: a\ntrue: b\nnull: c\n? d\n: e", `1:1{1:1"1"=1:4"a" 2:1"true"=2:7"b" 3:1"null"=3:7"c" 4:3"d"=5:3"e"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var list diag.List
			n := yamlnode.Parse("f.yaml", []byte(tt.in), &list)
			if err := list.Err(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, dump(n)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 10), ","))
	}
	tests := []struct {
		name, in string
		want     []string // the beginnings of the diagnostics
	}{
		{"key twice", "a: 1\nb: 2\na: 3\nb: 4", []string{"f.yaml:3:1: key \"a\" is already set on line 1 [key-duplicate]", "f.yaml:4:1: key \"b\" is already set on line 2"}},
		{"key twice in flow", "{a: 1, a: 2}", []string{"f.yaml:1:8: key \"a\""}},
		{"colon in a key in flow", "a: {User:Owner.Username: x, b: c, d:e: f}", []string{
			"f.yaml:1:5: inside braces, text that holds a colon must be in quotes [yaml-key] → write \"User:Owner.Username\": …",
			"f.yaml:1:35: inside braces, text that holds a colon must be in quotes [yaml-key] → write \"d:e\": …",
		}},
		{"no blank behind a colon in flow", "{a:b}", []string{"f.yaml:1:2: inside braces, text that holds a colon must be in quotes [yaml-key] → put a blank behind the colon, or the whole in quotes"}},
		{"a list inside braces", "{a: [b:c]}", []string{"f.yaml:1:6: inside braces, text that holds a colon must be in quotes [yaml-key]"}},
		{"unclosed list", "a: [1, 2", []string{"f.yaml:1:4: not valid YAML: sequence end token ']' not found [yaml-syntax] → close the bracket"}},
		{"unclosed quote", "a: 1\nb: 'x", []string{"f.yaml:2:4: not valid YAML: could not find end character"}},
		{"tab", "a:\n\tb: 1", []string{"f.yaml:2:1: not valid YAML: found character '\t' that cannot start any token [yaml-syntax] → indent with spaces, not with tabs"}},
		{"text after quotes", `a: "x y" | trim`, []string{"f.yaml:1:10: not valid YAML: text after the closing quote [yaml-syntax] → quote the whole value"}},
		{"colon in plain text", "a: b: c", []string{"f.yaml:1:4: not valid YAML: mapping value is not allowed in this context [yaml-syntax] → put a value"}},
		{"reserved", "a: @x", []string{"f.yaml:1:4: not valid YAML: '@' is a reserved character [yaml-syntax] → put the value in quotes"}},
		{"indentation", "a:\n  b: 1\n c: 2", []string{"f.yaml:3:2: not valid YAML: value is not allowed in this context [yaml-syntax] → check the indentation"}},
		{"two documents", "a: 1\n---\nb: 2\n", []string{"f.yaml:3:1: a second YAML document begins here [yaml-documents]"}},
		{"tags", "a: !foo bar\nb: !!int 5\nc: !!binary x\nd: !!str 5", []string{"f.yaml:1:4: tag !foo has no meaning here [yaml-tag]", "f.yaml:2:4: tag !!int", "f.yaml:3:4: tag !!binary", "f.yaml:4:4: tag !!str has no meaning here [yaml-tag] → leave the tag out"}},
		{"unknown alias", "anchor: &anchor 1\na: *ancor", []string{"f.yaml:2:4: no anchor &ancor before this alias [yaml-alias] → did you mean anchor?"}},
		{"star", "a: *", []string{"f.yaml:1:4: "}},
		{"recursive alias", "a: &a [*a]", []string{"f.yaml:1:8: alias *a is inside the value that it stands for [yaml-alias]"}},
		{"a list as a key", "? [a, b]\n: c", []string{"f.yaml:"}},
		{"a map as a key", "{{a: b}: c}", []string{"f.yaml:1:8: not valid YAML: found an invalid key for this map"}},
		{"merging a text", "a: &a x\nb:\n  <<: *a\n", []string{"f.yaml:3:3: << merges maps, not a single value [yaml-key]"}},
		{"not UTF-8", "a: b\nb: \xe9", []string{"f.yaml:2:4: the file is not UTF-8: byte 0xe9 [yaml-encoding] → save the file as UTF-8"}},
		{"control character", "ä: \x00", []string{"f.yaml:1:4: control character U+0000 in the file [yaml-encoding]"}},
		{"bomb", bomb, []string{"f.yaml:"}},
		{"deep flow", strings.Repeat("[", 100_000), []string{"f.yaml:1:65: the file is nested more than 64 levels deep [yaml-limit]"}},
		{"deep flow maps", strings.Repeat("{a: ", 100_000), []string{"f.yaml:1:257: the file is nested more than 64"}},
		{"deep dashes", strings.Repeat("- ", 100_000) + "a", []string{"f.yaml:1:513: the file is nested"}},
		{"deep keys", strings.Repeat("? ", 100_000) + "a", []string{"f.yaml:1:513: the file is nested"}},
		{"deep indentation", deepIndent(70), []string{"f.yaml:65:65: the file is nested"}},
		{"deep by aliases", deepAlias(10), []string{"f.yaml:"}},
		{"many values", "[" + strings.Repeat("a,", 100_001) + "]", []string{"f.yaml:1:100001: the file holds more than 100000 words and signs [yaml-limit] → put long"}},
		{"many keys", "x:\n  - a: 1\n" + strings.Repeat("    b: 1\n", 5_000), []string{"f.yaml:5002:5: a map has more than 5000 keys [yaml-limit] → put long lists of values into a CSV file"}},
		{"blanks", "a: |\n" + strings.Repeat(" ", 501), []string{"f.yaml:2:501: more than 500 blanks in a row [yaml-limit]"}},
		{"empty lines", "a: |\n" + strings.Repeat(" \n", 2001), []string{"f.yaml:2002:1: more than 2000 empty lines [yaml-limit]"}},
		{"large", strings.Repeat("#", yamlnode.MaxBytes+1), []string{"f.yaml:1:1: the file has 1048577 bytes, more than the 1048576 allowed [yaml-limit]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var list diag.List
			yamlnode.Parse("f.yaml", []byte(tt.in), &list)
			got := list.All()
			if len(got) != len(tt.want) {
				t.Fatalf("got %d diagnostics, want %d:\n%v", len(got), len(tt.want), got)
			}
			for i, d := range got {
				if !strings.HasPrefix(d.String(), tt.want[i]) {
					t.Errorf("got  %s\nwant %s…", d, tt.want[i])
				}
			}
		})
	}
}

func deepIndent(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func deepAlias(n int) string {
	s := "a0: &a0 x\n"
	for i := 1; i <= n; i++ {
		s += fmt.Sprintf("a%d: &a%d [[[[[[[[*a%d]]]]]]]]\n", i, i, i-1)
	}
	return s
}

func TestParseEmpty(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "\n", "# only a comment\n", "---\n", "\ufeff"} {
		var list diag.List
		n := yamlnode.Parse("f.yaml", []byte(in), &list)
		if list.Failed() {
			t.Errorf("%q: %v", in, list.Err())
		}
		if n != nil && n.Kind != yamlnode.Null {
			t.Errorf("%q: got %s", in, dump(n))
		}
	}
}

// TestAt looks for the place of the letter X, which stands once in the file and once in
// the value of key a.
func TestAt(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"a: abcX",
		"a: é | X",
		"a: abc\n  def\n\n  gX",
		"a: 'it''s X'",
		`a: "q\"\t\u00fc\x41 X"`,
		"a: \"q\\\n   w\n\n   X\"",
		"a: |\n  one\n    two\n  \n  three X\n",
		"a: |2\n    one\n  X\n",
		"a: >\n  one\n  two\n\n   more\n  X\n",
		"b:\n  - c\n  - {a: [X]}\nd: 'é'",
		"a: >-\n  é\n  X | y\n",
	} {
		var list diag.List
		n := yamlnode.Parse("f.yaml", []byte(in), &list)
		if err := list.Err(); err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		value := find(n)
		if value == nil {
			t.Errorf("%q: no X in %s", in, dump(n))
			continue
		}
		line := strings.Count(in[:strings.Index(in, "X")], "\n") + 1
		column := utf8.RuneCountInString(strings.Split(in, "\n")[line-1][:strings.Index(strings.Split(in, "\n")[line-1], "X")]) + 1
		got := value.At(strings.Index(value.Text, "X"))
		if want := (diag.Pos{File: "f.yaml", Line: line, Column: column}); got != want {
			t.Errorf("%q: got %v, want %v", in, got, want)
		}
	}
}

func find(n *yamlnode.Node) *yamlnode.Node {
	if strings.Contains(n.Text, "X") {
		return n
	}
	for _, item := range n.Items {
		if f := find(item); f != nil {
			return f
		}
	}
	for _, p := range n.Pairs {
		if f := find(p.Value); f != nil {
			return f
		}
	}
	return nil
}

func TestNode(t *testing.T) {
	t.Parallel()
	var list diag.List
	n := yamlnode.Parse("f", []byte("a: ~\nb: '~'\nc:\nd: null\ne: x\nf: []"), &list)
	for _, p := range n.Pairs {
		if got, want := p.Value.IsNull(), strings.Contains("acd", p.Key.Text); got != want {
			t.Errorf("%s: IsNull is %v", p.Key.Text, got)
		}
	}
	if got := n.Get("e"); got == nil || got.Text != "x" {
		t.Errorf("Get(e) = %v", got)
	}
	if got := n.Get("E"); got != nil {
		t.Errorf("Get(E) = %v", got)
	}
}

// FuzzParse holds that no input makes Parse panic or hang, that every place lies in the
// file, and that every byte of a value has a place.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "a: 1", "a: [1, {b: c}]", "a: |\n  x\n y", "a: >-\n  x\n\n  y", "a: \"\\x41\\\n  b\"", "x: &a {p: 1}\ny:\n  <<: *a\n", "a: 'it''s'",
		"? a\n: b", "- - a\n  - b", "%YAML 1.2\n---\na", "a: !!str b", "\ufeffa: b", "a: b\r\nc: d\r", "{a, b: c}", "{a:b, c:d: e, f: [g:h]}", "a: &a [*a]", "a: !!str b", "a: # c\n  b", "*x : y", "&k a: b", "- ? a\n", "!t", "|\n a", "a: |+\n\n\n", "--- |\n a\n...\n",
		"a: \u0085b\u2028c\ufeffd\u2029: e\n", "a: 'b\u0085\n\n c''\n  d'\n", "a: \"\\N\\_\\L\\P\\e\\0\\x7f\\u212a\\U0001F600\\\n\t b\\/\"\n", "a: >1+\n  b\n   c\n\n# d\n", "a: |2-\n   b\n  c\n",
		"a:\n- b\n-\n- - c\n  -\n-   d: e\n    f: g\n", "Null: ~\nnull: NULL\n~: a\ntrue: no\n0x1F: 1_000\n-0: .inf\n<<: {b: 1}\n'<<': c\n", "a: b #c\n#d\ne: 'f' # g: h\n", "a: {b: [c, {d: e}], 'f': \"g\", ? h : i, j}\n",
		"a: &x [1, 2]\nb: *x\nc: {<<: [{d: 1}, {d: 2, e: 3}], d: 4}\n", "a: [\n1,\n# x\n2\n]\n", "a:\tb\n", "\ta: b", "a: b\n\n\n c\n", "? [a]\n: b", "{a: b}: c", "a: b: c", "- a\nb: c", "@a", "`b`", "%a", "a: *\n", "a: &\n", "a: ! b", "'a': 'b'\n\"c\": \"d\ne\"\n", "\xff: a", "a: \x00", "---\n---\na", "...\na", "a: \"b", "a: 'b",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var list diag.List
		n := yamlnode.Parse("f", in, &list)
		lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(strings.TrimPrefix(string(in), "\ufeff"), "\r\n", "\n"), "\r", "\n"), "\n")
		check := func(p diag.Pos) {
			if p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > utf8.RuneCountInString(lines[p.Line-1])+1 {
				t.Fatalf("%v is not in the file", p)
			}
		}
		for _, d := range list.All() {
			check(d.Pos)
		}
		if n == nil {
			return
		}
		if text, ok := n.AppendJSON(nil, 1<<20); ok && !json.Valid(text) {
			t.Fatalf("%q is no JSON", text)
		}
		var walk func(n *yamlnode.Node)
		walk = func(n *yamlnode.Node) {
			check(n.Pos)
			for i := -1; i <= len(n.Text)+1; i++ {
				check(n.At(i))
			}
			for _, item := range n.Items {
				walk(item)
			}
			for _, p := range n.Pairs {
				walk(p.Key)
				walk(p.Value)
			}
		}
		walk(n)
	})
}
