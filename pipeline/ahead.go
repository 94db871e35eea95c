package pipeline

import (
	"context"

	"sfsync/pipeline/internal/intake"
)

// What reading ahead says of a run, and of one of its targets.
//
//nolint:revive // one comment for both
type (
	Ahead       = intake.Ahead
	AheadTarget = intake.AheadTarget
)

// ReadAhead reads the beginning of the inputs, and says how many rows there are and what they make: up to most
// rows are mapped, those behind them are counted or estimated. Inputs are left as they were; one that can be read only
// once is an error. Of one that is damaged only what comes before the damage counts: what is wrong
// with it is said when it is read in earnest.
func ReadAhead(ctx context.Context, opt Options, most int64) (*Ahead, error) {
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
