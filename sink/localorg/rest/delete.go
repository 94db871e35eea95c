package rest

import (
	"context"
	"time"

	"sfsync/sink/localorg/bin"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/fault"
	"sfsync/sink/localorg/store"
)

// Delete puts records into the recycle bin, with the faults and the locks of [Gate.Write]. The results are in
// the order of the ids.
func (g *Gate) Delete(ctx context.Context, rq *Request, ids []string, allOrNone bool) (results []store.Result, err error) {
	rq.Entry.Records += len(ids)
	row, _ := g.pace()
	refused := make([]*catalog.Error, len(ids))
	struck := g.strikeDeletes(rq, ids, refused)
	lockable := row > 0 || struck > 0 || !g.Locks.Idle()
	err = g.Update(ctx, rq, func(tx *store.Tx) error {
		bad := append([]*catalog.Error(nil), refused...)
		if rq.Span != nil && lockable {
			if err := rq.Span.holdDeletes(ctx, g.Store.Catalog(), tx, ids, bad); err != nil {
				return err
			}
		}
		results, err = deleteBut(tx, ids, bad, allOrNone)
		rq.Span.Take(struck + row*carried(results))
		return err
	})
	return results, err
}

// deleteBut deletes all records but those that are refused already.
func deleteBut(tx *store.Tx, ids []string, bad []*catalog.Error, allOrNone bool) ([]store.Result, error) {
	results := make([]store.Result, len(ids))
	var rest []string
	var at []int
	for i, id := range ids {
		if results[i].Err = bad[i]; bad[i] == nil {
			rest, at = append(rest, id), append(at, i)
		}
	}
	if allOrNone && len(rest) < len(ids) {
		for _, i := range at {
			results[i].Err = catalog.RolledBack()
		}
		return results, nil
	}
	done, err := bin.Delete(tx, rest, allOrNone)
	for i := range done {
		results[at[i]] = done[i]
	}
	return results, err
}

// strikeDeletes is [Gate.strike] for records that are known by their ids.
func (g *Gate) strikeDeletes(rq *Request, ids []string, refused []*catalog.Error) (took time.Duration) {
	if g.Fault == nil {
		return 0
	}
	cat := g.Store.Catalog()
	for i, id := range ids {
		o := cat.ByID(id)
		if o == nil {
			continue
		}
		a := g.Fault(fault.Point{N: rq.N, Method: rq.Method, Path: rq.Path, Row: true, Object: o.Def.Name, Index: i})
		took += a.Delay
		if a.Code != "" {
			refused[i] = &catalog.Error{Code: a.Code, Message: a.Message}
		}
	}
	return took
}

// holdDeletes is [Span.hold] for records to be deleted; it puts its refusals into bad.
func (s *Span) holdDeletes(ctx context.Context, cat *catalog.Catalog, tx *store.Tx, ids []string, bad []*catalog.Error) error {
	byObject := map[*catalog.Object][]store.Row{}
	places := map[*catalog.Object][]int{}
	for i, id := range ids {
		if o := cat.ByID(id); o != nil && bad[i] == nil {
			if full, ok := catalog.NormalID(id); ok {
				byObject[o] = append(byObject[o], store.Row{ID: full})
				places[o] = append(places[o], i)
			}
		}
	}
	for o, rows := range byObject {
		if err := s.hold(ctx, tx, o, rows); err != nil {
			return err
		}
		for k := range rows {
			bad[places[o][k]] = rows[k].Err
		}
	}
	return nil
}
