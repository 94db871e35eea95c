package spec

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// JSONSchema returns the JSON Schema (draft 2020-12) of mapping files, for editors. It says
// what keys there are and what may stand at them; what depends on the text of a rule or an
// expression is left to the parser. Every mapping that the parser accepts satisfies it.
func JSONSchema() []byte {
	type m = map[string]any
	defs := m{
		"text":       m{"type": []string{"string", "number", "boolean"}},
		"expression": m{"type": []string{"string", "boolean", "number"}, "pattern": `\S`},
		"path":       m{"type": []string{"string", "number", "boolean"}, "pattern": `\S`},
		"name":       m{"type": []string{"string", "number", "boolean"}, "pattern": `^[A-Za-z0-9_][A-Za-z0-9_.-]*$`, "maxLength": MaxName},
		"apiName":    m{"type": []string{"string", "boolean"}, "pattern": `^[A-Za-z][A-Za-z0-9_]*$`, "maxLength": 80},
		"fieldName":  m{"type": []string{"string", "boolean"}, "pattern": `^([A-Za-z][A-Za-z0-9_]*|([A-Za-z][A-Za-z0-9_]*:)?[A-Za-z][A-Za-z0-9_]*\.[A-Za-z][A-Za-z0-9_]*)$`, "maxLength": 242},
		"lookup":     m{"type": "string", "pattern": `^[A-Za-z][A-Za-z0-9_]*\.[A-Za-z][A-Za-z0-9_]*$`, "maxLength": 161},
		"column": m{
			"type": []string{"string", "boolean"}, "pattern": `\S`,
			"description": "A column or path with transforms: `email | trim | lower`. A name that is no identifier is quoted: `'\"Full Name\" | trim'`.",
		},
	}
	for _, p := range Language() {
		props, required := m{}, []string{}
		for _, k := range p.Keys {
			s := k.schema()
			s["description"] = k.describe()
			props[k.Name] = s
			if k.Required {
				required = append(required, k.Name)
			}
		}
		def := m{"type": "object", "properties": props, "additionalProperties": false}
		if len(required) > 0 {
			def["required"] = required
		}
		defs[p.Name] = def
	}
	entry := m{"anyOf": []m{{"$ref": ref("column")}, {"$ref": ref(AtItem)}}}
	defs["columns"] = m{"anyOf": []m{{"$ref": ref("column")}, {"type": "array", "items": entry, "minItems": 1, "maxItems": MaxSources}}}
	conditions(defs)

	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(m{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "sfsync mapping",
		"$ref":    ref(AtFile),
		"$defs":   defs,
	})
	if err != nil {
		panic(err) // maps, slices and strings alone can always be encoded
	}
	return out.Bytes()
}

// conditions adds what the keys of one map say about each other.
func conditions(defs map[string]any) {
	type m = map[string]any
	has := func(key string) m { return m{"required": []string{key}} }
	is := func(key string, values ...any) m {
		return m{"required": []string{key}, "properties": m{key: m{"enum": values}}}
	}

	file, _ := defs[AtFile].(m)
	file["required"] = []string{"version"} // a preset has targets of its own
	file["if"] = has("preset")
	file["else"] = m{"required": []string{"targets"}, "properties": m{"targets": m{"items": m{"$ref": ref(AtTarget)}}}}

	// A target that changes one of a preset has the same keys, of which it needs none.
	part, _ := defs[AtTarget].(m)
	delete(part, "required")
	defs[partTarget] = part
	// An object may have a key by nature, if its records refer to others of the same row.
	refers := m{"type": "object", "not": m{"additionalProperties": m{"not": m{"type": "object", "required": []string{"ref"}}}}}
	refersTo := m{"required": []string{"fields"}, "properties": m{"fields": refers, "operation": m{"const": "upsert"}}}
	defs[AtTarget] = m{
		"allOf":    []m{{"$ref": ref(partTarget)}, {"anyOf": []m{is("operation", "insert", "publish"), has("match"), refersTo, {"allOf": []m{is("operation", "update"), is("when", false, "false")}}}}},
		"required": []string{"object"},
		"anyOf": []m{
			{"required": []string{"fields"}, "properties": m{"fields": m{"minProperties": 1}}}, has("custom"), is("rest", "custom"),
		},
	}

	rule, _ := defs[AtRule].(m)
	none := func(keys ...string) m {
		var all []m
		for _, k := range keys {
			all = append(all, has(k))
		}
		return m{"not": m{"anyOf": all}}
	}
	sources := []string{"from", "value", "expr", "record_type", "ref"}
	var one []m
	for _, s := range sources {
		one = append(one, has(s))
	}
	table := m{"required": []string{"values"}, "properties": m{"values": m{"type": []string{"string", "number", "boolean"}}}, "not": none(sources...)["not"]}
	rule["oneOf"] = append(one, table)
	rule["dependentRequired"] = m{"create": []string{"lookup"}, "fields": []string{"create"}}
	rule["dependentSchemas"] = m{"lookup": none("record_type", "ref")}

	test, _ := defs[AtTest].(m)
	test["oneOf"] = []m{
		{"required": []string{"row"}, "properties": m{"expect": m{"type": "object"}}},
		{"required": []string{"rows"}, "properties": m{"expect": m{"type": "array"}}},
	}
	cell := m{"type": []string{"string", "number", "boolean", "null"}}
	defs["outcome"] = m{
		"type": "object", "propertyNames": m{"$ref": ref("name")},
		"additionalProperties": m{"anyOf": []m{
			{"const": "skipped"},
			{"type": "object", "properties": m{"error": m{"$ref": ref("path")}}, "required": []string{"error"}, "additionalProperties": false},
			{
				"type": "object", "minProperties": 1, "not": has("error"),
				"properties":           m{"absent": m{"anyOf": []m{{"$ref": ref("fieldName")}, {"type": "array", "items": m{"$ref": ref("fieldName")}, "minItems": 1}}}},
				"additionalProperties": cell, "propertyNames": m{"$ref": ref("fieldName")},
			},
		}},
	}
}

// partTarget names the definition of a target's keys without what a whole one needs.
const partTarget = "targetKeys"

func ref(def string) string { return "#/$defs/" + def }

// describe is a key's description for editors, which show it as Markdown.
func (k *Key) describe() string {
	s := k.Doc
	if k.Fallback != "" {
		s += " Default: " + k.Fallback + "."
	}
	if k.Example != "" {
		s += " Example: `" + k.Example + "`"
	}
	return s
}

// schema says what may stand at a key. Scalars count by their text, so a text may look like
// a number or a truth value to other readers of YAML.
func (k *Key) schema() map[string]any {
	type m = map[string]any
	to := func(def string) m { return m{"$ref": ref(def)} }
	oneOrMore := func(def string) m {
		return m{"anyOf": []m{to(def), {"type": "array", "items": to(def), "minItems": 1}}}
	}
	switch k.Form {
	case Word:
		return m{"enum": k.enum()}
	case Name:
		return to("name") // its words are names too
	case APIName:
		return to("apiName")
	case Path:
		return to("path")
	case Expr:
		return to("expression")
	case Count:
		return m{"type": []string{"integer", "string"}, "minimum": 1, "maximum": k.Most, "pattern": `^[1-9][0-9]*$`}
	case Lookup:
		return to("lookup")
	case APINames:
		return oneOrMore("apiName")
	case Texts:
		cell := m{"type": []string{"string", "number", "boolean", "null"}}
		return m{"anyOf": []m{cell, {"type": "array", "items": cell}}}
	case Paths:
		return oneOrMore("path")
	case Columns:
		return oneOrMore("column")
	case Sources:
		return to("columns")
	case Match:
		list := func(items any) m { return m{"type": "array", "items": items, "minItems": 1, "maxItems": MaxKeys} }
		return m{"anyOf": []m{to("apiName"), list(m{"anyOf": []m{to("apiName"), list(to("apiName"))}})}}
	case Row:
		return m{"type": "object"}
	case Rows:
		return m{"type": "array", "items": m{"type": "object"}, "minItems": 1}
	case Outcomes:
		return m{"anyOf": []m{to("outcome"), {"type": "array", "items": to("outcome"), "minItems": 1}}}
	case Values:
		return m{"anyOf": []m{to("path"), {"type": "object", "additionalProperties": to("text"), "minProperties": 1}}}
	case Map:
		return to(k.Place)
	case Maps:
		if k.Place == AtTarget {
			return m{"type": "array", "items": to(partTarget), "minItems": 1, "maxItems": MaxTargets} // the file's conditions say what is needed
		}
		return m{"type": "array", "items": to(k.Place), "minItems": 1}
	case Rules:
		return m{
			"type": "object", "propertyNames": to("fieldName"),
			"additionalProperties": m{"anyOf": []m{to("columns"), to(k.Place)}},
		}
	}
	if len(k.Words) > 0 {
		return m{"type": []string{"string", "number", "boolean"}, "minLength": 1}
	}
	return to("text")
}

// enum lists a key's words, with what YAML makes of them.
func (k *Key) enum() []any {
	var out []any
	for _, w := range k.Words {
		out = append(out, w)
		switch {
		case w == "null":
			out = append(out, nil)
		case w == "true", w == "false":
			out = append(out, w == "true")
		case strings.Trim(w, "0123456789") == "":
			out = append(out, json.Number(w))
		}
	}
	return slices.Clip(out)
}
