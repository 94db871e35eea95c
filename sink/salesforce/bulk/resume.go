package bulk

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// Settle implements [sink.Resumer]: jobs that were not closed are aborted, the others waited for. A job that the
// org does not know any more has ended.
func (w *Writer) Settle(ctx context.Context, ids []string) (never []string, err error) {
	for _, id := range ids {
		info, err := w.Jobs.Info(ctx, id)
		if err == nil && info.State == Open {
			if err = w.Jobs.Abort(ctx, id); err == nil {
				never = append(never, id)
				continue
			}
			info, err = w.Jobs.Info(ctx, id) // it may have been closed meanwhile
			if err == nil && info.State == Aborted && info.Processed == 0 {
				never = append(never, id) // it was not, and has been told after all
				continue
			}
		}
		switch {
		case unknown(err), err == nil && info.State.ended():
		case err != nil:
			return never, fmt.Errorf("ask for job %s: %w", id, err)
		default:
			if _, err := w.Jobs.wait(ctx, id, 0); err != nil {
				return never, err
			}
		}
	}
	return never, nil
}

// unknown reports whether the org knows no job of an id: they are deleted seven days after their end (Bulk API
// 2.0 guide, "Limits").
func unknown(err error) bool {
	var e *sink.Error
	return errors.As(err, &e) && (e.HTTPStatus == http.StatusNotFound || e.Code == "NOT_FOUND")
}

// Resume implements [sink.Resumer] for a job that has ended ([Writer.Settle]).
func (w *Writer) Resume(ctx context.Context, id string, req *sink.Request, results []sink.Result) error {
	none := &sink.Error{Class: sink.Network, Code: catalog.CodeNoResult, Lost: true, Message: "nothing tells what job " + id + " has made of the record"}
	places := make([]int, len(req.Records))
	for i := range places {
		results[i] = sink.Result{Err: none}
		places[i] = i
	}
	if len(places) == 0 {
		return nil
	}
	info, err := w.Jobs.Info(ctx, id)
	if unknown(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ask for job %s: %w", id, err)
	}
	t := req.Target
	spec := Spec{Object: t.Object, Action: req.Records[0].Action, Key: t.Key, Fold: t.Fold}
	if info.Operation != spec.operation() || !info.State.ended() {
		return nil // the records are sent otherwise now than they were then
	}
	f, err := NewFile(w.Jobs.Dir, spec, union(req.Records, places))
	if err != nil {
		return err
	}
	f.limit = 2 * MaxBytes // the columns may be others now; nothing is uploaded
	sent, _, err := f.fill(req, places, results)
	if err == nil {
		err = f.ready()
	}
	if err == nil {
		err = w.Jobs.tell(ctx, f, info, func(place int, r sink.Result) { results[sent[place]] = w.result(req, sent[place], r) })
	}
	if spec.Action == sink.Update { // an upsert says itself what it has created
		w.askCreated(ctx, req, results)
	}
	return errors.Join(err, f.Close())
}

// result is what becomes of a record by a job's result for it.
func (w *Writer) result(req *sink.Request, i int, r sink.Result) sink.Result {
	rec := &req.Records[i]
	if rec.Action == sink.Delete && r.Status == sink.Failed && rec.Resend && catalog.Gone(r.Err.Code) {
		r.Status, r.Err = sink.Deleted, nil
	}
	if r.ID == "" {
		r.ID = rec.ID
	}
	return r
}
