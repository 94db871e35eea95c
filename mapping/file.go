package mapping

import (
	"sfsync/mapping/diag"
	"sfsync/mapping/presets"
	"sfsync/mapping/syntax"
)

// The parsed form of a mapping is package syntax's; these are its names for those who work
// with mappings as a whole.
//
//nolint:revive // one comment for all of them
type (
	File      = syntax.File
	Target    = syntax.Target
	Operation = syntax.Operation
	Rule      = syntax.Rule
	Ref       = syntax.Ref
	Call      = syntax.Call
	Values    = syntax.Values
	ValuePair = syntax.ValuePair
	Str       = syntax.Str
)

// The operations.
const (
	Insert = syntax.Insert
	Update = syntax.Update
	Upsert = syntax.Upsert
	Delete = syntax.Delete
	// Publish creates platform events.
	Publish = syntax.Publish
)

// The blank policies.
const (
	BlankLeave = syntax.BlankLeave
	BlankNull  = syntax.BlankNull
	BlankFail  = syntax.BlankFail
)

// Load reads and parses a mapping file; see [syntax.Load].
func Load(path string) (*File, []diag.Diagnostic, error) { return syntax.Load(path, shipped()) }

// Parse parses a mapping and checks its form; see [syntax.Parse].
func Parse(path string, text []byte) (*File, []diag.Diagnostic, error) {
	return syntax.Parse(path, text, shipped())
}

// shipped are the presets that come with the tool.
func shipped() syntax.Presets { return syntax.Presets{Get: presets.Get, Names: presets.Names} }
