package v1

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"sfsync/sink/localorg/bulk"
	"sfsync/sink/localorg/bulk/csv"
	"sfsync/sink/localorg/bulk/jobs"
	"sfsync/sink/localorg/bulk/load"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/soql"
	"sfsync/sink/localorg/store"
)

// dialect is that of the files of Bulk API 1.0: lines may end either way.
func dialect() csv.Dialect { return csv.Dialect{Delimiter: ',', Either: true} }

// run runs the batches of a job that are still to be run.
func (h *Handler) run(ctx context.Context, id string) {
	j, err := h.table.Job(ctx, id)
	if err != nil || j == nil {
		h.report(ctx, id, err)
		return
	}
	list, err := h.table.Batches(ctx, id)
	h.report(ctx, id, err)
	for _, b := range list {
		if b.State != jobs.BatchQueued && b.State != jobs.BatchInProgress {
			continue
		}
		err := h.runBatch(ctx, j, b)
		if ctx.Err() != nil || errors.Is(err, jobs.ErrGone) {
			continue
		}
		h.report(ctx, b.ID, err)
	}
}

func (h *Handler) report(ctx context.Context, id string, err error) {
	if err != nil && ctx.Err() == nil {
		h.cfg.Logger.Error("bulk batch", "id", id, "err", err)
	}
}

// runBatch runs one batch to its end. A failure of the org is the batch's failure too.
func (h *Handler) runBatch(ctx context.Context, j *jobs.Job, b *jobs.Batch) error {
	err := h.table.ChangeBatch(ctx, b.ID, func(_ *store.Tx, b *jobs.Batch) error {
		if b.State != jobs.BatchQueued && b.State != jobs.BatchInProgress {
			return jobs.ErrGone
		}
		b.State = jobs.BatchInProgress
		return nil
	})
	if err != nil {
		return err
	}
	if err := h.cfg.Bulk.Pause(ctx); err != nil {
		return err
	}
	start := h.cfg.Now()
	var columns []string
	var found int64
	if isQuery(j.Operation) {
		columns, found, err = h.read(ctx, j, b)
	} else {
		err = h.write(ctx, j, b)
	}
	if ctx.Err() != nil || errors.Is(err, jobs.ErrGone) {
		return err
	}
	return errors.Join(internal(err), h.table.ChangeBatch(context.WithoutCancel(ctx), b.ID, func(_ *store.Tx, b *jobs.Batch) error {
		if b.State != jobs.BatchInProgress {
			return jobs.ErrGone // aborted meanwhile
		}
		b.State = jobs.BatchCompleted
		b.Busy += h.cfg.Now().Sub(start)
		if err != nil {
			b.State, b.Error = jobs.BatchFailed, message(err)
		}
		if columns != nil {
			b.Columns, b.Processed = columns, found
		}
		return nil
	}))
}

// internal is err if it is a failure of the org.
func internal(err error) error {
	if _, known := errors.AsType[*load.Error](err); known {
		return nil
	}
	return err
}

func message(err error) string {
	if e, known := errors.AsType[*load.Error](err); known {
		return e.Error()
	}
	return "Unknown : " + err.Error()
}

// read runs the query of a batch and keeps its result.
func (h *Handler) read(ctx context.Context, j *jobs.Job, b *jobs.Batch) ([]string, int64, error) {
	text, err := io.ReadAll(h.table.Data(ctx, b.ID, 0))
	if err != nil {
		return nil, 0, err
	}
	rq := h.cfg.As(j.CreatedBy)
	q, err := h.compile(rq, j, strings.TrimSpace(string(text)))
	if err != nil {
		return nil, 0, err
	}
	if q.Entity.Name != j.Object {
		return nil, 0, &load.Error{Code: "InvalidBatch", Message: "Failed to process query: the query is not of " + j.Object} // wording unconfirmed
	}
	if err := h.cfg.Gate.Store.Update(ctx, func(tx *store.Tx) error { return h.cfg.Bulk.UseBatch(ctx, tx) }); err != nil {
		return nil, 0, err
	}
	base := fmt.Sprintf("/services/data/v%d.0", j.Version)
	pages := bulk.NewPages(h.table, b.ID, render(q, j.ContentType, base))
	if err := pages.Read(ctx, h.cfg.Gate, rq, q); err != nil {
		return nil, 0, err
	}
	return bulk.Names(q), pages.Rows, nil
}

// render appends records in the job's content type.
func render(q *soql.Query, contentType, base string) func(dst []byte, values []any) []byte {
	switch contentType {
	case jsonType:
		return func(dst []byte, values []any) []byte { return append(q.AppendRecord(dst, base, values), ',') }
	case xmlType:
		return func(dst []byte, values []any) []byte { return appendRecord(dst, q, values) }
	}
	return bulk.CSV(q, csv.Dialect{Delimiter: ','})
}

// write writes the rows of a batch, 200 in a transaction.
func (h *Handler) write(ctx context.Context, j *jobs.Job, b *jobs.Batch) error {
	body, err := io.ReadAll(h.table.Data(ctx, b.ID, 0))
	if err != nil {
		return err
	}
	rq, ob, key, err := bulk.Writer(h.cfg.As, j, "/job/"+j.ID+"/batch")
	if err != nil {
		return err
	}
	content, err := file(j.ContentType, body, polymorphic(ob))
	if err != nil {
		return err
	}
	rows := csv.NewReader(bytes.NewReader(content), dialect())
	header, err := rows.Read()
	if err != nil {
		return bulk.HeaderError(err, dialect())
	}
	plan, err := load.Bind(rq.Catalog, ob, j.Operation, key, header)
	if err != nil {
		return err
	}
	first := rows.Offset()
	if err := check(rows); err != nil {
		return err
	}
	done, err := h.table.Progress(ctx, b.ID)
	if err != nil {
		return err
	}
	if done.Chunks == 0 {
		done.End = first
	}
	run := &load.Run{
		Gate: h.cfg.Gate, Table: h.table, Plan: plan, Request: rq, Owner: b.ID, Done: done, AssignmentRule: j.AssignmentRule,
		Rows: csv.NewReader(bytes.NewReader(content[done.End:]), dialect()),
	}
	defer run.Close()
	run.Advance = func(tx *store.Tx, rows, failed int) error {
		if run.Done.Chunks == 0 {
			if err := h.cfg.Bulk.UseBatch(ctx, tx); err != nil {
				return err
			}
		}
		return h.table.AdvanceBatch(tx, b.ID, rows, failed)
	}
	for {
		if _, err := run.Chunk(ctx); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// check reads the rows of a batch to their end: nothing is written if something is wrong behind.
func check(rows *csv.Reader) error {
	for n := 0; ; n++ {
		_, err := rows.Read()
		switch {
		case errors.Is(err, io.EOF) && n == 0:
			return &load.Error{Code: "InvalidBatch", Message: "Records not found"}
		case errors.Is(err, io.EOF):
			return nil
		case n == maxRows:
			return &load.Error{Code: "InvalidBatch", Message: "The batch has more than 10000 records"}
		}
		if err := bulk.FileError(err, dialect()); err != nil {
			return err
		}
	}
}

// polymorphic tells which relationships of an object lead to several objects.
func polymorphic(ob *catalog.Object) func(string) bool {
	return func(relationship string) bool {
		f := ob.Relationship(relationship)
		return f != nil && len(f.Def.ReferenceTo) > 1
	}
}
