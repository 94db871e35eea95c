// Package exit holds the exit codes of the command: what they mean, which of several counts, and
// which one an error makes.
package exit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/pipeline"
	"sfsync/pipeline/backup"
	"sfsync/pipeline/keys"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// Code is an exit code of the command. Scripts depend on them: they never change their
// meaning.
type Code int

// The exit codes.
const (
	OK            Code = 0
	Unexpected    Code = 1
	Usage         Code = 2
	SomeFailed    Code = 3
	AllFailed     Code = 4
	SomeUnknown   Code = 5
	DataProblems  Code = 6
	Pending       Code = 7
	NoInput       Code = 9
	BadInput      Code = 65
	InputNotFound Code = 66
	Unavailable   Code = 69
	Invariant     Code = 70
	CannotWrite   Code = 73
	TryAgain      Code = 75
	NoPermission  Code = 77
	BadConfig     Code = 78
	Interrupted   Code = 130
	Terminated    Code = 143
)

// precedence orders the codes for a run that earned several: the first of them counts.
// Unexpected and Usage end a command before anything else can happen, so they lead.
func precedence() []Code {
	return []Code{
		Unexpected, Usage, Invariant, CannotWrite, BadConfig, NoPermission, InputNotFound, BadInput,
		Unavailable, Interrupted, Terminated, TryAgain, SomeUnknown, AllFailed, SomeFailed,
		DataProblems, Pending, NoInput, OK,
	}
}

// Worst returns which of the codes counts; OK for none.
func Worst(codes ...Code) Code {
	for _, c := range precedence() {
		if slices.Contains(codes, c) {
			return c
		}
	}
	return OK
}

// String returns the code's meaning in words, the same in help texts and on stderr.
func (c Code) String() string {
	switch c {
	case OK:
		return "ok"
	case Unexpected:
		return "unexpected error"
	case Usage:
		return "usage"
	case SomeFailed:
		return "some rows failed"
	case AllFailed:
		return "all rows failed"
	case SomeUnknown:
		return "the outcome of some rows is unknown"
	case DataProblems:
		return "problems found before anything was sent"
	case Pending:
		return "changes are pending"
	case NoInput:
		return "no input"
	case BadInput:
		return "input unreadable or malformed"
	case InputNotFound:
		return "input not found"
	case Unavailable:
		return "org or network unavailable"
	case Invariant:
		return "an invariant broke"
	case CannotWrite:
		return "cannot write the report or the ledger"
	case TryAgain:
		return "stopped on purpose, try again"
	case NoPermission:
		return "authentication or permission"
	case BadConfig:
		return "mapping or configuration invalid"
	case Interrupted, Terminated:
		return "interrupted"
	}
	return fmt.Sprintf("code %d", int(c))
}

// Error gives an error the code the command ends with.
type Error struct {
	Code Code
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error that was given a code.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an error that ends the command with the code. %w works.
func Errorf(code Code, format string, args ...any) error {
	return &Error{code, fmt.Errorf(format, args...)}
}

// Usagef returns an error about the command line.
func Usagef(format string, args ...any) error { return Errorf(Usage, format, args...) }

// Signal says that a signal ended the command.
type Signal struct{ Sig os.Signal }

func (e *Signal) Error() string { return fmt.Sprintf("stopped by a signal: %v", e.Sig) }

func (e *Signal) code() Code {
	if e.Sig == syscall.SIGTERM {
		return Terminated
	}
	return Interrupted
}

// Of returns the exit code for an error: the worst of what is joined in it, where each part
// has the code that it carries, else one by what it is.
func Of(err error) Code {
	if err == nil {
		return OK
	}
	if codes := collectCodes(err, nil); len(codes) > 0 {
		return Worst(codes...)
	}
	return Unexpected
}

// Unstopped returns the parts of an error that are about more than a stop. The rest only says
// that the work was cut short: the end of the context, a request given up for it.
func Unstopped(err error) []error {
	var parts []error
	for _, part := range Parts(err) {
		var org *sink.Error
		if errors.Is(part, pipeline.ErrStopped) || errors.Is(part, context.Canceled) || errors.As(part, new(*Signal)) ||
			(errors.As(part, &org) && org.Code == catalog.CodeCancelled) {
			continue
		}
		parts = append(parts, part)
	}
	return parts
}

// OfStopped returns the exit code for an error of a command that a signal stopped: the worst of
// the signal's code and of what else went wrong.
func OfStopped(signal, err error) Code {
	code := Of(signal)
	for _, part := range Unstopped(err) {
		code = Worst(code, Of(part))
	}
	return code
}

// Parts returns the errors that were put together by errors.Join, at any depth; an error that
// is none of those is its own only part.
func Parts(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || reflect.TypeOf(err) != reflect.TypeOf(errors.Join(err)) {
		return []error{err}
	}
	var parts []error
	for _, e := range joined.Unwrap() {
		parts = append(parts, Parts(e)...)
	}
	return parts
}

// collectCodes walks an error's tree. Below a part that carries a code nothing else counts.
func collectCodes(err error, codes []Code) []Code {
	switch e := err.(type) { //nolint:errorlint // the tree is walked here
	case nil:
		return codes
	case *Error:
		return append(codes, e.Code)
	case *Signal:
		return append(codes, e.code())
	case *diag.Errors:
		return append(codes, BadConfig)
	case *sink.Error:
		return append(codes, codeOfOrg(e.Class))
	}
	for _, known := range sentinels() {
		if err == known.is { //nolint:errorlint // the tree is walked here
			return append(codes, known.code)
		}
	}
	switch e := err.(type) { //nolint:errorlint // the tree is walked here
	case interface{ Unwrap() []error }:
		if slices.Contains(e.Unwrap(), ledger.ErrCorrupt) { // nothing is wrong with the disk: the ledger is the input
			return append(codes, BadInput)
		}
		for _, part := range e.Unwrap() {
			codes = collectCodes(part, codes)
		}
	case interface{ Unwrap() error }:
		codes = collectCodes(e.Unwrap(), codes)
	case interface{ Is(error) bool }:
		for _, known := range sentinels() { // system errors are fs errors by their Is
			if e.Is(known.is) {
				codes = append(codes, known.code)
			}
		}
	}
	return codes
}

type sentinel struct {
	is   error
	code Code
}

func sentinels() []sentinel {
	return []sentinel{
		{pipeline.ErrTooManyFailed, SomeFailed},
		{pipeline.ErrInputChanged, BadInput},
		{pipeline.ErrStopped, TryAgain},
		{ledger.ErrLocked, TryAgain},
		{ledger.ErrClaimed, TryAgain},
		{ledger.ErrLedger, CannotWrite},
		{backup.ErrBackup, CannotWrite},
		{report.ErrReport, CannotWrite},
		{keys.ErrSpill, CannotWrite},
		{source.ErrNotFound, InputNotFound},
		{source.ErrUnreadable, BadInput},
		{source.ErrUnavailable, Unavailable},
		{source.ErrMalformed, BadInput},
		{source.ErrUnsupported, BadConfig},
		{source.ErrOption, BadConfig},
		{schema.ErrNotSnapshot, BadConfig},
		{syscall.ENOSPC, CannotWrite},
		{syscall.EDQUOT, CannotWrite},
		{syscall.EROFS, CannotWrite},
		{context.DeadlineExceeded, Unavailable},
		{fs.ErrNotExist, InputNotFound},
		{fs.ErrPermission, BadInput},
	}
}

// codeOfOrg returns the exit code for an error that stopped the work with an org.
func codeOfOrg(c sink.Class) Code {
	switch c {
	case sink.Auth:
		return NoPermission
	case sink.Config:
		return BadConfig
	case sink.Later:
		return TryAgain
	case sink.Network, sink.Retry:
		return Unavailable
	case sink.Permanent:
	}
	return Unexpected
}

// Help renders the part of a help text that lists the codes a command ends with, in order.
func Help(codes ...Code) string {
	codes = slices.Sorted(slices.Values(codes))
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, c := range codes {
		text := c.String()
		switch c {
		case OK:
			text = "success"
		case Usage:
			text = "the command line is wrong"
		case Interrupted:
			text = "interrupted (SIGINT; 143 for SIGTERM), state saved"
		}
		fmt.Fprintf(&b, "  %3d  %s\n", int(c), text)
	}
	return strings.TrimRight(b.String(), "\n")
}
