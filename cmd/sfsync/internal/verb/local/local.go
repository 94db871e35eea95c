// Package local holds the verbs about the local org: local serve, reset, query and show.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/local"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping/schema"
	"sfsync/sink/localorg"
)

// openLocalWith opens the local org and adds the objects and fields of a schema file, if one
// is named.
func openLocalWith(ctx context.Context, a *verb.App, state, schemaPath string) (*local.Org, error) {
	var s *schema.Schema
	if schemaPath != "" {
		var err error
		if s, err = input.LoadSchema(a, schemaPath); err != nil {
			return nil, err
		}
	}
	l, err := local.OpenState(ctx, a, state)
	if err != nil || s == nil {
		return l, err
	}
	if err := l.Extend(ctx, s); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// New returns the command local, with those below it.
func New(a *verb.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "local",
		Short: "Use the local org: a small Salesforce inside sfsync",
		Long: `The local org is what sfsync sends to unless --to says otherwise: a Salesforce org in one
process, with real describes, validation, external ids, collections and queries, reached over
real HTTP on loopback. Its records are in the state directory. One process owns the database;
others that want it attach to the owner.

` + exit.Help(exit.OK, exit.Usage, exit.Unavailable, exit.CannotWrite, exit.BadConfig),
		Example: "  sfsync local query 'SELECT COUNT() FROM Lead'\n  sfsync local show\n  sfsync local reset",
		Args:    cobra.ArbitraryArgs,
		RunE:    verb.Group,
	}
	cmd.AddCommand(newLocalServe(a, nil), newLocalReset(a, nil), newLocalQuery(a, nil), newLocalShow(a, nil))
	return cmd
}

type localOptions struct {
	*verb.App
	remote.Flags
	JSON   bool
	SOQL   string
	Schema string
}

func newLocalReset(a *verb.App, runF func(context.Context, *localOptions) error) *cobra.Command {
	o := &localOptions{App: a}
	if runF == nil {
		runF = localResetRun
	}
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Remove all records of the local org",
		Long: `Remove all records of the local org. Its objects and fields, ids and credentials stay; --schema
adds objects and fields. Asks nothing.

` + exit.Help(exit.OK, exit.Usage, exit.Unavailable, exit.CannotWrite, exit.BadConfig),
		Example: "  sfsync local reset\n  sfsync local reset --schema samples/leads/leads.schema.yaml",
		Args:    verb.ExactArgs(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return runF(cmd.Context(), o) },
	}
	o.AddState(cmd.Flags())
	cmd.Flags().StringVar(&o.Schema, "schema", "", "add the objects and fields of this overlay or snapshot `path`")
	return cmd
}

func localResetRun(ctx context.Context, o *localOptions) error {
	l, err := openLocalWith(ctx, o.App, o.State, o.Schema)
	if err != nil {
		return err
	}
	defer l.Close() // reset has been committed
	if err := l.Reset(ctx); err != nil {
		return &exit.Error{Code: exit.CannotWrite, Err: err}
	}
	o.Con.Infof("the local org is empty")
	return nil
}

func newLocalQuery(a *verb.App, runF func(context.Context, *localOptions) error) *cobra.Command {
	o := &localOptions{App: a}
	if runF == nil {
		runF = localQueryRun
	}
	cmd := &cobra.Command{
		Use:   "query SOQL",
		Short: "Query the local org",
		Long: `Run a SOQL query on the local org and print the records as CSV, or with --json as JSON.
SELECT COUNT() prints the number.

` + exit.Help(exit.OK, exit.Usage, exit.Unavailable, exit.CannotWrite, exit.BadConfig),
		Example: `  sfsync local query 'SELECT COUNT() FROM Lead'
  sfsync local query "SELECT Id, Email, Company FROM Lead WHERE Country = 'Germany' LIMIT 5"
  sfsync local query 'SELECT LeadSource, COUNT(Id) n FROM Lead GROUP BY LeadSource' --json`,
		Args: verb.ExactArgs("SOQL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.SOQL = args[0]; strings.TrimSpace(o.SOQL) == "" {
				return exit.Usagef("SOQL is empty")
			}
			return runF(cmd.Context(), o)
		},
	}
	o.AddState(cmd.Flags())
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print JSON")
	return cmd
}

func localQueryRun(ctx context.Context, o *localOptions) error {
	l, err := local.OpenState(ctx, o.App, o.State)
	if err != nil {
		return err
	}
	defer l.Close() // nothing was written
	err = l.Query(ctx, o.SOQL, o.JSON, o.Con.Out())
	var bad *local.Refusal
	if errors.As(err, &bad) {
		// The message shows the place in the query, over several lines.
		o.Con.Errorf("%s:\n%s", bad.Code, strings.Trim(bad.Message, "\n"))
		return exit.Errorf(exit.Usage, "%s: the query cannot be run", bad.Code)
	}
	o.Answered = o.JSON
	return err
}

func newLocalShow(a *verb.App, runF func(context.Context, *localOptions) error) *cobra.Command {
	o := &localOptions{App: a}
	if runF == nil {
		runF = localShowRun
	}
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show what is in the local org and what it was asked",
		Long: `Show the objects of the local org that have records, the last Bulk jobs, the API calls it has
counted, and the last requests it got. --json prints all of it.

` + exit.Help(exit.OK, exit.Usage, exit.Unavailable, exit.CannotWrite, exit.BadConfig),
		Example: "  sfsync local show\n  sfsync local show --json",
		Args:    verb.ExactArgs(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return runF(cmd.Context(), o) },
	}
	o.AddState(cmd.Flags())
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print JSON")
	return cmd
}

func localShowRun(ctx context.Context, o *localOptions) error {
	l, err := local.OpenState(ctx, o.App, o.State)
	if err != nil {
		return err
	}
	defer l.Close() // nothing was written
	v, err := l.Show(ctx)
	if err != nil {
		return &exit.Error{Code: exit.Unavailable, Err: err}
	}
	if o.JSON {
		o.Answered = true
		return o.Con.JSON(v)
	}
	return printOverview(o, v)
}

func printOverview(o *localOptions, v localorg.Overview) error {
	w := o.Con.Out()
	fmt.Fprintf(w, "org       %s\nAPI calls %s, %s of %s today\n\n", // the tables below return its error
		v.OrganizationID, ui.Count(v.Calls), ui.Count(v.CallsToday), ui.Count(v.CallsLimit))
	var rows [][]string
	for _, obj := range v.Objects {
		if obj.Records > 0 {
			rows = append(rows, []string{obj.Name, ui.Count(obj.Records)})
		}
	}
	if err := ui.Table(w, []string{"object", "records"}, rows, 1); err != nil {
		return err
	}
	if err := printJobs(w, v.Jobs); err != nil {
		return err
	}
	last := v.Requests[max(0, len(v.Requests)-showRequests):]
	if len(last) == 0 {
		return nil
	}
	rows = nil
	for _, r := range last {
		rows = append(rows, []string{
			r.Time.Local().Format(time.TimeOnly), r.Method, r.Path, strconv.Itoa(r.Status),
			strconv.FormatFloat(r.DurationMS, 'f', 1, 64) + "ms", ui.Count(int64(r.Records)),
		})
	}
	fmt.Fprintln(w) // the table below returns it
	return ui.Table(w, []string{"time", "method", "path", "status", "took", "records"}, rows, 3, 4, 5)
}

// printJobs lists the last jobs, if there are any.
func printJobs(w io.Writer, jobs []localorg.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	var rows [][]string
	for _, j := range jobs[max(0, len(jobs)-showJobs):] {
		rows = append(rows, []string{
			j.ID, j.Operation, j.Object, j.State, j.Created.Local().Format(time.DateTime), ui.Count(j.Processed), ui.Count(j.Failed),
		})
	}
	fmt.Fprintln(w) // the table below returns it
	return ui.Table(w, []string{"job", "operation", "object", "state", "created", "processed", "failed"}, rows, 5, 6)
}

// showJobs is how many of the last jobs local show prints without --json.
const showJobs = 10

// showRequests is how many of the last requests local show prints without --json.
const showRequests = 10
