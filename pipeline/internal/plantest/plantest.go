// Package plantest compiles mappings for tests.
package plantest

import (
	"cmp"
	"testing"

	"sfsync/mapping"
	"sfsync/mapping/schema"
)

// Compile compiles a mapping against the standard objects and those of an overlay, "" for none, and returns what they
// are together.
func Compile(t testing.TB, overlay, text string) (*mapping.Plan, *schema.Schema) {
	t.Helper()
	s, found := schema.Overlay(schema.Standard(), "test.schema.yaml", []byte(cmp.Or(overlay, "objects: {}\n")))
	if len(found) > 0 {
		t.Fatal(found)
	}
	file, found, err := mapping.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err, found)
	}
	p, found, err := mapping.Compile(file, s)
	if err != nil {
		t.Fatal(err, found)
	}
	return p, s
}
