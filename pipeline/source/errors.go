package source

import (
	"errors"
	"fmt"
	"strings"
)

// The classes of an error about a file or pattern, for errors.Is. Every error of this
// package but a context's is of one of them.
var (
	// ErrNotFound: a path or pattern that matches no file.
	ErrNotFound = errors.New("input not found")
	// ErrUnreadable: the file is there and cannot be read.
	ErrUnreadable = errors.New("input unreadable")
	// ErrMalformed: the file is not what it should be.
	ErrMalformed = errors.New("input malformed")
	// ErrNotYet: a format or kind of input that this version does not read.
	ErrNotYet = errors.New("not supported yet")
	// ErrOption: an option that cannot be (an unknown encoding, no format for stdin).
	ErrOption = errors.New("invalid input option")
)

// Error is what is wrong with one input.
type Error struct {
	// Path is the file or pattern as the user gave it.
	Path string
	// Line and Column are the place, from 1; 0 where there is none. Columns are characters.
	Line, Column int64
	// Class is one of the Err values of this package.
	Class error
	// Message says what is wrong and what to do.
	Message string
	// Err is the cause, if there is one.
	Err error
}

// Error gives "path:line:column: message: cause".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Path)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
		if e.Column > 0 {
			fmt.Fprintf(&b, ":%d", e.Column)
		}
	}
	b.WriteString(": " + e.Message)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the class and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Class}
	}
	return []error{e.Class, e.Err}
}

func malformed(path, format string, args ...any) *Error {
	return &Error{Path: path, Class: ErrMalformed, Message: fmt.Sprintf(format, args...)}
}

func badOption(path, format string, args ...any) *Error {
	return &Error{Path: path, Class: ErrOption, Message: fmt.Sprintf(format, args...)}
}
