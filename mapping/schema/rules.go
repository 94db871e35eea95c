package schema

import "sfsync/mapping/diag"

// Rules are what administrators set up for an object's records besides its fields. Only an org
// applies them. Their expressions are text here: the org that takes them over compiles them.
type Rules struct {
	Validation []ValidationRule
	Duplicate  []DuplicateRule
	Assignment []AssignmentRule
}

// ValidationRule refuses the records for which When is true.
type ValidationRule struct {
	Name    string
	When    string
	Message string
	// Field is the field to blame, "" for none.
	Field    string
	Inactive bool
	// Pos is where When stands, for messages.
	Pos diag.Pos `json:"-"`
}

// DuplicateRule is about records of the object that agree in all of the fields Match, in any case;
// a blank field agrees with nothing.
type DuplicateRule struct {
	Name  string
	Match []string
	// Alert lets a record through if its writer says so; otherwise the rule refuses it.
	Alert    bool
	Message  string
	Inactive bool
}

// AssignmentRule gives new records an owner: that of the first entry that fits.
type AssignmentRule struct {
	// ID is given by the org; an overlay may name it.
	ID       string
	Name     string
	Inactive bool
	Entries  []AssignmentEntry
}

// AssignmentEntry is one line of an assignment rule.
type AssignmentEntry struct {
	// When is the condition; "" fits every record.
	When string
	// Owner is a queue by its developer name, or a user by user name or id.
	Owner string
	// Pos is where the entry stands, for messages.
	Pos diag.Pos `json:"-"`
}

// Queue can own records.
type Queue struct {
	// ID is given by the org; it is "" in an overlay.
	ID            string
	DeveloperName string
	Name          string
}

// Summary is what a roll-up summary field counts: the records of Object that refer by the field By.
type Summary struct {
	Operation SummaryOperation
	Object    string
	// Field is what is summed up; "" for a count.
	Field string
	By    string
}

// SummaryOperation is what a roll-up summary field makes of the records it counts.
type SummaryOperation string

// The operations of roll-up summary fields.
const (
	SummaryCount SummaryOperation = "count"
	SummarySum   SummaryOperation = "sum"
	SummaryMin   SummaryOperation = "min"
	SummaryMax   SummaryOperation = "max"
)
