package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/store"
)

// ids returns the ids, of a kind by its prefix, of the numbers that a query gives.
func (t *Table) ids(ctx context.Context, tx *store.Tx, prefix, text string, args ...any) (ids []string, err error) {
	rows, err := tx.Query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		ids = append(ids, catalog.MakeID(prefix, t.Store.Instance(), n))
	}
	return ids, rows.Err()
}

const batchColumns = "SELECT n, job, state, created, modified, processed, failed, doc FROM bulk_batch "

func (t *Table) scanBatch(row interface{ Scan(...any) error }) (*Batch, error) {
	var n, job, created, modified int64
	var doc string
	b := new(Batch)
	if err := row.Scan(&n, &job, &b.State, &created, &modified, &b.Processed, &b.Failed, &doc); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(doc), b); err != nil {
		return nil, err
	}
	b.ID = catalog.MakeID(batchKey, t.Store.Instance(), n)
	b.Job = catalog.MakeID(jobKey, t.Store.Instance(), job)
	b.Created, b.Modified = time.UnixMilli(created).UTC(), time.UnixMilli(modified).UTC()
	return b, nil
}

// AddBatch keeps a new batch of a job with its data: it gets its id and its times.
func (t *Table) AddBatch(ctx context.Context, b *Batch, content []byte) error {
	return t.Store.Update(ctx, func(tx *store.Tx) error {
		b.Created = t.Now().UTC().Truncate(time.Second)
		b.Modified = b.Created
		doc, err := json.Marshal(b)
		if err != nil {
			return err
		}
		res, err := tx.Exec("INSERT INTO bulk_batch (job, state, created, modified, doc) VALUES (?, ?, ?, ?, ?)",
			t.number(jobKey, b.Job), b.State, b.Created.UnixMilli(), b.Modified.UnixMilli(), string(doc))
		if err != nil {
			return err
		}
		n, err := res.LastInsertId()
		if err != nil {
			return err
		}
		b.ID = catalog.MakeID(batchKey, t.Store.Instance(), n)
		for seq, at := 0, 0; at < len(content); seq, at = seq+1, at+pieceSize {
			if _, err := tx.Exec("INSERT INTO bulk_piece (owner, seq, data) VALUES (?, ?, ?)", b.ID, seq, content[at:min(at+pieceSize, len(content))]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Batch returns a batch of a job, or nil.
func (t *Table) Batch(ctx context.Context, job, id string) (b *Batch, err error) {
	n := t.number(batchKey, id)
	if n == 0 {
		return nil, nil
	}
	err = t.Store.View(ctx, func(tx *store.Tx) (err error) {
		b, err = t.scanBatch(tx.QueryRow(ctx, batchColumns+"WHERE n = ? AND job = ?", n, t.number(jobKey, job)))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read bulk batch %s: %w", id, err)
	}
	return b, nil
}

// Batches returns the batches of a job, oldest first.
func (t *Table) Batches(ctx context.Context, job string) (list []*Batch, err error) {
	err = t.Store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, batchColumns+"WHERE job = ? ORDER BY n", t.number(jobKey, job))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			b, err := t.scanBatch(rows)
			if err != nil {
				return err
			}
			list = append(list, b)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list the batches of bulk job %s: %w", job, err)
	}
	return list, nil
}

// ChangeBatch reads a batch, lets fn change it and keeps it, in one transaction. The error is [ErrGone] if
// there is none.
func (t *Table) ChangeBatch(ctx context.Context, id string, fn func(tx *store.Tx, b *Batch) error) error {
	n := t.number(batchKey, id)
	err := t.Store.Update(ctx, func(tx *store.Tx) error {
		b, err := t.scanBatch(tx.QueryRow(ctx, batchColumns+"WHERE n = ?", n))
		if err != nil {
			return err
		}
		if err := fn(tx, b); err != nil {
			return err
		}
		b.Modified = t.Now().UTC().Truncate(time.Second)
		doc, err := json.Marshal(b)
		if err != nil {
			return err
		}
		_, err = tx.Exec("UPDATE bulk_batch SET state = ?, modified = ?, processed = ?, failed = ?, doc = ? WHERE n = ?",
			b.State, b.Modified.UnixMilli(), b.Processed, b.Failed, string(doc), n)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return ErrGone
	}
	return err
}

// AdvanceBatch counts rows for a batch that is in progress, in the transaction that wrote them.
func (t *Table) AdvanceBatch(tx *store.Tx, id string, rows, failed int) error {
	res, err := tx.Exec("UPDATE bulk_batch SET processed = processed + ?, failed = failed + ? WHERE n = ? AND state = 'InProgress'",
		rows, failed, t.number(batchKey, id))
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrGone, err)
	}
	return nil
}
