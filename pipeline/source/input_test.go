package source_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline/source"
	"sfsync/pipeline/source/sourcetest"
)

// tree makes files below a new directory and returns it.
func tree(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("a,b\n1,2\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestExpand(t *testing.T) {
	t.Chdir(tree(t, "b.csv", "a.csv", "in/1.csv", "in/2.jsonl.gz", "in/deep/er/3.tsv", "in/deep/4.csv", "in/notes.md", "in/.hidden.csv",
		"in/.git/5.csv", "we[i]rd.csv", "other/6.parquet", "other/7.txt.zst"))
	if err := os.Symlink(filepath.Join("..", "a.csv"), filepath.Join("other", "link.csv")); err != nil {
		t.Log(err) // not everywhere
	}
	tests := []struct {
		patterns, want string
	}{
		{"b.csv a.csv", "a.csv b.csv"},
		{"a.csv ./a.csv a.csv", "a.csv"},
		{"*.csv", "a.csv b.csv we[i]rd.csv"},
		{"we[i]rd.csv", "we[i]rd.csv"},
		{"[ab].csv in/?.csv", "a.csv b.csv in/1.csv"},
		{"in", "in/1.csv in/2.jsonl.gz in/deep/4.csv in/deep/er/3.tsv"},
		{"in/", "in/1.csv in/2.jsonl.gz in/deep/4.csv in/deep/er/3.tsv"},
		{"in/**", "in/1.csv in/2.jsonl.gz in/deep/4.csv in/deep/er/3.tsv in/notes.md"},
		{"**/*.csv", "a.csv b.csv in/1.csv in/deep/4.csv other/link.csv we[i]rd.csv"},
		{"in/**/*.csv", "in/1.csv in/deep/4.csv"},
		{"in/**/er/*", "in/deep/er/3.tsv"},
		{"**/er/3.tsv", "in/deep/er/3.tsv"},
		{"**/**/deep/**/*.tsv", "in/deep/er/3.tsv"},
		{"i*/1.csv", "in/1.csv"},
		{"in/.*.csv", "in/.hidden.csv"},
		{"in/*", "in/1.csv in/2.jsonl.gz in/notes.md"},
		{"other", "other/6.parquet other/7.txt.zst other/link.csv"},
		{"in/notes.md", "in/notes.md"},
	}
	for _, tt := range tests {
		ins, err := source.Expand(strings.Fields(tt.patterns), "auto", nil)
		if err != nil {
			t.Errorf("%s: %v", tt.patterns, err)
			continue
		}
		var paths []string
		for _, in := range ins {
			paths = append(paths, filepath.ToSlash(in.Path))
		}
		if got := strings.Join(paths, " "); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.patterns, got, tt.want)
		}
	}
	if ins, err := source.Expand(nil, "", nil); err != nil || len(ins) != 0 {
		t.Error(ins, err)
	}
	abs, _ := filepath.Abs("in/*.csv")
	if ins, err := source.Expand([]string{abs}, "csv", nil); err != nil || len(ins) != 1 || !filepath.IsAbs(ins[0].Path) || ins[0].Format != "csv" {
		t.Error(ins, err)
	}
}

// TestExpandPassesOverRuns: the rows of earlier runs are no input of a later one because they lie below the same
// directory: they would come last and take the org back to what it was. Who names them means them.
func TestExpandPassesOverRuns(t *testing.T) {
	const run, like = "sfsync-runs/20261121T021500Z-leads-4f2a1c/", "20261121T021500Z-export/"
	t.Chdir(tree(t, "a.csv", run+"succeeded.csv", run+"failed.csv", run+"mapping.yaml", run+"log.jsonl", like+"b.csv"))
	for _, tt := range []struct{ pattern, want string }{
		{".", like + "b.csv a.csv"},
		{"**/*.csv", like + "b.csv a.csv"},
		{"**/*/*.csv", like + "b.csv"},
		{"sfsync-runs/*/failed.csv", run + "failed.csv"},
		{run + "failed.csv", run + "failed.csv"},
		{run + "*.csv", run + "failed.csv " + run + "succeeded.csv"},
	} {
		inputs, err := source.Expand([]string{tt.pattern}, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		for _, in := range inputs {
			paths = append(paths, filepath.ToSlash(in.Path))
		}
		if got := strings.Join(paths, " "); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.pattern, got, tt.want)
		}
	}
}

func TestExpandErrors(t *testing.T) {
	t.Chdir(tree(t, "a.csv", "docs/readme.md"))
	stdin := strings.NewReader("")
	tests := []struct {
		pattern, format string
		want            error
		text            string
	}{
		{"b.csv", "", source.ErrNotFound, "b.csv: no such file"},
		{"x/y/b.csv", "", source.ErrNotFound, "x/y/b.csv"},
		{"a.csv/b.csv", "", source.ErrNotFound, "a.csv/b.csv"},
		{"*.tsv", "", source.ErrNotFound, "*.tsv: no file matches"},
		{"a.csv/*", "", source.ErrNotFound, "a.csv/*"},
		{"x/**/*.csv", "", source.ErrNotFound, "x/**/*.csv"},
		{"b[.csv", "", source.ErrNotFound, "no valid pattern"},
		{"docs", "", source.ErrNotFound, "docs: no data files"},
		{"", "", source.ErrNotFound, "empty path"},
		{"s3://bucket/a.csv", "", source.ErrUnsupported, "only http and https"},
		{"sftp://me:secret@host/a.csv", "", source.ErrUnsupported, "sftp://…: only http and https"},
		{"a.csv", "xml", source.ErrOption, "use auto, csv, jsonl or parquet"},
		{"-", "", source.ErrOption, "--format"},
		{"-", "auto", source.ErrOption, "--format"},
	}
	for _, tt := range tests {
		_, err := source.Expand([]string{tt.pattern}, tt.format, stdin)
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q %q: %v, want %v with %q", tt.pattern, tt.format, err, tt.want, tt.text)
		}
	}
	if _, err := source.Expand([]string{"-"}, "csv", nil); !errors.Is(err, source.ErrOption) {
		t.Error(err)
	}
}

func TestStdin(t *testing.T) {
	t.Parallel()
	ins, err := source.Expand([]string{"-", "-"}, "csv", strings.NewReader("a,b\n1,2\n"))
	if err != nil || len(ins) != 1 || !ins[0].Once || ins[0].Path != "-" {
		t.Fatal(ins, err)
	}
	r, err := source.Open(context.Background(), ins[0], source.Options{Format: "jsonl"}) // the input's format wins
	if err != nil {
		t.Fatal(err)
	}
	defer sourcetest.Close(t, r)
	if c, err := sourcetest.ReadAll(t, r); err != nil || len(c.Rows) != 1 {
		t.Error(c, err)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tests := []struct {
		name, content string
		opt           source.Options
		want          error
		text          string
	}{
		{"gone.csv", "-", source.Options{}, source.ErrNotFound, "no such file"},
		{"x.parquet", "PAR1\x15\x00\x15\x00PAR1", source.Options{}, source.ErrMalformed, "is no sound Parquet file"},
		{"x.csv", "PAR1\x15\x00\x15\x00....", source.Options{}, source.ErrMalformed, "it does not end with PAR1"},
		{"x2.csv", "PAR1\x15\x00\x15\x00....", source.Options{Format: "csv"}, source.ErrMalformed, "set the format to parquet"},
		{"y.parquet", "a,b\n", source.Options{}, source.ErrMalformed, "is named like a Parquet file and is none"},
		{"y.parquet.gz", string(gz(t, []byte("PAR1\x15\x00\x15\x00PAR1"))), source.Options{}, source.ErrMalformed, "packed with gzip"},
		{"empty.parquet", "", source.Options{}, source.ErrMalformed, "is empty"},
		{"x.xlsx", "PK\x03\x04....", source.Options{}, source.ErrMalformed, "save it as CSV"},
		{"x.xls.csv", "\xD0\xCF\x11\xE0\xA1\xB1", source.Options{}, source.ErrMalformed, "Excel"},
		{"x.pdf", "%PDF-1.7", source.Options{}, source.ErrMalformed, "PDF"},
		{"x.bz2", "BZh91AY&SY\x00\x01", source.Options{}, source.ErrMalformed, "bzip2"},
		{"x.tar", "a.csv" + strings.Repeat("\x00", 252) + "ustar\x00", source.Options{}, source.ErrMalformed, "tar archive"},
		{"x.html.csv", "\n<!DOCTYPE html><html>", source.Options{}, source.ErrMalformed, "web page"},
		{"x.jsonl.csv", "{\"a\":1}\n{\"a\":2}\n", source.Options{}, source.ErrMalformed, "JSON Lines"},
		{"twice.gz", string(gz(t, gz(t, []byte("a,b\n")))), source.Options{}, source.ErrMalformed, "compressed twice"},
		{"bad.gz", "\x1F\x8B\x07" + strings.Repeat("rest", 20), source.Options{}, source.ErrMalformed, "gzip stream is damaged"},
		{"cut.gz", "\x1F\x8B\x08", source.Options{}, source.ErrMalformed, "cut off"},
		{"bad.zst", "\x28\xB5\x2F\xFDrubbish", source.Options{}, source.ErrMalformed, "zstd stream"},
		{"nul.csv", "a\x00,\x00b\x00\n\x001\x00", source.Options{}, source.ErrMalformed, "utf-16le"},
		{"quote.csv", "a,\"b\n1,2\n", source.Options{}, source.ErrMalformed, ":1: the header has a quote"},
		{"latin.csv", "a,caf\xE9\n1,2\n", source.Options{}, source.ErrMalformed, "windows-1252"},
		{"long.csv", strings.Repeat("a", 100) + "\n", source.Options{MaxLine: 50}, source.ErrMalformed, "longer than 50 bytes"},
		{"wide.csv", strings.Repeat(",", 10_000) + "\n", source.Options{}, source.ErrMalformed, "10001 columns"},
		{"enc.csv", "a\n", source.Options{Encoding: "windows-1225"}, source.ErrOption, "did you mean windows-125"},
		{"enc2.csv", "a\n", source.Options{Encoding: "iso-2022-kr"}, source.ErrOption, "no such encoding"},
		{"delim.csv", "a\n", source.Options{Delimiter: "::"}, source.ErrOption, "one ASCII character"},
		{"delim2.csv", "a\n", source.Options{Delimiter: "\""}, source.ErrOption, "one ASCII character"},
		{"delim3.csv", "a\n", source.Options{Delimiter: "\n"}, source.ErrOption, "one ASCII character"},
		{"format.csv", "a\n", source.Options{Format: "xlsx"}, source.ErrOption, "unknown format"},
		{"format2.csv", "a\n", source.Options{Format: "parquet"}, source.ErrMalformed, "should be Parquet"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(dir, tt.name)
			if tt.content != "-" {
				if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r, err := source.Open(context.Background(), source.Input{Path: path}, tt.opt)
			if err == nil {
				defer sourcetest.Close(t, r)
				_, err = sourcetest.ReadAll(t, r)
			}
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want %v with %q", err, tt.want, tt.text)
			}
			if tt.want != source.ErrOption && !strings.HasPrefix(err.Error(), path) && tt.name != "format2.csv" {
				t.Errorf("%v does not name the path", err)
			}
		})
	}
	if _, err := source.Open(context.Background(), source.Input{Path: dir}, source.Options{}); !errors.Is(err, source.ErrUnreadable) || !strings.Contains(err.Error(), "directory") {
		t.Error(err)
	}
	if _, err := source.Open(context.Background(), source.Input{Path: "-", Once: true}, source.Options{Format: "csv"}); !errors.Is(err, source.ErrOption) {
		t.Error(err)
	}
}

// TestPlainLetters: words that begin like a binary format are text.
func TestPlainLetters(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"ORC,b\n1,2\n", "BZh,b\n1,2\n"} {
		if c, err := sourcetest.ReadBytes(t, "x.csv", []byte(in), source.Options{}); err != nil || len(c.Rows) != 1 {
			t.Errorf("%q: %v", in, err)
		}
	}
}

// TestGzipMembers: several gzip streams in one file are one file, as gzip -d has it.
func TestGzipMembers(t *testing.T) {
	t.Parallel()
	c, err := sourcetest.ReadBytes(t, "x.csv.gz", gz(t, []byte("a,b\n1,2\n"), []byte("3,4\n")), source.Options{})
	if diff := cmp.Diff("a|b\n2: 1|2\n3: 3|4\n", c.String()); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// TestUnreadable: a file that may not be read, and one in a directory that may not be entered.
func TestUnreadable(t *testing.T) {
	dir := tree(t, "a.csv", "in/b.csv")
	locked := filepath.Join(dir, "in")
	for path, mode := range map[string]os.FileMode{filepath.Join(dir, "a.csv"): 0, locked: 0} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := os.Chmod(locked, 0o700); err != nil { //nolint:gosec // so that it can be removed
			t.Error(err)
		}
	})
	if f, err := os.Open(filepath.Join(dir, "a.csv")); err == nil {
		f.Close()
		t.Skip("this user may read everything")
	}
	_, err := source.Open(t.Context(), source.Input{Path: filepath.Join(dir, "a.csv")}, source.Options{})
	if !errors.Is(err, source.ErrUnreadable) || !strings.Contains(err.Error(), "a.csv: cannot be opened: permission denied") {
		t.Errorf("a file: %v", err)
	}
	for _, pattern := range []string{filepath.Join(locked, "b.csv"), locked, dir} {
		if _, err := source.Expand([]string{pattern}, "", nil); !errors.Is(err, source.ErrUnreadable) || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}
