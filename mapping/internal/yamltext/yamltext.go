// Package yamltext writes the pieces of mapping files: scalars, columns and comments, so that the
// parser reads back what was meant.
package yamltext

import (
	"strconv"
	"strings"
)

// Scalar writes a text as a YAML scalar: plain where that cannot be misread.
func Scalar(s string) string {
	plain := s != "" && s[0] != ' ' && s[len(s)-1] != ' '
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_' && i > 0, r == '/':
		case i > 0 && (r >= '0' && r <= '9' || strings.ContainsRune("-. |()+", r)):
		default:
			plain = false
		}
	}
	switch strings.ToLower(s) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		plain = false
	}
	if plain {
		return s
	}
	return quote(s)
}

// Flow writes a scalar inside { } or [ ].
func Flow(s string) string {
	if strings.ContainsAny(s, ",[]{}:#") {
		return quote(s)
	}
	return Scalar(s)
}

// quote puts a text in single quotes, or in double ones where it holds what those cannot.
func quote(s string) string {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			return strconv.Quote(s)
		}
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// Column writes a column's name as a rule does: in quotes where it is no path.
func Column(name string) string {
	ok := name != ""
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		switch {
		case letter:
		case i > 0 && (r >= '0' && r <= '9' || r == '-' || r == '.' && name[i-1] != '.' && i+1 < len(name)):
		default:
			ok = false
		}
	}
	switch strings.ToLower(name) {
	case "null", "true", "false":
		ok = false
	}
	if ok {
		return name
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// Variable writes a column's name as an expression does: as a variable or path where it is one,
// else as a key of $env.
func Variable(name string) string {
	for part := range strings.SplitSeq(name, ".") {
		for i, r := range part {
			letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
			if !letter && (i == 0 || r < '0' || r > '9') {
				return "$env[" + strconv.Quote(name) + "]"
			}
		}
		switch strings.ToLower(part) {
		case "", "null", "nil", "true", "false", "in", "not", "and", "or", "matches", "contains", "startswith", "endswith", "let", "if", "else":
			return "$env[" + strconv.Quote(name) + "]"
		}
	}
	return name
}

// NotBlank writes the condition that a column has a value.
func NotBlank(name string) string {
	if name == "blank" || name == "number" { // columns of these names hide the functions
		return Variable(name) + ` != ""`
	}
	return "not blank(" + Variable(name) + ")"
}

// OneLine makes a text fit for a comment: characters that would break the line or cannot be seen
// are escaped.
func OneLine(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == ' ' || strconv.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRune(r)
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// Comment breaks a text into comment lines of about width characters, each behind indent.
func Comment(indent, text string, width int) []string {
	var out []string
	line := ""
	for word := range strings.FieldsSeq(OneLine(text)) {
		if line != "" && len(indent)+2+len(line)+1+len(word) > width {
			out = append(out, indent+"# "+line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(out, indent+"# "+line)
}
