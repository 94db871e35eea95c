package input

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/fetch"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/pipeline/source"
)

// ReadAgain reports whether an input can be read a second time, as a resumed run does: a pipe, a
// FIFO or a device cannot.
func ReadAgain(in *source.Input) bool {
	info, err := os.Stat(in.Path)
	return err != nil || info.Mode().IsRegular() // what is wrong with it is said where it is read
}

// Spool copies an input that can be read only once to the run directory and brings it to disk. It gives up when drain is
// closed, by a signal or because the run's time is over.
func Spool(ctx context.Context, a *verb.App, drain <-chan struct{}, in *source.Input, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return exit.Errorf(exit.CannotWrite, "keep %s: %w", in.Path, err)
	}
	if fetch.Is(in.Path) {
		a.Con.Infof("fetching %s", in.Path)
	}
	// A signal ends the copy: opening a FIFO that nobody writes to and reading from a terminal
	// wait for good, and cannot be told to stop. The goroutine then ends with the process.
	copied := make(chan error, 1)
	go func() { copied <- copyInput(f, in) }()
	select {
	case err = <-copied:
		if closeErr := f.Close(); closeErr != nil {
			err = errors.Join(err, exit.Errorf(exit.CannotWrite, "keep %s: %w", in.Path, closeErr))
		}
		return err
	case <-drain:
		err = cmp.Or(a.Stop.Err(), exit.Errorf(exit.TryAgain, "%s was not read to its end before --max-duration was over: nothing was sent", in.Path))
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	return errors.Join(err, f.Close())
}

func copyInput(to *os.File, in *source.Input) error {
	from := in.Reader
	if from == nil {
		f, err := os.Open(in.Path)
		if err != nil {
			return exit.Errorf(exit.BadInput, "open %s: %w", in.Path, err)
		}
		defer f.Close() // only read from
		from = f
	}
	out := &spoolWriter{w: to}
	if _, err := io.Copy(out, from); err != nil {
		if out.err != nil {
			return exit.Errorf(exit.CannotWrite, "keep %s: %w", in.Path, out.err)
		}
		var known *source.Error
		if errors.As(err, &known) || errors.Is(err, context.Canceled) {
			return err // it names the input, and says what to do; or the command is being stopped
		}
		return exit.Errorf(exit.BadInput, "read %s: %w", in.Path, err)
	}
	if err := to.Sync(); err != nil {
		return exit.Errorf(exit.CannotWrite, "keep %s: %w", in.Path, err)
	}
	return nil
}

// spoolWriter remembers that it was the writing that failed.
type spoolWriter struct {
	w   io.Writer
	err error
}

func (s *spoolWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.err = err
	return n, err
}

// Keep copies an input to a temporary file and makes that the input.
func Keep(ctx context.Context, a *verb.App, in *source.Input, kept *Kept) error {
	if kept.dir == "" {
		dir, err := os.MkdirTemp("", "sfsync-*") // 0700
		if err != nil {
			return exit.Errorf(exit.CannotWrite, "keep %s: %w", in.Path, err)
		}
		kept.dir = dir
	}
	path := filepath.Join(kept.dir, fmt.Sprintf("input-%d", len(kept.files)))
	if err := Spool(ctx, a, nil, in, path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return exit.Errorf(exit.BadInput, "open what was kept of %s: %w", in.Path, err)
	}
	kept.files = append(kept.files, f)
	in.Reader = f
	return nil
}

// Kept are copies of what can be read only once.
type Kept struct {
	dir   string
	files []*os.File
}

// Close removes the copies.
func (k *Kept) Close() error {
	if k.dir == "" {
		return nil
	}
	for _, f := range k.files {
		_ = f.Close() // only read from
	}
	dir := k.dir
	k.dir, k.files = "", nil
	return os.RemoveAll(dir)
}
