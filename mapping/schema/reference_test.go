package schema

import (
	"os"
	"strings"
	"testing"
)

// TestReference holds README.md to the code: its overlays are good ones, and it names every key
// and every type.
func TestReference(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, examples := string(text), 0
	for rest := readme; ; examples++ {
		_, after, found := strings.Cut(rest, "```yaml\n")
		if !found {
			break
		}
		var example string
		example, rest, _ = strings.Cut(after, "```")
		if s, found := Overlay(Standard(), "README.md", []byte(example)); s == nil || len(found) > 0 {
			t.Errorf("example %d: %v", examples+1, found)
		}
	}
	if examples == 0 {
		t.Error("no examples")
	}
	for _, key := range fieldKeys() {
		if !strings.Contains(readme, "| `"+key+"`") && !strings.Contains(readme, ", `"+key+"` | ") {
			t.Errorf("key %s is missing", key)
		}
	}
	for name, keys := range overlayTypes() {
		row := ""
		for line := range strings.Lines(readme) {
			if first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |"); strings.HasPrefix(line, "| `") && strings.Contains(first, "`"+string(name)+"`") && row == "" {
				row = line
			}
		}
		if row == "" {
			t.Errorf("type %s is missing", name)
		}
		for _, key := range keys {
			if !strings.Contains(row, "`"+key+"`") && key != "relationshipName" {
				t.Errorf("type %s: %s is missing", name, key)
			}
		}
	}
	for _, o := range Standard().objects {
		if !strings.Contains(readme, o.Name) {
			t.Errorf("object %s is missing", o.Name)
		}
	}
}
