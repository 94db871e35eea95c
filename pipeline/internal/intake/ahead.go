package pipeline

import (
	"context"
	"errors"
)

// ReadAhead counts the rows of the inputs until there are more than most, which more tells. Inputs are left as
// they were; one that can be read only once is an error. Of one that is damaged only what comes
// before the damage counts: what is wrong with it is said when it is read in earnest.
func ReadAhead(ctx context.Context, opt Options, most int64) (rows int64, more bool, err error) {
	opt.defaults()
	for _, in := range opt.Inputs {
		back, err := rewind(in)
		if err != nil {
			return 0, false, err
		}
		n, err := countRows(ctx, in, &opt, most-rows)
		if err := errors.Join(err, back()); err != nil {
			return 0, false, err
		}
		if rows += n; rows > most {
			return most, true, nil
		}
	}
	return rows, false, nil
}
