package estimate

import (
	"fmt"
	"time"
)

// PageRecords is how many records one page of a query job's results is to have: a choice of ours.
const PageRecords = 100_000

// queryPace is how many records a second a query job is assumed to read, once it has waited like any other.
const queryPace = 20_000

// Copy returns what it costs to read a few columns of all of an object's records by one query job of the
// Bulk API 2.0.
func Copy(records int64) Cost {
	took := jobWait + time.Duration(records)*time.Second/queryPace
	return Cost{
		Calls: 1 + Polls(took) + max(1, up(records, PageRecords)), Jobs: 1, Time: took,
		Why: fmt.Sprintf("a query job costs a call, its polls, and one more for %d records; it is assumed to wait %d s and then to take 1 s for %d records",
			PageRecords, int(jobWait.Seconds()), queryPace),
	}
}

// Pays reports whether a copy that costs so many calls is worth them, in place of so many lookups that are still to come:
// if these would cost more than twice as many, since both figures are estimates.
func Pays(lookups, copied int64) bool { return lookups > 2*copied }
