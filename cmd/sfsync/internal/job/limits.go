package job

import (
	"context"
	"fmt"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/rehearsal"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/pipeline"
	"sfsync/sink/salesforce/mirror"
)

// guards stand between a rehearsal and the orgs of the plan's targets. The rehearsal's counters are stats, and it is
// to end when stop is closed.
func (j *job) guards(stats *pipeline.Stats, stop <-chan struct{}) ([]*rehearsal.Guard, []pipeline.Target) {
	guards := make([]*rehearsal.Guard, len(j.plan.Targets))
	targets := make([]pipeline.Target, len(guards))
	matchers := make(map[*remote.Org]*mirror.Matcher)
	for i := range guards {
		org := j.orgs.Of(j.plan.Targets[i].Org)
		if matchers[org] == nil {
			matchers[org] = j.copies(org, nil, stats, stop) // nothing is written
		}
		guards[i] = rehearsal.NewGuard(org.Writer(), matchers[org], j.Sys.Now)
		targets[i] = pipeline.Target{Writer: guards[i], Matcher: guards[i]}
	}
	return guards, targets
}

// keepLimits refuses a run that would do more than its limits allow. It finds out by a rehearsal of
// the whole run, under the lock and before there is a run directory: what stops here has left nothing.
func (j *job) keepLimits(ctx context.Context) error {
	if !j.limits.Any() {
		return nil
	}
	for i := range j.inputs {
		if in := &j.inputs[i]; in.Once || !input.ReadAgain(in) {
			return exit.Usagef("%s needs an input that can be read twice, and %s cannot: keep it in a file first", &j.limits, in.Path)
		}
	}
	stats := &pipeline.Stats{}
	stats.BytesTotal.Store(input.TotalBytes(j.inputs))
	drain := j.drain()
	_, targets := j.guards(stats, drain)
	var tally rehearsal.Tally
	stop := j.Con.Progress(j.flags.Progress, func() ui.Counts { return j.progress(stats) })
	_, err := pipeline.Run(ctx, pipeline.Options{
		Plan: j.plan, Inputs: j.inputs, Source: input.Options(j.file), Targets: targets,
		Workers: j.flags.Workers, Limit: j.limit, Sample: j.sample, Duplicates: j.file.Source.Duplicates,
		Stats: stats, Rehearse: true, Planned: tally.Batch, Stop: drain,
	})
	stop()
	j.closeCopies()
	if err != nil {
		return fmt.Errorf("before anything was sent: count what the run would do: %w", err)
	}
	if err := j.limits.Check(&tally); err != nil {
		return fmt.Errorf("nothing was sent: %w: see it with sfsync plan", err)
	}
	return nil
}
