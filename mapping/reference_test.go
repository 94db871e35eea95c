package mapping

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"sfsync/mapping/schema"
)

// TestReferenceExpressions compiles the expressions that the README shows. Whether the
// objects have the fields does not matter here.
func TestReferenceExpressions(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	exprs := 0
	for _, b := range regexp.MustCompile("(?s)```yaml ?([a-z]*)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		piece := strings.ReplaceAll(b[2], "maps/country.csv", "{D: Germany}")
		switch b[1] {
		case "target":
			piece = "version: 1\ntargets:\n  -\n    object: Lead\n    operation: insert\n    " + strings.ReplaceAll(piece, "\n", "\n    ")
		case "":
		default:
			continue
		}
		f, all, err := Parse("README.md", []byte(piece))
		if err != nil {
			t.Errorf("%s\n%v", piece, all)
			continue
		}
		exprs += strings.Count(piece, "expr:") + strings.Count(piece, "when:")
		_, all, _ = Compile(f, schema.Standard())
		for _, d := range all {
			if strings.HasPrefix(d.Code, "expr") {
				t.Errorf("%s\n%v", piece, d)
			}
		}
	}
	if exprs < 4 {
		t.Errorf("only %d expressions", exprs)
	}
}
