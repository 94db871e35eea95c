package source

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sfsync/pipeline/source/inputerr"
)

// MaxFiles is the most files the patterns of a run may match together.
const MaxFiles = 100_000

// Input is one file to read, standard input, or what a server sends.
type Input struct {
	// Path is the file as it is reported to users: the path as given, or below the
	// directory or pattern that was given; "-" for standard input; a URL without what is secret
	// in it, and with #2 behind it if it is the second to look like that.
	Path string
	// Format is auto, csv, jsonl or parquet; "" means auto.
	Format string
	// Once marks what can be read only once: standard input, what a server sends.
	Once bool
	// Reader, where set, is read in place of the file at Path. It is not closed.
	Reader io.Reader
}

// Expand turns paths, patterns (with * ? [a-z] and ** for any number of directories),
// directories (their data files, at any depth) and "-" into inputs in lexical order of
// their paths, each file once. Patterns and directories pass over names that begin with
// a dot; ** and directories also over run directories below them, whose rows have been sent
// before. A file whose name looks like a pattern is taken by its name.
//
// The error is an [*Error] that names the pattern: ErrNotFound if it matches nothing,
// ErrUnsupported for a URL (those that the caller reads do not come here), ErrOption for "-" without a
// format (stdin may be nil where "-" is not allowed), ErrUnreadable for a directory that cannot be listed.
func Expand(patterns []string, format string, stdin io.Reader) ([]Input, error) {
	if err := checkFormat(format); err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	var out []Input
	for _, p := range patterns {
		if p == "-" {
			in, err := stdinInput(format, stdin)
			if err != nil {
				return nil, err
			}
			if !seen["-"] {
				seen["-"] = true
				out = append(out, in)
			}
			continue
		}
		paths, err := expandOne(p)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			key, err := filepath.Abs(path)
			if err != nil {
				key = filepath.Clean(path)
			}
			if seen[key] {
				continue
			}
			seen[key] = true
			out = append(out, Input{Path: path, Format: format})
		}
		if len(out) > MaxFiles {
			return nil, inputerr.BadOption(p, "more than %d files in all: name fewer", MaxFiles)
		}
	}
	slices.SortStableFunc(out, func(a, b Input) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}

func stdinInput(format string, stdin io.Reader) (Input, error) {
	if format == "" || format == "auto" {
		return Input{}, inputerr.BadOption("-", "standard input has no name to tell its format by: add --format csv, jsonl or parquet")
	}
	if stdin == nil {
		return Input{}, inputerr.BadOption("-", "standard input cannot be read here: name a file")
	}
	return Input{Path: "-", Format: format, Once: true, Reader: stdin}, nil
}

func checkFormat(format string) error {
	switch format {
	case "", "auto", "csv", "jsonl", "parquet":
		return nil
	}
	return inputerr.BadOption("format "+format, "unknown format: use auto, csv, jsonl or parquet")
}

// expandOne returns the files of one path or pattern, at least one.
func expandOne(p string) ([]string, error) {
	if p == "" {
		return nil, &Error{Path: `""`, Class: ErrNotFound, Message: "an empty path names no file"}
	}
	if scheme, _, ok := strings.Cut(p, "://"); ok && isScheme(scheme) { // what follows may hold a password
		return nil, &Error{Path: scheme + "://…", Class: ErrUnsupported, Message: "only http and https URLs are read: download the file and name it"}
	}
	info, err := os.Stat(p)
	switch {
	case err == nil && info.IsDir():
		return walkDir(p)
	case err == nil:
		return []string{p}, nil
	case !errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(p, globChars):
		if errors.Is(err, fs.ErrPermission) {
			return nil, &Error{Path: p, Class: ErrUnreadable, Message: "cannot be read", Err: inputerr.Cause(err)}
		}
		return nil, &Error{Path: p, Class: ErrNotFound, Message: "no such file", Err: inputerr.Cause(err)}
	case strings.ContainsAny(p, globChars):
		return glob(p)
	}
	return nil, &Error{Path: p, Class: ErrNotFound, Message: "no such file or directory"}
}

func isScheme(s string) bool {
	for _, c := range []byte(s) {
		if !(c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '.' || c == '-') {
			return false
		}
	}
	return s != ""
}

// walkDir lists the data files below a directory.
func walkDir(dir string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return &Error{Path: path, Class: ErrUnreadable, Message: "cannot be listed", Err: inputerr.Cause(err)}
		case path != dir && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case path != dir && d.IsDir() && isRun(path):
			return filepath.SkipDir
		case d.IsDir() || formatOf(path) == "" || !isFile(path, d):
			return nil
		case len(out) == MaxFiles:
			return inputerr.BadOption(dir, "more than %d files: name fewer", MaxFiles)
		}
		out = append(out, path)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, &Error{Path: dir, Class: ErrNotFound, Message: "no data files in this directory (" + strings.Join(dataExts[:], " ") + ", plain, .gz or .zst)"}
	}
	return out, nil
}

// isRun reports whether a directory is that of a run: by its name, which begins with a time in UTC, and by what every
// run has in it.
func isRun(dir string) bool {
	const timeForm = "20060102T150405Z"
	name := filepath.Base(dir)
	if len(name) <= len(timeForm) || name[len(timeForm)] != '-' {
		return false
	}
	if _, err := time.Parse(timeForm, name[:len(timeForm)]); err != nil {
		return false
	}
	for _, file := range [...]string{"mapping.yaml", "log.jsonl"} {
		if _, err := os.Lstat(filepath.Join(dir, file)); err == nil {
			return true
		}
	}
	return false
}

// isFile reports whether an entry is a regular file or a link to one. A pipe or device is read
// only if it is named itself.
func isFile(path string, d fs.DirEntry) bool {
	if d.Type()&fs.ModeSymlink == 0 {
		return d.Type().IsRegular()
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// dataExts are the extensions by which the files of a directory are chosen.
//
//nolint:gochecknoglobals // a table that never changes
var dataExts = [...]string{".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet"}

// formatOf tells the format by the name: csv, jsonl, parquet, auto for one that needs a
// look inside, or "" for no data file.
func formatOf(path string) string {
	name := strings.ToLower(filepath.Base(unnumbered(path)))
	for _, z := range [...]string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, z)
	}
	switch filepath.Ext(name) {
	case ".csv", ".tsv":
		return "csv"
	case ".jsonl", ".ndjson", ".json":
		return "jsonl"
	case ".parquet":
		return "parquet"
	case ".txt":
		return "auto"
	}
	return ""
}

// unnumbered returns a path without the number that tells URLs apart: a fragment, which they have not.
func unnumbered(path string) string {
	if strings.Contains(path, "://") {
		path, _, _ = strings.Cut(path, "#")
	}
	return path
}

// isTSV reports whether the name promises tabs.
func isTSV(path string) bool {
	name := strings.ToLower(unnumbered(path))
	for _, z := range [...]string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, z)
	}
	return strings.HasSuffix(name, ".tsv")
}
