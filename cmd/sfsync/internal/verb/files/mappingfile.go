package files

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/fetch"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/mapping/spec"
)

// schemaFile is the JSON Schema of mapping files that stands beside a new mapping for editors.
const schemaFile = "sfsync.schema.json"

// newMapping is where a command that makes a mapping writes it.
type newMapping struct {
	*verb.App
	Out   string // "" for stdout
	Force bool
}

// completeFlag completes a flag with names.
func completeFlag(cmd *cobra.Command, flag string, names func() []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names(), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // there is no such flag, or another completes it already
	}
}

// standardObjects are the names of the objects that sfsync knows without a schema.
func standardObjects() []string { return schema.Standard().Names() }

// directory returns the directory that --out names, or "" if it names a file or nothing.
func directory(out string) string {
	if out == "" {
		return ""
	}
	info, err := os.Stat(out)
	if err == nil && info.IsDir() || strings.HasSuffix(out, "/") || strings.HasSuffix(out, string(filepath.Separator)) {
		return filepath.Clean(out)
	}
	return ""
}

// relative returns what a mapping at out names a path, which is relative to the working directory.
func relative(out, path string) (string, error) {
	if fetch.Is(path) {
		return path, nil
	}
	if out == "" || filepath.IsAbs(path) || path == "-" {
		return filepath.ToSlash(path), nil
	}
	base, err := filepath.Abs(filepath.Dir(out))
	if err != nil {
		return "", fmt.Errorf("find the working directory: %w", err)
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find the working directory: %w", err)
	}
	rel, err := filepath.Rel(base, whole)
	return filepath.ToSlash(rel), err
}

// verify compiles a mapping that was made, so that none comes out that the parser refuses. Its
// diagnostics are what check would say.
func (n *newMapping) verify(text []byte, s *schema.Schema) ([]diag.Diagnostic, error) {
	name := n.Out
	if name == "" {
		name = "mapping.yaml"
	}
	f, _, err := mapping.Parse(name, text)
	if err != nil {
		return nil, fmt.Errorf("the mapping that was made is wrong: %w", err)
	}
	_, found, err := mapping.Compile(f, s)
	if list, ok := diag.As(err); ok {
		return list, nil
	}
	return found, err
}

// write writes a mapping to stdout, or to its file with the JSON Schema for editors beside it.
func (n *newMapping) write(text []byte) error {
	if n.Out == "" {
		n.Answered = true
		_, err := n.Con.Out().Write(text)
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if n.Force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(n.Out, flags, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return exit.Errorf(exit.CannotWrite, "%s exists: choose another --out, or say --force", n.Out)
	}
	if err == nil {
		_, err = f.Write(text)
		err = errors.Join(err, f.Close())
	}
	if err == nil {
		err = writeIfOther(filepath.Join(filepath.Dir(n.Out), schemaFile), spec.JSONSchema())
	}
	if err != nil {
		return exit.Errorf(exit.CannotWrite, "--out: %w", err)
	}
	return nil
}

// writeIfOther writes a file unless it is that already.
func writeIfOther(path string, data []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	return os.WriteFile(path, data, 0o666)
}

// mappingName makes a mapping's name of a file's: what is in front of the first dot.
func mappingName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(filepath.ToSlash(path)), ".")
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, name)
	if name = strings.Trim(name, "-"); name == "" {
		return "mapping"
	}
	return name[:min(len(name), 60)]
}
