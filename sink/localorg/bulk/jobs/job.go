package jobs

import "time"

// Kind is a job's jobType (Bulk API 2.0 guide, Get Job Info).
type Kind string

// The kinds of jobs.
const (
	Ingest  Kind = "V2Ingest"
	Query   Kind = "V2Query"
	Classic Kind = "Classic" // of Bulk API 1.0
)

// State is where a job stands.
type State string

// The states of a job of Bulk API 2.0. Jobs of Bulk API 1.0 are Open, Closed, Aborted or Failed.
const (
	Open           State = "Open"
	UploadComplete State = "UploadComplete"
	InProgress     State = "InProgress"
	Complete       State = "JobComplete"
	Failed         State = "Failed"
	Aborted        State = "Aborted"
	Closed         State = "Closed"
)

// Ended reports whether nothing more will happen to a job of the state.
func (s State) Ended() bool { return s == Complete || s == Failed || s == Aborted || s == Closed }

// Job is a job as it is kept.
type Job struct {
	ID    string `json:"-"`
	Kind  Kind   `json:"-"`
	State State  `json:"-"`
	// Created and Modified are by the org's clock.
	Created  time.Time `json:"-"`
	Modified time.Time `json:"-"`
	// Processed counts the rows that were tried, Failed those of them that failed.
	Processed int64 `json:"-"`
	Failed    int64 `json:"-"`

	Operation      string `json:"operation"`
	Object         string `json:"object"`
	ExternalID     string `json:"externalId,omitempty"`
	AssignmentRule string `json:"assignmentRule,omitempty"`
	CreatedBy      string `json:"createdBy"`
	// Version is the number of the API version by which the job was created.
	Version     int    `json:"version"`
	ContentType string `json:"contentType"`
	Delimiter   string `json:"delimiter,omitempty"`
	LineEnding  string `json:"lineEnding,omitempty"`
	Concurrency string `json:"concurrency,omitempty"`
	// Query is the text of a query job.
	Query string `json:"query,omitempty"`
	// Columns are the names in the head of a query's result.
	Columns []string `json:"columns,omitempty"`
	// Uploaded is set once the data is there.
	Uploaded bool `json:"uploaded,omitempty"`
	// Error says why the job failed.
	Error string `json:"error,omitempty"`
	// Busy is how long the job was worked on, Total how long it took from its end of upload.
	Busy  time.Duration `json:"busy,omitempty"`
	Total time.Duration `json:"total,omitempty"`
}

// Chunk is up to 200 rows that were written in one transaction, and what became of them.
type Chunk struct {
	Seq int
	// Start and Size say where the rows are in the upload, in bytes.
	Start, Size int64
	// Rows and Failed count them.
	Rows, Failed int
	// Outcomes are those of the rows, in order; see [AppendOutcome].
	Outcomes []byte
}

// Batch is a batch of a job of Bulk API 1.0.
type Batch struct {
	ID        string    `json:"-"`
	Job       string    `json:"-"`
	State     string    `json:"-"`
	Created   time.Time `json:"-"`
	Modified  time.Time `json:"-"`
	Processed int64     `json:"-"`
	Failed    int64     `json:"-"`

	ContentType string        `json:"contentType"`
	Error       string        `json:"error,omitempty"`
	Busy        time.Duration `json:"busy,omitempty"`
	// Columns are the names in the head of a query's result.
	Columns []string `json:"columns,omitempty"`
}

// The states of a batch (Bulk API guide, batch state).
const (
	BatchQueued       = "Queued"
	BatchInProgress   = "InProgress"
	BatchCompleted    = "Completed"
	BatchFailed       = "Failed"
	BatchNotProcessed = "Not Processed"
)
