package rest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/fault"
	"sfsync/sink/localorg/lock"
	"sfsync/sink/localorg/store"
)

// Span is how long a transaction takes, and what it locks meanwhile. What the database takes for it is a part of
// that time, so that a pace is kept on a slow machine, too.
type Span struct {
	holder *lock.Holder
	took   time.Duration
	// wanted are the records to lock beginning with one that another transaction holds; denied those
	// that were waited for in vain.
	wanted []string
	denied map[string]bool
}

// Take makes the transaction longer and reports whether there is one.
func (s *Span) Take(d time.Duration) bool {
	if s == nil {
		return false
	}
	s.took += d
	return true
}

// errWait ends a transaction that has to wait for a lock. Nobody waits inside of a transaction of
// the database, since there is only one at a time.
var errWait = errors.New("wait for a lock")

// maxWaits bounds how often a transaction begins again because of a lock; then it takes no for an
// answer. Each time it holds one lock more, or has waited in vain.
const maxWaits = 100

// Update runs fn in the request's transaction, or in one of its own that also keeps the count of
// calls. What fn writes through the gate locks the records and their parents for the time that
// the writing takes; if another transaction holds one of them, everything is undone, and fn is run
// again once they are free. rq.Entry is set back for that; fn must set back what it keeps elsewhere.
func (g *Gate) Update(ctx context.Context, rq *Request, fn func(*store.Tx) error) error {
	if rq.Tx != nil {
		rq.Tx.As(rq.Caller)
		return fn(rq.Tx)
	}
	span := &Span{holder: g.Locks.Holder()}
	defer span.holder.Release()
	entry := *rq.Entry
	began := g.Now()
	err := g.try(ctx, rq, span, fn)
	if len(span.wanted) > 0 {
		_, wait := g.pace()
		patience, cancel := context.WithTimeout(ctx, wait) // for all locks together
		defer cancel()
		for n := 0; len(span.wanted) > 0; n++ {
			if n >= maxWaits {
				cancel()
			}
			span.await(patience, wait)
			*rq.Entry = entry
			began = g.Now()
			err = g.try(ctx, rq, span, fn)
		}
	}
	if err == nil {
		Sleep(ctx, span.took-max(0, g.Now().Sub(began)))
	}
	return err
}

// try runs fn in a transaction, which is undone if it wants a lock that another one holds.
func (g *Gate) try(ctx context.Context, rq *Request, span *Span, fn func(*store.Tx) error) error {
	span.took, span.wanted = 0, span.wanted[:0]
	return g.Store.Update(ctx, func(tx *store.Tx) error {
		rq.Tx, rq.Span = tx, span
		defer func() { rq.Tx, rq.Span = nil, nil }()
		tx.As(rq.Caller)
		err := fn(tx)
		switch {
		case len(span.wanted) > 0:
			return errWait
		case err != nil:
			return err
		}
		return tx.SetMeta("calls", g.Calls.Snapshot())
	})
}

// await waits for the locks that are wanted, as long as the context lasts; those that it does not get are
// denied from now on.
func (s *Span) await(ctx context.Context, wait time.Duration) {
	for _, id := range s.wanted {
		if !s.denied[id] && !s.holder.Wait(ctx, id, wait) {
			if s.denied == nil {
				s.denied = map[string]bool{}
			}
			s.denied[id] = true
		}
	}
}

// Sleep waits for d and reports whether the context lasted.
func Sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (g *Gate) pace() (row, lockWait time.Duration) {
	if g.Pace == nil {
		return 0, 0
	}
	return g.Pace()
}

// Write carries out a change of one record or more, with the faults that a test wants. It may be
// called in a transaction that [Gate.Update] began.
func (g *Gate) Write(ctx context.Context, rq *Request, ch *store.Change) (results []store.Result, err error) {
	rq.Entry.Records += len(ch.Records)
	row, _ := g.pace()
	struck := g.strike(rq, ch)
	given := ch.Records
	lockable := row > 0 || struck > 0 || !g.Locks.Idle()
	err = g.Update(ctx, rq, func(tx *store.Tx) error {
		if rq.Span != nil && lockable {
			// Writing changes the records, and the transaction may begin again.
			ch.Records = make([]*catalog.Record, len(given))
			for i, r := range given {
				ch.Records[i] = r.Clone()
			}
			span := rq.Span
			ch.Hold = func(tx *store.Tx, o *catalog.Object, rows []store.Row) error {
				return span.hold(ctx, tx, o, rows)
			}
		}
		results, err = tx.Write(ch)
		rq.Span.Take(struck + row*carried(results))
		return err
	})
	return results, err
}

// carried counts the records that took their time: all but those that were locked.
func carried(results []store.Result) (n time.Duration) {
	for i := range results {
		if e := results[i].Err; e == nil || e.Code != codeLocked {
			n++
		}
	}
	return n
}

// codeLocked is the code of a record that another transaction holds, or one of whose parents it holds.
const codeLocked = "UNABLE_TO_LOCK_ROW"

// strike asks what is to go wrong with the records, and returns the time that they take for it.
func (g *Gate) strike(rq *Request, ch *store.Change) (took time.Duration) {
	if g.Fault == nil {
		return 0
	}
	var refused map[int]*catalog.Error
	for i, r := range ch.Records {
		a := g.Fault(fault.Point{N: rq.N, Method: rq.Method, Path: rq.Path, Row: true, Object: r.Object.Def.Name, Index: i})
		took += a.Delay
		if a.Code != "" {
			if refused == nil {
				refused = map[int]*catalog.Error{}
			}
			refused[i] = &catalog.Error{Code: a.Code, Message: a.Message}
		}
	}
	if len(refused) > 0 {
		ch.Reject = func(i int, _ *catalog.Record) *catalog.Error { return refused[i] }
	}
	return took
}

// hold takes the locks on records about to be saved and on their parents.
func (s *Span) hold(ctx context.Context, tx *store.Tx, o *catalog.Object, rows []store.Row) error {
	var parents []*catalog.Field
	for _, f := range o.Fields {
		if locksParent(f) {
			parents = append(parents, f)
		}
	}
	before, err := currentParents(ctx, tx, o, parents, rows)
	if err != nil {
		return err
	}
	keys := make([][]string, len(rows))
	var all []string
	for i := range rows {
		r := &rows[i]
		list := before[r.ID]
		if r.ID != "" {
			list = append(list, r.ID)
		}
		for _, f := range parents {
			if r.Record == nil {
				break // it is deleted
			}
			if id, _ := r.Record.Value(f); id != nil {
				list = append(list, fmt.Sprint(id))
			}
		}
		keys[i] = list
		all = append(all, list...)
	}
	slices.Sort(all) // everybody takes locks in this order, so that no two wait for each other
	all = slices.Compact(all)
	for i, id := range all {
		if !s.denied[id] && !s.holder.Try(id) {
			s.wanted = append(s.wanted, all[i:]...)
			return errWait
		}
	}
	for i, list := range keys {
		if k := slices.IndexFunc(list, func(id string) bool { return s.denied[id] }); k >= 0 {
			rows[i].Err = &catalog.Error{Code: codeLocked, Message: "unable to obtain exclusive access to this record or 1 records: " + list[k]}
		}
	}
	return nil
}

// currentParents returns the parents that the records have now which are to be changed.
func currentParents(ctx context.Context, tx *store.Tx, o *catalog.Object, parents []*catalog.Field, rows []store.Row) (map[string][]string, error) {
	var ids []string
	for i := range rows {
		if rows[i].ID != "" {
			ids = append(ids, rows[i].ID)
		}
	}
	if len(ids) == 0 || len(parents) == 0 {
		return nil, nil
	}
	out := make(map[string][]string, len(ids))
	_, err := tx.Rows(ctx, o, parents, ids, func(id string, values []any) error {
		for _, v := range values {
			if parent, isText := v.(string); isText && parent != "" {
				out[id] = append(out[id], parent)
			}
		}
		return nil
	})
	return out, err
}

// locksParent reports whether writing a record locks the record that the field refers to: that is
// so for master-detail relationships, for lookups that keep their parent from being deleted, and for
// the parents that the platform itself keeps sums or access of (record locking cheat sheet).
func locksParent(f *catalog.Field) bool {
	if !f.IsReference() || f.Column == "" {
		return false
	}
	if f.Def.CascadeDelete || f.Def.MasterDetail || f.Def.RestrictedDelete {
		return true
	}
	switch f.Object.Def.Name + "." + f.Def.Name {
	case "Contact.AccountId", "Opportunity.AccountId", "Case.AccountId",
		"CampaignMember.CampaignId", "CampaignMember.LeadId", "CampaignMember.ContactId",
		"OpportunityContactRole.OpportunityId", "OpportunityContactRole.ContactId":
		return true
	}
	return false
}
