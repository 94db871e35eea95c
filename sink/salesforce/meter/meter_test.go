package meter

import (
	"fmt"
	"testing"
)

// Answers come in any order; the org's count goes down by much only once a day.
func TestUsage(t *testing.T) {
	var m Meter
	for _, s := range []struct{ said, want int64 }{{10, 10}, {12, 12}, {11, 12}, {13, 13}, {13, 13}, {900, 900}, {840, 900}, {2, 2}, {3, 3}} {
		m.Observe(fmt.Sprintf("api-usage=%d/1000; per-app-api-usage=17/250(appName=x)", s.said))
		if got := m.Usage(); got.Used != s.want || got.Max != 1000 {
			t.Errorf("after %d: %+v, want %d", s.said, got, s.want)
		}
	}
}

// What the limits say counts only as long as no answer has said anything; what is no usage says nothing.
func TestAssume(t *testing.T) {
	var m Meter
	for _, header := range []string{"", "per-app-api-usage=17/250(appName=x)", "api-usage=", "api-usage=1", "api-usage=x/y"} {
		m.Observe(header)
	}
	if pool, budget := m.Left(); pool != -1 || budget != -1 {
		t.Errorf("%d, %d before anybody has said anything", pool, budget)
	}
	m.Assume(40, 100)
	if pool, _ := m.Left(); pool != 60 {
		t.Errorf("%d left", pool)
	}
	m.Observe("api-usage=45/100")
	m.Assume(0, 1000)
	if pool, _ := m.Left(); pool != 55 {
		t.Errorf("%d left", pool)
	}
}
