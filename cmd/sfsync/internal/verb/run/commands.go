// Package run holds the verbs about runs: run, plan, resume, retry and undo, which package job carries out, and
// runs, which looks at what they left.
package run

import (
	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/verb"
)

// Commands are the verbs that make runs, go on with them, and look at them.
func Commands(a *verb.App) []*cobra.Command {
	return []*cobra.Command{newRun(a, nil), newPlan(a, nil), newResume(a, nil), newRetry(a, nil), newUndo(a, nil), newRuns(a)}
}
