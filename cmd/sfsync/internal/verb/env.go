package verb

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
)

// Parsed runs once the flags are parsed: it takes the missing ones from the environment.
func (a *App) Parsed(cmd *cobra.Command, _ []string) error {
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

// NoEnvKey marks the flags that have no variable.
const NoEnvKey = "sfsync_no_env"

// applyEnv sets the flags that are not on the command line from the environment. A variable
// that is set but empty counts as not set.
func (a *App) applyEnv(flags *pflag.FlagSet) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		if _, no := f.Annotations[NoEnvKey]; no || f.Changed || f.Name == "help" || err != nil {
			return
		}
		v := a.Sys.Getenv(envName(f.Name))
		if v == "" {
			return
		}
		if setErr := flags.Set(f.Name, v); setErr != nil {
			err = exit.Usagef("environment variable %s: %w", envName(f.Name), badValue(setErr))
			return
		}
		a.FromEnv = append(a.FromEnv, envName(f.Name))
	})
	return err
}
