package input

import (
	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
)

// LoadMapping reads a mapping file and shows its warnings.
func LoadMapping(a *verb.App, path string) (*mapping.File, error) {
	file, found, err := mapping.Load(path)
	if err != nil {
		if _, ok := diag.As(err); ok {
			return nil, err
		}
		return nil, exit.Errorf(exit.BadConfig, "%w", err)
	}
	a.Con.Diagnostics(found)
	return file, nil
}

// LoadSchema reads an overlay or a snapshot and shows its warnings.
func LoadSchema(a *verb.App, path string) (*schema.Schema, error) {
	s, found, err := schema.Load(path)
	if err != nil {
		if _, ok := diag.As(err); ok {
			return nil, err
		}
		return nil, exit.Errorf(exit.BadConfig, "%w", err)
	}
	a.Con.Diagnostics(found)
	return s, nil
}

// SchemaOf reads the schema that a mapping names.
func SchemaOf(a *verb.App, file *mapping.File) (*schema.Schema, error) {
	s, err := LoadSchema(a, file.Schema.Value)
	if _, ok := diag.As(err); err == nil || ok {
		return s, err
	}
	var l diag.List
	l.Errorf(file.Schema.Pos, "schema-file", "the path is relative to the mapping file", "%v", err)
	return nil, l.Err()
}
