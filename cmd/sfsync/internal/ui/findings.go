package ui

import (
	"strings"

	"sfsync/mapping/diag"
)

// CountDiagnostics words how many findings there are, for the last line of a command.
func CountDiagnostics(list []diag.Diagnostic) string {
	var errs, warns int64
	files := map[string]bool{}
	for _, d := range list {
		if d.Severity == diag.Warning {
			warns++
			continue
		}
		errs++
		files[d.Pos.File] = true
	}
	s := Plural(errs, "error", "errors")
	if len(files) == 1 {
		for f := range files {
			s += " in " + f
		}
	}
	if warns > 0 {
		s += ", " + Plural(warns, "warning", "warnings")
	}
	return s
}

// Failure is the JSON document of a command that ended before it had a better one.
func Failure(tool, command string, code int, name, message string, list []diag.Diagnostic) any {
	type finding struct {
		File     string `json:"file"`
		Line     int    `json:"line"`
		Column   int    `json:"column"`
		Severity string `json:"severity"`
		Code     string `json:"code"`
		Message  string `json:"message"`
		Hint     string `json:"hint,omitempty"`
	}
	findings := make([]finding, 0, len(list))
	for _, d := range list {
		findings = append(findings, finding{d.Pos.File, d.Pos.Line, d.Pos.Column, d.Severity.String(), d.Code, d.Message, d.Hint})
	}
	type exit struct {
		Code    int    `json:"code"`
		Name    string `json:"name"`
		Message string `json:"message"`
	}
	return struct {
		Version     int       `json:"version"`
		Tool        string    `json:"tool"`
		Command     string    `json:"command"`
		Complete    bool      `json:"complete"`
		Diagnostics []finding `json:"diagnostics"`
		Exit        exit      `json:"exit"`
	}{1, tool, command, false, findings, exit{code, name, message}}
}

// OneLine makes a message fit the last line on stderr.
func OneLine(s string) string {
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	for i, p := range parts {
		parts[i] = strings.TrimSpace(p)
	}
	return strings.Join(parts, "; ")
}
