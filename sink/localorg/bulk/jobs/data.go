package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"sfsync/sink/localorg/store"
)

// pieceSize is the size of the pieces of an upload. The rows of a chunk take one or two of them.
const pieceSize = 64 << 10

// piecesPerWrite is how many pieces are written in one transaction: others may write in between.
const piecesPerWrite = 16

// ErrTooLarge is an upload beyond its limit.
var ErrTooLarge = errors.New("the upload is too large")

// Upload keeps what src holds as the data of owner, in place of what an upload that broke off left. It
// returns the number of bytes; beyond limit it is [ErrTooLarge]. If the error is not nil, nothing is kept.
func (t *Table) Upload(ctx context.Context, owner string, src io.Reader, limit int64) (size int64, err error) {
	clean := func() error {
		return t.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
			_, err := tx.Exec("DELETE FROM bulk_piece WHERE owner = ?", owner)
			return err
		})
	}
	if err := clean(); err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, clean())
		}
	}()
	buf := make([]byte, piecesPerWrite*pieceSize)
	seq := 0
	for {
		n, readErr := io.ReadFull(src, buf)
		if size += int64(n); size > limit {
			return size, ErrTooLarge
		}
		if n > 0 {
			if seq, err = t.addPieces(ctx, owner, seq, buf[:n]); err != nil {
				return size, fmt.Errorf("keep an upload: %w", err)
			}
		}
		switch {
		case readErr == io.EOF || readErr == io.ErrUnexpectedEOF:
			return size, nil
		case readErr != nil:
			return size, fmt.Errorf("read an upload: %w", readErr)
		}
	}
}

func (t *Table) addPieces(ctx context.Context, owner string, seq int, data []byte) (int, error) {
	err := t.Store.Update(ctx, func(tx *store.Tx) error {
		for at := 0; at < len(data); at += pieceSize {
			if _, err := tx.Exec("INSERT INTO bulk_piece (owner, seq, data) VALUES (?, ?, ?)", owner, seq, data[at:min(at+pieceSize, len(data))]); err != nil {
				return err
			}
			seq++
		}
		return nil
	})
	return seq, err
}

// Data returns a reader of what was uploaded for owner, from a byte on.
func (t *Table) Data(ctx context.Context, owner string, from int64) io.Reader {
	return &data{t: t, ctx: ctx, owner: owner, seq: from / pieceSize, skip: int(from % pieceSize)}
}

// data reads an upload piece by piece.
type data struct {
	t     *Table
	ctx   context.Context // an io.Reader takes none
	owner string
	seq   int64
	skip  int
	piece []byte
}

func (d *data) Read(p []byte) (int, error) {
	if len(d.piece) == 0 {
		if err := d.ctx.Err(); err != nil {
			return 0, err
		}
		err := d.t.Store.View(d.ctx, func(tx *store.Tx) error {
			return tx.QueryRow(d.ctx, "SELECT data FROM bulk_piece WHERE owner = ? AND seq = ?", d.owner, d.seq).Scan(&d.piece)
		})
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return 0, io.EOF
		case err != nil:
			return 0, fmt.Errorf("read an upload: %w", err)
		}
		d.piece = d.piece[min(d.skip, len(d.piece)):]
		d.seq, d.skip = d.seq+1, 0
		if len(d.piece) == 0 {
			return 0, io.EOF
		}
	}
	n := copy(p, d.piece)
	d.piece = d.piece[n:]
	return n, nil
}

// AddChunk keeps what became of rows, in the transaction that wrote them.
func (t *Table) AddChunk(tx *store.Tx, owner string, c Chunk) error {
	_, err := tx.Exec("INSERT INTO bulk_chunk (owner, seq, start, size, rows, failed, outcomes) VALUES (?, ?, ?, ?, ?, ?, ?)",
		owner, c.Seq, c.Start, c.Size, c.Rows, c.Failed, c.Outcomes)
	return err
}

// Advance counts rows for a job that is in progress, in the transaction that wrote them. The error is
// [ErrGone] if the job is not in progress any more: the transaction must not be committed then.
func (t *Table) Advance(tx *store.Tx, job string, rows, failed int) error {
	res, err := tx.Exec("UPDATE bulk_job SET processed = processed + ?, failed = failed + ? WHERE n = ? AND state = 'InProgress'",
		rows, failed, t.number(jobKey, job))
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrGone, err)
	}
	return nil
}

// Progress says how far an owner's rows were written.
type Progress struct {
	Chunks int   // the number of the next chunk
	End    int64 // where it begins in the upload
	Rows   int64
}

// Progress returns how far an owner's rows were written.
func (t *Table) Progress(ctx context.Context, owner string) (p Progress, err error) {
	err = t.Store.View(ctx, func(tx *store.Tx) error {
		return tx.QueryRow(ctx, "SELECT count(*), IFNULL(max(start + size), 0), IFNULL(sum(rows), 0) FROM bulk_chunk WHERE owner = ?", owner).Scan(&p.Chunks, &p.End, &p.Rows)
	})
	return p, err
}

// Chunk returns a chunk of an owner, nil if there is none of that number.
func (t *Table) Chunk(ctx context.Context, owner string, seq int) (*Chunk, error) {
	c := &Chunk{Seq: seq}
	err := t.Store.View(ctx, func(tx *store.Tx) error {
		return tx.QueryRow(ctx, "SELECT start, size, rows, failed, outcomes FROM bulk_chunk WHERE owner = ? AND seq = ?", owner, seq).
			Scan(&c.Start, &c.Size, &c.Rows, &c.Failed, &c.Outcomes)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return c, err
}

// Page is a part of a query's result: whole rows of CSV, without the head.
type Page struct {
	First, Rows int64
	Data        []byte
}

// AddPages keeps parts of a query's result.
func (t *Table) AddPages(tx *store.Tx, owner string, pages []Page) error {
	for _, p := range pages {
		if _, err := tx.Exec("INSERT INTO bulk_page (owner, first, rows, data) VALUES (?, ?, ?, ?)", owner, p.First, p.Rows, p.Data); err != nil {
			return err
		}
	}
	return nil
}

// DropPages removes what is kept of a query's result.
func (t *Table) DropPages(tx *store.Tx, owner string) error {
	_, err := tx.Exec("DELETE FROM bulk_page WHERE owner = ?", owner)
	return err
}

// PageAt returns the page that holds a row, nil if the result has no such row.
func (t *Table) PageAt(ctx context.Context, owner string, row int64) (*Page, error) {
	p := new(Page)
	err := t.Store.View(ctx, func(tx *store.Tx) error {
		return tx.QueryRow(ctx, "SELECT first, rows, data FROM bulk_page WHERE owner = ? AND first <= ? AND first + rows > ? ORDER BY first DESC LIMIT 1",
			owner, row, row).Scan(&p.First, &p.Rows, &p.Data)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return p, err
}

// Use counts batches and query jobs towards the daily allowances, within a transaction.
func (t *Table) Use(tx *store.Tx, batches, queries int) error {
	_, err := tx.Exec("INSERT INTO bulk_used (at, batches, queries) VALUES (?, ?, ?)", t.Now().UnixMilli(), batches, queries)
	return err
}

// Used returns how many batches and query jobs were counted in the last 24 hours.
func (t *Table) Used(ctx context.Context) (batches, queries int64, err error) {
	err = t.Store.View(ctx, func(tx *store.Tx) error {
		batches, queries, err = t.UsedIn(ctx, tx)
		return err
	})
	return batches, queries, err
}

// UsedIn is Used within a transaction.
func (t *Table) UsedIn(ctx context.Context, tx *store.Tx) (batches, queries int64, err error) {
	err = tx.QueryRow(ctx, "SELECT IFNULL(sum(batches), 0), IFNULL(sum(queries), 0) FROM bulk_used WHERE at > ?",
		t.Now().Add(-24*time.Hour).UnixMilli()).Scan(&batches, &queries)
	return batches, queries, err
}

// The lives of jobs (Bulk API 2.0 guide, limits).
const (
	openFor = 24 * time.Hour
	keptFor = 7 * 24 * time.Hour
)

// Sweep fails the jobs that were open for longer than a day, and removes those that ended more than seven
// days ago, by the org's clock.
func (t *Table) Sweep(ctx context.Context) error {
	now := t.Now()
	var stale, old []string
	err := t.Store.View(ctx, func(tx *store.Tx) (err error) {
		if stale, err = t.ids(ctx, tx, jobKey, "SELECT n FROM bulk_job WHERE state = 'Open' AND created < ?", now.Add(-openFor).UnixMilli()); err != nil {
			return err
		}
		old, err = t.ids(ctx, tx, jobKey, "SELECT n FROM bulk_job WHERE state IN ('JobComplete', 'Failed', 'Aborted', 'Closed') AND modified < ?", now.Add(-keptFor).UnixMilli())
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range stale {
		_, err = t.Change(ctx, id, func(_ *store.Tx, j *Job) error {
			if j.State == Open {
				j.State, j.Error = Failed, "Timeout : The job was open for more than 24 hours"
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(old) == 0 && len(stale) == 0 {
		return nil
	}
	return t.Store.Update(ctx, func(tx *store.Tx) error {
		for _, id := range old {
			if err := t.Delete(tx, &Job{ID: id}); err != nil {
				return err
			}
		}
		_, err := tx.Exec("DELETE FROM bulk_used WHERE at <= ?", now.Add(-24*time.Hour).UnixMilli())
		return err
	})
}
