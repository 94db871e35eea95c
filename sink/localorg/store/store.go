package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rules"
	"sfsync/sink/localorg/store/database"
)

// Store is an open database. It is safe for concurrent use.
type Store struct {
	now func() time.Time

	db *database.DB

	catalog  atomic.Pointer[catalog.Catalog]
	rules    atomic.Pointer[map[string]*rules.Set] // by object
	instance string
	userID   string
}

// Memory is the path of a database that lives and dies with its Store.
const Memory = database.Memory

// Open opens the database at path, or creates it, readable by its owner only. A process must
// not open a database that another one has open.
func Open(ctx context.Context, path string, now func() time.Time) (*Store, error) {
	db, err := database.Open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open local org database %s: %w", path, err)
	}
	s := &Store{now: now, db: db}
	if err := s.load(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open local org database %s: %w", path, err)
	}
	return s, nil
}

// load makes the tables that the database lacks and reads the schema.
func (s *Store) load(ctx context.Context) error {
	const tables = `
CREATE TABLE IF NOT EXISTS org_meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS org_object (name TEXT PRIMARY KEY NOT NULL, doc TEXT NOT NULL, modified TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS org_sequence (object TEXT PRIMARY KEY NOT NULL, next INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS org_bin (root TEXT NOT NULL, id TEXT NOT NULL, field TEXT NOT NULL, value TEXT, PRIMARY KEY (root, id, field)) WITHOUT ROWID;`
	if err := s.db.Update(ctx, func(tx *database.Tx) error { return tx.Define(tables) }); err != nil {
		return err
	}
	var defs []catalog.Definition
	err := s.db.View(ctx, func(tx *database.Tx) (err error) {
		defs, err = loadObjects(ctx, tx)
		return err
	})
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

// Close closes the database. Calls under way fail.
func (s *Store) Close() error { return s.db.Close() }

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
		return tx.QueryRow(ctx, "SELECT value FROM org_meta WHERE name = ?", name).Scan(&doc)
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
	_, err := tx.Exec("INSERT INTO org_meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, doc)
	return err
}

// Tx is a transaction, or a view. It belongs to one goroutine and to the function it was
// handed to. Statements on tables that belong to no object, such as those that keep jobs, must be on
// tables whose names do not begin with "sf_" or "org_".
type Tx struct {
	*database.Tx
	s      *Store
	caller Caller
}

// Update is [database.DB.Update].
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	return s.db.Update(ctx, func(tx *database.Tx) error { return fn(&Tx{Tx: tx, s: s}) })
}

// View is [database.DB.View].
func (s *Store) View(ctx context.Context, fn func(*Tx) error) error {
	return s.db.View(ctx, func(tx *database.Tx) error { return fn(&Tx{Tx: tx, s: s}) })
}

// Instance returns the three characters that the ids of this org have behind their key prefix.
func (s *Store) Instance() string { return s.instance }

// InMemory reports whether the database is in memory. There, a view keeps everybody else waiting.
func (s *Store) InMemory() bool { return s.db.InMemory() }
