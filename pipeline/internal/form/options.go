package form

import (
	"context"

	"sfsync/mapping"
	"sfsync/pipeline/internal/deliver"
	"sfsync/pipeline/internal/target"
	"sfsync/pipeline/internal/work"
)

// Options are those of a run that concern what is made of its records. The package pipeline documents them.
type Options struct {
	deliver.Options
	Plan    *mapping.Plan
	Targets []target.Org // of each of Plan.Targets
	// Peers are the targets of the plan of the first pass and of the second.
	Peers []*mapping.PlanTarget
	Stats *work.Stats

	// TooMany reports whether nothing more is to be sent once so many records out of so many rows have failed.
	TooMany       func(failed, read int64) bool
	Stop          <-chan struct{}
	Resume        bool
	ChangedOnly   bool
	CompareStored bool
}

// Ends are what connects a former with the stages around it.
type Ends struct {
	In      <-chan *work.Batch
	Jobs    chan<- *deliver.Job // has room for all that there may be at once
	Outlet  *deliver.Outlet     // closed when nothing more is to be sent
	Answers <-chan *deliver.Job
	Decided chan<- *work.Batch
	Trouble <-chan error            // from stages behind: send nothing more
	Unread  context.CancelCauseFunc // stops the reader
	// Written reports, while in a second pass, whether the first has written the record of a row; else it is nil.
	Written func(row int64, target int) bool
}
