package backup

import (
	"context"

	"sfsync/sink"
)

// bringBack brings the records back that are to be, and looks at what else is to be done about them.
func (p *piece) bringBack(ctx context.Context) error {
	refused, err := p.undelete(ctx)
	if err != nil {
		return err
	}
	if err := p.look(ctx); err != nil { // those with fields to restore, and those that are back all the same
		return err
	}
	for i, e := range refused {
		if r := p.records[i]; p.back[i] { // it is not there
			r.Outcome, r.Code, r.Message = Refused, e.Code, e.Message
		}
	}
	p.credit()
	return nil
}

// undelete brings records back, and returns what the org says of those that it refuses. They may be back even so: by a
// call before, to which there was no answer.
func (p *piece) undelete(ctx context.Context) (refused map[int]*sink.Error, err error) {
	var ids []string
	var at []int
	for i, r := range p.records {
		if p.back[i] {
			ids, at = append(ids, r.ID), append(at, i)
		}
	}
	results := make([]sink.Result, len(ids))
	err = p.org.Undelete(ctx, ids, results)
	refused = make(map[int]*sink.Error)
	for n, i := range at {
		switch res, r := &results[n], p.records[i]; {
		case res.Status == sink.Updated && len(r.Before) == 0:
			r.Outcome = Back
		case res.Status == sink.Failed:
			refused[i] = res.Err
		}
	}
	return refused, err
}
