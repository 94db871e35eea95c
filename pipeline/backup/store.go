// Package backup keeps what the records of a run held before it changed them, and undoes the run.
//
// A [Writer] around the sink's own asks, before a request leaves, what the fields that it is about to
// change hold now, and brings that to disk first; afterwards it notes what became of the records. The
// [Store] that keeps it is an SQLite file in the run directory: nothing of it stays in memory, and what
// was there first counts, so that a resumed run cannot take its own values for the earlier ones.
//
// An [Undo] deletes the records that the run created, gives changed fields back what they held, and
// brings deleted records back, each only where nobody has touched it since; see [Undo] for what that means.
package backup

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// File is the name of a store in its run directory.
const File = "backup.db"

// ErrBackup is wrapped by every error of a store that cannot be read or written.
var ErrBackup = errors.New("backup")

func failed(what string, err error) error { return fmt.Errorf("%w: %s: %w", ErrBackup, what, err) }

// Value is the value of a field: null, text, a number or a Boolean.
type Value struct {
	Kind row.Kind
	Text string
}

func valueOf(c row.Cell) Value {
	if c.Kind() <= row.Null {
		return Value{Kind: row.Null}
	}
	return Value{Kind: c.Kind(), Text: strings.Clone(c.Text)}
}

func (v Value) cell() row.Cell { return row.MakeCell(v.Kind, v.Text) }

// MarshalJSON writes the value as the JSON value that it is.
func (v Value) MarshalJSON() ([]byte, error) {
	switch {
	case v.Kind <= row.Null:
		return []byte("null"), nil
	case (v.Kind == row.Number || v.Kind == row.Bool) && json.Valid([]byte(v.Text)):
		return []byte(v.Text), nil
	}
	return json.Marshal(v.Text)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(text []byte) error {
	switch text[0] {
	case 'n':
		*v = Value{Kind: row.Null}
	case '"':
		v.Kind = row.Text
		return json.Unmarshal(text, &v.Text)
	case 't', 'f':
		*v = Value{Kind: row.Bool, Text: string(text)}
	default:
		*v = Value{Kind: row.Number, Text: string(text)}
	}
	return nil
}

// Values are values by the names of their fields.
type Values map[string]Value

// field is what an undo has to know of a field. Restore is the field that is given back instead: of a
// relationship that was set by the parent's key the reference itself.
type field struct {
	Name          string
	Type          schema.Type
	Length, Scale int
	CaseSensitive bool
	Restore       string
}

func (f field) schema() *schema.Field {
	return &schema.Field{Name: f.Name, Type: f.Type, Length: f.Length, Scale: f.Scale, CaseSensitive: f.CaseSensitive}
}

// Store is an open store. It is safe for concurrent use.
type Store struct {
	mu sync.Mutex // transactions do not overlap
	db *sql.DB
}

const schemaSQL = `
CREATE TABLE IF NOT EXISTS field(
	org TEXT NOT NULL, object TEXT NOT NULL, name TEXT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY(org, object, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record(
	seq INTEGER PRIMARY KEY AUTOINCREMENT, org TEXT NOT NULL, object TEXT NOT NULL, id TEXT NOT NULL, target TEXT NOT NULL,
	created INTEGER NOT NULL, deleted INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
	before TEXT NOT NULL, after TEXT NOT NULL, pending TEXT NOT NULL,
	due TEXT NOT NULL DEFAULT '', outcome TEXT NOT NULL DEFAULT '', code TEXT NOT NULL DEFAULT '', field TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '',
	UNIQUE(org, object, id));
CREATE TABLE IF NOT EXISTS absent(org TEXT NOT NULL, object TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY(org, object, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS undecided ON record(seq) WHERE outcome = '';
PRAGMA application_id = 0x73666275;
PRAGMA user_version = 2;`

// Create opens the store at path, which it makes with mode 0600 if there is none.
func Create(ctx context.Context, path string) (*Store, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, failed("create", err)
	}
	if err := f.Close(); err != nil {
		return nil, failed("create", err)
	}
	s, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	if _, err := s.db.ExecContext(ctx, schemaSQL); err != nil {
		return nil, errors.Join(failed("create "+path, err), s.Close())
	}
	return s, nil
}

// Open opens the store of an earlier run. If there is none the error is fs.ErrNotExist.
func Open(ctx context.Context, path string) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, failed("open", err)
	}
	s, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	var version int
	if err := s.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil || version != 2 {
		return nil, errors.Join(failed("open "+path, errors.Join(errors.New("not a backup, damaged, or of another version"), err)), s.Close())
	}
	return s, nil
}

func open(ctx context.Context, path string) (*Store, error) {
	escaped := strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23", `\`, "/").Replace(path)
	db, err := sql.Open("sqlite", "file:"+escaped+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, failed("open "+path, err)
	}
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(failed("open "+path, err), db.Close())
	}
	return &Store{db: db}, nil
}

// Close closes the store; what was written stays.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return failed("close", err)
	}
	return nil
}

// update does f in a transaction that is on disk when it returns.
func (s *Store) update(ctx context.Context, f func(tx *sql.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return failed("write", err)
	}
	if err := f(tx); err != nil {
		return errors.Join(failed("write", err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return failed("write", err)
	}
	return nil
}

// Record is what the store keeps of a record.
type Record struct {
	seq         int64
	Org         string `json:"org,omitempty"`
	Object      string `json:"object"`
	ID          string `json:"id"`
	Target      string `json:"-"`
	Created     bool   `json:"created,omitempty"`
	Deleted     bool   `json:"deleted,omitempty"`
	Before      Values `json:"before,omitempty"`
	After       Values `json:"after,omitempty"`
	Outcome     Fate   `json:"-"`
	Code        string `json:"-"`
	Field       string `json:"-"`
	Message     string `json:"-"`
	first, last time.Time
	due         Fate   // what an undo has begun to make of it
	pending     Values // sent, and no answer came
	fresh       bool   // not stored yet
	maybe       bool   // sent to be created, and no answer said that it was; stored as a kind of created
}

const columns = "seq, org, object, id, target, created, deleted, first, last, before, after, pending, due, outcome, code, field, message"

func scan(rows interface{ Scan(dest ...any) error }) (*Record, error) {
	r := &Record{}
	var before, after, pending string
	var first, last int64
	var created int
	err := rows.Scan(&r.seq, &r.Org, &r.Object, &r.ID, &r.Target, &created, &r.Deleted, &first, &last,
		&before, &after, &pending, &r.due, &r.Outcome, &r.Code, &r.Field, &r.Message)
	if err != nil {
		return nil, err
	}
	r.Created, r.maybe = created == 1, created == 2
	r.first, r.last = time.UnixMilli(first), time.UnixMilli(last)
	return r, errors.Join(json.Unmarshal([]byte(before), &r.Before), json.Unmarshal([]byte(after), &r.After), json.Unmarshal([]byte(pending), &r.pending))
}

// load returns what is stored of a record, or a fresh one.
func load(ctx context.Context, get *sql.Stmt, org, object, id string) (*Record, error) {
	r, err := scan(get.QueryRowContext(ctx, org, object, id))
	if errors.Is(err, sql.ErrNoRows) {
		return &Record{Org: org, Object: object, ID: id, fresh: true}, nil
	}
	return r, err
}

// save writes a record. The columns of an undo are left alone.
func save(ctx context.Context, put *sql.Stmt, r *Record) error {
	var texts [3]string
	for i, v := range []Values{r.Before, r.After, r.pending} {
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		texts[i] = string(text)
	}
	created := 0
	switch {
	case r.Created:
		created = 1
	case r.maybe:
		created = 2
	}
	_, err := put.ExecContext(ctx, r.Org, r.Object, r.ID, r.Target, created, r.Deleted,
		r.first.UnixMilli(), r.last.UnixMilli(), texts[0], texts[1], texts[2])
	return err
}

// change loads, changes and saves records in one transaction. A fresh one that is given no target is not kept.
func (s *Store) change(ctx context.Context, org, object string, ids []string, f func(i int, r *Record)) error {
	if len(ids) == 0 {
		return nil
	}
	return s.update(ctx, func(tx *sql.Tx) error {
		get, err := tx.PrepareContext(ctx, "SELECT "+columns+" FROM record WHERE org = ? AND object = ? AND id = ?")
		if err != nil {
			return err
		}
		defer get.Close() // ends with the transaction
		put, err := tx.PrepareContext(ctx, `INSERT INTO record(org, object, id, target, created, deleted, first, last, before, after, pending)
			VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(org, object, id) DO UPDATE SET target = excluded.target, created = excluded.created,
			deleted = excluded.deleted, first = excluded.first, last = excluded.last,
			before = excluded.before, after = excluded.after, pending = excluded.pending`)
		if err != nil {
			return err
		}
		defer put.Close() // as above
		for i, id := range ids {
			r, err := load(ctx, get, org, object, id)
			if err != nil {
				return err
			}
			if f(i, r); r.fresh && r.Target == "" {
				continue
			}
			if err := save(ctx, put, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// miss notes keys that no record holds before they are sent. So a later try can tell a record that an earlier one
// created from one that was there before.
func (s *Store) miss(ctx context.Context, org, object string, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	return s.update(ctx, func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, "INSERT OR IGNORE INTO absent VALUES(?, ?, ?)")
		if err != nil {
			return err
		}
		defer put.Close() // ends with the transaction
		for _, key := range keys {
			if _, err := put.ExecContext(ctx, org, object, key); err != nil {
				return err
			}
		}
		return nil
	})
}

// missed reports whether no record held a key before it was first sent.
func (s *Store) missed(ctx context.Context, org, object, key string) (bool, error) {
	var n int
	err := s.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM absent WHERE org = ? AND object = ? AND key = ?", org, object, key).Scan(&n)
	if err != nil {
		return false, failed("read", err)
	}
	return n > 0, nil
}

// know keeps what an undo has to know of fields.
func (s *Store) know(ctx context.Context, org, object string, fields []field) error {
	return s.update(ctx, func(tx *sql.Tx) error {
		for _, f := range fields {
			doc, err := json.Marshal(f)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO field VALUES(?, ?, ?, ?)", org, object, f.Name, string(doc)); err != nil {
				return err
			}
		}
		return nil
	})
}

// fields returns what is known of an object's fields.
func (s *Store) fields(ctx context.Context, org, object string) (map[string]field, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT doc FROM field WHERE org = ? AND object = ?", org, object)
	if err != nil {
		return nil, failed("read", err)
	}
	defer rows.Close() // only read from
	known := make(map[string]field)
	for rows.Next() {
		var doc string
		var f field
		if err := rows.Scan(&doc); err != nil {
			return nil, failed("read", err)
		}
		if err := json.Unmarshal([]byte(doc), &f); err != nil {
			return nil, failed("read", err)
		}
		known[f.Name] = f
	}
	if err := rows.Err(); err != nil {
		return nil, failed("read", err)
	}
	return known, nil
}

// list returns up to n of the org's records that a condition holds for.
func (s *Store) list(ctx context.Context, where string, n int, args ...any) ([]*Record, error) {
	return s.query(ctx, "id NOT LIKE '"+sentMark+"%' AND "+where, n, args...)
}

// query returns up to n records that a condition holds for.
func (s *Store) query(ctx context.Context, where string, n int, args ...any) ([]*Record, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+columns+" FROM record WHERE "+where+" LIMIT ?", append(args, n)...)
	if err != nil {
		return nil, failed("read", err)
	}
	defer rows.Close() // only read from
	var list []*Record
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, failed("read", err)
		}
		list = append(list, r)
	}
	if err := rows.Err(); err != nil {
		return nil, failed("read", err)
	}
	return list, nil
}

// Each calls f for all records, in pieces of up to n, in the order in which the run came to them. Among them are those
// without an id that an undo has left alone.
func (s *Store) Each(ctx context.Context, n int, f func([]*Record) error) error {
	for last := int64(0); ; {
		list, err := s.query(ctx, "seq > ? AND (id NOT LIKE '"+sentMark+"%' OR outcome != '') ORDER BY seq", n, last)
		if err != nil || len(list) == 0 {
			return err
		}
		last = list[len(list)-1].seq
		for _, r := range list {
			if strings.HasPrefix(r.ID, sentMark) {
				r.ID = ""
			}
			if r.maybe && len(r.After) == 0 {
				r.After = r.pending
			}
		}
		if err := f(list); err != nil {
			return err
		}
	}
}

// Again forgets what an earlier undo did not achieve, so that another one tries it.
func (s *Store) Again(ctx context.Context) error {
	return s.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE record SET due = '', outcome = '', code = '', field = '', message = '' WHERE outcome IN (?, ?)", Left, Refused)
		return err
	})
}

// begin notes what is about to be done to records, before it is.
func (s *Store) begin(ctx context.Context, records []*Record) error {
	return s.update(ctx, func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, "UPDATE record SET due = ? WHERE seq = ?")
		if err != nil {
			return err
		}
		defer put.Close() // ends with the transaction
		for _, r := range records {
			if _, err := put.ExecContext(ctx, string(r.due), r.seq); err != nil {
				return err
			}
		}
		return nil
	})
}

// decided notes what became of records.
func (s *Store) decided(ctx context.Context, records []*Record) error {
	return s.update(ctx, func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, "UPDATE record SET outcome = ?, code = ?, field = ?, message = ? WHERE seq = ?")
		if err != nil {
			return err
		}
		defer put.Close() // ends with the transaction
		for _, r := range records {
			if r.Outcome == "" {
				continue
			}
			if _, err := put.ExecContext(ctx, string(r.Outcome), r.Code, r.Field, r.Message, r.seq); err != nil {
				return err
			}
		}
		return nil
	})
}
