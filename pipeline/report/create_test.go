package report

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCreateFills: a run's directory has its name only once it is whole.
func TestCreateFills(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "runs")
	d, err := Create(root, "m", testNow, bytes.NewReader([]byte{1, 2, 3}), func(d *Dir) error {
		if runs, err := Runs(root, "m"); err != nil || len(runs) > 0 {
			t.Errorf("while it is filled there are runs: %v, %v", runs, err)
		}
		return d.WriteFile("a", []byte("1"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.Path("a")); err != nil {
		t.Error(err)
	}
	wrong := errors.New("wrong")
	if _, err := Create(root, "m", testNow, bytes.NewReader([]byte{4, 5, 6}), func(*Dir) error { return wrong }); err != wrong {
		t.Errorf("error %v, want that of fill as it is", err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 { // and .gitignore
		t.Errorf("left behind: %v", entries)
	}
}

// TestSweep: what a killed process left goes after a day without a change.
func TestSweep(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	make := func(name string, age time.Duration, fileAge time.Duration) string {
		path := filepath.Join(root, name)
		file := filepath.Join(path, "stdin.csv")
		if err := errors.Join(os.Mkdir(path, 0o700), os.WriteFile(file, nil, 0o600),
			os.Chtimes(file, time.Time{}, testNow.Add(-fileAge)), os.Chtimes(path, time.Time{}, testNow.Add(-age))); err != nil {
			t.Fatal(err)
		}
		return path
	}
	old := make(tempPrefix+"20261119T021500Z-m-010203", 49*time.Hour, 48*time.Hour)
	kept := []string{
		make(tempPrefix+"20261121T021500Z-m-010203", time.Hour, time.Hour),
		make(tempPrefix+"20261119T021500Z-m-040506", 49*time.Hour, time.Minute), // still being filled
		make("20261119T021500Z-m-070809", 49*time.Hour, 49*time.Hour),
	}
	if _, err := Create(root, "m", testNow, bytes.NewReader([]byte{9, 9, 9}), empty); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", old, err)
	}
	for _, path := range kept {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// TestRuns lists the runs of one mapping, the latest first.
func TestRuns(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if runs, err := Runs(filepath.Join(root, "nowhere"), "m"); err != nil || len(runs) > 0 {
		t.Errorf("without a root: %v, %v", runs, err)
	}
	for _, name := range []string{
		"20261119T021500Z-a-b-010203", "20261121T021500Z-a-b-010203", "20261120T021500Z-a-b-010203",
		"20261121T021500Z-b-010203", "20261121T021500Z-a-b-c-010203", ".tmp-20261121T021500Z-a-b-010203", "a-b", "20261121T0-a-b-010203",
	} {
		if err := os.Mkdir(filepath.Join(root, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := Runs(root, "a b")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range runs {
		got = append(got, d.Name()[:8])
	}
	if strings.Join(got, " ") != "20261121 20261120 20261119" {
		t.Errorf("runs %v", got)
	}
}
