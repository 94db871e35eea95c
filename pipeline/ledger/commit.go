package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
)

var errChecksum = errors.New("a checksum is wrong")

// sumOf is the checksum (CRC-32C) of what is kept.
func sumOf(parts ...[]byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // made once for all
	sum := uint32(0)
	for _, p := range parts {
		sum = crc32.Update(sum, table, p)
	}
	return sum
}

// sum is the checksum of a batch without its ids and problems.
func (b *Batch) sum() uint32 {
	head := make([]byte, 0, 48)
	for _, n := range []int64{b.Seq, int64(b.File), b.Line, int64(b.Rows), int64(b.Checksum)} {
		head = binary.LittleEndian.AppendUint64(head, uint64(n)) //nolint:gosec // any bits will do
	}
	if b.Final {
		head = append(head, 1)
	}
	return sumOf(head, bytesOf(b.States))
}

// inTx makes one commit of what f does. When it returns without an error that is on disk. The caller holds write.
func (l *Ledger) inTx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%w: begin: %w", ErrLedger, err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err = f(tx); err == nil {
		_, err = tx.ExecContext(ctx, "UPDATE commits SET n = n + 1")
	}
	if err == nil {
		err = tx.Commit()
	}
	if err == nil {
		err = l.commits.more()
	}
	if err != nil {
		return fmt.Errorf("%w: write: %w", ErrLedger, err)
	}
	return nil
}

// commits counts the commits of a ledger in a file of its own. What SQLite has not yet moved from its write-ahead log
// into the ledger is gone without a trace if that file is lost, cut off or damaged: then the ledger has fewer
// commits than this says. The count is written behind the commit and without waiting for the disk, so a machine that
// goes down can only leave one that is too low.
type commits struct {
	path string
	f    *os.File // nil until something is written
	n    int64
}

// countPath is where the commits of the ledger at path are counted.
func countPath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".commits")
}

func (c *commits) more() error {
	c.n++
	if c.f == nil {
		f, err := os.OpenFile(c.path, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		c.f = f
	}
	_, err := c.f.WriteAt(fmt.Appendf(nil, "%019d\n", c.n), 0)
	return err
}

func (c *commits) close() error {
	if c.f == nil {
		return nil
	}
	return c.f.Close()
}

// noted is how many commits the ledger at path has at least; 0 where that is not known.
func noted(path string) int64 {
	text, err := os.ReadFile(countPath(path))
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
