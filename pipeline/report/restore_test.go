package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline/row"
)

// TestRestore stops at a commit, goes on, and is restored: the files end as if what came after
// the commit had never been.
func TestRestore(t *testing.T) {
	t.Parallel()
	first := csvBatch(2, []string{"a", "x\ny"}, []string{"1", "2"})
	second := csvBatch(2, []string{"b"}, []string{"3"})
	third := csvBatch(2, []string{"c"}, []string{"4"})
	lines := jsonBatch(`{"a":1}`)
	fail := always(Outcome{Status: Failed, Code: "X"})
	write := func(t *testing.T, r *Rows, from, to int) {
		t.Helper()
		for i, b := range []*row.Batch{first, second, lines, first, third, second, lines}[from:to] {
			if err := r.Batch(b, fmt.Sprint("f", from+i), 1, fail); err != nil {
				t.Fatal(err)
			}
		}
	}
	whole := newDir(t)
	r := newRows(t, whole)
	write(t, r, 0, 7)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for stop := range 8 {
		for _, on := range []int{0, 1, 7 - stop} {
			d := newDir(t)
			r := newRows(t, d)
			write(t, r, 0, stop)
			offsets, err := r.Commit()
			if err != nil {
				t.Fatal(err)
			}
			if stop == 0 {
				offsets = nil
			}
			write(t, r, stop, min(7, stop+on))
			if _, err := r.Commit(); err != nil { // the process dies here: no Close
				t.Fatal(err)
			}
			if err := os.WriteFile(d.Path("mine-2.csv"), []byte("not ours"), 0o600); err != nil {
				t.Fatal(err)
			}
			r2 := newRows(t, d)
			if err := r2.Restore(offsets); err != nil {
				t.Fatal(err)
			}
			write(t, r2, stop, 7)
			if err := errors.Join(r2.Close(), r.Close(), os.Remove(d.Path("mine-2.csv"))); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"failed.csv", "failed-2.csv", "failed-3.csv", "failed.jsonl"} {
				want, err := os.ReadFile(whole.Path(name))
				if err != nil {
					t.Fatal(err)
				}
				got, err := os.ReadFile(d.Path(name))
				if err != nil || !bytes.Equal(want, got) {
					t.Errorf("stopped at %d, %d on: %s (%v):\n%s\nwant\n%s", stop, on, name, err, got, want)
				}
			}
		}
	}
}

// TestRestoreWithoutABatch: a try that does not come to write anything leaves the files as the one before left them.
func TestRestoreWithoutABatch(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	r := newRows(t, d)
	batch := csvBatch(2, []string{"a"}, []string{"1"})
	for _, s := range []Status{Succeeded, Failed} {
		if err := r.Batch(batch, "f", 1, always(Outcome{Status: s})); err != nil {
			t.Fatal(err)
		}
	}
	offsets, err := r.Commit()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Status{Succeeded, Unknown} {
		if err := r.Batch(batch, "f", 1, always(Outcome{Status: s})); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	files := func() map[string]string {
		found := make(map[string]string)
		for _, name := range []string{"succeeded.csv", "failed.csv", "unknown.csv"} {
			if text, err := os.ReadFile(d.Path(name)); err == nil {
				found[name] = string(text)
			}
		}
		return found
	}
	before := files()
	again := newRows(t, d)
	if err := again.Restore(offsets); err != nil {
		t.Fatal(err)
	}
	if _, err := again.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, files()); d != "" || len(before) != 3 {
		t.Errorf("%d files before (-want +got):\n%s", len(before), d)
	}
	last := newRows(t, d)
	if err := last.Restore(offsets); err != nil {
		t.Fatal(err)
	}
	if err := last.Batch(batch, "f", 1, always(Outcome{Status: Skipped})); err != nil {
		t.Fatal(err)
	}
	if err := last.Close(); err != nil {
		t.Fatal(err)
	}
	if now := files(); len(now) != 2 || strings.Count(now["succeeded.csv"], "\n") != 2 {
		t.Errorf("with a batch they are not cut back: %q", now)
	}
}

func TestParseName(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"failed.csv": "failed 1 true", "failed-2.csv": "failed 2 true", "unknown-17.csv": "unknown 17 true",
		"succeeded.jsonl": "succeeded 1 false", "skipped.csv": "skipped 1 true",
		"failed-1.csv": "", "failed-02.csv": "", "failed-0.csv": "", "failed--2.csv": "", "failed-x.csv": "", "failed-2.jsonl": "",
		"errors.csv": "", "log.jsonl": "", "mine-2.csv": "", "failed.csv.gz": "", "failed": "", ".csv": "", "-2.csv": "", "Failed.csv": "",
	}
	for name, want := range tests {
		got := ""
		if s, n, csv, ok := parseName(name); ok {
			got = fmt.Sprintf("%v %d %v", s, n, csv)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, text, offsets, want string }{
		{"a file is gone", "", "", `{"failed.csv":5}`, "failed.csv"},
		{"a file is short", "failed.csv", "a,sfs", `{"failed.csv":50}`, "5 bytes"},
		{"another header", "failed.csv", "a,b\n1,2\n", `{"failed.csv":8}`, "header"},
		{"no header", "failed.csv", "a\"\n", `{"failed.csv":3}`, "EOF"},
		{"no offsets", "", "", `[]`, "row files"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDir(t)
			if tt.file != "" {
				if err := os.WriteFile(d.Path(tt.file), []byte(tt.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := newRows(t, d).Restore(json.RawMessage(tt.offsets))
			if !errors.Is(err, ErrReport) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestRowsRefuseLeftovers: a writer that was not restored does not append to what is there.
func TestRowsRefuseLeftovers(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	if err := os.WriteFile(d.Path("failed.csv"), []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRows(t, d)
	if err := r.Batch(csvBatch(2, []string{"a"}, []string{"1"}), "f", 1, always(Outcome{Status: Failed})); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Commit(); !errors.Is(err, ErrReport) || !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
}

// TestManyHeaders has more files than may be open at once.
func TestManyHeaders(t *testing.T) {
	t.Parallel()
	const n = 3 * maxOpen
	d := newDir(t)
	r := newRows(t, d)
	for round := range 3 {
		for i := range n {
			b := csvBatch(2, []string{fmt.Sprint("column", i)}, []string{fmt.Sprint(round)})
			if err := r.Batch(b, "f", 1, always(Outcome{Status: Failed})); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.Commit(); err != nil {
			t.Fatal(err)
		}
		if r.open > maxOpen {
			t.Fatalf("%d files are open", r.open)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		text, err := os.ReadFile(d.Path(csvName(Failed, i+1)))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(string(text), "\n"); got != 4 {
			t.Fatalf("file %d has %d lines:\n%s", i+1, got, text)
		}
	}
}

// TestDiskFull: an error of the disk comes back, with its cause.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("needs /dev/full")
	}
	d := newDir(t)
	r := newRows(t, d)
	if err := r.Batch(csvBatch(2, []string{"a"}, []string{"1"}), "f", 1, always(Outcome{Status: Failed})); err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	r.files[0].f, r.open = full, 1
	if _, err := r.Commit(); !errors.Is(err, ErrReport) || !strings.Contains(err.Error(), "write failed.csv") {
		t.Errorf("got %v", err)
	}
}
