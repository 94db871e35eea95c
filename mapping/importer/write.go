package importer

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/internal/yamltext"
	"sfsync/mapping/yamlnode"
)

const width = 110 // of comments

// YAML writes a mapping file with all steps as targets, or with the one of that name. Where they
// read different inputs, the columns of a mapping with several steps have the input's name in
// front, as rows that join the inputs have them, and references between the steps go by the row.
func (r *Result) YAML(only string) []byte {
	steps := r.job.steps
	if only != "" {
		steps = slices.DeleteFunc(slices.Clone(steps), func(s *step) bool { return s.name != only })
	}
	w := &writer{job: r.job, steps: steps}
	for _, s := range steps {
		if !strings.EqualFold(s.input.table, steps[0].input.table) {
			w.joined = true
		}
	}
	w.head(r)
	for _, s := range steps {
		w.step(s)
	}
	return []byte(w.b.String())
}

type writer struct {
	job    *job
	steps  []*step
	joined bool // the steps read different inputs
	b      strings.Builder
}

// line writes a line. What is behind a text that is too long already is left out: [Import] gives an error then.
func (w *writer) line(format string, args ...any) {
	if w.b.Len() <= yamlnode.MaxBytes {
		fmt.Fprintf(&w.b, format+"\n", args...)
	}
}

func (w *writer) comment(indent, text string) {
	if w.b.Len() > yamlnode.MaxBytes {
		return
	}
	for _, l := range yamltext.Comment(indent, text, width) {
		w.line("%s", l)
	}
}

func (w *writer) head(r *Result) {
	if w.job.SchemaURL != "" {
		w.line("# yaml-language-server: $schema=%s", w.job.SchemaURL)
	}
	w.comment("", fmt.Sprintf("From %s (%s).", path.Base(strings.ReplaceAll(w.job.path, `\`, "/")), r.Kind))
	for _, c := range w.job.comments {
		w.comment("", c)
	}
	var flags []string
	for _, s := range w.steps {
		for _, f := range s.flags {
			if !contains(flags, f) {
				flags = append(flags, f)
			}
		}
	}
	if len(flags) > 0 {
		w.comment("", "Run it with "+strings.Join(flags, " ")+".")
	}
	if w.joined {
		w.comment("", "The steps read different inputs. Here their columns have the name of the input in front, as in rows that join them, "+
			"and each row makes one record of each target. To load every input by itself, import one step at a time with --only, "+
			"or all of them into a directory with --out DIR/.")
	}
	w.line("version: 1")
	name := w.job.Name
	if name == "" {
		base := path.Base(strings.ReplaceAll(w.job.path, `\`, "/"))
		name, _, _ = strings.Cut(base, ".")
		if len(w.steps) == 1 {
			name = w.steps[0].name
		}
	}
	w.line("name: %s", yamltext.Scalar(slug(name)))
	if w.job.SchemaPath != "" {
		w.line("schema: %s", yamltext.Scalar(w.job.SchemaPath))
	}
	w.source()
	w.line("targets:")
}

// source writes what is read, if there is something to say.
func (w *writer) source() {
	in := w.steps[0].input
	for _, c := range in.comments {
		w.comment("", c)
	}
	if w.joined {
		return
	}
	var csv []string
	if in.delimiter != "" {
		csv = append(csv, "delimiter: "+yamltext.Flow(in.delimiter))
	}
	if in.encoding != "" {
		csv = append(csv, "encoding: "+yamltext.Flow(in.encoding))
	}
	if len(in.files) == 0 && len(csv) == 0 {
		return
	}
	w.line("source:")
	if len(in.files) > 0 {
		files := make([]string, len(in.files))
		for i, f := range in.files {
			files[i] = yamltext.Flow(f)
		}
		w.line("  files: [%s]", strings.Join(files, ", "))
	}
	if len(csv) > 0 {
		w.line("  csv: {%s}", strings.Join(csv, ", "))
	}
}

func (w *writer) step(s *step) {
	for _, c := range s.comments {
		w.comment("  ", c)
	}
	w.line("  - name: %s", yamltext.Scalar(s.name))
	w.line("    object: %s", yamltext.Scalar(s.object))
	w.line("    operation: %s", s.operation)
	if len(s.keys) > 0 {
		keys := make([]string, len(s.keys))
		for i, key := range s.keys {
			names := make([]string, len(key))
			for k, name := range key {
				names[k] = yamltext.Flow(name)
			}
			if keys[i] = names[0]; len(key) > 1 {
				keys[i] = "[" + strings.Join(names, ", ") + "]"
			}
		}
		if len(keys) == 1 && len(s.keys[0]) == 1 {
			w.line("    match: %s", keys[0])
		} else {
			w.line("    match: [%s]", strings.Join(keys, ", "))
		}
	}
	if s.batch > 0 {
		w.line("    batch: %d", s.batch)
	}
	if s.assignment != "" {
		w.line("    assignment_rule: %s", s.assignment)
	}
	if s.allowDuplicates {
		w.line("    duplicate_rule: allow_alerts")
	}
	if w.joined {
		if column := s.witness(); column != "" {
			w.line("    when: %s", yamltext.Scalar(yamltext.NotBlank(w.column(s, column))))
		}
	}
	w.line("    fields:")
	pad := 0
	for _, f := range s.fields {
		if !f.off || w.refers(s, f) {
			pad = max(pad, len(yamltext.Scalar(f.name)))
		}
	}
	for _, f := range s.fields {
		w.field(s, f, pad)
	}
	if len(s.unused) > 0 {
		w.comment("    ", "Not loaded: "+strings.Join(s.unused, ", ")+".")
	}
}

// witness returns the column that tells whether a row of a joined input has a record of the step.
func (s *step) witness() string {
	best := ""
	for _, f := range s.fields {
		if f.off || f.column == "" {
			continue
		}
		if s.isKey(f.name) {
			return f.column
		}
		if best == "" || strings.HasSuffix(f.name, "Name") && !strings.HasSuffix(best, "Name") {
			best = f.column
		}
	}
	return best
}

// column returns a column's name in the mapping that is written.
func (w *writer) column(s *step, name string) string {
	if w.joined {
		return s.input.table + "." + name
	}
	return name
}

func (w *writer) field(s *step, f *field, pad int) {
	name := yamltext.Scalar(f.name)
	text := w.rule(s, f)
	refers := w.refers(s, f) // what is said of the key of the other record does not matter then
	if !refers {
		for _, c := range f.comments {
			w.comment("      ", c)
		}
	}
	if f.off && !refers {
		w.comment("      ", name+": "+text)
		return
	}
	if len(f.values) == 0 {
		w.line("      %s: %s%s", name, strings.Repeat(" ", max(0, pad-len(name))), text)
		return
	}
	w.line("      %s:", name)
	w.line("        from: %s", yamltext.Scalar(w.from(s, f)))
	if f.null {
		w.line("        blank: null")
	}
	w.line("        values:")
	for _, p := range f.values {
		w.line("          %s: %s", yamltext.Flow(p.from), yamltext.Flow(p.to))
	}
}

// from writes a column with its transforms.
func (w *writer) from(s *step, f *field) string {
	return strings.Join(append([]string{yamltext.Column(w.column(s, f.column))}, f.steps...), " | ")
}

// rule writes what stands behind a field's name.
func (w *writer) rule(s *step, f *field) string {
	if w.refers(s, f) {
		return "{ref: " + yamltext.Flow(f.parent.name) + "}"
	}
	var keys []string
	switch {
	case f.recordType != "":
		keys = append(keys, "record_type: "+yamltext.Flow(f.recordType))
	case f.value != nil:
		keys = append(keys, "value: "+yamltext.Flow(*f.value))
	case f.lookup != "":
		keys = append(keys, "lookup: "+yamltext.Flow(f.lookup), "from: "+yamltext.Flow(w.from(s, f)))
	case f.null:
		keys = append(keys, "from: "+yamltext.Flow(w.from(s, f)))
	default:
		return yamltext.Scalar(w.from(s, f))
	}
	if f.null {
		keys = append(keys, "blank: null")
	}
	return "{" + strings.Join(keys, ", ") + "}"
}

// refers reports whether a rule goes by the record that an earlier target makes of the same row.
func (w *writer) refers(s *step, f *field) bool {
	if !w.joined || f.parent == nil || f.parent.operation == "delete" || f.parent.operation == "publish" {
		return false
	}
	i := slices.Index(w.steps, f.parent)
	return i >= 0 && i < slices.Index(w.steps, s)
}

// carried reports whether a note is about the key of another record that a rule goes by, where the
// mapping goes by the record of the same row instead.
func (w *writer) carried(d diag.Diagnostic) bool {
	for _, s := range w.steps {
		for _, f := range s.fields {
			if f.pos == d.Pos && w.refers(s, f) && slices.Contains(f.comments, d.Message) {
				return true
			}
		}
	}
	return false
}
