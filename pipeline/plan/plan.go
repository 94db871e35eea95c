// Package plan is what a rehearsal says: what a run would do with every record, in the order of
// the files. The engine fills in a [Batch] for each read batch; a [Writer] makes plan.jsonl of
// them and counts.
package plan

import (
	"sfsync/mapping"
	"sfsync/pipeline/row"
)

// Action is what a run would do with a record.
type Action uint8

// The actions.
const (
	// Undecided: the rehearsal was stopped before it came to the record, which stands in no plan.
	Undecided Action = iota
	Create
	Update
	Unchanged
	Delete
	Publish
	Skip
	Reject
	// Look: a run would only look for the record. It stands in no plan, and counts as skipped, as it does in a run.
	Look

	actions
)

// String returns the action as plan.jsonl writes it.
func (a Action) String() string {
	return [...]string{"undecided", "create", "update", "unchanged", "delete", "publish", "skip", "reject", "look"}[a]
}

// Changes reports whether a run would change the org by it.
func (a Action) Changes() bool {
	switch a {
	case Create, Update, Delete, Publish:
		return true
	}
	return false
}

// MadeUp begins the ids of records that do not exist yet: no id of an org begins so.
const MadeUp = "~"

// Record is what would become of one record.
type Record struct {
	Action Action
	// ID is the id of the record in the org, as far as it is known: of one that is updated,
	// deleted or unchanged, or that a rejected row found. "" if the record does not exist yet, also
	// where a row changes what an earlier row would create.
	ID string
	// Before are, for an Update, the values of the fields that it changes, at the indexes of their
	// columns in the target's batch: Null for a blank one, Absent in all other columns. It may be
	// shorter than the row. Nil for other actions.
	Before []row.Cell
	// Code, Field and Message say why a record is skipped or rejected, as a run's report would.
	Code, Field, Message string
}

// Batch is what would become of the rows of a read batch.
type Batch struct {
	// Path is the input file's.
	Path string
	// Mapped are the rows as they would be sent. A cell that refers to a record that does not
	// exist yet holds an id that begins with MadeUp, or still awaits one.
	Mapped *mapping.Mapped
	// Second is set for a batch of the second pass: Mapped and Record are about the targets of
	// Plan.Second.
	Second bool
	// Record returns what would become of row r's record for target t of Plan.Targets. It is a
	// view, good until the batch is given back.
	Record func(r, t int) Record
}
