package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/host"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/outcome"
	"sfsync/cmd/sfsync/internal/page"
	"sfsync/cmd/sfsync/internal/settings"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/cmd/sfsync/internal/wording"
	"sfsync/pipeline"
	"sfsync/pipeline/report"
)

// conclude writes the report of a run to its end and returns the end of the command. Nothing
// of it is cut short by a signal.
func (j *job) conclude(ctx context.Context, res *pipeline.Result, errs *report.Errors, runErr error) error {
	switch {
	case res == nil && j.resume: // what an earlier try has reported stands
		j.log.Error("the run could not be taken up again", "error", errText(runErr))
		return runErr
	case res == nil:
		res = j.unsent()
	}
	spent := j.spent(res.Retried)
	spent.Last += res.LastPass
	// Before the exit is judged, so that the summary has it if they fail.
	runErr = errors.Join(runErr, j.ledger.SetMeta(ctx, settings.EffortKey, spent), j.dir.WriteErrors(errs))
	s := j.account(res, errs, runErr, spent)
	s.API.Why, s.API.Predicted = j.api.whole(j.notes), j.api.Predicted
	for i := range s.Targets {
		name := s.Targets[i].Name
		if n := len(j.plan.Targets); i >= n { // a second pass goes as the first
			name = j.plan.Targets[j.plan.Second.Targets[i-n].First].Name
		}
		s.Targets[i].API, s.Targets[i].Why = j.api.of(name)
	}
	code, message := j.judge(s, runErr)
	return j.tell(s, res, runErr, code, message)
}

// account is the summary of a run, without how it ended.
func (j *job) account(res *pipeline.Result, errs *report.Errors, runErr error, spent settings.Effort) *report.Summary {
	s := outcome.Summarize(verb.Tool(), j.file, j.plan, res, errs)
	s.Run, s.Parent, s.Command = j.dir.Name(), j.settings.Parent, j.command
	s.Complete = runErr == nil && res.Complete
	s.Environment = j.environment()
	s.Org, s.Orgs = j.orgs.Info(), j.orgs.Infos()
	s.API = report.APIInfo{Mode: cmp.Or(j.api.Mode, apiRest), Calls: spent.Calls}
	if calls := j.orgs.Main.Calls(); calls.Max > 0 {
		left := max(0, calls.Max-calls.Used)
		s.API.Limit, s.API.Left = &calls.Max, &left
	}
	s.Retries = report.RetryCounts{Requests: spent.Retries, Rows: spent.Rows, LastPass: spent.Last}
	outcome.Times(s, j.settings.Started, j.Sys.Now(), spent.Took)
	return s
}

// tell writes the summary with how the run ended, shows it, and returns the end of the command.
func (j *job) tell(s *report.Summary, res *pipeline.Result, runErr error, code exit.Code, message string) error {
	s.Exit = report.Exit{Code: int(code), Name: code.String(), Message: message}
	if err := page.Write(j.dir, s); err != nil {
		code = exit.Worst(code, exit.Of(err))
		message = ui.OneLine(err.Error()) + "; " + message
		s.Exit = report.Exit{Code: int(code), Name: code.String(), Message: message}
	}
	if err := j.dir.WriteSummary(s); err != nil { // counts more than most of what would be in it
		code = exit.Worst(code, exit.Of(err))
		message = ui.OneLine(err.Error()) + "; " + message
	}
	j.log.Info("end", "code", int(code), "name", code.String(), "message", message, "error", errText(runErr))
	input.TellTraits(j.App, j.plan)
	for _, w := range res.Warnings {
		j.Con.Warnf("%s", w)
	}
	list, _ := wording.Findings(runErr)
	j.Con.Diagnostics(list)
	if j.flags.JSON {
		j.Answered = true
		if err := s.Encode(j.Con.Out()); err != nil && !host.ClosedPipe(err) {
			return fmt.Errorf("write to stdout: %w", err)
		}
	} else if !j.Con.Quiet() {
		ui.Summary(j.Con.Out(), s, j.dir.Path(""))
	}
	return verb.Done(code, "%s", message)
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// judge returns what a run ends with. The message goes to stderr and to the summary: it
// holds codes and counts, while an org's own words stay in the run directory.
func (j *job) judge(s *report.Summary, runErr error) (exit.Code, string) {
	codes, notes := j.troubles(s, runErr)
	codes = append(codes, outcome.Code(s.Rows, j.flags.MaxFailed, s.Complete))
	if j.settings.NoInput && s.Rows.Read == 0 && s.Complete {
		codes = append(codes, exit.NoInput)
	}
	code := exit.Worst(codes...)
	notes = append(notes, outcome.Note(s, code))
	if !s.Complete && resumable(code) {
		next := "go on with: sfsync resume " + j.dir.Path("")
		if errors.Is(runErr, pipeline.ErrTooManyFailed) { // those that failed still count
			next += " --stop-after and a higher bound"
		}
		notes = append(notes, next)
	}
	return code, strings.Join(notes, "; ")
}

// troubles returns what went wrong with a run as a whole: the exit codes and the words.
func (j *job) troubles(s *report.Summary, runErr error) (codes []exit.Code, notes []string) {
	log := j.dir.Path(report.LogFile)
	switch signal := j.Stop.Err(); {
	case runErr == nil:
	case signal != nil, errors.Is(runErr, pipeline.ErrStopped): // the latter by the time alone
		why := "--max-duration is over"
		if signal != nil {
			why = "stopped by a signal"
		}
		codes = append(codes, exit.OfStopped(cmp.Or(signal, runErr), runErr))
		notes = append(notes, why)
		if rest := exit.Unstopped(runErr); len(rest) > 0 {
			notes = append(notes, wording.Of(errors.Join(rest...), log))
		}
	default:
		codes = append(codes, exit.Of(runErr))
		notes = append(notes, wording.Of(runErr, log))
	}
	if err := s.Check(); err != nil {
		codes = append(codes, exit.Invariant)
		notes = append(notes, err.Error())
	}
	return codes, notes
}

// resumable reports whether going on with a run that ended so makes sense: not where an input
// or the mapping has to be mended first, since a resumed run refuses others than it began with.
func resumable(code exit.Code) bool {
	switch code {
	case exit.Invariant, exit.BadInput, exit.InputNotFound, exit.BadConfig:
		return false
	}
	return true
}

// environment lists the flags that came from the environment, in any try at the run.
func (j *job) environment() []string {
	names := slices.Concat(j.settings.FromEnv, j.FromEnv)
	slices.Sort(names)
	return slices.Compact(names)
}

// spent is what the run has taken so far, over all its tries. Rows says how many rows were sent
// again on their own in this one.
func (j *job) spent(rows int64) settings.Effort {
	calls := j.orgs.Calls()
	return settings.Effort{
		Calls: j.before.Calls + calls.Made, Retries: j.before.Retries + calls.Retries,
		Rows: j.before.Rows + rows, Last: j.before.Last, Took: j.before.Took + max(0, j.Sys.Now().Sub(j.begun)), // a clock may be set back
	}
}
