package report

import (
	"sfsync/pipeline/lacking"
	"sfsync/pipeline/profile"
)

// CheckInfo is what a check finds besides the errors of rows.
type CheckInfo struct {
	// Tests is how many tests of the mapping file passed.
	Tests int `json:"tests"`
	// Keys say what there is of each match key.
	Keys []KeyInfo `json:"keys"`
	// Unused are the columns that no rule uses, where all columns of a file are known.
	Unused []UnusedInfo `json:"unused"`
	// Blank are the required fields that records lack which may be there already: they are refused
	// where they are not. The rows count as succeeded.
	Blank []lacking.Blank `json:"blank"`
	// Lacking are the values that picklists and tables of values lack, the most frequent first.
	Lacking []lacking.Value `json:"lacking"`
	// Columns is the profile of the input, where one was asked for. It holds values.
	Columns []profile.Column `json:"columns,omitempty"`
}

// KeyInfo says what there is of one match key.
type KeyInfo struct {
	Target string `json:"target"`
	// Match are the fields of the key.
	Match []string `json:"match"`
	// Records have the key, not blank; Distinct is how many values it takes.
	Records  int64 `json:"records"`
	Distinct int64 `json:"distinct"`
	// Repeated is how many values several records have, Sharing how many records those are together.
	Repeated int64 `json:"repeated"`
	Sharing  int64 `json:"sharing"`
	// First are the first three repeated values, by their first two places.
	First []Repeat `json:"first"`
	// Lookup says that records are looked up by the key before anything is sent, and Calls about how
	// many API calls that costs.
	Lookup bool  `json:"lookup"`
	Calls  int64 `json:"calls"`
}

// Repeat is a value of a key that comes up again.
type Repeat struct {
	File      string `json:"file"`
	Line      int64  `json:"line"`
	AgainFile string `json:"again_file"`
	AgainLine int64  `json:"again_line"`
}

// UnusedInfo names the columns of files that no rule uses.
type UnusedInfo struct {
	Files   []string `json:"files"`
	Columns []string `json:"columns"`
}
