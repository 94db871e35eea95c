// Package job carries runs out, from the mapping to the exit code: those of run, plan, resume, retry and undo. What
// they have in common is hidden in it: the directory and ledger of a run, what it is resumed by, the choice of the
// API, and the end.
package job

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/fleet"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/rehearsal"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/runflags"
	"sfsync/cmd/sfsync/internal/settings"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/cmd/sfsync/internal/wording"
	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline"
	"sfsync/pipeline/backup"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
	"sfsync/sink/retry"
	"sfsync/sink/salesforce/mirror"
)

// job is one run, from the connection to the summary. run begins it and resume goes on with it.
type job struct {
	*verb.App
	flags    *runflags.Flags
	command  string // of the summary
	file     *mapping.File
	inputs   []source.Input
	limit    int64
	sample   int64
	limits   rehearsal.Limits
	settings settings.Run

	orgs   *fleet.Fleet
	plan   *mapping.Plan
	api    api
	notes  []string // on the API, for the summary
	dir    *report.Dir
	ledger *ledger.Ledger
	backup *backup.Store // of what records held; nil without one
	log    *report.Log
	resume bool
	before settings.Effort
	begun  time.Time // this try
	spools []io.Closer
	copied []*mirror.Matcher

	draining <-chan struct{} // see drain
	undrain  func()
}

// open reads the mapping of a command that begins with one, and finds its inputs: the files, or what the mapping
// names.
func open(ctx context.Context, app *verb.App, flags *runflags.Flags, command, mapping string, files []string, format string) (*job, error) {
	file, err := input.LoadMapping(app, mapping)
	if err != nil {
		return nil, err
	}
	roots, err := remote.Roots(app, flags.CACert)
	if err != nil {
		return nil, err
	}
	inputs, err := input.Files(ctx, app, file, files, format, roots)
	if err != nil {
		return nil, err
	}
	return &job{App: app, flags: flags, command: command, file: file, inputs: inputs}, nil
}

// connect connects to the org and compiles the mapping against what the org says of itself.
func (j *job) connect(ctx context.Context) error {
	j.begun = j.Sys.Now()
	since := cmp.Or(j.settings.Started, j.begun)
	var err error
	if j.orgs, err = fleet.Connect(ctx, j.App, &j.flags.Flags, j.file, since); err == nil {
		j.orgs.Resumes(j.settings.Began)
		err = j.compile(ctx)
	}
	if err != nil {
		j.close()
		return err
	}
	return nil
}

func (j *job) compile(ctx context.Context) error {
	schemas, err := j.orgs.Schemas(ctx, j.file)
	if err != nil {
		return err
	}
	if err := j.fanOut(ctx, schemas[j.flags.To]); err != nil {
		return err
	}
	plan, found, err := mapping.CompileIn(j.file, func(org string) *schema.Schema { return schemas[cmp.Or(org, j.flags.To)] })
	if err != nil {
		return err
	}
	j.Con.Diagnostics(found)
	j.plan = plan
	return j.nameOrgs()
}

// nameOrgs gives each org one name in the plan, by which targets that write the same records know each other. Only then
// it is known which of them go to different ones.
func (j *job) nameOrgs() error {
	for p := j.plan; p != nil; p = p.Second {
		for _, targets := range [][]mapping.PlanTarget{p.Targets, p.Finds} {
			for i := range targets {
				if targets[i].Org == j.flags.To {
					targets[i].Org = ""
				}
			}
		}
		for i := range p.Targets {
			t := &p.Targets[i]
			apart := func(of int) bool { return of >= 0 && of < len(p.Targets) && p.Targets[of].Org != t.Org }
			for _, n := range t.Needs {
				if apart(n.Record) {
					return exit.Errorf(exit.BadConfig, "%s: target %s refers to records of target %s, which go to another org", j.file.Path, t.Name, p.Targets[n.Record].Name)
				}
			}
			if apart(t.Redirected) {
				return exit.Errorf(exit.BadConfig, "%s: converted leads of target %s lead to target %s, which goes to another org", j.file.Path, p.Targets[t.Redirected].Name, t.Name)
			}
		}
	}
	return nil
}

// rowRetries says how often a row is sent whose failure may pass (a lock, load).
func rowRetries() retry.Policy {
	return retry.Policy{Base: 500 * time.Millisecond, Cap: 20 * time.Second, Attempts: 5}
}

// lastPass says how often a row is sent that others have locked all that time, once nothing else of the run is
// under way: at once, and after 5 and 10 seconds. A transaction waits some 10 seconds for a lock, so that
// together they outlast one that holds it for most of a minute.
func (j *job) lastPass() pipeline.LastPass {
	policy := retry.Policy{Base: 5 * time.Second, Cap: 10 * time.Second, Attempts: 3}
	return pipeline.LastPass{
		Wait: func(attempt int) (time.Duration, bool) {
			if attempt == 1 {
				return 0, true
			}
			return policy.Delay(attempt-1, 1), policy.More(attempt - 1)
		},
		Begun: func(attempt, records int) { j.log.Info("last pass", "attempt", attempt, "records", records) },
	}
}

// execute runs the pipeline, writes the summary and returns the end of the command.
func (j *job) execute(ctx context.Context) error {
	log, err := j.dir.OpenLog()
	if err != nil {
		return err
	}
	j.log = log
	rows, err := report.NewRows(j.dir)
	if err != nil {
		return err
	}
	errs := report.NewErrors(wording.Remedy)
	stats := &pipeline.Stats{}
	stats.BytesTotal.Store(input.TotalBytes(j.inputs))
	drain := j.drain() // a new run drains already
	matchers := j.matchers(stats, drain)
	if err := j.prepare(ctx, matchers); err != nil {
		return j.refuse(ctx, errs, errors.Join(err, rows.Close()))
	}
	policy := rowRetries()
	stop := j.Con.Progress(j.flags.Progress, func() ui.Counts { return j.progress(stats) })
	opt := pipeline.Options{
		Plan: j.plan, Inputs: j.inputs, Source: input.Options(j.file), Targets: j.copyKeys(j.targets(), matchers),
		Workers: j.flags.Workers, Limit: j.limit, Sample: j.sample, StopAfter: j.flags.StopThreshold(),
		Stop:   drain,
		Effort: func() any { return j.spent(0) },
		Backoff: func(attempt int) (time.Duration, bool) {
			return policy.Delay(attempt-1, rand.Float64()), policy.More(attempt - 1)
		},
		LastPass:   j.lastPass(),
		Duplicates: j.file.Source.Duplicates, Temp: j.dir.Path(""),
		Ledger: j.ledger, Resume: j.resume, Rows: rows, Errors: errs, Stats: stats,
	}
	if err := j.keepBefore(ctx, &opt); err != nil {
		stop()
		return errors.Join(err, rows.Close())
	}
	merge, err := j.fingerprints(&opt)
	if err != nil {
		stop()
		return errors.Join(err, rows.Close())
	}
	res, runErr := pipeline.Run(ctx, opt)
	stop()
	runErr = errors.Join(runErr, rows.Close(), merge())
	j.tellCopies()
	return j.conclude(context.WithoutCancel(ctx), res, errs, runErr)
}

// drain returns a channel that is closed when the run is to end early: at the first signal, which drains from now on, or
// --max-duration after the first call. The job's close ends what waits for that.
func (j *job) drain() <-chan struct{} {
	if j.draining != nil {
		return j.draining
	}
	signal := j.Stop.Draining()
	if j.flags.MaxDuration == 0 {
		j.draining = signal
		return signal
	}
	both, ended := make(chan struct{}), make(chan struct{})
	timer := time.NewTimer(j.flags.MaxDuration)
	go func() {
		defer timer.Stop()
		select {
		case <-signal:
		case <-timer.C:
			j.Con.Warnf("%v are over (--max-duration): finishing what is in flight and saving the state", j.flags.MaxDuration)
		case <-ended:
			return
		}
		close(both)
	}()
	j.draining, j.undrain = both, func() { close(ended) }
	return both
}

// progress says how far the run has come.
func (j *job) progress(stats *pipeline.Stats) ui.Counts {
	records := stats.Written.Load() + stats.Failed.Load() + stats.Skipped.Load() + stats.Unknown.Load()
	return ui.Counts{
		Read: stats.Read.Load(), Done: records / int64(len(j.plan.Targets)),
		Failed: stats.Failed.Load() + stats.Unknown.Load(), Calls: j.orgs.Calls().Made,
		Bytes: stats.Bytes.Load(), TotalBytes: stats.BytesTotal.Load(),
	}
}

// close gives back what the job holds. What matters was written and checked before.
func (j *job) close() {
	if j.undrain != nil {
		j.undrain()
		j.undrain = nil
	}
	if j.ledger != nil {
		j.ledger.Close() // every commit was checked
	}
	if j.backup != nil {
		j.backup.Close() // as the ledger
	}
	if j.log != nil {
		j.log.Close() // a log line lost is no run lost
	}
	for _, s := range j.spools {
		s.Close() // only read from
	}
	j.closeCopies()
	j.orgs.Close()
	j.orgs, j.ledger, j.backup, j.log, j.spools = nil, nil, nil, nil, nil
}
