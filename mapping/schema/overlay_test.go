package schema_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestOverlayGolden reads every testdata/overlay/*.yaml. The golden file beside it holds the
// diagnostics, and for an overlay without errors what it changed.
func TestOverlayGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/overlay/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			base := schema.Standard()
			s, found := schema.Overlay(base, filepath.Base(file), text)
			var out strings.Builder
			for _, d := range found {
				fmt.Fprintln(&out, d)
			}
			if s != nil {
				dumpChanges(&out, base, s)
			}
			if d := cmp.Diff(dump(schema.Standard()), dump(base)); d != "" {
				t.Errorf("the base was changed:\n%s", d)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), out.String()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// dumpChanges writes the objects and fields that b has otherwise than a.
func dumpChanges(w *strings.Builder, a, b *schema.Schema) {
	for _, name := range b.Names() {
		o, before := b.Object(name), a.Object(name)
		line := objectLine(o)
		if before == nil || line != objectLine(before) {
			fmt.Fprintf(w, "object %s\n", line)
		}
		for _, f := range o.Fields {
			if before != nil {
				if old := before.Field(f.Name); old != nil && fieldLine(old) == fieldLine(f) {
					continue
				}
			}
			fmt.Fprintf(w, "%s.%s\n", o.Name, fieldLine(f))
		}
		for _, list := range []any{o.RecordTypes, o.Queues, o.Rules.Validation, o.Rules.Duplicate, o.Rules.Assignment} {
			for v := reflect.ValueOf(list); v.Len() > 0; v = v.Slice(1, v.Len()) {
				fmt.Fprintf(w, "%s %T %+v\n", o.Name, v.Index(0).Interface(), v.Index(0).Interface())
			}
		}
	}
}

func dump(s *schema.Schema) []string {
	var lines []string
	for _, name := range s.Names() {
		lines = append(lines, objectLine(s.Object(name)))
		for _, f := range s.Object(name).Fields {
			lines = append(lines, fieldLine(f))
		}
	}
	return lines
}

func objectLine(o *schema.Object) string {
	return fmt.Sprintf("%s %q %q prefix=%q custom=%t create=%t update=%t delete=%t query=%t",
		o.Name, o.Label, o.LabelPlural, o.KeyPrefix, o.Custom, o.Createable, o.Updateable, o.Deletable, o.Queryable)
}

// fieldLine gives a field on one line: what is not zero, in the order of describe's meaning.
func fieldLine(f *schema.Field) string {
	parts := []string{f.Name, fmt.Sprintf("%q", f.Label), string(f.Type)}
	for _, n := range []struct {
		name  string
		value int
	}{{"length", f.Length}, {"precision", f.Precision}, {"scale", f.Scale}, {"digits", f.Digits}} {
		if n.value != 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", n.name, n.value))
		}
	}
	for _, b := range []struct {
		name string
		set  bool
	}{
		{"required", f.Required()},
		{"nillable", f.Nillable},
		{"defaulted", f.DefaultedOnCreate},
		{"create", f.Createable},
		{"update", f.Updateable},
		{"unique", f.Unique},
		{"externalId", f.ExternalID},
		{"idLookup", f.IDLookup},
		{"caseSensitive", f.CaseSensitive},
		{"auto", f.AutoNumber},
		{"calculated", f.Calculated},
		{"custom", f.Custom},
		{"nameField", f.NameField},
		{"html", f.HTMLFormatted},
		{"encrypted", f.Encrypted},
		{"filter", f.Filterable},
		{"sort", f.Sortable},
		{"group", f.Groupable},
		{"restricted", f.RestrictedPicklist},
		{"dependent", f.DependentPicklist},
		{"polymorphic", f.PolymorphicRef},
		{"master", f.MasterDetail},
		{"cascade", f.CascadeDelete},
		{"restrict", f.RestrictedDelete},
	} {
		if b.set {
			parts = append(parts, b.name)
		}
	}
	for _, s := range []struct{ name, value string }{
		{"in", f.CompoundFieldName},
		{"rel", f.RelationshipName},
		{"to", strings.Join(f.ReferenceTo, ",")},
		{"children", f.ChildRelationship},
		{"info", f.ExtraTypeInfo},
		{"format", f.DisplayFormat},
		{"default", f.DefaultValue},
		{"feature", f.Feature},
	} {
		if s.value != "" {
			parts = append(parts, s.name+"="+s.value)
		}
	}
	if f.Summary != nil {
		parts = append(parts, fmt.Sprintf("%+v", *f.Summary))
	}
	if len(f.Picklist) > 0 {
		var values []string
		for _, v := range f.Picklist {
			text := v.Value
			if v.Label != v.Value {
				text += "(" + v.Label + ")"
			}
			if v.Default {
				text = "*" + text
			}
			if !v.Active {
				text = "-" + text
			}
			values = append(values, text)
		}
		parts = append(parts, "["+strings.Join(values, "; ")+"]")
	}
	return strings.Join(parts, " ")
}

// TestOverlayOverOverlay holds that a schema that an overlay made can be the base of another,
// and that the second one's fields win.
func TestOverlayOverOverlay(t *testing.T) {
	t.Parallel()
	first, found := schema.Overlay(schema.Standard(), "one", []byte("objects: {V__c: {fields: {A__c: {type: string}, B__c: {type: date}}}}"))
	if len(found) != 0 {
		t.Fatal(found)
	}
	second, found := schema.Overlay(first, "two", []byte("objects: {V__c: {fields: {A__c: {type: double}, C__c: {type: reference, referenceTo: v__C}}}}"))
	if len(found) != 0 {
		t.Fatal(found)
	}
	v := second.Object("v__c")
	got := []schema.Type{v.Field("A__c").Type, v.Field("B__c").Type, v.Field("C__c").Type}
	if d := cmp.Diff([]schema.Type{schema.Double, schema.Date, schema.Reference}, got); d != "" {
		t.Error(d)
	}
	if to := v.Field("c__c").ReferenceTo; !slices.Equal(to, []string{"V__c"}) {
		t.Errorf("C__c refers to %v", to)
	}
	if f := first.Object("V__c").Field("A__c"); f.Type != schema.String || first.Object("V__c").Field("C__c") != nil {
		t.Error("the second overlay changed its base")
	}
	if second.Source != "two" {
		t.Errorf("Source = %q", second.Source)
	}
}

// TestOverlayBounds holds that a file of a megabyte of mistakes is answered soon.
func TestOverlayBounds(t *testing.T) {
	t.Parallel()
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"unknown objects":  "objects:\n" + many(3000, "  Loed%d: {fields: {A__c: {type: string}}}\n"),
		"objects":          "objects:\n" + many(3001, "  L%d__c:\n"),
		"unknown fields":   "objects: {Lead: {fields: {" + many(900, "Emial%d: , ") + "}}}",
		"fields":           "objects: {Lead: {fields: {" + many(901, "F%d__c: {type: string}, ") + "}}}",
		"unknown keys":     "objects: {Lead: {fields: {A__c: {" + many(30_000, "size%d: 1, ") + "}}}}",
		"values":           "objects: {Lead: {fields: {A__c: {type: picklist, values: [" + many(1001, "v%d, ") + "]}}}}",
		"more than 1 MiB":  "objects:\n" + many(60_000, "  Longish%d__c: {label: x}\n"),
		"aliases":          "a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a]\nobjects: {Lead: {fields: {A__c: {type: picklist, values: [*b, *b]}}}}",
		"deep":             strings.Repeat("{objects: ", 5000),
		"many custom keys": "objects:\n" + many(2900, "  O%d__c: {keyPrefix: aaa}\n"),
	} {
		start := time.Now()
		s, found := schema.Overlay(schema.Standard(), "f.yaml", []byte(text))
		if s != nil || len(found) == 0 {
			t.Errorf("%s: no error", name)
		}
		if d := time.Since(start); d > time.Minute {
			t.Errorf("%s: %v", name, d)
		} else {
			t.Logf("%s: %v, %d diagnostics", name, d, len(found))
		}
	}
}

// FuzzOverlay holds that no text makes Overlay panic, that every diagnostic has a place in the
// file, and that a schema that comes back is whole.
func FuzzOverlay(f *testing.F) {
	cases, err := filepath.Glob("testdata/overlay/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		text, err := os.ReadFile(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	base := schema.Standard()
	f.Fuzz(func(t *testing.T, text []byte) {
		s, found := schema.Overlay(base, "f.yaml", text)
		failed := false
		for _, d := range found {
			failed = failed || d.Severity == diag.Error
			if d.Pos.Line < 1 || d.Pos.Column < 1 || d.Pos.File != "f.yaml" || d.Message == "" || d.Code == "" {
				t.Fatalf("a diagnostic without a place or words: %+v", d)
			}
		}
		if failed != (s == nil) {
			t.Fatalf("failed is %t, but the schema is %v", failed, s)
		}
		if s == nil {
			return
		}
		for _, name := range s.Names() {
			o := s.Object(name)
			seen := map[string]bool{}
			for _, f := range o.Fields {
				key := strings.ToLower(f.Name)
				if seen[key] || o.Field(f.Name) != f || f.Type == "" || f.Label == "" || !utf8.ValidString(f.Name) {
					t.Fatalf("%s.%s is twice there, not found or not whole", name, f.Name)
				}
				seen[key] = true
			}
		}
	})
}
