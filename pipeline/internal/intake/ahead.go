package intake

import (
	"context"
	"errors"
	"io"
	"os"

	"sfsync/pipeline/source"
)

// countRows reads an input to its end, or until there were more rows than most. That it is damaged is said when it is read in earnest; what
// comes before the damage counts.
func countRows(ctx context.Context, in source.Input, opt *Options, most int64) (n int64, err error) {
	so := opt.Source
	so.Paths, so.Rest = nil, false
	r, err := source.Open(ctx, in, so)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for n <= most {
		b, err := r.Next(ctx)
		switch {
		case err == nil:
			n += int64(b.Len())
			b.Free()
		case errors.Is(err, io.EOF), ctx.Err() == nil:
			return n, nil
		default:
			return 0, err
		}
	}
	return n, nil
}

// Rewind returns a function that brings an input back to where it is now, for what has to read it
// twice. The error of one that can be read only once is a [source.ErrOption].
func Rewind(in source.Input) (back func() error, err error) {
	if in.Reader == nil {
		info, err := os.Stat(in.Path)
		if err != nil || info.Mode().IsRegular() { // what is wrong with it is said where it is opened
			return func() error { return nil }, nil
		}
	} else if s, ok := in.Reader.(io.Seeker); ok {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil {
			return func() error {
				_, err := s.Seek(at, io.SeekStart)
				return err
			}, nil
		}
	}
	return nil, &source.Error{
		Path: in.Path, Class: source.ErrOption,
		Message: "the input has to be read twice for a sample, or for duplicates: last or fail, and this one can be read only once: save it to a file first",
	}
}

// Preflight opens every input and checks its columns against the plan, so that the mistakes
// that can be known before anything is sent are. What is no regular file cannot be opened
// twice and is left out.
func Preflight(ctx context.Context, opt *Options) error {
	var errs []error
	for _, in := range opt.Inputs {
		if in.Once || in.Reader != nil {
			continue
		}
		// What cannot be opened twice (a pipe, a FIFO) would lose its beginning.
		if info, err := os.Stat(in.Path); err == nil && !info.Mode().IsRegular() {
			continue
		}
		if err := preflight(ctx, in, opt); err != nil {
			errs = append(errs, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

func preflight(ctx context.Context, in source.Input, opt *Options) (err error) {
	r, err := source.Open(ctx, in, opt.Source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if !r.Complete() || len(r.Schema().Columns) == 0 {
		return nil
	}
	return opt.checkColumns(r.Schema(), in.Path)
}
