package journal_test

import (
	"fmt"
	"testing"
	"time"

	"sfsync/sink/localorg/journal"
)

// The log keeps the last requests and forgets the others.
func TestLog(t *testing.T) {
	t.Parallel()
	var l journal.Log
	if len(l.Last()) != 0 {
		t.Error("an empty log is not empty")
	}
	for i := range journal.Kept + 3 {
		if n := l.Begin(); n != int64(i+1) {
			t.Fatalf("number %d, want %d", n, i+1)
		}
		l.Add(&journal.Request{Path: fmt.Sprint(i)}, 1500*time.Microsecond)
	}
	last := l.Last()
	if len(last) != journal.Kept || last[0].Path != "3" || last[len(last)-1].Path != fmt.Sprint(journal.Kept+2) || last[0].DurationMS != 1.5 {
		t.Errorf("%d requests from %+v to %+v", len(last), last[0], last[len(last)-1])
	}
}

// The counter counts by the UTC day, refuses what is too much, and knows whether it was saved.
func TestCounter(t *testing.T) {
	t.Parallel()
	var c journal.Counter
	now := time.Date(2026, 11, 21, 23, 0, 0, 0, time.FixedZone("", -3600)) // the 22nd in UTC
	c.Restore(journal.Calls{Total: 10, Day: "2026-11-21", Today: 9})
	if c.Dirty() || c.Today(now) != 0 {
		t.Errorf("another day: dirty %v, %d calls", c.Dirty(), c.Today(now))
	}
	for i, want := range []bool{true, true, false} {
		if c.Take(now, 2) != want {
			t.Errorf("call %d: %v, want %v", i, !want, want)
		}
	}
	if got := c.Current(); got != (journal.Calls{Total: 12, Day: "2026-11-22", Today: 2}) || !c.Dirty() {
		t.Errorf("%+v", got)
	}
	if c.Snapshot() != c.Current() || c.Dirty() {
		t.Error("a snapshot is not the state, or does not count as saved")
	}
}
