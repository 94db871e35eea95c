package spill

import (
	"errors"
	"io"
	"os"
)

// File is a temporary file of mode 0600. It has no name where the system allows that, so that it is gone with the
// process, however that ends; where it does not (Windows), Close removes it.
type File struct {
	*os.File
	left string
}

// Create makes a file in dir, "" for the system's directory for temporary files. The pattern is that of
// [os.CreateTemp].
func Create(dir, pattern string) (*File, error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	t := &File{File: f}
	if os.Remove(f.Name()) != nil {
		t.left = f.Name()
	}
	return t, nil
}

// Reset empties the file.
func (f *File) Reset() error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return f.Truncate(0)
}

// Close closes the file, and with that removes it. A nil one it leaves.
func (f *File) Close() error {
	if f == nil {
		return nil
	}
	err := f.File.Close()
	if f.left != "" {
		err = errors.Join(err, os.Remove(f.left))
	}
	return err
}
