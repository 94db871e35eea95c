package fingerprint

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"sfsync/pipeline/spill"
)

// sortMemory is in how many bytes the records of a journal are sorted. It is a variable of merger so that tests can do
// with fewer.
const sortMemory = 32 << 20

// merge makes the table at path anew from itself and a journal, then removes the journal. It can be repeated
// after being interrupted at any point: until the new table stands in the old one's place nothing is lost,
// and merging the same journal once more changes nothing.
func merge(path, journalPath string) error {
	m := merger{path: path, memory: sortMemory}
	if err := m.run(journalPath); err != nil {
		return fmt.Errorf("%w: merge %s: %w", ErrStore, journalPath, err)
	}
	return nil
}

type merger struct {
	path   string
	memory int
}

func (m *merger) run(journalPath string) (err error) {
	j, err := os.Open(journalPath)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, j.Close()); err == nil {
			err = os.Remove(journalPath)
		}
	}()
	learned := spill.NewSorter(entries(), filepath.Dir(m.path), filepath.Base(temporary(m.path))+"run-*", m.memory)
	defer func() { err = errors.Join(err, learned.Close()) }()
	r := reader{r: bufio.NewReaderSize(j, 256<<10)}
	for n := uint32(0); ; n++ {
		more, err := r.next()
		switch {
		case err != nil:
			return err
		case more && n == math.MaxUint32:
			return fmt.Errorf("it has more than %d records: remove it and %s, and the next run sends everything again", n, m.path)
		case more:
			if err := learned.Add(entryOf(&r.rec, n)); err != nil {
				return err
			}
			continue
		case n == 0:
			return nil
		}
		return m.write(learned)
	}
}

// entry is a record of a journal as it is sorted: by its key, and what was learned last first.
type entry struct {
	key  uint64 // the first eight bytes
	rest uint64 // the other four, and a number that falls from record to record
	c    uint64 // the content
	d    uint32
}

const entrySize = 8 + 8 + sumLen

func entryOf(rec *[recordLen]byte, n uint32) entry {
	be := binary.BigEndian
	return entry{
		key: be.Uint64(rec[:]), rest: uint64(be.Uint32(rec[8:]))<<32 | uint64(math.MaxUint32-n),
		c: be.Uint64(rec[sumLen:]), d: be.Uint32(rec[sumLen+8:]),
	}
}

// record writes the record of an entry. It reports false for a key in doubt, which has no fingerprint.
func (e *entry) record(rec *[recordLen]byte) bool {
	be := binary.BigEndian
	be.PutUint64(rec[:], e.key)
	be.PutUint32(rec[8:], uint32(e.rest>>32)) //nolint:gosec // four bytes
	be.PutUint64(rec[sumLen:], e.c)
	be.PutUint32(rec[sumLen+8:], e.d)
	return e.c != 0 || e.d != 0
}

func (e entry) compare(f entry) int {
	if e.key != f.key {
		return cmp.Compare(e.key, f.key)
	}
	return cmp.Compare(e.rest, f.rest)
}

func (e entry) sameKey(f entry) bool { return e.key == f.key && e.rest>>32 == f.rest>>32 }

// entries is how entries are sorted; of a key the first one counts.
func entries() spill.Kind[entry] {
	be := binary.BigEndian
	return spill.Kind[entry]{
		Size: entrySize, Compare: entry.compare, Same: entry.sameKey,
		Put: func(b []byte, e entry) {
			be.PutUint64(b, e.key)
			be.PutUint64(b[8:], e.rest)
			be.PutUint64(b[16:], e.c)
			be.PutUint32(b[24:], e.d)
		},
		Get: func(b []byte) entry {
			return entry{be.Uint64(b), be.Uint64(b[8:]), be.Uint64(b[16:]), be.Uint32(b[24:])}
		},
	}
}

// write makes the new table.
func (m *merger) write(learned *spill.Sorter[entry]) error {
	old, err := openTable(m.path)
	if err != nil {
		return err
	}
	name, err := m.writeNew(old, learned)
	err = errors.Join(err, old.close()) // before the rename: Windows replaces no file that is open
	if err == nil {
		err = os.Rename(name, m.path)
	}
	if err == nil {
		return syncDir(filepath.Dir(m.path))
	}
	if name != "" {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// writeNew writes the new table to a file that stands beside the old one, and returns its name: "" if there is none.
func (m *merger) writeNew(old *table, learned *spill.Sorter[entry]) (name string, err error) {
	sorted, err := learned.Sorted()
	if err != nil {
		return "", err
	}
	out, err := os.CreateTemp(filepath.Dir(m.path), filepath.Base(temporary(m.path))+"table-*") // 0600
	if err != nil {
		return "", err
	}
	w, err := newTableWriter(out)
	if err == nil {
		err = w.addAll(old, sorted)
	}
	if err == nil {
		err = w.finish()
	}
	return out.Name(), errors.Join(err, out.Close())
}

// addAll adds what was learned, and of the old table the keys of which nothing was.
func (t *tableWriter) addAll(old *table, learned *spill.Stream[entry]) error {
	kept := reader{r: bufio.NewReaderSize(old.records(), 64<<10)}
	more, err := kept.next()
	if err != nil {
		return err
	}
	var rec [recordLen]byte
	var last entry
	for first := true; ; first = false {
		e, ok, err := learned.Next()
		if err != nil {
			return err
		}
		if ok && !first && e.sameKey(last) {
			continue
		}
		last = e
		known := e.record(&rec)
		for more {
			c := -1
			if ok {
				c = bytes.Compare(kept.rec[:sumLen], rec[:sumLen])
			}
			if c > 0 {
				break
			}
			if c < 0 {
				if err := t.add(kept.rec[:]); err != nil {
					return err
				}
			}
			if more, err = kept.next(); err != nil {
				return err
			}
		}
		if !ok {
			return nil
		}
		if known {
			if err := t.add(rec[:]); err != nil {
				return err
			}
		}
	}
}

// reader reads records.
type reader struct {
	r   *bufio.Reader
	rec [recordLen]byte
}

// next reads the next record; more is false at the end. One that is torn off there was not yet relied on.
func (r *reader) next() (more bool, err error) {
	_, err = io.ReadFull(r.r, r.rec[:])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil
	}
	return err == nil, err
}

// syncDir makes a rename last. Where directories cannot be synced the file system does it in its own time.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}
