package rest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/fault"
	"sfsync/sink/localorg/journal"
	"sfsync/sink/localorg/store"
)

// Gate is the way to the records: every change of them goes through it. It is safe for concurrent use.
type Gate struct {
	Store  *store.Store
	Calls  *journal.Counter
	Logger *slog.Logger
	// Fault is asked what is to go wrong; nil means nothing ever.
	Fault func(fault.Point) fault.Action
}

// At asks for the fault at a point.
func (g *Gate) At(p fault.Point) fault.Action {
	if g.Fault == nil {
		return fault.Action{}
	}
	return g.Fault(p)
}

// Update runs fn in the request's transaction, or in one of its own that also keeps the count of calls.
func (g *Gate) Update(ctx context.Context, rq *Request, fn func(*store.Tx) error) error {
	if rq.Tx != nil {
		return fn(rq.Tx)
	}
	return g.Store.Update(ctx, func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return tx.SetMeta("calls", g.Calls.Snapshot())
	})
}

// View runs fn on the last committed state, or in the request's transaction.
func (g *Gate) View(ctx context.Context, rq *Request, fn func(*store.Tx) error) error {
	if rq.Tx != nil {
		return fn(rq.Tx)
	}
	return g.Store.View(ctx, fn)
}

// Write carries out a change of one record or more, with the faults that a test wants.
func (g *Gate) Write(ctx context.Context, rq *Request, ch *store.Change) (results []store.Result, err error) {
	if g.Fault != nil {
		ch.Reject = func(i int, r *catalog.Record) *catalog.Error {
			a := g.Fault(fault.Point{N: rq.N, Method: rq.Method, Path: rq.Path, Row: true, Object: r.Object.Def.Name, Index: i})
			if a.Code == "" {
				return nil
			}
			return &catalog.Error{Code: a.Code, Message: a.Message}
		}
	}
	rq.Entry.Records += len(ch.Records)
	err = g.Update(ctx, rq, func(tx *store.Tx) error {
		results, err = tx.Write(ch)
		return err
	})
	return results, err
}

// Internal is an answer to a failure of the org itself.
func (g *Gate) Internal(rq *Request, err error) *Response {
	g.Logger.Error("local org", "method", rq.Method, "path", LogPath(rq.Path), "err", err)
	return Failure(http.StatusInternalServerError, "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId if you contact support: "+err.Error())
}

// RefuseBody is the answer to a body that cannot be used at all.
func (g *Gate) RefuseBody(rq *Request, err error) *Response {
	if e, isErr := errors.AsType[*catalog.Error](err); isErr {
		return &Response{Status: http.StatusBadRequest, Body: AppendError([]byte{'['}, e, len(e.Fields) > 0)}
	}
	return g.Internal(rq, err)
}
