package syntax

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sfsync/mapping/diag"
)

// mappings generates mappings as trees of what JSON has: most are right.
type mappings struct {
	t *rapid.T
	n int
}

func (g *mappings) pick(values ...any) any {
	g.n++
	return rapid.SampledFrom(values).Draw(g.t, fmt.Sprint(g.n))
}

func (g *mappings) maybe(m map[string]any, key string, values ...any) {
	if g.pick(true, false, false) == true {
		m[key] = g.pick(values...)
	}
}

func list(items ...any) []any { return items }

func (g *mappings) file() map[string]any {
	m := map[string]any{"version": g.pick(1, "1"), "targets": list(g.target(true), g.target(false))}
	g.maybe(m, "name", "nightly", "a.b-c_1")
	g.maybe(m, "schema", "x.yaml")
	g.maybe(m, "preset", "events-lead")
	source := map[string]any{}
	g.maybe(source, "files", "a", list("a", "b"), "-")
	g.maybe(source, "format", "auto", "csv", "jsonl")
	g.maybe(source, "events", "none", "rudderstack")
	g.maybe(source, "gate", true, "false")
	g.maybe(source, "duplicates", "in_order", "last", "fail")
	csv := map[string]any{}
	g.maybe(csv, "delimiter", "auto", ";", "tab")
	g.maybe(csv, "null", "", list("", nil, 0))
	source["csv"] = csv
	m["source"] = source
	if g.pick(true, false) == true {
		m["tests"] = list(
			map[string]any{"row": map[string]any{"a": 1}, "expect": map[string]any{"first": g.outcome()}},
			map[string]any{"name": "x", "rows": list(map[string]any{"a": nil}), "expect": list(map[string]any{"second": g.outcome()})},
		)
	}
	return m
}

func (g *mappings) outcome() any {
	return g.pick("skipped", map[string]any{"error": "CODE"}, map[string]any{"Email": "a", "Phone": nil, "absent": list("Title")}, map[string]any{"absent": "Title"})
}

func (g *mappings) target(first bool) map[string]any {
	m := map[string]any{"name": "second", "object": "Contact", "fields": map[string]any{"Email": "email", "Phone": g.rule(first), "A__c": g.rule(first)}}
	if first {
		m["name"], m["object"] = "first", "Lead"
		g.maybe(m, "on_converted", "fail", "skip", "second")
	}
	g.maybe(m, "operation", "upsert", "insert", "update")
	m["match"] = g.pick("Email", list("Email"), list("Email", list("Phone", "A__c")))
	g.maybe(m, "on_many", "fail", "newest", "oldest", "skip")
	g.maybe(m, "when", "a == b", true)
	g.maybe(m, "custom", "a", list("a", "b | trim"))
	g.maybe(m, "rest", "ignore", "custom", "fail")
	g.maybe(m, "missing", "fail", "ignore")
	g.maybe(m, "order", "key", "parent")
	g.maybe(m, "batch", 1, 50, "200")
	g.maybe(m, "backup", "always")
	g.maybe(m, "org", "prod")
	g.maybe(m, "omit", "City", list("City"))
	return m
}

func (g *mappings) rule(first bool) any {
	m := map[string]any{}
	switch g.pick("short", "list", "from", "value", "expr", "lookup", "create", "record type", "ref", "table") {
	case "short":
		return "phone | trim"
	case "list":
		return list("a", map[string]any{"expr": "b + c"})
	case "from":
		m["from"] = g.pick("a", list("a", "b"), list("a", map[string]any{"expr": true}))
	case "value":
		m["value"] = g.pick("a", 1, true, "")
	case "expr":
		m["expr"] = "a + b"
	case "lookup":
		m["lookup"], m["from"] = "User.Username", "owner"
	case "create":
		m["lookup"], m["expr"], m["create"], m["fields"] = "Account.Ext__c", "a", g.pick(true, "true", false), map[string]any{"Name": "b", "A.B": map[string]any{"from": "c"}}
	case "record type":
		m["record_type"] = "Inbound"
		return m
	case "ref":
		if !first {
			m["ref"] = "first"
			return m
		}
		m["from"] = "a"
	case "table":
		m["from"], m["values"] = "a", g.pick("maps.csv", map[string]any{"a": "b", "c": 1})
		g.maybe(m, "on_unmapped", "keep", "fail", "blank")
	}
	g.maybe(m, "default", "x", 0)
	g.maybe(m, "default_on", "insert", "always")
	g.maybe(m, "blank", "leave", nil, "null", "fail")
	g.maybe(m, "only_if", "always", "empty")
	return m
}

// spoil changes one thing somewhere.
func (g *mappings) spoil(v any) any {
	junk := func() any {
		return g.pick("", "a b", nil, list(), map[string]any{}, 1001, "x", list("Email", list()), map[string]any{"from": "a"}, list(nil), true)
	}
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			return junk()
		}
		keys := slices.Sorted(maps.Keys(v))
		key := rapid.SampledFrom(keys).Draw(g.t, "key")
		out := maps.Clone(v)
		switch g.pick("in", "in", "in", "drop", "rename", "add") {
		case "in":
			out[key] = g.spoil(v[key])
		case "drop":
			delete(out, key)
		case "rename":
			delete(out, key)
			out[key+"s"] = v[key]
		case "add":
			out[g.pick("from", "value", "match", "when", "lookup", "create", "rest", "row", "name", "operation", "fields").(string)] = junk()
		}
		return out
	case []any:
		if len(v) == 0 || g.pick(true, false, false) == true {
			return junk()
		}
		i := rapid.IntRange(0, len(v)-1).Draw(g.t, "item")
		out := slices.Clone(v)
		out[i] = g.spoil(v[i])
		return out
	}
	return junk()
}

// TestJSONSchemaAgrees holds the schema against the parser over mappings that are right, and
// over such with mistakes: it refuses nothing that the parser accepts, and accepts nothing that the
// parser refuses for its form.
func TestJSONSchemaAgrees(t *testing.T) {
	t.Parallel()
	schema := jsonSchema(t)
	accepted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		g := &mappings{t: t}
		var tree any = g.file()
		for range g.pick(0, 0, 1, 1, 1, 2).(int) {
			tree = g.spoil(tree)
		}
		text, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		_, all, err := parse("m.yaml", text, testPresets(), func(string, int64) ([]byte, error) { return []byte("from,to\na,b\n"), nil })
		valid := schema.Validate(v)
		if file, _ := v.(map[string]any); file["preset"] != nil { // what it lacks, the preset may have: a schema cannot know
			all = slices.DeleteFunc(all, func(d diag.Diagnostic) bool {
				return slices.Contains([]string{codeNoFields, codeMatchMissing, codeKeyMissing}, d.Code)
			})
		}
		switch wrong := formWrong(all); {
		case err == nil && valid != nil:
			t.Fatalf("the parser accepts it, the schema does not: %v\n%s", valid, text)
		case wrong && valid == nil:
			t.Fatalf("the schema accepts it, the parser does not: %v\n%s", err, text)
		case wrong:
			refused++
		case err == nil:
			accepted++
		}
	})
	// Twenty drawn mappings, as many as -short draws, may by chance be nearly all of one kind.
	if !t.Failed() && !testing.Short() && (accepted < 10 || refused < 10) {
		t.Errorf("%d accepted and %d refused mappings are too few to say anything", accepted, refused)
	}
}
