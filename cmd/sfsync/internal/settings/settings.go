// Package settings is what a run keeps in its ledger to be resumed as it was begun.
package settings

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/mapping"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
)

// The commands of runs that go by what another one left.
const (
	Retry = "retry"
	Undo  = "undo"
)

// Run says how a run was begun.
type Run struct {
	Version int    `json:"version"` // 1
	Tool    string `json:"tool"`
	// Command is run or retry, Parent the run whose rows a retry sends again.
	Command string `json:"command,omitempty"`
	Parent  string `json:"parent,omitempty"`
	// Dir is the working directory: the paths of the mapping and the inputs are relative to it.
	Dir     string    `json:"dir"`
	Started time.Time `json:"started"`
	// Began is when the run began by the clocks of its orgs, by their ids: that of the machine may be set.
	Began   map[string]time.Time `json:"began,omitempty"`
	Mapping string               `json:"mapping"`
	// Sums are the hashes of the mapping and of what it takes in, as the run was begun with them.
	Sums   []report.FileSum `json:"mapping_sums,omitempty"`
	Inputs []Input          `json:"inputs"`
	To     string           `json:"to"`
	OrgID  string           `json:"org_id"`
	// Orgs are the ids of the orgs that targets name besides.
	Orgs   map[string]string `json:"orgs,omitempty"`
	API    string            `json:"api"`
	Limit  int64             `json:"limit"`
	Sample int64             `json:"sample,omitempty"`
	// Backup keeps what records held before they are written.
	Backup    bool   `json:"backup,omitempty"`
	MaxFailed string `json:"max_failed"`
	StopAfter string `json:"stop_after,omitempty"`
	// ChangedOnly is what rows are compared with before they are sent.
	ChangedOnly string `json:"changed_only,omitempty"`
	// Limits are those that were checked before the run began.
	Limits  string   `json:"limits,omitempty"`
	FromEnv []string `json:"from_env,omitempty"`
	NoInput bool     `json:"error_on_no_input,omitempty"`
}

// Input is an input as the run found it, so that a resumed run reads the same files in
// the same order even if more have come since.
type Input struct {
	Path   string `json:"path"`
	Format string `json:"format"`
	// Size and Modified are those of the file when the run began.
	Size     int64     `json:"size,omitempty"`
	Modified time.Time `json:"modified,omitzero"`
	// Spool is the file in the run directory that keeps what stdin gave.
	Spool string `json:"spool,omitempty"`
}

// Effort is what the tries at a run before this one took; kept in the ledger when a try ends.
type Effort struct {
	Calls   int64         `json:"calls"`
	Retries int64         `json:"retries"`
	Rows    int64         `json:"rows"` // sent again on their own
	Last    int64         `json:"last_pass"`
	Took    time.Duration `json:"took"`
}

// The keys of the ledger's documents that the command keeps.
const (
	InfoKey   = "info"
	APIKey    = "api"
	EffortKey = "effort"
)

// Read reads what a run was begun with from its ledger.
func Read(ctx context.Context, dir *report.Dir, s *Run) error {
	l, err := ledger.Open(ctx, dir.Path(report.LedgerFile))
	if errors.Is(err, ledger.ErrAccess) {
		return err // it may be sound
	}
	if err != nil {
		return &exit.Error{Code: exit.BadInput, Err: err} // here the ledger is the input
	}
	defer l.Close() // only read from
	ok, err := l.Meta(ctx, InfoKey, s)
	if err != nil {
		return &exit.Error{Code: exit.BadInput, Err: err}
	}
	if !ok || s.Version != 1 {
		return exit.Errorf(exit.BadInput, "%s was made by another version of sfsync (%s): use that one", dir.Name(), s.Tool)
	}
	return nil
}

// Other reports whether the file that was read is certainly another one now.
func (in *Input) Other() bool {
	info, err := os.Stat(in.Path)
	return in.Spool == "" && err == nil && info.Size() != in.Size
}

// Sums are the hashes of a mapping and of what it takes in.
func Sums(f *mapping.File) []report.FileSum {
	own := sha256.Sum256(f.Text)
	all := []report.FileSum{{Path: f.Path, SHA256: hex.EncodeToString(own[:])}}
	for _, part := range f.Parts {
		all = append(all, report.FileSum(part))
	}
	return all
}
