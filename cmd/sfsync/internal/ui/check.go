package ui

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"sfsync/pipeline/report"
)

// printFound prints what a check found besides the errors. What cannot be written is in the JSON
// document, if one is asked for.
func printFound(w io.Writer, line func(string, string, ...any), f *report.CheckInfo) {
	name := "keys"
	for _, k := range f.Keys {
		by := strings.Join(k.Match, " + ")
		line(name, "%s by %s: %s, %s", k.Target, by, Plural(k.Records, "record", "records"), Plural(k.Distinct, "value", "different values"))
		name = ""
		if k.Repeated > 0 {
			places := make([]string, 0, len(k.First))
			for _, r := range k.First {
				again := fmt.Sprintf("line %d", r.AgainLine)
				if r.AgainFile != r.File {
					again = fmt.Sprintf("%s:%d", filepath.ToSlash(r.AgainFile), r.AgainLine)
				}
				places = append(places, fmt.Sprintf("%s:%d and %s", filepath.ToSlash(r.File), r.Line, again))
			}
			line("", "  %s more than once, in %s: %s", Plural(k.Repeated, "value comes", "values come"), Plural(k.Sharing, "record", "records"), strings.Join(places, ", "))
		}
		if k.Lookup {
			line("", "  records are looked up by it before they are sent: about %s", Plural(k.Calls, "API call", "API calls"))
		}
	}
	name = "unused"
	for _, u := range f.Unused {
		files := u.Files[0]
		if more := len(u.Files) - 1; more > 0 {
			files += fmt.Sprintf(" and %s more", Plural(int64(more), "file", "files"))
		}
		line(name, "%s (%s)", visible(cutList(u.Columns)), filepath.ToSlash(files))
		name = ""
	}
	if f.Tests > 0 {
		line("tests", "%s", Plural(int64(f.Tests), "test of the mapping passed", "tests of the mapping passed"))
	}
	if len(f.Lacking) > 0 {
		rows := make([][]string, 0, maxShown)
		for _, v := range f.Lacking[:min(len(f.Lacking), maxShown)] {
			rows = append(rows, []string{Count(v.Count), v.Target + "." + v.Field, v.Message})
		}
		fmt.Fprintln(w)                                                 // see above
		Table(w, []string{"count", "field", "values lacking"}, rows, 0) //nolint:errcheck // see above
		if more := len(f.Lacking) - len(rows); more > 0 {
			fmt.Fprintf(w, "and %s more\n", Plural(int64(more), "value", "values")) // see above
		}
	}
	if len(f.Columns) > 0 {
		fmt.Fprintln(w)
		profileTable(w, f)
	}
}

// cutList joins names and cuts the list to a line.
func cutList(names []string) string {
	const most = 20
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %s more", Count(int64(len(names)-most)))
	}
	return strings.Join(names, ", ")
}

// profileTable prints what the columns hold.
func profileTable(w io.Writer, f *report.CheckInfo) {
	rows := make([][]string, 0, len(f.Columns))
	for _, c := range f.Columns {
		distinct := Count(c.Distinct)
		if !c.Exact {
			distinct = "≈" + distinct
		}
		samples := make([]string, 0, len(c.Samples))
		for _, s := range c.Samples {
			samples = append(samples, fmt.Sprintf("%q", s))
		}
		rows = append(rows, []string{
			c.Name, c.Looks, Count(c.Filled), Count(c.Blank), Count(c.Null), distinct, Count(int64(c.Longest)), c.Min, c.Max, strings.Join(samples, " "),
		})
	}
	Table(w, []string{"column", "looks", "filled", "blank", "null", "distinct", "longest", "least", "greatest", "samples"}, rows, 2, 3, 4, 5, 6) //nolint:errcheck // see printFound
}
