// Package program is a compiled mapping and what runs it: a [Plan] is made by package mapping, which
// has names of its own for what is here; a [Mapper] turns the rows of a batch into records.
package program

import (
	"sync"
	"sync/atomic"

	"sfsync/mapping/diag"
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
	Targets []Target
	// Finds are the records that rules refer to and that are only looked for: each is a target
	// with the operation Find, whose records are never sent and stand in no report. See [Need].
	Finds []Target

	// Second is what is to be done in a second reading of the input, once the first has ended: it sets
	// the fields by which records refer to others of the same object, which may come later in
	// the same input. Its targets are updates; nil for nothing.
	Second *Plan

	// Own is the number of targets that the file names: the implied ones stand behind them. Made are
	// their indexes, those that refer to others of them first.
	Own  int
	Made []int
	// Others is set if columns are needed that no rule names (rest: custom or fail).
	Others bool

	columns []string       // wanted from the source, in order of first mention
	column  map[string]int // name → index in columns
	uses    []use

	mu       sync.Mutex
	bindings map[*row.Schema]*binding
	traits   map[TraitField]*atomic.Bool // that went to fields of their names
	spare    sync.Pool                   // of *Mapped
}

// Target is one target of a plan: an object that rows become records of.
type Target struct {
	Name      string
	Object    *schema.Object
	Operation syntax.Operation
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
	// Behind are, by column, the references that keys of the records referred to set (AccountId for
	// Account.ERP_Id__c), "" for fields of the object's own. A record may refer to one without the key, so
	// that only the reference tells whether it has a value.
	Behind []string
	// Parents are the columns that refer to records which the org locks while it writes this one, if rows
	// with a parent in common are not to be in two requests at a time (order: parent).
	Parents []int
	// AssignmentRule is default or the id of the assignment rule that runs; "" for none.
	AssignmentRule string
	// AllowDuplicates saves records that a duplicate rule only alerts about. AllOrNone makes the records of a
	// collection share one fate. UpdateMRU is true or false, or "" for what the org does.
	AllowDuplicates, AllOrNone bool
	UpdateMRU                  string
	// Batch is the most records of a request; 0 for as many as the API takes.
	Batch int
	// Org names the org of this target; "" is the run's.
	Org string
	// First is the target of the first pass whose records a target of Plan.Second completes; -1 in
	// all other plans.
	First int

	// After are the targets, as indexes of Plan.Targets, whose record of the same row goes first: this
	// one refers to it by its key, whatever becomes of it.
	After []int

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

	// Code makes the records. Package mapping writes it, and nobody else has a use for it.
	Code Code
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
	Blank syntax.Blank
}

// Record returns a target or find by its number in a [Need].
func (p *Plan) Record(i int) *Target {
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

// Paths returns the columns and paths that the mapping names, in order of first mention: what
// a reader of nested data has to deliver. The caller must not change it.
func (p *Plan) Paths() []string { return p.columns }

// Rest reports whether the plan needs the other columns too (rest: custom or fail).
func (p *Plan) Rest() bool { return p.Others }

// Fields returns the API names of the fields that the target's records can have, in column
// order, without those that rest: custom may add.
func (t *Target) Fields() []string {
	names := make([]string, 0, len(t.Schema.Columns))
	for _, c := range t.Schema.Columns {
		if !Hidden(c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// Field returns the field that column c of a batch of the target's records holds, or nil for a
// column of a key. s is the batch's schema: the target's, or one with the columns of rest: custom
// behind them.
func (t *Target) Field(s *row.Schema, c int) *schema.Field {
	if c < len(t.Code.Fields) {
		return t.Code.Fields[c]
	}
	return t.Object.Field(s.Columns[c].Name)
}

// New returns a plan without targets, of which the file names so many.
func New(own int) *Plan {
	return &Plan{Own: own, column: map[string]int{}, bindings: map[*row.Schema]*binding{}}
}

// Mentions returns how many mentions of columns have been registered.
func (p *Plan) Mentions() int { return len(p.uses) }

// Mentioned returns the columns of the mentions from one on.
func (p *Plan) Mentioned(from int) []string {
	var names []string
	for _, u := range p.uses[from:] {
		names = append(names, p.columns[u.column])
	}
	return names
}

// Adopt registers the mentions of another plan's columns: what a second pass reads is mapped, too.
func (p *Plan) Adopt(q *Plan) {
	for _, u := range q.uses {
		p.Add(q.columns[u.column], u.pos, -u.group) // a plan's own groups count upwards
	}
}

// Add registers a mention of a column at a place and returns its number. group joins the columns of
// one from list, of which one has to exist; it is 0 for a column by itself.
func (p *Plan) Add(name string, pos diag.Pos, group int) int {
	i, known := p.column[name]
	if !known {
		i = len(p.columns)
		p.columns = append(p.columns, name)
		p.column[name] = i
	}
	p.uses = append(p.uses, use{i, pos, group})
	return i
}
