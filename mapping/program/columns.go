package program

import (
	"cmp"
	"slices"
	"strings"

	"sfsync/mapping/convert"
	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
	"sfsync/pipeline/row"
)

// customField returns the field that a column goes to by custom or rest: custom, or nil and
// the reason.
func (t *Target) customField(column string) (f *schema.Field, why string) {
	name := syntax.CustomName(column)
	f = t.Object.Field(name)
	switch {
	case f == nil:
		return nil, "column " + column + " has no field " + name + " on " + t.Object.Name
	case !t.writable(f):
		return nil, "column " + column + " would go to " + f.Name + ", which cannot be written"
	}
	return f, ""
}

// CheckColumns compares the plan with the columns of a file that has a complete list of them
// (CSV). A column that the mapping names and the file lacks is an error, in a from list only
// if the file has none of the list; a column that rest: fail or rest: custom cannot place is
// one too. The diagnostics have the mapping's places and name the file. The error is a
// [*diag.Errors].
func (p *Plan) CheckColumns(s *row.Schema, file string) ([]diag.Diagnostic, error) {
	var l diag.List
	names := s.Names()
	found := map[int]bool{} // groups that have a column
	for _, u := range p.uses {
		if u.group != 0 && s.Index(p.columns[u.column]) >= 0 {
			found[u.group] = true
		}
	}
	for _, u := range p.uses {
		name := p.columns[u.column]
		if s.Index(name) >= 0 {
			continue
		}
		hint := ""
		switch near := l.Nearest(name, names); {
		case near != trimmed(near):
			hint = `its blanks count: write '"` + near + `"'`
		case near != "":
			hint = "did you mean " + near + "?"
		}
		if found[u.group] {
			l.Warnf(u.pos, "column-unknown", hint, "%s has no column %q; another of the list is used", file, name)
			continue
		}
		if hint == "" {
			hint = columnsHint(name, names)
		}
		l.Errorf(u.pos, "column-unknown", hint, "%s has no column %q", file, name)
	}
	for i := range p.Targets {
		p.Targets[i].checkRest(p, s, file, &l)
	}
	return l.All(), l.Err()
}

// Unmet returns the columns that the mapping names and that no row has, as met says: of those of a from
// list only where there is none of the list. Files that list their columns are [Plan.CheckColumns]' business.
func (p *Plan) Unmet(met func(column string) bool) []string {
	found := map[int]bool{} // groups that have a column
	for _, u := range p.uses {
		if u.group != 0 && met(p.columns[u.column]) {
			found[u.group] = true
		}
	}
	var names []string
	for _, u := range p.uses {
		if name := p.columns[u.column]; !found[u.group] && !met(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// columnsHint lists a file's columns, cut to a line, and says how a name is meant that is none.
func columnsHint(name string, names []string) string {
	const most = 12
	if len(names) == 0 {
		return "the file has no columns at all"
	}
	more := ""
	if len(names) > most {
		names, more = names[:most], " …"
	}
	return "its columns: " + strings.Join(names, ", ") + more + "; a constant is {value: " + convert.Quote(name) + "}"
}

// checkRest reports the columns of a file that rest: fail or rest: custom cannot place.
func (t *Target) checkRest(p *Plan, s *row.Schema, file string, l *diag.List) {
	if t.Code.Rest != RestFail && t.Code.Rest != RestCustom {
		return
	}
	rest, _ := t.bindRest(p, s)
	custom := CustomNames(t.Object)
	for _, r := range rest {
		problem := cmp.Or(r.problem, r.twice)
		if problem == nil {
			continue
		}
		name := s.Columns[r.column].Name
		switch problem.Code {
		case CodeUnmappedColumn:
			l.Errorf(t.Code.Pos, "column-unmapped", "map it, or say rest: ignore",
				"%s has the column %q, which target %s does not map, and rest is fail", file, name, t.Name)
		case CodeFieldTwice:
			l.Errorf(t.Code.Pos, "field-twice", "map one of them under fields",
				"%s: column %q goes to %s, which has another source already (target %s, rest: custom)", file, name, problem.Field, t.Name)
		default:
			hint := "create the field, map the column under fields, or say missing: ignore"
			if t.Object.Field(syntax.CustomName(name)) != nil { // it is there, and read-only
				hint = "map the column to another field under fields, or leave it out of the file"
			} else if f := t.Object.Field(name); f != nil && !f.Custom {
				hint = f.Name + " is a standard field: map the column under fields"
			} else if n := l.Nearest(syntax.CustomName(name), custom); n != "" {
				hint = "did you mean " + n + "? Else " + hint
			}
			l.Errorf(t.Code.Pos, "rest-field-unknown", hint, "%s: %s (target %s, rest: custom)", file, problem.Message, t.Name)
		}
	}
}

// CustomNames returns the names of an object's custom fields, for hints.
func CustomNames(o *schema.Object) []string {
	return slices.DeleteFunc(o.FieldNames(), func(n string) bool { return !strings.HasSuffix(lower(n), "__c") })
}

func lower(s string) string { return strings.ToLower(s) }

func trimmed(s string) string { return strings.TrimSpace(s) }
