// Package ledger remembers, on disk and before a request leaves, what a run is about to do
// to each record, and afterwards what became of it. With it a run that was killed at any
// moment can be resumed: nothing is lost, and nothing that is not idempotent is sent twice.
//
// The ledger of a run is an SQLite file in its run directory: one row a read batch, in it
// one state byte a record and the packed record ids. Commits wait for the disk
// (synchronous=FULL), and callers that commit at the same moment share one commit. What is kept has checksums, and
// how many commits there were is also kept beside the ledger: one that was damaged, or has lost what was written to it
// last, is recognised and not gone on with.
package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"modernc.org/sqlite" // also the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrLedger is wrapped by every error of a ledger that cannot be read or written.
var ErrLedger = errors.New("ledger")

// ErrCorrupt is wrapped, beside ErrLedger, when the file is not a ledger of ours or is damaged.
var ErrCorrupt = errors.New("not a ledger, or damaged")

// ErrAccess is wrapped, beside ErrLedger, when a ledger cannot be opened though nothing says that it is
// damaged: its directory cannot be written, or the disk is full. It can be opened once that is mended.
var ErrAccess = errors.New("cannot be read and written")

// State is what is known of one record.
type State byte

// The states. They are stored: their numbers never change.
const (
	// Pending: not sent, or certain not to have reached the org.
	Pending State = 0
	// Sending: in a request that may have left; the answer is not known.
	Sending State = 1
	Created State = 2
	Updated State = 3
	Failed  State = 4
	Skipped State = 5
	// Unknown: sent, and what became of it cannot be found out.
	Unknown State = 6
	// Unchanged: the org's record holds all of it already; nothing was sent.
	Unchanged State = 7
	Deleted   State = 8
	Published State = 9
)

// Decided reports whether nothing more will be done about the record.
func (s State) Decided() bool { return s >= Created }

// Problem is why a record failed, was skipped or is unknown.
type Problem struct {
	Code, Field, Message string
	Attempts             int
}

// Batch is the ledger's view of one read batch. Record i of row r and target t has index
// t*Rows + r.
type Batch struct {
	Seq      int64
	File     int
	Line     int64 // the first row's line
	Rows     int
	Checksum uint32 // of the batch as it was read
	Final    bool   // every record is decided and stands in the report
	States   []State
	Problems map[int]Problem // of the records that are Failed, Skipped or Unknown; nil once Final

	ids []byte // idLen bytes a record, zero where there is none; nil while all are
}

const idLen = 15

// ID returns the 15-character id of record i, or "". That of a record that is Sending is the id of the job
// which has its result.
func (b *Batch) ID(i int) string {
	if len(b.ids) == 0 || b.ids[i*idLen] == 0 {
		return ""
	}
	return string(b.ids[i*idLen : (i+1)*idLen])
}

func (b *Batch) setID(i int, id string) {
	if len(id) < idLen {
		return
	}
	if b.ids == nil {
		b.ids = make([]byte, len(b.States)*idLen)
	}
	copy(b.ids[i*idLen:(i+1)*idLen], id)
}

// dropID forgets the id of record i and reports whether there was one.
func (b *Batch) dropID(i int) bool {
	if b.ID(i) == "" {
		return false
	}
	clear(b.ids[i*idLen : (i+1)*idLen])
	return true
}

// Mark is the news about one record.
type Mark struct {
	Seq   int64
	Index int
	State State
	// ID is the record's id; of one that is Sending that of the job which will have its result, or "" to leave what
	// is known of that.
	ID      string
	Problem *Problem
}

// Ledger is an open ledger. It is safe for concurrent use.
type Ledger struct {
	db *sql.DB

	mu    sync.Mutex // guards what follows
	open  map[int64]*Batch
	dirty map[int64]*change
	gen   int64 // the generation that collects changes now

	write     sync.Mutex // held while committing; guards what follows
	committed int64      // the last generation on disk
	commits   commits
}

// change lists what has to be written of a batch.
type change struct {
	ids      bool
	problems []int
}

// schemaSQL is one transaction, so that it waits for the disk once.
const schemaSQL = `
BEGIN;
CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE batch(
	seq INTEGER PRIMARY KEY, file INTEGER NOT NULL, line INTEGER NOT NULL, rows INTEGER NOT NULL,
	checksum INTEGER NOT NULL, final INTEGER NOT NULL, states BLOB NOT NULL, ids BLOB,
	sum INTEGER NOT NULL, idsum INTEGER);
CREATE TABLE problem(
	seq INTEGER NOT NULL, record INTEGER NOT NULL, code TEXT NOT NULL, field TEXT NOT NULL,
	message TEXT NOT NULL, attempts INTEGER NOT NULL, PRIMARY KEY(seq, record)) WITHOUT ROWID;
CREATE TABLE commits(n INTEGER NOT NULL);
INSERT INTO commits VALUES(0);
PRAGMA application_id = 0x73667379;
PRAGMA user_version = 2;
COMMIT;`

const (
	applicationID = 0x73667379 // "sfsy"
	version       = 2
)

// Create makes a new ledger; the file must not exist. The info is whatever the run needs to
// be resumed, kept as JSON.
func Create(ctx context.Context, path string, info any) (*Ledger, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: create: %w", ErrLedger, err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("%w: create: %w", ErrLedger, err)
	}
	l, err := connect(ctx, path)
	if err != nil {
		return nil, err
	}
	if _, err := l.db.ExecContext(ctx, schemaSQL); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: create %s: %w", ErrLedger, path, err), l.db.Close())
	}
	if err := l.SetMeta(ctx, "info", info); err != nil {
		return nil, errors.Join(err, l.db.Close())
	}
	return l, nil
}

// Open opens the ledger of an earlier run.
func Open(ctx context.Context, path string) (*Ledger, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w: open: %w", ErrLedger, err)
	}
	least := noted(path) // before the ledger itself, which another process may be writing
	l, err := connect(ctx, path)
	if err != nil {
		return nil, err
	}
	var id, made int
	err = l.db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id)
	if err == nil {
		err = l.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&made)
	}
	if err == nil && id == applicationID && made == version {
		err = l.db.QueryRowContext(ctx, "SELECT n FROM commits").Scan(&l.commits.n)
	}
	switch {
	case err != nil:
		err = notOpened(path, err)
	case id != applicationID:
		err = fmt.Errorf("%w: open %s: %w", ErrLedger, path, ErrCorrupt)
	case made != version:
		err = fmt.Errorf("%w: open %s: version %d, this program knows version %d: use the sfsync that made it", ErrLedger, path, made, version)
	case l.commits.n < least:
		err = fmt.Errorf("%w: open %s: %w: %d of its %d commits are missing: put back the %s-wal that was beside it", ErrLedger, path, ErrCorrupt,
			least-l.commits.n, least, filepath.Base(path))
	default:
		return l, nil
	}
	return nil, errors.Join(err, l.db.Close())
}

// Check reads the whole ledger and returns ErrCorrupt where it does not hold together. What is read later is looked at
// then; this also finds what is missing.
func (l *Ledger) Check(ctx context.Context) error {
	var found string
	if err := l.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return notRead(err)
	}
	if found != "ok" {
		return fmt.Errorf("%w: read: %w: %s", ErrLedger, ErrCorrupt, found)
	}
	return nil
}

func connect(ctx context.Context, path string) (*Ledger, error) {
	path, err := filepath.Abs(path) // a run that is resumed goes to the directory that it was begun in
	if err != nil {
		return nil, fmt.Errorf("%w: open: %w", ErrLedger, err)
	}
	db, err := sql.Open("sqlite", "file:"+uriPath(path)+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, fmt.Errorf("%w: open %s: %w", ErrLedger, path, err)
	}
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(notOpened(path, err), db.Close())
	}
	return &Ledger{db: db, open: make(map[int64]*Batch), dirty: make(map[int64]*change), gen: 1, commits: commits{path: countPath(path)}}, nil
}

// notOpened words why a ledger cannot be opened: what is about the disk says nothing of the ledger.
func notOpened(path string, err error) error {
	kind := ErrCorrupt
	if OfDisk(err) {
		kind = ErrAccess
	}
	return fmt.Errorf("%w: open %s: %w: %w", ErrLedger, path, kind, err)
}

// OfDisk reports whether an SQLite error is about the disk or the rights to it, and says nothing of what the file holds.
func OfDisk(err error) bool {
	if e := (*sqlite.Error)(nil); errors.As(err, &e) {
		switch e.Code() & 0xff { // the primary code
		case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY:
			return true
		}
	}
	return false
}

// notRead words why a ledger that is open cannot be read.
func notRead(err error) error {
	if e := (*sqlite.Error)(nil); errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB) {
		return fmt.Errorf("%w: read: %w: %w", ErrLedger, ErrCorrupt, err)
	}
	return fmt.Errorf("%w: read: %w", ErrLedger, err)
}

// uriPath escapes what has a meaning in an SQLite file URI.
func uriPath(path string) string {
	var b []byte
	for i := range len(path) {
		switch c := path[i]; c {
		case '%', '?', '#':
			b = fmt.Appendf(b, "%%%02X", c)
		case '\\':
			b = append(b, '/')
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// Close closes the ledger; what was committed stays.
func (l *Ledger) Close() error {
	if err := errors.Join(l.db.Close(), l.commits.close()); err != nil {
		return fmt.Errorf("%w: close: %w", ErrLedger, err)
	}
	return nil
}

// SetMeta stores a JSON document under a key.
func (l *Ledger) SetMeta(ctx context.Context, key string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrLedger, key, err)
	}
	l.write.Lock()
	defer l.write.Unlock()
	return l.inTx(ctx, func(tx *sql.Tx) error { return putMeta(ctx, tx, key, text) })
}

func putMeta(ctx context.Context, tx *sql.Tx, key string, text []byte) error {
	_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO meta VALUES(?,?,?)", key, text, sumOf(text))
	return err
}

// Meta reads the document under a key into v; ok is false where there is none. The key of
// the document given to [Create] is "info".
func (l *Ledger) Meta(ctx context.Context, key string, v any) (ok bool, err error) {
	var text []byte
	var sum uint32
	err = l.db.QueryRowContext(ctx, "SELECT value, sum FROM meta WHERE key=?", key).Scan(&text, &sum)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err == nil && sum != sumOf(text) {
		err = errChecksum
	}
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return false, fmt.Errorf("%w: read %s: %w: %w", ErrLedger, key, ErrCorrupt, err)
	}
	return true, nil
}
