package jsonnode_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/diag"
	"sfsync/mapping/importer/jsonnode"
	"sfsync/mapping/yamlnode"
)

// show writes a tree with the place of each value.
func show(n *yamlnode.Node) string {
	at := fmt.Sprintf("@%d:%d", n.Pos.Line, n.Pos.Column)
	switch n.Kind {
	case yamlnode.Map:
		var all []string
		for _, p := range n.Pairs {
			all = append(all, show(p.Key)+":"+show(p.Value))
		}
		return "{" + strings.Join(all, " ") + "}" + at
	case yamlnode.Seq:
		var all []string
		for _, item := range n.Items {
			all = append(all, show(item))
		}
		return "[" + strings.Join(all, " ") + "]" + at
	case yamlnode.Null:
		return "null" + at
	}
	return n.Text + at
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"object", `{"a": 1, "b": [true, null]}`, "{a@1:2:1@1:7 b@1:10:[true@1:16 null@1:22]@1:15}@1:1"},
		{"lines and tabs", "{\n\t\"a\": \"x\"\n}", "{a@2:2:x@2:7}@1:1"},
		{"columns are characters", `["äö", "x"]`, "[äö@1:2 x@1:8]@1:1"},
		{"escapes", `["a\"b\\", "\u00e4"]`, "[a\"b\\@1:2 ä@1:12]@1:1"},
		{"comments", "{ // one\n \"a\": /* two\n */ \"//x\" }", "{a@2:2://x@3:5}@1:1"},
		{"a mark of UTF-8", "\ufeff[1]", "[1@1:2]@1:1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var list diag.List
			n := jsonnode.Parse("", []byte(tt.text), &list)
			if n == nil {
				t.Fatal(list.All())
			}
			if d := cmp.Diff(tt.want, show(n)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                       "1:1",
		"{\n\"a\" 1}":            "2:5",
		`{"a": 1, "a": 2}`:       "1:10",
		"[1]\n[2]":               "2:2",
		strings.Repeat("[", 100): "1:65",
		"[" + strings.Repeat("1,", yamlnode.MaxNodes) + "1]": "",
		"/* never closed": "1:1",
	} {
		var list diag.List
		if n := jsonnode.Parse("", []byte(text), &list); n != nil || !list.Failed() {
			t.Errorf("%.20q: no error", text)
			continue
		}
		if got := list.All()[0].Pos.String(); want != "" && !strings.HasSuffix(got, want) {
			t.Errorf("%.20q: error at %s, want %s: %v", text, got, want, list.All()[0])
		}
	}
}

// What is read is what encoding/json takes, but for comments, doubled keys and bounds.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a": [1, "b\u0041", null, true], "c": {"d": -1.5e3}}`))
	f.Add([]byte("// x\n{/* y */}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var list diag.List
		n := jsonnode.Parse("", text, &list)
		if (n == nil) != list.Failed() {
			t.Errorf("%q: tree %v, findings %v", text, n, list.All())
		}
		if n != nil && !strings.Contains(string(text), "/") && !strings.HasPrefix(string(text), "\ufeff") && !json.Valid(text) {
			t.Errorf("%q is not JSON", text)
		}
	})
}
