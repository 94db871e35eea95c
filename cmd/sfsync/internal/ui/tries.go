package ui

import (
	"fmt"
	"io"
	"strings"

	"sfsync/pipeline/report"
)

// Try is one of several tries at the same rows.
type Try struct {
	Name, Parent, Command, State string
	Rows                         report.RowCounts
	Shown                        bool // it is the one that was asked for
}

// Left is what all tries have left of the records that the first one failed to write.
type Left struct{ Records, Of int64 }

// Tries prints the tries at the rows of a run, the first one first. left is nil if it is not known.
func Tries(w io.Writer, tries []Try, left *Left) error {
	var b strings.Builder
	for i, t := range tries {
		name, mark := "", " "
		if i == 0 {
			name = "tries"
		}
		if t.Shown {
			mark = "*"
		}
		fmt.Fprintf(&b, "%-8s %s %s: ", name, mark, t.Name)
		if t.Command == "" {
			b.WriteString(t.State)
		} else {
			fmt.Fprintf(&b, "%s of %s failed", Count(t.Rows.Failed), Rows(t.Rows.Read))
			if t.Rows.Unknown > 0 {
				fmt.Fprintf(&b, ", %s unknown", Count(t.Rows.Unknown))
			}
			if t.Parent != "" {
				fmt.Fprintf(&b, ", %s of %s", t.Command, t.Parent)
			}
		}
		b.WriteByte('\n')
	}
	if left != nil {
		of := Plural(left.Of, "record that failed or was unknown", "records that failed or were unknown")
		n := "nothing"
		if left.Records > 0 {
			n = Count(left.Records)
		}
		fmt.Fprintf(&b, "%-8s %s of %s in the first\n", "left", n, of)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
