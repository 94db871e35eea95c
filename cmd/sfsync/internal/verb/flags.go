package verb

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/mapping/diag"
)

// OneOf checks a flag that takes one of a few words.
func OneOf(flag, value string, words ...string) error {
	for _, w := range words {
		if value == w {
			return nil
		}
	}
	hint := diag.DidYouMean(value, words)
	if hint == "" {
		hint = "it is " + strings.Join(words, ", ")
	}
	return exit.Usagef("unknown --%s %q: %s", flag, value, hint)
}

// CompleteExt completes file names with these extensions.
func CompleteExt(exts ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return exts, cobra.ShellCompDirectiveFilterFileExt
	}
}

// FlagError words what is wrong with a flag, with the nearest name for an unknown one.
func FlagError(cmd *cobra.Command, err error) error {
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
	return &exit.Error{Code: exit.Usage, Err: badValue(err)}
}

// badValue says of a flag's value that cannot be read what it has to be; other errors are returned as they are.
func badValue(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	f := invalid.GetFlag()
	var want string
	switch f.Value.Type() {
	case "int", "int64":
		want = "a whole number"
	case "duration":
		want = "a duration such as 90s, 5m or 2h"
	case "bool":
		want = "true or false"
	default: // flags of our own, which say it themselves
		return err
	}
	return fmt.Errorf("invalid argument %q for \"--%s\" flag: it is %s", invalid.GetValue(), f.Name, want)
}

// Group is what a command does that only has commands below it.
func Group(cmd *cobra.Command, args []string) error {
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

// ExactArgs accepts exactly the arguments of these names.
func ExactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return exit.Usagef("%s is missing", names[len(args)])
		}
		if len(args) > len(names) {
			return cmp.Or(misplaced(cmd, args[len(names):]), exit.Usagef("unexpected argument %q", args[len(names)]))
		}
		return nil
	}
}

// AtLeast accepts the named arguments and any number more.
func AtLeast(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return exit.Usagef("%s is missing", names[len(args)])
		}
		return misplaced(cmd, args)
	}
}

// misplaced looks among arguments for the value of a flag that was given without one: a flag whose value may be left
// out takes it by = only, so that what follows it counts as an argument. A file of that name is meant as one.
func misplaced(cmd *cobra.Command, args []string) error {
	var err error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.NoOptDefVal == "" || f.Value.String() != f.NoOptDefVal {
			return
		}
		values := strings.Split(f.Value.Type(), "|")
		if f.Value.Type() == "bool" {
			values = []string{"true", "false"}
		}
		for _, arg := range args {
			if !slices.Contains(values, arg) {
				continue
			}
			if _, statErr := os.Stat(arg); err == nil && errors.Is(statErr, fs.ErrNotExist) {
				err = exit.Usagef("there is no file %q: as the value of --%s it is written --%[2]s=%[1]s", arg, f.Name)
			}
		}
	})
	return err
}
