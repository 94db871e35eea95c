package spec_test

import (
	"slices"
	"strings"
	"testing"

	"sfsync/mapping/spec"
)

// TestLanguage checks that the description is whole in itself. That it is true, the tests of
// the parser show.
func TestLanguage(t *testing.T) {
	t.Parallel()
	places := spec.Language()
	used := map[string]bool{spec.AtFile: true}
	for _, p := range places {
		seen := map[string]bool{}
		for _, k := range p.Keys {
			if seen[k.Name] {
				t.Errorf("%s: key %s twice", p.Name, k.Name)
			}
			seen[k.Name] = true
			if k.Place != "" {
				used[k.Place] = true
			}
			if (k.Form == spec.Map || k.Form == spec.Maps || k.Form == spec.Rules || k.Form == spec.Sources) != (k.Place != "") {
				t.Errorf("%s.%s: %v with place %q", p.Name, k.Name, k.Form, k.Place)
			}
			if k.Form == spec.Word && (len(k.Words) == 0 || !k.Required && len(k.Words) > 1 && !slices.Contains(k.Words, k.Fallback) && !strings.Contains(k.Fallback, " ")) {
				t.Errorf("%s.%s: words %v, default %q", p.Name, k.Name, k.Words, k.Fallback)
			}
			if (k.Form == spec.Count) != (k.Most > 0) {
				t.Errorf("%s.%s: %v up to %d", p.Name, k.Name, k.Form, k.Most)
			}
			if k.Form.String() == "" {
				t.Errorf("%s.%s: a form without a name", p.Name, k.Name)
			}
			if got := p.Key(k.Name); got == nil || got.Name != k.Name {
				t.Errorf("%s.%s is not found", p.Name, k.Name)
			}
			if !slices.Contains(p.Names(), k.Name) {
				t.Errorf("%s.%s is not suggested", p.Name, k.Name)
			}
		}
		if p.Key("nowhere") != nil {
			t.Errorf("%s has any key", p.Name)
		}
	}
	for _, p := range places {
		if !used[p.Name] {
			t.Errorf("no key leads to %s", p.Name)
		}
	}
}

func TestTransformArguments(t *testing.T) {
	t.Parallel()
	a, o := spec.Arg{Name: "a"}, spec.Arg{Name: "o", Optional: true}
	for _, tt := range []struct {
		args             []spec.Arg
		least, most      int
		signature, arity string
	}{
		{nil, 0, 0, "x", "no arguments"},
		{[]spec.Arg{a}, 1, 1, "x(a)", "1 argument"},
		{[]spec.Arg{a, o}, 1, 2, "x(a[, o])", "1 to 2 arguments"},
		{[]spec.Arg{o}, 0, 1, "x([o])", "0 to 1 argument"},
		{[]spec.Arg{{Name: "r", Repeated: true}}, 1, -1, "x(r, …)", "at least 1 argument"},
	} {
		x := spec.Transform{Name: "x", Args: tt.args}
		if least, most := x.Count(); least != tt.least || most != tt.most || x.Signature() != tt.signature || x.Arity() != tt.arity {
			t.Errorf("got %d %d %s %q, want %d %d %s %q", least, most, x.Signature(), x.Arity(), tt.least, tt.most, tt.signature, tt.arity)
		}
	}
}
