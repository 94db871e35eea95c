package syntax

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/spec"
	"sfsync/mapping/yamlnode"
)

// Load reads and parses the mapping file at path, as [Parse] does. A file that cannot be
// read is the error of package fs, wrapped.
func Load(path string) (*File, []diag.Diagnostic, error) {
	text, err := readFile(path, yamlnode.MaxBytes)
	if err != nil {
		return nil, nil, fmt.Errorf("read mapping: %w", err)
	}
	return Parse(path, text)
}

// Parse reads a mapping and checks its form: everything that can be said without a schema
// and without the data. The diagnostics are all findings, warnings too, by their place; if
// one of them is an error, err is a [*diag.Errors] with the same list.
//
// Files that the mapping names in values: are read, relative to the directory of path.
// With an error the File holds what could be understood, so that more can be said about it.
func Parse(path string, text []byte) (*File, []diag.Diagnostic, error) {
	return parse(path, text, readFile)
}

// readFile reads a regular file of at most limit bytes; what is longer comes back with a
// byte more than that.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// parser turns a tree of nodes into a File.
type parser struct {
	list   diag.List
	dir    string // of the mapping file; what it names is relative to it
	read   func(path string, limit int64) ([]byte, error)
	places map[string]*spec.Place
	steps  map[string]spec.Transform
}

func parse(path string, text []byte, read func(string, int64) ([]byte, error)) (*File, []diag.Diagnostic, error) {
	p := &parser{dir: filepath.Dir(path), read: read, places: map[string]*spec.Place{}, steps: map[string]spec.Transform{}}
	for _, pl := range spec.Language() {
		p.places[pl.Name] = &pl
	}
	for _, t := range spec.Transforms() {
		p.steps[t.Name] = t
	}
	sum := sha256.Sum256(text)
	f := &File{Path: path, Text: text, SHA256: hex.EncodeToString(sum[:])}
	if root := yamlnode.Parse(path, text, &p.list); root != nil && root.Kind != yamlnode.Null {
		p.file(f, root)
	} else if !p.list.Failed() {
		p.list.Errorf(diag.Pos{File: path, Line: 1, Column: 1}, codeEmpty, "begin with version: 1", "the mapping is empty")
	}
	all := p.list.All()
	return f, all, p.list.Err()
}

// relative makes a path of the mapping relative to the working directory.
func (p *parser) relative(path string) string {
	if path == "" || path == "-" || filepath.IsAbs(path) || strings.Contains(path, "://") {
		return path
	}
	joined := filepath.Join(p.dir, path)
	if strings.HasSuffix(path, "/") {
		joined += "/"
	}
	return joined
}

func (p *parser) file(f *File, root *yamlnode.Node) {
	o, ok := p.object(root, spec.AtFile)
	if !ok {
		return
	}
	if o.word("version") == "1" {
		f.Version = 1
	}
	f.Name = o.text("name").Value
	if f.Name == "" {
		f.Name = nameOf(f.Path)
	}
	f.Schema = o.text("schema")
	f.Schema.Value = p.relative(f.Schema.Value)
	f.Source = p.source(o.get("source"))
	if list := o.get("targets"); list != nil {
		if len(list.Items) == 0 {
			p.list.Errorf(list.Pos, codeEmpty, "a mapping needs at least one target", `"targets" is empty`)
		}
		for _, n := range list.Items {
			if t := p.target(n); t != nil {
				f.Targets = append(f.Targets, t)
			}
		}
	}
	p.lintFile(f)
}

// nameOf makes a mapping's name of its file's.
func nameOf(path string) string {
	base := filepath.Base(path)
	base = strings.TrimSuffix(base, filepath.Ext(base))
	name := []byte(base)
	for i, c := range name {
		if !nameByte(c) {
			name[i] = '-'
		}
	}
	s := strings.Trim(string(name[:min(len(name), maxName)]), "-.")
	if s == "" {
		return "mapping"
	}
	return s
}

func (p *parser) source(n *yamlnode.Node) Source {
	s := Source{Format: "auto", CSV: CSV{Delimiter: "auto", Encoding: "auto", Null: []string{""}}}
	if n == nil {
		return s
	}
	o, ok := p.object(n, spec.AtSource)
	if !ok {
		return s
	}
	for _, path := range o.texts("files") {
		path.Value = p.relative(path.Value)
		s.Files = append(s.Files, path)
	}
	if w := o.word("format"); w != "" {
		s.Format = w
	}
	csv := o.get("csv")
	if csv == nil {
		return s
	}
	if s.Format == "jsonl" {
		p.list.Warnf(csv.Pos, codeNoEffect, "", `"csv" has no effect on format jsonl`)
	}
	if o, ok = p.object(csv, spec.AtCSV); !ok {
		return s
	}
	s.CSV.Delimiter = p.delimiter(o.text("delimiter"))
	s.CSV.Encoding = p.encoding(o.text("encoding"))
	if o.get("null") != nil {
		s.CSV.Null = []string{}
		for _, t := range o.texts("null") {
			s.CSV.Null = append(s.CSV.Null, t.Value)
		}
	}
	return s
}

func (p *parser) target(n *yamlnode.Node) *Target {
	o, ok := p.object(n, spec.AtTarget)
	if !ok {
		return nil
	}
	t := &Target{Pos: n.Pos, Name: o.text("name"), Object: o.text("object"), Operation: Upsert, Match: o.match("match"), When: o.text("when"), Rest: "ignore"}
	if t.Name.Value == "" {
		t.Name = Str{Value: strings.ToLower(t.Object.Value), Pos: t.Object.Pos}
	}
	if w := o.word("operation"); w != "" {
		t.Operation = Operation(w)
	}
	if w := o.word("rest"); w != "" {
		t.Rest = w
	}
	t.MissingIgnore = o.word("missing") == "ignore"
	if fields := o.get("fields"); fields != nil {
		for _, pair := range fields.Pairs {
			if r := p.rule(pair.Key, pair.Value); r != nil {
				t.Fields = append(t.Fields, r)
			} else if pair.Key.Text != "" && badAPIName(pair.Key.Text) < 0 {
				t.Unsound = append(t.Unsound, str(pair.Key))
			}
		}
	}
	t.Custom = p.refs(o.get("custom"), false)
	p.lintTarget(t, o)
	return t
}

// rule parses a field's rule. The field's name is checked first: a rule for a field that
// cannot be is checked all the same, but not returned.
func (p *parser) rule(name, n *yamlnode.Node) *Rule {
	r := &Rule{Field: str(name), Blank: BlankLeave}
	good := p.ruleName(name)
	switch {
	case n.Broken:
		return nil
	case n.IsNull():
		p.list.Errorf(n.Pos, codeValueMissing, "name the column that it comes from", "nothing is written after field %q", name.Text)
		return nil
	case n.Kind == yamlnode.Scalar:
		r.From = p.refs(n, true)
		good = good && r.From != nil
	case n.Kind == yamlnode.Seq:
		p.list.Errorf(n.Pos, codeKind, "for the first column that is not blank write {from: [a, b]}",
			"field %q must be a column with transforms or a map, not a list", name.Text)
		return nil
	default:
		o, ok := p.object(n, spec.AtRule)
		if !ok {
			return nil
		}
		good = p.longRule(r, o) && good
	}
	if !good {
		return nil
	}
	return r
}

// longRule fills a rule from its long form and reports whether it can be used.
func (p *parser) longRule(r *Rule, o *object) bool {
	r.From = p.refs(o.get("from"), false)
	r.Value = o.optional("value")
	r.Expr = o.optional("expr")
	r.Default = o.optional("default")
	r.DefaultAlways = o.word("default_on") == "always"
	if w := o.word("blank"); w != "" {
		r.Blank = Blank(w)
	}
	if n := o.get("values"); n != nil {
		r.Values = p.values(n)
		if w := o.word("on_unmapped"); r.Values != nil {
			r.Values.Unmapped = "keep"
			if w != "" {
				r.Values.Unmapped = w
			}
		}
	}
	return p.lintRule(r, o)
}
