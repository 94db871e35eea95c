package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/propose"
	"sfsync/mapping/schema"
	"sfsync/mapping/spec"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

// schemaFile is the JSON Schema of mapping files that init puts beside the mapping for editors.
const schemaFile = "sfsync.schema.json"

type initOptions struct {
	*app
	Files   []string
	Format  string
	Objects []string
	Schema  string
	Out     string
	Force   bool
	Rows    int64
}

func newInit(a *app, runF func(context.Context, *initOptions) error) *cobra.Command {
	o := &initOptions{app: a}
	if runF == nil {
		runF = initRun
	}
	cmd := &cobra.Command{
		Use:   "init FILE...",
		Short: "Propose a mapping from a file's columns and an object's fields",
		Long: `Read the columns and the first rows of files and propose a mapping: columns are matched with the
fields of --object by API name, label and usual other words, and values decide about transforms
(dates, numbers, truth values). What is a guess has a comment. The mapping passes sfsync check as it
is, unless an object needs a reference that no column gives; look at the comments before a run.

Without --out the mapping goes to stdout. With it, sfsync.schema.json is put beside the mapping, by
which editors complete and check it.

` + exit.Help(exit.OK, exit.Usage, exit.BadInput, exit.InputNotFound, exit.CannotWrite, exit.BadConfig),
		Example: `  sfsync init samples/leads/leads-2026-11-01.csv --object Lead
  sfsync init in/people.csv --object Account,Contact --schema crm.schema.yaml --out people.yaml`,
		Args: atLeast("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Files = args
			if len(o.Objects) == 0 {
				return exit.Usagef("--object is missing: name what the rows become, such as Lead")
			}
			if o.Rows < 1 {
				return exit.Usagef("--rows is a number of rows from 1, not %d", o.Rows)
			}
			if err := checkFormat(o.Format); err != nil {
				return err
			}
			return runF(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.StringSliceVar(&o.Objects, "object", nil, "the `object` that rows become records of; several for several targets")
	fs.StringVar(&o.Schema, "schema", "", "fields from this overlay or snapshot `path`; named in the mapping")
	fs.StringVar(&o.Out, "out", "", "write the mapping to this `file`")
	fs.BoolVar(&o.Force, "force", false, "replace the file of --out")
	fs.Int64Var(&o.Rows, "rows", 1000, "look at the first `N` rows of each file")
	addFormat(fs, &o.Format)
	addNotYet(fs, nil, []string{"preset"})
	return cmd
}

func initRun(ctx context.Context, o *initOptions) error {
	s := schema.Standard()
	if o.Schema != "" {
		var err error
		if s, err = o.loadSchema(o.Schema); err != nil {
			return err
		}
	}
	objects, err := o.objects(s)
	if err != nil {
		return err
	}
	inputs, err := o.expand(o.Files, o.Format)
	if err != nil {
		return err
	}
	var seen propose.Profile
	for _, in := range inputs {
		if err := o.look(ctx, in, &seen); err != nil {
			return err
		}
	}
	file := &propose.File{Name: mappingName(o.Files[0]), SchemaURL: schemaFile}
	for _, obj := range objects {
		t, err := seen.For(obj, s)
		if err != nil {
			return err
		}
		if !t.Sends() {
			return exit.Errorf(exit.BadConfig, "no column of %s fits a field of %s: write the mapping by hand, or choose another --object",
				strings.Join(o.Files, ", "), obj.Name)
		}
		file.Targets = append(file.Targets, t)
	}
	if err := o.places(file); err != nil {
		return err
	}
	text := file.YAML()
	found, err := o.verify(text, s)
	if err != nil {
		return err
	}
	if err := o.write(text); err != nil {
		return err
	}
	o.con.Diagnostics(found)
	used := 0
	for _, t := range file.Targets {
		used += len(t.Rules)
	}
	o.con.Infof("%s from %s of %s; look at what has a comment", ui.Plural(int64(used), "rule", "rules"), ui.Rows(int64(seen.Rows)), strings.Join(o.Files, ", "))
	return nil
}

func (o *initOptions) objects(s *schema.Schema) ([]*schema.Object, error) {
	out := make([]*schema.Object, len(o.Objects))
	for i, name := range o.Objects {
		if out[i] = s.Object(strings.TrimSpace(name)); out[i] == nil || len(out[i].Fields) == 0 {
			hint := diag.DidYouMean(name, s.Names())
			if hint == "" {
				hint = "describe it in a file for --schema"
			}
			return nil, exit.Errorf(exit.BadConfig, "unknown object %q in %s: %s", name, s.Source, hint)
		}
	}
	return out, nil
}

// look reads the first rows of a file.
func (o *initOptions) look(ctx context.Context, in source.Input, seen *propose.Profile) (err error) {
	var pool row.Pool
	r, err := source.Open(ctx, in, source.Options{Format: o.Format, All: true, Pool: &pool})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for n := int64(0); n < o.Rows; {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		n += int64(b.Len())
		seen.Add(b)
		b.Free()
	}
	return nil
}

// places sets the paths in the mapping, which are relative to the mapping file.
func (o *initOptions) places(file *propose.File) error {
	rel := func(path string) (string, error) {
		if o.Out == "" || filepath.IsAbs(path) || path == "-" {
			return filepath.ToSlash(path), nil
		}
		base, err := filepath.Abs(filepath.Dir(o.Out))
		if err != nil {
			return "", err
		}
		whole, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		out, err := filepath.Rel(base, whole)
		return filepath.ToSlash(out), err
	}
	if o.Format != "auto" {
		file.Format = o.Format
	}
	var err error
	for _, path := range o.Files {
		if path == "-" {
			continue
		}
		if path, err = rel(path); err != nil {
			return fmt.Errorf("find the working directory: %w", err)
		}
		file.Files = append(file.Files, path)
	}
	if o.Schema != "" {
		file.Schema, err = rel(o.Schema)
	}
	return err
}

// verify compiles what is proposed, so that no mapping comes out that check would refuse for
// its form. Its diagnostics are for the user, as those of check would be.
func (o *initOptions) verify(text []byte, s *schema.Schema) ([]diag.Diagnostic, error) {
	name := o.Out
	if name == "" {
		name = "mapping.yaml"
	}
	f, _, err := mapping.Parse(name, text)
	if err != nil {
		return nil, fmt.Errorf("the proposed mapping is wrong: %w", err)
	}
	_, found, err := mapping.Compile(f, s)
	if list, ok := diag.As(err); ok { // a reference that no column gives: said, and left to the user
		return list, nil
	}
	return found, err
}

func (o *initOptions) write(text []byte) error {
	if o.Out == "" {
		o.answered = true
		_, err := o.con.Out().Write(text)
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if o.Force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(o.Out, flags, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return exit.Errorf(exit.CannotWrite, "%s exists: choose another --out, or say --force", o.Out)
	}
	if err == nil {
		_, err = f.Write(text)
		err = errors.Join(err, f.Close())
	}
	if err == nil {
		err = writeIfOther(filepath.Join(filepath.Dir(o.Out), schemaFile), spec.JSONSchema())
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
