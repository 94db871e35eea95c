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
		"name":       m{"type": []string{"string", "number", "boolean"}, "pattern": `^[A-Za-z0-9_][A-Za-z0-9_.-]*$`, "maxLength": 64},
		"apiName":    m{"type": []string{"string", "boolean"}, "pattern": `^[A-Za-z][A-Za-z0-9_]*$`, "maxLength": 80},
		"fieldName":  m{"type": "string", "pattern": `^([A-Za-z][A-Za-z0-9_]*|([A-Za-z][A-Za-z0-9_]*:)?[A-Za-z][A-Za-z0-9_]*\.[A-Za-z][A-Za-z0-9_]*)$`, "maxLength": 242},
		"column": m{
			"type": []string{"string", "boolean"}, "pattern": `\S`,
			"description": "A column or path with transforms: `email | trim | lower`. A name that is no identifier is quoted: `'\"Full Name\" | trim'`.",
		},
	}
	places := Language()
	for _, p := range places {
		props, required := m{}, []string{}
		for _, k := range p.Keys {
			if k.Form == Later {
				continue
			}
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
	has := func(key string) m { return m{"required": []string{key}} }
	is := func(key, value string) m {
		return m{"required": []string{key}, "properties": m{key: m{"const": value}}}
	}
	target, _ := defs[AtTarget].(m)
	target["if"] = is("operation", "insert")
	target["else"] = has("match")
	target["anyOf"] = []m{
		{"required": []string{"fields"}, "properties": m{"fields": m{"minProperties": 1}}}, has("custom"), is("rest", "custom"),
	}
	rule, _ := defs[AtRule].(m)
	rule["oneOf"] = []m{has("from"), has("value"), has("expr")}

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
		return to("name")
	case APIName:
		return to("apiName")
	case Path:
		return to("path")
	case Expr:
		return to("expression")
	case Texts:
		cell := m{"type": []string{"string", "number", "boolean", "null"}}
		return m{"anyOf": []m{cell, {"type": "array", "items": cell}}}
	case Paths:
		return oneOrMore("path")
	case Columns:
		return oneOrMore("column")
	case Match:
		return m{"anyOf": []m{to("apiName"), {"type": "array", "items": to("apiName"), "minItems": 1, "maxItems": 1}}}
	case Values:
		return m{"anyOf": []m{to("path"), {"type": "object", "additionalProperties": to("text"), "minProperties": 1}}}
	case Map:
		return to(k.Place)
	case Maps:
		return m{"type": "array", "items": to(k.Place), "minItems": 1}
	case Rules:
		return m{
			"type": "object", "propertyNames": to("fieldName"),
			"additionalProperties": m{"anyOf": []m{to("column"), to(k.Place)}},
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
		case strings.Trim(w, "0123456789") == "":
			out = append(out, json.Number(w))
		}
	}
	return slices.Clip(out)
}
