package files

import (
	"path/filepath"
	"slices"
	"strings"

	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/pipeline/lacking"
	"sfsync/pipeline/profile"
	"sfsync/pipeline/report"
	"sfsync/pipeline/row"
)

// lookupKeys is about how many keys one API call looks up: a composite request of five queries of
// 200 keys.
const lookupKeys = 1000

// gathered is what a check gathers while the rows go by.
type gathered struct {
	plan    *mapping.Plan
	mapped  *mappedOutput    // nil for none
	profile *profile.Profile // nil for none
	lacking *lacking.Values
	blanks  *lacking.Blanks

	events bool            // columns are those of events, not of the file
	last   *row.Schema     // looked at already
	seen   map[string]bool // columns of the present file
	path   string
	unused []report.UnusedInfo // a file at a time

	unmet    []string // columns that the mapping names and no row has had so far
	readable bool     // a row could be read
}

func newGathered(plan *mapping.Plan, mapped *mappedOutput, events bool) *gathered {
	return &gathered{
		plan: plan, mapped: mapped, lacking: lacking.New(plan), blanks: lacking.NewBlanks(plan), events: events,
		unmet: slices.Clone(plan.Paths()),
	}
}

// each takes one mapped batch.
func (g *gathered) each(c pipeline.Checked) error {
	g.lacking.Add(c.First)
	g.blanks.Add(c.First, c.Path)
	if g.profile != nil {
		g.profile.Add(c.First.Source)
	}
	g.columns(c.First.Source.Schema(), c.Path)
	g.meet(c.First.Source)
	if g.mapped == nil {
		return nil
	}
	return g.mapped.write(c)
}

// columns takes note of the columns that no rule uses.
func (g *gathered) columns(s *row.Schema, path string) {
	if s == g.last && path == g.path || g.events || g.plan.Rest() {
		return
	}
	if path != g.path || g.seen == nil {
		g.path, g.seen = path, map[string]bool{}
		g.unused = append(g.unused, report.UnusedInfo{Files: []string{path}})
	}
	g.last = s
	info := &g.unused[len(g.unused)-1]
	for _, c := range s.Columns {
		if !g.seen[c.Name] && !g.used(c.Name) {
			info.Columns = append(info.Columns, strings.Clone(c.Name))
		}
		g.seen[c.Name] = true
	}
}

// meet takes note of the columns that rows have: a file of JSON Lines does not say which ones there are.
func (g *gathered) meet(b *row.Batch) {
	for r := 0; !g.readable && r < b.Len(); r++ {
		_, bad := b.Problem(r)
		g.readable = !bad
	}
	g.unmet = slices.DeleteFunc(g.unmet, func(name string) bool {
		c := b.Schema().Index(name)
		for r := 0; c >= 0 && r < b.Len(); r++ {
			if b.Cell(r, c).Kind() != row.Absent {
				return true
			}
		}
		return false
	})
}

// warnUnmet names the columns that no row has. Events have many traits that need not be there.
func (g *gathered) warnUnmet(con *ui.Console) {
	if g.events || !g.readable {
		return
	}
	names := g.plan.Unmet(func(name string) bool { return !slices.Contains(g.unmet, name) })
	if len(names) > 0 {
		con.Warnf("no row has %s: is a column misspelt? sfsync cat --schema FILE lists those of a file", strings.Join(names, ", "))
	}
}

// used reports whether a rule takes a column, or something in it.
func (g *gathered) used(column string) bool {
	return slices.ContainsFunc(g.plan.Paths(), func(path string) bool {
		return path == column || strings.HasPrefix(path, column) && path[len(column)] == '.'
	})
}

// info puts together what was found.
func (g *gathered) info(file *mapping.File, res *pipeline.Result) *report.CheckInfo {
	info := &report.CheckInfo{Tests: len(file.Tests), Keys: []report.KeyInfo{}, Unused: []report.UnusedInfo{}}
	for _, k := range res.Keys {
		info.Keys = append(info.Keys, g.key(k))
	}
	for _, u := range g.unused {
		if len(u.Columns) == 0 {
			continue
		}
		i := slices.IndexFunc(info.Unused, func(v report.UnusedInfo) bool { return slices.Equal(u.Columns, v.Columns) })
		if i >= 0 {
			info.Unused[i].Files = append(info.Unused[i].Files, u.Files...)
			continue
		}
		info.Unused = append(info.Unused, u)
	}
	info.Blank = g.blanks.List()
	info.Lacking, _ = g.lacking.List()
	if g.profile != nil {
		info.Columns = g.profile.Columns()
	}
	return info
}

// warnBlank says which records the org would refuse if they were not there yet.
func warnBlank(con *ui.Console, blanks []lacking.Blank) {
	for _, b := range blanks {
		con.Warnf("%s.%s is blank in %s (%s:%d): the org refuses what is not there yet without it; a default would fill it in new records",
			b.Target, b.Field, ui.Plural(b.Count, "record", "records"), filepath.ToSlash(b.File), b.Line)
	}
}

func (g *gathered) key(k pipeline.KeyCounts) report.KeyInfo {
	t := &g.plan.Targets[k.Target]
	info := report.KeyInfo{
		Target: t.Name, Records: k.Records, Distinct: k.Distinct, Repeated: k.Repeated, Sharing: k.Sharing,
		Match: []string{}, First: []report.Repeat{}, Lookup: t.Lookup,
	}
	for _, f := range t.Keys[k.Key].Fields {
		info.Match = append(info.Match, f.Name)
	}
	for _, places := range k.First {
		info.First = append(info.First, report.Repeat{
			File: places[0].File, Line: places[0].Line, AgainFile: places[1].File, AgainLine: places[1].Line,
		})
	}
	if t.Lookup {
		info.Calls = (k.Distinct + lookupKeys - 1) / lookupKeys
	}
	return info
}
