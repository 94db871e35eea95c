// Package syntax reads mapping files: YAML to a [File] in which everything has its place, checked
// against the description of the language in package spec. What a mapping means, given a
// schema, is the business of package mapping.
package syntax

import (
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/event"
	"sfsync/mapping/syntax/table"
	"sfsync/mapping/yamlnode"
)

// File is a mapping file as it was written: checked for form, not yet against a schema.
type File struct {
	// Path is where the file was read from, as given; Text its bytes.
	Path string
	Text []byte
	// SHA256 is the hash, in hex, of all that the mapping says: that of Text, or where it takes other
	// files in, of their hashes too. Parts are those files: its preset, and tables of values, each once.
	SHA256 string
	Parts  []Part

	Version int
	Name    string
	// Schema is the path of the overlay or snapshot named by schema:, made relative to the
	// working directory; empty for none.
	Schema  Str
	Source  Source
	Targets []*Target
	// Preset is the name of the mapping that this one was merged into; empty for none.
	Preset Str
	Tests  []*Test
}

// Part is a file that a mapping takes in: SHA256 is the hash of its bytes, in hex.
type Part struct{ Path, SHA256 string }

// Test is a case under tests: rows, and the records or errors that they have to become.
type Test struct {
	Name Str
	Pos  diag.Pos
	// Rows are one JSON object a row, as a line of JSON Lines.
	Rows []Str
	// Expect are the outcomes, in no order: each names a row by its number from 1.
	Expect []*Expectation
}

// Expectation is what one row becomes for one target: a record with Fields and without Absent,
// an error with a Code, or nothing where it is Skipped.
type Expectation struct {
	Pos    diag.Pos
	Row    int
	Target Str
	// Fields are the fields that the record has to have, with their text; a null one is nil.
	// Fields that are not named may be there too.
	Fields []ExpectedField
	// Code is that of the error with which the row has to fail.
	Code Str
	// Absent are fields that the record must not send at all.
	Absent []Str
	// Skipped says that the target does not want the row.
	Skipped bool
}

// ExpectedField is a field of an expectation.
type ExpectedField struct {
	Field Str
	Value *Str // nil for null
}

// Str is a scalar by its source text, with its place.
type Str struct {
	Value string
	Pos   diag.Pos

	node *yamlnode.Node // nil where the text is no scalar of its own
}

// At returns the place of a byte of the value: through quotes, escapes and line breaks.
func (s Str) At(offset int) diag.Pos {
	if s.node == nil {
		return s.Pos
	}
	return s.node.At(offset)
}

// ValuePair is one line of a table of values.
type ValuePair struct{ From, To Str }

// Source says what is read and how.
type Source struct {
	// Files are paths and globs, made relative to the working directory.
	Files  []Str
	Format string // auto, csv, jsonl
	CSV    CSV
	// Events is none or rudderstack; Gate says whether events of the latter that are not enabled
	// for Salesforce are skipped.
	Events string
	Gate   bool
	// Entries are the records that events of the input name themselves. They are no part of the
	// language: package fanout makes targets of what an input has.
	Entries []event.Entry
	// Duplicates says what happens to rows with the same match key: in_order, last or fail.
	Duplicates string
}

// CSV holds the options of CSV files.
type CSV struct {
	Delimiter string   // auto, or the character itself: "," for comma
	Encoding  string   // auto, or a name that golang.org/x/text knows
	Null      []string // cells that mean null
}

// Operation is what a target does with its records.
type Operation string

// The operations.
const (
	Insert Operation = "insert"
	Update Operation = "update"
	Upsert Operation = "upsert"
	Delete Operation = "delete"
	// Publish creates platform events.
	Publish Operation = "publish"
)

// Target is one object that rows become records of.
type Target struct {
	Pos       diag.Pos
	Name      Str
	Object    Str
	Operation Operation
	// Match is the match field of an upsert, update or delete that has one key of one field;
	// else its Value is empty.
	Match Str
	// Keys are the match keys in order, each of one field or several. An upsert without any has
	// a rule with a RefTo: its object may have a key by nature. So may an update or delete that is
	// only reached through another target's OnConverted.
	Keys [][]Str
	// OnMany says what a row whose key finds several records does: fail, newest, oldest or skip.
	OnMany string
	// OnConverted says what a row that finds a converted lead does: fail, skip, or the name of the
	// target that takes it.
	OnConverted Str
	// Org names the org that the target goes to; empty for the run's.
	Org Str
	// Order is key, or parent: rows of one parent are never in two requests at a time.
	Order string
	// Batch is the most records a request has; 0 for as many as the API takes.
	Batch int
	// AssignmentRule is off, default or the id of an assignment rule; DuplicateRule obey or allow_alerts.
	AssignmentRule Str
	DuplicateRule  string
	// AllOrNone makes the records of a collection share one fate.
	AllOrNone bool
	// UpdateMRU is true or false, or "" for what the org does.
	UpdateMRU string
	// BackupAlways saves records before they are changed, whatever the command says.
	BackupAlways bool
	// Track is the name of the track event whose rows the target takes; empty for identify events
	// and for rows that are no events.
	Track Str
	// Entry, in a target that package fanout made, is the column of the entry of an event that the
	// target's record is for.
	Entry Str
	// Passed, beside Entry, are columns that rest passes over.
	Passed []Str
	// When is the condition in the expression language; empty for always.
	When   Str
	Fields []*Rule
	// Unsound are the names of fields whose rules are wrong in form and not among Fields.
	Unsound []Str
	// Custom are columns or paths whose value goes to the field of the same name with "__c".
	Custom []Ref
	// Rest says what happens to columns that no rule uses: ignore, custom or fail. RestPos is where it
	// stands, or the target where it does not.
	Rest    string
	RestPos diag.Pos
	// MissingIgnore lets custom columns pass for which the object has no field.
	MissingIgnore bool

	broken bool // match or operation are written, and wrong in form
}

// Rule says where one field's value comes from. Exactly one of From, Value, Expr, RecordType,
// RefTo and the Columns of Values is set; Lookup goes with all but RecordType and RefTo.
type Rule struct {
	Field Str
	// From are columns or paths; the first that is not blank after its transforms counts.
	From  []Ref
	Value *Str
	Expr  *Str

	// Default is used where the value is blank. With DefaultAlways it is sent on updates too.
	Default       *Str
	DefaultAlways bool
	Blank         Blank
	Values        *Values
	// OnlyIfEmpty keeps a value that the record has already.
	OnlyIfEmpty bool
	// MissingIgnore leaves the rule out where the object has no such field.
	MissingIgnore bool
	// Lookup makes the value the key of another record, whose id the field gets.
	Lookup *Lookup
	// RecordType is the name of a record type, whose id the field gets.
	RecordType *Str
	// RefTo is the name of the target whose record of the same row the field refers to.
	RefTo *Str
}

// Lookup names another record by a field: lookup: User.Username. The rule's value, after Values
// and Default, is what the record has to have in it.
type Lookup struct {
	Pos           diag.Pos
	Object, Field Str
	// Create makes the record where there is none, with the key and Fields.
	Create bool
	Fields []*Rule
}

// Blank says what a null or empty value becomes.
type Blank string

// The blank policies.
const (
	BlankLeave Blank = "leave" // the field is not sent
	BlankNull  Blank = "null"  // the field is cleared
	BlankFail  Blank = "fail"  // the row fails
)

// Ref is a column or path with its transforms, or an expression in its place.
type Ref struct {
	// Name is a column's name, or a path with dots; empty where Expr is set.
	Name       string
	Pos        diag.Pos
	Transforms []Call
	// Expr is an expression in the list of a rule's from; nil for a column.
	Expr *Str
}

// Call is one transform with its arguments.
type Call struct {
	Name string
	Args []Str
	Pos  diag.Pos
}

// Values translates values: inline, or from a CSV with the columns from and to. Where the rule
// takes several columns together, the CSV has a column from each of them.
type Values struct {
	Pos diag.Pos
	// Columns are the columns whose values together are looked up, where the CSV's header names
	// them instead of from; the keys of Pairs and Entries are then their trimmed values joined
	// by ValueSep, "" for a blank one. Unmapped is fail or blank then.
	Columns []Ref
	Pairs   map[string]string
	// Entries are the same pairs in the order of the file, with their places; those of a CSV
	// are in that file. No two have the same From.
	Entries []ValuePair
	// Path is the CSV file the pairs are from, made relative to the working directory; empty
	// for pairs in the mapping.
	Path string
	// Unmapped says what happens to a value that is not listed: keep, fail or blank.
	Unmapped string
}

// RestFields is a word of Target.Rest that no file can have: the traits that no rule names are fields
// by their own names. Package fanout says so where events name an object that the file does not.
const RestFields = "fields"

// ValueSep stands between the values of several columns in a table of values.
const ValueSep = table.Sep

// CustomName returns the API name of the custom field that a column or path goes to by
// custom: or rest: custom: its last segment, with "__c" unless it ends so already.
func CustomName(column string) string {
	name := column[strings.LastIndexByte(column, '.')+1:]
	if len(name) > 3 && strings.EqualFold(name[len(name)-3:], "__c") {
		return name
	}
	return name + "__c"
}
