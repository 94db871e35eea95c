// Package cli is the root of the command line: it assembles the verbs, and turns what they end with into
// what the user sees and the exit code.
package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/host"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/cmd/sfsync/internal/verb/files"
	"sfsync/cmd/sfsync/internal/verb/local"
	"sfsync/cmd/sfsync/internal/verb/org"
	"sfsync/cmd/sfsync/internal/verb/run"
	"sfsync/cmd/sfsync/internal/wording"
)

// Main runs the command line and returns the exit code. It prints everything a user sees,
// including what err says, so that nothing is left to do but to exit.
func Main(ctx context.Context, args []string, sys *host.System) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	world := *sys
	world.Stdout = host.Stdout(sys.Stdout)
	sys = &world
	a := verb.New(sys, &host.Stopper{Cancel: cancel})
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		a.Stop.Watch(ctx, sys)
	}()
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(sys.Stdin)
	root.SetOut(sys.Stdout)
	root.SetErr(sys.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	code := finish(a, cmd, err)
	cancel(nil)
	<-watching
	return int(code)
}

// finish prints what a command ended with and returns its code.
func finish(a *verb.App, cmd *cobra.Command, err error) exit.Code {
	if err == nil {
		return exit.OK
	}
	if onlyClosedStdout(err, host.ClosedPipe) {
		return exit.OK // the reader of our stdout has seen enough
	}
	var done *verb.DoneError
	if errors.As(err, &done) {
		a.Con.Exit(int(done.Code), done.Code.String(), ui.OneLine(done.Message))
		return done.Code
	}
	if signal := a.Stop.Err(); signal != nil {
		err = wording.WithSignal(signal, err)
	}
	code, message := exit.Of(err), wording.Of(err, "")
	list, _ := wording.Findings(err)
	a.Con.Diagnostics(list)
	if code == exit.Usage && cmd != nil {
		message += fmt.Sprintf(" (%s --help shows how)", cmd.CommandPath())
	}
	if json := cmd.Flags().Lookup("json"); json != nil && json.Value.String() == "true" && !a.Answered {
		a.Con.JSON(ui.Failure(verb.Tool(), strings.TrimPrefix(cmd.CommandPath(), "sfsync "), int(code), code.String(), ui.OneLine(message), list)) //nolint:errcheck // the last line on stderr says it too
	}
	a.Con.Exit(int(code), code.String(), ui.OneLine(message))
	return code
}

// onlyClosedStdout reports whether all that went wrong is that nobody reads stdout any more.
func onlyClosedStdout(err error, closed func(error) bool) bool {
	parts := exit.Parts(err)
	for _, part := range parts {
		if !closed(part) {
			return false
		}
	}
	return len(parts) > 0
}

func newRoot(a *verb.App) *cobra.Command {
	root := &cobra.Command{
		Use:   "sfsync",
		Short: "Upsert CSV, JSON Lines and Parquet files into Salesforce",
		Long: `sfsync reads CSV, JSON Lines and Parquet files, applies a mapping file, upserts the rows into
Salesforce and writes a report in which every row has exactly one outcome.

Without --to everything goes to a local org: a small Salesforce inside sfsync.

Every flag can also be set in the environment: --max-failed by SFSYNC_MAX_FAILED.

` + exit.Help(exit.OK, exit.Unexpected, exit.Usage, exit.SomeFailed, exit.AllFailed, exit.SomeUnknown, exit.DataProblems, exit.Pending, exit.NoInput, exit.BadInput,
			exit.InputNotFound, exit.Unavailable, exit.Invariant, exit.CannotWrite, exit.TryAgain, exit.NoPermission, exit.BadConfig, exit.Interrupted),
		Example: `  sfsync run samples/leads/leads.yaml
  sfsync check leads.yaml 'in/*.csv'
  sfsync local query 'SELECT COUNT() FROM Lead'`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              cobra.ArbitraryArgs,
		RunE:              verb.Group,
		PersistentPreRunE: a.Parsed,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(verb.FlagError)
	root.SetHelpCommand(newHelp())
	// A command that only has others below it ends with an error by itself: that is no way to use it.
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", "{{if and .Runnable (not .HasAvailableSubCommands)}}", 1))
	a.AddFlags(root.PersistentFlags())
	root.AddCommand(files.Commands(a)...)
	root.AddCommand(run.Commands(a)...)
	root.AddCommand(local.New(a), org.New(a), newCompletion(a), newVersion(a))
	return root
}

// newHelp is cobra's help command with an error for a name that does not exist.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, rest, err := cmd.Root().Find(args)
			if err != nil {
				return &exit.Error{Code: exit.Usage, Err: err}
			}
			if len(rest) > 0 {
				return verb.Group(c, rest)
			}
			return c.Help()
		},
	}
}
