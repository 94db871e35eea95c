package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// ErrCounts marks the error of a summary whose counts do not add up: a bug, never a matter of
// the data.
var ErrCounts = errors.New("the counts do not add up")

// SummaryVersion is the version of the summary's form.
const SummaryVersion = 1

// Summary is summary.json: one object whose keys are stable; new ones may come.
type Summary struct {
	// Version is SummaryVersion.
	Version int `json:"version"`
	// Tool is "sfsync" and its version.
	Tool string `json:"tool"`
	// Run is the name of the run directory, Parent that of the run that this one retries or undoes.
	Run     string `json:"run"`
	Parent  string `json:"parent"`
	Command string `json:"command"`
	// Complete is set once every row was read and decided.
	Complete bool        `json:"complete"`
	Mapping  MappingInfo `json:"mapping"`
	Inputs   []InputInfo `json:"inputs"`
	Org      OrgInfo     `json:"org"`
	// Orgs are all of them where targets go to several.
	Orgs     []OrgInfo    `json:"orgs,omitempty"`
	Started  time.Time    `json:"started"`
	Ended    time.Time    `json:"ended"`
	Duration float64      `json:"duration_s"`
	API      APIInfo      `json:"api"`
	Rows     RowCounts    `json:"rows"`
	Targets  []TargetInfo `json:"targets"`
	Errors   []Group      `json:"errors"`
	Retries  RetryCounts  `json:"retries"`
	RowsPerS float64      `json:"rows_per_s"`
	Exit     Exit         `json:"exit"`
	// Plan says what a run would do; only that of a plan has it.
	Plan *PlanInfo `json:"plan,omitempty"`
	// Found is what a check finds besides; only that of a check has it.
	Found *CheckInfo `json:"check,omitempty"`
	// Environment lists the flags that came from the environment, by their variables' names.
	Environment []string `json:"environment,omitempty"`
	// Warnings are what the readers found odd (renamed columns, keys named twice).
	Warnings []string `json:"warnings,omitempty"`
}

// MappingInfo says which mapping a run used.
type MappingInfo struct {
	Name string `json:"name"`
	Path string `json:"path"`
	// SHA256 is the hash of the mapping with all that it takes in; for one that takes nothing in, it is
	// that of the file. Parts are what it takes in: a preset (preset:NAME) and tables of values.
	SHA256 string    `json:"sha256"`
	Parts  []FileSum `json:"parts,omitempty"`
}

// FileSum is a file with the hash of its bytes, in hex.
type FileSum struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// InputInfo says what was read of a file. Inputs are listed in the order in which they were read.
type InputInfo struct {
	Path   string `json:"path"`
	Format string `json:"format"`
	// Bytes is the size of the file as it is stored, SHA256 its checksum in hex; "" if it was
	// not read to its end.
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Rows   int64  `json:"rows"`
}

// OrgInfo says where the records went.
type OrgInfo struct {
	// To is what the run calls the org, in a run with several.
	To   string `json:"to,omitempty"`
	Name string `json:"name"`
	// Kind is local, sandbox or production.
	Kind        string `json:"kind"`
	ID          string `json:"id"`
	InstanceURL string `json:"instance_url"`
	APIVersion  string `json:"api_version"`
}

// APIInfo says what the run cost.
type APIInfo struct {
	// Mode is rest or bulk, Why the reason for it.
	Mode string `json:"mode"`
	Why  string `json:"why"`
	// Calls is how many calls the run made, Predicted about how many it was expected to take before it
	// began, nil where nobody could know. Limit and Left are the org's daily limit and what is left of it, nil if
	// the org did not say.
	Calls     int64  `json:"calls"`
	Predicted *int64 `json:"predicted,omitempty"`
	Limit     *int64 `json:"limit"`
	Left      *int64 `json:"left"`
}

// RowCounts says what became of the rows. Read is the sum of the others.
type RowCounts struct {
	Read      int64 `json:"read"`
	Succeeded int64 `json:"succeeded"`
	Failed    int64 `json:"failed"`
	Skipped   int64 `json:"skipped"`
	Unknown   int64 `json:"unknown"`
	// Pending rows were read but not decided: the run was stopped.
	Pending int64 `json:"pending"`
}

// TargetInfo says what became of the records of a target. Records is the sum of the counts
// behind it.
type TargetInfo struct {
	Name   string `json:"name"`
	Object string `json:"object"`
	// Match are the match keys in order.
	Match []string `json:"match"`
	// Strategy is native or lookup.
	Strategy string `json:"strategy"`
	// API is how its records are sent, rest or bulk, and Why the reason; both are empty where nothing is.
	API       string `json:"api,omitempty"`
	Why       string `json:"why,omitempty"`
	Records   int64  `json:"records"`
	Created   int64  `json:"created"`
	Updated   int64  `json:"updated"`
	Deleted   int64  `json:"deleted"`
	Unchanged int64  `json:"unchanged"`
	Published int64  `json:"published"`
	Failed    int64  `json:"failed"`
	Skipped   int64  `json:"skipped"`
	Unknown   int64  `json:"unknown"`
	Pending   int64  `json:"pending"`
}

// RetryCounts says how often something was sent again: whole requests, and rows on their own. LastPass is how many
// of the rows' records came to the last pass.
type RetryCounts struct {
	Requests int64 `json:"requests"`
	Rows     int64 `json:"rows"`
	LastPass int64 `json:"last_pass"`
}

// Exit is how the command ended.
type Exit struct {
	Code    int    `json:"code"`
	Name    string `json:"name"`
	Message string `json:"message"`
}

// Check returns an [ErrCounts] that names every sum that is wrong, or nil.
func (s *Summary) Check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	r := s.Rows
	if sum := r.Succeeded + r.Failed + r.Skipped + r.Unknown + r.Pending; sum != r.Read {
		wrong("%d rows were read, %d are accounted for (%d succeeded, %d failed, %d skipped, %d unknown, %d pending)",
			r.Read, sum, r.Succeeded, r.Failed, r.Skipped, r.Unknown, r.Pending)
	}
	if min(r.Read, r.Succeeded, r.Failed, r.Skipped, r.Unknown, r.Pending) < 0 {
		wrong("a count of rows is negative: %+v", r)
	}
	if s.Complete && r.Pending != 0 {
		wrong("the run is complete, but %d rows are pending", r.Pending)
	}
	for _, t := range s.Targets {
		counts := [...]int64{t.Created, t.Updated, t.Deleted, t.Unchanged, t.Published, t.Failed, t.Skipped, t.Unknown, t.Pending}
		var sum int64
		for _, n := range counts {
			if sum += n; n < 0 {
				wrong("target %s: a count is negative: %v", t.Name, counts)
			}
		}
		if sum != t.Records {
			wrong("target %s has %d records, %d are accounted for (created, updated, deleted, unchanged, published, failed, skipped, unknown, pending: %v)",
				t.Name, t.Records, sum, counts)
		}
		if s.Complete && t.Pending != 0 {
			wrong("the run is complete, but %d records of target %s are pending", t.Pending, t.Name)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrCounts, errors.Join(errs...))
}

// Encode writes the summary as JSON, indented. Times are in UTC, to the millisecond; lists that
// are empty are [], not null.
func (s *Summary) Encode(w io.Writer) error {
	c := *s
	c.Started, c.Ended = stamp(s.Started), stamp(s.Ended)
	c.Inputs, c.Errors = filled(s.Inputs), filled(s.Errors)
	c.Targets = append([]TargetInfo{}, s.Targets...)
	for i := range c.Targets {
		c.Targets[i].Match = filled(c.Targets[i].Match)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(&c)
}

func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func filled[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// WriteSummary writes summary.json whole, in place of an earlier one.
func (d *Dir) WriteSummary(s *Summary) error { return d.writeFile(SummaryFile, s.Encode) }

// ReadSummary reads summary.json. A run that was killed has none: the error is fs.ErrNotExist.
func (d *Dir) ReadSummary() (*Summary, error) {
	text, err := os.ReadFile(d.Path(SummaryFile))
	if err != nil {
		return nil, fmt.Errorf("read the summary: %w", err)
	}
	s := &Summary{}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("read the summary %s: %w", d.Path(SummaryFile), err)
	}
	if s.Version != SummaryVersion {
		return nil, fmt.Errorf("read the summary %s: its version is %d, this sfsync knows %d", d.Path(SummaryFile), s.Version, SummaryVersion)
	}
	return s, nil
}
