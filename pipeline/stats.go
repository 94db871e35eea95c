package pipeline

import (
	"sfsync/pipeline/internal/form"
	"sfsync/pipeline/internal/intake"
	"sfsync/pipeline/internal/work"
)

// Stats are counters that a progress display may read while the run goes on.
type Stats = work.Stats

// Counts says how many rows were read and what became of them. Read is always the sum of the
// others.
type Counts struct {
	Read, Succeeded, Failed, Skipped, Unknown, Pending int64
}

// TargetCounts says what became of the records of one target. Records is always the sum of
// the others.
type TargetCounts struct {
	Records, Created, Updated, Unchanged, Deleted, Published, Failed, Skipped, Unknown, Pending int64
}

// Cost says what the records of one target cost.
type Cost = form.Cost

// Input says what was read of one input.
type Input = intake.Input

// Result is the account of a run.
type Result struct {
	Rows Counts
	// Targets are those of the plan, then those of its second pass.
	Targets []TargetCounts
	// Costs are those of the targets, then those of the plan's finds, then those of the second pass.
	Costs  []Cost
	Inputs []Input
	// Warnings are the readers' (renamed columns, keys named twice), without repeats.
	Warnings []string
	// Keys say what there is of each match key; only [Check] fills it.
	Keys []KeyCounts
	// Retried counts the records that were sent again on their own.
	Retried int64
	// LastPass counts the records that came to the last pass.
	LastPass int64
	// Complete: every input was read to its end and every record is decided.
	Complete bool
}

// KeyCounts say what there is of one match key of a target in an input.
type KeyCounts struct {
	// Target is the index of the plan's target, Key that of its key.
	Target, Key int
	// Records are those that have the key, not blank; Distinct is how many values it takes.
	Records, Distinct int64
	// Repeated is how many of the values several records have, Sharing how many records those are
	// together.
	Repeated, Sharing int64
	// First are the first places of the first three repeated values: where it comes first, and again.
	First [][2]Place
}

// Place is a line of an input.
type Place struct {
	File string
	Line int64
}
