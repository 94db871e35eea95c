package bulk

import (
	"encoding/json"
	"net/http"
	"strconv"

	"sfsync/sink/localorg/bulk/csv"
	"sfsync/sink/localorg/bulk/jobs"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rest"
)

// The delimiters of a file by their names in a job (Bulk API 2.0 guide, Create a Job).
func delimiter(name string) (byte, bool) {
	switch name {
	case "COMMA":
		return ',', true
	case "BACKQUOTE":
		return '`', true
	case "CARET":
		return '^', true
	case "PIPE":
		return '|', true
	case "SEMICOLON":
		return ';', true
	case "TAB":
		return '\t', true
	}
	return 0, false
}

// dialect is how a job's file is written.
func dialect(j *jobs.Job) csv.Dialect {
	d, ok := delimiter(j.Delimiter)
	if !ok {
		d = ','
	}
	return csv.Dialect{Delimiter: d, CRLF: j.LineEnding == crlf}
}

const (
	lf    = "LF"
	crlf  = "CRLF"
	comma = "COMMA"
)

// document is a job in an answer. The answers to the verbs have different keys (recorded).
type document struct {
	ID             string          `json:"id"`
	Operation      string          `json:"operation"`
	Object         string          `json:"object"`
	CreatedByID    string          `json:"createdById"`
	CreatedDate    string          `json:"createdDate"`
	SystemModstamp string          `json:"systemModstamp"`
	State          jobs.State      `json:"state"`
	ExternalID     string          `json:"externalIdFieldName,omitempty"`
	Concurrency    string          `json:"concurrencyMode"`
	ContentType    string          `json:"contentType"`
	APIVersion     json.RawMessage `json:"apiVersion"` // a number with a decimal: 66.0
	JobType        jobs.Kind       `json:"jobType,omitempty"`
	ContentURL     string          `json:"contentUrl,omitempty"` // without a leading slash
	LineEnding     string          `json:"lineEnding,omitempty"`
	Delimiter      string          `json:"columnDelimiter,omitempty"`
	AssignmentRule string          `json:"assignmentRuleId,omitempty"`
	*counters
	ErrorMessage string `json:"errorMessage,omitempty"`
}

// counters are in the answer to GET only. Times are milliseconds.
type counters struct {
	Processed int64  `json:"numberRecordsProcessed"`
	Failed    *int64 `json:"numberRecordsFailed,omitempty"`
	Retries   int    `json:"retries"`
	Total     int64  `json:"totalProcessingTime"`
	Busy      *int64 `json:"apiActiveProcessingTime,omitempty"`
	Apex      *int64 `json:"apexProcessingTime,omitempty"`
}

// version returns an API version as a JSON number.
func version(n int) json.RawMessage { return json.RawMessage(strconv.Itoa(n) + ".0") }

// brief has the keys that all answers have.
func brief(j *jobs.Job) document {
	mode := j.Concurrency
	if mode == "" {
		mode = "Parallel"
	}
	return document{
		ID: j.ID, Operation: j.Operation, Object: j.Object, CreatedByID: j.CreatedBy,
		CreatedDate: j.Created.Format(catalog.DateTimeLayout), SystemModstamp: j.Modified.Format(catalog.DateTimeLayout),
		State: j.State, ExternalID: j.ExternalID, Concurrency: mode, ContentType: j.ContentType, APIVersion: version(j.Version),
	}
}

// createdAnswer is the answer to the creation of a job; it stands in lists too, with the jobType then.
func createdAnswer(j *jobs.Job, list bool) document {
	d := brief(j)
	d.LineEnding, d.Delimiter, d.AssignmentRule = j.LineEnding, j.Delimiter, j.AssignmentRule
	if j.Kind == jobs.Ingest {
		d.ContentURL = "services/data/v" + string(d.APIVersion) + "/jobs/ingest/" + j.ID + "/batches"
	}
	if list {
		d.JobType = j.Kind
	}
	return d
}

// info is the answer to GET.
func info(j *jobs.Job) document {
	d := brief(j)
	d.JobType, d.LineEnding, d.Delimiter, d.AssignmentRule = j.Kind, j.LineEnding, j.Delimiter, j.AssignmentRule
	d.counters = &counters{Processed: j.Processed, Total: j.Total.Milliseconds()}
	if j.Kind == jobs.Ingest {
		busy, apex := j.Busy.Milliseconds(), int64(0)
		d.Failed, d.Busy, d.Apex = &j.Failed, &busy, &apex
	}
	d.ErrorMessage = j.Error
	return d
}

func refuse(code, message string) *rest.Response {
	return rest.Failure(http.StatusBadRequest, code, message)
}

func wrongValue(value, property string) *rest.Response {
	return refuse("API_ERROR", "Invalid value: '"+value+"' supplied for property: '"+property+"'")
}

func wrongState(message string) *rest.Response { return refuse("INVALIDJOBSTATE", message) }

// failure answers with a refusal that came as an error, or as a failure of the org.
func (s *Service) failure(rq *rest.Request, err error) *rest.Response {
	if r, ok := err.(refusal); ok { //nolint:errorlint // Change returns it as it is
		return r.answer
	}
	return s.cfg.Gate.Internal(rq, err)
}

// refusal carries an answer out of a transaction that it undoes.
type refusal struct{ answer *rest.Response }

func (refusal) Error() string { return "refused" }
