package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/mapping/diag"
)

// notYetKey marks the flags that are documented but not there yet.
const notYetKey = "sfsync_not_yet"

// codeNotYet is the code of a diagnostic about something that is part of the language, but not
// there yet.
const codeNotYet = "not-yet"

// addNotYet adds flags that are refused with a clear word instead of "unknown flag". They do
// not appear in help texts. switches take no value.
func addNotYet(fs *pflag.FlagSet, switches []string, valued []string) {
	for _, name := range switches {
		fs.Bool(name, false, "")
		markNotYet(fs, name)
	}
	for _, name := range valued {
		fs.String(name, "", "")
		markNotYet(fs, name)
	}
}

func markNotYet(fs *pflag.FlagSet, name string) {
	f := fs.Lookup(name)
	f.Hidden = true
	f.Annotations = map[string][]string{notYetKey: nil}
}

// refuseNotYet returns an error if one of those flags is used.
func refuseNotYet(fs *pflag.FlagSet) error {
	var err error
	fs.Visit(func(f *pflag.Flag) {
		if _, ok := f.Annotations[notYetKey]; ok && err == nil && f.Value.String() != "false" {
			err = notYet("--" + f.Name)
		}
	})
	return err
}

// notYetCommands are the documented verbs that are not there yet.
func notYetCommands() []*cobra.Command {
	var all []*cobra.Command
	for _, name := range []string{"undo"} {
		all = append(all, notYetCommand(name))
	}
	return all
}

// notYetCommand refuses whatever is asked of it, flags and all.
func notYetCommand(name string) *cobra.Command {
	return &cobra.Command{
		Use:                name,
		Hidden:             true,
		DisableFlagParsing: true,
		RunE:               func(cmd *cobra.Command, _ []string) error { return notYet(cmd.CommandPath()) },
	}
}

// notYet returns the refusal of something that is documented but not there yet.
func notYet(what string) error {
	return exit.Errorf(exit.BadConfig, "%s is not yet available in sfsync %s", what, Version)
}

// refuseTargets refuses what a mapping asks of its targets and this version cannot do.
func (j *job) refuseTargets() error {
	if j.command == "plan" {
		return nil // it is about writing
	}
	var l diag.List
	for _, t := range j.file.Targets {
		if t.BackupAlways {
			l.Errorf(t.Pos, codeNotYet, "leave it out if the run may go without", `target %q has backup: always, which is not yet available`, t.Name.Value)
		}
	}
	return l.Err()
}
