package pipeline

import (
	"context"
	"errors"
	"io"
	"math"
	"math/bits"
	"os"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

// sample picks so many rows of an input, spread evenly over it. The same input gives the same
// rows, which is what a resumed run counts on.
type sample struct {
	want, total uint64
	next        uint64 // the number of the next row, from 0
}

// newSample counts the rows of the inputs. It returns nil if all are wanted.
func newSample(ctx context.Context, opt *Options) (*sample, error) {
	if opt.Sample <= 0 {
		return nil, nil
	}
	s := &sample{want: uint64(opt.Sample)}
	for _, in := range opt.Inputs {
		back, err := rewind(in)
		if err != nil {
			return nil, err
		}
		rows, err := countRows(ctx, in, opt, math.MaxInt64-1)
		if err := errors.Join(err, back()); err != nil {
			return nil, err
		}
		s.total += uint64(rows)
	}
	if s.want >= s.total {
		return nil, nil
	}
	return s, nil
}

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

// choose drops the rows that were not picked. It has to see every batch, in order.
func (s *sample) choose(b *row.Batch) {
	first := s.next
	s.next += uint64(b.Len())
	b.Retain(func(r int) bool { return s.picked(first+uint64(r)) > s.picked(first+uint64(r)-1) })
}

// picked is how many of the rows up to number n (from 0) are wanted: the share that they are of all
// rows, rounded up. The sample's rows are those at which it grows: the first row is one. One before
// the first row (n+1 is 0) it is 0.
func (s *sample) picked(n uint64) uint64 {
	hi, lo := bits.Mul64(n+1, s.want)
	lo, carry := bits.Add64(lo, s.total-1, 0)
	q, _ := bits.Div64(hi+carry, lo, s.total)
	return q
}

// rewind returns a function that brings an input back to where it is now, for what has to read it
// twice. The error of one that can be read only once is a [source.ErrOption].
func rewind(in source.Input) (back func() error, err error) {
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
