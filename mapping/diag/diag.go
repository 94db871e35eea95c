// Package diag holds what is wrong with a file a person wrote: diagnostics with an
// address, all of them at once, and the nearest known name where a name is unknown.
package diag

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Severity says whether a diagnostic stops the work.
type Severity uint8

// The severities.
const (
	Error Severity = iota
	Warning
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Pos is a place in a file; lines and columns count from 1, columns in characters.
type Pos struct {
	File   string
	Line   int
	Column int
}

func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Diagnostic is one finding.
type Diagnostic struct {
	Pos      Pos
	Severity Severity
	// Code is a stable, lower-case word such as "field-unknown", for scripts and tests.
	Code string
	// Message says what is wrong, in lower case and without a full stop.
	Message string
	// Hint says what to do about it; it may be empty.
	Hint string
}

// String gives "file:line:column: message [code] → hint".
func (d Diagnostic) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", d.Pos)
	if d.Severity == Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(d.Message)
	if d.Code != "" {
		fmt.Fprintf(&b, " [%s]", d.Code)
	}
	if d.Hint != "" {
		b.WriteString(" → " + d.Hint)
	}
	return b.String()
}

// MaxList is the most diagnostics that a list keeps. One more says how many there are besides.
const MaxList = 1000

// List collects diagnostics, the first [MaxList] of them. The zero List is ready.
type List struct {
	all    []Diagnostic
	more   int
	failed bool
}

// Errorf adds an error. The hint may be empty.
func (l *List) Errorf(pos Pos, code, hint, format string, args ...any) {
	l.add(Diagnostic{pos, Error, code, fmt.Sprintf(format, args...), hint})
}

// Warnf adds a warning. The hint may be empty.
func (l *List) Warnf(pos Pos, code, hint, format string, args ...any) {
	l.add(Diagnostic{pos, Warning, code, fmt.Sprintf(format, args...), hint})
}

// Add appends the diagnostics of another list.
func (l *List) Add(other []Diagnostic) {
	for _, d := range other {
		l.add(d)
	}
}

// add keeps a diagnostic, or counts it. Of two lists that are full the first one counts: an
// error is never lost to warnings, because Failed remembers it.
func (l *List) add(d Diagnostic) {
	l.failed = l.failed || d.Severity == Error
	if len(l.all) >= MaxList {
		l.more++
		return
	}
	l.all = append(l.all, d)
}

// Nearest is [Nearest] for the hint of a finding. A list that is full says nothing, because the
// finding would not be kept.
func (l *List) Nearest(name string, candidates []string) string {
	if len(l.all) >= MaxList {
		return ""
	}
	return Nearest(name, candidates)
}

// DidYouMean is [DidYouMean] as Nearest is [Nearest].
func (l *List) DidYouMean(name string, candidates []string) string {
	if n := l.Nearest(name, candidates); n != "" {
		return "did you mean " + n + "?"
	}
	return ""
}

// All returns the diagnostics by place, errors before warnings at one place, without repeats. If
// there are more than [MaxList], the last one says how many.
func (l *List) All() []Diagnostic {
	out := slices.Clone(l.all)
	slices.SortStableFunc(out, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column), cmp.Compare(a.Severity, b.Severity))
	})
	said := make(map[Diagnostic]bool, len(out)) // a repeat may have others of its place in between
	out = slices.DeleteFunc(out, func(d Diagnostic) bool {
		again := said[d]
		said[d] = true
		return again
	})
	if l.more > 0 {
		severity := Warning
		if l.failed {
			severity = Error
		}
		out = append(out, Diagnostic{Pos: Pos{File: out[0].Pos.File, Line: 1, Column: 1}, Severity: severity, Code: CodeMore, Message: fmt.Sprintf("there are %d more findings", l.more)})
	}
	return out
}

// CodeMore is the code of the diagnostic that stands for those that a [List] did not keep.
const CodeMore = "more"

// Failed reports whether an error was added.
func (l *List) Failed() bool { return l.failed }

// Err returns the list as an [*Errors] if it holds an error, else nil.
func (l *List) Err() error {
	if !l.Failed() {
		return nil
	}
	return &Errors{List: l.All()}
}

// Errors is the error of a file that has at least one error; it carries the warnings too.
type Errors struct{ List []Diagnostic }

// Error gives one diagnostic a line.
func (e *Errors) Error() string {
	lines := make([]string, len(e.List))
	for i, d := range e.List {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}

// As returns the diagnostics in err, if any.
func As(err error) ([]Diagnostic, bool) {
	var e *Errors
	if errors.As(err, &e) {
		return e.List, true
	}
	return nil, false
}

// Cut shortens a text of the file for a message: to 40 characters.
func Cut(s string) string {
	const most = 40
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}
