package rest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/fault"
	"sfsync/sink/localorg/journal"
	"sfsync/sink/localorg/lock"
	"sfsync/sink/localorg/store"
)

// Gate is the way to the records: every change of them goes through it. It is safe for concurrent use.
type Gate struct {
	Store *store.Store
	Calls *journal.Counter
	// Now is the org's clock.
	Now    func() time.Time
	Logger *slog.Logger
	// Fault is asked what is to go wrong; nil means nothing ever.
	Fault func(fault.Point) fault.Action
	// Locks are those on the org's records.
	Locks lock.Table
	// Pace returns how long the writing of a record takes and how long a transaction waits for
	// locks; nil means no time.
	Pace func() (row, lockWait time.Duration)
}

// At asks for the fault at a point.
func (g *Gate) At(p fault.Point) fault.Action {
	if g.Fault == nil {
		return fault.Action{}
	}
	return g.Fault(p)
}

// View runs fn on the last committed state, or in the request's transaction.
func (g *Gate) View(ctx context.Context, rq *Request, fn func(*store.Tx) error) error {
	if rq.Tx != nil {
		return fn(rq.Tx)
	}
	return g.Store.View(ctx, fn)
}

// Internal is an answer to a failure of the org itself.
func (g *Gate) Internal(rq *Request, err error) *Response {
	if errors.Is(err, errWait) {
		return &Response{Status: http.StatusServiceUnavailable} // nobody sees it: the transaction begins again
	}
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
