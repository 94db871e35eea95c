// Package transform holds the functions of a mapping's short form, the steps in
// "email | trim | lower": text in, text out.
//
// A step is compiled once, with its arguments checked, and then runs without allocating:
// what it changes it writes to the caller's [Buffer], what it does not change comes back as
// it was.
package transform

import (
	"errors"
	"fmt"
	"strconv"
	"unsafe"

	"sfsync/mapping/convert"
	"sfsync/mapping/diag"
)

// MaxText is the longest text a step may make, in bytes. Steps can multiply what they are
// given, so a mapping could otherwise ask for any amount of memory.
const MaxText = 16 << 20

// Func is a compiled step. It is never called with blank text: nothing stays nothing. The
// result is a view on s, on the buffer or on a constant, good until the buffer's Reset.
type Func func(b *Buffer, s string) (string, *convert.Problem)

// Buffer is where steps write. The zero Buffer is ready; it serves one goroutine.
type Buffer struct{ b []byte }

// keepBuffer is the largest memory a buffer keeps over a Reset.
const keepBuffer = 1 << 20

// Reset forgets what was written. Texts made since the last Reset must no longer be used.
func (b *Buffer) Reset() {
	if cap(b.b) > keepBuffer {
		b.b = nil
	}
	b.b = b.b[:0]
}

// since returns what was written after the first n bytes. Later growth moves the buffer and
// leaves the text where it is, so it stays good.
func (b *Buffer) since(n int) string {
	if n == len(b.b) {
		return ""
	}
	return unsafe.String(&b.b[n], len(b.b)-n)
}

// ArgError says which argument of a step is wrong.
type ArgError struct {
	// Arg counts from 0; -1 is the number of arguments.
	Arg int
	Err error
}

func (e *ArgError) Error() string { return e.Err.Error() }
func (e *ArgError) Unwrap() error { return e.Err }

// ErrUnknown is returned for a name that is no transform.
var ErrUnknown = errors.New("unknown transform")

// Names are the names of all transforms, in the order of the reference.
func Names() []string {
	return []string{
		"trim", "lower", "upper", "title", "digits", "slug", "first_name", "last_name", "truncate", "replace",
		"split", "prefix", "suffix", "date", "datetime", "number", "bool", "hash", "phone",
	}
}

// Compile returns a step by name. The error is an [*ArgError] or wraps [ErrUnknown].
func Compile(name string, args []string) (Func, error) {
	need := func(least, most int) error {
		if len(args) >= least && (most < 0 || len(args) <= most) {
			return nil
		}
		want := strconv.Itoa(least)
		switch {
		case most < 0:
			want = fmt.Sprintf("at least %d", least)
		case most > least:
			want = fmt.Sprintf("%d or %d", least, most)
		}
		return &ArgError{-1, fmt.Errorf("%s takes %s argument(s), not %d", name, want, len(args))}
	}
	if f := plain(name); f != nil {
		return f, need(0, 0)
	}
	switch name {
	case "truncate":
		if err := need(1, 1); err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 {
			return nil, &ArgError{0, fmt.Errorf("truncate needs a number of characters from 1, not %q", args[0])}
		}
		return truncate(n), nil
	case "replace":
		if err := need(2, 2); err != nil {
			return nil, err
		}
		if args[0] == "" {
			return nil, &ArgError{0, errors.New("replace needs a text to look for")}
		}
		return replace(args[0], args[1]), nil
	case "split":
		if err := need(2, 2); err != nil {
			return nil, err
		}
		if args[0] == "" {
			return nil, &ArgError{0, errors.New("split needs a separator")}
		}
		n, err := strconv.Atoi(args[1])
		if err != nil || n == 0 {
			return nil, &ArgError{1, fmt.Errorf("split needs the number of a part, from 1, or from -1 for the last, not %q", args[1])}
		}
		return split(args[0], n), nil
	case "prefix":
		return prefix(first(args)), need(1, 1)
	case "suffix":
		return suffix(first(args)), need(1, 1)
	case "hash":
		if err := need(0, 1); err != nil {
			return nil, err
		}
		if len(args) == 0 {
			return hash("sha256")
		}
		return hash(args[0])
	case "date":
		if err := need(1, 2); err != nil {
			return nil, err
		}
		return date(args)
	case "datetime":
		if err := need(1, 2); err != nil {
			return nil, err
		}
		return dateTime(args)
	case "number":
		if err := need(1, 1); err != nil {
			return nil, err
		}
		return number(args[0])
	case "phone":
		if err := need(1, 1); err != nil {
			return nil, err
		}
		return phone(args[0])
	case "bool":
		if err := need(1, -1); err != nil {
			return nil, err
		}
		return truth(args)
	}
	hint := diag.DidYouMean(name, Names())
	if hint != "" {
		hint = ": " + hint
	}
	return nil, fmt.Errorf("%w %s%s", ErrUnknown, name, hint)
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// plain returns the steps that take no arguments.
func plain(name string) Func {
	switch name {
	case "trim":
		return trim
	case "lower":
		return lower
	case "upper":
		return upper
	case "title":
		return title
	case "digits":
		return digits
	case "slug":
		return slug
	case "first_name":
		return firstName
	case "last_name":
		return lastName
	}
	return nil
}

func tooLong() *convert.Problem {
	return &convert.Problem{Code: convert.CodeTooLong, Message: fmt.Sprintf("a transform made more than %d bytes of text", MaxText)}
}
