// Package page writes report.html, the summary of a run for a browser: one file that needs nothing else. It is bounded
// however large the run is; what it leaves out it names, with the file that has it.
package page

import (
	"bytes"
	_ "embed" // the page itself
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/pipeline/report"
)

// File is the name of the page in a run directory.
const File = "report.html"

// maxShown is how many inputs, kinds of errors, warnings, fields of a target, and row files of a status the page shows.
const maxShown = 100

//go:embed page.html
var text string

// Write writes the page of a run into its directory, in place of an earlier one. It may hold personal data, as the
// messages of an org do: like all files there it is its owner's only.
func Write(d *report.Dir, s *report.Summary) error {
	files, err := filesOf(d)
	if err != nil {
		return err
	}
	page, err := render(s, files)
	if err != nil {
		return fmt.Errorf("write %s: %w", File, err)
	}
	return d.WriteFile(File, page)
}

// filesOf lists the files of a run directory that a user may want to look at. There is a row file for each header of
// the inputs, so that there may be many.
func filesOf(d *report.Dir) (shown[string], error) {
	var files shown[string]
	for _, status := range []report.Status{report.Succeeded, report.Failed, report.Skipped, report.Unknown} {
		names, err := d.RowFiles(status)
		if err != nil {
			return files, err
		}
		some := first(names)
		files.List, files.More = append(files.List, some.List...), files.More+some.More
	}
	for _, name := range []string{report.ErrorsFile, report.PlanFile, report.SummaryFile, report.MappingFile, report.LogFile} {
		if _, err := os.Stat(d.Path(name)); err == nil || name == report.SummaryFile { // which is written after the page
			files.List = append(files.List, name)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return files, fmt.Errorf("list the files of the run: %w", err)
		}
	}
	return files, nil
}

// shown is the beginning of a list, and how many are behind it.
type shown[T any] struct {
	List []T
	More int64
}

func first[T any](list []T) shown[T] {
	n := min(len(list), maxShown)
	return shown[T]{list[:n], int64(len(list) - n)}
}

// view is what the page shows.
type view struct {
	*report.Summary
	Good     bool
	Took     string
	Orgs     []report.OrgInfo
	Inputs   shown[report.InputInfo]
	Errors   shown[report.Group]
	Warnings shown[string]
	Changes  []change
	Files    shown[string]
}

// change are the fields of a target that a plan would change.
type change struct {
	Target string
	Fields shown[report.FieldChanges]
}

func render(s *report.Summary, files shown[string]) ([]byte, error) {
	t, err := template.New(File).Funcs(template.FuncMap{
		"count": ui.Count,
		"api":   ui.API,
		"slash": filepath.ToSlash,
		"join":  func(list []string) string { return strings.Join(list, ", ") },
		"time":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	}).Parse(text)
	if err != nil {
		return nil, err
	}
	v := view{
		Summary: s, Good: s.Exit.Code == 0, Took: ui.Elapsed(time.Duration(s.Duration * float64(time.Second))), Orgs: s.Orgs,
		Inputs: first(s.Inputs), Errors: first(s.Errors), Warnings: first(s.Warnings), Files: files,
	}
	if len(v.Orgs) == 0 && s.Org.ID != "" {
		v.Orgs = []report.OrgInfo{s.Org}
	}
	if s.Plan != nil {
		for _, t := range s.Plan.Targets {
			if len(t.Fields) > 0 {
				v.Changes = append(v.Changes, change{t.Name, first(t.Fields)})
			}
		}
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return nil, err
	}
	return bytes.Map(harmless, b.Bytes()), nil
}

// harmless returns a character, or what stands for one that nobody sees and that may hide others: control characters
// and those that turn the direction of what follows.
func harmless(r rune) rune {
	switch {
	case r == '\n', r == '\t':
		return r
	case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
		return utf8.RuneError
	}
	return r
}
