package pipeline

import (
	"slices"
	"time"

	"sfsync/mapping"
	"sfsync/pipeline/fingerprint"
	"sfsync/pipeline/internal/deliver"
	"sfsync/pipeline/internal/form"
	"sfsync/pipeline/internal/intake"
	"sfsync/pipeline/internal/target"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/plan"
	"sfsync/pipeline/report"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
	"sfsync/sink"
)

// The reasons for which a run ends early; errors.Is tells them apart. Errors of the
// sub-packages and of the sink (*sink.Error) come through as they are.
var (
	// ErrStopped: the caller asked for a stop (Options.Stop); what was under way was finished.
	ErrStopped = work.ErrStopped
	// ErrTooManyFailed: Options.StopAfter was exceeded.
	ErrTooManyFailed = work.ErrTooManyFailed
	// ErrInputChanged: a resumed run found another input than it began with.
	ErrInputChanged = work.ErrInputChanged
	// ErrPanic: a stage hit a bug; the run was stopped, its ledger is sound.
	ErrPanic = work.ErrPanic
)

// Options is all a run needs. Plan, Inputs and Targets are required.
type Options struct {
	Plan *mapping.Plan
	// Inputs are read in this order; later rows of a key win.
	Inputs []source.Input
	// Source holds the options for every input; Paths, Rest and Pool are filled in from the plan.
	Source source.Options
	// Targets says where the records of each of Plan.Targets go.
	Targets []Target

	// Workers is how many requests are in flight at once; 0 means 4.
	Workers int
	// Limit stops reading after so many rows; 0 reads all.
	Limit int64
	// Sample reads only so many rows, spread evenly over the input, which is read once before to
	// count them; 0 for all. Not together with Limit.
	Sample int64
	// Wide reads all columns of an input, not only those that the plan names: for a profile.
	Wide bool
	// Duplicates says what happens to records of a target that have the same match key: in_order
	// or "" sends them one after the other, last skips all but the last one, fail refuses them. For
	// the latter two the input is read and mapped once before; what does not fit into memory
	// then goes to a file in Temp, "" for the system's directory.
	Duplicates, Temp string
	// StopAfter stops sending once more records than this have failed: 0 for never.
	StopAfter Threshold
	// Stop, once closed, ends the run early: requests in flight are finished, what was not sent
	// stays pending. (The end of the context cuts requests off.)
	Stop <-chan struct{}
	// Backoff says how long to wait before record attempt n (from 2) is sent, and false once
	// there have been enough. Nil: records are not sent again.
	Backoff func(attempt int) (time.Duration, bool)
	// LastPass is the end of the patience with records whose failure may pass.
	LastPass LastPass

	// Ledger remembers what was sent; nil for none (benchmarks).
	Ledger *ledger.Ledger
	// Resume says that the ledger is that of an earlier try at this run.
	Resume bool
	// Effort, if set, gives what this try has cost so far (calls, time); the ledger keeps it under
	// the key "effort" with every commit of finished batches, so that a kill does not lose it.
	Effort func() any
	// Rows and Errors receive every outcome; nil for none.
	Rows   *report.Rows
	Errors *report.Errors
	// Stats is updated while the run goes on; nil for none.
	Stats *Stats

	// ChangedOnly makes a record that brings nothing new Unchanged without a call, as far as its target's
	// fingerprints tell.
	ChangedOnly bool
	// CompareStored looks every record up and sends only what differs from what the org has.
	CompareStored bool

	// Rehearse makes the run a rehearsal: every record is looked up and compared with what the org
	// has, nothing is written. The counts then say what a run would do. There must be no Ledger.
	Rehearse bool
	// Planned gets what a rehearsal found out about each read batch, in reading order; an error
	// ends the run. Nil for none.
	Planned func(*plan.Batch) error

	peers []*mapping.PlanTarget // the targets of the plan and of its second
}

// LastPass says how records are sent whose failure may pass and that have failed as often as records are sent
// beside others. They wait until nothing else of the run is under way, or until nothing more can be read before
// they are decided, and then go with one request in flight, in smaller groups.
type LastPass = work.LastPass

// Target is where the records of one plan target go.
type Target struct {
	Writer sink.Writer
	// Matcher finds records by key; needed where the plan's target has Lookup, or refers to records
	// by a lookup. It serves the finds of the first target that needs them.
	Matcher sink.Matcher
	// Known are the fingerprints of what this org last accepted from this mapping; the run keeps them true.
	// Targets of one org share them. Nil for none.
	Known *fingerprint.Store
}

// Threshold is a number of records or a share of those read so far.
type Threshold struct {
	Count   int64
	Percent float64 // 0 to 100; used if Count is 0
	Any     bool    // the first failure is too many; used if both are 0
}

// Exceeded reports whether so many failures out of so many records are too many. A share is
// judged from 100 records on, so that one early failure does not end a run.
func (t Threshold) Exceeded(failed, of int64) bool {
	switch {
	case t.Count > 0:
		return failed > t.Count
	case t.Percent > 0:
		return of >= 100 && float64(failed)*100 > t.Percent*float64(of)
	}
	return t.Any && failed > 0
}

func (o *Options) defaults() {
	if o.Workers <= 0 {
		o.Workers = 4
	}
	if o.Stats == nil {
		o.Stats = &Stats{}
	}
	if o.Backoff == nil {
		o.Backoff = func(int) (time.Duration, bool) { return 0, false }
	}
	o.Source.Pool = &row.Pool{}
	o.Source.Paths = o.Plan.Paths()
	o.Source.Rest = o.Plan.Rest() || o.Wide
	for i := range o.Plan.Targets {
		o.peers = append(o.peers, &o.Plan.Targets[i])
	}
	if second := o.Plan.Second; second != nil { // both passes read the same
		for i := range second.Targets {
			o.peers = append(o.peers, &second.Targets[i])
		}
		for _, p := range second.Paths() {
			if !slices.Contains(o.Source.Paths, p) {
				o.Source.Paths = append(slices.Clip(o.Source.Paths), p)
			}
		}
		o.Source.Rest = o.Source.Rest || second.Rest()
	}
}

// intake are the options that concern what is read.
func (o *Options) intake() *intake.Options {
	in := &intake.Options{
		Plan: o.Plan, Inputs: o.Inputs, Source: o.Source, Limit: o.Limit, Sample: o.Sample, Workers: o.Workers,
		Ledger: o.Ledger, Resume: o.Resume, Stop: o.Stop, Stats: o.Stats,
	}
	for _, t := range o.Targets {
		in.Writers = append(in.Writers, t.Writer)
	}
	return in
}

// jobs is how many requests there are at once: those in flight and those that get ready to leave. Where failures are
// to end the run, none gets ready before the answers are known.
func (o *Options) jobs() int {
	if o.Rehearse || o.StopAfter != (Threshold{}) {
		return o.Workers
	}
	return 2 * o.Workers
}

// form are the options that concern what is made of the records, and sent.
func (o *Options) form() *form.Options {
	f := &form.Options{
		Options: deliver.Options{Ledger: o.Ledger, Backoff: o.Backoff, LastPass: o.LastPass, Rehearse: o.Rehearse},
		Plan:    o.Plan, Peers: o.peers, Stats: o.Stats, TooMany: o.StopAfter.Exceeded, Stop: o.Stop, Resume: o.Resume,
		ChangedOnly: o.ChangedOnly, CompareStored: o.CompareStored,
	}
	for _, t := range o.Targets {
		f.Targets = append(f.Targets, target.Org(t))
	}
	return f
}
