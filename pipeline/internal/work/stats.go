package work

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
}

// Add counts a decided record.
func (s *Stats) Add(state ledger.State) {
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
