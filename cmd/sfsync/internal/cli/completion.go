package cli

import (
	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping/diag"
)

func newCompletion(a *verb.App) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion script of a shell",
		Long: `Print a script that makes bash, zsh, fish or powershell complete sfsync's commands,
flags, mapping files and run directories.

` + exit.Help(exit.OK, exit.Usage),
		Example: `  source <(sfsync completion bash)
  sfsync completion zsh > "${fpath[1]}/_sfsync"
  sfsync completion fish > ~/.config/fish/completions/sfsync.fish
  sfsync completion powershell | Out-String | Invoke-Expression`,
		Args:      verb.ExactArgs("SHELL (bash, zsh, fish or powershell)"),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), a.Con.Out()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(out)
			}
			if near := diag.Nearest(args[0], shells); near != "" {
				return exit.Usagef("unknown shell %q: did you mean %s?", args[0], near)
			}
			return exit.Usagef("unknown shell %q: it is bash, zsh, fish or powershell", args[0])
		},
	}
}
