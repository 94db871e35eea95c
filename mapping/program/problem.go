package program

import (
	"fmt"

	"sfsync/mapping/convert"
	"sfsync/mapping/event"
)

// Problem is why a row is skipped or fails.
type Problem struct {
	// Code is stable and upper case: the org's own where it has one for the case.
	Code string
	// Field is the API name of the field at fault; it may be empty.
	Field string
	// Message says what is wrong. It may hold personal data: values, cut to 40 characters.
	Message string
}

func (p *Problem) Error() string {
	if p.Field == "" {
		return p.Code + ": " + p.Message
	}
	return p.Code + ": " + p.Field + ": " + p.Message
}

// and returns the problem with the number of further ones in its message.
func (p Problem) and(more int) Problem {
	switch {
	case more == 1:
		p.Message += " (and 1 more problem)"
	case more > 1:
		p.Message += fmt.Sprintf(" (and %d more problems)", more)
	}
	return p
}

// The codes of problems that are not those of package convert.
const (
	CodeWhen           = "WHEN_FALSE"
	CodeOtherTarget    = "OTHER_TARGET"
	CodeNotReferred    = "NOT_REFERRED"
	CodeParentUnknown  = "PARENT_UNKNOWN"
	CodeKeyBlank       = "MATCH_KEY_BLANK"
	CodeRequired       = "REQUIRED_FIELD_MISSING"
	CodeUnmappedValue  = "UNMAPPED_VALUE"
	CodeUnmappedColumn = "UNMAPPED_COLUMN"
	CodeNoField        = "INVALID_FIELD"
	CodeFieldTwice     = "FIELD_TWICE"
	CodeExpression     = convert.CodeExpression
)

// Remedy says what to do about rows that fail with a code, or "" for a code of others.
func Remedy(code string) string {
	switch code {
	case convert.CodeType:
		return "correct the value, or convert it with a transform: date, datetime, number or bool"
	case convert.CodeTooLong:
		return "shorten the value, or add truncate(n) to the field's rule"
	case convert.CodeEmail:
		return "correct the address in the source"
	case convert.CodePicklist:
		return "use an active value of the picklist, or translate with values:"
	case convert.CodeTooMany:
		return "a multi-select picklist takes at most 100 values"
	case convert.CodeRange:
		return "correct the number; the field has fewer digits"
	case convert.CodeID:
		return "use the record id of 15 or 18 characters, in its own case, of the right object"
	case convert.CodeCharacter:
		return "remove the control character, or set the file's encoding"
	case convert.CodeExpression:
		return "make the expression take blank and odd values: blank(column) ? … : …"
	case CodeWhen:
		return "the target's when: does not want the row"
	case CodeOtherTarget:
		return "the row comes from a report of failures, and failed for another target"
	case CodeNotReferred:
		return "there is nothing to do for the row"
	case CodeParentUnknown:
		return "run the rows again with the target that makes the record, or give that target a match"
	case CodeKeyBlank:
		return "fill the match field in the source; without a key no record can be found"
	case CodeRequired:
		return "fill the column, or give the field a default"
	case CodeUnmappedValue:
		return "add the value to values:, or choose another on_unmapped"
	case CodeUnmappedColumn:
		return "map the column, or say rest: ignore"
	case CodeNoField:
		return "where a referenced record was not found: load it first, or correct its key; where the field is missing: create it, map its column under fields, or say missing: ignore"
	case CodeFieldTwice:
		return "map one of the columns under fields"
	}
	return event.Remedy(code)
}
