package syntax

import (
	"strings"
	"time"
)

// Period is what a date literal means: the units from (included) to (excluded) counted
// from the present one, which is 0 (SOQL reference, Date Formats and Date Literals).
type Period struct {
	unit     string // DAY, WEEK, MONTH, QUARTER, YEAR
	from, to int
}

// maxPeriod bounds the number of a date literal.
const maxPeriod = 100_000

// FindPeriod returns the period of an upper-case word whose number, if it takes one, is n.
// LAST_N_DAYS includes today; the other LAST_N and all NEXT_N leave the present unit out.
// Fiscal years are calendar years, as in an org that has not set them up otherwise.
func FindPeriod(word string, n int) (pd Period, takesN, ok bool) {
	switch word {
	case "TODAY":
		return Period{"DAY", 0, 1}, false, true
	case "YESTERDAY":
		return Period{"DAY", -1, 0}, false, true
	case "TOMORROW":
		return Period{"DAY", 1, 2}, false, true
	case "LAST_90_DAYS":
		return Period{"DAY", -90, 1}, false, true
	case "NEXT_90_DAYS":
		return Period{"DAY", 1, 91}, false, true
	case "LAST_N_DAYS":
		return Period{"DAY", -n, 1}, true, true
	}
	if s, found := strings.CutPrefix(word, "LAST_N_"); found {
		pd, takesN = Period{s, -n, 0}, true
	} else if s, found := strings.CutPrefix(word, "NEXT_N_"); found {
		pd, takesN = Period{s, 1, 1 + n}, true
	} else if s, found := strings.CutSuffix(word, "_AGO"); found && strings.HasPrefix(s, "N_") {
		pd, takesN = Period{s[2:], -n, 1 - n}, true
	} else if s, found := strings.CutPrefix(word, "LAST_"); found {
		pd = Period{s, -1, 0}
	} else if s, found := strings.CutPrefix(word, "THIS_"); found {
		pd = Period{s, 0, 1}
	} else if s, found := strings.CutPrefix(word, "NEXT_"); found {
		pd = Period{s, 1, 2}
	} else {
		return pd, false, false
	}
	if takesN {
		var plural bool
		if pd.unit, plural = strings.CutSuffix(pd.unit, "S"); !plural {
			return pd, false, false
		}
	}
	if unit, fiscal := strings.CutPrefix(pd.unit, "FISCAL_"); fiscal && (unit == "QUARTER" || unit == "YEAR") {
		pd.unit = unit
	}
	switch pd.unit {
	case "DAY":
		return pd, takesN, takesN // LAST_DAY is YESTERDAY
	case "WEEK", "MONTH", "QUARTER", "YEAR":
		return pd, takesN, true
	}
	return pd, false, false
}

// Days returns the first day of the period and the first one behind it, on the day of now,
// which is in UTC.
func (pd Period) Days(now time.Time) (from, to time.Time) {
	year, month, day := now.Date()
	start := func(n int) time.Time {
		switch pd.unit {
		case "DAY":
			return time.Date(year, month, day+n, 0, 0, 0, 0, time.UTC)
		case "WEEK":
			return time.Date(year, month, day-int(now.Weekday())+7*n, 0, 0, 0, 0, time.UTC)
		case "MONTH":
			return time.Date(year, month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
		case "QUARTER":
			return time.Date(year, month-(month-1)%3+time.Month(3*n), 1, 0, 0, 0, 0, time.UTC)
		}
		return time.Date(year+n, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return clampDay(start(pd.from)), clampDay(start(pd.to))
}

// clampDay keeps a day within the years of four digits, so that days compare as text.
func clampDay(t time.Time) time.Time {
	switch {
	case t.Year() < 0:
		return time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > 9999:
		return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	return t
}
