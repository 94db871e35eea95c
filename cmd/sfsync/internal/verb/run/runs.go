package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/history"
	"sfsync/cmd/sfsync/internal/kin"
	"sfsync/cmd/sfsync/internal/leftover"
	"sfsync/cmd/sfsync/internal/settings"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/pipeline/report"
)

// showTries prints the tries at the rows of a run that was retried, and what they have left of it.
func (o *runsOptions) showTries(ctx context.Context, dir *report.Dir) error {
	f, err := kin.Family(ctx, dir, o.Runs)
	if err != nil || len(f.All) < 2 {
		return err
	}
	var tries []ui.Try
	var later []*report.Dir
	first := f.All[0].Dir
	for _, r := range f.All {
		t := ui.Try{Name: r.Dir.Name(), Shown: r.Dir.Name() == dir.Name(), State: string(r.State)}
		if s := r.Summary; s != nil {
			t.Command, t.Rows, t.Parent = s.Command, s.Rows, s.Parent
		}
		tries = append(tries, t)
		switch {
		case t.Command == settings.Retry:
			later = append(later, r.Dir)
		case t.Parent == "" && r.Summary != nil:
			first = r.Dir
		}
	}
	for _, d := range later {
		if by := f.Back[d.Name()]; by != "" {
			o.Con.Warnf("what is left cannot be told: %s was taken back by %s", d.Name(), by)
			return ui.Tries(o.Con.Out(), tries, nil)
		}
	}
	rest, err := leftover.Find(first, later, func(*leftover.Record) bool { return true })
	if err != nil {
		o.Con.Warnf("what is left cannot be told: %v", err)
		return ui.Tries(o.Con.Out(), tries, nil)
	}
	return ui.Tries(o.Con.Out(), tries, &ui.Left{Records: rest.Records, Of: rest.Records + rest.Resolved})
}

func newRuns(a *verb.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List, show and remove the runs of the past",
		Long: "Look at the run directories under --runs. They hold all there is to know of a run: no org is asked.\n\n" +
			exit.Help(exit.OK, exit.Usage, exit.BadInput, exit.InputNotFound, exit.CannotWrite),
		Example: "  sfsync runs list\n  sfsync runs show 20261121T021500Z-nightly-leads-4f2a1c\n  sfsync runs prune --keep 30 --older 90d",
		Args:    cobra.ArbitraryArgs,
		RunE:    verb.Group,
	}
	cmd.AddCommand(newRunsList(a, nil), newRunsShow(a, nil), newRunsPrune(a, nil))
	return cmd
}

type runsOptions struct {
	*verb.App
	Runs    string
	Mapping string
	Run     string
	JSON    bool
	Keep    int
	Older   string
	DryRun  bool
}

func (o *runsOptions) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.Runs, "runs", "sfsync-runs", "`directory` of the run directories")
}

func newRunsList(a *verb.App, runF func(context.Context, *runsOptions) error) *cobra.Command {
	o := &runsOptions{App: a}
	if runF == nil {
		runF = runsListRun
	}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the runs, the latest first",
		Long: `List the runs under --runs, the latest first: when they began, where they went, what became of
their rows, and how they ended. A run that is open has no summary: it is under way, or it was
killed and waits for sfsync resume. COMMAND tells runs from plans, whose rows were not sent.

` + exit.Help(exit.OK, exit.Usage, exit.BadInput),
		Example: "  sfsync runs list\n  sfsync runs list --mapping nightly-leads --json",
		Args:    verb.ExactArgs(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return runF(cmd.Context(), o) },
	}
	o.add(cmd)
	cmd.Flags().StringVar(&o.Mapping, "mapping", "", "only runs of the mapping of this `name`")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print a list of JSON objects")
	return cmd
}

// listed is a run as runs list --json prints it.
type listed struct {
	Run     string          `json:"run"`
	Started time.Time       `json:"started"`
	State   history.State   `json:"state"`
	Summary *report.Summary `json:"summary"` // null for a run that is open or damaged
}

func runsListRun(_ context.Context, o *runsOptions) error {
	runs, err := history.List(o.Runs, o.Mapping)
	if err != nil {
		return &exit.Error{Code: exit.BadInput, Err: err}
	}
	if o.JSON {
		out := make([]listed, len(runs))
		for i, r := range runs {
			out[i] = listed{r.Dir.Name(), r.Started, r.State, r.Summary}
		}
		o.Answered = true
		return json.NewEncoder(o.Con.Out()).Encode(out)
	}
	rows := make([][]string, len(runs))
	for i, r := range runs {
		rows[i] = runLine(r)
	}
	return ui.Table(o.Con.Out(), []string{"run", "command", "state", "org", "rows", "failed", "unknown", "pending", "took", "exit"}, rows, 4, 5, 6, 7, 8)
}

func runLine(r history.Run) []string {
	s := r.Summary
	if s == nil {
		return []string{r.Dir.Name(), "", string(r.State)}
	}
	org := s.Org.Kind
	if s.Org.Name != "" && s.Org.Kind != "local" {
		org = s.Org.Name
	}
	return []string{
		r.Dir.Name(), s.Command, string(r.State), org, ui.Count(s.Rows.Read), ui.Count(s.Rows.Failed), ui.Count(s.Rows.Unknown),
		ui.Count(s.Rows.Pending), ui.Elapsed(time.Duration(s.Duration * float64(time.Second))), fmt.Sprintf("%d %s", s.Exit.Code, s.Exit.Name),
	}
}

func newRunsShow(a *verb.App, runF func(context.Context, *runsOptions) error) *cobra.Command {
	o := &runsOptions{App: a}
	if runF == nil {
		runF = runsShowRun
	}
	cmd := &cobra.Command{
		Use:   "show RUN",
		Short: "Show what became of a run, with its errors and what to do about them",
		Long: `Show the summary of a run: its files, org, rows, targets and API calls, the other tries at its
rows (sfsync retry) with what is left after all of them, then its errors by code and field, each
with its first places, the org's own words and what to do about it, and how it ended. Of an undo,
what was left alone because somebody has edited it is among them.

RUN is a run directory, or its name under --runs.

` + exit.Help(exit.OK, exit.Usage, exit.BadInput, exit.InputNotFound),
		Example:           "  sfsync runs show 20261121T021500Z-nightly-leads-4f2a1c\n  sfsync runs show sfsync-runs/20261121T021500Z-nightly-leads-4f2a1c --json",
		Args:              verb.ExactArgs("RUN"),
		ValidArgsFunction: completeRun(&o.Runs),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Run = args[0]
			return runF(cmd.Context(), o)
		},
	}
	o.add(cmd)
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print summary.json")
	return cmd
}

func runsShowRun(ctx context.Context, o *runsOptions) error {
	dir, err := kin.Find(o.Runs, o.Run)
	if err != nil {
		return err
	}
	r := history.Look(dir)
	switch {
	case r.State == history.Open:
		return exit.Errorf(exit.InputNotFound, "%s has no summary: the run is under way, or it was killed: go on with: sfsync resume %s", dir.Name(), dir.Path(""))
	case r.Err != nil:
		return &exit.Error{Code: exit.BadInput, Err: r.Err}
	}
	out := o.Con.Out()
	if o.JSON {
		o.Answered = true
		return r.Summary.Encode(out)
	}
	ui.Summary(out, r.Summary, dir.Path(""))
	if err := o.showTries(ctx, dir); err != nil {
		return err
	}
	if err := ui.Remedies(out, r.Summary); err != nil {
		return err
	}
	end := r.Summary.Exit
	_, err = fmt.Fprintf(out, "\nended with exit code %d: %s: %s\n", end.Code, end.Name, end.Message)
	return err
}

func newRunsPrune(a *verb.App, runF func(context.Context, *runsOptions) error) *cobra.Command {
	o := &runsOptions{App: a}
	if runF == nil {
		runF = runsPruneRun
	}
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove the directories of runs that are over",
		Long: `Remove run directories: those that are not among the latest --keep and began longer ago than
--older. At least one of the two is needed. A run that is under way or could be resumed is never
removed, nor the one that a run which stays was made from: retries and an undo of it. With --mapping
the others do not count.

` + exit.Help(exit.OK, exit.Usage, exit.BadInput, exit.CannotWrite),
		Example: "  sfsync runs prune --keep 30\n  sfsync runs prune --older 90d --dry-run",
		Args:    verb.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("keep") && o.Older == "" {
				return exit.Usagef("say which runs stay: --keep N, --older 90d, or both")
			}
			return runF(cmd.Context(), o)
		},
	}
	o.add(cmd)
	fs := cmd.Flags()
	fs.StringVar(&o.Mapping, "mapping", "", "only runs of the mapping of this `name`")
	fs.IntVar(&o.Keep, "keep", 0, "keep the latest `N` runs")
	fs.StringVar(&o.Older, "older", "", "remove what began longer ago than this `duration`: 90d, 12h")
	fs.BoolVar(&o.DryRun, "dry-run", false, "only say what would be removed")
	return cmd
}

func runsPruneRun(ctx context.Context, o *runsOptions) error {
	older, err := days(o.Older)
	if err != nil {
		return exit.Usagef("--older: %w", err)
	}
	if o.Keep < 0 {
		return exit.Usagef("--keep is a number of runs, not %d", o.Keep)
	}
	runs, err := history.List(o.Runs, "")
	if err != nil {
		return &exit.Error{Code: exit.BadInput, Err: err}
	}
	going := history.Prunable(runs, o.Mapping, kin.Parents(ctx), history.Rule{Keep: o.Keep, Older: older}, o.Sys.Now())
	var unsaid error // a stdout that is closed keeps no run
	for _, r := range going {
		if !o.DryRun {
			if err := history.Remove(r.Dir); err != nil {
				return &exit.Error{Code: exit.CannotWrite, Err: err}
			}
		}
		if !o.Con.Quiet() && unsaid == nil {
			_, unsaid = fmt.Fprintln(o.Con.Out(), r.Dir.Name())
		}
	}
	if unsaid != nil {
		return unsaid
	}
	what := "removed"
	if o.DryRun {
		what = "would be removed"
	}
	if o.Mapping != "" {
		runs = slices.DeleteFunc(runs, func(r history.Run) bool { return !r.Dir.Of(o.Mapping) })
	}
	return verb.Done(exit.OK, "%s of %d %s", ui.Plural(int64(len(going)), "run", "runs"), len(runs), what)
}

// days reads a duration as Go writes it, or a number of days: 90d. Nothing is 0.
func days(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if n, ok := strings.CutSuffix(s, "d"); ok {
		var count int
		if count, err = strconv.Atoi(n); err == nil && count > 100_000 {
			err = errors.New("too many days")
		}
		d = time.Duration(count) * 24 * time.Hour
	}
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no duration such as 90d or 12h", s)
	}
	return d, nil
}
