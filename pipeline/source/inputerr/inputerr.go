// Package inputerr says what is wrong with an input, and what is odd about it.
package inputerr

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// The classes of an error about a file or pattern, for errors.Is. Every error of package source
// but a context's is of one of them.
var (
	// ErrNotFound: a path or pattern that matches no file.
	ErrNotFound = errors.New("input not found")
	// ErrUnreadable: the file is there and cannot be read.
	ErrUnreadable = errors.New("input unreadable")
	// ErrUnavailable: what the input is read from cannot be reached, or has broken off; another try may do.
	ErrUnavailable = errors.New("input unavailable")
	// ErrMalformed: the file is not what it should be.
	ErrMalformed = errors.New("input malformed")
	// ErrEncoding: a malformed file whose columns are text in another encoding than was read.
	ErrEncoding = fmt.Errorf("%w: its encoding is another one", ErrMalformed)
	// ErrUnsupported: a kind of input that is not read.
	ErrUnsupported = errors.New("not supported")
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

// After returns the error of a file that cannot be read on, with how many rows of it were fine.
func (e *Error) After(rows int64) *Error {
	after := *e
	after.Message += fmt.Sprintf(" (%s before that could be read)", Plural(rows, "row"))
	return &after
}

// Malformed returns an error about a file that is not what it should be.
func Malformed(path, format string, args ...any) *Error {
	return &Error{Path: path, Class: ErrMalformed, Message: fmt.Sprintf(format, args...)}
}

// BadOption returns an error about an option that cannot be.
func BadOption(path, format string, args ...any) *Error {
	return &Error{Path: path, Class: ErrOption, Message: fmt.Sprintf(format, args...)}
}

// Unreadable returns the error of an input that could not be read: err, where the one who reads it says itself
// what is wrong.
func Unreadable(path string, err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return &Error{Path: path, Class: ErrUnreadable, Message: "cannot be read", Err: Cause(err)}
}

// Cause drops the path from a file system error, since an [Error] names it already.
func Cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// maxWarnings bounds the warnings kept of one file.
const maxWarnings = 100

// Warnings are what is odd about a file: the first 100 of them.
type Warnings []string

// Addf adds a warning.
func (w *Warnings) Addf(format string, args ...any) {
	if len(*w) < maxWarnings {
		*w = append(*w, fmt.Sprintf(format, args...))
	}
}

// Quote quotes a text for a message, cut to 40 characters.
func Quote(s string) string {
	if r := []rune(s[:min(len(s), 200)]); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return fmt.Sprintf("%q", strings.ToValidUTF8(s, "\uFFFD"))
}

// Plural writes a count with its noun.
func Plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
