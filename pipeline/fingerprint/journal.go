package fingerprint

import (
	"bufio"
	"errors"
	"fmt"
	"os"
)

// journalSuffix makes the name of a journal of its table's.
const journalSuffix = ".journal"

// journal is a file of records in the order in which they were learned: of a key the last one counts. A
// record without content says that the key is in doubt.
type journal struct {
	path string
	f    *os.File
	w    *bufio.Writer
}

func newJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	return &journal{path: path, f: f, w: bufio.NewWriterSize(f, 64<<10)}, nil
}

func (j *journal) add(key, content Sum) error {
	if _, err := j.w.Write(key[:]); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	if _, err := j.w.Write(content[:]); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	return nil
}

// sync brings what was added to disk.
func (j *journal) sync() error {
	if err := errors.Join(j.w.Flush(), j.f.Sync()); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	return nil
}

func (j *journal) close() error {
	err := j.sync()
	if closeErr := j.f.Close(); closeErr != nil {
		err = errors.Join(err, fmt.Errorf("%w: %w", ErrStore, closeErr))
	}
	return err
}
