package row

import (
	"hash/crc32"
	"hash/maphash"
)

var seed = maphash.MakeSeed() //nolint:gochecknoglobals // never changed

// Hash returns a 64-bit hash of a key, the same for equal keys within one process. Two
// keys may share a hash, so it may only decide what is safe either way (such as holding
// a row back).
func Hash(key string) uint64 { return maphash.String(seed, key) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli) //nolint:gochecknoglobals // never changed

// Checksum returns a checksum (CRC-32C) over all the batch holds: the names of its columns, lines,
// kinds and text. It is the same in every process, so that a resumed run can tell whether its input is
// still the one it began with.
func (b *Batch) Checksum() uint32 {
	sum := crc32.Update(0, castagnoli, b.arena)
	var buf [16]byte
	for i, k := range b.kinds {
		n := b.cells[i].end - b.cells[i].off
		four := buf[4*(i%4):]
		four[0], four[1], four[2], four[3] = byte(k), byte(n), byte(n>>8), byte(n>>16)
		if i%4 == 3 {
			sum = crc32.Update(sum, castagnoli, buf[:])
		}
	}
	sum = crc32.Update(sum, castagnoli, buf[:])
	for _, l := range b.lines {
		for j := range 8 {
			buf[j] = byte(l >> (8 * j))
		}
		sum = crc32.Update(sum, castagnoli, buf[:8])
	}
	var name []byte
	for _, c := range b.schema.Columns {
		name = append(append(name[:0], c.Name...), 0)
		sum = crc32.Update(sum, castagnoli, name)
	}
	return sum
}
