// Package org holds the verbs about orgs: org login, logout, list and show keep them under names, describe, limits
// and snapshot ask them about themselves.
package org

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/sink/salesforce"
)

// New returns the command org, with those below it.
func New(a *verb.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "org",
		Short:   "Keep orgs under names, and ask them about themselves",
		Long:    "Log in to orgs and keep them under names, and ask the org that --to names about its limits\nand objects.\n\n" + exit.Help(exit.OK, exit.Usage, exit.Unavailable, exit.CannotWrite, exit.TryAgain, exit.NoPermission, exit.BadConfig),
		Example: "  sfsync org login prod --client-id 3MVG9…\n  sfsync org list\n  sfsync org limits\n  sfsync org describe Lead --to env\n  sfsync org snapshot schema/prod --mapping leads.yaml --to env",
		Args:    cobra.ArbitraryArgs,
		RunE:    verb.Group,
	}
	cmd.AddCommand(newOrgDescribe(a, nil), newOrgLimits(a, nil), newOrgSnapshot(a, nil),
		newOrgLogin(a, nil), newOrgLogout(a, nil), newOrgList(a, nil), newOrgShow(a, nil))
	return cmd
}

type orgOptions struct {
	*verb.App
	remote.Flags
	Object string
	JSON   bool
}

// command completes a command that asks an org: its flags, exit codes, and what runs it.
func (o *orgOptions) command(cmd *cobra.Command, jsonHelp string, run func(context.Context, *orgOptions) error) *cobra.Command {
	cmd.Long += "\n\n" + exit.Help(exit.OK, exit.Usage, exit.Unavailable, exit.CannotWrite, exit.TryAgain, exit.NoPermission, exit.BadConfig)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			o.Object = args[0]
		}
		if err := o.Check(); err != nil {
			return err
		}
		return run(cmd.Context(), o)
	}
	o.AddTo(cmd.Flags())
	cmd.Flags().BoolVar(&o.JSON, "json", false, jsonHelp)
	return cmd
}

func newOrgDescribe(a *verb.App, runF func(context.Context, *orgOptions) error) *cobra.Command {
	if runF == nil {
		runF = orgDescribeRun
	}
	o := &orgOptions{App: a}
	return o.command(&cobra.Command{
		Use:   "describe OBJECT",
		Short: "Print the fields of an object as the org describes them",
		Long: `Print the fields of an object that the user may see: type, length, whether records need it,
whether it can be written, and whether it can be the match field of an upsert. --json prints
the org's own document, as a schema snapshot holds it.`,
		Example: "  sfsync org describe Lead\n  sfsync org describe Account --to env --json > Account.json",
		Args:    verb.ExactArgs("OBJECT"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return schema.Standard().Names(), cobra.ShellCompDirectiveNoFileComp
		},
	}, "print the org's document", runF)
}

func orgDescribeRun(ctx context.Context, o *orgOptions) error {
	c, err := remote.Connect(ctx, o.App, &o.Flags, remote.Start{Since: o.Sys.Now()})
	if err != nil {
		return err
	}
	defer c.Close() // nothing was written
	text, err := c.Describe(ctx, o.Object)
	if remote.NotFound(err) {
		hint := ""
		if names, err := c.ObjectNames(ctx); err == nil {
			hint = strings.TrimSuffix(": "+diag.DidYouMean(o.Object, names), ": ")
		}
		return exit.Errorf(exit.BadConfig, "%s has no object %q, or does not show it%s", remote.Name(c.Info), o.Object, hint)
	}
	if err != nil {
		return err
	}
	if o.JSON {
		o.Answered = true
		_, err := fmt.Fprintf(o.Con.Out(), "%s\n", text)
		return err
	}
	obj, err := schema.ParseDescribe(text)
	if err != nil {
		return exit.Errorf(exit.Unavailable, "describe %s: %w", o.Object, err)
	}
	rows := make([][]string, len(obj.Fields))
	for i, f := range obj.Fields {
		rows[i] = []string{f.Name, fieldType(f), fieldUse(f), fieldKey(f), f.Label}
	}
	return ui.Table(o.Con.Out(), []string{"field", "type", "write", "key", "label"}, rows)
}

// fieldType renders a type with its size: string(40), double(5,2), reference(Account).
func fieldType(f *schema.Field) string {
	switch {
	case len(f.ReferenceTo) > 0:
		return "reference(" + strings.Join(f.ReferenceTo, ",") + ")"
	case f.Precision > 0:
		return fmt.Sprintf("%s(%d,%d)", f.Type, f.Precision-f.Scale, f.Scale)
	case f.Length > 0 && f.Type != schema.ID:
		return string(f.Type) + "(" + strconv.Itoa(f.Length) + ")"
	}
	return string(f.Type)
}

func fieldUse(f *schema.Field) string {
	switch {
	case f.Required():
		return "required"
	case f.Createable && f.Updateable:
		return "yes"
	case f.Createable:
		return "create only"
	case f.Updateable:
		return "update only"
	}
	return "no"
}

func fieldKey(f *schema.Field) string {
	switch {
	case f.Type == schema.ID:
		return "id"
	case f.UniqueKey():
		return "unique external id"
	case f.ExternalID:
		return "external id"
	case f.IDLookup:
		return "lookup"
	}
	return ""
}

func newOrgLimits(a *verb.App, runF func(context.Context, *orgOptions) error) *cobra.Command {
	if runF == nil {
		runF = orgLimitsRun
	}
	o := &orgOptions{App: a}
	return o.command(&cobra.Command{
		Use:     "limits",
		Short:   "Print the org's limits and what is left of them",
		Long:    "Print the org's limits and what is left of them. Orgs update these figures every few minutes.",
		Example: "  sfsync org limits --to env",
		Args:    verb.ExactArgs(),
	}, "print JSON", runF)
}

func orgLimitsRun(ctx context.Context, o *orgOptions) error {
	c, err := remote.Connect(ctx, o.App, &o.Flags, remote.Start{Since: o.Sys.Now()})
	if err != nil {
		return err
	}
	defer c.Close() // nothing was written
	limits, err := c.Limits(ctx)
	if err != nil {
		return err
	}
	if o.JSON {
		o.Answered = true
		return o.Con.JSON(limits)
	}
	return ui.Table(o.Con.Out(), []string{"limit", "left", "of"}, limitRows(limits), 1, 2)
}

func limitRows(limits map[string]salesforce.Limit) [][]string {
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		l := limits[name]
		rows = append(rows, []string{name, ui.Count(l.Remaining), ui.Count(l.Max)})
	}
	return rows
}
