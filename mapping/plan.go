// Package mapping says what becomes of rows: it compiles a mapping file against a schema into a
// [Plan] and runs the plan on batches.
//
//	file, warnings, err := mapping.Load(path)       // the form, by package syntax
//	plan, warnings, err := mapping.Compile(file, s) // the meaning, all findings at once
//	mapper := plan.NewMapper(&pool)                 // one a goroutine
//	mapped := mapper.Map(batch)                     // records of every target, row by row
//
// Compiling resolves every name, function and format. A mapper then looks nothing up by name,
// works on text alone, and allocates nothing for a good row but where an expression is
// interpreted. What is wrong with a row is found here, before any call: the record says Fail,
// with the org's own code where it has one.
package mapping

import (
	"sync"

	"sfsync/mapping/convert"
	"sfsync/mapping/diag"
	"sfsync/mapping/expr"
	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
	"sfsync/pipeline/row"
)

// Plan is a mapping compiled against a schema: every column, field, function and format is
// resolved, so that nothing is looked up by name per row. A Plan does not change; any number
// of goroutines may use it.
type Plan struct {
	// Targets are the mapping's targets in order, then those that rules imply: the parents that
	// lookups with create: true make.
	Targets []PlanTarget
	// Finds are the records that rules refer to and that are only looked for: each is a target
	// with the operation Find, whose records are never sent and stand in no report. See [Need].
	Finds []PlanTarget

	// Second is what is to be done in a second reading of the input, once the first has ended: it sets
	// the fields by which records refer to others of the same object, which may come later in
	// the same input. Its targets are updates; nil for nothing.
	Second *Plan

	own     int            // the number of targets that the file names: the implied ones stand behind them
	implied []int          // the targets behind them, those that refer to others first
	columns []string       // wanted from the source, in order of first mention
	column  map[string]int // name → index in columns
	uses    []use
	rest    bool

	mu       sync.Mutex
	bindings map[*row.Schema]*binding
	spare    sync.Pool // of *Mapped
}

// PlanTarget is one target of a plan: an object that rows become records of.
type PlanTarget struct {
	Name      string
	Object    *schema.Object
	Operation Operation
	// Keys are the match keys in order: the first that is not blank and finds a record decides.
	// Plain inserts and events have none; so may a target that is only reached through
	// another's on_converted, whose records come with an id.
	Keys []Key
	// Needs are the records of the same row that have to be decided before this target's: their
	// ids go into cells that await them (see row.Cell.Awaited).
	Needs []Need
	// OnMany says what becomes of a row whose key finds several records.
	OnMany OnMany
	// Converted says what becomes of a row that finds a converted lead.
	Converted Converted
	// Redirect is the target that takes a row that found a converted lead, with the id of its
	// contact; -1 for none. Redirected is the reverse: the target whose rows this one takes.
	// A row that a redirected target does not want by itself has the fate Hold.
	Redirect, Redirected int
	// OnlyIfEmpty are the columns that are sent only where the record has no value.
	OnlyIfEmpty []int
	// Org names the org of this target; "" is the run's.
	Org string
	// First is the target of the first pass whose records a target of Plan.Second completes; -1 in
	// all other plans.
	First int

	// Match is the field that finds existing records, if that is a single one; else nil.
	Match *schema.Field
	// KeyColumn is the column of Match in the records' batches. It is -1 without Match, and where
	// the match field is never sent because it cannot be written: Id, auto numbers.
	KeyColumn int
	// FoldColumn is the column that holds Match as [schema.Field.FoldKey] gives it, or -1
	// without one. It is no field and never sent; its name is [FoldColumnName].
	FoldColumn int
	// Lookup is set where existing records have to be looked up before anything is sent: a
	// native upsert does not exist for the keys, could meet several records, or what is sent
	// depends on what is there. Updates and deletes by anything but Id always need it, and so do
	// inserts with a match, which only create what is missing.
	Lookup bool
	// InsertDefaults is set if a field has a default that counts only for new records. A record
	// that carries one (see row.Cell.OnInsert) needs a lookup even if Lookup is not set; the
	// others can go natively.
	InsertDefaults bool
	// Schema are the columns of the records' batches, unless rest: custom adds columns behind
	// them: the fields in the order of the mapping, then those of the keys, whose names begin
	// with a NUL and which are never sent.
	Schema *row.Schema

	rules   []*fieldPlan
	key     *fieldPlan // the rule of Match; nil for none
	keys    []keyPlan  // for each of Keys
	inKey   []*fieldPlan
	refers  []*fieldPlan // by column; nil where a field does not refer to another record
	fields  []*schema.Field
	track   *track
	events  bool            // rest and custom are about traits
	owned   map[string]bool // traits that the target's own rules name
	when    *expr.Program   // nil for always
	held    bool            // it takes the rows of another target
	made    bool            // it is implied by a lookup with create: true
	needs   []int           // the own targets that it refers to, or takes rows of, itself or through others
	keyless string          // one of them that has no match
	also    string          // another name that rows of an earlier run may have for it
	rest    string
	missing bool // missing: ignore
	schema  *schema.Schema
	pos     diag.Pos
	byField map[string]bool // lower-case names of the fields that have a rule
}

// Key is one way to find a target's existing records.
type Key struct {
	// Fields are the fields that together tell records apart; one as a rule.
	Fields []*schema.Field
	// Columns are the columns of the records' batches that hold the parts of the key as
	// [schema.Field.FoldKey] gives them: a column of no field for each part, or the field's own for a
	// reference that awaits its id. A key with an absent part is blank.
	Columns []int
}

// Need says that a record needs the id of another one of the same row.
type Need struct {
	// Record is the index of the other target: of Plan.Targets, or behind them of Plan.Finds.
	Record int
	// Column is the column of the records' batches that gets the id, where the cell awaits one.
	Column int
	// Field is the API name of the field that refers, for messages.
	Field string
	// Blank says what is sent where the other record was skipped: nothing, null, or the row fails.
	Blank Blank
}

// Record returns a target or find by its number in a [Need].
func (p *Plan) Record(i int) *PlanTarget {
	if n := len(p.Targets); i >= n {
		return &p.Finds[i-n]
	}
	return &p.Targets[i]
}

// OnMany says what becomes of a row whose key finds several records.
type OnMany uint8

// What on_many can say. Newest and oldest go by CreatedDate, then Id.
const (
	ManyFail OnMany = iota
	ManyNewest
	ManyOldest
	ManySkip
)

// Converted says what becomes of a row that finds a converted lead.
type Converted uint8

// What on_converted can say.
const (
	ConvertedFail Converted = iota
	ConvertedSkip
	ConvertedRedirect
)

// FoldColumnName is the name of the fold column of a key of one field: no field's. Other columns
// of keys begin with the same character.
const FoldColumnName = "\x00key"

// hidden reports whether a column is of a key, and no field.
func hidden(name string) bool { return name != "" && name[0] == FoldColumnName[0] }

// keyPlan says how the columns of a key are filled.
type keyPlan []keyPart

type keyPart struct {
	rule   *fieldPlan
	column int  // of the folded text, or of the cell that awaits an id
	fold   bool // the text is folded into the column
}

// use is one mention of a column in the mapping.
type use struct {
	column int
	pos    diag.Pos
	// group joins the columns of one from list, of which one has to exist; 0 for none.
	group int
}

// fieldPlan is one rule, compiled.
type fieldPlan struct {
	field  *schema.Field
	out    int // column in the records' batch; the fold column for a key that is never sent
	conv   *convert.Converter
	inputs []input
	expr   *expr.Program

	constant *constant // value:
	values   map[string]constant
	blanks   bool // values has a line for blank ones
	joined   bool // values are looked up by all inputs together
	unmapped string
	refer    *reference // the field refers to another record, by an id that is not known yet

	def      *constant
	onInsert bool     // the default counts only for new records
	flags    row.Kind // of its cells
	keyed    bool     // it is of a key
	blank    Blank
	required bool // a record cannot be created without it, and this target only creates
	ifEmpty  bool // only_if: empty
}

// reference is what a field refers to.
type reference struct {
	// record is the index of the record: of targets, or of finds. It is -1 for a record type whose
	// id the schema does not know.
	record int
	find   bool
	lookup bool // the record is looked up by the value of the rule, rather than the row's own
	name   string
	pos    diag.Pos
}

// constant is a value that was converted when the mapping was compiled.
type constant struct {
	text string
	kind row.Kind // Null for a blank
}

// Paths returns the columns and paths that the mapping names, in order of first mention: what
// a reader of nested data has to deliver. The caller must not change it.
func (p *Plan) Paths() []string { return p.columns }

// Rest reports whether the plan needs the other columns too (rest: custom or fail).
func (p *Plan) Rest() bool { return p.rest }

// Fields returns the API names of the fields that the target's records can have, in column
// order, without those that rest: custom may add.
func (t *PlanTarget) Fields() []string {
	names := make([]string, 0, len(t.Schema.Columns))
	for _, c := range t.Schema.Columns {
		if !hidden(c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// Field returns the field that column c of a batch of the target's records holds, or nil for a
// column of a key. s is the batch's schema: the target's, or one with the columns of rest: custom
// behind them.
func (t *PlanTarget) Field(s *row.Schema, c int) *schema.Field {
	if c < len(t.fields) {
		return t.fields[c]
	}
	return t.Object.Field(s.Columns[c].Name)
}

// add registers a mention of a column and returns its index.
func (p *Plan) add(name string, pos diag.Pos, group int) int {
	i, known := p.column[name]
	if !known {
		i = len(p.columns)
		p.columns = append(p.columns, name)
		p.column[name] = i
	}
	p.uses = append(p.uses, use{i, pos, group})
	return i
}

// maxBindings bounds what a plan remembers of the schemas it has met. Readers of JSON Lines
// make a new one whenever a new key appears.
const maxBindings = 64

// binding is a plan bound to the columns of one file.
type binding struct {
	columns []int // plan column → column of the batch, or -1
	targets []boundTarget
}

type boundTarget struct {
	schema   *row.Schema
	rest     []restColumn
	required []restRequired
}

// restColumn is a column that no rule of the mapping names.
type restColumn struct {
	column  int
	out     int
	field   *schema.Field
	conv    *convert.Converter
	problem *Problem // for a column that must not be there or has no field
	present bool     // the problem is one even where the cell is blank
	twice   *Problem // where another column has filled the field in the same row
	members bool     // an object's members have columns of their own: it is nothing by itself
}

// bind resolves the plan's columns in a schema, once per schema.
func (p *Plan) bind(s *row.Schema) *binding {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b, ok := p.bindings[s]; ok {
		return b
	}
	b := &binding{columns: make([]int, len(p.columns)), targets: make([]boundTarget, len(p.Targets)+len(p.Finds))}
	for i, name := range p.columns {
		b.columns[i] = s.Index(name)
	}
	for i := range b.targets {
		t := p.Record(i)
		b.targets[i].schema = t.Schema
		if t.rest != restCustom && t.rest != restFail && t.rest != restFields {
			continue
		}
		var extra []row.Column
		if t.events {
			b.targets[i].rest, extra = t.bindTraits(s)
		} else {
			b.targets[i].rest, extra = t.bindRest(p, s)
		}
		b.targets[i].required = t.requiredOfRest(b.targets[i].rest)
		if len(extra) > 0 {
			b.targets[i].schema = t.Schema.With(extra...)
		}
	}
	if len(p.bindings) >= maxBindings {
		clear(p.bindings)
	}
	p.bindings[s] = b
	return b
}

// The words of rest.
const (
	restIgnore = "ignore"
	restCustom = "custom"
	restFail   = "fail"
)

// bindRest decides what happens to each column that no rule names, and which columns the
// records get for them.
func (t *PlanTarget) bindRest(p *Plan, s *row.Schema) (rest []restColumn, extra []row.Column) {
	taken := map[string]string{}
	for c, col := range s.Columns {
		if _, named := p.column[col.Name]; named {
			continue
		}
		if t.rest == restFail {
			rest = append(rest, restColumn{column: c, present: true, problem: &Problem{
				Code: CodeUnmappedColumn, Message: "column " + convert.Quote(col.Name) + " is not in the mapping, which has rest: fail",
			}})
			continue
		}
		f, why := t.customField(col.Name)
		switch {
		case f == nil && t.missing:
			continue
		case f == nil:
			rest = append(rest, restColumn{column: c, problem: &Problem{Code: CodeNoField, Field: syntax.CustomName(col.Name), Message: why}})
			continue
		case t.byField[lower(f.Name)] || taken[f.Name] != "":
			rest = append(rest, restColumn{column: c, problem: &Problem{
				Code: CodeFieldTwice, Field: f.Name,
				Message: "column " + convert.Quote(col.Name) + " is one of two that go to " + f.Name,
			}})
			continue
		}
		conv, err := convert.New(f, t.schema)
		if err != nil {
			rest = append(rest, restColumn{column: c, problem: &Problem{Code: CodeNoField, Field: f.Name, Message: err.Error()}})
			continue
		}
		taken[f.Name] = col.Name
		rest = append(rest, restColumn{column: c, out: len(t.Schema.Columns) + len(extra), field: f, conv: conv})
		extra = append(extra, row.Column{Name: f.Name, Type: string(f.Type)})
	}
	return rest, extra
}
