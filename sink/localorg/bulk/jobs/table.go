package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/store"
)

// Table keeps jobs. It is safe for concurrent use.
type Table struct {
	Store *store.Store
	// Now is the org's clock.
	Now func() time.Time
}

// jobKey and batchKey are the key prefixes of jobs and batches (sheet of key prefixes: 750, 751).
const (
	jobKey   = "750"
	batchKey = "751"
)

// ErrGone is the error about a job that is not there, or not in the state that a change needs.
var ErrGone = errors.New("no such job in this state")

// Prepare makes the tables.
func (t *Table) Prepare(ctx context.Context) error {
	tables := []string{
		`CREATE TABLE IF NOT EXISTS bulk_job (n INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, state TEXT NOT NULL,
			created INTEGER NOT NULL, modified INTEGER NOT NULL, processed INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, doc TEXT NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS bulk_batch (n INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL, state TEXT NOT NULL,
			created INTEGER NOT NULL, modified INTEGER NOT NULL, processed INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, doc TEXT NOT NULL)`,
		`CREATE INDEX IF NOT EXISTS bulk_batch_job ON bulk_batch (job)`,
		`CREATE TABLE IF NOT EXISTS bulk_piece (owner TEXT NOT NULL, seq INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (owner, seq))`,
		`CREATE TABLE IF NOT EXISTS bulk_chunk (owner TEXT NOT NULL, seq INTEGER NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL,
			rows INTEGER NOT NULL, failed INTEGER NOT NULL, outcomes BLOB NOT NULL, PRIMARY KEY (owner, seq))`,
		`CREATE TABLE IF NOT EXISTS bulk_page (owner TEXT NOT NULL, first INTEGER NOT NULL, rows INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (owner, first))`,
		`CREATE TABLE IF NOT EXISTS bulk_used (at INTEGER NOT NULL, batches INTEGER NOT NULL, queries INTEGER NOT NULL)`,
	}
	err := t.Store.Update(ctx, func(tx *store.Tx) error {
		for _, text := range tables {
			if _, err := tx.Exec(text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("prepare the tables of bulk jobs: %w", err)
	}
	return nil
}

// number returns the row of a job or batch, or 0 for what is no id of one. Ids of 15 characters are taken.
func (t *Table) number(key, id string) int64 {
	id, ok := catalog.NormalID(id)
	if !ok || !strings.HasPrefix(id, key) || id[3:6] != t.Store.Instance() {
		return 0
	}
	n := int64(0)
	for _, c := range []byte(id[6:15]) {
		n = n*62 + int64(strings.IndexByte(catalog.Base62, c))
	}
	return n
}

// Add keeps a new job: it gets its id and its times.
func (t *Table) Add(ctx context.Context, j *Job) error {
	return t.Store.Update(ctx, func(tx *store.Tx) error {
		j.Created = t.Now().UTC().Truncate(time.Second)
		j.Modified = j.Created
		doc, err := json.Marshal(j)
		if err != nil {
			return err
		}
		res, err := tx.Exec("INSERT INTO bulk_job (kind, state, created, modified, doc) VALUES (?, ?, ?, ?, ?)",
			string(j.Kind), string(j.State), j.Created.UnixMilli(), j.Modified.UnixMilli(), string(doc))
		if err != nil {
			return err
		}
		n, err := res.LastInsertId()
		j.ID = catalog.MakeID(jobKey, t.Store.Instance(), n)
		return err
	})
}

const jobColumns = "SELECT n, kind, state, created, modified, processed, failed, doc FROM bulk_job "

func (t *Table) scan(row interface{ Scan(...any) error }) (*Job, error) {
	var n, created, modified int64
	var kind, state, doc string
	j := new(Job)
	if err := row.Scan(&n, &kind, &state, &created, &modified, &j.Processed, &j.Failed, &doc); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(doc), j); err != nil {
		return nil, err
	}
	j.ID, j.Kind, j.State = catalog.MakeID(jobKey, t.Store.Instance(), n), Kind(kind), State(state)
	j.Created, j.Modified = time.UnixMilli(created).UTC(), time.UnixMilli(modified).UTC()
	return j, nil
}

// Job returns a job, or nil if there is none of that id.
func (t *Table) Job(ctx context.Context, id string) (j *Job, err error) {
	n := t.number(jobKey, id)
	if n == 0 {
		return nil, nil
	}
	err = t.Store.View(ctx, func(tx *store.Tx) (err error) {
		j, err = t.scan(tx.QueryRow(ctx, jobColumns+"WHERE n = ?", n))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read bulk job %s: %w", id, err)
	}
	return j, nil
}

// JobIn is Job within a transaction; the error is sql.ErrNoRows if there is none.
func (t *Table) JobIn(ctx context.Context, tx *store.Tx, id string) (*Job, error) {
	return t.scan(tx.QueryRow(ctx, jobColumns+"WHERE n = ?", t.number(jobKey, id)))
}

// Change reads a job, lets fn change it and keeps it, in one transaction. It returns the job as it is
// kept, nil if there is none. An error of fn is returned as it is, and nothing is changed then.
func (t *Table) Change(ctx context.Context, id string, fn func(tx *store.Tx, j *Job) error) (*Job, error) {
	n := t.number(jobKey, id)
	if n == 0 {
		return nil, nil
	}
	var j *Job
	err := t.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if j, err = t.scan(tx.QueryRow(ctx, jobColumns+"WHERE n = ?", n)); err != nil {
			return err
		}
		if err := fn(tx, j); err != nil {
			return err
		}
		j.Modified = t.Now().UTC().Truncate(time.Second)
		doc, err := json.Marshal(j)
		if err != nil {
			return err
		}
		_, err = tx.Exec("UPDATE bulk_job SET state = ?, modified = ?, processed = ?, failed = ?, doc = ? WHERE n = ?",
			string(j.State), j.Modified.UnixMilli(), j.Processed, j.Failed, string(doc), n)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return j, err
}

// Delete removes a job with all that belongs to it, within a transaction.
func (t *Table) Delete(tx *store.Tx, j *Job) error {
	n := t.number(jobKey, j.ID)
	owners, err := t.owners(tx, j.ID, n)
	if err != nil {
		return err
	}
	for _, owner := range owners {
		if err := t.deleteData(tx, owner); err != nil {
			return err
		}
	}
	if _, err := tx.Exec("DELETE FROM bulk_batch WHERE job = ?", n); err != nil {
		return err
	}
	_, err = tx.Exec("DELETE FROM bulk_job WHERE n = ?", n)
	return err
}

// owners returns the ids to which the data of a job belongs: its own and those of its batches.
func (t *Table) owners(tx *store.Tx, id string, n int64) ([]string, error) {
	batches, err := t.ids(context.Background(), tx, batchKey, "SELECT n FROM bulk_batch WHERE job = ?", n)
	return append([]string{id}, batches...), err
}

func (t *Table) deleteData(tx *store.Tx, owner string) error {
	for _, table := range []string{"bulk_piece", "bulk_chunk", "bulk_page"} {
		if _, err := tx.Exec("DELETE FROM "+table+" WHERE owner = ?", owner); err != nil {
			return err
		}
	}
	return nil
}

// Reset removes all jobs, within a transaction.
func (t *Table) Reset(tx *store.Tx) error {
	for _, table := range []string{"bulk_job", "bulk_batch", "bulk_piece", "bulk_chunk", "bulk_page", "bulk_used"} {
		if _, err := tx.Exec("DELETE FROM " + table); err != nil {
			return err
		}
	}
	return nil
}

// Filter says which jobs to list.
type Filter struct {
	Kinds []Kind
	// Operations are those listed; none means all.
	Operations []string
	// After is the number behind which the list begins, Max how many jobs it has at most.
	After int64
	Max   int
}

// List returns jobs, oldest first, and the number to go on behind, 0 if there are no more.
func (t *Table) List(ctx context.Context, f Filter) (list []*Job, next int64, err error) {
	marks := make([]string, len(f.Kinds))
	args := []any{f.After}
	for i, k := range f.Kinds {
		marks[i] = "?"
		args = append(args, string(k))
	}
	text := jobColumns + "WHERE n > ? AND kind IN (" + strings.Join(marks, ",") + ")"
	if len(f.Operations) > 0 {
		text += " AND doc ->> '$.operation' IN (?" + strings.Repeat(",?", len(f.Operations)-1) + ")"
		for _, o := range f.Operations {
			args = append(args, o)
		}
	}
	args = append(args, f.Max+1)
	if list, err = t.query(ctx, text+" ORDER BY n LIMIT ?", args...); err != nil {
		return nil, 0, fmt.Errorf("list bulk jobs: %w", err)
	}
	if len(list) > f.Max {
		list = list[:f.Max]
		next = t.number(jobKey, list[f.Max-1].ID)
	}
	return list, next, nil
}

// query returns the jobs of a query by jobColumns.
func (t *Table) query(ctx context.Context, text string, args ...any) (list []*Job, err error) {
	err = t.Store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, text, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			j, err := t.scan(rows)
			if err != nil {
				return err
			}
			list = append(list, j)
		}
		return rows.Err()
	})
	return list, err
}

// Unfinished returns the ids of the jobs that are to be run, oldest first.
func (t *Table) Unfinished(ctx context.Context) (ids []string, err error) {
	err = t.Store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, `SELECT n FROM bulk_job WHERE state IN ('UploadComplete', 'InProgress')
			OR kind = 'Classic' AND EXISTS (SELECT 1 FROM bulk_batch b WHERE b.job = bulk_job.n AND b.state IN ('Queued', 'InProgress')) ORDER BY n`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n int64
			if err := rows.Scan(&n); err != nil {
				return err
			}
			ids = append(ids, catalog.MakeID(jobKey, t.Store.Instance(), n))
		}
		return rows.Err()
	})
	return ids, err
}
