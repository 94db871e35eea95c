// Package wording says in a line what went wrong, and what to do about it, without the words of an org, which may
// hold personal data.
package wording

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/pipeline"
	"sfsync/pipeline/backup"
	"sfsync/pipeline/source"
	"sfsync/sink"
	"sfsync/sink/salesforce"
	"sfsync/sink/salesforce/catalog"
)

// Remedy says what to do about a code, ours or an org's.
func Remedy(code string) string {
	return cmp.Or(source.Remedy(code), mapping.Remedy(code), pipeline.Remedy(code), backup.Remedy(code), salesforce.Remedy(code))
}

// Findings splits an error: the diagnostics of all its parts, by place, and the parts that
// have none.
func Findings(err error) ([]diag.Diagnostic, []error) {
	var list diag.List
	var rest []error
	for _, part := range exit.Parts(err) {
		if found, ok := diag.As(part); ok {
			list.Add(found)
		} else {
			rest = append(rest, part)
		}
	}
	return list.All(), rest
}

// Of is what the last line on stderr says of an error, in one line: how many diagnostics
// there are, since they were printed one by one, and the rest. An org's own words may hold
// personal data; they are reduced to a code and what to do about it. Log is where they can be
// read, "" for nowhere.
func Of(err error, log string) string {
	list, rest := Findings(err)
	var notes []string
	if len(list) > 0 {
		notes = append(notes, ui.CountDiagnostics(list))
	}
	for _, part := range rest {
		if note := discreet(part, log); !slices.Contains(notes, note) { // several requests meet the same trouble
			notes = append(notes, note)
		}
	}
	return ui.OneLine(strings.Join(notes, "\n"))
}

// discreet words one error.
func discreet(err error, log string) string {
	text := err.Error()
	var hidden, shorts []string
	for _, org := range orgErrors(err, nil) {
		if org.Message == "" || ours(org.Code) {
			continue
		}
		short := org.Code
		if r := Remedy(org.Code); r != "" {
			short += ": " + r
		}
		text = strings.ReplaceAll(text, org.Error(), short)
		hidden, shorts = append(hidden, org.Message), append(shorts, short)
	}
	if slices.ContainsFunc(hidden, func(m string) bool { return strings.Contains(text, m) }) { // worded by somebody else
		text = strings.Join(shorts, "; ")
	}
	if len(hidden) > 0 && log != "" {
		text += " (the org's words are in " + log + ")"
	}
	return text
}

// orgErrors collects the errors about an org from an error's tree.
func orgErrors(err error, found []*sink.Error) []*sink.Error {
	switch e := err.(type) { //nolint:errorlint // the tree is walked here
	case *sink.Error:
		return append(found, e)
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			found = orgErrors(part, found)
		}
	case interface{ Unwrap() error }:
		return orgErrors(e.Unwrap(), found)
	}
	return found
}

// ours reports whether a code is one of the client's own, whose message the client has worded:
// it holds addresses and numbers and nothing that an org has said. An HTTP status is no sign of
// that, since the parts of a composite answer are errors of the org without one.
func ours(code string) bool {
	switch code {
	case catalog.CodeNoAnswer, catalog.CodeUnreachable, catalog.CodeBadAnswer, catalog.CodeRedirect, catalog.CodeHost,
		catalog.CodeCredentials, catalog.CodeVersion, catalog.CodeValue, catalog.CodeNoLookup, catalog.CodeNoID,
		catalog.CodeSetup, catalog.CodeCancelled, catalog.CodeHTTP, catalog.CodeNewInstance, catalog.CodeTooLarge,
		catalog.CodeProxy, catalog.CodeCertificate, catalog.CodeBudget, catalog.CodeUnfinished, catalog.CodeNoResult:
		return true
	}
	return false
}

// WithSignal makes a signal part of the error of the command that it stopped, in place of what
// only says that the work was cut short.
func WithSignal(signal, err error) error {
	return errors.Join(append([]error{signal}, exit.Unstopped(err)...)...)
}
