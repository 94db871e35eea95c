// Package fingerprint remembers, for each match key of a mapping and an org, what the org last
// accepted, so that a later run can leave out the rows that bring nothing new.
//
// A fingerprint is 24 bytes: a hash of the key and one of what was sent. A [Store] is a file of them in
// order of the keys, which is looked up block by block, and a journal of what the run under way adds. When
// the run ends the two are merged into a new file; a run that was killed leaves its journal, which the next
// one merges first. A key that was sent and whose outcome nobody knows has no fingerprint afterwards, so its
// next row is sent: doubt costs a call, never a change.
//
// A changed row is taken for an unchanged one only if two contents have the same 96 bits of SHA-256: a chance of
// 1 in 8·10²⁸ for each changed row. Two keys of ten million share a hash with a chance of 1 in 10¹⁵; they then
// share a fingerprint, so that both are sent more often than needed.
//
// Memory hardly depends on the number of keys: 8 bytes for each block of 170 of them and a bit for each, which
// are 1.7 MB for ten million, and some 40 MB in which a journal is sorted. Disk is 24 bytes a key. While a run goes on
// its journal takes 48 bytes for each record that is sent, and the merge 28 for each key that was sent and as much as
// the new file.
package fingerprint

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// ErrStore is wrapped by every error of a store that cannot be read or written.
var ErrStore = errors.New("fingerprints")

// Sum is a hash of a key, or of what was sent for it: 96 bits, of which the zero value is no hash.
type Sum [sumLen]byte

const sumLen = 12

const suffix = ".fingerprints"

// SumOf hashes bytes.
func SumOf(b []byte) Sum {
	full := sha256.Sum256(b)
	s := Sum(full[:sumLen])
	if s == (Sum{}) {
		s[0] = 1
	}
	return s
}

// Store is the fingerprints of a mapping and an org. It is safe for concurrent use by one process: the caller
// holds the lock of the run.
type Store struct {
	path string

	reading sync.Mutex // of table and touched
	table   *table     // what earlier runs left; nil for nothing
	touched []uint64   // a bit for each record of the table: this run has sent its key

	writing sync.Mutex
	journal *journal
}

// Name is the name of the store of a mapping and an org, fit for a file on every system. Names that only differ in
// their case have stores of their own on those, too, that do not tell them apart.
func Name(mapping, org string) string {
	sum := sha256.Sum256([]byte(mapping))
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, mapping)
	return clean[:min(len(clean), 60)] + "-" + org + "-" + hex.EncodeToString(sum[:4])
}

// Open opens the store called name in a directory, which it makes. What a killed run left is merged first, and
// what a killed merge left is removed. A damaged file is an error that says so: removing it makes the next run
// send everything again.
func Open(dir, name string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	s := &Store{path: filepath.Join(dir, name+suffix)}
	if err := removeTemporary(s.path); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	left := s.path + journalSuffix
	if _, err := os.Stat(left); err == nil {
		if err := merge(s.path, left); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	var err error
	if s.table, err = openTable(s.path); err != nil {
		return nil, err
	}
	if s.journal, err = newJournal(left); err != nil {
		return nil, errors.Join(err, s.table.close())
	}
	s.touched = make([]uint64, (s.table.len()+63)/64)
	return s, nil
}

// Same reports whether the org last accepted exactly this for the key, as far as earlier runs tell, and the
// run under way has sent nothing for it.
func (s *Store) Same(key, content Sum) (bool, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	at, known, err := s.table.find(key)
	return at >= 0 && known == content && s.touched[at/64]&(1<<(at%64)) == 0, err
}

// Last returns what the org last accepted for a key as far as earlier runs tell; the zero Sum for nothing.
func (s *Store) Last(key Sum) (Sum, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	_, content, err := s.table.find(key)
	return content, err
}

// Sending says that what the org holds for these keys may change from here on: records are about to be sent.
// When it returns without an error that is on disk.
func (s *Store) Sending(keys []Sum) error {
	if err := s.Doubt(keys); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.journal.sync()
}

// Doubt says that what the org holds for these keys is not known any more. It is on disk with what is sent next.
func (s *Store) Doubt(keys []Sum) error {
	s.reading.Lock()
	for _, k := range keys {
		at, _, err := s.table.find(k)
		if err != nil {
			s.reading.Unlock()
			return err
		}
		if at >= 0 {
			s.touched[at/64] |= 1 << (at % 64)
		}
	}
	s.reading.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	for _, k := range keys {
		if err := s.journal.add(k, Sum{}); err != nil {
			return err
		}
	}
	return nil
}

// Accepted says that the org accepted this for a key that was sent.
func (s *Store) Accepted(key, content Sum) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.journal.add(key, content)
}

// Exists reports whether there is a store called name in a directory, be it of a run that was killed.
func Exists(dir, name string) bool {
	path := filepath.Join(dir, name+suffix)
	_, err := os.Stat(path)
	_, left := os.Stat(path + journalSuffix)
	return err == nil || left == nil
}

// Remove removes the store called name from a directory, where there is one: what the org last accepted is then
// not known. Nobody may have it open.
func Remove(dir, name string) error {
	path := filepath.Join(dir, name+suffix)
	if err := removeTemporary(path); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	for _, p := range []string{path + journalSuffix, path} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", ErrStore, err)
		}
	}
	return nil
}

// Close merges what the run has learned into the file and closes the store. If that fails the journal stays, and
// the next run merges it first: nothing is forgotten.
func (s *Store) Close() error {
	if err := errors.Join(s.journal.close(), s.table.close()); err != nil {
		return err
	}
	return merge(s.path, s.journal.path)
}

// temporary is what the names of files begin with that the merge into path leaves if it is killed.
func temporary(path string) string { return path + ".tmp-" }

func removeTemporary(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var errs []error
	for _, e := range entries {
		if name := filepath.Join(filepath.Dir(path), e.Name()); strings.HasPrefix(name, temporary(path)) {
			errs = append(errs, os.Remove(name))
		}
	}
	return errors.Join(errs...)
}
