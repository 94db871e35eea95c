package syntax

import (
	"testing"
	"time"
)

// TestPeriods checks every date literal on a Saturday (and on a day that AddDate would overflow).
func TestPeriods(t *testing.T) {
	t.Parallel()
	sat := time.Date(2026, 11, 21, 23, 59, 0, 0, time.UTC)
	tests := []struct {
		word     string
		n        int
		now      time.Time
		from, to string
	}{
		{"TODAY", 0, sat, "2026-11-21", "2026-11-22"},
		{"YESTERDAY", 0, sat, "2026-11-20", "2026-11-21"},
		{"TOMORROW", 0, sat, "2026-11-22", "2026-11-23"},
		{"LAST_90_DAYS", 0, sat, "2026-08-23", "2026-11-22"},
		{"NEXT_90_DAYS", 0, sat, "2026-11-22", "2027-02-20"},
		{"LAST_N_DAYS", 1, sat, "2026-11-20", "2026-11-22"},
		{"NEXT_N_DAYS", 1, sat, "2026-11-22", "2026-11-23"},
		{"N_DAYS_AGO", 2, sat, "2026-11-19", "2026-11-20"},
		{"THIS_WEEK", 0, sat, "2026-11-15", "2026-11-22"},
		{"LAST_WEEK", 0, sat, "2026-11-08", "2026-11-15"},
		{"NEXT_WEEK", 0, sat, "2026-11-22", "2026-11-29"},
		{"LAST_N_WEEKS", 2, sat, "2026-11-01", "2026-11-15"},
		{"N_WEEKS_AGO", 1, sat, "2026-11-08", "2026-11-15"},
		{"THIS_MONTH", 0, sat, "2026-11-01", "2026-12-01"},
		{"LAST_N_MONTHS", 2, time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC), "2026-01-01", "2026-03-01"},
		{"NEXT_N_MONTHS", 1, time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), "2026-02-01", "2026-03-01"},
		{"THIS_QUARTER", 0, sat, "2026-10-01", "2027-01-01"},
		{"LAST_QUARTER", 0, sat, "2026-07-01", "2026-10-01"},
		{"N_QUARTERS_AGO", 4, sat, "2025-10-01", "2026-01-01"},
		{"THIS_YEAR", 0, sat, "2026-01-01", "2027-01-01"},
		{"LAST_N_YEARS", 3, sat, "2023-01-01", "2026-01-01"},
		{"LAST_N_YEARS", maxPeriod, sat, "0000-01-01", "2026-01-01"},
		{"NEXT_N_QUARTERS", maxPeriod, sat, "2027-01-01", "9999-12-31"},
	}
	for _, tt := range tests {
		pd, _, ok := FindPeriod(tt.word, tt.n)
		from, to := pd.Days(tt.now)
		if got := [2]string{from.Format(DateForm), to.Format(DateForm)}; !ok || got != [2]string{tt.from, tt.to} {
			t.Errorf("%s:%d = %v, want [%s %s]", tt.word, tt.n, got, tt.from, tt.to)
		}
	}
	for _, word := range []string{"LAST_DAY", "THIS_DAY", "LAST_N_DAY", "N_AGO", "LAST_", "THIS_CENTURY", "N_DAYS", "TODAYS", "LAST_WEEKS"} {
		if pd, _, ok := FindPeriod(word, 1); ok {
			t.Errorf("%s is %v", word, pd)
		}
	}
}
