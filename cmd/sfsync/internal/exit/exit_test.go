package exit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sfsync/mapping/diag"
	"sfsync/pipeline"
	"sfsync/pipeline/keys"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
	"sfsync/sink"
)

func TestCodeOf(t *testing.T) {
	t.Parallel()
	var list diag.List
	list.Errorf(diag.Pos{File: "m.yaml", Line: 1, Column: 1}, "x", "", "wrong")
	_, enoent := os.Open(filepath.Join(t.TempDir(), "missing"))
	for name, tt := range map[string]struct {
		err  error
		want Code
	}{
		"nothing":            {nil, OK},
		"anything":           {errors.New("oops"), Unexpected},
		"usage":              {fmt.Errorf("run: %w", Usagef("no")), Usage},
		"carried code wins":  {Errorf(BadConfig, "read: %w", enoent), BadConfig},
		"diagnostics":        {list.Err(), BadConfig},
		"no such file":       {enoent, InputNotFound},
		"wrapped":            {fmt.Errorf("a: %w", fmt.Errorf("b: %w", fs.ErrNotExist)), InputNotFound},
		"input":              {&source.Error{Path: "a", Class: source.ErrMalformed, Message: "no"}, BadInput},
		"unreadable input":   {&source.Error{Path: "a", Class: source.ErrUnreadable, Message: "no", Err: syscall.EACCES}, BadInput},
		"unsupported":        {&source.Error{Path: "a", Class: source.ErrUnsupported, Message: "no"}, BadConfig},
		"ledger":             {fmt.Errorf("%w: write: %w", ledger.ErrLedger, errors.New("disk full")), CannotWrite},
		"damaged ledger":     {fmt.Errorf("%w: read: %w: %w", ledger.ErrLedger, ledger.ErrCorrupt, errors.New("malformed")), BadInput},
		"full disk":          {fmt.Errorf("write the upload: %w", &fs.PathError{Op: "write", Path: "a", Err: syscall.ENOSPC}), CannotWrite},
		"locked":             {fmt.Errorf("%w: process 7", ledger.ErrLocked), TryAgain},
		"report":             {fmt.Errorf("%w: x: %w", report.ErrReport, fs.ErrPermission), CannotWrite},
		"auth":               {fmt.Errorf("log in: %w", &sink.Error{Class: sink.Auth}), NoPermission},
		"config":             {&sink.Error{Class: sink.Config}, BadConfig},
		"network":            {&sink.Error{Class: sink.Network}, Unavailable},
		"later":              {&sink.Error{Class: sink.Later}, TryAgain},
		"too many failed":    {pipeline.ErrTooManyFailed, SomeFailed},
		"changed input":      {fmt.Errorf("x: %w", pipeline.ErrInputChanged), BadInput},
		"interrupt":          {&Signal{os.Interrupt}, Interrupted},
		"terminate":          {&Signal{syscall.SIGTERM}, Terminated},
		"spilled keys":       {fmt.Errorf("%w: %w", keys.ErrSpill, fs.ErrNotExist), CannotWrite},
		"joined: the worst":  {errors.Join(&sink.Error{Class: sink.Network}, fmt.Errorf("%w: y", report.ErrReport)), CannotWrite},
		"joined with a bug":  {errors.Join(errors.New("bug"), fmt.Errorf("%w: y", ledger.ErrLedger)), CannotWrite},
		"deadline":           {fmt.Errorf("x: %w", context.DeadlineExceeded), Unavailable},
		"stopped, no signal": {pipeline.ErrStopped, TryAgain},
	} {
		if got := Of(tt.err); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

// TestPrecedence: the documented order decides, and every code has its place and its words.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	order := []Code{70, 73, 78, 77, 66, 65, 69, 130, 75, 5, 4, 3, 6, 7, 9, 0}
	for i := range order {
		for j := i + 1; j < len(order); j++ {
			if got := Worst(order[j], order[i]); got != order[i] {
				t.Errorf("Worst(%d, %d) = %d, want %d", order[j], order[i], got, order[i])
			}
		}
	}
	seen := map[string]Code{}
	for _, c := range precedence() {
		text := c.String()
		if strings.HasPrefix(text, "code ") {
			t.Errorf("%d has no words", c)
		}
		if other, dup := seen[text]; dup && (c != Terminated || other != Interrupted) {
			t.Errorf("%d and %d have the same words", c, other)
		}
		seen[text] = c
	}
	if Worst() != OK {
		t.Error("no code at all is not OK")
	}
}

// TestOfStopped: a signal does not hide what else went wrong, and what it cut short is no
// error of its own.
func TestOfStopped(t *testing.T) {
	t.Parallel()
	signal := &Signal{os.Interrupt}
	cut := &sink.Error{Class: sink.Network, Code: "CANCELLED"}
	full := fmt.Errorf("%w: write: %w", ledger.ErrLedger, errors.New("disk full"))
	for name, tt := range map[string]struct {
		err  error
		want Code
	}{
		"only stopped":      {pipeline.ErrStopped, Interrupted},
		"cut short":         {errors.Join(cut, context.Canceled, signal), Interrupted},
		"ledger cut short":  {fmt.Errorf("%w: begin: %w", ledger.ErrLedger, context.Canceled), Interrupted},
		"disk full":         {errors.Join(pipeline.ErrStopped, errors.Join(cut, full)), CannotWrite},
		"permission":        {errors.Join(pipeline.ErrStopped, &sink.Error{Class: sink.Auth}), NoPermission},
		"network":           {errors.Join(pipeline.ErrStopped, &sink.Error{Class: sink.Network, Code: "UNREACHABLE"}), Unavailable},
		"malformed":         {errors.Join(pipeline.ErrStopped, &source.Error{Class: source.ErrMalformed}), BadInput},
		"the org's limits":  {errors.Join(pipeline.ErrStopped, &sink.Error{Class: sink.Later}), Interrupted},
		"too many failures": {errors.Join(pipeline.ErrTooManyFailed, context.Canceled), Interrupted},
	} {
		if got := OfStopped(signal, tt.err); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

// TestHelp: codes stand in order, whichever way a command names them.
func TestHelp(t *testing.T) {
	t.Parallel()
	want := "Exit codes:\n    0  success\n    9  no input\n  130  interrupted (SIGINT; 143 for SIGTERM), state saved"
	if got := Help(Interrupted, OK, NoInput); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
