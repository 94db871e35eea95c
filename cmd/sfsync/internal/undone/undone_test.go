package undone

import (
	"testing"

	"sfsync/pipeline"
	"sfsync/pipeline/backup"
	"sfsync/pipeline/report"
)

func TestPlanned(t *testing.T) {
	for _, c := range []struct {
		counts map[backup.Fate]int64
		want   string
	}{
		{nil, ""},
		{map[backup.Fate]int64{backup.Gone: 1200}, "1,200 to delete"},
		{
			map[backup.Fate]int64{backup.Nothing: 1, backup.Left: 2, backup.Back: 3, backup.Restored: 4, backup.Gone: 0},
			"4 to restore, 3 to bring back, 2 edited since, left alone, 1 with nothing to undo",
		},
	} {
		if got := Planned(c.counts); got != c.want {
			t.Errorf("%v: %q, want %q", c.counts, got, c.want)
		}
	}
}

// Every fate of a record has one status, and is counted once as a row and once as a record of its target.
func TestOutcomeOf(t *testing.T) {
	for _, c := range []struct {
		fate     backup.Fate
		complete bool
		status   report.Status // 0 for no line
		action   string
		target   pipeline.TargetCounts
		rows     pipeline.Counts
	}{
		{backup.Gone, true, report.Succeeded, "deleted", pipeline.TargetCounts{Deleted: 1}, pipeline.Counts{Succeeded: 1}},
		{backup.Restored, true, report.Succeeded, "updated", pipeline.TargetCounts{Updated: 1}, pipeline.Counts{Succeeded: 1}},
		{backup.Back, true, report.Succeeded, "undeleted", pipeline.TargetCounts{Created: 1}, pipeline.Counts{Succeeded: 1}},
		{backup.Nothing, true, report.Succeeded, "unchanged", pipeline.TargetCounts{Unchanged: 1}, pipeline.Counts{Succeeded: 1}},
		{backup.Left, true, report.Skipped, "skipped", pipeline.TargetCounts{Skipped: 1}, pipeline.Counts{Skipped: 1}},
		{backup.Refused, true, report.Failed, "", pipeline.TargetCounts{Failed: 1}, pipeline.Counts{Failed: 1}},
		{"", false, 0, "", pipeline.TargetCounts{Pending: 1}, pipeline.Counts{Pending: 1}},
		{"", true, report.Unknown, "", pipeline.TargetCounts{Unknown: 1}, pipeline.Counts{Unknown: 1}},
	} {
		var target pipeline.TargetCounts
		var rows pipeline.Counts
		o := outcomeOf(&backup.Record{Outcome: c.fate, ID: "00Q000000000001AAA", Target: "lead"}, &target, &rows, c.complete)
		c.target.Records, c.rows.Read = 1, 1
		if o.Status != c.status || o.Action != c.action || o.Target != "lead" || o.ID == "" {
			t.Errorf("%q, complete %v: %+v", c.fate, c.complete, o)
		}
		if target != c.target || rows != c.rows {
			t.Errorf("%q, complete %v: %+v and %+v, want %+v and %+v", c.fate, c.complete, target, rows, c.target, c.rows)
		}
		if c.status == report.Unknown && o.Code == "" {
			t.Errorf("nothing says why it is unknown: %+v", o)
		}
	}
}
