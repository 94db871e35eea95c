package syntax

// IsAggregate reports whether a function, in upper case, is one of many records.
func IsAggregate(name string) bool {
	switch name {
	case "COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG":
		return true
	}
	return false
}

// IsDateFunction reports whether a function, in upper case, makes a period of a date or a datetime
// (SOQL reference, Date Functions).
func IsDateFunction(name string) bool {
	switch name {
	case "CALENDAR_MONTH", "CALENDAR_QUARTER", "CALENDAR_YEAR", "DAY_IN_MONTH", "DAY_IN_WEEK", "DAY_IN_YEAR", "DAY_ONLY",
		"FISCAL_MONTH", "FISCAL_QUARTER", "FISCAL_YEAR", "HOUR_IN_DAY", "WEEK_IN_MONTH", "WEEK_IN_YEAR":
		return true
	}
	return false
}

// isDisplayFunction reports whether a function says how a value is shown, or which fields are.
func isDisplayFunction(name string) bool {
	switch name {
	case "TOLABEL", "FORMAT", "CONVERTCURRENCY", "CONVERTTIMEZONE", "FIELDS":
		return true
	}
	return false
}
