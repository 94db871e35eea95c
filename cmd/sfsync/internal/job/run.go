package job

import (
	"context"
	"slices"

	"sfsync/cmd/sfsync/internal/changed"
	"sfsync/cmd/sfsync/internal/consent"
	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/rehearsal"
	"sfsync/cmd/sfsync/internal/runflags"
	"sfsync/cmd/sfsync/internal/settings"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/pipeline"
	"sfsync/pipeline/source"
)

// RunOptions are what a run is asked for.
type RunOptions struct {
	*verb.App
	runflags.Flags
	Mapping string
	Files   []string
	API     string
	Limit   int64
	Sample  int64
	Backup  bool
	Format  string
	Yes     bool
	DryRun  bool
	// ChangedOnly is what rows are compared with before they are sent; "" for nothing.
	ChangedOnly changed.Only
	// Limits are checked by a rehearsal before the run begins.
	Limits rehearsal.Limits
	// ResumeLast goes on with an interrupted run in place of a new one; NoInput makes an input without
	// rows an exit code.
	ResumeLast, NoInput bool

	Changed func(flag string) bool // whether a flag was given
}

// Check checks the flags, before anything is read.
func (o *RunOptions) Check() error {
	if err := o.Flags.Check(); err != nil {
		return err
	}
	if err := input.CheckPart(o.Limit, o.Sample); err != nil {
		return err
	}
	if o.DryRun && o.ChangedOnly != "" {
		return exit.Usagef("--dry-run does not go with --changed-only: it compares every row with what the org has")
	}
	if err := verb.OneOf("api", o.API, APIAuto, apiRest, apiBulk); err != nil {
		return err
	}
	return input.CheckFormat(o.Format)
}

// Run is a run from its mapping file to its exit code.
func Run(ctx context.Context, o *RunOptions) error {
	if o.DryRun {
		return Plan(ctx, &PlanOptions{
			App: o.App, Flags: o.Flags, Mapping: o.Mapping, Files: o.Files, Limit: o.Limit, Sample: o.Sample, Format: o.Format,
			Limits: o.Limits,
		})
	}
	j, err := open(ctx, o.App, &o.Flags, "run", o.Mapping, o.Files, o.Format)
	if err != nil {
		return err
	}
	j.limit, j.sample, j.limits = o.Limit, o.Sample, o.Limits
	j.settings = settings.Run{
		Mapping: o.Mapping, To: o.To, API: o.API, Limit: o.Limit, Sample: o.Sample, ChangedOnly: string(o.ChangedOnly), Backup: o.Backup,
		NoInput: o.NoInput, Limits: o.Limits.String(),
	}
	if err := j.connect(ctx); err != nil {
		return err
	}
	defer j.close()
	if o.ResumeLast {
		if last, err := j.interrupted(ctx); err == nil && last != nil && o.same(ctx, j, last) {
			j.close()
			return o.resume(ctx, last, slices.ContainsFunc(j.inputs, func(in source.Input) bool { return in.Once || !input.ReadAgain(&in) }))
		}
	}
	if err := j.forceAPI(); err != nil {
		return err
	}
	// What can be known to be wrong with the files is known before anything is sent.
	if err := pipeline.Preflight(ctx, pipeline.Options{Plan: j.plan, Inputs: j.inputs, Source: input.Options(j.file)}); err != nil {
		return err
	}
	if err := j.agree(ctx, o.Yes); err != nil {
		return err
	}
	if err := j.create(ctx); err != nil {
		return err
	}
	return j.execute(ctx)
}

// agree refuses the first write with a mapping to a production org that nobody agreed to.
func (j *job) agree(ctx context.Context, yes bool) error {
	for _, org := range j.orgs.All() {
		if org.Info.Kind != "production" {
			continue
		}
		dir, err := j.MakeStateDir(j.flags.State)
		if err != nil {
			return err
		}
		if err := consent.Ask(ctx, j.App, dir, j.file.Name, org.Info, yes); err != nil {
			return err
		}
	}
	return nil
}
