package yamltext_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/internal/yamltext"
	"sfsync/mapping/schema"
	"sfsync/mapping/yamlnode"
	"sfsync/pipeline/row"
)

func words() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("a1_.-: #'\"|{}[],&*!%@`~?\\\t\n\r<>=()")), 0, 12, -1),
		rapid.SampledFrom([]string{"", " ", "null", "Null", "~", "true", "no", "y", "1", "1e3", "0x1", "2026-01-01", "- a", "a: b", "a #b", "<<", "---", "...", "len", "trim", "filter", "now", "int", "blank", "number", "let", "nil", "matches", "if", "a.in.b", "startsWith", "endsWith", "contains", "not", "and", "or", "else", "é", "\u2028"}))
}

// A scalar is read back as it was, in a block and inside braces.
func TestScalars(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := words().Filter(utf8.ValidString).Draw(t, "text")
		for _, text := range []string{"k: " + yamltext.Scalar(s) + "\n", "k: {a: " + yamltext.Flow(s) + ", b: x}\n"} {
			var list diag.List
			n := yamlnode.Parse("f", []byte(text), &list)
			if n == nil || list.Failed() {
				t.Fatalf("%q: %v", text, list.All())
			}
			v := n.Get("k")
			if v.Kind == yamlnode.Map {
				v = v.Get("a")
			}
			if v.Kind != yamlnode.Scalar || v.IsNull() || v.Text != s {
				t.Fatalf("%q: %v %q, want %q", text, v.Kind, v.Text, s)
			}
		}
	})
}

// A key is read back as it was, and its value stays beside it.
func TestKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key, value := words().Filter(utf8.ValidString).Draw(t, "key"), words().Filter(utf8.ValidString).Draw(t, "value")
		var list diag.List
		text := "k:\n  " + yamltext.Flow(key) + ": " + yamltext.Flow(value) + "\n"
		n := yamlnode.Parse("f", []byte(text), &list)
		if n == nil || list.Failed() {
			t.Fatalf("%q: %v", text, list.All())
		}
		m := n.Get("k")
		if m.Kind != yamlnode.Map || len(m.Pairs) != 1 || m.Pairs[0].Key.Text != key || m.Pairs[0].Value.Kind != yamlnode.Scalar || m.Pairs[0].Value.Text != value {
			t.Fatalf("%q: %+v", text, m)
		}
	})
}

// A column's name is read back as it was, in a rule and in an expression.
func TestColumns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := words().Filter(func(s string) bool { return utf8.ValidString(s) && strings.TrimSpace(s) != "" }).Draw(t, "name")
		text := fmt.Sprintf("version: 1\ntargets:\n  - object: Lead\n    operation: insert\n    when: %s\n    fields:\n      Company: {value: x}\n      LastName: %s\n",
			yamltext.Scalar(yamltext.NotBlank(s)), yamltext.Scalar(yamltext.Column(s)+" | trim"))
		f, _, err := mapping.Parse("f.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		plan, _, err := mapping.Compile(f, schema.Standard())
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if _, err := plan.CheckColumns(row.NewSchema(row.Column{Name: s}), "f.csv"); err != nil {
			t.Fatalf("%q: %v\n%s", s, err, text)
		}
	})
}

// A comment is comment lines and nothing else, whatever it says.
func TestComments(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, line := range yamltext.Comment("  ", words().Draw(t, "text"), 20) {
			if !strings.HasPrefix(line, "  # ") || strings.ContainsAny(line, "\n\r\u0085\u2028\u2029") {
				t.Fatalf("%q", line)
			}
		}
	})
}
