// Package undone tells what an undo would do and has done: in words, in row files and in counts.
package undone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline"
	"sfsync/pipeline/backup"
	"sfsync/pipeline/report"
	"sfsync/pipeline/row"
)

// Planned words what would be done.
func Planned(n map[backup.Fate]int64) string {
	var parts []string
	for _, p := range []struct {
		fate backup.Fate
		word string
	}{
		{backup.Gone, "to delete"},
		{backup.Restored, "to restore"},
		{backup.Back, "to bring back"},
		{backup.Left, "edited since, left alone"},
		{backup.Unsure, "left alone, since the run may have created them or not"},
		{backup.Nothing, "with nothing to undo"},
	} {
		if n[p.fate] > 0 {
			parts = append(parts, ui.Count(n[p.fate])+" "+p.word)
		}
	}
	return strings.Join(parts, ", ")
}

// Report writes the row files of dir anew, from what store knows of every record, and counts. The plan it returns
// names the targets; place is what the rows are said to come from. Without complete, records that nothing is known of
// are still to come.
func Report(ctx context.Context, dir *report.Dir, store *backup.Store, place string, errs *report.Errors, complete bool) (*mapping.Plan, *pipeline.Result, error) {
	plan, res := &mapping.Plan{}, &pipeline.Result{Complete: complete}
	rows, err := report.NewRows(dir)
	if err != nil {
		return plan, res, err
	}
	if err := rows.Restore(nil); err != nil {
		return plan, res, err
	}
	targets := make(map[string]int)
	columns := row.NewSchema(row.Column{Name: "record", Type: "json"})
	var line int64
	err = store.Each(ctx, row.MaxRows, func(records []*backup.Record) error {
		b := row.New(columns)
		outcomes := make([]report.Outcome, len(records))
		for i, r := range records {
			line++
			text, err := json.Marshal(r)
			if err != nil {
				return fmt.Errorf("encode a record: %w", err)
			}
			b.SetRaw(b.AddRow(line), text)
			t, ok := targets[r.Target]
			if !ok {
				t = len(res.Targets)
				targets[r.Target] = t
				res.Targets = append(res.Targets, pipeline.TargetCounts{})
				plan.Targets = append(plan.Targets, mapping.PlanTarget{Name: r.Target, Object: &schema.Object{Name: r.Object}})
			}
			outcomes[i] = outcomeOf(r, &res.Targets[t], &res.Rows, complete)
			if r.Outcome == backup.Refused || r.Outcome == backup.Left { // what is left to do is to be found
				errs.Add(r.Code, r.Field, place, line, r.Message)
			}
		}
		return rows.Batch(b, place, 1, func(i, _ int) report.Outcome { return outcomes[i] })
	})
	return plan, res, errors.Join(err, rows.Close())
}

// outcomeOf is the line of a record in the row files; it is counted, too.
func outcomeOf(r *backup.Record, t *pipeline.TargetCounts, rows *pipeline.Counts, complete bool) report.Outcome {
	o := report.Outcome{Target: r.Target, Object: r.Object, ID: r.ID, Code: r.Code, Field: r.Field, Message: r.Message, Attempts: 1}
	t.Records++
	rows.Read++
	succeeded := func(n *int64, action string) {
		*n++
		rows.Succeeded++
		o.Status, o.Action = report.Succeeded, action
	}
	switch r.Outcome {
	case backup.Gone:
		succeeded(&t.Deleted, "deleted")
	case backup.Restored:
		succeeded(&t.Updated, "updated")
	case backup.Back:
		succeeded(&t.Created, "undeleted")
	case backup.Nothing:
		succeeded(&t.Unchanged, "unchanged")
	case backup.Left:
		t.Skipped++
		rows.Skipped++
		o.Status, o.Action = report.Skipped, "skipped"
	case backup.Refused:
		t.Failed++
		rows.Failed++
		o.Status = report.Failed
	default:
		if !complete {
			t.Pending++
			rows.Pending++
			break
		}
		t.Unknown++
		rows.Unknown++
		o.Status, o.Code, o.Message = report.Unknown, "NO_ANSWER", "the answer was lost: sfsync undo, said again, looks at the record again"
	}
	return o
}
