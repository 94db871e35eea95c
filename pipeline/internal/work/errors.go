package work

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// The reasons for which a run ends early, as the package pipeline documents them.
var (
	ErrStopped       = errors.New("stopped on request")
	ErrTooManyFailed = errors.New("too many rows failed")
	ErrInputChanged  = errors.New("the input has changed since the run began")
	ErrPanic         = errors.New("internal error")
)

// The codes of records that several stages know.
const (
	// CodeNotWritten is why a record is not completed in the second pass. Its line in the report is
	// that of the first.
	CodeNotWritten = "NOT_WRITTEN"
	// CodeSuperseded: a later row has the same match key.
	CodeSuperseded = "DUPLICATE_SUPERSEDED"
	// CodeParentFailed: the record refers to one of the same row that fails.
	CodeParentFailed = "PARENT_FAILED"
	// CodeNotFound: there is no record to change, in the org's own words.
	CodeNotFound = "NOT_FOUND"
)

// Guard calls f and turns a panic into an error: errgroup does not recover, and a bug in one
// stage must not cost the account of what was already sent.
func Guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrPanic, p, debug.Stack())
		}
	}()
	return f()
}
