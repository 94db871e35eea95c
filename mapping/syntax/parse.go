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
	"slices"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/spec"
	"sfsync/mapping/yamlnode"
)

// Load reads and parses the mapping file at path, as [Parse] does. A file that cannot be
// read is the error of package fs, wrapped.
func Load(path string, presets Presets) (*File, []diag.Diagnostic, error) {
	text, err := readFile(path, yamlnode.MaxBytes)
	if err != nil {
		return nil, nil, fmt.Errorf("read mapping: %w", err)
	}
	return Parse(path, text, presets)
}

// Parse reads a mapping and checks its form: everything that can be said without a schema
// and without the data. The diagnostics are all findings, warnings too, by their place; if
// one of them is an error, err is a [*diag.Errors] with the same list.
//
// Files that the mapping names in values: are read, relative to the directory of path.
// A preset that it starts from is one of presets; places in it have the file "preset:NAME".
// With an error the File holds what could be understood, so that more can be said about it.
func Parse(path string, text []byte, presets Presets) (*File, []diag.Diagnostic, error) {
	return parse(path, text, presets, readFile)
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
	parts  []Part
	rows   int  // bytes of the rows of tests
	full   bool // they are too many: nothing more is read of them
}

func parse(path string, text []byte, presets Presets, read func(string, int64) ([]byte, error)) (*File, []diag.Diagnostic, error) {
	p := &parser{dir: filepath.Dir(path), read: read, places: map[string]*spec.Place{}, steps: map[string]spec.Transform{}}
	for _, pl := range spec.Language() {
		p.places[pl.Name] = &pl
	}
	for _, t := range spec.Transforms() {
		p.steps[t.Name] = t
	}
	f := &File{Path: path, Text: text}
	if root := yamlnode.Parse(path, text, &p.list); root != nil && root.Kind != yamlnode.Null {
		if root, ok := p.preset(f, root, presets); ok {
			p.file(f, root)
		}
	} else if !p.list.Failed() {
		p.list.Errorf(diag.Pos{File: path, Line: 1, Column: 1}, codeEmpty, "begin with version: 1", "the mapping is empty")
	}
	f.Parts, f.SHA256 = p.parts, hash(text)
	if len(p.parts) > 0 {
		sums := f.SHA256
		for _, part := range p.parts {
			sums += part.SHA256
		}
		f.SHA256 = hash([]byte(sums))
	}
	all := p.list.All()
	return f, all, p.list.Err()
}

// takes notes a file that the mapping takes in.
func (p *parser) takes(path string, text []byte) {
	if !slices.ContainsFunc(p.parts, func(part Part) bool { return part.Path == path }) {
		p.parts = append(p.parts, Part{path, hash(text)})
	}
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
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
	all := true // targets could be read
	if list := o.get("targets"); list != nil {
		if len(list.Items) == 0 {
			p.list.Errorf(list.Pos, codeEmpty, "a mapping needs at least one target", `"targets" is empty`)
		}
		items := list.Items
		if len(items) > spec.MaxTargets {
			p.list.Errorf(items[spec.MaxTargets].Pos, codeLimit, "", "a mapping has more than %d targets", spec.MaxTargets)
			items, all = items[:spec.MaxTargets], false
		}
		for _, n := range items {
			if t := p.target(n); t != nil {
				f.Targets = append(f.Targets, t)
			} else {
				all = false
			}
		}
	} else {
		all = false
	}
	if list := o.get("tests"); list != nil {
		for _, n := range list.Items {
			if t := p.test(n); t != nil {
				f.Tests = append(f.Tests, t)
			}
		}
	}
	p.lintFile(f, all)
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
	s := strings.Trim(string(name[:min(len(name), spec.MaxName)]), "-.")
	if s == "" {
		return "mapping"
	}
	return s
}
