package schema

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema/document"
)

// globalFile is the name of the document of a snapshot that lists the org's objects.
const globalFile = "global.json"

// maxDescribe bounds a describe document; the largest real ones have a few megabytes.
const maxDescribe = 64 << 20

// ErrNotSnapshot is wrapped by the errors for a directory, or for documents in one, that no
// org snapshot can be.
var ErrNotSnapshot = errors.New("not a schema snapshot")

// Load reads the schema at path: a directory is a snapshot of an org ([Snapshot]), a file is a
// YAML overlay on the standard objects ([Overlay]).
//
// The diagnostics are the warnings of an overlay. Where an overlay has errors, err is a
// [*diag.Errors] that holds them and the warnings. Errors of the file system stay visible to
// errors.Is.
func Load(path string) (*Schema, []diag.Diagnostic, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read schema: %w", err)
	}
	if info.IsDir() {
		s, err := Snapshot(path)
		return s, nil, err
	}
	if strings.EqualFold(filepath.Ext(path), ".json") {
		return nil, nil, fmt.Errorf("read schema: %s: %w: a snapshot is given by its directory, the one that holds %s",
			path, ErrNotSnapshot, globalFile)
	}
	text, err := document.Read(path, maxOverlay)
	if err != nil {
		return nil, nil, fmt.Errorf("read schema: %w", err)
	}
	s, found := Overlay(Standard(), path, text)
	var list diag.List
	list.Add(found)
	if err := list.Err(); err != nil {
		return nil, nil, err
	}
	return s, found, nil
}

// Snapshot reads a snapshot directory: global.json, which is the answer of the Describe Global
// resource, and for each object that the snapshot covers a file named after it ("Lead.json")
// with its describe document, both verbatim. Other files are ignored.
func Snapshot(dir string) (*Schema, error) {
	err := checkGlobal(filepath.Join(dir, globalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read schema: %s: %w: it has no %s", dir, ErrNotSnapshot, globalFile)
	}
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	s := New(dir)
	for _, e := range entries {
		name, isJSON := strings.CutSuffix(e.Name(), ".json")
		if !isJSON || e.Name() == globalFile || e.IsDir() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		text, err := document.Read(path, maxDescribe)
		if err != nil {
			return nil, fmt.Errorf("read schema: %w", err)
		}
		o, err := ParseDescribe(text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("read schema: %s: %w: %w", path, ErrNotSnapshot, err)
		case !strings.EqualFold(o.Name, name):
			return nil, fmt.Errorf("read schema: %s: %w: it describes %s; a document is named after its object",
				path, ErrNotSnapshot, o.Name)
		}
		s.Add(o)
	}
	if len(s.objects) == 0 {
		return nil, fmt.Errorf("read schema: %s: %w: it has no describe document, such as Lead.json", dir, ErrNotSnapshot)
	}
	s.relate()
	return s, nil
}

// relate tells the references of a snapshot what the objects they lead to say of them.
func (s *Schema) relate() {
	for _, o := range s.objects {
		for _, c := range o.children {
			from := s.Object(c.object)
			if from == nil {
				continue
			}
			if f := from.Field(c.field); f != nil && f.Type == Reference {
				f.ChildRelationship = c.relationship
				f.CascadeDelete, f.RestrictedDelete = f.CascadeDelete || c.cascade, f.RestrictedDelete || c.restrict
			}
		}
	}
}

// checkGlobal reads a Describe Global answer. Nothing of it is needed: what it has of an object,
// the object's own document has too.
func checkGlobal(path string) error {
	text, err := document.Read(path, maxDescribe)
	if err != nil {
		return err
	}
	var doc struct {
		SObjects []struct {
			Name string `json:"name"`
		} `json:"sobjects"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("%s: %w: %w", path, ErrNotSnapshot, document.Problem(err))
	}
	if len(doc.SObjects) == 0 {
		return fmt.Errorf("%s: %w: it lists no sobjects", path, ErrNotSnapshot)
	}
	return nil
}
