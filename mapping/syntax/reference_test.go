package syntax

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"sfsync/mapping/spec"
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
		var later []string
		for _, k := range p.Keys {
			if k.Form == spec.Later {
				later = append(later, fmt.Sprintf("- `%s`: %s", k.Name, k.Doc))
				continue
			}
			value := k.Form.String()
			if len(k.Words) > 0 {
				words := "`" + strings.Join(k.Words, "` `") + "`"
				if k.Form == spec.Word {
					value = words
				} else {
					value = words + ", or " + value
				}
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
			} else if len(k.Words) > 0 || strings.HasPrefix(fallback, "[") {
				fallback = code(fallback)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(k.Name), value, fallback, strings.ReplaceAll(k.Doc, "|", `\|`), code(k.Example))
			var words []string
			for _, w := range k.LaterWords {
				if w == spec.AnyWord {
					words = append(words, "the name of a target")
				} else {
					words = append(words, code(w))
				}
			}
			if words != nil {
				later = append(later, fmt.Sprintf("- `%s`: %s", k.Name, strings.Join(words, ", ")))
			}
		}
		if len(later) > 0 {
			fmt.Fprintf(&b, "\nNot yet available:\n\n%s\n", strings.Join(later, "\n"))
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

// parseWith parses a mapping around a piece of YAML, given the place of the piece.
func parseWith(t *testing.T, place, piece string) {
	t.Helper()
	indent := func(n int) string {
		return strings.Repeat(" ", n) + strings.ReplaceAll(strings.TrimSpace(piece), "\n", "\n"+strings.Repeat(" ", n)) + "\n"
	}
	has := func(key string) bool { return regexp.MustCompile(`(?m)^` + key + `:`).MatchString(piece) }
	var text string
	switch place {
	case spec.AtFile:
		text = piece + "\n"
		if !has("version") {
			text = "version: 1\n" + text
		}
		if !has("targets") {
			text += "targets: [{object: Lead, operation: insert, fields: {LastName: name}}]\n"
		}
	case spec.AtSource:
		text = "version: 1\nsource:\n" + indent(2) + "targets: [{object: Lead, operation: insert, fields: {LastName: name}}]\n"
	case spec.AtCSV:
		text = "version: 1\nsource:\n  csv:\n" + indent(4) + "targets: [{object: Lead, operation: insert, fields: {LastName: name}}]\n"
	case spec.AtTarget:
		text = "version: 1\ntargets:\n  -\n" + indent(4)
		if !has("object") {
			text += "    object: Lead\n"
		}
		if !has("match") && !has("operation") {
			text += "    operation: insert\n"
		}
		if !has("fields") {
			text += "    fields: {LastName: name, Marketing_Id__c: id, Email: email}\n"
		}
		if has("operation") && !has("match") {
			text += "    match: Email\n"
		}
		if has("missing") {
			text += "    rest: custom\n"
		}
	case spec.AtRule:
		text = "version: 1\ntargets:\n  - object: Lead\n    operation: insert\n    fields:\n" + indent(6)
	default:
		t.Fatalf("no place %q", place)
	}
	_, all, err := parse("example.yaml", []byte(text), func(string, int64) ([]byte, error) { return []byte("from,to\nD,Germany\n"), nil })
	if err != nil || len(all) > 0 {
		t.Errorf("%s\n%v", text, all)
	}
	if v, ok := instance(t, []byte(text)); ok {
		if err := jsonSchema(t).Validate(v); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

// TestExamples parses every example of the language's description, and every block of YAML
// in the README: a whole mapping, or a piece whose place stands behind "yaml".
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, p := range spec.Language() {
		for _, k := range p.Keys {
			if k.Form == spec.Later {
				if k.Example != "" || k.Doc == "" {
					t.Errorf("%s of %s: a later key has a text and no example", k.Name, p.Name)
				}
				continue
			}
			if k.Example == "" || k.Doc == "" {
				t.Errorf("%s of %s has no example or text", k.Name, p.Name)
				continue
			}
			if p.Name != spec.AtRule && !strings.HasPrefix(k.Example, k.Name+":") || !strings.Contains(k.Example, k.Name+":") {
				t.Errorf("%s of %s: the example %q does not show it", k.Name, p.Name, k.Example)
			}
			parseWith(t, p.Name, k.Example)
		}
	}
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml ?([a-z]*)\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 3 {
		t.Errorf("only %d examples in README.md", len(blocks))
	}
	for _, b := range blocks {
		switch b[1] {
		case "":
			parseWith(t, spec.AtFile, b[2])
		case "fields":
			parseWith(t, spec.AtRule, b[2])
		default:
			parseWith(t, b[1], b[2])
		}
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
		parseWith(t, spec.AtRule, s.Example)
		f, all, err := parse("example.yaml", []byte("version: 1\ntargets: [{object: Lead, operation: insert, fields: {"+strings.Replace(s.Example, ": ", ": '", 1)+"'}}]\n"), nil)
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
