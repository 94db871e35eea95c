package report

// PlanFile is the name of the file that says what a run would do with every record.
const PlanFile = "plan.jsonl"

// PlanInfo is the part of a summary that only a plan has: what a run would do.
type PlanInfo struct {
	// Changes is how many records a run would create, update, delete or publish.
	Changes int64        `json:"changes"`
	Targets []PlanTarget `json:"targets"`
	// Lookups is what the plan itself has asked the org for.
	Lookups LookupInfo `json:"lookups"`
	// Estimates says what a run would cost, once for each API.
	Estimates []Estimate `json:"estimates"`
}

// PlanTarget says what a run would do with the records of a target: one action each.
type PlanTarget struct {
	Name      string `json:"name"`
	Object    string `json:"object"`
	Create    int64  `json:"create"`
	Update    int64  `json:"update"`
	Unchanged int64  `json:"unchanged"`
	Delete    int64  `json:"delete"`
	Publish   int64  `json:"publish"`
	Skip      int64  `json:"skip"`
	Reject    int64  `json:"reject"`
	// Undecided records were read, but the plan was stopped before it came to them.
	Undecided int64 `json:"undecided"`
	// Fields are the fields that updates would change, the most changed first.
	Fields []FieldChanges `json:"fields"`
	// Reasons say why records are skipped or rejected, the most frequent first.
	Reasons []Reason `json:"reasons"`
}

// FieldChanges says how often updates would change a field.
type FieldChanges struct {
	Field string `json:"field"`
	// Changed is on how many records; of them Cleared those on which it would be blank afterwards,
	// and Filled those on which it is blank now.
	Changed int64 `json:"changed"`
	Cleared int64 `json:"cleared"`
	Filled  int64 `json:"filled"`
}

// Reason is why records are skipped or rejected.
type Reason struct {
	// Action is skip or reject.
	Action string `json:"action"`
	Code   string `json:"code"`
	Count  int64  `json:"count"`
}

// LookupInfo says what was asked for to match rows with records.
type LookupInfo struct {
	Calls int64 `json:"calls"`
	Keys  int64 `json:"keys"`
	// Seconds is how long a call took on average; 0 if none was made.
	Seconds float64 `json:"seconds_per_call"`
}

// Estimate says what a run would cost by one API.
type Estimate struct {
	// API is rest or bulk.
	API string `json:"api"`
	// Calls are API calls: Lookups of them ask, the others write.
	Calls   int64 `json:"calls"`
	Lookups int64 `json:"lookups"`
	// Seconds is how long it would take, as Why says.
	Seconds float64 `json:"seconds"`
	Why     string  `json:"why"`
	// Not says why the run cannot go this way; "" if it can.
	Not string `json:"not,omitempty"`
}
