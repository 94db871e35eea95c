// Package intake is what brings the rows of a run in: it reads the inputs, samples them, maps the batches in
// parallel and in order, and bounds what is under way.
package intake

import (
	"sfsync/mapping"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
	"sfsync/sink"
)

// Options are those of a run that concern what is read. The package pipeline documents them.
type Options struct {
	Plan   *mapping.Plan
	Inputs []source.Input
	Source source.Options // complete: with Paths, Rest and Pool

	Limit, Sample int64
	Workers       int           // for the size of the window
	Writers       []sink.Writer // and these; some may be nil

	Ledger *ledger.Ledger // with Resume
	Resume bool
	Stop   <-chan struct{}
	Stats  *work.Stats
}

// Input says what was read of one input.
type Input struct {
	Path, Format, SHA256 string
	Bytes, Rows          int64
}

// checkColumns checks a file's columns against the plan, and what it has for a second pass.
func (o *Options) checkColumns(s *row.Schema, path string) error {
	_, err := o.Plan.CheckColumns(s, path)
	if err == nil && o.Plan.Second != nil {
		_, err = o.Plan.Second.CheckColumns(s, path)
	}
	return err
}
