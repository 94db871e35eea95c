package propose

import (
	"fmt"
	"strconv"
	"strings"

	"sfsync/mapping/internal/yamltext"
	"sfsync/mapping/schema"
)

// File is a mapping file that is proposed.
type File struct {
	Name string
	// SchemaURL is where editors find the JSON Schema of mapping files.
	SchemaURL string
	// Schema is the overlay or snapshot that the mapping names; "" for none.
	Schema string
	Files  []string
	Format string // "" to leave it to the files
	// Encoding of CSV is "" to leave it to the files; Guessed says that nobody named it.
	Encoding string
	Guessed  bool
	Targets  []*Target
}

// YAML writes the file.
func (f *File) YAML() []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# yaml-language-server: $schema=%s", f.SchemaURL)
	line("version: 1")
	line("name: %s", yamltext.Scalar(f.Name))
	if f.Schema != "" {
		line("schema: %s", yamltext.Scalar(f.Schema))
	}
	line("source:")
	if len(f.Files) == 1 {
		line("  files: %s", yamltext.Scalar(f.Files[0]))
	} else {
		line("  files:")
		for _, path := range f.Files {
			line("    - %s", yamltext.Scalar(path))
		}
	}
	if f.Format != "" {
		line("  format: %s", f.Format)
	}
	if f.Encoding != "" {
		note := ""
		if f.Guessed {
			note = "a guess: the file is not UTF-8"
		}
		line("  csv: {encoding: %s}%s", yamltext.Flow(f.Encoding), comment(note))
	}
	line("targets:")
	names := map[*Target]string{}
	seen := map[string]int{}
	for _, t := range f.Targets {
		name := strings.ToLower(strings.TrimSuffix(t.Object.Name, "__c"))
		if seen[name]++; seen[name] > 1 {
			name += strconv.Itoa(seen[name])
		}
		names[t] = name
	}
	for _, t := range f.Targets {
		line("  - name: %s", names[t])
		t.write(line, names)
	}
	return []byte(b.String())
}

func (t *Target) write(line func(string, ...any), names map[*Target]string) {
	line("    object: %s", t.Object.Name)
	if t.Match == nil {
		line("    operation: insert # no column fits a key of %s: every run creates the records anew", t.Object.Name)
	} else {
		line("    match: %s%s", t.Match.Name, comment(t.MatchNote))
	}
	if t.When != "" {
		line("    when: %s%s", yamltext.Scalar(t.When), comment(t.WhenNote))
	}
	line("    fields:")
	width := 0
	for _, r := range t.Rules {
		if !r.Off {
			width = max(width, len(r.name()))
		}
	}
	for _, r := range t.Rules {
		switch {
		case len(r.From) == 0 && r.Ref == nil && r.Field.Type == schema.Reference:
			line("      # %s: a record id, or the relationship and an external id%s", r.Field.Name, comment(r.Note)[1:])
		case r.Off:
			line("      # %s: %s%s", r.name(), r.text(names), comment(r.Note))
		default:
			pad := strings.Repeat(" ", width-len(r.name()))
			line("      %s: %s%s%s", r.name(), pad, r.text(names), comment(r.Note))
		}
	}
	if len(t.Unused) > 0 {
		line("    # Columns that no rule has; rest: fail would refuse files with them, rest: custom sends")
		line("    # each to the custom field of its name:")
		for _, u := range t.Unused {
			only := ""
			if u.Only != "" {
				only = " (only in " + yamltext.OneLine(u.Only) + ")"
			}
			line("    #   %s%s", yamltext.OneLine(u.Column), only)
		}
	}
	line("    rest: ignore")
}

// name writes what a rule has on the left.
func (r *Rule) name() string {
	switch {
	case r.Key == "":
		return r.Field.Name
	case r.Parent != "":
		return yamltext.Scalar(r.Parent + ":" + r.Field.RelationshipName + "." + r.Key)
	}
	return r.Field.RelationshipName + "." + r.Key
}

// text writes a rule as it stands behind its field.
func (r *Rule) text(names map[*Target]string) string {
	if r.Ref != nil {
		return "{ref: " + names[r.Ref] + "}"
	}
	if len(r.From) == 0 && r.Default != "" {
		return `{expr: '""', default: ` + yamltext.Flow(r.Default) + "}"
	}
	if len(r.From) == 0 {
		return "{value: " + yamltext.Flow(r.Value) + "}"
	}
	if len(r.From) == 1 && r.Lookup == "" && r.Default == "" && r.Values == nil {
		return yamltext.Scalar(r.From[0].text())
	}
	var keys []string
	if r.Lookup != "" {
		keys = append(keys, "lookup: "+r.Lookup)
	}
	from := make([]string, len(r.From))
	for i, src := range r.From {
		from[i] = yamltext.Flow(src.text())
	}
	if len(from) == 1 {
		keys = append(keys, "from: "+from[0])
	} else {
		keys = append(keys, "from: ["+strings.Join(from, ", ")+"]")
	}
	if r.Values != nil {
		pairs := make([]string, len(r.Values))
		for i, v := range r.Values {
			pairs[i] = yamltext.Flow(strings.TrimSpace(v.From)) + ": " + yamltext.Flow(v.To)
		}
		keys = append(keys, "values: {"+strings.Join(pairs, ", ")+"}")
	}
	if r.Default != "" {
		keys = append(keys, "default: "+yamltext.Flow(r.Default))
	}
	return "{" + strings.Join(keys, ", ") + "}"
}

// text writes a column with its transforms.
func (s *Source) text() string {
	return strings.Join(append([]string{yamltext.Column(s.Column)}, s.Steps...), " | ")
}

func comment(note string) string {
	if note == "" {
		return ""
	}
	return " # " + yamltext.OneLine(note)
}

// of says how many of them there are: "1 of 42 rows".
func of(n, all int, noun string) string {
	return strconv.Itoa(n) + " of " + strconv.Itoa(all) + " " + noun + "s"
}
