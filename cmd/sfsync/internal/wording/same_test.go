package wording

import (
	"errors"
	"testing"

	"sfsync/sink"
)

// What several requests met with at the same time is said once.
func TestTheSameIsSaidOnce(t *testing.T) {
	down := func() error {
		return &sink.Error{Class: sink.Network, Code: "UNREACHABLE", Message: "POST /composite at example.com: refused"}
	}
	got := Of(errors.Join(down(), errors.New("another thing"), down(), down()), "")
	if want := "UNREACHABLE: POST /composite at example.com: refused; another thing"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
