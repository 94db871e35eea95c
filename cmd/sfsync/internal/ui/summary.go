package ui

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"sfsync/pipeline/report"
)

// maxShown is how many inputs and error groups the summary for people shows.
const maxShown = 10

// Summary prints a summary for people. What cannot be written is in summary.json anyway.
func Summary(w io.Writer, s *report.Summary, dir string) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-8s %s\n", name, visible(fmt.Sprintf(format, args...))) // see above
	}
	line("mapping", "%s (%s)", s.Mapping.Path, s.Mapping.Name)
	if s.Org.ID != "" {
		line("org", "%s, %s, %s", s.Org.Kind, s.Org.ID, s.Org.InstanceURL)
	}
	printInputs(line, s.Inputs)
	if s.Plan != nil {
		plan(w, line, s, dir)
		return
	}
	n := s.Rows
	line("rows", "%s read: %s succeeded, %s failed, %s skipped, %s unknown, %s pending", Count(n.Read), Count(n.Succeeded),
		Count(n.Failed), Count(n.Skipped), Count(n.Unknown), Count(n.Pending))
	printTargets(line, s)
	printAPIs(line, s.Targets)
	if n := s.Retries.LastPass; n > 0 {
		line("again", "%s sent in a last pass, when nothing else was under way", Plural(n, "record was", "records were"))
	}
	if s.Org.ID != "" {
		line("took", "%s, %s, %s/s", Elapsed(time.Duration(s.Duration*float64(time.Second))),
			Plural(s.API.Calls, "API call", "API calls"), Rows(int64(s.RowsPerS)))
	} else {
		line("took", "%s, %s/s", Elapsed(time.Duration(s.Duration*float64(time.Second))), Rows(int64(s.RowsPerS)))
	}
	if dir != "" {
		line("report", "%s", dir)
	}
	if s.Found != nil {
		printFound(w, line, s.Found)
	}
	printGroups(w, s.Errors, dir)
}

func printInputs(line func(string, string, ...any), inputs []report.InputInfo) {
	for i, in := range inputs {
		if i == maxShown {
			line("", "and %s more", Plural(int64(len(inputs)-i), "file", "files"))
			return
		}
		name := "read"
		if i > 0 {
			name = ""
		}
		line(name, "%s, %s, %s", in.Path, in.Format, Rows(in.Rows))
	}
}

func printTargets(line func(string, string, ...any), s *report.Summary) {
	for i, t := range s.Targets {
		name := "targets"
		if i > 0 {
			name = ""
		}
		by := ""
		if len(t.Match) > 0 {
			by = " by " + strings.Join(t.Match, ", ")
		}
		if s.Org.ID == "" {
			line(name, "%s → %s%s: %s would be sent, %s failed, %s skipped", t.Name, t.Object, by,
				Count(t.Records-t.Failed-t.Skipped), Count(t.Failed), Count(t.Skipped))
			continue
		}
		line(name, "%s → %s%s (%s): %s created, %s updated, %s%s failed, %s skipped", t.Name, t.Object, by, t.Strategy,
			Count(t.Created), Count(t.Updated), rarer(&t), Count(t.Failed), Count(t.Skipped))
	}
}

// printAPIs says which API the records of each target went by, and why.
func printAPIs(line func(string, string, ...any), targets []report.TargetInfo) {
	type way struct{ api, why string }
	var ways []way
	names := map[way][]string{}
	for _, t := range targets {
		w := way{t.API, t.Why}
		if t.API == "" {
			continue
		}
		if names[w] == nil {
			ways = append(ways, w)
		}
		names[w] = append(names[w], t.Name)
	}
	for i, w := range ways {
		name := "api"
		if i > 0 {
			name = ""
		}
		line(name, "%s: %s (%s)", strings.Join(names[w], ", "), API(w.api), w.why)
	}
}

// API names an API, rest or bulk, for people.
func API(api string) string {
	if api == "bulk" {
		return "Bulk API 2.0"
	}
	return "REST"
}

// rarer says how many records were deleted, published and unchanged, if any were.
func rarer(t *report.TargetInfo) string {
	var text string
	for _, c := range []struct {
		n    int64
		word string
	}{{t.Deleted, "deleted"}, {t.Published, "published"}, {t.Unchanged, "unchanged"}} {
		if c.n > 0 {
			text += Count(c.n) + " " + c.word + ", "
		}
	}
	return text
}

// printGroups prints the errors by code and field: without the messages, which may hold
// personal data, where there is a run directory that keeps them.
func printGroups(w io.Writer, groups []report.Group, dir string) {
	if len(groups) == 0 {
		return
	}
	rows := make([][]string, 0, maxShown)
	for _, g := range groups[:min(len(groups), maxShown)] {
		first := ""
		if len(g.Examples) > 0 {
			x := g.Examples[0]
			first = fmt.Sprintf("%s:%d", filepath.ToSlash(x.File), x.Line)
			if dir == "" {
				first += ": " + x.Message
			}
		}
		rows = append(rows, []string{Count(g.Count), g.Code, g.Field, first})
	}
	fmt.Fprintln(w)                                                      // see Summary
	Table(w, []string{"count", "code", "field", "first place"}, rows, 0) //nolint:errcheck // see Summary
	if more := len(groups) - len(rows); more > 0 {
		fmt.Fprintf(w, "and %s more\n", Plural(int64(more), "kind", "kinds")) // see Summary
	}
}

// Remedies prints each kind of error with an example in the org's own words, which may hold
// personal data, and what to do about it.
func Remedies(w io.Writer, s *report.Summary) error {
	for _, g := range s.Errors {
		name := g.Code
		if g.Field != "" {
			name += " " + g.Field
		}
		text := fmt.Sprintf("\n%s: %s\n", visible(name), Plural(g.Count, "record", "records"))
		for _, x := range g.Examples {
			text += fmt.Sprintf("  %s:%d: %s\n", visible(filepath.ToSlash(x.File)), x.Line, visible(x.Message))
		}
		if g.Remedy != "" {
			text += "  what to do: " + g.Remedy + "\n"
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	return nil
}
