package diag_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/diag"
)

func at(line, column int) diag.Pos { return diag.Pos{File: "m.yaml", Line: line, Column: column} }

func TestList(t *testing.T) {
	t.Parallel()
	var l diag.List
	if l.Failed() || l.Err() != nil || len(l.All()) != 0 {
		t.Fatal("the zero list says something")
	}
	if l.Nearest("emial", []string{"email"}) != "email" || l.DidYouMean("emial", []string{"email"}) != "did you mean email?" || l.DidYouMean("x", nil) != "" {
		t.Error("an empty list has no hints")
	}
	l.Warnf(at(2, 1), "w", "", "a warning")
	if l.Failed() || l.Err() != nil {
		t.Error("a warning fails")
	}
	l.Errorf(at(2, 1), "e", "mend it", "an error of %d", 1)
	l.Errorf(at(1, 9), "e", "", "another one")
	l.Add([]diag.Diagnostic{{Pos: at(1, 9), Code: "e", Message: "another one"}})
	l.Warnf(at(2, 1), "v", "", "a second warning")
	l.Warnf(at(2, 1), "w", "", "a warning")
	want := "m.yaml:1:9: another one [e]\nm.yaml:2:1: an error of 1 [e] → mend it\nm.yaml:2:1: warning: a warning [w]\nm.yaml:2:1: warning: a second warning [v]"
	err := l.Err()
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	all, ok := diag.As(fmt.Errorf("load: %w", err))
	if d := cmp.Diff(l.All(), all); !ok || d != "" {
		t.Errorf("As: %v\n%s", ok, d)
	}
	if _, ok := diag.As(errors.New("x")); ok {
		t.Error("any error has diagnostics")
	}
}

// TestListKeepsNoMoreThanPeopleRead checks the bound: an error behind it is not lost.
func TestListKeepsNoMoreThanPeopleRead(t *testing.T) {
	t.Parallel()
	var l diag.List
	for i := range diag.MaxList + 5 {
		l.Warnf(at(i+1, 1), "w", "", "a warning")
	}
	if l.Nearest("emial", []string{"email"}) != "" || l.DidYouMean("emial", []string{"email"}) != "" {
		t.Error("a full list looks for hints")
	}
	if l.Failed() || !strings.Contains(l.All()[diag.MaxList].String(), "m.yaml:1:1: warning: there are 5 more findings [more]") {
		t.Errorf("got %v", l.All()[diag.MaxList])
	}
	l.Errorf(at(1, 1), "e", "", "an error")
	if all := l.All(); !l.Failed() || len(all) != diag.MaxList+1 || all[diag.MaxList].Severity != diag.Error {
		t.Errorf("%d diagnostics, failed %v", len(l.All()), l.Failed())
	}
}

func TestPos(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]diag.Pos{"a:2:3": {File: "a", Line: 2, Column: 3}, "a": {File: "a"}} {
		if p.String() != want {
			t.Errorf("%v, want %s", p, want)
		}
	}
	if diag.Error.String() != "error" || diag.Warning.String() != "warning" {
		t.Error("severities have other names")
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                      "",
		strings.Repeat("ü", 40): strings.Repeat("ü", 40),
		strings.Repeat("ü", 41): strings.Repeat("ü", 40) + "…",
	} {
		if got := diag.Cut(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}
