package wording

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/mapping/diag"
	"sfsync/pipeline"
	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// TestWords: of an org's error the code and the remedy are shown and never its words, with or
// without an HTTP status; those of our own are shown.
func TestWords(t *testing.T) {
	t.Parallel()
	org := func(code string, status int) *sink.Error {
		return &sink.Error{Code: code, HTTPStatus: status, Message: "ann@example.com was born in 1970", Fields: []string{"Email"}}
	}
	diags := func(file string) error {
		var l diag.List
		l.Errorf(diag.Pos{File: file, Line: 1, Column: 1}, "x", "", "wrong in %s", file)
		return l.Err()
	}
	for name, tt := range map[string]struct {
		err  error
		says []string
	}{
		"an answer":      {org("REQUEST_LIMIT_EXCEEDED", 403), []string{"REQUEST_LIMIT_EXCEEDED", "try again later", "log.jsonl"}},
		"a subrequest":   {org("INVALID_TYPE", 0), []string{"INVALID_TYPE", "object"}},
		"unknown code":   {fmt.Errorf("log in: %w", org("SOMETHING_NEW", 0)), []string{"log in: SOMETHING_NEW"}},
		"several":        {errors.Join(org("INVALID_TYPE", 0), fmt.Errorf("a: %w", org("NOT_FOUND", 404)), errors.New("disk full")), []string{"INVALID_TYPE", "a: NOT_FOUND", "disk full"}},
		"worded again":   {fmt.Errorf("%w (%s)", org("INVALID_TYPE", 0), org("X", 0).Message), []string{"INVALID_TYPE"}},
		"two of one":     {fmt.Errorf("%w, %w", org("A_B", 0), org("C_D", 500)), []string{"C_D"}},
		"diagnostics":    {errors.Join(diags("a.yaml"), diags("b.yaml"), errors.New("disk full")), []string{"2 errors", "disk full"}},
		"unreachable":    {&sink.Error{Code: catalog.CodeUnreachable, Message: "GET /x at h: refused"}, []string{"GET /x at h: refused"}},
		"a gateway":      {&sink.Error{Code: catalog.CodeHTTP, HTTPStatus: 502, Message: "GET /x at h answered 502"}, []string{"answered 502"}},
		"not an org's":   {pipeline.ErrTooManyFailed, []string{"too many rows failed"}},
		"on one line":    {errors.New("one\ntwo"), []string{"one; two"}},
		"wrapped joined": {fmt.Errorf("a: %w", errors.Join(org("A_B", 0), errors.New("b"))), []string{"A_B", "b"}},
	} {
		got := Of(tt.err, "runs/x/log.jsonl")
		for _, want := range tt.says {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q does not say %q", name, got, want)
			}
		}
		if strings.Contains(got, "ann@example.com") || strings.Contains(got, "\n") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestWithSignal: a signal names the code of a command that it stopped, and hides no error.
func TestWithSignal(t *testing.T) {
	t.Parallel()
	signal := &exit.Signal{Sig: os.Interrupt}
	for _, tt := range []struct {
		err  error
		want exit.Code
	}{
		{&sink.Error{Class: sink.Network, Code: catalog.CodeCancelled}, exit.Interrupted},
		{errors.Join(signal, exit.Errorf(exit.CannotWrite, "disk full")), exit.CannotWrite},
	} {
		if got := exit.Of(WithSignal(signal, tt.err)); got != tt.want {
			t.Errorf("%v: %d, want %d", tt.err, got, tt.want)
		}
	}
}

// TestRemedies: a code that rows fail with comes with what to do about it, whoever gives it.
func TestRemedies(t *testing.T) {
	t.Parallel()
	for _, code := range []string{
		"BAD_BYTE", "BAD_ENCODING", "BAD_JSON", "BAD_KEY", "BAD_QUOTE", "LINE_TOO_LONG", "ROW_WIDTH", "TOO_DEEP", "UNREADABLE", // readers
		"DUPLICATE_KEY", "DUPLICATE_SUPERSEDED", "PARENT_FAILED", "PARENT_UNKNOWN", // the pipeline
		"BAD_EXTERNAL_ID", "EVENT_TYPE", "EXPR_FAILED", "FIELD_TWICE", "INVALID_CHARACTER", "MATCH_CONFLICT", "MATCH_KEY_BLANK", "UNMAPPED_COLUMN", "UNMAPPED_VALUE", // mappings
		"ENTITY_IS_DELETED", "NO_ANSWER", "STRING_TOO_LONG", "UNABLE_TO_LOCK_ROW", // orgs
	} {
		if Remedy(code) == "" {
			t.Errorf("%s: no remedy", code)
		}
	}
}
