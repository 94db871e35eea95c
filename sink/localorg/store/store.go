package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rules"
)

// Memory is the path of a database that lives and dies with its Store.
const Memory = ":memory:"

// Store is an open database. It is safe for concurrent use.
type Store struct {
	now func() time.Time

	write   *sql.DB
	readers *sql.DB // nil for a database in memory, which has one connection

	mu    sync.Mutex // held by the one writer
	conn  *sql.Conn
	stmts map[string]*sql.Stmt

	catalog  atomic.Pointer[catalog.Catalog]
	rules    atomic.Pointer[map[string]*rules.Set] // by object
	instance string
	userID   string
}

// Open opens the database at path, or creates it, readable by its owner only. A process must
// not open a database that another one has open.
func Open(ctx context.Context, path string, now func() time.Time) (*Store, error) {
	dsn := path
	const pragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)" +
		"&_pragma=cache_size(-32768)&_pragma=temp_store(memory)"
	if path != Memory {
		if err := createPrivate(path); err != nil {
			return nil, fmt.Errorf("open local org database: %w", err)
		}
		uri, err := fileURI(path)
		if err != nil {
			return nil, fmt.Errorf("open local org database: %w", err)
		}
		dsn = uri + pragmas
	}
	s := &Store{now: now, stmts: map[string]*sql.Stmt{}}
	if err := s.open(ctx, dsn, path == Memory); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open local org database %s: %w", path, err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, dsn string, memory bool) (err error) {
	if s.write, err = sql.Open("sqlite", dsn); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if s.conn, err = s.write.Conn(ctx); err != nil {
		return err
	}
	if memory {
		// A commit walks over the table of pages whenever an index was split out of order, and in
		// memory all pages are in it. A quarter of them took a tenth off the time of 1,000,000 records.
		if _, err = s.conn.ExecContext(ctx, "PRAGMA page_size = 16384"); err != nil {
			return err
		}
	}
	if !memory {
		if s.readers, err = sql.Open("sqlite", dsn+"&_pragma=query_only(1)"); err != nil {
			return err
		}
		s.readers.SetMaxOpenConns(4)
		s.readers.SetMaxIdleConns(4)
	}
	const tables = `
CREATE TABLE IF NOT EXISTS org_meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS org_object (name TEXT PRIMARY KEY NOT NULL, doc TEXT NOT NULL, modified TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS org_sequence (object TEXT PRIMARY KEY NOT NULL, next INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS org_bin (root TEXT NOT NULL, id TEXT NOT NULL, field TEXT NOT NULL, value TEXT, PRIMARY KEY (root, id, field)) WITHOUT ROWID;`
	if _, err = s.conn.ExecContext(ctx, tables); err != nil {
		return err
	}
	defs, err := s.loadObjects(ctx)
	if err != nil {
		return err
	}
	sets, err := compileRules(defs)
	if err != nil {
		return err
	}
	s.catalog.Store(catalog.New(defs))
	s.rules.Store(&sets)
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
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, st := range s.stmts {
		_ = st.Close()
	}
	clear(s.stmts)
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
		s.conn = nil
	}
	if s.write != nil {
		errs = append(errs, s.write.Close())
	}
	return errors.Join(errs...)
}

// Identify says who writes: instance is the three characters that the ids of this org have
// behind their key prefix, userID the user that creates and owns records. It must be called
// before the first write.
func (s *Store) Identify(instance, userID string) { s.instance, s.userID = instance, userID }

// Catalog returns the org's schema as it is now.
func (s *Store) Catalog() *catalog.Catalog { return s.catalog.Load() }

// Meta reads a value kept with [Store.SetMeta] into v, a pointer, and reports whether there
// is one.
func (s *Store) Meta(ctx context.Context, name string, v any) (bool, error) {
	var doc string
	err := s.View(ctx, func(tx *Tx) error {
		return tx.queryRow(ctx, "SELECT value FROM org_meta WHERE name = ?", name).Scan(&doc)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(doc), v)
	}
	if err != nil {
		return false, fmt.Errorf("read %s of the local org: %w", name, err)
	}
	return true, nil
}

// SetMeta keeps a value with the database.
func (s *Store) SetMeta(ctx context.Context, name string, v any) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.Update(ctx, func(tx *Tx) error { return tx.setMeta(name, string(doc)) })
}

// SetMeta is [Store.SetMeta] as part of a transaction.
func (tx *Tx) SetMeta(name string, v any) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return tx.setMeta(name, string(doc))
}

func (tx *Tx) setMeta(name, doc string) error {
	_, err := tx.exec("INSERT INTO org_meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, doc)
	return err
}

// Tx is a transaction, or a view. It belongs to one goroutine and to the function it was
// handed to.
type Tx struct {
	s *Store
	// q runs queries: the writer's connection, or a reader.
	q interface {
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}
	writes bool
	caller Caller
	after  func() // runs once the transaction is committed, before the next one begins
}

// Update runs fn in a transaction: it is committed if fn returns nil, else rolled back. A
// transaction once begun is brought to its end even if ctx ends: a caller who hangs up does
// not stop Salesforce either.
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if s.conn == nil {
		return sql.ErrConnDone
	}
	tx := &Tx{s: s, q: s.conn, writes: true}
	if _, err := tx.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			_, _ = tx.exec("ROLLBACK")
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	if _, err := tx.exec("COMMIT"); err != nil {
		return err
	}
	done = true
	if tx.after != nil {
		tx.after()
	}
	return nil
}

// View runs fn with a read-only transaction on the last committed state.
func (s *Store) View(ctx context.Context, fn func(*Tx) error) error {
	if s.readers != nil {
		return fn(&Tx{s: s, q: s.readers})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return sql.ErrConnDone
	}
	return fn(&Tx{s: s, q: s.conn})
}

// Savepoint runs fn so that its changes, and only they, are undone if it returns an error.
func (tx *Tx) Savepoint(fn func() error) error {
	if _, err := tx.exec("SAVEPOINT part"); err != nil {
		return err
	}
	if err := fn(); err != nil {
		_, e1 := tx.exec("ROLLBACK TO part")
		_, e2 := tx.exec("RELEASE part")
		return errors.Join(err, e1, e2)
	}
	_, err := tx.exec("RELEASE part")
	return err
}

// Query runs a SELECT.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if tx.writes {
		ctx = context.WithoutCancel(ctx)
	}
	return tx.q.QueryContext(ctx, query, args...)
}

func (tx *Tx) queryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return tx.q.QueryRowContext(ctx, query, args...)
}

// maxStatements bounds the prepared statements: there is one for each set of fields that
// callers write.
const maxStatements = 512

// stmt returns the prepared statement of a text on the writer's connection.
func (tx *Tx) stmt(text string) (*sql.Stmt, error) {
	s := tx.s
	if st, ok := s.stmts[text]; ok {
		return st, nil
	}
	if len(s.stmts) >= maxStatements {
		for _, st := range s.stmts {
			_ = st.Close()
		}
		clear(s.stmts)
	}
	st, err := s.conn.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", text, err)
	}
	s.stmts[text] = st
	return st, nil
}

func (tx *Tx) exec(text string, args ...any) (sql.Result, error) {
	if !tx.writes {
		return nil, errors.New("write in a read-only view")
	}
	st, err := tx.stmt(text)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(context.Background(), args...)
}

// rows runs a prepared query of the writer, or a plain one of a reader.
func (tx *Tx) rows(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if !tx.writes {
		return tx.q.QueryContext(ctx, text, args...)
	}
	st, err := tx.stmt(text)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(context.Background(), args...)
}
