// Package cli is the command line: one file a verb. A verb is an options struct, a function
// that makes the cobra command (and only parses), and a function that runs the options; tests
// pass their own in its place.
package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/host"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/mapping/diag"
)

// app is what the verbs share. Its fields below sys are set once the flags are parsed.
type app struct {
	sys  *host.System
	stop *host.Stopper

	quiet     bool
	logFormat string
	con       *ui.Console
	// fromEnv are the flags that came from the environment, by their variables' names.
	fromEnv []string
	// answered is set once a JSON document stands on stdout.
	answered bool
}

// Main runs the command line and returns the exit code. It prints everything a user sees,
// including what err says, so that nothing is left to do but to exit.
func Main(ctx context.Context, args []string, sys *host.System) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	world := *sys
	world.Stdout = host.Stdout(sys.Stdout)
	sys = &world
	a := &app{sys: sys, stop: &host.Stopper{Cancel: cancel}, logFormat: "text"}
	a.setConsole() // for what is said before the flags are parsed
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		a.stop.Watch(ctx, sys)
	}()
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(sys.Stdin)
	root.SetOut(sys.Stdout)
	root.SetErr(sys.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	code := a.finish(cmd, err)
	cancel(nil)
	<-watching
	return int(code)
}

// finish prints what a command ended with and returns its code.
func (a *app) finish(cmd *cobra.Command, err error) exit.Code {
	if err == nil {
		return exit.OK
	}
	if onlyClosedStdout(err, host.ClosedPipe) {
		return exit.OK // the reader of our stdout has seen enough
	}
	var done *doneError
	if errors.As(err, &done) {
		a.con.Exit(int(done.code), done.code.String(), ui.OneLine(done.message))
		return done.code
	}
	if signal := a.stop.Err(); signal != nil {
		err = withSignal(signal, err)
	}
	code, message := exit.Of(err), words(err, "")
	list, _ := findings(err)
	a.con.Diagnostics(list)
	if code == exit.Usage && cmd != nil {
		message += fmt.Sprintf(" (%s --help shows how)", cmd.CommandPath())
	}
	if json := cmd.Flags().Lookup("json"); json != nil && json.Value.String() == "true" && !a.answered {
		a.con.JSON(ui.Failure(Tool(), strings.TrimPrefix(cmd.CommandPath(), "sfsync "), int(code), code.String(), ui.OneLine(message), list)) //nolint:errcheck // the last line on stderr says it too
	}
	a.con.Exit(int(code), code.String(), ui.OneLine(message))
	return code
}

// doneError ends a command that has said all there is to say; only its code is left.
type doneError struct {
	code    exit.Code
	message string
}

func (e *doneError) Error() string { return e.message }

// done returns the end of a verb that prints its exit line even when all went well.
func done(code exit.Code, format string, args ...any) error {
	return &doneError{code, fmt.Sprintf(format, args...)}
}

// setConsole makes the console that the flags ask for.
func (a *app) setConsole() {
	a.con = ui.New(ui.Options{
		Out: a.sys.Stdout, Err: a.sys.Stderr,
		OutTTY: a.sys.StdoutTTY, ErrTTY: a.sys.StderrTTY,
		Colour:   a.sys.Getenv("NO_COLOR") == "" && a.sys.Getenv("TERM") != "dumb",
		Quiet:    a.quiet,
		JSONLogs: a.logFormat == "json",
		Now:      a.sys.Now,
	})
	a.stop.TellBy(a.con.Infof)
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "sfsync",
		Short: "Upsert CSV, JSON Lines and Parquet files into Salesforce",
		Long: `sfsync reads CSV, JSON Lines and Parquet files, applies a mapping file, upserts the rows into
Salesforce and writes a report in which every row has exactly one outcome.

Without --to everything goes to a local org: a small Salesforce inside sfsync.

Every flag can also be set in the environment: --max-failed by SFSYNC_MAX_FAILED.

` + exit.Help(exit.OK, exit.Unexpected, exit.Usage, exit.SomeFailed, exit.AllFailed, exit.SomeUnknown, exit.DataProblems, exit.BadInput,
			exit.InputNotFound, exit.Unavailable, exit.Invariant, exit.CannotWrite, exit.TryAgain, exit.NoPermission, exit.BadConfig, exit.Interrupted),
		Example: `  sfsync run samples/leads/leads.yaml
  sfsync check leads.yaml 'in/*.csv'
  sfsync local query 'SELECT COUNT() FROM Lead'`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              cobra.ArbitraryArgs,
		RunE:              group,
		PersistentPreRunE: a.parsed,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelp())
	pf := root.PersistentFlags()
	pf.BoolVar(&a.quiet, "quiet", false, "print errors only")
	pf.StringVar(&a.logFormat, "log-format", "text", "messages on stderr as `text|json`")
	root.AddCommand(
		newInit(a, nil), newImport(a, nil), newRun(a, nil), newPlan(a, nil), newCheck(a, nil), newCat(a, nil), newResume(a, nil), newRetry(a, nil), newUndo(a, nil), newRuns(a),
		newLocal(a), newOrg(a), newCompletion(a), newVersion(a))
	return root
}

// parsed runs once the flags are parsed: it takes the missing ones from the environment.
func (a *app) parsed(cmd *cobra.Command, _ []string) error {
	if err := a.applyEnv(cmd.Flags()); err != nil {
		return err
	}
	if a.logFormat != "text" && a.logFormat != "json" {
		format := a.logFormat
		a.logFormat = "text"
		return exit.Usagef("--log-format is text or json, not %q", format)
	}
	a.setConsole()
	return nil
}

// envName returns the variable that sets a flag: SFSYNC_MAX_FAILED for max-failed.
func envName(flag string) string {
	return "SFSYNC_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// noEnvKey marks the flags that have no variable.
const noEnvKey = "sfsync_no_env"

// applyEnv sets the flags that are not on the command line from the environment. A variable
// that is set but empty counts as not set.
func (a *app) applyEnv(flags *pflag.FlagSet) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		if _, no := f.Annotations[noEnvKey]; no || f.Changed || f.Name == "help" || err != nil {
			return
		}
		v := a.sys.Getenv(envName(f.Name))
		if v == "" {
			return
		}
		if setErr := flags.Set(f.Name, v); setErr != nil {
			err = exit.Usagef("environment variable %s: %w", envName(f.Name), setErr)
			return
		}
		a.fromEnv = append(a.fromEnv, envName(f.Name))
	})
	return err
}

// flagError words what is wrong with a flag, with the nearest name for an unknown one.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if near := diag.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			return exit.Usagef("unknown flag --%s: did you mean --%s?", unknown.GetSpecifiedName(), near)
		}
		return exit.Usagef("unknown flag --%s", unknown.GetSpecifiedName())
	}
	return &exit.Error{Code: exit.Usage, Err: err}
}

// group is what a command does that only has commands below it.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		cmd.SetOut(cmd.ErrOrStderr())
		cmd.Help() //nolint:errcheck // the error below says what is missing
		return exit.Usagef("a command is missing")
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	if near := diag.Nearest(args[0], names); near != "" {
		return exit.Usagef("unknown command %q: did you mean %s?", args[0], near)
	}
	return exit.Usagef("unknown command %q", args[0])
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
				return group(c, rest)
			}
			return c.Help()
		},
	}
}

// exactArgs accepts exactly the arguments of these names.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return exit.Usagef("%s is missing", names[len(args)])
		}
		if len(args) > len(names) {
			return exit.Usagef("unexpected argument %q", args[len(names)])
		}
		return nil
	}
}

// atLeast accepts the named arguments and any number more.
func atLeast(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return exit.Usagef("%s is missing", names[len(args)])
		}
		return nil
	}
}
