package store

import (
	"context"
	"database/sql"
)

// Exec runs a statement on tables that belong to no object, such as those that keep jobs. Their names
// must not begin with "sf_" or "org_". Statements are kept prepared: values belong into args.
func (tx *Tx) Exec(text string, args ...any) (sql.Result, error) { return tx.exec(text, args...) }

// QueryRow runs a SELECT that has at most one row.
func (tx *Tx) QueryRow(ctx context.Context, text string, args ...any) *sql.Row {
	if tx.writes {
		ctx = context.WithoutCancel(ctx)
	}
	return tx.queryRow(ctx, text, args...)
}

// Instance returns the three characters that the ids of this org have behind their key prefix.
func (s *Store) Instance() string { return s.instance }

// InMemory reports whether the database is in memory. There, a view keeps everybody else waiting.
func (s *Store) InMemory() bool { return s.readers == nil }
