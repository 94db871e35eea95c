package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/host"
	"sfsync/cmd/sfsync/internal/outcome"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/pipeline"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
	"sfsync/sink/salesforce"
)

type checkOptions struct {
	*app
	Mapping  string
	Files    []string
	Format   string
	Schema   string
	Mapped   string
	Limit    int64
	Progress string
	JSON     bool
}

func newCheck(a *app, runF func(context.Context, *checkOptions) error) *cobra.Command {
	o := &checkOptions{app: a}
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

--mapped writes what each row would send, one JSON object a line and target; - is stdout.

` + exit.Help(exit.OK, exit.Usage, exit.DataProblems, exit.BadInput, exit.InputNotFound, exit.Invariant, exit.CannotWrite, exit.BadConfig, exit.Interrupted),
		Example: `  sfsync check samples/leads/leads.yaml
  sfsync check leads.yaml 'in/*.csv' --schema snapshots/prod
  sfsync check leads.yaml new.csv --limit 10 --mapped -`,
		Args:              atLeast("MAPPING"),
		ValidArgsFunction: completeExt("yaml", "yml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Mapping, o.Files = args[0], args[1:]
			if o.Limit < 0 {
				return exit.Usagef("--limit is a number of rows, not %d", o.Limit)
			}
			if o.JSON && o.Mapped == "-" {
				return exit.Usagef("--json and --mapped - both want stdout: write the mapped rows to a file")
			}
			if err := oneOf("progress", o.Progress, ui.ProgressAuto, ui.ProgressBar, ui.ProgressPlain, ui.ProgressNone); err != nil {
				return err
			}
			if err := checkFormat(o.Format); err != nil {
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
	addFormat(fs, &o.Format)
	addNotYet(fs, nil, []string{"sample"})
	return cmd
}

func checkRun(ctx context.Context, o *checkOptions) error {
	begun := o.sys.Now()
	file, err := o.load()
	if err != nil {
		return err
	}
	plan, err := o.compile(file)
	if err != nil {
		return err
	}
	var inputs []source.Input
	if len(o.Files) > 0 || len(file.Source.Files) > 0 {
		if inputs, err = o.inputs(file, o.Files, o.Format); err != nil {
			return err
		}
	}
	mapped, err := o.mappedWriter()
	if err != nil {
		return err
	}
	errs := report.NewErrors(remedy)
	stats := &pipeline.Stats{}
	stats.BytesTotal.Store(totalBytes(inputs))
	stop := o.con.Progress(o.Progress, func() ui.Counts {
		read := stats.Read.Load()
		return ui.Counts{Read: read, Done: read, Failed: stats.Failed.Load(), Bytes: stats.Bytes.Load(), TotalBytes: stats.BytesTotal.Load()}
	})
	res, err := pipeline.Check(ctx, pipeline.Options{
		Plan: plan, Inputs: inputs, Source: sourceOptions(file), Limit: o.Limit, Errors: errs, Stats: stats,
	}, mapped.each())
	stop()
	if closeErr := mapped.close(); err == nil {
		err = closeErr
	}
	return o.conclude(file, plan, res, errs, begun, err)
}

// load reads the mapping. If its form is wrong, what the schema says of its names is found all
// the same, so that all that is wrong comes at once.
func (o *checkOptions) load() (*mapping.File, error) {
	file, found, err := mapping.Load(o.Mapping)
	wrong, ok := diag.As(err)
	switch {
	case err == nil:
		o.con.Diagnostics(found)
		return file, nil
	case !ok:
		return nil, exit.Errorf(exit.BadConfig, "read the mapping: %w", err)
	case file == nil:
		return nil, err
	}
	var list diag.List
	list.Add(wrong)
	s, err := o.schema(file)
	if err == nil {
		list.Add(mapping.Names(file, s))
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
		return o.loadSchema(o.Schema)
	case file.Schema.Value != "":
		return o.schemaOf(file)
	}
	return schema.Standard(), nil
}

func (o *checkOptions) compile(file *mapping.File) (*mapping.Plan, error) {
	s, err := o.schema(file)
	if err != nil {
		return nil, err
	}
	plan, found, err := mapping.Compile(file, s)
	if err != nil {
		return nil, err
	}
	o.con.Diagnostics(found)
	return plan, nil
}

// remedy says what to do about a code, ours or an org's.
func remedy(code string) string { return cmp.Or(mapping.Remedy(code), salesforce.Remedy(code)) }

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
		return &mappedOutput{out: bufio.NewWriterSize(o.con.Out(), 64<<10)}, nil
	}
	f, err := os.OpenFile(o.Mapped, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, exit.Errorf(exit.CannotWrite, "--mapped: %w", err)
	}
	return &mappedOutput{file: f, out: bufio.NewWriterSize(f, 64<<10)}, nil
}

func (m *mappedOutput) each() func(*mapping.Mapped, string) error {
	if m == nil {
		return nil
	}
	return func(rows *mapping.Mapped, path string) error {
		for r := range rows.Source.Len() {
			for t := range rows.Targets {
				m.buf = append(rows.AppendJSON(m.buf[:0], r, t, path), '\n')
				if _, err := m.out.Write(m.buf); err != nil {
					return m.failed(err)
				}
			}
		}
		return nil
	}
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

// countsOf checks that the counts of a check add up; each row has one record a target.
func countsOf(s *report.Summary) error {
	err := s.Check()
	for _, t := range s.Targets {
		if t.Records != s.Rows.Read {
			err = errors.Join(err, fmt.Errorf("%w: %d rows were read, target %s has %d records", report.ErrCounts, s.Rows.Read, t.Name, t.Records))
		}
	}
	return err
}

// conclude prints what was found and returns the end of the command.
func (o *checkOptions) conclude(file *mapping.File, plan *mapping.Plan, res *pipeline.Result, errs *report.Errors, begun time.Time, err error) error {
	if err != nil && (res == nil || host.ClosedPipe(err)) {
		return err
	}
	s := outcome.Summarize(Tool(), file, plan, res, errs)
	s.Command, s.Complete, s.Environment = "check", err == nil && res.Complete, o.fromEnv
	for i := range s.Targets { // nothing is changed by what would be sent
		t := &s.Targets[i]
		t.Unchanged = t.Records - t.Failed - t.Skipped
	}
	s.API = report.APIInfo{Mode: "none", Why: "check asks no org"}
	outcome.Times(s, begun, o.sys.Now(), o.sys.Now().Sub(begun))
	code, message := exit.OK, outcome.Note(s, exit.OK)
	switch {
	case len(o.Files) == 0 && len(file.Source.Files) == 0:
		message = "the mapping is valid; no files were named"
	case s.Rows.Failed > 0:
		code = exit.DataProblems
		message = fmt.Sprintf("%s of %s would fail", ui.Count(s.Rows.Failed), ui.Rows(s.Rows.Read))
	case s.Rows.Skipped > 0:
		message = fmt.Sprintf("%s, %s of them skipped", ui.Rows(s.Rows.Read), ui.Count(s.Rows.Skipped))
	}
	if err != nil {
		if signal := o.stop.Err(); signal != nil {
			err = withSignal(signal, err)
		}
		code = exit.Worst(code, exit.Of(err))
		list, _ := findings(err)
		o.con.Diagnostics(list)
		message = words(err, "") + "; " + message
	}
	if err := countsOf(s); err != nil {
		code = exit.Worst(code, exit.Invariant)
		message = ui.OneLine(err.Error()) + "; " + message
	}
	s.Exit = report.Exit{Code: int(code), Name: code.String(), Message: ui.OneLine(message)}
	for _, w := range res.Warnings {
		o.con.Warnf("%s", w)
	}
	switch {
	case o.JSON:
		o.answered = true
		if err := s.Encode(o.con.Out()); err != nil && !host.ClosedPipe(err) {
			return fmt.Errorf("write to stdout: %w", err)
		}
	case !o.con.Quiet() && o.Mapped != "-":
		ui.Summary(o.con.Out(), s, "")
	}
	return done(code, "%s", message)
}
