package pipeline

import (
	"context"

	"sfsync/pipeline/internal/intake"
)

// ReadAhead counts the rows of the inputs until there are more than most, which more tells. Inputs are left as
// they were; one that can be read only once is an error. Of one that is damaged only what comes
// before the damage counts: what is wrong with it is said when it is read in earnest.
func ReadAhead(ctx context.Context, opt Options, most int64) (rows int64, more bool, err error) {
	opt.defaults()
	return intake.ReadAhead(ctx, opt.intake(), most)
}

// Preflight opens every input and checks its columns against the plan, so that the mistakes
// that can be known before anything is sent are. What is no regular file cannot be opened
// twice and is left out.
func Preflight(ctx context.Context, opt Options) error {
	opt.defaults()
	return intake.Preflight(ctx, opt.intake())
}
