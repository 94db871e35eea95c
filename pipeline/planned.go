package pipeline

import (
	"sfsync/mapping"
	"sfsync/pipeline/internal/rehearse"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/plan"
)

// planned hands a batch on to Options.Planned.
func (c *collector) planned(w *work.Batch, path string) error {
	if c.opt.Planned == nil || w.Mapped == nil {
		return nil
	}
	return c.opt.Planned(&plan.Batch{Path: path, Mapped: w.Mapped, Second: c.base > 0, Record: func(r, t int) plan.Record {
		rec := w.Record(t, int32(r))
		p := plan.Record{ID: rec.ID, Action: actionOf(rec.State)}
		if rehearse.IsMadeUp(p.ID) {
			p.ID = ""
		}
		if rec.Problem != nil {
			p.Code, p.Field, p.Message = rec.Problem.Code, rec.Problem.Field, rec.Problem.Message
		}
		if w.Mapped.Targets[t].Fate(r) == mapping.Look && rec.State != ledger.Failed { // it fails where several are found
			p.Action = plan.Look
		}
		if p.Action == plan.Update {
			p.Before = w.Changes[t*w.Rows+r].Before
		}
		return p
	}})
}

// actionOf is a plan's word for what became of a record in a rehearsal.
func actionOf(s ledger.State) plan.Action {
	switch s {
	case ledger.Created:
		return plan.Create
	case ledger.Updated:
		return plan.Update
	case ledger.Unchanged:
		return plan.Unchanged
	case ledger.Deleted:
		return plan.Delete
	case ledger.Published:
		return plan.Publish
	case ledger.Skipped:
		return plan.Skip
	case ledger.Failed:
		return plan.Reject
	}
	return plan.Undecided
}
