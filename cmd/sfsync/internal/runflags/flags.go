// Package runflags is the flags of the commands that send rows.
package runflags

import (
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/outcome"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/pipeline"
	"sfsync/sink/salesforce"
)

// maxWorkers bounds --workers: Salesforce has 25 long requests an org (REST API guide,
// "Concurrent API Request Limits").
const maxWorkers = 64

// Flags are the flags of everything that sends rows: run and resume.
type Flags struct {
	remote.Flags
	Workers  int
	Runs     string
	Progress string
	JSON     bool
	LockWait time.Duration
	// MaxFailed and StopAfter have their own defaults: none may fail, never stop.
	MaxFailed, StopAfter outcome.Threshold
	// MaxCalls, Reserve and MaxDuration end a run early, resumable: 0 for never.
	MaxCalls    int64
	Reserve     outcome.Threshold
	MaxDuration time.Duration
	// Keep reports whether a resumed run keeps what it was begun with for a flag.
	Keep func(flag string) bool
}

// Add adds the flags to a command.
func (f *Flags) Add(cmd *cobra.Command) {
	fs := cmd.Flags()
	f.AddTo(fs)
	f.MaxFailed.Text = "0"
	fs.IntVar(&f.Workers, "workers", 4, "have `N` requests in flight at once")
	fs.Var(&f.MaxFailed, "max-failed", "failed rows, or their share, up to which the exit code is 0")
	fs.Var(&f.StopAfter, "stop-after", "stop sending once more records than this have failed; 0 stops at the first")
	f.AddLock(fs)
	f.AddOutput(fs)
	f.AddBudget(fs)
}

// AddLock adds the flag about other runs.
func (f *Flags) AddLock(fs *pflag.FlagSet) {
	fs.DurationVar(&f.LockWait, "lock-wait", 0, "wait so long for another run of the mapping to the same org to end; 0 ends with 75 at once")
}

// AddBudget adds the flags that end early what asks too much of the org.
func (f *Flags) AddBudget(fs *pflag.FlagSet) {
	fs.Int64Var(&f.MaxCalls, "max-api-calls", 0, "stop after `N` API calls, with 75; 0 for no limit")
	fs.Var(&f.Reserve, "api-reserve", "stop when the org has only so many of its daily API calls left, or such a share of them, with 75")
	fs.DurationVar(&f.MaxDuration, "max-duration", 0, "stop after so long, with 75; 0 for no limit")
}

// AddOutput adds the flags about what the user sees and where reports go.
func (f *Flags) AddOutput(fs *pflag.FlagSet) {
	fs.StringVar(&f.Runs, "runs", "sfsync-runs", "`directory` of the run directories")
	fs.StringVar(&f.Progress, "progress", ui.ProgressAuto, "show progress as `auto|bar|plain|none`")
	fs.BoolVar(&f.JSON, "json", false, "print the summary as JSON on stdout")
}

// Check refuses values that no run can have, and takes over what follows from the others.
func (f *Flags) Check() error {
	if err := f.Flags.Check(); err != nil {
		return err
	}
	if f.Workers < 1 || f.Workers > maxWorkers {
		return exit.Usagef("--workers is from 1 to %d, not %d", maxWorkers, f.Workers)
	}
	if f.MaxCalls < 0 {
		return exit.Usagef("--max-api-calls is not negative: %d", f.MaxCalls)
	}
	if f.MaxDuration < 0 {
		return exit.Usagef("--max-duration is not negative: %v", f.MaxDuration)
	}
	f.Budget = salesforce.Budget{Calls: f.MaxCalls, Reserve: f.Reserve.Count, ReservePercent: f.Reserve.Percent}
	if f.LockWait < 0 {
		return exit.Usagef("--lock-wait is not negative: %v", f.LockWait)
	}
	if f.Runs == "" {
		return exit.Usagef("--runs is empty")
	}
	return verb.OneOf("progress", f.Progress, ui.ProgressAuto, ui.ProgressBar, ui.ProgressPlain, ui.ProgressNone)
}

// StopThreshold is --stop-after as the engine takes it, where none at all and 0 are two things.
func (f *Flags) StopThreshold() pipeline.Threshold {
	t := f.StopAfter.Threshold
	t.Any = f.StopAfter.Text != "" && t.Count == 0 && t.Percent == 0
	return t
}
