package pipeline

import (
	"sync/atomic"

	"sfsync/pipeline/ledger"
)

// Stats are counters that a progress display may read while the run goes on.
type Stats struct {
	// BytesTotal is the size of the inputs as far as it is known, Bytes what was read of it.
	BytesTotal, Bytes atomic.Int64
	// Read counts rows; the others count records.
	Read, Written, Failed, Skipped, Unknown atomic.Int64
	// Requests counts write requests and lookups that were answered.
	Requests atomic.Int64
}

// add counts a decided record.
func (s *Stats) add(state ledger.State) {
	switch state {
	case ledger.Failed:
		s.Failed.Add(1)
	case ledger.Skipped:
		s.Skipped.Add(1)
	case ledger.Unknown:
		s.Unknown.Add(1)
	default:
		s.Written.Add(1)
	}
}

// Counts says how many rows were read and what became of them. Read is always the sum of the
// others.
type Counts struct {
	Read, Succeeded, Failed, Skipped, Unknown, Pending int64
}

// TargetCounts says what became of the records of one target. Records is always the sum of
// the others.
type TargetCounts struct {
	Records, Created, Updated, Failed, Skipped, Unknown, Pending int64
}

// Input says what was read of one input.
type Input struct {
	Path, Format, SHA256 string
	Bytes, Rows          int64
}

// Result is the account of a run.
type Result struct {
	Rows    Counts
	Targets []TargetCounts
	Inputs  []Input
	// Warnings are the readers' (renamed columns, keys named twice), without repeats.
	Warnings []string
	// Retried counts the records that were sent again on their own.
	Retried int64
	// Complete: every input was read to its end and every record is decided.
	Complete bool
}
