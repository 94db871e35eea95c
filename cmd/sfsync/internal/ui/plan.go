package ui

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sfsync/pipeline/report"
)

// plan prints what a run would do, for people.
func plan(w io.Writer, line func(string, string, ...any), s *report.Summary, dir string) {
	p := s.Plan
	n := s.Rows
	text := fmt.Sprintf("%s read: %s would go through, %s rejected, %s skipped", Count(n.Read), Count(n.Succeeded), Count(n.Failed), Count(n.Skipped))
	if rest := n.Unknown + n.Pending; rest > 0 {
		text += ", " + Count(rest) + " undecided"
	}
	line("rows", "%s", text)
	for i := range p.Targets {
		name := "would"
		if i > 0 {
			name = ""
		}
		by := ""
		if i < len(s.Targets) && len(s.Targets[i].Match) > 0 {
			by = " by " + strings.Join(s.Targets[i].Match, ", ")
		}
		line(name, "%s → %s%s: %s", p.Targets[i].Name, p.Targets[i].Object, by, actionsOf(&p.Targets[i]))
	}
	for i, e := range p.Estimates {
		name := "cost"
		if i > 0 {
			name = ""
		}
		line(name, "%s", estimate(e))
	}
	line("took", "%s, %s", Elapsed(time.Duration(s.Duration*float64(time.Second))), Plural(s.API.Calls, "API call", "API calls"))
	if dir != "" {
		line("plan", "%s/%s", dir, report.PlanFile)
	}
	planFields(w, p)
	planReasons(w, p)
	printGroups(w, s.Errors, dir)
	planRemedies(w, s.Errors)
}

// actionsOf says what would become of a target's records.
func actionsOf(t *report.PlanTarget) string {
	var parts []string
	for _, a := range []struct {
		n    int64
		word string
	}{
		{t.Create, "create"},
		{t.Update, "update"},
		{t.Delete, "delete"},
		{t.Publish, "publish"},
		{t.Unchanged, "leave unchanged"},
		{t.Skip, "skip"},
		{t.Reject, "reject"},
	} {
		if a.n > 0 {
			parts = append(parts, a.word+" "+Count(a.n))
		}
	}
	if t.Undecided > 0 {
		parts = append(parts, Count(t.Undecided)+" undecided")
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

func estimate(e report.Estimate) string {
	name := API(e.API)
	if e.Not != "" {
		return name + ": " + e.Not
	}
	text := fmt.Sprintf("%s: about %s", name, Plural(e.Calls, "API call", "API calls"))
	if e.Lookups > 0 {
		text += fmt.Sprintf(" (%s to look records up)", Count(e.Lookups))
	}
	return fmt.Sprintf("%s, about %s (%s)", text, about(e.Seconds), e.Why)
}

// about is a time without more digits than an estimate has.
func about(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < time.Second:
		return "1s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Round(time.Second).Seconds()))
	case d < time.Hour:
		return Elapsed(d.Round(time.Second))
	}
	return Elapsed(d.Round(time.Minute))
}

// planFields prints the fields that updates would change, the most changed first.
func planFields(w io.Writer, p *report.PlanInfo) {
	type line struct {
		target string
		report.FieldChanges
	}
	var all []line
	for i := range p.Targets {
		for _, f := range p.Targets[i].Fields {
			all = append(all, line{p.Targets[i].Name, f})
		}
	}
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b line) int { return cmp.Compare(b.Changed, a.Changed) })
	rows := make([][]string, 0, maxShown)
	for _, f := range all[:min(len(all), maxShown)] {
		rows = append(rows, []string{Count(f.Changed), f.target, f.Field, Count(f.Filled), Count(f.Cleared)})
	}
	fmt.Fprintln(w)                                                                    // see Summary
	Table(w, []string{"changes", "target", "field", "fills", "clears"}, rows, 0, 3, 4) //nolint:errcheck // see Summary
	if more := len(all) - len(rows); more > 0 {
		fmt.Fprintf(w, "and %s more\n", Plural(int64(more), "field", "fields")) // see Summary
	}
	slices.SortStableFunc(all, func(a, b line) int { return cmp.Compare(b.Cleared, a.Cleared) })
	for _, f := range all[:min(len(all), maxShown)] {
		if f.Cleared > 0 {
			fmt.Fprintf(w, "would clear %s on %s of %s\n", f.Field, Plural(f.Cleared, "record", "records"), f.target) // see Summary
		}
	}
}

// planReasons prints why records are skipped. Why they are rejected the errors say.
func planReasons(w io.Writer, p *report.PlanInfo) {
	var rows [][]string
	for i := range p.Targets {
		for _, r := range p.Targets[i].Reasons {
			if r.Action == "skip" && len(rows) < maxShown {
				rows = append(rows, []string{Count(r.Count), p.Targets[i].Name, r.Code})
			}
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintln(w)                                       //  see Summary
	Table(w, []string{"skips", "target", "why"}, rows, 0) //nolint:errcheck // see Summary
}

// planRemedies prints what to do about each kind of reject.
func planRemedies(w io.Writer, groups []report.Group) {
	seen := map[string]bool{}
	for _, g := range groups[:min(len(groups), maxShown)] {
		if g.Remedy != "" && !seen[g.Code] {
			seen[g.Code] = true
			fmt.Fprintf(w, "%s: %s\n", g.Code, g.Remedy) // see Summary
		}
	}
}
