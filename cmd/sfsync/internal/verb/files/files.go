// Package files holds the verbs that work on files and ask no org: init and import make mappings, check and cat
// look at mappings and rows.
package files

import (
	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/verb"
)

// Commands are the verbs about files, for which no org is asked.
func Commands(a *verb.App) []*cobra.Command {
	return []*cobra.Command{newInit(a, nil), newImport(a, nil), newCheck(a, nil), newCat(a, nil)}
}
