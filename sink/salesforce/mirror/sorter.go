package mirror

import (
	"cmp"
	"encoding/binary"
	"fmt"

	"sfsync/pipeline/spill"
)

// entry says at which place of the data a record stands whose key has this hash.
type entry struct{ hash, at uint64 }

const (
	entrySize = 16
	// sortMemory is in how many bytes the entries are sorted.
	sortMemory = 4 << 20
)

func (e entry) compare(f entry) int {
	if e.hash != f.hash {
		return cmp.Compare(e.hash, f.hash)
	}
	return cmp.Compare(e.at, f.at)
}

func (e entry) append(dst []byte) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(dst, e.hash), e.at)
}

func readEntry(b []byte) entry {
	return entry{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

// tempPattern names the temporary files.
const tempPattern = "sfsync-lookup-*"

func newSorter(dir string, memory int) *spill.Sorter[entry] {
	kind := spill.Kind[entry]{Size: entrySize, Put: func(b []byte, e entry) { e.append(b[:0]) }, Get: readEntry, Compare: entry.compare}
	return spill.NewSorter(kind, dir, tempPattern, memory)
}

func newTemp(dir string) (*spill.File, error) {
	f, err := spill.Create(dir, tempPattern)
	if err != nil {
		return nil, fmt.Errorf("keep a copy for lookups: %w", err)
	}
	return f, nil
}
