package run

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// addBackup adds the flag that keeps what records hold.
func addBackup(fs *pflag.FlagSet, to *bool) {
	fs.BoolVar(to, "backup", false, "keep what records hold before they are written, for sfsync undo; costs lookups")
}

// kept makes the help say that flags are those of the run that is taken up, unless they are given.
func kept(fs *pflag.FlagSet, names ...string) {
	for _, name := range names {
		f := fs.Lookup(name)
		f.DefValue = ""
		f.Usage += " (default: that of the run)"
	}
}

// completeRun completes the one argument RUN with the run directories under a root.
func completeRun(root *string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		entries, err := os.ReadDir(*root)
		if len(args) > 0 || err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, e := range entries {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
				names = append(names, filepath.Join(*root, e.Name()))
			}
		}
		return names, cobra.ShellCompDirectiveDefault
	}
}
