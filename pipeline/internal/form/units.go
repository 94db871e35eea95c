package form

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/internal/deliver"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/ledger"
	"sfsync/sink"
)

// unit is what an earlier try at the run left under way at an org, which keeps the results of its records: a
// job of the Bulk API.
type unit struct {
	id      string
	records int         // that the ledger has of it
	action  sink.Action // of items: a unit has records of one action
	never   bool        // nothing of it was worked off, and nothing will be
	items   []work.Item // that have come so far
}

// units are those of a pass. The number of a unit, which its records have, is its place and one.
type units struct {
	all  []*unit
	byID map[string]int
	err  error // why it is not known whether they have ended: nothing can be sent
}

// takeUp returns what an earlier try left under way, once it has ended at the orgs: what is sent from now
// on comes behind it. The error says that there is nothing to go on with; see also [units].
func takeUp(ctx context.Context, opt *Options) (*units, error) {
	u := &units{byID: make(map[string]int)}
	if !opt.Resume || opt.Ledger == nil {
		return u, nil
	}
	writers := make(map[sink.Resumer][]int)
	err := opt.Ledger.Each(ctx, func(b *ledger.Batch) error {
		if b.Final || b.Rows == 0 {
			return nil
		}
		for i, s := range b.States {
			id := b.ID(i)
			if s != ledger.Sending || id == "" || i/b.Rows >= len(opt.Targets) {
				continue
			}
			id = schema.ID18(id)
			n, known := u.byID[id]
			if !known {
				w, ok := opt.Targets[i/b.Rows].Writer.(sink.Resumer)
				if !ok {
					return fmt.Errorf("the run was begun with another API: job %s is under way, and only the Bulk API can say what became of it", id)
				}
				if len(u.all) == math.MaxUint16 {
					return fmt.Errorf("more than %d jobs are under way", len(u.all))
				}
				u.all = append(u.all, &unit{id: id})
				n = len(u.all)
				u.byID[id] = n
				writers[w] = append(writers[w], n)
			}
			u.all[n-1].records++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		select {
		case <-opt.Stop:
			stop(work.ErrStopped)
		case <-ctx.Done():
		}
	}()
	for w, of := range writers {
		ids := make([]string, len(of))
		for i, n := range of {
			ids[i] = u.all[n-1].id
		}
		never, err := w.Settle(ctx, ids)
		if ctx.Err() != nil {
			u.err = context.Cause(ctx)
			return u, nil
		}
		if err != nil {
			u.err = fmt.Errorf("wait for the jobs that the run left under way: %w", err)
			return u, nil
		}
		for _, n := range of {
			u.all[n-1].never = slices.Contains(never, u.all[n-1].id)
		}
	}
	return u, nil
}

// of returns the unit of a record that an earlier try sent, and its number; nil for none.
func (u *units) of(b *ledger.Batch, i int) (*unit, uint16) {
	if len(u.all) == 0 {
		return nil, 0
	}
	n, ok := u.byID[schema.ID18(b.ID(i))]
	if !ok {
		return nil, 0
	}
	return u.all[n-1], uint16(n)
}

// rejoin puts a record that an earlier try sent to the others of its unit, and reports whether it was one. A record
// that is to be sent in another way now, since it has been found meanwhile or is gone, is none.
func (l *lane) rejoin(it work.Item) bool {
	n := it.Record().Unit
	if n == 0 {
		return false
	}
	u := l.units[n]
	if u == nil {
		u = &unit{action: it.Action}
		l.units[n] = u
	}
	if u.action != it.Action {
		return false
	}
	u.items = append(u.items, it)
	return true
}

// settled moves to j, which is empty, the records of a unit whose results are to be asked for: one of which
// all have come, with flush any.
func (f *Former) settled(j *deliver.Job, l *lane, flush bool) {
	if len(l.units) == 0 {
		return
	}
	for _, n := range slices.Sorted(maps.Keys(l.units)) {
		u := f.units.all[n-1]
		if items := l.units[n].items; flush || len(items) >= u.records {
			j.Unit, j.Items = u.id, append(j.Items, items...)
			u.records -= len(items)
			delete(l.units, n)
			return
		}
	}
}

// remember applies what an earlier try at the run knew of a record and reports whether that
// settles it.
func (f *Former) remember(l *lane, it work.Item) bool {
	i := int(it.Index)
	state := it.Batch.Prior.States[i]
	rec := it.Record()
	if state == ledger.Sending {
		switch u, n := f.units.of(it.Batch.Prior, i); {
		case u == nil && it.Batch.Prior.ID(i) == "" && l.Resumes(), u != nil && u.never:
			return false // it has not been sent
		case u != nil && (l.Plan.Operation != mapping.Delete || !l.Asks(it)): // else a lookup tells
			rec.State, rec.Resend, rec.Unit = state, true, n
			return false
		default:
			rec.State, rec.Resend = state, true
		}
		if l.Once() {
			f.decide(l, it, ledger.Unknown, &ledger.Problem{
				Code: "NO_ANSWER", Attempts: 1,
				Message: "the run was cut off while this record was being inserted: it may or may not have been created",
			})
			return true
		}
	}
	if !state.Decided() {
		return false
	}
	rec.ID = schema.ID18(it.Batch.Prior.ID(i))
	switch state {
	case ledger.Created, ledger.Updated, ledger.Deleted, ledger.Published:
		rec.Attempts = 1 // at least: the ledger does not keep it for those that went well
	}
	var p *ledger.Problem
	if known, ok := it.Batch.Prior.Problems[i]; ok {
		p = &known
		rec.Attempts = uint8(min(known.Attempts, 255))
	}
	f.decide(l, it, state, p)
	return true
}
