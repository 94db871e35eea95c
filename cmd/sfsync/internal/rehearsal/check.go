package rehearsal

import (
	"errors"
	"fmt"

	"sfsync/pipeline/report"
)

// Check returns a [report.ErrCounts] if the plan of a summary says other than its counts of
// targets, which come from elsewhere: the plan's lines were counted as they were written. Records
// that a stop left undecided have no lines; their number is taken over.
func Check(s *report.Summary) error {
	var errs []error
	for i := range s.Plan.Targets {
		p, t := &s.Plan.Targets[i], &s.Targets[i]
		p.Undecided = t.Pending + t.Unknown
		if t.Created != p.Create || t.Published != p.Publish || t.Updated != p.Update || t.Unchanged != p.Unchanged || t.Deleted != p.Delete ||
			t.Skipped != p.Skip || t.Failed != p.Reject {
			errs = append(errs, fmt.Errorf("target %s: the plan has %+v, the run counted %+v", t.Name, *p, *t))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", report.ErrCounts, errors.Join(errs...))
}
