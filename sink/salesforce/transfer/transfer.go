// Package transfer says what goes over the wire where a request is more than a page of JSON: a file
// as its body, an answer of any length.
package transfer

import (
	"fmt"
	"io"
	"net/http"
)

// Request is a request to a resource of an org, to be sent with the session and the retries of a
// client.
type Request struct {
	Method string
	// Path is below the API version: "/jobs/ingest".
	Path string
	// Repeat allows it to be sent again although an earlier try may have been carried out.
	Repeat bool
	// JSON is the body, if it is not nil. Else, if Data is not, the body is Size bytes of it, read as
	// often as the request is sent.
	JSON        any
	Data        io.ReaderAt
	Size        int64
	ContentType string
	// Into takes the answer as JSON; To takes it as it is, as text/csv. Nil for an answer that does
	// not matter.
	Into any
	To   Sink
	// Head gets the headers of a successful answer; nil for nobody to get them.
	Head *http.Header
}

// Sink takes an answer. It is emptied before each try.
type Sink interface {
	io.Writer
	Reset() error
}

// WriteError is the error of a Sink.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return fmt.Sprintf("keep the answer: %v", e.Err) }
func (e *WriteError) Unwrap() error { return e.Err }

// Fill empties the sink and copies the answer to it. An error of the sink is a [WriteError], any
// other is the answer's.
func Fill(s Sink, answer io.Reader) (int64, error) {
	if err := s.Reset(); err != nil {
		return 0, &WriteError{err}
	}
	return io.Copy(writer{s}, answer)
}

// writer tells a sink's errors from those of the reader.
type writer struct{ s Sink }

func (w writer) Write(p []byte) (int, error) {
	n, err := w.s.Write(p)
	if err != nil {
		err = &WriteError{err}
	}
	return n, err
}
