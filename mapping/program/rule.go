package program

import (
	"sfsync/mapping/convert"
	"sfsync/mapping/diag"
	"sfsync/mapping/expr"
	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
	"sfsync/mapping/transform"
	"sfsync/pipeline/row"
)

// Code is how the records of a target are made.
type Code struct {
	// Rules fill the fields, in the order of the mapping. InKey are those of them whose fields are of
	// match keys, and Key the one of Target.Match, nil without one.
	Rules []*Rule
	InKey []*Rule
	Key   *Rule
	// Keys say how the columns of Target.Keys are filled.
	Keys []KeyPlan
	// Fields and Refers are, by column, the field that it holds, and the rule of one that refers to
	// another record; nil where there is none.
	Fields []*schema.Field
	Refers []*Rule

	// When is the condition on a row, nil for always; Events that on an event, nil where rows are none.
	When   *expr.Program
	Events *Events
	// Held is set if the target takes rows of another one, and Made if a lookup implies it.
	Held, Made bool
	// Needs are the file's targets whose records have to be found before one of this target is
	// written, and Keyless the name of one of them that has no match, "" for none.
	Needs   []int
	Keyless string
	// Also is another name that rows of an earlier run may have for the target.
	Also string

	// Rest is the word of rest:, and Missing set for missing: ignore. Traits says that both are about
	// the traits of events, of which the target's own rules name those in Owned.
	Rest    string
	Missing bool
	Traits  bool
	Owned   map[string]bool
	// Ruled are the lower-case names of the fields that have a rule.
	Ruled map[string]bool
	// Schema is what the mapping was compiled against, and Pos where the target's rest stands in it, or
	// else the target.
	Schema *schema.Schema
	Pos    diag.Pos
}

// Rule is one rule of a target: where a field's value comes from and what is done to it.
type Rule struct {
	Field *schema.Field
	// Out is the column of the records' batches; a key's for a field that is never sent.
	Out  int
	Conv *convert.Converter

	// One of these gives the value: a constant, the record that the field refers to, an expression,
	// or the first of the inputs that is not blank. With Joined all inputs together are looked up in
	// Values.
	Constant *Constant
	Refer    *Reference
	Expr     *expr.Program
	Inputs   []Input
	Joined   bool

	// Values translates values; nil for none. Blanks says that it has a line for blank ones, and
	// Unmapped what happens to those that it lacks.
	Values   map[string]Constant
	Blanks   bool
	Unmapped string

	// Default stands for a blank value; with OnInsert only in new records. Blank says what happens
	// without one, and Required that no record can be created then.
	Default  *Constant
	OnInsert bool
	Blank    syntax.Blank
	Required bool

	// Flags are those of the field's cells. Keyed says that the field is of a key, IfEmpty that a
	// value which the record has is kept.
	Flags   row.Kind
	Keyed   bool
	IfEmpty bool
	// Behind is the reference that the field, a key of the record referred to, sets; nil for a field of
	// the object's own.
	Behind *schema.Field
}

// Constant is a value that was converted when the mapping was compiled. Its kind is row.Null for a
// blank.
type Constant struct {
	Text string
	Kind row.Kind
}

// Input is one column of a rule with its transforms, or an expression in its place.
type Input struct {
	Column int // of the plan
	Steps  []transform.Func
	// Numbers and Bools are how many of the first steps only read text as a number or as a truth
	// value. A cell that is one already passes them by: 1.234 in JSON is no German 1.234.
	Numbers, Bools int
	// Parts is set where another input of the list is a path into the column: an object is no value
	// of its own then, as in [company.name, company].
	Parts bool
	Expr  *expr.Program
}

// steps returns the steps for a cell of a kind.
func (in *Input) steps(k row.Kind) []transform.Func {
	switch k {
	case row.Number:
		return in.Steps[in.Numbers:]
	case row.Bool:
		return in.Steps[in.Bools:]
	}
	return in.Steps
}

// Reference is what a field refers to.
type Reference struct {
	// Record is the index of the record: of Plan.Finds with Find, else of Plan.Targets. It is -1 for a
	// record type whose id the schema does not know.
	Record int
	Find   bool
	// Lookup is set if the record is looked up by the value of the rule, rather than being another
	// one of the same row.
	Lookup bool
	// Name is the field that it is looked up by (User.Username), the target, or the record type.
	Name string
	Pos  diag.Pos
}

// KeyPlan says how the columns of a key are filled, part by part.
type KeyPlan []KeyPart

// KeyPart is a field of a key: the rule's text goes to the column, folded if Fold is set.
type KeyPart struct {
	Rule   *Rule
	Column int
	Fold   bool
}

// Hidden reports whether a column is of a key, and no field.
func Hidden(column string) bool { return column != "" && column[0] == FoldColumnName[0] }

// use is one mention of a column in the mapping.
type use struct {
	column int
	pos    diag.Pos
	// group joins the columns of one from list, of which one has to exist; 0 for none.
	group int
}
