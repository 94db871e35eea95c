package report

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestModes checks that nobody else can read what is written, and that nothing comes into
// being without need.
func TestModes(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "runs", "deep")
	d, err := Create(root, "nightly leads/ü", testNow, bytes.NewReader([]byte{1, 0xAB, 3}), func(d *Dir) error {
		return d.WriteFile(MappingFile, []byte("version: 1\n"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if d.Name() != "20261121T021500Z-nightly-leads-01ab03" {
		t.Errorf("name %s", d.Name())
	}
	r := newRows(t, d)
	log, err := d.OpenLog()
	if err != nil {
		t.Fatal(err)
	}
	log.Info("begin", "rows", 1)
	if err := errors.Join(log.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	var names []string
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
		names = append(names, e.Name())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"deep", ".gitignore", d.Name(), "log.jsonl", "mapping.yaml"}, names); d != "" {
		t.Error(d)
	}
}

// empty leaves a run directory as it is made.
func empty(*Dir) error { return nil }

func TestCreateTakesAnotherName(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	ids := bytes.NewReader([]byte{1, 1, 1, 1, 1, 1, 2, 2, 2})
	a, err := Create(root, "m", testNow, ids, empty)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Create(root, "m", testNow, ids, empty)
	if err != nil {
		t.Fatal(err)
	}
	if a.Name() == b.Name() || !strings.HasSuffix(b.Name(), "-020202") {
		t.Errorf("%s and %s", a.Name(), b.Name())
	}
	if _, err := Create(root, "m", testNow, strings.NewReader("x"), empty); err == nil {
		t.Error("a directory without randomness")
	}
	file := filepath.Join(root, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(file, "m", testNow, strings.NewReader("xxx"), empty); !errors.Is(err, ErrReport) {
		t.Errorf("under a file: %v", err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	d, err := Create(root, "m", testNow, strings.NewReader("abc"), empty)
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range []string{d.Name(), d.Path(""), d.Path("") + string(filepath.Separator)} {
		got, err := Find(root, run)
		if err != nil || got.Name() != d.Name() {
			t.Errorf("%s: %v, %v", run, got, err)
		}
	}
	for _, run := range []string{"", "nope", filepath.Join("..", filepath.Base(root), d.Name(), "x"), ".gitignore"} {
		if _, err := Find(root, run); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", run, err)
		}
	}
	if _, err := OpenDir(filepath.Join(root, ".gitignore")); err == nil {
		t.Error("a file is a run directory")
	}
}

// A run that is called by where one is, or by a link, has its own name even then.
func TestFindByAnotherName(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	d, err := Create(root, "m", testNow, strings.NewReader("abc"), empty)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(d.Path(""))
	names := []string{"."}
	if link := filepath.Join(elsewhere, "latest"); os.Symlink(d.Path(""), link) == nil { // not everybody may, on Windows
		names = append(names, link)
	}
	for _, name := range names {
		got, err := Find(root, name)
		if err != nil || got.Name() != d.Name() || !filepath.IsAbs(got.Path("")) {
			t.Errorf("%s: found %v (%v), want %s", name, got, err, d.Name())
		}
	}
}
