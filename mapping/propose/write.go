package propose

import (
	"fmt"
	"strconv"
	"strings"

	"sfsync/mapping/schema"
)

// File is a mapping file that is proposed.
type File struct {
	Name string
	// SchemaURL is where editors find the JSON Schema of mapping files.
	SchemaURL string
	// Schema is the overlay or snapshot that the mapping names; "" for none.
	Schema  string
	Files   []string
	Format  string // "" to leave it to the files
	Targets []*Target
}

// YAML writes the file.
func (f *File) YAML() []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# yaml-language-server: $schema=%s", f.SchemaURL)
	line("version: 1")
	line("name: %s", scalar(f.Name))
	if f.Schema != "" {
		line("schema: %s", scalar(f.Schema))
	}
	line("source:")
	if len(f.Files) == 1 {
		line("  files: %s", scalar(f.Files[0]))
	} else {
		line("  files:")
		for _, path := range f.Files {
			line("    - %s", scalar(path))
		}
	}
	if f.Format != "" {
		line("  format: %s", f.Format)
	}
	line("targets:")
	seen := map[string]int{}
	for _, t := range f.Targets {
		name := strings.ToLower(strings.TrimSuffix(t.Object.Name, "__c"))
		if seen[name]++; seen[name] > 1 {
			name += strconv.Itoa(seen[name])
		}
		line("  - name: %s", name)
		t.write(line)
	}
	return []byte(b.String())
}

func (t *Target) write(line func(string, ...any)) {
	line("    object: %s", t.Object.Name)
	if t.Match == nil {
		line("    operation: insert # no column fits a key of %s: every run creates the records anew", t.Object.Name)
	} else {
		line("    match: %s%s", t.Match.Name, comment(t.MatchNote))
	}
	line("    fields:")
	width := 0
	for _, r := range t.Rules {
		width = max(width, len(r.Field.Name))
	}
	for _, r := range t.Rules {
		if r.Column == "" && r.Field.Type == schema.Reference {
			line("      # %s: a record id, or the relationship and an external id%s", r.Field.Name, comment(r.Note)[1:])
			continue
		}
		pad := strings.Repeat(" ", width-len(r.Field.Name))
		line("      %s: %s%s%s", r.Field.Name, pad, r.text(), comment(r.Note))
	}
	if len(t.Unused) > 0 {
		line("    # Columns that no rule has; rest: fail would refuse files with them, rest: custom sends")
		line("    # each to the custom field of its name:")
		for _, c := range t.Unused {
			line("    #   %s", oneLine(c))
		}
	}
	line("    rest: ignore")
}

// text writes a rule as it stands behind its field.
func (r *Rule) text() string {
	if r.Column == "" {
		return "{value: " + flow(r.Value) + "}"
	}
	return scalar(strings.Join(append([]string{reference(r.Column)}, r.Steps...), " | "))
}

func comment(note string) string {
	if note == "" {
		return ""
	}
	return " # " + note
}

func oneLine(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// reference writes a column's name as a rule does: in quotes where it is no path.
func reference(name string) string {
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

// scalar writes a text as a YAML scalar: plain where that cannot be misread.
func scalar(s string) string {
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
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			return strconv.Quote(s)
		}
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// flow writes a scalar inside { }.
func flow(s string) string {
	if strings.ContainsAny(s, ",[]{}:#") {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return scalar(s)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
