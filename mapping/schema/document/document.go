// Package document reads the files of schemas within bounds and says what is wrong with them.
package document

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json"
)

// Read reads a regular file of at most limit bytes. It looks before it opens, since opening a
// pipe would wait for a writer.
func Read(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s has more than the %d bytes allowed", path, limit)
	}
	return text, nil
}

// Problem says of an error of the JSON package where it is and what stands there, without the
// names of our Go types.
func Problem(err error) error {
	var e *json.SemanticError
	if !errors.As(err, &e) {
		return err
	}
	at := ""
	if e.JSONPointer != "" {
		at = fmt.Sprintf("at %s: ", e.JSONPointer)
	}
	what := "a value"
	switch e.JSONKind {
	case 'n':
		what = "null"
	case 't', 'f':
		what = "a boolean"
	case '"':
		what = "text"
	case '0':
		what = "a number"
	case '[':
		what = "a list"
	case '{':
		what = "an object"
	}
	return fmt.Errorf("%s%s of the wrong kind", at, what)
}
