package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping/diag"
	"sfsync/mapping/importer"
	"sfsync/mapping/schema"
)

type importOptions struct {
	newMapping
	File   string
	Object string
	Match  string
	Schema string
	Only   []string
}

func newImport(a *verb.App, runF func(context.Context, *importOptions) error) *cobra.Command {
	o := &importOptions{newMapping: newMapping{App: a}}
	if runF == nil {
		runF = importRun
	}
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Turn a mapping of another tool into one of sfsync",
		Long: `Turn FILE into a mapping of sfsync. It is found by its content what FILE is:

  Data Loader   an .sdl file (with --object, since it names none), or a process-conf.xml with
                the .sdl files that it names
  SFDMU         an export.json, with ValueMapping.csv and FieldMapping.csv beside it
  CumulusCI     a mapping.yml of a dataset

What sfsync has nothing for stands as a comment at its place, and is listed on stderr with its
place in FILE. Passwords and tokens are dropped.

A file with several steps that read different inputs becomes one mapping for rows that join them.
To load each input by itself, name a step with --only, or write a mapping for each step into a
directory: --out DIR/.

` + exit.Help(exit.OK, exit.Usage, exit.BadInput, exit.InputNotFound, exit.CannotWrite, exit.BadConfig),
		Example: `  sfsync import leads.sdl --object Lead --match Marketing_Id__c --out leads.yaml
  sfsync import conf/process-conf.xml --only opportunityUpsert
  sfsync import sfdmu/export.json --out mappings/`,
		Args:              verb.ExactArgs("FILE"),
		ValidArgsFunction: verb.CompleteExt("sdl", "xml", "json", "yml", "yaml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = args[0]
			return runF(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.Object, "object", "", "the `object` of an .sdl file")
	fs.StringVar(&o.Match, "match", "", "upsert the records of an .sdl file by this `field`")
	fs.StringVar(&o.Schema, "schema", "", "take the objects' fields from this overlay or snapshot `path`, which the mapping then names")
	fs.StringSliceVar(&o.Only, "only", nil, "take this `step` only; may be repeated")
	fs.StringVar(&o.Out, "out", "", "write the mapping to this `file`, or one for each step into this directory")
	fs.BoolVar(&o.Force, "force", false, "replace the file of --out")
	completeFlag(cmd, "object", standardObjects)
	return cmd
}

func importRun(_ context.Context, o *importOptions) error {
	s := schema.Standard()
	if o.Schema != "" {
		var err error
		if s, err = input.LoadSchema(o.newMapping.App, o.Schema); err != nil {
			return err
		}
	}
	dir := directory(o.Out)
	within := o.Out
	if dir != "" {
		within = filepath.Join(dir, "mapping.yaml")
	}
	options := importer.Options{Schema: s, Object: o.Object, Match: o.Match, Only: o.Only, SchemaURL: schemaFile}
	var broken error
	options.Place = func(path string) string {
		rel, err := relative(within, path)
		broken = errors.Join(broken, err)
		return rel
	}
	if o.Schema != "" {
		options.SchemaPath = options.Place(o.Schema)
	}
	r, err := importer.Import(o.File, readBounded, options)
	if err = errors.Join(err, broken); err != nil {
		return importError(o.File, err)
	}
	type file struct {
		path string
		text []byte
	}
	files := []file{{o.Out, r.YAML("")}}
	if dir != "" {
		files = nil
		for i, step := range r.Steps {
			name := step + ".yaml"
			if len(r.Steps) > 1 { // in the order in which they have to run
				name = fmt.Sprintf("%02d-%s", i+1, name)
			}
			files = append(files, file{filepath.Join(dir, name), r.YAML(step)})
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return exit.Errorf(exit.CannotWrite, "--out: %w", err)
		}
	}
	open := 0
	for _, f := range files {
		o.Out = f.path
		found, err := o.verify(f.text, s)
		if err != nil {
			return err
		}
		for _, d := range found {
			if d.Severity == diag.Error {
				open++
			}
		}
		if err := o.write(f.text); err != nil {
			return err
		}
	}
	notes := r.Notes(dir != "")
	o.Con.Diagnostics(notes)
	o.summary(r, notes, open)
	switch {
	case r.Inputs > 1 && dir == "":
		o.Con.Infof("the steps read %d inputs: this mapping is for rows that join them; --out DIR/ makes one for each step", r.Inputs)
	case len(files) > 1:
		o.Con.Infof("%s holds %s: run them in the order of their names", dir, ui.Plural(int64(len(files)), "mapping", "mappings"))
	}
	return nil
}

func (o *importOptions) summary(r *importer.Result, notes []diag.Diagnostic, open int) {
	count := func(codes ...string) int64 {
		n := int64(0)
		for _, d := range notes {
			if slices.Contains(codes, d.Code) {
				n++
			}
		}
		return n
	}
	o.Con.Infof("%s from %s: %s not carried over, %s to look at", ui.Plural(int64(len(r.Steps)), "target", "targets"), r.Kind,
		ui.Plural(count(importer.CodeLost, importer.CodeSecret), "thing", "things"), ui.Plural(count(importer.CodeLook), "thing", "things"))
	if len(r.Flags) > 0 {
		o.Con.Infof("run it with %s", strings.Join(r.Flags, " "))
	}
	if open > 0 {
		o.Con.Infof("%s left before it can run: sfsync check tells them (--schema with a snapshot of the org knows its own fields)", ui.Plural(int64(open), "problem", "problems"))
	}
}

// importError words what is wrong with a file that cannot be imported.
func importError(path string, err error) error {
	var option *importer.OptionError
	switch {
	case errors.As(err, &option) && option.Option == "object":
		return exit.Usagef("%w: say --object", err)
	case errors.As(err, &option):
		return exit.Usagef("%w", err)
	case errors.Is(err, fs.ErrNotExist):
		return exit.Errorf(exit.InputNotFound, "%s: no such file", path)
	}
	if _, ok := diag.As(err); ok {
		return err
	}
	return exit.Errorf(exit.BadInput, "%w", err)
}

// readBounded reads a regular file up to a byte more than an import takes.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	return io.ReadAll(io.LimitReader(f, importer.MaxBytes+1))
}
