package recent_test

import (
	"fmt"
	"testing"
	"time"

	"sfsync/sink/salesforce/recent"
)

// A record is remembered for five seconds at least and ten at most as long as others come, and who asked
// earlier keeps knowing what was known then.
func TestIDs(t *testing.T) {
	var ids recent.IDs
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	name := func(i int) string { return fmt.Sprintf("00Q%012dAAA", i) }
	nothing := ids.Known()
	for i := range 30 {
		ids.Add([]byte(name(i)), at.Add(time.Duration(i)*time.Second))
		known := ids.Known()
		for k := range 30 {
			switch has := ids.Has(known, name(k)); {
			case k > i && has, k < i-10 && has, k <= i && k > i-5 && !has:
				t.Errorf("at second %d record %d is known: %t", i, k, has)
			}
		}
	}
	if ids.Has(nothing, name(29)) {
		t.Error("known before there was anything")
	}
	ids.Add([]byte("short"), at)
	if ids.Has(ids.Known(), "short") {
		t.Error("an id that is none")
	}
}
