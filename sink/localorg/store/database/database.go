// Package database keeps a SQLite database of its own: in a file that only its owner can read, or in memory. There
// is one writer at a time, whose statements stay prepared; readers see the last committed state.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite"
)

// Memory is the path of a database that lives and dies with its DB.
const Memory = ":memory:"

// DB is an open database. It is safe for concurrent use.
type DB struct {
	write   *sql.DB
	readers *sql.DB // nil for a database in memory, which has one connection

	mu    sync.Mutex // held by the one writer
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// Open opens the database at path, or creates it, readable by its owner only. A process must
// not open a database that another one has open.
func Open(ctx context.Context, path string) (*DB, error) {
	dsn := path
	const pragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)" +
		"&_pragma=cache_size(-32768)&_pragma=temp_store(memory)"
	if path != Memory {
		if err := createPrivate(path); err != nil {
			return nil, err
		}
		uri, err := fileURI(path)
		if err != nil {
			return nil, err
		}
		dsn = uri + pragmas
	}
	db := &DB{stmts: map[string]*sql.Stmt{}}
	if err := db.open(ctx, dsn, path == Memory); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

func (db *DB) open(ctx context.Context, dsn string, memory bool) (err error) {
	if db.write, err = sql.Open("sqlite", dsn); err != nil {
		return err
	}
	db.write.SetMaxOpenConns(1)
	if db.conn, err = db.write.Conn(ctx); err != nil {
		return err
	}
	if memory {
		// A commit walks over the table of pages whenever an index was split out of order, and in
		// memory all pages are in it. A quarter of them took a tenth off the time of 1,000,000 records.
		if _, err = db.conn.ExecContext(ctx, "PRAGMA page_size = 16384"); err != nil {
			return err
		}
	}
	if !memory {
		if db.readers, err = sql.Open("sqlite", dsn+"&_pragma=query_only(1)"); err != nil {
			return err
		}
		db.readers.SetMaxOpenConns(4)
		db.readers.SetMaxIdleConns(4)
	}
	return nil
}

// createPrivate makes the file before SQLite does, so that its mode, which the log beside it
// takes over, is never wider than 0600.
func createPrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func fileURI(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	p := filepath.ToSlash(abs)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return "file://" + (&url.URL{Path: p}).EscapedPath(), nil
}

// Close closes the database. Calls under way fail.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	var errs []error
	for _, st := range db.stmts {
		_ = st.Close()
	}
	clear(db.stmts)
	if db.readers != nil {
		errs = append(errs, db.readers.Close())
	}
	if db.conn != nil {
		errs = append(errs, db.conn.Close())
		db.conn = nil
	}
	if db.write != nil {
		errs = append(errs, db.write.Close())
	}
	return errors.Join(errs...)
}

// InMemory reports whether the database is in memory. There, a view keeps everybody else waiting.
func (db *DB) InMemory() bool { return db.readers == nil }

// Tx is a transaction, or a view. It belongs to one goroutine and to the function it was
// handed to.
type Tx struct {
	db *DB
	// q runs queries: the writer's connection, or a reader.
	q interface {
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}
	writes bool
	after  func()
}

// Update runs fn in a transaction: it is committed if fn returns nil, else rolled back. A
// transaction once begun is brought to its end even if ctx ends: a caller who hangs up does
// not stop Salesforce either.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) (err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if db.conn == nil {
		return sql.ErrConnDone
	}
	tx := &Tx{db: db, q: db.conn, writes: true}
	if _, err := tx.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			_, _ = tx.Exec("ROLLBACK")
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	if _, err := tx.Exec("COMMIT"); err != nil {
		return err
	}
	done = true
	if tx.after != nil {
		tx.after()
	}
	return nil
}

// View runs fn with a read-only transaction on the last committed state.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	if db.readers != nil {
		return fn(&Tx{db: db, q: db.readers})
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.conn == nil {
		return sql.ErrConnDone
	}
	return fn(&Tx{db: db, q: db.conn})
}

// After makes fn run once the transaction is committed, before the next one begins.
func (tx *Tx) After(fn func()) { tx.after = fn }

// Savepoint runs fn so that its changes, and only they, are undone if it returns an error.
func (tx *Tx) Savepoint(fn func() error) error {
	if _, err := tx.Exec("SAVEPOINT part"); err != nil {
		return err
	}
	if err := fn(); err != nil {
		_, e1 := tx.Exec("ROLLBACK TO part")
		_, e2 := tx.Exec("RELEASE part")
		return errors.Join(err, e1, e2)
	}
	_, err := tx.Exec("RELEASE part")
	return err
}

// Query runs a SELECT.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if tx.writes {
		ctx = context.WithoutCancel(ctx)
	}
	return tx.q.QueryContext(ctx, query, args...)
}

// QueryRow runs a SELECT that has at most one row.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if tx.writes {
		ctx = context.WithoutCancel(ctx)
	}
	return tx.q.QueryRowContext(ctx, query, args...)
}

// maxStatements bounds the prepared statements: there is one for each set of fields that
// callers write.
const maxStatements = 512

// Stmt returns the prepared statement of a text on the writer's connection.
func (tx *Tx) Stmt(text string) (*sql.Stmt, error) {
	if !tx.writes {
		return nil, errReadOnly
	}
	db := tx.db
	if st, ok := db.stmts[text]; ok {
		return st, nil
	}
	if len(db.stmts) >= maxStatements {
		for _, st := range db.stmts {
			_ = st.Close()
		}
		clear(db.stmts)
	}
	st, err := db.conn.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", text, err)
	}
	db.stmts[text] = st
	return st, nil
}

var errReadOnly = errors.New("write in a read-only view")

// Exec runs a statement that is kept prepared: values belong into args.
func (tx *Tx) Exec(text string, args ...any) (sql.Result, error) {
	st, err := tx.Stmt(text)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(context.Background(), args...)
}

// Define runs a statement that is not worth keeping prepared.
func (tx *Tx) Define(text string) error {
	if !tx.writes {
		return errReadOnly
	}
	_, err := tx.db.conn.ExecContext(context.Background(), text)
	return err
}

// Fetch runs a SELECT that the writer keeps prepared: values belong into args.
func (tx *Tx) Fetch(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if !tx.writes {
		return tx.q.QueryContext(ctx, text, args...)
	}
	st, err := tx.Stmt(text)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(context.Background(), args...)
}
