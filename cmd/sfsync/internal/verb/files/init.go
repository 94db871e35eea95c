package files

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping/diag"
	"sfsync/mapping/presets"
	"sfsync/mapping/propose"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

type initOptions struct {
	newMapping
	Files    []string
	Format   string
	Encoding string
	CACert   string
	Objects  []string
	Preset   string
	Schema   string
	Rows     int64
}

func newInit(a *verb.App, runF func(context.Context, *initOptions) error) *cobra.Command {
	o := &initOptions{newMapping: newMapping{App: a}}
	if runF == nil {
		runF = initRun
	}
	cmd := &cobra.Command{
		Use:   "init FILE... --object OBJECT | init --preset NAME",
		Short: "Propose a mapping from files' columns and objects' fields",
		Long: `Read the columns and the first rows of files and propose a mapping: columns are matched with the
fields of --object by API name, label and usual other words, and values decide about transforms
(dates, numbers, truth values). What is a guess has a comment. The mapping passes sfsync check as it
is, unless an object needs a reference that no column gives; look at the comments before a run.

With several objects, each is a target, and each row makes a record of each of them; a reference
between them goes by the row. With several files, a field takes the column that each file has for
it. Files that are of different things want a mapping each: with a directory as --out, each file
gets one of its own, for the object that it fits best.

A CSV file that is not UTF-8 is taken for windows-1252, which most spreadsheets write; say
--encoding where it is something else.

With --preset, a mapping that ships with sfsync is printed whole.

Without --out the mapping goes to stdout. With it, sfsync.schema.json is put beside the mapping, by
which editors complete and check it.

` + exit.Help(exit.OK, exit.Usage, exit.BadInput, exit.InputNotFound, exit.CannotWrite, exit.BadConfig),
		Example: `  sfsync init samples/leads/leads-2026-11-01.csv --object Lead
  sfsync init in/people.csv --object Account,Contact --schema crm.schema.yaml --out people.yaml
  sfsync init accounts.csv contacts.csv --object Account,Contact --out mappings/
  sfsync init --preset rudderstack-lead --out events.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Files = args
			switch {
			case o.Preset != "" && len(args) > 0:
				return exit.Usagef("--preset is printed as it is: leave the files away")
			case o.Preset != "" && len(o.Objects) > 0:
				return exit.Usagef("--preset says itself which objects it writes: leave --object away")
			case o.Preset != "":
				return runF(cmd.Context(), o)
			case len(args) == 0:
				return exit.Usagef("FILE is missing")
			case len(o.Objects) == 0:
				return exit.Usagef("--object is missing: name what the rows become, such as Lead")
			case o.Rows < 1:
				return exit.Usagef("--rows is a number of rows from 1, not %d", o.Rows)
			}
			if err := input.CheckFormat(o.Format); err != nil {
				return err
			}
			return runF(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.StringSliceVar(&o.Objects, "object", nil, "the `object` that rows become records of; several with commas between them, for a target each")
	fs.StringVar(&o.Preset, "preset", "", "print the mapping of this `name` that ships with sfsync: "+strings.Join(presets.Names(), ", "))
	fs.StringVar(&o.Schema, "schema", "", "take the objects' fields from this overlay or snapshot `path`, which the mapping then names")
	fs.StringVar(&o.Out, "out", "", "write the mapping to this `file`, or one for each file into this directory")
	fs.BoolVar(&o.Force, "force", false, "replace the file of --out")
	fs.Int64Var(&o.Rows, "rows", 1000, "look at the first `N` rows of each file")
	input.AddFormat(fs, &o.Format)
	input.AddEncoding(fs, &o.Encoding)
	remote.AddRoots(fs, &o.CACert)
	completeFlag(cmd, "preset", presets.Names)
	completeFlag(cmd, "object", standardObjects)
	return cmd
}

func initRun(ctx context.Context, o *initOptions) error {
	if o.Preset != "" {
		return o.preset()
	}
	s := schema.Standard()
	if o.Schema != "" {
		var err error
		if s, err = input.LoadSchema(o.newMapping.App, o.Schema); err != nil {
			return err
		}
	}
	objects, err := o.objects(s)
	if err != nil {
		return err
	}
	roots, err := remote.Roots(o.newMapping.App, o.CACert)
	if err != nil {
		return err
	}
	inputs, err := input.Expand(ctx, o.newMapping.App, o.Files, o.Format, roots)
	if err != nil {
		return err
	}
	var secret bool
	if o.Files, secret = input.Shown(o.Files); secret {
		o.Con.Infof("a URL stands in the mapping without its password and query: where it needs them, name it on the command line of a run")
	}
	if dir := directory(o.Out); dir != "" {
		return o.each(ctx, dir, inputs, objects, s)
	}
	seen, err := o.look(ctx, inputs)
	if err != nil {
		return err
	}
	if err := columns(seen, o.Files); err != nil {
		return err
	}
	targets, err := seen.Targets(objects, s)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if !t.Sends() {
			return exit.Errorf(exit.BadConfig, "no column of %s fits a field of %s: write the mapping by hand, or choose another --object",
				strings.Join(o.Files, ", "), t.Object.Name)
		}
	}
	return o.propose(o.Files, seen, targets, s)
}

// columns sees that there are any.
func columns(seen *sample, files []string) error {
	if seen.Empty() {
		return exit.Errorf(exit.BadInput, "%s: there is not one column in it", strings.Join(files, ", "))
	}
	return nil
}

// preset prints a mapping that ships with the tool.
func (o *initOptions) preset() error {
	text, ok := presets.Get(o.Preset)
	if !ok {
		hint := diag.DidYouMean(o.Preset, presets.Names())
		if hint == "" {
			hint = "there are " + strings.Join(presets.Names(), ", ")
		}
		return exit.Usagef("unknown --preset %q: %s", o.Preset, hint)
	}
	return o.write(text)
}

// each proposes a mapping for each file by itself, for the object that takes most of its columns.
func (o *initOptions) each(ctx context.Context, dir string, inputs []source.Input, objects []*schema.Object, s *schema.Schema) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return exit.Errorf(exit.CannotWrite, "--out: %w", err)
	}
	names := map[string]bool{}
	for _, in := range inputs {
		seen, err := o.look(ctx, []source.Input{in})
		if err != nil {
			return err
		}
		if err := columns(seen, []string{in.Path}); err != nil {
			return err
		}
		var best *propose.Target
		for _, object := range objects {
			targets, err := seen.Targets([]*schema.Object{object}, s)
			if err != nil {
				return err
			}
			if t := targets[0]; t.Sends() && (best == nil || t.Used() > best.Used()) {
				best = t
			}
		}
		if best == nil {
			return exit.Errorf(exit.BadConfig, "no column of %s fits a field of %s", in.Path, strings.Join(o.Objects, " or "))
		}
		name := mappingName(in.Path)
		for n := 2; names[name]; n++ {
			name = mappingName(in.Path) + "-" + strconv.Itoa(n)
		}
		names[name] = true
		o.Out = filepath.Join(dir, name+".yaml")
		if err := o.propose([]string{in.Path}, seen, []*propose.Target{best}, s); err != nil {
			return err
		}
	}
	return nil
}

// propose writes a mapping of targets.
func (o *initOptions) propose(files []string, seen *sample, targets []*propose.Target, s *schema.Schema) error {
	file := &propose.File{Name: mappingName(files[0]), SchemaURL: schemaFile, Encoding: seen.encoding, Guessed: seen.guessed, Targets: targets}
	if err := o.places(file, files); err != nil {
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
	o.Con.Diagnostics(found)
	used := 0
	for _, t := range targets {
		used += len(t.Rules)
	}
	o.Con.Infof("%s from %s of %s; look at what has a comment", ui.Plural(int64(used), "rule", "rules"), ui.Rows(int64(seen.Rows)), strings.Join(files, ", "))
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

// sample is what was seen of files, and the encoding that their text was taken to be in.
type sample struct {
	propose.Profile
	encoding string // "" for what the files say
	guessed  bool
}

// guess is the encoding that a CSV file is taken to be in that is not UTF-8 and of which nobody says
// otherwise: that of most spreadsheets.
const guess = "windows-1252"

// look reads the first rows of files. A single one that is not UTF-8 is read once more, by the guess.
func (o *initOptions) look(ctx context.Context, inputs []source.Input) (*sample, error) {
	seen := &sample{encoding: o.Encoding}
	foreign, err := o.read(ctx, inputs, seen)
	if o.Encoding == "" && len(inputs) == 1 && !inputs[0].Once && (foreign > 0 || errors.Is(err, source.ErrEncoding)) {
		seen = &sample{encoding: guess, guessed: true}
		foreign, err = o.read(ctx, inputs, seen)
	}
	if err == nil && foreign > 0 {
		o.Con.Warnf("%s in another encoding passed over: name it with --encoding", ui.Rows(foreign))
	}
	return seen, err
}

// read reads the first rows of files in the sample's encoding, and counts those that are in another.
func (o *initOptions) read(ctx context.Context, inputs []source.Input, seen *sample) (foreign int64, err error) {
	for _, in := range inputs {
		n, err := o.readFile(ctx, in, seen)
		if foreign += n; err != nil {
			return foreign, err
		}
	}
	return foreign, nil
}

func (o *initOptions) readFile(ctx context.Context, in source.Input, seen *sample) (foreign int64, err error) {
	var pool row.Pool
	r, err := source.Open(ctx, in, source.Options{Format: o.Format, Encoding: seen.encoding, All: true, Pool: &pool})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	seen.File(in.Path, r.Complete())
	seen.Columns(r.Schema())
	for n := int64(0); n < o.Rows; {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return foreign, nil
		}
		if err != nil {
			return foreign, err
		}
		if left := o.Rows - n; left < int64(b.Len()) {
			b.Retain(func(r int) bool { return int64(r) < left })
		}
		for i := 0; i < b.Len() && r.Info().Format == "csv"; i++ {
			if p, bad := b.Problem(i); bad && p.Code == source.CodeEncoding {
				foreign++
			}
		}
		n += int64(b.Len())
		seen.Add(b)
		b.Free()
	}
	return foreign, nil
}

// places sets the paths in the mapping, which are relative to the mapping file.
func (o *initOptions) places(file *propose.File, files []string) error {
	if o.Format != "auto" {
		file.Format = o.Format
	}
	var err error
	for _, path := range files {
		if path == "-" {
			continue
		}
		if path, err = relative(o.Out, path); err != nil {
			return err
		}
		file.Files = append(file.Files, path)
	}
	if o.Schema != "" {
		file.Schema, err = relative(o.Out, o.Schema)
	}
	return err
}
