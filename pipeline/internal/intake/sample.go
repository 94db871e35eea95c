package intake

import (
	"context"
	"errors"
	"math"
	"math/bits"

	"sfsync/pipeline/row"
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
		back, err := Rewind(in)
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
