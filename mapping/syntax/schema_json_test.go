package syntax

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sfsync/mapping/diag"
	"sfsync/mapping/spec"
)

func TestJSONSchemaFile(t *testing.T) {
	t.Parallel()
	checkGolden(t, "../mapping.schema.json", string(spec.JSONSchema()))
}

// compiled is the schema, which compiling also checks against its own.
var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(spec.JSONSchema()))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mapping.schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("mapping.schema.json")
})

func jsonSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// instance reads YAML as an editor does. It reports false for what is no YAML to it.
func instance(t *testing.T, text []byte) (any, bool) {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		return nil, false
	}
	j, err := json.Marshal(v)
	if err != nil {
		return nil, false
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
	if err != nil {
		t.Fatal(err)
	}
	return out, true
}

// formWrong reports whether a diagnostic is about what a schema can know: not about the text of
// a rule, a name or another file.
func formWrong(all []diag.Diagnostic) bool {
	codes := []string{
		codeEmpty, codeKeyUnknown, codeKeyMissing, codeKind, codeValueMissing, codeValueUnknown, codeValueNull, codeConflict, codeNoFields, codeMatchMissing,
	}
	return slices.ContainsFunc(all, func(d diag.Diagnostic) bool { return d.Severity == diag.Error && slices.Contains(codes, d.Code) })
}

// TestJSONSchema holds the schema against the parser: it accepts every mapping that the
// parser accepts, and refuses what is wrong with keys and the kinds of their values.
func TestJSONSchema(t *testing.T) {
	t.Parallel()
	schema := jsonSchema(t)
	var files []string
	for _, dir := range []string{"testdata/diagnostics/*.yaml", "testdata/parse/*.yaml", "../testdata/compile/*.yaml", "../../samples/*/*.yaml"} {
		found, err := filepath.Glob(dir)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	accepted, refused := 0, 0
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("\nobjects:")) || bytes.HasPrefix(text, []byte("objects:")) {
			continue // a schema overlay
		}
		v, ok := instance(t, text)
		if !ok {
			continue
		}
		_, all, err := Parse(path, text, testPresets())
		valid := schema.Validate(v)
		wrong := formWrong(all)
		switch {
		case err == nil && valid != nil:
			t.Errorf("%s: the parser accepts it, the schema does not: %v", path, valid)
		case wrong && valid == nil:
			t.Errorf("%s: the schema accepts it, the parser does not: %v", path, err)
		case wrong:
			refused++
		case err == nil:
			accepted++
		}
	}
	if accepted < 100 || refused < 90 {
		t.Errorf("%d accepted and %d refused mappings are too few to say anything", accepted, refused)
	}
}
