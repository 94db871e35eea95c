package source

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sfsync/pipeline/source/inputerr"
)

// globChars are the characters that make a path a pattern.
const globChars = "*?["

// glob returns the files that match a pattern, at least one. In a pattern each part
// between separators is matched by [filepath.Match]; the part ** stands for any number of
// directories, none included.
func glob(pattern string) ([]string, error) {
	parts := strings.Split(filepath.ToSlash(pattern), "/")
	first := 0
	for first < len(parts) && !strings.ContainsAny(parts[first], globChars) {
		first++
	}
	for _, p := range parts[first:] {
		if _, err := filepath.Match(p, ""); err != nil {
			return nil, &Error{Path: pattern, Class: ErrNotFound, Message: "no such file, and it is no valid pattern (a bracket is not closed)"}
		}
	}
	root := strings.Join(parts[:first], "/")
	if first > 0 && root == "" {
		root = "/"
	}
	g := globber{pattern: pattern, deep: slices.Contains(parts, "**")}
	if err := g.walk(filepath.FromSlash(root), parts[first:]); err != nil {
		return nil, err
	}
	if len(g.out) == 0 {
		return nil, &Error{Path: pattern, Class: ErrNotFound, Message: "no file matches this pattern"}
	}
	return g.out, nil
}

type globber struct {
	pattern string
	deep    bool // has a **, which passes over run directories
	out     []string
	steps   int
}

// maxGlobSteps bounds the directory entries one pattern may visit, so that "/**" on the
// wrong machine ends.
const maxGlobSteps = 10_000_000

// walk adds the files below dir that match parts.
func (g *globber) walk(dir string, parts []string) error {
	for len(parts) > 1 && parts[0] == "**" && parts[1] == "**" {
		parts = parts[1:]
	}
	part, rest := parts[0], parts[1:]
	if part == "**" && len(rest) == 0 {
		rest = []string{"*"} // a final ** is every file below
	}
	if part == "**" {
		if err := g.walk(dir, rest); err != nil { // ** standing for no directory
			return err
		}
	}
	if part != "**" && !strings.ContainsAny(part, globChars) {
		return g.visit(join(dir, part), rest, nil)
	}
	read := dir
	if read == "" {
		read = "."
	}
	if info, err := os.Stat(read); err != nil || !info.IsDir() {
		return nil //nolint:nilerr // what is no directory holds no match
	}
	entries, err := os.ReadDir(read)
	if err != nil {
		return &Error{Path: g.pattern, Class: ErrUnreadable, Message: "cannot list " + read, Err: inputerr.Cause(err)}
	}
	for _, e := range entries {
		if g.steps++; g.steps > maxGlobSteps {
			return inputerr.BadOption(g.pattern, "the pattern visits more than %d files: begin it further down", maxGlobSteps)
		}
		name := e.Name()
		if strings.HasPrefix(name, ".") && !strings.HasPrefix(part, ".") {
			continue
		}
		if g.deep && e.IsDir() && isRun(join(dir, name)) {
			continue
		}
		if part == "**" {
			// Links to directories are not followed under **: they may lead in circles.
			if e.IsDir() {
				if err := g.walk(join(dir, name), parts); err != nil {
					return err
				}
			}
			continue
		}
		if ok, _ := filepath.Match(part, name); !ok {
			continue
		}
		if err := g.visit(join(dir, name), rest, e); err != nil {
			return err
		}
	}
	return nil
}

// visit goes on at a path that matched so far. The entry is nil where the path was named
// without a wildcard and may not exist.
func (g *globber) visit(path string, rest []string, e fs.DirEntry) error {
	if len(rest) > 0 && !(len(rest) == 1 && rest[0] == "") {
		if e != nil && !e.IsDir() && e.Type()&fs.ModeSymlink == 0 {
			return nil
		}
		return g.walk(path, rest)
	}
	if e == nil {
		info, err := os.Stat(path)
		if err != nil {
			return nil //nolint:nilerr // a path that is not there does not match
		}
		e = fs.FileInfoToDirEntry(info)
	}
	if len(rest) > 0 || !isFile(path, e) {
		return nil
	}
	if len(g.out) == MaxFiles {
		return inputerr.BadOption(g.pattern, "the pattern matches more than %d files", MaxFiles)
	}
	g.out = append(g.out, path)
	return nil
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	if dir == "/" {
		return dir + name
	}
	return dir + string(filepath.Separator) + name
}
