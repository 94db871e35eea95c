package source

import (
	"sfsync/pipeline/source/inputerr"
	"sfsync/pipeline/source/textfile"
)

// The classes of an error about a file or pattern, for errors.Is. Every error of this
// package but a context's is of one of them.
var (
	// ErrNotFound: a path or pattern that matches no file.
	ErrNotFound = inputerr.ErrNotFound
	// ErrUnreadable: the file is there and cannot be read.
	ErrUnreadable = inputerr.ErrUnreadable
	// ErrUnavailable: what the input is read from cannot be reached, or has broken off; another try may do.
	ErrUnavailable = inputerr.ErrUnavailable
	// ErrMalformed: the file is not what it should be.
	ErrMalformed = inputerr.ErrMalformed
	// ErrEncoding: a malformed file whose columns are text in another encoding than was read.
	ErrEncoding = inputerr.ErrEncoding
	// ErrUnsupported: a kind of input that is not read.
	ErrUnsupported = inputerr.ErrUnsupported
	// ErrOption: an option that cannot be (an unknown encoding, no format for stdin).
	ErrOption = inputerr.ErrOption
)

// Error is what is wrong with one input.
type Error = inputerr.Error

// CodeEncoding is the code of a row whose bytes are not valid in the file's encoding.
const CodeEncoding = textfile.CodeEncoding
