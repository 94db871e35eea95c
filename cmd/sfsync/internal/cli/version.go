package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/verb"
)

func newVersion(a *verb.App) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Print the version, the commit it was built from and the platform.\n\n" + exit.Help(exit.OK, exit.Usage),
		Example: "  sfsync version --json",
		Args:    verb.ExactArgs(),
		RunE: func(*cobra.Command, []string) error {
			v := buildInfo()
			if asJSON {
				return a.Con.JSON(v)
			}
			_, err := fmt.Fprintf(a.Con.Out(), "sfsync %s (%s%s, %s)\n", v.Version, commitText(v.Commit), v.Go, v.Platform)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func buildInfo() build {
	v := build{Version: verb.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	return v
}

func commitText(commit string) string {
	if commit == "" {
		return ""
	}
	return "commit " + commit[:min(12, len(commit))] + ", "
}
