package arrowtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"sfsync/pipeline/row"
	reader "sfsync/pipeline/source/parquet"
)

// beside is what reading takes beside its budget: batches, of up to 32 MiB with a row of the longest
// kind, their bookkeeping, and what waits for the garbage collector.
const beside = 48 << 20

var mutations = flag.Duration("mutate", 2*time.Second, "how long to read damaged files")

// damage changes a file in a few places.
func damage(rng *rand.Rand, data []byte) []byte {
	data = bytes.Clone(data)
	for range 1 + rng.IntN(6) {
		at := rng.IntN(len(data))
		if rng.IntN(2) == 0 && len(data) > 300 { // the footer and the first headers decide the most
			at = len(data) - 9 - rng.IntN(min(len(data)-20, 1200))
			if rng.IntN(3) == 0 {
				at = 4 + rng.IntN(60)
			}
		}
		switch rng.IntN(8) {
		case 0:
			data[at] ^= 1 << rng.IntN(8)
		case 1:
			data[at] = byte(rng.Uint32())
		case 2:
			data[at] = []byte{0, 1, 0x7F, 0x80, 0xFF, 0xFE, 0x15, 0x19, 0x1C}[rng.IntN(9)]
		case 3: // a number that is much too large
			big := binary.AppendUvarint(nil, rng.Uint64()>>rng.IntN(64))
			copy(data[at:], big)
		case 4:
			n := min(1+rng.IntN(16), len(data)-at)
			copy(data[at:at+n], data[rng.IntN(len(data)-n+1):])
		case 5: // one byte more or less; the length of the footer stays
			if rng.IntN(2) == 0 && len(data) > 50 {
				data = append(data[:at:at], data[at+1:]...)
			} else {
				data = append(data[:at:at], append([]byte{byte(rng.Uint32())}, data[at:]...)...)
			}
		case 6:
			if rng.IntN(10) == 0 {
				data = data[:max(at, 12)]
			}
		case 7:
			binary.LittleEndian.PutUint32(data[min(at, len(data)-4):], uint32([]int64{-1, 0, 1 << 31, 1<<31 - 1, 1 << 20, int64(rng.IntN(1 << 16))}[rng.IntN(6)]))
		}
	}
	return data
}

// drain reads all of a file and returns what ended it.
func drain(data []byte, memory int64, rows *int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	f, err := reader.Open(ctx, bytes.NewReader(data), int64(len(data)), reader.Options{Memory: memory})
	if err != nil {
		return err
	}
	cols := make([]row.Column, len(f.Columns()))
	for i, c := range f.Columns() {
		cols[i].Name = strings.Join(c.Path, ".")
	}
	schema, pool := row.NewSchema(cols...), row.Pool{}
	r, err := f.ReadRows(nil, schema, &pool)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range b.Len() {
			for c := range cols {
				_ = b.Cell(i, c)
			}
		}
		*rows += b.Len()
		b.Free()
	}
}

// peak watches how large the heap becomes while f runs, in bytes above what it was before.
func peak(f func()) int64 {
	heap := func() int64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(s)
		return int64(s[0].Value.Uint64())
	}
	runtime.GC()
	before, most := heap(), int64(0)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(200 * time.Microsecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				most = max(most, heap()-before)
			}
		}
	}()
	f()
	close(done)
	<-stopped
	return max(most, heap()-before)
}

// TestDamaged reads damaged files: each ends with its rows or with an error, in bounded time
// and memory, and never by a recovered panic.
func TestDamaged(t *testing.T) {
	const maxTime = 5 * time.Second // of a processor, since the machine may have other things to do
	allocs := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	n, readable := 0, 0
	var mostAllocated, mostPeak int64
	var mostTime time.Duration
	end := time.Now().Add(*mutations)
	for s := *seed; time.Now().Before(end); s++ {
		rng := rand.New(rand.NewPCG(s, 1))
		tab := randomTable(rng)
		if len(tab.rows) > 300 {
			tab.rows = tab.rows[:300]
		}
		data, _, err := tab.write(rng)
		if err != nil {
			continue
		}
		for i := range 50 {
			bad := damage(rng, data)
			memory := []int64{1 << 20, 8 << 20, 64 << 20}[rng.IntN(3)]
			read := func(rows *int) error { return drain(bad, memory, rows) }
			metrics.Read(allocs)
			before, began := allocs[0].Value.Uint64(), cpuTime()
			rows := 0
			err := read(&rows)
			took := cpuTime() - began
			metrics.Read(allocs)
			allocated := int64(allocs[0].Value.Uint64() - before)
			n++
			if err == nil {
				readable++
			}
			if errors.Is(err, reader.ErrInternal) || took > maxTime {
				t.Fatalf("seed %d, file %d: %d rows in %v, %d MB allocated: %v", s, i, rows, took, allocated>>20, err)
			}
			mostAllocated, mostTime = max(mostAllocated, allocated), max(mostTime, took)
			// What is allocated in all bounds what is held at a time, and is much cheaper to know.
			if most := memory + beside; allocated > most {
				held := peak(func() { _ = read(&rows) })
				if mostPeak = max(mostPeak, held); held > most {
					t.Fatalf("seed %d, file %d: %d rows take %d MB of %d: %v", s, i, rows, held>>20, memory>>20, err)
				}
			}
		}
	}
	t.Logf("%d damaged files, %d of them readable; at most %v of a processor, %d MB allocated in all, %d MB at a time where it was much",
		n, readable, mostTime.Round(time.Millisecond), mostAllocated>>20, mostPeak>>20)
}
