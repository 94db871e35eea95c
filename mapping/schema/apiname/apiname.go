// Package apiname knows the rules of the API names of custom objects, fields and setup (Salesforce Help, "API Names").
package apiname

import "strings"

// Custom says what keeps a name from being that of a custom object or field ("" for
// nothing): letters, digits and single underscores, with a letter first, no underscore last, at
// most 40 of them and then "__c", perhaps after a package's prefix and "__".
func Custom(name string) string {
	stem, ok := strings.CutSuffix(name, "__c")
	if !ok {
		return "it does not end in __c"
	}
	if prefix, rest, packaged := strings.Cut(stem, "__"); packaged {
		if problem := Identifier(prefix); problem != "" || len(prefix) > 15 {
			return "its package prefix is not one of up to 15 letters and digits"
		}
		stem = rest
	}
	if len(stem) > 40 {
		return "it has more than 40 characters before __c"
	}
	return Identifier(stem)
}

// Identifier says what keeps a text from being the stem of an API name ("" for nothing).
func Identifier(s string) string {
	for i, r := range s {
		letter := r|0x20 >= 'a' && r|0x20 <= 'z' && r < 0x80
		switch {
		case letter, i > 0 && r >= '0' && r <= '9', i > 0 && r == '_':
		case i == 0:
			return "it does not begin with a letter"
		default:
			return "only letters, digits and underscores can stand in it"
		}
	}
	switch {
	case s == "":
		return "there is nothing before __c"
	case strings.Contains(s, "__") || strings.HasSuffix(s, "_"):
		return "no two underscores can stand together before __c"
	}
	return ""
}

// Event reports whether a name is that of a platform event.
func Event(name string) bool { return strings.HasSuffix(name, "__e") }

// Label is the label that a custom name suggests: "First_Seen__c" is First Seen.
func Label(name string) string {
	name = strings.TrimSuffix(strings.TrimSuffix(name, "__c"), "__e")
	if i := strings.LastIndex(name, "__"); i >= 0 {
		name = name[i+2:]
	}
	return strings.ReplaceAll(name, "_", " ")
}

// Type is the type in the words of describe that a word of Setup or of databases most likely means, "" for none.
func Type(word string) string {
	switch strings.ToLower(word) {
	case "text", "varchar", "autonumber":
		return "string"
	case "longtextarea", "html", "richtext":
		return "textarea"
	case "checkbox", "bool":
		return "boolean"
	case "number", "float", "decimal", "numeric", "long":
		return "double"
	case "integer":
		return "int"
	case "timestamp":
		return "datetime"
	case "lookup", "masterdetail", "id":
		return "reference"
	case "enum", "combobox":
		return "picklist"
	case "multiselectpicklist":
		return "multipicklist"
	case "geolocation", "address":
		return "location"
	case "encryptedtext":
		return "encryptedstring"
	}
	return ""
}
