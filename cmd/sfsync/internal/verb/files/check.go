package files

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/host"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/outcome"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/cmd/sfsync/internal/wording"
	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/event"
	"sfsync/mapping/fanout"
	"sfsync/mapping/schema"
	"sfsync/pipeline"
	"sfsync/pipeline/profile"
	"sfsync/pipeline/proof"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
)

type checkOptions struct {
	*verb.App
	Mapping  string
	Files    []string
	Format   string
	CACert   string
	Schema   string
	Mapped   string
	Limit    int64
	Sample   int64
	Profile  bool
	Progress string
	JSON     bool
}

func newCheck(a *verb.App, runF func(context.Context, *checkOptions) error) *cobra.Command {
	o := &checkOptions{App: a}
	if runF == nil {
		runF = checkRun
	}
	cmd := &cobra.Command{
		Use:   "check MAPPING [FILE...]",
		Short: "Check a mapping, and every row, without an org",
		Long: `Check a mapping file, then map every row of the files and say which would fail, and why. No
org is asked and nothing is written. What fields there are is known from --schema, else from
the mapping's schema, else from the built-in standard objects.

Rows that would be sent count as succeeded, and their records as unchanged: a check changes
nothing. So read = succeeded + failed + skipped, and of each target records = unchanged + failed +
skipped.

The tests: of the mapping run first, whether or not files are named. Besides the rows that would
fail, a check says which match keys come up again in the input, which columns no rule uses and
which ones of the mapping no row of JSON Lines has, which values picklists lack, what looking
records up would cost, and which records of an upsert lack a required field: they would fail where
the record is not there yet, which only the org knows. Every problem of a row is counted; the row
itself fails once. The keys of a large input are kept in a temporary file (24 bytes each, hashed),
so that memory stays what it is.

--mapped writes what each row would send, one JSON object a line and target; - is stdout.

` + exit.Help(exit.OK, exit.Usage, exit.DataProblems, exit.BadInput, exit.InputNotFound, exit.Invariant, exit.CannotWrite, exit.BadConfig, exit.Interrupted),
		Example: `  sfsync check samples/leads/leads.yaml
  sfsync check leads.yaml 'in/*.csv' --schema snapshots/prod
  sfsync check leads.yaml new.csv --limit 10 --mapped -
  sfsync check leads.yaml new.csv --profile --sample 10000`,
		Args:              verb.AtLeast("MAPPING"),
		ValidArgsFunction: verb.CompleteExt("yaml", "yml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Mapping, o.Files = args[0], args[1:]
			if err := input.CheckPart(o.Limit, o.Sample); err != nil {
				return err
			}
			if o.Profile && o.Mapped == "-" {
				return exit.Usagef("--profile and --mapped - both want stdout: write the mapped rows to a file")
			}
			if o.JSON && o.Mapped == "-" {
				return exit.Usagef("--json and --mapped - both want stdout: write the mapped rows to a file")
			}
			if err := verb.OneOf("progress", o.Progress, ui.ProgressAuto, ui.ProgressBar, ui.ProgressPlain, ui.ProgressNone); err != nil {
				return err
			}
			if err := input.CheckFormat(o.Format); err != nil {
				return err
			}
			return runF(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.Schema, "schema", "", "check against this overlay or snapshot `path`")
	fs.StringVar(&o.Mapped, "mapped", "", "write what each row would send to this `file`, or - for stdout")
	fs.Int64Var(&o.Limit, "limit", 0, "check the first `N` rows only; 0 checks all")
	fs.StringVar(&o.Progress, "progress", ui.ProgressAuto, "show progress as `auto|bar|plain|none`")
	fs.BoolVar(&o.JSON, "json", false, "print the summary as JSON on stdout")
	input.AddFormat(fs, &o.Format)
	remote.AddRoots(fs, &o.CACert)
	input.AddSample(fs, &o.Sample)
	fs.BoolVar(&o.Profile, "profile", false, "say what each column of the input holds, with samples")
	return cmd
}

func checkRun(ctx context.Context, o *checkOptions) error {
	begun := o.Sys.Now()
	file, err := o.load()
	if err != nil {
		return err
	}
	var inputs []source.Input
	var noInputs error // what is wrong with the mapping comes first
	if len(o.Files) > 0 || len(file.Source.Files) > 0 {
		roots, err := remote.Roots(o.App, o.CACert)
		if err != nil {
			return err
		}
		inputs, noInputs = input.Files(ctx, o.App, file, o.Files, o.Format, roots)
	}
	all := slices.Concat(inputs, proof.Inputs(file))
	entries, release, err := input.Entries(ctx, o.App, file, all, o.Limit)
	if err != nil {
		return err
	}
	defer release.Close() // temporary files
	copy(inputs, all)
	kept := &input.Kept{}
	defer kept.Close() // likewise
	if err := o.keepTwice(ctx, file, inputs, kept); err != nil {
		return err
	}
	file, plan, err := o.compile(file, entries)
	if err == nil {
		err = o.prove(ctx, file, plan)
	}
	if err := cmp.Or(err, noInputs); err != nil {
		return err
	}
	mapped, err := o.mappedWriter()
	if err != nil {
		return err
	}
	errs := report.NewErrors(wording.Remedy)
	stats := &pipeline.Stats{}
	stats.BytesTotal.Store(input.TotalBytes(inputs))
	stop := o.Con.Progress(o.Progress, func() ui.Counts {
		read := stats.Read.Load()
		return ui.Counts{Read: read, Done: read, Failed: stats.Failed.Load(), Bytes: stats.Bytes.Load(), TotalBytes: stats.BytesTotal.Load()}
	})
	g := newGathered(plan, mapped, file.Source.Events == event.RudderStack)
	if o.Profile {
		g.profile = profile.New()
	}
	res, err := pipeline.Check(ctx, pipeline.Options{
		Plan: plan, Inputs: inputs, Source: input.Options(file), Limit: o.Limit, Sample: o.Sample, Wide: o.Profile,
		Duplicates: file.Source.Duplicates, Errors: errs, Stats: stats,
	}, g.each)
	stop()
	if closeErr := mapped.close(); err == nil {
		err = closeErr
	}
	return o.conclude(file, g, res, errs, begun, err)
}

// keepTwice copies inputs that can be read only once, where the check reads them twice.
func (o *checkOptions) keepTwice(ctx context.Context, file *mapping.File, inputs []source.Input, kept *input.Kept) error {
	if o.Sample == 0 && file.Source.Duplicates != "last" && file.Source.Duplicates != "fail" {
		return nil
	}
	for i := range inputs {
		if in := &inputs[i]; in.Reader == nil && !input.ReadAgain(in) || in.Reader != nil && in.Once {
			if err := input.Keep(ctx, o.App, in, kept); err != nil {
				return err
			}
		}
	}
	return nil
}

// prove runs the tests of the mapping file.
func (o *checkOptions) prove(ctx context.Context, file *mapping.File, plan *mapping.Plan) error {
	failed, err := proof.Run(ctx, file, plan, input.Options(file))
	if err != nil {
		return err
	}
	var list diag.List
	list.Add(failed)
	return list.Err()
}

// load reads the mapping. If its form is wrong, what the schema says of its names is found all
// the same, so that all that is wrong comes at once.
func (o *checkOptions) load() (*mapping.File, error) {
	file, found, err := mapping.Load(o.Mapping)
	wrong, ok := diag.As(err)
	switch {
	case err == nil:
		o.Con.Diagnostics(found)
		return file, nil
	case !ok:
		return nil, exit.Errorf(exit.BadConfig, "%w", err)
	case file == nil:
		return nil, err
	}
	var list diag.List
	list.Add(wrong)
	s, err := o.schema(file)
	if err == nil {
		list.Add(mapping.Rest(file, s))
		return nil, list.Err()
	}
	if more, ok := diag.As(err); ok {
		list.Add(more)
		err = nil
	}
	return nil, errors.Join(list.Err(), err)
}

// schema returns the schema that the user names, or the mapping, or else the built-in one.
func (o *checkOptions) schema(file *mapping.File) (*schema.Schema, error) {
	switch {
	case o.Schema != "":
		return input.LoadSchema(o.App, o.Schema)
	case file.Schema.Value != "":
		return input.SchemaOf(o.App, file)
	}
	return schema.Standard(), nil
}

// compile compiles the mapping, with a target for each kind of record that events name themselves.
func (o *checkOptions) compile(file *mapping.File, entries []event.Entry) (*mapping.File, *mapping.Plan, error) {
	s, err := o.schema(file)
	if err != nil {
		return nil, nil, err
	}
	file = fanout.Apply(file, entries, s)
	plan, found, err := mapping.Compile(file, s)
	if err != nil {
		return nil, nil, err
	}
	o.Con.Diagnostics(found)
	return file, plan, nil
}

// mappedOutput writes what each row would send. A nil one writes nothing.
type mappedOutput struct {
	file *os.File // nil for stdout
	out  *bufio.Writer
	buf  []byte
}

func (o *checkOptions) mappedWriter() (*mappedOutput, error) {
	switch o.Mapped {
	case "":
		return nil, nil
	case "-":
		return &mappedOutput{out: bufio.NewWriterSize(o.Con.Out(), 64<<10)}, nil
	}
	f, err := os.OpenFile(o.Mapped, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, exit.Errorf(exit.CannotWrite, "--mapped: %w", err)
	}
	return &mappedOutput{file: f, out: bufio.NewWriterSize(f, 64<<10)}, nil
}

// write writes the rows of a batch, each with what is sent for it in a second pass. Targets that are there
// for events that name them, or for parents that are referred to, have no line for rows that do not.
func (m *mappedOutput) write(c pipeline.Checked) error {
	for r := range c.First.Source.Len() {
		m.buf = m.buf[:0]
		for t := range c.First.Targets {
			if why := c.First.Targets[t].Reason(r).Code; why == event.CodeNoEntry || why == mapping.CodeNotReferred {
				continue
			}
			m.buf = append(c.First.AppendJSON(m.buf, r, t, c.Path), '\n')
		}
		for t := 0; c.Second != nil && t < len(c.Second.Targets); t++ {
			if c.Second.Targets[t].Fate(r) != mapping.Skip {
				m.buf = append(c.Second.AppendJSON(m.buf, r, t, c.Path), '\n')
			}
		}
		if _, err := m.out.Write(m.buf); err != nil {
			return m.failed(err)
		}
	}
	return nil
}

func (m *mappedOutput) failed(err error) error {
	if err == nil || host.ClosedPipe(err) {
		return err
	}
	return exit.Errorf(exit.CannotWrite, "--mapped: %w", err)
}

func (m *mappedOutput) close() error {
	if m == nil {
		return nil
	}
	err := m.out.Flush()
	if m.file != nil {
		err = errors.Join(err, m.file.Close())
	}
	return m.failed(err)
}

// countsOf checks that the counts of a check add up; no row has more than one record a target.
func countsOf(s *report.Summary) error {
	err := s.Check()
	for _, t := range s.Targets {
		if t.Records > s.Rows.Read {
			err = errors.Join(err, fmt.Errorf("%w: %d rows were read, target %s has %d records", report.ErrCounts, s.Rows.Read, t.Name, t.Records))
		}
	}
	return err
}

// conclude prints what was found and returns the end of the command.
func (o *checkOptions) conclude(file *mapping.File, g *gathered, res *pipeline.Result, errs *report.Errors, begun time.Time, err error) error {
	if err != nil && (res == nil || host.ClosedPipe(err)) {
		return err
	}
	s := outcome.Summarize(verb.Tool(), file, g.plan, res, errs)
	s.Found = g.info(file, res)
	s.Command, s.Complete, s.Environment = "check", err == nil && res.Complete, o.FromEnv
	for i := range s.Targets { // nothing is changed by what would be sent
		t := &s.Targets[i]
		t.Unchanged = t.Records - t.Failed - t.Skipped
	}
	s.API = report.APIInfo{Mode: "none", Why: "check asks no org"}
	outcome.Times(s, begun, o.Sys.Now(), o.Sys.Now().Sub(begun))
	code, message := exit.OK, ui.Rows(s.Rows.Read)
	switch {
	case len(o.Files) == 0 && len(file.Source.Files) == 0:
		message = "the mapping is valid; no files were named"
		if n := len(file.Tests); n > 0 {
			message = fmt.Sprintf("the mapping is valid, %s; no files were named", ui.Plural(int64(n), "test passed", "tests passed"))
		}
	case s.Rows.Failed > 0:
		code = exit.DataProblems
		message = fmt.Sprintf("%s of %s would fail", ui.Count(s.Rows.Failed), ui.Rows(s.Rows.Read))
	case s.Rows.Skipped > 0:
		message = fmt.Sprintf("%s, %s of them skipped", ui.Rows(s.Rows.Read), ui.Count(s.Rows.Skipped))
	}
	if err != nil {
		if signal := o.Stop.Err(); signal != nil {
			err = wording.WithSignal(signal, err)
		}
		code = exit.Worst(code, exit.Of(err))
		list, _ := wording.Findings(err)
		o.Con.Diagnostics(list)
		message = wording.Of(err, "") + "; " + message
	}
	if err := countsOf(s); err != nil {
		code = exit.Worst(code, exit.Invariant)
		message = ui.OneLine(err.Error()) + "; " + message
	}
	s.Exit = report.Exit{Code: int(code), Name: code.String(), Message: ui.OneLine(message)}
	input.TellTraits(o.App, g.plan)
	g.warnUnmet(o.Con)
	warnBlank(o.Con, s.Found.Blank)
	for _, w := range res.Warnings {
		o.Con.Warnf("%s", w)
	}
	switch {
	case o.JSON:
		o.Answered = true
		if err := s.Encode(o.Con.Out()); err != nil && !host.ClosedPipe(err) {
			return fmt.Errorf("write to stdout: %w", err)
		}
	case !o.Con.Quiet() && o.Mapped != "-":
		ui.Summary(o.Con.Out(), s, "")
	}
	return verb.Done(code, "%s", message)
}
