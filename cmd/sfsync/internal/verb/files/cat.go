package files

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

type catOptions struct {
	*verb.App
	Files    []string
	Format   string
	Encoding string
	CACert   string
	Limit    int64
	Schema   bool
}

func newCat(a *verb.App, runF func(context.Context, *catOptions) error) *cobra.Command {
	o := &catOptions{App: a}
	if runF == nil {
		runF = catRun
	}
	cmd := &cobra.Command{
		Use:   "cat FILE...",
		Short: "Print rows as the pipeline reads them",
		Long: `Print the rows of files as JSON Lines, one object a row, exactly as a run would see them:
decompressed, decoded, with the headers it would use. A row that cannot be read is reported
on stderr with its file and line; the others are printed all the same.

FILE is a path, a glob (also **), a directory, a URL, or - for stdin (with --format).

` + exit.Help(exit.OK, exit.Usage, exit.BadInput, exit.InputNotFound, exit.BadConfig, exit.Interrupted),
		Example: `  sfsync cat samples/leads/leads-2026-11-01.csv --limit 3
  sfsync cat --schema 'in/**/*.csv.gz'
  zcat leads.jsonl.gz | sfsync cat - --format jsonl`,
		Args: verb.AtLeast("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Files = args
			if err := input.CheckFormat(o.Format); err != nil {
				return err
			}
			if o.Limit < 0 {
				return exit.Usagef("--limit is a number of rows, not %d", o.Limit)
			}
			return runF(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.Int64Var(&o.Limit, "limit", 0, "print the first `N` rows only; 0 prints all")
	fs.BoolVar(&o.Schema, "schema", false, "print the columns and their types instead of the rows")
	fs.Lookup("schema").Annotations = map[string][]string{verb.NoEnvKey: nil} // elsewhere --schema takes a path
	input.AddFormat(fs, &o.Format)
	input.AddEncoding(fs, &o.Encoding)
	remote.AddRoots(fs, &o.CACert)
	return cmd
}

func catRun(ctx context.Context, o *catOptions) error {
	roots, err := remote.Roots(o.App, o.CACert)
	if err != nil {
		return err
	}
	inputs, err := input.Expand(ctx, o.App, o.Files, o.Format, roots)
	if err != nil {
		return err
	}
	c := &cat{catOptions: o, out: bufio.NewWriterSize(o.Con.Out(), 64<<10)}
	for _, in := range inputs {
		if o.Limit > 0 && c.rows >= o.Limit {
			break
		}
		if err := c.file(ctx, in); err != nil {
			c.out.Flush() // the input's error says more
			return err
		}
	}
	if err := c.out.Flush(); err != nil {
		return fmt.Errorf("write to stdout: %w", err)
	}
	if c.bad > 0 {
		return exit.Errorf(exit.BadInput, "%s of %s could not be read", ui.Rows(c.bad), ui.Count(c.rows))
	}
	return nil
}

// maxBadLines is how many unreadable rows are named on stderr.
const maxBadLines = 20

type cat struct {
	*catOptions
	out       *bufio.Writer
	pool      row.Pool
	buf       []byte
	rows, bad int64
}

func (c *cat) file(ctx context.Context, in source.Input) (err error) {
	r, err := source.Open(ctx, in, source.Options{Format: c.Format, Encoding: c.Encoding, All: true, Pool: &c.pool})
	if err != nil {
		return err
	}
	defer func() {
		for _, w := range r.Warnings() {
			c.Con.Warnf("%s: %s", in.Path, w)
		}
		err = errors.Join(err, r.Close())
	}()
	schema := r.Schema()
	if info := r.Info(); c.Schema && r.Complete() && info.Total >= 0 { // the file says it all
		info.Rows = info.Total
		return c.columns(in, info, schema)
	}
	for c.Limit == 0 || c.rows < c.Limit {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		schema = b.Schema()
		err = c.batch(in, b)
		b.Free()
		if err != nil {
			return err
		}
	}
	if c.Schema {
		return c.columns(in, r.Info(), schema)
	}
	return nil
}

func (c *cat) batch(in source.Input, b *row.Batch) error {
	for i := range b.Len() {
		if c.Limit > 0 && c.rows == c.Limit {
			return nil
		}
		c.rows++
		if p, bad := b.Problem(i); bad {
			if c.bad++; c.bad <= maxBadLines {
				c.Con.Errorf("%s:%d: %s [%s]", in.Path, b.Line(i), p.Message, p.Code)
			} else if c.bad == maxBadLines+1 {
				c.Con.Errorf("more rows cannot be read; only the first %d are named", maxBadLines)
			}
			continue
		}
		if c.Schema {
			continue
		}
		c.buf = append(source.AppendJSON(c.buf[:0], b, i), '\n')
		if _, err := c.out.Write(c.buf); err != nil {
			return fmt.Errorf("write to stdout: %w", err)
		}
	}
	return nil
}

func (c *cat) columns(in source.Input, info source.Info, s *row.Schema) error {
	fmt.Fprintf(c.out, "%s: %s, %s, %s\n", in.Path, info.Format, ui.Plural(int64(len(s.Columns)), "column", "columns"), ui.Rows(info.Rows)) // Flush returns it
	rows := make([][]string, len(s.Columns))
	for i, col := range s.Columns {
		rows[i] = []string{"  " + col.Name, col.Type}
	}
	return ui.Table(c.out, []string{"  column", "type"}, rows)
}
