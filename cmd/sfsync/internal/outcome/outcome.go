// Package outcome turns the account of a run into its summary, its exit code and the words for
// both.
package outcome

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/pipeline/report"
)

// Summarize fills in what a summary says of the mapping, the inputs and the counts.
func Summarize(tool string, file *mapping.File, plan *mapping.Plan, res *pipeline.Result, errs *report.Errors) *report.Summary {
	s := &report.Summary{
		Version: report.SummaryVersion, Tool: tool,
		Mapping: report.MappingInfo{Name: file.Name, Path: file.Path, SHA256: file.SHA256},
		Rows: report.RowCounts{
			Read: res.Rows.Read, Succeeded: res.Rows.Succeeded, Failed: res.Rows.Failed,
			Skipped: res.Rows.Skipped, Unknown: res.Rows.Unknown, Pending: res.Rows.Pending,
		},
		Errors: errs.Groups(), Warnings: res.Warnings,
	}
	for _, part := range file.Parts {
		s.Mapping.Parts = append(s.Mapping.Parts, report.FileSum(part))
	}
	for _, in := range res.Inputs {
		s.Inputs = append(s.Inputs, report.InputInfo{Path: in.Path, Format: in.Format, Bytes: in.Bytes, SHA256: in.SHA256, Rows: in.Rows})
	}
	for i, n := range res.Targets { // those of a second pass stand behind the others
		var t *mapping.PlanTarget
		if first := len(plan.Targets); i < first {
			t = &plan.Targets[i]
		} else {
			t = &plan.Second.Targets[i-first]
		}
		info := report.TargetInfo{
			Name: t.Name, Object: t.Object.Name, Strategy: "native",
			Records: n.Records, Created: n.Created, Updated: n.Updated, Deleted: n.Deleted,
			Unchanged: n.Unchanged, Published: n.Published, Failed: n.Failed,
			Skipped: n.Skipped, Unknown: n.Unknown, Pending: n.Pending,
		}
		for _, k := range t.Keys {
			names := make([]string, len(k.Fields))
			for i, f := range k.Fields {
				names[i] = f.Name
			}
			info.Match = append(info.Match, strings.Join(names, " + "))
		}
		if t.Lookup || t.InsertDefaults {
			info.Strategy = "lookup"
		}
		s.Targets = append(s.Targets, info)
	}
	return s
}

// Times fills in the times of a summary.
func Times(s *report.Summary, started, ended time.Time, took time.Duration) {
	s.Started, s.Ended, s.Duration = started, ended, rounded(took.Seconds())
	if took > 0 {
		s.RowsPerS = rounded(float64(s.Rows.Read) / took.Seconds())
	}
}

// rounded keeps three decimals: more would be noise.
func rounded(f float64) float64 { return float64(int64(f*1000+0.5)) / 1000 }

// Code returns what the outcomes of the rows make of the exit code.
func Code(n report.RowCounts, tolerated Threshold, complete bool) exit.Code {
	code := exit.OK
	if tolerated.Exceeds(n.Failed, n.Read) {
		code = exit.SomeFailed
		if complete && n.Failed == n.Read {
			code = exit.AllFailed
		}
	}
	if n.Unknown > 0 {
		code = exit.Worst(code, exit.SomeUnknown)
	}
	return code
}

// Exceeds reports whether so many failures of so many rows are more than tolerated.
func (t *Threshold) Exceeds(failed, of int64) bool {
	if t.Percent > 0 {
		return float64(failed)*100 > t.Percent*float64(of)
	}
	return failed > t.Count
}

// Note words the outcomes of the rows: first those that the exit code is about.
func Note(s *report.Summary, code exit.Code) string {
	n := s.Rows
	switch code {
	case exit.SomeFailed, exit.AllFailed:
		return fmt.Sprintf("%s of %s", ui.Count(n.Failed), ui.Rows(n.Read))
	case exit.SomeUnknown:
		return fmt.Sprintf("%s of %s", ui.Count(n.Unknown), ui.Rows(n.Read))
	}
	var all report.TargetInfo
	for _, t := range s.Targets {
		all.Created += t.Created
		all.Updated += t.Updated
		all.Deleted += t.Deleted
		all.Published += t.Published
		all.Unchanged += t.Unchanged
	}
	parts := []string{}
	for _, p := range []struct {
		n    int64
		word string
	}{{all.Created, "created"}, {all.Updated, "updated"}, {all.Deleted, "deleted"}, {all.Published, "published"}, {all.Unchanged, "unchanged"}, {n.Failed, "failed"}, {n.Skipped, "skipped"}, {n.Unknown, "unknown"}, {n.Pending, "pending"}} {
		if p.n > 0 {
			parts = append(parts, ui.Count(p.n)+" "+p.word)
		}
	}
	if len(parts) == 0 {
		return ui.Rows(n.Read)
	}
	return ui.Rows(n.Read) + ": " + strings.Join(parts, ", ")
}

// Threshold is the value of --max-failed and --stop-after: a number or a percentage.
type Threshold struct {
	pipeline.Threshold
	// Text is the value as it was given.
	Text string
}

var _ pflag.Value = (*Threshold)(nil)

// String returns the value as it was given, and Type its form, both for pflag.
func (t *Threshold) String() string { return t.Text }

// Type is for pflag; see String.
func (t *Threshold) Type() string { return "N|N%" }

// Set accepts 0, 12 and 2.5%.
func (t *Threshold) Set(s string) error {
	s = strings.TrimSpace(s)
	if p, ok := strings.CutSuffix(s, "%"); ok {
		f, err := strconv.ParseFloat(p, 64)
		if err != nil || !(f >= 0 && f <= 100) {
			return fmt.Errorf("%q is not a percentage from 0%% to 100%%", s)
		}
		t.Threshold, t.Text = pipeline.Threshold{Percent: f}, s
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is neither a number of rows nor a percentage such as 2%%", s)
	}
	t.Threshold, t.Text = pipeline.Threshold{Count: n}, s
	return nil
}
