package syntax

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sfsync/mapping/presets"
	"sfsync/mapping/spec"
	"sfsync/mapping/spec/examples"
	"sfsync/mapping/transform"
)

// reference writes the tables of the README.
func reference() string {
	var b strings.Builder
	code := func(s string) string {
		if s == "" {
			return ""
		}
		return "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
	}
	for _, p := range spec.Language() {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n| key | value | default | meaning | example |\n|---|---|---|---|---|\n", p.Title, p.Doc)
		for _, k := range p.Keys {
			value := k.Form.String()
			if len(k.Words) > 0 {
				words := "`" + strings.Join(k.Words, "` `") + "`"
				if k.Form == spec.Word {
					value = words
				} else {
					value = words + ", or " + value
				}
			}
			if k.Form == spec.Count {
				value = fmt.Sprintf("a whole number from 1 to %d", k.Most)
			}
			if k.Place != "" {
				for _, q := range spec.Language() {
					if q.Name == k.Place {
						value += ", see [" + q.Title + "](#" + anchor(q.Title) + ")"
					}
				}
			}
			fallback := k.Fallback
			if k.Required {
				fallback = "required"
			} else if slices.Contains(k.Words, fallback) || strings.HasPrefix(fallback, "[") {
				fallback = code(fallback)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(k.Name), value, fallback, strings.ReplaceAll(k.Doc, "|", `\|`), code(k.Example))
		}
		b.WriteString("\n")
	}
	b.WriteString("### Transforms\n\nA transform never sees a blank value: what is blank stays blank.\n\n| transform | what it does | example | makes of | this |\n|---|---|---|---|---|\n")
	for _, s := range spec.Transforms() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(s.Signature()), s.Doc, code(s.Example), code(s.In), code(s.Out))
	}
	return b.String()
}

// anchor is the link target that Markdown renderers give a heading.
func anchor(title string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(title), ".", ""), " ", "-")
}

func TestReference(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- begin -->\n", "<!-- end -->\n"
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("README.md has lost its marks")
	}
	checkGolden(t, "../README.md", head+begin+reference()+end+tail)
}

// TestExamples parses every example of the reference: those of the language's description, and
// every block of YAML in the README.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, p := range spec.Language() {
		for _, k := range p.Keys {
			if k.Example == "" || k.Doc == "" {
				t.Errorf("%s of %s has no example or text", k.Name, p.Name)
			}
			if p.Name != spec.AtRule && !strings.HasPrefix(k.Example, k.Name+":") || !strings.Contains(k.Example, k.Name+":") {
				t.Errorf("%s of %s: the example %q does not show it", k.Name, p.Name, k.Example)
			}
		}
	}
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, e := range examples.All(string(text)) {
		if strings.HasPrefix(e.Name, "README") {
			blocks++
		}
		_, all, err := parse("example.yaml", []byte(e.Text), Presets{Get: presets.Get, Names: presets.Names}, func(path string, _ int64) ([]byte, error) {
			return examples.Table(path), nil
		})
		if err != nil || len(all) > 0 {
			t.Errorf("%s: %s\n%v", e.Name, e.Text, all)
		}
		if v, ok := instance(t, []byte(e.Text)); ok {
			if err := jsonSchema(t).Validate(v); err != nil {
				t.Errorf("%s: %s\n%v", e.Name, e.Text, err)
			}
		}
	}
	if blocks < 9 {
		t.Errorf("only %d examples in README.md", blocks)
	}
}

// TestTransforms runs the example of every transform, and holds the description against the
// functions there are.
func TestTransforms(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range spec.Transforms() {
		if s.Doc == "" || s.Example == "" || s.In == "" || s.Out == "" || !strings.Contains(s.Example, "| "+s.Name) {
			t.Errorf("%s is not described: %+v", s.Name, s)
		}
		names = append(names, s.Name)
		f, all, err := parse("example.yaml", []byte("version: 1\ntargets: [{object: Lead, operation: insert, fields: {"+strings.Replace(s.Example, ": ", ": '", 1)+"'}}]\n"), Presets{}, nil)
		if err != nil {
			t.Error(all)
			continue
		}
		got, buf := s.In, &transform.Buffer{}
		for _, call := range f.Targets[0].Fields[0].From[0].Transforms {
			args := make([]string, len(call.Args))
			for i, a := range call.Args {
				args[i] = a.Value
			}
			step, err := transform.Compile(call.Name, args)
			if err != nil {
				t.Fatal(err)
			}
			out, problem := step(buf, got)
			if problem != nil {
				t.Fatalf("%s: %v", s.Example, problem)
			}
			got = out
		}
		if got != s.Out {
			t.Errorf("%s: %q becomes %q, the reference says %q", s.Example, s.In, got, s.Out)
		}
	}
	if got, want := strings.Join(names, " "), strings.Join(transform.Names(), " "); got != want {
		t.Errorf("described are %s\nthere are %s", got, want)
	}
}
