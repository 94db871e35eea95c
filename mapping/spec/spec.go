// Package spec describes the mapping language: every key at every place with what may stand
// there, and every transform. The parser's checks, the reference (the README of package
// mapping) and the JSON Schema all come from this one table.
package spec

// Form says what may stand at a key.
type Form uint8

// The forms.
const (
	Text     Form = iota // any single value, by its source text
	Word                 // one of the key's words
	Name                 // a short name: letters, digits, "_", "-" and "."
	APIName              // the API name of an object or field
	Path                 // a path, relative to the mapping file
	Expr                 // an expression
	Count                // a whole number from 1 to the key's Most
	Lookup               // an object and one of its fields: User.Username
	Texts                // a single value or a list of them
	Paths                // a path or a list of them
	APINames             // an API name or a list of them
	Columns              // a column with transforms (the short form), or a list of them
	Sources              // the same, where an entry of the list may also be a map of a place
	Match                // a field name, or a list of names and of lists of names
	Values               // a map of values, or the path of a CSV file
	Map                  // a map with the keys of a place
	Maps                 // a list of such maps
	Rules                // a map from field names to rules: what may stand at from, or the long form
	Row                  // a map that stands for a row of the input
	Rows                 // a list of such maps
	Outcomes             // what rows become: a map from targets, or a list of such maps
)

// String names the form for messages and the reference.
func (f Form) String() string {
	return [...]string{
		"text", "a word", "a name", "an API name", "a path", "an expression", "a whole number", "an object with a field, such as User.Username",
		"a value or a list of values", "a path or a list of paths", "an API name or a list of them",
		"a column with transforms, or a list of them", "a column with transforms, or a list of them",
		"a field, or a list of fields and of lists of fields", "a map of values, or the path of a CSV file",
		"a map", "a list of maps", "a map of fields", "a map of columns", "a list of maps of columns", "a map of targets, or a list of them",
	}[f]
}

// The bounds of what a mapping may hold, besides those of its text.
const (
	// MaxName is the longest name of a mapping or target, in bytes: it is part of file names.
	MaxName = 64
	// MaxBatch is the most records that a request may be told to carry: five collections of
	// 200 (REST API guide, Composite and sObject Collections).
	MaxBatch = 1000
	// MaxKeys is the most match keys of a target, and the most fields of one of them.
	MaxKeys = 10
	// MaxSources is the most columns in the list of one rule, and the most transforms of one column.
	MaxSources = 100
	// MaxTargets is the most targets of a mapping.
	MaxTargets = 100
	// MaxRowText is the most bytes that a row under tests may have as JSON: an alias in YAML can
	// stand for a long text many times.
	MaxRowText = 1 << 20
	// MaxRowsText is the most bytes that all of them may have together.
	MaxRowsText = 8 << 20
)

// Key describes one key of the language.
type Key struct {
	Name string
	Form Form
	// Words are the values of a Word, or the words that a Text or Name may be besides others.
	Words []string
	// Most is the greatest number of a Count.
	Most int
	// Fallback is what counts where the key is missing, as the reference says it.
	Fallback string
	Required bool
	// Place names the map below the key for Map, Maps, Rules (the long form) and Sources (an entry).
	Place string
	// Doc says in Markdown what the key means.
	Doc string
	// Example is a line of YAML as it may stand at the key's place; for a rule's keys it is a
	// whole rule.
	Example string
}

// Place is a map of the language.
type Place struct {
	Name string
	// What names the place in messages: "a target".
	What string
	// Title and Doc are the reference's, in Markdown.
	Title, Doc string
	Keys       []Key
}

// Key returns a key by its name, or nil.
func (p *Place) Key(name string) *Key {
	for i := range p.Keys {
		if p.Keys[i].Name == name {
			return &p.Keys[i]
		}
	}
	return nil
}

// Names are the keys of a place, for suggestions.
func (p *Place) Names() []string {
	out := make([]string, len(p.Keys))
	for i, k := range p.Keys {
		out[i] = k.Name
	}
	return out
}
