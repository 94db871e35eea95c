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

// All returns the diagnostics by place, errors before warnings at one place, without repeats. If
// there are more than [MaxList], the last one says how many.
func (l *List) All() []Diagnostic {
	out := slices.Clone(l.all)
	slices.SortStableFunc(out, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column), cmp.Compare(a.Severity, b.Severity))
	})
	out = slices.Compact(out)
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

// Nearest returns the candidate that a person most likely meant by name, or "". Case and
// punctuation count less than letters.
func Nearest(name string, candidates []string) string {
	best, bestDist := "", 1+max(1, min(len(name), 64)/3)
	folded := fold(name)
	for _, c := range candidates {
		if d := distance(folded, fold(c), bestDist); d < bestDist {
			best, bestDist = c, d
		}
	}
	return best
}

// DidYouMean returns a hint that names the nearest candidate, or "".
func DidYouMean(name string, candidates []string) string {
	if n := Nearest(name, candidates); n != "" {
		return "did you mean " + n + "?"
	}
	return ""
}

func fold(s string) string {
	s = strings.ToLower(s)
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' || r == '.' {
			return -1
		}
		return r
	}, s)
}

// distance is the number of insertions, deletions, substitutions and swaps of neighbours
// between a and b, or limit if there are at least that many. Long names are cut: what
// differs only after 64 letters is near enough.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	x, y = x[:min(len(x), 64)], y[:min(len(y), 64)]
	if len(x)-len(y) >= limit || len(y)-len(x) >= limit {
		return limit
	}
	var two, one, cur [65]int
	for j := range len(y) + 1 {
		one[j] = j
	}
	for i := 1; i <= len(x); i++ {
		cur[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			cur[j] = min(one[j]+1, cur[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				cur[j] = min(cur[j], two[j-2]+1)
			}
		}
		two, one = one, cur
	}
	return min(one[len(y)], limit)
}
